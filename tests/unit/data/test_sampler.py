"""The order of samples is a function of seed and position."""

from __future__ import annotations

from itertools import islice

import pytest

from limner.data.sampler import ImagesSeenSampler
from limner.errors import ConfigError, DataError


def take(num, **options):
    options = {"length": 10, "seed": 3, "batch_size": 4} | options
    return list(islice(ImagesSeenSampler(options.pop("length"), **options), num))


def test_every_epoch_shows_every_row_once_in_a_new_order():
    indices = [key.index for key in take(30)]
    epochs = [indices[:10], indices[10:20], indices[20:]]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_positions_count_the_images_of_the_run():
    assert [key.position for key in take(9)] == list(range(9))


def test_another_seed_gives_another_order():
    assert take(10) != take(10, seed=4)
    assert take(10) == take(10)


@pytest.mark.parametrize("start", [0, 4, 8, 12, 36, 5])
def test_a_restart_continues_the_same_order(start):
    assert take(40)[start:] == take(40 - start, start_images=start)


@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_ranks_share_each_batch_evenly(world_size):
    alone = take(40)
    parts = [take(40 // world_size, world_size=world_size, rank=rank) for rank in range(world_size)]
    local = 4 // world_size
    for batch in range(10):
        together = [key for part in parts for key in part[batch * local : (batch + 1) * local]]
        assert together == alone[batch * 4 : (batch + 1) * 4]


def test_a_run_may_go_on_with_another_number_of_ranks():
    parts = [take(8, world_size=2, rank=rank, start_images=24) for rank in range(2)]
    assert sorted(key.position for part in parts for key in part) == list(range(24, 40))
    assert {key for part in parts for key in part} == set(take(40)[24:])


def test_a_batch_may_be_larger_than_the_data():
    assert sorted(key.index for key in take(6, length=2, batch_size=6)) == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"length": 0}, DataError, "the split is empty"),
        ({"batch_size": 5, "world_size": 2}, ConfigError, "multiple of the 2 processes"),
        ({"batch_size": 0}, ConfigError, "batch_size is 0"),
        ({"rank": 1}, ConfigError, "rank 1 of 1"),
        ({"start_images": -1}, ConfigError, "cannot be negative"),
    ],
)
def test_impossible_settings_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        take(1, **options)
