"""What facts answer, and what captions answer."""

from __future__ import annotations

import pytest

from limner.text_to_image.questions import asked, expected, label_of, questions_of


@pytest.mark.parametrize(
    ("question", "known", "answer"),
    [
        ("hair color", {"who": "young male", "hair color": "dark_brown"}, "brown"),
        ("hair color", {"who": "young male", "hair color": "greying black"}, None),
        ("hair color", {"who": "young male"}, None),
        ("gender", {"who": "middle-aged female"}, "female"),
        ("age", {"who": "thirties female"}, "young"),
        ("glasses", {"who": "young male"}, "no"),
        ("glasses", {"who": "young male", "glasses": "round"}, "yes"),
        ("beard", {"who": "young male", "beard": "none"}, "no"),
        ("garment color", {"who": "young male", "top": "dark grey t_shirt"}, "dark grey"),
        ("garment color", {"who": "young male", "top": "stripes shirt"}, None),
        ("garment pattern", {"who": "young male", "top": "stripes shirt"}, "stripes"),
        ("garment pattern", {"who": "young male", "top": "red dress"}, "plain"),
        ("colour", {"colour": "red"}, "red"),
        ("colour", {}, None),
    ],
)
def test_answers_of_facts(question, known, answer) -> None:
    assert label_of(question, known) == answer


@pytest.mark.parametrize(
    ("question", "stated", "answer"),
    [
        ("hair color", {"who": ("young male",), "hair color": ("auburn", "red")}, "red"),
        ("hair color", {"who": ("young male",), "hair color": ("blond", "platinum", "greying blond")}, "blond"),
        ("gender", {"who": ("young male", "thirties male")}, "male"),
        ("age", {"who": ("young male", "elderly male")}, None),
        ("glasses", {"who": ("young male",), "glasses": ("round", "square")}, "yes"),
        ("glasses", {"who": ("young male",)}, None),
        ("garment color", {"who": ("young male",), "top": ("red shirt", "red t_shirt")}, "red"),
        ("hair color", {"who": ["young male"], "hair color": ["black", "greying black"]}, "black"),
        ("hair color", {"who": ["young male"], "hair color": ["greying black"]}, None),
    ],
)
def test_answers_of_captions(question, stated, answer) -> None:
    assert asked(question, stated) == answer


@pytest.mark.parametrize(
    ("question", "stated", "known", "answer"),
    [
        ("glasses", {"glasses": ("round",)}, {"who": "young male", "glasses": "round"}, "yes"),
        ("glasses", {"who": ("young male",)}, {"who": "young male", "glasses": "round"}, None),  # it may be either
        ("glasses", {"who": ("young male",)}, {"who": "young male"}, "no"),
        ("hat", {}, {"who": "young male", "glasses": "round"}, "no"),
        ("beard", {"who": ("young male",)}, {"who": "young male", "beard": "none"}, None),  # captions say it
        ("glasses", {}, {"colour": "red"}, None),
        ("hat", {}, {}, None),
    ],
)
def test_what_captions_leave_out(question, stated, known, answer) -> None:
    assert expected(question, stated, known) == answer


def test_questions_need_two_answers_of_some_pictures() -> None:
    people = [{"who": "young male", "glasses": "round"}] * 6 + [{"who": "young female"}] * 6
    assert questions_of(people) == {"gender": ("female", "male"), "glasses": ("no", "yes")}
    assert questions_of([{"colour": "red"}] * 5 + [{"colour": "blue"}] * 4) == {}
