"""The evaluation of maskface, with small untrained networks."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from limner.data.dataset import MaskToImageDataset, collate
from limner.data.manifest import Manifest
from limner.data.schema import get_schema
from limner.data.spec import DataSpec
from limner.errors import ConfigError
from limner.metrics.protocol import Protocol
from limner.systems.maskface.evaluation import (
    _ReferencePainter,
    evaluate,
    locality_measurements,
    longer_hair,
    open_mouth,
)
from limner.systems.maskface.networks import Generator, StyleDecoder, StyleEncoder
from limner.systems.maskface.pipeline import MaskFacePipeline
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline


def make(spec: DataSpec) -> tuple[MaskFacePipeline, ParserPipeline]:
    torch.manual_seed(0)
    classes = spec.schema.num_classes
    pipeline = MaskFacePipeline(
        spec=spec,
        size=32,
        generator=Generator(image_size=32, num_classes=classes, style_size=8, width=8),
        style_encoder=StyleEncoder(latent_size=4, style_size=8, width=16),
        style_decoder=StyleDecoder(image_size=32, style_size=8, width=8),
    )
    network = ParsingNetwork(num_classes=classes, num_attributes=len(spec.attribute_names), width=8)
    return pipeline, ParserPipeline(spec=spec, size=32, parser=network)


def test_both_modes_and_the_style_measures(shapes):
    pipeline, judge = make(shapes.spec)
    report = evaluate(pipeline, shapes, judge=judge, num_images=8, batch_size=4)
    keys = set(report.measurements)
    assert {"judge_mean_iou", "fd", "diversity_pixels", "reference_judge_mean_iou", "reference_fd"} <= keys
    assert {"style_error", "style_consistency", "inversion_l1", "reference_diversity_pixels"} <= keys
    assert not [key for key in keys if "attribute" in key or "locality" in key], "shapes have neither hair nor mouth"
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


@pytest.mark.parametrize("first", [0, 7])
def test_every_round_over_the_maps_takes_other_photos(make_shapes, monkeypatch, first):
    manifest = make_shapes(num_train=1, num_test=5).split("test")
    pipeline, _ = make(manifest.spec)
    photos = MaskToImageDataset(manifest, image_size=32)
    monkeypatch.setattr(pipeline, "paint_styles", lambda label_map, style: style)
    painter = _ReferencePainter(pipeline, photos, seed=first)
    batch = collate([photos[index] for index in range(5)])
    with pipeline.inference():
        codes = pipeline.components["style_decoder"](batch.image)
        rounds = [
            painter.paint(batch.label_map, batch.attributes, range(start, start + 5))
            for start in range(first, first + 20, 5)
        ]
    taken = torch.stack([torch.cdist(one, codes).argmin(1) for one in rounds], dim=1)
    for own, others in enumerate(taken.tolist()):
        assert sorted([own, *others]) == [0, 1, 2, 3, 4], "in four rounds each of the others, never its own"


def test_both_modes_make_as_many_faces(shapes, monkeypatch):
    monkeypatch.setattr("limner.mask_to_image.evaluation.DEFAULT_NUM_IMAGES", 10)
    pipeline, judge = make(shapes.spec)
    found = evaluate(pipeline, shapes, judge=judge).measurements
    assert len(shapes.split("test")) < 10
    assert found["fd"].protocol.count == found["reference_fd"].protocol.count == 10


CELEBAMASK = get_schema("celebamask-19")


def face() -> torch.Tensor:
    """Hair over skin, two lips, an eye under the fringe; 32 px, so edits move by two pixels."""
    label_map = torch.zeros(1, 32, 32, dtype=torch.int64)
    label_map[:, 6:28, 8:24] = CELEBAMASK.id("skin")
    label_map[:, 2:10, 6:26] = CELEBAMASK.id("hair")
    label_map[:, 10:12, 10:14] = CELEBAMASK.id("r_eye")
    label_map[:, 20:21, 12:20] = CELEBAMASK.id("u_lip")
    label_map[:, 21:23, 12:20] = CELEBAMASK.id("l_lip")
    return label_map


def test_longer_hair_covers_skin_but_no_eye():
    edited = longer_hair(face(), CELEBAMASK)
    expected = face()
    expected[:, 10:12, 6:26] = CELEBAMASK.id("hair")
    expected[:, 10:12, 10:14] = CELEBAMASK.id("r_eye")
    assert torch.equal(edited, expected)


def test_an_opened_mouth_shows_its_inside_where_the_lip_was():
    edited = open_mouth(face(), CELEBAMASK)
    expected = face()
    expected[:, 21:23, 12:20] = CELEBAMASK.id("mouth")
    expected[:, 23:25, 12:20] = CELEBAMASK.id("l_lip")
    assert torch.equal(edited, expected)


def test_locality_by_hand(make_pipeline, faces):
    """A map that an edit does not change does not count; the other does under its own code."""
    pipeline = make_pipeline()
    dataset = MaskToImageDataset(faces, image_size=32)
    protocol = Protocol(metric="", split="all", count=2, resolution=32, data_fingerprint="", seeds=(4,))
    found = locality_measurements(pipeline, dataset, protocol, seed=4, batch_size=1)
    assert {key: one.protocol.count for key, one in found.items()} == {"locality_hair": 2, "locality_mouth": 1}
    label_map, edited = face(), open_mouth(face(), CELEBAMASK)
    with torch.no_grad():
        style = pipeline.components["style_encoder"](pipeline.draw_latents([5]))
        before, after = (pipeline.paint_styles(one, style) for one in (label_map, edited))
    change = (after - before).abs().mean(1)
    inside = edited != label_map
    expected = float(change[inside].mean() / change[~inside].mean())
    assert found["locality_mouth"].value == pytest.approx(expected, rel=1e-4)


@pytest.fixture
def faces(make_shapes) -> Manifest:
    """Two faces of CelebAMask-HQ's classes; the first has no mouth."""

    class Faces:
        def read_label_map(self, row):
            label_map = face()[0]
            if row.image == "0":
                label_map[20:23] = CELEBAMASK.id("skin")
            return label_map.numpy().astype(np.uint8)

        def read_image(self, row):
            return np.zeros((32, 32, 3), np.uint8)

        def files(self, row):
            return ()

    manifest = make_shapes(num_train=1, num_test=1, attributes=())
    return dataclasses.replace(manifest, spec=DataSpec(CELEBAMASK), native_schema=CELEBAMASK, reader=Faces())


def test_maps_in_another_order_are_refused(shapes):
    """A checkpoint of CelebAMask-HQ's order must not meet maps in BiSeNet's, which have the same ids."""
    pipeline, judge = make(DataSpec(get_schema("celebamask-19")))
    spec = DataSpec(get_schema("bisenet-19"))
    foreign = dataclasses.replace(shapes, spec=spec, native_schema=spec.schema)
    with pytest.raises(ConfigError, match=r'"celebamask-19" .*"bisenet-19"'):
        evaluate(pipeline, foreign, judge=judge)
