"""Samples in tar files, as the package webdataset reads them too, found by an index of offsets beside each file.

```
shards/train-000000.tar       00000000.jpg, 00000000.label.png, 00000000.txt, 00000000.json, 00000001.jpg, ...
shards/train-000000.tar.json  where each of them begins, and what the JSON of each says
shards/dataset.json           what the labels mean
```
`limner data convert --shards` and `limner data make --shards` write them. Any sample is read by itself, in any order,
so that training shuffles, resumes and shares samples among processes exactly as with a folder of files. The folder may
also be an address that fsspec knows, such as `s3://bucket/faces`: then the index is fetched once, and samples by ranges
of bytes when they are read.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.data.facts import Facts
from limner.data.image_io import label_map_of_bytes, photo_of_bytes
from limner.data.manifest import Layout, Row
from limner.data.marks import Marks
from limner.data.point_schema import FAR_PX
from limner.data.schema import LabelSchema
from limner.data.shards import ADDRESS, DESCRIPTION, FOLDER, FORMAT_VERSION, INDEX_SUFFIX, members_of
from limner.data.spec import DataSpec
from limner.errors import DataError, LimnerError
from limner.files import checked_name, open_regular, read_json, reason, short
from limner.optional import optional

_MAX_MEMBER = 512_000_000  # bytes
_MAX_INDEX = 4_000_000_000


@dataclass(frozen=True)
class Place:
    """Where a member lies."""

    tar: str
    offset: int
    size: int


@dataclass(frozen=True)
class TarReader:
    """Reads rows out of tar files; `Row.image` and `Row.label` are names in `places`."""

    folder: Path
    """Of the tar files, or of their index where they lie at `address`."""
    schema: LabelSchema | None
    places: Mapping[str, Place] = field(repr=False)
    address: str = ""
    """Of the tar files, for fsspec; "": they lie in `folder`."""

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        return photo_of_bytes(self._content(row.image), where=row.image)

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 ids of `schema`; raises DataError where there are none."""
        if self.schema is None:
            raise DataError(f"{self.folder} has no label maps.")
        if not row.label:
            raise DataError(f"{row.image} has no label map in its tar file.")
        return label_map_of_bytes(self._content(row.label), self.schema, where=row.label)

    def files(self, row: Row) -> tuple[Path, ...]:
        """The index, which has the size and the hash of the tar file."""
        index = self.folder / f"{self.places[row.image].tar}{INDEX_SUFFIX}"
        return (index if index.exists() else self.folder / self.places[row.image].tar,)

    def _content(self, name: str) -> bytes:
        place = self.places[name]
        try:
            if self.address:
                data = _remote(self.address, place)
            else:
                with open_regular(self.folder / place.tar) as file:
                    file.seek(place.offset)
                    data = file.read(place.size)
        except OSError as error:
            raise DataError(f"{name} cannot be read: {reason(error)}.") from error
        if len(data) != place.size:
            raise DataError(f"{name} ends after {len(data)} of {place.size} bytes: copy the tar file again.")
        return bytes(data)


