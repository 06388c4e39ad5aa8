"""Training of DAMSM: of a batch of captioned pictures, which caption belongs to which (AttnGAN, Sec. 3.2).

Differences: captions that are true of another picture of the batch are no counterexamples for it, where facts are known
(AttnGAN leaves out pictures of one class); one optimiser for the whole run, and Inception's batch norms stay as they
are, where the authors' code starts Adam again every epoch and lets them drift; the gradients of both encoders are
clipped, not of the text encoder alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.backbones.inception import InceptionV3
from limner.backbones.state import load_network, read_state
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.system import System
from limner.errors import ConfigError
from limner.losses.image_text import image_text_loss
from limner.metrics.r_precision import r_precision
from limner.systems.damsm.config import DAMSMConfig
from limner.systems.damsm.pipeline import DAMSMPipeline
from limner.text_to_image.data import CaptionedBatch, also_true, collate, open_training_data
from limner.text_to_image.encoders import ImageEncoder, TextEncoder, is_word
from limner.text_to_image.matching import gathered
from limner.text_to_image.words import vocabulary_of

NETWORKS = ("text_encoder", "image_encoder")
NUM_SHOWN, NUM_WORDS = 8, 6


@dataclass
class Draws(CaptionedBatch):
    """A batch and its random numbers."""

    kept: Float[Tensor, "b t n"]
    """Factors of the words' numbers: 0 where they are dropped."""


class DAMSM(System[DAMSMConfig, CaptionedBatch]):
    """Text encoder and image encoder, on one loss."""

    name: ClassVar[str] = "damsm"
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("r_precision", "max")

    def __init__(self, config: DAMSMConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        num_words = len(spec.vocabulary) if spec.vocabulary is not None else 2
        self.networks["text_encoder"] = TextEncoder(
            num_words=num_words,
            code_size=model.code_size,
            embedding_size=model.embedding_size,
        )
        self.networks["image_encoder"] = ImageEncoder(
            code_size=model.code_size, backbone=model.backbone, widths=model.widths, region_layer=model.region_layer
        )

    @classmethod
    def open_data(cls, config: DAMSMConfig, path: Path | None) -> TrainingData:
        """Pictures with captions."""
        return open_training_data(
            config.dataset,
            path,
            image_size=config.model.image_size,
            length=config.model.length,
            seed=config.train.seed,
            augment=config.augment,
            drawn=config.captions.drawn,
            asked_by=cls.name,
        )

    def prepare(self, device: torch.device) -> None:
        """Load Inception-v3.

        Raises:
            ConfigError: if its file is not named.
            WeightsError: if the file is of another network.
        """
        encoder = self.networks["image_encoder"]
        if isinstance(encoder, ImageEncoder) and encoder.inception is not None:
            file = self.config.model.inception
            if file is None:
                raise ConfigError(
                    "--model.inception is missing: name the file of Inception-v3's ImageNet weights, or give "
                    "--model.backbone small, which needs none."
                )
            found = load_network(
                lambda: InceptionV3(graph="imagenet"), read_state(file), where=file, unused=("AuxLogits.",)
            )
            encoder.inception.load_state_dict(found.state_dict())

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """Both encoders (an option of ours)."""
        return NETWORKS

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam for each encoder."""
        options = self.config.optimizer
        return adam(self.networks, dict.fromkeys(NETWORKS, options.lr), betas=(options.beta1, options.beta2))

    def lr_scale(self, images_seen: int) -> float:
        """A little less every epoch, down to a tenth."""
        options = self.config.optimizer
        return max(options.least_share, options.decay ** (images_seen // options.epoch_images))

    def training_step(self, batch: CaptionedBatch, engine: Engine) -> None:
        """One update of both encoders."""
        model = self.config.model
        drawn = engine.rand(*batch.words.shape, model.embedding_size, purpose="dropout")
        kept = (drawn >= model.dropout).float() / (1 - model.dropout)
        engine.update(NETWORKS, lambda part: self.loss(part, engine), Draws(**vars(batch), kept=kept))

    def loss(self, batch: Draws, engine: Engine) -> Tensor:
        """The four terms of DAMSM."""
        options, there = self.config.loss, is_word(batch.words)
        words, sentence = engine.networks["text_encoder"](batch.words, batch.num_words, batch.kept)
        regions, code = engine.networks["image_encoder"](batch.image)
        terms = image_text_loss(
            regions.float(),
            code.float(),
            words.float(),
            sentence.float(),
            there,
            also_true=also_true(batch),
            gamma1=options.gamma1,
            gamma2=options.gamma2,
            gamma3=options.gamma3,
        )
        for name, value in zip(terms._fields, terms, strict=True):
            engine.log(f"loss/{name}", value)
        return terms.total()

    def fixed_inputs(self, dataset: Any) -> CaptionedBatch:
        """The first held-out pictures."""
        return collate([dataset[index] for index in range(min(NUM_SHOWN, len(dataset)))])

    def sample(self, fixed: CaptionedBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A row a picture: the picture, and where it is most like each of the first words of its caption."""
        words, _ = networks["text_encoder"](fixed.words, fixed.num_words)
        regions, _ = networks["image_encoder"](fixed.image)
        cosines = functional.normalize(words.float(), dim=1).transpose(1, 2) @ functional.normalize(
            regions.float(), dim=1
        )
        side = math.isqrt(cosines.shape[2])
        like = cosines[:, :NUM_WORDS].clamp(0, 1).unflatten(2, (side, side))
        like = functional.interpolate(like, size=fixed.image.shape[2:], mode="bilinear")[:, :, None]
        return torch.cat([fixed.image[:, None], (fixed.image[:, None] + 1) * like - 1], dim=1)

    def validate(self, batches: Iterable[CaptionedBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """How often a held-out picture is nearer to its caption than to 99 that are false of it."""

        def codes(batch: CaptionedBatch) -> dict[str, Tensor]:
            _, sentence = networks["text_encoder"](batch.words, batch.num_words)
            return {"sentence": sentence, "picture": networks["image_encoder"](batch.image)[1]}

        found = gathered(batches, codes)
        hits = r_precision(found["picture"], found["sentence"], true_of=found["known"].true_of)
        return {"r_precision": float(hits.double().mean())}

    def pipeline(self, networks: dict[str, nn.Module]) -> DAMSMPipeline:
        """Both encoders and the vocabulary."""
        vocabulary_of(self.spec)
        kept = {name: networks[name] for name in NETWORKS}
        return DAMSMPipeline(spec=self.spec, size=self.config.model.image_size, **kept)
