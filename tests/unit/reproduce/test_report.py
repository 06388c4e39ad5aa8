"""What is made of a record: numbers with intervals, orders, the page."""

from __future__ import annotations

import dataclasses
import json

import pytest

from limner.errors import DataError
from limner.reproduce.page import results_page
from limner.reproduce.report import T_QUANTILES, final_values, interval, markdown
from limner.reproduce.study import Claim, Column, load_study

STUDY = load_study("scgan-table")


def run(fd: float | None, iou: float, points: tuple[int, ...] = (50, 100)) -> dict:
    values = {"fd": fd, "judge_mean_iou": iou, "judge_pixel_accuracy": 0.9, "diversity_pixels": 0.1}
    return {str(point): values for point in points}


RECORD = {
    "table": "scgan-table",
    "protocol": "100 images.",
    "results": {
        "SCGAN": [run(10, 0.80), run(11, 0.81), run(12, 0.82)],
        "SPADE": [run(20, 0.77), run(21, 0.79), run(22, 0.81)],
        "Pix2Pix": [run(30, 0.5)],
        "CycleGAN": [],
    },
    "reasons": {"CycleGAN": "its gradient was not finite"},
    "published": {
        "title": "SCGAN on CelebA",
        "source": "the paper",
        "protocol": "FID.",
        "columns": {"fid": "FID", "mean_iou": "mIoU", "pixel_accuracy": "pAcc"},
        "rows": {
            "SCGAN": {"fid": 10.2, "mean_iou": 79.11, "pixel_accuracy": 98.95},
            "SPADE": {"fid": 18.5, "mean_iou": 74.76, "pixel_accuracy": None},
        },
    },
}


def test_interval_by_hand():
    assert interval([1.0]) is None
    low, high = interval([1.0, 2.0, 3.0])  # mean 2, deviation 1
    assert (low, high) == pytest.approx((2 - 4.303 / 3**0.5, 2 + 4.303 / 3**0.5))


def test_quantiles_are_students():
    stats = pytest.importorskip("scipy.stats")
    expected = [stats.t.ppf(0.975, degrees) for degrees in range(1, len(T_QUANTILES) + 1)]
    assert list(T_QUANTILES) == pytest.approx(expected, abs=5e-4)


def test_values_after_the_last_image_in_the_unit_of_the_column():
    record = {"results": {"A": [{"9": {"x": 0.1}, "10": {"x": 0.25}}, {"9": {"x": 0.1}, "10": {"x": None}}]}}
    assert final_values(record, "A", "x", Column("x")) == [0.25]
    assert final_values(record, "A", "x", Column("x, %")) == [25.0]
    assert final_values(record, "B", "x", Column("x")) == []


def test_table_orders_and_reasons():
    text = markdown(STUDY, RECORD)
    assert "| SCGAN | 11 [8.516, 13.48] | 81 [78.52, 83.48] |" in text
    assert "| 10.2 | 79.11 | 98.95 |" in text and "| 18.5 | 74.76 | N/A |" in text
    assert "| CycleGAN | not reproduced |" in text and "- CycleGAN: its gradient was not finite" in text
    assert "**FD-parser**, best mean first: SCGAN, SPADE, Pix2Pix." in text
    # FD: SPADE is 10 above SCGAN with every seed; one run of Pix2Pix has one difference, which is no test.
    assert "2 of 3 pairs differ" not in text and "1 of 3 pairs differ: SCGAN above SPADE (p < 0.0001)." in text
    assert "| SCGAN | **-10, p < 0.0001** | one seed |" in text
    # mIoU: 3, 2 and 1 points: mean 2, deviation 1, t = 2 * sqrt(3), two-sided p of two degrees of freedom 0.0742.
    assert "0 of 3 pairs differ." in text and "| SCGAN | +2, p = 0.074 | one seed |" in text
    assert "contradicts" not in text, "the measured order is the published one"


