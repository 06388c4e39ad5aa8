"""A thousand and more hostile inputs, each in a process of its own that was warm before; the last line counts them.

`python -m pytest -m slow tests/fuzz -s` runs all; `LIMNER_FUZZ=PATTERN` those whose name the regular expression finds.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import limner
from limner import registry
from limner.cli.main import main
from limner.data.manifest import open_manifest
from limner.errors import LimnerError
from limner.task import Task
from tests.stick_people import SIZE, pose

from ..contract import conftest
from ..contract.drawn import given
from ..contract.stored import SYSTEMS, make_result, smoke_pipeline
from ..contract.test_capabilities import train
from .cases import INPUTS, OTHERS, Case, all_cases, good_command, stored_systems

CPU_SECONDS, WALL_SECONDS = 20, 180
"""Of one case: what it may compute, whatever else the machine does; and when it counts as hanging."""
MAX_KIB = 2 << 20
ALLOWED = ("out", "out.png", "home")
"""What a case may leave in its folder."""


data_for = conftest.data_for


@pytest.fixture(scope="session")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
    drawn_faces: Path,
    tiny_weights: Path,
    data_for: Callable[[Task], Path],
) -> Path:
    """What every case finds in its folder: weights of all systems, a stored result of each, faces, a map, a photo."""
    root = tmp_path_factory.mktemp("fuzz")
    for system in (*SYSTEMS, "parser"):
        pipeline = smoke_pipeline(system, drawn_faces)
        pipeline.save_pretrained(root / system)
        if system != "parser":
            make_result(system, type(pipeline).from_pretrained(root / system), root / f"{system}-result")
    shutil.rmtree(root / "scgan")
    shutil.copytree(tiny_weights, root / "scgan")  # with CelebA's attributes
    make_result(
        "scgan", type(smoke_pipeline("scgan", drawn_faces)).from_pretrained(root / "scgan"), root / "scgan-result"
    )
    used = {word for case in chosen_cases() for word in case.command} | {
        case.name.split()[1].rstrip(":") for case in chosen_cases() if case.name.startswith("stored ")
    }
    for system in [name for name in OTHERS if name in used]:
        _write_other(root, system, data_for(registry.task(system)))
    shutil.rmtree(root / "runs", ignore_errors=True)
    (root / "faces").symlink_to(drawn_faces)
    shutil.copy(drawn_faces / "CelebA-HQ-img/0.png", root / "photo.png")
    with Image.open(root / "photo.png") as photo:
        height = photo.height
    points = pose(np.random.default_rng(0)) * height / SIZE[0]
    (root / "pose.json").write_text(json.dumps(points.tolist()))
    shutil.copy(drawn_faces / "CelebAMaskHQ-mask/0.png", root / "map.png")
    return root


def chosen_cases() -> list[Case]:
    """All, or those that are asked for."""
    pattern = os.environ.get("LIMNER_FUZZ", "")
    return [case for case in all_cases() if re.search(pattern, case.name)]


def _write_other(root: Path, system: str, data: Path) -> None:
    """Weights of a system, what it is asked for, and a result of it."""
    task = registry.task(system)
    stages: list[str] = []
    for stage, preset in (registry.stage_presets(system, "smoke") or {system: "smoke"}).items():
        run = root / "runs" / system / stage  # a short one, as some networks learn sizes of their data
        train(system, preset, data, run, "--train.accelerator", "cpu", "--train.num_workers", "0", *stages)
        stages += [f"--stage.{stage}", str(run)]
        if preset == "smoke":
            break
    limner.load(run).save_pretrained(root / system)
    manifest = open_manifest(data, needs=task.needs, asked_by=system)
    inputs = root / f"{system}-inputs"
    inputs.mkdir()
    for field in set(task.conditions.values()) & set(INPUTS):
        file = Path(given(field, manifest, manifest.rows[0], inputs)[0])
        if file != inputs / INPUTS[field]:
            shutil.copy(file, inputs / INPUTS[field])
    points = manifest.marks_of(manifest.rows[0]).landmarks
    if points is not None:
        (inputs / "landmarks.json").write_text(json.dumps(points.tolist()))
    if system in stored_systems():
        before = Path.cwd()
        os.chdir(root)
        try:
            assert main([*good_command(system), "--device", "cpu", "--out", f"{system}-result"]) == 0, system
        finally:
            os.chdir(before)
        (record,) = (root / f"{system}-result").glob("*result.json")  # a single painting's is named like it
        shutil.copy(record, root / "record.json")
        (root / "record.json").rename(record.with_name("result.json"))


def run(case: Case, place: Path) -> int:
    """In a child: the exit code, after standard error is in `stderr.txt`."""
    os.chdir(place / "here")
    home = place / "here/home"
    os.environ.update(
        {"HOME": str(home), "TMPDIR": str(home), "LIMNER_CACHE": str(home / "cache"), "LIMNER_WEIGHTS": str(home)}
    )
    import tempfile

    tempfile.tempdir = str(home)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS + 5, CPU_SECONDS + 10))
    with open(place / "stderr.txt", "w") as errors:
        os.dup2(errors.fileno(), 2)
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            if case.call is None:
                return main(list(case.command))
            try:
                case.call()
            except LimnerError as error:
                print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
                return error.exit_code
            except Exception:
                traceback.print_exc(file=sys.stderr)
                return 99
            return 0


def judge(case: Case, shared: Path, place: Path) -> list[str]:
    """What is wrong with how a case went; empty if nothing is."""
    here = place / "here"
    (here / "home").mkdir(parents=True)
    for path in shared.iterdir():
        (here / path.name).symlink_to(path)
    case.prepare(here)
    before = listing(here)
    free = {word for word in case.command if word and len(word) < 200 and not (here / word).exists()}
    child = os.fork()
    if child == 0:
        code = 98
        try:
            code = run(case, place)
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        finally:
            sys.stderr.flush()
            os._exit(code if 0 <= code < 256 else 97)
    status, usage, hung = wait_for(child)
    text = (place / "stderr.txt").read_text(errors="replace") if (place / "stderr.txt").exists() else ""
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    problems = []
    code = os.waitstatus_to_exitcode(status)
    if hung:
        problems.append("it hangs")
    elif code not in (0, 1, 2):
        problems.append(f"exit code {code}")
    elif (code == 0) != (errors == []) or len(errors) > 1:
        problems.append(f"exit code {code} with {len(errors)} sentences")
    if "Traceback" in text or "fault in Limner" in text or "Error: " in "".join(errors):
        problems.append("that is no sentence for a user")
    if any(not sign.isprintable() for line in errors for sign in line):
        problems.append("a sentence that a terminal obeys")
    if any(len(line) > 1200 for line in errors):
        problems.append("a sentence of more than 1,200 signs")
    if usage.ru_utime + usage.ru_stime > CPU_SECONDS:
        problems.append(f"{usage.ru_utime + usage.ru_stime:.0f} s")
    if usage.ru_maxrss > MAX_KIB:
        problems.append(f"{usage.ru_maxrss >> 10} MiB")
    after = listing(here)
    asked = free if code == 0 else set()  # an output whose name is free, or a link to nothing, is written
    problems += [
        f"{name} is left behind"
        for name in after.keys() - before.keys()
        if not name.startswith(ALLOWED) and name not in asked
    ]
    problems += [f"{name} was changed" for name in before if after.get(name) != before[name] and name not in asked]
    problems += [f"{name} is left behind" for name in after if name.endswith((".tmp", ".part"))]
    return [f"{problem}: {text.strip()[-300:]}" for problem in problems]


def wait_for(child: int) -> tuple[int, resource.struct_rusage, bool]:
    """Exit status and use of a child, and whether it had to be killed."""
    end = time.monotonic() + WALL_SECONDS
    while True:
        found, status, usage = os.wait4(child, os.WNOHANG)
        if found:
            return status, usage, False
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            _, status, usage = os.wait4(child, 0)
            return status, usage, True
        time.sleep(0.005)


def listing(root: Path) -> dict[str, object]:
    """Name -> size and time of every file and folder, links not followed."""
    found: dict[str, object] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            entry = path.relative_to(root).as_posix()
            state = path.lstat()
            found[entry] = None if path.is_dir() else (state.st_size, state.st_mtime_ns)
    return found


@pytest.mark.slow
def test_hostile_inputs(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    torch.set_num_threads(1)
    cases = all_cases()
    assert len(cases) >= 1000 and len({case.name for case in cases}) == len(cases)
    originals = listing(shared)
    bad: list[str] = []
    num_bad = 0
    tried = chosen_cases()
    for number, case in enumerate(tried):
        place = tmp_path / str(number)
        place.mkdir()
        problems = judge(case, shared, place)
        bad += [f"{case.name}: {problem}" for problem in problems]
        num_bad += bool(problems)
        if problems:
            with capsys.disabled():
                print(f"{case.name}: {problems[0]}", flush=True)
        shutil.rmtree(place, ignore_errors=True)
    if listing(shared) != originals:
        bad.append("the shared files were changed")
    with capsys.disabled():
        print(f"\n{len(tried)} tried, {len(tried) - num_bad} good")
    assert bad == []
