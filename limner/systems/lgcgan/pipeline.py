"""Inference of LGcGAN: a photo of a face -> the same face at other ages, and with other landmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from PIL import Image
from torch import Tensor, nn

from limner.ageing.edits import edit_landmarks
from limner.ageing.inputs import Align, FacePhoto
from limner.ageing.pipeline import (
    AgeingPipeline,
    ages_from,
    heat,
    known_age,
    middles_of,
    paste_back,
    read_faces,
    read_one_face,
    shapes_of,
)
from limner.ageing.plans import AgeInput, age_shares, face_names, face_plan, listed_ages
from limner.ageing.shapes import AgeShapes
from limner.data.datasets.utkface import AGE_GROUPS
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, WeightsError
from limner.inputs import PhotoInput
from limner.mode import mode
from limner.pipelines import ExportTarget
from limner.plan import Condition, GenerationPlan
from limner.systems.lgcgan.landmark_maps import render_landmarks
from limner.systems.lgcgan.networks import Aged, Generator


class LGcGANPipeline(AgeingPipeline):
    """Changes the age of faces.

    Example:
        >>> pipe = limner.load("lgcgan")
        >>> pipe("me.jpg").save("ages")
        >>> pipe.walk("me.jpg", 20, 80, steps=40).save("walk")
    """

    name: ClassVar[str] = "lgcgan"
    variant_networks: ClassVar[frozenset[str]] = frozenset({"inverse"})

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        found = self.config("primal")["image_size"]
        if found != self.image_size:
            raise WeightsError(
                f"The generator has image_size {found}, but the data description asks for {self.image_size}."
            )

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generators, and the mean shapes; runs that share weights or have no inverse task lack the inverse one."""
        return {"primal": Generator, "inverse": Generator, "shapes": AgeShapes}

    @mode
    def older(
        self,
        photo: PhotoInput,
        from_age: AgeInput | None = None,
        *,
        direction: str = "older",
        landmarks: Any = None,
        align: Align = "auto",
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """A photo and all groups that are older (or, by `direction`, younger) than it, the nearest first.

        Args:
            photo: one photo.
            from_age: age of the source; none: what the file's name says, as in UTKFace.
            direction: "older" or "younger".
            landmarks: see `ages`.
            align: see `ages`.
            batch_size: see `ages`.

        Raises:
            ConfigError: if the age is not known, or nobody is older or younger.
            DataError, ShapeError: as in `ages`; DataError also if the age is that of the file's name.
        """
        wanted = ages_from(self, photo, from_age, direction)
        return self.ages.plan(photo, wanted, landmarks=landmarks, align=align, batch_size=batch_size)

    @mode
    def round_trip(
        self,
        photo: PhotoInput | Sequence[PhotoInput],
        age: AgeInput,
        from_age: AgeInput | None = None,
        *,
        landmarks: Any = None,
        align: Align = "auto",
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Source, aged face, what the inverse generator makes of it, and the difference to the source (times 4).

        Args:
            photo: one or several photos.
            age: to which the face is brought.
            from_age: age of the sources; none: what the names of their files say.
            landmarks: see `ages`.
            align: see `ages`.
            batch_size: see `ages`.

        Raises:
            WeightsError: if these weights have learned no way back.
            ConfigError, DataError, ShapeError: as in `ages`.
        """
        self._inverse()
        faces = read_faces(self, photo, landmarks=landmarks, align=align)
        photos = list(photo) if isinstance(photo, list | tuple) else [photo]
        middles, views = middles_of(self), ("source", "aged", "back", "difference")
        shares = age_shares(age, middles)
        plan = face_plan(
            faces,
            [(number, shares, view) for number in range(len(faces)) for view in views],
            names=[f"{name}-{view}" for name in face_names(faces) for view in views],
            settings={"mode": "round trip", "columns": len(views), "age": str(age)},
            device=self.device,
            batch_size=batch_size,
        )
        own = np.stack([age_shares(known_age(one, from_age), middles) for one in photos])
        return replace(plan, conditions={**plan.conditions, "source_ages": own.repeat(len(views), axis=0)})

    @mode
    def attention(
        self,
        photo: PhotoInput,
        ages: AgeInput | Sequence[AgeInput] | None = None,
        *,
        landmarks: Any = None,
        align: Align = "auto",
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Where the network changes a face for each age: red is repainted, blue is kept.

        A row an age: the drawn landmarks, the aged face, the attention at a quarter and at half of the size, and of the
        pixels, as far as these weights have them.

        Args:
            photo: one photo.
            ages: as in `ages`.
            landmarks: see `ages`.
            align: see `ages`.
            batch_size: see `ages`.

        Raises:
            ConfigError, DataError, ShapeError: as in `ages`.
        """
        face = read_one_face(self, photo, landmarks=landmarks, align=align)
        config, middles = self.config("primal"), middles_of(self)
        views = ["landmarks", "aged"]
        views += ["coarse", "fine"] if config["attention"] else []
        views += ["pixels"] if config["pixel_attention"] else []
        wanted = listed_ages(ages)
        (name,) = face_names([face])
        return face_plan(
            [face],
            [(0, age_shares(age, middles), view) for age in wanted for view in views],
            names=[f"{name}-{number:02d}-{view}" for number in range(len(wanted)) for view in views],
            settings={"mode": "attention", "columns": len(views), "ages": [str(age) for age in wanted]},
            device=self.device,
            batch_size=batch_size,
        )

    @mode
    def edit(
        self,
        photo: PhotoInput,
        age: AgeInput,
        edits: Mapping[str, float] | None = None,
        *,
        like: PhotoInput | None = None,
        landmarks: Any = None,
        like_landmarks: Any = None,
        align: Align = "auto",
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """A face at an age with other landmarks: its own ones edited, or those of another face.

        Weights that were trained without `--loss.pose_control` saw landmarks that fit the picture only, and mostly keep
        the old pose.

        Args:
            photo: one photo.
            age: of the result.
            edits: name -> amount, see `limner.ageing.edits.LIMITS`.
            like: another face whose landmarks are taken.
            landmarks: of `photo`, see `ages`.
            like_landmarks: of `like`.
            align: see `ages`.
            batch_size: see `ages`.

        Raises:
            ConfigError: if neither or both of `edits` and `like` are given, or an edit is unknown.
            DataError, ShapeError: as in `ages`.
            WeightsError: if these weights see no landmarks.
        """
        if (like is None) == (not edits):
            raise ConfigError("Give either edits, such as open_mouth=1, or another face whose landmarks are taken.")
        if self.config("primal")["landmarks"] == "none":
            raise WeightsError("These weights were trained without landmarks: editing them changes nothing.")
        face = read_one_face(self, photo, landmarks=landmarks, align=align)
        if like is not None:
            points = read_one_face(self, like, landmarks=like_landmarks, align=align).landmarks
        else:
            points = edit_landmarks(face.landmarks, edits or {})
        faces, shares = [face, replace(face, landmarks=points)], age_shares(age, middles_of(self))
        (name,) = face_names([face])
        rows = [(0, shares, "source"), (0, shares, "aged"), (1, shares, "landmarks"), (1, shares, "aged")]
        return face_plan(
            faces,
            rows,
            names=[f"{name}-{what}" for what in ("source", "before", "landmarks", "edited")],
            settings={"mode": "edit", "columns": len(rows), "age": str(age), "edits": dict(edits or {})},
            device=self.device,
            batch_size=batch_size,
        )

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Crops, landmarks, ages and what is shown of them."""
        return {
            **super().plan_conditions(),
            "source_ages": Condition("float32", (len(AGE_GROUPS),), 0, 1, is_required=False),
        }

    def read_face(self, photo: PhotoInput, *, landmarks: Any = None, align: Align = "auto") -> FacePhoto:
        """A photo as the networks see it, and where the crop lies in it."""
        return read_one_face(self, photo, landmarks=landmarks, align=align)

    def paste_back(self, face: FacePhoto, aged: Image.Image) -> Image.Image:
        """The whole photo with the face at another age; what is finer than the crop stays as it was.

        Args:
            face: of `read_face`.
            aged: a picture of a result of that very face.
        """
        return Image.fromarray(paste_back(face, np.asarray(aged.convert("RGB"))))

    def age_faces(
        self,
        image: Float[Tensor, "b 3 h w"],
        landmarks: Float[Tensor, "b 68 2"],
        gender: Int64[Tensor, " b"],
        ages: Float[Tensor, "b n"],
    ) -> tuple[Tensor, Tensor | None]:
        """Faces at those ages, and what was repainted; the gender is not used."""
        aged = self._generate("primal", image, ages, landmarks)
        return aged.image.float(), aged.mask.float() if self.config("primal")["pixel_attention"] else None

    def export_targets(self) -> dict[str, ExportTarget]:
        """`primal` and, where there is one, `inverse`: image, age and landmark maps -> image and mask."""

        def example(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            image = torch.rand(batch, 3, self.image_size, self.image_size, generator=random) * 2 - 1
            ages = torch.rand(batch, len(AGE_GROUPS), generator=random).softmax(1)
            points = shapes_of(self).mean_shape().cpu().expand(batch, -1, -1)
            guide = {"maps": (render_landmarks(points, self.image_size),), "coords": (points,), "none": ()}
            rest = guide[self.config("primal")["landmarks"]]
            return tuple(tensor.to(self.device) for tensor in (image, ages, *rest))

        inputs = {"maps": ("image", "age", "maps"), "coords": ("image", "age", "landmarks"), "none": ("image", "age")}
        names = inputs[self.config("primal")["landmarks"]]
        return {
            network: ExportTarget(_Tensors(self.components[network]), names, ("aged", "mask"), example)
            for network in ("primal", "inverse")
            if network in self.components
        }

    def _inverse(self) -> str:
        if "inverse" in self.components:
            return "inverse"
        if self.config("primal")["both_ways"]:
            return "primal"
        raise WeightsError("These weights have no inverse generator, so there is no way back to show.")

    def _generate(self, network: str, image: Tensor, ages: Tensor, landmarks: Tensor) -> Aged:
        kind = self.config(network)["landmarks"]
        guide = {"maps": lambda: render_landmarks(landmarks, self.image_size), "coords": lambda: landmarks}
        aged: Aged = self.components[network](image, ages, guide[kind]() if kind in guide else None)
        return aged

    def view(self, name: str, tensors: dict[str, Tensor]) -> Float[Tensor, "b 3 h w"]:
        """See `AgeingPipeline.view`; also landmarks, attention, the way back, and its difference to the source."""
        if name in ("source", "aged"):
            return super().view(name, tensors)
        image, ages, landmarks = tensors["image"], tensors["ages"], tensors["landmarks"]
        if name == "landmarks":
            return (image * 0.5 - 0.3 + 1.2 * render_landmarks(landmarks, self.image_size).amax(1, keepdim=True)).clamp(
                -1, 1
            )
        aged = self._generate("primal", image, ages, landmarks)
        if name in ("coarse", "fine"):
            return heat(image, aged.attention[("coarse", "fine").index(name)])
        if name == "pixels":
            return heat(image, aged.mask)
        back = self._generate(self._inverse(), aged.image.float(), tensors["source_ages"], landmarks).image.float()
        return back if name == "back" else (4 * (back - image).abs() - 1).clamp(-1, 1)


class _Tensors(nn.Module):
    """A generator with image and mask as its only outputs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, age: Tensor, landmarks: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(b, 3, s, s), (b, n), landmarks where the network has them -> (b, 3, s, s), (b, 1, s, s)."""
        aged: Aged = self.network(image, age) if landmarks is None else self.network(image, age, landmarks)
        return aged.image, aged.mask
