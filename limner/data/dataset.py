"""Samples of a manifest at one size, cached in memory and augmented."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from limner.data.batch import MaskToImageBatch, MaskToImageSample, collate
from limner.data.config import AugmentConfig
from limner.data.manifest import Manifest
from limner.data.sampler import SampleKey
from limner.data.transforms import augment, resize_image, resize_label_map
from limner.errors import ConfigError

__all__ = ["MaskToImageBatch", "MaskToImageDataset", "MaskToImageSample", "collate"]


class MaskToImageDataset(Dataset[MaskToImageSample]):
    """Pictures and label maps of a manifest, resized once.

    `dataset[i]` is row `i` as it is. `dataset[SampleKey(i, position)]` is row `i` augmented by random numbers that
    depend on `(seed, position)` alone: not on workers, ranks or what was read before.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        image_size: int,
        augment: AugmentConfig | None = None,
        seed: int = 0,
        cache_bytes: int = 2 * 1024**3,
    ) -> None:
        """Prepare to read; nothing is decoded yet.

        Args:
            manifest: the rows.
            image_size: side of the samples in pixels.
            augment: random changes; none: no changes.
            seed: of the changes.
            cache_bytes: memory for decoded samples; rows that do not fit are decoded each time.

        Raises:
            ConfigError: if `image_size` or `cache_bytes` is out of range.
        """
        if image_size < 1:
            raise ConfigError(f"image_size is {image_size}, but must be at least 1.")
        if cache_bytes < 0:
            raise ConfigError(f"cache_bytes is {cache_bytes}, but must not be negative.")
        self.manifest = manifest
        self.image_size = image_size
        self.augment = augment or AugmentConfig()
        self.seed = seed
        self._attributes = np.array([row.attributes for row in manifest.rows], dtype=np.float32).reshape(
            len(manifest), len(manifest.spec.attribute_names)
        )
        self._flip_permutation = manifest.spec.schema.flip_permutation()
        num_cached = min(len(manifest), cache_bytes // (image_size**2 * 4))
        self._images = np.empty((num_cached, image_size, image_size, 3), dtype=np.uint8)
        self._label_maps = np.empty((num_cached, image_size, image_size), dtype=np.uint8)
        self._is_cached = np.zeros(num_cached, dtype=bool)

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, key: int | SampleKey) -> MaskToImageSample:
        """One sample; see the class.

        Raises:
            DataError: if its files cannot be used.
        """
        index = key.index if isinstance(key, SampleKey) else range(len(self))[key]
        image, label_map = self._read(index)
        if isinstance(key, SampleKey):
            image, label_map = augment(
                image,
                label_map,
                self.augment,
                flip_permutation=self._flip_permutation,
                random=np.random.default_rng((self.seed, key.position)),
            )
        return MaskToImageSample(image, label_map, self._attributes[index], index)

    def _read(self, index: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        if index < len(self._is_cached) and self._is_cached[index]:
            return self._images[index], self._label_maps[index]
        image, label_map = self.manifest.read(self.manifest.rows[index])
        image, label_map = resize_image(image, self.image_size), resize_label_map(label_map, self.image_size)
        if index < len(self._is_cached):
            self._images[index], self._label_maps[index] = image, label_map
            self._is_cached[index] = True
        return image, label_map
