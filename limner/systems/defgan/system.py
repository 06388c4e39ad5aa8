"""Training of Def-GAN: a generator with moved features against a discriminator (arXiv:1801.00055, Sec. 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.backbones.vgg import VGG
from limner.data.batch import TensorBatch
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.seed import derive_seed
from limner.losses.adversarial import discriminator_loss, generator_loss
from limner.losses.perceptual import PerceptualFeatures, VGGFeatures
from limner.nn.pose_transfer import seed_dropout
from limner.pose_transfer.data import PairBatch
from limner.pose_transfer.system import PoseSystem
from limner.systems.defgan.config import DefGANConfig
from limner.systems.defgan.deformation import deformation
from limner.systems.defgan.losses import Colours, nearest_neighbour_loss
from limner.systems.defgan.networks import Critic, Generator, num_levels
from limner.systems.defgan.pipeline import DefGANPipeline


@dataclass
class Judged(TensorBatch):
    """What the discriminator compares, beside the source and both poses."""

    source: Float[Tensor, "b 3 h w"]
    source_pose: Float[Tensor, "b 18 h w"]
    real: Float[Tensor, "b 3 h w"]
    fake: Float[Tensor, "b 3 h w"]
    pose: Float[Tensor, "b 18 h w"]


class DefGAN(PoseSystem[DefGANConfig, PairBatch]):
    """A generator with deformable skip connections, and a discriminator."""

    name: ClassVar[str] = "defgan"
    pipeline_class: ClassVar[type[Any]] = DefGANPipeline

    def __init__(self, config: DefGANConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        self.networks["generator"] = Generator(
            width=model.width,
            levels=num_levels(model.image_size[0]),
            dropout=model.dropout,
            heatmap=model.heatmap,
            sigma=model.sigma,
        )
        self.networks["critic"] = Critic(width=model.discriminator_width)
        self.features: PerceptualFeatures = Colours()

    def prepare(self, device: torch.device) -> None:
        """Open the network that the nearest-neighbour loss compares in.

        Raises:
            WeightsError: if the file is not of VGG-19.
        """
        file = self.config.loss.vgg_weights
        if file is not None:
            self.features = VGGFeatures(VGG.from_file(file, 19).to(device), ("relu1_2",))

    def poses(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """The joints of the source and those that are wanted, as maps."""
        return self.heatmaps(batch.source_points), self.heatmaps(batch.target_points)

    def paint(self, batch: PairBatch, networks: Mapping[str, nn.Module]) -> Float[Tensor, "b 3 h w"]:
        """See `PoseSystem.paint`."""
        moved = deformation(batch.source_points, batch.target_points, self.config.model.image_size)
        picture: Tensor = networks["generator"](batch.source, *self.poses(batch), *moved)
        return picture

    def training_step(self, batch: PairBatch, engine: Engine) -> None:
        """Update the generator, then the discriminator on the same pictures."""
        seed = engine.generator("dropout").initial_seed()
        seed_dropout(self.networks["generator"], derive_seed(seed, "generator", engine.fabric.global_rank))
        fakes: list[Tensor] = []
        engine.update("generator", lambda part: self.generator_loss(part, engine, fakes), batch)
        source_pose, pose = self.poses(batch)
        judged = Judged(batch.source, source_pose, real=batch.target, fake=torch.cat(fakes), pose=pose)
        engine.update("critic", lambda part: self.critic_loss(part, engine), judged)

    def generator_loss(self, batch: PairBatch, engine: Engine, fakes: list[Tensor]) -> Tensor:
        """The discriminator's verdict and the distance to the nearest true features."""
        fake = self.paint(batch, engine.networks).float()
        fakes.append(fake.detach())
        source_pose, pose = self.poses(batch)
        with engine.frozen("critic") as critic:
            adversarial = generator_loss(critic(batch.source, source_pose, fake, pose).float(), "bce")
        engine.log("loss/adversarial", adversarial)
        (real_map,), (fake_map,) = self.features(batch.target), self.features(fake)
        nearest = nearest_neighbour_loss(real_map, fake_map, reach=self.config.loss.reach)
        engine.log("loss/nearest", nearest)
        return adversarial + self.config.loss.weight_nearest * nearest

    def critic_loss(self, judged: Judged, engine: Engine) -> Tensor:
        """Cross entropy on true and made pictures beside what they were made of."""
        critic = engine.networks["critic"]
        real, fake = (
            critic(judged.source, judged.source_pose, picture, judged.pose).float()
            for picture in (judged.real, judged.fake)
        )
        engine.log("critic_accuracy", (real.mean((1, 2, 3)) > fake.mean((1, 2, 3))).float().mean())
        return discriminator_loss(real, fake, "bce")
