"""ONNX Runtime in place of PyTorch: the same pictures to a rounding, named in what is written, drawn again alike."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import limner
from limner.cli.main import main
from limner.errors import ConfigError, LimnerError
from limner.files import cache_folder
from limner.plan import GenerationPlan
from limner.results import read_result
from limner.runtimes import OnnxForward, run_by
from limner.systems.scgan.pipeline import SCGANPipeline


class Found(NamedTuple):
    """Outputs of `Toy`: some of them none."""

    total: Tensor
    nothing: None
    parts: dict[str, Tensor]


class Toy(nn.Module):
    """Takes and gives what networks do: named values, dicts, none."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layer = nn.Linear(3, 2)
        self.calls = 0

    def forward(self, image: Tensor, more: dict[str, Tensor], scale: float = 1.0, rest: None = None) -> Found:
        """(b, 3), {"a": (b, 3)} -> (b, 2) in parts."""
        self.calls += 1
        one = self.layer(image)
        return Found(one * scale + self.layer(more["a"]), rest, {"one": one})


@pytest.fixture
def needs_onnx() -> None:
    """Only where the extra `export` is installed."""
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module)


@pytest.fixture
def shipped(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny weights count as the shipped ones."""
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))


def label_map() -> np.ndarray:
    """Some stripes of classes."""
    return (np.arange(32)[:, None] // 8 + np.zeros((1, 32))).astype(np.uint8)


def test_a_network_of_any_inputs_and_outputs(
    needs_onnx: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    network = Toy(0)
    twin = run_by(network, OnnxForward(network, name="toy", weights_hash="0" * 64))
    with torch.inference_mode():
        for batch in (1, 3):  # the size of the batch is free: one file
            image, more = torch.randn(batch, 3), {"a": torch.randn(batch, 3)}
            expected, found = network(image, more, scale=2.0), twin(image, more, scale=2.0)
            assert isinstance(found, Found) and found.nothing is None
            assert torch.allclose(found.total, expected.total, atol=1e-6)
            assert torch.allclose(found.parts["one"], expected.parts["one"], atol=1e-6)
        calls = network.calls
        twin(image, more, scale=2.0)
        assert network.calls == calls  # PyTorch is no longer asked
        (file,) = tmp_path.rglob("*.onnx")
        # A file that computes something else, as of a killed or foreign program, is not believed.
        caplog.clear()
        other = Toy(1)
        changed = run_by(other, OnnxForward(other, name="toy", weights_hash="0" * 64))
        found = changed(image, more, scale=2.0)
        assert torch.allclose(found.total, other(image, more, scale=2.0).total, atol=1e-6)
        assert [path.name for path in tmp_path.rglob("*.onnx")] == [file.name]
        assert "is exported for ONNX Runtime" in caplog.text


def test_a_network_that_cannot_be_exported_is_one_sentence(
    needs_onnx: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))

    class Branches(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return image if bool(image.sum() > 0) else -image

    network = Branches()
    with pytest.raises(
        LimnerError, match=r"^branches cannot be exported for ONNX Runtime \(.*draw with the runtime torch"
    ):
        run_by(network, OnnxForward(network, name="branches", weights_hash="1" * 64))(torch.randn(2, 3))
    assert not list(tmp_path.rglob("*.onnx"))

    class TakesAnything(nn.Module):
        def forward(self, image: Tensor, more: object) -> Tensor:
            return image

    anything = TakesAnything()
    with pytest.raises(
        LimnerError, match=r"^anything cannot be exported for ONNX Runtime \(a set among its inputs or outputs\); draw"
    ):
        run_by(anything, OnnxForward(anything, name="anything", weights_hash="1" * 64))(torch.randn(2, 3), {1})


def test_pictures_by_onnx_runtime(
    needs_onnx: None,
    shipped: None,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipe = limner.load("scgan", runtime="onnx")
    result = pipe(label_map(), {"Male": 1}, seed=3, num_images=2)
    usual = limner.load("scgan")(label_map(), {"Male": 1}, seed=3, num_images=2)
    pixels = [np.stack([np.asarray(image) for image in one.images]).astype(int) for one in (result, usual)]
    assert np.abs(pixels[0] - pixels[1]).max() <= 1 and pixels[0].std() > 1
    assert result.plan.runtime == "onnx" and usual.plan.runtime == "torch"
    assert result.provenance["onnxruntime"] == sys.modules["onnxruntime"].__version__
    assert "onnxruntime" not in usual.provenance and result.digest != usual.digest
    # What is written says so; what PyTorch drew is written as ever.
    (first, _), (other, _) = result.save(tmp_path / "onnx"), usual.save(tmp_path / "torch")
    assert Image.open(first).info["limner:onnxruntime"] == result.provenance["onnxruntime"]
    assert "limner:onnxruntime" not in Image.open(other).info
    records = [json.loads((tmp_path / name / "result.json").read_text()) for name in ("onnx", "torch")]
    assert [record["format_version"] for record in records] == [3, 2]
    assert records[0]["runtime"] == "onnx" and "runtime" not in records[1]
    # Drawn again from the record alone: by what drew it, to the same bytes, and without another export.
    caplog.clear()
    assert main(["generate", "--from", str(tmp_path / "onnx" / "result.json"), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / first.name).read_bytes() == first.read_bytes()
    assert "exported" not in caplog.text and list((cache_folder() / "onnx").rglob("generator-*.onnx"))
    # Unless another runtime is asked for.
    words = [
        "--from",
        str(tmp_path / "onnx" / "result.json"),
        "--runtime",
        "torch",
        "--out",
        str(tmp_path / "by-torch"),
    ]
    assert main(["generate", *words]) == 0
    assert (tmp_path / "by-torch" / first.name).read_bytes() == other.read_bytes()
    capsys.readouterr()


def test_without_the_package_torch_draws(
    shipped: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # so that nobody finds it
    pipe = limner.load("scgan", runtime="onnx")
    result = pipe(label_map(), seed=3)
    pipe(label_map(), seed=4)
    assert result.plan.runtime == "torch" and "onnxruntime" not in result.provenance
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    said = [message for message in messages if "PyTorch draws instead of ONNX Runtime" in message]
    assert len(said) == 1 and 'pip install "limner[export]"' in said[0]
    usual = limner.load("scgan")(label_map(), seed=3)
    assert result.digest == usual.digest and np.array_equal(result.images[0], usual.images[0])


def test_unknown_runtimes(shipped: None, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'There is no runtime "onx"\. Did you mean "onnx"'):
        limner.load("scgan", runtime="onx")  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match="runtime is 'auto'; it must be"):
        GenerationPlan([1], {}, {}, runtime="auto")  # type: ignore[arg-type]
    result = limner.load("scgan")(label_map())
    result.save(tmp_path)
    record = json.loads((tmp_path / "result.json").read_text())
    (tmp_path / "result.json").write_text(json.dumps({**record, "runtime": "tensorrt"}))
    with pytest.raises(LimnerError, match="is not a result"):
        read_result(tmp_path / "result.json")
    assert isinstance(limner.load("scgan"), SCGANPipeline)


@pytest.mark.parametrize("weights", ["facejudge-people-64", "parser-people-64"])
def test_what_draws_nothing_has_one_runtime(weights: str) -> None:
    """It was taken and had no effect."""
    folder = Path(__file__).parents[2] / "weights" / weights
    with pytest.raises(ConfigError, match="draws nothing, and PyTorch alone judges and labels"):
        limner.load(folder, runtime="onnx")
    assert limner.load(folder, runtime="torch").runtime == "torch"


def test_a_runtime_is_refused_where_nothing_is_drawn(
    shipped: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "photo.png")
    command = ["generate", "scgan", "--segment", str(tmp_path / "photo.png"), "--out", str(tmp_path / "out")]
    assert main([*command, "--runtime", "onnx"]) == 2
    assert "--runtime onnx has an effect where networks draw, and here none does" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*command, "--runtime", "torch"]) == 0
