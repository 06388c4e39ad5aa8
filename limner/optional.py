"""Import of optional packages, with the install command in the error."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from limner.errors import MissingExtraError


def optional(module: str, *, extra: str) -> ModuleType:
    """Import `module`, which comes with the extra `extra` of this package.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing(module, extra) from error


def check_installed(*modules: str, extra: str) -> None:
    """Look for packages without importing them, which takes far longer.

    Raises:
        MissingExtraError: if one is not installed.
    """
    for module in modules:
        is_there = sys.modules[module] is not None if module in sys.modules else importlib.util.find_spec(module)
        if not is_there:
            raise _missing(module, extra)


def _missing(module: str, extra: str) -> MissingExtraError:
    return MissingExtraError(
        f'This needs the package "{module.partition(".")[0]}", which is not installed. '
        f'Install it with: pip install "limner[{extra}]"'
    )
