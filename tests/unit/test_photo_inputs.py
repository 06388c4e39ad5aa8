"""Photos as users give them: what is no picture yet is refused with what to do about it."""

from __future__ import annotations

import pydoc
from pathlib import Path

import numpy as np
import pytest
import torch

import limner
from limner.ageing.pipeline import read_faces
from limner.errors import ConfigError, ShapeError
from limner.inputs import checked_words, read_pixels
from limner.metrics.resize import Resize
from limner.people import ready

WEIGHTS = Path(__file__).parents[2] / "weights"
COLOURS = np.random.default_rng(0).integers(0, 256, (20, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("picture", "what_to_do"),
    [
        (COLOURS / np.float32(255), r"lie in \[0, 1\]: multiply by 255"),
        (torch.from_numpy(COLOURS) / 127.5 - 1, r"lie in \[-1, 1\]: add 1, multiply by 127\.5"),
        (COLOURS.astype(float), r"lie in \[0, 255\]: round them"),
        (torch.from_numpy(COLOURS).permute(2, 0, 1), r"channels come first: .*permute\(1, 2, 0\)"),
        (COLOURS[None], r"several pictures: give each of them, such as picture\[0\]"),
        (COLOURS[..., 0], "It is grey: "),
        (np.zeros((18, 2)), r"float64 \(18, 2\); it must be uint8 \(height, width, 3\)\.$"),
        (COLOURS[..., :2], r"uint8 \(20, 16, 2\); it must be uint8 \(height, width, 3\)\.$"),
    ],
    ids=["share", "signed", "float", "first", "batch", "grey", "points", "two"],
)
def test_an_array_that_is_no_picture_yet(picture: object, what_to_do: str) -> None:
    with pytest.raises(ShapeError, match=what_to_do):
        read_pixels(picture)  # type: ignore[arg-type]


def test_points_of_the_one_photo_in_a_list() -> None:
    pipe, person = limner.load(WEIGHTS / "lgcgan-paired-people-64"), ready("age")[0]
    assert repr(pipe) == '<LGcGANPipeline: "lgcgan" with the weights lgcgan-paired-people-64, 64 px, on cpu>'
    (alone,), (listed,) = (
        read_faces(pipe, photo, landmarks=person.landmarks) for photo in (person.image, [person.image])
    )
    assert np.array_equal(alone.image, listed.image)
    with pytest.raises(ConfigError, match="landmarks for 2 faces, but 1 photo"):
        read_faces(pipe, [person.image], landmarks=[person.landmarks] * 2)


def test_help_shows_the_arguments_of_a_mode() -> None:
    pipe = limner.load(WEIGHTS / "scgan-people-64")
    assert "grid = <mode grid(label_map, seeds=(" in pydoc.plain(pydoc.render_doc(pipe))
    assert "<mode grid(label_map, seeds=(0, 1, 2, 3), *, schema=None, batch_size=None); .plan(" in repr(pipe.grid)


def test_a_text_is_no_list_of_its_letters() -> None:
    pipe = limner.load(WEIGHTS / "avwnet-people-64")
    with pytest.raises(ConfigError, match=r"show is 'talk', .*must be a list, .* such as \['talk'\]"):
        pipe.plan("nobody.png", "nothing.wav", show="talk")


@pytest.mark.parametrize("system", ["facejudge", "factjudge", "damsm"])
def test_judges_bring_pictures_of_every_form_to_their_own(system: str) -> None:
    """A picture as wide as the judge's own, but higher, was judged as it is."""
    judge = limner.load(WEIGHTS / f"{system}-people-64")
    high = torch.rand(1, 3, 128, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    shown = Resize(64, antialias=True)(high)
    see = {"facejudge": "embed", "factjudge": "logits", "damsm": "picture_codes"}[system]
    first, second = (getattr(judge, see)(image) for image in (high, shown))
    for one, other in zip(*((first, second) if isinstance(first, tuple) else ((first,), (second,))), strict=True):
        assert torch.equal(one, other)


def test_captions_in_numbers_have_no_gaps() -> None:
    assert checked_words(torch.tensor([[3, 1, 0], [1, 2, 3]]), 4).shape == (2, 3)
    with pytest.raises(ShapeError, match="a 0 before a word"):
        checked_words(torch.tensor([[3, 0, 1]]), 4)


@pytest.mark.parametrize("system", ["lgcgan-paired", "facejudge", "scagan", "wordnet"])
def test_options_of_reading_data_that_have_no_effect_are_refused(system: str) -> None:
    pipe = limner.load(WEIGHTS / f"{system}-people-64")
    with pytest.raises(ConfigError, match=r"fix_sides has no effect on \w+, which reads no such thing"):
        pipe.open_data("faces", fix_sides=True)
    if system != "wordnet":
        with pytest.raises(ConfigError, match="fit has no effect on"):
            pipe.open_data("faces", fit="crop")
