""" "~" in Python: every public function that takes a path looks in the home folder, and none writes beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

import limner
from limner import hub, registry
from limner.ageing.landmark_files import LandmarkFiles
from limner.backbones.state import read_state
from limner.data import convert, image_io, manifest, schema
from limner.data.captions import END, Vocabulary
from limner.data.datasets.images import open_pictures
from limner.data.drawn import write_drawn_faces
from limner.engine.data import open_label_maps
from limner.errors import ConfigError, DataError, LimnerError, WeightsError
from limner.export.networks import export_network
from limner.files import at_home
from limner.metrics.report import EvaluationReport
from limner.people.write import write_people
from limner.pose_transfer.poses import Pose, read_pose, read_poses, write_pose
from limner.results import read_result
from limner.systems.painter.baselines import random_strokes
from limner.systems.painter.strokes import StrokeDocument
from limner.systems.painter.timelapse import save_gif
from limner.tasks import input_files
from limner.text_to_image.words import caption_lines
from limner.training import train

CELEBA = schema.SCHEMAS["celebamask-19"]
STROKES = StrokeDocument(random_strokes(2, seed=0), size=(16, 16))
POINTS = np.random.default_rng(0).random((18, 2)) * 60
SMOKE = registry.preset("scgan", "smoke")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, drawn_faces: Path, tiny_weights: Path) -> Path:
    """What the cases below read."""
    root = tmp_path_factory.mktemp("home")
    shutil.copytree(drawn_faces, root / "faces")
    shutil.copytree(tiny_weights, root / "weights")
    shutil.copy(drawn_faces / "CelebA-HQ-img/0.png", root / "photo.png")
    shutil.copy(drawn_faces / "CelebAMaskHQ-mask/0.png", root / "map.png")
    (root / "own.json").write_text(json.dumps(CELEBA.to_json()))
    (root / "strokes.json").write_text(STROKES.to_json())
    limner.load(root / "weights")(root / "map.png", seed=3).save(root / "result")
    (root / "captions.txt").write_text("a man\n")
    (root / "poses").mkdir()
    for name in ("pose.json", "poses/0.json"):
        write_pose(root / name, Pose(POINTS))
    np.save(root / "face.npy", np.random.default_rng(0).random((68, 2)))
    save_file({"a": np.zeros(1, np.float32)}, str(root / "state.safetensors"))
    return root


@pytest.fixture
def elsewhere(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with nothing in it and a home that is another one."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(tmp_path)
    return tmp_path


READS: dict[str, Callable[[], object]] = {
    "limner.load": lambda: limner.load("~/weights"),
    "from_pretrained": lambda: registry.pipeline_class("scgan").from_pretrained("~/weights"),
    "a label map": lambda: limner.load("~/weights").plan("~/map.png", seed=1, schema="~/own.json"),
    "a label map as a path": lambda: limner.load("~/weights").plan(Path("~/map.png"), seed=1),
    "a photo": lambda: limner.load("~/weights").segment("~/photo.png"),
    "reproduce": lambda: limner.load("~/weights").reproduce("~/result/result.json"),
    "open_data": lambda: limner.load("~/weights").open_data("~/faces"),
    "hub.resolve": lambda: hub.resolve(Path("~/weights")),
    "hub.published_file": lambda: hub.published_file("alexnet", "~/state.safetensors"),
    "read_result": lambda: read_result("~/result/result.json"),
    "read_photo": lambda: image_io.read_photo("~/photo.png"),
    "read_label_map": lambda: image_io.read_label_map("~/map.png", CELEBA, photo="~/photo.png"),
    "open_manifest": lambda: manifest.open_manifest("~/faces", schema="~/own.json"),
    "find_kind": lambda: {"celebamask-hq": True}[str(manifest.find_kind(Path("~/faces")))],
    "read_layout": lambda: manifest.read_layout(Path("~/faces")),
    "open_pictures": lambda: open_pictures("~/faces", size=8, cache="~/cache"),
    "open_label_maps": lambda: open_label_maps(SMOKE, Path("~/faces"), asked_by="scgan"),
    "convert.open_maps": lambda: convert.open_maps(Path("~/map.png"), source=CELEBA, target=None),
    "get_schema": lambda: schema.get_schema("~/own.json"),
    "LandmarkFiles": lambda: LandmarkFiles("~/face.npy").of("~/photo.png"),
    "read_pose": lambda: read_pose("~/pose.json"),
    "read_poses of a folder": lambda: read_poses("~/result/../poses"),
    "input_files": lambda: input_files(["~/faces/CelebA-HQ-img"], (".png",), "picture"),
    "caption_lines": lambda: caption_lines("~/captions.txt", Vocabulary((END, "a", "man"))),
    "read_state": lambda: read_state("~/state.safetensors"),
    "StrokeDocument.read": lambda: StrokeDocument.read("~/strokes.json"),
}


@pytest.mark.parametrize("name", READS)
def test_what_is_read(name: str, elsewhere: Path) -> None:
    READS[name]()
    assert list(elsewhere.iterdir()) == []


WRITES: dict[str, Callable[[], object]] = {
    "save": lambda: limner.load("~/weights")("~/map.png", seed=3).save("~/new"),
    "save_pretrained": lambda: limner.load("~/weights").save_pretrained("~/new"),
    "write_pose": lambda: write_pose("~/new", Pose(POINTS)),
    "export_network": lambda: export_network(limner.load("~/weights"), "~/new", format="torchscript"),
    "write_drawn_faces": lambda: write_drawn_faces("~/new", num=1, size=16),
    "save_label_map": lambda: image_io.save_label_map("~/new", np.zeros((4, 4), np.uint8), CELEBA),
    "write_label_maps": lambda: convert.write_label_maps(manifest.open_manifest("~/faces"), Path("~/new")),
    "report": lambda: EvaluationReport({}, {}).save("~/new"),
    "save_gif": lambda: save_gif(Path("~/new"), STROKES, fps=5, seconds=None),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_is_written(name: str, elsewhere: Path, home: Path) -> None:
    new = home / "new"
    try:
        WRITES[name]()
        assert new.exists() and list(elsewhere.iterdir()) == []
    finally:
        shutil.rmtree(new) if new.is_dir() else new.unlink(missing_ok=True)


def test_people(elsewhere: Path, home: Path) -> None:
    pytest.importorskip("warp")
    write_people("people-faces", "~/people", num=1, size=64)
    assert (home / "people").is_dir() and list(elsewhere.iterdir()) == []


def test_training(elsewhere: Path, home: Path) -> None:
    with pytest.raises(DataError, match=f"{home}/nowhere is missing"):
        train("scgan", SMOKE, Path("~/nowhere"), Path("~/run"), resume=False, command=[])
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("path", ["ü" * 300, "a/" * 4000, f"./{'x' * 256}.png"])
def test_a_path_that_is_too_long_is_one_short_sentence(path: str, elsewhere: Path) -> None:
    for function in (at_home, limner.load):
        with pytest.raises(ConfigError, match="is too long for a file; give a shorter one") as caught:
            function(path)
        assert len(str(caught.value)) < 150


def test_an_empty_path_is_not_the_current_folder(elsewhere: Path) -> None:
    for call in (
        lambda: limner.load(""),
        lambda: input_files([""], (".png",), "picture"),
        lambda: LandmarkFiles(""),
        lambda: read_poses(""),
        lambda: manifest.open_manifest(""),
        lambda: limner.load("~/weights")("~/map.png", seed=3).save(""),
    ):
        with pytest.raises(LimnerError, match=r"empty|no name"):
            call()
    assert list(elsewhere.iterdir()) == []


def test_a_user_that_is_not_known_is_no_fault_of_the_program(elsewhere: Path) -> None:
    with pytest.raises(WeightsError, match=r"There is no weights folder ~nobody-of-that-name/x\."):
        limner.load("~nobody-of-that-name/x")
    Image.new("L", (4, 4)).save("~nobody-of-that-name.png")
    assert image_io.read_photo("~nobody-of-that-name.png").shape == (4, 4, 3)
