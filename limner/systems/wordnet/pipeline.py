"""Inference of the lip reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from limner.data.spec import DataSpec
from limner.errors import ShapeError, WeightsError
from limner.inputs import checked_images, whole_number
from limner.pipelines import ExportTarget, Pipeline
from limner.systems.wordnet.networks import Reading, WordNetwork
from limner.talking_faces.data import known_words
from limner.talking_faces.judging import read_face_clip

MIN_FRAMES = 5
"""Fewer are no word."""


class WordNetPipeline(Pipeline):
    """Says which word a mouth speaks, and where its points are.

    Example:
        >>> reader = limner.load("wordnet")
        >>> reader("clip.mp4", top=5)
    """

    name: ClassVar[str] = "wordnet"
    suffix: ClassVar[str] = ".json"

    def __init__(self, *, spec: DataSpec, size: Any, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        self.words = known_words(spec)
        if self.config("reader")["num_words"] != len(self.words):
            raise WeightsError(
                f"The reader tells {self.config('reader')['num_words']} words apart, but its description names "
                f"{len(self.words)}: they are of two trainings."
            )

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The only network."""
        return {"reader": WordNetwork}

    def __call__(self, clip: str | Path, *, top: int | None = None) -> dict[str, Any]:
        """Read a video of one aligned face that speaks one word.

        Args:
            clip: a video; its frames are brought to 25 a second.
            top: how many words to name; none: five, or all if there are fewer.

        Returns:
            `words`: a list of {"word", "share"}; `frames`: their number; `each_frame`: the word of each frame.

        Raises:
            ConfigError: if `top` is out of range.
            DataError: if the clip cannot be read.
        """
        frames = read_face_clip(clip, image_size=self.image_size, fit=self.fit, device=self.device)
        return self.words_of(frames, top=top)

    def words_of(self, frames: Tensor, *, top: int | None = None) -> dict[str, Any]:
        """The same of a clip (1, f, 3, h, w) in [-1, 1]; without `top`, five words, or all if there are fewer.

        Raises:
            ConfigError: if `top` is out of range.
            ShapeError: as `read`.
        """
        num = min(5, len(self.words)) if top is None else whole_number("top", top, 1, len(self.words))
        reading = self.read(frames)
        shares = reading.logits[0].float().mean(dim=0).softmax(dim=0)
        best = shares.argsort(descending=True)[:num].tolist()
        return {
            "words": [{"word": self.words[one], "share": round(float(shares[one]), 4)} for one in best],
            "frames": frames.shape[1],
            "each_frame": [self.words[one] for one in reading.logits[0].argmax(dim=1).tolist()],
        }

    def read(self, frames: Tensor) -> Reading:
        """Logits of `words` and points of the mouth in every frame of clips (b, f, 3, h, w) in [-1, 1].

        Raises:
            ShapeError: if they are no clips, the frames are not square, or there are fewer than five.
        """
        frames = checked_images(frames, "frames", shape="(b, f, 3, h, w)")
        if frames.shape[1] < MIN_FRAMES or frames.shape[3] != frames.shape[4]:
            raise ShapeError(
                f"Clips of {frames.shape[1]} frames of {frames.shape[3]}x{frames.shape[4]} cannot be read; it takes "
                f"{MIN_FRAMES} square frames at least."
            )
        with self.inference():
            reading: Reading = self.components["reader"](frames, True)
        return reading

    def export_targets(self) -> dict[str, ExportTarget]:
        """`reader` (frames -> logits), of clips of 16 frames."""
        size, device = self.image_size, self.device

        def example(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            return (torch.rand(batch, 16, 3, size, size, generator=random).to(device) * 2 - 1,)

        return {"reader": ExportTarget(self.components["reader"], ("frames",), ("logits",), example)}
