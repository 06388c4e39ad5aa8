"""Training of PATN: a generator against a discriminator of appearance and one of shape (arXiv:1904.03349, Sec. 3.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.data.batch import TensorBatch
from limner.data.points import gaussian_heatmaps, one_hot_heatmaps
from limner.data.size import Size
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData, required
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.ranks import gather_rows
from limner.engine.seed import derive_seed
from limner.engine.system import System
from limner.losses.adversarial import discriminator_loss, generator_loss
from limner.losses.perceptual import PerceptualFeatures, perceptual_loss
from limner.nn.pose_transfer import Discriminator, seed_dropout
from limner.pose_transfer.data import KEYPOINTS, PairBatch, PosePairs, collate_pairs, open_pairs
from limner.pose_transfer.training import first_pairs, open_features, picture_scores, pose_grid
from limner.systems.patn.config import PATNConfig
from limner.systems.patn.networks import Generator
from limner.systems.patn.pipeline import PATNPipeline

APPEARANCE, SHAPE = "image_discriminator", "pose_discriminator"
"""D_A, which sees the source beside a picture, and D_S, which sees the pose."""


@dataclass
class Draws(TensorBatch):
    """One iteration's data."""

    source: Float[Tensor, "b 3 h w"]
    target: Float[Tensor, "b 3 h w"]
    source_pose: Float[Tensor, "b 18 h w"]
    pose: Float[Tensor, "b 18 h w"]
    """Heat maps of the target."""


@dataclass
class Judged(TensorBatch):
    """What the discriminators compare."""

    source: Float[Tensor, "b 3 h w"]
    real: Float[Tensor, "b 3 h w"]
    fake: Float[Tensor, "b 3 h w"]
    pose: Float[Tensor, "b 18 h w"]


