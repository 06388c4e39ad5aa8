"""What a page may ask systems for that paint captions."""

from __future__ import annotations

from limner.operations import Caption, Operation, Seed, Whole

PICTURES = Operation(
    "generate",
    plan="plan",
    title="Paint a sentence",
    fields={
        "caption": Caption(is_required=True),
        "seed": Seed(),
        "num_images": Whole(low=1, high=16, default=1, title="pictures"),
    },
    hidden={"batch_size": "the server's"},
)
ATTENTION = Operation(
    "attention",
    plan="attention",
    title="Where words count",
    fields={"caption": Caption(is_required=True), "seed": Seed()},
    hidden={"batch_size": "the server's"},
    command=("--attention",),
)
"""Of systems whose generators attend to words."""
