"""Limner: pictures of what you ask for: a label map, a photo and an age, a pose, a sentence, speech, or strokes.

`import limner` is cheap: PyTorch is imported by the first `limner.load(...)`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.loading import load
    from limner.pipelines import Pipeline
    from limner.registry import system_names as list_systems

__version__ = "0.1.0"
__all__ = ["Pipeline", "__version__", "list_systems", "load"]

_LAZY = {
    "Pipeline": "limner.pipelines:Pipeline",
    "list_systems": "limner.registry:system_names",
    "load": "limner.loading:load",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f'module "limner" has no attribute "{name}"')
    module, _, attribute = _LAZY[name].partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
