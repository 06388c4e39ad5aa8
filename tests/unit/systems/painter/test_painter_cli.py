"""The painter on the command line: every file it writes, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

import limner
from limner.cli.main import main
from limner.errors import WeightsError
from limner.systems.painter.options import evaluate_arguments
from limner.systems.painter.pipeline import PainterPipeline
from limner.systems.painter.strokes import StrokeDocument

from .conftest import scene


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures and a mask."""
    root = tmp_path_factory.mktemp("cli")
    (root / "two").mkdir()
    for number in (1, 2):
        Image.fromarray(scene(number, height=30, width=40)[0]).save(root / f"two/{number}.png")
    Image.fromarray(scene(1, height=30, width=40)[1]).save(root / "mask.png")
    return root


@pytest.fixture
def run(painter: PainterPipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """`run(0, "--image", …)`: `limner generate painter`, with tiny weights to paint; its output, or its error."""
    painter.save_pretrained(tmp_path / "weights")

    def generate(code: int, *words: object) -> str:
        weights = [] if "--redraw" in words else ["--weights", str(tmp_path / "weights")]
        command = ["generate", "painter", *weights, *map(str, words)]
        found = main(command)
        streams = capsys.readouterr()
        assert found == code, streams.err
        return streams.err if code else streams.out

    return generate


def test_one_picture_into_named_files(run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "there" / "painting.png"
    words = ("--image", folder / "two/1.png", "--strokes", 9, "--out", out)
    run(0, *words, "--json", tmp_path / "s.json", "--svg", tmp_path / "s.svg", "--csv", "--mask", folder / "mask.png")
    assert {path.name for path in out.parent.iterdir()} == {"painting.png", "painting.csv", "painting.result.json"}
    assert len(StrokeDocument.read(tmp_path / "s.json").strokes) == 9 and (tmp_path / "s.svg").exists()
    before = out.stat().st_mtime_ns
    assert "there already" in run(
        0, *words, "--json", tmp_path / "s.json", "--svg", tmp_path / "s.svg", "--csv", "--mask", folder / "mask.png"
    )
    assert out.stat().st_mtime_ns == before
    assert "another request" in run(1, *words, "--focus", 0.5)


def test_machine_output_stays_what_it_is_everywhere(run, folder: Path, tmp_path: Path) -> None:
    payload = json.loads(run(0, "--image", folder / "two", "--strokes", 5, "--out", tmp_path / "out", "--json"))
    assert payload["system"] == "painter" and len(payload["written"]) == 2
    assert (tmp_path / "out/1.strokes.json").exists() and (tmp_path / "out/2.png").exists()


def test_redrawing_needs_no_weights(run, folder: Path, tmp_path: Path, capsys) -> None:
    run(0, "--image", folder / "two/1.png", "--strokes", 6, "--canvas", "white", "--out", tmp_path / "out")
    source = tmp_path / "out/1.strokes.json"
    shutil.rmtree(tmp_path / "weights")
    words = [
        "generate",
        "painter",
        "--redraw",
        str(source),
        "--size",
        "80x60",
        "--svg",
        "--out",
        str(tmp_path / "large"),
    ]
    assert main(words) == 0, capsys.readouterr().err
    assert Image.open(tmp_path / "large/1.png").size == (80, 60) and (tmp_path / "large/1.svg").exists()
    again = StrokeDocument.read(tmp_path / "large/1.strokes.json")
    assert again.size == (80, 60)
    assert main(["generate", "painter", "--redraw", str(source), "--out", str(tmp_path / "same.png")]) == 0
    assert Image.open(tmp_path / "same.png").tobytes() == Image.open(tmp_path / "out/1.png").tobytes()
    assert main([*words, "--weights", "none"]) == 2
    assert "--weights has no effect with --redraw" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["own", "own/photo.png"])
def test_inputs_are_never_replaced(run, folder: Path, tmp_path: Path, out: str) -> None:
    (tmp_path / "own").mkdir()
    photo = Path(shutil.copy(folder / "two/1.png", tmp_path / "own/photo.png"))
    before = photo.read_bytes()
    for words in ((), ("--force",)):
        message = run(2, "--image", photo, "--strokes", 5, "--out", tmp_path / out, *words)
        assert "photo.png is an input" in message
    mask = Path(shutil.copy(folder / "mask.png", tmp_path / "own/1.png"))
    assert "1.png is an input" in run(
        2, "--image", folder / "two/1.png", "--mask", mask, "--out", tmp_path / "own", "--force"
    )
    assert photo.read_bytes() == before and {path.name for path in photo.parent.iterdir()} == {"photo.png", "1.png"}


def test_strokes_that_are_read_are_never_replaced(run, folder: Path, tmp_path: Path) -> None:
    image, strokes = folder / "two/1.png", tmp_path / "out/1.strokes.json"
    run(0, "--image", image, "--strokes", 6, "--out", tmp_path / "out")
    before = strokes.read_bytes()
    for words in (
        ("--redraw", strokes, "--json", strokes, "--out", tmp_path / "other"),
        ("--redraw", strokes, "--out", tmp_path / "out"),
        ("--image", image, "--start", strokes, "--strokes", 4, "--out", tmp_path / "out"),
    ):
        assert "1.strokes.json is an input" in run(2, *words, "--force")
    assert strokes.read_bytes() == before


@pytest.mark.parametrize("mode", ["--image", "--redraw"])
def test_foreign_pictures_are_replaced_by_force_alone(run, folder: Path, tmp_path: Path, mode: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    Image.new("RGB", (3, 3)).save(out / "1.png")
    words = ("--image", folder / "two/1.png", "--strokes", 5, "--out", out)
    if mode == "--redraw":
        run(0, *words[:-1], tmp_path / "first")
        words = (mode, tmp_path / "first/1.strokes.json", "--out", out)
    assert "1.png is there already" in run(1, *words)
    assert Image.open(out / "1.png").size == (3, 3)
    run(0, *words, "--force")
    assert Image.open(out / "1.png").size == (40, 30)


@pytest.mark.parametrize("mode", ["--image", "--redraw"])
def test_foreign_files_of_every_kind_are_replaced_by_force_alone(run, folder: Path, tmp_path: Path, mode: str) -> None:
    image, out = folder / "two/1.png", tmp_path / "out"
    words = (mode, image, "--strokes", 5, "--out", out)
    if mode == "--redraw":
        run(0, "--image", image, "--strokes", 5, "--out", tmp_path / "first")
        words = (mode, tmp_path / "first/1.strokes.json", "--out", out)
    for kind in ("json", "svg", "csv", "gif"):
        mine = tmp_path / f"mine.{kind}"
        mine.write_text("mine")
        named = (*words, f"--{kind}", mine)
        assert f"{mine} is there already" in run(1, *named) and mine.read_text() == "mine"
        assert not out.exists(), "nothing is begun"
    run(0, *named, "--force")
    assert mine.read_bytes()[:3] == b"GIF"
    assert "there already" in run(0, *named)
    (out / "1.svg").write_text("mine")
    assert "1.svg is there already" in run(1, *words, "--svg") and (out / "1.svg").read_text() == "mine"
    (out / "1.svg").unlink()
    for more in (("--svg",), ("--csv", tmp_path / "mine.csv", "--force")):
        assert "there already" not in run(0, *words, *more)
    for more in (("--svg",), ("--gif", mine), ("--csv", tmp_path / "mine.csv"), ()):
        assert "there already" in run(0, *words, *more), "what was written for one request is remembered"


def test_redrawing_again_skips_equal_work_alone(run, folder: Path, tmp_path: Path) -> None:
    run(0, "--image", folder / "two/1.png", "--strokes", 6, "--out", tmp_path / "out")
    words, picture = ("--redraw", tmp_path / "out/1.strokes.json", "--out", tmp_path / "rd"), tmp_path / "rd/1.png"
    run(0, *words, "--size", "80x60")
    assert "there already" in run(0, *words, "--size", "80x60")
    assert "--force" in run(1, *words, "--size", "40x30") and Image.open(picture).size == (80, 60)
    run(0, *words, "--size", "40x30", "--force")
    assert Image.open(picture).size == (40, 30)
    for more in (("--svg",), ("--svg", "--svg-style", "path"), ("--gif",), ("--gif", "--duration", "0.2")):
        assert "there already" not in run(0, *words, "--size", "40x30", *more)
        assert "there already" in run(0, *words, "--size", "40x30", *more)
    picture.with_name("1.strokes.json").unlink()
    assert "there already" not in run(0, *words, "--size", "40x30"), "what is missing is written again"


def test_files_of_another_style_are_missing(run, folder: Path, tmp_path: Path) -> None:
    words, found = ("--image", folder / "two/1.png", "--strokes", 5, "--out", tmp_path / "out"), set()
    for more in (("--svg",), ("--svg", "--svg-style", "path"), ("--gif",), ("--gif", "--duration", "0.2")):
        assert "there already" not in run(0, *words, *more)
        assert "there already" in run(0, *words, *more)
        found.add((tmp_path / "out/1.svg").read_bytes())
    assert len(found) == 2
    assert "there already" in run(0, *words)


def test_outputs_have_a_path_each(run, folder: Path, tmp_path: Path) -> None:
    words, out = ("--image", folder / "two/1.png", "--strokes", 5), tmp_path / "out"
    for more in (
        ("--svg", out / "same", "--csv", out / "same", "--out", out),
        ("--svg", out / "p.png", "--out", out / "p.png"),
    ):
        assert "Two outputs" in run(2, *words, *more)
    assert not out.exists()


def test_going_on(run, folder: Path, tmp_path: Path) -> None:
    image = folder / "two/1.png"
    run(0, "--image", image, "--strokes", 6, "--out", tmp_path / "out")
    run(0, "--image", image, "--strokes", 4, "--start", tmp_path / "out/1.strokes.json", "--out", tmp_path / "more")
    assert len(StrokeDocument.read(tmp_path / "more/1.strokes.json").strokes) == 10
    Image.new("RGB", (300, 400)).save(tmp_path / "tall.png")
    words = ("--image", tmp_path / "tall.png", "--start", tmp_path / "out/1.strokes.json", "--out", tmp_path / "tall")
    assert "300x400 pixels, but the strokes to go on from" in run(2, *words) and not (tmp_path / "tall").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("--out O", 2, "--image is missing, such as in"),
        ("--image P --redraw S --out O", 2, "--image has no effect with --redraw"),
        ("--image none.png --out O", 1, "is missing"),
        ("--image T --strokes 0 --out O", 2, "at most 100000"),
        ("--image P --palette 4 --seed -1 --out O", 2, "seed is -1"),
        ("--image P --strokes -5 --out O", 2, "--strokes"),
        ("--image P --strokes many --out O", 2, "whole number"),
        ("--image P --size 10 --out O", 2, "WIDTHxHEIGHT"),
        ("--image P --tiles 1,x --out O", 2, "--tiles"),
        ("--image P --canvas blue --out O", 2, "#rrggbb"),
        ("--image P --start P --out O", 1, "is not a text file"),
        ("--image T --out O.png", 2, "several pictures; name a folder"),
        ("--image T --svg one.svg --out O", 2, "leave the name out"),
        ("--image P --fps 0 --gif --out O", 2, "from 1 to 60"),
        ("--redraw P --out O", 1, "is not a text file"),
        ("--redraw S --strokes 200 --out O", 2, "--strokes has no effect with --redraw"),
        ("--redraw S --overlap --out O", 2, "--overlap has no effect with --redraw"),
        ("--redraw S --seed 0 --out O", 2, "--seed has no effect with --redraw"),
        ("--redraw S --show-attention --out O", 2, "--show-attention has no effect with --redraw"),
        ("--image P --start S --canvas black --out O", 2, "--canvas has no effect with --start"),
        ("--image P --start S --fit letterbox --out O", 2, "--fit has no effect with --start"),
        ("--image P --tiles 0 --focus 1 --out O", 2, "--focus has no effect with --tiles 0"),
        ("--image P --tiles 0 --follow error --out O", 2, "--follow has no effect with --tiles 0"),
        ("--image P --render neural --correction 1 --out O", 2, "--correction has no effect with --render neural"),
        ("--redraw S --correction 0 --out O", 2, "--correction has no effect with --redraw"),
        ("--image P --correction 2 --out O", 2, "must lie in [0, 1]"),
        ("--image P --strokes 17 --overlap --out O", 2, "overlap has no effect without tiles"),
        ("--image P --csv --svg-style discs --out O", 2, "--svg-style has no effect without --svg"),
        ("--image P --svg --fps 25 --out O", 2, "--fps has no effect without --gif or --video"),
        ("--redraw S --duration 2 --out O", 2, "--duration has no effect without --gif or --video"),
        ("--image P --vgg16 P --out O", 2, "vgg16 has no effect"),
        ("--image P --out O.jpg", 2, "out.jpg would be a folder with the name of a file; name a folder or a file that"),
    ],
)
def test_wrong_use_is_refused_and_leaves_nothing(
    run, folder: Path, tmp_path: Path, words: str, code: int, message: str
) -> None:
    places = {"P": folder / "two/1.png", "T": folder / "two", "S": tmp_path / "s.json", "O": tmp_path / "out"}
    places |= {f"O{suffix}": tmp_path / f"out{suffix}" for suffix in (".png", ".jpg")}
    assert message in run(code, *(places.get(word, word) for word in words.split()))
    assert not list(tmp_path.glob("out*"))


