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
    The outputs are divided in place of the weight, which is the same and costs less where weights are large.
    """

    u: Tensor
    divided: Tensor | None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.register_buffer("u", functional.normalize(torch.randn(self.out_channels), dim=0))
        self.register_buffer("divided", None, persistent=False)

    def forward(self, input: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        if self.divided is not None and not torch.is_grad_enabled():
            return self._conv_forward(input, self.divided, self.bias)
        output = self._conv_forward(input, self.weight, None) * self.singular_value().reciprocal()
        return output if self.bias is None else output + self.bias[:, None, None].to(output.dtype)

    def singular_value(self) -> Float[Tensor, ""]:
        """The estimate; gradients flow to the weight, not to the singular vectors."""
        matrix = self.weight.flatten(1)
        with torch.autocast(matrix.device.type, enabled=False):  # which would round the products to bfloat16
            with torch.no_grad():
                v = functional.normalize(matrix.T.mv(self.u), dim=0)
                u = self.u
                if self.training:
                    u = functional.normalize(matrix.mv(v), dim=0)
                    self.u.copy_(u)
            return u.dot(matrix.mv(v))

    def divide_once(self) -> None:
        """Keep the divided weight for passes without gradients, of a network whose weights change no more."""
        with torch.no_grad():
            self.divided = self.weight / self.singular_value()

    def train(self, mode: bool = True) -> SpectralConv2d:
        """Training changes the weight, so that nothing that was made of it is kept."""
        if mode:
            self.divided = None
        super().train(mode)
        return self
