"""The table of the fuzzer: commands and functions, and what is put in the place of their files and numbers."""

from __future__ import annotations

import itertools
import shlex
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limner import registry
from limner.data.fields import Field

from ..contract.stored import SYSTEMS, changes_of, write_changed
from .files import FILES

PLACE = "HOSTILE"
"""Stands for the hostile file or value in a command."""


@dataclass(frozen=True)
class Case:
    """One attempt, made in a folder of its own."""

    name: str
    command: tuple[str, ...] = ()
    """Words after `limner`."""
    call: Callable[[], object] | None = None
    """In place of a command: a function of the package, called with hostile arguments."""
    prepare: Callable[[Path], object] = field(default=lambda place: None)


# Commands that work.
SCGAN = "generate scgan --weights scgan --label-map map.png --out out"
MASKFACE = "generate maskface --weights maskface --label-map map.png --out out"
PORTRAIT = "generate portrait --weights portrait --photo photo.png --out out"
PAINTER = "generate painter --weights painter --image photo.png --out out"
SCAGAN = "generate scagan --weights scagan --photo photo.png --source-pose pose.json --out out"

# Every option and argument that names a file or folder to be read. Weights and good files lie in the case's folder.
READERS = {
    "scgan label map": "generate scgan --weights scgan --label-map HOSTILE --out out",
    "scgan two maps": "generate scgan --weights scgan --label-map map.png HOSTILE --interpolate s --out out",
    "scgan segment": "generate scgan --weights scgan --segment HOSTILE --out out",
    "scgan like": f"{SCGAN} --like HOSTILE",
    "scgan weights": "generate scgan --weights HOSTILE --label-map map.png --out out",
    "scgan schema": f"{SCGAN} --schema HOSTILE.json",
    "parser image": "generate parser --weights parser --image HOSTILE --out out",
    "portrait photo": "generate portrait --weights portrait --photo HOSTILE --hair photo.png --out out",
    "portrait look": f"{PORTRAIT} --hair HOSTILE",
    "portrait map": f"{PORTRAIT} --map HOSTILE --hair photo.png",
    "portrait target": f"{PORTRAIT} --target HOSTILE",
    "portrait gallery": f"{PORTRAIT} --gallery HOSTILE",
    "portrait parse": "generate portrait --weights portrait --parse HOSTILE --out out",
    "maskface label map": "generate maskface --weights maskface --label-map HOSTILE --out out",
    "maskface photo": f"{MASKFACE} --photo HOSTILE",
    "maskface like": f"{MASKFACE} --like HOSTILE",
    "painter image": "generate painter --weights painter --image HOSTILE --strokes 3 --size 32x32 --out out",
    "painter mask": f"{PAINTER} --mask HOSTILE --strokes 3 --size 9x9",
    "painter start": f"{PAINTER} --start HOSTILE --strokes 3",
    "painter redraw": "generate painter --redraw HOSTILE --size 32x32 --out out",
    "painter vgg16": f"{PAINTER} --vgg16 HOSTILE --strokes 3",
    "pix2pix label map": "generate pix2pix --weights pix2pix --label-map HOSTILE --out out",
    "cyclegan label map": "generate cyclegan --weights cyclegan --label-map HOSTILE --out out",
    "cyclegan segment": "generate cyclegan --weights cyclegan --segment HOSTILE --out out",
    "spade label map": "generate spade --weights spade --label-map HOSTILE --out out",
    "spade style": "generate spade --weights spade --label-map map.png --style HOSTILE --out out",
    "scagan photo": f"{SCAGAN} --pose pose.json".replace("photo.png", PLACE),
    "scagan source pose": f"{SCAGAN} --pose pose.json".replace("--source-pose pose.json", "--source-pose HOSTILE.json"),
    "scagan pose": f"{SCAGAN} --pose HOSTILE.json",
    "scagan pose of a photo": f"{SCAGAN} --pose HOSTILE",
    "scagan poses": f"{SCAGAN} --poses HOSTILE.json",
    "scagan clothes": f"{SCAGAN} --clothes HOSTILE --clothes-pose pose.json",
    "scagan content": f"{SCAGAN} --pose pose.json --content HOSTILE",
    "generate from": "generate --from HOSTILE --weights scgan --out out",
    "data check": "data check HOSTILE",
    "data show": "data show HOSTILE --out out.png",
    "data convert": "data convert HOSTILE --from celebamask-19 --to scgan-celeba-7 --out out",
    "data schema": "data check faces --schema HOSTILE.json",
    "evaluate data": "evaluate parser --weights parser --data HOSTILE --out out",
    "evaluate judge": "evaluate scgan --weights scgan --judge HOSTILE --data faces --num-images 2 --out out",
    "train data": "train scgan --preset smoke --data HOSTILE --out out",
    "train config": "train scgan --preset smoke --train.images 4 --data nowhere --config HOSTILE --out out",
    "export card": "export scgan --weights scgan --format weights --card HOSTILE --out out",
    "export expected": "export scgan --weights scgan --format weights --expected HOSTILE --out out",
    "plot run": "plot HOSTILE --out out.png",
    "plot out": "plot nowhere --out HOSTILE",
    "reproduce table": "reproduce HOSTILE.yaml --data nowhere --out out",
}

