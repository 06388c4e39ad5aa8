"""Training of HfGAN: one generator and one discriminator, end to end at full size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import nn

from limner.nn.text_to_image import JointDiscriminator
from limner.systems.hfgan.networks import Generator
from limner.systems.hfgan.pipeline import HfGANPipeline
from limner.text_to_image.training import CaptionSystem


class HfGAN(CaptionSystem):
    """Generator with fused levels; a discriminator that judges pictures alone and with their sentence."""

    name: ClassVar[str] = "hfgan"
    pipeline_class: ClassVar[type[Any]] = HfGANPipeline

    def build_generator(self) -> Generator:
        """See `CaptionSystem`."""
        model = self.config.model
        return Generator(
            image_size=model.image_size,
            width=model.width,
            num_blocks=model.num_blocks,
            code_size=self.encoders.code_size,
            condition_size=model.condition_size,
            latent_size=model.latent_size,
            fusion=model.fusion,
            smooth_enlargement=model.smooth_enlargement,
        )

    def build_discriminators(self) -> Mapping[str, nn.Module]:
        """See `CaptionSystem`."""
        model = self.config.model
        network = JointDiscriminator(
            image_size=model.image_size,
            width=model.discriminator_width,
            sentence_size=self.encoders.code_size,
            unconditional=model.unconditional,
        )
        return {"discriminator": network}
