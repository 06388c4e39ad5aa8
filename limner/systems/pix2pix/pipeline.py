"""Inference of pix2pix: label map + seed -> picture. The seed decides what dropout drops, the only noise there is."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from PIL import Image
from torch import Tensor, nn

from limner.data.schema import LabelSchema
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ShapeError
from limner.inputs import to_pictures
from limner.mask_to_image.export import generator_target
from limner.mask_to_image.inputs import LabelMapInput, map_condition, maps_for, picture_plan
from limner.mode import mode, plan_of
from limner.nn.label_maps import encode_label_map
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import Condition, GenerationPlan
from limner.systems.pix2pix.networks import Generator

_log = logging.getLogger(__name__)


class Pix2PixPipeline(Pipeline):
    """Paints label maps.

    Example:
        >>> pipe = limner.load("runs/pix2pix")
        >>> pipe("map.png", seed=7, num_images=4).save("pictures")
    """

    name: ClassVar[str] = "pix2pix"
    uses_attributes: ClassVar[bool] = False

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        for key, value in {"image_size": self.image_size, "num_classes": spec.schema.num_classes}.items():
            found = self.config("generator")[key]
            if found != value:
                raise ShapeError(f"The generator has {key} {found}, but the data description asks for {value}.")

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generator; the discriminator stays with a training run."""
        return {"generator": Generator}

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
        """Paint `num_images` pictures of every label map.

        Args:
            label_map: one or several, square; resized to `image_size` by the nearest pixel. Ids are those of
                `spec.schema`, or of `schema`, from which they are converted.
            seed: picture k takes seed + k, whatever else is painted.
            num_images: pictures a label map; they differ little, since the paper's only noise is dropout.
            schema: label schema of the maps, if it is not the network's.
            batch_size: pictures in one forward pass; 1 on the CPU and 16 elsewhere by default.

        Raises:
            ConfigError: if an option is out of range.
            DataError: if a label map cannot be read or has wrong ids.
            ShapeError: if a size does not fit.
        """
        maps = maps_for(self, label_map, schema)
        plan = picture_plan(maps, seed=seed, num_images=num_images, batch_size=batch_size, device=self.device)
        if num_images > 1 and not self._num_noise:
            _log.warning("These weights paint without noise: all %d pictures of a map are the same.", num_images)
        return plan

    plan = plan_of(__call__)

    def paint(
        self, label_map: Int64[Tensor, "b h w"], attributes: Float[Tensor, "b n_c"], seeds: Sequence[int]
    ) -> Float[Tensor, "b 3 h w"]:
        """One picture a map in [-1, 1]; picture i has the noise of `seeds[i]`, and attributes change nothing."""
        condition = self._encode(label_map)
        image: Tensor = self.components["generator"](condition, self._noise(seeds))
        return image

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (noise, if any, and label_map of int64 ids -> image in [-1, 1])."""
        target = generator_target(
            self.components["generator"],
            self._encode,
            num_classes=self.spec.schema.num_classes,
            image_size=self.image_size,
            noise=("noise", self._num_noise) if self._num_noise else None,
            device=self.device,
        )
        return {"generator": target}

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Label maps."""
        return {"label_map": map_condition(self.spec.schema, self.image_size)}

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        label_map = torch.from_numpy(plan.condition("label_map", rows).copy()).to(self.device).long()
        noise = self._noise(plan.seeds_of(rows))
        return to_pictures(self.components["generator"](self._encode(label_map), noise))

    def _encode(self, label_map: Tensor) -> Tensor:
        return encode_label_map(label_map, self.spec.schema, self.config("generator")["condition"])

    @property
    def _num_noise(self) -> int:
        generator = self.components["generator"]
        assert isinstance(generator, Generator)  # by `network_classes`; tells the type checker
        return generator.num_noise if generator.config["test_noise"] else 0

    def _noise(self, seeds: Sequence[int]) -> Tensor | None:
        """One row a seed, from a generator of its own; drawn on the CPU so that every device gets the same."""
        if not self._num_noise:
            return None
        rows = [torch.rand(self._num_noise, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return torch.stack(rows).to(self.device)
