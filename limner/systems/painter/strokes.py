"""Strokes as data: in painting order, independent of any network, written to and read from JSON, CSV and SVG.

Coordinates are fractions of the side of the *plane*, the square that was painted: x to the right, y down. A picture
that is not square is a `frame` of the plane (fit "letterbox"), or the whole plane pulled to the picture's shape (fit
"stretch"). Floating-point numbers are written so that they are read back to the same bits.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.errors import ConfigError, DataError, nearest, quoted
from limner.files import read_text
from limner.systems.painter.rasterizer import MAX_SIZE, paint_corrected, paint_strokes, unpack_params

Floats = NDArray[np.float64]
Fit = Literal["letterbox", "stretch"]

VERSION = 1
PHASES = ("base", "tile", "focus")
NUM_PARAMS = 13
"""Numbers of a stroke as a network gives it: x0 y0 x1 y1 x2 y2 r0 r2 w0 w2 and the colour (x is the row)."""
MAX_STROKES = 1_000_000
MAX_FILE_BYTES = 768_000_000
"""Of a stroke file; a stroke takes some hundred."""
MAX_PLANE = 8192
"""Largest side in pixels of a plane that is drawn: 67 million pixels, 0.8 GB while it is painted."""

_COLUMNS = {"points": 6, "radii": 2, "alphas": 2, "colors": 3, "clips": 4, "phases": 1, "attention": 1}
_NAMED_COLORS = {"black": (0, 0, 0), "white": (255, 255, 255)}


@dataclass(frozen=True, eq=False)
class StrokeList:
    """n strokes in the order in which they are painted; cut it with `strokes[a:b]`, join lists with `+`.

    Attributes:
        points: (n, 3, 2) start, control point and end as (x, y).
        radii: (n, 2) at start and end.
        alphas: (n, 2) opacity at start and end, in [0, 1].
        colors: (n, 3) RGB in [0, 1].
        clips: (n, 4) x, y, width and height of the box that a stroke may change.
        phases: (n,) index in `PHASES`.
        attention: (n,) attention at the middle of the ends, in [0, 1]; NaN where nobody measured it.
    """

    points: Floats
    radii: Floats
    alphas: Floats
    colors: Floats
    clips: Floats
    phases: NDArray[np.uint8]
    attention: Floats

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, part: slice | NDArray[Any]) -> StrokeList:
        return StrokeList(*(getattr(self, name)[part] for name in _COLUMNS))

    def __add__(self, other: StrokeList) -> StrokeList:
        return StrokeList.join([self, other])

    @classmethod
    def join(cls, parts: Iterable[StrokeList]) -> StrokeList:
        """All strokes of some lists, in their order."""
        parts = [cls.empty(), *parts]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS))

    @classmethod
    def empty(cls) -> StrokeList:
        """No strokes."""
        return cls.from_params(np.zeros((0, NUM_PARAMS)))

    @classmethod
    def from_params(
        cls,
        params: NDArray[Any],
        *,
        origin: tuple[float, float] = (0.0, 0.0),
        side: float = 1.0,
        spill: float = 0.0,
        phase: str = "base",
    ) -> StrokeList:
        """Strokes as a network gives them, on a square part of the plane.

        Args:
            params: (n, 13) in [0, 1]; the control point is relative to the box of the ends, and x is the row.
            origin: (x, y) of the part's corner; strokes are clipped to the part.
            side: of the part.
            spill: how far strokes may run over the part's edges within the plane, in sides of the part.
            phase: a name of `PHASES`.
        """
        params = np.asarray(params, np.float64)
        points, radii, alphas = unpack_params(params[:, :10])
        num = len(params)
        low = np.maximum(np.asarray(origin) - spill * side, 0.0)
        high = np.minimum(np.asarray(origin) + (1 + spill) * side, 1.0)
        return cls(
            points=np.asarray(origin) + side * points,
            radii=side * radii,
            alphas=alphas.copy(),
            colors=params[:, 10:].copy(),
            clips=np.tile(np.array([*low, *(high - low)]), (num, 1)),
            phases=np.full(num, PHASES.index(phase), np.uint8),
            attention=np.full(num, np.nan),
        )

    def to_params(self, *, origin: tuple[float, float] = (0.0, 0.0), side: float = 1.0) -> Floats:
        """The reverse of `from_params`, (n, 13); equal up to rounding. Without length the control point is 0.5."""
        points = (self.points - np.asarray(origin)) / side
        span = points[:, 2] - points[:, 0]
        inside = np.full_like(span, 0.5)
        np.divide(points[:, 1] - points[:, 0], span, out=inside, where=span != 0)
        relative = np.stack([points[:, 0], np.clip(inside, 0, 1), points[:, 2]], axis=1)[..., ::-1]
        return np.concatenate([relative.reshape(-1, 6), 4 * self.radii / side, self.alphas, self.colors], axis=1)

    def middles(self, side: int) -> NDArray[np.int_]:
        """(n, 2) column and row of the middle between the ends, in a square picture of that side."""
        found: NDArray[np.int_] = ((self.points[:, 0] + self.points[:, 2]) / 2 * side).astype(int).clip(0, side - 1)
        return found

    def to_array(self) -> Floats:
        """(n, 19): all numbers of every stroke."""
        parts = [getattr(self, name).reshape(len(self), width) for name, width in _COLUMNS.items()]
        return np.concatenate(parts, axis=1)

    @classmethod
    def from_array(cls, array: NDArray[Any]) -> StrokeList:
        """The reverse of `to_array`, to the same bits."""
        parts = np.split(np.asarray(array, np.float64), np.cumsum(list(_COLUMNS.values()))[:-1], axis=1)
        points, radii, alphas, colors, clips, phases, attention = parts
        return cls(
            points.reshape(-1, 3, 2), radii, alphas, colors, clips, phases[:, 0].astype(np.uint8), attention[:, 0]
        )

    def paint(self, canvas: NDArray[np.float32]) -> NDArray[np.float32]:
        """A copy of a canvas (3, size, size) in [0, 1] with these strokes on it, drawn exactly."""
        canvas = np.array(canvas, np.float32, order="C")
        paint_strokes(canvas, self.points, self.radii, self.alphas, self.colors, self.clips)
        return canvas

    def paint_corrected(
        self,
        canvas: NDArray[np.float32],
        target: NDArray[np.float32],
        *,
        share: float,
        palette: Floats | None = None,
    ) -> tuple[StrokeList, NDArray[np.float32]]:
        """These strokes with better colours for a target, and a copy of the canvas with them on it.

        See `rasterizer.paint_corrected`.
        """
        canvas = np.array(canvas, np.float32, order="C")
        colors = paint_corrected(
            canvas,
            target,
            self.points,
            self.radii,
            self.alphas,
            self.colors,
            self.clips,
            share=share,
            palette=palette,
        )
        return dataclasses.replace(self, colors=colors), canvas


@dataclass(frozen=True, eq=False)
class StrokeDocument:
    """Strokes with what is needed to draw them again: the content of a stroke file.

    Attributes:
        strokes: in painting order.
        size: width and height of the picture in pixels, as it was asked for.
        canvas: RGB bytes of the empty canvas.
        frame: x, y, width and height of the picture in the plane.
        fit: "letterbox" (the frame is cut out) or "stretch" (the plane is pulled to the picture's shape).
        source: name of the picture that was painted.
        renderer: what the painter saw while it painted, "neural" or "exact".
    """

    strokes: StrokeList
    size: tuple[int, int]
    canvas: tuple[int, int, int] = (0, 0, 0)
    frame: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    fit: Fit = "letterbox"
    source: str = ""
    renderer: str = "exact"
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further facts of whoever wrote it, plain data; kept, and never needed."""

    def blank(self, side: int) -> NDArray[np.float32]:
        """The empty plane, (3, side, side) in [0, 1]."""
        color = np.asarray(self.canvas, np.float32)[:, None, None] / np.float32(255)
        return np.ascontiguousarray(np.broadcast_to(color, (3, side, side)))

    def plane_side(self, size: tuple[int, int]) -> int:
        """Side in pixels of the plane from which a picture of that width and height is cut.

        Raises:
            ConfigError: if the picture has no pixel or too many.
        """
        width, height = size
        if not (1 <= width <= MAX_SIZE and 1 <= height <= MAX_SIZE):
            raise ConfigError(f"A picture of {width}x{height} pixels cannot be drawn; sides are from 1 to {MAX_SIZE}.")
        if self.fit == "stretch":
            side = max(width, height)
        else:
            side = max(round(width / self.frame[2]), round(height / self.frame[3]))
        if side > MAX_PLANE:
            raise ConfigError(
                f"A picture of {width}x{height} needs a square of {side} pixels a side; {MAX_PLANE} are allowed."
            )
        return side

    def box(self, side: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom edge of the picture in a plane of `side` pixels."""
        if self.fit == "stretch":
            return 0, 0, side, side
        x, y, width, height = (value * side for value in self.frame)
        left, top = math.floor(x + 0.5), math.floor(y + 0.5)
        return left, top, left + max(1, round(width)), top + max(1, round(height))

    def redraw(self, size: tuple[int, int] | None = None) -> Image.Image:
        """The exact picture at any width and height in pixels; at its own by default.

        Raises:
            ConfigError: if the picture has no pixel or too many.
        """
        size = size or self.size
        plane = self.strokes.paint(self.blank(self.plane_side(size)))
        return self.cut(plane, size)

    def cut(self, plane: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
        """The picture in a painted plane (3, side, side) in [0, 1]."""
        return self.crop(Image.fromarray(to_bytes(plane)), size)

    def crop(self, image: Image.Image, size: tuple[int, int]) -> Image.Image:
        """The same for a picture of the plane."""
        image = image.crop(self.box(image.width))
        if image.size != size:
            image = image.resize(size, Image.Resampling.BOX if image.width > size[0] else Image.Resampling.BICUBIC)
        return image

    def to_json(self) -> str:
        """The text of a stroke file; `from_json` gives the same numbers to the bit."""
        head = {
            "version": VERSION,
            "source": self.source,
            "size": list(self.size),
            "canvas": "#{:02x}{:02x}{:02x}".format(*self.canvas),
            "frame": list(self.frame),
            "fit": self.fit,
            "renderer": self.renderer,
            **self.extra,
        }
        lines = ",\n".join(json.dumps(row, allow_nan=False) for row in _rows(self.strokes))
        return json.dumps(head, allow_nan=False)[:-1] + ',\n"strokes": [\n' + lines + "\n]}\n"

    @classmethod
    def from_json(cls, text: str, *, where: str = "The stroke file") -> StrokeDocument:
        """Read the text of a stroke file.

        Raises:
            DataError: naming `where` and the first thing that is wrong: no JSON, another version, a field that is
                missing or of the wrong kind, a number that is not finite or out of range.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where} is not valid JSON, perhaps cut off: write it again.") from error
        if not isinstance(data, dict) or "strokes" not in data or "version" not in data:
            raise DataError(f'{where} is no stroke file: it must be a JSON object with "version" and "strokes".')
        if data["version"] != VERSION:
            raise DataError(f"{where} has version {quoted(data['version'])}; this Limner reads version {VERSION}.")
        strokes = data["strokes"]
        if not isinstance(strokes, list) or len(strokes) > MAX_STROKES:
            raise DataError(f'{where}: "strokes" must be a list of at most {MAX_STROKES} strokes.')
        known = {"version", "strokes", "source", "size", "canvas", "frame", "fit", "renderer"}
        width, height = _numbers(data, "size", 2, where, low=1, high=MAX_SIZE)
        frame = _numbers(data, "frame", 4, where, default=(0.0, 0.0, 1.0, 1.0))
        if min(frame[2:]) < 1 / MAX_SIZE or frame[0] + frame[2] > 1 + 1e-9 or frame[1] + frame[3] > 1 + 1e-9:
            raise DataError(
                f'{where}: "frame" must be a box inside the plane, at least 1/{MAX_SIZE} a side, not {frame}.'
            )
        fit = data.get("fit", "letterbox")
        if fit not in ("letterbox", "stretch"):
            raise DataError(f'{where}: "fit" is {quoted(fit)}, but must be "letterbox" or "stretch".')
        try:
            canvas = parse_color(str(data.get("canvas", "black")))
        except ConfigError as error:
            raise DataError(f"{where}: {error}") from error
        extra = {key: value for key, value in data.items() if key not in known}
        try:
            json.dumps(extra, allow_nan=False)  # it will be written again
        except ValueError as error:
            raise DataError(
                f'{where}: a field beside "strokes" has a number that is not finite; write null or leave it out.'
            ) from error
        return cls(
            strokes=_read_rows(strokes, where),
            size=(round(width), round(height)),
            canvas=canvas,
            frame=(frame[0], frame[1], frame[2], frame[3]),
            fit=fit,
            source=str(data.get("source", "")),
            renderer=str(data.get("renderer", "exact")),
            extra=extra,
        )

    @classmethod
    def read(cls, path: str | Path) -> StrokeDocument:
        """Read a stroke file.

        Raises:
            DataError: if it cannot be read or is none.
        """
        return cls.from_json(read_text(path, most=MAX_FILE_BYTES), where=str(path))

    def to_csv(self) -> str:
        """One line a stroke, for plotters: pixels of the picture from its upper left corner, colour as #rrggbb."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["i", "phase", "x0", "y0", "x1", "y1", "x2", "y2", "r0", "r2", "a0", "a2", "color"])
        scale = np.array(self.size) / np.array(self.frame[2:])
        for number, stroke in enumerate(_rows(self.strokes)):
            points = ((np.array([stroke["p0"], stroke["p1"], stroke["p2"]]) - self.frame[:2]) * scale).ravel()
            radii = np.array([stroke["r0"], stroke["r2"]]) * scale.mean()
            color = "#{:02x}{:02x}{:02x}".format(*(round(255 * value) for value in stroke["rgb"]))
            rest = [stroke["a0"], stroke["a2"]]
            numbers = [f"{value:.3f}" for value in (*points, *radii, *rest)]
            writer.writerow([number, stroke["phase"], *numbers, color])
        return out.getvalue()

    def compare(self, other: StrokeDocument) -> dict[str, tuple[float, float] | float]:
        """How two paintings differ, such as one before and after a change of settings.

        Returns:
            strokes, radius, opacity: (mine, the other's) number of strokes, mean radius in sides of the plane, mean
                opacity. Each phase has its number of strokes.
            shared: strokes from the first on that are the same in both.
            difference: mean absolute difference of the pictures in [0, 1], the other's drawn at my size.

        Raises:
            ConfigError: if the other cannot be drawn at my size.
        """
        both = (self, other)
        rows = [document.strokes.to_array()[:, :-1] for document in both]  # attention changes no picture
        num = min(map(len, rows))
        same = (rows[0][:num] == rows[1][:num]).all(axis=1)
        mine, its = (np.asarray(document.redraw(self.size), np.float64) / 255 for document in both)

        def pair(measure: Any) -> tuple[float, float]:
            return float(measure(self.strokes)), float(measure(other.strokes))

        return {
            "strokes": pair(len),
            **{
                phase: pair(lambda strokes, index=index: (strokes.phases == index).sum())
                for index, phase in enumerate(PHASES)
            },
            "radius": pair(lambda strokes: strokes.radii.mean() if len(strokes) else 0.0),
            "opacity": pair(lambda strokes: strokes.alphas.mean() if len(strokes) else 0.0),
            "shared": float(num if same.all() else same.argmin()),
            "difference": float(np.abs(mine - its).mean()),
        }

    def replace(self, **changes: Any) -> StrokeDocument:
        """A copy with other fields."""
        return dataclasses.replace(self, **changes)


def parse_color(text: str) -> tuple[int, int, int]:
    """`black`, `white` or `#rrggbb` -> RGB bytes.

    Raises:
        ConfigError: if it is none of them.
    """
    if text in _NAMED_COLORS:
        return _NAMED_COLORS[text]
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise ConfigError(f'The colour "{text}" is unknown: give black, white or #rrggbb, such as #f4efe6.')
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def to_bytes(plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(3, height, width) in [0, 1] -> (height, width, 3) in 0..255, rounded."""
    return np.ascontiguousarray((plane.clip(0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0))


def _rows(strokes: StrokeList) -> Iterable[dict[str, Any]]:
    for number in range(len(strokes)):
        p0, p1, p2 = strokes.points[number].tolist()
        attention = float(strokes.attention[number])
        yield {
            "i": number,
            "phase": PHASES[int(strokes.phases[number])],
            "clip": strokes.clips[number].tolist(),
            "p0": p0,
            "p1": p1,
            "p2": p2,
            "r0": float(strokes.radii[number, 0]),
            "r2": float(strokes.radii[number, 1]),
            "a0": float(strokes.alphas[number, 0]),
            "a2": float(strokes.alphas[number, 1]),
            "rgb": strokes.colors[number].tolist(),
            "attention": None if math.isnan(attention) else attention,
        }


def _read_rows(rows: list[Any], where: str) -> StrokeList:
    array = np.empty((len(rows), sum(_COLUMNS.values())))
    for number, row in enumerate(rows):
        place = f"{where}, stroke {number}"
        if not isinstance(row, dict):
            raise DataError(f"{place} is no JSON object.")
        phase = row.get("phase", "base")
        if phase not in PHASES:
            raise DataError(f"{place} has the phase {quoted(phase)}.{nearest(str(phase), PHASES)}")
        clip = _numbers(row, "clip", 4, place, default=(0.0, 0.0, 1.0, 1.0))
        if min(clip[2:]) <= 0:
            raise DataError(f'{place}: "clip" must have a positive width and height.')
        attention = math.nan if row.get("attention") is None else _numbers(row, "attention", 1, place)[0]
        array[number] = [
            *(value for name in ("p0", "p1", "p2") for value in _numbers(row, name, 2, place)),
            *(_numbers(row, name, 1, place)[0] for name in ("r0", "r2", "a0", "a2")),
            *_numbers(row, "rgb", 3, place),
            *clip,
            PHASES.index(phase),
            attention,
        ]
    return StrokeList.from_array(array)


def _numbers(
    data: Mapping[str, Any],
    name: str,
    count: int,
    where: str,
    *,
    low: float = 0.0,
    high: float = 1.0,
    default: tuple[float, ...] | None = None,
) -> tuple[float, ...]:
    """`count` numbers of a JSON object, checked."""
    if name not in data and default is not None:
        return default
    value = data.get(name)
    values = [value] if count == 1 else value
    if (
        not isinstance(values, list)
        or len(values) != count
        or not all(isinstance(item, int | float) and not isinstance(item, bool) for item in values)
    ):
        raise DataError(f'{where}: "{name}" must be {"a number" if count == 1 else f"a list of {count} numbers"}.')
    for item in values:
        if not low <= item <= high:  # also refuses NaN and infinity
            raise DataError(f'{where}: "{name}" has the value {item}, which is not from {low:g} to {high:g}.')
    return tuple(float(item) for item in values)
