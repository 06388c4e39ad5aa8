"""R-precision: 1 for codes that agree, 1 / 100 by chance, and captions that are true are left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.errors import ShapeError
from limner.metrics.r_precision import folds, r_precision


def test_identical_codes_and_chance() -> None:
    random = torch.Generator().manual_seed(0)
    codes = torch.randn(300, 16, generator=random)
    assert r_precision(codes, codes).all()
    others = torch.randn(300, 16, generator=random)
    share = r_precision(codes, others).double().mean()
    assert 0 <= share < 0.04  # expected 0.01


def test_true_captions_are_no_negatives() -> None:
    codes = torch.eye(4).repeat_interleave(2, dim=0)  # rows 2k and 2k + 1 have one code
    assert not r_precision(codes, codes).any()
    pairs = np.arange(8) // 2
    assert r_precision(codes, codes, true_of=lambda row: pairs == pairs[row]).all()


def test_choice_depends_on_seed_and_number_alone() -> None:
    random = torch.Generator().manual_seed(1)
    pictures, captions = torch.randn(150, 4, generator=random), torch.randn(150, 4, generator=random)
    hits = [r_precision(pictures, captions, num_negatives=3, seed=seed) for seed in (5, 5, 6)]
    assert torch.equal(hits[0], hits[1]) and not torch.equal(hits[0], hits[2])
    assert folds(torch.tensor([True, False] * 10)) == (0.5, 0.0)


def test_shapes() -> None:
    with pytest.raises(ShapeError):
        r_precision(torch.zeros(2, 3), torch.zeros(3, 3))
