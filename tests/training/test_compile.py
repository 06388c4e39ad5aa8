"""Training through torch.compile takes the steps that it takes without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .runs import train


def losses(run: Path) -> dict[str, float]:
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[0])
    return {key: value for key, value in last.items() if key.startswith(("loss/", "score_"))}


@pytest.mark.slow
@pytest.mark.parametrize("system", ["scgan", "maskface"])
def test_networks_whose_gradients_are_differentiated_again(drawn_faces, tmp_path, system):
    """Gradient penalty and R1 need second derivatives, which compiled graphs do not have."""
    options = ("--train.images", "16", "--train.accelerator", "cpu")
    for compile_ in ("false", "true"):
        done = train(drawn_faces, tmp_path / compile_, *options, "--train.compile", compile_, system=system)
        assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "true") == pytest.approx(losses(tmp_path / "false"), rel=1e-3, abs=1e-4)


@pytest.mark.slow
def test_a_compiler_that_fails_is_named(drawn_faces, tmp_path, monkeypatch):
    """As PyTorch's own does on some networks and layouts, or from a cache that a killed run left half-written."""
    monkeypatch.setenv("CXX", "false")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    options = ("--train.images", "16", "--train.accelerator", "cpu")
    done = train(drawn_faces, tmp_path / "run", *options, "--train.compile", "true", system="pix2pix")
    assert done.returncode == 1
    assert "error: --train.compile true: PyTorch's compiler failed" in done.stderr
    assert "This is a fault in Limner" not in done.stderr
    advice = train(
        drawn_faces, tmp_path / "run", *options, "--train.compile", "false", "--resume", "auto", system="pix2pix"
    )
    assert advice.returncode == 0, advice.stderr
