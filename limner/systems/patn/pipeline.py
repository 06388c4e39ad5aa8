"""Inference of PATN: a photo with its key points, and a pose -> the person in that pose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.nn.pose_transfer import NUM_JOINTS, Discriminator
from limner.pipelines import ExportTarget
from limner.pose_transfer.pipeline import Arrays, PosePipeline, pose_maps
from limner.systems.patn.networks import Generator


class PATNPipeline(PosePipeline):
    """Shows a person in another pose.

    Example:
        >>> pipe = limner.load("runs/patn")
        >>> pipe("me.jpg", "pose.json", source_pose="me.json").save("out")
    """

    name: ClassVar[str] = "patn"
    optional_networks: ClassVar[frozenset[str]] = frozenset({"image_discriminator", "pose_discriminator"})

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generator; the discriminators stay with a training run."""
        return {"generator": Generator, "image_discriminator": Discriminator, "pose_discriminator": Discriminator}

    def paint(self, arrays: Arrays, seeds: Sequence[int] | None) -> Float[Tensor, "b 3 h w"]:
        """See `PosePipeline.paint`."""
        poses = [pose_maps(self, arrays[name]) for name in ("source_points", "points")]
        picture: Tensor = self.components["generator"](self.to_images(arrays["image"]), *poses)
        return picture.float()

    def export_targets(self) -> dict[str, ExportTarget]:
        """The generator: photo and both poses as maps."""

        def example(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            size = (self.size.height, self.size.width)
            source = torch.rand(batch, 3, *size, generator=random) * 2 - 1
            poses = [torch.rand(batch, NUM_JOINTS, *size, generator=random) for _ in range(2)]
            return tuple(tensor.to(self.device) for tensor in (source, *poses))

        names = ("source", "source_pose", "pose")
        return {"generator": ExportTarget(self.components["generator"], names, ("image",), example)}
