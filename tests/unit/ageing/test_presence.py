"""A photo of which nobody knows the landmarks is looked at before it is taken for one upright face."""

from __future__ import annotations

import numpy as np
import pytest

from limner.ageing.presence import check_front, check_photo
from limner.errors import DataError
from limner.faces.parts import SCHEMA
from limner.people.gallery import ready

FACES = ready("face")


def beside(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The middle halves of two faces."""
    side = len(first)
    middle = slice(side // 4, side * 3 // 4)
    return np.concatenate([first[:, middle], second[:, middle]], axis=1)


def test_ready_people_are_faces() -> None:
    for person in FACES[:4]:
        assert check_photo(person.image, person.name)


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (beside(FACES[0].image, FACES[1].image), "more than one face"),
        (np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8), "no single face"),
        (np.full((128, 128, 3), 120, np.uint8), "no single face"),
        (np.rot90(FACES[2].image), "no single face that stands upright"),
        (FACES[2].image[::-1].copy(), "does not stand upright"),
    ],
    ids=["two", "noise", "grey", "turned", "upside down"],
)
def test_what_is_no_upright_face_is_refused(photo: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=f"^it .*{words}"):
        check_photo(photo, "it")


def test_a_face_in_profile_is_refused() -> None:
    label_map = np.full((64, 64), SCHEMA.id("skin"), np.uint8)
    check_front(label_map, "dark glasses")
    label_map[29:32, 22:27] = SCHEMA.id("l_eye")
    with pytest.raises(DataError, match="one eye alone: the face is in profile"):
        check_front(label_map, "it")
    label_map[29:32, 37:39] = SCHEMA.id("r_eye")
    check_front(label_map, "turned a little")
