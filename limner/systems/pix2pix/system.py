"""pix2pix's training: D, then G, on the same picture, with the distance to the real one (arXiv:1611.07004, Sec. 3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from limner.data.batch import MaskToImageBatch, TensorBatch
from limner.data.dataset import MaskToImageDataset
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.seed import picture_noise
from limner.engine.system import System
from limner.losses.adversarial import discriminator_loss, generator_loss
from limner.mask_to_image.training import NUM_SEEDS, first_rows, grid_diversity, quick_scores, sample_grid
from limner.nn.discriminator_augment import NUM_DRAWS, augment_for_discriminator
from limner.nn.init import init_normal
from limner.nn.label_maps import encode_label_map
from limner.nn.patch_discriminator import PatchDiscriminator
from limner.systems.pix2pix.config import Pix2PixConfig
from limner.systems.pix2pix.networks import Generator
from limner.systems.pix2pix.pipeline import Pix2PixPipeline


@dataclass
class Draws(TensorBatch):
    """One iteration's data and random draws; D and G share them."""

    image: Float[Tensor, "b 3 h w"]
    condition: Float[Tensor, "b c h w"]
    noise: Float[Tensor, "b n"]
    """What dropout drops."""
    augment: Float[Tensor, "b 4"]


class Pix2Pix(System[Pix2PixConfig, MaskToImageBatch]):
    """A U-Net that must come near the real picture and convince a discriminator of patches."""

    name: ClassVar[str] = "pix2pix"
    pipeline_class: ClassVar[type[Any]] = Pix2PixPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("sliced_wasserstein", "min")

    def __init__(self, config: Pix2PixConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        channels = spec.schema.num_classes if model.condition == "one_hot" else 3
        self.generator = Generator(
            num_classes=spec.schema.num_classes,
            condition=model.condition,
            image_size=model.image_size,
            width=model.generator_width,
            dropout=model.dropout,
            test_noise=model.test_noise,
            test_statistics=model.test_statistics,
        )
        self.networks["generator"] = self.generator
        self.networks["discriminator"] = PatchDiscriminator(
            in_channels=channels + 3, width=model.discriminator_width, norm="batch"
        )
        for network in self.networks.values():
            init_normal(network)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The generator (an option of ours; the paper has no averaging)."""
        return ("generator",)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each."""
        options = self.config.optimizer
        rates = {"generator": options.lr_generator, "discriminator": options.lr_discriminator}
        return adam(self.networks, rates, betas=(options.beta1, options.beta2))

    def training_step(self, batch: MaskToImageBatch, engine: Engine) -> None:
        """Update D, then G, each once."""
        draws = Draws(
            image=batch.image,
            condition=self.encode(batch.label_map),
            noise=engine.rand(len(batch), self.generator.num_noise, purpose="dropout"),
            augment=engine.rand(len(batch), NUM_DRAWS, purpose="discriminator augmentation"),
        )
        # One picture serves both updates. Under accumulation each update makes its own: the graphs of all parts at once
        # would take the memory that accumulation saves.
        fake = None
        if engine.config.accumulate == 1:
            fake = engine.networks["generator"](draws.condition, draws.noise)
        engine.update("discriminator", lambda part: self.discriminator_loss(part, engine, fake), draws)
        engine.update("generator", lambda part: self.generator_loss(part, engine, fake), draws)

    def encode(self, label_map: Int64[Tensor, "b h w"]) -> Float[Tensor, "b c h w"]:
        """The label map as the networks see it."""
        return encode_label_map(label_map, self.spec.schema, self.config.model.condition)

    def discriminator_loss(self, draws: Draws, engine: Engine, fake_image: Tensor | None = None) -> Tensor:
        """Half the loss on real and fake pairs (Sec. 3.3: D learns slower than G); the fakes are made if not given."""
        if fake_image is None:
            with torch.no_grad(), engine.frozen("generator") as frozen:
                fake_image = frozen(draws.condition, draws.noise)
        fake_image = fake_image.detach().float()
        discriminator = engine.networks["discriminator"]
        # Two passes: each has batch statistics of its own.
        real = discriminator(self.pair(draws, draws.image))[-1].float()
        fake = discriminator(self.pair(draws, fake_image))[-1].float()
        engine.log("score_real", real.mean())
        engine.log("score_fake", fake.mean())
        engine.log("critic_accuracy", (real.mean((1, 2, 3)) > fake.mean((1, 2, 3))).float().mean())
        return 0.5 * discriminator_loss(real, fake, self.config.loss.adversarial)

    def generator_loss(self, draws: Draws, engine: Engine, fake_image: Tensor | None = None) -> Tensor:
        """Adversarial loss + lambda |real - fake| (Eq. 4); the fakes are made if not given with their graph."""
        if fake_image is None:
            fake_image = engine.networks["generator"](draws.condition, draws.noise)
        with engine.frozen("discriminator") as discriminator:
            fake = discriminator(self.pair(draws, fake_image))[-1].float()
        adversarial = generator_loss(fake, self.config.loss.adversarial)
        l1 = functional.l1_loss(fake_image.float(), draws.image)
        engine.log("loss/adversarial", adversarial)
        engine.log("loss/l1", l1)
        return adversarial + self.config.loss.weight_l1 * l1

    def pair(self, draws: Draws, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n h w"]:
        """Condition and image as D sees them."""
        pair = torch.cat([draws.condition, image.float()], dim=1)
        return augment_for_discriminator(pair, draws.augment, self.config.loss.discriminator_augment)

    def fixed_inputs(self, dataset: MaskToImageDataset) -> MaskToImageBatch:
        """Up to eight held-out pictures."""
        return first_rows(dataset)

    def sample(
        self, fixed: MaskToImageBatch, networks: dict[str, nn.Module]
    ) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a map: map, real picture, four pictures of different noise."""
        noise = [self._noise(fixed, f"samples {seed}") for seed in range(NUM_SEEDS)]
        return sample_grid(fixed, self.spec.schema, [self.paint(fixed, networks, one) for one in noise])

    def diversity_of(self, grid: Float[Tensor, "rows columns 3 height width"]) -> float | None:
        """Difference between pictures of one map, where dropout makes any."""
        return grid_diversity(grid) if self.config.model.test_noise and self.generator.num_noise else None

    def validate(self, batches: Iterable[MaskToImageBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Distances to the real pictures."""
        return quick_scores(batches, lambda batch: self.paint(batch, networks, self._noise(batch, "validate")))

    def _noise(self, batch: MaskToImageBatch, purpose: str) -> Float[Tensor, "b n"]:
        return picture_noise(batch.index, self.generator.num_noise, purpose=purpose, uniform=True)

    def paint(
        self, batch: MaskToImageBatch, networks: dict[str, nn.Module], noise: Float[Tensor, "b n"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Pictures of a batch's maps, as they would be made."""
        if not self.config.model.test_noise:
            return networks["generator"](self.encode(batch.label_map))
        return networks["generator"](self.encode(batch.label_map), noise)
