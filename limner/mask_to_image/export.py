"""A generator that takes class ids, for other runtimes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from limner.pipelines import ExportTarget


def generator_target(
    generator: nn.Module,
    encode: Callable[[Tensor], Tensor],
    *,
    num_classes: int,
    image_size: int,
    noise: tuple[str, int] | None,
    device: torch.device,
) -> ExportTarget:
    """`label_map` (int64 ids) and, where the generator takes any, noise -> `image` in [-1, 1].

    Args:
        generator: called as generator(condition) or generator(condition, noise).
        encode: ids (b, h, w) -> condition (b, c, h, w).
        num_classes: of the ids.
        image_size: of the ids.
        noise: its name, and how many numbers a picture has; none: the picture depends on the map alone.
        device: of the generator.
    """

    def example(batch: int) -> tuple[Tensor, ...]:
        random = torch.Generator().manual_seed(batch)
        label_map = torch.randint(num_classes, (batch, image_size, image_size), generator=random).to(device)
        if noise is None:
            return (label_map,)
        return torch.rand(batch, noise[1], generator=random).to(device), label_map

    if noise is None:  # other runtimes have no tensors without elements
        return ExportTarget(_OfIds(generator, encode), ("label_map",), ("image",), example)
    return ExportTarget(_OfNoiseAndIds(generator, encode), (noise[0], "label_map"), ("image",), example)


class _OfIds(nn.Module):
    def __init__(self, generator: nn.Module, encode: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.generator = generator
        self.encode = encode

    def forward(self, label_map: Tensor) -> Tensor:
        """Ids (b, h, w) -> image (b, 3, h, w)."""
        image: Tensor = self.generator(self.encode(label_map))
        return image


class _OfNoiseAndIds(nn.Module):
    def __init__(self, generator: nn.Module, encode: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.generator = generator
        self.encode = encode

    def forward(self, noise: Tensor, label_map: Tensor) -> Tensor:
        """Noise (b, n), ids (b, h, w) -> image (b, 3, h, w)."""
        image: Tensor = self.generator(self.encode(label_map), noise)
        return image
