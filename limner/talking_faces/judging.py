"""Clips as judges see them: frames of a face at one size, 25 a second."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from limner import media
from limner.data.audio import FRAMES_PER_SECOND
from limner.data.config import Fit
from limner.data.transforms import resize_image
from limner.errors import DataError
from limner.inputs import square

MAX_FRAMES = 1_500
"""A minute: of longer clips the first part is judged."""


def read_face_clip(path: str | Path, *, image_size: int, fit: Fit, device: torch.device) -> Float[Tensor, "1 f 3 h w"]:
    """The frames of a video of one face that fills them, in [-1, 1].

    Raises:
        DataError: if it cannot be read, has no frames, or is not square.
        MissingExtraError: without the extra `video`.
    """
    found = islice(media.read_frames(path, frames_per_second=FRAMES_PER_SECOND), MAX_FRAMES)
    frames = [resize_image(square(frame, fit, str(path)), image_size) for frame in found]
    if not frames:
        raise DataError(f"{path} has no frames.")
    return to_frames(np.stack(frames), device)


def to_frames(frames: np.ndarray, device: torch.device) -> Float[Tensor, "1 f 3 h w"]:
    """(f, H, W, 3) uint8 -> a clip in [-1, 1]."""
    return torch.from_numpy(frames.copy()).to(device).permute(0, 3, 1, 2)[None].float() / 127.5 - 1
