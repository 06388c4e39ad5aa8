"""One list of samples for many layouts: a `Manifest` names every picture, its map, its attributes and its split.

A layout (a module of `limner.data.datasets`) answers two questions: `detect(root)`, is this folder one of mine, and
`read_layout(root, ...)`, what is in it. `open_manifest` does the rest for all of them: the choice of attributes, the
split, the conversion to the schema that was asked for, and the refusal of a set without the fields that are needed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast, get_args, runtime_checkable

import numpy as np
import numpy.typing as npt

from limner.data.ages import AgeGroup
from limner.data.captions import Vocabulary
from limner.data.collection import read_collection
from limner.data.colors import Colors, get_colors
from limner.data.config import DataConfig, Fit
from limner.data.fields import IN_WORDS, Field
from limner.data.image_io import check_same_shape
from limner.data.marks import Marks, MarksOf
from limner.data.plausibility import side_agreement
from limner.data.point_schema import PointSchema
from limner.data.schema import LabelSchema, converter, get_schema
from limner.data.spec import AttributeKind, AudioSpec, DataSpec
from limner.data.transforms import make_square, zoom_box, zoom_in
from limner.errors import ConfigError, DataError, nearest, quoted
from limner.files import at_home, checked_path

KINDS: dict[str, str] = {
    "celebamask-hq": "limner.data.datasets.celebamask_hq",
    "celeba": "limner.data.datasets.celeba",
    "fashion-synthesis": "limner.data.datasets.fashion_synthesis",
    "clothing-co-parsing": "limner.data.datasets.clothing_co_parsing",
    "utkface": "limner.data.datasets.utkface",
    "deepfashion-inshop": "limner.data.datasets.deepfashion_inshop",
    "market-1501": "limner.data.datasets.market_1501",
    "oxford-102": "limner.data.datasets.oxford_102",
    "cub": "limner.data.datasets.cub",
    "coco-captions": "limner.data.datasets.coco_captions",
    "lrw": "limner.data.datasets.lrw",
    "grid": "limner.data.datasets.grid",
    "folder": "limner.data.datasets.folder",
    "webdataset": "limner.data.datasets.webdataset",
    "caption-folder": "limner.data.datasets.caption_folder",
    "pictures": "limner.data.datasets.pictures",
}
"""Layouts by name, in the order in which `auto` tries them."""

SCGAN_ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
"""The attributes of SCGAN on CelebA, in the paper's order (scgan.md 6.1)."""


@dataclass(frozen=True)
class Row:
    """One sample. References are whatever the layout's reader needs: relative paths, or a place in a file.

    What is not known is "", none or NaN.
    """

    name: str
    image: str = ""
    label: str = ""
    attributes: tuple[float, ...] = ()
    split: str = ""
    age: float | None = None
    """In years."""
    identity: str = ""
    """Who it is; the same for all samples of one person."""
    category: str = ""
    """What kind of thing it shows: a species, a spoken word."""
    video: str = ""
    audio: str = ""
    """Where the sound is; of a clip, its video file."""


@runtime_checkable
class Reader(Protocol):
    """How a layout turns a row into pixels."""

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """The picture, (H, W, 3) uint8 RGB; of a clip, its middle frame."""

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """The ids in the layout's own schema, (H, W) uint8; raises DataError where the layout has no label maps."""

    def files(self, row: Row) -> tuple[Path, ...]:
        """The files that these two read."""


