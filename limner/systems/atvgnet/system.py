"""Training of ATVGnet: speech to landmarks, and true landmarks to frames against a discriminator, side by side.

The authors train the two networks apart; neither sees the other's results here either, but one run holds both. The
directions of the landmarks are counted over the first clips. Landmark weights are of the squared error; the authors'
code multiplies before it squares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from limner.data.batch import TensorBatch
from limner.data.spec import DataSpec
from limner.data.spoken import ClipBatch, ClipDataset, collate_clips
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.seed import derive_seed
from limner.engine.stages import Phase, phase_at
from limner.engine.system import System
from limner.errors import DataError
from limner.losses.adversarial import discriminator_loss, generator_loss
from limner.nn.pose_transfer import seed_dropout
from limner.systems.atvgnet.config import ATVGnetConfig
from limner.systems.atvgnet.networks import (
    Discriminator,
    FrameNetwork,
    LandmarkBasis,
    LandmarkNetwork,
    Painted,
    shape_numbers,
)
from limner.systems.atvgnet.pipeline import ATVGnetPipeline
from limner.talking_faces.data import open_talking_data
from limner.talking_faces.training import NUM_SHOWN, frame_grid, frame_scores, mouth_mask

FRAMES, LANDMARKS, JUDGE, BASIS = "frame_network", "landmark_network", "discriminator", "basis"
LIPS, WEIGHT_LIPS = slice(2 * 48, 136), 10.0


@dataclass
class Draws(TensorBatch):
    """Clips with their landmarks in ATVGnet's numbers."""

    photo: Float[Tensor, "b 3 h w"]
    windows: Float[Tensor, "b f 28 12"]
    frames: Float[Tensor, "b f 3 h w"]
    own: Float[Tensor, "b 136"]
    """Of the photo."""
    shapes: Float[Tensor, "b f 136"]
    """Of the frames."""
    made: Float[Tensor, "b f 3 h w"]
    """What was painted; the true frames where nothing was yet."""


class ATVGnet(System[ATVGnetConfig, ClipBatch]):
    """Two generators and a discriminator."""

    name: ClassVar[str] = "atvgnet"
    pipeline_class: ClassVar[type[Any]] = ATVGnetPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("mouth_error", "min")

    def __init__(self, config: ATVGnetConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        self.networks[FRAMES] = FrameNetwork(
            image_size=model.image_size, width=model.width, num_blocks=model.num_blocks, dropout=model.dropout
        )
        self.networks[LANDMARKS] = LandmarkNetwork(width=model.width)
        self.networks[JUDGE] = Discriminator(image_size=model.image_size, width=model.discriminator_width)
        self.networks[BASIS] = LandmarkBasis()
        self.phases = (Phase("basis", config.loss.basis_images), Phase("speech", None))

    @classmethod
    def open_data(cls, config: ATVGnetConfig, path: Path | None) -> TrainingData:
        """Clips with sound and the landmarks of every frame.

        Raises:
            DataError: if there are no landmarks.
        """
        data = open_talking_data(config, path, asked_by=cls.name, any_photo=True)
        if not torch.from_numpy(data.train_set[0].landmarks).isfinite().all():
            raise DataError(
                f"{path} has no landmarks of its frames, from which {cls.name} learns; use clips with them, such as "
                "those of limner data make people-talking."
            )
        return data

    @property
    def basis(self) -> LandmarkBasis:
        """What landmarks are described in."""
        found = self.networks[BASIS]
        assert isinstance(found, LandmarkBasis)  # as built
        return found

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """Both generators (an option of ours)."""
        return (FRAMES, LANDMARKS)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam each."""
        rates = dict.fromkeys((FRAMES, LANDMARKS, JUDGE), self.config.optimizer.lr)
        return adam(self.networks, rates, betas=(0.5, 0.999))

    def training_step(self, batch: ClipBatch, engine: Engine) -> None:
        """Frames from true landmarks, the discriminator, then landmarks from speech."""
        draws = drawn(batch)
        seed_dropout(
            self.networks[FRAMES],
            derive_seed(engine.generator("dropout").initial_seed(), engine.fabric.global_rank),
        )
        made: list[Tensor] = []
        engine.update(FRAMES, lambda part: self._frame_loss(part, engine, made), draws)
        judged = Draws(**{**vars(draws), "made": torch.cat(made)})
        engine.update(JUDGE, lambda part: self._judge_loss(part, engine), judged)
        if phase_at(self.phases, engine.images_seen) == "basis":
            self.basis.add(engine.gather(draws.shapes.flatten(0, 1)))
        else:
            engine.update(LANDMARKS, lambda part: self._landmark_loss(part, engine), draws)

    def _frame_loss(self, draws: Draws, engine: Engine, made: list[Tensor]) -> Tensor:
        options = self.config.loss
        painted: Painted = engine.networks[FRAMES](draws.photo, draws.own, draws.shapes)
        frames = painted.frame.float()
        made.append(frames.detach())
        weight = painted.mask.detach().float() + 0.5
        weight = weight * (1 + options.weight_mouth * mouth_mask(frames.shape[-1], frames))
        pixel = (weight * (frames - draws.frames).abs()).mean()
        with engine.frozen(JUDGE) as judge:
            logit, found = judge(frames, draws.own)
        verdict, error = generator_loss(logit.float(), "bce"), landmark_error(found.float(), draws.shapes)
        engine.log("loss/pixel", pixel)
        engine.log("loss/adversarial", verdict)
        engine.log("loss/found_landmarks", error)
        engine.log("mask", painted.mask.mean())
        terms = options.weight_pixel * pixel + options.weight_adversarial * verdict
        return terms + options.weight_landmarks * error

    def _judge_loss(self, draws: Draws, engine: Engine) -> Tensor:
        judge = engine.networks[JUDGE]
        real, real_points = judge(draws.frames, draws.own)
        fake, fake_points = judge(draws.made, draws.own)
        points = landmark_error(real_points.float(), draws.shapes) + landmark_error(fake_points.float(), draws.shapes)
        engine.log("score/real", real.mean())
        engine.log("score/fake", fake.mean())
        return discriminator_loss(real.float(), fake.float(), "bce") + self.config.loss.weight_landmarks * points

    def _landmark_loss(self, draws: Draws, engine: Engine) -> Tensor:
        wanted = self.basis(draws.shapes)
        found, _ = engine.networks[LANDMARKS](self.basis(draws.own), draws.windows)
        loss = functional.mse_loss(found.float(), wanted)
        engine.log("loss/landmarks", loss)
        return loss

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


def drawn(batch: ClipBatch) -> Draws:
    """What the networks see of a batch."""
    shapes = shape_numbers(batch.landmarks, batch.photo.shape[-1])
    return Draws(batch.photo, batch.speech, batch.frames, shapes[:, 0], shapes[:, 1:], batch.frames)


def landmark_error(found: Float[Tensor, "b f 136"], true: Float[Tensor, "b f 136"]) -> Float[Tensor, ""]:
    """Mean squared difference, in which lips count ten times."""
    weight = torch.ones_like(true)
    weight[..., LIPS] = WEIGHT_LIPS
    return (weight * (found - true).square()).mean()


def made_frames(batch: ClipBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "b f 3 h w"]:
    """Frames from speech, through landmarks."""
    basis, draws = networks[BASIS], drawn(batch)
    assert isinstance(basis, LandmarkBasis)  # as built
    numbers, _ = networks[LANDMARKS](basis(draws.own), draws.windows)
    painted: Painted = networks[FRAMES](draws.photo, draws.own, basis.shapes(numbers.float()))
    return painted.frame.float()
