"""Training of the lip reader: which word does a mouth speak, and where are its points?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer

from limner.data.point_schema import IBUG_68
from limner.data.spec import DataSpec
from limner.data.spoken import ClipBatch, ClipDataset, collate_clips
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.ranks import gather_rows
from limner.engine.system import System
from limner.systems.wordnet.config import WordNetConfig
from limner.systems.wordnet.networks import WordNetwork
from limner.systems.wordnet.pipeline import WordNetPipeline
from limner.talking_faces.data import FIELDS, MOUTH, known_words, open_talking_data

NUM_SHOWN, NUM_FRAMES_SHOWN = 6, 6


class WordNet(System[WordNetConfig, ClipBatch]):
    """One network, AdamW with half a cosine."""

    name: ClassVar[str] = "wordnet"
    pipeline_class: ClassVar[type[Any]] = WordNetPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("error", "min")

    def __init__(self, config: WordNetConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        self.networks["reader"] = WordNetwork(
            num_words=len(known_words(spec)),
            width=model.width,
            mouth_size=model.mouth_size,
            num_points=20 if model.has_points else 0,
        )

    @classmethod
    def open_data(cls, config: WordNetConfig, path: Path | None) -> TrainingData:
        """Clips of single words."""
        return open_talking_data(config, path, asked_by=cls.name, needs=(*FIELDS, "captions"))

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The only network."""
        return ("reader",)

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW, without decay of biases and norm parameters."""
        parameters = list(self.networks["reader"].parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": self.config.optimizer.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return {"reader": AdamW(groups, lr=self.config.optimizer.lr)}

    def lr_scale(self, images_seen: int) -> float:
        """Half a cosine down to 0."""
        return 0.5 * (1 + math.cos(math.pi * min(1.0, images_seen / self.config.train.images)))

    def training_step(self, batch: ClipBatch, engine: Engine) -> None:
        """One update on clips that are mirrored or not, lighter or darker, with noise."""
        numbers = engine.rand(len(batch), 4, purpose="changes")
        noise = engine.randn(*batch.frames.shape, purpose="noise")
        options = self.config.loss
        changed = change_clips(batch, numbers, noise, jitter=options.jitter, noise_deviation=options.noise)
        engine.update("reader", lambda part: self._loss(part, engine), changed)

    def _loss(self, batch: ClipBatch, engine: Engine) -> Tensor:
        options = self.config.loss
        logits, points = engine.networks["reader"](batch.frames, True)
        words = functional.cross_entropy(
            logits.float().mean(dim=1), batch.category, label_smoothing=options.label_smoothing
        )
        engine.log("loss/words", words)
        total = words
        if self.config.model.has_points and options.weight_points:
            error = point_error(points.float(), batch)
            engine.log("loss/points", error)
            total = total + options.weight_points * error
        return total

    def fixed_inputs(self, dataset: ClipDataset) -> ClipBatch:
        """The first held-out clips."""
        step = max(1, len(dataset) // NUM_SHOWN)
        return collate_clips([dataset[index] for index in range(0, len(dataset), step)][:NUM_SHOWN])

    def sample(self, fixed: ClipBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A row a clip: some of its frames, and a bar as long as the share that its word gets."""
        shares = networks["reader"](fixed.frames).float().softmax(dim=1)
        share = shares.gather(1, fixed.category[:, None])[:, 0]
        size = fixed.frames.shape[-1]
        places = torch.linspace(0, fixed.frames.shape[1] - 1, NUM_FRAMES_SHOWN).long()
        columns = torch.arange(size, device=share.device) / size
        bar = torch.where(columns[None] < share[:, None], 1.0, -1.0)[:, None, None, None, :]
        return torch.cat([fixed.frames[:, places], bar.expand(-1, 1, 3, size, size)], dim=1)

    def validate(self, batches: Iterable[ClipBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Share of held-out clips whose word comes first, or among the first five; distance of the mouth's points.

        `error` chooses the best checkpoint: the distance of the points where they are learned, for a judge is asked for
        them in every clip and its share of words is chance for most of a run; else the share of words read wrongly.
        """
        rows = []
        for batch in batches:
            logits, points = networks["reader"](batch.frames, True)
            order = logits.float().mean(dim=1).argsort(dim=1, descending=True)
            place = (order == batch.category[:, None]).float().argmax(dim=1)
            error = point_error(points.float(), batch, each=True) if self.config.model.has_points else place * 0.0
            rows.append(torch.stack([place.float(), error.sqrt()], dim=1))
        found = gather_rows(rows)
        scores = {"accuracy": float((found[:, 0] == 0).float().mean())}
        scores["top5"] = float((found[:, 0] < 5).float().mean())
        known = found[:, 1].isfinite()
        if self.config.model.has_points and known.any():
            scores["point_error"] = float(found[known, 1].mean())
        return {**scores, "error": scores.get("point_error", 1 - scores["accuracy"])}


def point_error(points: Float[Tensor, "b f 20 2"], batch: ClipBatch, *, each: bool = False) -> Tensor:
    """Mean squared distance of the mouth's points, shares of the side; of each clip (NaN: not known), or of all."""
    size = batch.frames.shape[-1]
    true = (batch.landmarks[:, 1:, MOUTH] + 0.5) / size
    squares = (points - true).square().sum(dim=3)
    if each:
        return squares.mean(dim=(1, 2))
    known = squares.isfinite()
    return torch.where(known, squares, 0.0).sum() / known.sum().clamp(min=1)


def change_clips(
    batch: ClipBatch,
    numbers: Float[Tensor, "b 4"],
    noise: Float[Tensor, "b f 3 h w"],
    *,
    jitter: float,
    noise_deviation: float,
) -> ClipBatch:
    """Clips mirrored in half of the cases, with other light and noise; landmarks go with them.

    Args:
        batch: clips.
        numbers: uniform in [0, 1): mirrored, brightness, contrast, noise.
        noise: N(0, 1).
        jitter: largest change of brightness and contrast.
        noise_deviation: largest deviation of the noise.
    """
    size = batch.frames.shape[-1]
    mirrored = numbers[:, 0] < 0.5
    frames = torch.where(mirrored[:, None, None, None, None], batch.frames.flip(-1), batch.frames)
    order = torch.as_tensor(IBUG_68.flip_permutation(), device=frames.device)
    other = batch.landmarks[:, :, order] * batch.landmarks.new_tensor([-1.0, 1.0])
    other = other + other.new_tensor([size - 1.0, 0.0])
    landmarks = torch.where(mirrored[:, None, None, None], other, batch.landmarks)
    light, contrast = ((2 * numbers[:, k, None, None, None, None] - 1) * jitter for k in (1, 2))
    frames = frames * (1 + contrast) + light + noise_deviation * numbers[:, 3, None, None, None, None] * noise
    return ClipBatch(**{**vars(batch), "frames": frames.clamp(-1, 1), "landmarks": landmarks})
