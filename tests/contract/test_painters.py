"""What every system promises that paints label maps: real networks at smoke size, on drawn faces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from limner import registry
from limner.cli.main import main
from limner.data.image_io import save_label_map
from limner.data.manifest import Manifest, open_manifest
from limner.export.networks import export_network
from limner.pipelines import Pipeline, load

PAINTERS = ("scgan", "pix2pix", "cyclegan", "spade", "maskface")
pytestmark = pytest.mark.parametrize("name", PAINTERS)


@pytest.fixture(scope="module")
def manifest(drawn_faces) -> Manifest:
    return open_manifest(drawn_faces)


@pytest.fixture(scope="module")
def folders(manifest, tmp_path_factory) -> dict[str, Path]:
    """Untrained weights of every system, and of a judge."""
    root = tmp_path_factory.mktemp("painters")
    folders = {}
    for name in (*PAINTERS, "parser"):
        torch.manual_seed(0)
        system = registry.system_class(name)(registry.preset(name, "smoke"), manifest.spec)
        if name == "spade":  # the paper's first values paint all but grey, whatever the seed
            torch.nn.init.normal_(system.networks["generator"].to_rgb.weight)
        folders[name] = system.pipeline(system.networks).save_pretrained(root / name)
    return folders


@pytest.fixture
def pipeline(name, folders) -> Pipeline:
    return load(folders[name])


def test_a_picture_is_the_same_in_any_company(name, pipeline, manifest):
    label_map = torch.stack([torch.from_numpy(manifest.read_label_map(row)) for row in manifest.rows[:3]]).long()
    label_map = label_map[:, ::2, ::2]  # 64 px -> 32 px
    attributes = torch.zeros(3, len(pipeline.spec.attribute_names))
    with pipeline.inference():
        together = pipeline.paint(label_map, attributes, [4, 5, 6])
        again = pipeline.paint(label_map, attributes, [4, 5, 6])
        alone = pipeline.paint(label_map[1:2], attributes[1:2], [5])
    assert torch.equal(together, again)
    assert together.shape == (3, 3, 32, 32) and together.abs().max() <= 1
    torch.testing.assert_close(alone, together[1:2], atol=1e-4, rtol=0)  # a batch sums in another order


def test_the_seed_changes_the_picture_where_there_is_noise(name, pipeline, manifest):
    label_map = manifest.read_label_map(manifest.rows[0])
    images = pipeline.render(pipeline.plan(label_map, seed=3, num_images=2)).images
    assert (images[0].tobytes() == images[1].tobytes()) == (name == "cyclegan")
    assert pipeline.render(pipeline.plan(label_map, seed=4)).images[0].tobytes() == images[1].tobytes()


def test_command_line(name, folders, manifest, tmp_path, capsys):
    schema = manifest.spec.schema
    (tmp_path / "maps").mkdir()
    for index in range(2):
        save_label_map(tmp_path / f"maps/{index}.png", manifest.read_label_map(manifest.rows[index]), schema)
    command = ["generate", name, "--weights", str(folders[name]), "--seed", "7"]
    assert main([*command, "--label-map", str(tmp_path / "maps"), "--out", str(tmp_path / "out"), "--json"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0", "1"]
    assert (tmp_path / "out/0/seed-000007.png").is_file()
    capsys.readouterr()
    source = ["--from", str(tmp_path / "out/0/result.json"), "--weights", str(folders[name])]
    assert main(["generate", *source, "--out", str(tmp_path / "again")]) == 0
    first, second = (tmp_path / folder / "seed-000007.png" for folder in ("out/0", "again"))
    assert first.read_bytes() == second.read_bytes()
    assert main([*command, "--out", str(tmp_path / "other")]) == 2
    assert "--label-map is missing" in capsys.readouterr().err


def test_evaluation(name, folders, manifest, tmp_path):
    file = tmp_path / "scores.json"
    command = ["evaluate", name, "--weights", str(folders[name]), "--judge", str(folders["parser"])]
    options = ["--num-images", "6", "--split", "train", "--data", str(manifest.root), "--json", str(file)]
    assert main([*command, *options]) == 0
    measurements = json.loads(file.read_text())["measurements"]
    assert {"judge_mean_iou", "judge_pixel_accuracy", "fd", "diversity_pixels"} <= set(measurements)
    assert ("own_mean_iou" in measurements) == (name == "scgan")
    assert ("judge_attribute_accuracy" in measurements) == (name == "scgan")
    assert measurements["fd"]["protocol"]["data_fingerprint"] == manifest.split("train").fingerprint()
    assert (measurements["diversity_pixels"]["value"] > 0) == (name != "cyclegan")


@pytest.mark.parametrize(
    "format",
    ["torchscript", pytest.param("torch-export", marks=pytest.mark.slow), pytest.param("onnx", marks=pytest.mark.slow)],
)
def test_export(name, pipeline, tmp_path, format):
    if format == "onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxscript")
    report = export_network(pipeline, tmp_path / "generator", format=format)
    assert report.inputs[-1] == "label_map" and report.outputs == ("image",)
    assert report.path.stat().st_size > 0
