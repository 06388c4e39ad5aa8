"""Types of arguments, checked at the door of every mode: a wrong one is a sentence, not an error from deep inside.

Only what an annotation says plainly is checked: texts, truth values, lists, mappings, and unions of these. Numbers,
pictures, arrays and paths have checks of their own, which know ranges and shapes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from limner.errors import MOST_SHOWN, ConfigError, ShapeError, nearest, quoted


def check_arguments(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Refuse an argument whose type its annotation rules out.

    Args:
        function: that is called with them; the first argument is the object that it belongs to.
        args: by position.
        kwargs: by name.

    Raises:
        ConfigError: naming the argument and what it may be.
        TypeError: for a name that there is not, or one that is missing, as Python itself raises it.
    """
    hints, signature = _hints(function), _signature(function)
    unknown = sorted(kwargs.keys() - signature.parameters)
    if unknown and not any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values()):
        known = list(signature.parameters)[1:]
        asked = f"{type(args[0]).__name__}.{function.__name__}"  # not the base class that the function may be of
        raise TypeError(f"{asked} has no argument {unknown[0]!r}.{nearest(unknown[0], known)}")
    for name, value in signature.bind(*args, **kwargs).arguments.items():
        if name in hints and not _accepts(hints[name], value):
            allowed = _words(hints[name]) + _as_list(hints[name], value)
            raise ConfigError(f"{name} is {quoted(value)}, of the type {type(value).__name__}; it must be {allowed}.")


def as_array(value: Any, where: str, dtype: type | None = None) -> NDArray[Any]:
    """An array, a tensor or nested numbers as an array; tensors with gradients and of other processors too.

    Args:
        value: what is given; bfloat16, which NumPy has not, becomes float32.
        where: what a message calls it, as the beginning of a sentence.
        dtype: wanted; none: that of the value.

    Raises:
        ShapeError: for a tensor that has no array: sparse, quantized, or without values (device "meta").
        TypeError, ValueError: if NumPy refuses something else.
    """
    if not hasattr(value, "detach"):  # torch is not imported for that question
        return np.asarray(value, dtype)
    try:
        tensor = value.detach().cpu()
        return np.asarray(tensor.float() if "bfloat16" in str(tensor.dtype) else tensor, dtype)
    except (TypeError, RuntimeError):  # what PyTorch raises for sparse and quantized ones, and for those without values
        kind = " ".join(str(part).removeprefix("torch.") for part in (value.dtype, value.layout, value.device))
        raise ShapeError(
            f"{where} is a tensor that has no array ({kind}); it must be dense, with values of a type that NumPy has."
        ) from None


@lru_cache(maxsize=1024)
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


@lru_cache(maxsize=1024)
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except NameError:  # of a name that only type checkers import
        return {}


def _accepts(kind: Any, value: Any) -> bool:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return any(_accepts(one, value) for one in get_args(kind))
    if kind is NoneType:
        return value is None
    if kind is bool:
        return isinstance(value, bool | np.bool_)
    if kind is str or origin is Literal:
        return isinstance(value, str)
    if origin is Sequence:
        if isinstance(value, np.ndarray):
            value = value.tolist() if value.ndim else None
        # A text is a sequence of its letters, which nobody means.
        is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        return is_list and all(_accepts(get_args(kind)[0], one) for one in value)
    if origin is Mapping:
        return isinstance(value, Mapping)
    return not (inspect.isclass(kind) and issubclass(kind, Path)) or isinstance(value, kind)


def _as_list(kind: Any, value: Any) -> str:
    """A hint, where a single value was given and a list of such values is meant."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    wanted = {type(value), float} if type(value) in (int, float) else {type(value)} & {str}
    of = [get_args(one)[0] for one in kinds if get_origin(one) is Sequence]
    fits = any(wanted & set(get_args(one) if get_origin(one) in (Union, UnionType) else (one,)) for one in of)
    return f", such as [{quoted(value)}]" if fits and len(quoted(value)) < MOST_SHOWN else ""


def _words(kind: Any) -> str:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_words(one) for one in get_args(kind)))
    if kind is NoneType:
        return "None"
    if kind is bool:
        return "True or False"
    if origin is Literal:
        return "one of the texts " + ", ".join(map(str, get_args(kind)))
    if kind is str:
        return "a text"
    if origin is Sequence:
        of = _words(get_args(kind)[0])
        return f"a list, each of it {of}" if of != "another value" else "a list"
    return "a mapping" if origin is Mapping else getattr(kind, "__name__", "another value")
