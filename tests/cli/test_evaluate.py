"""`limner evaluate`: a run of it on files, its outputs, and what it refuses in one sentence."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from limner import hub, registry
from limner.backbones.inception import InceptionV3
from limner.cli.main import main
from limner.data.manifest import open_manifest
from limner.data.schema import LabelSchema
from limner.data.spec import DataSpec
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline
from limner.systems.scgan.networks import Discriminator, Generator, Segmentor
from limner.systems.scgan.pipeline import SCGANPipeline

SCHEMA = LabelSchema(name="shapes", classes=("background", "box"), palette=((0, 0, 0), (255, 0, 0)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set and weights: data, scgan, parser, parser-3 (another schema), broken."""
    root = tmp_path_factory.mktemp("evaluate")
    data = root / "data"
    random = np.random.default_rng(0)
    (data / "images").mkdir(parents=True)
    (data / "labels").mkdir()
    rows, splits = ["name,Dark"], ["name,split"]
    for index in range(12):
        label_map = np.zeros((32, 32), np.uint8)
        label_map[index : index + 12, 8:24] = 1
        image = (label_map[..., None] * 120 + random.integers(0, 90, (32, 32, 3))).astype(np.uint8)
        Image.fromarray(image).save(data / "images" / f"{index}.png")
        Image.fromarray(label_map).save(data / "labels" / f"{index}.png")
        rows.append(f"{index}.png,{index % 2}")
        splits.append(f"{index}.png,{'test' if index < 4 else 'train'}")
    (data / "attributes.csv").write_text("\n".join(rows) + "\n")
    (data / "splits.csv").write_text("\n".join(splits) + "\n")
    (data / "schema.json").write_text(json.dumps(SCHEMA.to_json()))

    torch.manual_seed(0)
    spec = DataSpec(SCHEMA, ("Dark",))
    SCGANPipeline(
        spec=spec,
        size=32,
        generator=Generator(
            image_size=32, num_classes=2, num_attributes=1, latent_size=4, architecture="stepwise", width=8
        ),
        segmentor=Segmentor(num_classes=2, architecture="paper", width=8),
        discriminator=Discriminator(image_size=32, num_attributes=1, width=8),
    ).save_pretrained(root / "scgan")
    for name, names in (("parser", ("background", "box")), ("parser-3", ("background", "box", "sky"))):
        palette = ((0, 0, 0), (255, 0, 0), (0, 0, 255))[: len(names)]
        other = DataSpec(LabelSchema(name=f"shapes-{len(names)}", classes=names, palette=palette), ("Dark",))
        network = ParsingNetwork(num_classes=len(names), num_attributes=1, width=8)
        ParserPipeline(spec=other, size=32, parser=network).save_pretrained(root / name)
    return root


def scgan(folder, *options: str) -> list[str]:
    return [
        "evaluate",
        "scgan",
        *("--weights", str(folder / "scgan")),
        *("--judge", str(folder / "parser")),
        *("--data", str(folder / "data")),
        *("--num-images", "6", "--device", "cpu"),
        *options,
    ]


def test_scgan_to_text_json_and_folder(folder, tmp_path, capsys):
    out, file = tmp_path / "report", tmp_path / "sub" / "scores.json"
    assert main(scgan(folder, "--out", str(out), "--json", str(file))) == 0
    text = capsys.readouterr().out
    assert "| mIoU by judge parser, generated |" in text
    assert "| SCGAN | 10.20 | 79.11 | 98.95 | published |" in text
    assert sorted(path.name for path in out.iterdir()) == ["report.json", "report.md", "sheet.png", "worst.png"]
    assert json.loads(file.read_text()) == json.loads((out / "report.json").read_text())


@pytest.mark.parametrize("options", [["--json"], ["--json", "-"], ["--json=-"]])
def test_json_on_standard_output(folder, capsys, options):
    assert main(scgan(folder, *options)) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["provenance"]["weights"] == "scgan"
    fingerprint = open_manifest(folder / "data").split("test").fingerprint()
    assert values["measurements"]["own_mean_iou"]["protocol"]["data_fingerprint"] == fingerprint
    assert values["measurements"]["own_attribute_accuracy"]["value"] is not None


