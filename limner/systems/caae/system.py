"""CAAE's training: an auto-encoder with the picture's own age, a prior on z, a discriminator with labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.ageing.data import AgeBatch, AgeDataset, open_age_data
from limner.ageing.shapes import AgeShapes
from limner.ageing.validation import age_scores, all_ages, load_judge, sample_faces
from limner.data.batch import TensorBatch
from limner.data.datasets.utkface import AGE_GROUPS
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.system import System
from limner.losses.adversarial import discriminator_loss, generator_loss
from limner.metrics.published_judges import AgeJudge
from limner.systems.caae.config import CAAEConfig
from limner.systems.caae.networks import (
    NUM_GENDERS,
    Encoder,
    Generator,
    ImageDiscriminator,
    LatentDiscriminator,
    signed_labels,
)
from limner.systems.caae.pipeline import CAAEPipeline

NUM_GROUPS = len(AGE_GROUPS)


@dataclass
class Draws(TensorBatch):
    """One iteration's data and draws from the prior."""

    image: Float[Tensor, "b 3 h w"]
    age: Float[Tensor, "b n"]
    gender: Float[Tensor, "b 2"]
    prior: Float[Tensor, "b z"]


@dataclass
class Made(Draws):
    """Draws with what encoder and generator made of them."""

    latent: Float[Tensor, "b z"]
    fake: Float[Tensor, "b 3 h w"]


