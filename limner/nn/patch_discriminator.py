"""The discriminator that judges overlapping patches: Isola et al., CVPR 2017, arXiv:1611.07004, Sec. 3.2."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from limner.nn.spectral_norm import SpectralConv2d


class PatchDiscriminator(nn.Module):
    """Four convolutions of stride 2, 2, 2, 1 and a head: each logit sees 70x70 pixels.

    Args:
        in_channels: of the condition and the picture together.
        width: channels of the first layer (64 in the papers); the next have 2, 4 and 8 times as many.
        norm: after the second to fourth convolution: "batch" (pix2pix), "instance" without scale and shift (CycleGAN),
            "spectral": the same on a convolution with spectral norm (SPADE).
        padding: of every convolution (1; SPADE: 2).
        bias: whether the normalised convolutions have one; none: with "instance" only. A norm takes away what a bias
            adds, but CycleGAN's and pix2pixHD's authors keep it, and their parameter counts have it.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        width: int = 64,
        norm: Literal["batch", "instance", "spectral"],
        padding: int = 1,
        bias: bool | None = None,
    ) -> None:
        super().__init__()
        channels = [width, 2 * width, 4 * width, 8 * width]
        layers = [nn.Sequential(nn.Conv2d(in_channels, width, 4, stride=2, padding=padding), nn.LeakyReLU(0.2))]
        for i, o in pairwise(channels):
            stride = 1 if o == channels[-1] else 2
            conv_class = SpectralConv2d if norm == "spectral" else nn.Conv2d
            has_bias = norm == "instance" if bias is None else bias
            conv = conv_class(i, o, 4, stride=stride, padding=padding, bias=has_bias)
            normalise = nn.BatchNorm2d(o) if norm == "batch" else nn.InstanceNorm2d(o)
            layers.append(nn.Sequential(conv, normalise, nn.LeakyReLU(0.2)))
        self.layers = nn.ModuleList(layers)
        self.head = nn.Conv2d(channels[-1], 1, 4, padding=padding)

    def forward(self, x: Float[Tensor, "b c h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Condition and picture -> the outputs of all layers; the last ones are the logits."""
        outputs = []
        for layer in self.layers:
            x = layer(x)
            outputs.append(x)
        return [*outputs, self.head(x)]