class PATN(System[PATNConfig, PairBatch]):
    """A generator with attention to the pose, and two discriminators."""

    name: ClassVar[str] = "patn"
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("error", "min")

    def __init__(self, config: PATNConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        self.networks["generator"] = Generator(
            width=model.width, num_blocks=model.num_blocks, norm=model.norm, dropout=model.dropout
        )
        for name, channels in ((APPEARANCE, 3), (SHAPE, 18)):
            self.networks[name] = Discriminator(
                in_channels=3 + channels, width=model.discriminator_width, num_blocks=model.discriminator_blocks
            )
        self.perceptual: PerceptualFeatures | None = None

    @classmethod
    def open_data(cls, config: PATNConfig, path: Path | None) -> TrainingData:
        """Pairs of pictures of one person with key points."""
        size, dataset = Size.of(config.model.image_size), config.dataset
        train, validation = open_pairs(
            required(path), kind=dataset.kind, size=size, flip=dataset.flip, seed=config.train.seed
        )
        return TrainingData(DataSpec(keypoints=KEYPOINTS), train, validation, collate_pairs)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The generator (an option of ours; the authors' code has no averaging)."""
        return ("generator",)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each."""
        options = self.config.optimizer
        return adam(self.networks, dict.fromkeys(self.networks, options.lr), betas=(options.beta1, options.beta2))

    def prepare(self, device: torch.device) -> None:
        """Open the network that the perceptual loss compares in.

        Raises:
            WeightsError: if the file is not of VGG-19.
        """
        if self.config.loss.weight_perceptual:
            self.perceptual = open_features(self.config.loss.vgg_weights, device, layers=("relu1_2",), levels=(0,))

    def training_step(self, batch: PairBatch, engine: Engine) -> None:
        """Update the generator, then both discriminators on the same pictures."""
        draws = self._draws(batch)
        seed = engine.generator("dropout").initial_seed()
        for name, network in self.networks.items():
            seed_dropout(network, derive_seed(seed, name, engine.fabric.global_rank))
        fakes: list[Tensor] = []
        engine.update("generator", lambda part: self.generator_loss(part, engine, fakes), draws)
        judged = Judged(source=draws.source, real=draws.target, fake=torch.cat(fakes), pose=draws.pose)
        engine.update(APPEARANCE, lambda part: self.discriminator_loss(part, engine, APPEARANCE), judged)
        engine.update(SHAPE, lambda part: self.discriminator_loss(part, engine, SHAPE), judged)

    def generator_loss(self, draws: Draws, engine: Engine, fakes: list[Tensor]) -> Tensor:
        """Both verdicts, the difference to the target, and that in one layer of a frozen network (Eq. 8 to 11)."""
        loss = self.config.loss
        fake = engine.networks["generator"](draws.source, draws.source_pose, draws.pose).float()
        fakes.append(fake.detach())
        verdicts = []
        for name, condition in ((APPEARANCE, draws.source), (SHAPE, draws.pose)):
            with engine.frozen(name) as discriminator:
                verdicts.append(generator_loss(discriminator(fake, condition).float(), loss.adversarial))
        adversarial, l1 = torch.stack(verdicts).mean(), functional.l1_loss(fake, draws.target)
        engine.log("loss/adversarial", adversarial)
        engine.log("loss/l1", l1)
        total = loss.weight_adversarial * adversarial + loss.weight_l1 * l1
        if self.perceptual is not None:
            perceptual = perceptual_loss(self.perceptual, draws.target, fake)
            engine.log("loss/perceptual", perceptual)
            total = total + loss.weight_perceptual * perceptual
        return total

    def discriminator_loss(self, judged: Judged, engine: Engine, name: str) -> Tensor:
        """Half the weighted loss on real pictures and fakes beside their condition."""
        condition = judged.source if name == APPEARANCE else judged.pose
        real, fake = (engine.networks[name](part, condition).float() for part in (judged.real, judged.fake))
        engine.log("critic_accuracy", (real.mean((1, 2, 3)) > fake.mean((1, 2, 3))).float().mean())
        return 0.5 * self.config.loss.weight_adversarial * discriminator_loss(real, fake, self.config.loss.adversarial)

    def heatmaps(self, points: Float[Tensor, "b 18 2"]) -> Float[Tensor, "b 18 h w"]:
        """Joints as the generator sees them."""
        model = self.config.model
        if model.heatmap == "one_hot":
            return one_hot_heatmaps(points, model.image_size)
        return gaussian_heatmaps(points, model.image_size, sigma=model.sigma * model.image_size[0] / 128)

    def fixed_inputs(self, dataset: PosePairs) -> PairBatch:
        """Up to eight held-out pairs, evenly spread."""
        return collate_pairs(first_pairs(dataset))

    def sample(self, fixed: PairBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a pair: source, the target's pose, the result, the target."""
        draws = self._draws(fixed)
        skeleton = draws.pose.amax(dim=1, keepdim=True) * 2 - 1
        return pose_grid([draws.source, skeleton, self._painted(draws, networks), draws.target])

    def validate(self, batches: Iterable[PairBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Distances to the target on the person, in colours as people see them."""
        real, fake, points = [], [], []
        for batch in batches:
            fake.append(self._painted(self._draws(batch), networks).float().cpu())
            real.append(batch.target.cpu())
            points.append(batch.target_points.cpu())
        return picture_scores(gather_rows(real), gather_rows(fake), gather_rows(points))

    def pipeline(self, networks: dict[str, nn.Module]) -> PATNPipeline:
        """Inference with these networks."""
        return PATNPipeline(spec=self.spec, size=self.config.model.image_size, **networks)

    def _painted(self, draws: Draws, networks: dict[str, nn.Module]) -> Tensor:
        picture: Tensor = networks["generator"](draws.source, draws.source_pose, draws.pose)
        return picture

    def _draws(self, batch: PairBatch) -> Draws:
        poses = (self.heatmaps(points) for points in (batch.source_points, batch.target_points))
        return Draws(batch.source, batch.target, *poses)
