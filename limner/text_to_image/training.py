"""Training of the systems that paint captions: one generator, one or several discriminators, DAMSM beside them.

The generator is updated first, and the discriminators then on the same pictures, which saves one of its passes; over a
run this differs from the papers' order by one update.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.optim import Optimizer

from limner.data.batch import TensorBatch
from limner.data.config import AugmentConfig, DataConfig
from limner.data.spec import DataSpec
from limner.engine.config import TrainConfig
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.ranks import gather_rows
from limner.engine.seed import generator as random_generator
from limner.engine.seed import picture_noise
from limner.engine.system import System
from limner.errors import ConfigError
from limner.losses.adversarial import r1_penalty
from limner.losses.image_text import image_text_loss
from limner.losses.joint import joint_discriminator_loss, joint_generator_loss
from limner.metrics.r_precision import r_precision
from limner.metrics.resize import Resize
from limner.metrics.sliced_wasserstein import sliced_wasserstein_distance
from limner.nn.discriminator_augment import NUM_DRAWS, augment_for_discriminator
from limner.nn.text_to_image import CaptionGenerator, Judged, Painted
from limner.pipelines import load
from limner.text_to_image.config import LossConfig, OptimizerConfig, TextConfig
from limner.text_to_image.data import CaptionedBatch, also_true, collate, first_false, open_training_data
from limner.text_to_image.encoders import ImageEncoder, TextEncoder, is_word
from limner.text_to_image.matching import gathered
from limner.text_to_image.words import vocabulary_of

COLUMNS = 6
"""Pictures of one caption in a sample grid."""
FROZEN = ("text_encoder", "image_encoder")


class _Model(Protocol):
    @property
    def image_size(self) -> int: ...
    @property
    def latent_size(self) -> int: ...
    @property
    def condition_size(self) -> int: ...


class CaptionConfig(Protocol):
    """What this training asks of a system's configuration."""

    @property
    def text(self) -> TextConfig: ...
    @property
    def loss(self) -> LossConfig: ...
    @property
    def optimizer(self) -> OptimizerConfig: ...
    @property
    def dataset(self) -> DataConfig: ...
    @property
    def augment(self) -> AugmentConfig: ...
    @property
    def train(self) -> TrainConfig: ...
    @property
    def model(self) -> _Model: ...


@dataclass
class Draws(TensorBatch):
    """One iteration's data and random draws."""

    image: Float[Tensor, "b 3 h w"]
    words: Float[Tensor, "b e t"]
    """Codes of the words."""
    sentence: Float[Tensor, "b e"]
    is_word: Bool[Tensor, "b t"]
    wrong_sentence: Float[Tensor, "b e"]
    """Of a caption that is false of the picture."""
    has_wrong: Bool[Tensor, " b"]
    """Whether the batch has such a caption."""
    latent: Float[Tensor, "b n"]
    noise: Float[Tensor, "b c"]
    augment: Float[Tensor, "b 2 4"]
    """Of the real and the made picture."""
    category: Int64[Tensor, " b"]
    known: Float[Tensor, "b m"]
    allowed: Float[Tensor, "b m"]
    num_stated: Float[Tensor, " b"]


@dataclass
class Made(Draws):
    """Draws with what the generator made of them; sizes that a system does not make have no pixels."""

    condition: Float[Tensor, "b c"]
    """Mean of the condition."""
    small: Float[Tensor, "b 3 _ _"]
    middle: Float[Tensor, "b 3 _ _"]
    large: Float[Tensor, "b 3 _ _"]


class Encoders:
    """The encoders that a run reads captions with."""

    def __init__(self, config: TextConfig, spec: DataSpec) -> None:
        self.image: ImageEncoder | None = None
        self.image_size = 0
        if config.encoders is None:
            num_words = len(spec.vocabulary) if spec.vocabulary is not None else 2
            self.text = TextEncoder(
                num_words=num_words, code_size=config.code_size, embedding_size=config.embedding_size
            )
            # DAMSM's first values are so small that untrained codes of all captions are nearly the same.
            nn.init.normal_(self.text.embedding.weight)
        else:
            pipeline = load(config.encoders, system="damsm")
            text, image = (pipeline.components[name] for name in FROZEN)
            assert isinstance(text, TextEncoder) and isinstance(image, ImageEncoder)  # by its `network_classes`
            if vocabulary_of(pipeline.spec) != spec.vocabulary:
                raise ConfigError(
                    f"The vocabulary of the data is not that of --text.encoders {config.encoders}; open the data with "
                    "the same encoders."
                )
            self.text, self.image, self.image_size = text, image, pipeline.image_size
        self.code_size = int(self.text.config["code_size"])

    def networks(self) -> dict[str, nn.Module]:
        """Frozen, by name."""
        found: dict[str, nn.Module] = {"text_encoder": self.text}
        if self.image is not None:
            found["image_encoder"] = self.image
        return {name: network.requires_grad_(False).eval() for name, network in found.items()}


