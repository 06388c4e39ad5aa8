"""Training of Speech2Vid: absolute differences, first of the decoder's frames, then of the sharpened ones.

The paper's only term is the L1 distance; the authors' released graph has more of them at inner layers, which are left
out here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from limner.data.spec import DataSpec
from limner.data.spoken import ClipBatch, ClipDataset, collate_clips
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.stages import Phase, phase_at
from limner.engine.system import System
from limner.systems.speech2vid.config import Speech2VidConfig
from limner.systems.speech2vid.networks import Generator, Sharpener
from limner.systems.speech2vid.pipeline import Speech2VidPipeline
from limner.talking_faces.data import open_talking_data
from limner.talking_faces.training import NUM_SHOWN, frame_grid, frame_scores, mouth_mask


class Speech2Vid(System[Speech2VidConfig, ClipBatch]):
    """A generator, and a network that sharpens what it makes."""

    name: ClassVar[str] = "speech2vid"
    pipeline_class: ClassVar[type[Any]] = Speech2VidPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("mouth_error", "min")

    def __init__(self, config: Speech2VidConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        self.networks["generator"] = Generator(image_size=model.image_size, width=model.width)
        self.networks["sharpener"] = Sharpener(width=model.sharpener_width, num_layers=model.sharpener_layers)
        first = round(config.train.images * (1 - config.loss.sharpen_share))
        self.phases = (Phase("frames", first), Phase("sharpening", None))

    @classmethod
    def open_data(cls, config: Speech2VidConfig, path: Path | None) -> TrainingData:
        """Clips with sound; any frame of a clip may be its photo."""
        return open_talking_data(config, path, asked_by=cls.name, any_photo=True)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """Both (an option of ours)."""
        return ("generator", "sharpener")

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam each."""
        return adam(self.networks, dict.fromkeys(self.networks, self.config.optimizer.lr), betas=(0.9, 0.999))

    def training_step(self, batch: ClipBatch, engine: Engine) -> None:
        """Update the network of this phase."""
        if phase_at(self.phases, engine.images_seen) == "frames":
            engine.update("generator", lambda part: self._frame_loss(part, engine), batch)
        else:
            engine.update("sharpener", lambda part: self._sharpening_loss(part, engine), batch)

    def _frame_loss(self, batch: ClipBatch, engine: Engine) -> Tensor:
        loss = self._difference(engine.networks["generator"](batch.photo, batch.speech), batch)
        engine.log("loss/frames", loss)
        return loss

    def _sharpening_loss(self, batch: ClipBatch, engine: Engine) -> Tensor:
        generator = engine.raw["generator"].eval()  # as its frames will be
        with engine.frozen("generator"), torch.no_grad():
            frames = generator(batch.photo, batch.speech)
        generator.train()
        sharp = engine.networks["sharpener"](frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        loss = self._difference(sharp, batch)
        engine.log("loss/sharpened", loss)
        return loss

    def _difference(self, frames: Tensor, batch: ClipBatch) -> Tensor:
        weight = 1 + self.config.loss.weight_mouth * mouth_mask(batch.frames.shape[-1], batch.frames)
        return (weight * (frames.float() - batch.frames).abs()).mean()

    def fixed_inputs(self, dataset: ClipDataset) -> ClipBatch:
        """Held-out clips, evenly spread."""
        step = max(1, len(dataset) // NUM_SHOWN)
        return collate_clips([dataset[index] for index in range(0, len(dataset), step)][:NUM_SHOWN])

    def sample(self, fixed: ClipBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A row a clip: photo, then true and made frames of three moments."""
        return frame_grid(fixed, made_frames(fixed, networks))

    def validate(self, batches: Iterable[ClipBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Differences on held-out clips: of the mouth, as a share of what the photo alone would have; of all."""
        return frame_scores((batch, made_frames(batch, networks)) for batch in batches)


def made_frames(batch: ClipBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "b f 3 h w"]:
    """Sharpened frames."""
    frames = networks["generator"](batch.photo, batch.speech)
    sharp: Tensor = networks["sharpener"](frames.flatten(0, 1))
    return sharp.float().unflatten(0, frames.shape[:2])