def test_what_the_numbers_contradict_is_said():
    published = {**RECORD["published"], "rows": {"SCGAN": {"fid": 30.0}, "SPADE": {"fid": 18.5}}}
    text = markdown(STUDY, {**RECORD, "published": published})
    assert "This contradicts: the published FID has SPADE above SCGAN, here it is below (p < 0.0001)." in text
    claim = Claim(column="fd", better="SPADE", worse="SCGAN", source="the slides")
    text = markdown(dataclasses.replace(STUDY, claims=(claim,)), RECORD)
    assert "This contradicts: the slides says that SPADE is above SCGAN, here it is below" in text
    claim = dataclasses.replace(claim, better="SCGAN", worse="SPADE")
    assert "contradicts" not in markdown(dataclasses.replace(STUDY, claims=(claim,)), RECORD)


def test_runs_are_paired_by_seed_and_not_by_place():
    seeds = {"SCGAN": [0, 1, 2], "SPADE": [2, 0, 1], "Pix2Pix": [0]}
    text = markdown(STUDY, {**RECORD, "seeds": seeds})
    # Differences -11, -11 and -8: deviation sqrt(3), t = -10, p = 1 - 10 / sqrt(102).
    assert "| SCGAN | **-10, p = 0.0099** | one seed |" in text


def test_distances_are_the_mean_over_the_later_half_of_the_checkpoints():
    results = {"SCGAN": [{"25": {"fd": 90}, "50": {"fd": 80}, "75": {"fd": 30}, "100": {"fd": 10}}]}
    record = {**RECORD, "results": results}
    assert final_values(record, "SCGAN", "fd", STUDY.columns["fd"]) == [20]
    assert final_values(record, "SCGAN", "fd", Column("FD-parser")) == [10]
    assert "mean over the last 2 checkpoints of each run, not of one" in markdown(STUDY, record)


def test_a_heading_says_whose_features_were_used():
    protocols = {"SCGAN": {"fd": {"metric": "FID-people, generated"}, "judge_mean_iou": {"metric": "mIoU by judge x"}}}
    text = markdown(STUDY, {**RECORD, "protocols": protocols})
    assert "| row | FID-people | mIoU by the judge, % |" in text and "FD-parser" not in text
    assert "| row | FD-parser |" in markdown(STUDY, RECORD)


def test_what_the_judge_says_of_real_pictures_is_a_row():
    runs = [{"100": {"fd": 10, "judge_mean_iou": 0.8, "judge_mean_iou_real": real}} for real in (0.93, 0.95)]
    text = markdown(STUDY, {**RECORD, "budget": 100, "results": {"SCGAN": runs}, "seeds": {"SCGAN": [0, 1]}})
    assert "| real pictures |  | 94 |" in text
    assert "| real pictures |" not in markdown(STUDY, RECORD)


def test_runs_that_ended_early_do_not_count():
    results = {**RECORD["results"], "SCGAN": [run(10, 0.8), run(50, 0.2, points=(50, 70)), run(12, 0.82)]}
    record = {**RECORD, "budget": 100, "results": results}
    assert final_values(record, "SCGAN", "fd", STUDY.columns["fd"]) == [10, 12]
    text = markdown(STUDY, record)
    assert "- SCGAN: 1 of 3 runs ended after 70 of 100 images and does not count" in text
    assert "- SPADE" not in text


def test_rows_that_were_measured_otherwise_are_marked_and_not_ordered():
    same = {"metric": "FD-parser, generated", "reference": "photos", "count": 500, "seeds": [0]}
    other = {**same, "metric": "FD-parser, unpaired", "reference": "other photos", "seeds": [1]}
    protocols = {"SCGAN": {"fd": same}, "SPADE": {"fd": other}, "Pix2Pix": {"fd": {**same, "seeds": [3]}}}
    text = markdown(STUDY, {**RECORD, "protocols": protocols})
    assert "| SPADE | 21 [18.52, 23.48] \\* |" in text and "| Pix2Pix | 30 |" in text
    assert (
        next(row.name for row in STUDY.rows if row.name in protocols) == "Pix2Pix"
    )  # which the others are held against
    assert "- FD-parser of SPADE: reference is other photos, not photos" in text
    assert "**FD-parser**, best mean first: SCGAN, Pix2Pix." in text
    assert "**mIoU by the judge, %**, best mean first: SCGAN, SPADE, Pix2Pix." in text


