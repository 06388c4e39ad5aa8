"""Inference of Def-GAN: a photo with its key points, and a pose -> the person in that pose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.nn.pose_transfer import NUM_JOINTS
from limner.pipelines import ExportTarget
from limner.pose_transfer.pipeline import Arrays, PosePipeline, pose_maps
from limner.systems.defgan.deformation import deformation
from limner.systems.defgan.networks import Critic, Generator


class DefGANPipeline(PosePipeline):
    """Shows a person in another pose.

    Example:
        >>> pipe = limner.load("runs/defgan")
        >>> pipe("me.jpg", "pose.json", source_pose="me.json").save("out")
    """

    name: ClassVar[str] = "defgan"
    optional_networks: ClassVar[frozenset[str]] = frozenset({"critic"})

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generator; the discriminator stays with a training run."""
        return {"generator": Generator, "critic": Critic}

    def paint(self, arrays: Arrays, seeds: Sequence[int] | None) -> Float[Tensor, "b 3 h w"]:
        """See `PosePipeline.paint`."""
        names = ("source_points", "points")
        poses = [pose_maps(self, arrays[name]) for name in names]
        source, target = (torch.from_numpy(arrays[name].copy()).to(self.device) for name in names)
        moved = deformation(source, target, (self.size.height, self.size.width))
        picture: Tensor = self.components["generator"](self.to_images(arrays["image"]), *poses, *moved)
        return picture.float()

    def export_targets(self) -> dict[str, ExportTarget]:
        """The generator: photo, both poses as maps, and how the parts move."""

        def example(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            size = (self.size.height, self.size.width)
            source = torch.rand(batch, 3, *size, generator=random) * 2 - 1
            poses = [torch.rand(batch, NUM_JOINTS, *size, generator=random) for _ in range(2)]
            sides = torch.tensor([size[1], size[0]])
            points = [torch.rand(batch, NUM_JOINTS, 2, generator=random) * sides for _ in range(2)]
            tensors = (source, *poses, *deformation(points[0], points[1], size))
            return tuple(tensor.to(self.device) for tensor in tensors)

        names = ("source", "source_pose", "pose", "maps", "masks")
        return {"generator": ExportTarget(self.components["generator"], names, ("image",), example)}
