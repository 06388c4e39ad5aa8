"""The parser's own score: pixel accuracy, mIoU and attribute accuracy on held-out real images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from limner.data.dataset import MaskToImageDataset, collate
from limner.data.manifest import Manifest
from limner.engine.logging import tile_grid
from limner.engine.ranks import in_shares
from limner.metrics.attributes import attributes_correct
from limner.metrics.held_out import conditions, held_out
from limner.metrics.judge import check_same_meaning
from limner.metrics.protocol import Measurement, Protocol
from limner.metrics.report import EvaluationReport
from limner.metrics.segmentation import bootstrap_intervals, confusion_matrices, segmentation_scores
from limner.nn.label_maps import colorize
from limner.systems.parser.pipeline import ParserPipeline

_SHEET_ROWS = 8


def evaluate(
    pipeline: ParserPipeline,
    manifest: Manifest,
    *,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """Compare the parser with the label maps of real images.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set, of the schema and attributes that the weights know.
        split: rows to use; "all" for every row.
        num_images: how many of them, from the first; none: all.
        seed: seed of the bootstrap intervals.
        batch_size: images in one forward pass.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if the weights and the data do not mean the same, or there are too few images.
        DataError: if there is no such split, or a file cannot be read.
    """
    names = (f"the weights {pipeline.weights_name}", f"the data in {manifest.root}")
    knows_attributes = bool(manifest.spec.attribute_names)
    check_same_meaning(pipeline.spec, manifest.spec, names=names, attributes=knows_attributes)
    rows, count = held_out(manifest, split, num_images, batch_size=batch_size)
    spec = pipeline.spec
    dataset = MaskToImageDataset(rows, image_size=pipeline.image_size)

    def parsed(start: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
        batch = collate([dataset[index] for index in range(start, min(start + batch_size, count))])
        batch = batch.to(pipeline.device)
        output = pipeline.parse(batch.image)
        predicted = output.logits.argmax(1)
        matrices = confusion_matrices(predicted.cpu(), batch.label_map.cpu(), spec.schema.num_classes)
        right, tiles = None, None
        if spec.attribute_names and knows_attributes:
            right = attributes_correct(output.attribute_logits, batch.attributes, spec.attribute_kind).cpu()
        if start < _SHEET_ROWS:
            columns = [batch.image, colorize(batch.label_map, spec.schema), colorize(predicted, spec.schema)]
            tiles = torch.stack(columns, dim=1).cpu()
        return matrices, right, tiles

    starts = range(0, count, batch_size)
    shown = progress(in_shares(parsed, starts), total=len(starts), unit="batch", desc="real images")
    confusion, each_correct, each_tiles = zip(*shown, strict=True)
    correct = [right for right in each_correct if right is not None]
    own = conditions(pipeline, rows, split=split, count=count, itself=True)
    protocol = dataclasses.replace(own, network=f"{pipeline.name} {pipeline.weights_name}")
    return EvaluationReport(
        provenance=pipeline.provenance,
        measurements={
            **_labels(torch.cat(confusion), spec.schema.classes, protocol, seed=seed),
            **(_attributes(torch.cat(correct), spec.attribute_names, protocol) if correct else {}),
        },
        sheet=tile_grid(torch.cat([tiles for tiles in each_tiles if tiles is not None])[:_SHEET_ROWS]),
    )


def _labels(
    matrices: Int64[Tensor, "images classes classes"], classes: Sequence[str], protocol: Protocol, *, seed: int
) -> dict[str, Measurement]:
    """Pixel accuracy and mIoU."""
    scores = segmentation_scores(matrices.sum(0))
    accuracy, mean_iou = bootstrap_intervals(matrices, seed=seed)
    return {
        "pixel_accuracy": Measurement(
            float(scores.pixel_accuracy),
            dataclasses.replace(protocol, metric="pixel accuracy"),
            is_share=True,
            interval=accuracy,
        ),
        "mean_iou": Measurement(
            float(scores.mean_iou),
            dataclasses.replace(protocol, metric="mIoU"),
            is_share=True,
            interval=mean_iou,
            per_class=dict(zip(classes, scores.iou.tolist(), strict=True)),
        ),
    }


def _attributes(
    correct: Bool[Tensor, "images attributes"], names: Sequence[str], protocol: Protocol
) -> dict[str, Measurement]:
    """Share of right attributes."""
    each = correct.double().mean(0)
    return {
        "attribute_accuracy": Measurement(
            float(each.mean()),
            dataclasses.replace(protocol, metric="attribute accuracy"),
            is_share=True,
            per_class=dict(zip(names, each.tolist(), strict=True)) if len(each) > 1 else None,
        )
    }
