"""Inference of the systems that change ages: a photo of a face -> the same face at other ages.

Every mode makes a `GenerationPlan` and draws it; `pipe.walk.plan(...)` gives the plan alone. Photos enter a plan, and
so the file of a result, as the small crop that the network sees.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from limner.ageing.data import face_mask, open_faces
from limner.ageing.inputs import Align, FacePhoto, paste_change, read_face_photo
from limner.ageing.plans import (
    MIDDLES,
    AgeInput,
    ages_in_direction,
    check_direction,
    draw_views,
    face_conditions,
    strip_plan,
    walk_plan,
)
from limner.ageing.shapes import AgeShapes
from limner.data.config import Fit
from limner.data.manifest import Manifest
from limner.errors import ConfigError, DataError, counted
from limner.inputs import PhotoInput
from limner.mode import mode, plan_of
from limner.pipelines import Pipeline
from limner.plan import Condition, GenerationPlan

LandmarksInput = npt.ArrayLike | Sequence[npt.ArrayLike | None]
"""Landmarks of one photo, (68, 2) pixels; or of several, None where they are not known."""
NUM_STEPS = 10
"""Pictures of a walk, unless the user says otherwise."""


class AgeingPipeline(Pipeline):
    """Base of the pipelines that change the age of faces; a subclass says how a face is brought to an age.

    Its `network_classes` hold `shapes`: the mean shapes that photos are cut by.
    """

    @abstractmethod
    def age_faces(
        self,
        image: Float[Tensor, "b 3 h w"],
        landmarks: Float[Tensor, "b 68 2"],
        gender: Int64[Tensor, " b"],
        ages: Float[Tensor, "b n"],
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"] | None]:
        """Faces at those ages, and what was repainted, where the networks say it.

        Args:
            image: in [-1, 1].
            landmarks: shares of the side.
            gender: numbers of `limner.ageing.plans.GENDERS`.
            ages: shares of the age groups, rows sum to 1.

        Returns:
            The faces in [-1, 1], and a mask in [0, 1].
        """

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
            landmarks: 68 positions (x, y) in the photo, pixels, iBUG order, by which it is cut; of several photos a
                list, None where they are not known; none: they are looked for.
            align: whether photos are cut and turned: "auto" where the face is not in its place.
            batch_size: pictures in one pass; 1 on the CPU and 16 elsewhere by default.

        Raises:
            ConfigError: if an age or an option is unknown.
            DataError: if a photo cannot be used: no face, several, one on its side, landmarks that are not its own.
            ShapeError: if landmarks are no 68 finite points.
        """
        faces = read_faces(self, photo, landmarks=landmarks, align=align)
        return strip_plan(faces, ages, middles=middles_of(self), device=self.device, batch_size=batch_size)

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
        face = read_one_face(self, photo, landmarks=landmarks, align=align)
        options: dict[str, Any] = {"device": self.device, "batch_size": batch_size}
        return walk_plan(face, start, end, steps=steps, middles=middles_of(self), **options)

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Crops, landmarks, ages and what is shown of them."""
        return face_conditions(self.image_size)

    def open_data(
        self, path: str | Path, *, kind: str = "auto", fit: Fit | None = None, fix_sides: bool = False
    ) -> Manifest:
        """Faces with landmarks and ages; they are square, and their maps are not read."""
        self.refuse_unread(fit=fit, fix_sides=fix_sides)
        return open_faces(path, kind=kind, asked_by=self.name)

    def view(self, name: str, tensors: dict[str, Tensor]) -> Float[Tensor, "b 3 h w"]:
        """Rows of a plan that show the same, in [-1, 1]: the sources or the aged faces.

        Args:
            name: of `limner.ageing.plans.VIEWS`.
            tensors: of `limner.ageing.plans.plan_tensors`, of these rows.
        """
        if name == "source":
            return tensors["image"]
        return self.age_faces(tensors["image"], tensors["landmarks"], tensors["gender"], tensors["ages"])[0]

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        return draw_views(plan, rows, self.device, self.view)


def shapes_of(pipeline: AgeingPipeline) -> AgeShapes:
    """Its mean shapes."""
    shapes = pipeline.components["shapes"]
    assert isinstance(shapes, AgeShapes)  # by `network_classes`
    return shapes


def middles_of(pipeline: AgeingPipeline) -> tuple[float, ...]:
    """The age that each group stands for: the mean of the training pictures, or the middle where there were none."""
    shapes = shapes_of(pipeline)
    number, years = shapes.number.tolist(), shapes.years.tolist()
    middles = [float(found) if count else middle for found, count, middle in zip(years, number, MIDDLES, strict=True)]
    return tuple(middles) if all(a < b for a, b in pairwise(middles)) else MIDDLES


def read_faces(
    pipeline: AgeingPipeline,
    photo: PhotoInput | Sequence[PhotoInput],
    *,
    landmarks: Any = None,
    align: Align = "auto",
) -> list[FacePhoto]:
    """One or several photos, each cut as the networks know faces; see `read_face_photo`.

    Args:
        pipeline: whose sizes and mean shape they are brought to.
        photo: one or a list.
        landmarks: of one photo (68, 2), or a list with one entry a photo.
        align: whether photos are cut and turned.

    Raises:
        ConfigError: if there are none, or not as many landmarks as photos.
        DataError, ShapeError: if one cannot be used.
    """
    several = isinstance(photo, list | tuple)
    photos: list[Any] = list(photo) if isinstance(photo, list | tuple) else [photo]
    if not photos:
        raise ConfigError("At least one photo is needed.")
    if len(photos) == 1 and isinstance(landmarks, np.ndarray) and landmarks.ndim == 2:
        several = False  # the points of the one photo in the list
    marks: list[Any] = [None] * len(photos) if landmarks is None else list(landmarks) if several else [landmarks]
    if len(marks) != len(photos):
        found, wanted = counted(len(marks), "face"), counted(len(photos), "photo")
        raise ConfigError(f"There are landmarks for {found}, but {wanted}; give None where unknown.")
    mean = shapes_of(pipeline).mean_shape().double().cpu().numpy()
    return [
        read_face_photo(
            one, image_size=pipeline.image_size, mean_shape=mean, landmarks=points, align=align, fit=pipeline.fit
        )
        for one, points in zip(photos, marks, strict=True)
    ]


def read_one_face(
    pipeline: AgeingPipeline, photo: PhotoInput, *, landmarks: Any = None, align: Align = "auto"
) -> FacePhoto:
    """The face of one photo; see `read_faces`.

    Raises:
        ConfigError, DataError, ShapeError: as `read_faces`, and if there are several photos.
    """
    if isinstance(photo, list | tuple) and len(photo) > 1:
        raise ConfigError(f"This is of one photo, but {len(photo)} were given; ask for each of them.")
    (face,) = read_faces(pipeline, photo, landmarks=landmarks, align=align)
    return face


def paste_back(face: FacePhoto, aged: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The whole photo with the face at another age: what changed within the head's outline is added to it."""
    mask = face_mask(torch.from_numpy(face.landmarks)[None], aged.shape[0])[0].float()
    soft = nn.functional.avg_pool2d(mask[None, None], 5, stride=1, padding=2)[0, 0]
    return paste_change(face, aged, soft.numpy())


