"""What every system promises on the command line, as far as its task declares it: found and run by that declaration.

The toy is a system of another distribution (`toy/limner_toy`), which nothing in the package knows of.
"""

from __future__ import annotations

import inspect
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import limner
from limner import registry
from limner.cli.main import main
from limner.data.manifest import open_manifest
from limner.errors import LimnerError
from limner.metrics.judges import DEFAULT_JUDGES, judge_entries
from limner.mode import Mode
from limner.pipelines import Pipeline
from limner.provenance import source_type, statement
from limner.results import read_result
from limner.task import Task
from tests.contract.drawn import given
from tests.training.runs import ROOT, environment

TOY = Path(__file__).parent / "toy"
NAMES = [*registry.system_names(), "toy"]
pytestmark = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True, scope="module")
def _toy_is_installed() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOY)
        yield


@pytest.fixture
def task(name: str) -> Task:
    if "video" in registry.task(name).extras and registry.task(name).gives == "clip":
        pytest.importorskip("av")
    return registry.task(name)


def train(name: str, preset: str, data: Path, run: Path, *options: str) -> None:
    """A run of two steps with a checkpoint after each; later options win."""
    config = registry.preset(name, preset)
    batch = config.train.batch_size
    first = getattr(getattr(config, "optimizer", None), "parser_images", 0)  # of a part that is trained before the rest
    settings = {"images": first + 2 * batch, "checkpoint_every": batch, "log_every": batch, "sample_every": 1_000_000}
    words = [word for key, value in settings.items() for word in (f"--train.{key}", str(value))]
    command = ["train", name, "--preset", preset, "--data", str(data), "--out", str(run), *words]
    assert main([*command, *options]) == 0


