"""`limner train SYSTEM`: read the configuration, open the data, train into a run folder."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

from limner import registry, training
from limner.cli.common import emit, new_parser
from limner.errors import ConfigError, LimnerError, missing
from limner.files import read_json, read_text, read_yaml
from limner.task import DataOption

HELP = """\
usage: limner train SYSTEM [--preset NAME] --data PATH --out RUN [--resume auto] [--config FILE] [--any.option VALUE]

systems: {systems}
`limner train SYSTEM --help` has the options of one system.

examples:
  limner train scgan --preset cpu --data DATA --out runs/first
  limner train scgan --preset cpu --data DATA --out runs/first --resume auto
  limner train scgan --config runs/first/config.yaml --data DATA --out runs/again --train.seed 1"""


def main(argv: list[str]) -> int:
    """Train a system; 0 when the run is complete, 130 when it was asked to stop."""
    if not argv or argv[0] in ("-h", "--help"):
        print(HELP.format(systems=", ".join(registry.system_names())))
        return 0 if argv else 2
    system = argv[0]
    options, config = read_options(system, argv[1:])
    known = [] if options.data is None or _values_of("--data", argv) else ["--data", options.data]  # of the run before
    return train(system, config, options, command=["limner", "train", *argv, *known])


def read_options(system: str, argv: list[str]) -> tuple[Any, Any]:
    """The command's own options and the system's configuration: preset, then --config, then single options.

    Raises:
        ConfigError: if an option is unknown or out of range.
    """
    from jsonargparse import set_parsing_settings

    config_type = registry.config_class(system)
    short = registry.task(system).data_options
    argv = _written_out(argv, short)
    presets = registry.presets(system)
    sections = [field.name for field in dataclasses.fields(config_type)]
    for file in _values_of("--config", argv):
        _check_config_file("--config", Path(file), sections)
    for section in sections:  # the parser takes a file, or the settings themselves
        for value in _values_of(f"--{section}", argv):
            if os.path.exists(value):
                _check_config_file(f"--{section}", Path(value))
    set_parsing_settings(docstring_parse_attribute_docstrings=True)  # a field's docstring is its help
    parser = new_parser(
        f"train {system}",
        f"Train {system} on a data set; everything about the run ends up in the folder --out.{_short_forms(short)}",
        examples=[
            f"limner train {system} --preset cpu --data DATA --out runs/first",
            f"limner train {system} --out runs/first --resume auto",
        ],
    )
    parser.usage = f"limner train {system} [--preset NAME] --data PATH --out RUN [--resume auto] [--any.option VALUE]"
    parser.add_argument("--preset", choices=sorted(presets), default="cpu", help="where all other defaults come from")
    parser.add_argument("--data", type=str, default=None, metavar="PATH", help="folder of the data set")
    parser.add_argument("--out", type=str, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument(
        "--resume",
        choices=["never", "auto", "other-data"],
        default="never",
        help="auto: go on from the newest whole checkpoint; other-data: also with other pictures than it began with",
    )
    parser.add_argument("--config", action="config", help="YAML file with any of the options below")
    parser.add_class_arguments(config_type)
    if not _values_of("--out", argv) and not {"-h", "--help"} & set(argv):
        needs_data = not registry.task(system).stages and not _values_of("--data", argv)
        example = f"limner train {system} --preset cpu --data DATA --out runs/first"
        raise missing(["--data"] * needs_data + ["--out"], example=example)
    # Known before parsing, because it decides every default.
    preset = registry.preset(system, ["cpu", *_values_of("--preset", argv)][-1])
    parser.set_defaults({name: training.plain(getattr(preset, name)) for name in sections})
    folders = _values_of("--out", argv)
    if folders and any(value != "never" for value in _values_of("--resume", argv)):
        training.refuse_run_of_another(system, Path(folders[-1]))
    going_on = _run_that_goes_on(argv)
    if going_on is not None:
        content = read_yaml(going_on / "config.yaml", error=ConfigError)
        known = {name: content[name] for name in sections if name in content} if isinstance(content, dict) else {}
        parser.set_defaults({**known, "data": _data_of(going_on)})
    parsed = parser.parse_args(argv)
    for name, section in get_type_hints(config_type).items():
        _check_section(name, parsed[name], section)
    built = parser.instantiate(parsed)
    return parsed, config_type(**{name: built[name] for name in sections})


def train(system: str, config: Any, options: Any, *, command: list[str]) -> int:
    """Train `config` with the command's options; see `main`."""
    run = Path(options.out)
    logging.getLogger("limner").setLevel(logging.INFO)
    resume, other_data = options.resume != "never", options.resume == "other-data"
    data = None if options.data is None else Path(options.data)
    done = training.train(
        system,
        config,
        data,
        run,
        resume=resume,
        other_data=other_data,
        command=command,
        may_change={"train.batch_size"} if "--train.batch_size" in " ".join(command) else set(),
    )
    if done.is_main_process:
        best = read_json(run / "best.json") if (run / "best.json").exists() else None
        hint = "" if done.complete else " Stopped on request; go on with --resume auto."
        found = f"best checkpoint {best['checkpoint'] if best else 'none'}"
        text = f"{run}: {done.num_images} training images, {found}.{hint}"
        emit({"run": str(run), "complete": done.complete, "best": best}, json=options.json, text=text)
    return 0 if done.complete else 130


