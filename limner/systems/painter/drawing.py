"""Files that show strokes: the stroke file itself, pictures, vector graphics, tables and time lapses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image

from limner.media import Picture
from limner.plan import GenerationPlan
from limner.results import Beside
from limner.systems.painter.strokes import StrokeDocument
from limner.systems.painter.svg import to_svg
from limner.systems.painter.timelapse import num_frames, save_gif, save_video

if TYPE_CHECKING:
    from limner.systems.painter.results import PaintingResult

OVERLAYS = ("attention", "features", "weights")


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

    def beside(
        self, plan: GenerationPlan, directory: Path, elsewhere: Mapping[str, Path] = MappingProxyType({})
    ) -> list[Beside]:
        """The files of all paintings of a plan.

        Args:
            plan: whose files are named.
            directory: folder of the files.
            elsewhere: kind ("json", "svg", "csv", "gif", "video") -> another place for that file of the last painting.
        """
        found: list[Beside] = []
        stems = [item.name for item in plan.items]
        for index, stem in enumerate(stems):
            places = elsewhere if index == len(stems) - 1 else {}
            for kind, (suffix, asked, write) in self._wanted().items():
                place = places.get(kind, directory / f"{stem}{suffix}")
                found.append(Beside(place, asked, partial(_write, write, index)))
        if self.attention:
            for key in OVERLAYS:
                place = directory / f"{plan.settings['name']}-{key}.png"
                found.append(Beside(place, True, partial(_write_overlay, key)))
        return found

    def _wanted(self) -> dict[str, tuple[str, Any, Callable[[Path, StrokeDocument], object]]]:
        """Kind -> suffix, how it is asked for, and what writes it."""
        lapse: dict[str, Any] = {"fps": self.fps, "seconds": self.seconds}
        known: dict[str, tuple[str, Any, Callable[[Path, StrokeDocument], object]]] = {
            "json": (".strokes.json", True, lambda path, document: _write_text(path, document.to_json())),
            "svg": (
                ".svg",
                self.svg,
                lambda path, document: _write_text(path, to_svg(document, style=self.svg or "discs")),
            ),
            "csv": (".csv", True, lambda path, document: _write_text(path, document.to_csv())),
            "gif": (".gif", [self.fps, self.seconds], partial(save_gif, **lapse)),
            "video": (".mp4", [self.fps, self.seconds], partial(save_video, **lapse)),
        }
        wanted = {"svg": self.svg is not None, "csv": self.csv, "gif": self.gif, "video": self.video}
        return {kind: one for kind, one in known.items() if wanted.get(kind, True)}


def painting_names(name: str, budgets: Sequence[int]) -> list[str]:
    """Names of paintings without suffix, with the number of strokes behind them where there are several."""
    return [name] if len(budgets) == 1 else [f"{name}-{budget:04d}" for budget in budgets]


def overlay(document: StrokeDocument, target: Image.Image, share: Image.Image) -> Image.Image:
    """A picture darkened where a map of the plane is small; both are of the plane."""
    dark = Image.eval(target, lambda value: round(0.15 * value))
    return document.crop(Image.composite(target, dark, share), document.size)


def _write(write: Callable[[Path, StrokeDocument], object], index: int, result: PaintingResult, path: Path) -> None:
    write(path, result.document(index))


def _write_overlay(key: str, result: PaintingResult, path: Path) -> None:
    Picture(result.overlay(key)).write(path, result.facts(shows=key))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
