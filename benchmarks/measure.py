"""What the speed benchmarks share: timing, fresh processes, the machine in one line, the printed table.

Imports no torch: the peak memory that Linux reports for a child process is never below that of its parent, so the
process that starts the measured ones must stay small.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def new_parser(documentation: str | None) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark has; `--help` shows the script's docstring, its protocol."""
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few repeats: shows that the script works")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="also write the numbers to FILE")
    parser.add_argument(
        "--into",
        type=_page_with_marks,
        default=None,
        metavar="PAGE",
        help="also write the tables between their marks in PAGE",
    )
    return parser


def seconds_of(function: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


MOST_SECONDS = 60.0
"""No turn begins later, after the first: so that every benchmark ends within minutes on any machine."""


def alternate(
    functions: Mapping[str, Callable[[], T]], *, warmup: int, repeats: int, most_seconds: float = MOST_SECONDS
) -> dict[str, list[T]]:
    """Call all functions in turn, `warmup` + `repeats` times, and keep what the repeats returned.

    Every second turn runs backwards, so that a machine that slowly gets busier or hotter favours none of them. On a
    slow machine there are fewer turns: none begins later than `most_seconds`, but the warm-up and one turn are done.
    """
    results: dict[str, list[T]] = {name: [] for name in functions}
    start = time.perf_counter()
    for turn in range(warmup + repeats):
        if turn > warmup and time.perf_counter() - start > most_seconds:
            break
        names = list(functions) if turn % 2 == 0 else list(functions)[::-1]
        for name in names:
            result = functions[name]()
            if turn >= warmup:
                results[name].append(result)
    return results


def summary(values: Sequence[float]) -> dict[str, float]:
    """Least and median value."""
    return {"min": min(values), "median": statistics.median(values)}


def best_and_median(seconds: Mapping[str, float], *, images: int) -> dict[str, float]:
    """Images a second, from the `summary` of the time that so many images took."""
    return {"best": images / seconds["min"], "median": images / seconds["median"]}


def in_fresh_process(function: Callable[..., T], **arguments: Any) -> T:
    """`function(**arguments)` in a new interpreter; the function must stand at the top of its module."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, **arguments).result()


def own_peak_memory() -> int:
    """Largest resident memory that this process ever had, bytes."""
    return _bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def run_command(words: Sequence[str | Path]) -> tuple[float, int]:
    """Run a command in a new process.

    Returns:
        Wall time in seconds from start to exit, and largest resident memory in bytes.

    Raises:
        SystemExit: if it fails; with what it wrote.
    """
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(
            f"{' '.join(process.args)} ended with {process.returncode}:\n{output.decode(errors='replace')}"
        )
    return elapsed, _bytes(usage.ru_maxrss)


def machine() -> dict[str, Any]:
    """The part of `limner doctor --json` that a time depends on, and the load average at this moment."""
    done = subprocess.run([sys.executable, "-m", "limner", "doctor", "--json"], capture_output=True, text=True)
    report = json.loads(done.stdout)
    return {
        "cpu": report["cpu"],
        "memory_bytes": report["memory_bytes"],
        "platform": report["platform"],
        "python": report["python"],
        "torch": report["packages"]["torch"]["version"],
        "limner": report["limner"],
        "load_average": load_average(),
    }


def load_average() -> float:
    """Mean number of running processes over the last minute; these benchmarks' own work is part of it."""
    return round(os.getloadavg()[0], 2)


def report(
    title: str,
    protocol: str,
    tables: Mapping[str, list[dict[str, str]]],
    data: Any,
    options: Any,
    *,
    ratios: Mapping[str, float] | None = None,
) -> None:
    """Print Markdown tables under the machine that gave them, and write `data` where `--json` asks for it.

    Args:
        title: of the page.
        protocol: one sentence on what was repeated.
        tables: heading -> rows, each column -> text.
        data: the numbers behind the tables, for `--json`.
        options: parsed command line.
        ratios: the numbers that hold on a busy machine, for the one table of `benchmarks/all.py`.
    """
    described = machine()
    cpu = described["cpu"]
    head = (
        f"{cpu['name'] or 'unknown CPU'}, {cpu['cores']} cores, {_bf16(cpu['bf16'])}, "
        f"{_threads()}; {described['platform']}; "
        f"Python {described['python']}, torch {described['torch']}, Limner {described['limner']}; "
        f"load average after the measurement {described['load_average']}. {protocol}"
    )
    print(f"# {title}{' (--quick: not for quoting)' if options.quick else ''}\n\n{head}")
    for heading, rows in tables.items():
        print(f"\n## {heading}\n\n{markdown_table(rows)}")
    if options.into is not None:
        parts = [head, *(f"{heading}:\n\n{markdown_table(rows)}" for heading, rows in tables.items())]
        write_between_marks(options.into, Path(sys.argv[0]).name, "\n\n".join(parts), is_quick=options.quick)
    if options.json is not None:
        content = {"benchmark": title, "quick": options.quick, "protocol": protocol, "machine": described, "data": data}
        content["ratios"] = dict(ratios or {})
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_between_marks(page: Path, script: str, text: str, *, is_quick: bool = False) -> None:
    """Replace what stands in a page between `<!-- benchmarks/SCRIPT -->` and `<!-- end of benchmarks/SCRIPT -->`.

    Raises:
        SystemExit: if the page does not have both marks once, in this order, or the numbers are of `--quick`.
    """
    if is_quick:
        raise SystemExit(f"Numbers of --quick are not for quoting; {page} is as it was.")
    whole, first, last = _marked(page, script)
    before, rest = whole.split(first)
    page.write_text(f"{before}{first}\n{text}\n\n{last}{rest.split(last)[1]}", encoding="utf-8")


def _marked(page: Path, script: str) -> tuple[str, str, str]:
    """Text of a page, and the two marks of a script in it."""
    first, last = f"<!-- benchmarks/{script} -->\n", f"<!-- end of benchmarks/{script} -->"
    whole = page.read_text(encoding="utf-8") if page.is_file() else ""
    if whole.count(first) != 1 or whole.count(last) != 1 or whole.index(first) > whole.index(last):
        raise SystemExit(f"{page} must have the lines {first.strip()} and {last} once each, in this order.")
    return whole, first, last


def _page_with_marks(text: str) -> Path:
    """For `--into`: a page without marks is refused before anything is measured."""
    _marked(Path(text), Path(sys.argv[0]).name)
    return Path(text)


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows that share their columns; the first column is text, the others are right-aligned numbers."""
    columns = list(rows[0])
    rule = ["---", *["---:"] * (len(columns) - 1)]
    lines = [columns, rule, *([row[column] for column in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def milliseconds(seconds: float) -> str:
    """As text, three digits."""
    return f"{1000 * seconds:.3g}" if seconds < 1 else f"{1000 * seconds:.0f}"


def gibibytes(count: int) -> str:
    """As text."""
    return f"{count / 2**30:.2f} GiB"


def _bytes(ru_maxrss: int) -> int:
    return ru_maxrss if sys.platform == "darwin" else ru_maxrss * 1024  # macOS counts bytes, Linux KiB


def _threads() -> str:
    """What the environment says of threads: ratios of one thread are not those of all cores."""
    count = os.environ.get("OMP_NUM_THREADS")
    return "as many threads as PyTorch takes" if count is None else f"OMP_NUM_THREADS={count}"


def _bf16(flags: Sequence[str]) -> str:
    return f"bf16 in hardware ({', '.join(flags)})" if flags else "no bf16 in hardware"
