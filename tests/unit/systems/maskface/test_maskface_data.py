"""The augmentation that StarGAN v2 trains with (maskface.md 5 and 9.10)."""

from __future__ import annotations

import numpy as np

from limner.data.config import AugmentConfig
from limner.data.schema import get_schema
from limner.data.size import Size
from limner.data.transforms import CROP_AREA, Changes, Cut, Mirror, augment
from limner.systems.maskface.presets import PRESETS

SCHEMA = get_schema("celebamask-19")
FLIP = SCHEMA.flip_permutation()


def flip(image, label_map, permutation):
    changes = Changes((Mirror(Size(*label_map.shape)),))
    return changes.colours(image), changes.ids(label_map, permutation)


def square(size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A white square of the subject's left eye on black skin."""
    label_map = np.full((size, size), SCHEMA.id("skin"), np.uint8)
    label_map[20:34, 30:50] = SCHEMA.id("l_eye")
    return np.repeat(np.where(label_map == SCHEMA.id("l_eye"), 255, 0).astype(np.uint8)[..., None], 3, 2), label_map


def test_flip_exchanges_sides_and_is_its_own_inverse():
    assert [FLIP[index] for index in (4, 5, 6, 7, 8, 9)] == [5, 4, 7, 6, 9, 8]
    label_map = np.random.default_rng(0).integers(0, 19, (16, 16), dtype=np.uint8)
    image = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    again = flip(*flip(image, label_map, FLIP), FLIP)
    assert np.array_equal(again[0], image) and np.array_equal(again[1], label_map)


def test_a_crop_keeps_colours_and_ids_aligned_and_enlarges():
    random = np.random.default_rng(0)
    image, label_map = square()
    enlarged = []
    for _ in range(20):
        box = Cut.drawn(Size(*label_map.shape), random.random(4).tolist())
        cut, ids = box.colours(image), box.ids(label_map)
        assert cut.shape == image.shape and set(np.unique(ids)) <= set(np.unique(label_map))
        disagree = (cut[:, :, 0] > 127) != (ids == SCHEMA.id("l_eye"))
        assert disagree.mean() < 0.02, "half a pixel at the edges at most"
        enlarged.append((ids == SCHEMA.id("l_eye")).sum() / (14 * 20))
    assert min(enlarged) + 0.05 >= 1 and max(enlarged) <= 1 / CROP_AREA[0] + 0.15


def test_half_of_the_training_samples_are_cropped():
    config = PRESETS["paper"]().augment
    assert config == AugmentConfig(flip=True, crop=0.5)
    image, label_map = square()
    crops_only = AugmentConfig(crop=config.crop)
    changed = [
        augment(image, label_map, crops_only, flip_permutation=FLIP, random=np.random.default_rng(k))[1]
        is not label_map
        for k in range(200)
    ]
    assert 0.4 < np.mean(changed) < 0.6
