"""Samples: cached or not, augmented or not, alone or in a loader."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from limner.data.batch import MaskToImageBatch
from limner.data.config import AugmentConfig
from limner.data.dataset import MaskToImageDataset, collate
from limner.data.manifest import open_manifest
from limner.data.sampler import ImagesSeenSampler, SampleKey
from limner.errors import ConfigError, DataError

ALL = AugmentConfig(flip=True, rotate_degrees=8.0, scale=0.1, translate=0.05, brightness=0.1)


def equal(first, second):
    return (
        (first.image == second.image).all()
        and (first.label_map == second.label_map).all()
        and (first.attributes == second.attributes).all()
        and first.index == second.index
    )


def test_a_plain_index_gives_the_row_as_it_is(celebamask_hq, draw_face):
    dataset = MaskToImageDataset(open_manifest(celebamask_hq()), image_size=32, augment=ALL)
    sample = dataset[4]
    assert sample.image.shape == (32, 32, 3) and sample.image.dtype == np.uint8
    assert (sample.label_map == draw_face()).all() and sample.index == 4
    assert sample.attributes.tolist() == [0.0, 1.0] and sample.attributes.dtype == np.float32
    assert equal(dataset[-1], dataset[11]) and len(dataset) == 12
    with pytest.raises(IndexError):
        dataset[12]


def test_cache_equals_no_cache(celebamask_hq):
    manifest = open_manifest(celebamask_hq())
    cached, read = (
        MaskToImageDataset(manifest, image_size=24, augment=ALL, seed=5, cache_bytes=cache_bytes)
        for cache_bytes in (10**9, 5 * 24 * 24 * 4)  # all rows, and five of them
    )
    for turn in range(2):
        for index in range(12):
            key = SampleKey(index, 100 * turn + index)
            assert equal(cached[key], read[key]) and equal(cached[index], read[index])


def test_augmentation_never_changes_the_cache(celebamask_hq):
    dataset = MaskToImageDataset(open_manifest(celebamask_hq()), image_size=32, augment=ALL)
    before = dataset[3].image.copy(), dataset[3].label_map.copy()
    for position in range(20):
        dataset[SampleKey(3, position)]
    assert (dataset[3].image == before[0]).all() and (dataset[3].label_map == before[1]).all()


def test_augmentation_depends_on_seed_and_position_alone(celebamask_hq):
    manifest = open_manifest(celebamask_hq())
    first, second = (MaskToImageDataset(manifest, image_size=32, augment=ALL, seed=1) for _ in range(2))
    first[SampleKey(0, 0)]
    assert equal(first[SampleKey(2, 7)], second[SampleKey(2, 7)])
    assert not equal(first[SampleKey(2, 7)], second[SampleKey(2, 8)])
    other = MaskToImageDataset(manifest, image_size=32, augment=ALL, seed=2)
    assert not equal(first[SampleKey(2, 7)], other[SampleKey(2, 7)])


@pytest.mark.parametrize("size", [1, 7, 33, 64])
def test_odd_sizes(celebamask_hq, size):
    dataset = MaskToImageDataset(open_manifest(celebamask_hq(2)), image_size=size, augment=ALL)
    sample = dataset[SampleKey(0, 0)]
    assert sample.image.shape == (size, size, 3) and sample.label_map.shape == (size, size)
    assert set(np.unique(sample.label_map)) <= set(range(19))


def test_collate(celebamask_hq):
    dataset = MaskToImageDataset(open_manifest(celebamask_hq()), image_size=16)
    batch = collate([dataset[index] for index in (3, 1, 2)])
    assert batch.image.shape == (3, 3, 16, 16) and batch.image.dtype == torch.float32 and batch.image.is_contiguous()
    assert batch.label_map.shape == (3, 16, 16) and batch.label_map.dtype == torch.int64
    assert batch.attributes.shape == (3, 2) and batch.index.tolist() == [3, 1, 2] and len(batch) == 3
    expected = torch.from_numpy(dataset[1].image.copy()).permute(2, 0, 1) / 127.5 - 1
    assert torch.allclose(batch.image[1], expected, atol=1e-6)  # the order of two roundings
    assert batch.image.min() >= -1 and batch.image.max() <= 1


def test_batch_of_one_and_without_attributes(folder):
    dataset = MaskToImageDataset(open_manifest(folder()), image_size=8)
    batch = collate([dataset[0]])
    assert batch.image.shape == (1, 3, 8, 8) and batch.attributes.shape == (1, 0)
    assert isinstance(batch.to("cpu"), MaskToImageBatch)


def test_chunks_are_the_batch_in_order(celebamask_hq):
    dataset = MaskToImageDataset(open_manifest(celebamask_hq()), image_size=8)
    batch = collate([dataset[index] for index in range(6)])
    parts = batch.chunk(4)
    assert [len(part) for part in parts] == [2, 2, 2]
    assert torch.equal(torch.cat([part.image for part in parts]), batch.image)
    assert [len(part) for part in batch.chunk(1)] == [6]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_loader_with_workers_gives_the_same_batches(celebamask_hq, num_workers):
    dataset = MaskToImageDataset(open_manifest(celebamask_hq()), image_size=16, augment=ALL, seed=3)
    sampler = ImagesSeenSampler(len(dataset), seed=3, batch_size=5, start_images=10)
    loader = iter(DataLoader(dataset, batch_size=5, sampler=sampler, collate_fn=collate, num_workers=num_workers))
    keys = iter(sampler)
    for _ in range(4):
        batch = next(loader)
        expected = collate([dataset[next(keys)] for _ in range(5)])
        assert torch.equal(batch.image, expected.image) and torch.equal(batch.label_map, expected.label_map)


def test_a_broken_file_is_named(celebamask_hq):
    root = celebamask_hq()
    path = root / "CelebA-HQ-img" / "3.jpg"
    path.write_bytes(path.read_bytes()[:300])
    dataset = MaskToImageDataset(open_manifest(root), image_size=16)
    with pytest.raises(DataError, match=r"3.jpg is truncated or damaged"):
        dataset[3]


@pytest.mark.parametrize("options", [{"image_size": 0}, {"image_size": -64}, {"image_size": 8, "cache_bytes": -1}])
def test_impossible_sizes_are_refused(folder, options):
    with pytest.raises(ConfigError):
        MaskToImageDataset(open_manifest(folder()), **options)
