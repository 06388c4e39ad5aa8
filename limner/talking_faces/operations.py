"""What a page may ask systems for that make faces talk."""

from __future__ import annotations

from limner.operations import Audio, Field, Flag, Number, Operation, Photo

HIDDEN = {
    "landmarks": "found in the photo, else those of the mean face",
    "align": "as the photo needs it",
    "show": "the talking face alone",
}
_FIELDS: dict[str, Field] = {"photo": Photo(is_required=True), "audio": Audio(is_required=True, title="speech")}
_PASTE: dict[str, Field] = {"paste_back": Flag(title="show the whole photo")}
TALK = Operation(
    "talk",
    plan="plan",
    title="Let a face talk",
    fields={**_FIELDS, **_PASTE},
    hidden={**HIDDEN, "gain": "these networks know none"},
)
TALK_WITH_GAIN = Operation(
    "talk",
    plan="plan",
    title="Let a face talk",
    fields={
        **_FIELDS,
        "gain": Number(low=0, high=5, default=1.0, flag="--mouth-gain", title="movement of the mouth"),
        **_PASTE,
    },
    hidden=HIDDEN,
)
