"""Ways of using a system on the command line, as data."""

from __future__ import annotations

from argparse import Namespace

import pytest

from limner import registry
from limner.cli.common import new_parser
from limner.errors import ConfigError
from limner.tasks import Mode, Task, choose_mode


def nothing(pipeline: object, options: Namespace) -> list[Task]:
    return []


MODES = (
    Mode(nothing, ("--map", "--seed", "--text"), ("--map", "--text")),
    Mode(nothing, ("--map", "--end"), ("--map",), "--walk"),
    Mode(nothing, ("--map",), ("--map",), "--end"),
)


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        (["--map", "--text"], ""),
        (["--walk", "--map"], "--walk"),
        (["--end", "--map"], "--end"),
        (["--map", "--walk", "--end"], "--walk"),
    ],
)
def test_the_way_that_is_asked_for(given: list[str], flag: str) -> None:
    assert choose_mode(MODES, given, example="x").flag == flag


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([], "--map and --text are missing, such as in: toy --map M --text T"),
        (["--map"], "--text is missing, such as in: toy --map M --text T"),
        (["--walk", "--map", "--seed"], "--seed has no effect with --walk; leave it out"),
        (["--map", "--text", "--other"], "--other has no effect with plain pictures; leave it out"),
    ],
)
def test_what_cannot_be_is_one_sentence(given: list[str], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        choose_mode(MODES, given, example="toy --map M --text T")
    with pytest.raises(ConfigError, match="--a and --b cannot go together"):
        choose_mode((*MODES, Mode(nothing, flag="--a"), Mode(nothing, flag="--b")), ["--a", "--b"], example="x")


@pytest.mark.parametrize("system", registry.system_names())
def test_modes_name_options_that_there_are(system: str) -> None:
    """A slip in a name would refuse an option that has an effect."""
    module = registry.generate_options(system)
    parser = new_parser(f"generate {system}", "", examples=())
    module.add_options(parser)
    # An option that can be refused (--x, --no-x) is known by the first of its names, as `limner generate` has it.
    known = {f"--{action.dest.replace('_', '-')}" for action in parser._actions if action.option_strings}
    named = {flag for mode in module.MODES for flag in (*mode.reads, *mode.needs, mode.flag) if flag}
    assert named <= known, f"{system}: {sorted(named - known)}"
    unread = known - named - {"--help", "--json", "--debug", "--print-config", "--config"}
    assert not unread, f"{system}: no mode reads {sorted(unread)}"
