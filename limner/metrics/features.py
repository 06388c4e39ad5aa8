"""A feature network with everything that decides its features: weights, input size, resize filter, scale of the input.

The same distance in the features of two networks is two different numbers, so the network is part of a metric's name:
"FID" is only what Inception-v3 with its published weights gives; any other network has a name of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from limner.data.size import Size, SizeLike
from limner.errors import DataError, ShapeError
from limner.metrics.arguments import check_tensors
from limner.metrics.judge import Judge
from limner.metrics.resize import Resize


@dataclass(frozen=True, eq=False)
class FeatureNetwork:
    """Images in [-1, 1] to feature vectors.

    Attributes:
        name: of the network, such as "inception-v3" or "people"; names the metrics: "KID-people".
        weights: name of the weights, for the protocol.
        sha256: hash of the weights, for the protocol.
        num_features: length of a feature vector.
        features: images of the network's own size in [-1, 1] -> (batch, num_features).
        resize: brings images to that size; None: the network takes them as they are.
        class_scores: feature vectors -> logits of its classes, for the Inception Score; None: it has none.
        frechet_name: name of the Fréchet distance in it; none: "FD-<name>".
    """

    name: str
    weights: str
    sha256: str
    num_features: int
    features: Callable[[Tensor], Tensor]
    resize: Resize | None = None
    class_scores: Callable[[Tensor], Tensor] | None = None
    frechet_name: str = ""

    @property
    def is_published(self) -> bool:
        """Whether metrics in it have the plain names of the literature: "FID", "KID", "Inception Score"."""
        return self.frechet_name == "FID"

    def metric_name(self, metric: str) -> str:
        """The name of a metric in this network: "KID" or "KID-people"."""
        if metric == "FID":
            return self.frechet_name or f"FD-{self.name}"
        return metric if self.is_published else f"{metric}-{self.name}"

    @torch.no_grad()
    def __call__(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch features"]:
        """Feature vectors of images in [-1, 1], any size and precision; the networks themselves have float32."""
        images = images.float()
        return self.features(images if self.resize is None else self.resize(images))

    def protocol_fields(self, resolution: SizeLike) -> dict[str, Any]:
        """The fields of a `Protocol` that this network decides, for images of that size."""
        resized = self.resize is not None and self.resize.changes(*Size.of(resolution))
        return {
            "resize": str(self.resize) if resized else "none",
            "antialias": resized and self.resize is not None and self.resize.antialias,
            "network": f"{self.name} {self.weights}",
            "network_sha256": self.sha256,
        }


def judge_features(judge: Judge) -> FeatureNetwork:
    """The features of a parser: bilinear, antialiased, at the size that it was trained at."""
    return FeatureNetwork(
        name=judge.name,
        weights=judge.weights_name,
        sha256=judge.weights_hash,
        num_features=judge.num_features,
        features=judge.features,
        resize=Resize(judge.image_size, antialias=True),
    )


def people_features(parser: Judge) -> FeatureNetwork:
    """The network of "FID-people": a parser of the preset `features`; see docs/decisions/0010-fid-people.md.

    Images are made smaller to the size that it was trained at, but not larger: it has learned smaller ones as they are.
    """
    resize = Resize(parser.image_size, antialias=True, enlarge=False)
    return dataclasses.replace(judge_features(parser), name="people", resize=resize, frechet_name="FID-people")


def feature_vectors(
    features: Callable[[Tensor], Tensor] | None,
    images: Shaped[Tensor, "batch ..."],
    num_features: int,
    *,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "batch features"]:
    """Checked feature vectors of a batch, float64.

    Args:
        features: the network; None: `images` are feature vectors already.
        images: what it takes.
        num_features: how many there must be.
        device: where the vectors are wanted; where the images are, there may be no float64 (Apple's GPUs).

    Raises:
        ConfigError: if the images are no tensor.
        ShapeError: if there are not `num_features` features.
        DataError: if a feature is not finite.
    """
    check_tensors("Features", images=images)
    with torch.no_grad():
        vectors = (images if features is None else features(images)).to(device).double()
    if vectors.ndim != 2 or vectors.shape[1] != num_features:
        raise ShapeError(f"The feature vectors have shape {tuple(vectors.shape)}, not (batch, {num_features}).")
    if not vectors.isfinite().all():
        raise DataError("Some features are not finite; check the images that they were made of.")
    return vectors
