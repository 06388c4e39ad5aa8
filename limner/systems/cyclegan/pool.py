"""Earlier fakes, which a discriminator should not forget: Shrivastava et al., CVPR 2017, arXiv:1612.07828."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


class ImagePool:
    """Up to `size` pictures; they are part of a run's state.

    Args:
        size: 0 for a pool that gives back what it gets.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: Tensor | None = None

    def exchange(self, images: Float[Tensor, "b 3 h w"], random: torch.Generator) -> Float[Tensor, "b 3 h w"]:
        """Put pictures in, one after the other, and get as many out.

        While the pool fills, a picture comes back itself. Later it does so with probability 1/2; else an earlier one
        comes out and the new one takes its place (Sec. 4 of arXiv:1703.10593).
        """
        if self.size == 0:
            return images
        swap = torch.rand(len(images), generator=random)
        place = torch.randint(self.size, (len(images),), generator=random)
        pool = [] if self.images is None else list(self.images)
        out = []
        for image, draw, index in zip(images, swap.tolist(), place.tolist(), strict=True):
            if len(pool) < self.size:
                pool.append(image)
                out.append(image)
            elif draw < 0.5:
                out.append(pool[index])
                pool[index] = image
            else:
                out.append(image)
        self.images = torch.stack(pool)
        return torch.stack(out)
