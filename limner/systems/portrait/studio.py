"""What a page may ask portrait for."""

from __future__ import annotations

from limner.operations import LabelMap, Look, Operation, Photo, Photos, Whole

_HIDDEN = {"schema": "the map's file says it"}
_LOOKS = {
    "hair": Look(title="hair of"),
    "skin": Look(title="skin of"),
    "eyes": Look(title="eyes of"),
    "mouth": Look(title="mouth of"),
}
_PHOTO = {"photo": Photo(is_required=True)}
OPERATIONS = (
    Operation(
        "edit",
        plan="swap",
        title="Edit a portrait",
        fields={**_PHOTO, "label_map": LabelMap(flag="--target", title="repainted map"), **_LOOKS},
        hidden=_HIDDEN,
        sits=("photo",),
    ),
    Operation(
        "gallery",
        plan="gallery",
        title="Try many looks",
        fields={**_PHOTO, "sources": Photos(is_required=True, flag="--gallery", title="photos whose looks are taken")},
        hidden={**_HIDDEN, "label_map": "repaint it in the editor"},
        sits=("photo",),
    ),
    Operation(
        "walk",
        plan="interpolate",
        title="Walk to new looks",
        fields={**_PHOTO, **_LOOKS, "steps": Whole(low=2, high=16, default=10, is_said=True)},
        sits=("photo",),
    ),
)
