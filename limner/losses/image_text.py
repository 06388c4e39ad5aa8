"""How well captions and pictures fit together: the loss of DAMSM.

Xu et al.: "AttnGAN", CVPR 2018, arXiv:1711.10485, Sec. 3.2, Eq. 7 to 13. The score of a caption follows the authors'
code, which leaves out the factor 1 / gamma2 of Eq. 10.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional


class ImageTextLoss(NamedTuple):
    """Cross entropies over the pictures and captions of a batch."""

    words_to_image: Float[Tensor, ""]
    """Which caption belongs to a picture, by its words."""
    image_to_words: Float[Tensor, ""]
    """Which picture belongs to a caption, by its words."""
    sentence_to_image: Float[Tensor, ""]
    image_to_sentence: Float[Tensor, ""]

    def total(self) -> Float[Tensor, ""]:
        """The sum."""
        return torch.stack(tuple(self)).sum()


def word_scores(
    regions: Float[Tensor, "i e r"],
    words: Float[Tensor, "j e t"],
    is_word: Bool[Tensor, "j t"],
    *,
    gamma1: float = 4.0,
    gamma2: float = 5.0,
) -> Float[Tensor, "i j"]:
    """How well each picture's regions fit the words of each caption (Eq. 7 to 10).

    Args:
        regions: codes of the regions of pictures.
        words: codes of the words of captions.
        is_word: False after the last word of a caption.
        gamma1: how much a word attends to the regions that fit it best.
        gamma2: how much the word that fits best counts.
    """
    similarity = torch.einsum("jet,ier->ijtr", words, regions)
    over_words = similarity.masked_fill(~is_word[None, :, :, None], -torch.inf).softmax(dim=2)
    attention = (gamma1 * over_words).softmax(dim=3)
    context = torch.einsum("ijtr,ier->ijet", attention, regions)
    relevance = functional.cosine_similarity(context, words[None], dim=2)
    return (gamma2 * relevance).masked_fill(~is_word[None], -torch.inf).logsumexp(dim=2)


def image_text_loss(
    regions: Float[Tensor, "b e r"],
    image: Float[Tensor, "b e"],
    words: Float[Tensor, "b e t"],
    sentence: Float[Tensor, "b e"],
    is_word: Bool[Tensor, "b t"],
    *,
    also_true: Bool[Tensor, "b b"] | None = None,
    gamma1: float = 4.0,
    gamma2: float = 5.0,
    gamma3: float = 10.0,
) -> ImageTextLoss:
    """The four terms of DAMSM for a batch in which caption i belongs to picture i (Eq. 11 to 13).

    Args:
        regions: codes of the regions of pictures.
        image: codes of the pictures.
        words: codes of the words of captions.
        sentence: codes of the captions.
        is_word: False after the last word of a caption.
        also_true: (picture, caption) pairs that belong together as well: of one class, or with a caption that is true
            of the picture. They are no counterexamples. The diagonal is not looked at.
        gamma1: see `word_scores`.
        gamma2: see `word_scores`.
        gamma3: how sharply one pair is told from the others.
    """
    by_words = word_scores(regions, words, is_word, gamma1=gamma1, gamma2=gamma2)
    by_sentence = functional.normalize(image, dim=1) @ functional.normalize(sentence, dim=1).T
    target = torch.arange(len(image), device=image.device)
    terms = []
    for scores in (by_words, by_sentence):
        logits = gamma3 * scores.float()
        if also_true is not None:
            other = ~torch.eye(len(image), dtype=torch.bool, device=image.device)
            logits = logits.masked_fill(also_true & other, -torch.inf)
        terms += [functional.cross_entropy(logits, target), functional.cross_entropy(logits.T, target)]
    return ImageTextLoss(*terms)
