"""Statistics of real images: flat memory, the cache and what makes it compute again."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from limner.data.manifest import open_manifest
from limner.errors import DataError, ShapeError
from limner.metrics.feature_sets import FeatureSetMetric
from limner.metrics.frechet import FrechetDistance
from limner.metrics.kernel import kernel_distance
from limner.metrics.statistics import FeatureStatistics, cached_statistics, collect_statistics, content_hash


def vectors(count: int, size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("batch_size", [1, 7, 40])
def test_moments_of_all_and_vectors_evenly_spaced(batch_size):
    data = vectors(40, 3)
    found = collect_statistics(data.split(batch_size), 40, num_features=3, max_vectors=10)
    mean, covariance = found.moments()
    assert torch.allclose(mean, data.mean(0), atol=1e-12)
    assert torch.allclose(covariance, data.T.cov(), atol=1e-12)
    assert torch.equal(found.vectors, data[::4].float())
    assert torch.equal(found.vectors, data[found.kept].float())
    assert len(collect_statistics([data], 40, num_features=3).vectors) == 40


class WithoutFloat64(torch.Tensor):
    """A tensor on a device that has no float64, as Apple's GPUs."""

    def double(self):
        raise TypeError("there is no float64 here")

    def to(self, device):
        return self.as_subclass(torch.Tensor)


@pytest.mark.parametrize("kind", ["statistics", "frechet", "set"])
def test_features_leave_a_device_without_float64_first(kind):
    data = vectors(9, 3).float()
    there = data.as_subclass(WithoutFloat64)
    if kind == "statistics":
        assert torch.equal(collect_statistics([there], 9, num_features=3).vectors, data)
        return
    metric = (
        FrechetDistance(None, num_features=3)
        if kind == "frechet"
        else FeatureSetMetric(kernel_distance, None, num_features=3)
    )
    metric.update(there, real=True)
    metric.update(there, real=False)
    assert float(metric.compute()) < 1e-9


def test_wrong_numbers_of_vectors_are_refused():
    with pytest.raises(DataError, match="39 feature vectors came for 40 images"):
        collect_statistics([vectors(39, 3)], 40, num_features=3)
    with pytest.raises(ShapeError, match=r"\(4, 2\), not \(batch, 3\)"):
        collect_statistics([vectors(4, 2)], 4, num_features=3)
    with pytest.raises(DataError, match="1 images have no covariance"):
        collect_statistics([vectors(1, 3)], 1, num_features=3).moments()


class Counted:
    """Computes the statistics of 20 vectors, and counts how often."""

    calls = 0

    def __call__(self) -> FeatureStatistics:
        self.calls += 1
        return collect_statistics([vectors(20, 3)], 20, num_features=3)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "statistics"


def test_the_same_key_is_computed_once(cache):
    compute = Counted()
    first = cached_statistics({"data": "a", "size": 64}, compute)
    again = cached_statistics({"size": 64, "data": "a"}, compute)
    assert compute.calls == 1
    assert again.count == first.count == 20
    for name in ("total", "outer", "vectors"):
        assert torch.equal(getattr(again, name), getattr(first, name))
    cached_statistics({"data": "b", "size": 64}, compute)
    assert compute.calls == 2
    assert len(list(cache.iterdir())) == 2


def damaged_header(content: bytes) -> bytes:
    return b"\xff" * 8 + content[8:]


def flipped_bit(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("damage", [damaged_header, flipped_bit, lambda c: c[:-5], lambda c: b""])
def test_a_damaged_file_is_computed_again_and_replaced(cache, damage, caplog):
    compute = Counted()
    first = cached_statistics({"data": "a"}, compute)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    again = cached_statistics({"data": "a"}, compute)
    assert compute.calls == 2 and torch.equal(again.outer, first.outer)
    assert "is damaged" in caplog.text and "computed again" in caplog.text
    cached_statistics({"data": "a"}, compute)
    assert compute.calls == 2


def test_a_file_of_another_key_under_this_name_is_not_taken(cache):
    compute = Counted()
    cached_statistics({"data": "a"}, compute)
    cached_statistics({"data": "b"}, compute)
    one, other = cache.iterdir()
    shutil.copy(one, other)
    for data in "ab":
        cached_statistics({"data": data}, compute)
    assert compute.calls == 3


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "file"))
    assert cached_statistics({"data": "a"}, Counted()).count == 20
    assert "are not kept" in caplog.text


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "labels").mkdir()
    random = np.random.default_rng(0)
    for name in "abc":
        Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(
            tmp_path / "data" / "images" / f"{name}.bmp"
        )
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "data" / "labels" / f"{name}.png")
    (tmp_path / "data" / "schema.json").write_text(
        '{"name": "one", "classes": ["background"], "palette": [[0, 0, 0]]}', encoding="utf-8"
    )
    return tmp_path / "data"


def test_content_hash_sees_what_sizes_do_not(folder, tmp_path):
    manifest = open_manifest(folder)
    before, fingerprint = content_hash(manifest), manifest.fingerprint()
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    assert content_hash(open_manifest(moved)) == before
    path = folder / "images" / "a.bmp"
    path.write_bytes(flipped_bit(path.read_bytes()))
    changed = open_manifest(folder)
    assert changed.fingerprint() == fingerprint
    assert content_hash(changed) != before
    assert content_hash(dataclasses.replace(changed, rows=changed.rows[:2])) != content_hash(changed)


def test_rows_without_files_have_no_content_hash(folder):
    manifest = open_manifest(folder)

    class InMemory:
        read_image = manifest.reader.read_image
        read_label_map = manifest.reader.read_label_map

        def files(self, row):
            return ()

    assert content_hash(dataclasses.replace(manifest, reader=InMemory())) is None
