"""CycleGAN's training: both generators by one loss, then both discriminators (arXiv:1703.10593, Sec. 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.data.batch import MaskToImageBatch, TensorBatch
from limner.data.dataset import MaskToImageDataset
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.system import System
from limner.losses.adversarial import discriminator_loss, generator_loss
from limner.mask_to_image.training import first_rows, quick_scores, sample_grid
from limner.nn.discriminator_augment import NUM_DRAWS, augment_for_discriminator
from limner.nn.init import init_normal
from limner.nn.label_maps import colorize
from limner.nn.patch_discriminator import PatchDiscriminator
from limner.systems.cyclegan.config import CycleGANConfig
from limner.systems.cyclegan.networks import Generator
from limner.systems.cyclegan.pipeline import CycleGANPipeline
from limner.systems.cyclegan.pool import ImagePool

GENERATORS = ("generator", "inverse_generator")
DISCRIMINATORS = ("discriminator", "map_discriminator")


@dataclass
class Draws(TensorBatch):
    """One iteration's data: pictures, and maps of other pictures."""

    image: Float[Tensor, "b 3 h w"]
    map_picture: Float[Tensor, "b 3 h w"]
    """Label maps in the schema's colours."""
    augment: Float[Tensor, "b 4"]


@dataclass
class Judged(TensorBatch):
    """What the discriminators tell apart."""

    image: Float[Tensor, "b 3 h w"]
    fake_image: Float[Tensor, "b 3 h w"]
    map_picture: Float[Tensor, "b 3 h w"]
    fake_map: Float[Tensor, "b 3 h w"]
    augment: Float[Tensor, "b 4"]


