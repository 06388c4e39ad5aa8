"""Inference of SCGAN: label map + attributes + seed -> picture, and the edits of the paper's figures.

Every mode first makes a `GenerationPlan` (inputs checked, no network run) and then draws it;
`pipe.grid.plan(...)` gives the plan alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, cast, get_args

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from limner.arguments import as_array
from limner.data.manifest import SCGAN_ATTRIBUTES
from limner.data.schema import LabelSchema
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, ShapeError, named, nearest, quoted
from limner.inputs import (
    PhotoInput,
    read_square_photo,
    seed_range,
    to_pictures,
    to_tensor,
    usual_batch_size,
    whole_number,
)
from limner.mask_to_image.inputs import LabelMapInput, map_condition, maps_for
from limner.mode import mode, plan_of
from limner.nn.label_maps import one_hot
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import Condition, GenerationPlan
from limner.results import GenerationResult
from limner.systems.scgan.networks import Discriminator, Generator, Segmentor

AttributeInput = Mapping[str, float] | Sequence[float] | NDArray[Any] | Tensor | None
"""Name -> value in [0, 1] (unnamed ones are 0), or all values in order; None: all 0."""
Interpolation = Literal["z", "c", "s", "all"]

NUM_STEPS = 10  # pictures of an interpolation in the paper's figures, first and last included
MAX_STEPS = 1_000  # all pictures of an interpolation are held in memory, and go on one sheet
_ROUNDING = 1e-6  # by which a mix of attributes may leave 0..1


class SCGANPipeline(Pipeline):
    """Draws pictures from a label map s, attributes c and a latent z that a seed decides.

    Example:
        >>> pipe = limner.load("scgan")
        >>> result = pipe("map.png", {"Blond_Hair": 1}, seed=7, num_images=4)
        >>> result.save("pictures")
    """

    name: ClassVar[str] = "scgan"
    uses_attributes: ClassVar[bool] = True
    optional_networks: ClassVar[frozenset[str]] = frozenset({"discriminator"})

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        wanted = {
            "generator": {
                "image_size": self.image_size,
                "num_classes": spec.schema.num_classes,
                "num_attributes": len(spec.attribute_names),
            },
            "segmentor": {"num_classes": spec.schema.num_classes},
            "discriminator": {"image_size": self.image_size, "num_attributes": len(spec.attribute_names)},
        }
        for name in self.components:
            for key, value in wanted[name].items():
                found = self.config(name)[key]
                if found != value:
                    raise ShapeError(f"The {name} has {key} {found}, but the data description asks for {value}.")

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """Generator and segmentor; the discriminator stays with a training run."""
        return {"generator": Generator, "segmentor": Segmentor, "discriminator": Discriminator}

    @mode
    def __call__(
        self,
        label_map: LabelMapInput | Sequence[LabelMapInput],
        attributes: AttributeInput | Sequence[Mapping[str, float]] = None,
        *,
        seed: int = 0,
        num_images: int = 1,
        latent: Tensor | NDArray[Any] | None = None,
        schema: str | LabelSchema | None = None,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Draw `num_images` pictures of every label map.

        Args:
            label_map: one or several, square; resized to `image_size` by the nearest pixel. Ids are those of
                `spec.schema`, or of `schema`, from which they are converted.
            attributes: for all label maps, or one mapping for each. Values between 0 and 1 mix.
            seed: picture k takes seed + k, whatever else is drawn.
            num_images: pictures a label map.
            latent: (latent_size,) or (num_images, latent_size) instead of the seeds' own.
            schema: label schema of the maps, if it is not the network's.
            batch_size: pictures in one forward pass; 1 on the CPU and 16 elsewhere by default.

        Raises:
            ConfigError: if an option or an attribute is unknown or out of range.
            DataError: if a label map cannot be read or has wrong ids.
            ShapeError: if a size does not fit.
        """
        maps = maps_for(self, label_map, schema)
        rows = self._attribute_rows(attributes, len(maps))
        seeds = seed_range(seed, num_images)
        conditions: dict[str, NDArray[Any]] = {
            "label_map": maps if len(maps) == 1 else maps.repeat(num_images, axis=0),
            "attributes": rows if len(rows) == 1 else rows.repeat(num_images, axis=0),
        }
        if latent is not None:
            latents = self._latents(latent, num_images)
            conditions["latent"] = latents if len(latents) == 1 else np.tile(latents, (len(maps), 1))
        named = [self._named(row) for row in rows]
        return GenerationPlan(
            seeds=seeds * len(maps),
            settings={"mode": "generate", "attributes": named[0] if len(named) == 1 else named},
            conditions=conditions,
            batch_size=self._batch_size(batch_size),
        )

    plan = plan_of(__call__)

    @mode
    def grid(
        self,
        label_map: LabelMapInput,
        seeds: Sequence[int] = (0, 1, 2, 3),
        *,
        schema: str | LabelSchema | None = None,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """One row a seed, one column a label: how z and c act on one map (the paper's main figure).

        The labels are the paper's 12 (3 hair colours x gender x age) where the weights know CelebA's five attributes,
        else every attribute alone.
        """
        if not len(seeds):
            raise ConfigError("A grid needs at least one seed.")
        labels = self.standard_labels()
        rows = np.concatenate([self._attribute_rows(label, 1) for label in labels])
        return GenerationPlan(
            seeds=[checked for seed in seeds for checked in seed_range(seed, 1) * len(labels)],
            settings={"mode": "grid", "columns": len(labels), "labels": [self._named(row) for row in rows]},
            conditions={
                "label_map": self._one_label_map(label_map, schema),
                "attributes": np.tile(rows, (len(seeds), 1)),
            },
            batch_size=self._batch_size(batch_size),
        )

    def standard_labels(self) -> list[dict[str, float]]:
        """The attribute settings of a grid's columns."""
        names = self.spec.attribute_names
        if set(SCGAN_ATTRIBUTES) <= set(names):
            hairs = [name for name in SCGAN_ATTRIBUTES if name.endswith("_Hair")]
            rest = [{"Male": male, "Young": young} for male in (0.0, 1.0) for young in (1.0, 0.0)]
            return [{hair: 1.0, **labels} for hair in hairs for labels in rest]
        return [{name: 1.0} for name in names] or [{}]

    @mode
    def change_attributes(
        self,
        label_map: LabelMapInput,
        attributes: AttributeInput,
        target: AttributeInput,
        *,
        steps: int = NUM_STEPS,
        seed: int = 0,
        schema: str | LabelSchema | None = None,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Go from `attributes` to `target` in equal fractions, with the same map and the same latent.

        Args:
            label_map: one label map.
            attributes: where to start.
            target: where to end; a mapping names only what changes, if the attributes are independent.
            steps: pictures, first and last included; at least 2.
            seed: of the latent.
            schema: label schema of the map, if it is not the network's.
            batch_size: pictures in one forward pass.
        """
        return self.interpolate.plan(
            label_map, attributes, what="c", target=target, steps=steps, seed=seed, schema=schema, batch_size=batch_size
        )

    @mode
    def interpolate(
        self,
        label_map: LabelMapInput | Sequence[LabelMapInput],
        attributes: AttributeInput = None,
        *,
        what: Interpolation = "z",
        target: AttributeInput = None,
        steps: int | None = None,
        seed: int = 0,
        to_seed: int | None = None,
        schema: str | LabelSchema | None = None,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Pictures on the way from one set of conditions to another, first and last included.

        Args:
            label_map: one map; for "s" and "all" the sequence of maps to go through, in order.
            attributes: where c starts.
            what: "z" goes linearly from the latent of `seed` to that of `to_seed`, "c" linearly from `attributes` to
                `target`, "s" through the maps, "all" does the three at once.
            target: where c ends, for "c" and "all"; a mapping names only what changes, if the attributes are
                independent.
            steps: pictures; by default one for each of several maps, else 10. Each takes the nearest map.
            seed: of the first latent.
            to_seed: of the last latent, for "z" and "all"; `seed` + 1 by default.
            schema: label schema of the maps, if it is not the network's.
            batch_size: pictures in one forward pass.
        """
        if what not in get_args(Interpolation):
            raise ConfigError(f'"{what}" cannot be interpolated.{nearest(str(what), get_args(Interpolation))}')
        for name, value, ways in (("target", target, ("c", "all")), ("to_seed", to_seed, ("z", "all"))):
            if value is not None and not (isinstance(value, Mapping) and not value) and what not in ways:
                raise ConfigError(f'{name} has no effect when "{what}" is interpolated; leave it out.')
        maps = maps_for(self, label_map, schema)
        if what == "s" and len(maps) < 2:
            raise ConfigError('Interpolating "s" goes through a sequence of label maps; give at least two.')
        if what in ("z", "c") and len(maps) > 1:
            raise ConfigError(f'Interpolating "{what}" keeps one label map, but {len(maps)} were given.')
        if steps is None:
            steps = len(maps) if len(maps) > 1 else NUM_STEPS
        steps = whole_number("steps", steps, 2, MAX_STEPS)  # the first and the last picture at least
        fractions = np.linspace(0.0, 1.0, steps, dtype=np.float32)[:, None]
        start = self._attribute_rows(attributes, 1)
        settings: dict[str, Any] = {"mode": "interpolate", "what": what, "columns": steps}
        conditions: dict[str, NDArray[Any]] = {"label_map": maps, "attributes": start}
        settings["attributes"] = self._named(start[0])
        if len(maps) > 1:
            nearest_maps = np.floor(fractions[:, 0] * (len(maps) - 1) + 0.5).astype(np.int64)
            conditions["label_map"] = maps[nearest_maps]
        if what in ("c", "all"):
            end = self._target_row(start, target)
            conditions["attributes"] = start * (1 - fractions) + end * fractions
            settings["target"] = self._named(end[0])
        if what in ("z", "all"):
            (start_seed,) = seed_range(seed, 1)
            settings["to_seed"] = seed_range(start_seed + 1 if to_seed is None else to_seed, 1)[0]
            first, last = self._draw_latents([start_seed, settings["to_seed"]]).numpy()
            conditions["latent"] = first * (1 - fractions) + last * fractions
        return GenerationPlan(seed_range(seed, 1) * steps, settings, conditions, self._batch_size(batch_size))

    @mode
    def rerender(
        self,
        label_map: LabelMapInput,
        *,
        like: GenerationResult | GenerationPlan,
        schema: str | LabelSchema | None = None,
    ) -> GenerationPlan:
        """Draw an edited label map with the latents and attributes of an earlier result, or of its plan."""
        like = like.plan if isinstance(like, GenerationResult) else like
        if not isinstance(like, GenerationPlan):
            raise ConfigError(
                f"The earlier result is of type {type(like).__name__}; give what this pipeline drew, or its plan."
            )
        if not {"attributes", "label_map"} <= set(like.conditions):
            raise ConfigError("The earlier result is not one of SCGAN: it has no label map and attributes.")
        for name, size in (("attributes", len(self.spec.attribute_names)), ("latent", self._latent_size)):
            if name in like.conditions and like.conditions[name].shape[1:] != (size,):
                raise ShapeError(f"The earlier result is of other weights: its {name} are not {size} numbers.")
        conditions = {**like.conditions, "label_map": self._one_label_map(label_map, schema)}
        return replace(like, conditions=conditions, settings={**like.settings, "rerendered": True})

    def segment(self, image: PhotoInput) -> NDArray[np.uint8]:
        """What the segmentor sees in a square RGB picture: (image_size, image_size) ids of `spec.schema`.

        `spec.schema.colorize` paints them. Arrays are (H, W, 3) uint8.

        Raises:
            DataError: if the picture cannot be read or is not square.
            ShapeError: if an array is no picture.
        """
        pixels = read_square_photo(image, image_size=self.image_size, zoom=self.spec.zoom, fit=self.fit)
        with self.inference():
            logits = self.components["segmentor"](to_tensor(pixels, self.device))
            ids: NDArray[np.uint8] = logits[0].argmax(0).byte().cpu().numpy()
        return ids

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (latent, attributes, label_map of int64 ids -> image in [-1, 1]) and `segmentor`."""
        size, num_classes = self.image_size, self.spec.schema.num_classes
        num_attributes = len(self.spec.attribute_names)
        inputs = ("latent", "attributes", "label_map") if num_attributes else ("latent", "label_map")

        def conditions(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            latent = torch.randn(batch, self._latent_size, generator=random).to(self.device)
            attributes = torch.rand(batch, num_attributes, generator=random).to(self.device)
            label_map = torch.randint(num_classes, (batch, size, size), generator=random).to(self.device)
            return (latent, attributes, label_map) if num_attributes else (latent, label_map)

        wrapper: type[nn.Module] = _GeneratorOfIds if num_attributes else _GeneratorWithoutAttributes
        generator = wrapper(self.components["generator"], num_classes)
        return {
            "generator": ExportTarget(generator, inputs, ("image",), conditions),
            "segmentor": ExportTarget(self.components["segmentor"], ("image",), ("logits",), self.example_images),
        }

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Label maps; attributes; latents, where they are not those of the seeds."""
        return {
            "label_map": map_condition(self.spec.schema, self.image_size),
            "attributes": Condition("float32", (len(self.spec.attribute_names),), -_ROUNDING, 1 + _ROUNDING),
            "latent": Condition("float32", (self._latent_size,), is_required=False),
        }

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        if "latent" in plan.conditions:
            latent = torch.from_numpy(plan.condition("latent", rows).copy())
        else:
            latent = self._draw_latents(plan.seeds_of(rows))
        attributes = torch.from_numpy(plan.condition("attributes", rows).copy())
        label_map = torch.from_numpy(plan.condition("label_map", rows).copy()).to(self.device).long()
        # Not `one_hot`: its other memory layout would change the last bits of pictures that are on record.
        segmentation = functional.one_hot(label_map, self.spec.schema.num_classes).permute(0, 3, 1, 2).float()
        images = self.components["generator"](latent.to(self.device), attributes.to(self.device), segmentation)
        return to_pictures(images)

    def paint(
        self, label_map: Int64[Tensor, "b h w"], attributes: Float[Tensor, "b n_c"], seeds: Sequence[int]
    ) -> Float[Tensor, "b 3 h w"]:
        """One picture a map in [-1, 1]; picture i has the latent of `seeds[i]`. Tensors are on the networks' device."""
        latent = self._draw_latents(seeds).to(self.device)
        segmentation = one_hot(label_map, self.spec.schema.num_classes)
        image: Tensor = self.components["generator"](latent, attributes, segmentation)
        return image

    @property
    def _latent_size(self) -> int:
        return int(self.config("generator")["latent_size"])

    def _draw_latents(self, seeds: Sequence[int]) -> Tensor:
        """One row a seed, from a generator of its own; drawn on the CPU so that every device gets the same."""
        return torch.stack([torch.randn(self._latent_size, generator=torch.Generator().manual_seed(s)) for s in seeds])

    def _batch_size(self, batch_size: int | None) -> int:
        return usual_batch_size(self.device) if batch_size is None else batch_size

    def _latents(self, latent: Tensor | NDArray[Any], num_images: int) -> NDArray[np.float32]:
        try:
            array = np.atleast_2d(as_array(torch.as_tensor(latent), "latent", np.float32))
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise ShapeError(
                f"latent is a {type(latent).__name__} that is no array; it must be ({num_images}, {self._latent_size})."
            ) from error
        if array.shape not in ((1, self._latent_size), (num_images, self._latent_size)):
            raise ShapeError(f"latent has shape {array.shape}; it must be ({num_images}, {self._latent_size}).")
        if not np.isfinite(array).all():
            raise ConfigError("latent holds NaN or infinite values.")
        return array

    def _one_label_map(self, value: LabelMapInput, schema: str | LabelSchema | None) -> NDArray[np.uint8]:
        maps = maps_for(self, value, schema)
        if len(maps) != 1:
            raise ConfigError(f"This takes one label map, but {len(maps)} were given.")
        return maps

    def _attribute_rows(
        self, value: AttributeInput | Sequence[Mapping[str, float]], num_maps: int
    ) -> NDArray[np.float32]:
        """Any accepted form -> (1 or num_maps, attributes)."""
        if isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            if len(value) != num_maps:
                raise ShapeError(f"There are {len(value)} sets of attributes for {num_maps} label maps.")
            return np.concatenate([self._attribute_rows(item, 1) for item in value])
        names = self.spec.attribute_names
        if value is None or isinstance(value, Mapping):
            given = dict(value or {})
            for name in given:
                if name not in names:
                    hint = nearest(str(name), names) if names else " They know none."
                    raise ConfigError(f"These weights do not know the attribute {named(name)}.{hint}")
            numbers = [given.get(name, 0.0) for name in names]
        elif not isinstance(value, Tensor | np.ndarray | Sequence):
            raise ConfigError(
                f"The attributes are a {type(value).__name__}; they must be names with numbers, or a number for each."
            )
        else:
            is_array = isinstance(value, Tensor | np.ndarray)
            numbers = as_array(value, "The attributes").tolist() if is_array else list(cast(Sequence[float], value))
            if not isinstance(numbers, list) or len(numbers) != len(names):
                raise ShapeError(
                    f"The attributes are {quoted(numbers)}; these weights know {len(names)}: {', '.join(names)}."
                )
        for name, number in zip(names, numbers, strict=True):
            is_number = isinstance(number, int | float | np.number) and not isinstance(number, bool)
            if not is_number or not math.isfinite(number) or not 0 <= number <= 1:
                raise ConfigError(f'The attribute "{name}" is {quoted(number)}; it must be a number from 0 to 1.')
        row = np.array([numbers], dtype=np.float32)
        if self.spec.attribute_kind == "exclusive" and names and not row.any():
            raise ConfigError(f"These weights need one of their attributes to be set: {', '.join(names)}.")
        return row

    def _target_row(self, start: NDArray[np.float32], target: AttributeInput) -> NDArray[np.float32]:
        if target is None or (isinstance(target, Mapping) and not target):
            raise ConfigError("A change of attributes needs a target, such as Male=1.")
        if isinstance(target, Mapping) and self.spec.attribute_kind == "multi_label":
            unchanged = {name: value for name, value in self._named(start[0]).items() if name not in target}
            target = {**unchanged, **target}
        return self._attribute_rows(target, 1)

    def _named(self, row: NDArray[np.float32]) -> dict[str, float]:
        return dict(zip(self.spec.attribute_names, row.tolist(), strict=True))


class _GeneratorOfIds(nn.Module):
    """The generator with class ids in place of one-hot maps."""

    def __init__(self, generator: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.generator = generator
        self.num_classes = num_classes

    def forward(self, latent: Tensor, attributes: Tensor, label_map: Tensor) -> Tensor:
        """Latent (b, n_z), attributes (b, n_c), ids (b, h, w) -> image (b, 3, h, w) in (-1, 1)."""
        segmentation = functional.one_hot(label_map, self.num_classes).permute(0, 3, 1, 2).to(latent.dtype)
        image: Tensor = self.generator(latent, attributes, segmentation)
        return image


class _GeneratorWithoutAttributes(nn.Module):
    """The same for weights that know no attributes: other runtimes have no tensors without elements."""

    def __init__(self, generator: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.generator = _GeneratorOfIds(generator, num_classes)

    def forward(self, latent: Tensor, label_map: Tensor) -> Tensor:
        """Latent (b, n_z), ids (b, h, w) -> image (b, 3, h, w) in (-1, 1)."""
        image: Tensor = self.generator(latent, latent[:, :0], label_map)
        return image
