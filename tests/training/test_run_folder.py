"""What a run folder is protected from: a flipped bit, other pictures, a second run, options younger than the run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from limner.engine.checkpoint import STATE_FILE
from limner.engine.state import load_state

from .runs import differences, environment, held, newest_state, train


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished_run, tmp_path / "run")
    return tmp_path / "run"


def test_a_flipped_bit_in_the_newest_checkpoint_falls_back_to_the_one_before(finished_run, run, drawn_faces):
    path = max((run / "checkpoints").glob("[0-9]*")) / STATE_FILE
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1  # in the tensors: the header is at the beginning
    path.write_bytes(content)
    done = train(drawn_faces, run, "--resume", "auto")
    assert done.returncode == 0 and "is damaged" in done.stderr and "Trying the one before" in done.stderr
    assert differences(newest_state(finished_run), newest_state(run)) == []


def test_other_pictures_are_refused_and_can_be_asked_for(run, drawn_faces, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(drawn_faces, other)
    for path in (other / "CelebA-HQ-img").iterdir():
        Image.eval(Image.open(path), lambda value: 255 - value).save(path)
    done = train(other, run, "--resume", "auto", "--train.images", "264")
    assert done.returncode == 2 and "--resume other-data" in done.stderr and len(done.stderr.splitlines()) <= 2
    done = train(other, run, "--resume", "other-data", "--train.images", "264")
    assert done.returncode == 0, done.stderr
    assert newest_state(run)["images_seen"] == 264


@pytest.mark.skipif(os.name == "nt", reason="no such locks")
def test_two_runs_into_one_folder_are_refused(run, drawn_faces):
    with held(run) as process:
        before = (run / "metrics.jsonl").read_bytes()
        done = train(drawn_faces, run, "--resume", "auto", "--train.images", "288")
        assert done.returncode == 2 and f"process {process} is training into this folder" in done.stderr
        assert (run / "metrics.jsonl").read_bytes() == before
    assert train(drawn_faces, run, "--resume", "auto").returncode == 0


def test_an_option_younger_than_the_run_has_its_default(run, drawn_faces):
    config = yaml.safe_load((run / "config.yaml").read_text())
    del config["train"]["clip_norm"]
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    done = train(drawn_faces, run, "--resume", "auto", "--train.images", "264")
    assert done.returncode == 0, done.stderr
    done = train(drawn_faces, run, "--resume", "auto", "--train.images", "8")
    assert done.returncode == 0 and "has seen 264 images, more than --train.images 8" in done.stderr


def test_states_of_version_0_1_0_are_read(run):
    from safetensors import safe_open
    from safetensors.torch import save_file

    path = max((run / "checkpoints").glob("[0-9]*")) / STATE_FILE
    before = load_state(path)
    with safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    save_file(tensors, path, metadata={"state": metadata["state"]})
    assert differences(before, load_state(path)) == []


def test_a_run_goes_on_by_its_own_settings(finished_run, drawn_faces, tmp_path):
    """Nothing but --out: no preset, no data; `smoke` is not the preset that is taken where none is named."""
    shutil.copytree(finished_run, tmp_path / "run")
    words = [sys.executable, "-m", "limner", "train", "scgan", "--out", str(tmp_path / "run"), "--resume", "auto"]
    words += ["--train.images", "288", "--train.batch_size", "16"]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    assert newest_state(tmp_path / "run")["images_seen"] == 288
    config = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert config["train"]["batch_size"] == 16 and config["model"]["image_size"] == 32
    words[words.index("288")] = "304"  # and once more: the run still knows its data
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    assert newest_state(tmp_path / "run")["images_seen"] == 304


def test_help_explains_every_option(capsys):
    from limner.cli.main import main

    assert main(["train", "scgan", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Micro-batches that one update is split into" in text
    assert text.index("usage") < text.index("--preset") and len(text.split("\n\n")[0]) < 200
    options = [block for block in text.split("\n  --") if block.partition(" ")[0].count(".") == 1]
    assert len(options) > 40
    assert text.count("(required") == 1, "only --out"
    for block in options:
        explained = block.partition("(type:")[0].split(maxsplit=2)
        assert len(explained) == 3, block


def test_number_of_processes_that_is_none(drawn_faces, tmp_path, monkeypatch):
    from limner.engine.config import TrainConfig
    from limner.engine.fabric import make_fabric
    from limner.errors import ConfigError

    for value in ("two", "", "0", "-1"):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", value)
        with pytest.raises(ConfigError, match="LOCAL_WORLD_SIZE"):
            make_fabric(TrainConfig(images=8, batch_size=8))


def test_compile_without_a_compiler_is_refused_before_the_folder_is_made(drawn_faces, tmp_path, monkeypatch, capsys):
    from limner.cli.main import main

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    words = ["train", "scgan", "--preset", "smoke", "--train.accelerator", "cpu", "--train.compile", "true"]
    assert main([*words, "--data", str(drawn_faces), "--out", str(tmp_path / "run")]) == 2
    assert "C++ compiler" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_first_request_to_stop_says_what_it_does(capfd):
    import signal

    from limner.engine.stop import StopRequest

    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
        assert "a second request stops at once" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_losses_and_scores_are_said_where_no_bar_is_shown(tmp_path, monkeypatch, caplog):
    import itertools
    import logging

    from limner.engine import logging as run_logging

    monkeypatch.setattr(run_logging.time, "monotonic", itertools.count(0, 5).__next__)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    with caplog.at_level(logging.INFO, logger="limner"):
        log = run_logging.RunLog(tmp_path, images_seen=0, total=64)
        log.write(8, {"loss/l1": 0.5, "images_per_second": 3.0}, warnings=[])
        for _ in range(4):
            log.advance(8)
        log.write(40, {"validation/mean_iou": 0.25}, warnings=[])
        log.close()
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "of 64 images: loss/l1 0.5" in text and "scores: mean_iou 0.25" in text
