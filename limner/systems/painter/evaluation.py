"""How well pictures are painted with a given number of strokes, beside other painters, random strokes and a fit.

Every number is of the exact raster at the networks' size, whatever the painter saw and however large the painting is.
Nothing is published for this task in numbers, so there is no table; the parent painter's figures are read from a plot
and stand in README.md.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from limner.data.datasets.images import PictureCache
from limner.demo import contact_sheet
from limner.engine.ranks import in_shares
from limner.errors import ConfigError, DataError, MissingExtraError
from limner.files import sha256_of
from limner.media import Picture
from limner.metrics.bootstrap import mean_interval
from limner.metrics.features import FeatureNetwork
from limner.metrics.protocol import Measurement, Protocol
from limner.metrics.psnr import PSNR
from limner.metrics.report import EvaluationReport
from limner.metrics.ssim import SSIM
from limner.systems.painter.baselines import fit_strokes, random_strokes
from limner.systems.painter.config import CORRECTION, Follow
from limner.systems.painter.inputs import stroke_numbers
from limner.systems.painter.painting import usual_passes
from limner.systems.painter.pipeline import PainterPipeline
from limner.systems.painter.plots import curves
from limner.systems.painter.results import PaintingResult
from limner.systems.painter.strokes import StrokeDocument, StrokeList
from limner.systems.painter.timelapse import save_gif_of_many
from limner.systems.painter.weight_map import pixel_weights

log = logging.getLogger("limner")

BUDGETS = (50, 100, 200, 500)
"""Numbers of strokes in the tables."""
GOOD_MSE = 0.01
FIT_PICTURES, FIT_BUDGETS = 16, (50,)
"""Gradient descent takes seconds a picture: so many pictures are fitted, with these numbers of strokes."""
_SHEET_ROWS = 6
_BASELINES = ("random", "fit")


@dataclass
class _Column:
    """What was measured of one painter with one number of strokes: name -> one value a picture; NaN = no such value."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def extend(self, other: _Column) -> None:
        """Further pictures."""
        for name, values in other.values.items():
            self.values.setdefault(name, []).extend(values)


@dataclass(frozen=True)
class _Aim:
    """What a painting is compared with, at the networks' size s.

    Attributes:
        target: the picture, (3, s, s) in [0, 1].
        weights: of its pixels, (s, s).
        attention: of its pixels, (s, s).
        top_class: what a classifier sees in the picture; None: there is no classifier.
    """

    target: NDArray[np.float32]
    weights: NDArray[np.float32]
    attention: NDArray[np.float32]
    top_class: int | None = None


@dataclass(frozen=True)
class _Painted:
    """What became of a picture; `pictures` (the picture itself first) and `document` of those on the sheet alone."""

    columns: dict[str, _Column]
    aim: _Aim
    pictures: list[Image.Image]
    document: StrokeDocument | None


