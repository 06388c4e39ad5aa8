"""What a run tells: metrics.jsonl, TensorBoard where it is installed, a progress bar, sample grids."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from limner.errors import MissingExtraError, TrainingError
from limner.files import MAX_TABLE_BYTES, read_text, write_atomically, write_text_atomically
from limner.optional import optional

log = logging.getLogger("limner")

QUIET_SECONDS = 8.0
"""Longest time without a line where no bar is shown, from one step to the next."""
MAX_SHOWN = 4
"""Numbers of a kind beside the bar."""


class RunLog:
    """Writer of one run folder; built on the first process only.

    Args:
        run: the run folder.
        images_seen: where the run (re)starts; later lines of an interrupted run are dropped.
        total: images of the whole run.
    """

    def __init__(self, run: Path, *, images_seen: int, total: int) -> None:
        self.run = run
        self._cut_metrics(images_seen)
        try:
            tensorboard = optional("torch.utils.tensorboard", extra="tensorboard")
            self._tensorboard = tensorboard.SummaryWriter(str(run / "tensorboard"), purge_step=images_seen)
        except MissingExtraError:
            self._tensorboard = None
        self._bar = tqdm(
            total=total, initial=images_seen, unit="img", smoothing=0.05, disable=not sys.stderr.isatty(), leave=True
        )
        self._last_line = time.monotonic()
        self._images_seen = images_seen
        self._losses = self._scores = self._shown = ""

    def advance(self, num_images: int) -> None:
        """Move the progress bar; where there is none, say now and then how far the run is."""
        self._bar.update(num_images)
        self._images_seen += num_images
        if self._bar.disable and time.monotonic() - self._last_line > QUIET_SECONDS:
            self._last_line = time.monotonic()
            log.info("%d of %d images%s", self._images_seen, self._bar.total, f": {self._shown}" if self._shown else "")

    def write(self, images_seen: int, metrics: dict[str, float], *, warnings: list[str]) -> None:
        """Append one line to metrics.jsonl and the same numbers to TensorBoard."""
        line: dict[str, Any] = {"images_seen": images_seen, **metrics}
        if warnings:
            line["warnings"] = warnings
        try:
            with open(self.run / "metrics.jsonl", "a") as file:
                file.write(json.dumps(line) + "\n")
            if self._tensorboard is not None:
                for name, value in metrics.items():
                    self._tensorboard.add_scalar(name, value, images_seen)
        except OSError as error:
            raise TrainingError(f"metrics.jsonl could not be written in {self.run} ({error}).") from error
        for warning in warnings:
            log.warning("at %d images: %s", images_seen, warning)
        self._show(images_seen, metrics)

    def _show(self, images_seen: int, metrics: dict[str, float]) -> None:
        """Losses and scores beside the bar; without a bar, scores at once and losses with the next line."""
        self._images_seen = images_seen
        scores = {name.partition("/")[2]: value for name, value in metrics.items() if name.startswith("validation/")}
        losses = {name: value for name, value in metrics.items() if name.startswith(("loss/", "score_"))}
        text = ", ".join(f"{name} {value:.3g}" for name, value in list((scores or losses).items())[:MAX_SHOWN])
        if not text:
            return
        if scores:
            self._scores = text
            if self._bar.disable:
                log.info("%d of %d images, scores: %s", images_seen, self._bar.total, text)
        else:
            self._losses = text
        self._shown = "; ".join(part for part in (self._losses, self._scores) if part)
        self._bar.set_postfix_str(self._shown, refresh=False)

    def write_samples(self, images_seen: int, grid: Float[Tensor, "rows columns 3 height width"]) -> None:
        """Save a grid of pictures in [-1, 1] as samples/<images seen>.png."""
        picture = tile_grid(grid)
        path = self.run / "samples" / f"{images_seen:09d}.png"
        write_atomically({path: lambda temporary: picture.save(temporary, format="PNG")})
        if not self._bar.disable:
            self._bar.write(f"samples: {path}", file=sys.stderr)

    def close(self) -> None:
        """Flush and close everything."""
        self._bar.close()
        if self._tensorboard is not None:
            self._tensorboard.close()

    def _cut_metrics(self, images_seen: int) -> None:
        path = self.run / "metrics.jsonl"
        if not path.exists():
            return
        kept = []
        for line in read_text(path, most=MAX_TABLE_BYTES).splitlines():
            try:
                if json.loads(line)["images_seen"] <= images_seen:
                    kept.append(line)
            except (ValueError, KeyError, TypeError, RecursionError):  # the last line of a killed run may be cut off
                continue
        write_text_atomically(path, "".join(f"{line}\n" for line in kept))


def tile_grid(grid: Float[Tensor, "rows columns 3 height width"]) -> Image.Image:
    """Pictures in [-1, 1] side by side as one RGB image."""
    pixels = ((grid.float().clamp(-1, 1) + 1) * 127.5).round().byte().cpu().numpy()
    rows, columns, channels, height, width = pixels.shape
    tiled = pixels.transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    return Image.fromarray(np.ascontiguousarray(tiled))
