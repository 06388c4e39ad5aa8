"""Samples of a manifest at one size, cached in memory and augmented."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from limner.data.ages import group_of
from limner.data.batch import MaskToImageBatch, MaskToImageSample, collate
from limner.data.cache import Arrays, MemoryCache
from limner.data.config import AugmentConfig
from limner.data.fields import IN_WORDS, Field
from limner.data.geometry import Geometry
from limner.data.image_io import check_same_shape
from limner.data.manifest import Manifest, Row
from limner.data.sample import Points, Sample
from limner.data.sampler import SampleKey
from limner.data.size import Size, SizeLike
from limner.data.transforms import Changes, change_sample, fit_shape, resize_image, resize_label_map
from limner.errors import ConfigError, DataError

__all__ = ["MaskToImageBatch", "MaskToImageDataset", "MaskToImageSample", "SampleDataset", "collate"]

_POINTS: frozenset[Field] = frozenset({"landmarks", "keypoints"})
CACHE_BYTES = 2 * 1024**3
"""Memory for decoded samples unless a caller says otherwise."""


class SampleDataset(Dataset[Sample]):
    """The fields of a manifest's rows that are asked for, brought to one size once.

    `dataset[i]` is row `i` as it is. `dataset[SampleKey(i, position)]` is row `i` augmented by random numbers that
    depend on `(seed, position)` alone: not on workers, ranks or what was read before. Points move with the pixels; for
    their left and right, `manifest.spec` must describe them (`open_manifest(needs=...)`).
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        fields: Collection[Field],
        size: SizeLike,
        augment: AugmentConfig | None = None,
        seed: int = 0,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """Prepare to read; nothing is decoded yet.

        Args:
            manifest: the rows.
            fields: what to read of them.
            size: of the samples in pixels.
            augment: random changes; none: no changes.
            seed: of the changes.
            cache_bytes: memory for decoded samples; rows that do not fit are decoded each time.

        Raises:
            ConfigError: if `size` or `cache_bytes` is out of range.
            DataError: if the manifest lacks a field.
        """
        for name in fields:
            if name not in manifest.fields:
                raise DataError(f"{manifest.root} ({manifest.kind}) has no {IN_WORDS[name]}.")
        self.manifest = manifest
        self.fields = frozenset(fields)
        self.size = Size.of(size)
        self.augment = augment or AugmentConfig()
        self.seed = seed
        rows, spec = manifest.rows, manifest.spec
        asked = [row.attributes if spec.attribute_names else () for row in rows]
        self._attributes = np.array(asked, dtype=np.float32).reshape(len(rows), len(spec.attribute_names))
        self._numbers = {
            name: {text: number for number, text in enumerate(sorted({getattr(row, name) for row in rows} - {""}))}
            for name in ("identity", "category")
        }
        self._cache = MemoryCache(cache_bytes)

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, key: int | SampleKey) -> Sample:
        """One sample; see the class.

        Raises:
            DataError: if its files cannot be used.
        """
        index = key.index if isinstance(key, SampleKey) else range(len(self))[key]
        sample = self._sample(index)
        if not isinstance(key, SampleKey):
            return sample
        random = np.random.default_rng((self.seed, key.position))
        return change_sample(sample, self.manifest.spec, Changes.drawn(self.augment, self.size, random))

    def _sample(self, index: int) -> Sample:
        row, spec = self.manifest.rows[index], self.manifest.spec
        found = self._cache.get(index, lambda: self._read(row))
        group = None if row.age is None else group_of(row.age, spec.age_groups)
        sample = Sample(
            index=index,
            image=found.get("image"),
            label_map=found.get("label_map"),
            landmarks=found.get("landmarks"),
            keypoints=found.get("keypoints"),
            attributes=self._attributes[index],
            age=float("nan") if row.age is None else row.age,
            age_group=-1 if group is None else group,
            identity=self._numbers["identity"].get(row.identity, -1),
            category=self._numbers["category"].get(row.category, -1),
        )
        if "captions" in self.fields:
            sample = dataclasses.replace(sample, captions=self.manifest.marks_of(row).captions)
        return sample

    def _read(self, row: Row) -> Arrays:
        """The arrays of a row: pixels at the size of the samples, and points in these pixels."""
        manifest, found = self.manifest, dict[str, npt.NDArray[Any]]()
        where = f"{manifest.root / row.image}"
        image = manifest.read_whole_image(row) if self.fields & {"image", *_POINTS} else None
        if "label_map" in self.fields:
            label_map = manifest.read_whole_label_map(row)
            if image is not None:
                check_same_shape(image, label_map, row.image)
            fitted, _ = fit_shape(label_map, self.size, manifest.fit, where, is_label_map=True)
            found["label_map"] = resize_label_map(fitted, self.size)
        if image is not None:
            fitted, placed = fit_shape(image, self.size, manifest.fit, where)
            if "image" in self.fields:
                found["image"] = resize_image(fitted, self.size)
            found |= self._read_points(row, placed.then(Geometry.resized(Size(*fitted.shape[:2]), self.size)))
        return found

    def _read_points(self, row: Row, whole: Geometry) -> dict[str, Points]:
        """The points of a row, moved as its pixels are."""
        spec, found = self.manifest.spec, dict[str, Points]()
        for name in self.fields & _POINTS:
            points = getattr(self.manifest.marks_of(row), name)
            schema = spec.landmarks if name == "landmarks" else spec.keypoints
            if points is not None:
                if schema is None:
                    raise ConfigError(f"{name} are read, but the manifest was opened without asking for them (needs=).")
                found[name] = whole.move(points, schema)
        return found


class MaskToImageDataset(Dataset[MaskToImageSample]):
    """Pictures and label maps of a manifest, resized once; a `SampleDataset` of these two and the attributes."""

    def __init__(
        self,
        manifest: Manifest,
        *,
        image_size: SizeLike,
        augment: AugmentConfig | None = None,
        seed: int = 0,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """Prepare to read; nothing is decoded yet.

        Args:
            manifest: the rows.
            image_size: of the samples in pixels.
            augment: random changes; none: no changes.
            seed: of the changes.
            cache_bytes: memory for decoded samples; rows that do not fit are decoded each time.

        Raises:
            ConfigError: if `image_size` or `cache_bytes` is out of range.
        """
        self.manifest = manifest
        self.image_size = image_size
        fields: tuple[Field, ...] = ("image", "label_map")
        self.samples = SampleDataset(
            manifest, fields=fields, size=image_size, augment=augment, seed=seed, cache_bytes=cache_bytes
        )

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, key: int | SampleKey) -> MaskToImageSample:
        """One sample; see `SampleDataset`.

        Raises:
            DataError: if its files cannot be used.
        """
        sample = self.samples[key]
        if sample.image is None or sample.label_map is None:
            raise DataError(f"{self.manifest.root} has no label maps.")
        return MaskToImageSample(sample.image, sample.label_map, sample.attributes, sample.index)
