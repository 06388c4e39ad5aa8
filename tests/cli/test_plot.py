"""`limner plot`: curves of runs as a picture, and a table that compares them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from limner.cli.main import main
from limner.errors import ConfigError, DataError
from limner.runs import chosen_metrics, compare, read_runs, to_markdown


def write_run(path: Path, *, seed: int, scores: tuple[float, ...]) -> Path:
    """A run folder as training writes it, cut off in the middle of a line."""
    path.mkdir(parents=True)
    lines = []
    for number, score in enumerate(scores, 1):
        losses = {"loss/generator": 2.0 / number, "score_real": 0.5, "images_per_second": 10.0 * number}
        lines.append({"images_seen": 8 * number, **losses, **({"warnings": ["stuck"]} if number == 1 else {})})
        lines.append({"images_seen": 8 * number, "validation/mean_iou": score})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (path / "metrics.jsonl").write_text(text + '{"images_seen": 99, "loss/gen')
    (path / "config.yaml").write_text(yaml.safe_dump({"train": {"images": 80, "seed": seed}, "model": {"width": 8}}))
    best = {"checkpoint": f"{8 * (1 + int(np.argmax(scores))):09d}", "metric": "mean_iou", "value": max(scores)}
    (path / "best.json").write_text(json.dumps(best))
    return path


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [
        write_run(tmp_path / "first", seed=0, scores=(0.1, 0.4, 0.3)),
        write_run(tmp_path / "second", seed=7, scores=(0.2,)),
    ]


def test_what_is_compared(two) -> None:
    first, second = compare(read_runs(two)).values()
    assert (first["images_seen"], first["of"], first["mean_iou"]) == (24, 80, 0.3)
    assert (first["best"], first["best_checkpoint"], first["images_per_second"]) == (0.4, "000000016", 20.0)
    assert first["warnings"] == 1 and first["settings"] == {"train.seed": 0} and second["settings"] == {"train.seed": 7}


@pytest.mark.parametrize("number", ["1e308", "-1e308", "1e999", "NaN", "1" + "0" * 400, "-1" + "0" * 400])
@pytest.mark.filterwarnings("error")
def test_numbers_that_nobody_can_draw_are_left_out(number, two, tmp_path, capsys, caplog) -> None:
    usual = compare(read_runs(two[:1]))
    with open(two[0] / "metrics.jsonl", "a") as file:
        file.write(
            f'\n{{"images_seen": 20, "loss/generator": {number}}}\n{{"images_seen": {number}, "loss/generator": 1}}'
        )
    assert main(["plot", str(two[0]), "--out", str(tmp_path / "curves.png")]) == 0
    assert caplog.messages == [
        f"2 numbers of {two[0] / 'metrics.jsonl'} left out: they or their images_seen are not finite, or beyond 1e+38 "
        "(images_seen: 1e+15)."
    ]
    caplog.clear()
    assert compare(read_runs(two[:1])) == usual


def test_numbers_at_the_edge_are_drawn(two, tmp_path, capsys) -> None:
    with open(two[0] / "metrics.jsonl", "a") as file:
        file.write('\n{"images_seen": 20, "x": 1e38}\n{"images_seen": 1000000000000000, "x": -1e38}\n')
    assert main(["plot", *map(str, two), "--metrics", "x", "loss/", "--out", str(tmp_path / "curves.png")]) == 0


def test_the_table_and_the_picture(two, tmp_path: Path, capsys) -> None:
    out = tmp_path / "curves.png"
    assert main(["plot", *map(str, two), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "|  | first | second |" in text and "| mean iou | 0.3 | 0.2 |" in text and "| --train.seed | 0 | 7 |" in text
    assert text.endswith(f"wrote 1 picture with 3 curves to {out}\n")
    with Image.open(out) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    for color in ((31, 119, 180), (255, 127, 14)):  # matplotlib's first two colours: a line of each run
        assert (np.abs(pixels - color).max(1) < 10).sum() > 100


def test_it_is_drawn_again_but_replaces_nothing_else(two, tmp_path: Path, capsys) -> None:
    out = tmp_path / "curves.png"
    for _ in range(2):
        assert main(["plot", str(two[0]), "--out", str(out)]) == 0
    Image.new("RGB", (4, 4)).save(out)
    assert main(["plot", str(two[0]), "--out", str(out)]) == 1
    assert "exists already: choose another name, or overwrite it with --force" in capsys.readouterr().err
    assert main(["plot", str(two[0]), "--out", str(out), "--force"]) == 0


def test_chosen_numbers(two) -> None:
    runs = read_runs(two)
    assert chosen_metrics(runs) == ["validation/mean_iou", "loss/generator", "score_real"]
    assert chosen_metrics(runs, ["images_per_second", "loss/"]) == ["images_per_second", "loss/generator"]
    with pytest.raises(ConfigError, match=r'No run has recorded "loss/genrator".*"loss/generator"'):
        chosen_metrics(runs, ["loss/genrator"])


def test_names_that_runs_share(tmp_path: Path) -> None:
    paths = [write_run(tmp_path / place / "run", seed=0, scores=(0.1,)) for place in ("a", "b")]
    assert [run.name for run in read_runs(paths)] == ["a/run", "b/run"]
    with pytest.raises(ConfigError, match="is named twice"):
        read_runs([paths[0], paths[0]])


def test_a_name_cannot_break_the_table(tmp_path: Path) -> None:
    (run,) = read_runs([write_run(tmp_path / "a|b<i>", seed=0, scores=(0.1,))])
    assert "a\\|b\\<i" in to_markdown(compare([run]))


def test_folders_that_are_no_runs(two, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere is no run folder: it has no metrics\.jsonl"):
        read_runs([tmp_path / "nowhere"])
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(DataError, match="loop is no run folder"):
        read_runs([tmp_path / "loop"])
    (two[0] / "metrics.jsonl").write_text('{"images_seen": 8, "warnings": ["x"]}\n[1]\n{"images_seen": "a"}\n')
    with pytest.raises(DataError, match="has recorded nothing yet"):
        read_runs(two)


def test_the_table_alone_needs_no_matplotlib(two, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    monkeypatch.chdir(tmp_path)
    assert main(["plot", str(two[0]), "--table", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"]["first"]["images_seen"] == 24
    assert main(["plot", str(two[0])]) == 1
    assert 'pip install "limner[plot]"' in capsys.readouterr().err
    assert main(["plot", str(two[0]), "--table", "--out", "x.png"]) == 2


def test_a_run_without_settings_or_best(two) -> None:
    for name in ("config.yaml", "best.json"):
        (two[0] / name).unlink()
    (found,) = compare(read_runs(two[:1])).values()
    assert found["of"] is None and found["best"] is None
    shutil.rmtree(two[0])
