"""Inference of SCA-GAN: a photo, its key points and a pose -> the person in that pose."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from limner.nn.pose_transfer import Discriminator
from limner.pipelines import Pipeline
from limner.systems.scagan.networks import ISNet, PCTNet


class SCAGANPipeline(Pipeline):
    """Shows a person in another pose."""

    name: ClassVar[str] = "scagan"
    optional_networks: ClassVar[frozenset[str]] = frozenset({"style_discriminator", "content_discriminator"})
    variant_networks: ClassVar[frozenset[str]] = frozenset({"generator"})

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """PCT-Net and IS-Net; a run of stage content has no IS-Net yet."""
        return {
            "content_network": PCTNet,
            "generator": ISNet,
            "style_discriminator": Discriminator,
            "content_discriminator": Discriminator,
        }
