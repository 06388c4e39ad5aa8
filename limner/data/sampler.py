"""An infinite sampler whose only state is the number of images seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from limner.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True)
class SampleKey:
    """Which row to read, and the place in the run that seeds its augmentation."""

    index: int
    """Row of the manifest."""
    position: int
    """Number of images that the whole run has seen before this one."""


class ImagesSeenSampler(Sampler[SampleKey]):
    """Rows in an order that depends on the seed and the position alone.

    Position p of the run shows row `permutation(seed, p // length)[p % length]`. A run that stops after any number of
    images and starts again with `start_images` therefore sees the same rows, whatever the number of ranks was. Of each
    global batch every rank takes one consecutive part of equal size.
    """

    def __init__(
        self, length: int, *, seed: int, batch_size: int, world_size: int = 1, rank: int = 0, start_images: int = 0
    ) -> None:
        """Set up the order.

        Args:
            length: number of rows.
            seed: of the shuffles.
            batch_size: images per update over all ranks.
            world_size: number of ranks.
            rank: of this process.
            start_images: images seen by the run so far, over all ranks.

        Raises:
            DataError: if there are no rows.
            ConfigError: if the batch cannot be split evenly, or a number is out of range.
        """
        if length < 1:
            raise DataError("There is no sample to train on: the split is empty.")
        if batch_size < 1 or batch_size % world_size:
            raise ConfigError(f"batch_size is {batch_size}, but must be a multiple of the {world_size} processes.")
        if not 0 <= rank < world_size or start_images < 0:
            raise ConfigError(
                f"rank {rank} of {world_size} from image {start_images} on is not possible: "
                "ranks count from 0 and images_seen cannot be negative."
            )
        self.length, self.seed, self.batch_size = length, seed, batch_size
        self.local_size, self.rank, self.start_images = batch_size // world_size, rank, start_images

    def __iter__(self) -> Iterator[SampleKey]:
        epoch, order = -1, np.empty(0, dtype=np.int64)
        batch_start = self.start_images
        while True:
            first = batch_start + self.rank * self.local_size
            for position in range(first, first + self.local_size):
                if position // self.length != epoch:
                    epoch = position // self.length
                    order = np.random.default_rng((self.seed, epoch)).permutation(self.length)
                yield SampleKey(int(order[position % self.length]), position)
            batch_start += self.batch_size
