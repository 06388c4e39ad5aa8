"""SCGAN's inference: what every input does, and what is refused."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from limner.data.manifest import SCGAN_ATTRIBUTES
from limner.data.schema import converter, get_schema
from limner.errors import ConfigError, DataError, LimnerError, ShapeError
from limner.results import GenerationResult
from limner.systems.scgan.pipeline import SCGANPipeline

SCHEMA = get_schema("celebamask-19")


def face(shift: int = 0) -> np.ndarray:
    label_map = np.zeros((32, 32), dtype=np.uint8)
    label_map[6:28, 8:24] = SCHEMA.id("skin")
    label_map[2:8, 6:26] = SCHEMA.id("hair")
    label_map[12:14, 10 + shift : 14 + shift] = SCHEMA.id("r_eye")
    label_map[22:24, 12:20] = SCHEMA.id("mouth")
    return label_map


def pixels(result: GenerationResult) -> np.ndarray:
    return np.stack([np.asarray(image) for image in result.images]).astype(int)


def forward(
    pipeline: SCGANPipeline, latent: torch.Tensor, attributes: list[float], label_map: np.ndarray
) -> np.ndarray:
    """The picture by the network itself, without the pipeline."""
    one_hot = torch.zeros(1, 19, 32, 32)
    for index in range(19):
        one_hot[0, index] = torch.from_numpy(label_map == index)
    with torch.no_grad():
        image = pipeline.components["generator"](latent[None], torch.tensor([attributes]), one_hot)[0]
    return ((image.permute(1, 2, 0).numpy() + 1) * 127.5).round().clip(0, 255).astype(int)


def latent_of(seed: int) -> torch.Tensor:
    return torch.randn(8, generator=torch.Generator().manual_seed(seed))


def test_picture_is_the_generators(scgan) -> None:
    result = scgan(face(), {"Male": 1, "Brown_Hair": 0.25}, seed=5)
    expected = forward(scgan, latent_of(5), [0, 0, 0.25, 1, 0], face())
    assert result.images[0].mode == "RGB" and result.images[0].size == (32, 32)
    assert np.abs(pixels(result)[0] - expected).max() <= 1  # rounding at half a level
    assert result.seeds == [5]


def test_a_seed_is_one_picture_whatever_else_is_drawn(scgan) -> None:
    alone = pixels(scgan(face(), seed=12))[0]
    assert np.array_equal(pixels(scgan(face(), seed=10, num_images=5))[2], alone)
    assert np.array_equal(pixels(scgan([face(3), face()], seed=12))[1], alone)
    assert np.array_equal(
        pixels(scgan.grid(face(), [12]))[0], pixels(scgan(face(), scgan.standard_labels()[0], seed=12))[0]
    )
    torch.manual_seed(99)  # the global generator plays no part
    assert np.array_equal(pixels(scgan(face(), seed=12))[0], alone)


def test_batch_is_single_to_rounding(scgan) -> None:
    single = pixels(scgan(face(), {"Young": 1}, num_images=7, batch_size=1))
    for batch_size in (2, 7, 100):
        batch = pixels(scgan(face(), {"Young": 1}, num_images=7, batch_size=batch_size))
        assert np.abs(single - batch).max() <= 1


def test_every_condition_matters(scgan) -> None:
    base = pixels(scgan(face()))
    for other in (scgan(face(), seed=1), scgan(face(), {"Male": 1}), scgan(face(4))):
        assert np.abs(pixels(other) - base).mean() > 0.1


def test_all_forms_of_a_label_map_are_one(scgan, tmp_path: Path) -> None:
    ids = face()
    grey, palette, color = tmp_path / "grey.png", tmp_path / "palette.png", tmp_path / "color.png"
    Image.fromarray(ids).save(grey)
    picture = Image.fromarray(ids)
    picture.putpalette([value for rgb in SCHEMA.palette for value in rgb])
    picture.save(palette)
    Image.fromarray(SCHEMA.colorize(ids)).save(color)
    larger = ids.repeat(4, axis=0).repeat(4, axis=1)
    forms: list[Any] = [
        grey,
        str(palette),
        color,
        Image.open(grey),
        torch.from_numpy(ids).long(),
        ids.astype(np.int64),
        larger,
    ]
    expected = pixels(scgan(ids))
    for form in forms:
        assert np.array_equal(pixels(scgan(form)), expected)
    stacked = pixels(scgan(np.stack([ids, face(4)])))
    assert np.array_equal(stacked, pixels(scgan([ids, face(4)]))) and len(stacked) == 2


def test_label_map_of_another_schema_is_converted(scgan) -> None:
    bisenet = get_schema("bisenet-19")
    ids = converter(SCHEMA, bisenet)[face()]
    assert not np.array_equal(ids, face())
    assert np.array_equal(pixels(scgan(ids, schema="bisenet-19")), pixels(scgan(face())))


def test_all_forms_of_attributes_are_one(scgan) -> None:
    values = [0.0, 1.0, 0.0, 0.5, 0.0]
    expected = pixels(scgan(face(), {"Blond_Hair": 1, "Male": 0.5}))
    for form in (values, tuple(values), np.array(values), torch.tensor(values)):
        assert np.array_equal(pixels(scgan(face(), form)), expected)
    assert np.array_equal(pixels(scgan(face())), pixels(scgan(face(), {})))
    assert np.array_equal(pixels(scgan(face())), pixels(scgan(face(), [0.0] * 5)))
    each = pixels(scgan([face(), face(2)], [{"Male": 1}, {"Young": 1}], num_images=2))
    assert np.array_equal(each[:2], pixels(scgan(face(), {"Male": 1}, num_images=2)))
    assert np.array_equal(each[2:], pixels(scgan(face(2), {"Young": 1}, num_images=2)))


def test_latent_instead_of_a_seed(scgan) -> None:
    assert np.array_equal(pixels(scgan(face(), latent=latent_of(3))), pixels(scgan(face(), seed=3)))
    two = torch.stack([latent_of(3), latent_of(4)])
    expected = pixels(scgan([face(), face(2)], seed=3, num_images=2))
    assert np.array_equal(pixels(scgan([face(), face(2)], latent=two.numpy(), num_images=2)), expected)


def test_grid_has_the_papers_twelve_labels(scgan) -> None:
    labels = scgan.standard_labels()
    assert len(labels) == 12 and len({tuple(sorted(label.items())) for label in labels}) == 12
    assert all(sum(value for name, value in label.items() if name.endswith("Hair")) == 1 for label in labels)
    result = scgan.grid(face(), [4, 9])
    assert result.seeds == [4] * 12 + [9] * 12 and result.settings["columns"] == 12
    assert np.array_equal(pixels(result)[12 + 7], pixels(scgan(face(), labels[7], seed=9))[0])


def test_grid_of_other_attributes(make_scgan) -> None:
    pipeline = make_scgan(("Dark_Hair", "Light_Hair"))
    assert pipeline.standard_labels() == [{"Dark_Hair": 1.0}, {"Light_Hair": 1.0}]
    assert len(pipeline.grid(face(), [0, 1, 2]).images) == 6
    none = make_scgan(())
    assert len(none.grid(face(), [0, 1, 2]).images) == 3
    assert np.array_equal(pixels(none(face(), [])), pixels(none(face())))


def test_change_of_attributes_keeps_map_and_latent(scgan) -> None:
    result = scgan.change_attributes(face(), {"Black_Hair": 1, "Male": 0.5}, {"Male": 1}, steps=3, seed=8)
    for picture, male in zip(pixels(result), (0.5, 0.75, 1.0), strict=True):
        assert np.abs(picture - pixels(scgan(face(), {"Black_Hair": 1, "Male": male}, seed=8))[0]).max() <= 1
    assert result.seeds == [8, 8, 8] and len(scgan.change_attributes(face(), None, {"Male": 1}).images) == 10


def test_interpolation_of_the_latent_is_linear_with_both_ends(scgan) -> None:
    result = pixels(scgan.interpolate(face(), {"Young": 1}, what="z", seed=3, to_seed=11))
    assert len(result) == 10
    assert np.array_equal(result[0], pixels(scgan(face(), {"Young": 1}, seed=3))[0])
    assert np.array_equal(result[-1], pixels(scgan(face(), {"Young": 1}, seed=11))[0])
    latent = latent_of(3) + (latent_of(11) - latent_of(3)) * (4 / 9)
    assert np.abs(result[4] - pixels(scgan(face(), {"Young": 1}, latent=latent))[0]).max() <= 1
    default_end = pixels(scgan.interpolate(face(), what="z", seed=3, steps=2))[-1]
    assert np.array_equal(default_end, pixels(scgan(face(), seed=4))[0])


def test_interpolation_through_maps(scgan) -> None:
    maps = [face(shift) for shift in (0, 2, 4)]
    result = pixels(scgan.interpolate(maps, {"Male": 1}, what="s", seed=6))
    assert np.array_equal(result, pixels(scgan(maps, {"Male": 1}, seed=6)))
    longer = pixels(scgan.interpolate(maps, {"Male": 1}, what="s", seed=6, steps=5))
    assert np.array_equal(longer, result[[0, 1, 1, 2, 2]])


def test_interpolation_of_all_three(scgan) -> None:
    maps = [face(0), face(2), face(4)]
    result = pixels(scgan.interpolate(maps, {"Male": 1}, what="all", target={"Male": 0, "Young": 1}, seed=6, to_seed=2))
    assert np.array_equal(result[0], pixels(scgan(maps[0], {"Male": 1}, seed=6))[0])
    assert np.array_equal(result[2], pixels(scgan(maps[2], {"Young": 1}, seed=2))[0])
    middle = scgan(maps[1], {"Male": 0.5, "Young": 0.5}, latent=(latent_of(6) + latent_of(2)) / 2)
    assert np.abs(result[1] - pixels(middle)[0]).max() <= 1
    assert len(scgan.interpolate(face(), what="all", target={"Male": 1}).images) == 10


@pytest.mark.parametrize(
    "what, values", [("z", {"target": {"Male": 1}}), ("s", {"target": [1.0, 0.0]}), ("c", {"to_seed": 2})]
)
def test_what_the_way_does_not_look_at_is_refused(scgan, what, values):
    maps = [face(), face()] if what == "s" else face()
    (name,) = values
    with pytest.raises(ConfigError, match=f'{name} has no effect when "{what}" is interpolated; leave it out.'):
        scgan.interpolate.plan(maps, what=what, **values)


def test_rerender_keeps_latent_and_attributes(scgan) -> None:
    before = scgan(face(), {"Male": 1, "Black_Hair": 0.5}, seed=21, num_images=2)
    assert np.array_equal(pixels(scgan.rerender(face(), like=before)), pixels(before))
    edited = pixels(scgan.rerender(face(4), like=before))
    assert np.array_equal(edited, pixels(scgan(face(4), {"Male": 1, "Black_Hair": 0.5}, seed=21, num_images=2)))


def test_rerender_of_a_result_of_other_weights_is_refused(scgan, make_scgan) -> None:
    with pytest.raises(ShapeError, match="its attributes are not 2 numbers"):
        make_scgan().rerender(face(), like=scgan(face()))


def test_segment_is_the_segmentors_best_class(scgan, tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    with torch.no_grad():
        tensor = torch.from_numpy(photo).permute(2, 0, 1)[None] / 127.5 - 1
        expected = scgan.components["segmentor"](tensor)[0].argmax(0).numpy()
    ids = scgan.segment(photo)
    assert ids.dtype == np.uint8 and np.array_equal(ids, expected)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    for form in (Image.fromarray(photo), tmp_path / "photo.png", str(tmp_path / "photo.png")):
        assert np.array_equal(scgan.segment(form), ids)
    assert scgan.segment(np.zeros((100, 100, 3), np.uint8)).shape == (32, 32)
    assert scgan.spec.schema.colorize(ids).shape == (32, 32, 3)


def test_strange_maps_are_drawn_with_a_warning(scgan, caplog: pytest.LogCaptureFixture) -> None:
    hair_only = np.zeros((32, 32), np.uint8)
    hair_only[:9] = SCHEMA.id("hair")
    with caplog.at_level(logging.WARNING):
        assert len(scgan([np.zeros((32, 32), np.uint8), hair_only, face()]).images) == 3
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2
    assert '"background"' in texts[0] and 'no pixel of class "skin"' in texts[1]


def test_smallest_map_and_one_class(make_scgan) -> None:
    assert make_scgan()(np.array([[1]])).images[0].size == (32, 32)
    fashion = make_scgan((), schema="deepfashion-7")
    assert len(fashion(np.full((5, 5), 2), num_images=2).images) == 2


def test_exclusive_attributes(make_scgan) -> None:
    pipeline = make_scgan(("red", "blue", "white"), kind="exclusive")
    with pytest.raises(ConfigError, match="need one of their attributes to be set: red, blue, white"):
        pipeline(face())
    result = pipeline.change_attributes(face(), {"red": 1}, {"blue": 1}, steps=2)
    assert np.array_equal(pixels(result)[1], pixels(pipeline(face(), {"blue": 1}))[0])  # red is off at the end


def bad_map(change: Any) -> np.ndarray:
    label_map = face().astype(np.int64)
    label_map[0, 0] = change
    return label_map


REFUSED: list[tuple[dict[str, Any], type[LimnerError], str]] = [
    ({"label_map": bad_map(19)}, DataError, 'class id 19, but schema "celebamask-19" has ids 0..18'),
    ({"label_map": bad_map(-1)}, DataError, "class id -1"),
    ({"label_map": bad_map(300)}, DataError, "class id 300"),
    ({"label_map": face().astype(np.float32)}, ShapeError, "must be whole-number class ids"),
    ({"label_map": np.zeros((2, 3, 4, 5), int)}, ShapeError, "of shape (2, 3, 4, 5)"),
    ({"label_map": np.zeros(5, int)}, ShapeError, "of shape (5,)"),
    ({"label_map": np.zeros((0, 0), int)}, DataError, "is empty"),
    ({"label_map": np.zeros((32, 40), int)}, DataError, "40x32, but must be square"),
    ({"label_map": []}, ConfigError, "At least one label map"),
    ({"label_map": "nowhere.png"}, DataError, "nowhere.png is missing"),
    ({"label_map": Image.new("RGB", (32, 32), (1, 2, 3))}, DataError, "colour (1, 2, 3), which is not in the palette"),
    ({"label_map": face(), "schema": "celebmask-19"}, ConfigError, 'Did you mean "celebamask-19"'),
    ({"attributes": {"Mail": 1}}, ConfigError, 'do not know the attribute "Mail". Did you mean "Male"'),
    ({"attributes": {"Male": 1.5}}, ConfigError, '"Male" is 1.5; it must be a number from 0 to 1'),
    ({"attributes": {"Male": -1}}, ConfigError, '"Male" is -1'),
    ({"attributes": {"Male": float("nan")}}, ConfigError, '"Male" is nan'),
    ({"attributes": {"Male": "yes"}}, ConfigError, "\"Male\" is 'yes'"),
    ({"attributes": [1, 0]}, ShapeError, "these weights know 5: Black_Hair"),
    ({"attributes": np.zeros((2, 5))}, ShapeError, "these weights know 5"),
    ({"attributes": torch.tensor(1.0)}, ShapeError, "these weights know 5"),
    ({"attributes": [{"Male": 1}, {"Male": 0}]}, ShapeError, "2 sets of attributes for 1 label maps"),
    ({"seed": -1}, ConfigError, "seed is -1"),
    ({"seed": 2**63}, ConfigError, "seed is 9223372036854775808"),
    ({"seed": 1.5}, ConfigError, "seed is 1.5; it must be a whole number"),
    ({"num_images": 0}, ConfigError, "num_images is 0"),
    ({"num_images": -3}, ConfigError, "num_images is -3"),
    ({"num_images": 2.0}, ConfigError, "num_images is 2.0; it must be a whole number"),
    ({"batch_size": 0}, ConfigError, "batch_size is 0"),
    ({"batch_size": "4"}, ConfigError, "batch_size is '4'; it must be a whole number"),
    ({"latent": np.zeros(7)}, ShapeError, "latent has shape (1, 7); it must be (1, 8)"),
    ({"latent": np.zeros((3, 8)), "num_images": 2}, ShapeError, "latent has shape (3, 8)"),
    ({"latent": np.full(8, np.nan)}, ConfigError, "latent holds NaN"),
]


@pytest.mark.parametrize(("arguments", "error", "text"), REFUSED, ids=[str(index) for index in range(len(REFUSED))])
def test_refused_in_one_sentence(scgan, arguments: dict[str, Any], error: type[LimnerError], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)) as caught:
        scgan(**{"label_map": face(), **arguments})
    assert "\n" not in str(caught.value)


def test_refused_edits(scgan) -> None:
    with pytest.raises(ConfigError, match='"q" cannot be interpolated'):
        scgan.interpolate(face(), what="q")
    with pytest.raises(ConfigError, match="give at least two"):
        scgan.interpolate(face(), what="s")
    with pytest.raises(ConfigError, match='"z" keeps one label map, but 2 were given'):
        scgan.interpolate([face(), face()], what="z")
    with pytest.raises(ConfigError, match=r"steps is 3\.0; it must be a whole number"):
        scgan.interpolate(face(), steps=3.0)
    with pytest.raises(ConfigError, match="steps is 1"):
        scgan.interpolate(face(), what="z", steps=1)
    for target in (None, {}):
        with pytest.raises(ConfigError, match="needs a target"):
            scgan.change_attributes(face(), None, target)
    with pytest.raises(ConfigError, match="at least one seed"):
        scgan.grid(face(), [])
    with pytest.raises(ConfigError, match="takes one label map, but 2"):
        scgan.grid(np.stack([face(), face()]))
    with pytest.raises(ShapeError, match="must be uint8"):
        scgan.segment(np.zeros((32, 32, 3), np.float32))
    with pytest.raises(DataError, match="must be square"):
        scgan.segment(np.zeros((32, 40, 3), np.uint8))
    with pytest.raises(DataError, match=r"nowhere.jpg is missing"):
        scgan.segment("nowhere.jpg")


def test_networks_that_do_not_fit_the_data_are_refused(make_scgan) -> None:
    five = make_scgan(SCGAN_ATTRIBUTES)
    with pytest.raises(ShapeError, match="generator has num_attributes 5, but the data description asks for 2"):
        SCGANPipeline(spec=make_scgan().spec, size=32, **five.components)


def test_pictures_may_be_drawn_while_training(make_scgan) -> None:
    pipeline = make_scgan()
    generator = pipeline.components["generator"].train()
    before = pixels(pipeline(face()))
    generator(torch.zeros(1, 8), torch.zeros(1, 2), torch.zeros(1, 19, 32, 32)).sum().backward()
    assert generator.training and np.array_equal(pixels(pipeline(face())), before)