WAITING = """
import os, signal, sys
from limner.cli.main import main
def wait_before_the_first_file_gets_its_name(event, arguments):
    if event == "os.rename" and str(arguments[0]).endswith(".tmp") and not os.path.exists(sys.argv[1]):
        open(sys.argv[1], "w").close()
        signal.pause()
sys.addaudithook(wait_before_the_first_file_gets_its_name)
sys.exit(main(sys.argv[2:]))
"""
"""A program that waits there for a signal, so that no test must be quick enough to catch it."""


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_an_interrupted_painting_leaves_nothing_half_written(
    run, folder: Path, tmp_path: Path, blow: signal.Signals
) -> None:
    words = ("--image", folder / "two/1.png", "--strokes", 60, "--size", "512x384", "--gif", "--svg")
    named = (*words, "--csv", tmp_path / "table.csv", "--out", tmp_path / "out")
    program = (
        sys.executable,
        "-c",
        WAITING,
        tmp_path / "writes",
        "generate",
        "painter",
        "--weights",
        tmp_path / "weights",
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(limner.__file__).parents[1])}
    process = subprocess.Popen(
        [*map(str, (*program, *named))],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background inherit its absence
    )
    while process.poll() is None and not (tmp_path / "writes").exists():
        time.sleep(0.002)
    assert list((tmp_path / "out").glob(".*.tmp")), "files have been written under temporary names"
    process.send_signal(blow)
    _, error = process.communicate(timeout=1800)
    (tmp_path / "writes").unlink()
    assert process.returncode == (130 if blow == signal.SIGINT else -blow), error
    left = [path.name for path in tmp_path.rglob("*") if path.is_file() and "weights" not in path.parts]
    assert all(name.startswith(".") for name in left), left
    assert not left or blow == signal.SIGKILL, "whoever can still clean up does"
    assert "there already" not in run(0, *named), "and the same command then does its work"
    assert (tmp_path / "table.csv").is_file() and (tmp_path / "out/1.gif").is_file()