class CycleGAN(System[CycleGANConfig, MaskToImageBatch]):
    """Two generators that undo each other, and a discriminator for pictures and one for painted maps."""

    name: ClassVar[str] = "cyclegan"
    pipeline_class: ClassVar[type[Any]] = CycleGANPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("sliced_wasserstein", "min")

    def __init__(self, config: CycleGANConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        for name in GENERATORS:
            self.networks[name] = Generator(width=model.generator_width, num_blocks=model.num_blocks)
        for name in DISCRIMINATORS:
            self.networks[name] = PatchDiscriminator(in_channels=3, width=model.discriminator_width, norm="instance")
        for network in self.networks.values():
            init_normal(network)
        self.pools = {name: ImagePool(config.loss.pool_size) for name in DISCRIMINATORS}

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """Both generators (an option of ours; the paper has no averaging)."""
        return GENERATORS

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam for each network; those that share a loss step together."""
        options = self.config.optimizer
        rates = dict.fromkeys(GENERATORS, options.lr_generator) | dict.fromkeys(
            DISCRIMINATORS, options.lr_discriminator
        )
        return adam(self.networks, rates, betas=(options.beta1, options.beta2))

    def state_dict(self) -> dict[str, Any]:
        """The pools."""
        return {name: pool.images for name, pool in self.pools.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the pools."""
        for name, pool in self.pools.items():
            pool.images = state[name]

    def training_step(self, batch: MaskToImageBatch, engine: Engine) -> None:
        """Update both generators, then both discriminators on the fakes of that update and on earlier ones."""
        # Nothing compares a picture with its own map; in random order they do not even meet (but in a batch of one).
        maps = engine.permute(batch.label_map, purpose="permutation")
        draws = Draws(
            image=batch.image,
            map_picture=colorize(maps, self.spec.schema),
            augment=engine.rand(len(batch), NUM_DRAWS, purpose="discriminator augmentation"),
        )
        fakes: list[tuple[Tensor, Tensor]] = []
        engine.update(GENERATORS, lambda part: self.generators_loss(part, engine, fakes), draws)
        fake_image, fake_map = (torch.cat(parts) for parts in zip(*fakes, strict=True))
        judged = Judged(
            image=draws.image,
            fake_image=self.exchange("discriminator", fake_image, engine),
            map_picture=draws.map_picture,
            fake_map=self.exchange("map_discriminator", fake_map, engine),
            augment=draws.augment,
        )
        engine.update(DISCRIMINATORS, lambda part: self.discriminators_loss(part, engine), judged)

    def exchange(self, name: str, fakes: Float[Tensor, "b 3 h w"], engine: Engine) -> Float[Tensor, "b 3 h w"]:
        """Through the pool, which is one for all processes."""
        pool = self.pools[name]
        if pool.images is not None:
            pool.images = pool.images.to(fakes.device)  # after a resume it is where the checkpoint was read
        return engine.share(pool.exchange(engine.gather(fakes), engine.generator(f"pool of the {name}")))

    def generators_loss(self, draws: Draws, engine: Engine, fakes: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Adversarial losses + lambda (way there and back, both ways) + identity; the fakes are added to `fakes`."""
        weights = self.config.loss
        paint, unpaint = (engine.networks[name] for name in GENERATORS)
        fake_image, fake_map = paint(draws.map_picture), unpaint(draws.image)
        fakes.append((fake_image.detach().float(), fake_map.detach().float()))
        loss = torch.zeros((), device=draws.image.device)
        for name, fake in zip(DISCRIMINATORS, (fake_image, fake_map), strict=True):
            with engine.frozen(name) as discriminator:
                logits = discriminator(self.augment(fake.float(), draws.augment))[-1].float()
            adversarial = generator_loss(logits, weights.adversarial)
            engine.log(f"loss/adversarial_{name}", adversarial)
            loss = loss + adversarial
        cycle = functional.l1_loss(unpaint(fake_image).float(), draws.map_picture) + functional.l1_loss(
            paint(fake_map).float(), draws.image
        )
        engine.log("loss/cycle", cycle)
        loss = loss + weights.weight_cycle * cycle
        if weights.weight_identity > 0:
            identity = functional.l1_loss(paint(draws.image).float(), draws.image) + functional.l1_loss(
                unpaint(draws.map_picture).float(), draws.map_picture
            )
            engine.log("loss/identity", identity)
            loss = loss + weights.weight_identity * identity
        return loss

    def discriminators_loss(self, judged: Judged, engine: Engine) -> Tensor:
        """Half the loss of each discriminator on real and fake pictures."""
        loss = torch.zeros((), device=judged.image.device)
        pairs = ((judged.image, judged.fake_image), (judged.map_picture, judged.fake_map))
        for name, (real_picture, fake_picture) in zip(DISCRIMINATORS, pairs, strict=True):
            discriminator = engine.networks[name]
            # Instance norm: one pass over both halves equals two passes.
            both = self.augment(torch.cat([real_picture, fake_picture]), judged.augment.repeat(2, 1))
            real, fake = discriminator(both)[-1].float().chunk(2)
            loss = loss + 0.5 * discriminator_loss(real, fake, self.config.loss.adversarial)
            if name == "discriminator":
                engine.log("score_real", real.mean())
                engine.log("score_fake", fake.mean())
                engine.log("critic_accuracy", (real.mean((1, 2, 3)) > fake.mean((1, 2, 3))).float().mean())
        return loss

    def augment(self, picture: Tensor, draws: Tensor) -> Tensor:
        """What a discriminator sees of a picture."""
        return augment_for_discriminator(picture, draws, self.config.loss.discriminator_augment)

    def fixed_inputs(self, dataset: MaskToImageDataset) -> MaskToImageBatch:
        """Up to eight held-out pictures."""
        return first_rows(dataset)

    def sample(
        self, fixed: MaskToImageBatch, networks: dict[str, nn.Module]
    ) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a map: map, real picture, painted map, that back to a map, the real picture as a map, and back."""
        paint, unpaint = (networks[name] for name in GENERATORS)
        painted, parsed = paint(colorize(fixed.label_map, self.spec.schema)), unpaint(fixed.image)
        return sample_grid(fixed, self.spec.schema, [painted, unpaint(painted), parsed, paint(parsed)])

    def validate(self, batches: Iterable[MaskToImageBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Distances to the real pictures."""
        schema = self.spec.schema
        return quick_scores(batches, lambda batch: networks["generator"](colorize(batch.label_map, schema)))
