"""LGcGAN's training: ageing and its inverse at once, against discriminators that know landmarks and ages.

The generators are updated first, and the discriminators then on the same results, which saves one pass of both
generators; over a run the two orders differ by one update.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int64
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
from limner.errors import ConfigError
from limner.features import open_features
from limner.losses.perceptual import PerceptualFeatures, perceptual_loss
from limner.metrics.energy import high_frequency_energy
from limner.metrics.published_judges import AgeJudge
from limner.nn.discriminator_augment import NUM_DRAWS, augment_for_discriminator
from limner.pipelines import Pipeline
from limner.systems.lgcgan.config import LGcGANConfig
from limner.systems.lgcgan.landmark_maps import one_hot_ages, render_landmarks
from limner.systems.lgcgan.losses import (
    age_loss,
    fooling_loss,
    move_landmarks,
    smoothness_penalty,
    soften,
    triplet_loss,
)
from limner.systems.lgcgan.networks import Aged, Discriminator, Generator, Judged
from limner.systems.lgcgan.pipeline import LGcGANPipeline

_log = logging.getLogger(__name__)
NUM_GROUPS = len(AGE_GROUPS)
FEATURE_LEVELS = (0, 1, 2)
"""Of the parser in which results are compared with true pictures: at full size, 1/2 and 1/4."""
FOOLED = 0.9
"""From this accuracy on fakes on, the discriminator's age head is taken for fooled if a judge sees half the years."""


@dataclass
class Draws(TensorBatch):
    """One iteration's data and random draws, which all updates share."""

    image: Float[Tensor, "b 3 h w"]
    landmarks: Float[Tensor, "b 68 2"]
    maps: Float[Tensor, "b m h w"]
    """Drawn landmarks of the source; no channels where none are used."""
    guide: Float[Tensor, "b 68 2"]
    """Landmarks that the primal task follows: the source's own, or moved ones."""
    guide_maps: Float[Tensor, "b m h w"]
    group: Int64[Tensor, " b"]
    wrong_group: Int64[Tensor, " b"]
    target: Float[Tensor, "b 3 h w"]
    target_maps: Float[Tensor, "b m h w"]
    target_group: Int64[Tensor, " b"]
    target_wrong_group: Int64[Tensor, " b"]
    cycle_noise: Float[Tensor, "b 3 h w"]
    noise: Float[Tensor, "b 4 3 h w"]
    """Of what discriminators see: target, source, aged, back."""
    augment: Float[Tensor, "b 4 4"]
    soft: Float[Tensor, "b 4"]


@dataclass
class Results(TensorBatch):
    """Draws with what the generators made of them."""

    aged: Float[Tensor, "b 3 h w"]
    back: Float[Tensor, "b 3 h w"]


