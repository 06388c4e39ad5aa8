"""What a page may ask SCGAN for."""

from __future__ import annotations

from limner.operations import HIDDEN, Attributes, Choice, LabelMap, Operation, Seed, Whole, label_map_operation

_LATENT = {"latent": "Python only"}
OPERATIONS = (
    label_map_operation({"attributes": Attributes(flag="--attribute")}, hidden=_LATENT),
    Operation(
        "interpolate",
        plan="interpolate",
        title="Walk",
        fields={
            "label_map": LabelMap(is_required=True),
            "attributes": Attributes(flag="--attribute"),
            "what": Choice(
                choices=("z", "c", "all"), flag="--interpolate", default="z", is_said=True, title="what changes"
            ),
            "target": Attributes(flag="--change", title="attributes at the end", only_with=("what", ("c", "all"))),
            "steps": Whole(low=2, high=16),
            "seed": Seed(),
            "to_seed": Seed(default=None, title="last seed", only_with=("what", ("z", "all"))),
        },
        hidden=HIDDEN,
    ),
)
