"""The ratios of all speed benchmarks in one table: `make benchmarks`.

Protocol: each script runs as it does alone, in a process of its own, one after the other; of what it prints only the
ratios are kept, which hold on a busy machine better than times do. A script that fails is named and the others go on.

    python benchmarks/all.py
    python benchmarks/all.py --quick --scripts runtimes metrics
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import new_parser, report

HERE = Path(__file__).resolve().parent
SCRIPTS: dict[str, list[str]] = {
    "import_time": [],
    "generation": [],
    "runtimes": [],
    "metrics": ["--images", "400"],
    "evaluation": [],
    "candidates": [],
    "text_to_image": ["--presets", "cpu"],
    "one_picture": [],
    "precision": ["--systems", "scgan", "pix2pix"],
    "data_wait": [],
    "painting": [],
    "growth": [],
}
"""Script -> words that keep it within minutes."""


def main() -> int:
    """Run them and print the table."""
    parser = new_parser(__doc__)
    parser.add_argument("--scripts", nargs="+", default=list(SCRIPTS), choices=list(SCRIPTS), help="(all of them)")
    options = parser.parse_args()
    rows: list[dict[str, str]] = []
    data: dict[str, dict[str, float]] = {}
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.scripts:
            print(f"{name} …", file=sys.stderr, flush=True)
            place = Path(folder) / f"{name}.json"
            words = [sys.executable, str(HERE / f"{name}.py"), "--json", str(place), *SCRIPTS[name]]
            done = subprocess.run([*words, *(["--quick"] if options.quick else [])], capture_output=True, text=True)
            if done.returncode != 0 or not place.exists():
                failed.append(name)
                print(done.stderr, file=sys.stderr)
                continue
            data[name] = json.loads(place.read_text())["ratios"]
            rows += [{"benchmark": name, "ratio": what, "value": f"{one:.2f}"} for what, one in data[name].items()]
    ratios = {f"{name}: {what}": one for name, found in data.items() for what, one in found.items()}
    tables = {"Ratios": rows} if rows else {}
    report("All benchmarks", f"{len(data)} scripts.", tables, data, options, ratios=ratios)
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
