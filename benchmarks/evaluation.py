"""Which share of its processor time `limner evaluate` spends inside networks.

Protocol: the command with the shipped weights and their judge, in a process of its own on one thread, on rendered
people of 64 px (or `--data`), which are made before and not counted. All processor time of the process counts, from the
start of Python; of a network that of its outermost call. What compares features runs twice with one cache: first the
real pictures are looked at, then what was seen of them is read. The rest is importing packages, opening weights,
reading and writing pictures, scores and their intervals, the painter's brush, and the training of the linear head that
scores captions; "before" is what passes before the first call of a network.
Target: a share of at least 0.7 with 320 pictures; with fewer, importing PyTorch is much of it.

    python benchmarks/evaluation.py
    python benchmarks/evaluation.py --systems scgan --data DATA --images 320
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import in_fresh_process, load_average, new_parser, report, run_command

SYSTEMS: dict[str, list[str]] = {
    "scgan": ["--features", "people"],
    "portrait": ["--features", "people"],
    "painter": ["--strokes", "50"],
    "hfgan": ["--features", "people", "--judge", "damsm-people-64", "--judge", "factjudge-people-64"],
}
"""System -> words of its evaluation beside data and number."""
PAINTINGS = 4  # a painting takes many passes of its networks


def measure_evaluation(*, words: list[str], cache: Path) -> dict[str, float]:
    """Processor seconds of this process: all, before the first call of a network, and inside networks."""
    os.environ["LIMNER_CACHE"] = str(cache)
    import torch
    from torch.nn.modules import module

    torch.set_num_threads(1)
    depth, entered, inside, first = 0, 0.0, 0.0, 0.0

    def enter(*_: Any) -> None:
        nonlocal depth, entered, first
        if depth == 0:
            entered = time.process_time()
            first = first or entered
        depth += 1

    def leave(*_: Any) -> None:
        nonlocal depth, inside
        depth -= 1
        if depth == 0:
            inside += time.process_time() - entered

    module.register_module_forward_pre_hook(enter)
    module.register_module_forward_hook(leave, always_call=True)
    from limner.cli.main import main as command

    with contextlib.redirect_stdout(io.StringIO()):
        code = command(["evaluate", *words])
    if code:
        raise SystemExit(f"limner evaluate {' '.join(words)} ended with {code}")
    return {"seconds": time.process_time(), "first": first, "networks": inside, "load_average": load_average()}


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=list(SYSTEMS), help="(all of them)")
    parser.add_argument("--images", type=int, default=None, help="pictures (320; with --quick 24)")
    parser.add_argument("--data", type=Path, default=None, help="faces with label maps and attributes (rendered ones)")
    options = parser.parse_args()
    images = options.images or (24 if options.quick else 320)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or Path(folder) / "people"
        if options.data is None:
            print(f"rendering {images} people …", file=sys.stderr)
            words = ["data", "make", "people-faces", "--num", str(images), "--size", "64", "--out", data]
            run_command([sys.executable, "-m", "limner", *words])
        for system in options.systems:
            num = min(images, PAINTINGS) if system == "painter" else images
            words = [system, *SYSTEMS[system], "--data", str(data), "--split", "all", "--num-images", str(num)]
            cache = Path(folder) / f"cache-{system}"
            for turn in ("first", "again") if "--features" in words else ("first",):
                print(f"evaluating {system}, {turn} …", file=sys.stderr)
                found[f"{system}, {num} pictures, {turn}"] = in_fresh_process(
                    measure_evaluation, words=words, cache=cache
                )
    rows = [
        {
            "evaluation": name,
            "processor, s": f"{one['seconds']:.1f}",
            "before, s": f"{one['first']:.1f}",
            "networks, s": f"{one['networks']:.1f}",
            "share": f"{one['networks'] / one['seconds']:.2f}",
        }
        for name, one in found.items()
    ]
    ratios = {f"{name}: share in networks": one["networks"] / one["seconds"] for name, one in found.items()}
    report("Evaluation", "One run of each.", {"Processor time": rows}, found, options, ratios=ratios)


if __name__ == "__main__":
    main()
