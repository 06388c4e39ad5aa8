"""What a page may ask systems for that change the age of faces."""

from __future__ import annotations

from limner.data.datasets.utkface import AGE_GROUPS
from limner.operations import AgeGroup, Operation, Photo

HIDDEN = {
    "landmarks": "found in the photo, else those of the mean face",
    "align": "as the photo needs it",
    "batch_size": "the server's",
    "gender": "Python and the command line",
}
AGES = Operation(
    "age",
    plan="plan",
    title="Change an age",
    fields={"photo": Photo(is_required=True), "ages": AgeGroup(groups=AGE_GROUPS, flag="--age")},
    hidden=HIDDEN,
)
