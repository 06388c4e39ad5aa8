"""Typed samples and batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from torch import Tensor

AnyBatch = TypeVar("AnyBatch", bound="TensorBatch")  # `Self` is refused by the runtime checks of the tests


@dataclass(frozen=True)
class MaskToImageSample:
    """One picture with its label map, still in 8 bits. The arrays may belong to a cache: do not write into them."""

    image: npt.NDArray[np.uint8]
    """(H, W, 3) RGB."""
    label_map: npt.NDArray[np.uint8]
    """(H, W) class ids."""
    attributes: npt.NDArray[np.float32]
    """(n,) in [0, 1]."""
    index: int
    """Row of the manifest."""


@dataclass
class TensorBatch:
    """Base of all batches; every field is a tensor whose first axis is the batch."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def to(self: AnyBatch, device: torch.device | str, *, non_blocking: bool = False) -> AnyBatch:
        """The same batch on another device."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=non_blocking) for f in fields(self)}
        return type(self)(**moved)

    def chunk(self: AnyBatch, num: int) -> list[AnyBatch]:
        """The batch in at most `num` consecutive parts, as even as possible (micro-batches)."""
        parts = [getattr(self, f.name).chunk(num) for f in fields(self)]
        return [type(self)(*tensors) for tensors in zip(*parts, strict=True)]


@dataclass
class MaskToImageBatch(TensorBatch):
    """Pictures with label maps and attributes, ready for a network."""

    image: Float[Tensor, "b 3 h w"]
    """RGB in [-1, 1]."""
    label_map: Int64[Tensor, "b h w"]
    """Class ids of the data set's schema."""
    attributes: Float[Tensor, "b n"]
    """In [0, 1]; n may be 0."""
    index: Int64[Tensor, " b"]
    """Row of the manifest that each sample comes from."""


def to_images(pictures: Sequence[npt.NDArray[np.uint8]]) -> Float[Tensor, "b *t 3 h w"]:
    """Pictures (H, W, 3), or clips of them, all of one size -> what networks see, in [-1, 1]."""
    pixels = torch.from_numpy(np.stack(pictures)).movedim(-1, -3)
    return pixels.to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1.0)


def collate(samples: list[MaskToImageSample]) -> MaskToImageBatch:
    """Stack samples of one size to a batch; images become float32 in [-1, 1]."""
    return MaskToImageBatch(
        image=to_images([sample.image for sample in samples]),
        label_map=torch.from_numpy(np.stack([sample.label_map for sample in samples])).long(),
        attributes=torch.from_numpy(np.stack([sample.attributes for sample in samples])),
        index=torch.tensor([sample.index for sample in samples], dtype=torch.int64),
    )