def evaluate(
    pipeline: PainterPipeline,
    pictures: PictureCache,
    *,
    features: FeatureNetwork | None = None,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
    budgets: Sequence[int] = BUDGETS,
    follow: Follow = "error",
    correction: float = CORRECTION,
    tiles: Sequence[int] | None = None,
    baselines: Sequence[str] = ("random",),
    beside: Sequence[PainterPipeline] = (),
    vgg16: str | Path | None = None,
    fit_iterations: int = 200,
) -> EvaluationReport:
    """Paint held-out pictures and compare the paintings with them.

    Args:
        pipeline: the weights to evaluate.
        pictures: from `pipeline.open_data`.
        features: a network that knows classes, such as Inception-v3: how often it sees the same class first in a
            painting and in its picture.
        split: pictures to use; "all" for every one.
        num_images: how many of them, from the first; none: all.
        seed: of random strokes and of the bootstrap intervals.
        batch_size: pictures that gradient descent fits together.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.
        budgets: numbers of strokes.
        follow: what strokes follow besides attention, see `PainterPipeline`. "attention" and a correction of 0 show
            what the agents themselves have learned.
        correction: of the strokes' colours.
        tiles: tiles a side of each pass after the first, for all numbers of strokes; none: as in use. () shows what
            painters can do that look at the whole picture alone, as the paper's does.
        baselines: "random" (strokes), "fit" (gradient descent through the renderer; slow, see `FIT_PICTURES`).
        beside: other painters for the same pictures, such as a run of learning-to-paint; all are scored with the
            attention and the weights of `pipeline`.
        vgg16: file with VGG-16's weights, for painters that were trained with its feature mask.
        fit_iterations: steps of the gradient descent.

    Raises:
        ConfigError: if an argument makes no sense here, or there are too few pictures.
        DataError: if there is no such split, or the file of VGG-16 is missing.
    """
    budgets = stroke_numbers(budgets)
    asked = _Asked(split, seed, tuple(budgets), follow, correction, tiles, vgg16, features)
    _refuse_contradictions(asked, (pipeline, *beside), baselines)
    rows = pictures.rows(split)
    count = len(rows) if num_images is None else num_images
    if not 1 <= count <= len(rows):
        raise ConfigError(f"{count} pictures cannot be painted: the split {split} has {len(rows)}.")
    rows = rows[:count]
    others = _named(beside)

    def painted(number: int) -> _Painted:
        image = np.asarray(pictures.images[rows[number]])
        columns: dict[str, _Column] = {}
        result, aim = _paint_timed(pipeline, asked, image=image, columns=columns, name="painter", aim=None)
        for name, other in others.items():
            _paint_timed(other, asked, image=image, columns=columns, name=name, aim=aim)
        if "random" in baselines:
            for budget in budgets:
                strokes = random_strokes(budget, seed=seed + number)
                _score(columns.setdefault(f"random_{budget}", _Column()), strokes, aim, asked.classifier)
        if number >= _SHEET_ROWS:
            return _Painted(columns, aim, [], None)
        attention = [result.overlay("attention")] if pipeline.attends else []
        return _Painted(columns, aim, [Image.fromarray(image), *attention, *result.images], result.documents[-1])

    columns: dict[str, _Column] = {}
    found: list[_Painted] = []
    for one in progress(in_shares(painted, range(count)), total=count, unit="picture", desc="painting"):
        found.append(one)
        for name, column in one.columns.items():
            columns.setdefault(name, _Column()).extend(column)
    aims, shown = [one.aim for one in found], found[:_SHEET_ROWS]
    if "fit" in baselines:
        _fit(pipeline, asked, aims[:FIT_PICTURES], columns, batch_size, fit_iterations)
    painters = {"painter": pipeline, **others, "fit": pipeline}
    protocol = partial(asked.protocol, painters, pipeline.image_size, pictures.fingerprint(rows))
    measurements = _measurements(columns, protocol, seed)
    head = ["picture", *(["attention"] if pipeline.attends else []), *map(str, budgets)]
    return EvaluationReport(
        provenance=pipeline.provenance,
        measurements=measurements,
        sheet=contact_sheet([one.pictures for one in shown], tile=128, column_names=head),
        files=_files(measurements, budgets, shown),
    )


@dataclass(frozen=True)
class _Asked:
    """How pictures are painted and judged; see `evaluate`."""

    split: str
    seed: int
    budgets: tuple[int, ...]
    follow: Follow
    correction: float
    tiles: Sequence[int] | None
    vgg16: str | Path | None
    features: FeatureNetwork | None

    @property
    def classifier(self) -> Callable[[Tensor], int] | None:
        """What tells classes."""
        return None if self.features is None else partial(_top_class, self.features)

    def protocol(
        self,
        painters: Mapping[str, PainterPipeline],
        image_size: int,
        fingerprint: str,
        metric: str,
        painter: str,
        count: int,
    ) -> Protocol:
        """The protocol of a number about one of the painters; random strokes have none."""
        network = painters.get(painter)
        passes = _passes(self.budgets, self.tiles)
        how = f"exact raster, {passes}, strokes follow {self.follow}, correction {self.correction:g}"
        if self.vgg16 is not None:
            how += f", feature mask of VGG-16 ({sha256_of(self.vgg16)[:12]}) for who wants it"
        how += {"psnr": f"; {PSNR().settings}", "ssim": f"; {SSIM().settings}"}.get(metric.partition(",")[0], "")
        if self.features is not None and metric.startswith("same class"):
            features = self.features
            how += f"; class seen first by {features.name} {features.weights} ({features.sha256[:12]})"
        return Protocol(
            metric=metric,
            split=self.split,
            count=count,
            resolution=image_size,
            resize="bilinear",
            antialias=True,
            network="none" if network is None else f"{network.name} {network.weights_name}",
            network_sha256="none" if network is None else network.weights_hash,
            reference="the picture itself",
            data_fingerprint=fingerprint,
            settings=how,
            seeds=(self.seed,),
        )


