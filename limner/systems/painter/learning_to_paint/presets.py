"""Complete configurations of Learning to Paint: those of the painter with 9 and 12 channels, w = 1, reward r_gan."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

from limner.systems.painter import presets
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.learning_to_paint.config import LearningToPaintConfig


def _without_attention(preset: Callable[[], PainterConfig]) -> LearningToPaintConfig:
    return LearningToPaintConfig(**vars(presets.without_attention(preset)))


def _named(preset: Callable[[], PainterConfig]) -> Callable[[], LearningToPaintConfig]:
    parent = partial(_without_attention, preset)
    parent.__doc__ = f"{inspect.getdoc(preset)} Without attention and masks."
    return parent


PRESETS: dict[str, Callable[[], LearningToPaintConfig]] = {
    name: _named(preset)
    for name, preset in presets.PRESETS.items()
    if not name.endswith(("-attention", "-joint"))  # stages of what it does not have
}
