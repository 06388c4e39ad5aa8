"""Wrong types of arguments: one sentence at the door of a mode, whatever the system."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image

import limner
from limner.ageing.plans import strip_plan
from limner.arguments import check_arguments
from limner.data.image_io import any_picture_from_pil, label_map_from_pil, photo_from_pil
from limner.data.schema import get_schema
from limner.errors import MOST_SHOWN, ConfigError, DataError, LimnerError, named, quoted
from limner.systems.scgan.pipeline import SCGANPipeline


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


HOSTILE = (
    torch.full((3, 64, 64), math.nan),
    10**5000,
    "x" * 10_000,
    list(range(100_000)),
    np.zeros(0),
    {"x" * 10_000: 1},
)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", ["attributes", "seed", "num_images", "schema", "batch_size"])
def test_a_message_shows_the_beginning_of_a_value(name: str, value: object, scgan: SCGANPipeline) -> None:
    label_map = np.zeros((16, 16), np.uint8)
    with pytest.raises(LimnerError) as caught:
        scgan(label_map, **{name: value})
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("value", [*HOSTILE, Image.new("RGB", (8, 8))], ids=lambda value: type(value).__name__)
def test_ages_that_are_none(value: object) -> None:
    face: Any = "is not looked at"
    with pytest.raises(LimnerError) as caught:
        strip_plan([face], value, middles=range(10))  # type: ignore[arg-type]
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("value", [np.zeros(0), np.zeros(2), torch.zeros(3), "x" * 10_000, ["torch"]], ids=type)
@pytest.mark.parametrize("name", ["system", "with_optional", "runtime"])
def test_arguments_of_load(name: str, value: object, tiny_weights: Path) -> None:
    with pytest.raises(LimnerError) as caught:
        limner.load(tiny_weights, **{name: value})
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_a_picture_without_pixels(size: tuple[int, int]) -> None:
    for read in (
        photo_from_pil,
        any_picture_from_pil,
        lambda one: label_map_from_pil(one, get_schema("celebamask-19")),
    ):
        with pytest.raises(DataError, match=rf"is {size[0]}x{size[1]} and has no pixels; give one of 1x1 or more"):
            read(Image.new("L", size))


def test_values_in_sentences() -> None:
    class Unshown:
        def __repr__(self) -> str:
            raise RuntimeError

    assert quoted("a\nb") == "'a\\nb'" and quoted(np.zeros((2, 1))) == "array([[0.], [0.]])"
    assert quoted(10**5000) == "a value of the type int" and quoted(Unshown()) == "a value of the type Unshown"
    long = str(DataError(f"{'x' * 100_000} is missing; give a file named {'y' * 255}."))
    assert long.startswith("x" * 200 + "...") and long.endswith(f" is missing; give a file named {'y' * 255}.")
    assert len(long) < 1_000
    assert len(quoted("x" * 100)) == MOST_SHOWN and quoted("x" * 100).endswith("x...")
    assert named("scgan") == '"scgan"' and named("x" * 100) == f'"{"x" * 57}..."' and named(3) == "3"
