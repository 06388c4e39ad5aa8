"""Protocols: printed, saved, compared."""

from __future__ import annotations

import dataclasses
import json

import pytest

from limner.metrics.protocol import Measurement, Protocol, comparable, differences, with_ceilings

BASE = Protocol(
    metric="FD-parser",
    split="test",
    count=78,
    resolution=64,
    network="parser faces",
    network_sha256="ab" * 32,
    reference="772 real images of train",
    data_fingerprint="0123456789abcdef",
    seeds=(0,),
)


def test_survives_json():
    assert Protocol.from_json(json.loads(json.dumps(BASE.to_json()))) == BASE


def test_every_word_of_it_is_printed():
    text = str(dataclasses.replace(BASE, resize="bilinear to 32 px", antialias=True, settings="3 neighbours"))
    for part in (
        "FD-parser",
        "78 images of test at 64 px",
        "bilinear to 32 px, antialias True",
        "parser faces",
        "ab" * 6,
    ):
        assert part in text
    for part in ("772 real images of train", "0123456789ab", "3 neighbours", "seeds 0"):
        assert part in text


CHANGES = {
    "metric": "FID",
    "split": "train",
    "count": 79,
    "resolution": 128,
    "resize": "bilinear",
    "antialias": True,
    "network": "other",
    "network_sha256": "cd" * 32,
    "reference": "none",
    "data_fingerprint": "f" * 16,
    "settings": "3 neighbours",
}


@pytest.mark.parametrize("name", CHANGES)
def test_any_change_but_the_seed_keeps_numbers_apart(name):
    other = dataclasses.replace(BASE, **{name: CHANGES[name]})
    assert differences(BASE, other) == [name]
    assert not comparable(BASE, other)


def test_every_field_is_tested():
    assert {field.name for field in dataclasses.fields(Protocol)} == {*CHANGES, "seeds"}


def test_another_seed_is_comparable():
    assert comparable(BASE, dataclasses.replace(BASE, seeds=(1, 2)))


def test_measurement_as_json_and_text():
    measurement = Measurement(0.25, BASE, is_share=True, interval=(0.2, float("nan")), per_class={"a": float("nan")})
    values = measurement.to_json()
    json.dumps(values, allow_nan=False)
    assert values["value"] == 0.25
    assert values["interval"] == [0.2, None]
    assert values["per_class"] == {"a": None}
    assert measurement.format(0.25) == "25.00 %"
    assert measurement.format(float("nan")) == "-"
    assert Measurement(12.3456, BASE).format(12.3456) == "12.35"


def test_a_share_that_lies_above_what_real_pictures_reach_says_so():
    """Networks that learned from a judge of its kind please it; a tie, a distance or a share of faults says nothing."""

    def share(value, interval):
        return Measurement(value, BASE, is_share=True, interval=interval, note="Of ten parts.")

    found = with_ceilings(
        {
            "judge_r_precision": share(0.6, (0.55, 0.65)),
            "judge_r_precision_real": share(0.3, (0.25, 0.35)),
            "judge_facts": share(0.9, (0.8, 1.0)),
            "judge_facts_real": share(0.85, (0.8, 0.9)),
            "high_frequency_above": share(0.6, (0.55, 0.65)),
            "high_frequency_above_real": share(0.1, (0.05, 0.15)),
            "judge_distance": Measurement(4.0, BASE, interval=(3.0, 5.0)),
            "judge_distance_real": Measurement(1.0, BASE),
        }
    )
    assert found["judge_r_precision"].ceiling == 0.3
    assert found["judge_r_precision"].note.startswith("Of ten parts. More than real pictures reach")
    plain = [name for name in found if name != "judge_r_precision" and "distance" not in name]
    assert {found[name].note for name in plain} == {"Of ten parts."} and found["high_frequency_above"].ceiling == 0.1
    assert found["judge_distance"].ceiling == 1.0 and found["judge_distance"].note == ""