def test_parser(folder, capsys):
    assert main(["evaluate", "parser", "--weights", str(folder / "parser"), "--data", str(folder / "data")]) == 0
    assert "| pixel accuracy |" in capsys.readouterr().out


def test_features_of_another_parser(folder, capsys):
    assert main(scgan(folder, "--features", f"parser:{folder / 'parser-3'}", "--json")) == 0
    fd = json.loads(capsys.readouterr().out)["measurements"]["fd"]
    assert fd["protocol"]["network"] == "parser parser-3"


def test_shipped_features_name_their_distance(folder, tmp_path, monkeypatch, capsys):
    shutil.copytree(folder / "parser", tmp_path / "shipped" / hub.PEOPLE_FEATURES)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tmp_path / "shipped"))
    assert main(scgan(folder, "--features", "people", "--json")) == 0
    measurements = json.loads(capsys.readouterr().out)["measurements"]
    assert measurements["fd"]["protocol"]["metric"] == "FID-people, generated"
    assert measurements["kid_real"]["protocol"]["metric"] == "KID-people, real (the floor)"
    assert measurements["fd"]["protocol"]["network"] == f"people {hub.PEOPLE_FEATURES}"


def test_real_images_are_seen_once(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    seen: list[str] = []
    monkeypatch.setattr("limner.cli.evaluate.progress", lambda it, desc="", **_: (seen.append(desc), it)[1])

    def values() -> dict[str, float]:
        assert main(scgan(folder, "--json")) == 0
        report = json.loads(capsys.readouterr().out)
        return {key: value["value"] for key, value in report["measurements"].items()}

    first, second = values(), values()
    assert seen.count("reference images") == 1
    assert second == pytest.approx(first, rel=1e-5)
    (cached,) = (tmp_path / "statistics").iterdir()
    cached.write_bytes(b"damaged")
    assert values() == pytest.approx(first, rel=1e-5)
    assert seen.count("reference images") == 2


@pytest.fixture(scope="module")
def inception(tmp_path_factory) -> Path:
    """Inception-v3 with random weights."""
    path = tmp_path_factory.mktemp("inception") / "inception.pth"
    random = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in InceptionV3().state_dict().items()}
    state = {
        name: torch.randn(shape, generator=random) * (2 / max(1, shape[1:].numel())) ** 0.5
        for name, shape in shapes.items()
        if not name.endswith("num_batches_tracked")
    }
    torch.save({name: 1 + 0 * t if "running_var" in name else t for name, t in state.items()}, path)
    return path


def test_fid_of_few_images_is_refused(folder, inception, monkeypatch, capsys):
    digest = hashlib.sha256(inception.read_bytes()).hexdigest()
    published = dataclasses.replace(hub.PUBLISHED["inception-v3-fid"], sha256=digest)
    monkeypatch.setitem(hub.PUBLISHED, "inception-v3-fid", published)
    assert main(scgan(folder, "--features", f"inception:{inception}")) == 2
    assert (
        "FID needs more images than features, generated and real: 6 images do not span 2048" in capsys.readouterr().err
    )


@pytest.mark.slow
def test_other_weights_of_inception_are_not_called_fid(folder, inception, capsys):
    assert main(scgan(folder, "--num-images", "12", "--features", f"inception:{inception}", "--json")) == 0
    measurements = json.loads(capsys.readouterr().out)["measurements"]
    metrics = {key: value["protocol"]["metric"] for key, value in measurements.items()}
    assert metrics["fd"] == "FD-inception-v3, generated"
    assert metrics["inception_score"] == "Inception Score-inception-v3, generated"
    assert measurements["fd"]["protocol"]["resize"] == "bilinear to 299 px"


