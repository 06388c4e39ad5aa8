"""Two processes follow one for systems with several networks in a loss, a pool of fakes, or synchronised batch norm."""

from __future__ import annotations

import pytest
import torch

from tests.training.runs import newest_state, train

OPTIONS = ["--train.images", "32", "--train.log_every", "16", "--optimizer.decay_images", "0"]
# Two processes sum gradients in another order; Adam's first steps have the size of the learning rate whatever the size
# of the gradient, so a parameter whose gradient is only rounding may go either way in each of four steps.
STEPS = 4


@pytest.mark.slow
@pytest.mark.parametrize(("system", "rate"), [("cyclegan", 2e-4), ("spade", 4e-4)])
def test_two_processes_follow_one(system, rate, drawn_faces, tmp_path):
    for devices in ("1", "2"):
        done = train(drawn_faces, tmp_path / devices, *OPTIONS, "--train.devices", devices, system=system)
        assert done.returncode == 0, done.stderr
    one, two = newest_state(tmp_path / "1"), newest_state(tmp_path / "2")
    for network, tensors in one["networks"].items():
        for name, tensor in tensors.items():
            # Singular vectors turn far where singular values lie close together.
            atol = 0.1 if name.endswith(".u") else 2 * STEPS * rate
            other = two["networks"][network][name]
            torch.testing.assert_close(other, tensor, atol=atol, rtol=0.1, msg=f"{network} {name}")
    for name, pool in one["system"].items():
        torch.testing.assert_close(two["system"][name], pool, atol=0.05, rtol=0)  # the same fakes in the same places


@pytest.mark.slow
def test_batch_norm_of_each_process_trains(drawn_faces, tmp_path):
    """pix2pix: two passes of the discriminator, with batch norm, in one loss."""
    done = train(drawn_faces, tmp_path / "run", *OPTIONS, "--train.devices", "2", system="pix2pix")
    assert done.returncode == 0, done.stderr
