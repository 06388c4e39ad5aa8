"""Numbers of a configuration are in range, or one sentence says which may be."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import pytest

from limner import registry
from limner.errors import ConfigError
from limner.ranges import IMAGE_SIZE, MOMENT, RATE, SHARE, Range, check_ranges


@dataclass(frozen=True)
class Section:
    lr_generator: float = 1e-3
    beta1: float = 0.5
    weight_l1: float = 1.0
    decay_images: int = 0
    stem_width: int = 64
    image_size: int = 64
    share: float = 0.5

    def __post_init__(self) -> None:
        check_ranges(self, "model", {"image_size": IMAGE_SIZE, "share": SHARE})


def test_what_is_in_range_is_taken() -> None:
    Section(lr_generator=1.0, beta1=0.0, weight_l1=0, stem_width=4096, image_size=32, share=1)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("lr_generator", 0.0, "--model.lr_generator is 0.0; it must lie in (0, 1]."),
        ("beta1", 1.0, "--model.beta1 is 1.0; it must lie in [0, 1)."),
        ("weight_l1", -1, "--model.weight_l1 is -1; it must be a number of at least 0."),
        ("weight_l1", math.nan, "--model.weight_l1 is nan; it must be a number of at least 0."),
        ("weight_l1", math.inf, "--model.weight_l1 is inf; it must be a number of at least 0."),
        ("decay_images", -1, "--model.decay_images is -1; it must be a number of at least 0."),
        ("stem_width", 0, "--model.stem_width is 0; it must be from 1 to 4096."),
        ("image_size", 48, "--model.image_size is 48; it must be a power of two from 32 to 2048."),
        ("share", 1.5, "--model.share is 1.5; it must be from 0 to 1."),
    ],
)
def test_what_is_not_is_refused_in_a_sentence(field: str, value: float, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Section(**{field: value})
    assert str(caught.value) == sentence


def test_ranges_in_words() -> None:
    assert [str(one) for one in (RATE, MOMENT, Range(8, 1024, multiple_of=8), Range(0, open="("), Range(0, 0.9))] == [
        "lie in (0, 1]",
        "lie in [0, 1)",
        "be a multiple of 8 from 8 to 1024",
        "be a number above 0",
        "be from 0 to 0.9",
    ]
    assert str(Range.one_of(64, 128)) == "be one of 64, 128" and 64 in Range.one_of(64, 128)
    assert 96 not in Range.one_of(64, 128)
    assert 4 not in Range(1, 3) and 3 in Range(1, 3) and 0 not in Range(0, open="(") and math.nan not in Range(0)


def test_a_name_without_a_field_is_the_authors_mistake() -> None:
    with pytest.raises(ValueError, match="no field lenght"):
        check_ranges(Section(), "model", {"lenght": SHARE})


@pytest.mark.parametrize(
    ("system", "field", "weight"),
    [
        ("avwnet", "reader", "weight_word"),
        ("lgcgan", "identity_judge", "weight_identity"),
        ("maskface", "parser", "weight_parsing"),
    ],
)
def test_a_network_of_a_loss_without_weight_is_refused(system: str, field: str, weight: str) -> None:
    """Such as `--preset cpu --loss.reader wordnet-people-64`: the words did not count."""
    loss = registry.preset(system, "cpu").loss
    with pytest.raises(ConfigError, match=rf"--loss\.{field} has no effect with --loss\.{weight} 0; give that a value"):
        dataclasses.replace(loss, **{field: "some-weights"})
    dataclasses.replace(loss, **{field: "some-weights", weight: 1.0})
