"""Inference of portrait: edit a photo by its label map, and borrow the looks of its parts from other photos.

`sit` does the costly work once; then every edit of the `Sitter` that it gives is one pass of the generator.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Generic, ParamSpec, Self, cast, overload

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from limner.data.schema import LabelSchema
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, DataError, ShapeError
from limner.faces.alignment import Alignment, turn_landmarks
from limner.faces.checks import (
    changed_photos,
    check_changes,
    check_doubles,
    check_face,
    check_turns,
    warn_of_hidden_parts,
)
from limner.faces.landmarks import find_landmarks
from limner.faces.parts import BACKGROUND, PARTS, SCHEMA
from limner.inputs import PhotoInput, checked_images, read_pixels, seed_range, to_pictures, to_tensor
from limner.mask_to_image.inputs import LabelMapInput, map_condition, read_label_maps
from limner.mode import BoundMode, Mode
from limner.nn.parsing import ParsingNetwork
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import Condition, GenerationPlan
from limner.results import GenerationResult
from limner.systems.portrait.networks import Appearance, Discriminator, Generator, Reconstruction
from limner.systems.portrait.session import (
    LandmarksInput,
    Look,
    LookInput,
    Sitter,
    refuse_lone_schema,
    spread_background,
)

P = ParamSpec("P")

REMEMBERED = 32  # looks of photos that are kept, some 50 kB each: a photo used again is neither parsed nor encoded


class _OfSetImage(Generic[P]):
    """A mode of the photo that `set_image` took, as a mode of the pipeline."""

    def __init__(self, edit: Mode[Sitter, P, GenerationResult]) -> None:
        function = edit.__wrapped__

        def plan(pipeline: PortraitPipeline, /, *args: P.args, **kwargs: P.kwargs) -> GenerationPlan:
            return function(pipeline.set_sitter, *args, **kwargs)

        functools.update_wrapper(plan, function)
        self._plan = plan
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type[PortraitPipeline]) -> Self: ...
    @overload
    def __get__(self, instance: PortraitPipeline, owner: type[PortraitPipeline]) -> BoundMode[P, GenerationResult]: ...
    def __get__(
        self, instance: PortraitPipeline | None, owner: type[PortraitPipeline]
    ) -> Self | BoundMode[P, GenerationResult]:
        """The mode of one pipeline."""
        return self if instance is None else BoundMode(instance, self._plan)


class PortraitPipeline(Pipeline):
    """Edits portraits.

    Example:
        >>> portrait = limner.load("portrait")
        >>> sitter = portrait.sit("me.jpg")
        >>> sitter.swap(hair="friend.jpg", eyes="sister.jpg").save("swapped")
        >>> sitter.repaint(label_map_with_an_open_mouth).save("smiling")

    `set_image` keeps one sitter in the pipeline, whose edits are then methods of the pipeline itself; threads that
    share a pipeline each take a sitter of their own.
    """

    name: ClassVar[str] = "portrait"
    uses_attributes: ClassVar[bool] = False
    optional_networks: ClassVar[frozenset[str]] = frozenset(
        {"reconstruction", "discriminator", "discriminator_unpaired"}
    )

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        if spec.schema != SCHEMA:
            raise ConfigError(f'portrait knows the labels of "{SCHEMA.name}", not of "{spec.schema.name}".')
        looks = self.config("appearance")
        wanted = {
            "appearance": {"image_size": self.image_size},
            "generator": {
                "image_size": self.image_size,
                "feature_stride": looks["feature_stride"],
                "appearance_width": looks["width"],
            },
            "parser": {"num_classes": SCHEMA.num_classes},
        }
        for name, values in wanted.items():
            for key, value in values.items():
                found = self.config(name)[key]
                if found != value:
                    raise ShapeError(f"The {name} has {key} {found}, but the other networks and the data need {value}.")
        self.sitter: Sitter | None = None
        self._looks: dict[bytes, Look] = {}
        self._lock = threading.Lock()

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The networks of an edit, then those that only training needs."""
        return {
            "appearance": Appearance,
            "generator": Generator,
            "parser": ParsingNetwork,
            "reconstruction": Reconstruction,
            "discriminator": Discriminator,
            "discriminator_unpaired": Discriminator,
        }

    @property
    def appearance(self) -> Appearance:
        """The encoders of looks and their feature heads."""
        return cast(Appearance, self.components["appearance"])

    swap = _OfSetImage(Sitter.swap)
    repaint = _OfSetImage(Sitter.repaint)
    face_swap = _OfSetImage(Sitter.face_swap)
    gallery = _OfSetImage(Sitter.gallery)
    interpolate = _OfSetImage(Sitter.interpolate)

    def sit(
        self,
        photo: PhotoInput,
        label_map: LabelMapInput | None = None,
        *,
        schema: str | LabelSchema | None = None,
        landmarks: LandmarksInput | None = None,
    ) -> Sitter:
        """A photo to be edited: aligned, parsed, checked and encoded once, for many edits.

        Args:
            photo: a square crop like those of CelebAMask-HQ; with `landmarks` any photo, which is aligned by them.
            label_map: of the same crop, square; none: the parser makes it.
            schema: label schema of that map, if it is not portrait-11.
            landmarks: 68, five or three points, see `Alignment.of_landmarks`; or "find": dlib looks for the face.

        Raises:
            ConfigError: if a map and landmarks are given, or a schema without a map.
            DataError: if the photo cannot be read, is not square, or shows no single upright face.
            MissingExtraError: if dlib is to look for the face and is not installed.
            ShapeError: if an array is no photo, no map or no landmarks.
        """
        return self._sit(photo, label_map, schema, landmarks)

    def set_image(
        self,
        photo: PhotoInput,
        label_map: LabelMapInput | None = None,
        *,
        schema: str | LabelSchema | None = None,
        landmarks: LandmarksInput | None = None,
    ) -> NDArray[np.uint8]:
        """Take the photo that the next edits of the pipeline itself are of; arguments and errors are those of `sit`.

        Returns:
            (image_size, image_size) ids of portrait-11: the map to repaint.
        """
        sitter = self._sit(photo, label_map, schema, landmarks)
        self.sitter = sitter
        return sitter.label_map.copy()

    @property
    def set_sitter(self) -> Sitter:
        """The photo that `set_image` took.

        Raises:
            ConfigError: if there is none.
        """
        if self.sitter is None:
            raise ConfigError("No photo is set; call set_image first.")
        return self.sitter

    def paste_back(self, result: GenerationResult) -> list[Image.Image]:
        """The pictures of a result in the photo that `set_image` took; see `Sitter.paste_back`."""
        return self.set_sitter.paste_back(result)

    def look(
        self,
        photo: PhotoInput,
        label_map: LabelMapInput | None = None,
        *,
        schema: str | LabelSchema | None = None,
        landmarks: LandmarksInput | None = None,
    ) -> Look:
        """What the parts of a photo look like, to be used in several edits.

        The arguments and errors are those of `sit`.
        """
        return self._sit(photo, label_map, schema, landmarks).look

    def parse(self, photo: PhotoInput) -> NDArray[np.uint8]:
        """The label map (image_size, image_size) of a square photo, in ids of portrait-11.

        Raises:
            DataError: if the photo cannot be read or is not square.
            ShapeError: if an array is no photo.
        """
        original, where = read_pixels(photo)
        return self._parse([self._alignment(original, where, None).crop(original)])[0][0]

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (label_map of int64 ids, photo, codes -> image), `appearance` (photo, label_map -> codes),
        `parser` (photo -> logits)."""
        size, parts, code_size = self.image_size, len(PARTS), self.appearance.code_size

        def example(batch: int) -> tuple[Tensor, Tensor, Tensor]:
            random = torch.Generator().manual_seed(batch)
            label_map = torch.randint(SCHEMA.num_classes, (batch, size, size), generator=random)
            photo = torch.rand(batch, 3, size, size, generator=random) * 2 - 1
            codes = torch.randn(batch, parts, code_size, generator=random)
            return label_map.to(self.device), photo.to(self.device), codes.to(self.device)

        generator = _Edit(self.appearance, self.components["generator"])
        return {
            "generator": ExportTarget(generator, ("label_map", "photo", "codes"), ("image",), example),
            "appearance": ExportTarget(
                _Codes(self.appearance), ("label_map", "photo"), ("codes",), lambda batch: example(batch)[:2]
            ),
            "parser": ExportTarget(
                _Logits(self.components["parser"]), ("photo",), ("logits",), lambda batch: example(batch)[1:2]
            ),
        }

    def encode(self, photo: Tensor, label_map: Int64[Tensor, "b h w"]) -> Float[Tensor, "b parts z"]:
        """The codes of photos (b, 3, h, w) in [-1, 1] with their maps (b, h, w), on the networks' device.

        Raises:
            ShapeError: if the photos are no such images.
        """
        codes: Tensor = _Codes(self.appearance)(label_map, checked_images(photo, "photo"))
        return codes

    def paint_looks(
        self, label_map: Int64[Tensor, "b h w"], photo: Float[Tensor, "b 3 h w"], codes: Float[Tensor, "b parts z"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Portraits in [-1, 1] of target maps, with the backgrounds of photos and the looks of codes."""
        image: Tensor = self.joined("edit")(label_map, photo, codes)
        return image

    def joined_networks(self) -> dict[str, nn.Module]:
        """`edit`: the heads of the appearance network and the generator."""
        return {"edit": _Edit(self.appearance, self.components["generator"])}

    def current(self, plan: GenerationPlan) -> GenerationPlan:
        """See `Pipeline.current`: every portrait is made from a photo."""
        plan = super().current(plan)
        return plan if plan.from_photo else replace(plan, from_photo=True)

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Label maps; the background; codes of all parts."""
        return {
            "label_map": map_condition(SCHEMA, self.image_size),
            "background": Condition("uint8", (self.image_size, self.image_size, 3)),
            "codes": Condition("float32", (len(PARTS), self.appearance.code_size)),
        }

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        label_map, background, codes = (
            torch.from_numpy(plan.condition(name, rows).copy()).to(self.device)
            for name in ("label_map", "background", "codes")
        )
        photo = background.permute(0, 3, 1, 2).float() / 127.5 - 1
        return to_pictures(self.paint_looks(label_map.long(), photo, codes))

    def _sit(
        self,
        photo: PhotoInput,
        label_map: LabelMapInput | None,
        schema: str | LabelSchema | None,
        landmarks: LandmarksInput | None,
    ) -> Sitter:
        """Align, parse, check and encode a photo; the looks of the last photos are remembered."""
        if label_map is not None and landmarks is not None:
            raise ConfigError(
                "Landmarks say that the photo is not aligned yet, but a map is of an aligned one; give one."
            )
        if label_map is None:
            refuse_lone_schema(schema)
        original, where = read_pixels(photo)
        if landmarks is not None and not isinstance(landmarks, str) and isinstance(photo, str | Path | Image.Image):
            landmarks = turn_landmarks(landmarks, photo, where)
        alignment = self._alignment(original, where, landmarks)
        crop = alignment.crop(original)
        # A map is of the crop, which is the whole photo unless it is aligned by landmarks.
        whole = photo if landmarks is None and isinstance(photo, str | Path) else None
        given = None if label_map is None else self._one_label_map(label_map, schema, photo=whole)
        key = hashlib.sha256(crop.tobytes() + (b"" if given is None else given.tobytes())).digest()
        with self._lock:
            look = self._looks.pop(key, None)
        if look is None:
            if given is None:
                parsed = self._parse([np.rot90(crop, quarters) for quarters in range(4)] + changed_photos(crop))
                ids = parsed[0][0]
                check_face(ids, where)
                check_turns(parsed[:4], where)
                check_doubles(ids, where)
                check_changes(ids, [changed for changed, _ in parsed[4:]], where)  # last, for it also warns
            else:
                ids = given
                check_face(ids, f"{where}, by its label map,")
                check_doubles(ids, f"{where}, by its label map,")
            warn_of_hidden_parts(ids, where)
            look = self._encode_look(crop, ids)
        with self._lock:
            self._looks[key] = look  # at the end, as the last one used
            if len(self._looks) > REMEMBERED:
                del self._looks[next(iter(self._looks))]
        assert look.label_map is not None  # a photo's look has one
        return Sitter(self, crop, spread_background(crop, look.label_map), look, original, alignment)

    def _alignment(self, pixels: NDArray[np.uint8], where: str, landmarks: LandmarksInput | None) -> Alignment:
        side = min(pixels.shape[:2])
        if side < self.image_size // 4:
            raise DataError(
                f"{where} is {pixels.shape[1]}x{pixels.shape[0]}, too small to see a face; its sides must be at least "
                f"{self.image_size // 4} pixels."
            )
        if isinstance(landmarks, str):
            if landmarks != "find":
                raise ConfigError(f'landmarks is "{landmarks}"; it must be "find", or points.')
            landmarks = find_landmarks(pixels, where)
        if landmarks is not None:
            return Alignment.of_landmarks(landmarks, self.image_size, where=where).zoomed(self.spec.zoom)
        height, width = pixels.shape[:2]
        if height != width and self.fit == "refuse":
            raise DataError(
                f"{where} is {width}x{height}, but must be square, cut like a portrait: cut it, or say --fit crop or "
                "pad (in Python: pipe.fit); an uncut photo may be edited with --align, or with landmarks."
            )
        side = min(height, width) if self.fit == "crop" else max(height, width)
        return Alignment.of_middle((height, width), side, self.image_size).zoomed(self.spec.zoom)

    def _parse(self, crops: Sequence[NDArray[np.uint8]]) -> list[tuple[NDArray[np.uint8], float]]:
        """The parser's maps, and how sure it is of what is not background: the mean of the highest probabilities."""
        with self.inference():
            images = torch.cat([to_tensor(crop, self.device) for crop in crops])
            highest, ids = self.components["parser"](images).logits.float().softmax(1).max(1)
            faces = [one[label_map != BACKGROUND] for one, label_map in zip(highest, ids, strict=True)]
            certainties = [float(face.mean()) if len(face) else 0.0 for face in faces]
        return list(zip(ids.byte().cpu().numpy(), certainties, strict=True))

    def _encode_look(self, crop: NDArray[np.uint8], ids: NDArray[np.uint8]) -> Look:
        with self.inference():
            label_map = torch.from_numpy(ids.copy())[None].long().to(self.device)
            codes = self.encode(to_tensor(crop, self.device), label_map)[0].float().cpu().numpy()
        return Look(codes, ids, self.weights_hash)

    def look_of(self, source: LookInput) -> Look:
        """The look of anything that has one.

        Raises:
            ConfigError, DataError, ShapeError: as in `sit`, and for seeds where codes are no distributions.
        """
        if isinstance(source, Look):
            return source
        if isinstance(source, int | np.integer):
            if self.config("appearance")["latent"] != "vae":
                raise ConfigError(
                    "The codes of these weights are no distributions, so no look can be drawn from a seed; give a "
                    "photo, or train with --model.latent vae."
                )
            random = torch.Generator().manual_seed(seed_range(source, 1)[0])
            return Look(torch.randn(len(PARTS), self.appearance.code_size, generator=random).numpy())
        if isinstance(source, tuple):
            if len(source) != 2:
                raise ShapeError(f"A photo with its label map is a pair, but {len(source)} things are given.")
            return self.look(*source)
        return self.look(source)

    def codes_of(self, source: LookInput) -> NDArray[np.float32]:
        """The codes (5, code size) of a look.

        Raises:
            ConfigError: if it is of other weights; and as in `look_of`.
            ShapeError: if its codes have another size.
        """
        look = self.look_of(source)
        wanted = (len(PARTS), self.appearance.code_size)
        if look.codes.shape != wanted:
            raise ShapeError(f"A look has codes of shape {look.codes.shape}; those of these weights have {wanted}.")
        if look.weights_hash not in (None, self.weights_hash):
            raise ConfigError("The look is of other weights, whose codes mean nothing here; take it with these.")
        return look.codes

    def _one_label_map(
        self, value: LabelMapInput, schema: str | LabelSchema | None, *, photo: str | Path | None = None
    ) -> NDArray[np.uint8]:
        maps = self.label_maps(value, schema, photo=photo)
        if len(maps) != 1:
            raise ConfigError(f"This takes one label map, but {len(maps)} were given.")
        return cast(NDArray[np.uint8], maps[0])

    def label_maps(
        self,
        value: LabelMapInput | Sequence[LabelMapInput],
        schema: str | LabelSchema | None,
        *,
        photo: str | Path | None = None,
    ) -> NDArray[np.uint8]:
        """Any accepted form, of a photo or of none -> (maps, image_size, image_size) ids of portrait-11."""
        return read_label_maps(
            value,
            schema=SCHEMA,
            image_size=self.image_size,
            source=schema,
            zoom=self.spec.zoom,
            fit=self.fit,
            colors=self.colors,
            photo=photo,
        )


