"""Convolutions whose channels do not fill the vectors of a processor, as others that do: the same sums, in less time.

ONNX Runtime computes 16 output channels at once, so that the layer that paints a picture of 3 costs what 16 would, and
reads input channels 16 by 16 only where they are a multiple of it. A layer of few outputs becomes one of fewer, larger
steps, whose channels are the pixels of a block; missing input channels become zeros. The zeros in the new weights add
nothing, so that results differ by the order of summation alone.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 16
"""Channels that are computed at once."""

Network = TypeVar("Network", bound=nn.Module)


class BlockConv2d(nn.Conv2d):
    """A convolution of stride 1 and few outputs, as one of stride `block` whose outputs are blocks of pixels.

    Takes sizes for which its output is a multiple of the block; others go the usual way.

    Args:
        conv: what it stands for.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        kernel, padding = _pair(conv.kernel_size), _pair(conv.padding)
        has_bias = conv.bias is not None
        super().__init__(conv.in_channels, conv.out_channels, kernel, padding=padding, bias=has_bias)
        self.load_state_dict(conv.state_dict())
        self.block = 4 if conv.out_channels == 1 else 2
        with torch.no_grad():
            rows, columns = (side + self.block - 1 for side in kernel)
            large = self.weight.new_zeros(conv.out_channels, self.block, self.block, conv.in_channels, rows, columns)
            for i in range(self.block):
                for j in range(self.block):
                    large[:, i, j, :, i : i + kernel[0], j : j + kernel[1]] = self.weight
        self.register_buffer("large", large.flatten(0, 2))

    def forward(self, input: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        sides = zip(input.shape[2:], _pair(self.kernel_size), _pair(self.padding), strict=True)
        if any((side + 2 * padding - kernel + 1) % self.block for side, kernel, padding in sides):
            return super().forward(input)
        bias = None if self.bias is None else self.bias.repeat_interleave(self.block**2)
        blocks = functional.conv2d(input, self.get_buffer("large"), bias, stride=self.block, padding=self.padding)
        return functional.pixel_shuffle(blocks, self.block)


class FilledConv2d(nn.Conv2d):
    """A convolution whose input channels are filled up with zeros to a multiple of `WIDTH`.

    Args:
        conv: what it stands for.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            _pair(conv.kernel_size),
            stride=_pair(conv.stride),
            padding=_pair(conv.padding),
            bias=conv.bias is not None,
        )
        self.load_state_dict(conv.state_dict())
        self.missing = -conv.in_channels % WIDTH
        self.register_buffer("filled", functional.pad(self.weight.detach(), (0, 0, 0, 0, 0, self.missing)))

    def forward(self, input: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        filled = functional.pad(input, (0, 0, 0, 0, 0, self.missing))
        return self._conv_forward(filled, self.get_buffer("filled"), self.bias)


def for_vectors(network: Network) -> Network:
    """A copy of a network for inference in which such convolutions are replaced."""
    twin = copy.deepcopy(network)
    for parent in list(twin.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is not nn.Conv2d or not _is_plain(child):
                continue
            if child.out_channels < WIDTH // 4 and max(_pair(child.kernel_size)) > 1 and _pair(child.stride) == (1, 1):
                parent.add_module(name, BlockConv2d(child))
            elif child.in_channels > WIDTH and child.in_channels % WIDTH:
                parent.add_module(name, FilledConv2d(child))
    return twin


def _is_plain(conv: nn.Conv2d) -> bool:
    is_usual = conv.groups == 1 and conv.dilation == (1, 1) and conv.padding_mode == "zeros"
    return is_usual and not isinstance(conv.padding, str)


def _pair(value: object) -> tuple[int, int]:
    assert isinstance(value, tuple) and len(value) == 2  # as a `Conv2d` without a name for its padding has them
    return value
