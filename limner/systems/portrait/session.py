"""The photo that is being edited: a session, whose modes are the edits. Several can share the weights, one a thread.

Looks enter a plan, and so the file of a result, as codes, and the edited photo as its background alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from limner.data.schema import LabelSchema
from limner.errors import ConfigError, ShapeError, nearest
from limner.faces.alignment import Alignment
from limner.faces.parts import BACKGROUND, PARTS
from limner.inputs import PhotoInput, usual_batch_size, whole_number
from limner.mask_to_image.inputs import LabelMapInput
from limner.mode import mode
from limner.plan import GenerationPlan
from limner.results import GenerationResult

if TYPE_CHECKING:
    from limner.systems.portrait.pipeline import PortraitPipeline

NUM_STEPS = 10  # pictures of an interpolation, first and last included
MAX_STEPS = 1_000  # all pictures of an interpolation are held in memory, and go on one sheet
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
    """The photo that is being edited; `PortraitPipeline.sit` makes it.

    Example:
        >>> sitter = limner.load("portrait").sit("me.jpg")
        >>> sitter.swap(hair="friend.jpg").save("swapped")
        >>> plan = sitter.gallery.plan(["friend.jpg", "sister.jpg"])

    Attributes:
        pipeline: whose weights edit it.
        photo: (S, S, 3) uint8, the aligned crop.
        background: (S, S, 3) uint8, the same with the colours around the face spread over it.
        look: what its parts look like, and its map.
        original: (H, W, 3) uint8, the photo as it was given.
        alignment: where the crop lies in it.
    """

    pipeline: PortraitPipeline
    photo: NDArray[np.uint8]
    background: NDArray[np.uint8]
    look: Look
    original: NDArray[np.uint8]
    alignment: Alignment

    def __repr__(self) -> str:
        height, width = self.original.shape[:2]
        return f"<Sitter: a photo of {width}x{height} px to be edited by {self.pipeline.weights_name}>"

    @property
    def label_map(self) -> NDArray[np.uint8]:
        """(S, S) ids of portrait-11, which can only be read; a changed copy of it is what `repaint` takes."""
        assert self.look.label_map is not None  # a photo's look has one
        return self.look.label_map

    @property
    def digest(self) -> str:
        """SHA-256 over the crop, its map and its place in the photo: results of other photos have another one."""
        digest = hashlib.sha256(self.photo.tobytes() + self.label_map.tobytes())
        digest.update(self.alignment.matrix.tobytes())
        return digest.hexdigest()

    def render(
        self, plan: GenerationPlan, *, progress: Callable[[int], object] = lambda number: None
    ) -> GenerationResult:
        """Draw a plan of this photo; see `Pipeline.render`."""
        return self.pipeline.render(plan, progress=progress)

    @mode
    def swap(
        self,
        /,
        label_map: LabelMapInput | Sequence[LabelMapInput] | None = None,
        *,
        schema: str | LabelSchema | None = None,
        **looks: LookInput,
    ) -> GenerationPlan:
        """The photo with the looks of some parts from elsewhere.

        Args:
            label_map: target maps; none: that of the photo.
            schema: label schema of the maps, if it is not portrait-11.
            looks: part -> where its look comes from. Parts are `PARTS`, "eyes" for both, "face" for all; a later name
                wins over an earlier one. Parts that are not named keep the photo's own look.

        Raises:
            ConfigError: if a part is unknown, or a schema is given without a map.
            DataError, ShapeError: as in `PortraitPipeline.sit`.
        """
        maps = self._target_maps(label_map, schema)
        kind = "swap" if label_map is None else "repaint"
        names = _numbered("-".join([kind, *sorted(looks)]), len(maps))
        return self._plan("edit", maps, self._changed_codes(looks)[None], {"looks": sorted(looks)}, names)

    @mode
    def repaint(
        self,
        label_map: LabelMapInput | Sequence[LabelMapInput],
        *,
        schema: str | LabelSchema | None = None,
    ) -> GenerationPlan:
        """The photo with edited maps (an open mouth, another hairline, no bangs) and its own looks."""
        if label_map is None:
            raise ConfigError("repaint needs an edited label map, such as one that set_image gave and you changed.")
        return self.swap.plan(label_map, schema=schema)

    @mode
    def face_swap(self, source: LookInput, *, with_map: bool = False, with_hair: bool = True) -> GenerationPlan:
        """The photo's background and layout with another person's face.

        Args:
            source: whose looks are taken.
            with_map: take their layout too, so that only the background stays.
            with_hair: take their hair as well.

        Raises:
            ConfigError: if there is no layout to take.
            DataError, ShapeError: as in `PortraitPipeline.sit`.
        """
        look = self.pipeline.look_of(source)
        if with_map and look.label_map is None:
            raise ConfigError("A look from a seed has no layout to take; give a photo, or leave with_map out.")
        looks: dict[str, LookInput] = {part: look for part in PARTS if with_hair or part != "hair"}
        maps = self._target_maps(look.label_map if with_map else None, None)
        codes = self._changed_codes(looks)[None]
        return self._plan("edit", maps, codes, {"looks": sorted(looks)}, _numbered("face-swap", len(maps)))

    @mode
    def gallery(
        self,
        sources: LookInput | Sequence[LookInput],
        label_map: LabelMapInput | Sequence[LabelMapInput] | None = None,
        *,
        schema: str | LabelSchema | None = None,
    ) -> GenerationPlan:
        """One layout with the looks of many photos: a row a map, a column a source.

        Args:
            sources: whose looks are taken, all parts of them; one, or a list or tuple of them.
            label_map: one or several target maps; none: that of the photo.
            schema: label schema of the maps, if it is not portrait-11.

        Raises:
            ConfigError: if there is no source, or a schema is given without a map.
            DataError, ShapeError: as in `PortraitPipeline.sit`.
        """
        listed = cast(Sequence[LookInput], sources if isinstance(sources, list | tuple) else [sources])
        if not listed:
            raise ConfigError("A gallery needs at least one source.")
        maps = self._target_maps(label_map, schema)
        codes = np.stack([self.pipeline.codes_of(source) for source in listed])
        looks = [f"look-{column:03d}" for column in range(len(codes))]
        rows = [""] if len(maps) == 1 else [f"map-{row:03d}-" for row in range(len(maps))]
        return self._plan(
            "gallery", maps, codes, {"columns": len(codes)}, [row + look for row in rows for look in looks]
        )

    @mode
    def interpolate(self, /, *, steps: int = NUM_STEPS, **looks: LookInput) -> GenerationPlan:
        """The photo while the looks of some parts change into others, e.g. `interpolate(hair="friend.jpg")`.

        The codes move on straight lines.

        Args:
            steps: pictures, first and last included.
            looks: part -> where its look ends; see `swap`.

        Raises:
            ConfigError: if nothing changes, or `steps` is no number or out of range.
            DataError, ShapeError: as in `PortraitPipeline.sit`.
        """
        if not looks:
            raise ConfigError("An interpolation needs a part whose look changes, such as hair.")
        steps = whole_number("steps", steps, 2, MAX_STEPS)
        start, end = self.look.codes[None], self._changed_codes(looks)[None]
        fractions = np.linspace(0.0, 1.0, steps, dtype=np.float32)[:, None, None]
        codes = (start * (1 - fractions) + end * fractions).astype(np.float32)
        names = [f"step-{step:03d}" for step in range(steps)]
        return self._plan("interpolate", self.label_map[None], codes, {"columns": steps, "looks": sorted(looks)}, names)

    def paste_back(self, result: GenerationResult, *, only: int | None = None) -> list[Image.Image]:
        """The pictures of a result in the photo as it was given, at its own size and place.

        Args:
            result: of these weights and of this photo.
            only: number of the one picture to paste; none: all.

        Raises:
            ConfigError: if the result is of another photo.
            WeightsError: if other weights drew it.
            ShapeError: if the result is of another size.
        """
        if not isinstance(result, GenerationResult):
            raise ConfigError(f"A result of an edit is needed to paste back, not a {type(result).__name__}.")
        self.pipeline.check_drew(result.provenance, "The result")
        if result.settings.get("sitter") != self.digest:
            raise ConfigError("The result is of another photo; call set_image with that one first.")
        size, pasted = self.pipeline.image_size, []
        for index, image in enumerate(result.images):
            if only not in (None, index):
                continue
            if image.size != (size, size):
                raise ShapeError(f"The result's pictures are {image.size}; these weights make {size} px.")
            target = result.plan.condition("label_map", range(index, index + 1))[0]
            face = (self.label_map != BACKGROUND) | (target != BACKGROUND)
            pasted.append(Image.fromarray(self.alignment.paste(self.original, np.asarray(image), face)))
        return pasted

    def _changed_codes(self, looks: Mapping[str, LookInput]) -> NDArray[np.float32]:
        """The photo's codes with those of some parts from elsewhere."""
        codes = self.look.codes.copy()
        for part, source in looks.items():
            indices = _part_indices(part)
            codes[indices] = self.pipeline.codes_of(source)[indices]
        return codes

    def _plan(
        self,
        kind: str,
        maps: NDArray[np.uint8],
        codes: NDArray[np.float32],
        settings: dict[str, Any],
        names: list[str],
    ) -> GenerationPlan:
        """Every map (a row) with every set of codes (a column)."""
        # Only what some map leaves to the background is looked at, and only that is kept. What the photo shows of the
        # face there would come back as a ghost.
        outside = (maps == BACKGROUND).any(0)
        background = np.where(outside[..., None], self.background, 0).astype(np.uint8)
        return GenerationPlan(
            seeds=[None] * (len(maps) * len(codes)),
            names=names,
            from_photo=True,
            settings={"mode": kind, "sitter": self.digest, **settings},
            conditions={
                "label_map": maps.repeat(len(codes), axis=0) if len(maps) > 1 else maps,
                "background": background[None],
                "codes": np.tile(codes, (len(maps), 1, 1)),
            },
            batch_size=usual_batch_size(self.pipeline.device),
        )

    def _target_maps(
        self, value: LabelMapInput | Sequence[LabelMapInput] | None, schema: str | LabelSchema | None
    ) -> NDArray[np.uint8]:
        """The maps to paint: those that are given, or that of the photo."""
        if value is None:
            refuse_lone_schema(schema)
            return self.label_map[None]
        return self.pipeline.label_maps(value, schema)


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


def refuse_lone_schema(schema: str | LabelSchema | None) -> None:
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


def _numbered(name: str, count: int) -> list[str]:
    """The name itself, or with numbers where there are several."""
    return [name] if count == 1 else [f"{name}-{index:03d}" for index in range(count)]
