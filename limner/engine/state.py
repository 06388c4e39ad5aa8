"""Training state as one file: nested dictionaries and lists of tensors and plain values, saved whole as safetensors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from limner.errors import DataError, WeightsError
from limner.files import open_regular

_DIGEST = "sha256"


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

    text = json.dumps(skeleton(state, ""))
    save_file(tensors, path, metadata={"state": text, _DIGEST: _digest(text, tensors)})


def _digest(text: str, tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 of all that a state holds: what a disk or a copy has changed in it is found."""
    found = hashlib.sha256(text.encode())
    for key, tensor in sorted(tensors.items()):
        found.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote.

    Raises:
        WeightsError: if the file is missing, truncated, changed or not ours.
    """
    try:
        open_regular(path).close()  # a pipe would hang
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            text = metadata.get("state")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        if text is None:
            raise WeightsError(f"{path} is a safetensors file but not a training state of Limner.")
        if _DIGEST in metadata and metadata[_DIGEST] != _digest(text, tensors):  # states of version 0.1.0 have none
            raise WeightsError(f"{path} is damaged: its content does not have the SHA-256 that was noted in it.")

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
