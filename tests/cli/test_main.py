"""`limner` itself: help, version, unknown commands, exit codes, errors as one line."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import os
import re
import signal
import subprocess
import sys

import pytest

import limner
from limner.cli import common
from limner.cli.main import COMMANDS, SUMMARIES, main
from limner.errors import ConfigError, DataError

TRAIN = ("train", "scgan", "--data", "D", "--out", "O")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name, summary in SUMMARIES.items():
        assert f"  {name}" in text and summary in text
    assert list(COMMANDS) == list(SUMMARIES)


def test_names_that_may_be_left_out_are_not_called_required(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--help"]) == 0
    assert "(required)" not in capsys.readouterr().out


def test_help_imports_next_to_nothing(python) -> None:
    """What is imported decides how fast it is, on any machine: fewer modules than numpy alone has."""
    code = (
        "import sys; from limner.cli.main import main; code = main(['--help'])\n"
        "heavy = {'torch', 'numpy', 'PIL', 'jsonargparse', 'yaml'} & set(sys.modules)\n"
        "print(len(sys.modules), file=sys.stderr)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    alone = python("-c", "import sys, numpy; print(len(sys.modules))")
    assert int(done.stderr) < int(alone.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_module_and_its_help_import_no_torch(name: str, python) -> None:
    code = (
        f"import sys; from limner.cli.main import main; code = main([{name!r}, '--help'])\n"
        "sys.exit('imported torch' if 'torch' in sys.modules else code)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert f"limner {name}" in done.stdout and "example" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_command_exists(name: str) -> None:
    module, _, function = COMMANDS[name].partition(":")
    assert list(inspect.signature(getattr(importlib.import_module(module), function)).parameters) == ["argv"]


def test_no_command_shows_help_and_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"limner {limner.__version__}\n"


def test_unknown_command_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith('error: There is no command "trian". Did you mean "train"? Known: ')
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["doctor", "--jsn"], 'There is no option "--jsn". Did you mean "--json"?'),
        (["list", "scgan"], '"scgan" follows no option that takes it. All of them: limner list --help.'),
        (["demo", "scgam"], 'There is no system "scgam". Did you mean "scgan"?'),
        (["demo", "pix2pix"], 'The system "pix2pix" has no demo.'),
        (["demo", "--device", "cudo"], 'This machine has no device "cudo".'),
        (["demo", "--device", "cuda:99"], 'This machine has no device "cuda:99".'),
        (["demo", "--device"], "expected one argument"),
        (["--verison"], 'There is no command "--verison". Did you mean "--version"? Known: data, '),
        (
            ["train", "scgan", "--data", "D", "--out", "O", "--optimizer.lr", "1"],
            'mean "--optimizer.lr_discriminator"?',
        ),
        (
            ["evaluate", "scagan", "--data", "D", "--batch-size", "0"],
            "--batch-size is 0; it must be a whole number, at",
        ),
        (
            ["generate", "scgan", "--batch-size", "-1", "--out", "O"],
            "--batch-size is -1; it must be a whole number, at",
        ),
        ([*TRAIN, "--data.num_workers", "2"], 'no option "--data.num_workers". Did you mean "--train.num_workers"?'),
        ([*TRAIN, "--train.seed.x=1"], 'no option "--train.seed.x". Did you mean "--train.seed"?'),
        (
            [*TRAIN, "--train=5"],
            '--train is "5"; it must be a YAML file of its options: give them singly, --train.NAME',
        ),
        ([*TRAIN, "--train=a - b"], '--train is "a - b"; it must be a YAML file of its options'),
        ([*TRAIN, "--train.seed", "x" * 500], f'--train.seed is "{"x" * 77}..."; it must be a whole number.'),
        ([*TRAIN, "--dataset.attributes", "3"], '--dataset.attributes is "3"; it must be a list in brackets without'),
        ([*TRAIN, "--train.precision", "31-true"], 'be one of auto, 32-true, bf16-mixed. Did you mean "32-true"?'),
    ],
)
def test_wrong_use_is_one_line_and_2(argv, text, tiny_weights, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith("error: ") and text in captured.err
    assert list(tmp_path.iterdir()) == []


def raising(error: BaseException):
    def function(argv: list[str]) -> int:
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("x is 3;\n  it must be 2."), 2, "error: x is 3; it must be 2."),
        (DataError("a.png is broken."), 1, "error: a.png is broken."),
        (KeyboardInterrupt(), 130, "error: interrupted"),
        (OSError(28, "No space left on device", "out/a.png"), 1, "error: No space left on device: out/a.png"),
        (ValueError("odd"), 1, "error: ValueError: odd. This is a fault in Limner; --debug shows where."),
    ],
)
def test_run_turns_errors_into_codes(error, code, line, capsys) -> None:
    assert common.run(raising(error), []) == code
    assert capsys.readouterr().err == line + "\n"


@pytest.fixture
def _ctrl_c():
    """Tests in the background may run without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def swallowed(number: int) -> None:
    with contextlib.suppress(KeyboardInterrupt):  # as in an import that torch tries, and in callbacks of C
        signal.raise_signal(number)


