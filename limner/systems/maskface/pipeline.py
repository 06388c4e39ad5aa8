"""Inference of maskface: label map + style -> faces. A style comes from a seed, from a photo, or as a code.

Every mode first makes a `GenerationPlan` and then draws it; `pipe.stylize.plan(...)` gives the plan alone. A photo
whose style is borrowed enters a plan, and so the file of a result, as its style code: some numbers, never the photo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from limner.arguments import as_array
from limner.data.schema import LabelSchema
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, ShapeError, WeightsError
from limner.inputs import (
    PhotoInput,
    read_square_photo,
    seed_range,
    to_pictures,
    to_tensor,
    usual_batch_size,
    whole_number,
)
from limner.mask_to_image.export import generator_target
from limner.mask_to_image.inputs import LabelMapInput, map_condition, maps_for, picture_plan
from limner.mode import mode, plan_of
from limner.nn.label_maps import one_hot
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import Condition, GenerationPlan, safe_name
from limner.results import GenerationResult
from limner.systems.maskface.networks import Discriminator, Generator, StyleDecoder, StyleEncoder

StyleInput = int | PhotoInput | Tensor
"""A seed, a photo, or a style code (style_size,)."""

NUM_STEPS = 10  # faces of an interpolation, first and last included
MAX_STEPS = 1_000  # all faces of an interpolation are held in memory, and go on one sheet


class MaskFacePipeline(Pipeline):
    """Draws many different faces with the layout of one label map.

    Example:
        >>> pipe = limner.load("maskface")
        >>> pipe.sample("map.png", num_images=8).save("faces")
        >>> pipe.stylize("map.png", "photo.jpg").save("styled")
    """

    name: ClassVar[str] = "maskface"
    uses_attributes: ClassVar[bool] = False
    optional_networks: ClassVar[frozenset[str]] = frozenset({"discriminator"})

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        classes = spec.schema.num_classes
        wanted = {
            "generator": {"image_size": self.image_size, "num_classes": classes},
            "style_encoder": {"style_size": self.style_size},
            "style_decoder": {"image_size": self.image_size, "style_size": self.style_size},
            "discriminator": {"image_size": self.image_size},
        }
        for name in self.components:
            for key, value in wanted[name].items():
                found = self.config(name)[key]
                if found != value:
                    raise ShapeError(f"The {name} has {key} {found}, but the other networks and the data need {value}.")
        if "discriminator" in networks and self.config("discriminator")["num_classes"] not in (0, classes):
            raise ShapeError(f"The discriminator does not read maps of {classes} classes.")

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The four networks; the discriminator is needed only to rank samples."""
        return {
            "generator": Generator,
            "style_encoder": StyleEncoder,
            "style_decoder": StyleDecoder,
            "discriminator": Discriminator,
        }

    @property
    def style_size(self) -> int:
        """Numbers in a style code."""
        return int(self.config("generator")["style_size"])

    @property
    def latent_size(self) -> int:
        """Numbers in the noise that a seed stands for."""
        return int(self.config("style_encoder")["latent_size"])

    @mode
    def sample(
        self,
        label_map: LabelMapInput | Sequence[LabelMapInput],
        *,
        seed: int = 0,
        num_images: int = 1,
        schema: str | LabelSchema | None = None,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Draw `num_images` different faces of every label map.

        Args:
            label_map: one or several, square; resized to `image_size` by the nearest pixel. Ids are those of
                `spec.schema`, or of `schema`, from which they are converted.
            seed: face k takes the style of seed + k, whatever else is drawn.
            num_images: faces a label map.
            schema: label schema of the maps, if it is not the network's.
            batch_size: faces in one forward pass; 1 on the CPU and 16 elsewhere by default.

        Raises:
            ConfigError: if an option is out of range.
            DataError: if a label map cannot be read or has wrong ids.
            ShapeError: if a size does not fit.
        """
        return picture_plan(
            maps_for(self, label_map, schema),
            seed=seed,
            num_images=num_images,
            batch_size=batch_size,
            device=self.device,
        )

    __call__ = sample
    plan = plan_of(sample)

    @mode
    def stylize(
        self,
        label_map: LabelMapInput | Sequence[LabelMapInput],
        style: StyleInput | Sequence[StyleInput],
        *,
        schema: str | LabelSchema | None = None,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Every label map (a row) in every style (a column): with several of both, the cross grid.

        Args:
            label_map: one or several maps.
            style: one or several of: a seed, a square photo, a style code.
            schema: label schema of the maps, if it is not the network's.
            batch_size: faces in one forward pass.

        Raises:
            ConfigError, DataError, ShapeError: as in `sample`, and for seeds, photos and codes.
        """
        maps = maps_for(self, label_map, schema)
        styles = cast(list[StyleInput], list(style) if isinstance(style, list | tuple) else [style])
        if not styles:
            raise ConfigError("At least one style is needed: a seed, a photo or a style code.")
        codes = np.stack([self.style_of(item) for item in styles])
        seeds = [int(item) if isinstance(item, int | np.integer) else None for item in styles]
        return GenerationPlan(
            seeds=seeds * len(maps),
            names=_names(styles, len(maps)) if None in seeds else None,
            from_photo=any(map(_is_photo, styles)),
            settings={"mode": "stylize", "columns": len(styles), "styles": [_describe(item) for item in styles]},
            conditions={
                "label_map": maps.repeat(len(styles), axis=0) if len(maps) > 1 else maps,
                "style": np.tile(codes, (len(maps), 1)),
            },
            batch_size=usual_batch_size(self.device) if batch_size is None else batch_size,
        )

    @mode
    def invert(
        self, photo: PhotoInput, label_map: LabelMapInput, *, schema: str | LabelSchema | None = None
    ) -> GenerationPlan:
        """Paint a photo again from its own map and its own style: what the style code holds of it."""
        if isinstance(photo, int | np.integer):
            raise ConfigError(f"photo is {photo}, which is a seed; give the photo that is to be found again.")
        return self.stylize.plan(label_map, photo, schema=schema)

    @mode
    def interpolate(
        self,
        label_map: LabelMapInput | Sequence[LabelMapInput],
        start: StyleInput = 0,
        end: StyleInput | None = None,
        *,
        steps: int | None = None,
        schema: str | LabelSchema | None = None,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Faces on the way from one style to another, through maps, or both.

        Args:
            label_map: one map, or a sequence of maps to go through in order.
            start: style of the first face.
            end: style of the last face; none: the style stays where there are several maps, else it goes to the seed
                after `start`, or to seed 1 if `start` is no seed.
            steps: faces; by default one for each of several maps, else 10. Each takes the nearest map.
            schema: label schema of the maps, if it is not the network's.
            batch_size: faces in one forward pass.

        Raises:
            ConfigError, DataError, ShapeError: as in `stylize`.
        """
        maps = maps_for(self, label_map, schema)
        if steps is None:
            steps = len(maps) if len(maps) > 1 else NUM_STEPS
        steps = whole_number("steps", steps, 2, MAX_STEPS)  # the first and the last face at least
        if end is None and len(maps) == 1:
            end = int(start) + 1 if isinstance(start, int | np.integer) else 1
        fractions = np.linspace(0.0, 1.0, steps, dtype=np.float32)
        first = self.style_of(start)[None]
        last = first if end is None else self.style_of(end)[None]
        nearest = np.floor(fractions * (len(maps) - 1) + 0.5).astype(np.int64)
        described = {"start": _describe(start), **({} if end is None else {"end": _describe(end)})}
        return GenerationPlan(
            seeds=[None] * steps,
            names=[f"step-{step:03d}" for step in range(steps)],
            from_photo=_is_photo(start) or _is_photo(end),
            settings={"mode": "interpolate", "columns": steps, **described},
            conditions={
                "label_map": maps[nearest] if len(maps) > 1 else maps,
                "style": first * (1 - fractions[:, None]) + last * fractions[:, None],
            },
            batch_size=usual_batch_size(self.device) if batch_size is None else batch_size,
        )

    @mode
    def rerender(
        self,
        label_map: LabelMapInput,
        *,
        like: GenerationResult | GenerationPlan,
        schema: str | LabelSchema | None = None,
    ) -> GenerationPlan:
        """Draw an edited label map in the styles of an earlier result: the geometry changes, the look stays.

        Args:
            label_map: one map.
            like: a result of these weights, or the plan of one.
            schema: label schema of the map, if it is not the network's.

        Raises:
            ConfigError: if `like` is no result of maskface, or there is not one map.
            WeightsError: if other weights drew it.
            DataError, ShapeError: as in `sample`.
        """
        if not isinstance(like, GenerationPlan):
            self._check_own(like)
            like = like.plan
        if like.settings.get("mode") not in ("generate", "stylize", "interpolate") or "attributes" in like.conditions:
            raise ConfigError("The earlier result is not one of maskface; its styles mean nothing here.")
        found = like.conditions["style"].shape[1:] if "style" in like.conditions else (self.style_size,)
        if found != (self.style_size,):
            raise ShapeError(f"The earlier result is of other weights: its styles have the shape {found}.")
        maps = maps_for(self, label_map, schema)
        if len(maps) != 1:
            raise ConfigError(f"This takes one label map, but {len(maps)} were given.")
        conditions = {**like.conditions, "label_map": maps}
        return replace(like, conditions=conditions, settings={**like.settings, "rerendered": True})

    def rank(self, result: GenerationResult, *, best: int | None = None) -> GenerationResult:
        """The faces of a result in the order in which the discriminator takes them for real, the most likely first.

        Args:
            result: of these weights.
            best: how many to keep; none: all.

        Raises:
            ConfigError: if `best` is out of range, or `result` is none.
            WeightsError: if the discriminator is not loaded, or other weights drew the result.
        """
        self._check_own(result)
        count = len(result.images)
        if best is not None:
            best = whole_number("best", best, 1, count)
        scores = self.realism(result)
        order = np.argsort(-scores, kind="stable")[:best]
        plan = result.plan
        conditions = {name: rows[order] if len(rows) == count else rows for name, rows in plan.conditions.items()}
        settings = {key: value for key, value in plan.settings.items() if key not in ("columns", "styles")}
        settings["scores"] = [round(float(scores[index]), 4) for index in order]
        names = None if plan.names is None else [plan.names[index] for index in order]
        seeds = [plan.seeds[index] for index in order]
        ranked = GenerationPlan(seeds, settings, conditions, plan.batch_size, names, plan.from_photo)
        return GenerationResult([result.media[index] for index in order], ranked, result.provenance)

    def realism(self, result: GenerationResult) -> NDArray[np.float32]:
        """The discriminator's logit for each face of a result; higher = more like a photo with that map.

        Raises:
            ConfigError: if `result` is none.
            WeightsError: if the discriminator is not loaded, or other weights drew the result.
        """
        self._check_own(result)
        discriminator = self.components.get("discriminator")
        if discriminator is None:
            raise WeightsError(
                "Ranking needs the discriminator, but none is loaded: use limner.load(..., with_optional=True) where "
                "the folder has one, as that of a run; shipped weights have none."
            )
        scores = []
        with self.inference():
            for index, image in enumerate(result.images):
                ids = torch.from_numpy(result.plan.condition("label_map", range(index, index + 1)).copy())
                maps = one_hot(ids.to(self.device).long(), self.spec.schema.num_classes)
                scores.append(float(discriminator(to_tensor(np.asarray(image), self.device), maps)))
        return np.array(scores, dtype=np.float32)

    def style_of(self, source: StyleInput) -> NDArray[np.float32]:
        """The style code (style_size,) of a seed or a square photo; a code as it is.

        Raises:
            ConfigError: if it is none of these, a seed is out of range, or a code is not finite.
            DataError: if a photo cannot be read or is not square.
            ShapeError: if an array is neither a photo nor a code.
        """
        if isinstance(source, Tensor) or (isinstance(source, np.ndarray) and source.ndim == 1):
            code = as_array(source, "A style code")
            if code.shape != (self.style_size,):
                raise ShapeError(f"A style code has shape {code.shape}; it must be ({self.style_size},).")
            if code.dtype.kind not in "iuf":
                raise ShapeError(f"A style code is {code.dtype}; it must be numbers.")
            if not np.isfinite(code).all():
                raise ConfigError("A style code holds NaN or infinite values.")
            return code.astype(np.float32)
        if not isinstance(source, int | np.integer | str | Path | Image.Image | np.ndarray):
            raise ConfigError(
                f"A style is a seed, a photo or a style code, but one is of type {type(source).__name__}."
            )
        with self.inference():
            if isinstance(source, int | np.integer):
                latent = self.draw_latents(seed_range(source, 1)).to(self.device)
                codes = self.components["style_encoder"](latent)
            else:
                pixels = read_square_photo(source, image_size=self.image_size, zoom=self.spec.zoom, fit=self.fit)
                codes = self.components["style_decoder"](to_tensor(pixels, self.device))
        style: NDArray[np.float32] = codes[0].float().cpu().numpy()
        return style

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (style, label_map of int64 ids -> image), `style_encoder` and `style_decoder`."""
        size, classes = self.image_size, self.spec.schema.num_classes

        def latents(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            return (torch.randn(batch, self.latent_size, generator=random).to(self.device),)

        return {
            "generator": generator_target(
                self.components["generator"],
                _OneHot(classes),
                num_classes=classes,
                image_size=size,
                noise=("style", self.style_size),
                device=self.device,
            ),
            "style_encoder": ExportTarget(self.components["style_encoder"], ("latent",), ("style",), latents),
            "style_decoder": ExportTarget(
                self.components["style_decoder"], ("image",), ("style",), self.example_images
            ),
        }

    def paint(
        self, label_map: Int64[Tensor, "b h w"], attributes: Float[Tensor, "b n_c"], seeds: Sequence[int]
    ) -> Float[Tensor, "b 3 h w"]:
        """One face a map in [-1, 1], face i in the style of `seeds[i]`; the attributes are not used."""
        return self.paint_styles(label_map, self.components["style_encoder"](self.draw_latents(seeds).to(self.device)))

    def paint_styles(
        self, label_map: Int64[Tensor, "b h w"], style: Float[Tensor, "b n_w"]
    ) -> Float[Tensor, "b 3 h w"]:
        """One face a map and code, in [-1, 1]."""
        image: Tensor = self.components["generator"](one_hot(label_map, self.spec.schema.num_classes), style)
        return image.clamp(-1, 1)

    def draw_latents(self, seeds: Sequence[int]) -> Float[Tensor, "b n_z"]:
        """One row a seed, from a generator of its own; drawn on the CPU so that every device gets the same."""
        return torch.stack([torch.randn(self.latent_size, generator=torch.Generator().manual_seed(s)) for s in seeds])

    def current(self, plan: GenerationPlan) -> GenerationPlan:
        """See `Pipeline.current`: older plans say that a style is of a photo in words alone."""
        plan = super().current(plan)
        styles = [plan.settings.get(key) for key in ("start", "end")] + list(plan.settings.get("styles", []))
        borrows = any(style and style != "code" and not str(style).startswith("seed ") for style in styles)
        return replace(plan, from_photo=True) if borrows and not plan.from_photo else plan

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Label maps; style codes, where they are not those of the seeds."""
        return {
            "label_map": map_condition(self.spec.schema, self.image_size),
            "style": Condition("float32", (self.style_size,), is_required=False),
        }

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        label_map = torch.from_numpy(plan.condition("label_map", rows).copy()).to(self.device).long()
        if "style" in plan.conditions:
            style = torch.from_numpy(plan.condition("style", rows).copy()).to(self.device)
        else:
            style = self.components["style_encoder"](self.draw_latents(plan.seeds_of(rows)).to(self.device))
        return to_pictures(self.paint_styles(label_map, style))

    def _check_own(self, result: GenerationResult) -> None:
        """Raises: ConfigError or WeightsError if that is no result of these weights."""
        if not isinstance(result, GenerationResult):
            raise ConfigError(
                f"The earlier result is of type {type(result).__name__}; it must be what sample, stylize or "
                "interpolate gave."
            )
        self.check_drew(result.provenance, "The earlier result")


class _OneHot(nn.Module):
    """Class ids (b, h, w) -> one-hot channels, in operations that other runtimes have."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes

    def forward(self, label_map: Tensor) -> Tensor:
        """Float (b, n, h, w)."""
        return functional.one_hot(label_map, self.num_classes).permute(0, 3, 1, 2).float()


def _describe(source: StyleInput) -> str:
    """What a result says of where a style came from."""
    if isinstance(source, int | np.integer):
        return f"seed {source}"
    if isinstance(source, str | Path):
        return Path(source).name
    return "code" if isinstance(source, Tensor) or getattr(source, "ndim", 0) == 1 else "photo"


def _is_photo(source: StyleInput | None) -> bool:
    return isinstance(source, str | Path | Image.Image) or (isinstance(source, np.ndarray | Tensor) and source.ndim > 1)


def _names(styles: Sequence[StyleInput], num_maps: int) -> list[str]:
    """Of the files: what each style is of, with the number of the map in front where there are several."""
    kinds = [
        f"seed-{style:06d}" if isinstance(style, int | np.integer) else f"like-{safe_name(Path(_describe(style)).stem)}"
        for style in styles
    ]
    names = kinds if len(set(kinds)) == len(kinds) else [f"{kind}-{place:03d}" for place, kind in enumerate(kinds)]
    return names if num_maps == 1 else [f"{row:04d}-{name}" for row in range(num_maps) for name in names]