REFUSALS = {
    "no data": (lambda f: ["evaluate", "scgan"], 2, "data"),
    "data missing": (lambda f: scgan(f, "--data", str(f / "none")), 1, "none"),
    "unknown system": (lambda f: ["evaluate", "scgun", "--data", "x"], 2, 'Did you mean "scgan"'),
    "unknown split": (lambda f: scgan(f, "--split", "val"), 1, 'no samples in the split "val"'),
    "one image": (lambda f: scgan(f, "--num-images", "1"), 2, "1 image of 4 label maps (split test) are too few"),
    "no number": (lambda f: scgan(f, "--num-images", "many"), 2, "num"),
    "negative seed": (lambda f: scgan(f, "--seed", "-1"), 2, "--seed is -1"),
    "empty batch": (lambda f: scgan(f, "--batch-size", "0"), 2, "--batch-size is 0"),
    "unknown table": (lambda f: scgan(f, "--table", "scgan-celebs"), 2, 'Did you mean "scgan-celeba"'),
    "inception": (lambda f: scgan(f, "--features", "inception"), 2, "FD-parser"),
    "inception's file missing": (lambda f: scgan(f, "--features", "inception:none.pth"), 1, "no file none.pth"),
    "unknown features": (lambda f: scgan(f, "--features", "vgg"), 2, "parser:WEIGHTS"),
    "download of nothing": (lambda f: scgan(f, "--download"), 2, "--download has no effect without --features"),
    "download of a file": (
        lambda f: scgan(f, "--features", "inception:none.pth", "--download"),
        2,
        "--download has no effect without --features inception",
    ),
    "unknown device": (lambda f: scgan(f, "--device", "gpu"), 2, '"gpu"'),
    "unknown option": (lambda f: scgan(f, "--split-name", "x"), 2, "--split-name"),
    "unknown weights": (lambda f: scgan(f, "--weights", str(f / "none")), 1, "none"),
    "judge of another schema": (lambda f: scgan(f, "--judge", str(f / "parser-3")), 2, '"shapes-3" (3 classes)'),
    "judge judges nothing": (lambda f: scgan(f, "--judge", str(f / "scgan")), 2, '"scgan", which judges nothing'),
    "unknown judge": (lambda f: scgan(f, "--judge", "dlib-embeding"), 1, 'Did you mean "dlib-embedding"'),
    "one judge twice": (
        lambda f: scgan(f, *["--judge", str(f / "parser")] * 2),
        2,
        'Two judges are called "parser", and so would their numbers be',
    ),
    "weights are no scgan": (lambda f: scgan(f, "--weights", str(f / "parser")), 1, '"parser", not of "scgan"'),
    "out is a file": (lambda f: scgan(f, "--out", str(f / "data" / "schema.json")), 2, "is a file"),
    "json is a folder": (lambda f: scgan(f, "--json", str(f / "data")), 2, "is a folder"),
    "parser with judge": (
        lambda f: ["evaluate", "parser", *scgan(f, "--weights", str(f / "parser"), "--num-images", "2")[2:]],
        2,
        'There is no option "--judge"',
    ),
    "scgan without data": (lambda f: scgan(f, "--data", ""), 2, "--data is missing"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refused_in_one_sentence(folder, capsys, name):
    build, code, words = REFUSALS[name]
    assert main(build(folder)) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert words in lines[0]


def test_data_without_an_attribute_of_the_weights(folder, tmp_path, capsys):
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("images", "labels", "schema.json", "splits.csv"):
        (bare / name).symlink_to(folder / "data" / name)
    assert main(scgan(folder, "--data", str(bare), "--json")) == 0
    found = json.loads(capsys.readouterr().out)["measurements"]
    drawn = "attributes drawn, as the data name none of them"
    assert drawn in found["judge_attribute_accuracy"]["protocol"]["settings"]
    assert (
        drawn in found["fd"]["protocol"]["settings"]
        and drawn not in found["judge_mean_iou_real"]["protocol"]["settings"]
    )
    assert "judge_attribute_accuracy_real" not in found, "the true attributes are not known"
    parser = ["evaluate", "parser", "--weights", str(folder / "parser"), "--data", str(bare), "--json"]
    assert main(parser) == 0
    assert "attribute_accuracy" not in json.loads(capsys.readouterr().out)["measurements"]


def test_judged_numbers_stand_beside_those_of_real_pictures(folder, capsys):
    assert main(scgan(folder)) == 0
    text = capsys.readouterr().out
    assert "| metric | value | 95 % interval | real pictures in their place | images | split |" in text
    assert main(scgan(folder, "--json")) == 0
    found = json.loads(capsys.readouterr().out)["measurements"]
    for key in ("judge_mean_iou", "judge_pixel_accuracy", "own_mean_iou", "judge_attribute_accuracy", "fd"):
        assert found[key]["ceiling"] == found[f"{key}_real"]["value"], key
    assert "ceiling" not in found["judge_mean_iou_real"] and "ceiling" not in found["diversity_pixels"]


def test_a_second_judge_has_numbers_of_its_own(folder, tmp_path, capsys):
    shutil.copytree(folder / "parser", tmp_path / "second")
    assert main(scgan(folder, "--judge", str(tmp_path / "second"), "--json")) == 0
    found = json.loads(capsys.readouterr().out)["measurements"]
    for key in ("mean_iou", "pixel_accuracy", "mean_iou_real"):
        assert found[f"judge_second_{key}"]["value"] == found[f"judge_{key}"]["value"]
    assert found["judge_second_mean_iou"]["ceiling"] == found["judge_mean_iou_real"]["value"]
    assert "judge second" in found["judge_second_mean_iou"]["protocol"]["metric"]


def test_a_judge_that_is_lost_in_these_pictures_is_not_believed(folder, tmp_path, capsys):
    judge = ParserPipeline.from_pretrained(folder / "parser")
    judge.save_pretrained(tmp_path / "at-home", expected={"mean_iou": 0.99, "protocol": "500 rendered faces"})
    command = [*scgan(folder), "--out", str(tmp_path / "report")]
    command[command.index("--judge") + 1] = str(tmp_path / "at-home")
    assert main([*command, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["measurements"]["judge_mean_iou_ratio"]["value"] is None
    assert values["measurements"]["judge_mean_iou_ratio"]["note"].startswith(
        "left out, as the judge at-home is outside"
    )
    assert "its own 99.0 % (500 rendered faces)" in values["warnings"][0]
    text = (tmp_path / "report/report.md").read_text()
    assert "**The judge at-home is outside its kind of data" in text
    judge.save_pretrained(tmp_path / "modest", expected={"mean_iou": 0.01})
    command[command.index("--judge") + 1] = str(tmp_path / "modest")
    assert main([*command, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["measurements"]["judge_mean_iou_ratio"]["value"] > 0 and "warnings" not in values


def test_report_has_a_head(folder, tmp_path, capsys):
    assert main(scgan(folder, "--out", str(tmp_path / "report"))) == 0
    lines = (tmp_path / "report/report.md").read_text().splitlines()
    assert lines[0] == "# scgan: the weights scgan"
    assert re.fullmatch(r"- date: \d{4}-\d{2}-\d{2}", lines[2])
    assert lines[3].startswith("- command: `limner evaluate scgan --weights ")
    assert lines[4] == "- data: data, split test"
    assert re.fullmatch(r"- weights: scgan \(hash [0-9a-f]{12}\)", lines[5])


@pytest.mark.parametrize("name", registry.system_names())
def test_help_speaks_of_what_the_system_has(name, capsys):
    task = registry.task(name)
    assert main(["evaluate", name, "--help"]) == 0
    text = capsys.readouterr().out
    for option, is_there in {
        "--judge": bool(task.accepted_judges),
        "--features": bool(task.features),
        "--table": bool(task.tables),
        "--fix-sides": "fix_sides" in task.data_options,
        "--fit": "fit" in task.data_options,
        "--kind": "kind" in task.data_options,
        "--colors": "colors" in task.data_options,
    }.items():
        assert (f"{option} " in text or f"[{option}" in text) == is_there, option


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scgan", "distances between sets; the judge by default"),
        ("hfgan", "distances between sets; no such distances by default"),
        ("scagan", "distances between sets; no such distances by default"),
        ("painter", "sees classes in pictures; none by default"),
    ],
)
def test_help_says_what_there_is_without_features(name, words, capsys):
    assert main(["evaluate", name, "--help"]) == 0
    assert words in " ".join(capsys.readouterr().out.split())


def test_processes_that_cannot_meet(monkeypatch, capsys):
    """Slurm, for one, sets WORLD_SIZE in some shells and nothing else."""
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for value, said in (("2", "start with torchrun"), ("two", "whole number")):
        monkeypatch.setenv("WORLD_SIZE", value)
        assert main(["evaluate", "scgan", "--data", "faces"]) == 2
        assert said in capsys.readouterr().err


def test_help_without_torch():
    code = (
        "import sys; from limner.cli.main import main; main(['evaluate', '--help']);"
        "import limner.cli.evaluate; sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "limner evaluate scgan" in done.stdout
