"""Import of optional packages, with the install command in the error."""

from __future__ import annotations

import importlib
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
        raise MissingExtraError(
            f'This needs the package "{module.partition(".")[0]}", which is not installed. '
            f'Install it with: pip install "limner[{extra}]"'
        ) from error
