"""How the learning rates fall over a run, as functions of the share of it that is done."""

from __future__ import annotations

import math
from typing import Literal

Stage = Literal["renderer", "attention", "agent", "joint"]
Fall = Literal["steps", "cosine"]

_DROPS: dict[str, tuple[tuple[float, float], ...]] = {
    # 1e-4, from step 200 000 of 500 000 on 1e-5, from 400 000 on 1e-6
    "renderer": ((0.4, 0.1), (0.8, 0.01)),
    # of 50 000 rounds of episodes: from 10 000 and from 20 000 on
    "critic": ((0.2, 1 / 3), (0.4, 0.1)),
    "actor": ((0.2, 0.3), (0.4, 0.1)),
}


def lr_factor(network: str, done: float, *, stage: Stage, fall: Fall = "steps") -> float:
    """Factor on the learning rate of a network.

    Args:
        network: its name.
        done: share of the run, in [0, 1].
        stage: joint training is the end of an agent's run, so its actor and critic stay at their last rates.
        fall: of the renderer's, the actor's and the critic's rates: the paper's steps, or half a cosine to a hundredth,
            which leaves a short run more time at large rates.
    """
    half_cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    if stage == "attention":
        return 0.1 + 0.9 * half_cosine
    if stage == "joint" and network in _DROPS:
        return _DROPS[network][-1][1]
    if fall == "cosine" and network in _DROPS:
        return 0.01 + 0.99 * half_cosine
    factor = 1.0
    for start, value in _DROPS.get(network, ()):
        if done >= start:
            factor = value
    return factor
