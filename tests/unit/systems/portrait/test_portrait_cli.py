"""`limner generate portrait`: every mode writes the pictures of the Python call; contradictions are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner.cli.main import main
from limner.data.image_io import read_label_map, save_label_map
from limner.data.schema import converter, get_schema
from limner.data.transforms import resize_image, resize_label_map
from limner.people.gallery import ready
from limner.systems.portrait.pipeline import PortraitPipeline

SCHEMA = get_schema("portrait-11")


@pytest.fixture(scope="module")
def faces() -> list[tuple[np.ndarray, np.ndarray]]:
    """Two ready-made people: (64, 64, 3) photo, (64, 64) ids of portrait-11."""
    table = converter("celebamask-19", SCHEMA)
    return [
        (resize_image(person.image, 64), resize_label_map(table[person.label_map], 64)) for person in ready("face")[:2]
    ]


@pytest.fixture
def files(tmp_path: Path, make_pipeline, face_parser, faces) -> dict[str, Path]:
    """Weights, two photos, their maps."""
    pipeline = make_pipeline()
    pipeline.components["parser"] = face_parser
    pipeline.save_pretrained(tmp_path / "weights")
    found = {"weights": tmp_path / "weights", "out": tmp_path / "out"}
    for index in range(2):
        found[f"photo{index}"], found[f"map{index}"] = tmp_path / f"photo{index}.png", tmp_path / f"map{index}.png"
        Image.fromarray(faces[index][0]).save(found[f"photo{index}"])
        save_label_map(found[f"map{index}"], faces[index][1], SCHEMA)
    return found


@pytest.fixture
def run(files, capsys):
    """`run(*words, out=...)`: the written files."""

    def call(*words: object, out: Path) -> list[Path]:
        command = ["generate", "portrait", "--weights", files["weights"], *words, "--out", out, "--json"]
        assert main([str(word) for word in command]) == 0
        return [Path(path) for path in json.loads(capsys.readouterr().out)["written"]]

    return call


def shown(paths: list[Path]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in paths])


def test_every_mode_is_the_python_call(files, run, tmp_path):
    pipe = PortraitPipeline.from_pretrained(files["weights"])
    me, you = files["photo0"], files["photo1"]
    pipe.set_image(me)
    modes = {
        "swap": (["--hair", you, "--left-eye", you], pipe.swap(hair=you, left_eye=you)),
        "eyes": (["--left-eye", you, "--eyes", me, "--face", me], pipe.swap(face=me, eyes=me, left_eye=you)),
        "face": (["--face", you, "--skin", me], pipe.swap(face=you, skin=me)),
        "target": (["--target", files["map1"]], pipe.repaint(files["map1"])),
        "gallery": (["--gallery", me, you], pipe.gallery([me, you])),
        "walk": (["--hair", you, "--steps", 3], pipe.interpolate(hair=you, steps=3)),
    }
    for mode, (words, expected) in modes.items():
        written = run("--photo", me, *words, out=tmp_path / mode)
        assert np.array_equal(shown(written), np.stack([np.asarray(image) for image in expected.images])), mode
    pipe.set_image(me, files["map0"])
    written = run("--photo", me, "--map", files["map0"], out=tmp_path / "map")
    assert np.array_equal(shown(written)[0], np.asarray(pipe.swap().images[0]))
    assert run("--photo", me, "--gallery", me, you, out=tmp_path / "gallery") == [], "what is there is skipped"


def test_pasted_pictures_stand_beside(files, run, tmp_path):
    written = run("--photo", files["photo0"], "--hair", files["photo1"], "--paste-back", out=tmp_path / "out")
    assert [path.name for path in written] == ["swap-hair.png", "pasted-swap-hair.png"]
    info = Image.open(written[1]).info
    assert info["limner:system"] == "portrait" and "Edited from a photo" in info["Disclaimer"]
    assert info["DigitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia") and "limner:seed" not in info
    assert run("--photo", files["photo0"], "--hair", files["photo1"], "--paste-back", out=tmp_path / "out") == []


def test_pasted_pictures_can_be_asked_for_later(files, run, tmp_path):
    words = ("--photo", files["photo0"], "--hair", files["photo1"], "--steps", 2)
    plain = run(*words, out=tmp_path / "out")
    before = shown(plain)
    both = run(*words, "--paste-back", out=tmp_path / "out")
    assert both[:2] == plain and [path.name for path in both[2:]] == [f"pasted-{path.name}" for path in plain]
    assert np.array_equal(shown(plain), before)
    assert run(*words, "--paste-back", out=tmp_path / "out") == [] and run(*words, out=tmp_path / "out") == []
    pipe = PortraitPipeline.from_pretrained(files["weights"])
    sitter = pipe.sit(files["photo0"])
    expected = sitter.paste_back(sitter.interpolate(hair=files["photo1"], steps=2))
    assert np.array_equal(shown(both[2:]), np.stack([np.asarray(picture) for picture in expected]))


def test_photos_are_parsed(files, run, tmp_path, faces):
    run("--parse", files["photo0"], files["photo1"], out=tmp_path / "maps")
    for index in range(2):
        assert (read_label_map(tmp_path / f"maps/photo{index}.png", SCHEMA) == faces[index][1]).mean() > 0.8


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "--photo is missing"),
        (["--photo", "photo0", "--steps", "3"], "name at least one"),
        (["--photo", "photo0", "--gallery", "photo1", "--hair", "photo1"], "--hair has no effect with --gallery"),
        (["--photo", "photo0", "--gallery", "photo1", "--steps", "3"], "--gallery and --steps cannot go together"),
        (["--parse", "photo0", "--paste-back"], "--paste-back has no effect"),
        (["--parse", "photo0", "--schema", "nonsense"], "--schema has no effect with --parse"),
        (["--photo", "photo0", "--schema", "nonsense"], "--schema is that of --map and --target"),
        (["--photo", "photo0", "--target", "map0", "--schema", "nonsense"], "nonsense"),
        (["--photo", "photo0", "photo1", "--map", "map0"], "--map is the map of one photo"),
        (["--photo", "nowhere.jpg"], "nowhere.jpg is missing"),
    ],
)
def test_contradictions_are_refused(files, capsys, words, text):
    words = [str(files.get(word, word)) for word in words]
    code = main(["generate", "portrait", "--weights", str(files["weights"]), *words, "--out", str(files["out"])])
    error = capsys.readouterr().err
    assert code in (1, 2) and text in error and error.count("\n") == 1
    assert not files["out"].exists()
