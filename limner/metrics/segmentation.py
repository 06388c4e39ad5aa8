"""Pixel accuracy and intersection over union, accumulated over a whole set of label maps."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Integer, Shaped
from torch import Tensor
from torchmetrics import Metric

from limner.errors import ShapeError
from limner.metrics.arguments import check_count, check_tensors
from limner.metrics.bootstrap import LEVEL, RESAMPLES, Interval, percentile_interval, weight_blocks

IGNORE = 255
"""The id of pixels that nobody labelled; they count nowhere."""


class SegmentationScores(NamedTuple):
    """Scores in [0, 1]; NaN where there is nothing to measure."""

    pixel_accuracy: Float[Tensor, "*resamples"]
    mean_iou: Float[Tensor, "*resamples"]
    iou: Float[Tensor, "*resamples classes"]
    """Per class; NaN for a class that is neither in the targets nor in the predictions."""


def confusion_matrices(
    predicted: Integer[Tensor, "batch height width"], target: Integer[Tensor, "*shape"], num_classes: int
) -> Integer[Tensor, "batch classes classes"]:
    """Count the pixels of each image by (target class, predicted class).

    Args:
        predicted: ids 0..num_classes-1, any integer type.
        target: of the same shape; ids 0..num_classes-1, or 255 for pixels to leave out.
        num_classes: number of classes.

    Raises:
        ShapeError: if the shapes differ or an id is out of range.
    """
    check_tensors("Segmentation", predicted=predicted, target=target)
    if predicted.shape != target.shape:
        raise ShapeError(
            f"Predicted label maps have shape {tuple(predicted.shape)}, but the targets {tuple(target.shape)}."
        )
    predicted, target = predicted.long().flatten(1), target.long().flatten(1)
    counted = target != IGNORE
    for name, ids in (("predicted", predicted), ("target", target)):
        seen = ids[counted]
        if seen.numel() and (int(seen.min()) < 0 or int(seen.max()) >= num_classes):
            raise ShapeError(
                f"The {name} label maps have ids {int(seen.min())}..{int(seen.max())}, "
                f"but {num_classes} classes allow 0..{num_classes - 1} (and {IGNORE} = left out, in targets)."
            )
    cells = num_classes * num_classes
    image = torch.arange(len(target), device=target.device)[:, None] * cells
    counts = torch.bincount((image + target * num_classes + predicted)[counted], minlength=len(target) * cells)
    return counts.reshape(len(target), num_classes, num_classes)


def segmentation_scores(confusion: Shaped[Tensor, "*resamples classes classes"]) -> SegmentationScores:
    """Scores of a confusion matrix: rows = target class, columns = predicted class.

    A class that occurs in neither is left out of the mean; a class that occurs only in the predictions counts as 0.

    Args:
        confusion: (..., classes, classes), counts; leading axes are kept, so that many resamples are scored at once.
    """
    confusion = confusion.double()
    hits = confusion.diagonal(dim1=-2, dim2=-1)
    union = confusion.sum(-1) + confusion.sum(-2) - hits
    iou = hits / union  # 0 / 0 = NaN marks the absent class
    return SegmentationScores(hits.sum(-1) / confusion.sum((-2, -1)), iou.nanmean(-1), iou)


class SegmentationMetric(Metric):
    """`SegmentationScores` of a set; the state is one confusion matrix of counts, so any batching and world size agree.

    Example:
        >>> metric = SegmentationMetric(num_classes=2)
        >>> metric.update(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 1, 255]]]))
        >>> float(metric.compute().mean_iou)
        1.0
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    confusion: Tensor

    def __init__(self, *, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_count("Segmentation", "num_classes", num_classes, most=4096)
        self.num_classes = num_classes
        shape = (num_classes, num_classes)
        self.add_state("confusion", torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, predicted: Integer[Tensor, "batch height width"], target: Integer[Tensor, "*shape"]) -> None:
        """Add label maps; see `confusion_matrices`."""
        self.confusion += confusion_matrices(predicted, target, self.num_classes).sum(0)

    def compute(self) -> SegmentationScores:
        """The scores of everything added so far."""
        return segmentation_scores(self.confusion)


def bootstrap_intervals(
    confusion: Integer[Tensor, "maps classes classes"], *, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> tuple[Interval, Interval]:
    """Intervals of pixel accuracy and mIoU, had other label maps of the same kind been drawn.

    Whole maps are drawn with replacement, since the pixels of one map are not independent. A class that misses in a
    resample is left out of that resample's mean.

    Args:
        confusion: one confusion matrix for each map.
        seed: seed of the resamples.
        resamples: how many.
        level: probability mass of the (percentile) intervals.

    Returns:
        (low, high) of pixel accuracy and of mIoU.
    """
    counts = confusion.cpu().double().flatten(1)
    blocks = [weights @ counts for weights in weight_blocks(len(confusion), seed=seed, resamples=resamples)]
    scores = segmentation_scores(torch.cat(blocks).unflatten(1, confusion.shape[1:]))
    return (
        percentile_interval(scores.pixel_accuracy, level=level),
        percentile_interval(scores.mean_iou, level=level),
    )
