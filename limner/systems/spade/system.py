"""SPADE's training: generator (and encoder), then discriminator, on the updated generator's pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from limner.backbones.vgg import VGG
from limner.data.batch import MaskToImageBatch, TensorBatch
from limner.data.dataset import MaskToImageDataset
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.seed import picture_noise
from limner.engine.system import System
from limner.errors import ConfigError
from limner.losses.adversarial import discriminator_loss, generator_loss
from limner.losses.features import feature_distance
from limner.mask_to_image.training import NUM_SEEDS, first_rows, grid_diversity, quick_scores, sample_grid
from limner.nn.discriminator_augment import NUM_DRAWS, augment_for_discriminator
from limner.nn.label_maps import one_hot
from limner.systems.spade.config import SPADEConfig
from limner.systems.spade.networks import NUM_SCALES, Discriminator, Encoder, Generator
from limner.systems.spade.pipeline import SPADEPipeline

VGG_LAYERS = {"relu1_1": 1 / 32, "relu2_1": 1 / 16, "relu3_1": 1 / 8, "relu4_1": 1 / 4, "relu5_1": 1.0}
"""Layer -> its weight in the perceptual loss (those of pix2pixHD, arXiv:1711.11585)."""


@dataclass
class Draws(TensorBatch):
    """One iteration's data and random draws; both updates share them."""

    image: Float[Tensor, "b 3 h w"]
    label_map: Int64[Tensor, "b h w"]
    noise: Float[Tensor, "b z"]
    """What is added to the latent's mean; no columns without an encoder."""
    augment: Float[Tensor, "b 4"]


