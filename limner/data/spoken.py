"""Cuts of clips: a photo, the frames that follow it, and what each of them hears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.utils.data import Dataset

from limner.data.audio import FRAMES_PER_SECOND, SAMPLE_RATE_HZ, mel_windows, speech_windows
from limner.data.batch import TensorBatch, to_images
from limner.data.cache import Arrays, MemoryCache
from limner.data.clips import ClipReader
from limner.data.geometry import Geometry
from limner.data.manifest import Manifest, Row
from limner.data.point_schema import IBUG_68
from limner.data.sample import Points
from limner.data.sampler import SampleKey
from limner.data.size import Size, SizeLike
from limner.data.spec import AudioSpec
from limner.data.transforms import fit_shape, resize_image
from limner.errors import ConfigError, DataError

Frames = npt.NDArray[np.uint8]
Windows = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ClipSample:
    """A cut of a clip. Arrays may belong to a cache: do not write into them."""

    frames: Frames
    """(t + 1, H, W, 3): the photo, then the frames to be made."""
    speech: Windows
    """(t, rows, coefficients): what each frame but the photo hears."""
    mel: Windows
    """(t, 80, 16): mel bands of the 0.2 s from each frame but the photo on; none of them where nobody asked."""
    landmarks: Points
    """(t + 1, 68, 2) x, y in pixels of the frames; NaN where the set does not say them."""
    category: int
    """Number of the spoken word; -1: unknown."""
    identity: int
    """Number of the speaker; -1: unknown."""
    index: int
    """Row of the manifest."""


@dataclass
class ClipBatch(TensorBatch):
    """Cuts of clips, ready for a network."""

    photo: Float[Tensor, "b 3 h w"]
    """RGB in [-1, 1]."""
    frames: Float[Tensor, "b t 3 h w"]
    """RGB in [-1, 1]."""
    speech: Float[Tensor, "b t rows coefficients"]
    mel: Float[Tensor, "b m bands columns"]
    """Mel bands from each frame on; m is t, or 0 where nobody asked."""
    landmarks: Float[Tensor, "b t1 68 2"]
    """Of the photo, then of the frames: x, y in pixels, NaN where the set does not say them."""
    category: Int64[Tensor, " b"]
    identity: Int64[Tensor, " b"]
    index: Int64[Tensor, " b"]
    """Row of the manifest that each sample comes from."""


class ClipDataset(Dataset[ClipSample]):
    """`dataset[i]` is the middle of clip `i`, `dataset[SampleKey(i, position)]` a cut by `(seed, position)` alone.

    Args:
        manifest: of clips, opened with `needs=("video", "audio")`.
        size: of the frames.
        num_frames: of a cut, without its photo; none: clips are whole.
        seed: of the cuts.
        cache_bytes: memory for decoded clips; those that do not fit are decoded each time.
        categories: words in the order of their numbers; none: those of this manifest, sorted.
        has_mel: whether mel bands are computed, too.
        any_photo: whether the photo of a drawn cut is any frame of its clip, not the one before the cut.

    Raises:
        ConfigError: if a number is out of range, or the rates are not those of `limner.data.audio`.
        DataError: if the manifest has no clips.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        size: SizeLike,
        num_frames: int | None,
        seed: int = 0,
        cache_bytes: int = 2 * 1024**3,
        categories: Sequence[str] | None = None,
        has_mel: bool = False,
        any_photo: bool = False,
    ) -> None:
        reader: object = manifest.reader
        if not isinstance(reader, ClipReader):
            raise DataError(f"{manifest.root} ({manifest.kind}) has no clips.")
        if reader.audio != (wanted := AudioSpec(SAMPLE_RATE_HZ, float(FRAMES_PER_SECOND))):
            raise ConfigError(f"Clips are read as {reader.audio}, but must be as {wanted}.")
        if num_frames is not None and num_frames < 1:
            raise ConfigError(f"num_frames is {num_frames}, but must be at least 1.")
        self.manifest, self.size, self.num_frames, self.seed = manifest, Size.of(size), num_frames, seed
        self._reader = reader
        self._numbers = {
            name: {text: n for n, text in enumerate(sorted({getattr(row, name) for row in manifest.rows} - {""}))}
            for name in ("category", "identity")
        }
        if categories is not None:
            self._numbers["category"] = {text: number for number, text in enumerate(categories)}
        self._has_mel, self._any_photo = has_mel, any_photo
        self._cache = MemoryCache(cache_bytes)

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, key: int | SampleKey) -> ClipSample:
        """One cut; see the class.

        Raises:
            DataError: if the clip cannot be used or is too short.
        """
        index = key.index if isinstance(key, SampleKey) else range(len(self))[key]
        row = self.manifest.rows[index]
        clip = self._cache.get(index, lambda: self._read(row))
        frames, speech, landmarks, mel = (clip[name] for name in ("frames", "speech", "landmarks", "mel"))
        whole = min(len(frames), len(speech)) - 1
        num_frames = max(whole, 1) if self.num_frames is None else self.num_frames
        last = whole - num_frames
        if last < 0:
            raise DataError(f"{self.manifest.root / row.video} has fewer than {num_frames + 1} frames with sound.")
        start = last // 2
        if isinstance(key, SampleKey):
            random = np.random.default_rng((self.seed, key.position))
            start = int(random.integers(last + 1))
        end = start + num_frames + 1
        places = np.arange(start, end)
        if self._any_photo and isinstance(key, SampleKey):
            places[0] = random.integers(whole + 1)
        return ClipSample(
            frames[places],
            speech[start + 1 : end],
            mel[start + 1 : end],
            landmarks[places],
            self._numbers["category"].get(row.category, -1),
            self._numbers["identity"].get(row.identity, -1),
            index,
        )

    def _read(self, row: Row) -> Arrays:
        clip = self._reader.read_clip(row)
        where = f"{self.manifest.root / row.video}"
        fitted = [fit_shape(frame, self.size, self.manifest.fit, where) for frame in clip.frames]
        frames = np.stack([resize_image(frame, self.size) for frame, _ in fitted])
        first, placed = fitted[0]
        whole = placed.then(Geometry.resized(Size(*first.shape[:2]), self.size))
        labels = self._reader.frame_labels(row)
        landmarks = np.full((len(frames), len(IBUG_68), 2), np.nan)
        if labels is not None:
            known = labels.landmarks[: len(frames)]
            landmarks[: len(known)] = [whole.move(points, IBUG_68) for points in known]
        mel = mel_windows(clip.waveform) if self._has_mel else np.zeros((0, 0, 0), np.float32)
        return {"frames": frames, "speech": speech_windows(clip.waveform), "landmarks": landmarks, "mel": mel}


def collate_clips(items: list[ClipSample]) -> ClipBatch:
    """Stack cuts of one size and length."""
    frames = to_images([item.frames for item in items])
    return ClipBatch(
        photo=frames[:, 0].clone(),
        frames=frames[:, 1:].clone(),
        speech=torch.from_numpy(np.stack([item.speech for item in items])),
        mel=torch.from_numpy(np.stack([item.mel for item in items])),
        landmarks=torch.from_numpy(np.stack([item.landmarks for item in items])).float(),
        category=torch.tensor([item.category for item in items]),
        identity=torch.tensor([item.identity for item in items]),
        index=torch.tensor([item.index for item in items]),
    )
