"""The evaluation of maskface, with small untrained networks."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
import torch

from limner.data.manifest import DataSpec
from limner.data.schema import get_schema
from limner.errors import ConfigError
from limner.systems.maskface.evaluation import evaluate
from limner.systems.maskface.networks import Generator, StyleDecoder, StyleEncoder
from limner.systems.maskface.pipeline import MaskFacePipeline
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline


def make(spec: DataSpec) -> tuple[MaskFacePipeline, ParserPipeline]:
    torch.manual_seed(0)
    classes = spec.schema.num_classes
    pipeline = MaskFacePipeline(
        spec=spec,
        image_size=32,
        generator=Generator(image_size=32, num_classes=classes, style_size=8, width=8),
        style_encoder=StyleEncoder(latent_size=4, style_size=8, width=16),
        style_decoder=StyleDecoder(image_size=32, style_size=8, width=8),
    )
    network = ParsingNetwork(num_classes=classes, num_attributes=len(spec.attribute_names), width=8)
    return pipeline, ParserPipeline(spec=spec, image_size=32, parser=network)


def test_both_modes_and_the_style_measures(shapes):
    pipeline, judge = make(shapes.spec)
    report = evaluate(pipeline, shapes, judge=judge, num_images=8, batch_size=4)
    keys = set(report.measurements)
    assert {"judge_mean_iou", "fd", "diversity_pixels", "reference_judge_mean_iou", "reference_fd"} <= keys
    assert {"style_error", "style_consistency", "inversion_l1", "reference_diversity_pixels"} <= keys
    assert not [key for key in keys if "attribute" in key]
    for key, measurement in report.measurements.items():
        assert math.isfinite(measurement.value), key
    named = [measurement.protocol.metric for measurement in report.measurements.values()]
    assert len(set(named)) == len(named), "every number can be told from the others by its protocol"
    json.dumps(report.to_json(), allow_nan=False)


def test_style_error_by_hand(shapes):
    """With a style decoder that always answers 0 the error is the mean size of the codes."""
    pipeline, judge = make(shapes.spec)
    for parameter in pipeline.components["style_decoder"].to_style.parameters():
        torch.nn.init.zeros_(parameter)
    report = evaluate(pipeline, shapes, judge=judge, num_images=6, batch_size=4, seed=3)
    with torch.no_grad():
        codes = pipeline.components["style_encoder"](pipeline.draw_latents(range(3, 9)))
    assert report.measurements["style_error"].value == pytest.approx(float(codes.abs().mean()), rel=1e-4)
    # All photos have the same code, so faces of one map do not differ at all.
    assert report.measurements["reference_diversity_pixels"].value == 0


def test_maps_in_another_order_are_refused(shapes):
    """A checkpoint of CelebAMask-HQ's order must not meet maps in BiSeNet's, which have the same ids."""
    pipeline, judge = make(DataSpec(get_schema("celebamask-19")))
    spec = DataSpec(get_schema("bisenet-19"))
    foreign = dataclasses.replace(shapes, spec=spec, native_schema=spec.schema)
    with pytest.raises(ConfigError, match=r'"celebamask-19" .*"bisenet-19"'):
        evaluate(pipeline, foreign, judge=judge)
