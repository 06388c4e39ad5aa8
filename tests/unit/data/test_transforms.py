"""Image and label map move together; no id is invented."""

from __future__ import annotations

import numpy as np
import pytest

from limner.data.config import AugmentConfig
from limner.data.schema import SCHEMAS
from limner.data.size import Size
from limner.data.transforms import Changes, Mirror, Turn, augment, make_square, resize_image, resize_label_map
from limner.errors import ConfigError, DataError

SCHEMA = SCHEMAS["celebamask-19"]
FLIP = SCHEMA.flip_permutation()


def as_image(label_map):
    """The ids themselves as grey values far apart, so that a wrong pixel shows."""
    return np.repeat((label_map * 13)[..., None], 3, axis=2)


def flip(image, label_map, permutation):
    changes = Changes((Mirror(Size(*label_map.shape)),))
    return changes.colours(image), changes.ids(label_map, permutation)


def affine(image, label_map, **options):
    turn = Turn(Size(*label_map.shape), **options)
    return turn.colours(image), turn.ids(label_map)


def test_nearest_resize_invents_no_id():
    random = np.random.default_rng(0)
    for size in (3, 17, 64, 100):
        label_map = random.choice(np.array([0, 3, 7, 18], dtype=np.uint8), size=(37, 37))
        resized = resize_label_map(label_map, size)
        assert resized.shape == (size, size)
        assert set(np.unique(resized)) <= set(np.unique(label_map))


def test_shrinking_an_image_averages_and_keeps_its_mean():
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[::2] = 200
    small = resize_image(image, 16)
    assert small.shape == (16, 16, 3)
    assert abs(small.astype(float).mean() - 100) < 2 and small.std() < 10


def test_flip_exchanges_the_eyes(draw_face):
    face = draw_face()
    image, label_map = flip(as_image(face), face, FLIP)
    assert (np.argwhere(label_map == SCHEMA.id("l_eye"))[:, 1]).mean() > 16, "still on the subject's left"
    assert (label_map == face).all(), "the drawn face is symmetric, so with exchanged names nothing changes"
    assert (image[:, :, 0] == face[:, ::-1] * 13).all()
    again = flip(image, label_map, FLIP)
    assert (again[1] == face).all() and (again[0] == as_image(face)).all()


def test_flip_by_hand():
    row = np.array([[5, 1, 4, 0]], dtype=np.uint8)  # the subject's right eye, skin, left eye, background
    _, label_map = flip(as_image(row), row, FLIP)
    assert label_map.tolist() == [[0, 5, 1, 4]]


def test_no_change_is_exact(draw_face):
    face = draw_face()
    image, label_map = affine(as_image(face), face, degrees=0.0, scale=1.0, shift=(0.0, 0.0))
    assert (image == as_image(face)).all() and (label_map == face).all()


def test_affine_moves_both_by_whole_pixels(draw_face):
    face = draw_face()
    image, label_map = affine(as_image(face), face, degrees=0.0, scale=1.0, shift=(4 / 32, -2 / 32))
    assert (label_map[:30, 4:] == face[2:, :28]).all()
    assert (image[:, :, 0] == label_map * 13).all()


def test_affine_turns_counter_clockwise(draw_face):
    face = draw_face()
    image, label_map = affine(as_image(face), face, degrees=90.0, scale=1.0, shift=(0.0, 0.0))
    assert (label_map == np.rot90(face)).all()
    difference = np.abs(image[:, :, 0].astype(int) - np.rot90(face).astype(int) * 13)
    assert difference.max() <= 1, "a cubic at the pixels' middles, rounded"


def test_affine_magnifies(draw_face):
    face = draw_face()
    _, larger = affine(as_image(face), face, degrees=0.0, scale=1.5, shift=(0.0, 0.0))
    assert (larger == SCHEMA.id("nose")).sum() > 1.8 * (face == SCHEMA.id("nose")).sum()


def test_affine_keeps_image_and_labels_aligned(draw_face):
    face = draw_face(64)
    image, label_map = affine(as_image(face), face, degrees=11.0, scale=1.1, shift=(0.05, -0.03))
    close = np.abs(image[:, :, 0].astype(int) - label_map.astype(int) * 13) < 14
    assert close.mean() > 0.8, "all but the edges between classes, where colours are mixed"
    assert set(np.unique(label_map)) <= set(np.unique(face))


@pytest.mark.parametrize(
    ("degrees", "scale", "shift"), [(180.0, 0.1, (0.5, -0.5)), (45.0, 0.3, (-0.5, 0.5)), (7.0, 1.9, (0.5, 0.0))]
)
def test_the_border_is_mirrored_and_never_black(degrees, scale, shift):
    image = np.full((16, 16, 3), 90, dtype=np.uint8)
    label_map = np.full((16, 16), 3, dtype=np.uint8)
    image, label_map = affine(image, label_map, degrees=degrees, scale=scale, shift=shift)
    assert (image == 90).all() and (label_map == 3).all()


def test_one_pixel_can_be_moved():
    image, label_map = affine(
        np.full((1, 1, 3), 9, np.uint8), np.full((1, 1), 3, np.uint8), degrees=30.0, scale=1.0, shift=(0.3, 0.0)
    )
    assert image.ravel().tolist() == [9, 9, 9] and label_map.tolist() == [[3]]


def test_augment_is_repeatable_and_off_by_default(draw_face):
    face = draw_face()
    image = as_image(face)
    same = augment(image, face, AugmentConfig(), flip_permutation=FLIP, random=np.random.default_rng(1))
    assert same[0] is image and same[1] is face
    config = AugmentConfig(flip=True, rotate_degrees=10.0, scale=0.1, translate=0.1, brightness=0.2)
    first = augment(image, face, config, flip_permutation=FLIP, random=np.random.default_rng(1))
    second = augment(image, face, config, flip_permutation=FLIP, random=np.random.default_rng(1))
    other = augment(image, face, config, flip_permutation=FLIP, random=np.random.default_rng(2))
    assert (first[0] == second[0]).all() and (first[1] == second[1]).all()
    assert (first[1] != other[1]).any()


def test_half_of_the_samples_are_flipped():
    row = np.array([[1, 0]], dtype=np.uint8).repeat(2, axis=0)
    config = AugmentConfig(flip=True)
    flipped = [
        augment(as_image(row), row, config, flip_permutation=FLIP, random=np.random.default_rng(i))[1][0, 0] == 0
        for i in range(200)
    ]
    assert 70 < sum(flipped) < 130


def test_brightness_changes_the_image_alone(draw_face):
    face = draw_face()
    image, label_map = augment(
        as_image(face), face, AugmentConfig(brightness=0.5), flip_permutation=FLIP, random=np.random.default_rng(0)
    )
    assert label_map is face and image.astype(int).sum() != as_image(face).astype(int).sum()


@pytest.mark.parametrize(
    "options", [{"rotate_degrees": -1.0}, {"scale": 1.0}, {"translate": 0.6}, {"brightness": float("nan")}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match=rf"augment\.{next(iter(options))} is "):
        AugmentConfig(**options)


def test_make_square():
    tall = np.arange(12, dtype=np.uint8).reshape(4, 3)
    assert make_square(tall, "crop", "it").tolist() == tall[:3].tolist()
    assert make_square(tall, "pad", "it", is_label_map=True)[:, -1].tolist() == [0, 0, 0, 0]
    assert make_square(np.repeat(tall[..., None], 3, 2), "pad", "it")[:, -1, 0].tolist() == tall[:, 2].tolist()
    with pytest.raises(DataError, match="it is 3x4, but must be square"):
        make_square(tall, "refuse", "it")