class LGcGAN(System[LGcGANConfig, AgeBatch]):
    """Primal and inverse generator, primal and inverse discriminator."""

    name: ClassVar[str] = "lgcgan"
    pipeline_class: ClassVar[type[Any]] = LGcGANPipeline
    # Years between what a judge sees and what was asked for. Never the discriminator's own age head: a small run fooled
    # it on every picture with a grid of dots.
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("age_error_years", "min")

    def __init__(self, config: LGcGANConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        tasks = ("primal", "inverse") if config.loss.inverse_task and not model.share_weights else ("primal",)
        for task in tasks:
            self.networks[task] = Generator(
                image_size=model.image_size,
                num_groups=NUM_GROUPS,
                width=model.width,
                num_blocks=model.num_blocks,
                kernel=model.kernel,
                landmarks=model.landmarks,
                attention=model.attention,
                pixel_attention=model.pixel_attention,
                upsampling=model.upsampling,
                age_at=model.age_at,
                both_ways=model.share_weights and config.loss.inverse_task,
            )
            if config.loss.uses_discriminators:
                self.networks[f"{task}_discriminator"] = Discriminator(
                    image_size=model.image_size,
                    num_groups=NUM_GROUPS,
                    width=model.discriminator_width,
                    landmarks=model.landmarks != "none",
                )
        self.networks["shapes"] = self.shapes = AgeShapes(num_groups=NUM_GROUPS)
        self.judge: AgeJudge | None = None
        self.identity_network: nn.Module | None = None
        self.features: PerceptualFeatures | None = None

    @classmethod
    def open_data(cls, config: LGcGANConfig, path: Path | None) -> TrainingData:
        """Faces with landmarks, each with a real face of the age that it is to become."""
        return open_age_data(
            config, path, asked_by=cls.name, partner="same_scene" if config.loss.weight_paired > 0 else "target"
        )

    @property
    def generators(self) -> tuple[str, ...]:
        """Generators that are trained together."""
        return tuple(name for name in ("primal", "inverse") if name in self.networks)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The generators (an option of ours)."""
        return self.generators

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each; the mean shapes are counted, not learned."""
        options = self.config.optimizer
        rates = {
            name: options.lr_discriminator if name.endswith("discriminator") else options.lr_generator
            for name in self.networks
            if name != "shapes"
        }
        return adam(self.networks, rates, betas=(options.beta1, options.beta2))

    def prepare(self, device: torch.device) -> None:
        """Load the judges.

        Raises:
            WeightsError, ConfigError: if one is not there, judges no faces, or is needed and not named.
        """
        self.judge = load_judge(self.config.validation.judge, device)
        if self.judge is None and not self.config.loss.uses_discriminators:
            raise ConfigError("--validation.judge is needed where no discriminator is trained: weights of facejudge.")
        if self.config.loss.weight_identity > 0:
            judge: Any = load_judge(self.config.loss.identity_judge, device)
            if not isinstance(judge, Pipeline):
                raise ConfigError("--loss.identity_judge needs weights of facejudge, whose features have gradients.")
            self.identity_network = judge.components["judge"].requires_grad_(False)

        if self.config.loss.weight_paired_features > 0:
            self.features = open_features(None, device, layers=(), levels=FEATURE_LEVELS)

    def training_step(self, batch: AgeBatch, engine: Engine) -> None:
        """Both generators on one loss, then both discriminators on the same results."""
        draws = self.draw(batch, engine)
        self.shapes.count(engine.gather(batch.landmarks), engine.gather(batch.group), engine.gather(batch.years))
        results: list[Results] = []
        engine.update(self.generators, lambda part: self.generator_loss(part, engine, results), draws)
        if not self.config.loss.uses_discriminators:
            return
        made = Results(*(torch.cat([getattr(part, name) for part in results]) for name in vars(results[0])))
        judged = Judgement(**vars(draws), **vars(made))
        names = tuple(f"{name}_discriminator" for name in self.generators)
        engine.update(names, lambda part: self.discriminator_loss(part, engine), judged)

    def draw(self, batch: AgeBatch, engine: Engine) -> Draws:
        """Landmark maps, and everything random of one iteration."""
        size, shape = len(batch), batch.image.shape[1:]
        guide = batch.landmarks
        if self.config.loss.landmark_shift:
            guide = self.shapes.moved(guide, batch.group, batch.other_group)
        if self.config.loss.pose_control:
            chosen = engine.rand(size, 1, 1, purpose="pose control") < self.config.loss.pose_control
            guide = torch.where(chosen, move_landmarks(guide, engine.rand(size, 4, purpose="pose")), guide)
        maps = self.maps_of(batch.landmarks)
        return Draws(
            image=batch.image,
            landmarks=batch.landmarks,
            maps=maps,
            guide=guide,
            guide_maps=maps if guide is batch.landmarks else self.maps_of(guide),
            group=batch.group,
            wrong_group=batch.wrong_group,
            target=batch.other_image,
            target_maps=self.maps_of(batch.other_landmarks),
            target_group=batch.other_group,
            target_wrong_group=batch.other_wrong_group,
            cycle_noise=self.config.loss.cycle_noise * engine.randn(size, *shape, purpose="cycle noise"),
            noise=self.config.loss.discriminator_noise * engine.randn(size, 4, *shape, purpose="discriminator noise"),
            augment=engine.rand(size, 4, NUM_DRAWS, purpose="discriminator augmentation"),
            soft=(engine.rand(size, 4, purpose="discriminator blur") < self.config.loss.discriminator_blur).float(),
        )

    def maps_of(self, landmarks: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b m h w"]:
        """Drawn landmarks, or no channels where the networks see none."""
        size = self.config.model.image_size
        if self.config.model.landmarks == "none":
            return landmarks.new_zeros(len(landmarks), 0, size, size)
        return render_landmarks(landmarks, size)

    def generate(self, network: Any, image: Tensor, group: Tensor, landmarks: Tensor, maps: Tensor) -> Aged:
        """A generator on one-hot ages, with landmarks as it takes them."""
        guides = {"maps": maps, "coords": landmarks, "none": None}
        aged: Aged = network(image, one_hot_ages(group, NUM_GROUPS), guides[self.config.model.landmarks])
        return aged

    def generator_loss(self, draws: Draws, engine: Engine, results: list[Results]) -> Tensor:
        """L_G; what was made is added to `results`."""
        weights = self.config.loss
        primal = engine.networks["primal"]
        aged = self.generate(primal, draws.image, draws.target_group, draws.guide, draws.guide_maps)
        image = aged.image.float()
        self._log_attention(engine, aged)
        total = self._judged_loss("primal", engine, draws, 2, image, draws.guide_maps, draws.target_group)
        if weights.weight_paired:
            paired = functional.l1_loss(image, draws.target)
            engine.log("loss/paired", paired)
            total = total + weights.weight_paired * paired
        if self.features is not None:
            features = perceptual_loss(self.features, draws.target, image)
            engine.log("loss/paired_features", features)
            total = total + weights.weight_paired_features * features
        back = image.detach()
        if weights.inverse_task:
            name = self.generators[-1]
            seen = image + draws.cycle_noise
            returned = self.generate(engine.networks[name], seen, draws.group, draws.landmarks, draws.maps)
            back = returned.image.float()
            total = total + self._judged_loss(name, engine, draws, 3, back, draws.maps, draws.group)
            reconstruction = functional.l1_loss(back, draws.image)
            engine.log("loss/reconstruction", reconstruction)
            total = total + weights.weight_reconstruction * reconstruction
            if weights.weight_latent:
                latent = functional.l1_loss(returned.bottleneck.float(), aged.bottleneck.float())
                engine.log("loss/latent", latent)
                total = total + weights.weight_latent * latent
        if weights.weight_self:
            same = self.generate(primal, draws.image, draws.group, draws.landmarks, draws.maps).image.float()
            own = functional.l1_loss(same, draws.image)
            engine.log("loss/self", own)
            total = total + weights.weight_self * own
        if self.identity_network is not None:
            identity = self.identity_loss(draws.image, image)
            engine.log("loss/identity", identity)
            total = total + weights.weight_identity * identity
        results.append(Results(image.detach(), back.detach()))
        return total

    def _judged_loss(
        self, task: str, engine: Engine, draws: Draws, number: int, image: Tensor, maps: Tensor, group: Tensor
    ) -> Tensor:
        """What a task's discriminator says of its results: how real, and which age; 0 where there is none."""
        weights = self.config.loss
        if not weights.uses_discriminators:
            return image.new_zeros(())
        with engine.frozen(f"{task}_discriminator") as discriminator:
            verdict = self.judged(discriminator, draws, number, image, maps, group)
        adversarial, age = fooling_loss(verdict.scores.float()), age_loss(verdict.age_logits.float(), group)
        which = "primal" if number == 2 else "inverse"
        engine.log(f"loss/adversarial_{which}", adversarial)
        engine.log(f"loss/age_{which}", age)
        if number == 2:
            engine.log("age_head_on_fakes", _accuracy(verdict.age_logits, group))
        return weights.weight_adversarial * adversarial + weights.weight_age * age

    def discriminator_loss(self, draws: Judgement, engine: Engine) -> Tensor:
        """L_Dp + L_Di. Age heads learn from real pictures alone."""
        loss = self._one_discriminator(
            "primal_discriminator",
            draws,
            engine,
            real=(0, draws.target, draws.target_maps, draws.target_group, draws.target_wrong_group),
            fake=(2, draws.aged, draws.guide_maps, draws.target_group),
            log=True,
        )
        if self.config.loss.inverse_task:
            loss = loss + self._one_discriminator(
                f"{self.generators[-1]}_discriminator",
                draws,
                engine,
                real=(1, draws.image, draws.maps, draws.group, draws.wrong_group),
                fake=(3, draws.back, draws.maps, draws.group),
                log=False,
            )
        return loss

    def _one_discriminator(
        self,
        name: str,
        draws: Draws,
        engine: Engine,
        *,
        real: tuple[int, Tensor, Tensor, Tensor, Tensor],
        fake: tuple[int, Tensor, Tensor, Tensor],
        log: bool,
    ) -> Tensor:
        weights = self.config.loss
        network = engine.networks[name]
        number, image, maps, group, wrong = real
        asked = torch.stack([group, wrong], dim=1) if weights.triplet else group[:, None]
        of_real = self.judged(network, draws, number, image, maps, asked)
        of_fake = self.judged(network, draws, *fake)
        scores = of_real.scores.float()
        loss = triplet_loss(scores[:, 0], scores[:, 1] if weights.triplet else None, of_fake.scores[:, 0].float())
        age = age_loss(of_real.age_logits.float(), group, label_smoothing=weights.label_smoothing)
        if log:
            engine.log("score_real", scores[:, 0].mean())
            engine.log("score_fake", of_fake.scores.float().mean())
            if weights.triplet:
                engine.log("score_wrong", scores[:, 1].mean())
            better = scores[:, 0].flatten(1).mean(1) > of_fake.scores.float().flatten(1).mean(1)
            engine.log("critic_accuracy", better.float().mean())
            engine.log("age_head_on_reals", _accuracy(of_real.age_logits, group))
        loss = loss + weights.weight_age_real * age
        if weights.weight_smoothness:
            with engine.unwrapped(name) as unwrapped:
                penalty = smoothness_penalty(
                    lambda pair: _score_and_age(unwrapped(pair, one_hot_ages(group, NUM_GROUPS)[:, None]), group),
                    self.seen(draws, number, image, maps),
                )
            if log:
                engine.log("loss/smoothness", penalty)
            loss = loss + weights.weight_smoothness * penalty
        return loss

    def judged(self, network: Any, draws: Draws, number: int, image: Tensor, maps: Tensor, groups: Tensor) -> Judged:
        """A discriminator on a picture as it sees it, asked about one or several age groups (b,) or (b, k)."""
        asked = one_hot_ages(groups if groups.ndim == 2 else groups[:, None], NUM_GROUPS)
        verdict: Judged = network(self.seen(draws, number, image, maps), asked)
        return verdict

    def seen(self, draws: Draws, number: int, image: Tensor, maps: Tensor) -> Tensor:
        """What a discriminator sees of a picture and its landmark maps."""
        weights = self.config.loss
        if weights.discriminator_blur:
            image = soften(image, draws.soft[:, number])
        if weights.discriminator_noise:
            image = image + draws.noise[:, number]
        pair = torch.cat([image, maps], dim=1) if maps.shape[1] else image
        return augment_for_discriminator(pair, draws.augment[:, number], weights.discriminator_augment)

    def identity_loss(self, source: Tensor, aged: Tensor) -> Tensor:
        """L_id: mean squared distance of the judge's features, which are of length 1."""
        network = self.identity_network
        assert network is not None  # the caller has looked
        with torch.no_grad():
            wanted = network(source).embedding
        difference: Tensor = network(aged).embedding - wanted
        return difference.square().sum(1).mean()

    def _log_attention(self, engine: Engine, aged: Aged) -> None:
        engine.log("attention/pixels", aged.mask.float().mean())
        for name, mask in zip(("coarse", "fine"), aged.attention, strict=False):
            engine.log(f"attention/{name}", mask.float().mean())

    def fixed_inputs(self, dataset: AgeDataset) -> AgeBatch:
        """Held-out faces of different ages."""
        return sample_faces(dataset)

    def sample(self, fixed: AgeBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a face: source, ten ages, what was repainted for the last one."""
        aged = [self._age(networks["primal"], fixed, group) for group in range(NUM_GROUPS)]
        mask = (2 * aged[-1].mask.float() - 1).expand_as(fixed.image)
        faces = all_ages(fixed.image, lambda group: aged[group].image.float())
        return torch.cat([faces, mask[:, None]], dim=1)

    def validate(self, batches: Iterable[AgeBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """What the judge sees in held-out faces at all ten ages, beside what it sees in the real ones.

        `age_head_on_fakes` near 1 with `judged_span` below a half means that the discriminator's age head is fooled,
        `attention` near 0 that the generator copies; both are warned of.
        """
        parts = [self._validate_batch(batch, networks) for batch in batches]
        found = {name: torch.cat([part[name].float().cpu() for part in parts]) for name in parts[0]}
        judged, of_reals, truth, groups = (found.pop(name).numpy() for name in ("judged", "of_reals", "truth", "group"))
        scores = age_scores(judged, of_reals, truth, groups)
        scores["high_frequency_ratio"] = float(found.pop("high_frequency_ratio").median())
        scores |= {name: float(values.mean()) for name, values in found.items()}
        self._warn(scores)
        return scores

    def _validate_batch(self, batch: AgeBatch, networks: dict[str, nn.Module]) -> dict[str, Tensor]:
        """One value, or one an age group, for each face of a batch."""
        years = self.judge.ages if self.judge else self._years_by_own_head(networks)
        maps = self.maps_of(batch.landmarks)
        seen, heads, masks, energies = [], [], [], []
        for group in range(NUM_GROUPS):
            aged = self._age(networks["primal"], batch, group)
            image = aged.image.float()
            seen.append(years(image))
            masks.append(aged.mask.float().mean((1, 2, 3)))
            energies.append(high_frequency_energy(image) / high_frequency_energy(batch.image).clamp(min=1e-8))
            if "primal_discriminator" in networks:
                pair = torch.cat([image, maps], dim=1)
                logits = networks["primal_discriminator"](pair, pair.new_zeros(len(pair), 0, NUM_GROUPS)).age_logits
                heads.append((logits.argmax(1) == group).float())
        result = {
            "judged": torch.stack(seen, dim=1),
            "of_reals": years(batch.image),
            "truth": batch.years,
            "group": batch.group,
            "attention": torch.stack(masks, dim=1),
            "high_frequency_ratio": torch.stack(energies, dim=1),
        }
        if heads:
            result["age_head_on_fakes"] = torch.stack(heads, dim=1)
        if self.config.loss.inverse_task:  # from the oldest group, which is last
            back = self.generate(networks[self.generators[-1]], image, batch.group, batch.landmarks, maps)
            result["round_trip"] = (back.image.float() - batch.image).abs().mean((1, 2, 3))
        if self.config.loss.weight_paired:
            wanted = self.generate(networks["primal"], batch.image, batch.other_group, batch.landmarks, maps)
            result["paired_l1"] = (wanted.image.float() - batch.other_image).abs().mean((1, 2, 3))
        return result

    def _warn(self, scores: dict[str, float]) -> None:
        fooled = scores.get("age_head_on_fakes", 0.0) >= FOOLED and scores["judged_span"] < 0.5
        if fooled and self.judge is not None:
            _log.warning(
                "The discriminator's age head is being fooled: it is right on %.0f %% of the fakes, while the judge "
                "sees %.0f %% of the years.",
                100 * scores["age_head_on_fakes"],
                100 * scores["judged_span"],
            )
        if self.config.model.pixel_attention and scores["attention"] < 0.01:
            _log.warning("The generator copies its input: it repaints %.2f %% of it.", 100 * scores["attention"])

    def _years_by_own_head(self, networks: dict[str, nn.Module]) -> Any:
        """Expected age by the discriminator's head, where no judge is named."""
        shapes = self.shapes

        def years(image: Tensor) -> Tensor:
            maps = self.maps_of(shapes.mean_shape().expand(len(image), -1, -1))
            pair = torch.cat([image, maps], dim=1)
            logits = networks["primal_discriminator"](pair, pair.new_zeros(len(pair), 0, NUM_GROUPS)).age_logits
            expected: Tensor = (logits.float().softmax(1) * shapes.mean_years()).sum(1)
            return expected

        return years

    def _age(self, network: nn.Module, batch: AgeBatch, group: int) -> Aged:
        wanted = torch.full_like(batch.group, group)
        return self.generate(network, batch.image, wanted, batch.landmarks, self.maps_of(batch.landmarks))


@dataclass
class Judgement(Draws):
    """Draws with what the generators made of them."""

    aged: Float[Tensor, "b 3 h w"]
    back: Float[Tensor, "b 3 h w"]


def _score_and_age(verdict: Judged, group: Tensor) -> tuple[Tensor, Tensor]:
    """Mean score of each picture, and log-probability of its group."""
    age = verdict.age_logits.float().log_softmax(1).gather(1, group[:, None])[:, 0]
    return verdict.scores.float().flatten(1).mean(1), age


def _accuracy(logits: Tensor, group: Tensor) -> Tensor:
    return (logits.argmax(1) == group).float().mean()
