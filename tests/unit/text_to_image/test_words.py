"""Captions of users: what is read, what is named in a warning, what is refused in one sentence."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest

from limner.data.captions import Vocabulary
from limner.data.spec import DataSpec
from limner.errors import ConfigError, DataError, WeightsError
from limner.people import describe, sample_person, sample_scene
from limner.text_to_image.words import (
    MAX_WORDS,
    as_rows,
    caption_lines,
    contradictions,
    named_rows,
    read_caption,
    read_captions,
    swapped,
    vocabulary_of,
)

KNOWN = Vocabulary.of(["a man with a red t-shirt and brown hair", "a woman with long hair wearing glasses"])


@pytest.mark.parametrize("caption", ["", "   ", "🙂🙂", "——", "日本語の顔"])
def test_no_word_is_one_sentence(caption: str) -> None:
    with pytest.raises(ConfigError, match="has no word of letters a to z") as caught:
        read_caption(caption, KNOWN)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("caption", ["ein Mann mit Bart", "xyzzy", "\n\tplugh\x1b[31m"])
def test_unknown_words_alone_are_refused(caption: str) -> None:
    with pytest.raises(ConfigError, match=r"No word of the caption .* is known") as caught:
        read_caption(caption, KNOWN)
    assert "\n" not in str(caught.value)


def test_unknown_words_are_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = read_caption("A purple man with hair", KNOWN)
    assert found.words == ("a", "man", "with", "hair") and found.unknown == ("purple",)
    assert '"purple"' in caplog.text


def test_ten_thousand_words_are_cut_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = read_caption("red " * 10_000, KNOWN)
    assert len(found.ids) == MAX_WORDS and "has 10000 words" in caplog.text and len(caplog.text) < 300


@pytest.mark.parametrize(
    ("caption", "clash"),
    [
        ("a bald man with long blond hair", "both bald and hair"),
        ("a young old man", "both old and young"),
        ("a woman with long brown hair and short hair", "both long and short hair"),
        ("a man without a beard and with a beard", "both no beard and beard"),
        ("a man with no hat in a hat", "both no hat and hat"),
        ("a clean shaven man with a moustache", "both clean-shaven and moustache"),
        ("a man and a girl", "both girl and man"),
    ],
)
def test_what_contradicts_itself_is_named(caption: str, clash: str) -> None:
    assert clash in contradictions(caption.split())


@pytest.mark.parametrize("seed", [0, 1])
def test_true_sentences_contradict_nothing(seed: int) -> None:
    """All captions of rendered people, hundreds of them; a crown may be bald above hair."""
    for index in range(12):
        person, scene = sample_person(seed, index), sample_scene(seed, index)
        for text in describe(person, scene, np.random.default_rng(index)):
            assert contradictions(re.findall(r"\w+", text.lower())) == [], text
    assert contradictions(["an", "old", "man", "with", "a", "bald", "crown", "and", "short", "grey", "hair"]) == []
    assert contradictions(["a", "clean", "shaven", "man", "without", "glasses", "and", "no", "beard"]) == []


@pytest.mark.parametrize("captions", [[], 7, None, {"a": 1}, ["a man", 3]])
def test_other_types_are_refused(captions: object) -> None:
    with pytest.raises(ConfigError):
        read_captions(captions, KNOWN)


def test_rows_are_filled_with_zeros() -> None:
    rows = as_rows(read_captions(["a man", "a woman with long hair"], KNOWN))
    assert rows.shape == (2, 5) and (rows[0, 2:] == 0).all() and (rows[1] > 0).all()


def test_a_word_or_phrase_is_replaced() -> None:
    before, after, _ = swapped("a man with brown hair", "brown hair", "red t-shirt", KNOWN)
    assert before.words == ("a", "man", "with", "brown", "hair")
    assert after.words == ("a", "man", "with", "red", "t", "shirt")
    with pytest.raises(ConfigError, match='has no "long"'):
        swapped("a man with brown hair", "long", "red", KNOWN)
    with pytest.raises(ConfigError, match="known"):
        swapped("a man with brown hair", "brown", "xyzzy", KNOWN)


@pytest.mark.parametrize(
    ("old", "new", "where", "first", "second"),
    [
        ("brown", "red", None, "brown hair", "red hair"),
        ("brown hair", "red hair", None, "brown hair", "red hair"),
        ("man", "long woman", None, "man with", "long woman with"),
        ("brown hair", "glasses", None, "brown hair", "glasses"),
        ("brown", "red", "hair", "hair", "hair"),
        ("brown hair", "glasses", "glasses", "", "glasses"),
        ("brown", "brown", None, "", ""),
    ],
)
def test_words_that_say_where_a_swap_acts(old, new, where, first, second) -> None:
    found = swapped("a man with brown hair", old, new, KNOWN, where=where)
    rows = named_rows(found.named, 8)
    assert rows.shape == (2, 8)
    for row, caption, words in zip(rows, (found.before, found.after), (first, second), strict=True):
        padded = [*caption.words, *[""] * (8 - len(caption.words))]
        assert " ".join(word for word, said in zip(padded, row, strict=True) if said) == words
    with pytest.raises(ConfigError, match="in neither caption"):
        swapped("a man with brown hair", old, new, KNOWN, where="wearing")


def test_a_file_of_captions(tmp_path) -> None:
    file = tmp_path / "captions.txt"
    file.write_text("a man\n\n  a woman  \n")
    assert caption_lines(file, KNOWN) == ["a man", "a woman"]
    file.write_bytes(b"\xef\xbb\xbfa man\r\n\r\na\x0bwoman\r\n")
    assert caption_lines(file, KNOWN) == ["a man", "a\vwoman"], "lines as an editor counts them"
    file.write_text("\n\n")
    with pytest.raises(DataError, match="has 0 captions"):
        caption_lines(file, KNOWN)
    for line, words in (("xyzzy", "No word of the caption"), ("\U0001f600", "has no word of letters")):
        file.write_text(f"a man\n\n{line}\n")
        with pytest.raises(DataError, match=rf"captions\.txt, line 3: .*{words}"):
            caption_lines(file, KNOWN)


def test_weights_without_words() -> None:
    with pytest.raises(WeightsError, match="hold no vocabulary"):
        vocabulary_of(DataSpec())
