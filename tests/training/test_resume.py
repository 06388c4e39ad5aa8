"""A run that is stopped, killed or damaged goes on to the same bits."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from limner import registry
from limner.cli.main import main
from limner.engine.checkpoint import STATE_FILE
from limner.errors import ConfigError
from limner.training import train as train_in_python

from .runs import command, differences, environment, newest_state, struck, train


def run_struck(
    data: Path, run: Path, place: str, *options: str, blow: signal.Signals, number: int = 1
) -> tuple[int, str]:
    """A training that gets a signal, see `struck`: its exit code and what it said."""
    words = struck(command(data, run, *options), place, blow=blow, number=number)
    done = subprocess.run(
        words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1800
    )
    return done.returncode, done.stdout


def metrics(run: Path) -> list[dict[str, float]]:
    """metrics.jsonl without what depends on the clock on the wall."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("images_per_second", "data_wait_share")} for line in lines]


def test_run_folder_holds_what_repeats_the_run(finished_run, drawn_faces, tmp_path):
    names = {path.name for path in finished_run.iterdir()}
    assert {"config.yaml", "command.txt", "environment.json", "metrics.jsonl", "best.json", "samples"} <= names
    assert [p.name for p in sorted((finished_run / "checkpoints").iterdir())][-1] == "000000256"
    done = train(drawn_faces, tmp_path / "again", "--config", str(finished_run / "config.yaml"))
    assert done.returncode == 0, done.stderr
    assert differences(newest_state(finished_run), newest_state(tmp_path / "again")) == []


def test_a_request_to_stop_writes_a_checkpoint_and_the_run_goes_on_to_the_same_bits(
    finished_run, drawn_faces, tmp_path
):
    run = tmp_path / "run"
    code, output = run_struck(drawn_faces, run, "metrics.jsonl", blow=signal.SIGTERM)
    assert code == 130 and "--resume auto" in output, output
    done = train(drawn_faces, run, "--resume", "auto")
    assert done.returncode == 0, done.stderr
    assert differences(newest_state(finished_run), newest_state(run)) == []
    assert metrics(run)[-1] == metrics(finished_run)[-1]


def kill(data: Path, run: Path, seed: int, *options: str) -> None:
    """Start the run again and kill it: inside a checkpoint write, or on the way from one to the next."""
    place, number = (".writing-", 1) if seed % 2 else ("metrics.jsonl", random.Random(seed).randint(1, 4))
    options = ("--resume", "auto", *options)
    code, output = run_struck(data, run, place, *options, blow=signal.SIGKILL, number=number)
    assert code == -signal.SIGKILL, output


def test_kills_change_nothing(finished_run, drawn_faces, tmp_path):
    run = tmp_path / "run"
    for seed in range(2):
        kill(drawn_faces, run, seed)
    assert next(run.glob("checkpoints/.writing-*"))
    done = train(drawn_faces, run, "--resume", "auto")
    assert done.returncode == 0, done.stderr
    assert differences(newest_state(finished_run), newest_state(run)) == []


@pytest.mark.slow
def test_ten_kills_change_nothing(drawn_faces, tmp_path):
    # Long enough, and with checkpoints often enough, for ten kills to hit all phases.
    options = ["--train.images", "1024", "--train.checkpoint_every", "32"]
    assert train(drawn_faces, tmp_path / "whole", *options).returncode == 0
    config = tmp_path / "whole" / "config.yaml"
    run = tmp_path / "run"
    for seed in range(10):
        before = len(list(run.glob("checkpoints/[0-9]*")))
        kill(drawn_faces, run, seed, "--config", str(config))
        assert len(list(run.glob("checkpoints/[0-9]*"))) >= before  # what was written stays
    done = train(drawn_faces, run, "--resume", "auto", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert differences(newest_state(tmp_path / "whole"), newest_state(run)) == []
    assert metrics(run) == metrics(tmp_path / "whole")


def test_a_broken_newest_checkpoint_falls_back_to_the_one_before(finished_run, drawn_faces, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    newest = max((run / "checkpoints").glob("[0-9]*")) / STATE_FILE
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    done = train(drawn_faces, run, "--resume", "auto")
    assert done.returncode == 0 and "Trying the one before" in done.stderr
    assert differences(newest_state(finished_run), newest_state(run)) == []


def test_all_checkpoints_broken_is_an_error_and_deletes_nothing(finished_run, drawn_faces, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    for path in run.glob(f"checkpoints/*/{STATE_FILE}"):
        path.write_bytes(b"broken")
    before = sorted(os.listdir(run / "checkpoints"))
    done = train(drawn_faces, run, "--resume", "auto")
    assert done.returncode == 1 and "No checkpoint" in done.stderr.splitlines()[-1]
    assert sorted(os.listdir(run / "checkpoints")) == before


def test_an_existing_run_is_never_overwritten(finished_run, drawn_faces):
    done = train(drawn_faces, finished_run)
    assert done.returncode == 2 and "--resume auto" in done.stderr and len(done.stderr.splitlines()) == 1


def test_resume_as_another_system_is_refused(finished_run, capsys):
    for more in ([], ["--preset", "smoke"]):
        assert (
            main(["train", "pix2pix", "--out", str(finished_run), "--resume", "auto", "--data", "nowhere", *more]) == 2
        )
        error = capsys.readouterr().err
        assert "is a run of scgan: go on with limner train scgan --out" in error and error.count("\n") == 1
    with pytest.raises(ConfigError, match="is a run of scgan"):
        train_in_python("pix2pix", registry.preset("pix2pix", "smoke"), None, finished_run, resume=True, command=[])


def test_resume_with_other_settings_is_refused_by_name(finished_run, drawn_faces):
    done = train(drawn_faces, finished_run, "--resume", "auto", "--optimizer.lr_generator", "0.001")
    assert done.returncode == 2 and "--optimizer.lr_generator is 0.001" in done.stderr


def test_a_longer_run_may_go_on(finished_run, drawn_faces, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    done = train(drawn_faces, run, "--resume", "auto", "--train.images", "288")
    assert done.returncode == 0, done.stderr
    assert newest_state(run)["images_seen"] == 288
    assert yaml.safe_load((run / "config.yaml").read_text())["train"]["images"] == 288
