"""Inference of PG2: a photo, and a pose -> the person in that pose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.nn.pose_transfer import NUM_JOINTS
from limner.pipelines import ExportTarget
from limner.pose_transfer.pipeline import Arrays, PosePipeline
from limner.systems.pg2.networks import Coarse, Critic, Refiner, discs


class PG2Pipeline(PosePipeline):
    """Shows a person in another pose.

    Example:
        >>> pipe = limner.load("runs/pg2")
        >>> pipe("me.jpg", "pose.json", source_pose="me.json").save("out")
    """

    name: ClassVar[str] = "pg2"
    optional_networks: ClassVar[frozenset[str]] = frozenset({"critic"})

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """Both generators; the discriminator stays with a training run."""
        return {"coarse": Coarse, "refiner": Refiner, "critic": Critic}

    def paint(self, arrays: Arrays, seeds: Sequence[int] | None) -> Float[Tensor, "b 3 h w"]:
        """See `PosePipeline.paint`."""
        source = self.to_images(arrays["image"])
        points = torch.from_numpy(arrays["points"].copy()).to(self.device)
        rough = self.components["coarse"](source, discs(points, (self.size.height, self.size.width)))
        picture: Tensor = rough + self.components["refiner"](rough, source)
        return picture.float()

    def export_targets(self) -> dict[str, ExportTarget]:
        """Both generators, one after the other: photo and discs of joints -> picture."""

        def example(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            size = (self.size.height, self.size.width)
            source = torch.rand(batch, 3, *size, generator=random) * 2 - 1
            pose = (torch.rand(batch, NUM_JOINTS, *size, generator=random) > 0.9).float()
            return source.to(self.device), pose.to(self.device)

        both = _Both(self.components["coarse"], self.components["refiner"])
        return {"generator": ExportTarget(both, ("source", "pose"), ("image",), example)}


class _Both(nn.Module):
    """G1, and G2's difference added."""

    def __init__(self, coarse: nn.Module, refiner: nn.Module) -> None:
        super().__init__()
        self.coarse, self.refiner = coarse, refiner

    def forward(self, source: Tensor, pose: Tensor) -> Tensor:
        """(b, 3, h, w), (b, 18, h, w) -> (b, 3, h, w)."""
        rough: Tensor = self.coarse(source, pose)
        return (rough + self.refiner(rough, source)).clamp(-1, 1)