# Every number and word that decides how much is done.
VALUES = ("-1", "0", "1e9", str(2**63), str(2**80), "nan", "", "x" * 300, "1.5", "a\tb\x1b[31m")
OPTIONS = {
    "scgan seed": f"{SCGAN} --seed HOSTILE",
    "scgan pictures": f"{SCGAN} --num-images HOSTILE --shard 0/999999",
    "scgan batch": f"{SCGAN} --batch-size HOSTILE",
    "scgan steps": f"{SCGAN} --interpolate z --steps HOSTILE",
    "scgan to seed": f"{SCGAN} --interpolate z --to-seed HOSTILE",
    "scgan attribute": f"{SCGAN} --attribute Male=HOSTILE",
    "scgan attribute name": f"{SCGAN} --attribute HOSTILE=1",
    "scgan shard": f"{SCGAN} --shard HOSTILE",
    "scgan device": f"{SCGAN} --device HOSTILE",
    "maskface seed": f"{MASKFACE} --seed HOSTILE",
    "maskface steps": f"{MASKFACE} --interpolate --steps HOSTILE",
    "portrait steps": f"{PORTRAIT} --hair photo.png --steps HOSTILE",
    "painter strokes": f"{PAINTER} --strokes HOSTILE --size 9x9",
    "painter tiles": f"{PAINTER} --strokes 3 --tiles HOSTILE",
    "painter size": f"{PAINTER} --strokes 3 --size HOSTILE",
    "painter focus": f"{PAINTER} --strokes 3 --focus HOSTILE --size 9x9",
    "painter canvas": f"{PAINTER} --strokes 3 --canvas HOSTILE --size 9x9",
    "painter palette": f"{PAINTER} --strokes 3 --palette HOSTILE --size 9x9",
    "painter fps": f"{PAINTER} --strokes 3 --gif --fps HOSTILE --size 9x9",
    "painter seconds": f"{PAINTER} --strokes 3 --gif --duration HOSTILE",
    "scagan seed": f"{SCAGAN} --pose pose.json --seed HOSTILE",
    "scagan steps": f"{SCAGAN} --poses pose.json --steps HOSTILE",
    "scagan rate": f"{SCAGAN} --poses pose.json --motion out.gif --frames-per-second HOSTILE",
    "scagan show": f"{SCAGAN} --pose pose.json --show HOSTILE",
    "spade seed": "generate spade --weights spade --label-map map.png --seed HOSTILE --out out",
    "make number": "data make drawn-faces --num HOSTILE --size 16 --workers 0 --out out",
    "make size": "data make drawn-faces --num 1 --size HOSTILE --out out",
    "make seed": "data make drawn-faces --num 1 --size 16 --seed HOSTILE --out out",
    "make kind": "data make HOSTILE --num 1 --out out",
    "show size": "data show faces --num 1 --size HOSTILE --out out.png",
    "show columns": "data show faces --num 1 --columns HOSTILE --out out.png",
    "check limit": "data check faces --limit HOSTILE",
    "check schema": "data check faces --schema HOSTILE",
    "evaluate images": "evaluate parser --weights parser --data faces --num-images HOSTILE --out out",
    "evaluate batch": "evaluate parser --weights parser --data faces --batch-size HOSTILE --out out",
    "evaluate split": "evaluate parser --weights parser --data faces --split HOSTILE --out out",
    "train images": "train scgan --preset smoke --data nowhere --train.images HOSTILE --out out",
    "train batch": "train scgan --preset smoke --data nowhere --train.batch_size HOSTILE --out out",
    "train width": "train scgan --preset smoke --data nowhere --model.width HOSTILE --out out",
    "export format": "export scgan --weights scgan --format HOSTILE --out out",
    "reproduce seeds": "reproduce scgan-table --data nowhere --seeds HOSTILE --out out",
    "reproduce budget": "reproduce scgan-table --data nowhere --budget HOSTILE --out out",
    "reproduce size": "reproduce scgan-table --data nowhere --image-size HOSTILE --out out",
    "list": "list HOSTILE",
    "doctor": "doctor HOSTILE",
    "demo": "demo HOSTILE --out out",
    "demo device": "demo scgan --device HOSTILE --out out",
    "plot metrics": "plot nowhere --metrics HOSTILE --out out.png",
    "command": "HOSTILE",
    "system": "generate HOSTILE --out out",
}


