"""Reports: what is printed and saved."""

from __future__ import annotations

import json

from PIL import Image

from limner.metrics.protocol import Measurement, Protocol
from limner.metrics.report import EvaluationReport
from limner.metrics.tables import published_table


def report() -> EvaluationReport:
    def protocol(metric: str) -> Protocol:
        return Protocol(metric=metric, split="test", count=5, resolution=64)

    return EvaluationReport(
        provenance={"system": "scgan", "weights": "first", "weights_hash": "12"},
        measurements={
            "own_mean_iou": Measurement(
                0.5, protocol("mIoU"), is_share=True, interval=(0.4, 0.6), per_class={"hair": 0.7, "hat": float("nan")}
            ),
            "fd": Measurement(float("nan"), protocol("FD-parser"), note="too few"),
        },
        published=published_table("scgan-celeba"),
        table_keys={"mean_iou": "own_mean_iou"},
        sheet=Image.new("RGB", (4, 4)),
        files={
            "more.png": lambda path: Image.new("L", (4, 4)).save(path, format="PNG"),
            "more.txt": lambda path: path.write_text("more"),
        },
    )


def test_markdown_has_measured_and_published_rows_notes_and_protocols():
    text = report().table()
    assert "| mIoU | 50.00 % | 40.00 % to 60.00 % | 5 | test |" in text
    assert "| hat | - |" in text
    assert "| CycleGAN | N/A | N/A | N/A | N/A in the paper: it failed to converge |" in text
    assert "| first, measured | not measured | 50.00 | not measured |" in text
    assert "- FD-parser: too few" in text
    assert "- all: 5 images of test at 64 px" in text, "one line for what was measured alike"


def test_protocols_are_told_apart():
    def measured(metric: str, count: int) -> Measurement:
        return Measurement(0.5, Protocol(metric=metric, split="test", count=count, resolution=64))

    counts = {"a": 5, "b": 7, "c": 5, "d": 7, "e": 5}
    text = EvaluationReport(
        provenance={}, measurements={name: measured(name, count) for name, count in counts.items()}
    ).table()
    assert "\n- b; d: 7 images" in text and text.splitlines()[-1].startswith("- all others: 5 images")


def test_json_is_strict():
    values = json.loads(json.dumps(report().to_json(), allow_nan=False))
    assert values["measurements"]["fd"]["value"] is None
    assert values["published"]["measured"] == {"mean_iou": 0.5}
    assert values["published"]["rows"][0]["values"]["fid"] is None


def test_save_writes_everything_with_provenance(tmp_path):
    paths = report().save(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["report.md", "report.json", "sheet.png", "more.png", "more.txt"]
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(p.name for p in paths)
    assert Image.open(paths[2]).text["limner:weights"] == "first"
    assert json.loads(paths[1].read_text()) == report().to_json()
    text = paths[0].read_text()
    assert "![sheet](sheet.png)" in text and "![more](more.png)" in text and "more.txt" not in text
