"""No output replaces an input, whatever the task; without `--force` an input is not called an old output either."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from limner.cli.main import main
from limner.data.schema import get_schema
from limner.data.spec import DataSpec
from limner.errors import ConfigError
from limner.files import keeping, write_text_atomically
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline

from ..contract.stored import smoke_pipeline
from .test_bad_input import contents


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_weights: Path, drawn_faces: Path) -> Path:
    """Photos, maps named as the outputs will be, weights; also the current folder."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "maps").mkdir()
    for number in range(2):
        shutil.copy(drawn_faces / f"CelebA-HQ-img/{number}.png", tmp_path / "photos")
        shutil.copy(drawn_faces / f"CelebAMaskHQ-mask/{number}.png", tmp_path / "maps")
    shutil.copy(drawn_faces / "CelebAMaskHQ-mask/0.png", tmp_path / "maps/seed-000000.png")
    (tmp_path / "scgan").symlink_to(tiny_weights)
    _parser().save_pretrained(tmp_path / "parser")
    smoke_pipeline("portrait", drawn_faces).save_pretrained(tmp_path / "portrait")
    smoke_pipeline("cyclegan", drawn_faces).save_pretrained(tmp_path / "cyclegan")
    smoke_pipeline("painter", drawn_faces).save_pretrained(tmp_path / "painter")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _parser(seed: int = 0) -> ParserPipeline:
    torch.manual_seed(seed)
    network = ParsingNetwork(num_classes=19, num_attributes=0, width=8)
    return ParserPipeline(spec=DataSpec(get_schema("celebamask-19")), size=32, parser=network)


COMMANDS = [
    "generate parser --weights parser --image photos --out photos",
    "generate parser --weights parser --image photos/0.png --out photos",
    "generate parser --weights parser --image photos/0.png photos/1.png --out link",
    "generate scgan --weights scgan --segment photos --out photos",
    "generate portrait --weights portrait --parse photos --out photos",
    "generate cyclegan --weights cyclegan --segment photos --out photos",
    "generate scgan --weights scgan --label-map maps/seed-000000.png --out maps",
    "generate cyclegan --weights cyclegan --label-map maps/seed-000000.png --out maps",
    "generate scgan --weights scgan --label-map maps/0.png --like old/result.json --out old",
    "generate painter --weights painter --image photos/0.png --strokes 5 --json painter/pipeline.json --out out",
    "data convert maps --from celebamask-19 --to scgan-celeba-7 --out maps",
    "data convert maps/0.png --from celebamask-19 --to scgan-celeba-7 --out maps/0.png",
    "data show set --schema celebamask-19 --out set/images/0.png",
    "export scgan --weights scgan --format torchscript --out scgan/generator/model.safetensors",
    "export scgan --weights scgan --format weights --out scgan",
    "export scgan --weights scgan --format torchscript --out card.md --card card.md",
]


@pytest.mark.parametrize("force", ["", " --force"], ids=["", "force"])
@pytest.mark.parametrize("command", COMMANDS)
def test_inputs_stay_as_they_are(command: str, force: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "link").symlink_to("photos")
    shutil.copytree(place / "photos", place / "set/images")
    shutil.copytree(place / "maps", place / "set/labels")
    (place / "set/labels/seed-000000.png").unlink()
    if "--like" in command:
        words = "generate scgan --weights scgan --label-map maps/0.png --out old --seed 9"
        assert main(shlex.split(words)) == 0
    if command.startswith("export"):
        force = ""
    before = contents(place)
    capsys.readouterr()
    code = main(shlex.split(command + force))
    captured = capsys.readouterr()
    assert code in (1, 2) and captured.err.startswith("error: ") and captured.err.count("\n") == 1, captured.err
    if force or "photos" in command or command.startswith("export"):
        asked = "is an input" in captured.err or "exists already" in captured.err or "has no effect" in captured.err
        assert asked, captured.err
    assert contents(place) == before
    assert "were there already" not in captured.out


def test_a_result_may_be_made_again_where_it_lies(place: Path) -> None:
    assert main(shlex.split("generate scgan --weights scgan --label-map maps/0.png --out old")) == 0
    picture = (place / "old/seed-000000.png").read_bytes()
    (place / "old/seed-000000.png").unlink()
    assert main(shlex.split("generate --from old/result.json --weights scgan --out old")) == 0
    assert (place / "old/seed-000000.png").read_bytes() == picture


def test_words_that_are_names_of_folders_are_no_inputs(place: Path, tmp_path: Path) -> None:
    """`--attribute`, `--device` and choices are words, whatever lies in the folder."""
    command = "generate scgan --weights scgan --label-map maps/0.png --device cpu --out cpu"
    assert main(shlex.split(command)) == 0
    assert main(shlex.split(command + " --force")) == 0


