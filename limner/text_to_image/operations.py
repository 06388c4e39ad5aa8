"""What a page may ask systems for that paint captions."""

from __future__ import annotations

from limner.operations import Caption, Flag, Operation, Phrase, Seed, Whole

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
SWAP = Operation(
    "swap",
    plan="swap",
    title="Change a word",
    fields={
        "caption": Caption(is_required=True),
        "old": Phrase(is_required=True, title="old words", flag="--swap"),
        "new": Phrase(is_required=True, title="new words", flag="--swap", is_joined=True),
        "everywhere": Flag(title="change the whole picture", flag="--change-everywhere"),
        "seed": Seed(),
        "num_images": Whole(low=1, high=16, default=1, title="examples"),
    },
    hidden={"where": "the replaced words say it", "batch_size": "the server's"},
)
"""Of systems whose generators attend to words."""
ATTENTION = Operation(
    "attention",
    plan="attention",
    title="Where words count",
    fields={"caption": Caption(is_required=True), "seed": Seed()},
    hidden={"batch_size": "the server's"},
    command=("--attention",),
)
"""Of systems whose generators attend to words."""
