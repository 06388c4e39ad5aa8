"""SCGAN's evaluation, with small untrained networks: what is measured on what, whatever the batch size."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from limner.data.dataset import MaskToImageDataset, collate
from limner.data.schema import LabelSchema
from limner.data.spec import DataSpec
from limner.errors import ConfigError, DataError
from limner.mask_to_image.evaluation import _Run
from limner.metrics.features import FeatureNetwork, judge_features
from limner.metrics.protocol import comparable, differences
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline
from limner.systems.scgan.evaluation import evaluate
from limner.systems.scgan.networks import Discriminator, Generator, Segmentor
from limner.systems.scgan.pipeline import SCGANPipeline


def make_pipeline(spec, *, discriminator: bool = True) -> SCGANPipeline:
    torch.manual_seed(0)
    count = len(spec.attribute_names)
    networks = {
        "generator": Generator(
            image_size=32, num_classes=3, num_attributes=count, latent_size=8, architecture="stepwise", width=8
        ),
        "segmentor": Segmentor(num_classes=3, architecture="paper", width=8),
    }
    if discriminator:
        networks["discriminator"] = Discriminator(image_size=32, num_attributes=count, width=8)
    return SCGANPipeline(spec=spec, size=32, **networks)


def make_judge(spec, *, image_size: int = 32, num_classes: int = 3) -> ParserPipeline:
    torch.manual_seed(1)
    network = ParsingNetwork(num_classes=num_classes, num_attributes=len(spec.attribute_names), width=8)
    return ParserPipeline(spec=spec, size=image_size, parser=network)


@pytest.fixture
def report(shapes):
    return evaluate(make_pipeline(shapes.spec), shapes, judge=make_judge(shapes.spec), num_images=15, batch_size=4)


def test_the_worst_pictures_are_shown_too(report, shapes, tmp_path):
    report.save(tmp_path)
    with Image.open(tmp_path / "worst.png") as sheet:
        assert sheet.size == (4 * 32, len(shapes.split("test")) * 32)  # map, real, picture, parse
    assert "![worst](worst.png)" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(("strength", "share"), [(0.0, 0.0), (2.0, 1.0)])
def test_codes_with_a_spot_at_one_place_are_found(shapes, strength, share):
    pipeline = make_pipeline(shapes.spec)

    def grey_but_for_a_point(module: nn.Module, given: object, picture: torch.Tensor) -> torch.Tensor:
        picture = torch.zeros_like(picture)
        picture[:, 0, 20, 7] = strength
        return picture

    pipeline.components["generator"].register_forward_hook(grey_but_for_a_point)
    report = evaluate(pipeline, shapes, judge=make_judge(shapes.spec), num_images=6, batch_size=4, seed=40)
    found = report.measurements["spotted_codes"]
    assert found.value == share
    assert f"for seeds {'[40, 41, 42, ' if share else 'none'}" in found.note, "as `limner generate --seed` has them"


def test_small_parts_are_compared_with_what_the_judge_reads_in_real_pictures(shapes):
    """Eyes: the mean of generated over real of both sides; classes that the judge never finds do not count."""
    schema = LabelSchema(name="eyes", classes=("l_eye", "r_eye", "u_lip"), palette=shapes.spec.schema.palette)
    spec = DataSpec(schema, shapes.spec.attribute_names)
    data = dataclasses.replace(shapes, spec=spec, native_schema=schema)
    found = evaluate(make_pipeline(spec), data, judge=make_judge(spec), num_images=6, batch_size=4).measurements
    generated, real = (found[f"judge_mean_iou{end}"].per_class for end in ("", "_real"))
    wanted = [generated[name] / real[name] for name in ("l_eye", "r_eye") if real[name] > 0]
    assert wanted
    assert found["small_parts_iou_ratio"].per_class["eyes"] == pytest.approx(sum(wanted) / len(wanted))


def test_the_ceiling_of_diversity_is_what_real_pictures_of_most_alike_maps_differ_by(report, shapes):
    """By hand, pair by pair: of those with the same attributes the one whose map differs in the fewest pixels."""
    rows = shapes.split("test")
    batch = collate([MaskToImageDataset(rows, image_size=32)[number] for number in range(len(rows))])
    with torch.inference_mode():
        vectors = judge_features(make_judge(shapes.spec))(batch.image).double()

    def difference(a: int, b: int) -> float:
        return float((vectors[a] - vectors[b]).abs().mean())

    of_neighbours = [difference(number, number - 1) for number in range(len(rows))]
    differences, apart = [], []
    for one in range(len(rows)):
        others = {
            two: float((batch.label_map[one] != batch.label_map[two]).double().mean())
            for two in range(len(rows))
            if two != one and torch.equal(batch.attributes[one], batch.attributes[two])
        }
        if others:
            nearest = min(others, key=others.__getitem__)
            differences.append(difference(one, nearest))
            apart.append(others[nearest])
    assert differences
    found = report.measurements["diversity_features_share_real"]
    assert found.protocol.count == len(differences)
    assert found.value == pytest.approx(np.mean(differences) / np.mean(of_neighbours), rel=1e-4)
    assert f"still differ in {100 * np.mean(apart):.0f} % of their pixels" in found.note
    assert report.measurements["diversity_features_share"].ceiling == found.value
    shares = {key: report.measurements[f"diversity_{key}_share_real"] for key in ("features", "details")}
    assert shares["details"].protocol.count == shares["features"].protocol.count
    assert report.measurements["diversity_details_share"].ceiling == shares["details"].value


@pytest.mark.parametrize("shading", [True, False])
def test_what_differs_by_light_alone_is_no_diversity_of_details(shapes, shading):
    """Pictures that are one map's lines with another brightness for each latent, or with other lines."""
    pipeline = make_pipeline(shapes.spec)
    lines = torch.arange(32.0).mul(2.1).sin().mul(0.3).expand(3, 32, 32)

    def lit(module: nn.Module, given: tuple[torch.Tensor, ...], picture: torch.Tensor) -> torch.Tensor:
        strength = given[0][:, :1, None, None].tanh() / 2
        return lines + strength if shading else lines * (1 + 2 * strength)

    pipeline.components["generator"].register_forward_hook(lit)
    found = evaluate(pipeline, shapes, judge=make_judge(shapes.spec), num_images=6, batch_size=4).measurements
    features, details = (found[f"diversity_{key}_share"].value for key in ("features", "details"))
    assert features > 0.005
    assert details < 0.1 * features if shading else details > 0.5 * features


