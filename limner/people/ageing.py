"""What age does to the shape of a body, beyond the growing and ageing that the body model knows."""

from __future__ import annotations

from limner.people.body import BodyShape, age_phenotype
from limner.people.person import Person

# Local changes at full strength; those of a person are added. Paired ones are named after the subject's left.
_OF_BABIES = {
    "l-eye-scale-incr": 0.4, "l-eye-height2-incr": 0.2, "l-cheek-volume-incr": 0.4, "chin-height-incr": -0.35,
    "chin-prominent-incr": -0.15, "mouth-scale-horiz-incr": -0.15, "nose-scale-horiz-incr": -0.1, "nose-point-up": 0.2,
}  # fmt: skip
_OF_THE_OLD = {
    "l-cheek-volume-incr": -0.4, "l-cheek-trans-up": -0.35, "mouth-angles-up": -0.12, "mouth-laugh-lines-out": 0.4,
    "neck-double-incr": 0.4, "mouth-upperlip-volume-incr": -0.35, "mouth-lowerlip-volume-incr": -0.25,
    "mouth-upperlip-height-incr": -0.2, "l-eye-bag-incr": 0.4, "l-eye-eyefold-up": -0.3, "eyebrows-trans-up": -0.25,
    "nose-point-up": -0.2, "nose-scale-vert-incr": 0.12, "l-ear-lobe-incr": 0.35, "l-ear-scale-incr": 0.25,
}  # fmt: skip


def body_shape(person: Person, age_years: float) -> BodyShape:
    """Shape of a person's body at an age: the bones of the person, the flesh of the age."""
    local = dict(person.local_changes)
    for changes, amount in ((_OF_BABIES, person.childhood(age_years)), (_OF_THE_OLD, person.sagging(age_years))):
        for name, change in changes.items() if amount > 0 else ():
            for side in (name, name.replace("l-", "r-", 1)) if name.startswith("l-") else (name,):
                local[side] = min(max(local.get(side, 0.0) + amount * change, -1.0), 1.0)
    return BodyShape(age=age_phenotype(age_years), local=local, **person.phenotype)
