"""The loss of DAMSM: right pairs score better, what is also true is no counterexample, padding changes nothing."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from limner.losses.image_text import image_text_loss, word_scores


def codes(batch: int = 4, size: int = 8, num_regions: int = 3, num_words: int = 2) -> dict[str, torch.Tensor]:
    """Picture i and caption i share the i-th of orthonormal codes."""
    base = torch.eye(size)[:batch] * 3
    return {
        "regions": base[:, :, None].repeat(1, 1, num_regions),
        "image": base.clone(),
        "words": base[:, :, None].repeat(1, 1, num_words),
        "sentence": base.clone(),
        "is_word": torch.ones(batch, num_words, dtype=torch.bool),
    }


def test_matched_pairs_are_better_than_exchanged_ones():
    matched = codes()
    order = [1, 2, 3, 0]
    exchanged = {**matched, **{name: matched[name][order] for name in ("words", "sentence")}}
    assert image_text_loss(**matched).total() < 0.1 < image_text_loss(**exchanged).total()


def test_what_is_also_true_is_no_counterexample():
    given = codes()
    for term in image_text_loss(**given, also_true=torch.ones(4, 4, dtype=torch.bool)):
        assert float(term) == 0
    some = torch.zeros(4, 4, dtype=torch.bool)
    some[0, 1] = True  # caption 1 is true of picture 0
    given["sentence"][1] = given["sentence"][0]
    assert image_text_loss(**given, also_true=some).sentence_to_image < image_text_loss(**given).sentence_to_image


def test_scores_by_hand_and_without_the_papers_factor():
    regions = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # one picture, two regions along the axes
    words = torch.tensor([[[2.0], [0.0]]])  # one caption with one word along the first axis
    # One word: its share of every region is 1, so that it attends to both alike, and sees (0.5, 0.5).
    relevance = 1 / math.sqrt(2)
    score = word_scores(regions, words, torch.ones(1, 1, dtype=torch.bool), gamma2=5.0)
    torch.testing.assert_close(score, torch.tensor([[5.0 * relevance]]))  # the paper divides this by gamma2


def test_padding_and_single_words():
    torch.manual_seed(0)
    regions, words = torch.randn(3, 8, 5), torch.randn(3, 8, 4)
    is_word = torch.tensor([[True, False, False, False], [True] * 4, [True, True, False, False]])
    scores = word_scores(regions, words, is_word)
    assert scores.isfinite().all()
    wild = torch.where(is_word[:, None], words, torch.full_like(words, 50.0))
    torch.testing.assert_close(word_scores(regions, wild, is_word), scores)
    torch.testing.assert_close(word_scores(regions, words[:, :, :2], is_word[:, :2])[:, [0, 2]], scores[:, [0, 2]])


def test_gradients_reach_both_sides():
    given = {name: value.requires_grad_() if value.is_floating_point() else value for name, value in codes().items()}
    image_text_loss(**given).total().backward()
    assert all(given[name].grad.isfinite().all() for name in ("regions", "image", "words", "sentence"))
    assert functional.mse_loss(given["image"].grad, torch.zeros(4, 8)) > 0
