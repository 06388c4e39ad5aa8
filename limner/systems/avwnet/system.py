"""Training of AVWnet: the generator against two level discriminators and one of sequences, read back as words.

Differences from the order of the specification: one forward pass of the generator serves both sides, so the generator
is updated first, and the discriminators on the same frames, detached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int64
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
from limner.engine.stages import Phase, phase_at
from limner.engine.system import System
from limner.errors import ConfigError, WeightsError
from limner.nn.resampling import halve
from limner.pipelines import load
from limner.systems.avwnet.config import AVWnetConfig
from limner.systems.avwnet.losses import (
    dynamic_pixel_loss,
    landmark_error,
    mouth_change_error,
    mouth_motion_error,
    taken_for_fake,
    taken_for_real,
    total_variation,
    wrong_speech,
)
from limner.systems.avwnet.networks import Generator, Level, LevelDiscriminator, SequenceDiscriminator, Spoken
from limner.systems.avwnet.pipeline import AVWnetPipeline
from limner.talking_faces.data import known_words, landmark_maps, mean_shape, open_talking_data
from limner.talking_faces.training import NUM_SHOWN, frame_scores

COARSE, FINE, SEQUENCE = "coarse_discriminator", "fine_discriminator", "sequence_discriminator"


@dataclass
class Draws(TensorBatch):
    """One iteration's clips."""

    photo: Float[Tensor, "b 3 h w"]
    maps: Float[Tensor, "b 5 h w"]
    windows: Float[Tensor, "b f 28 12"]
    frames: Float[Tensor, "b f 3 h w"]
    landmarks: Float[Tensor, "b f 68 2"]
    """Of the frames; NaN where not known."""
    category: Int64[Tensor, " b"]
    painted: Int64[Tensor, "b k"]
    """Numbers of the frames that are painted."""


@dataclass
class Judged(TensorBatch):
    """What the discriminators compare."""

    real: Float[Tensor, "b f 3 h w"]
    coarse: Float[Tensor, "b f 3 h2 w2"]
    fine: Float[Tensor, "b f 3 h w"]
    speech: Float[Tensor, "b f a"]
    landmarks: Float[Tensor, "b f 68 2"]
    is_shifted: Bool[Tensor, " b"]
    """Whether wrong speech is of the same clip."""


