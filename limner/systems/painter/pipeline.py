"""Painting for inference: pictures to strokes, and strokes to every file that somebody may want of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from limner.data.config import Fit as DataFit
from limner.data.datasets.images import PictureCache, open_pictures
from limner.data.image_io import any_picture_from_pil, read_any_picture, read_mask
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, DataError, ShapeError, WeightsError
from limner.files import sha256_of
from limner.inputs import MAX_SEED, read_pixels, whole_number
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import GenerationPlan
from limner.results import GenerationResult, read_result
from limner.systems.painter.config import CORRECTION, Follow
from limner.systems.painter.data import bar, feature_function
from limner.systems.painter.drawing import OVERLAYS, Files, Writer, all_wishes, noted, overlay, picture_names
from limner.systems.painter.networks import (
    NUM_SHAPE,
    Actor,
    AttentionNetwork,
    Critic,
    Discriminator,
    Renderer,
    fingerprint,
)
from limner.systems.painter.painting import (
    MAX_BUDGET,
    MAX_TILES,
    Box,
    Brushwork,
    Networks,
    Plane,
    Prepared,
    check_brushwork,
    choose_palette,
    lay_mask,
    paint_picture,
    prepare,
    resolution,
    usual_passes,
)
from limner.systems.painter.rasterizer import MAX_SIZE
from limner.systems.painter.strokes import Fit, StrokeDocument, StrokeList, parse_color, to_bytes
from limner.systems.painter.weight_map import WeightMap, find_subject

log = logging.getLogger("limner")

ImageInput = Image.Image | NDArray[Any] | Tensor | str | Path
Bytes = NDArray[np.uint8]

DEFAULT_SIZE = 1024
"""Longest side of a painting in pixels where nobody says how large it should be and the picture is larger."""

_SAME_SHAPE = 1 / 64
"""Largest difference of sides, in parts of the longer one, at which a picture is one that was painted before: it may
have been resized, and older stroke files have frames in whole pixels of planes of 64."""


@dataclass
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

    def file_names(self) -> list[str]:
        """`NAME.png`, with the number of strokes behind the name where there are several paintings."""
        return picture_names(str(self.settings["name"]), self.settings["strokes"])

    def save(
        self,
        directory: str | Path,
        *,
        name: str = "result",
        files: Files | None = None,
        paths: dict[str, Path] | None = None,
    ) -> list[Path]:
        """Write pictures, `….strokes.json` and what else `files` asks for; the result's own JSON comes last.

        Args:
            directory: folder, made if missing.
            name: of the result file.
            files: what to write; none: nothing more.
            paths: kind ("json", "svg", "csv", "gif", "video") -> another place for that file of the last painting.

        Raises:
            DataError: if a file cannot be written.
            MissingExtraError: if a video is asked for and the package `av` is not installed.
        """
        directory, paths, files = Path(directory), paths or {}, files or Files()
        facts = {key: self.provenance[key] for key in ("system", "weights", "weights_hash", "limner")}
        writers: dict[Path, Writer] = {}
        stems = [Path(file).stem for file in self.file_names()]
        for stem, document, numbers in zip(stems, self.documents, self.statistics, strict=True):
            complete = document.replace(extra={**facts, "statistics": numbers})
            writers |= files.writers(complete, directory, stem, paths if stem == stems[-1] else {})
        if files.attention:
            for key in OVERLAYS:
                image = self.overlay(key)
                place = directory / f"{self.settings['name']}-{key}.png"
                writers[place] = partial(image.save, format="PNG")
        wishes = all_wishes(files, directory, str(self.settings["name"]), self.settings["strokes"], paths)
        extras = {**self._noted_before(directory / f"{name}.json"), **noted(wishes, directory)}
        return self._save(directory, name, {"extras": extras}, writers)

    def _noted_before(self, path: Path) -> dict[str, Any]:
        """What is noted of files that were written when this very result was saved before."""
        try:
            record = read_result(path)
        except DataError:
            return {}
        same = record["digest"] == self.plan.digest(self.provenance["system"], self.provenance["weights_hash"])
        return dict(record["extras"]) if same and isinstance(record.get("extras"), dict) else {}

    def overlay(self, key: str) -> Image.Image:
        """The picture darkened where "attention", "features" or "weights" are small."""
        share = Image.fromarray((self.weight_map[key] * 255).round().astype(np.uint8))
        return overlay(self.documents[0], Image.fromarray(to_bytes(self.weight_map["target"])), share)


class PainterPipeline(Pipeline):
    """Paints pictures with strokes, the subject first.

    Example:
        >>> painter = limner.load("painter")
        >>> result = painter("photo.jpg", strokes=[50, 200, 500])
        >>> result.save("paintings", files=Files(svg="discs", gif=True))
    """

    name: ClassVar[str] = "painter"
    optional_networks: ClassVar[frozenset[str]] = frozenset({"critic", "discriminator", "foreground"})
    # Each stage of training leaves what it has: only the agent's has all three.
    variant_networks: ClassVar[frozenset[str]] = frozenset({"renderer", "actor", "attention"})

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        self._misses_vgg16 = False
        if "actor" in networks and "renderer" in networks:
            noted = self._actor.config["renderer_hash"]
            if noted not in ("", fingerprint(networks["renderer"])):
                raise WeightsError(
                    f"The actor was trained with another renderer (hash {noted}); put the renderer of its own run here"
                )

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """Renderer, actor and attention, and what only training needs."""
        return {
            "renderer": Renderer,
            "actor": Actor,
            "attention": AttentionNetwork,
            "critic": Critic,
            "discriminator": Discriminator,
            "foreground": Discriminator,
        }

    @property
    def _actor(self) -> Actor:
        if not {"actor", "renderer"} <= set(self.components):
            there = ", ".join(self.components)
            raise WeightsError(
                f"The weights {self.weights_name} cannot paint: they have only {there}, of an early stage of training; "
                "train the agent on top of them."
            )
        actor = self.components["actor"]
        assert isinstance(actor, Actor)  # by `network_classes`; tells the type checker
        return actor

    @property
    def attends(self) -> bool:
        """Whether the actor sees attention and feature mask."""
        return bool(self._actor.config["in_channels"] == 11)

    @property
    def wants_vgg16(self) -> bool:
        """Whether the actor was trained with the feature mask of VGG-16, whose weights come from a file."""
        return bool(self._actor.config["features"] == "vgg16")

    def open_data(
        self, path: str | Path, *, kind: str = "auto", fit: DataFit | None = None, fix_sides: bool = False
    ) -> PictureCache:
        """Any folder of pictures, at four times the networks' size so that tiles have something to show.

        Raises:
            ConfigError: if an option of label maps is given.
            DataError: if the folder has no pictures that can be read.
        """
        for option, is_given in (("kind", kind != "auto"), ("fit", fit is not None), ("fix-sides", fix_sides)):
            if is_given:
                raise ConfigError(f"--{option} is about label maps, which the painter does not read; leave it out.")
        return open_pictures(path, size=4 * self.image_size, fit="crop", progress=bar)

    def export_targets(self) -> dict[str, ExportTarget]:
        """`actor` (state -> strokes), `renderer` (shapes -> opacity), `attention` (image in [0, 1] -> logits)."""
        size = self.image_size
        shapes = {"attention": (3, size, size), "renderer": (NUM_SHAPE,)}
        names = {"actor": ("state", "strokes"), "renderer": ("shape", "opacity"), "attention": ("image", "logits")}
        if "actor" in self.components:
            shapes["actor"] = (int(self._actor.config["in_channels"]), size, size)

        def examples(shape: tuple[int, ...]) -> Callable[[int], tuple[Tensor, ...]]:
            def make(batch: int) -> tuple[Tensor, ...]:
                return (torch.rand(batch, *shape, generator=torch.Generator().manual_seed(batch)).to(self.device),)

            return make

        return {
            name: ExportTarget(self.components[name], (inside,), (outside,), examples(shapes[name]))
            for name, (inside, outside) in names.items()
            if name in self.components
        }

    def __call__(
        self,
        image: ImageInput,
        strokes: int | Sequence[int] = 200,
        *,
        focus: float = 1.0,
        follow: Follow = "error",
        correction: float = CORRECTION,
        tiles: Sequence[int] | None = None,
        overlap: bool = False,
        mask: ImageInput | None = None,
        canvas: str = "black",
        palette: int | None = None,
        size: tuple[int, int] | None = None,
        fit: Fit = "letterbox",
        render: Literal["exact", "neural"] = "exact",
        start: StrokeDocument | None = None,
        vgg16: str | Path | None = None,
        seed: int = 0,
        name: str = "painting",
        progress: Callable[[int], object] = lambda strokes: None,
    ) -> PaintingResult:
        """Paint a picture.

        Args:
            image: a picture of any kind, RGB uint8 array or tensor (height, width, 3), or a path.
            strokes: how many; several numbers give several paintings.
            focus: how strongly strokes follow attention in the passes over tiles: 0 = not at all, 1 = as it is.
            follow: what else they follow there: the "error" that is left, or nothing else ("attention").
            correction: how far each stroke's colour is moved towards the one that leaves the smallest error, from 0
                (the painter's own) to 1; only with `render` "exact".
            tiles: tiles a side of each pass after the first, such as (2, 4); none: as the number of strokes suggests.
            overlap: spend half of those passes on tiles that are shifted by half a side, which hides the tiles' edges.
            mask: the user's own attention, white where the subject is; instead of the network's.
            canvas: colour of the empty canvas: black, white or #rrggbb.
            palette: number of colours that strokes may have; none: any colour.
            size: width and height of the paintings in pixels; none: the picture's, at most 1024 on the longer side.
            fit: keep the shape of a picture that is not square ("letterbox"), or pull it to a square and back
                ("stretch": discs become ellipses).
            render: whether the painter sees what its strokes really look like or what its renderer believes.
            start: strokes to go on from; `strokes` are then added to them, on their canvas and in their frame, which
                must have the picture's shape. With fit "stretch", pictures of any shape have the same frame.
            vgg16: file with VGG-16's weights, for an actor that was trained with its feature mask.
            seed: of the palette; nothing else is random.
            name: of the files.
            progress: called with the number of new strokes, again and again.

        Raises:
            ConfigError: if a number is out of range or a colour unknown.
            DataError: if a file cannot be read.
            ShapeError: if an array is no picture, or a picture has another shape than the strokes in `start`.
            WeightsError: if these weights cannot paint.
        """
        plan = self.plan(
            image,
            strokes,
            focus=focus,
            follow=follow,
            correction=correction,
            tiles=tiles,
            overlap=overlap,
            mask=mask,
            canvas=canvas,
            palette=palette,
            size=size,
            fit=fit,
            render=render,
            start=start,
            vgg16=vgg16,
            seed=seed,
            name=name,
        )
        return self.render(plan, progress=progress)

    def plan(
        self,
        image: ImageInput,
        strokes: int | Sequence[int] = 200,
        *,
        focus: float = 1.0,
        follow: Follow = "error",
        correction: float = CORRECTION,
        tiles: Sequence[int] | None = None,
        overlap: bool = False,
        mask: ImageInput | None = None,
        canvas: str = "black",
        palette: int | None = None,
        size: tuple[int, int] | None = None,
        fit: Fit = "letterbox",
        render: Literal["exact", "neural"] = "exact",
        start: StrokeDocument | None = None,
        vgg16: str | Path | None = None,
        seed: int = 0,
        name: str = "painting",
    ) -> GenerationPlan:
        """The checked inputs of `__call__`; see there."""
        budgets = [whole_number("strokes", budget, 1, MAX_BUDGET) for budget in _listed(strokes)]
        if not budgets or len(set(budgets)) != len(budgets):
            raise ConfigError(f"The numbers of strokes are {budgets}; there must be one or several different ones.")
        if tiles is not None:
            if not isinstance(tiles, Sequence | np.ndarray):
                raise ConfigError(f"tiles is {tiles!r}; it must be a list of whole numbers, such as [2, 4].")
            tiles = [whole_number("A number of tiles", number, 2, MAX_TILES) for number in tiles]
        chosen = [list(tiles) if tiles is not None else usual_passes(budget) for budget in budgets]
        focus, correction = _share("focus", focus), _share("correction", correction)
        seed = whole_number("seed", seed, 0, MAX_SEED)
        _check_word("fit", fit, ("letterbox", "stretch"))
        _check_word("render", render, ("exact", "neural"))
        for budget, passes in zip(budgets, chosen, strict=True):
            check_brushwork(Brushwork(budget, tuple(passes), focus, follow, correction))
        if overlap and not any(chosen):
            raise ConfigError("overlap has no effect without tiles; ask for some or for more strokes, or leave it out.")
        if start is not None:
            canvas, fit = "#{:02x}{:02x}{:02x}".format(*start.canvas), start.fit
        parse_color(canvas)
        pixels = read_picture(image)
        side = self.image_size * max(resolution(passes) for passes in chosen)
        prepared = prepare(pixels, fit, side, frame=None if start is None else _frame(start, pixels))
        if size is None:
            size = start.size if start is not None else _default_size(pixels)
        size = _checked_size(size)
        document = StrokeDocument(StrokeList.empty(), size, frame=prepared.frame, fit=fit)
        document.plane_side(size)  # refuses an impossible size before anything is painted
        conditions: dict[str, NDArray[Any]] = {"image": prepared.target[None]}
        if mask is not None:
            given = _read_mask(mask)
            if given.shape != pixels.shape[:2]:
                sizes = (*given.shape[::-1], *pixels.shape[1::-1])
                log.warning("The mask has %d x %d pixels, the picture %d x %d: the mask is resized.", *sizes)
            conditions["mask"] = lay_mask(given, prepared)[None]
        if palette is not None:
            palette = whole_number("palette", palette, 1, 256)
            conditions["palette"] = choose_palette(pixels, palette, seed=seed)[None]
        if start is not None:
            conditions["strokes"] = start.strokes.to_array()[None]
        settings = {
            "mode": "paint",
            "name": name,
            "strokes": budgets,
            "tiles": chosen,
            "focus": focus,
            "follow": follow,
            "correction": correction,
            "overlap": overlap,
            "canvas": canvas,
            "size": list(size),
            "fit": fit,
            "frame": list(prepared.frame),
            "render": render,
            "features": self._feature_kind(vgg16),
            "vgg16": None if vgg16 is None else str(vgg16),
            "source": Path(image).name if isinstance(image, str | Path) else "",
        }
        if settings["features"] == "vgg16" and vgg16 is not None:
            settings["vgg16_sha256"] = sha256_of(vgg16)
        if len(budgets) > 1:
            settings["columns"] = len(budgets)
        return GenerationPlan([seed] * len(budgets), settings, conditions)

    def render(
        self, plan: GenerationPlan, *, progress: Callable[[int], object] = lambda strokes: None
    ) -> PaintingResult:
        """Paint a plan."""
        settings = plan.settings
        documents: list[StrokeDocument] = []
        statistics: list[dict[str, float]] = []
        with self.inference():
            features = feature_function(settings["features"], settings["vgg16"])
            target = plan.conditions["image"][0]
            weight_map = self._weight_map(target, plan.conditions.get("mask"), features)
            for budget, passes in zip(settings["strokes"], settings["tiles"], strict=True):
                document, numbers = self._paint(plan, weight_map, features, budget, passes, progress)
                documents.append(document)
                statistics.append(numbers)
        return PaintingResult(
            images=[document.redraw() for document in documents],
            plan=plan,
            provenance=self.provenance,
            documents=documents,
            weight_map=weight_map,
            statistics=statistics,
        )

    @torch.no_grad()
    def attention(self, image: Bytes) -> tuple[Plane, str]:
        """Attention (side, side) in [0, 1] for RGB bytes (side, side, 3), and where it comes from."""
        batch = self._unit(image)
        if "attention" in self.components:
            small = self._small(batch)
            found = self.components["attention"](small).float().sigmoid()
            large = nn.functional.interpolate(found, size=image.shape[:2], mode="bilinear", align_corners=False)
            return large[0, 0].cpu().numpy(), "network"
        if not self.attends:
            return np.ones(image.shape[:2], np.float32), "none"
        found = find_subject(self._small(batch))
        large = nn.functional.interpolate(found, size=image.shape[:2], mode="bilinear", align_corners=False)
        return large[0, 0].cpu().numpy(), "saliency"

    def _weight_map(
        self, target: Bytes, mask: NDArray[Any] | None, features: Callable[[Tensor], Tensor]
    ) -> dict[str, Any]:
        if mask is not None:
            attention, source = mask[0].astype(np.float32) / 255, "mask"
        else:
            attention, source = self.attention(target)
        batch = self._unit(target)
        trained = {name: self._actor.config[name] for name in ("weighting", "epsilon", "kappa")}
        given = torch.from_numpy(np.ascontiguousarray(attention))[None, None].to(batch)
        found = WeightMap.of(given, features(batch), source=source, **trained)
        says_nothing = bool(found.is_uniform)
        if says_nothing and mask is not None:
            share = 100 * float(attention.mean())
            log.warning("The mask marks %.0f %% of the picture's square, so all parts of it count alike.", share)
        return {
            "target": batch[0].cpu().numpy(),
            "attention": found.attention[0, 0].cpu().numpy(),
            "features": found.features[0, 0].cpu().numpy(),
            "weights": found.weights[0, 0].cpu().numpy(),
            "source": "none" if says_nothing else found.source,
        }

    def _paint(
        self,
        plan: GenerationPlan,
        weight_map: dict[str, Any],
        features: Callable[[Tensor], Tensor],
        budget: int,
        passes: Sequence[int],
        progress: Callable[[int], object],
    ) -> tuple[StrokeDocument, dict[str, float]]:
        settings = plan.settings
        actor = self._actor
        networks = Networks(actor, self.components["renderer"], self.image_size, self.attends, self.device)
        before = StrokeList.empty()
        if "strokes" in plan.conditions:
            before = StrokeList.from_array(plan.conditions["strokes"][0])
        frame = tuple(settings["frame"])
        prepared = Prepared(plan.conditions["image"][0], (frame[0], frame[1], frame[2], frame[3]), settings["fit"])
        palette = plan.conditions["palette"][0] if "palette" in plan.conditions else None
        exact = settings["render"] == "exact"
        brushwork = Brushwork(
            budget,
            tuple(passes),
            settings["focus"],
            settings["follow"],
            settings["correction"],
            exact,
            palette,
            settings["overlap"],
        )
        document = StrokeDocument(
            before,
            size=(settings["size"][0], settings["size"][1]),
            canvas=parse_color(settings["canvas"]),
            frame=prepared.frame,
            fit=prepared.fit,
            source=settings["source"],
            renderer=settings["render"],
        )
        side = prepared.target.shape[0]
        new, seen = paint_picture(
            networks,
            prepared,
            weight_map["attention"],
            features,
            document.blank(side),
            brushwork,
            before=before,
            progress=progress,
        )
        document = document.replace(strokes=before + new)
        return document, _statistics(document, weight_map, seen)

    def _feature_kind(self, vgg16: str | Path | None) -> str:
        """The feature mask that the actor was trained with; where VGG-16's file is not there, the gradient.

        Raises:
            ConfigError: if a file is named that the actor does not need.
        """
        if not self.wants_vgg16:
            if vgg16 is not None:
                raise ConfigError(f"vgg16 has no effect: {self.weights_name} has learned without it; leave it out.")
            return str(self._actor.config["features"])
        if vgg16 is not None and Path(vgg16).is_file():
            return "vgg16"
        if not self._misses_vgg16:  # said once, not for every picture of a folder
            self._misses_vgg16 = True
            where = "no vgg16 is named" if vgg16 is None else f"{vgg16} is missing"
            log.warning(
                "%s has learned with VGG-16's feature mask, but %s: the gradient stands in.", self.weights_name, where
            )
        return "gradient"

    def _unit(self, image: Bytes) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].to(self.device).float() / 255

    def _small(self, batch: Tensor) -> Tensor:
        size = (self.image_size, self.image_size)
        return batch if batch.shape[-2:] == size else nn.functional.interpolate(batch, size=size, mode="area")


def read_picture(image: ImageInput) -> Bytes:
    """A picture of any kind as RGB bytes (height, width, 3).

    Raises:
        DataError: if a file cannot be read.
        ShapeError: if an array is not (height, width, 3) of uint8.
    """
    if isinstance(image, str | Path):
        return read_any_picture(image)
    if isinstance(image, Image.Image):
        return np.asarray(any_picture_from_pil(image))
    return read_pixels(image)[0]


def _read_mask(mask: ImageInput) -> Bytes:
    if isinstance(mask, str | Path):
        return read_mask(mask)
    if isinstance(mask, Image.Image):
        return np.asarray(any_picture_from_pil(mask, where="The mask").convert("L"))
    if isinstance(mask, Tensor):
        mask = mask.detach().cpu().numpy()
    if not isinstance(mask, np.ndarray):
        raise ShapeError(f"A mask cannot be a {type(mask).__name__}; give a file, a PIL picture or a uint8 array.")
    if mask.ndim != 2 or mask.dtype != np.uint8 or 0 in mask.shape:
        raise ShapeError(f"A mask array must be (height, width) of uint8, not {mask.shape} of {mask.dtype}.")
    return mask


def _frame(start: StrokeDocument, pixels: Bytes) -> Box:
    """The frame of strokes to go on from.

    Raises:
        ShapeError: if they were painted on a picture of another shape.
    """
    height, width = pixels.shape[:2]
    across, down = start.frame[2:]
    shape, found = (np.array(sides) / max(sides) for sides in ((across, down), (width, height)))
    if start.fit == "letterbox" and np.abs(shape - found).max() > _SAME_SHAPE:
        raise ShapeError(
            f"The picture is {width}x{height} pixels, but the strokes to go on from are of a picture "
            f"{across / down:.3g} times as wide as it is high; give that picture, or one cut to its shape."
        )
    return start.frame


def _listed(numbers: int | Sequence[int]) -> list[Any]:
    """One number or several as a list."""
    return list(numbers) if isinstance(numbers, Sequence | np.ndarray) and np.ndim(numbers) else [numbers]


def _share(name: str, value: Any) -> float:
    """Raises: ConfigError if it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ConfigError(f"{name} is {value!r}; it must be a number from 0 to 1.")
    return float(value)


def _check_word(name: str, word: str, words: Sequence[str]) -> None:
    """Raises: ConfigError if a word is not one of those."""
    if word not in words:
        raise ConfigError(f"{name} is {word!r}; it must be one of {', '.join(words)}.")


def _checked_size(size: Sequence[int]) -> tuple[int, int]:
    """Raises: ConfigError if it is not a width and a height in pixels."""
    if not isinstance(size, Sequence | np.ndarray) or len(size) != 2:
        raise ConfigError(f"size is {size!r}; it must be a width and a height in pixels, such as (640, 480).")
    width, height = (whole_number("A side of size", side, 1, MAX_SIZE) for side in size)
    return width, height


def _default_size(pixels: Bytes) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    scale = min(1.0, DEFAULT_SIZE / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _statistics(document: StrokeDocument, weight_map: dict[str, Any], seen: Plane) -> dict[str, float]:
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
