"""Inference of PATN: a photo with its key points, and a pose -> the person in that pose."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from limner.nn.pose_transfer import Discriminator
from limner.pipelines import Pipeline
from limner.systems.patn.networks import Generator


class PATNPipeline(Pipeline):
    """Shows a person in another pose."""

    name: ClassVar[str] = "patn"
    optional_networks: ClassVar[frozenset[str]] = frozenset({"image_discriminator", "pose_discriminator"})

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generator; the discriminators stay with a training run."""
        return {"generator": Generator, "image_discriminator": Discriminator, "pose_discriminator": Discriminator}
