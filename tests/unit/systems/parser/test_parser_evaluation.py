"""The parser's own evaluation."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from limner.data.dataset import MaskToImageDataset, collate
from limner.errors import ConfigError, DataError
from limner.metrics.segmentation import SegmentationMetric
from limner.systems.parser.evaluation import evaluate
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline


@pytest.fixture
def pipeline(shapes) -> ParserPipeline:
    torch.manual_seed(0)
    return ParserPipeline(spec=shapes.spec, size=32, parser=ParsingNetwork(num_classes=3, num_attributes=2, width=8))


def test_scores_are_those_of_the_split(pipeline, shapes):
    report = evaluate(pipeline, shapes, batch_size=4)
    dataset = MaskToImageDataset(shapes.split("test"), image_size=32)
    batch = collate([dataset[index] for index in range(len(dataset))])
    metric = SegmentationMetric(num_classes=3)
    metric.update(pipeline.predict(batch.image), batch.label_map)
    assert report.measurements["mean_iou"].value == pytest.approx(float(metric.compute().mean_iou))
    right = (pipeline.attribute_logits(batch.image) > 0) == (batch.attributes > 0.5)
    assert report.measurements["attribute_accuracy"].value == pytest.approx(float(right.double().mean()))
    assert report.measurements["mean_iou"].protocol.count == 6
    assert report.sheet.size == (3 * 32, 6 * 32)
    assert "pixel accuracy" in report.table()


def test_all_rows_and_some_rows(pipeline, shapes):
    assert evaluate(pipeline, shapes, split="all").measurements["mean_iou"].protocol.count == 30
    assert evaluate(pipeline, shapes, num_images=1).measurements["mean_iou"].protocol.count == 1


def test_a_parser_without_attributes_reads_data_that_have_some(shapes):
    spec = dataclasses.replace(shapes.spec, attribute_names=())
    network = ParsingNetwork(num_classes=3, num_attributes=0, width=8)
    report = evaluate(ParserPipeline(spec=spec, size=32, parser=network), shapes)
    assert set(report.measurements) == {"pixel_accuracy", "mean_iou"}


def test_refusals(pipeline, shapes):
    with pytest.raises(ConfigError, match="the split test has 6 images"):
        evaluate(pipeline, shapes, num_images=7)
    with pytest.raises(DataError, match='no samples in the split "val"'):
        evaluate(pipeline, shapes, split="val")
    schema = dataclasses.replace(shapes.spec.schema, name="others", classes=("a", "b", "c"))
    other = dataclasses.replace(shapes, spec=dataclasses.replace(shapes.spec, labels=schema))
    with pytest.raises(ConfigError, match=r'"shapes" \(3 classes\), but the data in shapes with "others"'):
        evaluate(pipeline, other)
    other = dataclasses.replace(shapes, spec=dataclasses.replace(shapes.spec, attribute_names=("Odd", "Dark")))
    with pytest.raises(ConfigError, match=r"Dark, Odd .*Odd, Dark"):
        evaluate(pipeline, other)
