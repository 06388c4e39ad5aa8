"""`limner export`: files that compute the same elsewhere, and weights folders to pass on."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import limner
from limner.cli.main import main
from limner.data.schema import get_schema
from limner.data.spec import DataSpec
from limner.errors import ConfigError, LimnerError, MissingExtraError
from limner.export.networks import export_network
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline
from limner.systems.scgan.networks import Generator, Segmentor
from limner.systems.scgan.pipeline import SCGANPipeline

# torch.jit is deprecated in favour of torch.export; who asks for it has a runtime that needs it.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
FORMATS = ("torch-export", "torchscript", "onnx")


@pytest.fixture(autouse=True)
def shipped(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny weights count as the shipped ones."""
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    return tiny_weights


@pytest.fixture
def export(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict]:
    """Run the command with `--json`, expect success, give its document."""

    def run(*words: object) -> dict:
        code = main(["export", *map(str, words), "--json"])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        assert captured.err == ""  # the exporters' own chatter is kept away
        return json.loads(captured.out)

    return run


def run_file(format: str, path: Path, inputs: dict[str, torch.Tensor]) -> np.ndarray:
    """The first output of an exported file, by the runtime that it is for and without our code."""
    if format == "torch-export":
        return torch.export.load(path).module()(*inputs.values()).detach().numpy()
    if format == "torchscript":
        return torch.jit.load(str(path))(*inputs.values()).detach().numpy()
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})[0]


def skip_without_onnx(format: str) -> None:
    if format == "onnx":
        for module in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(module)


@pytest.mark.parametrize("format", FORMATS)
def test_exported_generator_draws_the_pictures_of_the_pipeline(format: str, export, tmp_path: Path) -> None:
    skip_without_onnx(format)
    out = tmp_path / {"torch-export": "g.pt2", "torchscript": "g.pt", "onnx": "g.onnx"}[format]
    report = export("scgan", "--format", format, "--out", out)
    assert report["inputs"] == ["latent", "attributes", "label_map"] and report["outputs"] == ["image"]
    assert report["max_difference"] <= report["allowed_difference"]
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    ids = np.zeros((5, 32, 32), dtype=np.uint8)
    ids[:, 8:20, 8:20] = np.arange(5)[:, None, None]
    expected = limner.load("scgan")(ids, {"Male": 1, "Young": 0.5}, seed=3)
    latent = torch.randn(8, generator=torch.Generator().manual_seed(3)).expand(5, -1).contiguous()
    attributes = torch.tensor([0.0, 0.0, 0.0, 1.0, 0.5]).expand(5, -1).contiguous()
    inputs = {"latent": latent, "attributes": attributes, "label_map": torch.from_numpy(ids).long()}
    images = run_file(format, out, inputs)  # five at once: the batch size is free
    pixels = ((images.transpose(0, 2, 3, 1) + 1) * 127.5).round()
    assert np.abs(pixels - np.stack([np.asarray(image) for image in expected.images])).max() <= 1


def test_exported_segmentor(export, tmp_path: Path) -> None:
    export("scgan", "--format", "torchscript", "--network", "segmentor", "--out", tmp_path / "s.pt")
    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    image = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 127.5 - 1
    logits = run_file("torchscript", tmp_path / "s.pt", {"image": image})
    assert (logits[0].argmax(0) == limner.load("scgan").segment(photo)).mean() > 0.99


def weights_without_attributes(system: str) -> SCGANPipeline | ParserPipeline:
    spec = DataSpec(get_schema("deepfashion-7"))
    if system == "parser":
        network = ParsingNetwork(num_classes=7, num_attributes=0, width=8)
        return ParserPipeline(spec=spec, size=40, parser=network)
    networks = {
        "generator": Generator(image_size=32, num_classes=7, num_attributes=0, latent_size=4, width=8),
        "segmentor": Segmentor(num_classes=7, width=8),
    }
    return SCGANPipeline(spec=spec, size=32, **networks)


@pytest.mark.parametrize("format", ["torch-export", "torchscript"])
@pytest.mark.parametrize("system", ["scgan", "parser"])
def test_weights_without_attributes(system: str, format: str, tmp_path: Path) -> None:
    report = export_network(weights_without_attributes(system), tmp_path / "file", format=format)
    assert report.inputs == (("latent", "label_map") if system == "scgan" else ("image",))
    assert report.max_difference == 0


def test_files_carry_their_metadata(export, shipped: Path, tmp_path: Path) -> None:
    export("scgan", "--format", "torchscript", "--out", tmp_path / "g.pt")
    files = {"limner.json": ""}
    torch.jit.load(str(tmp_path / "g.pt"), _extra_files=files)
    metadata = json.loads(files["limner.json"])
    assert metadata["weights_hash"] == limner.load("scgan").weights_hash
    assert json.loads(metadata["classes"])[:2] == ["background", "skin"]
    assert json.loads(metadata["attributes"])[3] == "Male" and metadata["image_size"] == "32"


