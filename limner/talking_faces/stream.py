"""Talking videos of any length: frames are made while the file is written, a few in memory at a time."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from limner.data.audio import FRAMES_PER_SECOND, SAMPLE_RATE_HZ
from limner.errors import MissingExtraError
from limner.media import Frame, Picture, write_video
from limner.provenance import Facts
from limner.talking_faces.sound import FRAME_SAMPLES
from limner.tasks import progress_bar

MAX_SHOWN_FRAMES = 750
"""Of a notebook's preview."""


@dataclass(frozen=True, eq=False)
class SpokenClip:
    """A `limner.media.Media` whose frames are drawn anew each time that they are asked for.

    Attributes:
        name: what a progress bar calls it.
        samples: (n,) int16 at 16 kHz: what is heard.
        draw: gives all frames, (height, width, 3) uint8 RGB, in order.
        pipeline: that draws them.
    """

    name: str
    samples: npt.NDArray[np.int16]
    draw: Callable[[], Iterator[Frame]]
    pipeline: Any
    suffix: ClassVar[str] = ".mp4"

    @property
    def num_frames(self) -> int:
        """Length."""
        return len(self.samples) // FRAME_SAMPLES

    def write(self, path: Path, facts: Facts) -> None:
        """See `Media`.

        Raises:
            ShapeError, DataError, MissingExtraError: as `limner.media.write_video`.
        """
        with progress_bar(self.num_frames, unit="frame", desc=self.name) as progress:

            def counted() -> Iterator[Frame]:
                for frame in self.draw():
                    yield frame
                    progress(1)

            write_video(
                path,
                counted(),
                frames_per_second=FRAMES_PER_SECOND,
                waveform=self.samples,
                sample_rate_hz=SAMPLE_RATE_HZ,
                comment=facts.comment(),
            )

    def still(self) -> Image.Image:
        """One of the first frames: later ones cannot be had without those before."""
        frames = self.draw()
        frame = next(frames)
        for _ in range(min(8, self.num_frames - 1)):
            frame = next(frames)
        frames.close()  # type: ignore[attr-defined]
        return Image.fromarray(frame)

    def to_html(self) -> str:
        """See `Media`; a picture where the clip is long or no video can be written."""
        if self.num_frames > MAX_SHOWN_FRAMES:
            return Picture(self.still()).to_html()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.mp4"
            try:
                self.write(path, Facts({}))
            except MissingExtraError:
                return Picture(self.still()).to_html()
            data = base64.b64encode(path.read_bytes()).decode()
        return f'<video controls loop src="data:video/mp4;base64,{data}"></video>'