def test_an_output_of_a_python_program_replaces_nothing_that_it_keeps(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    with keeping([tmp_path / "a.txt"]):
        write_text_atomically(tmp_path / "b.txt", "new")
        with pytest.raises(ConfigError, match="is an input"):
            write_text_atomically(tmp_path / "a.txt", "new")
    write_text_atomically(tmp_path / "a.txt", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_no_private_path_travels_in_a_painting(drawn_faces: Path, tmp_path: Path, monkeypatch) -> None:
    painter = smoke_pipeline("painter", drawn_faces)
    secret = tmp_path / "home of somebody/vgg16.pth"
    secret.parent.mkdir()
    secret.write_bytes(b"no weights: they are read when the plan is painted")
    monkeypatch.setitem(painter.components["actor"].config, "features", "vgg16")
    face = np.zeros((32, 32, 3), np.uint8)
    plan = painter.plan(Image.fromarray(face), 3, vgg16=secret)
    assert "somebody" not in json.dumps(plan.to_json()) and plan.settings["vgg16_sha256"]
    assert painter._vgg16_file(plan.settings) == secret


def test_a_label_map_is_that_of_this_photo_and_these_weights(place: Path, drawn_faces: Path, capsys) -> None:
    command = shlex.split("generate parser --weights parser --image photos/0.png --out out")
    assert main(command) == 0
    first = (place / "out/0.png").read_bytes()
    assert main(command) == 0 and "there already" in capsys.readouterr().out
    shutil.copy(drawn_faces / "CelebA-HQ-img/5.png", place / "photos/0.png")
    assert main(command) == 1
    assert (
        "out/0.png is there already, but not as the label map of photos/0.png as it is now" in capsys.readouterr().err
    )
    assert (place / "out/0.png").read_bytes() == first
    assert main([*command, "--force"]) == 0 and (place / "out/0.png").read_bytes() != first
    _parser(seed=1).save_pretrained("parser")
    assert main(command) == 1 and "by the weights parser" in capsys.readouterr().err
    Image.new("L", (32, 32), 1).save(place / "out/0.png")  # somebody's own
    assert main(command) == 1


EVALUATIONS = [
    "--json data/images/0.png",
    "--json data/attributes.csv",
    "--json data/splits.csv",
    "--json weights/pipeline.json",
    "--json weights/generator/model.safetensors",
    "--json run/checkpoints/000000064/state.safetensors --weights run",
    "--json run/metrics.jsonl --weights run",
    "--json judge/pipeline.json --judge judge",
    "--out data/pictures",
]


@pytest.fixture
def scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn_faces: Path) -> Path:
    """A data set with tables, weights, a run and a judge; also the current folder."""
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    (data / "labels").mkdir()
    for number in range(4):
        shutil.copy(drawn_faces / f"CelebA-HQ-img/{number}.png", data / "images")
        shutil.copy(drawn_faces / f"CelebAMaskHQ-mask/{number}.png", data / "labels")
    (data / "schema.json").write_text('{"name": "celebamask-19"}')
    (data / "splits.csv").write_text("name,split\n" + "".join(f"{number},test\n" for number in range(4)))
    (data / "attributes.csv").write_text("name,Smiling\n" + "".join(f"{number},{number % 2}\n" for number in range(4)))
    (data / "pictures").mkdir()
    shutil.copy(data / "images/0.png", data / "pictures/sheet.png")
    smoke_pipeline("pix2pix", drawn_faces).save_pretrained(tmp_path / "weights")
    checkpoint = tmp_path / "run/checkpoints/000000064"
    shutil.copytree(tmp_path / "weights", checkpoint / "pipeline")
    (checkpoint / "state.safetensors").write_bytes(b"of the training")
    (tmp_path / "run/metrics.jsonl").write_text('{"images_seen": 64}\n')
    _parser().save_pretrained(tmp_path / "judge")
    return tmp_path


@pytest.mark.parametrize("words", EVALUATIONS)
def test_an_evaluation_replaces_nothing_that_it_reads(words: str, scored: Path, capsys) -> None:
    before = contents(scored)
    weights = "" if "--weights" in words else "--weights weights "
    command = f"evaluate pix2pix {weights}--data data --num-images 2 {words}"
    assert main(shlex.split(command)) == 2
    error = capsys.readouterr().err
    assert "is an input" in error or "which is an input" in error
    assert error.count("\n") == 1 and contents(scored) == before


def test_a_report_may_be_written_again(scored: Path) -> None:
    command = "evaluate pix2pix --weights run --data data --num-images 2 --out run/report"
    assert main(shlex.split(command)) == 0
    assert main(shlex.split(command)) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--weights outer/inner --format weights --out outer", "inner"),
        ("--weights weights --format weights --out outer", "mine.txt"),
        ("--weights run --format torchscript --out run/metrics.jsonl", "is an input"),
        ("--weights run --format torchscript --out run/checkpoints/000000064/state.safetensors", "is an input"),
    ],
)
def test_an_export_loses_nothing(words: str, said: str, scored: Path, capsys) -> None:
    shutil.copytree(scored / "weights", scored / "outer")
    if "inner" in words:
        shutil.copytree(scored / "weights", scored / "outer/inner")
    else:
        (scored / "outer/mine.txt").write_text("mine")
    before = contents(scored)
    assert main(shlex.split(f"export pix2pix {words}")) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and contents(scored) == before


def test_weights_are_replaced_through_a_link(scored: Path) -> None:
    shutil.copytree(scored / "weights", scored / "outer")
    (scored / "outer/README.md").write_text("old")
    (link := scored / "to-outer").symlink_to("outer")
    assert main(shlex.split("export pix2pix --weights weights --format weights --out to-outer")) == 0
    assert link.is_symlink() and (scored / "outer/README.md").read_text() != "old"
    assert not [path for path in scored.iterdir() if path.name.startswith(".")]