def test_everything_is_measured_with_its_protocol(report, shapes):
    expected = {
        "own_pixel_accuracy",
        "own_mean_iou",
        "own_pixel_accuracy_real",
        "own_mean_iou_real",
        "judge_pixel_accuracy",
        "judge_mean_iou",
        "judge_pixel_accuracy_real",
        "judge_mean_iou_real",
        "judge_mean_iou_ratio",
        *(f"{key}{of}" for key in ("fd", "kid", "precision", "recall") for of in ("", "_one_per_map", "_real")),
        "judge_attribute_accuracy",
        "judge_attribute_accuracy_real",
        "own_attribute_accuracy",
        "diversity_features_share",
        "diversity_details_share",
        "diversity_features_share_real",
        "diversity_details_share_real",
        "diversity_pixels",
        "diversity_features",
        "detail_ratio",
        "broken_codes",
        "spotted_codes",
    }
    assert next(iter(report.measurements)) == "diversity_features_share"
    assert set(report.measurements) == expected
    for key, measurement in report.measurements.items():
        assert math.isfinite(measurement.value), key
        assert (measurement.protocol.seeds == ()) == key.endswith("_real"), key
    counts = {key: measurement.protocol.count for key, measurement in report.measurements.items()}
    assert (counts["fd"], counts["fd_one_per_map"], counts["fd_real"]) == (15, 6, 6)
    assert counts["judge_mean_iou"] == 15
    fd = report.measurements["fd"]
    assert "FD-parser" in fd.protocol.metric
    train = shapes.split("train").fingerprint()[:12]
    assert fd.protocol.reference == f"24 real images of train (data {train})"
    assert "15 images do not span 64 features" in fd.note
    real = "Of other groups of 4 real pictures, 50.0% are expected to be above the largest of 1."
    assert report.measurements["broken_codes"].note.endswith(real)  # six pictures: one whole group
    json.dumps(report.to_json(), allow_nan=False)
    assert "| SPADE | 18.50 |" in report.table()


def test_the_ratio_is_the_quotient(report):
    values = {key: measurement.value for key, measurement in report.measurements.items()}
    assert values["judge_mean_iou_ratio"] == pytest.approx(values["judge_mean_iou"] / values["judge_mean_iou_real"])


def test_the_batch_size_changes_nothing(report, shapes):
    other = evaluate(make_pipeline(shapes.spec), shapes, judge=make_judge(shapes.spec), num_images=15, batch_size=15)
    for key, measurement in report.measurements.items():
        assert other.measurements[key].value == pytest.approx(measurement.value, rel=1e-3), key


