"""Training state on disk: one nested dictionary, saved whole as safetensors, visible only once complete.

A checkpoint is a folder `checkpoints/<images seen>` with `state.safetensors` (this module) and `pipeline/` (written by
the system: ready for inference). It is written beside its place, flushed to the disk, and renamed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from limner.errors import DataError, TrainingError, WeightsError
from limner.files import flush_to_disk, open_regular, read_json, write_text_atomically

STATE_FILE = "state.safetensors"
_TEMPORARY = ".writing-"


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
    except (OSError, SafetensorError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise WeightsError(f"{path} cannot be read as a training state ({error}).") from error


class CheckpointFolder:
    """The `checkpoints/` folder of a run: newest, best, pruning."""

    def __init__(self, run: Path, *, keep: int) -> None:
        self.run = run
        self.folder = run / "checkpoints"
        self.keep = keep

    def write(self, images_seen: int, state: dict[str, Any], write_pipeline: Callable[[Path], object]) -> Path:
        """Write one checkpoint, then drop those that are neither among the newest `keep` nor the best.

        Raises:
            TrainingError: if the disk is full or not writable; checkpoints already there stay whole.
        """
        final = self.folder / f"{images_seen:09d}"
        temporary = self.folder / f"{_TEMPORARY}{images_seen:09d}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.remove_unfinished()
            temporary.mkdir()
            save_state(temporary / STATE_FILE, state)
            write_pipeline(temporary / "pipeline")
            for path in [*temporary.rglob("*"), temporary]:
                flush_to_disk(path)
            if final.exists():  # only a broken one can be here: a whole one would have been resumed from
                shutil.rmtree(final)
            temporary.rename(final)
            flush_to_disk(self.folder)
            self._prune()
        except (OSError, SafetensorError, WeightsError) as error:  # the last from writing the pipeline
            shutil.rmtree(temporary, ignore_errors=True)
            raise TrainingError(
                f"The checkpoint at {images_seen} images could not be written to {self.folder} ({error}). "
                "Earlier checkpoints are whole: free some space or permit writing, then go on with --resume auto."
            ) from error
        return final

    def newest(self) -> Iterator[Path]:
        """Complete-looking checkpoints, newest first."""
        if self.folder.is_dir():
            yield from sorted((p for p in self.folder.iterdir() if p.name.isdigit()), reverse=True)

    def best(self) -> dict[str, Any] | None:
        """{"checkpoint": name, "metric": name, "value": number} or None."""
        try:
            best: dict[str, Any] = read_json(self.run / "best.json")
            return best if (self.folder / str(best["checkpoint"])).is_dir() else None
        except (DataError, OSError, ValueError, KeyError, TypeError):
            return None

    def set_best(self, images_seen: int, metric: str, value: float) -> None:
        """Record the checkpoint at `images_seen` as the best one."""
        record = {"checkpoint": f"{images_seen:09d}", "metric": metric, "value": value}
        write_text_atomically(self.run / "best.json", json.dumps(record, indent=2) + "\n", flush=True)

    def remove_unfinished(self) -> None:
        """Delete what a killed run left half-written."""
        for path in self.folder.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(path, ignore_errors=True)

    def _prune(self) -> None:
        best = self.best()
        for path in list(self.newest())[self.keep :]:
            if best is None or path.name != best["checkpoint"]:
                # Renamed first: a kill in the middle of the deletion must not leave a folder that looks whole.
                doomed = path.with_name(f"{_TEMPORARY}{path.name}-old")
                path.rename(doomed)
                shutil.rmtree(doomed, ignore_errors=True)
