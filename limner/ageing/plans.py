"""Plans of ageing: which faces, at which ages, and what of each is shown; and how a plan is drawn.

A plan has a row a picture: the crop, its landmarks, the gender (for the systems that take one) and the age as shares of
the age groups. `view` says what is shown of the row, `VIEWS` of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from limner.ageing.inputs import FacePhoto
from limner.data.ages import MAX_AGE
from limner.data.datasets.utkface import AGE_GROUPS, age_group
from limner.errors import ConfigError, quoted
from limner.inputs import to_pictures, usual_batch_size, whole_number
from limner.plan import Condition, GenerationPlan, safe_name

AgeInput = str | float
"""The name of an age group, such as "31-40", or an age in years, which lies between the middles of two groups."""
VIEWS = ("aged", "source", "back", "difference", "coarse", "fine", "pixels", "landmarks")
"""What a picture of a plan can show."""
GENDERS = {"male": 0, "female": 1, None: -1}
MIDDLES = (3.0, 8.0, 15.5, 25.5, 35.5, 45.5, 55.5, 65.5, 75.5, 88.0)
"""Age that each group stands for where the weights do not say."""
MAX_FRAMES = 2_000
LANDMARK_RANGE = (-4.0, 5.0)
"""Shares of the crop's side: no face that is cut by its landmarks has one further away."""


def age_shares(age: AgeInput, middles: Sequence[float] = MIDDLES) -> NDArray[np.float32]:
    """An age as shares of the ten groups, which sum to 1.

    A group's name is that group. Years are mixed of the two groups between whose middles they lie.

    Args:
        age: name or years.
        middles: age that each group stands for, ascending.

    Raises:
        ConfigError: if it is neither.
    """
    shares = np.zeros(len(AGE_GROUPS), np.float32)
    if isinstance(age, str) and age in AGE_GROUPS:
        shares[AGE_GROUPS.index(age)] = 1
        return shares
    try:
        years = float(age)
    except (TypeError, ValueError, OverflowError):
        years = float("nan")
    if isinstance(age, bool) or not 0 <= years <= MAX_AGE:
        hint = " Give several ages one after another, not with commas." if isinstance(age, str) and "," in age else ""
        raise ConfigError(
            f"The age {quoted(age)} is unknown; it must be from 0 to {MAX_AGE} years or one of "
            f"{', '.join(AGE_GROUPS)}.{hint}"
        )
    places = np.asarray(middles, np.float64)
    upper = int(np.clip(np.searchsorted(places, years), 1, len(places) - 1))
    share = float(np.clip((years - places[upper - 1]) / (places[upper] - places[upper - 1]), 0, 1))
    shares[upper - 1], shares[upper] = 1 - share, share
    return shares


def face_plan(
    faces: Sequence[FacePhoto],
    rows: Sequence[tuple[int, NDArray[np.float32], str]],
    *,
    names: Sequence[str],
    settings: dict[str, Any],
    device: torch.device,
    batch_size: int | None = None,
) -> GenerationPlan:
    """A plan with one picture a row.

    Args:
        faces: the photos.
        rows: of each picture the number of its face, its age as shares, and what is shown.
        names: of each picture's file.
        settings: what was asked for.
        device: where the networks are.
        batch_size: pictures in one pass.

    Raises:
        ConfigError: if there are no rows.
    """
    if not rows:
        raise ConfigError("Nothing is asked for: name at least one age.")
    numbers = [number for number, _, _ in rows]
    landmarks = "given or found" if all(face.measured for face in faces) else "of the mean face"
    return GenerationPlan(
        seeds=[None] * len(rows),
        names=list(names),
        from_photo=True,
        settings={**settings, "faces": [face.name for face in faces], "landmarks": landmarks},
        conditions={
            "image": np.stack([faces[number].image for number in numbers]),
            "landmarks": np.stack([faces[number].landmarks for number in numbers]),
            "ages": np.stack([shares for _, shares, _ in rows]),
            "view": np.array([VIEWS.index(view) for _, _, view in rows], np.uint8),
            "gender": np.array([GENDERS[None]], np.int64),
        },
        batch_size=usual_batch_size(device) if batch_size is None else batch_size,
    )


def of_gender(plan: GenerationPlan, gender: str | None) -> GenerationPlan:
    """A plan whose faces are of a gender, for the systems that take one.

    Args:
        plan: of `face_plan`.
        gender: "male" or "female" of all faces; none: not known.

    Raises:
        ConfigError: if the gender is unknown.
    """
    if gender not in GENDERS:
        raise ConfigError(f'The gender is "{gender}"; it must be male or female, as the weights know no other.')
    return replace(plan, conditions={**plan.conditions, "gender": np.array([GENDERS[gender]], np.int64)})


def strip_plan(
    faces: Sequence[FacePhoto],
    ages: AgeInput | Sequence[AgeInput] | None,
    *,
    middles: Sequence[float],
    **options: Any,
) -> GenerationPlan:
    """Every face (a row of the sheet) at every age, all ten by default, the source first.

    Raises:
        ConfigError: if an age is unknown or asked for twice, or there are no faces.
    """
    wanted = listed_ages(ages)
    if not faces or not wanted:
        raise ConfigError("At least one face and one age are needed.")
    shares = [age_shares(age, middles) for age in wanted]
    twice = next((age for age in wanted if list(map(str, wanted)).count(str(age)) > 1), None)
    if twice is not None:
        raise ConfigError(f"The age {twice} is asked for twice; name each age once.")
    rows = [
        (number, share, view)
        for number in range(len(faces))
        for share, view in [(shares[0], "source"), *((share, "aged") for share in shares)]
    ]
    titles = ["source", *map(str, wanted)]
    settings = {"mode": "ages", "columns": len(titles), "ages": titles}
    names = [f"{face}-{safe_name(title)}" for face in face_names(faces) for title in titles]
    return face_plan(faces, rows, names=names, settings=settings, **options)


