"""Training of AttnGAN: one generator, and a discriminator for each of its three pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import nn

from limner.nn.text_to_image import JointDiscriminator
from limner.systems.attngan.networks import Generator
from limner.systems.attngan.pipeline import AttnGANPipeline
from limner.text_to_image.training import CaptionSystem


class AttnGAN(CaptionSystem):
    """Generator and three discriminators, coarse to fine."""

    name: ClassVar[str] = "attngan"
    pipeline_class: ClassVar[type[Any]] = AttnGANPipeline
    discriminators = ("small_discriminator", "middle_discriminator", "discriminator")

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
        )

    def build_discriminators(self) -> Mapping[str, nn.Module]:
        """See `CaptionSystem`."""
        model, count = self.config.model, len(self.discriminators)
        return {
            name: JointDiscriminator(
                image_size=model.image_size >> (count - 1 - number),
                width=model.discriminator_width,
                sentence_size=self.encoders.code_size,
            )
            for number, name in enumerate(self.discriminators)
        }
