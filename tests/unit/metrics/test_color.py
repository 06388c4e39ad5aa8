"""Colours against an independent implementation."""

from __future__ import annotations

import numpy as np
import torch
from skimage.color import rgb2lab

from limner.metrics.color import to_lab


def test_lab_is_that_of_another_package():
    rgb = np.random.default_rng(0).random((3, 8, 6, 3))
    rgb[0, 0] = [[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.02, 0.5, 0.01]]
    ours = to_lab(torch.from_numpy(rgb * 2 - 1).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(ours.numpy(), rgb2lab(rgb), atol=2e-3)  # float32, and the matrix to six digits
    assert torch.equal(to_lab(torch.full((1, 3, 1, 1), 5.0)), to_lab(torch.ones(1, 3, 1, 1)))