@dataclass(frozen=True)
class Layout:
    """What a layout's `read_layout` found."""

    schema: LabelSchema | None
    """Schema of the maps as they lie in the files; none: there are no maps."""
    rows: tuple[Row, ...]
    """Every picture, with all attributes of the data set and its split ("" where it names none)."""
    reader: Reader
    """Reads the rows."""
    attribute_names: tuple[str, ...] = ()
    """Names of the rows' attributes."""
    attribute_kind: AttributeKind = "multi_label"
    """See `DataSpec`."""
    default_schema: LabelSchema | None = None
    """What maps are converted to unless another schema is asked for; none: they stay as they are."""
    fit: Fit = "refuse"
    """What this layout does with pictures that are not square."""
    problems: tuple[str, ...] = ()
    """What is wrong with the folder, one sentence each."""
    notes: tuple[str, ...] = ()
    """What a user should know of the folder, one sentence each."""
    marks: MarksOf | None = None
    """Name of a row -> landmarks, key points and captions, where the data set has any."""
    landmarks: PointSchema | None = None
    """Meaning of the landmarks in `marks`; none: there are none."""
    keypoints: PointSchema | None = None
    """Meaning of the key points in `marks`; none: there are none."""
    captions: bool = False
    """Whether `marks` has captions."""
    vocabulary: Vocabulary | None = None
    """Numbers of the words where the data set gives them; none: in the order in which they come."""
    age_groups: tuple[AgeGroup, ...] = ()
    """What ages are sorted into unless a system says otherwise."""
    audio: AudioSpec | None = None
    """Sound and pictures of clips; none: the rows are no clips."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Names of two rows each: a source and a target, as the data set lists them."""
    masks: bool = False
    """Whether pictures come with masks of their subject; `limner.data.datasets.images` reads them."""

    @property
    def fields(self) -> frozenset[Field]:
        """What the samples have."""
        people = Counter(row.identity for row in self.rows if row.identity)
        there: dict[Field, bool] = {
            "image": True,
            "label_map": self.schema is not None,
            "attributes": bool(self.attribute_names),
            "landmarks": self.landmarks is not None,
            "keypoints": self.keypoints is not None,
            "captions": self.captions,
            "age_group": bool(self.age_groups),
            "identity": bool(people),
            "video": any(row.video for row in self.rows),
            "audio": any(row.audio for row in self.rows),
            "mask": self.masks,
            "pairs": bool(self.pairs) or max(people.values(), default=0) > 1,
        }
        return frozenset(name for name, found in there.items() if found)


@dataclass(frozen=True)
class Manifest:
    """The samples of a data set, or of one split of it."""

    root: Path
    kind: str
    spec: DataSpec
    rows: tuple[Row, ...]
    reader: Reader = field(repr=False, compare=False)
    native_schema: LabelSchema | None = field(default=None, repr=False)
    """Schema of the maps in the files; they are converted to `spec.schema` when read."""
    fit: Fit = "refuse"
    fix_sides: bool = False
    zoom: float = 1.0
    """See `DataConfig.zoom`; every picture, map and point is given as it is seen then."""
    problems: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)
    marks: MarksOf | None = field(default=None, repr=False, compare=False)
    fields: frozenset[Field] = field(default=frozenset(("image", "label_map")), repr=False)
    """What the samples have, asked for or not."""
    keypoint_schema: PointSchema | None = field(default=None, repr=False)
    """Meaning of the key points in `marks`, whether or not `spec` has them."""
    pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names of two rows each, as the data set lists them; of all splits."""

    def __len__(self) -> int:
        return len(self.rows)

    def split(self, name: str) -> Manifest:
        """The samples of one split.

        Raises:
            DataError: if it has none.
        """
        rows = tuple(row for row in self.rows if row.split == name)
        if not rows:
            counts = ", ".join(f"{split} ({count})" for split, count in sorted(self.split_sizes().items()))
            rest = "" if name == "train" else ' Choose one of these, or "all".'  # training looks at no other
            raise DataError(f'{self.root} has no samples in the split "{name}"; it has: {counts}.{rest}')
        return dataclasses.replace(self, rows=rows)

    def split_sizes(self) -> dict[str, int]:
        """Number of samples per split."""
        return dict(Counter(row.split for row in self.rows))

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """The picture of a row, (S, S, 3) uint8 RGB.

        Raises:
            DataError: if the file cannot be used.
        """
        return make_square(self.read_whole_image(row), self.fit, f"The image of {row.name}")

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """The label map of a row, (S, S) uint8 ids of `spec.schema`; S may differ from the picture's.

        Raises:
            DataError: if the file cannot be used.
        """
        where = f"The label map of {row.name}"
        return make_square(self.read_whole_label_map(row), self.fit, where, is_label_map=True)

    def read_whole_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """The label map of a row before it is made square, (H, W) uint8 ids of `spec.schema`.

        Raises:
            DataError: if the file cannot be used.
        """
        return self._table[self.read_native_label_map(row)]

    def read_native_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """The label map of a row as it lies in the file, (H, W) uint8 ids of `native_schema`; sides fixed if asked for.

        Raises:
            DataError: if the file cannot be used.
        """
        label_map = zoom_in(self.reader.read_label_map(row), self.zoom)
        if self.native_schema is None:
            raise DataError(f"{self.root} ({self.kind}) has no label maps.")
        if self.fix_sides and side_agreement(label_map, self.native_schema) == 0:
            return self.native_schema.flip_permutation()[label_map]
        return label_map

    def read(self, row: Row) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Picture and label map of a row, checked to show the same crop.

        Raises:
            DataError: if a file cannot be used or the two do not fit together.
        """
        image, label_map = self.read_whole_image(row), self.read_whole_label_map(row)
        check_same_shape(image, label_map, row.image)
        where = f"{self.root / row.image}"
        return make_square(image, self.fit, where), make_square(label_map, self.fit, where, is_label_map=True)

    def fingerprint(self) -> str:
        """Hash of what the samples are: layout, schema, names, splits, attributes and file sizes (16 hex digits).

        It does not depend on where the folder lies.
        """
        return self._hash([], lambda row: [path.stat().st_size for path in self.reader.files(row)])

    def settings_fingerprint(self) -> str | None:
        """The same by what the samples were made with, of a set that `limner data make` made (16 hex digits).

        Processors round differently, so equal settings give pictures that differ a little, and files of other sizes,
        from machine to machine.

        Returns:
            None for any other set, and if a file is not as long as it was made.
        """
        made = read_collection(self.root)
        if made is None:
            return None
        settings, sizes = made
        for path in (path for row in self.rows for path in self.reader.files(row)):
            if path.stat().st_size != sizes.get(path.relative_to(self.root).as_posix()):
                return None
        return self._hash([settings], lambda _: [])

    def _hash(self, more: list[Any], of_row: Callable[[Row], list[int]]) -> str:
        read_as: list[Any] = [self.kind, self.fit, self.fix_sides, self.spec.to_json(), *more]
        digest = hashlib.sha256(json.dumps(read_as, sort_keys=True).encode())
        colors = getattr(self.reader, "colors", None)
        if colors is not None:
            digest.update(json.dumps([colors.nearest, colors.classes]).encode())
        for row in self.rows:
            digest.update(json.dumps([row.name, row.split, row.attributes, of_row(row)]).encode())
        return digest.hexdigest()[:16]

    def marks_of(self, row: Row) -> Marks:
        """Landmarks, key points and captions of a row, as far as there are any.

        Raises:
            DataError: if a file of them is damaged.
        """
        marks = self.marks(row.name) if self.marks else Marks()
        if self.zoom == 1 or (marks.landmarks is None and marks.keypoints is None):
            return marks
        height, width = self.reader.read_image(row).shape[:2]
        top, left, _, _ = zoom_box(height, width, self.zoom)
        moved = {
            name: points - np.array([left, top])
            for name, points in (("landmarks", marks.landmarks), ("keypoints", marks.keypoints))
            if points is not None
        }
        return dataclasses.replace(marks, **moved)

    def read_whole_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """The picture of a row before it is made square, (H, W, 3) uint8 RGB; zoomed if asked for.

        Raises:
            DataError: if the file cannot be used.
        """
        return zoom_in(self.reader.read_image(row), self.zoom)

    @cached_property
    def _table(self) -> npt.NDArray[np.uint8]:
        if self.native_schema is None:
            raise DataError(f"{self.root} ({self.kind}) has no label maps.")
        return converter(self.native_schema, self.spec.schema)


