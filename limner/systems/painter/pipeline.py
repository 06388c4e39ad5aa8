"""Painting for inference: pictures to strokes, and strokes to every file that somebody may want of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner import hub
from limner.data.config import Fit as DataFit
from limner.data.datasets.images import PictureCache, open_pictures
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, ShapeError, WeightsError
from limner.files import at_home, checked_name, reason, sha256_of
from limner.inputs import whole_number
from limner.media import Picture
from limner.mode import plan_of
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import MAX_SEED, Condition, GenerationPlan
from limner.systems.painter.config import CORRECTION, Follow
from limner.systems.painter.data import bar, feature_function
from limner.systems.painter.drawing import painting_names
from limner.systems.painter.inputs import (
    Bytes,
    ImageInput,
    check_brushworks,
    check_word,
    checked_size,
    default_size,
    frame_of,
    name_of,
    passes_of,
    read_any_mask,
    read_picture,
    share,
    stroke_numbers,
)
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
    Brushwork,
    Networks,
    Plane,
    Prepared,
    choose_palette,
    lay_mask,
    paint_picture,
    prepare,
    resolution,
)
from limner.systems.painter.results import PaintingResult, painting, statistics_of
from limner.systems.painter.strokes import Fit, StrokeDocument, StrokeList, parse_color
from limner.systems.painter.weight_map import WeightMap, find_subject, usable_attention

log = logging.getLogger("limner")


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
    unit: ClassVar[str] = "stroke"

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        self._misses_vgg16 = False
        self._vgg16_files: dict[str, Path] = {}
        """SHA-256 -> file of VGG-16's weights that was named; plans hold the hash alone, as they travel."""
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

    @painting
    def __call__(
        self,
        image: ImageInput,
        strokes: int | str | Sequence[int | str] = 200,
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
        """Paint a picture.

        Args:
            image: a picture of any kind, RGB uint8 array or tensor (height, width, 3), or a path.
            strokes: how many, as a number or as the kind of painting ("sketch", "portrait", "detailed"); several give
                several paintings.
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

        Raises:
            ConfigError: if a number is out of range or a colour unknown.
            DataError: if a file cannot be read.
            ShapeError: if an array is no picture, or a picture has another shape than the strokes in `start`.
            WeightsError: if these weights cannot paint.
        """
        checked_name(name)
        budgets = stroke_numbers(strokes)
        chosen = passes_of(budgets, tiles)
        focus, correction = share("focus", focus), share("correction", correction)
        seed = whole_number("seed", seed, 0, MAX_SEED)
        check_word("fit", fit, ("letterbox", "stretch"))
        check_word("render", render, ("exact", "neural"))
        check_brushworks(budgets, chosen, focus, follow, correction)
        if overlap and not any(chosen):
            raise ConfigError("overlap has no effect without tiles; ask for some or for more strokes, or leave it out.")
        if start is not None and not isinstance(start, StrokeDocument):
            raise ConfigError(f"start is a {type(start).__name__}; read a stroke file with StrokeDocument.read.")
        if start is not None:
            canvas, fit = "#{:02x}{:02x}{:02x}".format(*start.canvas), start.fit
        parse_color(canvas)
        pixels = read_picture(image)
        side = self.image_size * max(resolution(passes) for passes in chosen)
        frame = None if start is None else frame_of(start, pixels, name_of(image, "The picture"))
        prepared = prepare(pixels, fit, side, frame=frame)
        if size is None:
            size = start.size if start is not None else default_size(pixels)
        size = checked_size(size)
        # refuses an impossible size before anything is painted
        StrokeDocument(StrokeList.empty(), size, frame=prepared.frame, fit=fit).plane_side(size)
        conditions = _conditions(prepared, pixels, palette=palette, seed=seed, start=start)
        if mask is not None:
            conditions["mask"] = _laid_mask(mask, prepared, pixels, name_of(image, "the picture"))[None]
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
            "source": Path(image).name if isinstance(image, str | Path) else "",
            **self._feature_settings(vgg16),
            **({"columns": len(budgets)} if len(budgets) > 1 else {}),
        }
        seeds = [None if palette is None else seed] * len(budgets)
        names = painting_names(name, budgets)
        return GenerationPlan(seeds, settings, conditions, names=names, from_photo=True)

    plan = plan_of(__call__)

    def amount(self, plan: GenerationPlan) -> int:
        """See `Pipeline.amount`."""
        return sum(plan.settings["strokes"])

    def current(self, plan: GenerationPlan) -> GenerationPlan:
        """See `Pipeline.current`: older plans name their files in the settings alone."""
        plan = super().current(plan)
        if plan.names is not None and plan.from_photo:
            return plan
        names = painting_names(str(plan.settings["name"]), plan.settings["strokes"])
        return replace(plan, names=names, from_photo=True)

    def render(
        self, plan: GenerationPlan, *, progress: Callable[[int], object] = lambda number: None
    ) -> PaintingResult:
        """Paint a plan; `progress` is called with the number of new strokes, again and again.

        Raises:
            ConfigError: if it is the plan of strokes that were drawn again, which needs no weights, or one that these
                weights cannot paint.
            ShapeError: as `check_plan`.
        """
        if plan.settings.get("mode") == "redraw":
            raise ConfigError("This result is of strokes that were drawn again: give their file to --redraw.")
        plan = self.current(plan)
        self.check_plan(plan)
        settings = plan.settings
        documents: list[StrokeDocument] = []
        statistics: list[dict[str, float]] = []
        drawer = self.drawer(plan)
        with self.inference():
            features = feature_function(settings["features"], self._vgg16_file(settings))
            target = plan.conditions["image"][0]
            weight_map = drawer._weight_map(target, plan.conditions.get("mask"), features)
            for budget, passes in zip(settings["strokes"], settings["tiles"], strict=True):
                document, numbers = drawer._paint(plan, weight_map, features, budget, passes, progress)
                documents.append(document)
                statistics.append(numbers)
        return PaintingResult(
            media=[Picture(document.redraw()) for document in documents],
            plan=plan,
            provenance=drawer.provenance,
            weights_path=self.weights_path,
            documents=documents,
            weight_map=weight_map,
            statistics=statistics,
        )

    def plan_conditions(self) -> Mapping[str, Condition]:
        """The picture on its plane; a mask of the subject, a palette, strokes to go on from, where there are any."""
        return {
            "image": Condition("uint8", (None, None, 3), is_shared=True),
            "mask": Condition("uint8", (None, None), is_required=False, is_shared=True),
            "palette": Condition("float64", (None, 3), 0, 1, is_required=False, is_shared=True),
            "strokes": Condition("float64", (None, None), is_required=False, is_shared=True, may_be_nan=True),
        }

    def check_plan(self, plan: GenerationPlan) -> None:
        """As of all systems; the settings decide sizes and names of files here."""
        super().check_plan(plan)
        try:
            self._check_settings(plan)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"The plan has settings that no painting has ({reason(error)}).") from error

    def _check_settings(self, plan: GenerationPlan) -> None:
        """Raises: KeyError, TypeError, ValueError or a LimnerError for settings that `plan` does not give."""
        settings, image = plan.settings, plan.conditions["image"][0]
        checked_name(settings["name"], what="The plan's name")
        check_word("features", settings["features"], ("gradient", "vgg16") if self.wants_vgg16 else ("gradient",))
        budgets = stroke_numbers(settings["strokes"])
        if len(budgets) != len(plan.seeds) or len(settings["tiles"]) != len(budgets):
            raise ConfigError(f"The plan has {len(plan.seeds)} pictures for the numbers of strokes {budgets}.")
        focus, correction = share("focus", settings["focus"]), share("correction", settings["correction"])
        chosen = [passes_of([budget], passes)[0] for budget, passes in zip(budgets, settings["tiles"], strict=True)]
        check_brushworks(budgets, chosen, focus, settings["follow"], correction)
        side = self.image_size * max(resolution(passes) for passes in chosen)
        mask = plan.conditions.get("mask")
        if image.shape[:2] != (side, side) or (mask is not None and mask.shape[1:] != (side, side)):
            raise ShapeError(f"The plan's picture is {image.shape[1]}x{image.shape[0]}; its plane has {side} pixels.")
        if not 0 < len(plan.conditions.get("palette", np.zeros((1, 1, 3)))[0]) <= 256:
            raise ShapeError("The plan's palette must have 1 to 256 colours.")
        check_word("fit", settings["fit"], ("letterbox", "stretch"))
        check_word("render", settings["render"], ("exact", "neural"))
        if not isinstance(settings["source"], str) or not isinstance(settings["overlap"], bool):
            raise TypeError("source and overlap must be a text and a truth value")
        strokes = plan.conditions.get("strokes")
        if (
            strokes is not None and not np.isfinite(strokes[..., :-1]).all()
        ):  # the last is attention, if it was measured
            raise ValueError("strokes that are not finite")
        document = StrokeDocument(
            StrokeList.empty() if strokes is None else StrokeList.from_array(strokes[0]),
            checked_size(settings["size"]),
            canvas=parse_color(settings["canvas"]),
            frame=settings["frame"],
            fit=settings["fit"],
        )
        # The reader of stroke files knows what strokes and frames may be.
        StrokeDocument.from_json(document.to_json(), where="The plan").plane_side(document.size)

    def _vgg16_file(self, settings: Mapping[str, Any]) -> Path | None:
        """The file of VGG-16 that a plan was made with: the one that was named, else the published one.

        Raises:
            ConfigError: if it is not on this machine.
        """
        if settings["features"] != "vgg16":
            return None
        wanted = settings.get("vgg16_sha256")
        if wanted not in self._vgg16_files:
            older = Path(settings["vgg16"]) if isinstance(settings.get("vgg16"), str) else None
            if older is not None and older.is_file() and sha256_of(older) == wanted:
                return older
            found = hub.published_file("vgg16")
            if found.sha256 != wanted:
                raise ConfigError(
                    f"The plan was made with another file of VGG-16 (SHA-256 {wanted}) than {found.path}."
                )
            return found.path
        return self._vgg16_files[wanted]

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
        return {
            "target": batch[0].cpu().numpy(),
            "attention": found.attention[0, 0].cpu().numpy(),
            "features": found.features[0, 0].cpu().numpy(),
            "weights": found.weights[0, 0].cpu().numpy(),
            "source": "none" if bool(found.is_uniform) else found.source,
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
        return document, statistics_of(document, weight_map, seen)

    def _feature_settings(self, vgg16: str | Path | None) -> dict[str, Any]:
        found: dict[str, Any] = {"features": self._feature_kind(vgg16), "vgg16": None}  # older results have a path
        if found["features"] == "vgg16" and vgg16 is not None:
            found["vgg16_sha256"] = sha256_of(vgg16)
            self._vgg16_files[found["vgg16_sha256"]] = at_home(vgg16)
        return found

    def _feature_kind(self, vgg16: str | Path | None) -> str:
        """The feature mask that the actor was trained with; where VGG-16's file is not there, the gradient.

        Raises:
            ConfigError: if a file is named that the actor does not need.
        """
        if not self.wants_vgg16:
            if vgg16 is not None:
                raise ConfigError(f"vgg16 has no effect: {self.weights_name} has learned without it; leave it out.")
            return str(self._actor.config["features"])
        if vgg16 is not None and at_home(vgg16).is_file():
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


def _conditions(
    prepared: Prepared,
    pixels: Bytes,
    *,
    palette: int | None,
    seed: int,
    start: StrokeDocument | None,
) -> dict[str, NDArray[Any]]:
    """The arrays of a plan, without a mask."""
    conditions: dict[str, NDArray[Any]] = {"image": prepared.target[None]}
    if palette is not None:
        conditions["palette"] = choose_palette(pixels, whole_number("palette", palette, 1, 256), seed=seed)[None]
    if start is not None:
        conditions["strokes"] = start.strokes.to_array()[None]
    return conditions


def _laid_mask(mask: ImageInput, prepared: Prepared, pixels: Bytes, picture: str) -> Bytes:
    """A mask (side, side) on the plane of a picture, which messages call so; what is odd about it is told of."""
    given, where = read_any_mask(mask), name_of(mask, "The mask")
    if given.shape != pixels.shape[:2]:
        (height, width), (down, across) = given.shape, pixels.shape[:2]
        log.warning(
            "%s has %d x %d pixels, %s %d x %d: the mask is resized.", where, width, height, picture, across, down
        )
    laid = lay_mask(given, prepared)
    attention = torch.from_numpy(laid.astype(np.float32) / 255)[None, None]
    if bool(usable_attention(attention)[1]):
        log.warning(
            "%s marks %.0f %% of the picture's square, so all parts of it count alike.",
            where,
            100 * float(attention.mean()),
        )
    return laid
