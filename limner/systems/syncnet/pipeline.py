"""Inference of the judge of synchrony."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner import media
from limner.data.audio import MEL_COLUMNS, NUM_MEL_BANDS, SAMPLE_RATE_HZ, mel_windows
from limner.data.config import Fit
from limner.data.manifest import Manifest
from limner.errors import DataError, ShapeError
from limner.inputs import checked_images
from limner.metrics.talking import Synchrony, synchrony
from limner.pipelines import ExportTarget, Pipeline
from limner.systems.syncnet.networks import NUM_FRAMES, SyncNetwork
from limner.talking_faces.data import open_clips
from limner.talking_faces.judging import MAX_FRAMES, read_face_clip

_PER_PASS = 64  # windows
MIN_FRAMES = NUM_FRAMES + 5
"""A clip with fewer has no shifts to compare."""


class SyncNetPipeline(Pipeline):
    """Says how well a mouth and the speech heard with it belong together.

    Its numbers are of its own training: never beside LSE-D and LSE-C of others.

    Example:
        >>> judge = limner.load("syncnet")
        >>> judge("clip.mp4")
    """

    name: ClassVar[str] = "syncnet"
    suffix: ClassVar[str] = ".json"

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The only network."""
        return {"judge": SyncNetwork}

    def __call__(self, clip: str | Path) -> dict[str, Any]:
        """Judge a video with sound of one aligned face.

        Returns:
            `distance` (LSE-D of these weights), `confidence` (LSE-C), `offset` in frames: above 0, speech is late;
            `frames`: their number.

        Raises:
            DataError: if the clip cannot be read, has no sound, or is too short.
        """
        frames = read_face_clip(clip, image_size=self.image_size, fit=self.fit, device=self.device)
        waveform = media.read_waveform(clip, sample_rate_hz=SAMPLE_RATE_HZ)[: MAX_FRAMES * SAMPLE_RATE_HZ // 25]
        mel = torch.from_numpy(mel_windows(waveform)).to(self.device)
        num = min(frames.shape[1], len(mel))
        if num < MIN_FRAMES:
            raise DataError(f"{clip} has {num} frames with sound; it takes {MIN_FRAMES} to be judged.")
        found = self.synchrony(frames[0, :num], mel[:num])
        return {
            "distance": round(found.distance, 4),
            "confidence": round(found.confidence, 4),
            "offset": found.offset,
            "frames": num,
        }

    def synchrony(self, frames: Tensor, mel: Float[Tensor, "f bands columns"]) -> Synchrony:
        """LSE of a clip (f, 3, h, w) in [-1, 1] with the mel bands from each of its frames on.

        Raises:
            ShapeError: if it is no clip, too short, or of two lengths.
        """
        frames = checked_images(frames, "frames", shape="(f, 3, h, w)")
        if len(frames) != len(mel) or len(frames) < MIN_FRAMES:
            raise ShapeError(
                f"{len(frames)} frames and {len(mel)} windows of speech cannot be judged; it takes as many of both, "
                f"{MIN_FRAMES} at least."
            )
        return synchrony(*self.codes(frames, mel))

    def codes(
        self, frames: Float[Tensor, "f 3 h w"], mel: Float[Tensor, "f bands columns"]
    ) -> tuple[Float[Tensor, "n e"], Float[Tensor, "n e"]]:
        """Codes of each five frames and of what is heard at them."""
        if frames.shape[-1] != self.image_size:
            size = (self.image_size, self.image_size)
            frames = nn.functional.interpolate(frames, size=size, mode="bilinear", antialias=True)
        count = len(frames) - NUM_FRAMES + 1
        windows = frames.unfold(0, NUM_FRAMES, 1).permute(0, 4, 1, 2, 3)
        found = []
        with self.inference():
            for start in range(0, count, _PER_PASS):
                rows = slice(start, min(start + _PER_PASS, count))
                found.append(self.components["judge"](windows[rows].contiguous(), mel[rows]))
        face, speech = (torch.cat(part) for part in zip(*found, strict=True))
        return face, speech

    def open_data(
        self, path: str | Path, *, kind: str = "auto", fit: Fit | None = None, fix_sides: bool = False
    ) -> Manifest:
        """Clips with sound."""
        self.refuse_unread(fit=fit, fix_sides=fix_sides)
        return open_clips(path, kind=kind, fit=fit, asked_by=self.name)

    def export_targets(self) -> dict[str, ExportTarget]:
        """`judge` (frames, mel -> face, speech)."""
        size, device = self.image_size, self.device

        def example(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            frames = torch.rand(batch, NUM_FRAMES, 3, size, size, generator=random) * 2 - 1
            mel = torch.randn(batch, NUM_MEL_BANDS, MEL_COLUMNS, generator=random)
            return frames.to(device), mel.to(device)

        return {"judge": ExportTarget(self.components["judge"], ("frames", "mel"), ("face", "speech"), example)}