def open_manifest(
    path: str | Path,
    *,
    kind: str = "auto",
    schema: str | Path | LabelSchema | None = None,
    attributes: Sequence[str] | None = None,
    fit: Fit | None = None,
    fix_sides: bool = False,
    colors: str | Path | Colors | None = None,
    zoom: float = 1.0,
    allow_problems: bool = False,
    needs: Collection[Field] = (),
    uses: Collection[Field] = (),
    vocabulary: Vocabulary | None = None,
    asked_by: str = "this",
) -> Manifest:
    """List the samples of a data folder. Nothing is decoded yet.

    Args:
        path: the folder; of tar files also an address, such as `s3://bucket/faces` (extra `scale`).
        kind: a name of `KINDS`, or "auto" to look which one it is.
        schema: label schema (a name, a JSON file or an object) that maps are converted to; none: the layout's own. Maps
            of a plain folder of which nothing says what they are are taken to be of this schema already.
        attributes: names and order of the attributes; none: SCGAN's five where the data set has them, else all that the
            schema does not imply; empty: no attributes.
        fit: what to do with pictures that are not square; none: what the layout needs.
        fix_sides: exchange left and right classes in maps where all eyes and brows lie on the wrong side.
        colors: how coloured maps are read; see `limner.data.colors.get_colors`.
        zoom: see `limner.data.config.DataConfig`.
        allow_problems: list what is there although pairs are missing and the like; `Manifest.problems` has them.
        needs: fields that the samples must have. `Manifest.spec` describes these and `uses`; without any, labels and
            attributes, as far as there are any.
        uses: fields that are wanted where they are there.
        vocabulary: that numbers the words of captions, of weights that have one; none: the layout's own, or that of all
            captions, every one of which is read for it.
        asked_by: name of the system that needs them, for the message.

    Raises:
        DataError: if the folder is missing, empty, of no known layout, has problems, or lacks a field that is needed.
        ConfigError: if a name is unknown.
    """
    _check_options(kind, attributes, fit, fix_sides, colors, zoom, vocabulary, [*needs, *uses])
    root = _root(path)
    if not root.is_dir():
        raise DataError(f"{root} is {'not a folder' if root.exists() else 'missing'}: name the folder of a data set.")
    wanted = None if schema is None else get_schema(schema)
    kind = _checked_kind(root, kind)
    layout = read_layout(root, kind, schema=wanted)
    if not layout.rows and not layout.problems:
        raise DataError(f"{root} holds no pictures in the layout {kind}: see docs/data.md for where they must lie.")
    _refuse_missing(root, kind, layout.fields, needs, asked_by)
    if layout.problems and not allow_problems:
        more = f" ({len(layout.problems) - 1} more problems: limner data check {root})" if layout.problems[1:] else ""
        raise DataError(layout.problems[0] + more)
    target = None
    if layout.schema is not None:
        target = wanted or layout.default_schema or layout.schema
        converter(layout.schema, target)  # refuses an impossible conversion now, not in the middle of a run
    asked = {"label_map", "attributes", *needs, *uses} if not {*needs, *uses} else {*needs, *uses}
    names = _choose_attributes(layout, target, attributes, root) if "attributes" in asked else ()
    columns = [layout.attribute_names.index(name) for name in names]
    has_splits = any(row.split for row in layout.rows)
    rows = tuple(
        dataclasses.replace(
            row,
            attributes=tuple(row.attributes[column] for column in columns),
            split=row.split or ("unused" if has_splits else hash_split(row.name)),
        )
        for row in layout.rows
    )
    spec = dataclasses.replace(_describe(layout, rows, asked & layout.fields, target, names, vocabulary), zoom=zoom)
    return Manifest(
        root=root,
        kind=kind,
        spec=spec,
        rows=rows,
        reader=with_colors(layout, get_colors(colors), f"{root} ({kind})"),
        native_schema=layout.schema,
        fit=fit or layout.fit,
        fix_sides=fix_sides,
        zoom=zoom,
        problems=layout.problems,
        notes=layout.notes,
        marks=layout.marks,
        fields=layout.fields,
        keypoint_schema=layout.keypoints,
        pairs=layout.pairs,
    )


