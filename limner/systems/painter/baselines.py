"""What a painter must beat: strokes at random, and strokes fitted to each picture by gradient descent."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.engine.seed import generator
from limner.errors import ConfigError
from limner.systems.painter.environment import paint
from limner.systems.painter.networks import NUM_PARAMS
from limner.systems.painter.strokes import StrokeList


def random_strokes(num: int, *, seed: int) -> StrokeList:
    """Strokes whose 13 numbers are uniformly random."""
    return StrokeList.from_params(np.random.default_rng((seed, num)).random((num, NUM_PARAMS)))


def fit_strokes(
    target: Float[Tensor, "b 3 size size"],
    num: int,
    renderer: nn.Module,
    *,
    blank: Float[Tensor, "b 3 size size"],
    iterations: int = 200,
    lr: float = 0.05,
    seed: int = 0,
) -> list[StrokeList]:
    """Fit strokes to pictures by gradient descent through a frozen renderer, as painters without learning do.

    All strokes of a picture are moved together: Adam on the logits of their numbers, from random ones on, towards the
    least squared difference between the renderer's canvas and the picture.

    Args:
        target: pictures in [0, 1].
        num: strokes of each.
        renderer: stroke shapes -> opacity; its parameters stay.
        blank: canvases to begin with.
        iterations: steps of Adam; the rate falls along half a cosine.
        lr: its learning rate at the start.
        seed: of the first strokes.

    Returns:
        The strokes of each picture.

    Raises:
        ConfigError: if a number is not positive.
    """
    if num < 1 or iterations < 1:
        raise ConfigError(f"{num} strokes cannot be fitted in {iterations} steps; both numbers must be at least 1.")
    draws = torch.rand(len(target), num * NUM_PARAMS, generator=generator(seed, "fit strokes", num))
    logits = draws.to(target.device).logit(eps=1e-3).requires_grad_(True)
    optimizer = torch.optim.Adam([logits], lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations)
    with torch.inference_mode(False), torch.enable_grad():
        for _ in range(iterations):
            canvas, _ = paint(blank, logits.sigmoid(), renderer)
            loss = (canvas - target).square().mean(dim=(1, 2, 3)).sum()
            (logits.grad,) = torch.autograd.grad(loss, [logits])
            optimizer.step()
            schedule.step()
    params = logits.detach().sigmoid().view(len(target), num, NUM_PARAMS)
    return [StrokeList.from_params(rows.double().cpu().numpy()) for rows in params]
