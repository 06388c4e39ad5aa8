"""LPIPS as a score of pairs of images (the network is `limner.backbones.lpips`), and its form in other networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from limner.backbones.lpips import LPIPS, NetworkName
from limner.errors import ShapeError
from limner.metrics.pairs import check_pair


class LearnedSimilarity:
    """LPIPS 0.1 of pairs of images: 0 = equal.

    Args:
        network: the filled network.
        weights: its name in the protocol.
        sha256: hash of the file of AlexNet or VGG-16.
    """

    name: ClassVar[str] = "LPIPS"
    higher_is_better: ClassVar[bool] = False

    def __init__(self, network: LPIPS, *, weights: str, sha256: str) -> None:
        self.network = network
        self.weights = weights
        self.sha256 = sha256

    @classmethod
    def from_file(
        cls, file: str | Path, *, sha256: str, network: NetworkName = "alex", device: torch.device | str = "cpu"
    ) -> LearnedSimilarity:
        """With torchvision's AlexNet or VGG-16 from a file (`limner.hub.published_file("alexnet")`).

        Raises:
            WeightsError: if the file is not of that network.
        """
        built = LPIPS.from_file(file, network=network).to(device)
        return cls(built, weights=f"{network} {Path(file).stem}", sha256=sha256)

    @property
    def settings(self) -> str:
        """For the protocol."""
        return f"LPIPS 0.1, {self.weights} ({self.sha256[:12]}), images as they are"

    def __call__(self, first: Float[Tensor, "batch 3 h w"], second: Float[Tensor, "*shape"]) -> Float[Tensor, " batch"]:
        """The distance of each pair of images in [-1, 1], in the precision of the network.

        Raises:
            ShapeError: if the shapes differ or the images are smaller than 32 px.
        """
        first, second = check_pair(first, second, name=self.name)
        weight = next(self.network.parameters())
        distance: Tensor = self.network(first.to(weight), second.to(weight))
        return distance


def feature_dissimilarity(
    first: Sequence[Float[Tensor, "batch _ _ _"]], second: Sequence[Float[Tensor, "batch _ _ _"]]
) -> Float[Tensor, " batch"]:
    """LPIPS's distance without its learned heads, in the maps of any network: 0 = equal.

    Each position's vector is scaled to length 1; squared differences are summed over channels and averaged over
    positions and layers. In the network of FID-people it is "LPIPS-people"; it is not LPIPS.

    Args:
        first: one map a layer.
        second: likewise, of the pictures that they are compared with.

    Raises:
        ShapeError: if there is no layer, or not as many of both.
    """
    if not first or len(first) != len(second):
        raise ShapeError(
            f"{len(first)} layers cannot be compared with {len(second)}; there must be as many, one at least."
        )
    distances = [
        (functional.normalize(a.float(), dim=1) - functional.normalize(b.float(), dim=1)).square().sum(1).mean((1, 2))
        for a, b in zip(first, second, strict=True)
    ]
    return torch.stack(distances).mean(dim=0)
