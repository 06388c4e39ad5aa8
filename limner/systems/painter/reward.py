"""What an action was worth, term by term; every term is (b, 1), and so is their sum.

A reward of shape (b,) added to a value of shape (b, 1) would be broadcast to (b, b) without a word, and the critic
would learn mixed pairs; `Reward` refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from limner.errors import ShapeError
from limner.systems.painter.config import RewardConfig
from limner.systems.painter.environment import Scene
from limner.systems.painter.weight_map import pixel_weights, weighted_distance

Canvas = Float[Tensor, "b 3 h w"]
Score = Callable[[Tensor, Tensor], Tensor]
"""(target, candidate) -> (b, 1): the slow copy of a discriminator."""

_LEAST_LEFT = 0.01
"""Of the blank canvas's distance: nobody is asked to halve less than this."""


@dataclass(frozen=True)
class Reward:
    """r of an action, from the canvas before and after it.

    r_gan = D'(I, C') - D'(I, C), the parent's reward; r_fm = (d_w(C, I) - d_w(C', I)) / d_w(blank, I), which sums to
    1 - d_w(last) / d_w(blank) over an episode (divided by d_w(C, I) instead with `measure` "left"); r_fg is r_gan of a
    second discriminator on the attended pictures.

    Attributes:
        config: weights of the terms and of the pixels.
        discriminator: slow copy of D; needed if its weight is not 0.
        foreground: slow copy of the second one; likewise.
        canvas_color: (3,) colour of the blank canvas in [0, 1].
    """

    config: RewardConfig
    discriminator: Score | None
    foreground: Score | None
    canvas_color: Tensor

    def __call__(self, scene: Scene, before: Canvas, after: Canvas) -> dict[str, Float[Tensor, "b 1"]]:
        """Name -> weighted term.

        Raises:
            ShapeError: if a term is not (b, 1).
        """
        config, terms = self.config, {}
        if config.weight_gan and self.discriminator is not None:
            gain = self.discriminator(scene.target, after) - self.discriminator(scene.target, before)
            terms["gan"] = config.weight_gan * gain.float()
        if config.weight_distance:
            weights = self.weights(scene)
            blank = self.canvas_color.to(before)[None, :, None, None].expand_as(before)
            whole = weighted_distance(blank, scene.target, weights) + 1e-8
            left = weighted_distance(before, scene.target, weights)
            gain = left - weighted_distance(after, scene.target, weights)
            if config.measure == "left":
                whole = torch.maximum(left, _LEAST_LEFT * whole)
            terms["fm"] = config.weight_distance * gain / whole
        if config.weight_foreground and self.foreground is not None:
            mask = scene.attention.detach()
            gain = self.foreground(mask * scene.target, mask * after) - self.foreground(
                mask * scene.target, mask * before
            )
            terms["fg"] = config.weight_foreground * gain.float()
        for name, term in terms.items():
            if term.shape != (len(before), 1):
                raise ShapeError(f'The reward "{name}" has shape {tuple(term.shape)}, it must be {(len(before), 1)}.')
        return terms

    def weights(self, scene: Scene) -> Float[Tensor, "b 1 h w"]:
        """w of the pixels; no gradient flows into attention or features."""
        config = self.config
        return pixel_weights(
            scene.attention, scene.features, weighting=config.weighting, epsilon=config.epsilon, kappa=config.kappa
        )


def gradient_penalty(
    discriminator: Score, target: Canvas, real: Canvas, fake: Canvas, mix: Float[Tensor, "b 1 1 1"]
) -> Float[Tensor, ""]:
    """(|gradient| - 1)^2 at pairs between (target, real) and (target, fake), mean over the batch.

    Gulrajani et al. 2017, arXiv:1704.00028, Eq. 3; the gradient is that to all six channels of the pair.
    """
    first = target.detach().clone().requires_grad_(True)
    second = (mix * real.detach() + (1 - mix) * fake.detach()).requires_grad_(True)
    score = discriminator(first, second).float().sum()
    gradients = torch.autograd.grad(score, [first, second], create_graph=True)
    norm = torch.cat([gradient.float().flatten(1) for gradient in gradients], dim=1).norm(dim=1)
    return (norm - 1).square().mean()
