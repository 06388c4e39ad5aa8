"""The ageing evaluation on agers whose scores are known beforehand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import nullcontext
from typing import ClassVar

import numpy as np
import pytest
import torch

from limner.ageing.data import AgeDataset, face_mask, open_faces
from limner.ageing.evaluation import GRID_FROM, evaluate, worst_groups
from limner.ageing.validation import age_scores, spread_over_groups
from limner.data.datasets.utkface import AGE_GROUPS
from limner.errors import ConfigError
from limner.metrics.judges import OpenJudge
from limner.metrics.protocol import Protocol as Conditions
from tests.ages import write_ready_ages

SIZE = 32


class Stamped:
    """An ager that writes the age group into the corner of the picture and changes nothing else, or copies."""

    name = "lgcgan"
    image_size = SIZE
    weights_name = "stamped"
    weights_hash = "0" * 64
    device = torch.device("cpu")
    provenance: ClassVar = {"system": "lgcgan", "weights": "stamped", "weights_hash": "0" * 64}

    def __init__(self, *, copies: bool = False, added: Callable[[torch.Tensor], torch.Tensor] | None = None) -> None:
        self.copies, self.added = copies, added

    def inference(self):
        return nullcontext()

    def age_faces(self, image, landmarks, gender, ages):
        aged = image.clone()
        if not self.copies:
            aged[:, :, :4, :4] = (2 * ages.argmax(1) / 10 - 1)[:, None, None, None]
        if self.added is not None:
            aged = aged + self.added(landmarks)
        mask = torch.zeros_like(image[:, :1])
        mask[:, :, :4, :4] = 1
        return aged, mask


class Reading:
    """A judge that reads the stamp, as years of the group's middle, and embeds the middle of the picture."""

    middles = torch.tensor([3.0, 8.0, 15.5, 25.5, 35.5, 45.5, 55.5, 65.5, 75.5, 88.0])

    def ages(self, images):
        group = ((images[:, 0, 1, 1] + 1) * 5).round().clamp(0, 9).long()
        return self.middles[group]

    def embed(self, images):
        return images[:, :, 8:24, 8:24].flatten(1)


def test_the_worst_group_is_named_beside_what_the_judge_says_of_real_faces() -> None:
    """The judge takes the oldest for 5 years younger; results are 10 years too young there, and 7 in middle age."""
    generic = np.array([3.0, 8, 15, 25, 35, 45, 55, 65, np.nan, 90])
    of_reals = np.array([3.0, 8, 16, 26, 36, 46, 56, 66, np.nan, 85])
    means = np.array([3.0, 8, 15, 25, 35, 39, 50, 63, 75, 80])
    conditions = Conditions(metric="", split="test", count=10, resolution=64)
    reals = dataclasses.replace(conditions, count=7)
    found = worst_groups(means, generic, of_reals, conditions, reals)
    told = {name: (one.value, one.note) for name, one in found.items()}
    assert told["worst_group_years"] == (10, "80+, judged 80.0 and so too young.")
    assert told["worst_group_years_real"] == (5, "80+, judged 85.0 and so too young.")
    assert told["worst_group_to_real_years"] == (7, "41-50, judged 39.0 and so too young.")
    assert {name: one.protocol.count for name, one in found.items()} == {
        "worst_group_years": 10,
        "worst_group_years_real": 7,
        "worst_group_to_real_years": 10,
    }
    assert "too old" in worst_groups(means + 20, generic, of_reals, conditions, reals)["worst_group_years"].note


JUDGE = OpenJudge("reading", "age", Reading(), "1" * 64)


def test_scores_of_an_ager_that_stamps(ready_ages) -> None:
    report = evaluate(Stamped(), open_faces(ready_ages), judges=[JUDGE], split="train", batch_size=7)
    found = {key: one.value for key, one in report.measurements.items()}
    assert found["age_spearman"] == pytest.approx(1.0)
    judged = report.measurements["judge_age"].per_class
    assert judged["31-40"] == pytest.approx(35.5) and judged["80+"] == pytest.approx(88.0)
    assert found["triplets"] == pytest.approx(1.0)  # the embedded part is untouched
    assert 0 < found["mask_inside"] + found["mask_outside"] < 0.1  # the stamp has 16 of 1,024 pixels
    assert "l1_to_truth" not in found
    counts = {key: one.protocol.count for key, one in report.measurements.items()}
    real = ("generic_mean", "judge_age_real", "judge_error", "worst_group_years_real")
    assert {counts[key] * 10 for key in real} == {counts["judge_age"]}, "every face once, and at ten ages"
    assert report.sheet is not None and report.sheet.width == 11 * SIZE


def test_a_copy_has_no_order(ready_ages) -> None:
    report = evaluate(Stamped(copies=True), open_faces(ready_ages), judges=[JUDGE], split="train")
    assert report.measurements["age_spearman"].value == 0
    assert report.measurements["change_inside"].value < 0.01  # the 256 levels of a saved picture
    assert report.measurements["high_frequency_ratio"].value == pytest.approx(1.0, abs=0.01)


def test_true_pictures_of_one_scene_are_compared_with(tmp_path) -> None:
    folder = write_ready_ages(tmp_path / "pairs", size=SIZE, same_scene=True)
    report = evaluate(Stamped(copies=True), open_faces(folder), judges=[JUDGE], split="train")
    found = {key: one.value for key, one in report.measurements.items()}
    assert found["l1_to_truth"] == pytest.approx(found["l1_of_copy"], abs=0.005)


