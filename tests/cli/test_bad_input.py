"""Bad inputs: exit code 1 or 2, one sentence that names the thing, nothing half-written or touched."""

from __future__ import annotations

import os
import resource
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from limner.cli.main import main
from limner.data.manifest import SCGAN_ATTRIBUTES, open_manifest
from limner.data.schema import LabelSchema, get_schema
from limner.data.spec import DataSpec
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline

from .bad_input_cases import BAD, GENERATE, GOOD, Case, Good, network_config

NUM_FACES = 12


@pytest.fixture(scope="module")
def shared(tmp_path_factory, drawn_faces, tiny_weights) -> dict[str, Path]:
    """What every case finds in its folder; see `bad_input_cases`."""
    root = tmp_path_factory.mktemp("shared")
    manifest = open_manifest(drawn_faces)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        _write_faces(root, drawn_faces, manifest)
        _write_parsers(root)
        (root / "weights").symlink_to(tiny_weights)
        assert (
            main(
                shlex.split(
                    "train scgan --preset smoke --train.accelerator cpu --train.images 8 --data faces --out run"
                )
            )
            == 0
        )
        generate = "generate scgan --weights weights --device cpu --label-map map.png --seed 3 --out result"
        assert main(shlex.split(generate)) == 0
    names = ("faces", "hq", "weights", "parser", "parser-other", "run", "result", "map.png")
    return {name: (root / name).resolve() for name in names}


def _write_faces(root: Path, drawn: Path, manifest) -> None:
    import json
    import shutil

    attributes, splits = [f"name,{','.join(SCGAN_ATTRIBUTES)}"], ["name,split"]
    for folder in ("faces/images", "faces/labels", "hq/CelebA-HQ-img", "hq/CelebAMaskHQ-mask"):
        (root / folder).mkdir(parents=True)
    for row in manifest.rows[:NUM_FACES]:
        for folder in ("faces/images", "hq/CelebA-HQ-img"):
            shutil.copy(drawn / row.image, root / folder)
        for folder in ("faces/labels", "hq/CelebAMaskHQ-mask"):
            shutil.copy(drawn / row.label, root / folder)
        attributes.append(f"{row.name}.png,{','.join(str(int(value)) for value in row.attributes)}")
        splits.append(f"{row.name},{'test' if int(row.name) < 4 else 'train'}")
    (root / "faces/attributes.csv").write_text("\n".join(attributes) + "\n")
    celeba = [str(NUM_FACES), " ".join(SCGAN_ATTRIBUTES), *(line.replace(",", " ") for line in attributes[1:])]
    (root / "hq/CelebAMask-HQ-attribute-anno.txt").write_text("\n".join(celeba) + "\n")
    for folder in ("faces", "hq"):
        (root / folder / "splits.csv").write_text("\n".join(splits) + "\n")
    (root / "faces/schema.json").write_text(json.dumps(get_schema("celebamask-19").to_json()))
    shutil.copy(root / "faces/labels/1.png", root / "map.png")


def _write_parsers(root: Path) -> None:
    shapes = LabelSchema("shapes", ("background", "box"), ((0, 0, 0), (255, 0, 0)))
    for name, schema in (("parser", get_schema("celebamask-19")), ("parser-other", shapes)):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = ParsingNetwork(num_classes=schema.num_classes, num_attributes=len(SCGAN_ATTRIBUTES), width=8)
        spec = DataSpec(schema, SCGAN_ATTRIBUTES)
        ParserPipeline(spec=spec, size=32, parser=network).save_pretrained(root / name)


@pytest.fixture
def place(shared, tmp_path, monkeypatch) -> Path:
    """A folder with links to all that is shared, which is also the current one."""
    for name, target in shared.items():
        (tmp_path / name).symlink_to(target)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tmp_path / "no-weights-here"))
    return tmp_path


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_bad_input(case: Case, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case.prepare(place)
    before = contents(place)
    capsys.readouterr()
    with time_limit(1800), full_disk(case.disk_bytes):
        code = main(shlex.split(case.command))
    captured = capsys.readouterr()
    after = contents(place)

    line = captured.err.removesuffix("\n")
    problems = [f'"{word}" is not in the sentence' for word in case.words if word not in line]
    problems += [f"{name} is left behind" for name in after if name not in before and not may_be_new(name, case)]
    problems += [
        f"{name} was changed" for name in before if after.get(name) != before[name] and name not in case.leaves
    ]
    if not line.startswith("error: ") or "\n" in line or len(line) > 600 or "fault in Limner" in line:
        problems.append("that is not one sentence for a user")
    if code != case.code:
        problems.append(f"the exit code is {code}")
    if captured.out and not case.command.startswith("data check"):  # which prints its report
        problems.append("something was printed as if it had worked")
    assert problems == [], line


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.name)
def test_odd_input_that_works(good: Good, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good.prepare(place)
    with time_limit(1800):
        code = main(shlex.split(good.command))
    assert code == 0, capsys.readouterr().err
    for name in good.makes:
        assert (place / name).is_file()
    assert [name for name in contents(place) if name.endswith((".tmp", ".part"))] == []


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["trian"], 2, 'There is no command "trian"'),
        (["data", "check", os.fsdecode(b"caf\xe9")], 1, "is missing"),
        (["data", "check", "x" * 5000], 2, "too long"),
        ([*shlex.split(GENERATE), "--label-map", "map.png"], 1, "config.json does not describe a generator"),
    ],
    ids=["unknown command", "name that is no UTF-8", "very long name", "config of text"],
)
def test_bad_input_in_a_process_of_its_own(words, code, text, place, python) -> None:
    network_config(width="wide")(place)  # here no type check of the tests comes before the program's own
    done = python("-m", "limner", *words, cwd=place)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert text in done.stderr and "fault in Limner" not in done.stderr


def test_full_standard_output(place, root) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "limner", "list", "--json"],
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


def test_names_are_unique_and_there_are_enough() -> None:
    twice = [name for name, count in Counter(case.name for case in [*BAD, *GOOD]).items() if count > 1]
    assert twice == [] and len(BAD) >= 70


def may_be_new(name: str, case: Case) -> bool:
    """Whether the case says so."""
    return name in case.leaves or any(f"{name}/".startswith(leaf) for leaf in case.leaves if leaf.endswith("/"))


def contents(root: Path) -> dict[str, object]:
    """Path -> bytes of all files, None for folders, the goal of links."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        found[name] = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return found


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Fail instead of hanging."""

    def stop(number: int, frame: object) -> None:
        pytest.fail(f"it takes more than {seconds} s")

    old = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


@contextmanager
def full_disk(num_bytes: int | None) -> Iterator[None]:
    """Let no file grow beyond so many bytes: the write fails as on a full disk."""
    if num_bytes is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
