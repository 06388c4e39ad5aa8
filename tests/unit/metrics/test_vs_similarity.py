"""Visual-semantic similarity: size of the head, its loss, and that it learns which sentences belong to pictures."""

from __future__ import annotations

import torch

from limner.metrics.vs_similarity import VisualSemanticHead, ranking_loss, similarity, train_head


def test_published_number_of_parameters() -> None:
    assert sum(parameter.numel() for parameter in VisualSemanticHead().parameters()) == 1_311_744


def test_loss_is_zero_where_true_pairs_win_by_the_margin() -> None:
    assert ranking_loss(torch.eye(4) * 0.2) == 0
    one_wrong = torch.eye(3) * 0.2
    one_wrong[0, 1] = 0.1  # nearer than allowed, by 0.1, in both directions
    torch.testing.assert_close(ranking_loss(one_wrong), torch.tensor(0.2))


def test_pairs_are_learned_and_repeat() -> None:
    random = torch.Generator().manual_seed(0)
    pictures, hidden = torch.randn(200, 12, generator=random), torch.randn(12, 8, generator=random)
    sentences = pictures @ hidden
    head = train_head(pictures[:150], sentences[:150], steps=120, seed=1)
    true = similarity(head, pictures[150:], sentences[150:]).mean()
    false = similarity(head, pictures[150:], sentences[150:].roll(1, 0)).mean()
    assert true > false + 0.15
    again = train_head(pictures[:150], sentences[:150], steps=120, seed=1)
    assert torch.equal(head.picture.weight, again.picture.weight)


def test_no_compiler_is_loaded(python) -> None:
    """PyTorch's optimisers import it, which takes longer than the head's training."""
    code = (
        "import sys, torch; from limner.metrics.vs_similarity import train_head\n"
        "train_head(torch.ones(4, 3), torch.ones(4, 2), steps=2)\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert python("-c", code).returncode == 0
