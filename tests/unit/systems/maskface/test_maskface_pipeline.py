"""What a person can do with maskface, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from limner.data.schema import converter, get_schema
from limner.errors import ConfigError, DataError, LimnerError, ShapeError, WeightsError
from limner.export.networks import export_network
from limner.results import GenerationResult
from limner.systems.maskface.pipeline import MaskFacePipeline

SCHEMA = get_schema("celebamask-19")


def face(shift: int = 0) -> np.ndarray:
    label_map = np.zeros((32, 32), dtype=np.uint8)
    label_map[6:28, 8:24] = SCHEMA.id("skin")
    label_map[2:8, 6:26] = SCHEMA.id("hair")
    label_map[12:14, 10 + shift : 14 + shift] = SCHEMA.id("r_eye")
    label_map[22:24, 12:20] = SCHEMA.id("mouth")
    return label_map


def photo(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def pixels(result: GenerationResult) -> np.ndarray:
    return np.stack([np.asarray(image) for image in result.images]).astype(int)


def forward(pipeline: MaskFacePipeline, style: torch.Tensor, label_map: np.ndarray) -> np.ndarray:
    """The face by the network itself, without the pipeline."""
    one_hot = torch.zeros(1, 19, 32, 32)
    for index in range(19):
        one_hot[0, index] = torch.from_numpy(label_map == index)
    with torch.no_grad():
        image = pipeline.components["generator"](one_hot, style[None])[0]
    return ((image.permute(1, 2, 0).numpy() + 1) * 127.5).round().clip(0, 255).astype(int)


def test_faces_are_the_generators_in_the_styles_of_their_seeds(pipeline):
    result = pipeline.sample(face(), seed=5, num_images=3)
    assert result.seeds == [5, 6, 7] and result.images[0].size == (32, 32)
    for seed, picture in zip(result.seeds, pixels(result), strict=True):
        latent = torch.randn(4, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            style = pipeline.components["style_encoder"](latent[None])[0]
        assert np.abs(picture - forward(pipeline, style, face())).max() <= 1
    alone = pixels(pipeline.sample([face(3), face()], seed=6))[1]
    assert np.array_equal(alone, pixels(result)[1]), "a seed is one style in whatever company"
    assert np.array_equal(pixels(pipeline(face(), seed=5)), pixels(result)[:1])


def test_batches_change_nothing_beyond_rounding(pipeline):
    single = pixels(pipeline.sample(face(), num_images=5))
    assert np.abs(single - pixels(pipeline.sample(face(), num_images=5, batch_size=3))).max() <= 1


def test_styles_of_photos_seeds_and_codes(pipeline, tmp_path: Path):
    Image.fromarray(photo()).save(tmp_path / "photo.png")
    with torch.no_grad():
        tensor = torch.from_numpy(photo()).permute(2, 0, 1)[None] / 127.5 - 1
        code = pipeline.components["style_decoder"](tensor)[0]
    expected = forward(pipeline, code, face())
    for form in (photo(), Image.fromarray(photo()), tmp_path / "photo.png", str(tmp_path / "photo.png"), code,
                 code.numpy(), pipeline.style_of(photo())):  # fmt: skip
        assert np.abs(pixels(pipeline.stylize(face(), form))[0] - expected).max() <= 1
    assert np.array_equal(pixels(pipeline.stylize(face(), 7)), pixels(pipeline.sample(face(), seed=7)))
    assert np.array_equal(pixels(pipeline.invert(photo(), face())), pixels(pipeline.stylize(face(), photo())))
    for seed in (3, np.int64(3)):
        with pytest.raises(ConfigError, match="photo is 3, which is a seed"):
            pipeline.invert(seed, face())


def test_the_cross_grid_has_maps_as_rows_and_styles_as_columns(pipeline):
    maps, styles = [face(0), face(4)], [3, photo(), photo(1)]
    result = pipeline.stylize(maps, styles)
    assert result.settings["columns"] == 3 and result.settings["styles"] == ["seed 3", "photo", "photo"]
    for row, label_map in enumerate(maps):
        for column, style in enumerate(styles):
            assert np.array_equal(pixels(result)[3 * row + column], pixels(pipeline.stylize(label_map, style))[0])
    assert result.sheet().size == (96, 64)


def test_an_edited_map_keeps_its_styles(pipeline):
    for before in (
        pipeline.sample(face(), seed=21, num_images=2),
        pipeline.stylize(face(), [photo(), 4]),
        pipeline.interpolate(face(), 1, 2, steps=2),
    ):
        assert np.array_equal(pixels(pipeline.rerender(face(), like=before)), pixels(before))
        edited = pixels(pipeline.rerender(face(4), like=before))
        assert not np.array_equal(edited, pixels(before))
    assert np.array_equal(edited, pixels(pipeline.stylize(face(4), [1, 2])))


def test_interpolation_of_styles_is_linear_with_both_ends(pipeline):
    result = pixels(pipeline.interpolate(face(), 3, photo()))
    assert len(result) == 10
    assert np.array_equal(result[0], pixels(pipeline.sample(face(), seed=3))[0])
    assert np.array_equal(result[-1], pixels(pipeline.stylize(face(), photo()))[0])
    first, last = pipeline.style_of(3), pipeline.style_of(photo())
    middle = pipeline.stylize(face(), first + (last - first) * np.float32(4 / 9))
    assert np.abs(result[4] - pixels(middle)[0]).max() <= 1
    for start, end in ((0, 1), (1, 2), (np.int64(4), 5), (photo(), 1)):
        ends = pixels(pipeline.stylize(face(), [start, end]))
        assert np.array_equal(pixels(pipeline.interpolate(face(), start, steps=2)), ends)


def test_interpolation_through_maps_keeps_the_style(pipeline):
    maps = [face(shift) for shift in (0, 2, 4)]
    assert np.array_equal(pixels(pipeline.interpolate(maps, 6)), pixels(pipeline.sample(maps, seed=6)))
    longer = pixels(pipeline.interpolate(maps, 6, 7, steps=5))
    assert np.array_equal(longer[0], pixels(pipeline.sample(maps[0], seed=6))[0])
    assert np.array_equal(longer[-1], pixels(pipeline.sample(maps[2], seed=7))[0])


def test_ranking_by_the_discriminator(pipeline, make_pipeline):
    result = pipeline.sample([face(), face(4)], num_images=3)
    ranked = pipeline.rank(result)
    scores = pipeline.realism(result)
    assert sorted(scores)[::-1] == [pytest.approx(score) for score in pipeline.realism(ranked)]
    assert pixels(ranked)[0].tolist() == pixels(result)[scores.argmax()].tolist()
    assert np.array_equal(pixels(pipeline.render(ranked.plan)), pixels(ranked)), "the plan still tells how"
    best = pipeline.rank(pipeline.stylize(face(), [photo(), 1, 2]), best=2)
    assert len(best.images) == 2 and np.array_equal(pixels(pipeline.render(best.plan)), pixels(best))
    with pytest.raises(WeightsError, match=r"with_optional=True\) where the folder has one.*shipped weights have none"):
        make_pipeline(discriminator=False).rank(result)
    with pytest.raises(ConfigError, match=r"best is 2\.0; it must be a whole number"):
        pipeline.rank(result, best=2.0)
    with pytest.raises(ConfigError, match="best is 7; it must be a whole number, at least 1 and at most 6"):
        pipeline.rank(result, best=7)


def test_a_result_holds_codes_and_no_photo(pipeline, tmp_path: Path):
    result = pipeline.stylize(face(), [photo(), photo(1)])
    assert set(result.plan.conditions) == {"label_map", "style"}
    result.save(tmp_path / "out")
    again = pipeline.reproduce(tmp_path / "out" / "result.json")
    assert np.array_equal(pixels(again), pixels(result))


def test_saved_and_loaded_again(pipeline, tmp_path: Path):
    pipeline.save_pretrained(tmp_path / "weights")
    loaded = MaskFacePipeline.from_pretrained(tmp_path / "weights")
    assert "discriminator" not in loaded.components and loaded.weights_hash == pipeline.weights_hash
    assert np.array_equal(pixels(loaded.sample(face(), seed=1)), pixels(pipeline.sample(face(), seed=1)))
    assert "discriminator" in MaskFacePipeline.from_pretrained(tmp_path / "weights", with_optional=True).components


@pytest.mark.parametrize("network", ["generator", "style_encoder", "style_decoder"])
def test_networks_can_be_exported(pipeline, tmp_path: Path, network: str):
    report = export_network(pipeline, tmp_path / "net.pt", format="torchscript", network=network)
    assert report.max_difference is not None and report.max_difference < 1e-3


def test_maps_in_another_order_are_converted_or_refused(pipeline):
    bisenet = get_schema("bisenet-19")
    ids = converter(SCHEMA, bisenet)[face()]
    assert np.array_equal(pixels(pipeline.sample(ids, schema="bisenet-19")), pixels(pipeline.sample(face())))


REFUSED: list[tuple[str, tuple[Any, ...], dict[str, Any], type[LimnerError], str]] = [
    ("sample", (face().astype(int) + 18,), {}, DataError, 'but schema "celebamask-19" has ids 0..18'),
    ("sample", (np.zeros((32, 40), int),), {}, DataError, "40x32, but must be square: cut it, or say --fit"),
    ("sample", (np.zeros((32, 32, 3), int),), {}, ShapeError, "an array of colours (32, 32, 3)"),
    ("stylize", (face(), photo()[:7, :7]), {}, DataError, "7x7, too small to see anything"),
    ("stylize", (face(), ""), {}, DataError, "The name of a picture is empty"),
    ("sample", ("nowhere.png",), {}, DataError, "nowhere.png is missing"),
    ("sample", (face(),), {"num_images": 0}, ConfigError, "num_images is 0"),
    ("sample", (face(),), {"seed": -1}, ConfigError, "seed is -1"),
    ("sample", (face(),), {"batch_size": 0}, ConfigError, "batch_size is 0"),
    ("sample", (face(),), {"schema": "celebmask-19"}, ConfigError, 'Did you mean "celebamask-19"'),
    ("stylize", (face(), []), {}, ConfigError, "At least one style is needed"),
    ("stylize", (face(), "nowhere.jpg"), {}, DataError, "nowhere.jpg is missing"),
    ("stylize", (face(), photo()[:, :20]), {}, DataError, "20x32, but must be square"),
    ("stylize", (face(), photo() / 255), {}, ShapeError, "it must be uint8"),
    ("stylize", (face(), np.zeros(7)), {}, ShapeError, "A style code has shape (7,); it must be (8,)"),
    ("stylize", (face(), np.full(8, np.nan)), {}, ConfigError, "NaN"),
    ("stylize", (face(), -3), {}, ConfigError, "seed is -3"),
    ("sample", (face(),), {"num_images": 2.0}, ConfigError, "num_images is 2.0; it must be a whole number"),
    ("sample", (face(),), {"num_images": "2"}, ConfigError, "num_images is '2'; it must be a whole number"),
    ("sample", (face(),), {"num_images": 10**30}, ConfigError, "at most 1000000"),
    ("sample", (face(),), {"batch_size": 1.5}, ConfigError, "batch_size is 1.5; it must be a whole number"),
    ("sample", (face(),), {"batch_size": "4"}, ConfigError, "batch_size is '4'; it must be a whole number"),
    ("stylize", (face(), 1), {"batch_size": "4"}, ConfigError, "batch_size is '4'; it must be a whole number"),
    ("stylize", (face(), np.array(["a"] * 8)), {}, ShapeError, "A style code is <U1; it must be numbers"),
    ("stylize", (face(), None), {}, ConfigError, "but one is of type NoneType"),
    ("stylize", (face(), [0, 0.5]), {}, ConfigError, "but one is of type float"),
    ("stylize", (face(), {"style": 1}), {}, ConfigError, "but one is of type dict"),
    ("stylize", (face(), b"photo.png"), {}, ConfigError, "but one is of type bytes"),
    ("stylize", (face(), True), {}, ConfigError, "seed is True; it must be a whole number"),
    ("interpolate", (face(),), {"steps": 3.0}, ConfigError, "steps is 3.0; it must be a whole number"),
    ("interpolate", (face(),), {"steps": "3"}, ConfigError, "steps is '3'; it must be a whole number"),
    ("rerender", (face(),), {"like": "x.json"}, ConfigError, "The earlier result is of type str"),
    ("interpolate", (face(),), {"steps": 1}, ConfigError, "steps is 1"),
    ("interpolate", ([],), {}, ConfigError, "At least one label map"),
]


@pytest.mark.parametrize(("method", "arguments", "options", "error", "text"), REFUSED)
def test_refused_in_one_sentence(pipeline, method, arguments, options, error, text):
    with pytest.raises(error, match=re.escape(text)) as caught:
        getattr(pipeline, method)(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_results_that_are_not_ours_are_refused(pipeline, make_pipeline, scgan_like):
    with pytest.raises(ConfigError, match="not one of maskface"):
        pipeline.rerender(face(), like=scgan_like)
    before = pipeline.stylize(face(), [1, 2])
    before.plan.conditions["style"] = before.plan.conditions["style"][:, :5]
    with pytest.raises(ShapeError, match="of other weights"):
        pipeline.rerender(face(), like=before)
    with pytest.raises(ConfigError, match="takes one label map, but 2"):
        pipeline.rerender([face(), face()], like=pipeline.sample(face()))


@pytest.mark.parametrize("method", ["rerender", "rank", "realism"])
def test_results_of_other_systems_and_weights_are_refused(pipeline, make_pipeline, method):
    def use(result: Any) -> object:
        return pipeline.rerender(face(), like=result) if method == "rerender" else getattr(pipeline, method)(result)

    before = pipeline.sample(face())
    foreign = GenerationResult(before.media, before.plan, {**before.provenance, "system": "spade"})
    with pytest.raises(WeightsError, match='The earlier result was drawn by "spade"'):
        use(foreign)
    large = make_pipeline(size=64)
    with pytest.raises(WeightsError, match="load the weights that drew it"):
        use(large.sample(face()))
    for wrong in (None, "result.json", *(() if method == "rerender" else (before.plan,))):
        with pytest.raises(ConfigError, match=f"of type {type(wrong).__name__}; it must be what sample"):
            use(wrong)


@pytest.fixture
def scgan_like(pipeline) -> GenerationResult:
    """A result that has attributes among its conditions, as SCGAN's have."""
    result = pipeline.sample(face())
    result.plan.conditions["attributes"] = np.zeros((1, 5), np.float32)
    return result


def test_networks_that_do_not_fit_each_other_are_refused(make_pipeline):
    small, large = make_pipeline(), make_pipeline(size=64)
    with pytest.raises(ShapeError, match="The generator has image_size 32"):
        MaskFacePipeline(spec=small.spec, size=64, **large.components | {"generator": small.components["generator"]})
    other = make_pipeline(schema="portrait-11")
    with pytest.raises(ShapeError, match="does not read maps of 19 classes"):
        networks = small.components | {"discriminator": other.components["discriminator"]}
        MaskFacePipeline(spec=small.spec, size=32, **networks)
