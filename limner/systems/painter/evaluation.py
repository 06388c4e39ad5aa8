"""How well pictures are painted with a given number of strokes, beside random strokes.

Every number is of the exact raster at the networks' size, whatever the painter saw and however large the painting is.
Nothing is published for this task in numbers, so there is no table; the parent painter's figures are read from a plot
and stand in README.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from limner.data.datasets.images import PictureCache
from limner.demo import contact_sheet
from limner.errors import ConfigError
from limner.metrics.bootstrap import mean_interval
from limner.metrics.protocol import Measurement, Protocol
from limner.metrics.psnr import PSNR
from limner.metrics.report import EvaluationReport
from limner.metrics.ssim import SSIM
from limner.systems.painter.baselines import fit_strokes, random_strokes
from limner.systems.painter.painting import prepare
from limner.systems.painter.pipeline import PainterPipeline, PaintingResult
from limner.systems.painter.strokes import StrokeDocument, StrokeList

BUDGETS = (50, 100, 200, 500)
"""Numbers of strokes in the tables."""
GOOD_MSE = 0.01
_SHEET_ROWS = 6
_BASELINES = ("random", "fit")


@dataclass
class _Column:
    """What was measured of one painter with one number of strokes: name -> one value a picture; NaN = no such value."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)


def evaluate(
    pipeline: PainterPipeline,
    pictures: PictureCache,
    *,
    judge: None = None,
    features: None = None,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    table: str | None = None,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
    budgets: Sequence[int] = BUDGETS,
    baselines: Sequence[str] = ("random",),
    fit_iterations: int = 200,
) -> EvaluationReport:
    """Paint held-out pictures and compare the paintings with them.

    Args:
        pipeline: the weights to evaluate.
        pictures: from `pipeline.open_data`.
        judge: must be None: the picture itself is the judge.
        features: must be None.
        split: pictures to use; "all" for every one.
        num_images: how many of them, from the first; none: all.
        seed: of random strokes and of the bootstrap intervals.
        batch_size: pictures that gradient descent fits together.
        table: must be None: nothing is published in numbers.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.
        budgets: numbers of strokes.
        baselines: "random" (strokes), "fit" (gradient descent through the renderer; slow).
        fit_iterations: steps of the gradient descent.

    Raises:
        ConfigError: if an argument makes no sense here, or there are too few pictures.
        DataError: if there is no such split.
    """
    if judge is not None or features is not None:
        raise ConfigError("Paintings are compared with their pictures; leave --judge and --features out.")
    if table is not None:
        raise ConfigError(f'The painter has no published table, so --table "{table}" has nothing to show.')
    for name in baselines:
        if name not in _BASELINES:
            raise ConfigError(f'There is no baseline "{name}"; there are {", ".join(_BASELINES)}.')
    rows = pictures.rows(split)
    count = len(rows) if num_images is None else num_images
    if not 1 <= count <= len(rows) or not budgets:
        raise ConfigError(f"{count} pictures cannot be painted: the split {split} has {len(rows)}.")
    rows = rows[:count]
    columns: dict[str, _Column] = {}
    sheet: list[list[Image.Image]] = []
    for number, row in enumerate(progress(rows, total=count, unit="picture", desc="painting")):
        image = np.asarray(pictures.images[row])
        result = _paint_timed(pipeline, image, budgets, columns)
        if "random" in baselines:
            for budget in budgets:
                strokes = random_strokes(budget, seed=seed + number)
                _score(columns.setdefault(f"random_{budget}", _Column()), strokes, result, pipeline.image_size)
        if number < _SHEET_ROWS:
            attention = result.overlay("attention")
            sheet.append([Image.fromarray(image), *([attention] if pipeline.attends else []), *result.images])
    if "fit" in baselines:
        _fit(pipeline, [np.asarray(pictures.images[row]) for row in rows], budgets, columns, batch_size, fit_iterations)

    def protocol(metric: str) -> Protocol:
        return Protocol(
            metric=metric,
            split=split,
            count=count,
            resolution=pipeline.image_size,
            resize="bilinear",
            antialias=True,
            network=f"{pipeline.name} {pipeline.weights_name}",
            network_sha256=pipeline.weights_hash,
            reference="the picture itself",
            data_fingerprint=pictures.fingerprint(rows),
            settings=f"exact raster, {_passes(pipeline, budgets)}",
            seeds=(seed,),
        )

    names = [str(budget) for budget in budgets]
    head = ["picture", *(["attention"] if pipeline.attends else []), *names]
    return EvaluationReport(
        provenance=pipeline.provenance,
        measurements=_measurements(columns, protocol, seed),
        sheet=contact_sheet(sheet, tile=128, column_names=head),
    )


