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

from limner.data.sample import Sample

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


@dataclass
class SampleBatch(TensorBatch):
    """Samples with any fields; what was not asked for has no elements, what is not known is NaN or -1."""

    image: Float[Tensor, "b 3 h w"]
    """RGB in [-1, 1]."""
    label_map: Int64[Tensor, "b h2 w2"]
    """Class ids of the data set's schema."""
    landmarks: Float[Tensor, "b n 2"]
    """x, y in pixels of the image; a pixel's middle is a whole number."""
    keypoints: Float[Tensor, "b k 2"]
    """The same."""
    attributes: Float[Tensor, "b a"]
    """In [0, 1]."""
    age: Float[Tensor, " b"]
    """In years."""
    age_group: Int64[Tensor, " b"]
    identity: Int64[Tensor, " b"]
    category: Int64[Tensor, " b"]
    index: Int64[Tensor, " b"]
    """Row of the manifest that each sample comes from."""


def to_images(pictures: Sequence[npt.NDArray[np.uint8]]) -> Float[Tensor, "b *t 3 h w"]:
    """Pictures (H, W, 3), or clips of them, all of one size -> what networks see, in [-1, 1]."""
    return to_signed(torch.from_numpy(np.stack(pictures)))


def to_signed(pixels: Tensor) -> Float[Tensor, "b *t 3 h w"]:
    """Numbers (b, ..., H, W, 3) from 0 to 255, the channels last -> channels first, in [-1, 1]."""
    first = pixels.movedim(-1, -3)
    return first.to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1.0)


def collate_samples(samples: list[Sample]) -> SampleBatch:
    """Stack samples of one size and with the same fields."""

    def stacked(name: str, empty: tuple[int, ...]) -> Tensor:
        arrays = [getattr(sample, name) for sample in samples]
        if arrays[0] is None:
            return torch.zeros(len(samples), *empty)
        return torch.from_numpy(np.stack(arrays))

    def numbers(name: str) -> Tensor:
        return torch.tensor([getattr(sample, name) for sample in samples])

    return SampleBatch(
        image=to_signed(stacked("image", (0, 0, 3))),
        label_map=stacked("label_map", (0, 0)).long(),
        landmarks=stacked("landmarks", (0, 2)).float(),
        keypoints=stacked("keypoints", (0, 2)).float(),
        attributes=stacked("attributes", (0,)),
        age=numbers("age"),
        age_group=numbers("age_group"),
        identity=numbers("identity"),
        category=numbers("category"),
        index=numbers("index"),
    )


def collate(samples: list[MaskToImageSample]) -> MaskToImageBatch:
    """Stack samples of one size to a batch; images become float32 in [-1, 1]."""
    return MaskToImageBatch(
        image=to_images([sample.image for sample in samples]),
        label_map=torch.from_numpy(np.stack([sample.label_map for sample in samples])).long(),
        attributes=torch.from_numpy(np.stack([sample.attributes for sample in samples])),
        index=torch.tensor([sample.index for sample in samples], dtype=torch.int64),
    )
