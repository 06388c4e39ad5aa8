"""Inference of SCA-GAN on stick people: poses, sequences, other clothes, drawn edges, and what is refused."""

from __future__ import annotations

import importlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from limner.cli.main import main
from limner.errors import ConfigError, DataError, ShapeError, WeightsError
from limner.pose_transfer.poses import Pose, write_pose
from limner.results import read_result
from limner.systems.scagan.pipeline import SCAGANPipeline
from limner.systems.scagan.presets import PRESETS
from limner.systems.scagan.system import SCAGAN
from tests.stick_people import draw, pose, write_stick_people


def build(folder, preset="smoke", **model):
    config = PRESETS[preset]()
    config = replace(config, model=replace(config.model, **model))
    torch.manual_seed(0)
    system = SCAGAN(config, SCAGAN.open_data(config, folder).spec)
    return system.pipeline(dict(system.networks))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_stick_people(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def pipe(folder):
    return build(folder)


@pytest.fixture(scope="module")
def people():
    random = np.random.default_rng(5)
    points = [pose(random) for _ in range(3)]
    return [
        (draw(one, colour, (40, 40, 90)), one) for one, colour in zip(points, ["red", "green", "blue"], strict=True)
    ]


def test_one_photo_in_several_poses(pipe, people):
    (photo, source), (_, first), (_, second) = people
    result = pipe(photo, [first, second], source_pose=source, seed=3, num_images=2)
    assert len(result.images) == 4 and result.images[0].size == (44, 64) and result.plan.from_photo
    again = pipe(photo, second, source_pose=source, seed=4)
    assert np.array_equal(np.asarray(again.images[0]), np.asarray(result.images[3]))
    assert not np.array_equal(np.asarray(result.images[2]), np.asarray(result.images[3]))


def test_views_beside_the_picture(pipe, people):
    (photo, source), (_, wanted), _ = people
    views = ["source", "pose", "edges", "plates", "content", "moved", "picture"]
    result = pipe(photo, wanted, source_pose=source, show=views)
    assert [item.name for item in result.items][:2] == ["photo-pose-source", "photo-pose-pose"]
    shown = dict(zip(views, (np.asarray(image) for image in result.images), strict=True))
    assert shown["edges"].mean() > 128 and (np.ptp(shown["edges"], axis=2) == 0).all(), "dark lines on white"
    assert (shown["plates"] < 128).any() and shown["pose"].max() > 200
    with pytest.raises(ConfigError, match="show is wings; it must be some of"):
        pipe.plan(photo, wanted, source_pose=source, show=["wings"])


def test_edges_that_were_shown_can_be_painted_again(pipe, people):
    (photo, source), (_, wanted), _ = people
    content, picture = pipe(photo, wanted, source_pose=source, show=["content", "picture"]).images
    same = pipe.redraw(photo, wanted, content, source_pose=source).images[0]
    assert np.abs(np.asarray(same).astype(int) - np.asarray(picture)).max() <= 3, "edges went through 256 levels"
    other = np.asarray(content).copy()
    other[20:44, 10:34] = 0
    changed = pipe.redraw(photo, wanted, other, source_pose=source).images[0]
    assert np.abs(np.asarray(changed).astype(int) - np.asarray(picture)).max() > 0
    with pytest.raises(DataError, match="must have the proportions of 44x64"):
        pipe.redraw.plan(photo, wanted, np.zeros((20, 64, 3), np.uint8), source_pose=source)


def test_clothes_of_another_person(pipe, people):
    (photo, source), (other, others), (_, third) = people
    plan = pipe.dress.plan(photo, other, source_pose=source, clothes_pose=others)
    own = pipe.plan(photo, source, source_pose=source)
    assert np.array_equal(plan.conditions["edges"], own.conditions["edges"])
    assert not np.array_equal(plan.conditions["image"], own.conditions["image"])
    assert np.array_equal(plan.conditions["points"], own.conditions["points"])
    moved = pipe.dress.plan(photo, other, pose=third, source_pose=source, clothes_pose=others)
    assert plan.conditions["is_content"] == 1 and moved.conditions["is_content"] == 0
    assert pipe.render(moved).images[0].size == (44, 64)


def test_a_sequence_has_one_seed(pipe, people, tmp_path):
    (photo, source), (_, wanted), _ = people
    result = pipe.sequence(photo, [source, wanted, wanted], steps=3, source_pose=source, seed=7)
    assert len(result.images) == 7 and set(result.seeds) == {7}
    last = [np.asarray(image) for image in result.images[3:]]
    assert all(np.array_equal(last[0], one) for one in last[1:]), "equal poses give equal pictures: nothing flickers"
    path = tmp_path / "poses"
    path.mkdir()
    for number, points in enumerate((source, wanted)):
        write_pose(path / f"{number}.json", Pose(points))
    assert len(pipe.sequence.plan(photo, path, steps=2, interpolation="cubic", source_pose=source).seeds) == 3


def test_a_sequence_keeps_the_photos_background_unless_it_is_refused(pipe, people):
    (photo, source), (_, wanted), _ = people
    photo = photo.copy()
    photo[:24, :12] = (20, 90, 160)
    way = dict(steps=3, source_pose=source, seed=7)
    plain = pipe.sequence(photo, [source, wanted], **way, keep_background=False)
    assert "keep_background" not in {**plain.plan.conditions, **plain.plan.settings}, "results on record keep digests"
    kept = pipe.sequence(photo, [source, wanted], **way)
    assert kept.plan.settings["keep_background"] is True and kept.plan.digest("", "") != plain.plan.digest("", "")
    frames = np.stack([np.asarray(image).astype(int) for image in kept.images])
    far = frames[:, :11, :5]  # of the blue corner; nobody is near
    assert np.abs(np.diff(far, axis=0)).max() <= 2 and np.abs(far - (20, 90, 160)).max() <= 2
    assert not np.array_equal(frames, np.stack([np.asarray(image) for image in plain.images]))
    for number, points in enumerate(kept.plan.conditions["points"]):
        alone = pipe(
            photo, points * 2 + 0.5, source_pose=source, seed=7, keep_background=True, show=["pose", "picture"]
        )
        assert np.abs(np.asarray(alone.images[1]).astype(int) - frames[number]).max() <= 1, "as one of the sequence"
    stored = type(kept.plan).from_json(json.loads(json.dumps(kept.plan.to_json())))
    assert np.array_equal(np.asarray(pipe.render(stored).images[0]), np.asarray(kept.images[0]))


def test_variants_paint_too(folder, people):
    (photo, source), (_, wanted), _ = people
    plain = np.asarray(build(folder)(photo, wanted, source_pose=source).images[0])
    for model in ({"content": "none"}, {"prior_transfer": False}, {"latent_size": 0}, {"moved_photo": True}):
        pipe = build(folder, **model)
        assert not np.array_equal(np.asarray(pipe(photo, wanted, source_pose=source).images[0]), plain)
    none = build(folder, content="none")
    with pytest.raises(WeightsError, match="paint without edges"):
        none.redraw.plan(photo, wanted, photo, source_pose=source)


def test_a_moved_photo_is_that_of_the_clothes(folder, people):
    (photo, source), (other, others), (_, wanted) = people
    pipe = build(folder, moved_photo=True)
    dressed = pipe.dress(photo, other, pose=wanted, source_pose=source, clothes_pose=others, show=["picture", "moved"])
    alone = pipe(other, wanted, source_pose=others, show=["moved"])
    assert np.array_equal(np.asarray(dressed.images[1]), np.asarray(alone.images[0]))
    plain = build(folder).dress(photo, other, pose=wanted, source_pose=source, clothes_pose=others, show=["moved"])
    assert np.array_equal(np.asarray(plain.images[0]), np.asarray(alone.images[0])), "whatever weights show it"
    assert np.array_equal(
        dressed.plan.conditions["source_points"],
        pipe.plan(photo, wanted, source_pose=source).conditions["source_points"],
    )
    assert (
        "style_points" not in build(folder).dress.plan(photo, other, source_pose=source, clothes_pose=others).conditions
    )
    stored = type(dressed.plan).from_json(json.loads(json.dumps(dressed.plan.to_json())))
    assert np.array_equal(np.asarray(pipe.render(stored).images[0]), np.asarray(dressed.images[0]))
    far = replace(stored, conditions={**stored.conditions, "style_points": stored.conditions["style_points"] + 1e9})
    with pytest.raises(ShapeError, match='"style_points" has points without end'):
        pipe.render(far)


def test_weights_of_stage_content_show_edges_only(folder, people):
    (photo, source), (_, wanted), _ = people
    pipe = build(folder, "smoke-content")
    assert len(pipe(photo, wanted, source_pose=source, show=["edges", "content"]).images) == 2
    with pytest.raises(ConfigError, match="of stage content"):
        pipe(photo, wanted, source_pose=source)


def test_saved_weights_draw_the_same(pipe, people, tmp_path):
    (photo, source), (_, wanted), _ = people
    loaded = SCAGANPipeline.from_pretrained(pipe.save_pretrained(tmp_path / "weights"))
    first, second = (one(photo, wanted, source_pose=source).images[0] for one in (pipe, loaded))
    assert np.array_equal(np.asarray(first), np.asarray(second))


def test_the_command_writes_a_folder_a_photo_and_a_moving_picture(pipe, people, tmp_path, capsys):
    weights = pipe.save_pretrained(tmp_path / "weights")
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, (photo, points) in enumerate(people[:2]):
        Image.fromarray(photo).save(photos / f"{number}.png")
        write_pose(photos / f"{number}.json", Pose(points))
    write_pose(tmp_path / "pose.json", Pose(people[2][1]))
    shutil.copy(photos / "0.png", tmp_path / "me.v2.png")
    named = pipe.plan(str(tmp_path / "me.v2.png"), tmp_path / "pose.json", source_pose=people[0][1])
    assert [item.name for item in named.items] == ["me_v2-pose"], "a dot in a name cuts nothing off"
    command = ["generate", "scagan", "--weights", str(weights), "--photo"]
    assert main([*command, str(photos), "--pose", str(tmp_path / "pose.json"), "--out", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.png") if "sheet" not in path.name) == [
        "0-pose.png",
        "1-pose.png",
    ]
    poses = tmp_path / "poses.json"
    poses.write_text(json.dumps([one.tolist() for _, one in people]))
    walk = ["--poses", str(poses), "--steps", "2", "--motion", "walk.gif"]
    walk += ["--out", str(tmp_path / "walk")]
    for _ in range(2):
        assert main([*command, str(photos / "0.png"), *walk]) == 0
    assert "already" in capsys.readouterr().out or (tmp_path / "walk/walk.gif").is_file()
    with Image.open(tmp_path / "walk/walk.gif") as moving:
        assert moving.n_frames == 5
    settings = read_result(tmp_path / "walk/result.json")["plan"].settings
    assert settings["mode"] == "sequence" and settings["keep_background"] is True
    assert main([*command, str(photos / "0.png"), *walk[:-1], str(tmp_path / "own"), "--no-keep-background"]) == 0
    assert "keep_background" not in read_result(tmp_path / "own/result.json")["plan"].settings
    assert (
        main([*command, str(photos / "0.png"), "--clothes", str(photos / "1.png"), "--out", str(tmp_path / "d")]) == 0
    )


def test_a_sequence_as_video_is_written_once(pipe, people, tmp_path):
    media = pytest.importorskip("av") and importlib.import_module("limner.media")
    weights = pipe.save_pretrained(tmp_path / "weights")
    (photo, source), (_, wanted), _ = people
    Image.fromarray(photo).save(tmp_path / "a.png")
    write_pose(tmp_path / "a.json", Pose(source))
    (tmp_path / "poses.json").write_text(json.dumps([source.tolist(), wanted.tolist()]))
    command = ["generate", "scagan", "--weights", str(weights), "--photo", str(tmp_path / "a.png")]
    command += ["--poses", str(tmp_path / "poses.json"), "--steps", "4", "--motion", str(tmp_path / "out/walk.mp4")]
    command += ["--frames-per-second", "5", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    info = media.read_info(tmp_path / "out/walk.mp4")
    assert info.size == (64, 44) and info.frames_per_second == 5
    assert len(list(media.read_frames(tmp_path / "out/walk.mp4"))) == 5
    written = (tmp_path / "out/walk.mp4").stat().st_mtime_ns
    assert main(command) == 0, "what is there is not made again, and is no input that must not be replaced"
    assert (tmp_path / "out/walk.mp4").stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--photo and --pose are missing"),
        (["--pose", "pose.json", "--poses", "pose.json", "--photo", "a.png"], "--pose has no effect with --poses"),
        (["--photo", "a.png", "--pose", "pose.json", "--motion", "x.gif"], "--motion has no effect with single poses"),
        (["--photo", "a.png", "--poses", "pose.json", "--motion", "x.txt"], "must end in .gif or .mp4"),
        (["--photo", "a.png", "--clothes", "a.png", "--content", "a.png", "--pose", "pose.json"], "cannot go together"),
        (["--photo", "a.png", "--clothes", "a.png", "--keep-background"], "--keep-background has no effect with"),
        (["--photo", "a.png", "--clothes", "a.png", "--no-keep-background"], "--no-keep-background has no effect with"),
        (["--photo", "a.png", "--pose", "two.json"], "has 2 people"),
        (["--photo", "a.png", "--pose", "none.json"], "none.json"),
    ],
)
def test_the_command_refuses_in_one_sentence(pipe, people, words, says, tmp_path, capsys, monkeypatch):
    weights = pipe.save_pretrained(tmp_path / "weights")
    (photo, source), (_, wanted), _ = people
    for name in ("a.png", "b.png"):
        Image.fromarray(photo).save(tmp_path / name)
    write_pose(tmp_path / "a.json", Pose(source))
    write_pose(tmp_path / "pose.json", Pose(wanted))
    (tmp_path / "two.json").write_text(json.dumps({"people": [{}, {}]}))
    monkeypatch.chdir(tmp_path)
    assert main(["generate", "scagan", "--weights", str(weights), "--out", "out", *words]) in (1, 2)
    error = capsys.readouterr().err.strip()
    assert says in error and "fault" not in error and error.count("\n") == 0


def test_one_pose_for_several_photos_is_warned_of(pipe, people, tmp_path, caplog):
    weights = pipe.save_pretrained(tmp_path / "weights")
    (photo, source), (_, wanted), _ = people
    (tmp_path / "photos").mkdir()
    for name in ("a", "b"):
        Image.fromarray(photo).save(tmp_path / f"photos/{name}.png")
        write_pose(tmp_path / f"photos/{name}.json", Pose(source))
    write_pose(tmp_path / "pose.json", Pose(wanted))
    command = ["generate", "scagan", "--weights", str(weights), "--photo", str(tmp_path / "photos")]
    command += ["--pose", str(tmp_path / "pose.json"), "--source-pose"]
    assert main([*command, str(tmp_path / "photos"), "--out", str(tmp_path / "each")]) == 0
    assert "one photo" not in caplog.text, "each has its own, and the wanted pose is of all"
    assert main([*command, str(tmp_path / "photos/a.json"), "--out", str(tmp_path / "one")]) == 0
    assert "a.json is of one photo, but is taken for all 2" in caplog.text