class SPADE(System[SPADEConfig, MaskToImageBatch]):
    """A generator modulated by the label map, a discriminator of two scales and, as a variant, an image encoder."""

    name: ClassVar[str] = "spade"
    pipeline_class: ClassVar[type[Any]] = SPADEPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("sliced_wasserstein", "min")

    def __init__(self, config: SPADEConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        num_classes = spec.schema.num_classes
        self.latent_size = model.latent_size if model.use_encoder else 0
        self.networks["generator"] = Generator(
            num_classes=num_classes,
            image_size=model.image_size,
            width=model.generator_width,
            modulation_width=model.modulation_width,
            latent_size=self.latent_size,
        )
        if model.use_encoder:
            self.networks["encoder"] = Encoder(
                image_size=model.image_size, latent_size=model.latent_size, width=model.encoder_width
            )
        self.painters = tuple(self.networks)  # trained together
        self.networks["discriminator"] = Discriminator(num_classes=num_classes, width=model.discriminator_width)
        self.vgg: VGG | None = None

    def prepare(self, device: torch.device) -> None:
        """Read VGG-19, where the perceptual loss has a weight.

        Raises:
            ConfigError: if its file is not named, or named for nothing.
            WeightsError: if it is not of VGG-19.
        """
        loss = self.config.loss
        if (loss.weight_perceptual > 0) != (loss.vgg_weights is not None):
            raise ConfigError(
                f"--loss.weight_perceptual is {loss.weight_perceptual:g} and --loss.vgg_weights {loss.vgg_weights}: "
                "name a file with the published weights of VGG-19, or train without this loss by "
                "--loss.weight_perceptual 0."
            )
        if loss.vgg_weights is not None:
            self.vgg = VGG.from_file(loss.vgg_weights, 19).to(device)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """What paints (an option of ours; the paper has no averaging)."""
        return self.painters

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each; the discriminator learns faster (two time scales, arXiv:1706.08500)."""
        options = self.config.optimizer
        rates = dict.fromkeys(self.painters, options.lr_generator) | {"discriminator": options.lr_discriminator}
        return adam(self.networks, rates, betas=(options.beta1, options.beta2))

    def training_step(self, batch: MaskToImageBatch, engine: Engine) -> None:
        """Update what paints, then the discriminator."""
        draws = Draws(
            image=batch.image,
            label_map=batch.label_map,
            noise=engine.randn(len(batch), self.latent_size, purpose="latent"),
            augment=engine.rand(len(batch), NUM_DRAWS, purpose="discriminator augmentation"),
        )
        engine.update(self.painters, lambda part: self.generator_loss(part, engine), draws)
        engine.update("discriminator", lambda part: self.discriminator_loss(part, engine), draws)

    def generator_loss(self, draws: Draws, engine: Engine) -> Tensor:
        """Adversarial loss + distances in the layers of D and VGG-19 + divergence of the latent."""
        weights = self.config.loss
        segmentation = one_hot(draws.label_map, self.spec.schema.num_classes)
        fake_image, divergence = self.generate(engine.networks, segmentation, draws)
        fake_image = fake_image.float()
        with engine.frozen("discriminator") as discriminator:
            outputs = discriminator(self.pairs(segmentation, fake_image, draws))
        adversarial = self._over_scales(
            [generator_loss(maps[-1].float().chunk(2)[1], weights.adversarial) for maps in outputs]
        )
        features = self._over_scales([_distance_of_halves(maps[:-1]) for maps in outputs])
        engine.log("loss/adversarial", adversarial)
        engine.log("loss/features", features)
        loss = adversarial + weights.weight_features * features
        if self.vgg is not None:
            perceptual = self.perceptual_loss(self.vgg, draws.image, fake_image)
            engine.log("loss/perceptual", perceptual)
            loss = loss + weights.weight_perceptual * perceptual
        if divergence is not None:
            engine.log("loss/kl", divergence)
            loss = loss + weights.weight_kl * divergence
        return loss

    def discriminator_loss(self, draws: Draws, engine: Engine) -> Tensor:
        """Loss on real and fake pairs, mean over the scales."""
        segmentation = one_hot(draws.label_map, self.spec.schema.num_classes)
        with torch.no_grad(), engine.fabric.autocast():
            fake_image = self.generate(engine.raw, segmentation, draws)[0].float()
        outputs = engine.networks["discriminator"](self.pairs(segmentation, fake_image, draws))
        losses = []
        for maps in outputs:
            real, fake = maps[-1].float().chunk(2)
            losses.append(discriminator_loss(real, fake, self.config.loss.adversarial))
        engine.log("score_real", real.mean())
        engine.log("score_fake", fake.mean())
        engine.log("critic_accuracy", (real.mean((1, 2, 3)) > fake.mean((1, 2, 3))).float().mean())
        return self._over_scales(losses)

    def generate(
        self, networks: dict[str, nn.Module], segmentation: Float[Tensor, "b n h w"], draws: Draws
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, ""] | None]:
        """Pictures with the look of the real ones where there is an encoder, and the divergence of their latent."""
        if "encoder" not in networks:
            return networks["generator"](segmentation), None
        mean, log_variance = (part.float() for part in networks["encoder"](draws.image))
        latent = mean + (0.5 * log_variance).exp() * draws.noise
        return networks["generator"](segmentation, latent), divergence_from_normal(mean, log_variance)

    def pairs(
        self, segmentation: Float[Tensor, "b n h w"], fake_image: Float[Tensor, "b 3 h w"], draws: Draws
    ) -> Float[Tensor, "b+b c h w"]:
        """The real pairs of label map and image, then those with the fakes, as D sees them.

        One pass judges both: instance norm mixes no pictures, and both meet the same estimate of the spectral norm.
        """
        augment = self.config.loss.discriminator_augment
        pairs = [torch.cat([segmentation, image], dim=1) for image in (draws.image, fake_image)]
        return torch.cat([augment_for_discriminator(pair, draws.augment, augment) for pair in pairs])

    def perceptual_loss(self, vgg: VGG, real: Float[Tensor, "b 3 h w"], fake: Float[Tensor, "b 3 h w"]) -> Tensor:
        """Distance in VGG-19's layers, which get images in [-1, 1] as they are (the authors' choice)."""
        with torch.no_grad():
            wanted = vgg(real, list(VGG_LAYERS))
        return feature_distance(wanted, vgg(fake, list(VGG_LAYERS)), list(VGG_LAYERS.values()))

    @staticmethod
    def _over_scales(losses: list[Tensor]) -> Tensor:
        return torch.stack(losses).sum() / NUM_SCALES

    def fixed_inputs(self, dataset: MaskToImageDataset) -> MaskToImageBatch:
        """Up to eight held-out pictures."""
        return first_rows(dataset)

    def sample(
        self, fixed: MaskToImageBatch, networks: dict[str, nn.Module]
    ) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a map: map, real picture, four pictures of different latents (one without an encoder)."""
        count = NUM_SEEDS if self.latent_size else 1
        noise = [self._noise(fixed, f"samples {seed}") for seed in range(count)]
        return sample_grid(fixed, self.spec.schema, [self.paint(fixed, networks, one) for one in noise])

    def diversity_of(self, grid: Float[Tensor, "rows columns 3 height width"]) -> float | None:
        """Difference between pictures of one map, where there is a latent."""
        return grid_diversity(grid) if self.latent_size else None

    def validate(self, batches: Iterable[MaskToImageBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Distances to the real pictures."""
        return quick_scores(batches, lambda batch: self.paint(batch, networks, self._noise(batch, "validate")))

    def _noise(self, batch: MaskToImageBatch, purpose: str) -> Float[Tensor, "b z"]:
        return picture_noise(batch.index, self.latent_size, purpose=purpose)

    def paint(
        self, batch: MaskToImageBatch, networks: dict[str, nn.Module], noise: Float[Tensor, "b n"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Pictures of a batch's maps, with latents drawn from N(0, 1), or without."""
        segmentation = one_hot(batch.label_map, self.spec.schema.num_classes)
        if not self.latent_size:
            return networks["generator"](segmentation)
        return networks["generator"](segmentation, noise)


def _distance_of_halves(layers: list[Tensor]) -> Float[Tensor, ""]:
    """Distance of the features of the fakes, the second half of the batch, from those of the real pictures."""
    halves = [layer.chunk(2) for layer in layers]
    return feature_distance([real.detach() for real, _ in halves], [fake for _, fake in halves], [1.0] * len(layers))


def divergence_from_normal(mean: Float[Tensor, "b z"], log_variance: Float[Tensor, "b z"]) -> Float[Tensor, ""]:
    """Kullback-Leibler divergence of N(mean, variance) from N(0, 1), summed over the latent, mean over the batch."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
