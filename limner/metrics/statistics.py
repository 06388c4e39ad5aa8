"""What a data set looks like to a feature network, computed once and kept on disk.

The features of the real images of an evaluation do not change from one run of it to the next, and take most of its time
on a large set. They are kept under a key that names everything that decides them: the content of the files, the
network and its preparation, the size of the images. A cached file that is damaged, or of another key, is computed
again; one that is half written cannot be, as it appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from limner.data.manifest import Manifest
from limner.engine.ranks import of_the_first
from limner.errors import DataError
from limner.files import cache_folder, open_regular, reason, write_atomically
from limner.metrics.features import feature_vectors
from limner.metrics.frechet import mean_and_covariance

MAX_VECTORS = 10_000
"""Vectors that are kept one by one, for KID, precision and recall; their moments are those of all images."""
FORMAT_VERSION = 1

log = logging.getLogger("limner")


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """A set of images in the eyes of a feature network.

    Attributes:
        count: number of images.
        total: sum of their feature vectors, float64.
        outer: sum of the outer products of the vectors with themselves, float64.
        vectors: the vectors of at most `MAX_VECTORS` images, evenly spaced in the set, float32.
    """

    count: int
    total: Float[Tensor, " d"]
    outer: Float[Tensor, "d d"]
    vectors: Float[Tensor, "kept d"]

    @property
    def kept(self) -> Int64[Tensor, " kept"]:
        """Which images the vectors are of, counted from 0."""
        return _evenly_spaced(len(self.vectors), self.count)

    def moments(self) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"]]:
        """Mean and unbiased covariance.

        Raises:
            DataError: if there are fewer than two images.
        """
        if self.count < 2:
            raise DataError(f"{self.count} images have no covariance; at least two are needed.")
        return mean_and_covariance(self.count, self.total, self.outer)


def collect_statistics(
    batches: Iterable[Tensor], count: int, *, num_features: int, max_vectors: int = MAX_VECTORS
) -> FeatureStatistics:
    """Statistics of `count` images, whose feature vectors come in batches; memory does not grow with their number.

    Raises:
        ShapeError: if a batch has not `num_features` features.
        DataError: if a feature is not finite, or there are not `count` vectors.
    """
    total = torch.zeros(num_features, dtype=torch.float64)
    outer = torch.zeros(num_features, num_features, dtype=torch.float64)
    kept = _evenly_spaced(min(count, max_vectors), count)
    vectors = torch.zeros(len(kept), num_features)
    first = 0
    for batch in batches:
        part = feature_vectors(None, batch, num_features)
        total += part.sum(0)
        outer += part.T @ part
        inside = (kept >= first) & (kept < first + len(part))
        vectors[inside] = part[kept[inside] - first].float()
        first += len(part)
    if first != count:
        raise DataError(f"{first} feature vectors came for {count} images.")
    return FeatureStatistics(count, total, outer, vectors)


def _evenly_spaced(part: int, count: int) -> Int64[Tensor, " part"]:
    """So many of `count` images, and not the first ones: rows of a data set may be sorted."""
    return torch.arange(part) * count // max(1, part)


def content_hash(manifest: Manifest) -> str | None:
    """SHA-256 of what the rows are and of every byte of their files; None where a reader has no files.

    `Manifest.fingerprint`, which protocols name, knows only the sizes of files; it would call a set the same whose
    pictures were replaced by others of equal size.
    """
    digest = hashlib.sha256(manifest.fingerprint().encode())
    seen: set[Path] = set()
    for row in manifest.rows:
        for path in manifest.reader.files(row):
            if path in seen:  # many rows may lie in one file
                continue
            seen.add(path)
            try:
                with open_regular(path) as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
            except OSError as error:
                raise DataError(f"{path} cannot be read: {reason(error)}.") from error
    return digest.hexdigest() if seen else None


def cached_statistics(key: Mapping[str, Any], compute: Callable[[], FeatureStatistics]) -> FeatureStatistics:
    """The statistics under `key`: read from the cache folder, else computed and written there.

    Args:
        key: everything that decides them, as plain values; a changed value is another entry.
        compute: makes them.
    """
    text = json.dumps({"format_version": FORMAT_VERSION, **key}, sort_keys=True)
    path = cache_folder() / "statistics" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.safetensors"

    def read() -> FeatureStatistics | None:
        try:
            return _read(path, text) if path.exists() else None
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            log.warning("%s is damaged (%s); it is computed again.", path, reason(error))
            return None

    kept = of_the_first(read)  # processes must do the same, and may be on several machines
    if kept is not None:
        return kept
    statistics = compute()
    tensors = {"total": statistics.total, "outer": statistics.outer, "vectors": statistics.vectors}
    metadata = {"key": text, "count": str(statistics.count), "sha256": _content(tensors)}
    try:
        write_atomically({path: lambda temporary: save_file(tensors, str(temporary), metadata)})
    except (DataError, SafetensorError) as error:  # an evaluation need not fail because the disk is full
        log.warning("The statistics of the real images are not kept: %s", error)
    return statistics


def _read(path: Path, key: str) -> FeatureStatistics:
    """Raises ValueError, KeyError, OSError or SafetensorError if the file is not what was written under the key."""
    open_regular(path).close()  # a pipe would hang
    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in ("total", "outer", "vectors")}
    if metadata["key"] != key or metadata["sha256"] != _content(tensors):
        raise ValueError("its content is not what was written")
    return FeatureStatistics(int(metadata["count"]), **tensors)


def _content(tensors: Mapping[str, Tensor]) -> str:
    """Hash of the numbers: the format itself does not notice a changed bit."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()
