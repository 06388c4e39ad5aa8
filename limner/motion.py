"""Pictures of a result one after the other, as a moving picture: a file beside the result. No torch."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigError

if TYPE_CHECKING:
    from limner.results import Beside, GenerationResult

FRAMES_PER_SECOND = 12.0
SUFFIXES = (".gif", ".mp4")


def check_motion(motion: str | None, num_photos: int = 1) -> None:
    """Raises: ConfigError if `--motion` names no file of a known kind, or one file for several photos."""
    if motion is not None and Path(motion).suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--motion is {motion}; it must end in .gif or .mp4.")
    if motion is not None and num_photos > 1:
        raise ConfigError(f"--motion names one file, but {num_photos} photos were given.")


def motion_beside(motion: str, directory: Path, *, frames_per_second: float = FRAMES_PER_SECOND) -> Beside:
    """The moving picture as a file beside a result; a bare name lies in its folder."""
    from limner.results import Beside

    path = Path(motion)
    target = path if path.is_absolute() or path.parent != Path() else directory / path
    write = partial(write_motion, frames_per_second=frames_per_second)
    return Beside(target, {"frames_per_second": frames_per_second}, write, is_medium=True)


def write_motion(result: GenerationResult, path: Path, *, frames_per_second: float = FRAMES_PER_SECOND) -> None:
    """Write the pictures one after the other as GIF or MP4 (extra `video`); temporary names have the suffix inside.

    Raises:
        ConfigError: if the rate is out of range.
        DataError, MissingExtraError: as `limner.media.write_video`.
    """
    import numpy as np

    from limner.media import MAX_FPS, MIN_FPS, write_video

    if not MIN_FPS <= frames_per_second <= MAX_FPS:
        raise ConfigError(
            f"The rate is {frames_per_second:g} pictures a second; it must be {MIN_FPS:g} to {MAX_FPS:g}."
        )
    if ".gif" in path.name:
        first, *rest = result.images
        first.save(
            path,
            format="GIF",
            save_all=True,
            append_images=rest,
            duration=round(1000 / frames_per_second),
            loop=0,
            comment=result.facts().comment().encode(),
        )
        return
    frames = (np.asarray(image) for image in result.images)
    write_video(path, frames, frames_per_second=frames_per_second, comment=result.facts().comment())
