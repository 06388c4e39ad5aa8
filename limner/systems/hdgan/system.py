"""Training of HDGAN: one generator, and a discriminator for each of its three pictures, by squared errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from limner.engine.engine import Engine
from limner.nn.text_to_image import Judged, Painted
from limner.systems.hdgan.networks import Discriminator, Generator
from limner.systems.hdgan.pipeline import HDGANPipeline
from limner.text_to_image.training import CaptionSystem, Draws, Made


class HDGAN(CaptionSystem):
    """Generator and three discriminators, coarse to fine."""

    name: ClassVar[str] = "hdgan"
    pipeline_class: ClassVar[type[Any]] = HDGANPipeline
    discriminators = ("small_discriminator", "middle_discriminator", "discriminator")

    def build_generator(self) -> Generator:
        """See `CaptionSystem`."""
        model = self.config.model
        return Generator(
            image_size=model.image_size,
            width=model.width,
            code_size=self.encoders.code_size,
            condition_size=model.condition_size,
            latent_size=model.latent_size,
        )

    def build_discriminators(self) -> Mapping[str, nn.Module]:
        """See `CaptionSystem`."""
        model, last = self.config.model, len(self.discriminators) - 1
        return {
            name: Discriminator(
                image_size=model.image_size >> (last - number),
                width=model.discriminator_width << (last - number),
                sentence_size=self.encoders.code_size,
                condition_size=model.condition_size,
                most=model.most_channels,
            )
            for number, name in enumerate(self.discriminators)
        }

    def fooling_loss(self, network: nn.Module, image: Tensor, draws: Draws, painted: Painted) -> Tensor:
        """Squared distances of both judgements to "real"."""
        judged: Judged = network(image, draws.sentence)
        assert judged.picture is not None  # this discriminator always judges pictures
        loss: Tensor = squared(judged.pairs[0], 1.0) + squared(judged.picture, 1.0)
        return loss

    def judging_loss(self, network: Any, real: Tensor, fake: Tensor, made: Made, engine: Engine) -> Tensor:
        """Pairs: right against wrong and made ones, half each; pictures: those of wrong pairs are real, too."""
        of_real: Judged = network(real, made.sentence, made.wrong_sentence)
        of_fake: Judged = network(fake, made.sentence)
        assert of_real.picture is not None and of_fake.picture is not None
        wrong = of_real.pairs[1][made.has_wrong]
        false = squared(of_fake.pairs[0], 0.0)
        if len(wrong):
            false = (false + squared(wrong, 0.0)) / 2
        pairs = squared(of_real.pairs[0], 1.0) + false
        pictures = squared(of_real.picture, 1.0) + squared(of_fake.picture, 0.0)
        engine.log("critic_accuracy", (of_real.pairs[0] > of_fake.pairs[0]).float().mean())
        engine.log("wrong_pairs_told", (of_real.pairs[0] > of_real.pairs[1]).float().mean())
        loss: Tensor = pairs + pictures
        return loss


def squared(scores: Tensor, target: float) -> Tensor:
    """Mean squared distance to the target (Mao et al. 2017, LSGAN)."""
    return (scores.float() - target).square().mean()