# Every system that has no line above, by what the registry says of it.
HAND_WRITTEN = (*SYSTEMS, "parser")
OTHERS = tuple(name for name in registry.system_names() if name not in HAND_WRITTEN)
INPUTS: dict[Field, str] = {
    "label_map": "map.png",
    "image": "photo.png",
    "keypoints": "pose.csv",
    "landmarks": "landmarks.txt",
    "video": "clip.mp4",
    "audio": "clip.mp4",
}
"""Names of good files in the folder `SYSTEM-inputs`, which the fixture writes; captions are words."""
KINDS = [
    *("empty", "folder", "pipe", "device", "missing", "noise", "sparse", "PostScript", "bomb", "transparent", "thin"),
    *("truncated", "pickle", "floats", "animated", "link to itself", "text", "deep JSON", "long number", "12 bits"),
    *("one pixel", "turned"),
]
FEW = ("-1", "1e9", str(2**80), "", "x" * 300)


def words(command: str, value: str) -> tuple[str, ...]:
    return tuple(word.replace(PLACE, value) for word in shlex.split(command))


def reader_cases() -> Iterator[Case]:
    for (name, command), kind in itertools.product(READERS.items(), FILES):
        file = "hostile" + (".json" if "HOSTILE.json" in command else ".yaml" if "HOSTILE.yaml" in command else ".png")
        given = words(command.replace("HOSTILE.json", PLACE).replace("HOSTILE.yaml", PLACE), file)
        yield Case(f"{name}: {kind}", given, prepare=lambda place, file=file, kind=kind: FILES[kind](place / file))


def option_cases() -> Iterator[Case]:
    for (name, command), value in itertools.product(OPTIONS.items(), VALUES):
        yield Case(f"{name}: {value[:20]!r}", words(command, value))


def good_command(system: str) -> list[str]:
    """`limner generate SYSTEM` with all that it needs, without `--out`."""
    found = ["generate", system, "--weights", system]
    if "landmarks" in registry.task(system).needs and registry.task(system).gives != "verdict":
        found += ["--landmarks", f"{system}-inputs/landmarks.json"]  # else a detector would look for them
    for flag, one in registry.task(system).conditions.items():
        found += [flag, f"{system}-inputs/{INPUTS[one]}" if one in INPUTS else "a red circle"]
    return found


def other_cases() -> Iterator[Case]:
    """Every option of a system that is not written out above, those of files with files, the others with words."""
    for system in OTHERS:
        parser = ArgumentParser()
        registry.generate_options(system).add_options(parser)
        good = good_command(system)
        for action in parser._actions:
            flag = (action.option_strings or [""])[-1]
            if action.nargs == 0 or not flag.startswith("--"):
                continue
            given = good if flag not in good else [*good[: good.index(flag)], *good[good.index(flag) + 2 :]]
            is_file = any(word in str(action.metavar) for word in ("FILE", "DIR", "PHOTO", "RESULT"))
            for kind in KINDS if is_file else ():
                yield _of_file(f"{system} {flag}: {kind}", [*given, flag, "hostile.png", "--out", "out"], kind)
            for value in () if is_file else FEW:
                name = f"{system} {flag}: {value[:20]!r}"
                yield Case(name, (*given, f"{flag}={value}", "--out", "out"))
        for kind in KINDS:
            train = ["train", system, "--preset", "smoke", "--data", "hostile.png", "--out", "out"]
            yield _of_file(f"{system} train data: {kind}", train, kind)
            weights = ["generate", system, "--weights", "hostile.png", *good[4:], "--out", "out"]
            yield _of_file(f"{system} weights: {kind}", weights, kind)
            data = ["evaluate", system, "--weights", system, "--data", "hostile.png", "--out", "out"]
            yield _of_file(f"{system} evaluate data: {kind}", data, kind)