def with_colors(layout: Layout, colors: Colors | None, where: str) -> Reader:
    """The reader of a layout, which reads coloured maps as asked.

    Raises:
        ConfigError: if its maps have no colours, or a class is not of their schema.
    """
    if colors is None:
        return layout.reader
    if layout.schema is None or not hasattr(layout.reader, "colors"):
        raise ConfigError(f"--colors has no effect on {where}, which has no label maps in colours; leave it out.")
    colors.check(layout.schema)
    reader: Reader = dataclasses.replace(cast(Any, layout.reader), colors=colors)
    return reader


def _check_options(
    kind: object,
    attributes: object,
    fit: object,
    fix_sides: object,
    colors: object,
    zoom: object,
    vocabulary: object,
    wanted: Collection[object],
) -> None:
    """Raises: ConfigError for an option of another type than it may have, or of a value that no data are read with."""
    is_list = isinstance(attributes, list | tuple) and all(isinstance(name, str) for name in attributes)
    for name, value, allowed, is_right in (
        ("kind", kind, "a name", isinstance(kind, str)),
        ("attributes", attributes, "a list of names", attributes is None or is_list),
        ("fit", fit, f"one of {', '.join(get_args(Fit))}", fit is None or fit in get_args(Fit)),
        ("fix_sides", fix_sides, "True or False", isinstance(fix_sides, bool)),
        ("colors", colors, "a text or Colors", colors is None or isinstance(colors, str | Path | Colors)),
        ("vocabulary", vocabulary, "a Vocabulary", vocabulary is None or isinstance(vocabulary, Vocabulary)),
    ):
        if not is_right:
            raise ConfigError(f"{name} is {quoted(value)}; it must be {allowed}.")
    for one in wanted:
        if one not in get_args(Field):
            raise ConfigError(f"There is no field {quoted(one)}.{nearest(str(one), get_args(Field))}")
    is_number = isinstance(zoom, int | float) and not isinstance(zoom, bool)
    DataConfig(zoom=zoom if is_number else math.nan)  # type: ignore[arg-type]  # it knows what a zoom may be


