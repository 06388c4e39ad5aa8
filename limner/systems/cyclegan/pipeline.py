"""Inference of CycleGAN: label map -> picture, and picture -> label map. There is no noise: a map has one picture."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from limner.data.schema import LabelSchema
from limner.inputs import PhotoInput, read_square_photo, to_pictures, to_tensor
from limner.mask_to_image.export import generator_target
from limner.mask_to_image.inputs import LabelMapInput, map_condition, maps_for, picture_plan
from limner.mode import mode, plan_of
from limner.nn.label_maps import colorize
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import Condition, GenerationPlan
from limner.systems.cyclegan.networks import Generator

_log = logging.getLogger(__name__)


class CycleGANPipeline(Pipeline):
    """Paints label maps, and labels the pixels of pictures.

    Example:
        >>> pipe = limner.load("runs/cyclegan")
        >>> pipe("map.png").save("pictures")
        >>> label_map = pipe.segment("photo.png")
    """

    name: ClassVar[str] = "cyclegan"
    uses_attributes: ClassVar[bool] = False

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """Map to picture, and picture to map."""
        return {"generator": Generator, "inverse_generator": Generator}

    @mode
    def __call__(
        self,
        label_map: LabelMapInput | Sequence[LabelMapInput],
        *,
        seed: int = 0,
        num_images: int = 1,
        schema: str | LabelSchema | None = None,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Paint one picture of every label map.

        Args:
            label_map: one or several, square; resized to `image_size` by the nearest pixel. Ids are those of
                `spec.schema`, or of `schema`, from which they are converted.
            seed: only names the picture: there is no noise.
            num_images: pictures a label map, all the same.
            schema: label schema of the maps, if it is not the network's.
            batch_size: pictures in one forward pass; 1 on the CPU and 16 elsewhere by default.

        Raises:
            ConfigError: if an option is out of range.
            DataError: if a label map cannot be read or has wrong ids.
            ShapeError: if an array is no label map.
        """
        maps = maps_for(self, label_map, schema)
        plan = picture_plan(maps, seed=seed, num_images=num_images, batch_size=batch_size, device=self.device)
        if num_images > 1:
            _log.warning("CycleGAN paints without noise: all %d pictures of a map are the same.", num_images)
        return plan

    plan = plan_of(__call__)

    def segment(self, image: PhotoInput) -> NDArray[np.uint8]:
        """The label map that the inverse generator paints: (image_size, image_size) ids of the nearest colours.

        Raises:
            DataError: if the picture cannot be read or is not square.
            ShapeError: if an array is no picture.
        """
        pixels = read_square_photo(image, image_size=self.image_size, zoom=self.spec.zoom, fit=self.fit)
        palette = torch.tensor(self.spec.schema.palette, dtype=torch.float32, device=self.device) / 127.5 - 1
        with self.inference():
            painted = self.components["inverse_generator"](to_tensor(pixels, self.device))[0].permute(1, 2, 0)
            nearest = torch.cdist(painted.flatten(0, 1), palette).argmin(1).unflatten(0, painted.shape[:2])
            ids: NDArray[np.uint8] = nearest.byte().cpu().numpy()
        return ids

    def paint(
        self, label_map: Int64[Tensor, "b h w"], attributes: Float[Tensor, "b n_c"], seeds: Sequence[int]
    ) -> Float[Tensor, "b 3 h w"]:
        """One picture a map in [-1, 1]; attributes and seeds change nothing."""
        image: Tensor = self.components["generator"](self._encode(label_map))
        return image

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (label_map of int64 ids -> image in [-1, 1])."""
        target = generator_target(
            self.components["generator"],
            self._encode,
            num_classes=self.spec.schema.num_classes,
            image_size=self.image_size,
            noise=None,
            device=self.device,
        )
        return {"generator": target}

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Label maps."""
        return {"label_map": map_condition(self.spec.schema, self.image_size)}

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        label_map = torch.from_numpy(plan.condition("label_map", rows).copy()).to(self.device).long()
        return to_pictures(self.components["generator"](self._encode(label_map)))

    def _encode(self, label_map: Tensor) -> Tensor:
        return colorize(label_map, self.spec.schema)
