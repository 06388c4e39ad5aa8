"""Judges whose labels are of another schema than the weights that they judge."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from limner import registry
from limner.data.manifest import open_manifest
from limner.data.schema import get_schema
from limner.data.spec import DataSpec
from limner.errors import ConfigError
from limner.metrics.judge import check_judge, judged_labels, labels_setting
from limner.nn.parsing import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline


def make_judge(schema: str, *, size: int = 32) -> ParserPipeline:
    torch.manual_seed(1)
    spec = DataSpec(get_schema(schema))
    network = ParsingNetwork(num_classes=spec.schema.num_classes, num_attributes=0, width=8)
    return ParserPipeline(spec=spec, size=size, parser=network)


def test_labels_are_converted_by_meaning():
    image = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    judge, eleven = make_judge("celebamask-19"), get_schema("portrait-11")
    with judge.inference():
        own = judged_labels(judge, image, judge.spec.schema)
        assert torch.equal(own, judge.logits(image).argmax(1))
        found = judged_labels(judge, image, eleven)
    pairs = {(judge.spec.schema.classes[a], eleven.classes[b]) for a, b in zip(own.ravel(), found.ravel(), strict=True)}
    assert len(pairs) > 5 and len(dict(pairs)) == len(pairs)  # every class became one other, the same everywhere
    same = {name for name in judge.spec.schema.classes if name in eleven.classes}
    sides = {
        "l_eye": "r_eye",
        "r_eye": "l_eye",
        "l_brow": "r_brow",
        "r_brow": "l_brow",
    }  # the subject's and the image's
    for before, after in pairs:
        if before in same:
            assert after == sides.get(before, before)


def test_labels_have_the_size_of_the_image():
    judge = make_judge("portrait-11", size=16)
    with judge.inference():
        assert judged_labels(judge, torch.zeros(2, 3, 32, 32), judge.spec.schema).shape == (2, 32, 32)


def test_the_protocol_says_what_was_converted():
    assert labels_setting(get_schema("portrait-11"), get_schema("portrait-11")) == "none"
    text = labels_setting(get_schema("celebamask-19"), get_schema("portrait-11"))
    assert text == "labels of celebamask-19 as portrait-11"


def test_judges_of_other_or_coarser_labels_are_refused():
    spec = DataSpec(get_schema("celebamask-19"))
    check_judge(spec, make_judge("celebamask-19"), name="the weights a")
    with pytest.raises(ConfigError, match=r'"celebamask-19" \(19 classes\), but .*"portrait-11".*do not tell "eye_g"'):
        check_judge(spec, make_judge("portrait-11"), name="the weights a")
    with pytest.raises(ConfigError, match="cannot be converted"):
        check_judge(spec, make_judge("deepfashion-7"), name="the weights a")


def test_a_painter_of_maps_is_judged_by_a_parser_of_finer_ones(drawn_faces: Path):
    manifest = open_manifest(drawn_faces, schema="portrait-11", attributes=())
    system = registry.system_class("spade")(registry.preset("spade", "smoke"), manifest.spec)
    pipeline = system.pipeline(system.networks)
    evaluate = registry.evaluate_function("spade")
    report = evaluate(pipeline, manifest, judge=make_judge("celebamask-19"), split="all", num_images=4, batch_size=4)
    found = report.measurements["judge_mean_iou_real"]
    assert set(found.per_class) == set(manifest.spec.schema.classes)
    assert found.protocol.settings == "labels of celebamask-19 as portrait-11"