class CAAE(System[CAAEConfig, AgeBatch]):
    """Encoder, generator, and a discriminator each for z and for pictures."""

    name: ClassVar[str] = "caae"
    pipeline_class: ClassVar[type[Any]] = CAAEPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("score", "min")

    def __init__(self, config: CAAEConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        size = {"image_size": model.image_size, "width": model.width}
        self.networks["encoder"] = Encoder(**size, latent_size=model.latent_size)
        self.networks["generator"] = Generator(**size, num_groups=NUM_GROUPS, latent_size=model.latent_size)
        self.networks["latent_discriminator"] = LatentDiscriminator(latent_size=model.latent_size)
        self.networks["image_discriminator"] = ImageDiscriminator(**size, num_groups=NUM_GROUPS)
        self.networks["shapes"] = self.shapes = AgeShapes(num_groups=NUM_GROUPS)
        self.judge: AgeJudge | None = None

    @classmethod
    def open_data(cls, config: CAAEConfig, path: Path | None) -> TrainingData:
        """Faces with ages and genders; landmarks are read too, so that all ageing systems see the same pictures."""
        return open_age_data(config, path, asked_by=cls.name)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """Encoder and generator (an option of ours)."""
        return ("encoder", "generator")

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each, of one rate; the mean shapes are counted, not learned."""
        options = self.config.optimizer
        rates = {name: options.lr for name in self.networks if name != "shapes"}
        return adam(self.networks, rates, betas=(options.beta1, options.beta2))

    def prepare(self, device: torch.device) -> None:
        """Load the judge."""
        self.judge = load_judge(self.config.validation.judge, device)

    def training_step(self, batch: AgeBatch, engine: Engine) -> None:
        """Encoder and generator, then both discriminators on the same results."""
        self.shapes.count(engine.gather(batch.landmarks), engine.gather(batch.group), engine.gather(batch.years))
        latent_size = self.config.model.latent_size
        draws = Draws(
            image=batch.image,
            age=signed_labels(batch.group, NUM_GROUPS),
            gender=signed_labels(batch.gender, NUM_GENDERS),
            prior=2 * engine.rand(len(batch), latent_size, purpose="prior") - 1,
        )
        made: list[tuple[Tensor, Tensor]] = []
        engine.update(("encoder", "generator"), lambda part: self.autoencoder_loss(part, engine, made), draws)
        latent, fake = (torch.cat(parts) for parts in zip(*made, strict=True))
        judged = Made(**vars(draws), latent=latent, fake=fake)
        engine.update("latent_discriminator", lambda part: self.latent_loss(part, engine), judged)
        engine.update("image_discriminator", lambda part: self.image_loss(part, engine), judged)

    def autoencoder_loss(self, draws: Draws, engine: Engine, made: list[tuple[Tensor, Tensor]]) -> Tensor:
        """L1, and how well pictures, z and smoothness do; the results are added to `made`."""
        weights = self.config.loss
        latent = engine.networks["encoder"](draws.image)
        fake = engine.networks["generator"](latent, draws.age, draws.gender).float()
        l1 = functional.l1_loss(fake, draws.image)
        engine.log("loss/l1", l1)
        total = l1
        with engine.frozen("image_discriminator") as discriminator:
            adversarial = generator_loss(discriminator(fake, draws.age, draws.gender).float(), "bce")
        engine.log("loss/adversarial", adversarial)
        total = total + weights.weight_image * adversarial
        if weights.weight_latent:
            with engine.frozen("latent_discriminator") as discriminator:
                prior = generator_loss(discriminator(latent).float(), "bce")
            engine.log("loss/prior", prior)
            total = total + weights.weight_latent * prior
        if weights.weight_variation:
            variation = total_variation(fake)
            engine.log("loss/variation", variation)
            total = total + weights.weight_variation * variation
        made.append((latent.detach().float(), fake.detach()))
        return total

    def latent_loss(self, made: Made, engine: Engine) -> Tensor:
        """z from the uniform prior against z from pictures."""
        network = engine.networks["latent_discriminator"]
        return discriminator_loss(network(made.prior).float(), network(made.latent).float(), "bce")

    def image_loss(self, made: Made, engine: Engine) -> Tensor:
        """Real pictures against those that came back, with the same labels."""
        network = engine.networks["image_discriminator"]
        real = network(made.image, made.age, made.gender).float()
        fake = network(made.fake, made.age, made.gender).float()
        engine.log("critic_accuracy", (real > fake).float().mean())
        return discriminator_loss(real, fake, "bce")

    def fixed_inputs(self, dataset: AgeDataset) -> AgeBatch:
        """Held-out faces of different ages."""
        return sample_faces(dataset)

    def sample(self, fixed: AgeBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a face: source and ten ages."""
        return all_ages(fixed.image, lambda group: self._age(networks, fixed, group))

    def validate(self, batches: Iterable[AgeBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """What comes back of held-out faces, and what the judge sees in them at ten ages.

        `score` chooses the best checkpoint: the judge's `age_error_years`, or without a judge the L1 distance.
        """
        back, judged, of_reals, truth, groups = [], [], [], [], []
        for batch in batches:
            ages = [self._age(networks, batch, group) for group in range(NUM_GROUPS)]
            rows = torch.arange(len(batch), device=batch.group.device)
            own = torch.stack(ages, dim=1)[rows, batch.group]
            back.append((own - batch.image).abs().mean((1, 2, 3)).cpu())
            if self.judge is not None:
                judged.append(torch.stack([self.judge.ages(image) for image in ages], dim=1).cpu())
                of_reals.append(self.judge.ages(batch.image).cpu())
                truth.append(batch.years.cpu())
                groups.append(batch.group.cpu())
        scores = {"l1": float(torch.cat(back).mean())}
        if judged:
            scores |= age_scores(*(torch.cat(part).numpy() for part in (judged, of_reals, truth, groups)))
        return scores | {"score": scores.get("age_error_years", scores["l1"])}

    def _age(self, networks: dict[str, nn.Module], batch: AgeBatch, group: int) -> Tensor:
        age = signed_labels(torch.full_like(batch.group, group), NUM_GROUPS)
        image: Tensor = networks["generator"](
            networks["encoder"](batch.image), age, signed_labels(batch.gender, NUM_GENDERS)
        ).float()
        return image


def total_variation(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
    """Mean squared difference of neighbouring pixels along columns, plus that along rows (authors' code)."""
    down = (image[..., 1:, :] - image[..., :-1, :]).square().mean()
    return down + (image[..., 1:] - image[..., :-1]).square().mean()
