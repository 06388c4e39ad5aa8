"""Convolutions beside a change of size."""

import torch
from torch import nn
from torch.nn import functional

from limner.nn.resampling import convolve_and_halve, double_and_convolve, halve, smooth


def test_convolutions_that_halve_and_double_are_the_plain_ones():
    """With and without border, and the second derivatives that R1 needs."""
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 5, 3, padding=1).double()
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    torch.testing.assert_close(halve(x), functional.avg_pool2d(x, 2))
    torch.testing.assert_close(convolve_and_halve(conv, x), functional.avg_pool2d(conv(x), 2))
    torch.testing.assert_close(
        double_and_convolve(conv, x), conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
    )
    inputs = (x[:1, :, :4, :4].clone().requires_grad_(True), conv.weight)
    assert torch.autograd.gradgradcheck(lambda value, _: convolve_and_halve(conv, value).square(), inputs)


def test_smoothed_copies_are_the_bilinear_enlargement():
    """Border included."""
    x = torch.randn(2, 3, 6, 5)
    torch.testing.assert_close(
        smooth(functional.interpolate(x, scale_factor=2.0, mode="nearest")),
        functional.interpolate(x, scale_factor=2.0, mode="bilinear"),
    )