class CaptionSystem(System[Any, CaptionedBatch]):
    """Base of the systems that paint captions.

    A subclass builds the generator and the discriminators, and may have other losses between them. `discriminators`
    names them coarse to fine; the last ones judge the last pictures of the generator.
    """

    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("sliced_wasserstein", "min")
    discriminators: tuple[str, ...] = ("discriminator",)

    def __init__(self, config: Any, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.encoders = Encoders(config.text, spec)
        self.networks |= {"generator": self.build_generator(), **self.build_discriminators()}
        self.networks |= self.encoders.networks()

    @abstractmethod
    def build_generator(self) -> CaptionGenerator:
        """The generator of this configuration."""

    @abstractmethod
    def build_discriminators(self) -> Mapping[str, nn.Module]:
        """One for each name of `discriminators`."""

    @classmethod
    def open_data(cls, config: CaptionConfig, path: Path | None) -> TrainingData:
        """Pictures with captions, in the numbers of the encoders' vocabulary."""
        text = config.text
        vocabulary = None
        if text.encoders is not None:
            vocabulary = vocabulary_of(load(text.encoders, system="damsm").spec)
        return open_training_data(
            config.dataset,
            path,
            image_size=config.model.image_size,
            length=text.length,
            seed=config.train.seed,
            augment=config.augment,
            drawn=text.drawn,
            asked_by=cls.name,
            vocabulary=vocabulary,
        )

    def prepare(self, device: torch.device) -> None:
        """Refuse a loss that nobody can tell.

        Raises:
            ConfigError: if DAMSM counts but is not named.
        """
        if self.config.loss.weight_damsm > 0 and self.encoders.image is None:
            raise ConfigError(
                "--text.encoders is missing: name weights of damsm (limner train damsm), or give --loss.weight_damsm 0 "
                "for the ablation without them."
            )

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The generator, as in AttnGAN."""
        return ("generator",)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for the generator and one for each discriminator."""
        options = self.config.optimizer
        rates = {"generator": options.lr_generator, **dict.fromkeys(self.discriminators, options.lr_discriminator)}
        return adam(self.networks, rates, betas=(options.beta1, options.beta2))

    def lr_scale(self, images_seen: int) -> float:
        """In steps."""
        scale: float = self.config.optimizer.scale(images_seen, self.config.train.images)
        return scale

    def training_step(self, batch: CaptionedBatch, engine: Engine) -> None:
        """The generator, then all discriminators on the same pictures."""
        for name in FROZEN:
            if name in self.networks:
                self.networks[name].eval()
        draws = self.draw(twice_if_alone(batch), engine)
        painted: list[Painted] = []
        engine.update("generator", lambda part: self.generator_loss(part, engine, painted), draws)
        made = self.made(draws, painted)
        engine.update(self.active(engine.images_seen), lambda part: self.discriminator_loss(part, engine), made)

    def active(self, images_seen: int) -> tuple[str, ...]:
        """The discriminators that are trained and learned from at this point of the run; all by default."""
        return self.discriminators

    def draw(self, batch: CaptionedBatch, engine: Engine) -> Draws:
        """Codes of the captions, wrong captions, latents."""
        with torch.no_grad():
            words, sentence = self.networks["text_encoder"](batch.words, batch.num_words)
        wrong, has_wrong = first_false(also_true(batch))
        size, model = len(batch), self.config.model
        facts = {name: getattr(batch, name) for name in ("category", "known", "allowed", "num_stated")}
        return Draws(
            image=batch.image,
            words=words,
            sentence=sentence,
            is_word=is_word(batch.words),
            wrong_sentence=sentence[wrong],
            has_wrong=has_wrong,
            latent=engine.randn(size, model.latent_size, purpose="latent"),
            noise=engine.randn(size, model.condition_size, purpose="condition"),
            augment=engine.rand(size, 2, NUM_DRAWS, purpose="augment"),
            **facts,
        )

    def made(self, draws: Draws, painted: list[Painted]) -> Made:
        """Draws with the pictures of all micro-batches, without gradients."""
        found = [torch.cat(parts).detach() for parts in zip(*(one.images for one in painted), strict=True)]
        empty = draws.image.new_zeros(len(draws), 3, 0, 0)
        sizes = [empty] * (3 - len(found)) + found
        condition = torch.cat([one.mean for one in painted]).detach()
        return Made(**vars(draws), condition=condition, small=sizes[0], middle=sizes[1], large=sizes[2])

    def generator_loss(self, draws: Draws, engine: Engine, made: list[Painted]) -> Tensor:
        """Adversarial terms of all sizes, the condition's distance to N(0, I), and DAMSM on the largest picture."""
        weights = self.config.loss
        painted: Painted = engine.networks["generator"](
            draws.latent, draws.noise, draws.sentence, draws.words, draws.is_word
        )
        made.append(painted)
        adversarial = draws.image.new_zeros(())
        for name, image in zip(self.discriminators, painted.images[-len(self.discriminators) :], strict=True):
            if name not in self.active(engine.images_seen):
                continue
            with engine.frozen(name) as network:
                adversarial = adversarial + self.fooling_loss(network, self.seen(image, draws, 1), draws, painted)
        distance = condition_distance(painted.mean.float(), painted.log_variance.float())
        engine.log("loss/adversarial", adversarial)
        engine.log("loss/kl", distance)
        total = adversarial + weights.weight_kl * distance
        if weights.weight_damsm > 0:
            fit = self.damsm_loss(painted.image, draws, engine)
            engine.log("loss/damsm", fit)
            total = total + weights.weight_damsm * fit
        return torch.as_tensor(total)

    def fooling_loss(self, network: nn.Module, image: Tensor, draws: Draws, painted: Painted) -> Tensor:
        """What the generator minimises against one discriminator."""
        judged: Judged = network(image, draws.sentence)
        loss: Tensor = joint_generator_loss(_float(judged.picture), judged.pairs[0].float())
        return loss

    def damsm_loss(self, image: Tensor, draws: Draws, engine: Engine) -> Tensor:
        """The four terms of DAMSM, with gradients to the picture alone."""
        options = self.config.loss
        with engine.frozen("image_encoder") as encoder:
            regions, code = encoder(self._resized(image))
        terms = image_text_loss(
            regions.float(),
            code.float(),
            draws.words,
            draws.sentence,
            draws.is_word,
            also_true=also_true(draws),
            gamma1=options.gamma1,
            gamma2=options.gamma2,
            gamma3=options.gamma3,
        )
        total: Tensor = terms.total()
        return total

    def _resized(self, image: Tensor) -> Tensor:
        """As the image encoder has learned to see pictures."""
        if image.shape[-1] == self.encoders.image_size:
            return image
        small: Tensor = Resize(self.encoders.image_size, antialias=True)(image.float())
        return small

    def seen(self, image: Tensor, draws: Draws, number: int) -> Tensor:
        """What discriminators see of the real (0) or the made (1) picture."""
        return augment_for_discriminator(image, draws.augment[:, number], self.config.loss.discriminator_augment)

    def discriminator_loss(self, made: Made, engine: Engine) -> Tensor:
        """The sum over the discriminators, with R1 if it has a weight."""
        weights = self.config.loss
        fakes = (made.small, made.middle, made.large)[-len(self.discriminators) :]
        total = made.image.new_zeros(())
        for name, fake in zip(self.discriminators, fakes, strict=True):
            if name not in self.active(engine.images_seen):
                continue
            real = self.seen(shrink(made.image, fake.shape[-1]), made, 0)
            total = total + self.judging_loss(engine.networks[name], real, self.seen(fake, made, 1), made, engine)
            if weights.weight_r1 and engine.step % weights.r1_every == 0:
                with engine.unwrapped(name) as network:
                    penalty = r1_penalty(partial(_verdict, network, self.told(made)), real)
                engine.log("loss/r1", penalty)
                total = total + weights.weight_r1 * weights.r1_every * penalty
        engine.log("loss/discriminators", total)
        return total

    def told(self, made: Made) -> Tensor:
        """What discriminators are told of the captions, (b, numbers)."""
        return made.sentence

    def judging_loss(self, network: Any, real: Tensor, fake: Tensor, made: Made, engine: Engine) -> Tensor:
        """What one discriminator minimises on pictures of its size."""
        of_real: Judged = network(real, made.sentence, made.wrong_sentence)
        of_fake: Judged = network(fake, made.sentence)
        wrong = of_real.pairs[1][made.has_wrong]
        loss = joint_discriminator_loss(
            real_picture=_float(of_real.picture),
            fake_picture=_float(of_fake.picture),
            real_pair=of_real.pairs[0].float(),
            fake_pair=of_fake.pairs[0].float(),
            # where every caption is true of every picture there is no wrong pair
            wrong_pair=(wrong if len(wrong) else of_fake.pairs[0]).float(),
        )
        engine.log("critic_accuracy", (of_real.pairs[0] > of_fake.pairs[0]).float().mean())
        engine.log("wrong_pairs_told", (of_real.pairs[0] > of_real.pairs[1]).float().mean())
        return loss

    def fixed_inputs(self, dataset: Any) -> CaptionedBatch:
        """Held-out captions."""
        return collate([dataset[index] for index in range(min(12, len(dataset)))])

    def sample(self, fixed: CaptionedBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A row a caption: the picture that it is of, and six made ones, a column a latent."""
        columns = [fixed.image]
        for number in range(COLUMNS):
            columns.append(self.paint(fixed, networks, self._column_noise(number, len(fixed))).image.float())
        return torch.stack(columns, dim=1).clamp(-1, 1)

    def _column_noise(self, number: int, rows: int) -> Tensor:
        size = self.config.model.latent_size + self.config.model.condition_size
        return torch.randn(1, size, generator=random_generator(0, "column", number)).expand(rows, -1)

    def paint(self, batch: CaptionedBatch, networks: dict[str, nn.Module], draws: Tensor) -> Painted:
        """Pictures of a batch's captions; draws (b, latent and condition) from N(0, 1)."""
        words, sentence = networks["text_encoder"](batch.words, batch.num_words)
        latent, noise = draws.to(batch.image.device).split(
            [self.config.model.latent_size, self.config.model.condition_size], dim=1
        )
        painted: Painted = networks["generator"](latent, noise, sentence, words, is_word(batch.words))
        return painted

    def diversity_of(self, grid: Float[Tensor, "rows columns 3 height width"]) -> float:
        """Mean difference, in [-1, 1] units, between pictures of one caption and different latents."""
        return float((grid[:, 1:-1] - grid[:, 2:]).abs().mean())

    def validate(self, batches: Iterable[CaptionedBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """A distance of the made pictures to the real ones, and how well they fit their captions by the run's DAMSM.

        The second one is learned from, so it chooses nothing.
        """
        size = self.config.model.latent_size + self.config.model.condition_size
        reals: list[Tensor] = []
        fakes: list[Tensor] = []

        def codes(batch: CaptionedBatch) -> dict[str, Tensor]:
            painted = self.paint(batch, networks, picture_noise(batch.index, size, purpose="validation"))
            reals.append(batch.image.float().cpu())
            fakes.append(painted.image.float().cpu())
            if "image_encoder" not in networks:
                return {}
            _, sentence = networks["text_encoder"](batch.words, batch.num_words)
            return {"picture": networks["image_encoder"](self._resized(painted.image))[1], "sentence": sentence}

        found = gathered(batches, codes)
        real, fake = gather_rows(reals), gather_rows(fakes)
        scores = {"sliced_wasserstein": sliced_wasserstein_distance(real, fake)}
        if "picture" in found:
            hits = r_precision(found["picture"], found["sentence"], true_of=found["known"].true_of)
            scores["own_r_precision"] = float(hits.double().mean())
        return scores


def twice_if_alone(batch: CaptionedBatch) -> CaptionedBatch:
    """A batch of one picture twice: batch norms of single numbers need two."""
    if len(batch) > 1:
        return batch
    return type(batch)(*(torch.cat([getattr(batch, field.name)] * 2) for field in fields(batch)))


def condition_distance(mean: Float[Tensor, "b c"], log_variance: Float[Tensor, "b c"]) -> Float[Tensor, ""]:
    """Kullback-Leibler distance of the condition to N(0, I), the mean over pictures and numbers, as in AttnGAN's code.

    It is 0 for mean 0 and log-variance 0.
    """
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).mean()


def shrink(image: Float[Tensor, "b 3 h w"], size: int) -> Tensor:
    """Real pictures at the size of a smaller made one, by means of 2x2 pixels as often as needed."""
    while image.shape[-1] > size:
        image = nn.functional.avg_pool2d(image, 2)
    return image


def _verdict(network: nn.Module, told: Tensor, image: Tensor) -> Float[Tensor, " b"]:
    """The sum of all that a discriminator says of a picture; a map of judgements counts by its mean."""
    judged: Judged = network(image, told)
    given = [part for part in (judged.picture, *judged.pairs) if part is not None]
    return torch.stack([part.float().flatten(1).mean(1) if part.ndim > 1 else part.float() for part in given]).sum(0)


def _float(logits: Tensor | None) -> Tensor | None:
    return None if logits is None else logits.float()
