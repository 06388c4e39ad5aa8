"""Training of the judge of synchrony: is this speech heard at these frames, or at others of the same clip?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from limner.data.batch import TensorBatch
from limner.data.spec import DataSpec
from limner.data.spoken import ClipBatch, ClipDataset, collate_clips
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.ranks import gather_rows
from limner.engine.system import System
from limner.systems.syncnet.config import SyncNetConfig
from limner.systems.syncnet.networks import NUM_FRAMES, SyncNetwork
from limner.systems.syncnet.pipeline import SyncNetPipeline
from limner.talking_faces.data import open_talking_data

_EPSILON = 1e-4  # cosines are 0 and 1 at the ends of ReLU codes, where the logarithm has none
NUM_SHOWN = 6


@dataclass
class Draws(TensorBatch):
    """Clips, and where the pairs of one iteration lie in them."""

    frames: Float[Tensor, "b f 3 h w"]
    mel: Float[Tensor, "b f bands columns"]
    face_start: Int64[Tensor, "b k"]
    speech_start: Int64[Tensor, "b k"]
    """The same where the pair belongs together."""


class SyncNet(System[SyncNetConfig, ClipBatch]):
    """One network of two encoders, one Adam."""

    name: ClassVar[str] = "syncnet"
    pipeline_class: ClassVar[type[Any]] = SyncNetPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("accuracy", "max")

    def __init__(self, config: SyncNetConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.networks["judge"] = SyncNetwork(width=config.model.width, face_size=config.model.image_size)

    @classmethod
    def open_data(cls, config: SyncNetConfig, path: Path | None) -> TrainingData:
        """Clips with sound."""
        return open_talking_data(config, path, asked_by=cls.name, has_mel=True)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The only network."""
        return ("judge",)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam."""
        return adam(self.networks, {"judge": self.config.optimizer.lr}, betas=(0.9, 0.999))

    def training_step(self, batch: ClipBatch, engine: Engine) -> None:
        """One update on pairs of which half are shifted inside their clip."""
        numbers = engine.rand(len(batch), self.config.loss.windows, 3, purpose="pairs")
        starts = drawn_starts(numbers, batch.frames.shape[1], self.config.loss.min_shift)
        engine.update("judge", lambda part: self._loss(part, engine), Draws(batch.frames, batch.mel, *starts))

    def _loss(self, draws: Draws, engine: Engine) -> Tensor:
        cosine = cosines(engine.networks["judge"], draws)
        true = (draws.face_start == draws.speech_start).flatten().float()
        loss = functional.binary_cross_entropy(cosine.clamp(_EPSILON, 1 - _EPSILON), true)
        engine.log("loss/pairs", loss)
        engine.log("accuracy", ((cosine > 0.5).float() == true).float().mean())
        return loss

    def fixed_inputs(self, dataset: ClipDataset) -> ClipBatch:
        """The first held-out clips."""
        return collate_clips([dataset[index] for index in range(min(NUM_SHOWN, len(dataset)))])

    def sample(self, fixed: ClipBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A row a clip: five frames, and how near their speech is when it is early (left) or late (right)."""
        count = fixed.frames.shape[1]
        starts = torch.arange(count - NUM_FRAMES + 1, device=fixed.frames.device)
        middle = torch.full_like(starts, len(starts) // 2)
        size = fixed.frames.shape[-1]
        bars = []
        for row in range(len(fixed)):
            one = Draws(fixed.frames[row : row + 1], fixed.mel[row : row + 1], middle[None], starts[None])
            near = cosines(networks["judge"], one)
            columns = (torch.arange(size, device=near.device) * len(near)) // size
            heights = 1 - torch.arange(size, device=near.device)[:, None] / size
            bars.append(torch.where(heights < near[columns][None], 1.0, -1.0).expand(3, size, size))
        first = len(starts) // 2
        return torch.cat([fixed.frames[:, first : first + NUM_FRAMES], torch.stack(bars)[:, None]], dim=1)

    def validate(self, batches: Iterable[ClipBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Share of held-out pairs, half of them shifted, that are judged rightly; their cross-entropy."""
        rows = []
        for batch in batches:
            starts = held_out_starts(batch)
            cosine = cosines(networks["judge"], Draws(batch.frames, batch.mel, *starts))
            true = (starts[0] == starts[1]).flatten().float()
            entropy = functional.binary_cross_entropy(cosine.clamp(_EPSILON, 1 - _EPSILON), true, reduction="none")
            right = ((cosine > 0.5).float() == true).float()
            rows.append(torch.stack([right, entropy], dim=1).unflatten(0, (len(batch), -1)).mean(dim=1))
        found = gather_rows(rows)
        return {"accuracy": float(found[:, 0].mean()), "cross_entropy": float(found[:, 1].mean())}


def cosines(network: nn.Module, draws: Draws) -> Float[Tensor, " n"]:
    """How near frames and speech of each pair are, 0 to 1."""
    rows = torch.arange(len(draws.frames), device=draws.frames.device)[:, None]
    offsets = torch.arange(NUM_FRAMES, device=draws.frames.device)
    frames = draws.frames[rows[..., None], draws.face_start[..., None] + offsets].flatten(0, 1)
    mel = draws.mel[rows, draws.speech_start].flatten(0, 1)
    face, speech = network(frames, mel)
    return (face.float() * speech.float()).sum(dim=1)


def drawn_starts(
    numbers: Float[Tensor, "b k 3"], num_frames: int, min_shift: int
) -> tuple[Int64[Tensor, "b k"], Int64[Tensor, "b k"]]:
    """Where faces and speech of pairs begin: half of them together, half at least `min_shift` frames apart.

    Args:
        numbers: uniform in [0, 1): where, whether shifted, by how much.
        num_frames: of the clips.
        min_shift: at least 1.
    """
    count = num_frames - NUM_FRAMES + 1
    face = (numbers[..., 0] * count).long()
    # Of the places that are far enough, count off one: those before the face come first.
    before = (face - min_shift + 1).clamp(min=0)
    after = (count - face - min_shift).clamp(min=0)
    place = (numbers[..., 2] * (before + after)).long()
    other = torch.where(place < before, place, face + min_shift + place - before)
    return face, torch.where(numbers[..., 1] < 0.5, face, other)


def held_out_starts(batch: ClipBatch) -> tuple[Int64[Tensor, "b k"], Int64[Tensor, "b k"]]:
    """Four pairs of each clip: two together, and these with the speech of half a clip away."""
    count = batch.frames.shape[1] - NUM_FRAMES + 1
    places = torch.tensor([0, count // 2], device=batch.frames.device)
    face = torch.cat([places, places])
    speech = torch.cat([places, (places + max(1, count // 2)) % count])
    return face.expand(len(batch), -1), speech.expand(len(batch), -1)
