"""What all commands share: the parser, the output for people and machines, progress, errors as one line."""

from __future__ import annotations

import argparse
import difflib
import io
import json
import logging
import math
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_args

from limner.data.config import Fit
from limner.errors import ConfigError, LimnerError, missing, nearest
from limner.files import short
from limner.memory import is_out_of_memory
from limner.task import DataOption

if TYPE_CHECKING:
    import torch
    from jsonargparse import ArgumentParser

T = TypeVar("T")


def run(function: Callable[[list[str]], int], argv: list[str]) -> int:
    """Call `function(argv)` and turn what it raises into one line on standard error and an exit code.

    Returns:
        0 done; 1 the run failed; 2 wrong use; 130 interrupted (SIGINT, SIGTERM). With `--debug` in `argv` the traceback
        comes first.
    """
    for name in ("stdout", "stderr"):  # Python has none where the shell closed it
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # until the end
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file name that the terminal cannot show is no reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    argv = [_at_home(word) for word in argv]
    interrupts = _Interrupts()
    try:
        with interrupts:
            code = function(argv)
        sys.stdout.flush()  # a closed pipe must show here, not at the exit of the interpreter
        return code
    except SystemExit as stop:  # `--help` of a parser
        return stop.code if isinstance(stop.code, int) else 2
    except KeyboardInterrupt:
        return _fail("interrupted", 130, argv)
    except Exception as error:
        # Code that is interrupted in the middle of an import, or in a callback of torch, raises what it likes.
        return _fail("interrupted", 130, argv) if interrupts.was_asked else _failed(error, argv)


def _failed(error: Exception, argv: list[str]) -> int:
    """Say what ended a command; its exit code."""
    if isinstance(error, BrokenPipeError):  # the reader of our output is gone (`limner list | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, LimnerError):
        return _fail(str(error), error.exit_code, argv)
    if isinstance(error, FileExistsError):  # of a folder that was to be made
        return _fail(f"{error.filename} is there already and is not a folder.", 1, argv)
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return _fail(f"{error.strerror or error}{where}", 1, argv)
    # Python's words, wherever such a name is first used as a path
    if any(text in str(error) for text in ("embedded null", "surrogates not allowed")):
        return _fail("A file name has a NUL character or is not valid UTF-8; use another name.", 2, argv)
    if is_out_of_memory(error):
        return _fail("There is not enough memory for this; ask for smaller pictures, networks or batches.", 1, argv)
    return _fail(f"{type(error).__name__}: {error}. This is a fault in Limner; --debug shows where.", 1, argv)


class _Interrupts:
    """SIGTERM, by which services and schedulers stop a program, ends a command as Ctrl-C does: workers are ended and
    unfinished files removed, where the signal's own way would leave both behind. Both are remembered."""

    def __init__(self) -> None:
        self.was_asked = False
        self._process = os.getpid()
        self._old: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
            with suppress(ValueError):  # not the main thread
                if signal.getsignal(number) is usual:  # else somebody ignores it, such as nohup, or has a use for it
                    self._old[number] = signal.signal(number, self._ask)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _ask(self, number: int, _: object) -> None:
        if number == signal.SIGTERM and os.getpid() != self._process:  # a forked worker, which is ended by this signal
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.was_asked = True
        raise KeyboardInterrupt


_NUMBERS = {"int": "a whole number", "float": "a number", "bool": "true or false"}
_LIST = "a list in brackets without spaces, as in"
_SAME_MEANING = {"--image": "--photo", "--photo": "--image", "--prompt": "--caption", "--text": "--caption"}
"""Of options that some systems have under one name and some under the other, or other programs under theirs."""


def _meant(given: str, known: Iterable[str]) -> str | None:
    """The name that somebody meant: one of the same meaning, one that begins so, or the nearest."""
    known = list(known)
    if _SAME_MEANING.get(given) in known:
        return _SAME_MEANING[given]
    longer = sorted(name for name in known if name.startswith(given) and "." in given)
    return next(iter([*longer, *difflib.get_close_matches(given, known, n=1)]), None)


