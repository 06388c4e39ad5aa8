"""Convolution with spectral normalisation: Miyato et al., ICLR 2018, arXiv:1802.05957."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class SpectralConv2d(nn.Conv2d):
    """A convolution whose weight is divided by an estimate of its largest singular value.

    The weight as a matrix (out, in * kernel) has the left singular vector `u`, improved by one power iteration in each
    forward pass of training (Algorithm 1). `weight` is the plain one: initialise and average it like any other.
    """

    u: Tensor

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.register_buffer("u", functional.normalize(torch.randn(self.out_channels), dim=0))

    def forward(self, input: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        return self._conv_forward(input, self.weight / self.singular_value(), self.bias)

    def singular_value(self) -> Float[Tensor, ""]:
        """The estimate; gradients flow to the weight, not to the singular vectors."""
        matrix = self.weight.flatten(1)
        with torch.no_grad():
            # Products and sums instead of matrix products, which autocast would round to bfloat16.
            v = functional.normalize((matrix * self.u[:, None]).sum(0), dim=0)
            u = self.u
            if self.training:
                u = functional.normalize((matrix * v).sum(1), dim=0)
                self.u.copy_(u)
        return (u * (matrix * v).sum(1)).sum()
