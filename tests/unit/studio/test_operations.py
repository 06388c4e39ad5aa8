"""Fields: what they read, what they refuse, and the words that say the same."""

from __future__ import annotations

from typing import Any

import pytest

from limner.errors import ConfigError
from limner.operations import (
    AgeGroup,
    Attributes,
    Caption,
    Choice,
    Color,
    Facts,
    Field,
    FieldError,
    Flag,
    LabelMap,
    Number,
    Operation,
    Photo,
    Photos,
    Phrase,
    Seed,
    Style,
    Whole,
)
from limner.registry import operations

FACTS = Facts(("background", "skin"), ("Male", "Young"), 64)
ID = "ab" * 32


@pytest.mark.parametrize(
    "field, value",
    [
        (Seed(), -1),
        (Seed(), 1.5),
        (Seed(), True),
        (Seed(), 2**60),
        (Whole(low=1, high=4), 5),
        (Whole(low=1, high=4), "1"),
        (Number(low=0, high=1), float("nan")),
        (Number(low=0, high=1), 1.01),
        (Number(low=0, high=1), False),
        (Choice(choices=("a", "b")), "c"),
        (Choice(choices=("a", "b")), ["a"]),
        (Flag(), 1),
        (Attributes(), {"male": 1}),
        (Attributes(), {"Male": 2}),
        (Attributes(), ["Male"]),
        (Photo(), "../../etc/passwd"),
        (Photo(), ID.upper()),
        (Photo(), ID + "\n"),
        (Photos(), []),
        (Photos(most=2), [ID] * 3),
        (Style(), -1),
        (Caption(), ""),
        (Caption(), "two\nlines"),
        (Phrase(), "red=blue"),
        (Phrase(), "red " * 30),
        (Phrase(), ""),
        (Phrase(), 7),
        (Color(), "red"),
        (AgeGroup(groups=("0-5", "6-10")), "0-5"),
        (AgeGroup(groups=("0-5", "6-10")), ["7"]),
    ],
)
def test_what_is_refused(field: Field, value: Any) -> None:
    with pytest.raises(ConfigError) as error:
        field.read("it", value, FACTS)
    assert "it" in str(error.value) or "attribute" in str(error.value)


@pytest.mark.parametrize(
    "field, value, words",
    [
        (Seed(), 7, ["--x", "7"]),
        (Attributes(), {"Male": 1, "Young": 0.5}, ["--x", "Male=1", "--x", "Young=0.5"]),
        (Flag(), True, ["--x"]),
        (Flag(), False, []),
        (AgeGroup(groups=("0-5", "6-10")), ["6-10"], ["--x", "6-10"]),
        (Number(low=0, high=1), 0.25, ["--x", "0.25"]),
    ],
)
def test_words_of_the_command_line(field: Field, value: Any, words: list[str]) -> None:
    assert field.words("--x", field.read("x", value, FACTS)) == words


def operation() -> Operation:
    fields = {
        "label_map": LabelMap(is_required=True),
        "sources": Photos(),
        "seed": Seed(),
        "steps": Whole(low=2, high=9),
    }
    return Operation("draw", plan="plan", title="Draw", fields=fields)


def test_files_are_named_after_their_fields() -> None:
    values = operation().read({"label_map": ID, "sources": ["cd" * 32, "ef" * 32], "seed": 3}, FACTS)
    names = operation().files(values)
    assert names == [("label_map", ID), ("sources-0", "cd" * 32), ("sources-1", "ef" * 32)]
    arguments = operation().arguments(values, {one: f"{name}.png" for name, one in names})
    assert arguments == {"label_map": "label_map.png", "sources": ["sources-0.png", "sources-1.png"], "seed": 3}
    command = operation().command_line("scgan", "w", arguments)
    assert command[:7] == ["limner", "generate", "scgan", "--weights", "w", "--label-map", "label_map.png"]
    assert "pipe.plan(label_map='label_map.png', sources=['sources-0.png', 'sources-1.png'], seed=3)" in (
        operation().python("w", arguments)
    )


def test_two_phrases_make_one_option() -> None:
    fields = {"old": Phrase(flag="--swap"), "new": Phrase(flag="--swap", is_joined=True), "seed": Seed()}
    one = Operation("swap", plan="swap", title="Swap", fields=fields)
    values = one.read({"new": "long hair", "old": "a hat", "seed": 2}, FACTS)
    words = one.command_line("hfgan", "w", one.arguments(values, {}))
    assert words[5:] == ["--swap", "a hat=long hair", "--seed", "2", "--out", "pictures"]
    assert "pipe.swap.plan(old='a hat', new='long hair', seed=2)" in one.python("w", one.arguments(values, {}))


@pytest.mark.parametrize("values, field", [({}, "label_map"), ({"label_map": ID, "sead": 1}, "sead")])
def test_the_field_that_is_wrong_is_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError) as error:
        operation().read(values, FACTS)
    assert error.value.field == field


def test_null_is_not_given_and_said_defaults_are() -> None:
    one = Operation("x", "plan", "X", {"what": Choice(choices=("z", "c"), default="z", is_said=True), "seed": Seed()})
    assert one.read({"seed": None}, FACTS) == {"what": "z"}


def test_a_field_without_effect_is_refused_and_named() -> None:
    walk = next(one for one in operations("scgan") if one.name == "interpolate")
    facts = Facts(attributes=("Male",))
    assert walk.schema(facts)["properties"]["target"]["x-only-with"] == ("what", ("c", "all"))
    for values, name in [
        ({"target": {"Male": 1}}, "target"),  # what is "z" where nothing is said
        ({"target": {"Male": 1}, "what": "z"}, "target"),
        ({"to_seed": 3, "what": "c"}, "to_seed"),
    ]:
        with pytest.raises(FieldError, match=f"{name} has no effect with what [zc]; leave it out.") as error:
            walk.read({"label_map": ID, **values}, facts)
        assert error.value.field == name
    for values in (
        {"target": {"Male": 1}, "what": "c"},
        {"to_seed": 3, "target": {}, "what": "all"},
        {"to_seed": 3, "target": {}},
    ):
        assert values.items() <= walk.read({"label_map": ID, **values}, facts).items()
