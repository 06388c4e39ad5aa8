"""A training that does not fit into memory names three options and their cost."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from limner.errors import TrainingError
from limner.memory import memory_named, remedies
from limner.systems.scgan.presets import smoke

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))  # of addresses: so that nobody's memory is filled
from limner.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit addresses")
def test_the_command_says_what_helps(python: Callable[..., Any], drawn_faces: Path, tmp_path: Path) -> None:
    words = ["train", "scgan", "--preset", "smoke", "--data", str(drawn_faces), "--out", str(tmp_path / "run")]
    done = python("-c", LIMITED, *words, "--train.precision", "32-true", "--model.generator_width", "4096")
    assert done.returncode == 1, done.stderr
    (said,) = re.findall(r"^error: There is not enough memory for this training: (.*)$", done.stderr, re.M)
    assert said.startswith("--train.accumulate") and said.count("; ") == 2
    assert "--train.precision bf16-mixed" in said and "--train.batch_size" in said
    assert "Traceback" not in done.stderr


def test_what_cannot_be_taken_is_not_offered() -> None:
    config = smoke()
    train = dataclasses.replace(config.train, batch_size=1, accumulate=1, precision="bf16-mixed")
    config = dataclasses.replace(config, train=train)
    found = remedies(config)
    assert len(found) == 3 and found[0].startswith("--model.image_size")
    assert not any(flag in text for text in found for flag in ("accumulate", "precision", "batch_size"))
    with (
        pytest.raises(TrainingError, match=r"not enough memory for this training: --model\.image_size"),
        memory_named(config),
    ):
        torch.empty(2**50)
    with pytest.raises(TrainingError, match="not enough memory"), memory_named(config):
        bytearray(2**62)
    with pytest.raises(RuntimeError, match="size"), memory_named(config):  # another fault stays what it is
        torch.ones(2) + torch.ones(3)