def test_a_grid_of_dots_is_caught(ready_ages) -> None:
    """Dots of 9 levels of 255, which hardly anybody sees, as small runs write them for the age head."""
    dots = torch.zeros(3, SIZE, SIZE)
    dots[:, ::2, ::2] = 0.07
    values = {}
    for name, added in (("dots", lambda landmarks: dots), ("nothing", None)):
        report = evaluate(Stamped(copies=True, added=added), open_faces(ready_ages), judges=[JUDGE], split="train")
        values[name] = {key: one.value for key, one in report.measurements.items()}
        assert set(report.measurements["high_frequency_ratio"].per_class) == set(AGE_GROUPS)
        above = report.measurements["high_frequency_above"]
        assert above.ceiling == values[name]["high_frequency_above_real"], "true wrinkles are fine, too"
    assert values["dots"]["high_frequency_ratio"] > GRID_FROM > values["nothing"]["high_frequency_ratio"]
    assert values["dots"]["high_frequency_above"] > 0.7 and values["nothing"]["high_frequency_above"] == 0


def test_change_inside_the_head_and_outside(ready_ages) -> None:
    def within(landmarks: torch.Tensor) -> torch.Tensor:
        return 0.3 * face_mask(landmarks, SIZE)[:, None].float() - 0.15

    def beside(landmarks: torch.Tensor) -> torch.Tensor:
        return 0.2 * (~face_mask(landmarks, SIZE))[:, None].float() + 0.1

    ratios = {}
    for name, added in (("alike", within), ("beside", beside)):
        report = evaluate(Stamped(copies=True, added=added), open_faces(ready_ages), judges=[JUDGE], split="train")
        found = {key: one.value for key, one in report.measurements.items()}
        ratios[name] = found["change_ratio"]
        assert found["change_ratio"] == pytest.approx(found["change_outside"] / found["change_inside"])
    assert ratios["alike"] == pytest.approx(1, abs=0.25)  # 0.15 both, but for what the range of pictures cuts off
    assert ratios["beside"] > 2


def test_change_where_the_truth_stays_is_a_leak(tmp_path) -> None:
    """Who changes all pixels alike changes what must stay, as much as what should change."""
    folder = write_ready_ages(tmp_path / "pairs", size=SIZE, same_scene=True)
    ager = Stamped(copies=True, added=lambda landmarks: torch.tensor(-0.01))
    report = evaluate(ager, open_faces(folder), judges=[JUDGE], split="train")
    found = {key: one.value for key, one in report.measurements.items()}
    assert found["leak"] == pytest.approx(1, abs=0.2)
    assert found["change_where_truth_stays"] == pytest.approx(found["leak"] * found["change_where_truth_changes"])
    assert report.measurements["change_ratio"].ceiling == found["change_ratio_real"] > 0
    assert found["change_ratio"] == pytest.approx(1, abs=0.1)  # ours, not that of the true pictures


def test_true_pictures_stand_beside_the_triplets(ready_ages) -> None:
    report = evaluate(Stamped(copies=True), open_faces(ready_ages), judges=[JUDGE], split="train")
    ours, truth = report.measurements["triplets"], report.measurements["triplets_real"]
    assert ours.value == 1 and ours.ceiling == truth.value, "a copy is nearest to itself"
    assert 0 < truth.value <= 1 and truth.protocol.network == "reading"


def test_scores_do_not_depend_on_the_batch(ready_ages) -> None:
    values = [
        evaluate(Stamped(), open_faces(ready_ages), judges=[JUDGE], split="val", batch_size=size).measurements
        for size in (2, 5)
    ]
    for key, one in values[0].items():
        np.testing.assert_allclose(one.value, values[1][key].value, rtol=1e-6, err_msg=key)


def test_ages_need_a_judge_of_ages(ready_ages) -> None:
    with pytest.raises(ConfigError, match="judge of ages"):
        evaluate(Stamped(), open_faces(ready_ages), judges=[], split="train")
    with pytest.raises(ConfigError, match="two at least"):
        evaluate(Stamped(), open_faces(ready_ages), judges=[JUDGE], split="train", num_images=1)


def test_scores_of_validation_by_hand() -> None:
    judged = np.array([[10.0, 30.0, 60.0], [20.0, 10.0, 70.0]])
    scores = age_scores(judged, [5, 33], [4, 30], [0, 1])
    # Group 0 has the generic age 4, group 1 has 30; nobody is in group 2.
    assert scores["age_error_years"] == pytest.approx((6 + 0 + 16 + 20) / 4)
    assert scores["age_spearman"] == pytest.approx((1.0 + 0.5) / 2)
    assert scores["judged_span"] == pytest.approx((20 - 15) / 26)
    assert scores["worst_group_years"] == pytest.approx(11)
    assert scores["judge_error_years"] == pytest.approx(2)


def test_rows_are_spread_over_groups(ready_ages) -> None:
    groups = AgeDataset(open_faces(ready_ages), image_size=SIZE).group
    rows = spread_over_groups(groups, 10)
    assert len(rows) == len(set(rows)) == 10
    counts = np.bincount(groups[rows], minlength=10)
    assert set(counts[counts > 0].tolist()) <= {10 // len(set(groups)), 10 // len(set(groups)) + 1}
