"""Label mapping, centres, growth, cutting and placing (portrait.md 3 and 10.2, 10.3, 10.12)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.data.schema import SCHEMAS, converter
from limner.data.size import Size
from limner.data.transforms import Changes, Mirror
from limner.faces.parts import CLASSES, PARTS
from limner.systems.portrait.parts import (
    PLACED,
    Geometry,
    Target,
    cut,
    cut_parts,
    feature_centres,
    grow_parts,
    part_centres,
    part_mask,
    place,
)

CELEBA, PORTRAIT = SCHEMAS["celebamask-19"], SCHEMAS["portrait-11"]
FULL = Geometry(256, 4)

# portrait.md 3
TABLE = {"background": 0, "skin": 1, "nose": 6, "mouth": 8, "u_lip": 7, "l_lip": 9, "hair": 10}
TABLE |= {"l_eye": 5, "r_eye": 4, "l_brow": 3, "r_brow": 2}
TABLE |= dict.fromkeys(("eye_g", "l_ear", "r_ear"), 1) | dict.fromkeys(("hat", "ear_r", "neck_l", "neck", "cloth"), 0)


def test_mapping_of_the_nineteen_classes_exchanges_sides():
    table = converter(CELEBA, PORTRAIT)
    assert {name: int(table[CELEBA.id(name)]) for name in CELEBA.classes} == TABLE
    assert PORTRAIT.sides == "image" and CELEBA.sides == "subject"


def test_flip_of_image_and_map_twice_is_nothing():
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    label_map = random.integers(0, 11, (16, 16), dtype=np.uint8)
    permutation = PORTRAIT.flip_permutation()
    assert [int(permutation[index]) for index in (2, 3, 4, 5)] == [3, 2, 5, 4]
    mirror = Changes((Mirror(Size(*label_map.shape)),))
    once = mirror.colours(image), mirror.ids(label_map, permutation)
    again = mirror.colours(once[0]), mirror.ids(once[1], permutation)
    assert np.array_equal(again[0], image) and np.array_equal(again[1], label_map)


def test_every_class_but_the_background_belongs_to_one_part():
    assert sorted(index for classes in CLASSES.values() for index in classes) == list(range(1, 11))


def eyes_and_mouth(size: int = 256) -> torch.Tensor:
    label_map = torch.ones(1, size, size, dtype=torch.long)
    label_map[0, 110:121, 85:106] = 4
    label_map[0, 112:120, 150:171] = 5
    label_map[0, 180:190, 100:156] = 7
    label_map[0, 190:194, 110:146] = 8
    label_map[0, 194:200, 100:156] = 9
    return label_map


def test_centres_are_the_middles_of_the_boxes():
    centres = part_centres(eyes_and_mouth(), FULL)
    assert centres.tolist() == [[[115, 95], [115, 160], [189, 127]]]


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_fall_backs_scale_with_the_size(scale):
    geometry = Geometry(256 // scale, 4 if scale == 1 else 2)
    label_map = torch.zeros(2, 256 // scale, 256 // scale, dtype=torch.long)
    expected = [[116 // scale, 96 // scale], [116 // scale, 160 // scale], [184 // scale, 128 // scale]]
    assert part_centres(label_map, geometry).tolist() == [expected] * 2


def test_centres_at_the_border_are_moved_inwards():
    label_map = torch.zeros(1, 256, 256, dtype=torch.long)
    label_map[0, :3, :3] = 4
    label_map[0, -2:, -2:] = 5
    label_map[0, 0, 255] = 8
    assert part_centres(label_map, FULL).tolist() == [[[16, 24], [240, 232], [40, 184]]]


def test_sizes_at_256():
    assert [FULL.crop(part) for part in PARTS] == [(32, 48), (32, 48), (256, 256), (256, 256), (80, 144)]
    assert [FULL.block(part) for part in PARTS] == [(8, 12), (8, 12), (64, 64), (64, 64), (20, 36)]


def test_cut_and_place_are_each_others_reverse():
    block = torch.randn(2, 5, 8, 12)
    centre = torch.tensor([[29, 24], [4, 58]])
    canvas = place(block, centre, 64)
    assert torch.equal(cut(canvas, centre, (8, 12)), block)
    assert torch.equal(canvas[0, :, 25:33, 18:30], block[0])
    assert torch.equal(canvas[1, :, 0:8, 52:64], block[1])
    assert canvas.abs().sum() == pytest.approx(block.abs().sum().item(), rel=1e-5)


def test_centres_in_the_features_are_rounded_half_up():
    centres = torch.tensor([[[16, 17], [18, 19], [240, 230]]])
    assert feature_centres(centres, FULL).tolist() == [[[4, 4], [5, 5], [60, 58]]]


def test_every_block_fits_wherever_a_part_is():
    random = torch.Generator().manual_seed(0)
    for geometry in (FULL, Geometry(128, 4), Geometry(64, 2)):
        label_map = torch.zeros(60, geometry.image_size, geometry.image_size, dtype=torch.long)
        for index in range(60):
            y, x = torch.randint(geometry.image_size, (2,), generator=random)
            label_map[index, y, x] = (4, 5, 8)[index % 3]
        middles = feature_centres(part_centres(label_map, geometry), geometry)
        for index, part in enumerate(PLACED):
            height, width = geometry.block(part)
            place(torch.ones(60, 1, height, width), middles[:, index], geometry.feature_size)  # no index is outside
            assert (middles[:, index] >= torch.tensor([height, width]) // 2).all()


def test_growth_enlarges_eyes_and_mouth_about_their_centres():
    label_map = eyes_and_mouth()
    centres = part_centres(label_map, FULL)
    assert grow_parts(label_map, centres, 1.0) is label_map
    grown = grow_parts(label_map, centres, 1.1)
    for part in PLACED:
        ratio = part_mask(grown, part).sum() / part_mask(label_map, part).sum()
        assert 1.05 < ratio < 1.35, part
        assert (part_mask(grown, part) | ~part_mask(label_map, part)).all(), "what was there stays"
    assert (part_centres(grown, FULL) - centres).abs().max() <= 1
    assert (grown[:, :100] == label_map[:, :100]).all()


def test_what_the_encoders_see():
    photo, label_map = torch.full((1, 3, 256, 256), 0.5), eyes_and_mouth()
    label_map[0, 0:30] = 10
    target = Target(label_map, FULL, 1.0)
    parts = cut_parts(photo, target, FULL, eye_input="crop")
    assert (parts["left_eye"] == 0.5).all(), "an eye keeps its surroundings"
    assert parts["hair"][0, 0].sum() == pytest.approx(0.5 * 30 * 256)
    assert (parts["skin"][0, 0, 115, 95] == 0).all() and (parts["skin"][0, 0, 60, 60] == 0.5).all()
    shown = (parts["mouth"][0, 0] != 0).sum()
    assert shown == part_mask(label_map, "mouth").sum(), "the mouth has not"
    masked = cut_parts(photo, target, FULL, eye_input="masked")["left_eye"]
    assert (masked[0, 0] != 0).sum() == (label_map == 4).sum()
