"""What a page may ask the painter for."""

from __future__ import annotations

from limner.operations import Choice, Color, Flag, Number, Operation, Photo, Seed, Whole
from limner.systems.painter.config import CORRECTION

OPERATIONS = (
    Operation(
        "paint",
        plan="plan",
        title="Paint",
        fields={
            "image": Photo(is_required=True, title="picture"),
            "strokes": Whole(low=1, high=2000, default=200),
            "focus": Number(low=0, high=1, default=1.0, title="focus on the subject"),
            "follow": Choice(choices=("error", "attention"), default="error", title="strokes follow"),
            "correction": Number(low=0, high=1, default=CORRECTION, title="correction of colours"),
            "overlap": Flag(title="overlapping tiles"),
            "mask": Photo(title="own mask of the subject", shows="mask"),
            "canvas": Color(default="black"),
            "palette": Whole(low=2, high=64, title="number of colours"),
            "seed": Seed(),
        },
        hidden={
            "tiles": "as the number of strokes suggests",
            "size": "the picture's",
            "fit": "the picture's shape is kept",
            "render": "exact",
            "start": "Python and the command line",
            "vgg16": "a file on the server",
            "name": "that of the picture's file",
        },
        svg="limner.systems.painter.svg:svg_of_file",
        given={"name": "image"},  # the command line names a painting like its picture, and so the file of this field
    ),
)
