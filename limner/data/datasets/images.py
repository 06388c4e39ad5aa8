"""Any folder of pictures, with or without masks of the subject: listed, split, and decoded once into a cache.

```
anything/.../*.jpg           pictures, at any depth; names that begin with a dot are left out
masks/.../*.png              bright where the subject is, at the same places as below `images/`; may be missing
img_align_celeba/*.jpg       CelebA: its first 2 001 pictures are the test split
train/..., val/...           ImageNet: the pictures below `val` are the test split
images.txt                   CUB: lines "number path"; train_test_split.txt says which are the test split
```
Data sets whose label maps show a whole subject (`SUBJECT_KINDS`) are read too: their mask is everything but class 0.

Without a split of its own a folder's sorted list gives its first hundredth to the test split, the next one to `val`.
Pictures that cannot be read are left out and reported. Decoded pictures lie in one array on the disk, so that a set
larger than memory trains at the speed of a small one.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from limner.data.attributes import joined, read_lines
from limner.data.cache import DiskCache, Planes, open_disk_cache
from limner.data.image_io import PHOTO_SUFFIXES, read_any_picture, read_mask
from limner.data.manifest import Manifest, find_kind, open_manifest
from limner.errors import ConfigError, DataError
from limner.files import at_home, cache_folder, resolved

log = logging.getLogger("limner")

UInt8Array = npt.NDArray[np.uint8]
Progress = Callable[..., Iterable[Any]]

SUBJECT_KINDS = ("celebamask-hq", "fashion-synthesis", "clothing-co-parsing", "folder")
"""Layouts whose class 0 is the background."""
SUFFIXES = (*PHOTO_SUFFIXES, ".gif", ".tif", ".tiff")
_VERSION = 1  # of the cache's files
_SHARE, _MAX_TEST, _MAX_VAL = 0.01, 2_000, 1_000
_CELEBA, _CELEBA_TEST = "img_align_celeba", 2_001
_BATCH = 32


@dataclass(frozen=True)
class Picture:
    """One picture of a folder, before it is decoded."""

    name: str
    """Path below the root, or the row's name in a data set of a known layout."""
    split: str
    read: Callable[[], UInt8Array] = field(repr=False)
    read_mask: Callable[[], UInt8Array] | None = field(repr=False)
    files: tuple[Path, ...] = field(repr=False)


@dataclass(frozen=True)
class PictureCache:
    """Decoded pictures of one size, on the disk.

    Attributes:
        cache: where they lie.
        names: of the pictures.
        splits: of the pictures.
        hashes: SHA-256 of each picture's pixels as they were cached.
        skipped: sentences about pictures that could not be read.
        images: (n, size, size, 3).
        masks: (n, size, size), 255 where the subject is.
        has_mask: (n,) whether the picture came with a mask.
    """

    cache: DiskCache = field(repr=False)
    names: tuple[str, ...]
    splits: tuple[str, ...]
    hashes: tuple[str, ...]
    skipped: tuple[str, ...]
    images: UInt8Array = field(repr=False)
    masks: UInt8Array = field(repr=False)
    has_mask: npt.NDArray[np.bool_] = field(repr=False)

    @property
    def folder(self) -> Path:
        """Of the cache."""
        return self.cache.folder

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, split: str) -> list[int]:
        """Places of the pictures of a split; "all" for every one.

        Raises:
            DataError: if it has none.
        """
        rows = [index for index, name in enumerate(self.splits) if split in ("all", name)]
        if not rows:
            there = ", ".join(sorted(set(self.splits)))
            raise DataError(f'There is no picture in the split "{split}"; there are: {there}, all.')
        return rows

    def fingerprint(self, rows: Sequence[int]) -> str:
        """Hash of what these pictures show (16 hex digits)."""
        return hashlib.sha256("".join(self.hashes[row] for row in rows).encode()).hexdigest()[:16]

    def derived(
        self, key: str, function: Callable[[UInt8Array], UInt8Array], *, progress: Progress | None = None
    ) -> UInt8Array:
        """A map (n, size, size) made from each picture, computed once and cached beside the pictures.

        Args:
            key: what it is and with which settings; part of the file's name.
            function: pictures (b, size, size, 3) -> maps (b, size, size).
            progress: called as progress(iterable, total=, unit=, desc=) and iterated over.
        """
        return self.cache.derived(key, function, source="images", progress=progress)


