"""`--colors`, and how data are read, in every command that reads label maps: one spelling, one meaning."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner import registry
from limner.cli.main import main
from limner.cli.train import read_options
from limner.data.image_io import read_label_map
from limner.data.schema import SCHEMAS
from limner.errors import ConfigError

from ..contract.stored import smoke_pipeline

SCHEMA = SCHEMAS["celebamask-19"]
GREYS = {name: [10 * index + 3] * 3 for index, name in enumerate(SCHEMA.classes)}
"""Of another tool: no palette of ours has them."""

READ_MAPS = [name for name in registry.system_names() if "label_map" in registry.task(name).conditions.values()]
READ_FOLDERS = [name for name in registry.system_names() if "fix_sides" in registry.task(name).data_options]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, drawn_faces: Path, tiny_weights: Path) -> Path:
    root = tmp_path_factory.mktemp("colours")
    shutil.copytree(drawn_faces, root / "faces")
    for file in (root / "faces/CelebAMaskHQ-mask").iterdir():
        ids = read_label_map(file, SCHEMA)
        Image.fromarray((10 * ids + 3).astype(np.uint8)).save(file)
    shutil.copy(root / "faces/CelebAMaskHQ-mask/0.png", root / "map.png")
    shutil.copy(root / "faces/CelebA-HQ-img/0.png", root / "photo.png")
    (root / "own.json").write_text(json.dumps(GREYS))
    shutil.copytree(tiny_weights, root / "scgan")
    for system in ("parser", "portrait"):
        smoke_pipeline(system, drawn_faces).save_pretrained(root / system)
    return root


COMMANDS = (
    "generate scgan --weights scgan --label-map map.png",
    "generate portrait --weights portrait --photo photo.png --map map.png --target map.png --schema celebamask-19",
    "data check faces",
    "data check faces --system scgan",
    "data show faces --num 2",
    "data convert faces",
    "data convert map.png --from celebamask-19 --to portrait-11",
    "evaluate parser --weights parser --data faces --split train --num-images 4",
    "train scgan --preset smoke --data faces --train.images 4 --train.num_workers 0 --train.accelerator cpu",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_maps_of_another_tool(command: str, shared: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(shared)
    words = command.split()
    if words[:2] != ["data", "check"]:
        out = tmp_path / ("new.png" if "show" in words or ("convert" in words and "map.png" in words) else "new")
        words += ["--out", str(out)]
    assert main(words) != 0
    error = capsys.readouterr().err
    assert "fault in Limner" not in error
    if "show" not in words:
        shutil.rmtree(tmp_path / "new", ignore_errors=True)
    assert main([*words, "--colors", "own.json"]) == 0, capsys.readouterr().err


def test_the_picture_is_that_of_the_exact_map(shared: Path, tmp_path: Path, drawn_faces: Path) -> None:
    words = ["generate", "scgan", "--weights", str(shared / "scgan"), "--seed", "3", "--label-map"]
    exact = str(drawn_faces / "CelebAMaskHQ-mask/0.png")
    assert main([*words, exact, "--out", str(tmp_path / "exact")]) == 0
    own = ["--colors", str(shared / "own.json"), "--out", str(tmp_path / "own")]
    assert main([*words, str(shared / "map.png"), *own]) == 0
    (name,) = (file.name for file in (tmp_path / "exact").glob("*.png"))
    assert np.array_equal(
        np.asarray(Image.open(tmp_path / "exact" / name)), np.asarray(Image.open(tmp_path / "own" / name))
    )


@pytest.mark.parametrize("system", READ_MAPS)
def test_generate_has_the_option(system: str, capsys) -> None:
    assert main(["generate", system, "--help"]) == 0
    assert "--colors nearest|FILE" in capsys.readouterr().out


def test_without_a_map_it_has_no_effect(shared: Path, tmp_path: Path, capsys) -> None:
    words = ["generate", "scgan", "--weights", str(shared / "scgan"), "--segment", str(shared / "photo.png")]
    assert main([*words, "--colors", "nearest", "--out", str(tmp_path / "new")]) == 2
    assert "--colors is of label maps, but none is given" in capsys.readouterr().err


@pytest.mark.parametrize("system", READ_FOLDERS)
def test_training_has_the_spelling_of_the_other_commands(system: str, tmp_path: Path) -> None:
    words = ["--out", str(tmp_path), "--fix-sides", "--fit", "pad", "--colors=nearest", "--kind", "folder"]
    _, config = read_options(system, ["--preset", "smoke", *words, "--schema", "portrait-11"])
    found = config.dataset
    assert (found.fix_sides, found.fit, found.colors, found.kind) == (True, "pad", "nearest", "folder")
    assert found.schema == "portrait-11"


def test_training_takes_attributes_in_the_same_words(tmp_path: Path) -> None:
    for words in (["--attributes", "Male", "Young"], ["--attributes=Male"], ["--attributes"]):
        _, config = read_options("scgan", ["--preset", "smoke", *words, "--out", str(tmp_path)])
        assert config.dataset.attributes == (("Male", "Young") if words[1:] else ("Male",) if "=" in words[0] else ())
    with pytest.raises(ConfigError, match='no option "--attributes"'):  # it learns from none
        read_options("spade", ["--preset", "smoke", "--attributes", "Male", "--out", str(tmp_path)])


@pytest.mark.parametrize("verb", ["check", "show", "convert"])
def test_data_has_the_spelling_of_the_other_commands(verb: str, capsys) -> None:
    assert main(["data", verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert "--fix-sides" in text and "--colors" in text


@pytest.mark.parametrize("command", ["evaluate", "reproduce"])
@pytest.mark.parametrize("system", READ_FOLDERS)
def test_evaluations_have_the_options(command: str, system: str, capsys) -> None:
    assert main([command, system if command == "evaluate" else "scgan-table", "--help"]) == 0
    text = capsys.readouterr().out
    assert "--fix-sides" in text and "--colors" in text
