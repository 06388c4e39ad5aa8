"""Label maps as the channels that a network reads and as the colours that a person sees."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from limner.data.schema import LabelSchema


def one_hot(label_map: Int64[Tensor, "b h w"], num_classes: int) -> Float[Tensor, "b n h w"]:
    """One channel a class, 1 where the pixel has it; ids outside 0..n-1 (255 = ignore) leave all channels at 0."""
    ids = torch.arange(num_classes, device=label_map.device)
    return (label_map[:, None] == ids[None, :, None, None]).float()


def colorize(label_map: Int64[Tensor, "b h w"], schema: LabelSchema) -> Float[Tensor, "b 3 h w"]:
    """The schema's colours in [-1, 1]; ignored pixels are black."""
    palette = torch.zeros(256, 3, device=label_map.device)
    palette[: schema.num_classes] = torch.tensor(schema.palette, dtype=torch.float32, device=label_map.device)
    # Contiguous: a network goes on in the layout of its input, and channels that lie last are slower on a CPU.
    return (palette[label_map].permute(0, 3, 1, 2) / 127.5 - 1).contiguous()


def encode_label_map(
    label_map: Int64[Tensor, "b h w"], schema: LabelSchema, kind: Literal["one_hot", "palette"]
) -> Float[Tensor, "b n h w"]:
    """`one_hot` (as many channels as classes) or `colorize` (3 channels)."""
    return one_hot(label_map, schema.num_classes) if kind == "one_hot" else colorize(label_map, schema)
