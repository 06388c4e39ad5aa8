"""How long it takes until `limner` answers, and what importing it costs.

Protocol: every row is a new Python process, timed from its start to its exit. All rows run in turn, forwards and
backwards, so that they share whatever else the machine does; the first turn is thrown away (it fills the page cache and
writes bytecode). "x python" is the row's least time over that of `python -c pass`. Target: `limner --help` < 0.5 s.

    python benchmarks/import_time.py
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path

from measure import alternate, gibibytes, milliseconds, new_parser, report, run_command, summary


def commands() -> dict[str, list[str]]:
    """What is timed; the installed `limner` only where there is one beside this Python."""
    python = sys.executable
    found = {
        "python -c pass": [python, "-c", "pass"],
        "import limner": [python, "-c", "import limner"],
        "python -m limner --help": [python, "-m", "limner", "--help"],
        "python -m limner generate scgan --help": [python, "-m", "limner", "generate", "scgan", "--help"],
        "python -m limner train scgan --help": [python, "-m", "limner", "train", "scgan", "--help"],
        "import torch": [python, "-c", "import torch"],
        "import limner.pipelines (with torch)": [python, "-c", "import limner.pipelines"],
    }
    script = shutil.which("limner", path=str(Path(python).parent))
    return found | ({"limner --help": [script, "--help"]} if script else {})


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=None, help="processes a row (10; with --quick 3)")
    options = parser.parse_args()
    repeats = options.repeats or (3 if options.quick else 10)
    results = alternate(
        {name: partial(run_command, words) for name, words in commands().items()}, warmup=1, repeats=repeats
    )
    data = {
        name: {
            "seconds": summary([seconds for seconds, _ in runs]),
            "peak_memory_bytes": max(memory for _, memory in runs),
        }
        for name, runs in results.items()
    }
    least = data["python -c pass"]["seconds"]["min"]
    rows = [
        {
            "process": f"`{name}`",
            "min, ms": milliseconds(numbers["seconds"]["min"]),
            "median, ms": milliseconds(numbers["seconds"]["median"]),
            "x python": f"{numbers['seconds']['min'] / least:.1f}",
            "peak memory": gibibytes(numbers["peak_memory_bytes"]),
        }
        for name, numbers in data.items()
    ]
    protocol = f"{repeats} processes a row, in turn."
    report(
        "Start-up and import time",
        protocol,
        {"Processes": rows},
        data,
        options,
        ratios={
            f"{name} / python -c pass": one["seconds"]["min"] / least
            for name, one in data.items()
            if name != "python -c pass"
        },
    )


if __name__ == "__main__":
    main()
