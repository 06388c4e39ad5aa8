"""What a page may ask HfGAN for."""

from __future__ import annotations

from limner.operations import Caption, Operation, Seed
from limner.text_to_image.operations import ATTENTION, PICTURES, SWAP

OPERATIONS = (
    PICTURES,
    SWAP,
    ATTENTION,
    Operation(
        "fusion",
        plan="fusion",
        title="Look inside",
        fields={"caption": Caption(is_required=True), "seed": Seed()},
        hidden={"batch_size": "the server's"},
        command=("--fusion",),
    ),
)
