"""Files that show strokes: the stroke file itself, pictures, vector graphics, tables and time lapses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from limner.data.image_io import open_picture
from limner.errors import DataError
from limner.files import write_atomically
from limner.provenance import png_info
from limner.systems.painter.strokes import StrokeDocument
from limner.systems.painter.svg import to_svg
from limner.systems.painter.timelapse import num_frames, save_gif, save_video

Writer = Callable[[Path], object]
Wish = tuple[Path, Any]
"""A file, and how it was asked for, plain data."""

OVERLAYS = ("attention", "features", "weights")

_NOTE = "limner:extras"


@dataclass(frozen=True)
class Files:
    """What is written beside pictures and stroke files.

    Attributes:
        svg: vector graphics, exact ("discs") or small ("path").
        csv: a table of strokes.
        gif: a time lapse.
        video: a time lapse as MP4.
        attention: the picture under its attention, feature mask and weights.
        fps: frames a second of the time lapses.
        seconds: their length; none: one frame a stroke.

    Raises:
        ConfigError: if rate or length are out of range.
    """

    svg: Literal["discs", "path"] | None = None
    csv: bool = False
    gif: bool = False
    video: bool = False
    attention: bool = False
    fps: float = 25.0
    seconds: float | None = None

    def __post_init__(self) -> None:
        num_frames(1, fps=self.fps, seconds=self.seconds)  # refuses before anything is painted

    def kinds(self) -> dict[str, str]:
        """Kind -> suffix of each file that is written for a painting."""
        wanted = {"svg": self.svg is not None, "csv": self.csv, "gif": self.gif, "video": self.video}
        suffixes = {"json": ".strokes.json", "svg": ".svg", "csv": ".csv", "gif": ".gif", "video": ".mp4"}
        return {kind: suffix for kind, suffix in suffixes.items() if wanted.get(kind, True)}

    def wishes(self, directory: Path, stem: str, elsewhere: Mapping[str, Path]) -> list[Wish]:
        """Every file that is written for one painting; the arguments are those of `writers`."""
        lapse = [self.fps, self.seconds]
        known = {"json": True, "svg": self.svg, "csv": True, "gif": lapse, "video": lapse}
        return [(place, known[kind]) for kind, place in self.places(directory, stem, elsewhere).items()]

    def places(self, directory: Path, stem: str, elsewhere: Mapping[str, Path]) -> dict[str, Path]:
        """Kind -> path of each file that is written for one painting; the arguments are those of `writers`."""
        return {kind: elsewhere.get(kind, directory / f"{stem}{suffix}") for kind, suffix in self.kinds().items()}

    def writers(
        self, document: StrokeDocument, directory: Path, stem: str, elsewhere: Mapping[str, Path]
    ) -> dict[Path, Writer]:
        """Path -> function that writes it, for one painting.

        Args:
            document: its strokes.
            directory: folder of the files.
            stem: their name.
            elsewhere: kind -> path of files that have a place of their own.
        """
        make: dict[str, Writer] = {
            "json": lambda path: path.write_text(document.to_json(), encoding="utf-8"),
            "svg": lambda path: path.write_text(to_svg(document, style=self.svg or "discs"), encoding="utf-8"),
            "csv": lambda path: path.write_text(document.to_csv(), encoding="utf-8"),
            "gif": lambda path: save_gif(path, document, fps=self.fps, seconds=self.seconds),
            "video": lambda path: save_video(path, document, fps=self.fps, seconds=self.seconds),
        }
        return {place: make[kind] for kind, place in self.places(directory, stem, elsewhere).items()}


def picture_names(name: str, budgets: Sequence[int]) -> list[str]:
    """`NAME.png`, with the number of strokes behind the name where there are several paintings."""
    return [f"{name}.png"] if len(budgets) == 1 else [f"{name}-{budget:04d}.png" for budget in budgets]


def all_wishes(
    files: Files, directory: Path, name: str, budgets: Sequence[int], elsewhere: Mapping[str, Path]
) -> list[Wish]:
    """Every file that is written beside the pictures of a painting; `elsewhere` is of the last picture."""
    stems = [Path(file).stem for file in picture_names(name, budgets)]
    found: list[Wish] = []
    for stem in stems:
        found += files.wishes(directory, stem, elsewhere if stem == stems[-1] else {})
    if files.attention:
        found += [(directory / f"{name}-{key}.png", True) for key in OVERLAYS]
    return found


def noted(wishes: Iterable[Wish], directory: Path) -> dict[str, Any]:
    """Wishes as they are noted with a picture to tell its files from others: paths as seen from its folder."""
    folder = directory.resolve()
    return {Path(os.path.relpath(path.resolve(), folder)).as_posix(): wish for path, wish in wishes}


def save_document(
    document: StrokeDocument,
    picture: Path,
    files: Files,
    elsewhere: Mapping[str, Path],
    *,
    before: Mapping[str, Any] | None = None,
) -> None:
    """Draw strokes again: the picture, which comes last, and what else is asked for.

    Args:
        document: the strokes.
        picture: where it is drawn.
        files: what else is wanted.
        elsewhere: kind -> path of files that have a place of their own.
        before: what `drawn_wishes` found, if these very strokes were drawn there before.

    Raises:
        ConfigError: if the picture would be too large.
        DataError: if a file cannot be written.
        MissingExtraError: if a video is asked for and the package `av` is not installed.
    """
    image = document.redraw()
    place = (picture.parent, picture.stem, elsewhere)
    writers = files.writers(document, *place)
    wishes = {**(before or {}), **noted(files.wishes(*place), picture.parent)}
    writers[picture] = lambda path: image.save(path, format="PNG", pnginfo=_facts(document, wishes))
    write_atomically(writers)


def overlay(document: StrokeDocument, target: Image.Image, share: Image.Image) -> Image.Image:
    """A picture darkened where a map of the plane is small; both are of the plane."""
    dark = Image.eval(target, lambda value: round(0.15 * value))
    return document.crop(Image.composite(target, dark, share), document.size)


def drawn_wishes(picture: Path) -> dict[str, Any]:
    """What `save_document` noted in a picture of the files beside it, as in `noted`; empty for any other file."""
    try:
        with open_picture(picture) as image:
            found = json.loads(image.info.get(_NOTE, "{}"))
    except (DataError, ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _facts(document: StrokeDocument, wishes: Mapping[str, Any]) -> PngInfo:
    return png_info(document.extra, {"extras": wishes}, from_photo=True)
