"""The settings of a training run that every system shares. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.ranges import ENDLESS, Range, check_ranges

MAX_TRAINING_SEED = 2**32 - 1  # of NumPy's generator, which Fabric seeds too


@dataclass(frozen=True)
class TrainConfig:
    """How long, how large, how precise, how often."""

    images: int
    """Length of the run: images seen by the first network updated, the clock of every schedule."""
    batch_size: int
    """Images of one update over all processes and micro-batches."""
    accumulate: int = 1
    """Micro-batches that one update is split into, to save memory."""
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """Arithmetic of the networks; auto: bf16-mixed where the hardware has bfloat16, else float32. There is no fp16:
    docs/decisions/ says why."""
    clip_norm: float = 0.0
    """Largest L2 norm of one network's gradient; 0 = no clipping."""
    ema_half_life: float = 0.0
    """Half-life of the averaged weights in images; 0 = no averaging."""
    initial_weights: str | None = None
    """Weights that the trained networks begin with: shipped ones by name, or a run or weights folder; networks that it
    lacks, as discriminators of shipped weights, begin at random."""
    seed: int = 0
    """Seed of initial weights, order, augmentation and noise."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train."""
    devices: int = 1
    """Processes on this machine, one a device; torchrun's own number wins."""
    num_nodes: int = 1
    """Machines."""
    channels_last: bool = False
    """Memory layout; faster on CUDA, measured slower on a CPU."""
    compile: bool = False
    """Run the networks through torch.compile."""
    num_workers: int = 0
    """Reader processes; 0 reads in the training process, best for sets that fit the cache."""
    log_every: int = 2_000
    """Images between two lines of metrics.jsonl."""
    sample_every: int = 20_000
    """Images between two sample grids."""
    checkpoint_every: int = 20_000
    """Images between two checkpoints, each preceded by a validation that decides which one is the best."""
    keep_checkpoints: int = 2
    """Newest checkpoints to keep, beside the best one."""

    def __post_init__(self) -> None:
        counts = ("images", "batch_size", "accumulate", "devices", "num_nodes", "keep_checkpoints", "*_every")
        none_is_fine = ("clip_norm", "ema_half_life", "num_workers")
        ranges = dict.fromkeys(counts, Range(1, ENDLESS)) | dict.fromkeys(none_is_fine, Range(0, ENDLESS))
        check_ranges(self, "train", {**ranges, "seed": Range(0, MAX_TRAINING_SEED)})