def listed_ages(ages: AgeInput | Sequence[AgeInput] | None) -> list[AgeInput]:
    """A list, of one age too; without any, of all groups."""
    if ages is None:
        return list(AGE_GROUPS)
    return list(ages) if isinstance(ages, Sequence | np.ndarray) and np.ndim(ages) else [cast(AgeInput, ages)]


def face_names(faces: Sequence[FacePhoto]) -> list[str]:
    """Names for files, with a number where a name occurs twice."""
    stems = [safe_name(face.name) for face in faces]
    return stems if len(set(stems)) == len(stems) else [f"{number:04d}-{stem}" for number, stem in enumerate(stems)]


def walk_plan(
    face: FacePhoto,
    start: AgeInput,
    end: AgeInput,
    *,
    steps: int,
    middles: Sequence[float],
    **options: Any,
) -> GenerationPlan:
    """A face on the way from one age to another, by equal steps through the groups: both ways, up or down.

    Raises:
        ConfigError: if an age is unknown, both are the same, or there are too few or too many steps.
    """
    steps = whole_number("steps", steps, 2, MAX_FRAMES)
    first, last = (_place(age_shares(age, middles)) for age in (start, end))
    if first == last:
        raise ConfigError(f"The walk starts and ends at the same age ({start}); give two ages.")
    places = np.linspace(first, last, steps)
    rows = [(0, _shares_at(place), "aged") for place in places]
    settings = {"mode": "walk", "columns": steps, "start": str(start), "end": str(end)}
    names = [f"{safe_name(face.name)}-{number:04d}" for number in range(steps)]
    return face_plan([face], rows, names=names, settings=settings, **options)


def check_direction(direction: str, source_age: AgeInput, middles: Sequence[float]) -> int:
    """Number of the group of a face's age, if there is any way to go from it.

    Args:
        direction: "older" or "younger".
        source_age: of the face.
        middles: see `age_shares`.

    Raises:
        ConfigError: if nobody is younger or older than that.
    """
    shares = age_shares(source_age, middles)
    group = (
        int(shares.argmax())
        if isinstance(source_age, str) and source_age in AGE_GROUPS
        else age_group(float(source_age))
    )
    said = f"{source_age:g}" if isinstance(source_age, float) else source_age
    if direction == "younger" and group == 0:
        raise ConfigError(f"A face of {said} years is in the youngest group, {AGE_GROUPS[0]}: nothing is younger.")
    if direction == "older" and group == len(AGE_GROUPS) - 1:
        raise ConfigError(f"A face of {said} years is in the oldest group, {AGE_GROUPS[-1]}: nothing is older.")
    return group


def ages_in_direction(direction: str, group: int) -> list[str]:
    """The groups that are older or younger than one, the nearest first."""
    return list(AGE_GROUPS[group + 1 :]) if direction == "older" else list(AGE_GROUPS[:group][::-1])


def face_conditions(image_size: int) -> dict[str, Condition]:
    """The arrays of a `face_plan`, for pictures of that size."""
    low, high = LANDMARK_RANGE
    return {
        "image": Condition("uint8", (image_size, image_size, 3)),
        "landmarks": Condition("float32", (68, 2), low, high),
        "ages": Condition("float32", (len(AGE_GROUPS),), 0, 1),
        "view": Condition("uint8", (), 0, len(VIEWS) - 1),
        "gender": Condition("int64", (), min(GENDERS.values()), max(GENDERS.values()), is_shared=True),
    }


def plan_tensors(plan: GenerationPlan, rows: range, device: torch.device) -> dict[str, Tensor]:
    """The rows of a plan as networks take them: image in [-1, 1], landmarks, ages, gender, and the view's number."""
    found = {name: torch.from_numpy(plan.condition(name, rows).copy()).to(device) for name in plan.conditions}
    image = found["image"].permute(0, 3, 1, 2).float() / 127.5 - 1
    return {**found, "image": image}


def draw_views(
    plan: GenerationPlan, rows: range, device: torch.device, views: Callable[[str, dict[str, Tensor]], Tensor]
) -> list[Image.Image]:
    """The pictures of those rows; `views(name, tensors)` gives one view of rows that share it, in [-1, 1]."""
    tensors = plan_tensors(plan, rows, device)
    pictures: list[Image.Image | None] = [None] * len(rows)
    for number in tensors["view"].unique().tolist():
        places = torch.nonzero(tensors["view"] == number)[:, 0]
        shown = views(VIEWS[number], {name: tensor[places] for name, tensor in tensors.items()})
        for place, picture in zip(places.tolist(), to_pictures(shown.clamp(-1, 1)), strict=True):
            pictures[place] = picture
    return [picture for picture in pictures if picture is not None]


def _place(shares: npt.NDArray[np.float32]) -> float:
    return float(shares @ np.arange(len(shares)))


def _shares_at(place: float) -> NDArray[np.float32]:
    shares = np.zeros(len(AGE_GROUPS), np.float32)
    lower = min(int(place), len(AGE_GROUPS) - 2)
    shares[lower], shares[lower + 1] = 1 - (place - lower), place - lower
    return shares
