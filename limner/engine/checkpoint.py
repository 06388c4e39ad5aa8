"""Checkpoints of a run: visible only once complete, the newest and the best kept.

A checkpoint is a folder `checkpoints/<images seen>` with `state.safetensors` (`limner.engine.state`) and `pipeline/`
(written by the system: ready for inference). It is written beside its place, flushed to the disk, and renamed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from limner.engine.state import save_state
from limner.errors import DataError, TrainingError, WeightsError
from limner.files import flush_to_disk, read_json, write_text_atomically

STATE_FILE = "state.safetensors"
_TEMPORARY = ".writing-"


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