def list_pictures(root: Path) -> list[Picture]:
    """All pictures of a folder with their splits; nothing is decoded yet.

    Raises:
        DataError: if the folder is missing or has no picture.
    """
    if not root.is_dir():
        raise DataError(f"{root} is {'not a folder' if root.exists() else 'missing'}: name a folder of pictures.")
    kind = None if (root / "masks").is_dir() else find_kind(root)
    if kind in SUBJECT_KINDS:
        return _of_manifest(open_manifest(root, kind=kind, attributes=(), fit="crop"))
    base = root / "images" if (root / "masks").is_dir() and (root / "images").is_dir() else root
    files = [path for path in _walk(base) if root / "masks" not in path.parents]
    if not files:
        raise DataError(f"{root} has no pictures ({', '.join(SUFFIXES)}), at no depth.")
    masks = {path.relative_to(root / "masks").with_suffix(""): path for path in _walk(root / "masks")}
    splits = _splits(root, base, files)
    pictures = []
    for path, split in zip(files, splits, strict=True):
        mask = masks.get(path.relative_to(base).with_suffix(""))
        pictures.append(
            Picture(
                name=path.relative_to(root).as_posix(),
                split=split,
                read=_reader(read_any_picture, path),
                read_mask=None if mask is None else _reader(read_mask, mask),
                files=(path,) if mask is None else (path, mask),
            )
        )
    return pictures


def open_pictures(
    root: str | Path,
    *,
    size: int,
    fit: Literal["crop", "squash"] = "crop",
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> PictureCache:
    """The pictures of a folder at one size; decoded the first time, and whenever a file of the folder changes.

    Args:
        root: the folder.
        size: side in pixels.
        fit: cut the middle square out, or pull the picture to a square.
        cache: folder for decoded pictures; none: `limner.files.cache_folder()`.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if the size is out of range.
        DataError: if there is no picture that can be read, or the cache cannot be written.
    """
    if not 1 <= size <= 4096:
        raise ConfigError(f"Pictures cannot be cached at {size} pixels; the size must be from 1 to 4096.")
    root = at_home(root)
    pictures = list_pictures(root)
    facts = [[p.name, p.split, [[f.stat().st_size, f.stat().st_mtime_ns] for f in p.files]] for p in pictures]
    key = hashlib.sha256(json.dumps([_VERSION, str(resolved(root)), size, fit, facts]).encode()).hexdigest()[:20]
    folder = at_home(cache) if cache is not None else cache_folder() / "pictures"
    shape = (len(pictures), size, size)
    opened = open_disk_cache(
        folder / key,
        {"images": (*shape, 3), "masks": shape},
        lambda planes: _decode(pictures, planes, size, fit, progress),
        count=lambda index: len(index["pictures"]),
    )
    rows = opened.index["pictures"]
    return PictureCache(
        cache=opened,
        names=tuple(row["name"] for row in rows),
        splits=tuple(row["split"] for row in rows),
        hashes=tuple(row["sha256"] for row in rows),
        skipped=tuple(opened.index["skipped"]),
        images=opened.planes["images"],
        masks=opened.planes["masks"],
        has_mask=np.array([row["mask"] for row in rows], bool),
    )


def _decode(
    pictures: Sequence[Picture], planes: Planes, size: int, fit: Literal["crop", "squash"], progress: Progress | None
) -> dict[str, Any]:
    """Write the pictures that can be read into the arrays; what the cache's index says of them."""

    def decode(picture: Picture) -> tuple[UInt8Array, UInt8Array | None] | str:
        try:
            image = _square(picture.read(), size, fit)
            return image, None if picture.read_mask is None else _square(picture.read_mask(), size, fit)
        except DataError as error:
            return str(error)

    kept: list[dict[str, Any]] = []
    skipped: list[str] = []
    with ThreadPoolExecutor() as pool:  # Pillow decodes without the interpreter's lock
        found: Iterable[Any] = pool.map(decode, pictures)
        if progress is not None:
            found = progress(found, total=len(pictures), unit="picture", desc="decoding")
        for picture, result in zip(pictures, found, strict=True):
            if isinstance(result, str):
                skipped.append(result)
                continue
            image, mask = result
            planes["images"][len(kept)] = image
            if mask is not None:
                planes["masks"][len(kept)] = mask
            sha256 = hashlib.sha256(image.tobytes()).hexdigest()
            kept.append({"name": picture.name, "split": picture.split, "sha256": sha256, "mask": mask is not None})
    if not kept:
        raise DataError(f"No picture can be read; the first reason: {skipped[0]}")
    if skipped:
        log.warning("%d of %d pictures are left out; the first: %s", len(skipped), len(pictures), skipped[0])
    return {"skipped": skipped, "pictures": kept}


def _square(pixels: UInt8Array, size: int, fit: Literal["crop", "squash"]) -> UInt8Array:
    """A picture (H, W[, 3]) as a square of that size; bilinear, with the filter widened when shrinking."""
    image = Image.fromarray(pixels)
    if fit == "crop":
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))