@pytest.fixture(scope="module")
def run_of(data_for, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The run of two steps of a system; trained once, on the runs of its earlier stages."""
    runs: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in runs:
            folder, stages = tmp_path_factory.mktemp("runs"), []
            for stage, preset in (registry.stage_presets(name, "smoke") or {name: "smoke"}).items():
                runs[name] = folder / stage
                train(name, preset, data_for(registry.task(name)), runs[name], *stages)
                if preset == "smoke":  # the stage that the size alone means
                    break
                stages += [f"--stage.{stage}", str(runs[name])]
        return runs[name]

    return get


def conditions(task: Task, data: Path, folder: Path) -> list[str]:
    """Words of the command line that give a system what it asks for: the first sample of the data."""
    manifest = open_manifest(data)
    found = [[option, *given(field, manifest, manifest.rows[0], folder)] for option, field in task.conditions.items()]
    return [word for words in found for word in words]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


def test_it_trains_and_resumes(name, task, run_of, data_for) -> None:
    run = run_of(name)
    assert {"config.yaml", "command.txt", "checkpoints"} <= {path.name for path in run.iterdir()}
    before = sorted(path.name for path in (run / "checkpoints").iterdir())
    images = yaml.safe_load((run / "config.yaml").read_text())["train"]["images"]
    longer = ("--resume", "auto", "--config", str(run / "config.yaml"), "--train.images", str(images * 3 // 2))
    train(name, "smoke", data_for(task), run, *longer)
    assert sorted(path.name for path in (run / "checkpoints").iterdir())[-1] > before[-1]


def test_it_generates_and_again_from_the_record(name, task, run_of, data_for, tmp_path, capsys) -> None:
    words = conditions(task, data_for(task), tmp_path)
    command = ["generate", name, "--weights", str(run_of(name)), *words]
    capsys.readouterr()
    json_word = "--json" if name not in ("painter", "learning-to-paint") else "--json=-"
    assert main([*command, "--out", str(tmp_path / "out"), json_word]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["system"] == name and report["written"] and all(Path(path).is_file() for path in report["written"])
    assert main([*command, "--out", str(tmp_path / "out"), json_word]) == 0
    assert json.loads(capsys.readouterr().out)["written"] == [], "what is there is not made again"
    records = [path for path in (tmp_path / "out").rglob("result.json")]
    if not records:
        assert task.gives in ("label_map", "strokes", "verdict"), "a result has a record"
        return
    source = ["generate", "--from", str(records[0]), "--weights", str(run_of(name)), "--out", str(tmp_path / "again")]
    assert main(source) == 0
    assert files(tmp_path / "again") == files(records[0].parent)


def widened(words: list[str]) -> list[str]:
    """The same pictures, wider than high by half: their edges go on to both sides."""
    for path in map(Path, words):
        if path.suffix != ".png":
            continue
        with Image.open(path) as picture:
            margin, pixels = picture.width // 4, np.asarray(picture)
            wide = Image.fromarray(np.pad(pixels, [(0, 0), (margin, margin), (0, 0)][: pixels.ndim], mode="edge"))
            if picture.mode == "P":
                wide.putpalette(picture.getpalette())
            wide.save(path)
    return words


def test_oblong_pictures_are_refused_unless_it_is_said_how_they_fit(
    name, task, run_of, data_for, tmp_path, monkeypatch, capsys
) -> None:
    if not {"image", "label_map"} & set(task.conditions.values()):
        pytest.skip("no picture is given")
    monkeypatch.setitem(sys.modules, "dlib", None)  # a detector of landmarks would find the face and cut it out
    words = widened(conditions(task, data_for(task), tmp_path))
    command = ["generate", name, "--weights", str(run_of(name)), *words, "--out"]
    assert main(["generate", name, "--help"]) == 0
    if "--fit {refuse,crop,pad}" not in " ".join(capsys.readouterr().out.split()):
        assert main([*command, str(tmp_path / "any")]) == 0, "any proportions are taken"
        return
    assert main([*command, str(tmp_path / "refuse")]) == 1
    assert "--fit crop or pad" in capsys.readouterr().err
    for fit in ("crop", "pad"):
        assert main([*command, str(tmp_path / fit), "--fit", fit]) == 0


def test_one_unfit_file_of_a_folder_is_left_out(name, task, run_of, data_for, tmp_path, capsys) -> None:
    if task.conditions and next(iter(task.conditions.values())) == "captions":
        pytest.skip("its captions come in one file")
    if "--map" in task.conditions:
        pytest.skip("a map is of one photo")
    words = conditions(task, data_for(task), tmp_path)
    good, folder = Path(words[1]), tmp_path / "folder"
    folder.mkdir()
    for stem in ("a", "b", "._a"):
        (folder / f"{stem}{good.suffix}").write_bytes(good.read_bytes() if stem != "._a" else b"macOS")
    (folder / f"broken{good.suffix}").write_bytes(b"nothing of the kind")
    out = ["--out", str(tmp_path / "out")]
    capsys.readouterr()
    assert main(["generate", name, "--weights", str(run_of(name)), words[0], str(folder), *words[2:], *out]) == 1
    seen = capsys.readouterr()
    assert seen.err.count("left out: ") == 1 and f"broken{good.suffix}" in seen.err and "._a" not in seen.err
    assert "error: 1 file of 3 left out." in seen.err
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {path[0] for path in written} == {"a", "b"}, "the others are done, each under its name"


def test_an_empty_file_name_is_refused(name, task, run_of, data_for, tmp_path, monkeypatch, capsys) -> None:
    """`Path("")` is the folder that one is in; nobody means all of its files by the empty value of a variable."""
    parser = ArgumentParser()
    registry.generate_options(name).add_options(parser)
    flags = [
        action.option_strings[-1]
        for action in parser._actions
        if any(word in str(action.metavar) for word in ("FILE", "DIR", "PHOTO", "PICTURE", "RESULT"))
    ]
    words = conditions(task, data_for(task), tmp_path)
    weights = str(run_of(name))
    here = tmp_path / "here"
    here.mkdir()
    for path in map(Path, words):  # so that the folder would do
        if path.is_file():
            (here / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(here)
    for flag in flags:
        given = words
        if flag in words:
            place = words.index(flag)
            others = [index for index in range(place + 1, len(words)) if words[index].startswith("--")]
            given = [*words[:place], *words[others[0] if others else len(words) :]]
        assert main(["generate", name, "--weights", weights, *given, f"{flag}=", "--out", "out"]) in (1, 2), flag
        error = capsys.readouterr().err
        assert error.count("error: ") == 1 and "fault in Limner" not in error, error
        assert not (here / "out").exists() and ". " not in error[:10], error


def test_a_photo_whose_name_says_no_age_is_left_out(name, task, run_of, data_for, tmp_path, capsys) -> None:
    if "--older" not in {mode.flag for mode in registry.generate_options(name).MODES}:
        pytest.skip("it makes nobody older")
    words = conditions(task, data_for(task), tmp_path)
    points = open_manifest(data_for(task)).marks_of(open_manifest(data_for(task)).rows[0]).landmarks
    (tmp_path / "face.json").write_text(json.dumps(points.tolist()))
    folder = tmp_path / "folder"
    folder.mkdir()
    for stem in ("12_a", "grandmother", "100_b", "50_c"):
        (folder / f"{stem}.png").write_bytes(Path(words[1]).read_bytes())
    command = ["generate", name, "--weights", str(run_of(name)), "--photo", str(folder), "--older"]
    command += ["--landmarks", str(tmp_path / "face.json"), "--out", str(tmp_path / "out")]
    capsys.readouterr()
    assert main(command) == 1
    seen = capsys.readouterr().err
    assert seen.count("left out: ") == 2 and "error: 2 files of 4 left out." in seen
    assert "grandmother.png does not say an age in its name" in seen and "100_b.png cannot be made older" in seen
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["12_a", "50_c"]
    assert main([*command, "--from-age", "80+"]) == 2, "of all photos it can be said at once"
    assert capsys.readouterr().err.count("nothing is older") == 1


def test_a_verdict_is_of_what_it_was_made_of(name, task, run_of, data_for, tmp_path, capsys) -> None:
    if task.gives not in ("verdict", "label_map"):
        pytest.skip("its results note everything")
    words = conditions(task, data_for(task), tmp_path)
    source = tmp_path / f"source{Path(words[1]).suffix}"
    source.write_bytes(Path(words[1]).read_bytes())
    command = ["generate", name, "--weights", str(run_of(name)), words[0], str(source), *words[2:]]
    command += ["--out", str(tmp_path / "out")]
    assert main(command) == 0
    assert main(command) == 0 and "there already" in capsys.readouterr().out
    source.write_bytes(source.read_bytes() + b"\0")
    assert main(command) == 1 and "as it is now" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0


def test_a_batch_is_as_good_as_one_by_one(name, task, run_of, data_for, tmp_path) -> None:
    if not task.seeded:
        pytest.skip("no seed changes what it makes")
    words = conditions(task, data_for(task), tmp_path)
    command = ["generate", name, "--weights", str(run_of(name)), *words, "--num-images", "3"]
    for size in ("1", "3"):
        assert main([*command, "--batch-size", size, "--out", str(tmp_path / size)]) == 0
    pictures = [sorted((tmp_path / size).glob("*.png")) for size in ("1", "3")]
    for alone, together in zip(*pictures, strict=True):
        difference = np.asarray(Image.open(alone)).astype(int) - np.asarray(Image.open(together))
        assert abs(difference).max() <= 1, "a batch sums in another order, which may round otherwise"
    if not pictures[0]:
        sizes = [sorted(path.name for path in (tmp_path / size).iterdir()) for size in ("1", "3")]
        assert sizes[0] == sizes[1] and len(sizes[0]) == 4


def said_of(path: Path) -> tuple[str, str] | None:
    """The statement and IPTC's term in a file; None where it is of a kind that has none."""
    if path.suffix == ".mp4":
        av = pytest.importorskip("av")
        with av.open(str(path)) as container:
            facts = json.loads(container.metadata["comment"])
        return facts["statement"], facts["digital_source_type"]
    if path.suffix not in (".png", ".gif"):
        return None
    with Image.open(path) as picture:
        if path.suffix == ".gif":
            facts = json.loads(picture.info["comment"])
            return facts["statement"], facts["digital_source_type"]
        return picture.info["Disclaimer"], picture.info["DigitalSourceType"]


def test_every_file_says_whether_a_photo_was_edited(name, task, run_of, data_for, tmp_path) -> None:
    """Who is asked for a photo of somebody must not say that it shows no real person."""
    if task.gives not in ("picture", "clip", "strokes"):
        pytest.skip("it makes no pictures")
    words = conditions(task, data_for(task), tmp_path)
    out = tmp_path / "out"
    assert main(["generate", name, "--weights", str(run_of(name)), *words, "--out", str(out)]) == 0
    edited = bool({"image", "video"} & set(task.conditions.values()))
    wanted = (statement(from_photo=edited), source_type(from_photo=edited))
    said = {path.name: said_of(path) for path in out.rglob("*") if path.is_file()}
    media = {name: facts for name, facts in said.items() if facts is not None}
    assert media and set(media.values()) == {wanted}, said
    for path in out.rglob("result.json"):
        record = json.loads(path.read_text())
        assert (record["statement"], record["digital_source_type"]) == wanted
        if edited and not task.seeded:
            assert set(record["seeds"]) == {None}, "no seed was used"


def test_no_output_replaces_an_input(name, task, run_of, data_for, tmp_path, capsys) -> None:
    """What a first call wrote is given to a second one whose output it would be."""
    words = conditions(task, data_for(task), tmp_path)
    source = tmp_path / "out"
    command = ["generate", name, "--weights", str(run_of(name))]
    assert main([*command, *words, "--out", str(source)]) == 0
    written = sorted(path for path in source.rglob("*") if path.is_file())
    files_of = {path: path.read_bytes() for path in {written[0], written[-1]}}  # a medium and the record
    for number, word in enumerate(words):
        if not Path(word).is_file():
            continue
        for path in files_of:
            shutil.copy(word, path)  # the user's own file, with the name of an output
            given_now = [*words[:number], str(path), *words[number + 1 :]]
            before = path.read_bytes()
            capsys.readouterr()
            code = main([*command, *given_now, "--out", str(source), "--force"])
            # what is named after its input has another name now, and may be written
            assert path.read_bytes() == before, f"{path} was replaced"
            assert code == 0 or capsys.readouterr().err.count("error: ") == 1
            path.write_bytes(files_of[path])


def test_threads_may_share_a_pipeline(name, task, run_of, data_for, tmp_path) -> None:
    if task.gives not in ("picture", "clip"):
        pytest.skip("its results have no record from which they could be drawn again")
    manifest, records = open_manifest(data_for(task)), []
    for number in range(2):
        folder = tmp_path / f"inputs-{number}"
        folder.mkdir()
        words = [
            word
            for flag, field in task.conditions.items()
            for word in (flag, *given(field, manifest, manifest.rows[number], folder))
        ]
        out = tmp_path / f"alone-{number}"
        assert main(["generate", name, "--weights", str(run_of(name)), *words, "--out", str(out)]) == 0
        records += out.rglob("result.json")
    if len(records) < 2:
        pytest.skip("it writes no record")
    pipeline, start, faults = limner.load(run_of(name)), threading.Barrier(4), list[BaseException]()

    def draw(number: int) -> None:
        try:
            start.wait()
            pipeline.reproduce(records[number % 2]).save(tmp_path / f"shared-{number}")
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    for number in range(4):
        assert files(tmp_path / f"shared-{number}") == files(records[number % 2].parent)


ARRAYS = (np.zeros(3), np.zeros((0, 0, 3), np.uint8))
WRONG: tuple[Any, ...] = (None, 7, -1.5, True, [], {}, object(), b"x", "nope", *ARRAYS, [None], "\0")


def test_modes_refuse_wrong_types_in_one_sentence(name, task, run_of) -> None:
    """In every argument of every mode, one after the other: nothing but our own errors, whose first line is all."""
    pipeline, picture = limner.load(run_of(name)), np.zeros((64, 64, 3), np.uint8)
    good = {"photo": picture, "image": picture, "label_map": picture[..., 0], "audio": np.zeros(16_000)}
    modes = {
        key: getattr(pipeline, key) for key, value in inspect.getmembers_static(type(pipeline)) if type(value) is Mode
    }
    for key, mode in modes.items():
        arguments = [one for one in inspect.signature(mode).parameters.values() if one.kind is not one.VAR_KEYWORD]
        needed = {one.name: good.get(one.name, "nowhere.png") for one in arguments if one.default is one.empty}
        for argument, value in itertools.product(arguments, WRONG):
            try:
                mode.plan(**{**needed, argument.name: value})
            except LimnerError as error:
                assert str(error).strip(), (key, argument.name, value)
            except Exception as error:
                raise AssertionError(f"{key}({argument.name}={value!r}) raised {error!r}") from error


def unfit_tensors() -> tuple[torch.Tensor, ...]:
    """What is no batch of images or clips in [-1, 1], each for another reason."""
    image = torch.zeros(1, 3, 64, 64)
    lost = image.clone()
    lost[0, 0, 0, 0] = torch.nan
    return (
        image[0],
        image[:, :2],
        image.long(),
        image.bool(),
        image[:0],
        image + 255,
        lost,
        image[:, :, :0],
        image[0, 0, 0],
    )


def test_methods_that_take_images_as_tensors_refuse_what_is_none(name, task, run_of) -> None:
    """Judges and parsers are called so by whoever builds on them; a fault must not come from inside a layer."""
    pipeline = limner.load(run_of(name))
    tried = 0
    for key, function in inspect.getmembers(type(pipeline), inspect.isfunction):
        arguments = [one for one in inspect.signature(function).parameters.values() if one.default is one.empty][1:]
        if key.startswith("_") or not arguments or arguments[0].annotation != "Tensor":
            continue
        for value in (*WRONG, *unfit_tensors()):
            with pytest.raises(LimnerError, match=arguments[0].name.removesuffix("s")):
                function(pipeline, value, *[None for _ in arguments[1:]])
            tried += 1
    assert tried or task.gives not in ("verdict", "label_map")


class Stop(Exception):
    """Of the user's own."""


def test_progress_is_told_and_may_end_the_work(name, task, run_of, data_for, tmp_path) -> None:
    if task.gives not in ("picture", "clip", "strokes"):
        pytest.skip("it draws no plans")
    words = conditions(task, data_for(task), tmp_path)
    out = tmp_path / "out"
    assert main(["generate", name, "--weights", str(run_of(name)), *words, "--out", str(out)]) == 0
    (record,) = out.rglob("*result.json")
    pipeline, plan, seen = limner.load(run_of(name)), read_result(record)["plan"], list[int]()
    plan = pipeline.current(plan)
    pipeline.render(plan, progress=seen.append)
    assert sum(seen) == pipeline.amount(plan) and min(seen) > 0

    def stop(number: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        pipeline.render(plan, progress=stop)
    assert not any(part.training for network in pipeline.components.values() for part in network.modules())
    pipeline.render(plan).save(tmp_path / "after")
    assert files(tmp_path / "after").items() <= files(record.parent).items(), "it draws as before"


@pytest.mark.slow
def test_onnx_runtime_draws_what_pytorch_draws(name, task, run_of, data_for, tmp_path, monkeypatch) -> None:
    """Every network can be exported, and pictures are the same but for roundings."""
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module)
    if task.gives not in ("picture", "clip", "strokes"):
        pytest.skip("it draws no plans")
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    words = conditions(task, data_for(task), tmp_path)
    assert main(["generate", name, "--weights", str(run_of(name)), *words, "--out", str(tmp_path / "out")]) == 0
    (record,) = (tmp_path / "out").rglob("*result.json")
    plan = read_result(record)["plan"]
    drawn = []
    for runtime in ("torch", "onnx"):
        result = limner.load(run_of(name), runtime=runtime).render(plan)
        assert ("onnxruntime" in result.provenance) == (runtime == "onnx")
        clips = [list(one.draw()) if hasattr(one, "draw") else [one.still()] for one in result.media]
        drawn.append(np.stack([np.asarray(frame, dtype=np.int16) for clip in clips for frame in clip]))
    assert list((tmp_path / "cache" / "onnx").rglob("*.onnx")), "a network was exported"
    assert (np.abs(drawn[0] - drawn[1]) > 1).mean() < 0.01, "1 % of a painting's pixels: a rounding may move an edge"


def evaluation(name: str, task: Task, run_of: Callable[[str], Path], data: Path, out: Path) -> list[str]:
    """The words of an evaluation of two steps' weights, by judges that are no better."""
    judges = []
    for kind in task.judges:
        if kind == "parser":
            judges += ["--judge", str(run_of("parser"))]
        elif kind not in DEFAULT_JUDGES:
            own = next((system for system in registry.system_names() if registry.task(system).judges_as == kind), None)
            published = [entry.name for entry in judge_entries().values() if entry.kind == kind]
            judges += ["--judge", published[0] if own is None or name == "toy" else str(run_of(own))]
    command = ["evaluate", name, "--weights", str(run_of(name)), "--data", str(data), "--split", "train"]
    options = ["--num-images", "4", "--json", str(out / "scores.json"), "--out", str(out / "report")]
    if name in ("painter", "learning-to-paint"):
        options += ["--strokes", "10", "--baselines", "random"]
    return [*command, *judges, *options]


def test_it_is_evaluated(name, task, run_of, data_for, tmp_path) -> None:
    assert main(evaluation(name, task, run_of, data_for(task), tmp_path)) == 0
    values = json.loads((tmp_path / "scores.json").read_text())
    assert values["provenance"]["system"] == name and values["measurements"] and values["head"]["command"]
    judged = [
        key for key in values["measurements"] if key.startswith("judge_") and f"{key}_real" in values["measurements"]
    ]
    assert bool(judged) == bool(task.judges), "what is judged stands beside real pictures"
    assert all("ceiling" in values["measurements"][key] for key in judged)
    assert (tmp_path / "report/report.md").read_text().startswith(f"# {name}: ")


@pytest.mark.slow
def test_two_processes_find_what_one_finds(name, task, run_of, data_for, tmp_path) -> None:
    reports = []
    for processes in (1, 2):
        (out := tmp_path / str(processes)).mkdir()
        words = [*evaluation(name, task, run_of, data_for(task), out), "--batch-size", "1"]
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"] if processes == 2 else []
        paths = {"PYTHONPATH": f"{ROOT}{os.pathsep}{TOY}", "LIMNER_CACHE": str(out / "cache")}
        command = [sys.executable, *launcher, "-m", "limner", *words]
        done = subprocess.run(command, env=environment() | paths, capture_output=True, text=True, timeout=1800)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("Protocols:") == 1, "one process speaks"
        found = json.loads((out / "report/report.json").read_text())["measurements"]
        timed = [key for key in found if key.endswith("_seconds")]
        reports.append({key: value for key, value in found.items() if key not in timed})
        sheet = out / "report/sheet.png"
        reports.append({"pixels": np.asarray(Image.open(sheet)).tolist() if sheet.exists() else None})
    assert reports[:2] == reports[2:], "units of work are whole, so numbers and pictures are the same to the bit"


def test_it_is_exported(name, task, run_of, tmp_path) -> None:
    if not limner.load(run_of(name)).export_targets():
        pytest.skip("it has nothing to export")
    command = ["export", name, "--weights", str(run_of(name)), "--format"]
    assert main([*command, "torchscript", "--out", str(tmp_path / "network.pt")]) == 0
    assert (tmp_path / "network.pt").stat().st_size > 0
    assert main([*command, "weights", "--out", str(tmp_path / "weights")]) == 0
    assert type(limner.load(tmp_path / "weights")).name == name


@pytest.mark.slow
@pytest.mark.parametrize("form", ["onnx", "torch-export"])
def test_each_of_its_networks_is_exported(name, task, run_of, tmp_path, form) -> None:
    for network in limner.load(run_of(name)).export_targets():
        words = ["export", name, "--weights", str(run_of(name)), "--format", form, "--network", network]
        assert main([*words, "--out", str(tmp_path / f"{network}.out")]) == 0, network


def test_it_says_what_its_plans_may_hold(name, task) -> None:
    """Else a stored result of it reaches its networks as it is; the fuzzer has the changed results themselves."""
    pipeline = registry.pipeline_class(name)
    draws = pipeline._draw is not Pipeline._draw or pipeline.render is not Pipeline.render
    assert task.gives == "verdict" or not draws or pipeline.plan_conditions is not Pipeline.plan_conditions


def test_its_data_are_checked_by_what_trains(name, task, data_for, tmp_path, capsys) -> None:
    assert main(["data", "check", str(data_for(task)), "--system", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["training"]["train"] > 0
    (tmp_path / "empty").mkdir()
    assert main(["data", "check", str(tmp_path / "empty"), "--system", name]) in (1, 2)


def test_without_data_the_example_is_its_own(name, task, tmp_path, capsys) -> None:
    assert main(["train", name, "--preset", "smoke", "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert f"--data is missing, such as in: limner train {name} " in error
    assert not (tmp_path / "run").exists()


def test_list_and_doctor_know_it(name, task, capsys) -> None:
    assert main(["list", "--json"]) == 0
    listed = {system["name"]: system for system in json.loads(capsys.readouterr().out)["systems"]}
    assert listed[name]["task"] == task.about()
    if name == "toy":  # what it says of our own systems has tests of its own
        assert main(["doctor", "--json"]) == 0
        assert list(json.loads(capsys.readouterr().out)["systems"]) == NAMES


def test_it_is_shown_in_the_demo(name, task, run_of, tmp_path, monkeypatch, capsys) -> None:
    if name != "toy":
        pytest.skip("the demos of the package's own systems have tests of their own")
    limner.load(run_of(name)).save_pretrained(tmp_path / "weights/toy-shapes", default=True)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tmp_path / "weights"))
    capsys.readouterr()
    assert main(["demo", "toy", "--out", str(tmp_path / "demo"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["systems"]["toy"]["weights"] == "toy-shapes"
    assert "The captions are made by code" in (tmp_path / "demo/index.html").read_text()
    assert limner.load("toy").weights_name == "toy-shapes"


def study_of_the_toy(data: Path, out: Path) -> list[str]:
    """The words of a small study."""
    study = {
        "title": "The toy at two rates",
        "about": "Which rate is better.",
        "published": {},
        "image_size": {"smoke": 32},
        "budget": {"smoke": 32},
        "pictures": 4,
        "points": 2,
        "columns": {"judge_colour": {"title": "colour, %", "better": "high"}},
        "rows": [
            {"name": "usual", "system": "toy", "stages": {"still": 0.5}},
            {"name": "slow", "system": "toy", "stages": {"still": 0.5}, "rates": 0.1},
        ],
    }
    (out / "toy-table.yaml").write_text(yaml.safe_dump(study))
    command = ["reproduce", str(out / "toy-table.yaml"), "--preset", "smoke", "--data", str(data)]
    return [*command, "--seeds", "2", "--judge", "toy-colours", "--out", str(out / "study")]


def test_its_table_is_reproduced(name, task, data_for, tmp_path, capsys) -> None:
    if name != "toy":
        pytest.skip("the tables of the package's own systems have tests of their own")
    pytest.importorskip("matplotlib")
    assert main(study_of_the_toy(data_for(task), tmp_path)) == 0
    text = capsys.readouterr().out
    assert "judged by the independent toy-colours" in text and "| usual | " in text and "schema" not in text


@pytest.mark.slow
def test_its_table_is_reproduced_by_two_processes(name, task, data_for, tmp_path) -> None:
    if name != "toy":
        pytest.skip("one study is as good as another")
    pytest.importorskip("matplotlib")
    words = [*study_of_the_toy(data_for(task), tmp_path), "--json"]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "limner"]
    paths = {"PYTHONPATH": f"{ROOT}{os.pathsep}{TOY}"}
    done = subprocess.run([*command, *words], env=environment() | paths, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["complete"], "the first process alone speaks, and every row is finished"
    runs = sorted(path.parent.name for path in (tmp_path / "study").glob("*/scores.json"))
    assert runs == ["slow-0", "slow-1", "usual-0", "usual-1"]


def test_without_its_folder_there_is_no_trace(name, python) -> None:
    if name != "toy":
        pytest.skip("it is one of the package's own")
    done = python("-c", "import limner; print('toy' in limner.list_systems())")
    assert done.stdout.strip() == "False"
    for folder in ("limner", "tools", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not re.search(r"limner_toy|[\"'/]toy[\"'/-]", path.read_text(encoding="utf-8")), path