def test_a_file_that_differs_is_refused_and_not_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("limner.export.networks.TOLERANCE", -1.0)
    with pytest.raises(LimnerError, match="differs from the network by"):
        export_network(limner.load("scgan"), tmp_path / "g.pt2", format="torchscript")
    assert list(tmp_path.iterdir()) == []


def test_onnx_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)  # so that importing it fails
    with pytest.raises(MissingExtraError, match=r'pip install "limner\[export\]"'):
        export_network(limner.load("scgan"), tmp_path / "g.onnx", format="onnx")
    assert list(tmp_path.iterdir()) == []


def test_unknown_format_by_python(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'no export format "onx"\. Did you mean "onnx"'):
        export_network(limner.load("scgan"), tmp_path / "g", format="onx")


def test_weights_folder_to_pass_on(export, shipped: Path, tmp_path: Path) -> None:
    shutil.copytree(shipped, tmp_path / "run" / "checkpoints" / "000000064" / "pipeline")
    (tmp_path / "card.md").write_text("---\nlicense: CC0-1.0\n---\n# My faces\n")
    (tmp_path / "metrics.json").write_text('{"mIoU": {"value": 0.7, "protocol": "own judge"}}')
    extra = ("--card", tmp_path / "card.md", "--expected", tmp_path / "metrics.json", "--half")
    out = tmp_path / "mine"
    done = export("scgan", "--weights", tmp_path / "run", "--format", "weights", *extra, "--out", out)
    pipeline = limner.load(out)
    assert pipeline.expected == {"mIoU": {"value": 0.7, "protocol": "own judge"}}
    assert (out / "README.md").read_text() == (tmp_path / "card.md").read_text()
    assert done["weights_hash"] == pipeline.weights_hash
    assert done["size_bytes"] == sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    size = (out / "generator" / "model.safetensors").stat().st_size
    assert size < 0.55 * (shipped / "generator" / "model.safetensors").stat().st_size


def test_text_output(shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "scgan", "--format", "torchscript", "--out", str(tmp_path / "g.pt")]) == 0
    assert "latent, attributes, label_map -> image; largest difference from the network" in capsys.readouterr().out
    assert main(["export", "scgan", "--format", "weights", "--out", str(tmp_path / "w")]) == 0
    assert "wrote the weights folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("", 2, "Name a system (scgan, "),
        ("scgan --out O", 2, "--format is missing"),
        ("scgan --format onnx", 2, "--out is missing"),
        ("scgn --format onnx --out O", 2, 'There is no system "scgn". Did you mean "scgan"?'),
        ("scgan --format tflite --out O", 2, '--format is "tflite"; it must be one of onnx, '),
        ("scgan --format torchscript --network critic --out O", 2, 'no network "critic" to export'),
        ("scgan --format torchscript --out D", 2, "is a folder; name a file"),
        ("scgan --format torchscript --out F/x", 1, "cannot be written"),
        ("scgan --format torchscript --half --out O", 2, "--half has no effect with --format torchscript"),
        ("scgan --format torchscript --card F --out O", 2, "--card has no effect"),
        ("scgan --format weights --network generator --out O", 2, "--network has no effect with --format weights"),
        ("scgan --format weights --card nowhere.md --out O", 2, "nowhere.md cannot be read"),
        ("scgan --format weights --expected nowhere.json --out O", 2, "nowhere.json cannot be read"),
        ("scgan --format weights --expected F --out O", 2, "is not valid JSON"),
        ("scgan --format weights --out D", 1, "exists and is not a weights folder"),
        ("scgan --format weights --out F", 1, "exists and is not a weights folder"),
        ("scgan --format weights --weights nope --out O", 1, 'There are no weights "nope"'),
        ("parser --format weights --weights W --out O", 1, 'holds weights of the system "scgan", not of "parser"'),
    ],
)
def test_wrong_use_is_one_sentence_and_writes_nothing(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, code: int, text: str
) -> None:
    paths = {"O": tmp_path / "out", "D": tmp_path / "full", "F": tmp_path / "file", "W": shipped}
    paths["F/x"] = paths["F"] / "x"
    paths["D"].mkdir()
    (paths["D"] / "mine.txt").write_text("mine")
    paths["F"].write_text("text")
    assert main(["export", *(str(paths.get(word, word)) for word in shlex.split(words))]) == code
    captured = capsys.readouterr()
    assert text in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]
    assert [path.name for path in paths["D"].iterdir()] == ["mine.txt"]
