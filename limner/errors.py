"""The errors that Limner raises at its public border.

Every message is one sentence or two that say what is wrong, where, what is allowed and what to do.
`exit_code` is what the command line returns: 1 = the run failed, 2 = wrong use.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

# A path or a name of thousands of signs would hide the sentence around it; 255 signs are the longest name of a file.
_LONG_WORD = re.compile(r"(\S{200})\S{300,}(\S{100})")


class LimnerError(Exception):
    """Base of all errors that are the user's to read; anything else is a bug of ours."""

    exit_code = 1

    def __init__(self, *args: object) -> None:
        super().__init__(*(_LONG_WORD.sub(r"\1...\2", one) if isinstance(one, str) else one for one in args))


class ConfigError(LimnerError):
    """An option or a configuration value is unknown, out of range or contradicts another one."""

    exit_code = 2


class DataError(LimnerError):
    """A file of the user's data is missing, broken or not what its layout promises."""


class ShapeError(LimnerError):
    """A size, a number of channels or a number of classes does not fit."""

    exit_code = 2


class WeightsError(LimnerError):
    """A weights folder or a checkpoint cannot be used."""


def missing(names: Sequence[str], *, example: str) -> ConfigError:
    """What was not given, all of it in one sentence.

    Args:
        names: options, and words that stand for themselves, at least one.
        example: a complete command line.
    """
    last = f"{', '.join(names[:-1])} and {names[-1]} are" if names[1:] else f"{names[0]} is"
    return ConfigError(f"{last} missing, such as in: {example}")


class TrainingError(LimnerError):
    """A training run cannot go on (a loss that is not finite, a full disk)."""


class MissingExtraError(LimnerError):
    """An optional package is needed and not installed."""


def counted(number: int, what: str) -> str:
    """ "1 picture", "2 pictures": a number of things whose plural ends in s."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


MOST_SHOWN = 60
"""Signs of a value that a message shows."""


def quoted(value: object) -> str:
    """A value as Python writes it, on one line and cut after `MOST_SHOWN` signs, for use inside a sentence."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a whole number of thousands of digits, or an object that cannot be shown
        text = f"a value of the type {type(value).__name__}"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."


def named(value: object) -> str:
    """A name that somebody gave, between double quotes, as short as `quoted`; what is no text, as Python writes it."""
    if not isinstance(value, str):
        return quoted(value)
    text = " ".join(value.split())
    return f'"{text}"' if len(text) <= MOST_SHOWN else f'"{text[: MOST_SHOWN - 3]}..."'


def nearest(name: object, known: Iterable[str], *, also: Iterable[str] = ()) -> str:
    """A hint for an unknown name: ` Did you mean "x"?` when one is close, then the list of all known names.

    Args:
        name: as it was given.
        known: names that are listed.
        also: further names that may be meant, and would make the list long.
    """
    known = sorted(known)
    close = difflib.get_close_matches(name if isinstance(name, str) else quoted(name), [*known, *also], n=1)
    hint = f' Did you mean "{close[0]}"?' if close else ""
    return f"{hint} Known: {', '.join(known)}."
