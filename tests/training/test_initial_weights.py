"""Training that begins with the weights of another run."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import torch

import limner

from .runs import command, differences, environment, newest_state, struck, train

SHORT = ("--train.images", "64", "--train.checkpoint_every", "32", "--train.sample_every", "64")


def test_trained_networks_begin_with_the_weights_that_are_named(finished_run, drawn_faces, tmp_path):
    still = ("--optimizer.lr_generator", "1e-30", "--optimizer.lr_discriminator", "1e-30")
    done = train(drawn_faces, tmp_path / "run", "--train.initial_weights", str(finished_run), *still, *SHORT)
    assert done.returncode == 0, done.stderr
    assert f"initial weights of {finished_run}: generator" in done.stderr
    known = limner.load(finished_run).components["generator"].state_dict()
    state = newest_state(tmp_path / "run")
    for found in (state["networks"]["generator"], state["ema"]["generator"]):
        assert found.keys() == known.keys()
        for name, tensor in known.items():
            if name.endswith(".u"):  # of spectral norms, which go on with every pass
                continue
            torch.testing.assert_close(found[name], tensor, rtol=0, atol=1e-20)


@pytest.mark.parametrize(
    ("option", "at_random"),
    [(("--loss.use_classifier", "false"), "none"),
     (("--loss.weight_latent_regression", "3"), "latent_head of discriminator")],
)  # fmt: skip
def test_heads_come_and_go_with_their_losses(finished_run, drawn_faces, tmp_path, option, at_random):
    words = ("--train.initial_weights", str(finished_run), *option, *SHORT)
    done = train(drawn_faces, tmp_path / "run", *words)
    assert done.returncode == 0, done.stderr
    assert f"generator, discriminator, segmentor; at random: {at_random}" in done.stderr


def test_a_frozen_segmentor_is_that_of_the_initial_weights(finished_run, drawn_faces, tmp_path):
    frozen = ("--optimizer.freeze_segmentor", "true", "--train.initial_weights")
    done = train(drawn_faces, tmp_path / "run", *frozen, str(finished_run), *SHORT)
    assert done.returncode == 0, done.stderr
    known = limner.load(finished_run, with_optional=True).components["segmentor"].state_dict()
    assert differences(newest_state(tmp_path / "run")["networks"]["segmentor"], known) == []


def test_a_killed_run_goes_on_without_its_initial_weights(finished_run, drawn_faces, tmp_path):
    shutil.copytree(finished_run, tmp_path / "start")
    options = ("--train.initial_weights", str(tmp_path / "start"), *SHORT)
    assert train(drawn_faces, tmp_path / "whole", *options).returncode == 0
    words = command(drawn_faces, tmp_path / "run", *options)
    subprocess.run(
        struck(words, ".writing-", blow=signal.SIGKILL), env=environment(), capture_output=True, timeout=1800
    )
    again = command(drawn_faces, tmp_path / "run", "--resume", "auto", *options)
    subprocess.run(struck(again, "samples", blow=signal.SIGKILL), env=environment(), capture_output=True, timeout=1800)
    assert [path.name for path in (tmp_path / "run" / "checkpoints").glob("[0-9]*")] == ["000000032"]
    shutil.rmtree(tmp_path / "start")
    done = train(drawn_faces, tmp_path / "run", "--resume", "auto", *options)
    assert done.returncode == 0, done.stderr
    assert differences(newest_state(tmp_path / "whole"), newest_state(tmp_path / "run")) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--train.initial_weights", "nowhere"), 'no weights "nowhere"'),
        (("--train.initial_weights", "painter-people-64"), 'weights of the system "painter", not of "scgan"'),
        (("--train.initial_weights", "{run}", "--model.generator_width", "12"), "give the same --model options"),
        (("--train.initial_weights", "{run}", "--dataset.attributes", "[]"), "trained on other labels"),
    ],
)
def test_weights_that_do_not_fit_are_refused(finished_run, drawn_faces, tmp_path, options, says):
    words = [word.format(run=finished_run) for word in options]
    done = train(drawn_faces, tmp_path / "run", *words, *SHORT)
    assert done.returncode in (1, 2) and says in done.stderr.splitlines()[-1], done.stderr
    assert not Path(tmp_path / "run" / "checkpoints").exists()
