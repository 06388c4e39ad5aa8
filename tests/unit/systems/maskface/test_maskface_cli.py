"""`limner generate maskface`: every mode writes the faces of the Python call; contradictions are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner.cli.main import main
from limner.systems.maskface.pipeline import MaskFacePipeline


@pytest.fixture
def files(tmp_path: Path, make_pipeline) -> dict[str, Path]:
    """Weights, two maps, two photos, a folder of three."""
    make_pipeline().save_pretrained(tmp_path / "weights")
    random = np.random.default_rng(0)
    found = {"weights": tmp_path / "weights", "out": tmp_path / "out", "photos": tmp_path / "photos"}
    found["photos"].mkdir()
    for index in range(3):
        Image.new("RGB", (32, 32)).save(found["photos"] / f"{index}.png")
    for index in range(2):
        ids = np.zeros((32, 32), np.uint8)
        ids[6:28, 8 - index : 24] = 1
        found[f"map{index}"], found[f"photo{index}"] = tmp_path / f"map{index}.png", tmp_path / f"photo{index}.png"
        Image.fromarray(ids).save(found[f"map{index}"])
        Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(found[f"photo{index}"])
    return found


def run(files: dict[str, Path], capsys, *words: object, out: Path | None = None) -> list[Path]:
    command = ["generate", "maskface", "--weights", files["weights"], *words, "--out", out or files["out"], "--json"]
    assert main([str(word) for word in command]) == 0
    return [Path(path) for path in json.loads(capsys.readouterr().out)["written"]]


def shown(paths: list[Path]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in paths])


def test_every_mode_is_the_python_call(files, capsys, tmp_path):
    pipe = MaskFacePipeline.from_pretrained(files["weights"])
    maps, photos = [files["map0"], files["map1"]], [files["photo0"], files["photo1"]]
    modes = {
        "seeds": (["--label-map", maps[0], "--num-images", 2, "--seed", 3], pipe.sample(maps[0], seed=3, num_images=2)),
        "photos": (["--label-map", maps[0], "--photo", *photos], pipe.stylize(maps[0], photos)),
        "grid": (["--label-map", *maps, "--num-images", 2, "--grid"], pipe.stylize(maps, [0, 1])),
        "grid-photos": (["--label-map", *maps, "--photo", *photos, "--grid"], pipe.stylize(maps, photos)),
        "walk": (
            ["--label-map", maps[0], "--interpolate", "--seed", 2, "--to-seed", 5, "--steps", 3],
            pipe.interpolate(maps[0], 2, 5, steps=3),
        ),
        "walk-photos": (
            ["--label-map", *maps, "--interpolate", "--photo", *photos],
            pipe.interpolate(maps, *photos),
        ),
    }
    for mode, (words, expected) in modes.items():
        written = run(files, capsys, *words, out=tmp_path / mode)
        assert np.array_equal(shown(written), np.stack([np.asarray(image) for image in expected.images])), mode
    like = ["--label-map", maps[1], "--like", tmp_path / "photos" / "result.json"]
    assert np.array_equal(
        shown(run(files, capsys, *like, out=tmp_path / "like")),
        np.stack([np.asarray(image) for image in pipe.stylize(maps[1], photos).images]),
    )
    assert run(files, capsys, *like, out=tmp_path / "like") == [], "what is there is not drawn again"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "--label-map is missing"),
        (["--label-map", "map0", "--grid", "--interpolate"], "--grid and --interpolate cannot go together"),
        (["--label-map", "map0", "--steps", "3"], "--steps has no effect"),
        (["--label-map", "map0", "--photo", "photo0", "--num-images", "3"], "--num-images has no effect"),
        (["--label-map", "map0", "--photo", "photo0", "photo0", "photo1", "--interpolate"], "but 3 were given"),
        (["--label-map", "map0", "--photo", "photos", "--interpolate"], "but 3 were given"),
        (["--label-map", "map0", "--photo", "photo0", "photo1", "--interpolate", "--to-seed", "5"], "--to-seed has no"),
        (["--label-map", "map0", "--like", "result.json", "--batch-size", "2"], "--batch-size has no effect"),
        (["--label-map", "nowhere.png"], "nowhere.png is missing"),
        (["--label-map", "map0", "--grid", "--num-images", "5000"], "--num-images is 5000"),
    ],
)
def test_contradictions_are_refused(files, capsys, words, text):
    words = [str(files.get(word, word)) for word in words]
    code = main(["generate", "maskface", "--weights", str(files["weights"]), *words, "--out", str(files["out"])])
    error = capsys.readouterr().err
    assert code in (1, 2) and text in error and error.count("\n") == 1
    assert not files["out"].exists()


def test_a_result_of_other_weights_is_refused(files, capsys, tmp_path, make_pipeline):
    make_pipeline(seed=1).save_pretrained(tmp_path / "other")
    command = ["generate", "maskface", "--label-map", str(files["map0"]), "--json"]
    assert main([*command, "--weights", str(tmp_path / "other"), "--out", str(tmp_path / "earlier")]) == 0
    capsys.readouterr()
    like = ["--like", str(tmp_path / "earlier" / "result.json")]
    assert main([*command, "--weights", str(files["weights"]), *like, "--out", str(files["out"])]) == 1
    error = capsys.readouterr().err
    assert "result.json was drawn by" in error and error.count("\n") == 1
    assert not files["out"].exists()