class _Edit(nn.Module):
    """Feature heads and generator: ids, photo, codes -> image."""

    def __init__(self, appearance: Appearance, generator: nn.Module) -> None:
        super().__init__()
        self.appearance = appearance
        self.generator = generator

    def forward(self, label_map: Tensor, photo: Tensor, codes: Tensor) -> Tensor:
        """(b, h, w), (b, 3, h, w) in [-1, 1], (b, 5, z) -> (b, 3, h, w) in (-1, 1)."""
        target = self.appearance.target(label_map)
        features = self.appearance.decode(dict(zip(PARTS, codes.unbind(1), strict=True)), target.centres)
        image: Tensor = self.generator(target.one_hot, photo, features, target.centres)
        return image


class _Codes(nn.Module):
    """Encoders: ids and photo -> the codes of all parts."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self.appearance = appearance

    def forward(self, label_map: Tensor, photo: Tensor) -> Tensor:
        """(b, h, w), (b, 3, h, w) in [-1, 1] -> (b, 5, z)."""
        target = self.appearance.target(label_map)
        codes, _ = self.appearance.encode(self.appearance.cut(photo, target), target.centres)
        return torch.stack([codes[part] for part in PARTS], dim=1)


class _Logits(nn.Module):
    """The parser with the label map's scores as its only output."""

    def __init__(self, parser: nn.Module) -> None:
        super().__init__()
        self.parser = parser

    def forward(self, photo: Tensor) -> Tensor:
        """(b, 3, h, w) in [-1, 1] -> (b, 11, h, w)."""
        logits: Tensor = self.parser(photo).logits
        return logits
