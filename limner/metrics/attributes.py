"""Accuracy of predicted attributes."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor
from torchmetrics import Metric

from limner.errors import ConfigError, DataError, ShapeError, quoted
from limner.metrics.arguments import check_count, check_tensors

Kind = Literal["multi_label", "exclusive"]


def attributes_correct(
    logits: Float[Tensor, "batch attributes"],
    target: Shaped[Tensor, "*shape"],
    kind: Kind,
) -> Bool[Tensor, "batch decisions"]:
    """Whether each decision is right; the mean of the result is the accuracy.

    Args:
        logits: unbounded.
        target: of that shape, 0 or 1; of fractional ones the nearer counts (multi-label) or the largest (exclusive).
        kind: "multi_label" makes one decision for each attribute at probability 0.5, "exclusive" one for each image.

    Raises:
        ShapeError: if the shapes differ or are not (batch, attributes).
        ConfigError: if one is no tensor, or there is no such kind.
        DataError: if a logit is not finite, a target is not from 0 to 1, or an image has not one exclusive attribute.
    """
    check_tensors("Attributes", logits=logits, target=target)
    _check_kind(kind)
    if logits.ndim != 2 or logits.shape != target.shape:
        raise ShapeError(
            f"Attribute logits and their targets must both have the shape (batch, attributes), not "
            f"{tuple(logits.shape)} and {tuple(target.shape)}."
        )
    if not logits.isfinite().all():
        raise DataError("Some attribute logits are not finite; check the images that they were made of.")
    if not bool(((target >= 0) & (target <= 1)).all()):  # NaN is in no interval
        raise DataError("Some targets of attributes are not from 0 to 1.")
    if kind == "exclusive":
        if bool((target.amax(1) <= 0).any()) or bool(((target > 0.5).sum(1) > 1).any()):
            raise DataError("Of exclusive attributes every image must have one.")
        return (logits.argmax(1) == target.argmax(1))[:, None]
    return (logits > 0) == (target > 0.5)


def _check_kind(kind: object) -> None:
    if kind not in get_args(Kind):
        raise ConfigError(f"The kind of attributes is {quoted(kind)}; it must be one of {', '.join(get_args(Kind))}.")


class AttributeAccuracy(Metric):
    """Share of right decisions of each attribute; the state is a count, so any batching and world size agree.

    Args:
        num_attributes: of the logits.
        kind: see `attributes_correct`.

    Example:
        >>> metric = AttributeAccuracy(num_attributes=2)
        >>> metric.update(torch.tensor([[3.0, -1.0], [2.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        >>> metric.compute().tolist()
        [0.5, 1.0]
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    correct: Tensor
    count: Tensor

    def __init__(self, *, num_attributes: int, kind: Kind = "multi_label", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_count("Attributes", "num_attributes", num_attributes)
        _check_kind(kind)
        self.num_attributes = num_attributes
        self.kind: Kind = kind
        decisions = num_attributes if kind == "multi_label" else 1
        self.add_state("correct", torch.zeros(decisions, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: Float[Tensor, "batch attributes"], target: Shaped[Tensor, "*shape"]) -> None:
        """Add images.

        Raises:
            ShapeError: if there are not `num_attributes` logits, or as `attributes_correct`.
            DataError: as `attributes_correct`.
        """
        correct = attributes_correct(logits, target, self.kind)
        if logits.shape[1] != self.num_attributes:
            raise ShapeError(f"There are {logits.shape[1]} attribute logits for {self.num_attributes} attributes.")
        self.correct += correct.sum(0).to(self.correct.device)
        self.count += len(logits)

    def compute(self) -> Float[Tensor, " decisions"]:
        """The share for each attribute; of exclusive attributes one share in all. A single share is a scalar.

        Raises:
            DataError: if there was no image.
        """
        if not int(self.count):
            raise DataError("The accuracy of attributes needs at least one image.")
        return self.correct.double() / self.count
