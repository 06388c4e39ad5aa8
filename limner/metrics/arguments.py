"""What the functions of metrics take: a wrong argument is a sentence, not an error from deep inside."""

from __future__ import annotations

import torch
from torch import Tensor

from limner.errors import ConfigError, ShapeError, quoted


def check_tensors(name: str, **values: object) -> None:
    """Refuse what is no tensor of numbers.

    Args:
        name: of the metric, for the message.
        values: argument -> what was given.

    Raises:
        ConfigError: naming the argument.
    """
    for key, value in values.items():
        if not isinstance(value, Tensor):
            raise ConfigError(
                f"{name}: {key} is {quoted(value)}, of the type {type(value).__name__}, but must be a tensor of "
                "PyTorch; torch.as_tensor makes one of an array or of a list of numbers."
            )
        if value.layout != torch.strided or value.is_meta or value.is_complex():
            raise ConfigError(f"{name}: {key} must be a dense tensor of real numbers.")


def check_vectors(name: str, **values: object) -> None:
    """Refuse what is no tensor of feature vectors, (number, features).

    Raises:
        ConfigError, ShapeError: naming the argument.
    """
    check_tensors(name, **values)
    for key, value in values.items():
        if isinstance(value, Tensor) and value.ndim != 2:
            raise ShapeError(f"{name}: {key} has the shape {tuple(value.shape)}, but must be (vectors, features).")


def check_is_real(real: object) -> None:
    """Refuse what does not say which of two sets is meant; any text would be true.

    Raises:
        ConfigError: if it is neither True nor False.
    """
    if not isinstance(real, bool):
        raise ConfigError(f"real is {quoted(real)}; it must be True (real images) or False (generated ones).")


def check_count(name: str, key: str, value: object, *, least: int = 1, most: int = 100_000) -> None:
    """Refuse what is no whole number of a range.

    Raises:
        ConfigError: naming the argument.
    """
    if type(value) is not int or not least <= value <= most:
        raise ConfigError(f"{name}: {key} is {quoted(value)}; it must be a whole number from {least} to {most}.")