def source_age_of(path: str | Path) -> float | None:
    """The age that a file's name says as in UTKFace; None where it says none."""
    first, underscore, _ = Path(path).name.partition("_")
    return float(first) if underscore and first.isdecimal() and int(first) <= 116 else None


def ages_from(pipeline: AgeingPipeline, photo: Any, from_age: AgeInput | None, direction: str) -> list[str]:
    """The groups that are older, or younger, than the face in a photo, the nearest first.

    Args:
        pipeline: whose groups are meant.
        photo: as the user gave it.
        from_age: its age; none: what the file's name says, as in UTKFace.
        direction: "older" or "younger".

    Raises:
        ConfigError: if the direction is unknown, the age is not known, or nobody is older or younger.
        DataError: if that is so because of the name of the photo's file.
    """
    if direction not in ("older", "younger"):
        raise ConfigError(f'direction is "{direction}"; it must be older or younger.')
    age = known_age(photo, from_age)
    try:
        group = check_direction(direction, age, middles_of(pipeline))
    except ConfigError as error:
        if from_age is not None or not isinstance(photo, str | Path):
            raise
        raise DataError(f"{photo} cannot be made {direction}: {error}") from error
    return ages_in_direction(direction, group)


def known_age(photo: Any, from_age: AgeInput | None) -> AgeInput:
    """The age of a source: what the user says, or the name of its file.

    Raises:
        ConfigError: if a picture without a name has none.
        DataError: if the file's name says none.
    """
    if from_age is not None:
        return from_age
    if not isinstance(photo, str | Path):
        raise ConfigError("The age in the photo is not known: give from_age=, in years or as a group.")
    found = source_age_of(photo)
    if found is None:  # of this file alone: the others of its folder may say theirs
        raise DataError(
            f"{photo} does not say an age in its name, as 34_photo.jpg does: rename it, or give --from-age "
            "(from_age=), in years or as a group."
        )
    return found


def heat(image: Tensor, mask: Tensor) -> Tensor:
    """A mask (b, 1, h, w) in [0, 1] over the grey picture: red where it is open, blue where it is closed."""
    mask = nn.functional.interpolate(mask.float(), size=image.shape[-2:], mode="bilinear").clamp(0, 1)
    grey = 0.35 * image.mean(1, keepdim=True)
    color = torch.cat([2 * mask - 1, torch.full_like(mask, -0.6), 1 - 2 * mask], dim=1)
    return (grey + 0.65 * color).clamp(-1, 1)
