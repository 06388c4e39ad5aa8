"""Inception Score: how sure a classifier is of each image, and how many classes it finds in all of them.

Salimans et al., "Improved Techniques for Training GANs", NeurIPS 2016, arXiv:1606.03498, Sec. 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Integer, Shaped
from torch import Tensor
from torchmetrics import Metric

from limner.errors import DataError, ShapeError
from limner.metrics.arguments import check_count

NUM_SPLITS = 10  # the paper's


class InceptionScores(NamedTuple):
    """The score is at least 1 and at most the number of classes."""

    mean: Float[Tensor, ""]
    deviation: Float[Tensor, ""]
    """Standard deviation over the splits; not the uncertainty of the mean."""


def inception_score(
    sums: Float[Tensor, "splits classes"],
    negative_entropies: Float[Tensor, " splits"],
    counts: Integer[Tensor, " splits"],
) -> InceptionScores:
    """exp of the mean divergence between an image's classes and those of its split, over the splits.

    Args:
        sums: probabilities p(class | image), summed over the images of each split.
        negative_entropies: sum over the images of sum over the classes of p log p.
        counts: images of each split.

    Raises:
        DataError: if a split has no image.
    """
    if not bool((counts > 0).all()):
        raise DataError(
            f"The Inception Score in {len(counts)} splits needs at least as many images, not {int(counts.sum())}."
        )
    mean = sums.double() / counts[:, None]
    divergence = negative_entropies.double() / counts - torch.xlogy(mean, mean).sum(1)
    scores = divergence.exp()
    return InceptionScores(scores.mean(), scores.std(correction=0))


class InceptionScore(Metric):
    """`inception_score` of generated images; the states are sums in float64.

    Args:
        class_scores: images or feature vectors -> logits, such as `FeatureNetwork.class_scores`; None: `update` is
            given logits.
        num_classes: of the logits.
        num_splits: picture number i belongs to the split i modulo this. Which pictures share a split is arbitrary in
            the paper too; but the score grows with their number, so both numbers belong to the protocol.
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    sums: Tensor
    negative_entropies: Tensor
    counts: Tensor

    def __init__(
        self,
        class_scores: Callable[[Tensor], Tensor] | None = None,
        *,
        num_classes: int = 1008,
        num_splits: int = NUM_SPLITS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("The Inception Score", "num_classes", num_classes)
        check_count("The Inception Score", "num_splits", num_splits)
        self._class_scores = (class_scores,)  # not a submodule; see FrechetDistance
        self.num_classes = num_classes
        self.num_splits = num_splits
        zeros = torch.zeros(num_splits, dtype=torch.float64)
        self.add_state("sums", torch.zeros(num_splits, num_classes, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("negative_entropies", zeros.clone(), dist_reduce_fx="sum")
        self.add_state("counts", zeros.long(), dist_reduce_fx="sum")

    @property
    def settings(self) -> str:
        """For the protocol."""
        return f"{self.num_splits} splits, {self.num_classes} classes, logits without bias"

    @torch.no_grad()
    def update(self, images: Shaped[Tensor, "batch ..."], index: Integer[Tensor, " batch"]) -> None:
        """Add images.

        Args:
            images: what `class_scores` takes, or logits.
            index: number of each picture; whatever the batches and processes, the same one gets into the same split.

        Raises:
            ShapeError: if there are not `num_classes` logits.
            DataError: if a logit is not finite.
        """
        (class_scores,) = self._class_scores
        logits = (images if class_scores is None else class_scores(images)).to(self.sums)
        if logits.ndim != 2 or logits.shape[1] != self.num_classes:
            raise ShapeError(f"The logits have shape {tuple(logits.shape)}, not (batch, {self.num_classes}).")
        if not logits.isfinite().all():
            raise DataError("Some logits are not finite; check the images that they were made of.")
        log_probability = logits.log_softmax(1)
        probability = log_probability.exp()
        split = index.to(self.counts) % self.num_splits
        self.sums.index_add_(0, split, probability)
        self.negative_entropies.index_add_(0, split, (probability * log_probability).sum(1))
        self.counts.index_add_(0, split, torch.ones_like(split))

    def compute(self) -> InceptionScores:
        """Mean and deviation over the splits.

        Raises:
            DataError: if a split has no image.
        """
        return inception_score(self.sums, self.negative_entropies, self.counts)
