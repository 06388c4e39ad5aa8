"""The scripts in benchmarks/: each starts, explains itself and stands in their README. What they measure is no test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SPEED = (
    "all",
    "candidates",
    "data_wait",
    "evaluation",
    "generation",
    "growth",
    "import_time",
    "metrics",
    "one_picture",
    "painting",
    "people_rendering",
    "precision",
    "runtimes",
    "studio",
    "talking_faces",
    "talking_voices",
    "text_to_image",
    "training_step",
)
IN_THE_TABLE = (
    "import_time",
    "generation",
    "runtimes",
    "metrics",
    "evaluation",
    "candidates",
    "text_to_image",
    "one_picture",
    "precision",
    "data_wait",
    "painting",
    "growth",
)


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.stem)
def test_compiles(path: Path) -> None:
    compile(path.read_text(encoding="utf-8"), str(path), "exec")


@pytest.mark.parametrize("name", SPEED)
def test_help_is_the_protocol(name: str, python) -> None:
    done = python(f"benchmarks/{name}.py", "--help")
    assert done.returncode == 0, done.stderr
    for words in ("Protocol:", f"python benchmarks/{name}.py", "--quick", "--json"):
        assert words in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_THE_TABLE)
def test_every_script_of_the_table_ends_with_ratios(name: str, python, tmp_path: Path) -> None:
    done = python("benchmarks/all.py", "--quick", "--scripts", name, "--json", str(tmp_path / "found.json"))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "found.json").read_text())["ratios"]


def test_wrong_use_is_refused_before_measuring(python) -> None:
    done = python("benchmarks/data_wait.py", "--epochs", "1")
    assert done.returncode == 2
    assert "--epochs must be at least 2" in done.stderr


def test_starting_process_stays_small(python) -> None:
    """Linux reports for a child at least its parent's peak memory, so the parents must not load torch."""
    modules = ("measure", *SPEED)
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert python("-c", code, env={"PYTHONPATH": str(BENCHMARKS)}).returncode == 0


def test_a_slow_machine_measures_fewer_turns(python) -> None:
    code = (
        "import measure\n"
        "for most in (0.0, 1e9):\n"
        "    found = measure.alternate({'a': lambda: 1, 'b': lambda: 2}, warmup=2, repeats=5, most_seconds=most)\n"
        "    print(found)"
    )
    done = python("-c", code, env={"PYTHONPATH": str(BENCHMARKS)})
    assert done.stdout.splitlines() == ["{'a': [1], 'b': [2]}", "{'a': [1, 1, 1, 1, 1], 'b': [2, 2, 2, 2, 2]}"]


def write_between_marks(python, page: Path, text: str, script: str = "growth.py", quick: bool = False):
    """As a benchmark with `--into`, in a process of its own."""
    code = (
        "import pathlib, sys, measure\n"
        "page, script, text, quick = sys.argv[1:]\n"
        "measure.write_between_marks(pathlib.Path(page), script, text, is_quick=quick == 'True')"
    )
    return python("-c", code, str(page), script, text, str(quick), env={"PYTHONPATH": str(BENCHMARKS)})


def test_tables_are_written_between_their_marks(python, tmp_path: Path) -> None:
    page, marks = tmp_path / "page.md", "<!-- benchmarks/growth.py -->\n{}<!-- end of benchmarks/growth.py -->\n"
    page.write_text("before\n" + marks.format("old\n") + "after\n")
    for text in ("| a |", "| b |"):  # again and again
        assert write_between_marks(python, page, text).returncode == 0
        assert page.read_text() == "before\n" + marks.format(f"\n{text}\n\n") + "after\n"
    kept = page.read_text()
    for options, words in (
        ({"quick": True}, "not for quoting"),
        ({"script": "all.py"}, "<!-- benchmarks/all.py --> and <!-- end of benchmarks/all.py --> once each"),
    ):
        done = write_between_marks(python, page, "| c |", **options)
        assert done.returncode == 1 and words in done.stderr
    assert page.read_text() == kept
    page.write_text(marks.format("") * 2)
    assert write_between_marks(python, page, "| c |").returncode == 1
    done = python("benchmarks/metrics.py", "--into", str(page))
    assert done.returncode == 1 and "must have the lines <!-- benchmarks/metrics.py -->" in done.stderr
    assert "measuring" not in done.stderr


@pytest.mark.parametrize(("page", "script"), [("README.md", "all.py"), ("docs/growth.md", "growth.py")])
def test_pages_have_the_marks_of_their_benchmark(page: str, script: str) -> None:
    text = (BENCHMARKS.parent / page).read_text(encoding="utf-8")
    first, last = (text.index(f"<!-- {words}benchmarks/{script} -->") for words in ("", "end of "))
    assert first < last and f"python benchmarks/{script} --into {page}" in text


def test_readme_names_every_script() -> None:
    text = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    for path in BENCHMARKS.glob("*.py"):
        assert path.name == "measure.py" or f"benchmarks/{path.name}" in text, path.name