def _of_file(name: str, command: list[str], kind: str) -> Case:
    return Case(name, tuple(command), prepare=lambda place: FILES[kind](place / "hostile.png"))


def stored_systems() -> list[str]:
    """Systems whose results can be drawn again."""
    return [*SYSTEMS, *(name for name in OTHERS if registry.task(name).gives in ("picture", "clip", "strokes"))]


def stored_cases() -> Iterator[Case]:
    for system in stored_systems():
        for change in changes_of(system):

            def prepare(place: Path, system: str = system, change: str = change) -> None:
                write_changed(
                    place / "changed.json", place / f"{system}-result/result.json", changes_of(system)[change]
                )

            command = ("generate", "--from", "changed.json", "--weights", system, "--device", "cpu", "--out", "out")
            yield Case(f"stored {system}: {change}", command, prepare=prepare)


def function_cases() -> Iterator[Case]:
    for (name, call), kind in itertools.product(functions().items(), FILES):
        made = lambda place, kind=kind: FILES[kind](place / "hostile.png")  # noqa: E731
        yield Case(f"{name}: {kind}", call=call, prepare=made)


def _link(file: Path, name: str) -> Path:
    link = Path(name)
    link.symlink_to(file)
    return link


def functions() -> dict[str, Callable[[], object]]:
    """Public functions that read a file, called on the hostile one."""
    import limner
    from limner import files, hub
    from limner.backbones.state import read_state
    from limner.data import attributes, image_io, keypoints, landmarks, manifest, schema
    from limner.data.datasets.images import open_pictures
    from limner.engine.state import load_state
    from limner.pose_transfer.poses import read_pose
    from limner.results import read_result
    from limner.systems.painter.strokes import StrokeDocument

    file = Path("hostile.png")
    celeba = schema.SCHEMAS["celebamask-19"]
    found: dict[str, Callable[[], Any]] = {
        "limner.load": lambda: limner.load(file),
        "hub.read_json": lambda: hub.read_json(file),
        "read_text": lambda: files.read_text(file),
        "read_json": lambda: files.read_json(file),
        "read_yaml": lambda: files.read_yaml(file),
        "read_photo": lambda: image_io.read_photo(file),
        "read_any_picture": lambda: image_io.read_any_picture(file),
        "read_mask": lambda: image_io.read_mask(file),
        "read_part_mask": lambda: image_io.read_part_mask(file),
        "read_label_map": lambda: image_io.read_label_map(file, celeba),
        "picture_size": lambda: image_io.picture_size(file),
        "read_splits": lambda: attributes.read_splits(file),
        "read_eval_partition": lambda: attributes.read_eval_partition(file),
        "read_celeba_attributes": lambda: attributes.read_celeba_attributes(file),
        "read_csv_attributes": lambda: attributes.read_csv_attributes(file),
        "read_landmarks": lambda: landmarks.read_landmarks(file),
        "read_keypoints": lambda: keypoints.read_keypoints(file),
        "read_schema": lambda: schema.read_schema(file),
        "open_manifest": lambda: manifest.open_manifest(file),
        "open_pictures": lambda: open_pictures(file, size=16),
        "load_state": lambda: load_state(file),
        "read_state": lambda: read_state(file),
        "read_pose": lambda: read_pose(_link(file, "out.json")),  # by its ending a pose
        "read_result": lambda: read_result(file),
        "StrokeDocument.read": lambda: StrokeDocument.read(file),
    }
    return found


def all_cases() -> list[Case]:
    return [*reader_cases(), *option_cases(), *other_cases(), *stored_cases(), *function_cases()]
