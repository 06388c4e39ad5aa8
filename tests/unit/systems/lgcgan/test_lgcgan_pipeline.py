"""What users do with LGcGAN's weights, in Python and on the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from limner.ageing.data import SPEC
from limner.ageing.shapes import AgeShapes
from limner.cli.main import main
from limner.errors import ConfigError, DataError, WeightsError
from limner.people.gallery import ready
from limner.systems.lgcgan.networks import Generator
from limner.systems.lgcgan.pipeline import LGcGANPipeline

PEOPLE = ready("age")[:2]
SIZE = {"image_size": 32, "width": 8, "num_blocks": 1, "kernel": 3}


def pipeline(**changes) -> LGcGANPipeline:
    torch.manual_seed(0)
    networks = {name: Generator(**(SIZE | changes)).eval() for name in ("primal", "inverse")}
    for network in networks.values():
        for parameter in network.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)  # so that ages show
    shapes = AgeShapes(num_groups=10)
    for person in ready("age"):
        points = torch.from_numpy((person.landmarks + 0.5) / 128).float()[None]
        group = sum(person.age_years >= edge for edge in (6, 11, 21, 31, 41, 51, 61, 71, 81))
        shapes.count(points, torch.tensor([group]), torch.tensor([float(int(person.age_years))]))
    return LGcGANPipeline(spec=SPEC, size=32, **networks, shapes=shapes)


@pytest.fixture(scope="module")
def pipe() -> LGcGANPipeline:
    return pipeline()


@pytest.fixture
def photo(tmp_path) -> str:
    path = tmp_path / f"{int(PEOPLE[0].age_years)}_0_0_1.png"
    Image.fromarray(PEOPLE[0].image).save(path)
    np.save(path.with_suffix(".npy"), PEOPLE[0].landmarks)
    return str(path)


def test_ten_ages_of_two_people(pipe, tmp_path) -> None:
    photos, landmarks = [person.image for person in PEOPLE], [person.landmarks for person in PEOPLE]
    result = pipe(photos, landmarks=landmarks)
    assert len(result.images) == 22 and result.images[0].size == (32, 32) and result.settings["columns"] == 11
    assert len({image.tobytes() for image in result.images[1:11]}) == 10  # every age another picture
    alone = pipe(photos[1], landmarks=landmarks[1])
    assert [image.tobytes() for image in alone.images] == [image.tobytes() for image in result.images[11:]]
    result.save(tmp_path / "ages")
    again = pipe.reproduce(tmp_path / "ages/result.json")
    assert [image.tobytes() for image in again.images] == [image.tobytes() for image in result.images]
    with Image.open(tmp_path / "ages" / f"{result.items[1].name}.png") as picture:
        assert "composite" in picture.info["DigitalSourceType"]  # somebody's photo was edited


def test_landmarks_and_years_reach_the_result(pipe) -> None:
    person = PEOPLE[0]
    first, second, between = (
        pipe(person.image, [age], landmarks=person.landmarks).images[1] for age in ("0-5", "80+", 50)
    )
    assert first.tobytes() != second.tobytes() != between.tobytes()
    bent = person.landmarks.copy()
    bent[48:68, 1] += 4
    assert pipe(person.image, ["0-5"], landmarks=bent).images[1].tobytes() != first.tobytes()


def test_older_and_younger(pipe, photo) -> None:
    landmarks = PEOPLE[0].landmarks
    assert pipe.older(photo, 67, landmarks=landmarks).settings["ages"] == ["source", "71-80", "80+"]
    assert pipe.older(photo, 8, direction="younger", landmarks=landmarks).settings["ages"] == ["source", "0-5"]
    assert pipe.older.plan(photo, landmarks=landmarks).settings["ages"]  # the file's name says the age
    with pytest.raises(ConfigError, match="nothing is younger"):
        pipe.older(photo, 3, direction="younger", landmarks=landmarks)
    with pytest.raises(ConfigError, match="not known"):
        pipe.older(PEOPLE[0].image, landmarks=landmarks)
    with pytest.raises(DataError, match="does not say an age"):
        pipe.older("me.png", landmarks=landmarks)
    with pytest.raises(DataError, match=r"81_me\.png cannot be made older.*nothing is older"):
        pipe.older("81_me.png", landmarks=landmarks)


def test_round_trip_attention_and_edits(pipe) -> None:
    person = PEOPLE[0]
    trip = pipe.round_trip(person.image, "80+", 20, landmarks=person.landmarks)
    source, _, back, difference = (np.asarray(image).astype(int) for image in trip.images)
    np.testing.assert_allclose(difference, np.clip(4 * np.abs(back - source), 0, 255), atol=6)  # rounding, times four
    shown = pipe.attention(person.image, ["0-5", "80+"], landmarks=person.landmarks)
    assert shown.settings["columns"] == 5 and len(shown.images) == 10
    edited = pipe.edit(person.image, "21-30", {"open_mouth": 1.0}, landmarks=person.landmarks)
    assert edited.images[1].tobytes() != edited.images[3].tobytes()
    like = pipe.edit(
        person.image, "21-30", like=PEOPLE[1].image, landmarks=person.landmarks, like_landmarks=PEOPLE[1].landmarks
    )
    assert like.images[3].tobytes() != like.images[1].tobytes()
    with pytest.raises(ConfigError, match="either"):
        pipe.edit(person.image, "21-30")


def test_weights_without_what_is_asked_for_say_so() -> None:
    whole, person = pipeline(), PEOPLE[0]
    components = {name: whole.components[name] for name in ("primal", "shapes")}
    one_way = LGcGANPipeline(spec=SPEC, size=32, **components)
    with pytest.raises(WeightsError, match="no way back"):
        one_way.round_trip(person.image, "80+", 20, landmarks=person.landmarks)
    blind = Generator(**SIZE, landmarks="none", attention=False, pixel_attention=False)
    pipe = LGcGANPipeline(spec=SPEC, size=32, primal=blind.eval(), shapes=components["shapes"])
    assert pipe.attention(person.image, ["0-5"], landmarks=person.landmarks).settings["columns"] == 2
    assert pipe.attention(person.image, np.int64(40), landmarks=person.landmarks).settings["ages"] == ["40"]
    with pytest.raises(WeightsError, match="without landmarks"):
        pipe.edit(person.image, "0-5", {"smile": 1.0}, landmarks=person.landmarks)
    with pytest.raises(WeightsError, match="image_size"):
        LGcGANPipeline(spec=SPEC, size=64, **components)


def test_the_whole_photo_keeps_what_did_not_change(pipe) -> None:
    scene = np.full((300, 260, 3), 90, np.uint8)
    scene[120:248, 60:188] = PEOPLE[0].image
    points = PEOPLE[0].landmarks + np.array([60, 120])
    face = pipe.read_face(scene, landmarks=points, align="always")
    aged = pipe(scene, ["80+"], landmarks=points, align="always").images[1]
    whole = np.asarray(pipe.paste_back(face, aged))
    assert whole.shape == scene.shape and np.array_equal(whole[:60], scene[:60])
    assert not np.array_equal(whole[120:248, 60:188], scene[120:248, 60:188])


def test_command_line(pipe, photo, tmp_path, capsys, caplog) -> None:
    weights = tmp_path / "weights"
    pipe.save_pretrained(weights)
    common = ["generate", "lgcgan", "--weights", str(weights), "--photo", photo]
    marks = ["--landmarks", photo.replace(".png", ".npy")]
    out = tmp_path / "out"
    assert main([*common, *marks, "--age", "31-40", "68.5", "--paste-back", "--out", str(out)]) == 0
    record = json.loads((out / "result.json").read_text())
    assert len(record["files"]) == 3 and len(list(out.glob("*-whole.png"))) == 2
    assert main([*common, *marks, "--age", "31-40", "68.5", "--paste-back", "--out", str(out)]) == 0  # done already
    Image.fromarray(PEOPLE[0].image).save(tmp_path / "my.source.png")
    named = [*common[:-1], str(tmp_path / "my.source.png"), *marks, "--age", "68.5", "--paste-back"]
    assert main([*named, "--out", str(tmp_path / "named")]) == 0  # whatever the photo is called
    assert (tmp_path / "named/my_source-68_5-whole.png").is_file()
    walk = [
        *common,
        *marks,
        "--walk",
        "0-5",
        "80+",
        "--steps",
        "5",
        "--motion",
        str(tmp_path / "walk/morph.gif"),
        "--out",
        str(tmp_path / "walk"),
    ]
    assert main(walk) == 0
    assert main(walk) == 0, "a moving picture that is there is no input, and the work is done"
    with Image.open(tmp_path / "walk/morph.gif") as motion:
        assert motion.n_frames == 5
    capsys.readouterr()
    Image.fromarray(PEOPLE[1].image).save(tmp_path / "other.png")
    both = [*common, str(tmp_path / "other.png"), "--age", "70", "--out", str(tmp_path / "both")]
    assert main([*both, *marks]) == 0
    assert "is of one photo, but is taken for all 2" in caplog.text
    wrong = {
        "--photo is missing": ["generate", "lgcgan", "--weights", str(weights), "--out", str(tmp_path / "x")],
        "cannot go together": [*common, "--older", "--younger", "--out", str(tmp_path / "x")],
        "has no effect": [*common, "--older", "--age", "0-5", "--out", str(tmp_path / "x")],
        "must end in": [*common, "--walk", "0-5", "80+", "--motion", "morph.avi", "--out", str(tmp_path / "x")],
        "one --age": [*common, "--round-trip", "--out", str(tmp_path / "x")],
    }
    for words, argv in wrong.items():
        assert main(argv) == 2
        assert words in capsys.readouterr().err


def test_a_face_on_its_side_and_no_picture_are_refused(pipe, tmp_path) -> None:
    turned = np.ascontiguousarray(np.rot90(PEOPLE[0].image))
    points = np.stack([PEOPLE[0].landmarks[:, 1], 127 - PEOPLE[0].landmarks[:, 0]], axis=1)
    with pytest.raises(DataError, match="upright"):
        pipe(turned, landmarks=points, align="never")
    (tmp_path / "no.jpg").write_bytes(b"nothing")
    with pytest.raises(DataError):
        pipe(str(tmp_path / "no.jpg"), landmarks=points)
    with pytest.raises(ConfigError, match="landmarks for"):
        pipe([PEOPLE[0].image, PEOPLE[1].image], landmarks=[points])


def test_what_is_of_one_photo_is_refused_for_several(pipe) -> None:
    two, marks = [person.image for person in PEOPLE], [person.landmarks for person in PEOPLE]
    for ask in (
        lambda: pipe.walk(two, landmarks=marks),
        lambda: pipe.attention(two, landmarks=marks),
        lambda: pipe.edit(two, 30, {"smile": 1}, landmarks=marks),
        lambda: pipe.edit(two[0], 30, like=two, landmarks=marks[0], like_landmarks=marks),
        lambda: pipe.read_face(two, landmarks=marks),
    ):
        with pytest.raises(ConfigError, match="This is of one photo, but 2 were given"):
            ask()
    assert pipe.read_face(two[:1], landmarks=marks[:1]).measured