@pytest.mark.usefixtures("_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sigterm_interrupts_as_ctrl_c_does(number, capsys) -> None:
    def stopped(argv: list[str]) -> int:
        signal.raise_signal(number)
        return 0

    before = signal.getsignal(number)
    assert common.run(stopped, []) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_becomes_another_error_is_one(number, capsys) -> None:
    def stopped(argv: list[str]) -> int:
        swallowed(number)
        raise AttributeError("module 'torch._dynamo' has no attribute 'exc'")

    assert common.run(stopped, []) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


@pytest.mark.usefixtures("_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_swallows_an_interrupt_goes_on_until_the_next(number, capsys) -> None:
    def goes_on(argv: list[str]) -> int:
        swallowed(number)
        return 0

    def stopped(argv: list[str]) -> int:
        swallowed(number)
        signal.raise_signal(number)
        return 0

    assert common.run(goes_on, []) == 0
    assert common.run(stopped, []) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_who_ignores_ctrl_c_is_not_interrupted() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert common.run(lambda argv: signal.raise_signal(signal.SIGINT) or 0, []) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_the_command_is_imported_is_one_line(python) -> None:
    """The first module that the command needs interrupts it, where a user would have to be quick."""
    code = (
        "import signal, sys\n"
        "from limner.__main__ import start\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Finder:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'limner.cli.main':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.exit(start())"
    )
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert common.run(raising(DataError("a.png is broken.")), ["--debug"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("Traceback") and err.endswith("error: a.png is broken.\n")


def test_a_closed_pipe_is_no_traceback(root) -> None:
    script = "import sys; from limner.cli.common import run; sys.exit(run(lambda argv: print('x' * 10**6) or 0, []))"
    first = subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert first.stdout is not None and first.stderr is not None
    first.stdout.close()
    assert first.stderr.read() == b""
    assert first.wait(1800) == 1


@pytest.mark.parametrize(
    ("own", "found"),
    [
        ({}, ("PASSIVE", "1000")),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ("ACTIVE", None)),
        ({"GOMP_SPINCOUNT": "0"}, (None, "0")),
    ],
)
def test_threads_wait_as_the_environment_says(own, found, monkeypatch) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    main(["--version"])
    assert (os.environ.pop("OMP_WAIT_POLICY", None), os.environ.pop("GOMP_SPINCOUNT", None)) == found


def test_json_is_strict() -> None:
    from pathlib import Path

    import numpy as np

    payload = {"a": float("nan"), "b": np.float32(2.5), "c": np.arange(2), "d": Path("x/y"), "e": (1, float("inf"))}
    assert json.loads(common.to_json(payload)) == {"a": None, "b": 2.5, "c": [0, 1], "d": "x/y", "e": [1, None]}


def test_progress_is_quiet_when_not_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(common.progress(range(3), unit="image")) == [0, 1, 2]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "lacking"),
    [
        ("generate scgan", "--label-map is"),
        ("generate facejudge", "--photo is"),
        ("generate lgcgan", "--photo is"),
        ("generate scagan", "--photo and --pose are"),
        ("train scgan", "--data and --out are"),
        ("train scgan --data DATA", "--out is"),
        ("train scgan --preset smoke --out {out}", "--data is"),
        ("evaluate scgan", "--data is"),
        ("reproduce scgan-table", "--data and --out are"),
        ("export scgan", "--format and --out are"),
        ("data check", "PATH is"),
        ("data show", "PATH and --out are"),
        ("data convert", "PATH and --out are"),
        ("data make", "KIND and --out are"),
    ],
)
def test_all_that_is_missing_is_named_in_one_sentence_with_an_example(words, lacking, tmp_path, capsys) -> None:
    argv = words.format(out=tmp_path / "run").split()
    assert main(argv) == 2
    error = capsys.readouterr().err
    command = " ".join(argv[: 1 + (argv[0] != "reproduce")])
    assert re.fullmatch(rf"error: {lacking} missing, such as in: limner {command} .+\n", error), error