def _walk(folder: Path) -> list[Path]:
    """Picture files at any depth, sorted by their path; hidden files and folders are left out."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(parent) / name
            for name in files
            if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")
        ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _splits(root: Path, base: Path, files: Sequence[Path]) -> list[str]:
    """The split of each file; `val` is cut off the training part, for choosing checkpoints."""
    if (root / "images.txt").exists() and (root / "train_test_split.txt").exists():
        is_test = _cub_test(root, files)
    elif root.name == _CELEBA or (root / _CELEBA).is_dir():
        is_test = [index < _CELEBA_TEST for index in range(len(files))]
    elif (base / "train").is_dir() and (base / "val").is_dir():
        is_test = [base / "val" in path.parents for path in files]
    else:
        num_test = min(_MAX_TEST, max(1, round(_SHARE * len(files)))) if len(files) > 2 else 0
        is_test = [index < num_test for index in range(len(files))]
    training_files = [index for index, test in enumerate(is_test) if not test]
    num_val = min(_MAX_VAL, max(1, round(_SHARE * len(files)))) if len(training_files) > 1 else 0
    val = set(training_files[:num_val])
    return ["test" if test else "val" if index in val else "train" for index, test in enumerate(is_test)]


def _cub_test(root: Path, files: Sequence[Path]) -> list[bool]:
    """Whether each file is in CUB's test split.

    Raises:
        DataError: if the two lists do not fit each other, or not the pictures.
    """
    lists = {}
    for name in ("images.txt", "train_test_split.txt"):
        rows = [line.split(maxsplit=1) for line in read_lines(root / name) if line.strip()]
        if any(len(row) != 2 for row in rows):
            raise DataError(f"{root / name} needs a number and a value in every line.")
        lists[name] = {number: value.strip() for number, value in rows}
    is_training = lists["train_test_split.txt"]
    wrong = [number for number in lists["images.txt"] if is_training.get(number) not in ("0", "1")]
    if wrong:
        raise DataError(f"{root / 'train_test_split.txt'} has no 0 or 1 for the picture {wrong[0]} of images.txt.")
    names = [path.relative_to(root).as_posix().removeprefix("images/") for path in files]
    by_path = {path: is_training[number] == "0" for number, path in lists["images.txt"].items()}
    found = joined(root / "images.txt", by_path, names)
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(
            f"{root / 'images.txt'} has no row for {len(missing)} of {len(names)} pictures; the first is {missing[0]}."
        )
    return [found[name] for name in names]


def _of_manifest(manifest: Manifest) -> list[Picture]:
    def mask_of(row: Any) -> UInt8Array:
        return np.where(manifest.read_label_map(row) > 0, 255, 0).astype(np.uint8)

    return [
        Picture(
            name=row.name,
            split=row.split,
            read=_reader(manifest.read_image, row),
            read_mask=_reader(mask_of, row),
            files=manifest.reader.files(row),
        )
        for row in manifest.rows
    ]


def _reader(function: Callable[[Any], UInt8Array], value: Any) -> Callable[[], UInt8Array]:
    return lambda: function(value)
