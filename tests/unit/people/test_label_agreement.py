"""Do pictures, parsing maps and landmarks agree, by themselves and in the eyes of somebody else's landmark model?"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from limner.data.schema import SCHEMAS
from limner.people import sample_person, sample_scene
from limner.people.rendering import Rendering, render

FACES = SCHEMAS["celebamask-19"]
LIPS = [FACES.id(name) for name in ("u_lip", "l_lip", "mouth")]
# Part -> its classes and the landmarks at its ends: the corners of the mouth and of the eyes.
CORNERS = {"lips": (LIPS, (48, 54)), "r_eye": ([FACES.id("r_eye")], (36, 39)), "l_eye": ([FACES.id("l_eye")], (42, 45))}
OVER_LIPS = ("moustache", "circle", "short", "full")
"""Beards whose hair falls over the corners of the mouth: the landmark is where the corner is, below it."""
TOLERANCE_PX = {"lips": 1.5, "r_eye": 2.0, "l_eye": 2.0}
"""Lashes and stray hairs lie over the corners of eyes."""
SIZE = 256


def borders(mask: np.ndarray) -> np.ndarray:
    """Places (n, 2) x, y midway between neighbouring pixels that differ."""
    y, x = np.nonzero(mask[:, 1:] != mask[:, :-1])
    lower, column = np.nonzero(mask[1:] != mask[:-1])
    return np.concatenate([np.stack([x + 0.5, y], axis=1), np.stack([column, lower + 0.5], axis=1)])


def corner_distances(shown: Rendering) -> dict[str, float]:
    """Pixels from every visible corner to the border of its part; a part that the map does not show has none."""
    found = {}
    for part, (classes, corners) in CORNERS.items():
        edge = borders(np.isin(shown.parsing, classes))
        for corner in corners:
            if shown.landmarks_visible[corner] and len(edge):
                found[f"{part} {corner}"] = float(np.hypot(*(edge - shown.landmarks68[corner]).T).min())
    return found


@pytest.mark.parametrize("num", [6, pytest.param(100, marks=pytest.mark.slow)])
def test_corners_of_mouth_and_eyes_lie_on_the_border_of_their_class(num):
    distances: dict[str, float] = {}
    for index in range(num):
        person, scene = sample_person(9, index), sample_scene(9, index)
        found = corner_distances(render(person, scene, SIZE))
        if person.beard_style(person.age_in(scene)) in OVER_LIPS:
            found = {name: value for name, value in found.items() if not name.startswith("lips")}
        distances |= {f"person {index}, {name}": value for name, value in found.items()}
    assert len(distances) > 4 * num, "most corners are visible"
    far = {
        name: round(value, 2)
        for name, value in distances.items()
        if value > TOLERANCE_PX[name.partition(", ")[2].partition(" ")[0]]
    }
    assert far == {}


def test_a_shifted_landmark_would_be_found():
    shown = render(sample_person(9, 0), sample_scene(9, 0), SIZE)
    shown.landmarks68[48] -= (8, 0)  # away from the mouth
    assert corner_distances(shown)["lips 48"] > TOLERANCE_PX["lips"]


def dlib_models():
    """dlib's face detector and its model of 68 points (trained on iBUG 300-W)."""
    dlib = pytest.importorskip("dlib", reason="pip install dlib-bin")
    package = importlib.util.find_spec("face_recognition_models")
    if package is None or not package.submodule_search_locations:
        pytest.skip("pip install face-recognition-models")
    path = Path(package.submodule_search_locations[0]) / "models" / "shape_predictor_68_face_landmarks.dat"
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(path))


@pytest.mark.slow
def test_an_off_the_shelf_model_finds_our_faces_and_agrees_with_our_landmarks():
    """At least 98 % of the frontal faces are found; the median error is at most 5 % of the inter-ocular distance."""
    detect, predict = dlib_models()
    num, found, errors = 0, 0, []
    for index in range(150):
        person, scene = sample_person(13, index), sample_scene(13, index)
        if abs(scene.head_yaw - scene.camera.yaw) > 0.35 or person.accessories.glasses == "sunglasses":
            continue
        shown = render(person, scene, SIZE)
        boxes = detect(shown.image, 1)
        num += 1
        if not boxes:
            continue
        found += 1
        box = max(boxes, key=lambda box: box.area())
        theirs = np.array([(point.x, point.y) for point in predict(shown.image, box).parts()])
        ours = shown.landmarks68
        between_eyes = np.linalg.norm(ours[36:42].mean(axis=0) - ours[42:48].mean(axis=0))
        errors.append(np.linalg.norm(theirs - ours, axis=1).mean() / between_eyes)
    assert num >= 100
    assert found / num >= 0.98, f"{found} of {num} faces were found"
    assert np.median(errors) <= 0.05, f"median error {np.median(errors):.3f}"