class AVWnet(System[AVWnetConfig, ClipBatch]):
    """One generator, three discriminators, a frozen lip reader."""

    name: ClassVar[str] = "avwnet"
    pipeline_class: ClassVar[type[Any]] = AVWnetPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("mouth_error", "min")

    def __init__(self, config: AVWnetConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        model = config.model
        code = 4 * model.width
        self.networks["generator"] = Generator(
            image_size=model.image_size,
            width=model.width,
            num_blocks=model.num_blocks,
            num_fine_blocks=model.num_fine_blocks,
            num_layers=model.num_layers,
            is_normalized=model.is_normalized,
            tells_mouth=model.tells_mouth,
            paints_change=model.paints_change,
        )
        for name, size in ((COARSE, model.image_size // 2), (FINE, model.image_size)):
            self.networks[name] = LevelDiscriminator(image_size=size, width=model.discriminator_width, speech_size=code)
        self.networks[SEQUENCE] = SequenceDiscriminator(width=model.sequence_width, speech_size=code)
        self.usual = mean_shape()
        self.reader: nn.Module | None = None
        total = config.train.images
        self.phases = (Phase("pixels", min(config.loss.pixel_images, total)), Phase("adversarial", None))

    @classmethod
    def open_data(cls, config: AVWnetConfig, path: Path | None) -> TrainingData:
        """Clips with sound; any frame of a clip may be its photo."""
        return open_talking_data(config, path, asked_by=cls.name, any_photo=True)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The generator (an option of ours)."""
        return ("generator",)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam each."""
        options = self.config.optimizer
        rates = dict.fromkeys(self.networks, options.lr_discriminator) | {"generator": options.lr_generator}
        return adam(self.networks, rates, betas=(options.beta1, options.beta2))

    def prepare(self, device: torch.device) -> None:
        """Open the lip reader, which stays as it is.

        Raises:
            WeightsError: if its weights cannot be used.
            ConfigError: if it reads other words than those of the data.
        """
        source = self.config.loss.reader
        if not self.config.loss.weight_word:
            return
        if source is None:
            raise ConfigError(
                "--loss.reader is missing: name weights of wordnet, which read the frames back, or give "
                "--loss.weight_word 0."
            )
        opened: Any = load(source, system="wordnet")
        if self.spec.vocabulary is None:
            raise ConfigError("These clips are of no single words: give --loss.weight_word 0.")
        missing = set(known_words(self.spec)) - set(opened.words)
        if missing or tuple(opened.words) != known_words(self.spec):
            raise WeightsError(
                f"The reader {source} was trained on other words than these clips are of"
                f"{f' (it lacks {min(missing)})' if missing else ''}; train one on them, or give --loss.weight_word 0."
            )
        self.reader = opened.components["reader"].to(device).eval().requires_grad_(False)

    def training_step(self, batch: ClipBatch, engine: Engine) -> None:
        """Update the generator, and in the second phase the discriminators on the same frames."""
        phase, painted = phase_at(self.phases, engine.images_seen), None
        if phase == "pixels" and self.config.loss.painted_frames:
            order = engine.rand(len(batch), batch.frames.shape[1], purpose="painted frames").argsort(dim=1)
            painted = order[:, : self.config.loss.painted_frames].sort(dim=1).values
        is_mean = engine.rand(len(batch), purpose="landmarks") < self.config.loss.mean_landmarks
        draws = self.draws(batch, is_mean, painted)
        made: list[Spoken] = []
        engine.update("generator", lambda part: self.generator_loss(part, engine, made, phase), draws)
        if phase == "pixels":
            return
        judged = Judged(
            real=draws.frames,
            coarse=torch.cat([one.coarse.frame.detach().float() for one in made]),
            fine=torch.cat([one.fine.frame.detach().float() for one in made]),
            speech=torch.cat([one.speech.detach().float() for one in made]),
            landmarks=draws.landmarks,
            is_shifted=engine.rand(len(batch), purpose="wrong speech") < 0.5,
        )
        engine.update(COARSE, lambda part: self.level_loss(part, engine, COARSE), judged)
        engine.update(FINE, lambda part: self.level_loss(part, engine, FINE), judged)
        engine.update(SEQUENCE, lambda part: self.sequence_loss(part, engine), judged)

    def draws(
        self, batch: ClipBatch, is_mean: Bool[Tensor, " b"], painted: Int64[Tensor, "b k"] | None = None
    ) -> Draws:
        """What the networks see of a batch; some photos with the mean face's landmarks, some or all frames painted."""
        if painted is None:
            painted = torch.arange(batch.frames.shape[1]).expand(len(batch), -1)
        points = batch.landmarks[:, 0].clone()
        points[is_mean.to(points.device)] = float("nan")
        return Draws(
            photo=batch.photo,
            maps=landmark_maps(points, batch.photo.shape[-1], usual=self.usual),
            windows=batch.speech,
            frames=batch.frames,
            landmarks=batch.landmarks[:, 1:],
            category=batch.category,
            painted=painted.to(batch.frames.device),
        )

    def generator_loss(self, draws: Draws, engine: Engine, made: list[Spoken], phase: str) -> Tensor:
        """Weighted sum of pixels, masks, verdicts and words."""
        options = self.config.loss
        spoken: Spoken = engine.networks["generator"](draws.photo, draws.maps, draws.windows, painted=draws.painted)
        made.append(spoken)
        frames = torch.stack([clip[numbers] for clip, numbers in zip(draws.frames, draws.painted, strict=True)])
        levels = ((spoken.coarse, half_frames(frames)), (spoken.fine, frames))
        pixel = [
            dynamic_pixel_loss(
                level.frame.float(), true, level.mask.float(), offset=options.mask_offset,
                weight_mouth=options.weight_mouth,
            )
            for level, true in levels
        ]  # fmt: skip
        masks = [level.mask.float() for level, _ in levels]
        terms = {
            "pixel": (options.weight_pixel, torch.stack(pixel).sum()),
            "attention": (options.weight_attention, torch.stack([mask.mean() for mask in masks]).sum()),
            "smooth": (options.weight_smooth, torch.stack([total_variation(mask) for mask in masks]).sum()),
        }
        if options.weight_color:
            color = [
                dynamic_pixel_loss(
                    level.color.float(), true, torch.zeros_like(level.mask, dtype=torch.float32), offset=1.0,
                    weight_mouth=options.weight_mouth,
                )
                for level, true in levels
            ]  # fmt: skip
            terms["color"] = (options.weight_color, torch.stack(color).sum())
        if options.weight_change:
            change = [
                mouth_change_error(shown.float(), true)
                for level, true in levels
                for shown in (level.color, level.frame)
            ]
            terms["change"] = (options.weight_change, torch.stack(change).mean())
        if options.weight_motion and spoken.mouth is not None:
            error = mouth_motion_error(spoken.mouth.float(), draws.landmarks)
            terms["motion"] = (options.weight_motion, error)
        engine.log("mask/coarse", spoken.coarse.mask.mean())
        engine.log("mask/fine", spoken.fine.mask.mean())
        if phase != "pixels":
            terms |= self._verdicts(draws, spoken, engine)
        if self.reader is not None and engine.images_seen >= options.word_images:
            terms["word"] = (options.weight_word, self._word_loss(draws, spoken.fine, engine))
        for name, (_, value) in terms.items():
            engine.log(f"loss/{name}", value)
        return torch.stack([weight * value for weight, value in terms.values()]).sum()

    def _verdicts(self, draws: Draws, spoken: Spoken, engine: Engine) -> dict[str, tuple[float, Tensor]]:
        """What the discriminators say of the frames."""
        options, flat = self.config.loss, spoken.speech.flatten(0, 1)
        fidelity, consistency = [], []
        for name, level in ((COARSE, spoken.coarse), (FINE, spoken.fine)):
            with engine.frozen(name) as discriminator:
                patches, pair = discriminator(level.frame.flatten(0, 1), flat)
            fidelity.append(taken_for_real(patches.float()))
            consistency.append(taken_for_real(pair.float()))
        with engine.frozen(SEQUENCE) as discriminator:
            logit, points = discriminator(spoken.fine.frame, spoken.speech)
        terms = {
            "fidelity": (options.weight_fidelity, torch.stack(fidelity).sum()),
            "consistency": (options.weight_consistency, torch.stack(consistency).sum()),
            "sequence": (options.weight_sequence, taken_for_real(logit.float())),
        }
        if options.weight_landmarks:
            error = landmark_error(points.float(), draws.landmarks, draws.frames.shape[-1])
            terms["landmarks"] = (options.weight_landmarks, error)
        return terms

    def _word_loss(self, draws: Draws, fine: Level, engine: Engine) -> Tensor:
        """Cross-entropy of the words read in the frames; clips without a word count nothing."""
        assert self.reader is not None  # the caller has looked
        known = draws.category >= 0
        logits = self.reader(fine.frame).float()
        engine.log("word_accuracy", (logits.argmax(dim=1) == draws.category)[known].float().mean().nan_to_num())
        each = functional.cross_entropy(logits, draws.category.clamp(min=0), reduction="none")
        return (each * known).sum() / known.sum().clamp(min=1)

    def level_loss(self, judged: Judged, engine: Engine, name: str) -> Tensor:
        """Half of the verdicts on patches, a third of those on pairs: real, generated, and real with wrong speech."""
        real, fake = (half_frames(judged.real), judged.coarse) if name == COARSE else (judged.real, judged.fine)
        speech = judged.speech.flatten(0, 1)
        wrong = wrong_speech(judged.speech, judged.is_shifted).flatten(0, 1)
        network = engine.networks[name]
        real_patches, real_pair = network(real.flatten(0, 1), speech)
        fake_patches, fake_pair = network(fake.flatten(0, 1), speech)
        _, wrong_pair = network(real.flatten(0, 1), wrong)
        for kind, logits in (("real", -real_patches), ("fake", fake_patches), ("wrong_speech", wrong_pair)):
            engine.log(f"{name}/{kind}", (logits < 0).float().mean())
        patches = taken_for_real(real_patches.float()) + taken_for_fake(fake_patches.float())
        pairs = (
            taken_for_real(real_pair.float()) + taken_for_fake(fake_pair.float()) + taken_for_fake(wrong_pair.float())
        )
        return patches / 2 + pairs / 3

    def sequence_loss(self, judged: Judged, engine: Engine) -> Tensor:
        """The same on whole clips; where landmarks count, how well they are found in real frames."""
        network = engine.networks[SEQUENCE]
        real, points = network(judged.real, judged.speech)
        fake, _ = network(judged.fine, judged.speech)
        wrong, _ = network(judged.real, wrong_speech(judged.speech, judged.is_shifted))
        for kind, logits in (("real", -real), ("fake", fake), ("wrong_speech", wrong)):
            engine.log(f"{SEQUENCE}/{kind}", (logits < 0).float().mean())
        loss = (taken_for_real(real.float()) + taken_for_fake(fake.float()) + taken_for_fake(wrong.float())) / 3
        if self.config.loss.weight_landmarks:
            loss = loss + landmark_error(points.float(), judged.landmarks, judged.real.shape[-1])
        return loss

    def fixed_inputs(self, dataset: ClipDataset) -> ClipBatch:
        """Held-out clips, evenly spread."""
        step = max(1, len(dataset) // NUM_SHOWN)
        return collate_clips([dataset[index] for index in range(0, len(dataset), step)][:NUM_SHOWN])

    def sample(self, fixed: ClipBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """A row a clip: photo, then a true, a coarse and a fine frame with both masks, of three moments."""
        draws = self.draws(fixed, torch.zeros(len(fixed), dtype=torch.bool))
        spoken: Spoken = networks["generator"](draws.photo, draws.maps, draws.windows)
        columns, count, size = [fixed.photo], fixed.frames.shape[1], fixed.photo.shape[-1]
        for moment in sorted({0, count // 2, count - 1}):
            columns.append(fixed.frames[:, moment])
            for level in (spoken.coarse, spoken.fine):
                columns.append(_enlarged(level.frame[:, moment], size))
                columns.append(_enlarged(level.mask[:, moment].expand(-1, 3, -1, -1) * 2 - 1, size))
        return torch.stack([column.float() for column in columns], dim=1)

    def validate(self, batches: Iterable[ClipBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        """Differences on held-out clips: of the mouth, as a share of what the photo alone would have; of all."""
        masks: list[Tensor] = []

        def spoken() -> Iterable[tuple[ClipBatch, Tensor]]:
            for batch in batches:
                draws = self.draws(batch, torch.zeros(len(batch), dtype=torch.bool))
                made: Spoken = networks["generator"](draws.photo, draws.maps, draws.windows)
                levels = (made.coarse, made.fine)
                masks.append(torch.stack([one.mask.float().mean(dim=(1, 2, 3, 4)) for one in levels], dim=1))
                yield batch, made.fine.frame.float()

        scores = frame_scores(spoken())
        coarse, fine = gather_rows(masks).double().mean(dim=0).tolist()
        return {**scores, "mask_coarse": coarse, "mask_fine": fine}


def half_frames(frames: Float[Tensor, "b f 3 h w"]) -> Float[Tensor, "b f 3 h2 w2"]:
    """Frames of half the size: means of 2x2 pixels."""
    return halve(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])


def _enlarged(image: Tensor, size: int) -> Tensor:
    return image if image.shape[-1] == size else functional.interpolate(image.float(), size=size, mode="nearest")