def _in_our_words(parser: argparse.ArgumentParser, message: str) -> str:
    """What the parser says of wrong words, as one of our sentences."""
    unknown = re.match(r"unrecognized arguments: (--[^\s=]+)", message)
    if unknown:
        close = _meant(unknown[1], parser._option_string_actions)
        hint = f' Did you mean "{close}"?' if close else ""
        return f'There is no option "{unknown[1]}".{hint} All of them: {parser.prog} --help.'
    loose = re.match(r"unrecognized arguments: (.+)", message)
    if loose:
        return f'"{loose[1]}" follows no option that takes it. All of them: {parser.prog} --help.'
    choice = re.match(r"argument (--\S+): invalid choice: '(.*)' \(choose from (.+)\)$", message)
    if choice:
        close = _meant(choice[2], allowed := re.findall(r"[^', ]+", choice[3]))
        hint = f' Did you mean "{close}"?' if close else ""
        return f'{choice[1]} is "{choice[2]}"; it must be one of {", ".join(allowed)}.{hint}'
    flags = {action.dest: action.option_strings[-1] for action in parser._actions if action.option_strings}
    message = re.sub(
        r'^Parser key "([^"]+)"(?: element \d+)?:\s*', lambda key: f"{flags.get(key[1], f'--{key[1]}')}: ", message
    )
    message = re.sub(r"<class '(\w+)'>", r"value of type \1", message)
    below = re.match(r"(--\S+): .*NestedArg\(key='([^']*)'", message, re.DOTALL)
    if below:  # what has no options of its own was given one
        close = _meant(name := f"{below[1]}.{below[2]}", parser._option_string_actions)
        hint = f' Did you mean "{close}"?' if close else ""
        return f'There is no option "{name}".{hint} All of them: {parser.prog} --help.'
    section = re.match(r"(--\S+): Unable to load config '(.*?)'\s+- Parser key", message, re.DOTALL)
    if section:
        name, value = section[1], _quoted(section[2])
        return f"{name} is {value}; it must be a YAML file of its options: give them singly, {name}.NAME VALUE."
    return _wrong_type(message)


def _quoted(text: str) -> str:
    return f'"{short(text)}"'


