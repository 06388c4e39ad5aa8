"""Visual-semantic similarity: how near pictures and sentences lie in a space that was learned for that alone.

Zhang, Xie, Yang: "HDGAN", CVPR 2018, arXiv:1802.09178, Sec. 4.2: two linear maps to 512 numbers, trained on real pairs
with a ranking loss of margin 0.2 that is summed over the batch; the score is the mean cosine of generated pictures and
their captions.

The published numbers stand on Inception-ResNet-v2 and a char-CNN-RNN. `VS-DAMSM` is the same recipe on the codes of a
DAMSM; its numbers compare with each other alone.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.adam import adam

from limner.errors import ShapeError

SIZE = 512
MARGIN = 0.2


class VisualSemanticHead(nn.Module):
    """Features of pictures and of sentences -> one space.

    Args:
        picture_size: features of a picture (1,536 in HDGAN).
        sentence_size: numbers of a sentence (1,024 in HDGAN).
        size: of the space.
    """

    def __init__(self, *, picture_size: int = 1_536, sentence_size: int = 1_024, size: int = SIZE) -> None:
        super().__init__()
        self.picture = nn.Linear(picture_size, size)
        self.sentence = nn.Linear(sentence_size, size)
        for layer in (self.picture, self.sentence):
            nn.init.normal_(layer.weight, 0.0, math.sqrt(6 / (layer.in_features + layer.out_features)))
            nn.init.zeros_(layer.bias)

    def forward(
        self, pictures: Float[Tensor, "n p"], sentences: Float[Tensor, "n s"]
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
        """Both in the space, with length 1."""
        return functional.normalize(self.picture(pictures), dim=1), functional.normalize(
            self.sentence(sentences), dim=1
        )


def ranking_loss(cosines: Float[Tensor, "n n"], *, margin: float = MARGIN) -> Float[Tensor, ""]:
    """Sum of what false pairs lack of being `margin` worse than the true ones of the diagonal, both ways."""
    true = cosines.diagonal()
    off = ~torch.eye(len(cosines), dtype=torch.bool, device=cosines.device)
    of_sentence = (margin - true[None, :] + cosines).clamp(min=0)
    of_picture = (margin - true[:, None] + cosines).clamp(min=0)
    return ((of_sentence + of_picture) * off).sum()


def train_head(
    pictures: Float[Tensor, "n p"],
    sentences: Float[Tensor, "n s"],
    *,
    steps: int = 600,
    batch_size: int = 64,
    seed: int = 0,
) -> VisualSemanticHead:
    """A head that has learned from real pairs: Adam with the rate 2e-4 and betas 0.5 and 0.999, as HDGAN's.

    Args:
        pictures: features of real pictures.
        sentences: of their captions.
        steps: updates.
        batch_size: pairs of an update, at most all.
        seed: of the first weights and the order.

    Raises:
        ShapeError: if there are not as many sentences as pictures, or fewer than two.
    """
    if len(pictures) != len(sentences) or len(pictures) < 2:
        raise ShapeError(f"There are {len(pictures)} pictures and {len(sentences)} sentences; it takes two pairs.")
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        head = VisualSemanticHead(picture_size=pictures.shape[1], sentence_size=sentences.shape[1])
        weights: list[Tensor] = list(head.parameters())
        moments, squares = ([torch.zeros_like(one) for one in weights] for _ in range(2))
        counts = [torch.zeros(()) for _ in weights]
        for _ in range(steps):
            chosen = torch.randperm(len(pictures), generator=random)[:batch_size]
            one, other = head(pictures[chosen].clone(), sentences[chosen].clone())
            gradients = torch.autograd.grad(ranking_loss(one @ other.T), weights)
            _adam(weights, list(gradients), moments, squares, counts)
    return head.eval()


@torch.no_grad()
def _adam(
    weights: list[Tensor], gradients: list[Tensor], moments: list[Tensor], squares: list[Tensor], counts: list[Tensor]
) -> None:
    """A step in place; the class `Adam` does the same, and imports the compiler first, a second of an evaluation."""
    adam(
        *(weights, gradients, moments, squares, [], counts),
        foreach=False,
        amsgrad=False,
        beta1=0.5,
        beta2=0.999,
        lr=2e-4,
        weight_decay=0.0,
        eps=1e-8,
        maximize=False,
    )


@torch.no_grad()
def similarity(
    head: VisualSemanticHead, pictures: Float[Tensor, "n p"], sentences: Float[Tensor, "n s"]
) -> Float[Tensor, " n"]:
    """The cosine of each picture and its sentence in the head's space."""
    one, other = head(pictures.clone(), sentences.clone())
    near: Tensor = (one * other).sum(dim=1)
    return near
