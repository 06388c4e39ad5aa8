"""Training of StackGAN: the first stage, then the second one on the frozen first, in one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from limner.engine.engine import Engine
from limner.losses.joint import joint_discriminator_loss, joint_generator_loss
from limner.nn.text_to_image import JointDiscriminator, Judged, Painted
from limner.systems.stackgan.networks import Generator
from limner.systems.stackgan.pipeline import StackGANPipeline
from limner.text_to_image.data import CaptionedBatch
from limner.text_to_image.training import CaptionSystem, Draws, Made


class StackGAN(CaptionSystem):
    """Generator of two stages, and a discriminator for each."""

    name: ClassVar[str] = "stackgan"
    pipeline_class: ClassVar[type[Any]] = StackGANPipeline
    discriminators = ("small_discriminator", "discriminator")

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
        """See `CaptionSystem`; they see the mean of the condition, and the first judges pairs alone."""
        model = self.config.model
        return {
            name: JointDiscriminator(
                image_size=size,
                width=model.discriminator_width,
                sentence_size=model.condition_size,
                unconditional=unconditional,
            )
            for name, size, unconditional in zip(
                self.discriminators, (model.image_size // 4, model.image_size), (False, True), strict=True
            )
        }

    def active(self, images_seen: int) -> tuple[str, ...]:
        """The discriminator of the stage that is trained at this point of the run."""
        is_first = images_seen < self.config.model.first_share * self.config.train.images
        return self.discriminators[:1] if is_first else self.discriminators[1:]

    def training_step(self, batch: CaptionedBatch, engine: Engine) -> None:
        """One update of a stage and of its discriminator."""
        stage = 1 + self.discriminators.index(self.active(engine.images_seen)[0])
        for network in (self.networks["generator"], engine.inference_networks()["generator"]):
            assert isinstance(network, Generator)  # of `build_generator`
            network.stage.fill_(stage)
        super().training_step(batch, engine)

    def fooling_loss(self, network: nn.Module, image: Tensor, draws: Draws, painted: Painted) -> Tensor:
        """What the generator minimises against the discriminator of its stage."""
        judged: Judged = network(image, painted.mean.detach())
        picture = None if judged.picture is None else judged.picture.float()
        loss: Tensor = joint_generator_loss(picture, judged.pairs[0].float())
        return loss

    def told(self, made: Made) -> Tensor:
        """The condition, in the place of the sentence."""
        return made.condition

    def judging_loss(self, network: Any, real: Tensor, fake: Tensor, made: Made, engine: Engine) -> Tensor:
        """True pictures and pairs against made pictures and wrong pairs."""
        generator = self.networks["generator"]
        assert isinstance(generator, Generator)  # of `build_generator`
        with torch.no_grad():
            _, wrong_mean, _ = generator.condition(made.wrong_sentence, torch.zeros_like(made.noise))
        of_real: Judged = network(real, self.told(made), wrong_mean)
        of_fake: Judged = network(fake, self.told(made))
        wrong = of_real.pairs[1][made.has_wrong]
        engine.log("critic_accuracy", (of_real.pairs[0] > of_fake.pairs[0]).float().mean())
        loss: Tensor = joint_discriminator_loss(
            real_picture=None if of_real.picture is None else of_real.picture.float(),
            fake_picture=None if of_fake.picture is None else of_fake.picture.float(),
            real_pair=of_real.pairs[0].float(),
            fake_pair=of_fake.pairs[0].float(),
            wrong_pair=(wrong if len(wrong) else of_fake.pairs[0]).float(),
        )
        return loss
