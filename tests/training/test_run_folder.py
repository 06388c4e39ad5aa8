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

from .runs import differences, environment, newest_state, train


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


HOLDER = """
import sys
from pathlib import Path
from limner.engine.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
lock.take()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="no such locks")
def test_two_runs_into_one_folder_are_refused(run, drawn_faces):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(run)], env=environment(), text=True, **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        before = (run / "metrics.jsonl").read_bytes()
        done = train(drawn_faces, run, "--resume", "auto", "--train.images", "288")
        assert done.returncode == 2 and f"process {holder.pid} is training into this folder" in done.stderr
        assert (run / "metrics.jsonl").read_bytes() == before
        holder.stdin.close()
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
