"""Whether a change of the code changed what the code computes: losses of short trainings, pixels of shipped weights.

`python tools/fingerprints.py write FILE` notes, with the package in `--code` (this checkout unless another is named):

- the losses of 20 steps of every system's smoke preset, in float32, on data made by code; of systems with stages those
  of each stage that comes before it, too;
- the files of these data: where they differ, losses may well do so;
- the pixels that every shipped weights folder draws, and everything that `limner demo` shows of each system, clips too.

`python tools/fingerprints.py compare FILE` does the same again and names what differs; results that the first run kept
beside FILE are also made again with `limner generate --from`. Only commands are called, so that two versions of the
package can be compared whatever their modules are called. Numbers hold for one machine and one version of torch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
READY = ROOT / "limner" / "people" / "ready"
STEPS, BATCH = 20, 8
DATA: dict[str, str] = {
    "videos": "people-talking --num 24 --size 64",
    "captions": "people-faces --num 40 --size 64",
    "age groups": "people-ages --num 40 --size 64",
    "key points": "people-bodies --num 24 --size 64",
    "": "drawn-faces --num 40 --size 64",
}
"""Word in what a system learns from -> what `limner data make` makes for it; the first that fits."""
LEFT_OUT = ("images_per_second", "data_wait_share", "diversity", "validation/")
"""Beginnings of names in metrics.jsonl that are no losses."""

PICTURES: dict[str, str] = {
    "scgan": "scgan --label-map {maps}/turn-2.png --schema celebamask-19 --attribute Male=1 --seed 7 --num-images 3",
    "scgan-walk": "scgan --label-map {maps}/turn-4.png --schema celebamask-19 --change Blond_Hair=1 --steps 3 --seed 5",
    "maskface": "maskface --label-map {maps}/turn-2.png --schema celebamask-19 --seed 7 --num-images 3",
    "portrait": "portrait --photo photo.png --hair other.png --eyes other.png",
    "portrait-walk": "portrait --photo photo.png --hair other.png --steps 3",
    "painter": "painter --image photo.png --strokes 50",
    "parser": "parser --image photo.png",
}
"""Name -> words of `limner generate`."""


def main() -> int:
    """Run; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["write", "compare"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--code", type=Path, default=ROOT, help="checkout whose package is run")
    parser.add_argument("--only", choices=["losses", "pictures"], default=None)
    parser.add_argument("--systems", nargs="+", default=[], help="losses of these alone")
    options = parser.parse_args()
    kept = options.file.resolve().with_suffix("")
    if options.action == "write":
        found = _measure(options.code, options.only, kept, is_first=True, systems=options.systems)
        options.file.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{options.file}: {len(found)} fingerprints")
        return 0
    before = json.loads(options.file.read_text(encoding="utf-8"))
    if options.only is not None:
        kinds = ("losses", "files") if options.only == "losses" else ("pictures",)
        before = {key: value for key, value in before.items() if key.startswith(kinds)}
    if options.systems:
        before = {
            key: value
            for key, value in before.items()
            if not key.startswith("losses") or key.removeprefix("losses of ").split(",")[0] in options.systems
        }
    after = _measure(options.code, options.only, kept, is_first=False, wanted=before, systems=options.systems)
    different = [key for key in before if before[key] != after.get(key)]
    for key in different:
        print(f"differs: {key}, {_first_difference(before[key], after.get(key))}")
    print(f"{len(before) - len(different)} of {len(before)} fingerprints are equal")
    return 1 if different else 0


def _measure(
    code: Path,
    only: str | None,
    kept: Path,
    *,
    is_first: bool,
    wanted: Collection[str] = (),
    systems: Collection[str] = (),
) -> dict[str, Any]:
    """Name -> losses or hashes of pixels; the first run leaves its pictures in `kept`."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if only != "pictures":
            for system in json.loads(_limner(code, work, "list --json"))["systems"]:
                if systems and system["name"] not in systems:
                    continue
                if f"losses of {system['name']}" in wanted or is_first:
                    kind = next(kind for word, kind in DATA.items() if word in system["task"])
                    folder = kind.split()[0]
                    if not (work / folder).exists():
                        _limner(code, work, f"data make {kind} --out {folder}")
                        found[f"files of {folder}"] = _files(work / folder)
                    found |= _losses(code, work, system, folder)
        if only != "losses":
            _copy_photo("face-006", work / "photo.png")
            _copy_photo("face-023", work / "other.png")
            for system in json.loads(_limner(code, work, "demo --out demo --json"))["systems"]:
                found[f"pictures of the demo of {system}"] = _files(work / "demo" / system)
            for name, words in PICTURES.items():
                out = (kept if is_first else work) / name
                _limner(code, work, f"generate {words.format(maps=READY / 'maps')} --out {out} --force")
                found[f"pictures of {name}"] = _pixels(out)
                stored = kept / name / "result.json"
                if stored.is_file():
                    _limner(code, work, f"generate --from {stored} --out again/{name}", may_fail=True)
                    found[f"pictures of {name}, from result.json"] = _pixels(work / "again" / name)
    return found


def _losses(code: Path, work: Path, system: dict[str, Any], data: str) -> dict[str, list[dict[str, float]]]:
    """Losses of the smoke preset and, before it, of its stages; none of what cannot be trained like that."""
    images, found, stages = STEPS * BATCH, {}, ""
    for preset in sorted((name for name in system["presets"] if name.split("-")[0] == "smoke"), key="smoke".__eq__):
        run = f"run-{system['name']}-{preset}"
        words = f"train {system['name']} --preset {preset} --data {data} --out {run} --train.precision 32-true{stages}"
        words += f" --train.images {images} --train.batch_size {BATCH} --train.log_every {BATCH}"
        words += f" --train.sample_every {images} --train.checkpoint_every {images}"
        name = f"losses of {system['name']}" + preset.removeprefix("smoke").replace("-", ", stage ")
        if _limner(code, work, words, may_fail=True).strip():  # else standard error said why
            lines = [json.loads(line) for line in (work / run / "metrics.jsonl").read_text().splitlines()]
            found[name] = [{k: value for k, value in line.items() if not k.startswith(LEFT_OUT)} for line in lines]
            stages += f" --stage.{preset.removeprefix('smoke-')} {run}" if preset != "smoke" else ""
    return found


def _files(folder: Path) -> list[str]:
    """Hashes of the files of a folder, with their names; of pictures by their pixels, as files name the program."""
    hashes = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".png", ".jpg", ".webp"):
            pixels = np.asarray(Image.open(path))
            hashes.append(f"{path.relative_to(folder)} {hashlib.sha256(pixels.tobytes()).hexdigest()[:16]}")
        elif path.is_file() and path.suffix != ".json":  # a record names weights by their place
            hashes.append(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}")
    return hashes


def _pixels(folder: Path) -> list[str]:
    """Hashes of the pixels of all PNG files of a folder, whatever they are called."""
    hashes = []
    for path in folder.glob("*.png"):
        pixels = np.asarray(Image.open(path, formats=["PNG"]))
        hashes.append(hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()[:16])
    return sorted(hashes)


def _copy_photo(name: str, path: Path) -> None:
    Image.open(READY / f"{name}.webp", formats=["WEBP"]).convert("RGB").save(path)


def _limner(code: Path, work: Path, words: str, *, may_fail: bool = False) -> str:
    """What a command prints; empty if it fails and may."""
    environment = {**os.environ, "PYTHONPATH": str(code.resolve()), "OMP_NUM_THREADS": "1", "LIMNER_CACHE": str(work)}
    command = [sys.executable, "-m", "limner", *words.split()]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
    if done.returncode and may_fail:
        print(f"limner {words} failed: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return ""
    if done.returncode:
        raise SystemExit(f"limner {words} failed: {done.stderr.strip()[-600:]}")
    return done.stdout


def _first_difference(before: list[Any], after: list[Any] | None) -> str:
    if after is None:
        return "not there any more"
    for number, (old, new) in enumerate(zip(before, after, strict=False)):
        if isinstance(old, dict) and old != new:
            keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
            return f"line {number + 1}: " + ", ".join(f"{key} {old.get(key)} -> {new.get(key)}" for key in keys[:3])
    return f"{before if len(before) < 9 else len(before)} -> {after if len(after) < 9 else len(after)}"


if __name__ == "__main__":
    sys.exit(main())