def detect(root: Path) -> bool:
    """Whether there are tar files with a description."""
    return any((folder / DESCRIPTION).is_file() for folder in (root, root / FOLDER))


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the tar files, by their index alone; a tar file without index is gone through once.

    Raises:
        DataError: if a file is missing or damaged.
    """
    folder = root / FOLDER if (root / FOLDER / DESCRIPTION).is_file() else root
    description = _object(folder / DESCRIPTION)
    try:
        if description.get("format_version") != FORMAT_VERSION:
            raise ValueError(f"format_version {description.get('format_version')!r}, not {FORMAT_VERSION}")
        shards = [checked_name(tar) for tar in description["shards"]]
        address = str(_object(folder / ADDRESS)["address"]) if (folder / ADDRESS).is_file() else ""
        spec = DataSpec.from_json(description["spec"])
        default = description.get("default_schema")
        default_schema = None if default is None else LabelSchema.from_json(default)
        pairs = tuple((str(one), str(other)) for one, other in description.get("pairs", []))
        fit = description.get("fit", "refuse")
        if fit not in ("refuse", "crop", "pad"):
            raise ValueError(f"fit {fit!r}")
    except (LimnerError, LookupError, TypeError, ValueError) as error:
        raise DataError(f"{folder / DESCRIPTION} is not what limner data wrote: {reason(error)}.") from error
    rows: list[Row] = []
    marks: dict[str, Marks] = {}
    places: dict[str, Place] = {}
    for tar in shards:
        samples, tar_bytes = _samples(folder, tar)
        for key, members, labels in samples:
            try:
                row = _row(tar, key, members, labels, spec)
                marks[row.name] = _marks(labels)
                for suffix, (offset, size) in members.items():
                    places[f"{tar}/{key}.{suffix}"] = _place(tar, offset, size, tar_bytes)
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise DataError(f"{folder / tar}: the index of {key} is damaged: {reason(error)}.") from error
            rows.append(row)
    return Layout(
        spec.labels,
        tuple(rows),
        TarReader(folder, spec.labels, places, address),
        attribute_names=spec.attribute_names,
        attribute_kind=spec.attribute_kind,
        default_schema=default_schema,
        fit=fit,
        marks=marks.__getitem__,
        landmarks=spec.landmarks,
        keypoints=spec.keypoints,
        captions=bool(description.get("captions", False)),
        vocabulary=spec.vocabulary,
        age_groups=spec.age_groups,
        pairs=pairs,
    )


_Samples = list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]
"""Key, members and labels."""


def _samples(folder: Path, tar: str) -> tuple[_Samples, int]:
    """The samples of a tar file, and its size in bytes."""
    index = folder / f"{tar}{INDEX_SUFFIX}"
    if not index.exists():
        return _gone_through(folder / tar), (folder / tar).stat().st_size
    found = _object(index, most=_MAX_INDEX)
    path = folder / tar
    if path.exists() and path.stat().st_size != found.get("tar_bytes"):
        raise DataError(f"{path} is not the file that {index.name} is of: delete the index, or copy both again.")
    samples = found.get("samples")
    if found.get("format_version") != FORMAT_VERSION or not isinstance(samples, list):
        raise DataError(f"{index} is no index of this version of Limner: delete it, or update Limner.")
    try:
        return [(str(key), members, labels) for key, members, labels in samples], _number(found["tar_bytes"])
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"{index} is damaged: {reason(error)}; delete it, or copy it again.") from error


def _gone_through(path: Path) -> _Samples:
    try:
        with open_regular(path) as file:
            found: _Samples = []
            for key, members in members_of(path).items():
                labels: dict[str, Any] = {}
                if "json" in members:
                    offset, size = members["json"]
                    file.seek(offset)
                    labels = json.loads(file.read(min(size, _MAX_MEMBER)))
                found.append((key, members, labels))
            return found
    except (OSError, tarfile.TarError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {reason(error)}.") from error


def _row(tar: str, key: str, members: Mapping[str, Any], labels: Mapping[str, Any], spec: DataSpec) -> Row:
    own = labels["limner"]
    image = next((suffix for suffix in members if suffix in ("jpg", "jpeg", "png", "webp", "bmp")), None)
    if image is None:
        raise ValueError("it has no picture")
    values = tuple(float("nan") if value is None else float(value) for value in own["attributes"])
    if len(values) != len(spec.attribute_names):
        raise ValueError(f"{len(values)} attributes in place of {len(spec.attribute_names)}")
    split = own.get("split", "")
    if split not in ("", "train", "val", "test", "unused"):
        raise ValueError(f"the split {short(str(split))}")
    return Row(
        str(own["name"]),
        f"{tar}/{key}.{image}",
        f"{tar}/{key}.label.png" if "label.png" in members else "",
        values,
        split,
        age=None if own.get("age") is None else float(own["age"]),
        identity=str(own.get("identity", "")),
        category=str(own.get("category", "")),
    )


def _marks(labels: Mapping[str, Any]) -> Marks:
    own = labels["limner"]
    points = {
        name: np.array([[np.nan if value is None else value for value in point] for point in own[name]], np.float64)
        for name in ("landmarks", "keypoints")
        if name in own
    }
    if any((np.abs(array) > FAR_PX).any() for array in points.values()):
        raise ValueError(f"a point over {FAR_PX:,.0f} pixels away")
    facts = None
    if "facts" in own:
        stated = tuple({name: tuple(values) for name, values in one.items()} for one in own["stated"])
        facts = Facts(dict(own["facts"]), stated)
    return Marks(points.get("landmarks"), points.get("keypoints"), tuple(own.get("captions", ())), facts)


def _place(tar: str, offset: Any, size: Any, tar_bytes: int) -> Place:
    if _number(offset) + _number(size) > tar_bytes:
        raise ValueError(f"{size} bytes from {offset} on are beyond its end")
    return Place(tar, offset, size)


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62:
        raise ValueError(f"{value!r} is no place in a file")
    return value


def _object(path: Path, *, most: int = _MAX_MEMBER) -> dict[str, Any]:
    found = read_json(path, most=most)
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no JSON object.")
    return found


def _remote(address: str, place: Place) -> bytes:
    fsspec = optional("fsspec", extra="scale")
    try:
        system, path = fsspec.core.url_to_fs(address)
        content = system.cat_file(f"{path.rstrip('/')}/{place.tar}", start=place.offset, end=place.offset + place.size)
    except Exception as error:  # every file system of fsspec has errors of its own
        raise DataError(f"{place.tar} at {address} cannot be read: {reason(error)[:300]}.") from error
    return bytes(content)
