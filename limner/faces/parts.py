"""The parts of a face in a label map of the schema portrait-11."""

from __future__ import annotations

from limner.data.schema import SCHEMAS

SCHEMA = SCHEMAS["portrait-11"]
PARTS = ("left_eye", "right_eye", "skin", "hair", "mouth")
"""Left is the image's left."""
CLASSES: dict[str, tuple[int, ...]] = {
    part: tuple(SCHEMA.id(name) for name in names.split())
    for part, names in {
        "left_eye": "l_eye",
        "right_eye": "r_eye",
        "skin": "skin l_brow r_brow nose",
        "hair": "hair",
        "mouth": "u_lip mouth l_lip",
    }.items()
}
"""Part -> ids of its classes."""
BACKGROUND = SCHEMA.id("background")
