"""Aligning a photo by landmarks and putting a crop back."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from limner.data.transforms import zoom_in
from limner.errors import DataError, ShapeError
from limner.faces.alignment import TEMPLATE, Alignment, _soft_mask


def moved(points: np.ndarray, *, degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    cos, sin = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return points @ np.array([[cos, sin], [-sin, cos]]) + shift


@pytest.mark.parametrize("degrees", [-70.0, 0.0, 25.0])
def test_landmarks_are_brought_to_the_template(degrees):
    goal = TEMPLATE * 64 - 0.5
    landmarks = moved(goal, degrees=degrees, scale=3.0, shift=(120.0, 80.0))
    alignment = Alignment.of_landmarks(landmarks, 64)
    found = (landmarks + 0.5) @ alignment.matrix[:, :2].T + alignment.matrix[:, 2]
    np.testing.assert_allclose(found, goal + 0.5, atol=1e-6)


def test_five_and_sixty_eight_landmarks():
    goal = TEMPLATE * 64 - 0.5
    corner = np.array([8.0, 1.0])
    five = np.stack([goal[0], goal[1], goal[0] + 5, goal[2] - corner, goal[2] + corner])
    many = np.zeros((68, 2))
    many[36:42], many[42:48] = goal[0], goal[1]
    many[48], many[54] = goal[2] - corner, goal[2] + corner
    for points in (five, many):
        np.testing.assert_allclose(Alignment.of_landmarks(points, 64).matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-6)


def test_the_crop_of_a_square_photo_is_the_photo():
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.array_equal(Alignment.of_square(64, 64).crop(photo), photo)


def test_a_crop_shows_what_lies_there_and_repeats_the_edge():
    photo = np.zeros((100, 120, 3), np.uint8)
    photo[40:60, 50:70] = 255
    inside = Alignment(np.array([[1.0, 0, -40], [0, 1.0, -30]]), 40).crop(photo)
    assert np.array_equal(inside, photo[30:70, 40:80])
    photo[:] = 77
    outside = Alignment(np.array([[1.0, 0, 30], [0, 1.0, 25]]), 40).crop(photo)
    assert (outside == 77).all()


def test_a_large_photo_is_averaged_not_sampled():
    photo = np.zeros((1024, 1024, 3), np.uint8)
    photo[:, ::2] = 200
    small = Alignment.of_square(1024, 64).crop(photo)
    assert abs(small[8:-8, 8:-8].astype(float).mean() - 100) < 2 and small[8:-8, 8:-8].std() < 10


@pytest.mark.parametrize("degrees", [0.0, 20.0])
def test_pasting_puts_the_crop_where_it_came_from(degrees):
    y, x = np.mgrid[:160, :200]
    photo = np.stack([x, y, (x + y) // 2], axis=2).astype(np.uint8)
    landmarks = moved(TEMPLATE * 64, degrees=degrees, scale=1.5, shift=(60.0, 40.0))
    alignment = Alignment.of_landmarks(landmarks, 64)
    crop = alignment.crop(photo)
    face = np.zeros((64, 64), bool)
    face[16:48, 16:48] = True
    same = alignment.paste(photo, crop, face).astype(int)
    assert np.abs(same - photo).max() <= 2, "its own crop changes nothing"
    marked = alignment.paste(photo, np.full_like(crop, 255), face)
    corners = np.array([[32.0, 32.0]])
    inverse = np.linalg.inv(np.vstack([alignment.matrix, [0, 0, 1]]))
    column, row = (inverse @ [*corners[0], 1])[:2].round().astype(int)
    assert (marked[row, column] == 255).all()
    changed = (np.abs(marked.astype(int) - photo).max(2) > 0).mean()
    assert changed == pytest.approx((36 * 1.5) ** 2 / photo[..., 0].size, rel=0.35)


@pytest.mark.parametrize("shift", [(60.0, 40.0), (-30.0, 20.0), (150.0, 130.0), (900.0, 40.0)])
@pytest.mark.parametrize("degrees", [0.0, 20.0, 180.0])
def test_pasting_into_the_box_is_pasting_into_the_whole(degrees, shift):
    """Blended in floating point over the whole photo; a box elsewhere may round a place between two pixels."""
    random = np.random.default_rng(0)
    photo = random.integers(0, 256, (160, 200, 3), dtype=np.uint8)
    crop = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    face = np.zeros((64, 64), bool)
    face[10:60, 6:50] = True
    alignment = Alignment.of_landmarks(moved(TEMPLATE * 64, degrees=degrees, scale=1.5, shift=shift), 64)
    data = tuple(alignment.matrix.ravel().tolist())
    share, whole = (
        np.asarray(
            Image.fromarray(pixels).transform(
                (200, 160), Image.Transform.AFFINE, data, resample=Image.Resampling.BICUBIC
            ),
            dtype=np.float64,
        )
        for pixels in (_soft_mask(face), crop)
    )
    share = share[..., None] / 255
    expected = (photo * (1 - share) + whole * share + 0.5).astype(int)
    before = photo.copy()
    assert np.abs(alignment.paste(photo, crop, face) - expected).max() <= 1
    assert np.array_equal(photo, before)


def test_pasting_into_a_large_photo_takes_little_memory():
    """A float of it would take 160 MB."""
    photo = np.zeros((4000, 3500, 3), np.uint8)
    alignment = Alignment(np.array([[0.5, 0.0, -200.0], [0.0, 0.5, -200.0]]), 64)
    tracemalloc.start()
    pasted = alignment.paste(photo, np.full((64, 64, 3), 255, np.uint8), np.ones((64, 64), bool))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pasted[464, 464].tolist() == [255] * 3 and peak < 3 * photo.nbytes


@pytest.mark.parametrize(
    ("landmarks", "error", "text"),
    [
        (np.zeros((4, 2)), ShapeError, r"have shape \(4, 2\)"),
        (np.zeros((3, 3)), ShapeError, r"have shape \(3, 3\)"),
        ([(1, 2), (3,)], ShapeError, "are no table; they must be 68, 5 or 3 points"),
        ([("a", "b")] * 3, ShapeError, "are no table"),
        (np.full((3, 2), np.nan), ShapeError, "hold NaN, infinite or enormous values"),
        (np.ones((3, 2)), DataError, "The photo: the landmarks lie on one spot"),
        ([(40, 10), (10, 10), (25, 40)], DataError, "the eye on the image's left comes first"),
    ],
)
def test_landmarks_that_are_no_face(landmarks, error, text):
    with pytest.raises(error, match=text):
        Alignment.of_landmarks(landmarks, 64)


def test_a_zoomed_crop_is_the_middle_of_the_whole_one():
    random = np.random.default_rng(0)
    photo = random.integers(0, 256, (150, 150, 3), dtype=np.uint8)
    near = Alignment.of_square(150, 100).zoomed(1.5)
    assert np.allclose(near.crop(photo), zoom_in(photo, 1.5), atol=1)
    points = [(30.0, 40.0), (60.0, 40.0), (45.0, 70.0)]
    whole, near = Alignment.of_landmarks(points, 64), Alignment.of_landmarks(points, 64).zoomed(1.5)
    places = np.array([[*points[0], 1.0], [*points[1], 1.0]])
    a, b = places @ whole.matrix.T, places @ near.matrix.T
    assert np.linalg.norm(b[1] - b[0]) == pytest.approx(1.5 * np.linalg.norm(a[1] - a[0]))
