"""Training state as one file: nested dictionaries and lists of tensors and plain values, saved whole as safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from limner.errors import DataError, WeightsError
from limner.files import open_regular

_UNREADABLE = (
    OSError,
    DataError,
    SafetensorError,
    ValueError,
    KeyError,
    AttributeError,
    TypeError,
    RecursionError,
)
"""What reading a damaged file raises."""


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write nested dicts and lists of tensors, numbers, strings and None to one safetensors file.

    Tensors keep dtype and bits; everything else travels as JSON in the file's header.
    """
    tensors: dict[str, torch.Tensor] = {}

    def skeleton(value: Any, key: str) -> Any:
        if isinstance(value, torch.Tensor):
            tensors[key] = value.detach().cpu().contiguous().clone()
            return {"tensor": key}
        if isinstance(value, dict):
            return {"dict": [[k, skeleton(v, f"{key}/{k}")] for k, v in value.items()]}  # keeps integer keys
        if isinstance(value, list | tuple):
            return {"list": [skeleton(v, f"{key}/{i}") for i, v in enumerate(value)]}
        if value is None or isinstance(value, bool | int | float | str):
            return {"value": value}
        raise TypeError(f"cannot save a {type(value).__name__} at {key}")

    save_file(tensors, path, metadata={"state": json.dumps(skeleton(state, ""))})


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote.

    Raises:
        WeightsError: if the file is missing, truncated or not ours.
    """
    try:
        open_regular(path).close()  # a pipe would hang
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("state")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        if text is None:
            raise WeightsError(f"{path} is a safetensors file but not a training state of Limner.")

        def restore(node: dict[str, Any]) -> Any:
            ((kind, value),) = node.items()
            if kind == "tensor":
                return tensors[value]
            if kind == "dict":
                return {k: restore(v) for k, v in value}
            if kind == "list":
                return [restore(v) for v in value]
            return value

        state: dict[str, Any] = restore(json.loads(text))
        return state
    except (
        OSError,
        DataError,
        SafetensorError,
        ValueError,
        KeyError,
        AttributeError,
        TypeError,
        RecursionError,
    ) as error:
        raise WeightsError(f"{path} cannot be read as a training state ({error}).") from error
