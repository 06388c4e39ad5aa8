"""Training of PG2: the rough picture, then what refines it, against a discriminator (arXiv:1705.09368, Sec. 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.data.batch import TensorBatch
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.stages import Phase, phase_at
from limner.pose_transfer.data import PairBatch
from limner.pose_transfer.system import PoseSystem
from limner.pose_transfer.training import person_l1, pose_grid
from limner.systems.pg2.config import PG2Config
from limner.systems.pg2.networks import Coarse, Critic, Refiner, discs, num_levels
from limner.systems.pg2.pipeline import PG2Pipeline


@dataclass
class Compared(TensorBatch):
    """What the discriminator sees: the source, too, is no picture of the target's pose."""

    source: Float[Tensor, "b 3 h w"]
    real: Float[Tensor, "b 3 h w"]
    fake: Float[Tensor, "b 3 h w"]


class PG2(PoseSystem[PG2Config, PairBatch]):
    """G1 alone, then G2 and D with G1 as it is."""

    name: ClassVar[str] = "pg2"
    pipeline_class: ClassVar[type[Any]] = PG2Pipeline

    def __init__(self, config: PG2Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        levels = num_levels(model.image_size[0])
        self.networks["coarse"] = Coarse(image_size=model.image_size, width=model.width, levels=levels)
        self.networks["refiner"] = refiner = Refiner(width=model.width, levels=levels - 2)
        self.networks["critic"] = Critic(image_size=model.image_size, width=model.discriminator_width)
        # A difference of nothing: until G2 has learned, the rough picture is the result.
        for parameter in refiner.to_rgb.parameters():
            nn.init.zeros_(parameter)

    @property
    def phases(self) -> Sequence[Phase]:
        """The rough picture, then the refined one."""
        return Phase("coarse", self.config.optimizer.coarse_images), Phase("refine", None)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """Both generators (an option of ours; the authors' code has no averaging)."""
        return ("coarse", "refiner")

    def training_step(self, batch: PairBatch, engine: Engine) -> None:
        """Update G1; later D, then G2, on the same pictures."""
        if phase_at(self.phases, engine.images_seen) == "coarse":
            engine.update("coarse", lambda part: self.coarse_loss(part, engine), batch)
            return
        fakes: list[Tensor] = []
        engine.update("refiner", lambda part: self.refiner_loss(part, engine, fakes), batch)
        seen = Compared(source=batch.source, real=batch.target, fake=torch.cat(fakes))
        engine.update("critic", lambda part: self.critic_loss(part, engine), seen)

    def coarse_loss(self, batch: PairBatch, engine: Engine) -> Tensor:
        """The difference to the target, and once more on the person (Eq. 1)."""
        rough = engine.networks["coarse"](batch.source, self.heatmaps(batch.target_points)).float()
        loss = person_l1(rough, batch.target, batch.target_points, weight=1)
        engine.log("loss/coarse", loss)
        return loss

    def refiner_loss(self, batch: PairBatch, engine: Engine, fakes: list[Tensor]) -> Tensor:
        """The discriminator's verdict and the same difference (Eq. 4)."""
        with torch.no_grad():
            rough = engine.raw["coarse"](batch.source, self.heatmaps(batch.target_points)).float()
        fake = rough + engine.networks["refiner"](rough, batch.source).float()
        fakes.append(fake.detach())
        with engine.frozen("critic") as critic:
            verdict = critic(fake).float()
        adversarial = functional.binary_cross_entropy_with_logits(verdict, torch.ones_like(verdict))
        l1 = person_l1(fake, batch.target, batch.target_points, weight=1)
        engine.log("loss/adversarial", adversarial)
        engine.log("loss/l1", l1)
        return adversarial + self.config.loss.weight_l1 * l1

    def critic_loss(self, seen: Compared, engine: Engine) -> Tensor:
        """Half for targets, a quarter each for results and for sources, which are in another pose (Eq. 3)."""
        critic = engine.networks["critic"]
        real, fake, source = (critic(part).float() for part in (seen.real, seen.fake, seen.source))
        engine.log("critic_accuracy", (real > fake).float().mean())
        cross_entropy = functional.binary_cross_entropy_with_logits
        zeros = torch.zeros_like(fake)
        fakes = cross_entropy(fake, zeros) + cross_entropy(source, zeros)
        return 0.5 * cross_entropy(real, torch.ones_like(real)) + 0.25 * fakes

    def heatmaps(self, points: Float[Tensor, "b 18 2"]) -> Float[Tensor, "b 18 h w"]:
        """Joints as discs."""
        return discs(points, self.config.model.image_size)

    def paint(self, batch: PairBatch, networks: Mapping[str, nn.Module]) -> Float[Tensor, "b 3 h w"]:
        """See `PoseSystem.paint`."""
        return self.stages(batch, networks)[1]

    def stages(self, batch: PairBatch, networks: Mapping[str, nn.Module]) -> tuple[Tensor, Tensor]:
        """The rough and the refined picture."""
        rough = networks["coarse"](batch.source, self.heatmaps(batch.target_points)).float()
        return rough, rough + networks["refiner"](rough, batch.source).float()

    def sample(self, fixed: PairBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 height width"]:
        """A row a pair: source, the target's pose, the rough and the refined picture, the target."""
        skeleton = self.heatmaps(fixed.target_points).amax(dim=1, keepdim=True) * 2 - 1
        return pose_grid([fixed.source, skeleton, *self.stages(fixed, networks), fixed.target])
