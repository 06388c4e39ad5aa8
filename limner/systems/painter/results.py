"""Paintings: pictures with their strokes, and the files that show them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from PIL import Image

import limner
from limner.files import at_home
from limner.media import Picture
from limner.mode import Mode, Renders
from limner.plan import GenerationPlan
from limner.results import Beside, GenerationResult
from limner.systems.painter.drawing import Files, overlay
from limner.systems.painter.painting import Plane
from limner.systems.painter.strokes import StrokeDocument, to_bytes

P = ParamSpec("P")
S = TypeVar("S", bound=Renders)


@dataclass(repr=False)
class PaintingResult(GenerationResult):
    """Paintings of one picture with different numbers of strokes.

    Attributes:
        documents: the strokes of each painting.
        weight_map: attention, features and weights of the picture, (side, side) each in [0, 1], and `source`. The
            weights are those of the agent's own reward.
        statistics: of each painting: errors under both renderers, brush inside and outside the subject.
    """

    documents: list[StrokeDocument] = field(default_factory=list)
    weight_map: dict[str, Any] = field(default_factory=dict)
    statistics: list[dict[str, float]] = field(default_factory=list)

    def save(
        self,
        directory: str | Path,
        *,
        name: str = "result",
        beside: Sequence[Beside] = (),
        replace: bool = False,
        files: Files | None = None,
        paths: dict[str, Path] | None = None,
    ) -> list[Path]:
        """Write pictures, `….strokes.json` and what else `files` asks for; the result's own JSON comes last.

        Args:
            directory: folder, made if missing.
            name: of the result file.
            beside: further files, instead of those of `files` and `paths`.
            replace: also files of the same names that Limner did not make.
            files: what to write beside the pictures; none: their strokes.
            paths: kind ("json", "svg", "csv", "gif", "video") -> another place for that file of the last painting.

        Raises:
            DataError: if a file cannot be written, or one is in the way that Limner did not make.
            MissingExtraError: if a video is asked for and the package `av` is not installed.
        """
        directory = at_home(directory)
        elsewhere = {kind: at_home(path) for kind, path in (paths or {}).items()}
        wanted = beside or (files or Files()).beside(self.plan, directory, elsewhere)
        return super().save(directory, name=name, beside=wanted, replace=replace)

    def document(self, index: int) -> StrokeDocument:
        """The strokes of a painting, with what a stroke file says of how it came about."""
        if not self.statistics:
            return self.documents[index]
        facts = {key: self.provenance[key] for key in ("system", "weights", "weights_hash", "limner")}
        return self.documents[index].replace(extra={**facts, "statistics": self.statistics[index]})

    def overlay(self, key: str) -> Image.Image:
        """The picture darkened where "attention", "features" or "weights" are small."""
        share = Image.fromarray((self.weight_map[key] * 255).round().astype(np.uint8))
        return overlay(self.documents[0], Image.fromarray(to_bytes(self.weight_map["target"])), share)


def painting(function: Callable[Concatenate[S, P], GenerationPlan]) -> Mode[S, P, PaintingResult]:
    """`limner.mode.mode` of what paints."""
    return Mode(function)


def redrawn(document: StrokeDocument, name: str) -> PaintingResult:
    """Strokes drawn again, without any network.

    Raises:
        ConfigError: if the picture would be too large.
    """
    text = document.to_json().encode()
    settings = {"mode": "redraw", "size": list(document.size), "strokes_sha256": hashlib.sha256(text).hexdigest()}
    made_by = {key: str(document.extra.get(key, "unknown")) for key in ("system", "weights", "weights_hash")}
    plan = GenerationPlan([None], settings, {}, names=[name], from_photo=True)
    provenance = {**made_by, "limner": limner.__version__}
    return PaintingResult([Picture(document.redraw())], plan, provenance, documents=[document])


def statistics_of(document: StrokeDocument, weight_map: dict[str, Any], seen: Plane) -> dict[str, float]:
    """Errors on the picture's part of the plane, and the mean brush inside and outside the subject."""
    target, attention = weight_map["target"], weight_map["attention"]
    side = target.shape[-1]
    left, top, right, bottom = document.box(side)
    shown = (slice(top, bottom), slice(left, right))
    square = ((document.strokes.paint(document.blank(side)) - target) ** 2).mean(axis=0)[shown]
    inside, weights = attention[shown] > 0.5, weight_map["weights"][shown]
    numbers = {
        "mse": float(square.mean()),
        "mse_as_seen": float(((seen - target) ** 2).mean(axis=0)[shown].mean()),
        "weighted_distance": float((weights * square).sum() / weights.sum()),
    }
    for name, part in (("foreground", inside), ("background", ~inside)):
        if part.any():
            numbers[f"mse_{name}"] = float(square[part].mean())
    noted = np.nan_to_num(document.strokes.attention, nan=0.0) > 0.5
    radius = document.strokes.radii.mean(axis=1)
    for name, chosen in (("foreground", noted), ("background", ~noted)):
        numbers[f"strokes_{name}"] = float(chosen.sum())
        if chosen.any():
            numbers[f"radius_{name}"] = float(radius[chosen].mean())
    return numbers
