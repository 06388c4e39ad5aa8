"""`limner COMMAND …`: find the command, import only its module, run it."""

from __future__ import annotations

import importlib
import os
import sys

import limner
from limner.cli.common import run
from limner.errors import ConfigError, nearest

COMMANDS = {
    "demo": "limner.cli.demo:main",
    "list": "limner.cli.list:main",
    "train": "limner.cli.train:main",
    "plot": "limner.cli.plot:main",
    "generate": "limner.cli.generate:main",
    "evaluate": "limner.cli.evaluate:main",
    "reproduce": "limner.cli.reproduce:main",
    "data": "limner.cli.data:main",
    "export": "limner.cli.export:main",
    "studio": "limner.cli.studio:main",
    "doctor": "limner.cli.doctor:main",
}
SUMMARIES = {
    "demo": "make pictures from the shipped weights and show them on one page",
    "list": "systems, presets and weights that this installation has",
    "train": "train a system on a data set, or resume a run",
    "plot": "curves of runs as a picture, and a table that compares them",
    "generate": "make pictures, clips or paintings of what is asked for; or let a judge look",
    "evaluate": "score weights by the published protocol",
    "reproduce": "train and score every row of a published table",
    "data": "check, show, convert or make a data set",
    "export": "write a network as ONNX, torch.export or TorchScript",
    "studio": "a page on this computer: paint label maps and watch pictures change",
    "doctor": "versions, devices, memory, speed and what is missing",
}
HELP = """\
usage: limner COMMAND [options]

Pictures of what you ask for: a label map, a photo and an age, a pose, a sentence, speech, or strokes.

commands:
{commands}

options:
  -h, --help  this text; `limner COMMAND --help` has the options of one command
  --version   the version of Limner

Every command takes --json (one JSON document on standard output) and --debug (traceback of an error).
Exit codes: 0 done, 1 the run failed, 2 wrong use, 130 stopped on request.

examples:
  limner demo
  limner train scgan --preset cpu --data DATA --out runs/first
  limner generate scgan --weights runs/first --label-map map.png --seed 1 --out pictures"""


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: words after `limner`; those of this process by default.

    Returns:
        The exit code: 0 done, 1 the run failed, 2 wrong use.
    """
    set_waiting()
    return run(_main, sys.argv[1:] if argv is None else argv)


def set_waiting() -> None:
    """How torch's threads wait for each other, unless the user's environment says it; before torch is imported.

    They spin for some microseconds and then sleep: spinning for long takes the processor from all else that runs,
    sleeping at once makes small networks slow (decision 21).
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
        os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}


def _main(argv: list[str]) -> int:
    if "_ARGCOMPLETE" in os.environ:
        from limner.cli.completion import complete

        return complete(COMMANDS)
    if not argv or argv[0] in ("-h", "--help"):
        width = max(map(len, SUMMARIES))
        commands = "\n".join(f"  {name:{width}}  {summary}" for name, summary in SUMMARIES.items())
        print(HELP.format(commands=commands))
        return 0 if argv else 2
    if argv[0] == "--version":
        print(f"limner {limner.__version__}")
        return 0
    if argv[0] not in COMMANDS:
        raise ConfigError(f'There is no command "{argv[0]}".{nearest(argv[0], COMMANDS, also=("--help", "--version"))}')
    module, _, function = COMMANDS[argv[0]].partition(":")
    command = getattr(importlib.import_module(module), function)
    return int(command(argv[1:]))
