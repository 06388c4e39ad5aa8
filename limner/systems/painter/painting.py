"""Painting one picture: a pass over the whole of it, then finer passes over tiles, most where attention is.

The base pass and the passes over tiles are those of the parent painter's program, which gives each half of the strokes;
more strokes for finer passes, strokes where attention and the error that is left are, colours that are corrected on the
canvas (docs/decisions/0014), and the interleaving that lets the subject sharpen first, are ours. All works on the
*plane*, a square that holds the picture (see `strokes`). `plane` arrays are (3, side, side) float32 in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from limner.errors import ConfigError, quoted
from limner.systems.painter.config import CORRECTION, Follow
from limner.systems.painter.environment import Scene, paint, resized
from limner.systems.painter.networks import NUM_PARAMS, Actor
from limner.systems.painter.strokes import Fit, StrokeList
from limner.systems.painter.weight_map import usable_attention

Plane = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Box = tuple[float, float, float, float]

MAX_BUDGET = 100_000
"""Largest number of strokes of one painting."""
MAX_TILES = 16
"""Largest number of tiles a side in one pass."""
FINEST = 8
"""Largest number of tiles a side that is chosen without being asked for."""
SPILL = 0.125
"""How far the strokes of a tile may run over its edges, in sides of a tile, where the painter sees what comes of it."""
LEAST_STROKES = 3
"""Mean strokes of a tile from which on a pass is worth its strokes (docs/decisions/0013)."""
UNATTENDED = 0.3
"""What an error where nobody looks counts beside one at full attention: as in the reward of the small agent."""
THINNEST = 1 / 1024
"""Least width or height of a frame, so that the plane of a picture of one row is not too large to be drawn."""


@dataclass(frozen=True)
class Prepared:
    """A picture laid on the plane.

    Attributes:
        target: (side, side, 3) RGB bytes.
        frame: x, y, width and height of the picture in the plane, fractions of its side.
        fit: how the picture came to be square.
    """

    target: Bytes
    frame: Box
    fit: Fit


@dataclass(frozen=True)
class Brushwork:
    """How a picture is painted.

    Attributes:
        budget: number of strokes.
        passes: tiles a side of each pass after the base pass. A pass has strokes in proportion to its tiles a side, the
            base pass those of a single tile.
        focus: how strongly the strokes of the tile passes follow attention: 0 = not at all.
        follow: what else they follow: the "error" that is left in a tile, or nothing ("attention").
        correction: how far each stroke's colour is moved towards the one that leaves the smallest error, from 0 (the
            painter's own) to 1; only where the painter sees the exact canvas.
        exact: let the painter see what its strokes really look like, not what its renderer believes.
        palette: (n, 3) colours in [0, 1] that strokes may have; none: all.
        overlap: spend half of each pass over tiles on tiles that are shifted by half a side and so paint
            over the edges of the others.
    """

    budget: int
    passes: tuple[int, ...] = ()
    focus: float = 1.0
    follow: Follow = "error"
    correction: float = CORRECTION
    exact: bool = True
    palette: NDArray[np.float64] | None = None
    overlap: bool = False


@dataclass(frozen=True)
class Grid:
    """Parts of the plane that are painted together.

    Attributes:
        tiles: a tile's side is that part of the plane's.
        shifted: by half a tile to the right and down; there is one row and column less then.
    """

    tiles: int
    shifted: bool = False

    @property
    def per_side(self) -> int:
        """Tiles in a row."""
        return self.tiles - self.shifted

    def corner(self, index: int, side: int) -> tuple[int, int]:
        """Row and column of a tile's first pixel in a plane of `side` pixels; tiles are numbered row by row."""
        tile = side // self.tiles
        row, column = divmod(index, self.per_side)
        return row * tile + tile // 2 * self.shifted, column * tile + tile // 2 * self.shifted

    def means(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Means of (side, side) over each tile, (per_side, per_side)."""
        tile = values.shape[-1] // self.tiles
        (row, column), length = self.corner(0, values.shape[-1]), tile * self.per_side
        inside = values[row : row + length, column : column + length]
        return inside.reshape(self.per_side, tile, self.per_side, tile).mean(axis=(1, 3), dtype=np.float64)


@dataclass(frozen=True)
class Networks:
    """What paints: the actor, its renderer, and the size they know."""

    actor: Actor
    renderer: nn.Module
    image_size: int
    attends: bool
    device: torch.device

    @property
    def bundle(self) -> int:
        """Strokes of one action."""
        return self.actor.num_strokes


def resolution(passes: Sequence[int]) -> int:
    """How many times finer than the networks' pictures the plane must be, so that tiles of all passes fit.

    Raises:
        ConfigError: if it would be more than `MAX_TILES`.
    """
    for tiles in passes:
        if not 2 <= tiles <= MAX_TILES:
            raise ConfigError(f"A pass of {tiles} x {tiles} tiles is not possible; tiles are from 2 to {MAX_TILES}.")
    finest = math.lcm(*passes)
    if finest > MAX_TILES:
        raise ConfigError(f"Passes of {', '.join(map(str, passes))} tiles do not fit together; take 2,4 or 2,4,8.")
    return finest


def usual_passes(budget: int) -> list[int]:
    """Passes over tiles for a number of strokes: ever finer ones, while each of their tiles gets enough strokes."""
    passes: list[int] = []
    while (tiles := 2 ** (len(passes) + 1)) <= FINEST:
        share = tiles / sum((1, *passes, tiles))
        if budget * share < LEAST_STROKES * tiles**2:
            break
        passes.append(tiles)
    return passes


def prepare(image: Bytes, fit: Fit, side: int, *, frame: Box | None = None) -> Prepared:
    """Lay a picture (height, width, 3) on a plane of `side` pixels.

    "letterbox" keeps its shape and continues it by mirroring at its edges; "stretch" pulls it to a square.

    Args:
        image: RGB.
        fit: how the picture becomes square.
        side: of the plane; the frame does not depend on it, so that a painting may go on with finer passes.
        frame: where to lay the picture instead of into the middle.
    """
    if frame is None:
        height, width = image.shape[:2]
        longest = max(height, width)
        across, down = (1.0 if fit == "stretch" else max(THINNEST, value / longest) for value in (width, height))
        frame = ((1 - across) / 2, (1 - down) / 2, across, down)
    return Prepared(_laid(image, frame, side, outside="symmetric"), frame, fit)


def lay_mask(mask: Bytes, prepared: Prepared) -> Bytes:
    """A mask (height, width) on the plane of a prepared picture; 0 outside of the picture."""
    return _laid(mask, prepared.frame, prepared.target.shape[0], outside="constant")


def _laid(image: Bytes, frame: Box, side: int, *, outside: Literal["symmetric", "constant"]) -> Bytes:
    """A picture (height, width, ...) pulled to a frame of a plane (side, side, ...), whose edges may part pixels."""
    pads, margins, box = [], [], []
    x, y, width, height = frame
    for pixels, start, length in ((image.shape[0], y, height), (image.shape[1], x, width)):
        first = math.floor(start * side + 1e-9)
        last = min(side, math.ceil((start + length) * side - 1e-9))
        # Where the frame begins within a pixel, the picture is continued by what the rest of the pixel holds.
        low, high = ((place - start * side) * pixels / (length * side) for place in (first, last))
        before, after = (max(0, math.ceil(overhang - 1e-6)) for overhang in (-low, high - pixels))
        pads.append((before, after))
        margins.append((first, side - last))
        box.append(np.clip((low + before, high + before), 0, before + pixels + after).tolist())
    rest = [(0, 0)] * (image.ndim - 2)
    (top, bottom), (left, right) = box
    inner = Image.fromarray(np.pad(image, [*pads, *rest], mode="symmetric")).resize(
        (side - sum(margins[1]), side - sum(margins[0])), Image.Resampling.BILINEAR, box=(left, top, right, bottom)
    )
    return np.pad(np.asarray(inner), [*margins, *rest], mode=outside)


def distribute(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers with the sum `total`, in proportion to weights: largest remainders, earlier ones first."""
    scale = sum(weights)
    shares = [total * weight / scale for weight in weights]
    counts = [math.floor(share) for share in shares]
    order = sorted(range(len(shares)), key=lambda index: (counts[index] - shares[index], index))
    for index in order[: total - sum(counts)]:
        counts[index] += 1
    return counts


def tile_weights(
    attention: Plane,
    frame: tuple[float, float, float, float],
    grid: Grid,
    focus: float,
    *,
    error: NDArray[np.floating[Any]] | None = None,
) -> list[float]:
    """How many strokes each tile gets in proportion to the others, row by row; 0 for tiles outside of the picture.

    Without `error` the weight of a tile is (1 - focus) + focus * mean attention (Huang and Gong: more strokes where
    attention is). With it, the root of the mean of error * ((1 - focus) + focus * (e + (1 - e) * attention)), where e
    is `UNATTENDED` (docs/decisions/0014).

    Args:
        attention: (side, side) in [0, 1].
        frame: the picture's place in the plane.
        grid: the tiles.
        focus: from 0 (attention says nothing) to 1.
        error: (side, side) squared error that is left.
    """
    side = attention.shape[-1]
    inside = np.zeros((side, side))
    x, y, width, height = frame
    inside[
        math.floor(y * side) : math.ceil((y + height) * side - 1e-9),
        math.floor(x * side) : math.ceil((x + width) * side - 1e-9),
    ] = 1
    shares = grid.means(inside)
    counts = attention if error is None else UNATTENDED + (1 - UNATTENDED) * attention
    weights = (1 - focus) + focus * counts
    if error is not None:
        weights = weights * error
    means = grid.means(weights * inside) / np.maximum(shares, 1e-9)
    if error is not None:
        means = np.sqrt(means)
    return ((shares > 0) * means * shares + 1e-9 * (shares > 0)).ravel().tolist()


def share_out(budget: int, weights: Sequence[float], bundle: int) -> list[int]:
    """Strokes of each tile: whole actions of `bundle` strokes in proportion to weights, the rest where most is due.

    An action is planned as a whole; half of one paints what the other half was to correct.
    """
    counts = [bundle * number for number in distribute(budget // bundle, weights)]
    counts[max(range(len(weights)), key=weights.__getitem__)] += budget % bundle
    return counts


def paint_picture(
    networks: Networks,
    prepared: Prepared,
    attention: Plane,
    features: Callable[[Tensor], Tensor],
    canvas: Plane,
    brushwork: Brushwork,
    *,
    before: StrokeList | None = None,
    progress: Callable[[int], object] = lambda strokes: None,
) -> tuple[StrokeList, Plane]:
    """Paint with an exact number of strokes.

    Args:
        networks: who paints.
        prepared: the picture; its plane's side is `image_size` times `resolution(passes)`.
        attention: (side, side) in [0, 1].
        features: RGB in [0, 1] -> feature mask in [0, 1].
        canvas: blank plane of that side.
        brushwork: how.
        before: strokes that are on the canvas already.
        progress: called with the number of new strokes after each action.

    Returns:
        The new strokes with the attention under each, and the canvas as the painter saw it at the end.

    Raises:
        ConfigError: if the number of strokes or of tiles is out of range.
    """
    check_brushwork(brushwork)
    before = before if before is not None else StrokeList.empty()
    budgets = distribute(brushwork.budget, [1, *brushwork.passes])
    easel = _Easel(networks, prepared, attention, features, canvas, brushwork, before, progress)
    easel.work(budgets[0], Grid(1), "base")
    for tiles, budget in zip(brushwork.passes, budgets[1:], strict=True):
        phase = "focus" if brushwork.focus > 0 else "tile"
        shifted = budget // 2 if brushwork.overlap else 0
        easel.work(budget - shifted, Grid(tiles), phase)
        easel.work(shifted, Grid(tiles, shifted=True), phase)
    return StrokeList.join(easel.parts), easel.seen


class _Easel:
    """The state of one painting: what is on the canvas, and what the painter believes is on it."""

    def __init__(
        self,
        networks: Networks,
        prepared: Prepared,
        attention: Plane,
        features: Callable[[Tensor], Tensor],
        canvas: Plane,
        brushwork: Brushwork,
        before: StrokeList,
        progress: Callable[[int], object],
    ) -> None:
        self.networks, self.brushwork, self.progress = networks, brushwork, progress
        self.target = np.ascontiguousarray(prepared.target.transpose(2, 0, 1), np.float32) / np.float32(255)
        self.frame, self.attention, self.features = prepared.frame, attention, features
        self.seen = before.paint(canvas)
        self.parts: list[StrokeList] = []

    def work(self, budget: int, grid: Grid, phase: str) -> None:
        """One pass: `budget` strokes over the tiles of the plane."""
        if budget == 0:
            return
        counts = [budget]
        if grid.tiles > 1:
            counts = self._counts(budget, grid)
        places = [index for index, count in enumerate(counts) if count]
        means = grid.means(self.attention).ravel()
        places.sort(key=lambda index: (-means[index], index))  # the subject first
        left = {index: counts[index] for index in places}
        scenes = {index: self._scene(index, grid) for index in places}
        seen = self._seen_at(grid)
        canvases = {index: self._part(seen, index, grid) for index in places}
        total = {index: math.ceil(count / self.networks.bundle) for index, count in left.items()}
        for step in range(max(total.values())):
            active = [index for index in places if left[index]]
            params, believed = self._act(
                [scenes[index] for index in active],
                torch.stack([canvases[index] for index in active]),
                [step / total[index] for index in active],
            )
            for index, row, after in zip(active, params, believed, strict=True):
                count = min(self.networks.bundle, left[index])
                left[index] -= count
                side = self.target.shape[-1]
                top, start = grid.corner(index, side)
                origin = (start / side, top / side)
                spill = SPILL if self.brushwork.exact else 0.0
                new = StrokeList.from_params(row[:count], origin=origin, side=1 / grid.tiles, spill=spill, phase=phase)
                if self.brushwork.exact:
                    new, self.seen = new.paint_corrected(
                        self.seen, self.target, share=self.brushwork.correction, palette=self.brushwork.palette
                    )
                else:
                    canvases[index] = after[count - 1]
                    self._keep_belief(after[count - 1], index, grid)
                self._note(new)
            if self.brushwork.exact:
                seen = self._seen_at(grid)
                canvases.update({index: self._part(seen, index, grid) for index in active})

    def _counts(self, budget: int, grid: Grid) -> list[int]:
        """Strokes of each tile."""
        weights = partial(tile_weights, self.attention, self.frame, grid, self.brushwork.focus)
        if self.brushwork.follow == "attention":
            return distribute(budget, weights())
        left = np.square(self.seen - self.target).mean(axis=0)
        return share_out(budget, weights(error=left), self.networks.bundle)

    def _act(self, scenes: list[Scene], canvases: Tensor, progress: list[float]) -> tuple[NDArray[np.float64], Tensor]:
        """The actor's next strokes for some tiles, (tiles, strokes, 13), and the canvases that it expects after each.

        It expects nothing where it will see the exact ones.
        """
        networks = self.networks
        scene = Scene(*(torch.cat([getattr(s, name) for s in scenes]) for name in ("target", "attention", "features")))
        times = torch.tensor(progress, device=networks.device)
        action = networks.actor(scene.state([canvases], times, attends=networks.attends)).float()
        rows = action.view(len(scenes), -1, NUM_PARAMS)
        if self.brushwork.palette is not None and not self.brushwork.exact:  # else colours are chosen last
            palette = torch.tensor(self.brushwork.palette).to(rows)
            nearest = torch.cdist(rows[..., 10:], palette[None].expand(len(rows), -1, -1)).argmin(dim=-1)
            rows = torch.cat([rows[..., :10], palette[nearest]], dim=-1)
        believed = canvases[:, None]
        if not self.brushwork.exact:
            believed = torch.stack(paint(canvases, rows.flatten(1), networks.renderer)[1], dim=1)
        return rows.double().cpu().numpy(), believed

    def _note(self, new: StrokeList) -> None:
        """Add strokes to the list, with the attention under the middle of their ends."""
        middle = new.middles(self.attention.shape[-1])
        new = StrokeList(**{**vars(new), "attention": self.attention[middle[:, 1], middle[:, 0]].astype(np.float64)})
        self.parts.append(new)
        self.progress(len(new))

    def _keep_belief(self, believed: Tensor, index: int, grid: Grid) -> None:
        """Write the renderer's canvas of a tile into the plane, enlarged to the plane's resolution."""
        part = self.seen.shape[-1] // grid.tiles
        pixels = _scaled(believed.cpu().numpy(), part)
        row, column = grid.corner(index, self.seen.shape[-1])
        self.seen = self.seen.copy()
        self.seen[:, row : row + part, column : column + part] = pixels

    def _seen_at(self, grid: Grid) -> Plane:
        """The canvas at the resolution of a pass."""
        return _scaled(self.seen, self.networks.image_size * grid.tiles)

    def _part(self, plane: Plane, index: int, grid: Grid) -> Tensor:
        size = self.networks.image_size
        row, column = grid.corner(index, size * grid.tiles)
        part = np.ascontiguousarray(plane[..., row : row + size, column : column + size])
        return torch.from_numpy(part).to(self.networks.device)

    def _scene(self, index: int, grid: Grid) -> Scene:
        """Target, attention and features of a tile."""
        side = self.networks.image_size * grid.tiles
        target = self._part(_scaled(self.target, side), index, grid)[None]
        attention = self._part(_scaled(self.attention[None], side), index, grid)[None]
        # In training, attention of a whole picture is replaced where it says nothing, but that of a cut square is not.
        # Measured with the shipped weights, neither is better (README.md), so what they were judged by stays.
        return Scene(target, usable_attention(attention)[0], self.features(target))


def _scaled(plane: Plane, side: int) -> Plane:
    """(c, s, s) at another side."""
    if plane.shape[-1] == side:
        return plane
    return resized(torch.from_numpy(np.ascontiguousarray(plane))[None], side)[0].numpy()


def check_brushwork(brushwork: Brushwork) -> None:
    """Raises: ConfigError if the strokes, the focus, the correction or the passes are out of range or unknown."""
    if not 1 <= brushwork.budget <= MAX_BUDGET:
        raise ConfigError(f"{brushwork.budget} strokes cannot be painted; the number must be from 1 to {MAX_BUDGET}.")
    if not 0 <= brushwork.focus <= 1:
        raise ConfigError(f"The focus is {brushwork.focus}; it must lie in [0, 1].")
    if not 0 <= brushwork.correction <= 1:
        raise ConfigError(f"The correction is {brushwork.correction}; it must lie in [0, 1].")
    if brushwork.follow not in get_args(Follow):
        raise ConfigError(f"follow is {quoted(brushwork.follow)}; it must be one of {', '.join(get_args(Follow))}.")
    resolution(brushwork.passes)


def choose_palette(image: Bytes, num: int, *, seed: int = 0) -> NDArray[np.float64]:
    """`num` colours (num, 3) in [0, 1] that describe a picture best: k-means on its pixels.

    Raises:
        ConfigError: if `num` is out of range.
    """
    if not 1 <= num <= 256:
        raise ConfigError(f"A palette of {num} colours is not possible; it must have 1 to 256.")
    random = np.random.default_rng(seed)
    flat = image.reshape(-1, 3)
    pixels = flat[random.permutation(len(flat))[:4096]] / 255.0
    centres = pixels[:1]
    for _ in range(num - 1):  # the farthest pixel first: dark and bright colours are not averaged away
        distance = ((pixels[:, None] - centres) ** 2).sum(-1).min(axis=1)
        centres = np.concatenate([centres, pixels[[distance.argmax()]]])
    for _ in range(20):
        nearest = ((pixels[:, None] - centres) ** 2).sum(-1).argmin(axis=1)
        for index in range(num):
            if (nearest == index).any():
                centres[index] = pixels[nearest == index].mean(axis=0)
    return centres
