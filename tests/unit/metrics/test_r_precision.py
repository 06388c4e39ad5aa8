"""R-precision: 1 for codes that agree, 1 / 100 by chance, and captions that are true are left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.errors import ShapeError
from limner.metrics.protocol import Protocol
from limner.metrics.r_precision import folds, is_compared, r_precision, r_precision_measurement


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


def test_a_picture_that_no_caption_is_false_of_counts_for_nothing() -> None:
    """It was right whatever its code was: a set of one class had 100 %."""
    codes, protocol = torch.eye(5), Protocol(metric="R-precision", split="test", count=5, resolution=64)
    kinds = np.array([0, 0, 0, 0, 1])
    assert is_compared(5, true_of=lambda row: kinds == kinds[row]).all()
    assert not is_compared(4, true_of=lambda row: kinds[:4] == 0).any()
    assert is_compared(2).all() and not is_compared(1).any()
    all_true_of_the_first = r_precision_measurement(
        codes, codes.flip(0), protocol, true_of=lambda row: np.full(5, row == 0)
    )
    assert all_true_of_the_first is not None and all_true_of_the_first.protocol.count == 4
    assert all_true_of_the_first.value == 0.25  # the one in the middle is its own mirror image
    assert all_true_of_the_first.note.startswith("over 4 parts 25.00 ")
    assert r_precision_measurement(codes, codes, protocol, true_of=lambda row: np.full(5, True)) is None


def test_shapes() -> None:
    with pytest.raises(ShapeError):
        r_precision(torch.zeros(2, 3), torch.zeros(3, 3))