def test_training_says_what_comes_first(folder: Path, tmp_path: Path, capsys) -> None:
    words = ["train", "painter", "--data", str(folder / "two"), "--out", str(tmp_path / "run")]
    assert main([*words, "--preset", "cpu"]) == 2
    assert "--stage.renderer" in capsys.readouterr().err
    assert main(["train", "painter", "--preset", "smoke", "--out", str(tmp_path / "run")]) == 2
    assert "--data is missing, such as in" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    words[words.index("--data") + 1] = str(tmp_path / "empty")
    assert main([*words, "--preset", "smoke"]) == 1
    assert "no pictures" in capsys.readouterr().err


def test_evaluate_has_options_of_its_own(
    painter: PainterPipeline,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    weights = str(painter.save_pretrained(tmp_path / "weights"))
    command = ["evaluate", "painter", "--weights", weights, "--data", str(folder / "two"), "--split", "all"]
    assert main([*command, "--strokes", "5", "--beside", weights, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["measurements"]
    assert {"painter_5_mse", "random_5_mse", "painter#2_5_mse"} <= set(found)
    for options, message in ((["--baselines", "best"], 'no baseline "best"'), (["--strokes", "few"], "--strokes")):
        assert main([*command, *options]) == 2
        assert message in capsys.readouterr().err


def test_only_painters_stand_beside_a_painter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.pipelines.load", lambda name: SimpleNamespace(name="scgan"))
    options = Namespace(strokes="5", baselines="", beside=["faces"])
    with pytest.raises(WeightsError, match='--beside faces holds weights of the system "scgan"'):
        evaluate_arguments(options, "cpu")


def test_help_says_how_other_renderers_show_an_svg(capsys) -> None:
    assert main(["generate", "painter", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "other renderers than ours may show it up to 2.5 of 255 brighter" in text
