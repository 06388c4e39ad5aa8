"""Questions that facts of a picture answer, and that captions answer when they state the fact. No torch.

Facts of rendered people (docs/people.md) are finer than a judge of 64 pixels can see, and one fact holds several
answers ("red t_shirt"). For them there are `PEOPLE`'s questions; of other data every fact is a question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_ANSWERS = 24
MIN_PICTURES = 5
"""An answer of fewer pictures cannot be learned."""

_HAIR = {
    "black": "black",
    "dark_brown": "brown",
    "brown": "brown",
    "auburn": "red",
    "red": "red",
    "dark_blond": "blond",
    "blond": "blond",
    "platinum": "blond",
    "grey": "grey",
}
_AGES = {
    "baby": "child",
    "child": "child",
    "teenager": "child",
    "young": "young",
    "thirties": "young",
    "forties": "middle-aged",
    "middle-aged": "middle-aged",
    "elderly": "elderly",
}
_PATTERNS = ("stripes", "checks", "dots")


def _hair(value: str) -> str | None:
    return _HAIR.get(value.removeprefix("greying ")) if not value.startswith("greying") else None


def _pattern(value: str) -> str:
    return next((name for name in _PATTERNS if value.startswith(f"{name} ")), "plain")


def _garment_color(value: str) -> str | None:
    return None if _pattern(value) != "plain" else value.rpartition(" ")[0] or None


PEOPLE: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "hair color": ("hair color", _hair),
    "gender": ("who", lambda value: value.rpartition(" ")[2]),
    "age": ("who", lambda value: _AGES.get(value.rpartition(" ")[0])),
    "beard": ("beard", lambda value: "no" if value == "none" else "yes"),
    "glasses": ("glasses", lambda value: "yes"),
    "hat": ("hat", lambda value: "yes"),
    "garment color": ("top", _garment_color),
    "garment pattern": ("top", _pattern),
}
"""Question -> the fact that answers it, and its value -> the answer; None: there is no clear one."""
ABSENT = {"glasses": "no", "hat": "no"}
"""What is true where nothing is said of the fact."""


def label_of(question: str, known: Mapping[str, Any]) -> str | None:
    """The answer of a picture's facts; none if they do not say.

    Args:
        question: of `questions_of`.
        known: name of a fact -> value.
    """
    fact, answer = PEOPLE[question] if question in PEOPLE and "who" in known else (question, str)
    if fact not in known:
        return ABSENT.get(question) if "who" in known else None
    return answer(str(known[fact]))


def asked(question: str, stated: Mapping[str, Sequence[Any]]) -> str | None:
    """The answer that a caption gives; none if it does not, or leaves several open.

    Values without a clear answer do not count: black hair is true of greying black hair too, and asks for black.

    Args:
        question: of `questions_of`.
        stated: name of a fact -> all values of which the caption is true.
    """
    fact, answer = PEOPLE[question] if question in PEOPLE and "who" in stated else (question, str)
    answers = {answer(str(value)) for value in stated.get(fact, ())} - {None}
    return answers.pop() if len(answers) == 1 else None


def expected(question: str, stated: Mapping[str, Sequence[Any]], known: Mapping[str, Any]) -> str | None:
    """What a picture of a caption should show: what the caption says.

    Captions name glasses and hats where there are some, and never say that there are none. Where one names none, and
    the picture that it is of has none, there should be none, or a network that paints glasses on everybody would be
    right about glasses.

    Args:
        question: of `questions_of`.
        stated: see `asked`.
        known: of the picture that the caption is of, name of a fact -> value.
    """
    is_person = "who" in known  # which not every caption says
    answer = asked(question, {"who": (), **stated} if is_person else stated)
    if answer is None and is_person and question in ABSENT and PEOPLE[question][0] not in stated:
        return ABSENT[question] if label_of(question, known) == ABSENT[question] else None
    return answer


def questions_of(facts: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """What can be asked of these pictures: question -> answers that a few of them have, at least two.

    Args:
        facts: of each picture, name -> value.
    """
    people = any("who" in known for known in facts)
    names = PEOPLE if people else dict.fromkeys(name for known in facts for name in known)
    found = {}
    for question in names:
        counts = Counter(label_of(question, known) for known in facts)
        answers = sorted(str(answer) for answer, n in counts.items() if answer is not None and n >= MIN_PICTURES)
        if 2 <= len(answers) <= MAX_ANSWERS:
            found[question] = tuple(answers)
    return found
