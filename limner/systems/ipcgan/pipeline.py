"""Inference of IPCGAN: a photo of a face -> the same face at other ages."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from limner.ageing.pipeline import AgeingPipeline
from limner.ageing.shapes import AgeShapes
from limner.data.datasets.utkface import AGE_GROUPS
from limner.pipelines import ExportTarget
from limner.systems.ipcgan.networks import Generator


class IPCGANPipeline(AgeingPipeline):
    """Changes the age of faces.

    Example:
        >>> pipe = limner.load("runs/ipcgan")
        >>> pipe("me.jpg").save("ages")
    """

    name: ClassVar[str] = "ipcgan"

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generator, and the mean shapes that photos are cut by."""
        return {"generator": Generator, "shapes": AgeShapes}

    def age_faces(
        self,
        image: Float[Tensor, "b 3 h w"],
        landmarks: Float[Tensor, "b 68 2"],
        gender: Int64[Tensor, " b"],
        ages: Float[Tensor, "b n"],
    ) -> tuple[Tensor, Tensor | None]:
        """Faces at those ages; landmarks and gender are not used."""
        return self.components["generator"](image, ages).float(), None

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (image, age -> image)."""

        def example(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            image = torch.rand(batch, 3, self.image_size, self.image_size, generator=random) * 2 - 1
            ages = torch.rand(batch, len(AGE_GROUPS), generator=random).softmax(1)
            return image.to(self.device), ages.to(self.device)

        return {"generator": ExportTarget(self.components["generator"], ("image", "age"), ("aged",), example)}