def _paint_timed(
    pipeline: PainterPipeline, image: NDArray[np.uint8], budgets: Sequence[int], columns: dict[str, _Column]
) -> PaintingResult:
    """Paint a picture with every number of strokes; the last result holds all of them."""
    documents, images = [], []
    for budget in budgets:
        started = time.perf_counter()
        result = pipeline(image, budget)
        seconds = time.perf_counter() - started
        column = columns.setdefault(f"painter_{budget}", _Column())
        _score(column, result.documents[0].strokes, result, pipeline.image_size)
        column.add(seconds=seconds)
        documents.append(result.documents[0])
        images.append(result.images[0])
    reached = _strokes_until(documents[-1], image, pipeline.image_size)
    columns[f"painter_{budgets[-1]}"].add(strokes_to_good=float("nan") if reached is None else float(reached))
    result.documents, result.images = documents, images
    return result


def _score(column: _Column, strokes: StrokeList, result: PaintingResult, size: int) -> None:
    """Add the scores of some strokes for the picture of a result."""
    document = result.documents[0]
    target = _at(result.weight_map["target"], size)
    weights, attention = (_at(result.weight_map[name][None], size)[0] for name in ("weights", "attention"))
    canvas = strokes.paint(document.blank(size))
    square = ((canvas - target) ** 2).mean(axis=0)
    inside = attention > 0.5
    middle = ((strokes.points[:, 0] + strokes.points[:, 2]) / 2 * size).astype(int).clip(0, size - 1)
    on_subject = inside[middle[:, 1], middle[:, 0]]
    radius = strokes.radii.mean(axis=1)
    first, second = (torch.from_numpy(part)[None].double() * 2 - 1 for part in (canvas, target))
    column.add(
        mse=float(square.mean()),
        weighted_distance=float((weights * square).sum() / weights.sum()),
        mse_foreground=_mean(square[inside]),
        mse_background=_mean(square[~inside]),
        psnr=float(PSNR()(first, second)),
        ssim=float(SSIM()(first, second)),
        radius_foreground=_mean(radius[on_subject]),
        radius_background=_mean(radius[~on_subject]),
    )


def _fit(
    pipeline: PainterPipeline,
    images: Sequence[NDArray[np.uint8]],
    budgets: Sequence[int],
    columns: dict[str, _Column],
    batch_size: int,
    iterations: int,
) -> None:
    """Gradient descent on every picture; scored by squared error alone."""
    size = pipeline.image_size
    for budget in budgets:
        column = columns.setdefault(f"fit_{budget}", _Column())
        for start in range(0, len(images), batch_size):
            planes = [prepare(image, "letterbox", size).target for image in images[start : start + batch_size]]
            target = torch.from_numpy(np.stack(planes)).permute(0, 3, 1, 2).float().to(pipeline.device) / 255
            started = time.perf_counter()
            fitted = fit_strokes(
                target,
                budget,
                pipeline.components["renderer"],
                blank=torch.zeros_like(target),
                iterations=iterations,
            )
            seconds = (time.perf_counter() - started) / len(planes)
            for strokes, plane in zip(fitted, target.cpu().numpy(), strict=True):
                canvas = strokes.paint(np.zeros_like(plane))
                column.add(mse=float(((canvas - plane) ** 2).mean()), seconds=seconds)


def _strokes_until(document: StrokeDocument, image: NDArray[np.uint8], size: int) -> int | None:
    """Strokes after which the squared error is at most `GOOD_MSE`; None if it never is."""
    target = prepare(image, document.fit, size).target.transpose(2, 0, 1).astype(np.float32) / 255
    canvas = document.blank(size)
    for number in range(len(document.strokes)):
        canvas = document.strokes[number : number + 1].paint(canvas)
        if float(((canvas - target) ** 2).mean()) <= GOOD_MSE:
            return number + 1
    return None


def _measurements(
    columns: dict[str, _Column], protocol: Callable[[str], Protocol], seed: int
) -> dict[str, Measurement]:
    """`<painter>_<budget>_<name>` -> mean over pictures with its interval."""
    found = {}
    for key, column in columns.items():
        painter, _, budget = key.rpartition("_")
        for name, values in column.values.items():
            tensor = torch.tensor(values, dtype=torch.float64)
            there = tensor[tensor.isfinite()]
            note = "" if len(there) == len(tensor) else f"{len(there)} of {len(tensor)} pictures have this value"
            found[f"{key}_{name}"] = Measurement(
                float(there.mean()) if len(there) else float("nan"),
                protocol(f"{name.replace('_', ' ')}, {budget} strokes, {painter}"),
                interval=mean_interval(there, seed=seed) if len(there) > 1 else None,
                note=note,
            )
    return found


def _passes(pipeline: PainterPipeline, budgets: Sequence[int]) -> str:
    """Which budgets are painted in one pass, in words."""
    words = []
    for budget in budgets:
        tiles = pipeline.default_tiles(budget)
        words.append(f"{budget}: " + ("whole picture" if not tiles else f"whole, then tiles {tiles}"))
    return "; ".join(words)


def _at(plane: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """(c, s, s) reduced to a smaller side by means of pixels."""
    factor = plane.shape[-1] // size
    return plane.reshape(len(plane), size, factor, size, factor).mean(axis=(2, 4))


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else float("nan")
