"""Training that the systems share with which SCA-GAN is compared.

`PoseSystem` is what all of them have: pairs of pictures, one Adam a network, samples and quick scores. `PairSystem` is
what PATN and ADGAN have beside it: a generator against a discriminator of appearance and one of the pose. Zhu et al.,
CVPR 2019, arXiv:1904.03349, Sec. 3.2; Men et al., CVPR 2020, arXiv:2003.12267, Sec. 3.3, which adds the contextual
loss. The order of the updates follows facts of PATN's code.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.data.batch import TensorBatch
from limner.data.fields import Field
from limner.data.size import Size
from limner.data.spec import DataSpec
from limner.engine.config import TrainConfig
from limner.engine.data import TrainingData, required
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.ranks import gather_rows
from limner.engine.seed import derive_seed
from limner.engine.system import System
from limner.features import open_features
from limner.losses.adversarial import discriminator_loss, generator_loss
from limner.losses.contextual import contextual_loss
from limner.losses.perceptual import PerceptualFeatures, perceptual_loss
from limner.nn.pose_transfer import Discriminator, seed_dropout
from limner.pose_transfer.config import PairConfig
from limner.pose_transfer.data import FIELDS, KEYPOINTS, PairBatch, PosePair, collate_pairs, open_pairs
from limner.pose_transfer.pipeline import heatmaps
from limner.pose_transfer.training import first_pairs, picture_scores, pose_grid

APPEARANCE, SHAPE = "image_discriminator", "pose_discriminator"
"""D_A, which sees the source beside a picture, and D_S, which sees the pose."""


class PoseRun(Protocol):
    """What the shared training asks of a configuration; the names are those of its sections."""

    @property
    def model(self) -> Any:
        """Has `image_size`; where `PoseSystem` draws the joints, `heatmap` and `sigma`, too."""

    @property
    def loss(self) -> Any:
        """Of `PairSystem`: has the weights, `adversarial` and `vgg_weights`."""

    @property
    def optimizer(self) -> Any:
        """Has `lr`, `beta1` and `beta2`."""

    @property
    def dataset(self) -> PairConfig:
        """How the data are read."""

    @property
    def train(self) -> TrainConfig:
        """See `RunConfig`."""


PoseConfigT = TypeVar("PoseConfigT", bound=PoseRun)
PairBatchT = TypeVar("PairBatchT", bound=PairBatch)


class PoseSystem(System[PoseConfigT, PairBatchT]):
    """People in other poses; a subclass says how its networks paint and learn."""

    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("error", "min")
    data_fields: ClassVar[tuple[Field, ...]] = FIELDS
    """Of the samples that pairs are made of."""
    collate: ClassVar[Callable[[Sequence[PosePair]], Any]] = staticmethod(collate_pairs)
    """Pairs to a batch."""

    @abstractmethod
    def paint(self, batch: PairBatchT, networks: Mapping[str, nn.Module]) -> Float[Tensor, "b 3 h w"]:
        """The sources in the poses of their targets."""

    @classmethod
    def open_data(cls, config: PoseConfigT, path: Path | None) -> TrainingData:
        """Pairs of pictures of one person with key points."""
        size, dataset, seed = Size.of(config.model.image_size), config.dataset, config.train.seed
        where = required(path, cls.name)
        train, validation = open_pairs(
            where, kind=dataset.kind, size=size, flip=dataset.flip, seed=seed, fields=cls.data_fields
        )
        return TrainingData(DataSpec(keypoints=KEYPOINTS), train, validation, cls.collate)

    def heatmaps(self, points: Float[Tensor, "b 18 2"]) -> Float[Tensor, "b 18 h w"]:
        """Joints as the networks see them."""
        model = self.config.model
        return heatmaps(points, model.image_size, kind=model.heatmap, sigma=model.sigma)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The generator (an option of ours; the authors' code has no averaging)."""
        return ("generator",)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One Adam each."""
        options = self.config.optimizer
        return adam(self.networks, dict.fromkeys(self.networks, options.lr), betas=(options.beta1, options.beta2))

    def fixed_inputs(self, dataset: Any) -> PairBatchT:
        """Up to eight held-out pairs, evenly spread."""
        batch: PairBatchT = type(self).collate(first_pairs(dataset))
        return batch

    def sample(self, fixed: PairBatchT, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a pair: source, the target's pose, the result, the target."""
        skeleton = self.heatmaps(fixed.target_points).amax(dim=1, keepdim=True) * 2 - 1
        return pose_grid([fixed.source, skeleton, self.paint(fixed, networks), fixed.target])

    def validate(self, batches: Iterable[PairBatchT], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Distances to the target on the person, in colours as people see them."""
        real, fake, points = [], [], []
        for batch in batches:
            fake.append(self.paint(batch, networks).float().clamp(-1, 1).cpu())
            real.append(batch.target.cpu())
            points.append(batch.target_points.cpu())
        return picture_scores(gather_rows(real), gather_rows(fake), gather_rows(points))


@dataclass
class Judged(TensorBatch):
    """What the discriminators compare."""

    source: Float[Tensor, "b 3 h w"]
    real: Float[Tensor, "b 3 h w"]
    fake: Float[Tensor, "b 3 h w"]
    pose: Float[Tensor, "b 18 h w"]


class PairSystem(PoseSystem[PoseConfigT, PairBatchT]):
    """A generator and two discriminators; a subclass builds the generator and says how it is called."""

    def __init__(self, config: PoseConfigT, spec: DataSpec, generator: nn.Module) -> None:
        super().__init__(config, spec)
        model = config.model
        self.networks["generator"] = generator
        for name, channels in ((APPEARANCE, 3), (SHAPE, 18)):
            self.networks[name] = Discriminator(
                in_channels=3 + channels, width=model.discriminator_width, num_blocks=model.discriminator_blocks
            )
        self.perceptual: PerceptualFeatures | None = None
        self.contextual: PerceptualFeatures | None = None

    def prepare(self, device: torch.device) -> None:
        """Open the networks that the perceptual and the contextual loss compare in.

        Raises:
            WeightsError: if the file is not of VGG-19.
        """
        loss = self.config.loss
        if loss.weight_perceptual:
            self.perceptual = open_features(loss.vgg_weights, device, layers=("relu1_2",), levels=(0,))
        if getattr(loss, "weight_contextual", 0):
            self.contextual = open_features(loss.vgg_weights, device, layers=("relu3_2", "relu4_2"), levels=(2, 3))

    def training_step(self, batch: PairBatchT, engine: Engine) -> None:
        """Update the generator, then both discriminators on the same pictures."""
        seed = engine.generator("dropout").initial_seed()
        for name, network in self.networks.items():
            seed_dropout(network, derive_seed(seed, name, engine.fabric.global_rank))
        fakes: list[Tensor] = []
        engine.update("generator", lambda part: self.generator_loss(part, engine, fakes), batch)
        pose = self.heatmaps(batch.target_points)
        judged = Judged(source=batch.source, real=batch.target, fake=torch.cat(fakes), pose=pose)
        engine.update(APPEARANCE, lambda part: self.discriminator_loss(part, engine, APPEARANCE), judged)
        engine.update(SHAPE, lambda part: self.discriminator_loss(part, engine, SHAPE), judged)

    def generator_loss(self, batch: PairBatchT, engine: Engine, fakes: list[Tensor]) -> Tensor:
        """Both verdicts, the difference to the target, and its perceptual and contextual kin."""
        loss = self.config.loss
        fake = self.paint(batch, engine.networks).float()
        fakes.append(fake.detach())
        verdicts = []
        for name, condition in ((APPEARANCE, batch.source), (SHAPE, self.heatmaps(batch.target_points))):
            with engine.frozen(name) as discriminator:
                verdicts.append(generator_loss(discriminator(fake, condition).float(), loss.adversarial))
        adversarial, l1 = torch.stack(verdicts).mean(), functional.l1_loss(fake, batch.target)
        engine.log("loss/adversarial", adversarial)
        engine.log("loss/l1", l1)
        total = loss.weight_adversarial * adversarial + loss.weight_l1 * l1
        if self.perceptual is not None:
            perceptual = perceptual_loss(self.perceptual, batch.target, fake)
            engine.log("loss/perceptual", perceptual)
            total = total + loss.weight_perceptual * perceptual
        if self.contextual is not None:
            maps = zip(self.contextual(batch.target), self.contextual(fake), strict=True)
            each = [contextual_loss(a, b, bandwidth=loss.contextual_bandwidth) for a, b in maps]
            contextual = torch.stack(each).sum()
            engine.log("loss/contextual", contextual)
            total = total + loss.weight_contextual * contextual
        weighted: Tensor = total
        return weighted

    def discriminator_loss(self, judged: Judged, engine: Engine, name: str) -> Tensor:
        """Half the weighted loss on real pictures and fakes beside their condition."""
        condition = judged.source if name == APPEARANCE else judged.pose
        real, fake = (engine.networks[name](part, condition).float() for part in (judged.real, judged.fake))
        engine.log("critic_accuracy", (real.mean((1, 2, 3)) > fake.mean((1, 2, 3))).float().mean())
        loss = discriminator_loss(real, fake, self.config.loss.adversarial)
        return 0.5 * float(self.config.loss.weight_adversarial) * loss