def _refuse_missing(root: Path, kind: str, fields: Collection[Field], needs: Collection[Field], asked_by: str) -> None:
    missing = [name for name in needs if name not in fields]
    if missing:
        there = " and ".join(IN_WORDS[name] for name in IN_WORDS if name in fields)
        raise DataError(
            f"{root} ({kind}) has no {' and no '.join(IN_WORDS[name] for name in missing)}, which {asked_by} needs; it "
            f"has {there}. docs/data.md says where they must lie."
        )


def _describe(
    layout: Layout,
    rows: Sequence[Row],
    fields: Collection[str],
    labels: LabelSchema | None,
    names: tuple[str, ...],
    vocabulary: Vocabulary | None,
) -> DataSpec:
    """What a model must know of these fields."""
    if "captions" not in fields or layout.marks is None:
        vocabulary = None
    elif vocabulary is None:
        vocabulary = layout.vocabulary or Vocabulary.of(
            caption for row in rows for caption in layout.marks(row.name).captions
        )
    return DataSpec(
        labels=labels if "label_map" in fields else None,
        attribute_names=names if "attributes" in fields else (),
        attribute_kind=layout.attribute_kind if "attributes" in fields else "multi_label",
        landmarks=layout.landmarks if "landmarks" in fields else None,
        keypoints=layout.keypoints if "keypoints" in fields else None,
        age_groups=layout.age_groups if "age_group" in fields else (),
        vocabulary=vocabulary,
        audio=layout.audio if "audio" in fields or "video" in fields else None,
    )


def hash_split(name: str, *, seed: int = 0, test_share: float = 0.1, val_share: float = 0.05) -> str:
    """Split of a sample whose data set names none: a fixed share of all names is "test", another one "val".

    It depends on the name alone, so adding or removing samples moves no other sample to another split.
    """
    place = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big") / 2**64
    if place < test_share:
        return "test"
    return "val" if place < test_share + val_share else "train"


def find_kind(root: Path) -> str | None:
    """The layout of a folder; none if it has no known one."""
    return next((kind for kind in KINDS if _module(kind).detect(at_home(root))), None)


def read_layout(root: Path, kind: str = "auto", *, schema: LabelSchema | None = None) -> Layout:
    """What is in a data folder, before attributes, splits and schema are chosen; `open_manifest` is what one wants.

    Raises:
        DataError, ConfigError: as `open_manifest`.
    """
    root = _root(root)
    layout: Layout = _module(_checked_kind(root, kind)).read_layout(root, schema=schema)
    for row in layout.rows:  # files are named after them
        checked_path(row.name, what=f"A sample's name in {root}")
    return layout


def _root(path: str | Path) -> Path:
    """The folder of a data set; of an address, the one that holds its index."""
    from limner.data.addresses import address_of, fetched  # it reads layouts itself

    address = address_of(path)
    return at_home(path) if address is None else fetched(address)


def _checked_kind(root: Path, kind: str) -> str:
    if kind != "auto":
        if kind not in KINDS:
            raise ConfigError(f'There is no data layout "{kind}".{nearest(kind, [*KINDS, "auto"])}')
        return kind
    if not any(root.iterdir()):
        raise DataError(f"{root} is empty: put a data set there, see docs/data.md for the layouts.")
    found = find_kind(root)
    if found is None:
        raise DataError(
            f"{root} has no layout that is known ({', '.join(KINDS)}): see docs/data.md; the plainest one is images/ "
            "and labels/ with the same file names, or a folder of pictures where that is enough."
        )
    return found


def _module(kind: str) -> ModuleType:
    return importlib.import_module(KINDS[kind])


def _choose_attributes(
    layout: Layout, schema: LabelSchema | None, wanted: Sequence[str] | None, root: Path
) -> tuple[str, ...]:
    known = layout.attribute_names
    if wanted is None:
        if layout.attribute_kind == "exclusive":
            return known
        if set(SCGAN_ATTRIBUTES) <= set(known):
            return SCGAN_ATTRIBUTES
        implied = schema.implied_attributes if schema else {}
        return tuple(name for name in known if name not in implied)
    for name in wanted:
        if name not in known:
            hint = nearest(name, known) if known else " It has no attributes at all."
            raise ConfigError(f'{root} has no attribute "{name}".{hint}')
    if len(set(wanted)) != len(wanted):
        raise ConfigError(f"An attribute is named twice in: {', '.join(wanted)}.")
    return tuple(wanted)
