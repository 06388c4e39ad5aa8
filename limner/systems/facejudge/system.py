"""Training of the judge of faces: ages by name of the year, people by comparison of one person at two ages."""

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
from torch.optim import AdamW, Optimizer

from limner.ageing.data import AgeBatch, AgeDataset, collate, open_age_data
from limner.data.batch import TensorBatch
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.system import System
from limner.metrics.ageing import area_under_curve, spearman
from limner.systems.facejudge.config import FaceJudgeConfig
from limner.systems.facejudge.networks import NUM_AGES, FaceNetwork, Verdict
from limner.systems.facejudge.pipeline import FaceJudgePipeline

_WARM_UP = 0.05  # share of the run in which the learning rate rises
_SHIFT = 1 / 16  # of the side: how far a picture is moved at most
_BLUR = (1.0, 2.0, 1.0)


@dataclass
class Draws(TensorBatch):
    """Two pictures of each person, changed."""

    image: Float[Tensor, "b 3 h w"]
    other: Float[Tensor, "b 3 h w"]
    years: Float[Tensor, " b"]
    other_years: Float[Tensor, " b"]


class FaceJudge(System[FaceJudgeConfig, AgeBatch]):
    """One network, two heads, AdamW with a cosine schedule."""

    name: ClassVar[str] = "facejudge"
    pipeline_class: ClassVar[type[Any]] = FaceJudgePipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("age_error_years", "min")

    def __init__(self, config: FaceJudgeConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        self.networks["judge"] = FaceNetwork(width=model.width, embedding_size=model.embedding_size)

    @classmethod
    def open_data(cls, config: FaceJudgeConfig, path: Path | None) -> TrainingData:
        """Faces, each with another picture of the same person."""
        return open_age_data(config, path, asked_by=cls.name, partner="same_person")

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The only network."""
        return ("judge",)

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW, without decay of biases and norm parameters."""
        parameters = list(self.networks["judge"].parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": self.config.optimizer.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return {"judge": AdamW(groups, lr=self.config.optimizer.lr)}

    def lr_scale(self, images_seen: int) -> float:
        """Linear rise, then half a cosine down to 0."""
        done = images_seen / self.config.train.images
        return min(1.0, (done + 1e-3) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def training_step(self, batch: AgeBatch, engine: Engine) -> None:
        """One update on changed pictures."""
        pictures = []
        for name, image in (("face", batch.image), ("other", batch.other_image)):
            numbers = engine.rand(len(batch), 6, purpose=f"jitter {name}")
            noise = engine.randn(*image.shape, purpose=f"jitter noise {name}")
            pictures.append(disturb(image, numbers, noise, strength=self.config.loss.jitter))
        draws = Draws(pictures[0], pictures[1], batch.years, batch.other_years)
        engine.update("judge", lambda part: self._loss(part, engine), draws)

    def _loss(self, draws: Draws, engine: Engine) -> Tensor:
        weights = self.config.loss
        verdict: Verdict = engine.networks["judge"](torch.cat([draws.image, draws.other]))
        years = torch.cat([draws.years, draws.other_years])
        cross_entropy = age_cross_entropy(verdict.age_logits.float(), years, sigma=weights.sigma_years)
        error = functional.smooth_l1_loss(verdict.years, years)
        engine.log("loss/age", cross_entropy)
        engine.log("loss/years", error)
        total = cross_entropy + weights.weight_years * error
        if weights.weight_identity and len(draws) > 1:
            identity = contrast(*verdict.embedding.chunk(2), temperature=weights.temperature)
            engine.log("loss/identity", identity)
            total = total + weights.weight_identity * identity
        return total

    def fixed_inputs(self, dataset: AgeDataset) -> AgeBatch:
        """The first held-out faces."""
        return collate([dataset[index] for index in range(min(8, len(dataset)))])

    def sample(self, fixed: AgeBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows 2 3 height width"]:
        """A row a face: the face, and a bar that is as long as it looks old, of 100 years."""
        years = networks["judge"](fixed.image).years
        width = fixed.image.shape[-1]
        place = torch.arange(width, device=years.device) / width * 100
        bar = torch.where(place[None, :] < years[:, None], 1.0, -1.0)[:, None, None, :].expand_as(fixed.image)
        return torch.stack([fixed.image, bar], dim=1)

    def validate(self, batches: Iterable[AgeBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Error and order of the ages of held-out people, and whether two pictures of one are told from two people."""
        years, truth, own, other, person = [], [], [], [], []
        for batch in batches:
            verdict = networks["judge"](batch.image)
            years.append(verdict.years.cpu())
            truth.append(batch.years.cpu())
            person.append(batch.person.cpu())
            own.append(verdict.embedding.float().cpu())
            other.append(networks["judge"](batch.other_image).embedding.float().cpu())
        found, true = torch.cat(years), torch.cat(truth)
        result = {
            "age_error_years": float((found - true).abs().mean()),
            "age_spearman": spearman(found.numpy(), true.numpy()),
        }
        cosines = torch.from_numpy(torch.cat(own).numpy() @ torch.cat(other).numpy().T)  # not rounded by autocast
        who = torch.cat(person)
        different = who[:, None] != who[None, :]
        if different.any():
            result["identity_auc"] = area_under_curve(cosines.diag().numpy(), cosines[different].numpy())
        return result


def age_cross_entropy(logits: Float[Tensor, "b 117"], years: Float[Tensor, " b"], *, sigma: float) -> Float[Tensor, ""]:
    """Cross-entropy with a normal distribution about the true age, `sigma` years wide, as the label."""
    ages = torch.arange(NUM_AGES, device=logits.device, dtype=torch.float32)
    target = (-(((ages[None] - years[:, None]) / sigma) ** 2) / 2).softmax(1)
    return -(target * logits.log_softmax(1)).sum(1).mean()


def contrast(first: Float[Tensor, "b e"], second: Float[Tensor, "b e"], *, temperature: float) -> Float[Tensor, ""]:
    """Row i of both is one person: cross-entropy of finding it among the rows of the other (InfoNCE, both ways).

    van den Oord et al. 2018, arXiv:1807.03748, Eq. 4.
    """
    cosines = first @ second.T / temperature
    target = torch.arange(len(first), device=first.device)
    return (functional.cross_entropy(cosines, target) + functional.cross_entropy(cosines.T, target)) / 2


def disturb(
    image: Float[Tensor, "b 3 h w"],
    draws: Float[Tensor, "b 6"],
    noise: Float[Tensor, "b 3 h w"],
    *,
    strength: float,
) -> Float[Tensor, "b 3 h w"]:
    """Pictures a little lighter, flatter, softer, noisier, and moved.

    A judge that has seen only clean renderings takes softness for smooth skin and patterns for wrinkles.

    Args:
        image: [-1, 1].
        draws: uniform in [0, 1): brightness, contrast, softness, noise, shift right and down.
        noise: N(0, 1).
        strength: 1 = brightness within 0.2, contrast within 0.2, up to full smoothing, noise of up to 0.15.

    Returns:
        [-1, 1].
    """
    brightness, contrast_, softness, amount = (draws[:, :4, None, None, None] * strength).unbind(1)
    image = image * (1 + 0.2 * (2 * contrast_ - strength)) + 0.2 * (2 * brightness - strength)
    row = image.new_tensor(_BLUR) / sum(_BLUR)
    kernel = (row[:, None] * row).expand(3, 1, 3, 3)
    soft = functional.conv2d(functional.pad(image, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    image = torch.lerp(image, soft, softness.clamp(max=1).expand_as(image))
    image = image + 0.15 * amount**2 * noise
    size = image.shape[-1]
    reach = round(_SHIFT * size * min(strength, 1))
    padded = functional.pad(image, (reach, reach, reach, reach), mode="replicate")
    offset = torch.arange(size, device=image.device)
    columns, rows = ((draws[:, k] * (2 * reach + 1)).long()[:, None] + offset for k in (4, 5))
    batch = torch.arange(len(image), device=image.device)[:, None, None]
    moved = padded[batch, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return moved.clamp(-1, 1)
