"""Inference of CAAE: a photo of a face -> the same face at other ages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from limner.ageing.inputs import Align
from limner.ageing.pipeline import NUM_STEPS, AgeingPipeline
from limner.ageing.plans import AgeInput, of_gender
from limner.ageing.shapes import AgeShapes
from limner.data.datasets.utkface import AGE_GROUPS
from limner.inputs import PhotoInput
from limner.mode import mode, plan_of
from limner.pipelines import ExportTarget
from limner.plan import GenerationPlan
from limner.systems.caae.networks import NUM_GENDERS, Encoder, Generator, signed_labels


class CAAEPipeline(AgeingPipeline):
    """Changes the age of faces.

    Example:
        >>> pipe = limner.load("runs/caae")
        >>> pipe("me.jpg", gender="female").save("ages")
    """

    name: ClassVar[str] = "caae"

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """Encoder, generator, and the mean shapes that photos are cut by."""
        return {"encoder": Encoder, "generator": Generator, "shapes": AgeShapes}

    @mode
    def ages(
        self,
        photo: PhotoInput | Sequence[PhotoInput],
        ages: AgeInput | Sequence[AgeInput] | None = None,
        *,
        gender: str | None = None,
        landmarks: Any = None,
        align: Align = "auto",
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Every photo at every age: the source, then all ten groups, or those that are asked for.

        Args:
            photo: see `AgeingPipeline.ages`.
            ages: see `AgeingPipeline.ages`.
            gender: "male" or "female" of all faces, a label that these weights take; none: not known.
            landmarks: see `AgeingPipeline.ages`.
            align: see `AgeingPipeline.ages`.
            batch_size: see `AgeingPipeline.ages`.

        Raises:
            ConfigError, DataError, ShapeError: as in `AgeingPipeline.ages`, and for the gender.
        """
        plan = super().ages.plan(photo, ages, landmarks=landmarks, align=align, batch_size=batch_size)
        return of_gender(plan, gender)

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
        gender: str | None = None,
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
            gender: see `ages`.
            landmarks: see `ages`.
            align: see `ages`.
            batch_size: see `ages`.

        Raises:
            ConfigError, DataError, ShapeError: as in `ages`, and for the steps.
        """
        options: dict[str, Any] = {"landmarks": landmarks, "align": align, "batch_size": batch_size}
        return of_gender(super().walk.plan(photo, start, end, steps=steps, **options), gender)

    def age_faces(
        self,
        image: Float[Tensor, "b 3 h w"],
        landmarks: Float[Tensor, "b 68 2"],
        gender: Int64[Tensor, " b"],
        ages: Float[Tensor, "b n"],
    ) -> tuple[Tensor, Tensor | None]:
        """Faces at those ages; landmarks are not used, and ages between groups have labels between -1 and 1."""
        latent = self.components["encoder"](image)
        labels = signed_labels(gender.expand(len(image)), NUM_GENDERS)
        return self.components["generator"](latent, 2 * ages - 1, labels).float(), None

    def export_targets(self) -> dict[str, ExportTarget]:
        """`encoder` (image -> latent) and `generator` (latent, age, gender -> image)."""

        def images(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            return ((torch.rand(batch, 3, self.image_size, self.image_size, generator=random) * 2 - 1).to(self.device),)

        def latents(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            latent = torch.rand(batch, int(self.config("generator")["latent_size"]), generator=random) * 2 - 1
            age = signed_labels(torch.arange(batch) % len(AGE_GROUPS), len(AGE_GROUPS))
            gender = signed_labels(torch.arange(batch) % NUM_GENDERS, NUM_GENDERS)
            return tuple(tensor.to(self.device) for tensor in (latent, age, gender))

        return {
            "generator": ExportTarget(self.components["generator"], ("latent", "age", "gender"), ("aged",), latents),
            "encoder": ExportTarget(self.components["encoder"], ("image",), ("latent",), images),
        }
