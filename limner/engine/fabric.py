"""Lightning Fabric for a run: where it computes, in which precision, in how many processes."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy

from limner.engine.config import TrainConfig
from limner.engine.precision import COMPILERS, Choice, choose
from limner.engine.ranks import count_of, leave_group
from limner.errors import ConfigError


def make_fabric(config: TrainConfig) -> Fabric:
    """Fabric for this run; torchrun's process count wins over `config.devices`.

    Raises:
        ConfigError: if the batch does not divide among the processes, or the device is not there.
    """
    devices = count_of("LOCAL_WORLD_SIZE", config.devices)
    num_nodes = count_of("GROUP_WORLD_SIZE", config.num_nodes)
    if config.compile:
        check_compiler(accelerator_of(config))
    parts = devices * num_nodes * config.accumulate
    if config.batch_size % parts:
        raise ConfigError(
            f"--train.batch_size {config.batch_size} does not divide by {parts} "
            f"({devices * num_nodes} processes x {config.accumulate} micro-batches); choose a multiple of {parts}."
        )
    distributed = devices * num_nodes > 1
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # a run's first line says what its others would
    if distributed:
        atexit.register(leave_group)  # Fabric does so for NCCL alone
    return Fabric(
        accelerator=accelerator_of(config),
        devices=devices,
        num_nodes=num_nodes,
        strategy=_ddp() if distributed else "auto",
        precision=choose_precision(config).precision,
    )


def check_compiler(accelerator: Literal["cpu", "cuda"]) -> None:
    """Refuse `--train.compile true` where torch.compile has no C++ compiler: it would fail in the first step.

    Raises:
        ConfigError: if there is none; GPUs bring theirs.
    """
    wanted = os.environ.get("CXX", "")
    if accelerator == "cpu" and not any(map(shutil.which, [wanted] if wanted else COMPILERS)):
        raise ConfigError(
            f"--train.compile true needs a C++ compiler, and there is no {wanted or ' or '.join(COMPILERS)} on this "
            "machine; install one (apt install g++), or train with --train.compile false."
        )


def choose_precision(config: TrainConfig) -> Choice:
    """The arithmetic that this run will have on this machine.

    Raises:
        ConfigError: if the device is not there.
    """
    return choose(config.precision, accelerator_of(config))


def accelerator_of(config: TrainConfig) -> Literal["cpu", "cuda"]:
    """Where this run will be.

    Raises:
        ConfigError: if the device is not there.
    """
    has_cuda = torch.cuda.is_available()
    if config.accelerator == "cuda" and not has_cuda:
        raise ConfigError("--train.accelerator cuda: this machine has no CUDA device. Use cpu or auto.")
    if config.accelerator == "auto":
        return "cuda" if has_cuda else "cpu"
    return config.accelerator


def _ddp() -> DDPStrategy:
    # Rank 0's buffers are not sent around: that would write into a network between the two passes of one loss, which
    # autograd refuses. All buffers that matter are equal on all ranks, or are rank 0's, which are saved.
    return DDPStrategy(broadcast_buffers=False)
