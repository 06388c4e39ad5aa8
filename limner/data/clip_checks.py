"""What is wrong with the sound of clips: silence, cut peaks, another length, speech that does not fit the mouth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from limner.data.clips import Clip, FrameLabels

SILENT = 1e-3
"""Louder than this at no sample."""
FULL_SCALE = 0.97
"""Louder samples lie at the end of the range; speech has hardly any."""
CLIPPED_SHARE = 0.01
"""Share of samples at the end of the range from which a recording is taken for overdriven."""
MAX_LAG = 8
"""Frames by which sound may be early or late."""
MIN_SHIFT = 3
"""Smaller shifts are not told from chance: mouths open before they are heard."""
MIN_USUAL = 0.4
"""Median correlation of a set's mouths and loudness below which nothing is said of single clips."""
MIN_GAIN = 0.4
"""How much better a shifted clip fits when it is moved back; of 90 clips of people-talking, none of which is shifted,
99 % gain less."""
MISFIT = 0.2
"""A clip whose correlation is, at all lags, a smaller share of the set's median does not fit its mouth; 99 % of the
same clips have more."""
MAX_DIFFERENCE = 2
"""Frames by which sound and frames may differ in length."""
_LOUDNESS_DB = 40.0  # below the loudest part everything counts as silence

Values = npt.NDArray[np.float64]


@dataclass
class ClipFindings:
    """What the clips seen so far have; names of clips."""

    silent: list[str] = field(default_factory=list)
    clipped: list[str] = field(default_factory=list)
    lengths: list[str] = field(default_factory=list)
    curves: dict[str, Values] = field(default_factory=dict)
    """Correlation of mouth and loudness at lags from -`MAX_LAG` on; above 0: the sound is late."""
    sounds: dict[bytes, str] = field(default_factory=dict)
    same: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, clip: Clip, labels: FrameLabels | None) -> None:
        """Look at one clip."""
        loud = np.abs(clip.waveform)
        if float(loud.max(initial=0)) < SILENT:
            self.silent.append(name)
            return
        if float((loud > FULL_SCALE).mean()) > CLIPPED_SHARE:
            self.clipped.append(name)
        other = self.sounds.setdefault(hashlib.sha256(clip.waveform.tobytes()).digest(), name)
        if other != name:
            self.same.append((other, name))
        sound_frames = len(clip.waveform) * clip.audio.frames_per_second / clip.audio.sample_rate_hz
        if abs(sound_frames - len(clip.frames)) > MAX_DIFFERENCE:
            self.lengths.append(f"{name}: {len(clip.frames)} frames, sound of {sound_frames:.0f}")
        mouth = mouth_motion(clip.frames) if labels is None else labels.mouth_opening[: len(clip.frames)]
        curve = lag_curve(np.asarray(mouth, dtype=np.float64), loudness(clip, len(mouth)))
        if curve is not None:
            self.curves[name] = curve

    def warnings(self) -> list[str]:
        """A sentence for each kind of fault."""
        shifted, foreign = self.misfits()
        found = [
            (self.silent, "Silent clips"),
            (self.clipped, "Overdriven clips, the peaks of whose sound are cut off"),
            (self.lengths, "Clips whose sound is of another length than their frames"),
            (shifted, "Clips whose sound is early or late"),
            (foreign, "Clips whose sound does not fit the mouth, as if it was of another clip"),
            ([f"{a} = {b}" for a, b in self.same], "Clips with the sound of another clip"),
        ]
        texts = [f"{what}: {len(names)} ({some(names)})." for names, what in found if names]
        if self.says_something and abs(self.usual_lag) >= MIN_SHIFT:
            texts.append(
                f"The sound of the clips together is {self.usual_lag:+d} frames late: move it, or their frames."
            )
        return texts

    @property
    def usual_lag(self) -> int:
        """Frames by which sound is late in most clips."""
        return int(np.argmax(np.mean(list(self.curves.values()), axis=0))) - MAX_LAG

    @property
    def says_something(self) -> bool:
        """Whether mouths and loudness go together in most clips."""
        return self.usual_best >= MIN_USUAL

    @property
    def usual_best(self) -> float:
        """Median over the clips of their largest correlation; 0 without clips."""
        return float(np.median([float(curve.max()) for curve in self.curves.values()])) if self.curves else 0.0

    def misfits(self) -> tuple[list[str], list[str]]:
        """Clips whose sound is shifted, and clips whose sound is of something else; none where mouths tell nothing."""
        if not self.says_something:
            return [], []
        usual = self.usual_lag + MAX_LAG
        shifted, foreign = [], []
        for name, curve in self.curves.items():
            best, lag = float(curve.max()), int(np.argmax(curve)) - usual
            near = float(curve[max(0, usual - MIN_SHIFT + 1) : usual + MIN_SHIFT].max())
            if best < MISFIT * self.usual_best:
                foreign.append(name)
            elif abs(lag) >= MIN_SHIFT and best - near > MIN_GAIN:
                shifted.append(f"{name} by {lag:+d} frames")
        return shifted, foreign


def loudness(clip: Clip, num_frames: int) -> Values:
    """Of each frame, in [0, 1]: decibels of its energy above a floor."""
    step = clip.audio.sample_rate_hz / clip.audio.frames_per_second
    edges = np.minimum((np.arange(num_frames + 1) * step).astype(int), len(clip.waveform))
    parts = [clip.waveform[start:end].astype(np.float64) for start, end in pairwise(edges.tolist())]
    energy = [float(np.square(part).mean()) if len(part) else 0.0 for part in parts]
    decibels = 10 * np.log10(np.maximum(np.array(energy), 1e-12))
    return np.asarray(np.clip(1 + (decibels - decibels.max()) / _LOUDNESS_DB, 0, 1))


def mouth_motion(frames: npt.NDArray[np.uint8]) -> Values:
    """How much the middle of the lower half changes about each frame, for clips of which no opening is known."""
    height, width = frames.shape[1:3]
    part = frames[:, height // 2 : height * 15 // 16, width // 4 : width * 3 // 4].astype(np.float32).mean(axis=3)
    change = np.abs(np.diff(part, axis=0)).mean(axis=(1, 2))
    return np.asarray(np.convolve(np.append(change[:1], change), np.ones(3) / 3, mode="same"), np.float64)


def lag_curve(mouth: Values, sound: Values) -> Values | None:
    """Pearson's correlation at each lag; none where a clip is too short, or mouth or sound do not change."""
    if len(mouth) < 3 * MAX_LAG or mouth.std() < 1e-9 or sound.std() < 1e-9:
        return None
    found = []
    for lag in range(-MAX_LAG, MAX_LAG + 1):
        one = mouth[max(0, -lag) : len(mouth) - max(0, lag)]
        other = sound[max(0, lag) : len(sound) - max(0, -lag)]
        spread = float(one.std() * other.std())
        found.append(float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 1e-9 else 0.0)
    return np.array(found)


def some(names: Sequence[str], num: int = 5) -> str:
    """The first names, and a sign that there are more."""
    return ", ".join(names[:num]) + (", …" if len(names) > num else "")
