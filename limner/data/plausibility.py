"""Does a face's label map look like a face in the schema it is read with?

A map in BiSeNet's order is a valid map in CelebAMask-HQ's order too: same ids, same size, other meaning. Only the
geometry tells: with the wrong order the "hair" is a lip and the "nose" lies above the eyes. The same holds for a map
whose left and right follow the viewer where the schema follows the subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.data.schema import SCHEMAS, LabelSchema

MIN_AGREEMENT = 0.75
"""Share of the tests below that a right order passes; real faces in profile or with hats fail some."""
MIN_FACES = 3
"""Fewer faces are too few to judge an order by."""

_Box = tuple[float, float, float, float, float, float]  # centre row and column, top, bottom, left, right


def order_problem(label_maps: Iterable[npt.NDArray[Any]], schema: LabelSchema) -> str | None:
    """A sentence on what contradicts the order of the classes or the sides; none if nothing does.

    Args:
        label_maps: (H, W) ids, some dozen faces of one data set.
        schema: the schema they are read with; one without nose, eyes and mouth cannot be judged.
    """
    maps = list(label_maps)
    if not _can_judge(schema):
        return None
    scores = [score for score in (face_score(label_map, schema) for label_map in maps) if score is not None]
    agreement = float(np.mean(scores)) if scores else 0.0
    highest = max((int(label_map.max()) for label_map in maps), default=0)
    better = [
        (_mean_score(maps, other), other.name)
        for other in SCHEMAS.values()
        if other != schema and _can_judge(other) and highest < other.num_classes
    ]
    if len(scores) < MIN_FACES and not any(score > MIN_AGREEMENT for score, _ in better):
        return None
    if agreement < MIN_AGREEMENT:
        text = (
            f'The label maps do not look like faces in the order of "{schema.name}" '
            f"({agreement:.0%} of the tests of position pass)"
        )
        likely = max(better, default=(0.0, ""))
        if likely[0] >= max(MIN_AGREEMENT, agreement + 0.1):
            return f"{text}; they look like {likely[1]}: convert them (limner data convert --from {likely[1]})."
        return f"{text}: look at them with limner data show."
    sides = [side for side in (side_agreement(label_map, schema) for label_map in maps) if side is not None]
    if len(sides) >= MIN_FACES and np.mean(sides) < 0.5:
        return (
            f'Left and right classes of the label maps are exchanged: in "{schema.name}" they are the '
            f"{'subject' if schema.sides == 'subject' else 'viewer'}'s, but l_eye lies on the image's "
            f"{'left' if schema.sides == 'subject' else 'right'} in most of them."
        )
    return None


def plausibility(label_map: npt.NDArray[Any], schema: LabelSchema) -> float:
    """How well a map (H, W) shows an upright face: `face_score`, or 0 with sides exchanged or nothing to tell by."""
    if not _can_judge(schema) or (side_agreement(label_map, schema) or 0) <= 0.5:
        return 0.0
    return face_score(label_map, schema) or 0.0


def face_score(label_map: npt.NDArray[Any], schema: LabelSchema) -> float | None:
    """Share in [0, 1] of the tests of a face's geometry that a map (H, W) passes; none if it has no face to test."""
    boxes = {name: _box(label_map, schema.id(name)) for name in schema.classes}
    areas = np.bincount(label_map.ravel(), minlength=256)

    def area(*names: str) -> int:
        return sum(int(areas[schema.id(name)]) for name in names if name in schema.classes)

    skin, nose = boxes.get("skin"), boxes.get("nose")
    lips = [box for name in ("u_lip", "l_lip", "lips") if (box := boxes.get(name)) is not None]
    eyes = [box for name in ("l_eye", "r_eye") if (box := boxes.get(name)) is not None]
    brows = [box for name in ("l_brow", "r_brow") if (box := boxes.get(name)) is not None]
    tests = []
    if skin and nose:
        tests.append(skin[2] <= nose[0] <= skin[3] and skin[4] <= nose[1] <= skin[5])
        tests.append(area("skin") > 2 * area("nose"))
    if nose and eyes:
        tests.append(_row(eyes) < nose[0])
    if nose and lips:
        tests.append(nose[0] < _row(lips))
    if eyes and lips:
        tests.append(_row(eyes) < _row(lips))
    if brows and eyes:
        tests.append(_row(brows) < _row(eyes))
    if boxes.get("u_lip") and boxes.get("l_lip"):
        tests.append(_row([boxes["u_lip"]]) < _row([boxes["l_lip"]]))
    hair, neck = boxes.get("hair"), boxes.get("neck")
    if hair and skin:
        tests.append(hair[2] <= skin[2] and area("hair") > area("l_lip", "u_lip", "lips"))
    if neck and skin:
        tests.append(neck[0] > skin[0])
    return float(np.mean(tests)) if len(tests) >= 4 else None


def side_agreement(label_map: npt.NDArray[Any], schema: LabelSchema) -> float | None:
    """Share in [0, 1] of the pairs of eyes and brows that lie on the schema's sides; none if there is no such pair."""
    found = []
    for left, right in (("l_eye", "r_eye"), ("l_brow", "r_brow")):
        if left in schema.classes and right in schema.classes:
            first, second = _box(label_map, schema.id(left)), _box(label_map, schema.id(right))
            if first and second:
                found.append((first[1] > second[1]) == (schema.sides == "subject"))
    return float(np.mean(found)) if found else None


def _can_judge(schema: LabelSchema) -> bool:
    return {"skin", "nose", "l_eye", "r_eye"} <= set(schema.classes) and schema.sides != "none"


def _mean_score(maps: list[npt.NDArray[Any]], schema: LabelSchema) -> float:
    scores = [score for score in (face_score(label_map, schema) for label_map in maps) if score is not None]
    return float(np.mean(scores)) if scores else 0.0


def _box(label_map: npt.NDArray[Any], index: int) -> _Box | None:
    rows, columns = np.nonzero(label_map == index)
    if not len(rows):
        return None
    top, bottom, left, right = float(rows[0]), float(rows[-1]), float(columns.min()), float(columns.max())
    return float(rows.mean()), float(columns.mean()), top, bottom, left, right


def _row(boxes: Sequence[_Box | None]) -> float:
    return float(np.mean([box[0] for box in boxes if box]))
