"""What a page may ask MaskFace for."""

from __future__ import annotations

from limner.operations import HIDDEN, LabelMap, Operation, Photo, label_map_operation

OPERATIONS = (
    label_map_operation(),
    Operation(
        "stylize",
        plan="stylize",
        title="Take the look of a photo",
        fields={
            "label_map": LabelMap(is_required=True),
            "style": Photo(is_required=True, flag="--photo", title="photo whose look is taken"),
        },
        hidden=HIDDEN,
    ),
)
