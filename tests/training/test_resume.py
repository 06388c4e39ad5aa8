"""A run that is stopped, killed or damaged goes on to the same bits."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from limner.engine.checkpoint import STATE_FILE

from .runs import command, differences, environment, newest_state, train


def start(data: Path, run: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(data, run, *options), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


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
    process = start(drawn_faces, run)
    while not (run / "metrics.jsonl").exists():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=1800)
    assert process.returncode == 130 and "--resume auto" in output
    done = train(drawn_faces, run, "--resume", "auto")
    assert done.returncode == 0, done.stderr
    assert differences(newest_state(finished_run), newest_state(run)) == []
    assert metrics(run)[-1] == metrics(finished_run)[-1]


def kill_until_done(data: Path, run: Path, kills: int, seed: int) -> int:
    """Start the run again and again, killing it at random moments `kills` times; how often it was really killed."""
    moments = random.Random(seed)
    killed = 0
    for number in range(kills):
        process = start(data, run, "--resume", "auto")
        if number % 2:  # inside a checkpoint write: the temporary folder exists only then
            deadline = time.monotonic() + 1800
            while process.poll() is None and time.monotonic() < deadline:
                if next(run.glob("checkpoints/.writing-*"), None):
                    time.sleep(moments.uniform(0, 0.02))
                    break
        else:
            while process.poll() is None and not (run / "command.txt").exists():
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 6))
        if process.poll() is None:
            process.kill()
            killed += 1
        process.communicate()
    done = train(data, run, "--resume", "auto")
    assert done.returncode == 0, done.stderr
    return killed


def test_kills_change_nothing(finished_run, drawn_faces, tmp_path):
    assert kill_until_done(drawn_faces, tmp_path / "run", kills=2, seed=1) >= 1
    assert differences(newest_state(finished_run), newest_state(tmp_path / "run")) == []


@pytest.mark.slow
def test_ten_kills_change_nothing(drawn_faces, tmp_path):
    # Long enough, and with checkpoints often enough, for ten kills to hit all phases.
    options = ["--train.images", "1024", "--train.checkpoint_every", "32"]
    assert train(drawn_faces, tmp_path / "whole", *options).returncode == 0
    config = tmp_path / "whole" / "config.yaml"
    run = tmp_path / "run"
    killed = 0
    for seed in range(10):
        process = start(drawn_faces, run, "--resume", "auto", "--config", str(config))
        moments = random.Random(seed)
        before = len(list(run.glob("checkpoints/[0-9]*")))
        while process.poll() is None:
            if seed % 2 and next(run.glob("checkpoints/.writing-*"), None):
                break
            if not seed % 2 and (run / "metrics.jsonl").exists():
                time.sleep(moments.uniform(0, 3))
                break
            time.sleep(0.002)
        if process.poll() is None:
            process.kill()
            killed += 1
        process.communicate()
        assert len(list(run.glob("checkpoints/[0-9]*"))) >= before  # what was written stays
    assert killed == 10
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