def _refuse_contradictions(asked: _Asked, painters: Sequence[PainterPipeline], baselines: Sequence[str]) -> None:
    features, vgg16 = asked.features, asked.vgg16
    if features is not None and features.class_scores is None:
        raise ConfigError(
            f"The features {features.name} know no classes that a painting could keep; give --features inception:FILE, "
            "or leave them out."
        )
    if vgg16 is not None and not any(painter.wants_vgg16 for painter in painters):
        raise ConfigError("vgg16 has no effect: no painter here has learned with it; leave it out.")
    if vgg16 is not None and not Path(vgg16).is_file():
        raise DataError(f"The file {vgg16} of VGG-16's weights is missing; numbers with a stand-in would say little.")
    if asked.tiles is not None and not len(asked.tiles) and asked.follow != "error":
        raise ConfigError(f'follow "{asked.follow}" has no effect without passes over tiles; leave it out.')
    for name in baselines:
        if name not in _BASELINES:
            raise ConfigError(f'There is no baseline "{name}"; there are {", ".join(_BASELINES)}.')


def _files(
    measurements: Mapping[str, Measurement],
    budgets: Sequence[int],
    shown: Sequence[_Painted],
) -> dict[str, Callable[[Path], object]]:
    """A time lapse of the pictures on the sheet, and curves where they can be drawn."""
    files: dict[str, Callable[[Path], object]] = {
        "timelapse.gif": partial(
            save_gif_of_many,
            images=[one.pictures[0] for one in shown],
            documents=[one.document for one in shown if one.document is not None],
        )
    }
    try:
        files["curves.png"] = curves(measurements, budgets)
    except MissingExtraError as error:
        log.warning("No curves.png. %s", error)
    return files


def _named(painters: Sequence[PainterPipeline]) -> dict[str, PainterPipeline]:
    """The other painters by their system's name, with a number where there are several of it."""
    names = ["painter", *(painter.name for painter in painters)]
    numbers = [names[: place + 1].count(name) for place, name in enumerate(names)]
    keys = [f"{name}#{number}" if number > 1 else name for name, number in zip(names, numbers, strict=True)]
    return dict(zip(keys[1:], painters, strict=True))


def _paint_timed(
    pipeline: PainterPipeline,
    asked: _Asked,
    *,
    image: NDArray[np.uint8],
    columns: dict[str, _Column],
    name: str,
    aim: _Aim | None,
) -> tuple[PaintingResult, _Aim]:
    """Paint a picture with every number of strokes: the last result, which holds all of them, and what was scored.

    Args:
        pipeline: who paints.
        asked: how it paints.
        image: RGB.
        columns: the scores are added to `name` and each number of strokes.
        name: of the painter.
        aim: what is scored; none: what this painter sees.
    """
    documents, images = [], []
    for budget in asked.budgets:
        started = time.perf_counter()
        result = pipeline(
            image,
            budget,
            follow=asked.follow,
            correction=asked.correction,
            tiles=asked.tiles,
            vgg16=asked.vgg16 if pipeline.wants_vgg16 else None,
        )
        seconds = time.perf_counter() - started
        aim = aim or _aim(result, pipeline.image_size, asked.classifier)
        column = columns.setdefault(f"{name}_{budget}", _Column())
        _score(column, result.documents[0].strokes, aim, asked.classifier)
        column.add(seconds=seconds)
        documents.append(result.documents[0])
        images.append(result.images[0])
    assert aim is not None  # there is at least one number of strokes; tells the type checker
    reached = _strokes_until(documents[-1].strokes, aim)
    columns[f"{name}_{asked.budgets[-1]}"].add(strokes_to_good=float("nan") if reached is None else float(reached))
    result.documents, result.media = documents, [Picture(image) for image in images]
    return result, aim


def _top_class(features: FeatureNetwork, image: Tensor) -> int:
    """The class that a network sees first in a picture (1, 3, height, width) in [-1, 1]."""
    assert features.class_scores is not None  # looked at before
    with torch.no_grad():
        return int(features.class_scores(features(image)).argmax())


