"""Pictures of a result one after the other, as a moving picture: a file beside the result. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigError

if TYPE_CHECKING:
    from limner.results import Beside, GenerationResult

FRAMES_PER_SECOND = 12.0
GIF_FRAMES_PER_SECOND = 50.0
"""The most that a GIF can have: its unit is a hundredth of a second, and viewers slow down what is shorter than two."""
SUFFIXES = (".gif", ".mp4")


def check_motion(motion: str | None, num_photos: int = 1, *, frames_per_second: float = FRAMES_PER_SECOND) -> None:
    """Refuse what cannot be written, before anything is drawn.

    Args:
        motion: name of the file; none: no moving picture is asked for.
        num_photos: of how many photos one is asked for.
        frames_per_second: of it.

    Raises:
        ConfigError: if it names no file of a known kind, or one file for several photos, or the rate is out of range.
    """
    if motion is None:
        return
    if Path(motion).suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--motion is {motion}; it must end in .gif or .mp4.")
    if num_photos > 1:
        raise ConfigError(f"--motion names one file, but {num_photos} photos were given.")
    _check_rate(Path(motion).suffix, frames_per_second)


def motion_beside(motion: str, directory: Path, *, frames_per_second: float = FRAMES_PER_SECOND) -> Beside:
    """The moving picture as a file beside a result; a bare name lies in its folder."""
    from limner.results import Beside

    path = Path(motion)
    target = path if path.is_absolute() or path.parent != Path() else directory / path
    write = partial(write_motion, suffix=target.suffix, frames_per_second=frames_per_second)
    return Beside(target, {"frames_per_second": frames_per_second}, write, is_medium=True)


def write_motion(
    result: GenerationResult, path: Path, *, suffix: str = "", frames_per_second: float = FRAMES_PER_SECOND
) -> None:
    """Write the pictures one after the other as GIF or MP4 (extra `video`).

    Args:
        result: with the pictures.
        path: of the file.
        suffix: ".gif" or ".mp4", in letters of either size; "": that of the path.
        frames_per_second: from 1 to 120, of a GIF to 50.

    Raises:
        ConfigError: if the rate is out of range.
        DataError, MissingExtraError: as `limner.media.write_video`.
    """
    import numpy as np

    from limner.media import write_video

    suffix = suffix or path.suffix
    _check_rate(suffix, frames_per_second)
    if suffix.lower() == ".gif":
        first, *rest = result.images
        first.save(
            path,
            format="GIF",
            save_all=True,
            append_images=rest,
            duration=gif_durations([1 / frames_per_second] * len(result.images)),
            loop=0,
            comment=result.facts().comment().encode(),
        )
        return
    frames = (np.asarray(image) for image in result.images)
    write_video(path, frames, frames_per_second=frames_per_second, comment=result.facts().comment())


def gif_durations(seconds: Sequence[float]) -> list[int]:
    """How long each frame of a GIF is shown, milliseconds, in its unit of ten.

    What one frame is too long or too short goes to the next, so that the whole has its length.

    Args:
        seconds: how long each shall be shown, a fiftieth at least.
    """
    ends, total = [0], 0.0
    for one in seconds:
        total += one
        ends.append(round(total * 100))
    return [10 * (after - before) for before, after in pairwise(ends)]


def _check_rate(suffix: str, frames_per_second: float) -> None:
    from limner.media import MAX_FPS, MIN_FPS

    most = GIF_FRAMES_PER_SECOND if suffix.lower() == ".gif" else MAX_FPS
    if not MIN_FPS <= frames_per_second <= most:
        of = " of a GIF" if most == GIF_FRAMES_PER_SECOND else ""
        raise ConfigError(
            f"The rate is {frames_per_second:g} pictures a second; that{of} must be {MIN_FPS:g} to {most:g}."
        )
