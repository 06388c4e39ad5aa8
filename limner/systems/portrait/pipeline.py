"""Inference of portrait: edit a photo by its label map, and borrow the looks of its parts from other photos.

`set_image` does the costly work once; then every edit is one pass of the generator. Looks enter a plan, and so the file
of a result, as codes, and the edited photo as its background alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor, nn

from limner.data.schema import LabelSchema
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, DataError, ShapeError, nearest
from limner.faces.alignment import Alignment
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
from limner.inputs import PhotoInput, read_pixels, seed_range, to_pictures, to_tensor, usual_batch_size, whole_number
from limner.mask_to_image.inputs import LabelMapInput, read_label_maps
from limner.nn.parsing import ParsingNetwork
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import GenerationPlan
from limner.results import GenerationResult
from limner.systems.portrait.networks import Appearance, Discriminator, Generator, Reconstruction

NUM_STEPS = 10  # pictures of an interpolation, first and last included
MAX_STEPS = 1_000  # all pictures of an interpolation are held in memory, and go on one sheet
REMEMBERED = 32  # looks of photos that are kept, a few kilobytes each: a photo used again is neither parsed nor encoded
GROUPS: dict[str, tuple[str, ...]] = {"eyes": ("left_eye", "right_eye"), "face": PARTS}
"""Names for several parts at once."""


@dataclass(frozen=True, eq=False)
class Look:
    """What the parts of a face look like. The arrays are copied, and can only be read: photos used again share them.

    Attributes:
        codes: (5, code size) float32, one row a part, in the order of `PARTS`.
        label_map: (S, S) ids of the photo that it comes from; none for a look from a seed.
        weights_hash: of the weights whose codes they are, see `Pipeline.weights_hash`; none: not checked.

    Raises:
        ConfigError: if a code is NaN or infinite.
        ShapeError: if the codes are no table of numbers with a row a part.
    """

    codes: NDArray[np.float32]
    label_map: NDArray[np.uint8] | None = None
    weights_hash: str | None = None

    def __post_init__(self) -> None:
        try:
            codes = np.asarray(self.codes, dtype=np.float32)
        except (TypeError, ValueError):
            raise ShapeError(f"The codes of a look must be numbers of shape ({len(PARTS)}, code size).") from None
        if codes.ndim != 2 or len(codes) != len(PARTS):
            raise ShapeError(f"A look has codes of shape {codes.shape}; it must be ({len(PARTS)}, code size).")
        if not np.isfinite(codes).all():
            raise ConfigError("The codes of a look hold NaN or infinite values.")
        object.__setattr__(self, "codes", _read_only(codes))
        if self.label_map is not None:
            object.__setattr__(self, "label_map", _read_only(self.label_map))


LookInput = Look | PhotoInput | tuple[PhotoInput, LabelMapInput] | int
"""A look, a photo (parsed when no map is given), a photo with its map, or a seed where codes are distributions."""
LandmarksInput = Literal["find"] | npt.ArrayLike
"""Positions (x, y) in a photo; or "find", to have dlib look for the face."""


@dataclass(frozen=True, eq=False)
class Sitter:
    """The photo that is being edited.

    Attributes:
        photo: (S, S, 3) uint8, the aligned crop.
        background: (S, S, 3) uint8, the same with the colours around the face spread over it.
        look: what its parts look like, and its map.
        original: (H, W, 3) uint8, the photo as it was given.
        alignment: where the crop lies in it.
    """

    photo: NDArray[np.uint8]
    background: NDArray[np.uint8]
    look: Look
    original: NDArray[np.uint8]
    alignment: Alignment

    @property
    def label_map(self) -> NDArray[np.uint8]:
        """(S, S) ids of portrait-11."""
        assert self.look.label_map is not None  # a photo's look has one
        return self.look.label_map

    @property
    def digest(self) -> str:
        """SHA-256 over the crop, its map and its place in the photo: results of other photos have another one."""
        digest = hashlib.sha256(self.photo.tobytes() + self.label_map.tobytes())
        digest.update(self.alignment.matrix.tobytes())
        return digest.hexdigest()


class PortraitPipeline(Pipeline):
    """Edits a portrait.

    Example:
        >>> edit = limner.load("portrait")
        >>> label_map = edit.set_image("me.jpg")
        >>> edit.swap(hair="friend.jpg", eyes="sister.jpg").save("swapped")
        >>> edit.repaint(label_map_with_an_open_mouth).save("smiling")
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

    def set_image(
        self,
        photo: PhotoInput,
        label_map: LabelMapInput | None = None,
        *,
        schema: str | LabelSchema | None = None,
        landmarks: LandmarksInput | None = None,
    ) -> NDArray[np.uint8]:
        """Take the photo that the next edits are of.

        Args:
            photo: a square crop like those of CelebAMask-HQ; with `landmarks` any photo, which is aligned by them.
            label_map: of the same crop, square; none: the parser makes it.
            schema: label schema of that map, if it is not portrait-11.
            landmarks: 68, five or three points, see `Alignment.of_landmarks`; or "find": dlib looks for the face.

        Returns:
            (image_size, image_size) ids of portrait-11: the map to repaint.

        Raises:
            ConfigError: if a map and landmarks are given, or a schema without a map.
            DataError: if the photo cannot be read, is not square, or shows no single upright face.
            MissingExtraError: if dlib is to look for the face and is not installed.
            ShapeError: if an array is no photo, no map or no landmarks.
        """
        sitter = self._sit(photo, label_map, schema, landmarks)
        self.sitter = sitter
        return sitter.label_map.copy()

    def look(
        self,
        photo: PhotoInput,
        label_map: LabelMapInput | None = None,
        *,
        schema: str | LabelSchema | None = None,
        landmarks: LandmarksInput | None = None,
    ) -> Look:
        """What the parts of a photo look like, to be used in several edits.

        The arguments and errors are those of `set_image`.
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

    def swap(
        self, label_map: LabelMapInput | None = None, *, schema: str | LabelSchema | None = None, **looks: LookInput
    ) -> GenerationResult:
        """The set photo with the looks of some parts from elsewhere; see `plan_edit`."""
        return self.render(self.plan_edit(label_map, looks, schema=schema))

    def repaint(
        self,
        label_map: LabelMapInput | Sequence[LabelMapInput],
        *,
        schema: str | LabelSchema | None = None,
    ) -> GenerationResult:
        """The set photo with edited maps (an open mouth, another hairline, no bangs) and its own looks."""
        if label_map is None:
            raise ConfigError("repaint needs an edited label map, such as one that set_image gave and you changed.")
        return self.render(self.plan_edit(label_map, {}, schema=schema))

    def plan_edit(
        self,
        label_map: LabelMapInput | Sequence[LabelMapInput] | None = None,
        looks: Mapping[str, LookInput] | None = None,
        *,
        schema: str | LabelSchema | None = None,
    ) -> GenerationPlan:
        """The plan of `swap` and `repaint`.

        Args:
            label_map: target maps; none: that of the set photo.
            looks: part -> where its look comes from. Parts are `PARTS`, "eyes" for both, "face" for all; a later name
                wins over an earlier one. Parts that are not named keep the set photo's own look.
            schema: label schema of the maps, if it is not portrait-11.

        Raises:
            ConfigError: if no photo is set, a part is unknown, or a schema is given without a map.
            DataError, ShapeError: as in `set_image`.
        """
        maps = self._target_maps(label_map, schema)
        codes = self._sitter.look.codes.copy()
        for part, source in (looks or {}).items():
            indices = _part_indices(part)
            codes[indices] = self._codes_of(source)[indices]
        return self._plan("edit", maps, codes[None], {"looks": sorted(looks or {})})

    def face_swap(self, source: LookInput, *, with_map: bool = False, with_hair: bool = True) -> GenerationResult:
        """The set photo's background and layout with another person's face.

        Args:
            source: whose looks are taken.
            with_map: take their layout too, so that only the background stays.
            with_hair: take their hair as well.

        Raises:
            ConfigError: if no photo is set, or there is no layout to take.
            DataError, ShapeError: as in `set_image`.
        """
        look = self._look_of(source)
        if with_map and look.label_map is None:
            raise ConfigError("A look from a seed has no layout to take; give a photo, or leave with_map out.")
        looks = {part: look for part in PARTS if with_hair or part != "hair"}
        return self.render(self.plan_edit(look.label_map if with_map else None, cast(Mapping[str, LookInput], looks)))

    def gallery(
        self,
        sources: LookInput | Sequence[LookInput],
        label_map: LabelMapInput | Sequence[LabelMapInput] | None = None,
        *,
        schema: str | LabelSchema | None = None,
    ) -> GenerationResult:
        """One layout with the looks of many photos: a row a map, a column a source; see `plan_gallery`."""
        return self.render(self.plan_gallery(sources, label_map, schema=schema))

    def plan_gallery(
        self,
        sources: LookInput | Sequence[LookInput],
        label_map: LabelMapInput | Sequence[LabelMapInput] | None = None,
        *,
        schema: str | LabelSchema | None = None,
    ) -> GenerationPlan:
        """The plan of `gallery`.

        Args:
            sources: whose looks are taken, all parts of them; one, or a list or tuple of them.
            label_map: one or several target maps; none: that of the set photo.
            schema: label schema of the maps, if it is not portrait-11.

        Raises:
            ConfigError: if no photo is set, there is no source, or a schema is given without a map.
            DataError, ShapeError: as in `set_image`.
        """
        listed = cast(Sequence[LookInput], sources if isinstance(sources, list | tuple) else [sources])
        if not listed:
            raise ConfigError("A gallery needs at least one source.")
        maps = self._target_maps(label_map, schema)
        codes = np.stack([self._codes_of(source) for source in listed])
        return self._plan("gallery", maps, codes, {"columns": len(codes)})

    def interpolate(self, *, steps: int = NUM_STEPS, **looks: LookInput) -> GenerationResult:
        """The set photo while the looks of some parts change into others, e.g. `interpolate(hair="friend.jpg")`."""
        return self.render(self.plan_interpolation(looks, steps=steps))

    def plan_interpolation(self, looks: Mapping[str, LookInput], *, steps: int = NUM_STEPS) -> GenerationPlan:
        """The plan of `interpolate`: the codes move on straight lines.

        Args:
            looks: part -> where its look ends; see `plan_edit`.
            steps: pictures, first and last included.

        Raises:
            ConfigError: if no photo is set, nothing changes, or `steps` is no number or out of range.
            DataError, ShapeError: as in `set_image`.
        """
        if not looks:
            raise ConfigError("An interpolation needs a part whose look changes, such as hair.")
        steps = whole_number("steps", steps, 2, MAX_STEPS)
        end = self.plan_edit(None, looks).conditions["codes"]
        start = self._sitter.look.codes[None]
        fractions = np.linspace(0.0, 1.0, steps, dtype=np.float32)[:, None, None]
        codes = (start * (1 - fractions) + end * fractions).astype(np.float32)
        return self._plan(
            "interpolate", self._sitter.label_map[None], codes, {"columns": steps, "looks": sorted(looks)}
        )

    def paste_back(self, result: GenerationResult) -> list[Image.Image]:
        """The pictures of a result in the set photo as it was given, at its own size and place.

        Args:
            result: of these weights and of the photo that is set now.

        Raises:
            ConfigError: if no photo is set, or the result is of another photo.
            WeightsError: if other weights drew it.
            ShapeError: if the result is of another size.
        """
        sitter = self._sitter
        if not isinstance(result, GenerationResult):
            raise ConfigError(f"A result of an edit is needed to paste back, not a {type(result).__name__}.")
        self.check_drew(result.provenance, "The result")
        if result.settings.get("sitter") != sitter.digest:
            raise ConfigError("The result is of another photo; call set_image with that one first.")
        pasted = []
        for index, image in enumerate(result.images):
            if image.size != (self.image_size, self.image_size):
                raise ShapeError(f"The result's pictures are {image.size}; these weights make {self.image_size} px.")
            target = result.plan.condition("label_map", range(index, index + 1))[0]
            face = (sitter.label_map != BACKGROUND) | (target != BACKGROUND)
            pasted.append(Image.fromarray(sitter.alignment.paste(sitter.original, np.asarray(image), face)))
        return pasted

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

    def encode(self, photo: Float[Tensor, "b 3 h w"], label_map: Int64[Tensor, "b h w"]) -> Float[Tensor, "b parts z"]:
        """The codes of photos in [-1, 1] with their maps, on the networks' device."""
        codes: Tensor = _Codes(self.appearance)(label_map, photo)
        return codes

    def paint_looks(
        self, label_map: Int64[Tensor, "b h w"], photo: Float[Tensor, "b 3 h w"], codes: Float[Tensor, "b parts z"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Portraits in [-1, 1] of target maps, with the backgrounds of photos and the looks of codes."""
        image: Tensor = _Edit(self.appearance, self.components["generator"])(label_map, photo, codes)
        return image

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        size, found = self.image_size, {name: array.shape[1:] for name, array in plan.conditions.items()}
        codes_shape = (len(PARTS), self.appearance.code_size)
        wanted = {"label_map": (size, size), "background": (size, size, 3), "codes": codes_shape}
        if found != wanted:
            raise ConfigError(f"The plan holds {found}, one row a picture; those of these weights hold {wanted}.")
        label_map, background, codes = (
            torch.from_numpy(plan.condition(name, rows).copy()).to(self.device)
            for name in ("label_map", "background", "codes")
        )
        photo = background.permute(0, 3, 1, 2).float() / 127.5 - 1
        return to_pictures(self.paint_looks(label_map.long(), photo, codes))

    @property
    def _sitter(self) -> Sitter:
        if self.sitter is None:
            raise ConfigError("No photo is set; call set_image first.")
        return self.sitter

    def _plan(
        self, mode: str, maps: NDArray[np.uint8], codes: NDArray[np.float32], settings: dict[str, Any]
    ) -> GenerationPlan:
        """Every map (a row) with every set of codes (a column)."""
        # Only what some map leaves to the background is looked at, and only that is kept. What the photo shows of the
        # face there would come back as a ghost.
        outside = (maps == BACKGROUND).any(0)
        background = np.where(outside[..., None], self._sitter.background, 0).astype(np.uint8)
        return GenerationPlan(
            seeds=list(range(len(maps) * len(codes))),
            settings={"mode": mode, "sitter": self._sitter.digest, **settings},
            conditions={
                "label_map": maps.repeat(len(codes), axis=0) if len(maps) > 1 else maps,
                "background": background[None],
                "codes": np.tile(codes, (len(maps), 1, 1)),
            },
            batch_size=usual_batch_size(self.device),
        )

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
            _refuse_lone_schema(schema)
        original, where = read_pixels(photo)
        alignment = self._alignment(original, where, landmarks)
        crop = alignment.crop(original)
        given = None if label_map is None else self._one_label_map(label_map, schema)
        key = hashlib.sha256(crop.tobytes() + (b"" if given is None else given.tobytes())).digest()
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
        self._looks[key] = look  # at the end, as the last one used
        if len(self._looks) > REMEMBERED:
            del self._looks[next(iter(self._looks))]
        assert look.label_map is not None  # a photo's look has one
        return Sitter(crop, spread_background(crop, look.label_map), look, original, alignment)

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
        if height != width:
            raise DataError(
                f"{where} is {width}x{height}, but must be square, cut like a portrait; an uncut photo is edited with "
                "--align, or with landmarks."
            )
        return Alignment.of_square(side, self.image_size).zoomed(self.spec.zoom)

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

    def _look_of(self, source: LookInput) -> Look:
        """The look of anything that has one."""
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

    def _codes_of(self, source: LookInput) -> NDArray[np.float32]:
        look = self._look_of(source)
        wanted = (len(PARTS), self.appearance.code_size)
        if look.codes.shape != wanted:
            raise ShapeError(f"A look has codes of shape {look.codes.shape}; those of these weights have {wanted}.")
        if look.weights_hash not in (None, self.weights_hash):
            raise ConfigError("The look is of other weights, whose codes mean nothing here; take it with these.")
        return look.codes

    def _one_label_map(self, value: LabelMapInput, schema: str | LabelSchema | None) -> NDArray[np.uint8]:
        maps = self._label_maps(value, schema)
        if len(maps) != 1:
            raise ConfigError(f"This takes one label map, but {len(maps)} were given.")
        return cast(NDArray[np.uint8], maps[0])

    def _target_maps(
        self, value: LabelMapInput | Sequence[LabelMapInput] | None, schema: str | LabelSchema | None
    ) -> NDArray[np.uint8]:
        """The maps to paint: those that are given, or that of the set photo."""
        if value is None:
            _refuse_lone_schema(schema)
            return self._sitter.label_map[None]
        return self._label_maps(value, schema)

    def _label_maps(
        self, value: LabelMapInput | Sequence[LabelMapInput], schema: str | LabelSchema | None
    ) -> NDArray[np.uint8]:
        """Any accepted form -> (maps, image_size, image_size) ids of portrait-11."""
        return read_label_maps(value, schema=SCHEMA, image_size=self.image_size, source=schema, zoom=self.spec.zoom)


def _read_only(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array = np.array(values)
    array.flags.writeable = False
    return array


def spread_background(photo: NDArray[np.uint8], label_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo (S, S, 3) with the colours of its background spread over everything else; S is a power of two."""
    known = (label_map == BACKGROUND)[..., None]
    if not known.any():
        return photo
    sums, counts = [photo * known.astype(np.float32)], [known.astype(np.float32)]
    while len(sums[-1]) > 1:  # means of squares of 2, 4, 8, ... pixels, over what is known of them
        for levels in (sums, counts):
            half = len(levels[-1]) // 2
            levels.append(levels[-1].reshape(half, 2, half, 2, -1).sum((1, 3)))
    filled = sums.pop() / counts.pop()
    for total, count in zip(reversed(sums), reversed(counts), strict=True):
        coarse = filled.repeat(2, axis=0).repeat(2, axis=1)
        filled = np.where(count > 0, total / np.maximum(count, 1), coarse)
    smooth = Image.fromarray(filled.round().astype(np.uint8)).filter(ImageFilter.GaussianBlur(len(photo) / 32))
    return np.where(known, photo, np.asarray(smooth))


class _Edit(nn.Module):
    """Feature heads and generator: ids, photo, codes -> image."""

    def __init__(self, appearance: Appearance, generator: nn.Module) -> None:
        super().__init__()
        self.appearance = appearance
        self.generator = generator

    def forward(self, label_map: Tensor, photo: Tensor, codes: Tensor) -> Tensor:
        """(b, h, w), (b, 3, h, w) in [-1, 1], (b, 5, z) -> (b, 3, h, w) in (-1, 1)."""
        target = self.appearance.target(label_map)
        features = self.appearance.decode(dict(zip(PARTS, codes.unbind(1), strict=True)))
        image: Tensor = self.generator(target.one_hot, photo, features, target.centres)
        return image


class _Codes(nn.Module):
    """Encoders: ids and photo -> the codes of all parts."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self.appearance = appearance

    def forward(self, label_map: Tensor, photo: Tensor) -> Tensor:
        """(b, h, w), (b, 3, h, w) in [-1, 1] -> (b, 5, z)."""
        codes, _ = self.appearance.encode(self.appearance.cut(photo, self.appearance.target(label_map)))
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


def _refuse_lone_schema(schema: str | LabelSchema | None) -> None:
    if schema is not None:
        raise ConfigError("schema is that of a given label map, but none is given; give one, or leave schema out.")


def _part_indices(name: str) -> list[int]:
    """Rows of the parts that a name stands for.

    Raises:
        ConfigError: if it stands for none.
    """
    if name not in GROUPS and name not in PARTS:
        raise ConfigError(f'There is no part "{name}".{nearest(name, [*PARTS, *GROUPS])}')
    return [PARTS.index(part) for part in GROUPS.get(name, (name,))]
