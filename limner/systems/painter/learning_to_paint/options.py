"""Learning to Paint's side of `limner generate`: the painter's. No torch import, so that `--help` stays fast."""

from limner.systems.painter import options
from limner.systems.painter.options import (
    JSON_FILE,
    MODES,
    OUT_FILES,
    OUTPUTS,
    add_evaluate_options,
    add_options,
    evaluate_arguments,
)

__all__ = [
    "DESCRIPTION",
    "EXAMPLES",
    "JSON_FILE",
    "MODES",
    "OUTPUTS",
    "OUT_FILES",
    "add_evaluate_options",
    "add_options",
    "evaluate_arguments",
]

DESCRIPTION = "Paint pictures stroke by stroke, every part of them alike; or draw a stroke file again at any size."
EXAMPLES = tuple(
    example.replace("generate painter", "generate learning-to-paint")
    for example in options.EXAMPLES
    if "--mask" not in example
)
