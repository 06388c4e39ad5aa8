"""Inference of SPADE: label map -> picture; with an encoder the look comes from a seed or from a photo."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from limner.data.schema import LabelSchema
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, ShapeError
from limner.inputs import PhotoInput, read_square_photo, to_pictures, to_tensor
from limner.mask_to_image.export import generator_target
from limner.mask_to_image.inputs import LabelMapInput, map_condition, maps_for, picture_plan
from limner.mode import mode, plan_of
from limner.nn.label_maps import one_hot
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import Condition, GenerationPlan
from limner.systems.spade.networks import Encoder, Generator

_log = logging.getLogger(__name__)


class SPADEPipeline(Pipeline):
    """Paints label maps.

    Example:
        >>> pipe = limner.load("runs/spade")
        >>> pipe("map.png", seed=7, num_images=4).save("pictures")
        >>> pipe("map.png", style="photo.png").save("like-the-photo")
    """

    name: ClassVar[str] = "spade"
    uses_attributes: ClassVar[bool] = False
    variant_networks: ClassVar[frozenset[str]] = frozenset({"encoder"})

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        latent_size = self.config("generator")["latent_size"]
        if ("encoder" in self.components) != (latent_size > 0):
            raise ShapeError("A generator with a latent needs an encoder, and one without has none.")
        wanted = {
            "generator": {"image_size": self.image_size, "num_classes": spec.schema.num_classes},
            "encoder": {"image_size": self.image_size, "latent_size": latent_size},
        }
        for name in self.components:
            for key, value in wanted[name].items():
                found = self.config(name)[key]
                if found != value:
                    raise ShapeError(f"The {name} has {key} {found}, but {value} is needed.")

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """Generator and, in the variant that has one, encoder."""
        return {"generator": Generator, "encoder": Encoder}

    @mode
    def __call__(
        self,
        label_map: LabelMapInput | Sequence[LabelMapInput],
        *,
        style: PhotoInput | None = None,
        seed: int = 0,
        num_images: int = 1,
        schema: str | LabelSchema | None = None,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Paint `num_images` pictures of every label map.

        Args:
            label_map: one or several, square; resized to `image_size` by the nearest pixel. Ids are those of
                `spec.schema`, or of `schema`, from which they are converted.
            style: a square photo whose look (colours, light) the pictures take; only of weights with an encoder.
            seed: picture k takes seed + k, whatever else is painted.
            num_images: pictures a label map; of weights without an encoder they are all the same.
            schema: label schema of the maps, if it is not the network's.
            batch_size: pictures in one forward pass; 1 on the CPU and 16 elsewhere by default.

        Raises:
            ConfigError: if an option is out of range, or `style` has no encoder to go through.
            DataError: if a file cannot be read, or a label map has wrong ids.
            ShapeError: if a size does not fit.
        """
        maps = maps_for(self, label_map, schema)
        has_encoder = "encoder" in self.components
        if style is not None and not has_encoder:
            raise ConfigError(
                "These weights have no encoder, so they cannot take the look of a photo: leave style out."
            )
        plan = picture_plan(
            maps,
            seed=seed,
            num_images=num_images,
            batch_size=batch_size,
            device=self.device,
            conditions={}
            if style is None
            else {
                "style": read_square_photo(style, image_size=self.image_size, zoom=self.spec.zoom, fit=self.fit)[None]
            },
            from_photo=style is not None,
        )
        if num_images > 1 and not has_encoder:
            _log.warning("These weights have no latent: all %d pictures of a map are the same.", num_images)
        return plan

    plan = plan_of(__call__)

    def paint(
        self, label_map: Int64[Tensor, "b h w"], attributes: Float[Tensor, "b n_c"], seeds: Sequence[int]
    ) -> Float[Tensor, "b 3 h w"]:
        """One picture a map in [-1, 1]; picture i has the latent of `seeds[i]`, and attributes change nothing."""
        image: Tensor = self.components["generator"](self._encode(label_map), self._noise(seeds))
        return image

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (latent, if any, and label_map of int64 ids -> image in [-1, 1])."""
        target = generator_target(
            self.components["generator"],
            self._encode,
            num_classes=self.spec.schema.num_classes,
            image_size=self.image_size,
            noise=("latent", self._latent_size) if self._latent_size else None,
            device=self.device,
        )
        return {"generator": target}

    def current(self, plan: GenerationPlan) -> GenerationPlan:
        """See `Pipeline.current`."""
        plan = super().current(plan)
        return replace(plan, from_photo=True) if "style" in plan.conditions and not plan.from_photo else plan

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Label maps; a photo that all pictures share, for weights with an encoder."""
        return {
            "label_map": map_condition(self.spec.schema, self.image_size),
            "style": Condition("uint8", (self.image_size, self.image_size, 3), is_required=False, is_shared=True),
        }

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        label_map = torch.from_numpy(plan.condition("label_map", rows).copy()).to(self.device).long()
        latent = self._noise(plan.seeds_of(rows))
        if "style" in plan.conditions:
            photo = to_tensor(plan.conditions["style"][0], self.device)
            mean, log_variance = self.components["encoder"](photo)
            latent = mean + (0.5 * log_variance).exp() * latent
        return to_pictures(self.components["generator"](self._encode(label_map), latent))

    def _photo(self, style: PhotoInput) -> NDArray[np.uint8]:
        return read_square_photo(style, image_size=self.image_size, zoom=self.spec.zoom, fit=self.fit)

    def _encode(self, label_map: Tensor) -> Tensor:
        return one_hot(label_map, self.spec.schema.num_classes)

    @property
    def _latent_size(self) -> int:
        return int(self.config("generator")["latent_size"])

    def _noise(self, seeds: Sequence[int]) -> Tensor | None:
        """One row a seed, from a generator of its own; drawn on the CPU so that every device gets the same."""
        if not self._latent_size:
            return None
        rows = [torch.randn(self._latent_size, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return torch.stack(rows).to(self.device)
