"""Training of the judge of facts: cross entropies whose answers count alike however rare they are.

Balanced softmax (Ren et al., NeurIPS 2020, arXiv:2007.10740, Eq. 4): the logarithm of each answer's frequency is added
in training and left out afterwards.
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
from torch.optim import AdamW, Optimizer

from limner.data.spec import DataSpec
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.ranks import gather_rows
from limner.engine.system import System
from limner.systems.factjudge.config import FactJudgeConfig
from limner.systems.factjudge.data import FactBatch, collate, open_facts
from limner.systems.factjudge.networks import FactNetwork, by_question
from limner.systems.factjudge.pipeline import FactJudgePipeline


@dataclass
class Draws(FactBatch):
    """A batch and its random numbers."""

    strength: Float[Tensor, "b 2"]
    """Softness and noise, uniform in [0, 1)."""
    noise: Float[Tensor, "b 3 h w"]


class FactJudge(System[FactJudgeConfig, FactBatch]):
    """One network with a few answers to each question."""

    name: ClassVar[str] = "factjudge"
    pipeline_class: ClassVar[type[Any]] = FactJudgePipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("balanced_accuracy", "max")

    def __init__(self, config: FactJudgeConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.questions = by_question(spec.attribute_names)
        self.networks["judge"] = FactNetwork(
            answers=spec.attribute_names, width=config.model.width, num_halvings=config.model.num_halvings
        )

    @classmethod
    def open_data(cls, config: FactJudgeConfig, path: Path | None) -> TrainingData:
        """Pictures with facts."""
        return open_facts(config, path, asked_by=cls.name)

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
        """Half a cosine down to 0, after a short rise."""
        done = images_seen / self.config.train.images
        return min(1.0, (done + 1e-3) / 0.05) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def training_step(self, batch: FactBatch, engine: Engine) -> None:
        """One update on softened and noisy pictures."""
        judge = self.networks["judge"]
        assert isinstance(judge, FactNetwork)  # of the constructor
        self._count(judge, engine.gather(batch.answer))
        strength = engine.rand(len(batch), 2, purpose="strength")
        noise = engine.randn(*batch.image.shape, purpose="noise")
        draws = Draws(**vars(batch), strength=strength, noise=noise)
        engine.update("judge", lambda part: self.loss(part, engine, judge.counts.clone()), draws)

    def _count(self, judge: FactNetwork, answers: Tensor) -> None:
        first = 0
        for place, known in enumerate(self.questions.values()):
            found = answers[:, place]
            judge.counts[first : first + len(known)] += torch.bincount(found[found >= 0], minlength=len(known))
            first += len(known)

    def loss(self, draws: Draws, engine: Engine, counts: Tensor) -> Tensor:
        """The mean over the questions."""
        options = self.config.loss
        image = disturb(
            draws.image, draws.strength * draws.strength.new_tensor([options.softness, options.noise]), draws.noise
        )
        logits = engine.networks["judge"](image).float().split([len(known) for known in self.questions.values()], dim=1)
        prior = counts.split([len(known) for known in self.questions.values()])
        losses = []
        for place, (question, scores) in enumerate(zip(self.questions, logits, strict=True)):
            answer = draws.answer[:, place]
            if (answer >= 0).any():
                loss = functional.cross_entropy(scores + prior[place].log(), answer, ignore_index=-1)
                engine.log(f"loss/{question.replace(' ', '_')}", loss)
                losses.append(loss)
        return torch.stack(losses).mean() if losses else sum(part.sum() for part in logits) * 0.0

    def fixed_inputs(self, dataset: Any) -> FactBatch:
        """The first held-out pictures."""
        return collate([dataset[index] for index in range(min(8, len(dataset)))])

    def sample(self, fixed: FactBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows 2 3 height width"]:
        """A row a picture: the picture, and a bar that is as long as the share of questions answered rightly."""
        right = (answered(networks["judge"](fixed.image), self.questions) == fixed.answer).float().mean(dim=1)
        place = torch.arange(fixed.image.shape[-1], device=right.device) / fixed.image.shape[-1]
        bar = torch.where(place[None, :] < right[:, None], 1.0, -1.0)[:, None, None, :].expand_as(fixed.image)
        return torch.stack([fixed.image, bar], dim=1)

    def validate(self, batches: Iterable[FactBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Accuracy of each question, the mean over its answers."""
        seen, truth = [], []
        for batch in batches:
            seen.append(answered(networks["judge"](batch.image), self.questions))
            truth.append(batch.answer)
        accuracies = balanced_accuracies(gather_rows(seen), gather_rows(truth), self.questions)
        scores = {f"accuracy/{question.replace(' ', '_')}": value for question, value in accuracies.items()}
        return {"balanced_accuracy": sum(accuracies.values()) / max(1, len(accuracies)), **scores}


def answered(logits: Float[Tensor, "b n"], questions: dict[str, tuple[str, ...]]) -> Tensor:
    """Logits of all answers -> (b, questions) number of the answer to each."""
    parts = logits.split([len(known) for known in questions.values()], dim=1)
    return torch.stack([part.argmax(dim=1) for part in parts], dim=1)


def balanced_accuracies(seen: Tensor, truth: Tensor, questions: dict[str, tuple[str, ...]]) -> dict[str, float]:
    """Question -> share of right answers, the mean over the answers that occur; questions without any are left out.

    Args:
        seen: (n, questions) numbers of answers.
        truth: the same, -1 where nothing is known.
        questions: in the order of the columns.
    """
    found = {}
    for place, (question, known) in enumerate(questions.items()):
        shares = [
            float((seen[truth[:, place] == number, place] == number).double().mean())
            for number in range(len(known))
            if (truth[:, place] == number).any()
        ]
        if shares:
            found[question] = sum(shares) / len(shares)
    return found


def disturb(
    image: Float[Tensor, "b 3 h w"], strength: Float[Tensor, "b 2"], noise: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, "b 3 h w"]:
    """Softer and noisier pictures.

    Args:
        image: in [-1, 1].
        strength: share of the blurred picture, and standard deviation of the noise.
        noise: from N(0, 1).
    """
    soft, rough = (column[:, None, None, None] for column in strength.unbind(1))
    padded = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    blurred = functional.avg_pool2d(padded, 3, stride=1)
    return (torch.lerp(image, blurred, soft.expand_as(image)) + rough * noise).clamp(-1, 1)
