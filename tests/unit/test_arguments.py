"""Wrong types of arguments: one sentence at the door of a mode, whatever the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from limner.arguments import check_arguments
from limner.errors import ConfigError


class Toy:
    def draw(
        self,
        pictures: str | Path | Sequence[str],
        *,
        way: Literal["up", "down"] = "up",
        ages: Sequence[str | float] | None = None,
        named: Mapping[str, float] | None = None,
        is_whole: bool = False,
        photo: Any = None,
        tiles: Sequence[int] = (),
    ) -> None:
        """Nothing."""


def check(*args: object, **kwargs: object) -> None:
    check_arguments(Toy.draw, (Toy(), *args), kwargs)


def test_what_an_annotation_allows_passes() -> None:
    for pictures in ("a", Path("a"), ["a", "b"], ("a",), []):
        check(pictures)
    for ages in (None, ["0-5", 38.5], [3], np.array([1.0, 2.0])):
        check("a", ages=ages)
    check("a", way="sideways", named={"x": 1}, is_whole=np.True_, photo=object())  # its value is checked elsewhere


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("pictures", 7, "a text or Path or a list, each of it a text"),
        ("pictures", ["a", None], "a list, each of it a text"),
        ("pictures", b"a", "a list, each of it a text"),
        ("way", 3, "one of the texts up, down"),
        ("way", np.zeros(3), "one of the texts up, down"),
        ("ages", 7, "a list, each of it a text or float or None, such as [7]"),
        ("ages", "40", "a list, each of it a text or float or None, such as ['40']"),
        ("ages", "", "a list"),
        ("tiles", "2,4", "a list, each of it int."),
        ("tiles", 2, "a list, each of it int, such as [2]"),
        ("ages", np.array(object()), "a list"),
        ("named", [1], "a mapping or None"),
        ("is_whole", np.zeros(3), "True or False"),
        ("is_whole", 1, "True or False"),
        ("is_whole", "x" * 5000, "True or False"),
    ],
)
def test_what_it_rules_out_is_one_sentence(name: str, value: object, allowed: str) -> None:
    given = {"pictures": "a", name: value}
    with pytest.raises(ConfigError) as caught:
        check(**given)
    text = str(caught.value)
    assert text.startswith(f"{name} is ") and allowed in text and text.endswith(".") and "\n" not in text
    assert len(text) < 300


def test_names_that_there_are_not_are_pythons_own_error() -> None:
    with pytest.raises(
        TypeError, match=r"Toy.draw has no argument 'pictuers'. Did you mean \"pictures\"\? Known: ages, "
    ):
        check("a", pictuers=3)

    class Doll(Toy):
        """Whoever asks it knows no base class."""

    with pytest.raises(TypeError, match=r"Doll\.draw has no argument 'pictuers'"):
        check_arguments(Doll.draw, (Doll(), "a"), {"pictuers": 3})
