"""Which process scores which pictures, and noise that belongs to a picture."""

from __future__ import annotations

import pytest
import torch

from limner.engine.ranks import BATCH, gather_named, gather_rows, own_batches
from limner.engine.seed import picture_noise


@pytest.mark.parametrize("num", [1, BATCH - 1, BATCH, 5 * BATCH + 3])
@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
def test_processes_share_the_batches_of_one(num, world_size):
    alone = own_batches(num, rank=0, world_size=1)
    assert [row for batch in alone for row in batch] == list(range(num))
    shared = [own_batches(num, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert [batch for part in shared for batch in part] == alone


def test_noise_belongs_to_the_picture():
    index = torch.tensor([4, 9, 2])
    noise = picture_noise(index, 5, purpose="test")
    assert noise.shape == (3, 5)
    torch.testing.assert_close(picture_noise(index[1:], 5, purpose="test"), noise[1:], rtol=0, atol=0)
    assert not torch.equal(picture_noise(index, 5, purpose="other"), noise)
    uniform = picture_noise(index, 1000, purpose="test", uniform=True)
    assert uniform.min() >= 0 and uniform.max() < 1


def test_one_process_keeps_its_rows():
    parts = [torch.arange(3), torch.arange(2)]
    assert gather_rows(parts).tolist() == [0, 1, 2, 0, 1]
    assert gather_named({"a": parts})["a"].tolist() == [0, 1, 2, 0, 1]