def test_runs_on_data_that_another_processor_drew_stand_in_the_order():
    def fid(train, test, count=7):
        reference = f"{count} real images of train (data {train})"
        return {"fd": {"metric": "FID", "reference": reference, "data_fingerprint": test, "count": 5}}

    protocols = {"SCGAN": fid("0a", "0b"), "SPADE": fid("1a", "1b")}
    text = markdown(STUDY, {**RECORD, "protocols": protocols})
    assert "FID of SCGAN: reference is 7 real images of train (data 0a), not" in text
    taken = {"taken": {"SCGAN": [0]}, "taken_data": ["0c"]}
    text = markdown(STUDY, {**RECORD, **taken, "protocols": protocols})
    assert "Measured otherwise" not in text
    assert "Their data (0c) were made with the same settings on another processor" in text
    text = markdown(STUDY, {**RECORD, **taken, "protocols": {**protocols, "SCGAN": fid("0a", "0b", 8)}})
    assert "FID of SCGAN: reference is 8 real images of train, not 7 real images of train" in text


def test_published_tables_may_lack_what_a_column_has():
    published = {**RECORD["published"], "columns": {"fid": "FID"}, "rows": {"SCGAN": {"fid": 10.2}, "SPADE": {}}}
    text = markdown(STUDY, {**RECORD, "published": published})
    assert "FID, published" in text and "mIoU, published" not in text


def test_page_of_a_record_in_the_form_of_the_first_ablation(tmp_path):
    """It had a protocol and results by variant, no more."""
    values = {"judge_mean_iou": 0.5, "judge_pixel_accuracy": 0.9, "judge_attribute_accuracy": 0.7, "fd": 3.0}
    results = {"full": [{"4000": values, "16000": {**values, "fd": 2.0}}] * 3, "no_segmentor": [{"16000": values}]}
    (tmp_path / "scgan-ablation.json").write_text(json.dumps({"protocol": "16000 images.", "results": results}))
    (tmp_path / "scgan-ablation.png").write_bytes(b"")
    text = results_page(tmp_path)
    assert text.startswith("# Results on record") and "## SCGAN's ablations" in text
    assert "| full | 50 [50, 50] | 90 [90, 90] | 70 [70, 70] | 2 [2, 2] | not measured |" in text
    assert "| all_at_once | not reproduced |" in text
    assert "![scgan-ablation](scgan-ablation.png)" in text and "bars" not in text


def test_page_tells_records_of_one_table_apart(tmp_path):
    for name in ("scgan-table-people-faces", "scgan-table-real-slice"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"table": "scgan-table", "protocol": name, "results": {}}))
    text = results_page(tmp_path)
    assert "compared with: people faces\n" in text and "compared with: real slice\n" in text


def test_page_refuses_what_is_no_record(tmp_path):
    (tmp_path / "scgan-table.json").write_text("{")
    with pytest.raises(DataError, match=r"scgan-table\.json is not valid JSON"):
        results_page(tmp_path)
    (tmp_path / "scgan-table.json").rename(tmp_path / "other.json")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(DataError, match='no table "other"'):
        results_page(tmp_path)


def test_the_page_in_the_documents_is_made_from_the_records(root):
    folder = root / "docs/results"
    assert (folder / "README.md").read_text(encoding="utf-8") == results_page(folder), "run: make results"


def test_plots(tmp_path):
    pytest.importorskip("matplotlib")
    from PIL import Image

    from limner.reproduce.plots import bars, curves

    for plot in (curves, bars):
        path = tmp_path / "plot.png"
        path.write_bytes(plot(STUDY, RECORD))
        with Image.open(path) as picture:
            assert picture.size == (4 * 4 * 80, int(3.6 * 80))
        path.write_bytes(plot(STUDY, {**RECORD, "results": {}}))  # nothing finished: empty axes
        assert path.stat().st_size > 0
