"""The evaluation of portrait, with small untrained networks on drawn faces."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch

from limner.data.manifest import Manifest, open_manifest
from limner.data.schema import get_schema
from limner.data.spec import DataSpec
from limner.errors import ConfigError
from limner.faces.parts import PARTS
from limner.mask_to_image.evaluation import mean_inside
from limner.metrics.features import FeatureNetwork, judge_features
from limner.metrics.tables import published_table
from limner.nn.parsing import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline
from limner.systems.portrait.evaluation import _glasses, _identity, _Run, evaluate


@pytest.fixture(scope="module")
def manifest(drawn_faces: Path) -> Manifest:
    return open_manifest(drawn_faces, schema="portrait-11", attributes=())


def make_judge(schema: str) -> ParserPipeline:
    torch.manual_seed(1)
    spec = DataSpec(get_schema(schema))
    network = ParsingNetwork(num_classes=spec.schema.num_classes, num_attributes=0, width=8)
    return ParserPipeline(spec=spec, size=32, parser=network)


@pytest.fixture
def report(pipeline, manifest):
    return evaluate(pipeline, manifest, judge=make_judge("portrait-11"), split="all", num_images=6, batch_size=4)


def test_everything_is_measured(report):
    keys = set(report.measurements)
    edits = {f"locality_{name}" for name in ("eyes", "mouth", "skin", "hair")}
    assert keys >= {"fd", "fd_paired", "kid", "psnr_paired", "l1_paired", "diversity_pixels"} | edits
    assert keys >= {f"{by}_{score}" for by in ("judge",) for score in ("mean_iou", "mean_iou_real", "pixel_accuracy")}
    assert {"parser_pixel_accuracy_real", "parser_mean_iou_real"} <= keys
    assert {"identity_own", "detail_ratio", "detail_paired"} <= keys and "glasses_kept" not in keys
    for key, measurement in report.measurements.items():
        assert math.isfinite(measurement.value), key
    assert set(report.measurements["l1_paired"].per_class) == set(PARTS)
    named = [measurement.protocol.metric for measurement in report.measurements.values()]
    assert len(set(named)) == len(named)
    json.dumps(report.to_json(), allow_nan=False)
    assert "| changed eye mask | 26.04 |" in report.table() and "not measured" in report.table()
    assert report.sheet is not None and report.sheet.size == (8 * 64, 6 * 64)


def test_identity_by_hand(pipeline, manifest):
    judge = make_judge("portrait-11")
    run = _Run(pipeline, judge, (), judge_features(judge), manifest, "all", 0, 4, pictures=6)
    real = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 4.0]])
    again = torch.tensor([[0.1, 0.0], [0.9, 1.0], [1.0, 0.5]])  # the third looks like the second
    assert _identity(run, real, again)["identity_own"].value == pytest.approx(2 / 3)


def test_glasses_by_hand(pipeline, manifest):
    judge = make_judge("portrait-11")
    run = _Run(pipeline, judge, (), judge_features(judge), manifest, "all", 0, 4, pictures=6)
    seen = torch.tensor([[0.02, 0.015], [0.02, 0.001], [0.001, 0.0]])  # kept, lost, and none in the photo
    found = _glasses(run, seen)["glasses_kept"]
    assert (found.value, found.protocol.count) == (0.5, 2)
    assert _glasses(run, seen[2:]) == {}


def test_the_batch_size_changes_nothing(report, pipeline, manifest):
    other = evaluate(pipeline, manifest, judge=make_judge("portrait-11"), split="all", num_images=6, batch_size=6)
    for key in ("fd", "psnr_paired", "judge_mean_iou", "locality_hair", "diversity_pixels"):
        assert other.measurements[key].value == pytest.approx(report.measurements[key].value, rel=1e-2), key


def test_more_results_than_photos_take_further_looks(pipeline, manifest):
    few = dataclasses.replace(manifest, rows=manifest.rows[:3])
    judge = make_judge("portrait-11")
    found = evaluate(pipeline, few, judge=judge, split="all", num_images=6, batch_size=4).measurements
    assert (found["fd"].protocol.count, found["fd_paired"].protocol.count) == (6, 3)
    assert (found["judge_mean_iou"].protocol.count, found["judge_mean_iou_real"].protocol.count) == (6, 3)
    run = _Run(pipeline, judge, (), judge_features(judge), few, "all", 0, 4, pictures=6)
    run.encode(lambda batches, **_: batches)
    with pipeline.inference():
        images = torch.cat([run.unpaired(run.batch(part), part).image for part in (range(4), range(4, 6))])
    assert not torch.equal(images[:3], images[3:])


def test_more_results_of_the_same_photos_do_not_narrow_an_interval(pipeline, manifest, monkeypatch):
    judge, few = make_judge("portrait-11"), dataclasses.replace(manifest, rows=manifest.rows[:6])
    paint = pipeline.paint_looks  # without looks, all results of one photo are the same
    monkeypatch.setattr(pipeline, "paint_looks", lambda maps, photos, codes: paint(maps, photos, 0 * codes))
    widths = []
    for count in (6, 24):
        found = evaluate(pipeline, few, judge=judge, split="all", num_images=count, batch_size=6).measurements
        low, high = found["fd"].interval
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0], rel=0.3)  # it would be half as wide


def test_a_judge_of_nineteen_classes_is_converted(pipeline, manifest):
    judge = make_judge("celebamask-19")
    found = evaluate(pipeline, manifest, judge=judge, split="all", num_images=4, batch_size=4)
    assert set(found.measurements["judge_mean_iou"].per_class) == set(get_schema("portrait-11").classes)


def test_mean_inside_a_mask():
    values = torch.tensor([[[1.0, 2.0], [3.0, 5.0]]] * 2)
    mask = torch.tensor([[[True, False], [False, True]], [[False, False], [False, False]]])
    found = mean_inside(values, mask)
    assert found[0] == 3 and found[1].isnan()


def test_the_table_of_the_slides():
    rows = {row.method: row.values["fid"] for row in published_table("portrait-experiments").rows}
    assert rows == {"original method": 26.54, "changed eye mask": 26.04, "multi-target-mask encoder": 28.48}


def test_fid_of_fewer_photos_than_features_is_refused(pipeline, manifest):
    """More results than features are not enough."""
    features = FeatureNetwork(
        "inception-v3", "none", "ab" * 32, 3, lambda image: image.mean((2, 3)), frechet_name="FID"
    )
    judge, few = make_judge("portrait-11"), dataclasses.replace(manifest, rows=manifest.rows[:4])
    with pytest.raises(ConfigError, match="3 images do not span 3 features"):
        evaluate(
            pipeline,
            dataclasses.replace(few, rows=few.rows[:3]),
            judge=judge,
            features=features,
            split="all",
            num_images=8,
        )
    report = evaluate(pipeline, few, judge=judge, features=features, split="all", num_images=8)
    assert {"fd", "fd_paired"} <= set(report.measurements)


def test_refusals(pipeline, manifest):
    judge = make_judge("portrait-11")
    with pytest.raises(ConfigError, match="1 results of 40 photos in batches of 32"):
        evaluate(pipeline, manifest, judge=judge, split="all", num_images=1)
    with pytest.raises(ConfigError, match=r'"portrait-11" .*"celebamask-19"'):
        evaluate(pipeline, open_manifest(manifest.root), judge=judge)
    with pytest.raises(ConfigError, match="cannot be converted"):
        evaluate(pipeline, manifest, judge=make_judge("deepfashion-7"), split="all", num_images=4)
