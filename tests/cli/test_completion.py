"""Tab completion, as the shell asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("limner ev", {"evaluate"}),
        ("limner generate scg", {"scgan"}),
        ("limner generate scgan --label", {"--label-map"}),
        ("limner generate scgan --col", {"--colors"}),
        ("limner train scgan --out x --train.ima", {"--train.images"}),
        ("limner train scgan --preset cp", {"cpu"}),
        ("limner data con", {"convert"}),
        ("limner data convert x --fix", {"--fix-sides"}),
        ("limner reproduce scgan-tab", {"scgan-table"}),
        ("limner evaluate scgan --spl", {"--split"}),
        ("limner plot --met", {"--metrics"}),
        ("limner generate scgam --se", set()),
    ],
)
def test_what_the_shell_is_told(line: str, wanted: set[str], python, tmp_path: Path) -> None:
    pytest.importorskip("argcomplete")
    answer = tmp_path / "answer"
    shell = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
    env = {**shell, "_ARGCOMPLETE_STDOUT_FILENAME": str(answer), "COMP_TYPE": "9", "_ARGCOMPLETE_SHELL": "bash"}
    code = "import sys; from limner.cli.main import main; code = main([]); sys.exit(code)"
    done = python("-c", code, env=env)
    found = {word.strip() for word in answer.read_text().split("\n") if word.strip()} if answer.exists() else set()
    assert found == wanted, done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_without_argcomplete_the_shell_is_told_what_to_install(python) -> None:
    code = "import sys; sys.modules['argcomplete'] = None; from limner.cli.main import main; sys.exit(main([]))"
    done = python("-c", code, env={"_ARGCOMPLETE": "1", "COMP_LINE": "limner ", "COMP_POINT": "7"})
    assert done.returncode == 1 and 'pip install "limner[completion]"' in done.stderr