def _aim(result: PaintingResult, size: int, classifier: Callable[[Tensor], int] | None) -> _Aim:
    # The same weights for all painters, whatever their rewards weighed.
    attention, features = (torch.from_numpy(result.weight_map[name])[None, None] for name in ("attention", "features"))
    weights = pixel_weights(attention, features, weighting="both")
    small_weights, small_attention = (_at(part[0].numpy(), size)[0] for part in (weights, attention))
    target = _at(result.weight_map["target"], size)
    top_class = None if classifier is None else classifier(torch.from_numpy(target)[None] * 2 - 1)
    return _Aim(target, small_weights, small_attention, top_class)


def _score(column: _Column, strokes: StrokeList, aim: _Aim, classifier: Callable[[Tensor], int] | None) -> None:
    """Add the scores of some strokes on a black canvas."""
    size = aim.target.shape[-1]
    canvas = strokes.paint(np.zeros_like(aim.target))
    square = ((canvas - aim.target) ** 2).mean(axis=0)
    inside = aim.attention > 0.5
    middle = strokes.middles(size)
    on_subject = inside[middle[:, 1], middle[:, 0]]
    radius = strokes.radii.mean(axis=1)
    first, second = (torch.from_numpy(part)[None].double() * 2 - 1 for part in (canvas, aim.target))
    column.add(
        mse=float(square.mean()),
        weighted_distance=float((aim.weights * square).sum() / aim.weights.sum()),
        mse_foreground=_mean(square[inside]),
        mse_background=_mean(square[~inside]),
        psnr=float(PSNR()(first, second)),
        ssim=float(SSIM()(first, second)),
        radius_foreground=_mean(radius[on_subject]),
        radius_background=_mean(radius[~on_subject]),
    )
    if classifier is not None:
        column.add(same_class=float(classifier(first.float()) == aim.top_class))


def _fit(
    pipeline: PainterPipeline,
    asked: _Asked,
    aims: Sequence[_Aim],
    columns: dict[str, _Column],
    batch_size: int,
    iterations: int,
) -> None:
    """Gradient descent on every picture; `ratio` is the painter's squared error by that of the fitted strokes."""
    for budget in sorted(set(asked.budgets) & set(FIT_BUDGETS)) or asked.budgets[:1]:

        def fitted_part(start: int, budget: int = budget) -> _Column:
            part, column = aims[start : start + batch_size], _Column()
            target = torch.from_numpy(np.stack([aim.target for aim in part])).float().to(pipeline.device)
            started = time.perf_counter()
            fitted = fit_strokes(
                target,
                budget,
                pipeline.components["renderer"],
                blank=torch.zeros_like(target),
                iterations=iterations,
            )
            seconds = (time.perf_counter() - started) / len(part)
            for strokes, aim in zip(fitted, part, strict=True):
                _score(column, strokes, aim, asked.classifier)
                column.add(seconds=seconds)
            return column

        column = columns.setdefault(f"fit_{budget}", _Column())
        for found in in_shares(fitted_part, range(0, len(aims), batch_size)):
            column.extend(found)
        painted = columns[f"painter_{budget}"].values["mse"]
        for painter, fit in zip(painted, column.values["mse"], strict=False):  # only the first are fitted
            column.add(ratio=painter / fit)


def _strokes_until(strokes: StrokeList, aim: _Aim) -> int | None:
    """Strokes after which the squared error is at most `GOOD_MSE`; None if it never is."""
    canvas = np.zeros_like(aim.target)
    for number in range(len(strokes)):
        canvas = strokes[number : number + 1].paint(canvas)
        if float(((canvas - aim.target) ** 2).mean()) <= GOOD_MSE:
            return number + 1
    return None


def _measurements(
    columns: dict[str, _Column], protocol: Callable[[str, str, int], Protocol], seed: int
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
                protocol(f"{name.replace('_', ' ')}, {budget} strokes, {painter}", painter, len(values)),
                interval=mean_interval(there, seed=seed) if len(there) > 1 else None,
                note=note,
            )
    return found


def _passes(budgets: Sequence[int], tiles: Sequence[int] | None) -> str:
    """Which budgets are painted in one pass, in words."""
    words = []
    for budget in budgets:
        passes = usual_passes(budget) if tiles is None else list(tiles)
        words.append(f"{budget}: " + ("whole picture" if not passes else f"whole, then tiles {passes}"))
    return "; ".join(words)


def _at(plane: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """(c, s, s) reduced to a smaller side by means of pixels."""
    factor = plane.shape[-1] // size
    return plane.reshape(len(plane), size, factor, size, factor).mean(axis=(2, 4))


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else float("nan")
