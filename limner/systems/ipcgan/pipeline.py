"""Inference of IPCGAN: a photo of a face -> the same face at other ages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64
from PIL import Image
from torch import Tensor, nn

from limner.ageing.data import open_faces
from limner.ageing.inputs import Align
from limner.ageing.pipeline import middles_of, read_faces
from limner.ageing.plans import AgeInput, draw_aged, face_conditions, strip_plan, walk_plan
from limner.ageing.shapes import AgeShapes
from limner.data.config import Fit
from limner.data.datasets.utkface import AGE_GROUPS
from limner.data.manifest import Manifest
from limner.inputs import PhotoInput
from limner.mode import mode, plan_of
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import Condition, GenerationPlan
from limner.systems.ipcgan.networks import Generator

NUM_STEPS = 10


class IPCGANPipeline(Pipeline):
    """Changes the age of faces.

    Example:
        >>> pipe = limner.load("runs/ipcgan")
        >>> pipe("me.jpg").save("ages")
    """

    name: ClassVar[str] = "ipcgan"

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generator, and the mean shapes that photos are cut by."""
        return {"generator": Generator, "shapes": AgeShapes}

    @mode
    def ages(
        self,
        photo: PhotoInput | Sequence[PhotoInput],
        ages: AgeInput | Sequence[AgeInput] | None = None,
        *,
        landmarks: Any = None,
        align: Align = "auto",
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Every photo at every age: the source, then all ten groups, or those that are asked for.

        Args:
            photo: one or several of a face: files, pictures or arrays of any size.
            ages: one or several, names of groups ("31-40") or years (38.5), which are mixed of two; none: all ten.
            landmarks: 68 positions (x, y) in the photo, by which it is cut; of several photos a list; none: they are
                looked for.
            align: whether photos are cut and turned: "auto" where the face is not in its place.
            batch_size: pictures in one pass; 1 on the CPU and 16 elsewhere by default.

        Raises:
            ConfigError: if an age or an option is unknown.
            DataError: if a photo cannot be used: no face, several, one on its side, landmarks that are not its own.
            ShapeError: if landmarks are no 68 finite points.
        """
        faces = read_faces(self, photo, landmarks=landmarks, align=align)
        options: dict[str, Any] = {"device": self.device, "batch_size": batch_size}
        return strip_plan(faces, ages, middles=middles_of(self), **options)

    __call__ = ages
    plan = plan_of(ages)

    @mode
    def walk(
        self,
        photo: PhotoInput,
        start: AgeInput = "0-5",
        end: AgeInput = "80+",
        *,
        steps: int = NUM_STEPS,
        landmarks: Any = None,
        align: Align = "auto",
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """A face on the way from one age to another, through mixtures of neighbouring groups; also towards youth.

        Args:
            photo: one photo.
            start: first age.
            end: last age.
            steps: pictures, both ends included.
            landmarks: see `ages`.
            align: see `ages`.
            batch_size: see `ages`.

        Raises:
            ConfigError, DataError, ShapeError: as in `ages`, and for the steps.
        """
        (face,) = read_faces(self, photo, landmarks=landmarks, align=align)
        options: dict[str, Any] = {"device": self.device, "batch_size": batch_size}
        return walk_plan(face, start, end, steps=steps, middles=middles_of(self), **options)

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Crops, landmarks, ages and what is shown of them."""
        return face_conditions(self.image_size)

    def open_data(
        self, path: str | Path, *, kind: str = "auto", fit: Fit | None = None, fix_sides: bool = False
    ) -> Manifest:
        """Faces with landmarks and ages; they are square, and their maps are not read."""
        return open_faces(path, kind=kind, asked_by=self.name)

    def age_faces(
        self,
        image: Float[Tensor, "b 3 h w"],
        landmarks: Float[Tensor, "b 68 2"],
        gender: Int64[Tensor, " b"],
        ages: Float[Tensor, "b n"],
    ) -> tuple[Tensor, Tensor | None]:
        """Faces at those ages; landmarks and gender are not used."""
        return self.components["generator"](image, ages).float(), None

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (image, age -> image)."""

        def example(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            image = torch.rand(batch, 3, self.image_size, self.image_size, generator=random) * 2 - 1
            ages = torch.rand(batch, len(AGE_GROUPS), generator=random).softmax(1)
            return image.to(self.device), ages.to(self.device)

        return {"generator": ExportTarget(self.components["generator"], ("image", "age"), ("aged",), example)}

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        return draw_aged(plan, rows, self.device, self.age_faces)