def _wrong_type(message: str) -> str:
    """What the parser says of a value of another type, as one of our sentences."""
    number = re.match(r"(--\S+): Expected a value of type (\w+)\. Got value: (.*)$", message)
    if number and number[2] in _NUMBERS:
        return f"{number[1]} is {_quoted(number[3])}; it must be {_NUMBERS[number[2]]}."
    if number and number[2] == "tuple":
        return f"{number[1]} is {_quoted(number[3])}; it must be {_LIST} {number[1]} [64,44]."
    choice = re.match(r"(--\S+): Expected a typing\.Literal\[(.*?)\]\. Got value: (.*)$", message, re.DOTALL)
    if choice:
        allowed = re.findall(r"[^', ]+", choice[2])
        close = difflib.get_close_matches(choice[3], allowed, n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        return f"{choice[1]} is {_quoted(choice[3])}; it must be one of {', '.join(allowed)}.{hint}"
    several = re.match(
        r"(--\S+): Does not validate .*?Subtypes: \[(.*?)\]\s+Errors:.*Given value: (.*)$", message, re.DOTALL
    )
    if several:
        kinds = re.findall(r"tuple|int|float|bool|str(?!\w)", re.sub(r"tuple\[.*?\]", "tuple", several[2]))
        words = [{**_NUMBERS, "str": "a text", "tuple": f"{_LIST} {several[1]} [a,b]"}[kind] for kind in kinds]
        return f"{several[1]} is {_quoted(several[3])}; it must be {', or '.join([*words, 'null'])}."
    return message


def new_parser(
    command: str, description: str, *, examples: Iterable[str] = (), json_file: bool = False
) -> ArgumentParser:
    """A parser for `limner COMMAND`, with `--json` and `--debug`; wrong use is raised, for `run` to report.

    Args:
        command: the words after `limner`, such as "list" or "train scgan".
        description: what the command does, one or two sentences.
        examples: complete command lines, shown at the end of `--help`.
        json_file: let `--json` take a file name; its value is then None, "-" (standard output) or the name.
    """
    from jsonargparse import ArgumentParser, DefaultHelpFormatter

    class Formatter(DefaultHelpFormatter, argparse.RawDescriptionHelpFormatter):
        """Keeps the line breaks of the examples; leaves out defaults that say nothing."""

        def _expand_help(self, action: argparse.Action) -> str:
            text = str(super()._expand_help(action))
            text = re.sub(r"\(required, (?=[^)]*default: )", "(", text)  # a preset gives it
            if action.nargs == "*":  # as many as one likes, and none
                text = text.removesuffix(" (required)")
            return re.sub(r" \(default: (?:False|null|\[\])\)$", "", re.sub(r", default: null\)$", ")", text))

    class Parser(ArgumentParser):
        """Raises our errors, with the nearest name of an unknown option."""

        def parse_args(self, *args: Any, **options: Any) -> Any:
            parsed = super().parse_args(*args, **options)
            if getattr(parsed, "out", None) == "":
                raise ConfigError("--out is empty; give a name.")
            size = getattr(parsed, "batch_size", None)
            if size is not None and size < 1:
                raise ConfigError(f"--batch-size is {size}; it must be a whole number, at least 1.")
            return parsed

        def error(self, message: str, ex: Exception | None = None) -> NoReturn:
            cause: BaseException | None = ex
            while cause is not None:
                if isinstance(cause, LimnerError):  # raised by the checks of a configuration class
                    raise cause
                cause = cause.__cause__ or cause.__context__
            lacking = re.match(r"the following arguments are required: (.+)", message)
            if lacking:
                options = {action.dest: action.option_strings for action in self._actions}
                names = [(options.get(name) or [name.upper()])[-1] for name in lacking[1].split(", ")]
                raise missing(names, example=lines[0].strip() if lines else f"{self.prog} --help") from ex
            raise ConfigError(_in_our_words(self, message)) from ex

    lines = [f"  {example}" for example in examples]
    parser = Parser(
        prog=f"limner {command}",
        description=description,
        epilog="\n".join(["examples:", *lines]) if lines else None,
        formatter_class=Formatter,
        exit_on_error=False,
        allow_abbrev=False,
    )
    if json_file:
        words = "print one JSON document instead of text, or write it to FILE"
        parser.add_argument("--json", nargs="?", const="-", default=None, metavar="FILE", help=words)
    else:
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def add_weights(parser: ArgumentParser) -> None:
    """Add `--weights`: the name of shipped weights, or a weights, checkpoint or run folder."""
    parser.add_argument(
        "--weights", type=str, default=None, metavar="NAME|DIR", help="shipped weights by name, or a local folder"
    )


def add_data_options(parser: ArgumentParser, options: Collection[DataOption]) -> None:
    """Add `--data` and those of the options of reading a data folder; `reading` turns their values into arguments."""
    parser.add_argument("--data", type=str, default=None, metavar="PATH", help="folder of the data set")
    add_reading_options(parser, options)


_READING: dict[DataOption, dict[str, Any]] = {
    "kind": {"type": str, "default": "auto", "help": "layout of the folder; auto looks"},
    "schema": {"type": str, "default": None, "help": "label schema (a name or a JSON file)"},
    "attributes": {"type": str, "nargs": "*", "default": None, "help": "names of the attributes to use"},
    "fit": {"choices": get_args(Fit), "default": None, "help": "pictures that are not square"},
    "fix_sides": {
        "action": "store_true",
        "help": "correct maps whose left and right are exchanged while reading",
    },
    "colors": {
        "type": str,
        "default": None,
        "metavar": "nearest|FILE",
        "help": "coloured label maps of other tools: nearest, a JSON file with the colours of the classes, or "
        "nearest:FILE",
    },
}
"""Option -> what argparse is told of it."""


def add_reading_options(parser: ArgumentParser, options: Collection[DataOption] = get_args(DataOption)) -> None:
    """Add options of reading a data folder; `reading` turns their values into arguments."""
    for name in options:
        parser.add_argument(f"--{name.replace('_', '-')}", **_READING[name])


def reading(options: Any, *, given: bool = False) -> dict[DataOption, Any]:
    """The values of `add_reading_options`, as arguments of what opens data; with `given` not those left as usual."""
    names: tuple[DataOption, ...] = get_args(DataOption)
    found = {name: getattr(options, name) for name in names if hasattr(options, name)}
    if given:
        found = {name: value for name, value in found.items() if value != _READING[name].get("default", False)}
    if found.get("attributes") is not None:
        found["attributes"] = tuple(found["attributes"])
    return found


def refuse_missing(options: Any, names: Iterable[str], *, example: str) -> None:
    """Refuse options of the command line without some that must be given.

    Args:
        options: their values.
        names: of those that must be given, without dashes.
        example: a complete command line.

    Raises:
        ConfigError: naming all that are missing.
    """
    lacking = [f"--{name}" for name in names if not getattr(options, name)]
    if lacking:
        raise missing(lacking, example=example)


def add_device(parser: ArgumentParser) -> None:
    """Add `--device`; give its value to `pick_device`."""
    parser.add_argument("--device", type=str, default="auto", help="auto, cpu, cuda, cuda:N or mps")


def pick_device(name: str, *, process: int = 0) -> torch.device:
    """The device of that name; "auto" takes CUDA, then MPS, then the CPU.

    Args:
        name: of the device.
        process: number of this process on its machine; where there are several, "auto" and "cuda" give each its GPU.

    Raises:
        ConfigError: if there is no such device on this machine.
    """
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    known = ["cpu"]
    if torch.backends.mps.is_available():
        known.insert(0, "mps")
    if count:
        known[:0] = ["cuda", *(f"cuda:{index}" for index in range(count))]
    if name == "auto":
        name = known[0]
    if name == "cuda" and process and count:
        return torch.device(f"cuda:{process % count}")
    if name not in known:
        raise ConfigError(f'This machine has no device "{name}".{nearest(name, ["auto", *known])}')
    return torch.device(name)


def local_rank() -> int:
    """The number of this process on its machine, as torchrun says it; 0 without."""
    text = os.environ.get("LOCAL_RANK", "0")
    return int(text) if text.isdecimal() else 0


def emit(payload: Any, json: bool, text: str) -> None:
    """Write the result of a command to standard output: `payload` as JSON, or `text` for people."""
    print(to_json(payload) if json else text)


def to_json(payload: Any) -> str:
    """`payload` as strict JSON; paths become text, numbers that are not finite become null."""
    return json.dumps(_plain(payload), indent=2, ensure_ascii=False, allow_nan=False)


def progress(iterable: Iterable[T], total: int | None = None, *, unit: str = "it", desc: str = "") -> Iterable[T]:
    """`iterable` with a bar (rate and time left) on standard error; a line every ten seconds without a terminal."""
    if not sys.stderr.isatty():
        return _with_lines(iterable, total, unit=unit, desc=desc)
    from tqdm import tqdm

    bar: Iterable[T] = tqdm(iterable, total=total, unit=unit, desc=desc, file=sys.stderr)
    return bar


def _with_lines(iterable: Iterable[T], total: int | None, *, unit: str, desc: str) -> Iterator[T]:
    from limner.tasks import ProgressLines

    lines = ProgressLines(total, unit=unit, desc=desc)
    for item in iterable:
        yield item
        lines.update()


def _at_home(word: str) -> str:
    """A word of the command line with "~" expanded, where the shell leaves it: after "=", in quotes."""
    option, equals, value = word.partition("=")
    if word.startswith("--") and equals and value.startswith("~"):
        return option + equals + os.path.expanduser(value)
    return os.path.expanduser(word) if word.startswith("~") else word


def one_line(text: str) -> str:
    """A message as one line; what a terminal would obey, such as colours in the name of a file, is spelled out."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in " ".join(text.split()))


class _OneLine(logging.Formatter):
    """Of warnings: they repeat words of users and names of files."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # the name is logging's
        return one_line(super().formatMessage(record))


def _fail(message: str, code: int, argv: list[str]) -> int:
    if "--debug" in argv:
        traceback.print_exc()
    print(f"error: {one_line(message)}", file=sys.stderr)
    return code


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays, tensors
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
