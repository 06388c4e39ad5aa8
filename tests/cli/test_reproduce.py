"""`limner reproduce`: a tiny study to its end, started again, stopped, and refused in one sentence."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from limner import registry
from limner.cli.main import main
from limner.engine.checkpoint import STATE_FILE
from limner.engine.state import load_state
from limner.errors import ConfigError
from limner.metrics.features import judge_features
from limner.reproduce.run import Plan, _points, check_features, open_data
from limner.reproduce.study import load_study
from tests.training.runs import environment, held, struck

STUDY = {
    "title": "Two systems on boxes",
    "about": "A study that takes seconds.",
    "published": {"faces": "scgan-celeba"},
    "image_size": {"smoke": 32},
    "budget": {"smoke": 32},
    "judge_images": {"smoke": 16},
    "pictures": 6,
    "points": 2,
    "columns": {
        "fd": {"title": "FD-parser", "better": "low", "published": "fid", "names_network": True},
        "judge_mean_iou": {"title": "mIoU, %", "better": "high", "published": "mean_iou"},
    },
    "rows": [
        {"name": "Pix2Pix", "system": "pix2pix"},
        {"name": "SCGAN", "system": "scgan", "options": {"optimizer": {"num_repeat": 1}}},
        {"name": "unknown", "system": "spad"},
        {"name": "SPADE", "system": "spade", "options": {"loss": {"weight_perceptual": 10.0}}},
    ],
}


def write_data(folder: Path, *, num_test: int = 4) -> Path:
    """Twelve pictures of one box each, 32 px, two classes, one attribute."""
    random = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    attributes, splits = ["name,Dark"], ["name,split"]
    for index in range(12):
        label_map = np.zeros((32, 32), np.uint8)
        label_map[index : index + 12, 8:24] = 1
        image = (label_map[..., None] * 120 + random.integers(0, 90, (32, 32, 3))).astype(np.uint8)
        Image.fromarray(image).save(folder / f"images/{index}.png")
        Image.fromarray(label_map).save(folder / f"labels/{index}.png")
        attributes.append(f"{index}.png,{index % 2}")
        splits.append(f"{index}.png,{'test' if index < num_test else 'train'}")
    (folder / "attributes.csv").write_text("\n".join(attributes) + "\n")
    (folder / "splits.csv").write_text("\n".join(splits) + "\n")
    schema = {"name": "boxes", "classes": ["background", "box"], "palette": [[0, 0, 0], [255, 0, 0]]}
    (folder / "schema.json").write_text(json.dumps(schema))
    return folder


def changed_rows(*changes: dict) -> str:
    """The study with these rows alone, each the first one with something else."""
    return yaml.safe_dump({**STUDY, "rows": [{**STUDY["rows"][0], **change} for change in changes]})


def words(root: Path, out: Path, *options: str) -> list[str]:
    data = ["--data", str(root / "data"), "--preset", "smoke", "--seeds", "2"]
    return ["reproduce", str(root / "boxes.yaml"), *data, "--out", str(out), *options]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("reproduce")
    write_data(root / "data")
    (root / "boxes.yaml").write_text(yaml.safe_dump(STUDY))
    return root


@pytest.fixture(scope="module")
def finished(root) -> Path:
    """A study that ran to its end; do not change it."""
    pytest.importorskip("matplotlib")
    assert main(words(root, root / "out")) == 0
    return root / "out"


def record(out: Path) -> dict:
    return json.loads((out / "report/boxes.json").read_text())


def test_every_row_sees_the_same_images_and_is_judged_at_every_point(finished):
    found = record(finished)
    assert found["protocols"]["SCGAN"]["fd"]["metric"].startswith("FD-parser") and found["budget"] == 32
    assert "`limner reproduce boxes --preset smoke --budget 32 --seeds 2`" in found["protocol"]
    assert found["table"] == "boxes" and "32 images seen by every run, 2 seeds" in found["protocol"]
    for row in ("Pix2Pix", "SCGAN"):
        assert [list(run) for run in found["results"][row]] == [["16", "32"]] * 2
        assert all(value is not None for run in found["results"][row] for value in run["32"].values())
        first, second = found["results"][row]
        assert first["32"] != second["32"]  # another seed is another run
    for run in ("pix2pix-0", "pix2pix-1", "scgan-0", "scgan-1"):
        newest = max((finished / run / "checkpoints").glob("[0-9]*"))
        assert load_state(newest / STATE_FILE)["images_seen"] == 32
        config = yaml.safe_load((finished / run / "config.yaml").read_text())
        assert config["train"]["seed"] == int(run[-1])
        assert (finished / run / "report/sheet.png").is_file()
    assert yaml.safe_load((finished / "scgan-0/config.yaml").read_text())["optimizer"]["num_repeat"] == 1


def test_rows_that_cannot_be_trained_stay_with_the_reason(finished):
    found = record(finished)
    assert found["results"]["SPADE"] == [] == found["results"]["unknown"]
    assert found["reasons"]["unknown"].startswith('There is no system "spad". Did you mean "spade"?')
    assert "name a file with the published weights of VGG-19" in found["reasons"]["SPADE"]
    text = (finished / "report/boxes.md").read_text()
    assert "| SPADE | not reproduced | not reproduced | 18.5 | 74.76 |" in text
    assert "| SCGAN | " in text and " | 10.2 | 79.11 |" in text
    assert "- unknown: There is no system" in text


def test_report_has_plots_and_a_sheet(finished):
    names = {"boxes.json", "boxes.md", "boxes.png", "boxes-bars.png", "boxes-sheet.jpg"}
    assert {path.name for path in (finished / "report").iterdir()} == names
    text = (finished / "report/boxes.md").read_text()
    assert all(f"]({name})" in text for name in names if not name.endswith(("json", "md")))
    with Image.open(finished / "report/boxes-sheet.jpg") as sheet:
        assert sheet.height >= 4 * 64  # maps, real pictures, two rows
        assert "Synthetic media" in sheet.getexif()[0x010E]


def test_a_finished_study_trains_nothing(finished, root):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("scores.json")}
    assert main(words(root, finished)) == 0
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("scores.json")} == before


def test_an_unfinished_run_goes_on_to_the_same_numbers(finished, root, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    (out / "scgan-1/scores.json").unlink()
    shutil.rmtree(out / "scgan-1/checkpoints/000000032")
    assert main(words(root, out, "--only", "SCGAN")) == 0
    assert record(out)["results"] == record(finished)["results"]
    (out / "pix2pix-0/scores.json").unlink()
    assert main(words(root, out, "--only", "SCGAN")) == 0
    assert record(out)["reasons"]["Pix2Pix"] == "not run yet" and len(record(out)["results"]["Pix2Pix"]) == 1


def test_json_on_standard_output(finished, root, capsys):
    assert main(words(root, finished, "--json")) == 0
    payload = json.loads(capsys.readouterr().out)
    assert payload["complete"] is False and payload["results"] == record(finished)["results"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            ["reproduce", "scgan-tabel", "--data", "D", "--out", "O"],
            'no table "scgan-tabel". Did you mean "scgan-table"?',
        ),
        (["reproduce"], "Name a table (avwnet-tables, "),
        (["reproduce", "scgan-table", "--out", "O"], "--data is missing"),
        (["reproduce", "scgan-table", "--data", "D"], "--out is missing"),
        (["reproduce", "none.yaml", "--data", "D", "--out", "O"], "none.yaml cannot be read"),
    ],
)
def test_wrong_use(change, text, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(change) == 2
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--budget", "0"], "--budget is 0; it must be at least 2 images"),
        (["--budget", "-5"], "--budget is -5"),
        (["--budget", "33"], "--budget is 33; it must be a multiple of"),
        (["--image-size", "4"], "--image-size is 4; it must be one number, or height and width, from 8 to 4096"),
        (["--image-size", "64", "64", "3"], "--image-size is 64 64 3"),
        (["--image-size", "32", "64"], "has square pictures alone, not 64x32"),
        (["--image-size", "a"], '--image-size is "a"; it must be a whole number'),
        (["--seeds", "0"], "--seeds is 0; it must be from 1 to 10"),
        (["--num-images", "1"], "--num-images is 1"),
        (["--preset", "smok"], 'no preset "smok". Did you mean "smoke"?'),
        (["--only", "SCGAM"], 'no row "SCGAM". Did you mean "SCGAN"?'),
        (["--judge", "no-such-folder"], "no weights"),
        (["--features", "vgg"], '--features is "vgg", but must be people'),
        (["--kind", "celeb"], 'no data layout "celeb". Did you mean "celeba"?'),
    ],
)
def test_bad_options(root, tmp_path, capsys, options, text):
    code = main(words(root, tmp_path / "out", *options))
    error = capsys.readouterr().err
    assert code in (1, 2) and text in error and error.count("\n") == 1, error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("split", "num_test", "sizes"), [("test", 0, r"train \(12\)"), ("val", 4, r"test \(4\), train \(8\)")]
)
def test_data_without_the_split_to_judge_on(tmp_path, capsys, split, num_test, sizes):
    write_data(tmp_path / "data", num_test=num_test)
    (tmp_path / "boxes.yaml").write_text(yaml.safe_dump({**STUDY, "split": split}))
    assert main(words(tmp_path, tmp_path / "out")) == 1
    error = capsys.readouterr().err
    assert re.search(rf'too few pictures in the split "{split}" \({sizes}\).*judges on "{split}"', error), error
    assert not (tmp_path / "out").exists()


def test_a_study_with_seeds_and_a_split_of_its_own(tmp_path):
    pytest.importorskip("matplotlib")
    data = write_data(tmp_path / "data")
    splits = (data / "splits.csv").read_text().replace(",test", ",val")
    (data / "splits.csv").write_text(splits)
    rows = [{**STUDY["rows"][0], "rates": 0.5}]
    (tmp_path / "boxes.yaml").write_text(yaml.safe_dump({**STUDY, "rows": rows, "split": "val", "first_seed": 7}))
    out = tmp_path / "out"
    assert main(words(tmp_path, out, "--seeds", "1")) == 0
    config = yaml.safe_load((out / "pix2pix-7/config.yaml").read_text())
    assert config["train"]["seed"] == 7 and config["optimizer"]["lr_generator"] == 1e-4
    report = json.loads((out / "pix2pix-7/report/report.json").read_text())
    assert report["measurements"]["judge_mean_iou"]["protocol"]["split"] == "val"
    assert "8 training and 4 val pictures" in record(out)["protocol"]
    assert (out / "report/boxes-sheet.jpg").is_file()


def test_runs_of_an_earlier_report_are_taken(finished, tmp_path, capsys):
    pixels, scgan = STUDY["rows"][:2]
    changed = {**pixels, "rates": 0.5}
    data = write_data((root := tmp_path / "made") / "data")
    (root / "boxes.yaml").write_text(yaml.safe_dump(STUDY))
    files = {path.relative_to(data).as_posix(): path.stat().st_size for path in data.rglob("*.png")}
    (data / "drawn.json").write_text('{"seed": 0}')
    (data / "records.jsonl").write_text(json.dumps({"index": 0, "files": files}))
    for name, rows in (("one", [pixels]), ("two", [pixels, scgan]), ("changed", [changed])):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({**STUDY, "rows": rows}))

    def run(name, out, *options):
        command = ["reproduce", str(tmp_path / f"{name}.yaml"), *words(root, tmp_path / out)[2:]]
        return main([*command, "--judge", str(finished / "judge"), *options])

    assert run("one", "a", "--seeds", "1") == 0
    report = tmp_path / "a/report/one.json"
    assert run("two", "b", "--record", str(report)) == 0
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("a/report/one.json", "b/report/two.json"))
    assert second["results"]["Pix2Pix"][0] == first["results"]["Pix2Pix"][0] and second["taken"] == {"Pix2Pix": [0]}
    assert second["seeds"] == {"Pix2Pix": [0, 1], "SCGAN": [0, 1]} and not second["reasons"]
    assert second["protocols"].keys() == {"Pix2Pix", "SCGAN"} and str(tmp_path) not in json.dumps(second)
    weights = {path.parent.name for path in (tmp_path / "b").glob("*/checkpoints")}
    assert weights == {"pix2pix-1", "scgan-0", "scgan-1"}
    text = (tmp_path / "b/report/two.md").read_text()
    assert "Taken from an earlier report of the same protocol, not trained again: Pix2Pix (seeds 0)." in text
    # a run that was being taken when it was killed is trained where the option is missing
    (tmp_path / "c/pix2pix-0").mkdir(parents=True)
    shutil.copytree(tmp_path / "b/pix2pix-0/report", tmp_path / "c/pix2pix-0/report")
    shutil.copy(tmp_path / "b/study.json", tmp_path / "c")
    assert run("two", "c", "--seeds", "1", "--only", "Pix2Pix") == 0
    own = json.loads((tmp_path / "c/report/two.json").read_text())
    assert "taken" not in own and own["results"]["Pix2Pix"] == first["results"]["Pix2Pix"]
    shutil.rmtree(tmp_path / "c")
    # what was taken stays without the option, and can be taken again
    assert run("two", "b", "--only", "SCGAN") == 0
    assert json.loads((tmp_path / "b/report/two.json").read_text()) == second
    assert run("two", "c", "--record", str(tmp_path / "b/report/two.json")) == 0
    assert not list((tmp_path / "c").glob("*/checkpoints")) and not (tmp_path / "c/report/two-sheet.jpg").exists()
    assert json.loads((tmp_path / "c/report/two.json").read_text())["results"] == second["results"]
    # also where another processor drew the data, if it had the same settings
    there = {**second, "identity": {**second["identity"], "data": "0123456789abcdef"}}
    (tmp_path / "there.json").write_text(json.dumps(there))
    shutil.rmtree(tmp_path / "c")
    assert run("two", "c", "--record", str(tmp_path / "there.json")) == 0
    third = json.loads((tmp_path / "c/report/two.json").read_text())
    assert third["results"] == second["results"] and third["taken_data"] == ["0123456789abcdef"]
    assert third["identity"] == second["identity"] and "0123456789abcdef" in (tmp_path / "c/report/two.md").read_text()

    capsys.readouterr()
    for options, said in (
        (["two", "d", "--record", str(report), "--budget", "64"], 'has another budget ("32", not "64")'),
        (["two", "d", "--record", str(report), "--num-images", "5"], 'has another num_images ("6", not "5")'),
        (["changed", "d", "--record", str(report)], "has no finished run of a row of this table with the same"),
        (["two", "d", "--record", str(tmp_path / "none.json")], "none.json"),
        (["two", "b", "--record", str(tmp_path / "b/report/two.json")], "is the report of this study itself"),
    ):
        assert run(*options) in (1, 2)
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1, error
    assert not (tmp_path / "d").exists()
    assert main([*words(root, tmp_path / "d"), "--record", str(report)]) == 2
    assert "--record needs --judge, too" in capsys.readouterr().err


def test_a_run_that_another_process_trains_is_passed_over(finished, root, tmp_path):
    """So that the same command, started several times, trains several runs at once."""
    out = tmp_path / "out"
    command = [*words(root, out), "--judge", str(finished / "judge"), "--only", "Pix2Pix"]
    assert main([*command, "--seeds", "1"]) == 0
    (out / "pix2pix-1").mkdir()
    with held(out / "pix2pix-1"):
        assert main(command) == 0
        assert record(out)["seeds"]["Pix2Pix"] == [0]
        assert record(out)["reasons"]["Pix2Pix"] == "another process is training it"
    assert main(command) == 0
    assert record(out)["seeds"]["Pix2Pix"] == [0, 1] and "Pix2Pix" not in record(out)["reasons"]


def test_a_folder_of_something_else(finished, root, tmp_path, capsys):
    assert main(words(root, finished, "--budget", "64")) == 2
    assert 'another budget ("32", not "64")' in capsys.readouterr().err
    other = tmp_path / "other.yaml"
    other.write_text((root / "boxes.yaml").read_text())
    assert main(["reproduce", str(other), *words(root, finished)[2:]]) == 2
    assert 'another table ("boxes", not "other")' in capsys.readouterr().err
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/text").write_text("mine")
    assert main(words(root, tmp_path / "notes")) == 2
    assert "is not empty and holds no study" in capsys.readouterr().err
    assert main(words(root, tmp_path / "notes/text")) == 2
    assert "is a file" in capsys.readouterr().err
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/study.json").write_text("{")
    assert main(words(root, tmp_path / "broken")) == 2
    assert "cannot be read, so --out is not known" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("rows: [", "is not valid YAML"),
        ("[]", "does not describe a study"),
        ("title: x", "does not describe a study (it has no columns)"),
        ("", "(it must be entries of the form NAME: VALUE, and is empty)"),
        (yaml.safe_dump({**STUDY, "rows": 5}), "(rows must be a list, not 5)"),
        (
            yaml.safe_dump({**STUDY, "rows": [5]}),
            "(number 1 of rows must be entries of the form NAME: VALUE, and is 5)",
        ),
        (yaml.safe_dump({**STUDY, "claims": None}), "(claims must be a list, not None)"),
        (
            yaml.safe_dump({**STUDY, "columns": {"fd": None}}),
            '(column "fd" must be entries of the form NAME: VALUE, and',
        ),
        (yaml.safe_dump({**STUDY, "columns": {"fd": {"better": "low"}}}), '(column "fd" has no title)'),
        (yaml.safe_dump({**STUDY, "budget": 5}), "(budget of it must be entries of the form NAME: VALUE, not 5)"),
        (changed_rows({"system": 5}), "(system of number 1 of rows must be a text, not 5)"),
        (yaml.safe_dump({**STUDY, "rows": [STUDY["rows"][0], dict(STUDY["rows"][0])]}), "each with a name of its own"),
        (changed_rows({"name": "A B"}, {"name": "a-b"}), "each with a name of its own"),
        (changed_rows({"name": "../../up"}), "names of rows are letters"),
        (changed_rows({"name": "."}), "names of rows are letters"),
        (changed_rows({"rates": 0}), "rates must be numbers above 0"),
        (yaml.safe_dump({**STUDY, "points": 0}), "points is 0, but must be a whole number from 1"),
        (yaml.safe_dump({**STUDY, "points": "4"}), "points is '4', but must be a whole number from 1"),
        (yaml.safe_dump({**STUDY, "image_size": {}}), "must have the same presets, unlike image_size"),
        (yaml.safe_dump({**STUDY, "budget": {"smoke": 1.5}}), "budget of smoke is 1.5"),
        (yaml.safe_dump({**STUDY, "published": {"faces": "scgan-celebs"}}), '"scgan-celebs"'),
        (yaml.safe_dump({**STUDY, "published": {"faces": {"title": "x"}}}), "does not describe a study"),
        (
            yaml.safe_dump({**STUDY, "columns": {"fd": {"title": "FD", "better": "higher"}}}),
            'better is "higher", but must be high, low or nothing',
        ),
        (yaml.safe_dump({**STUDY, "colums": "red"}), '(it has the entry "colums". Did you mean "columns"?'),
    ],
)
def test_broken_tables(root, tmp_path, capsys, content, text):
    (tmp_path / "mine.yaml").write_text(content)
    assert main(["reproduce", str(tmp_path / "mine.yaml"), *words(root, tmp_path / "out")[2:]]) == 2
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1


def test_a_judge_is_refused_before_anything_is_trained(root, tmp_path, capsys):
    assert main(words(root, tmp_path / "out", "--judge", "parser-people-64")) == 2
    error = capsys.readouterr().err
    assert '"boxes" (2 classes), but the judge parser-people-64' in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_features_that_need_more_pictures_are_refused_before_anything_is_trained(finished, root, tmp_path):
    network = judge_features(registry.pipeline_class("parser").from_pretrained(finished / "judge"))
    published = dataclasses.replace(network, frechet_name="FID")
    study = load_study(str(root / "boxes.yaml"))
    settings = {"preset": "smoke", "budget": 32, "num_seeds": 1, "judges": (), "features": "inception:file"}
    plan = Plan(study, root / "data", tmp_path, num_images=6, dataset=study.data_config(), **settings)
    with pytest.raises(ConfigError, match="FID needs more"):
        check_features(plan, open_data(plan), published)
    check_features(plan, open_data(plan), network)  # FD-parser takes any number


def test_scores_of_one_judge_are_not_reported_as_anothers(finished, root, tmp_path, capsys):
    judge = tmp_path / "judge"
    made = registry.pipeline_class("parser").from_pretrained(finished / "judge")
    made.save_pretrained(judge)
    out = tmp_path / "out"
    options = ["--judge", str(judge), "--only", "Pix2Pix", "--seeds", "1"]
    assert main(words(root, out, *options)) == 0
    assert "--judge judge`" in record(out)["protocol"]  # no folder of this machine
    with torch.no_grad():
        next(made.components["parser"].parameters()).add_(0.1)
    made.save_pretrained(judge)
    capsys.readouterr()
    assert main(words(root, out, *options)) == 2
    assert "holds a study with another judge" in capsys.readouterr().err


def test_checkpoints_of_requests_to_stop_are_not_judged(tmp_path):
    for images in (1008, 1344, 2000, 3008, 3600, 3984):
        (tmp_path / f"checkpoints/{images:09d}").mkdir(parents=True)
    found = _points(tmp_path, every=1000, batch=16)
    assert [int(one.name) for one in found] == [1008, 2000, 3008, 3984]


@pytest.mark.slow
def test_a_request_to_stop_leaves_a_study_that_goes_on(finished, root, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "limner", *words(root, out)]
    options = {"env": environment(), "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    stopped = struck(command, "pix2pix-0/metrics.jsonl", blow=signal.SIGTERM)
    done = subprocess.run(stopped, timeout=1800, **options)
    assert done.returncode == 130 and "the same command goes on" in done.stdout
    done = subprocess.run(command, timeout=1800, **options)
    assert done.returncode == 0, done.stdout
    assert record(out)["results"] == record(finished)["results"]


@pytest.mark.slow
def test_the_painters_ablation_is_a_table_like_any_other(root, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    command = ["reproduce", "painter-ablation", "--preset", "smoke", "--data", str(root / "data"), "--seeds", "2"]
    options = ["--num-images", "2", "--only", "base", "full", "--out", str(tmp_path / "study")]
    assert main([*command, *options]) == 0
    text = capsys.readouterr().out
    assert "2 paintings with their strokes for the split test. Limner" in text and "judge" not in text
    assert "| base | " in text and "| \\+ attention | not reproduced |" in text
    assert "row - column" in text, "runs of equal seed are compared"
    report = json.loads((tmp_path / "study/full-0/report/report.json").read_text())
    assert "whole picture" in report["measurements"]["painter_200_mse"]["protocol"]["settings"]
    assert main([*command, "--judge", "parser", *options]) == 2
    assert 'no option "--judge"' in capsys.readouterr().err