def _written_out(argv: list[str], options: Sequence[DataOption]) -> list[str]:
    """The words with these options, which other commands have too, as those of the section `dataset`."""
    words, rest = list[str](), list(argv)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        name = option.removeprefix("--").replace("-", "_")
        if not option.startswith("--") or name not in options:
            words.append(word)
        elif name == "attributes":
            values = [value] if equals else []
            while rest and not equals and not rest[0].startswith("--"):
                values.append(rest.pop(0))
            words.append(f"--dataset.attributes={json.dumps(values)}")
        elif name == "fix_sides" and not equals:
            words.append("--dataset.fix_sides=true")
        else:
            words.append(f"--dataset.{name}{equals}{value}")
    return words


def _short_forms(options: Sequence[DataOption]) -> str:
    """A sentence about the options that are written as the other commands have them."""
    if not options:
        return ""
    flags = [f"--{name.replace('_', '-')}" for name in options]
    rest = f", {', '.join(flags[1:])} likewise" if flags[1:] else ""
    return f" {flags[0]} is short for --dataset.{options[0]}{rest}."


def _run_that_goes_on(argv: list[str]) -> Path | None:
    """The run whose own settings are the defaults: where `--resume` is given and no preset or file of settings."""
    is_resumed = any(value != "never" for value in _values_of("--resume", argv))
    folders = [Path(value) for value in _values_of("--out", argv)]
    named = _values_of("--preset", argv) + _values_of("--config", argv)
    is_there = is_resumed and folders and not named and (folders[-1] / "config.yaml").is_file()
    return folders[-1] if is_there else None


def _data_of(run: Path) -> str | None:
    """The data folder of the run's own command, if it is known."""
    try:
        return next(reversed(_values_of("--data", shlex.split(read_text(run / "command.txt")))), None)
    except (LimnerError, ValueError):
        return None


def _values_of(option: str, argv: list[str]) -> list[str]:
    """What `argv` gives for an option, `--option value` or `--option=value`."""
    follows = [after for word, after in pairwise(argv) if word == option]
    return follows + [word.partition("=")[2] for word in argv if word.startswith(f"{option}=")]


def _check_section(name: str, given: Any, section: type) -> None:
    """Refuse what the parser lets through from YAML: no mapping in place of a section, null in place of a value."""
    hints = get_type_hints(section)
    values = {key: getattr(given, key, None) for key in hints}
    for key, value in values.items():
        if value is None and type(None) not in get_args(hints[key]):
            raise ConfigError(f"--{name}.{key} is missing or null; it must have a value.")


def _check_config_file(option: str, path: Path, sections: Sequence[str] = ()) -> None:
    """Refuse what holds no settings here: the parser's own messages do not name the file."""
    content = read_yaml(path, error=ConfigError)
    if not isinstance(content, dict):
        raise ConfigError(f'{option} {path} holds no settings; it must have lines such as "train:" and "  images: 64".')
    for section in sections:
        if isinstance(content.get(section), str):  # the parser would open a file of that name
            raise ConfigError(f'{option} {path} has a text in place of settings in "{section}"; write them out.')