def test_the_seed_changes_the_pictures(report, shapes):
    other = evaluate(make_pipeline(shapes.spec), shapes, judge=make_judge(shapes.spec), num_images=15, seed=1)
    assert other.measurements["fd"].value != report.measurements["fd"].value
    assert other.measurements["fd_real"].value == pytest.approx(report.measurements["fd_real"].value, rel=1e-6)


def test_the_pipeline_makes_the_same_pictures(shapes):
    pipeline = make_pipeline(shapes.spec)
    rows, judge = shapes.split("test"), make_judge(shapes.spec)
    features, progress = judge_features(judge), lambda iterable, **_: iterable
    run = _Run(pipeline, judge, (), features, None, rows, "test", seed=5, batch_size=4, progress=progress)
    with pipeline.inference():
        batches = [run.fake_batch(range(start, start + 4)) for start in (0, 4)]
    pictures = torch.cat([batch.image for batch in batches])
    for number in (0, 3, 7):
        row = rows.rows[number % 6]
        attributes = run.shuffled_attributes[number % 6].tolist()
        (picture,) = pipeline(rows.read_label_map(row), attributes, seed=5 + number).images
        ours = ((pictures[number] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
        assert np.abs(np.asarray(picture).astype(int) - ours).max() <= 1  # a batch may round differently
    wanted = sorted(row.attributes for row in rows.rows)
    assert sorted(map(tuple, run.shuffled_attributes.tolist())) == wanted


def test_sheet(report):
    assert report.sheet.size == ((2 + 4 + 1) * 32, 6 * 32)


def test_a_judge_of_another_size_resizes_and_says_so(shapes):
    result = evaluate(
        make_pipeline(shapes.spec), shapes, judge=make_judge(shapes.spec, image_size=16), num_images=6, batch_size=3
    )
    protocol = result.measurements["judge_mean_iou"].protocol
    assert (protocol.resolution, protocol.resize, protocol.antialias) == (32, "bilinear to 16 px", True)
    assert result.measurements["own_mean_iou"].protocol.resize == "none"


def test_without_discriminator_and_without_attributes(make_shapes):
    manifest = make_shapes(attributes=())
    pipeline = make_pipeline(manifest.spec, discriminator=False)
    result = evaluate(pipeline, manifest, judge=make_judge(manifest.spec), num_images=6)
    assert not [key for key in result.measurements if "attribute" in key]
    assert math.isfinite(result.measurements["diversity_pixels"].value)


def test_exclusive_attributes(make_shapes):
    manifest = make_shapes(kind="exclusive")
    result = evaluate(make_pipeline(manifest.spec), manifest, judge=make_judge(manifest.spec), num_images=6)
    assert 0 <= result.measurements["judge_attribute_accuracy"].value <= 1
    assert "50.00 %" in result.measurements["judge_attribute_accuracy"].note


def test_all_rows_are_their_own_reference(shapes):
    result = evaluate(make_pipeline(shapes.spec), shapes, judge=make_judge(shapes.spec), split="all", num_images=4)
    assert result.measurements["fd"].protocol.reference == "30 real images of all"
    assert "fd_real" not in result.measurements
    assert result.measurements["judge_mean_iou_real"].protocol.count == 4


def test_numbers_against_other_training_pictures_are_not_comparable(report, shapes):
    rows = tuple(
        dataclasses.replace(row, name=f"other {row.name}") if row.split == "train" else row for row in shapes.rows
    )
    other = dataclasses.replace(shapes, rows=rows)
    found = evaluate(make_pipeline(shapes.spec), other, judge=make_judge(shapes.spec), num_images=15, batch_size=4)
    ours, theirs = report.measurements, found.measurements
    assert differences(ours["fd"].protocol, theirs["fd"].protocol) == ["reference"]
    assert comparable(ours["judge_mean_iou"].protocol, theirs["judge_mean_iou"].protocol)


def test_training_rows_are_their_own_reference(shapes):
    result = evaluate(make_pipeline(shapes.spec), shapes, judge=make_judge(shapes.spec), split="train", num_images=4)
    assert result.measurements["fd"].protocol.reference == "24 real images of train"
    assert "fd_real" not in result.measurements


def test_more_pictures_of_the_same_maps_do_not_narrow_an_interval(shapes, monkeypatch):
    pipeline = make_pipeline(shapes.spec)
    paint = pipeline.paint
    monkeypatch.setattr(pipeline, "paint", lambda maps, attributes, seeds: paint(maps, attributes, [0] * len(seeds)))
    few, many = (
        evaluate(pipeline, shapes, judge=make_judge(shapes.spec), num_images=count).measurements for count in (6, 24)
    )
    key = "judge_attribute_accuracy"
    assert many[key].interval == pytest.approx(few[key].interval)
    low, high = few["fd"].interval
    many_low, many_high = many["fd"].interval
    assert many_high - many_low == pytest.approx(high - low, rel=0.3)  # it would be half as wide


def test_another_feature_network(shapes):
    features = make_judge(shapes.spec)
    features.weights_name = "others"
    pipeline = make_pipeline(shapes.spec)
    result = evaluate(pipeline, shapes, judge=make_judge(shapes.spec), features=features, num_images=6)
    assert result.measurements["fd"].protocol.network == "parser others"


@pytest.fixture
def published():
    """Twelve features under the name of Inception-v3's."""
    return FeatureNetwork(
        "inception-v3",
        "none",
        "ab" * 32,
        12,
        lambda image: functional.adaptive_avg_pool2d(image, 2).flatten(1),
        frechet_name="FID",
    )


def test_fid_of_fewer_real_images_than_features_is_refused(shapes, make_shapes, published):
    pipeline, judge = make_pipeline(shapes.spec), make_judge(shapes.spec)
    for manifest, split in ((make_shapes(num_train=12), "test"), (make_shapes(num_train=2), "all")):
        with pytest.raises(ConfigError, match=r"generated and real: (12|8) images do not span 12 features"):
            evaluate(pipeline, manifest, judge=judge, features=published, split=split, num_images=20)
    with pytest.raises(ConfigError, match="12 images do not span 12 features"):
        evaluate(pipeline, shapes, judge=judge, features=published, num_images=12)


def test_nothing_is_called_fid_that_too_few_images_decide(shapes, published):
    result = evaluate(
        make_pipeline(shapes.spec), shapes, judge=make_judge(shapes.spec), features=published, num_images=13
    )
    named = {key for key, one in result.measurements.items() if one.protocol.metric.startswith("FID")}
    assert named == {"fd"}  # there are only six maps for `fd_one_per_map` and `fd_real`
    assert {"kid_one_per_map", "kid_real"} <= set(result.measurements)


def test_fid_stands_beside_the_published_one_and_no_other_distance_does(report, shapes, published):
    assert "fid" not in report.to_json()["published"]["measured"]
    assert "measured | not measured |" in report.table()
    result = evaluate(
        make_pipeline(shapes.spec), shapes, judge=make_judge(shapes.spec), features=published, num_images=13
    )
    value = result.measurements["fd"].value
    assert result.to_json()["published"]["measured"]["fid"] == value
    assert f"measured | {value:.2f} |" in result.table()


def test_refusals(shapes, make_shapes):
    pipeline, judge = make_pipeline(shapes.spec), make_judge(shapes.spec)
    for count in (0, 1, -5):
        with pytest.raises(ConfigError, match=rf"{count} images? of 6 label maps \(split \w+\) are too few"):
            evaluate(pipeline, shapes, judge=judge, num_images=count)
    with pytest.raises(ConfigError, match="6 images of 1 label map "):
        evaluate(pipeline, make_shapes(num_test=1), judge=judge, num_images=6)
    with pytest.raises(ConfigError, match="batch_size is 0"):
        evaluate(pipeline, shapes, judge=judge, batch_size=0)
    with pytest.raises(DataError, match='"val"'):
        evaluate(pipeline, shapes, judge=judge, split="val")
    with pytest.raises(ConfigError, match="no published table"):
        evaluate(pipeline, shapes, judge=judge, table="none")
    schema = dataclasses.replace(shapes.spec.schema, name="others", classes=("a", "b", "c"))
    other = dataclasses.replace(shapes.spec, labels=schema)
    with pytest.raises(ConfigError, match=r'"shapes".*the judge unsaved with "others"'):
        evaluate(pipeline, shapes, judge=make_judge(other))
    with pytest.raises(ConfigError, match=r'"shapes".*the data in shapes with "others"'):
        evaluate(pipeline, dataclasses.replace(shapes, spec=other), judge=judge)
    bare = dataclasses.replace(shapes.spec, attribute_names=())
    with pytest.raises(ConfigError, match=r"Dark, Odd \(multi_label\), but the judge unsaved none"):
        evaluate(pipeline, shapes, judge=make_judge(bare))
