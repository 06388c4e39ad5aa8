"""Requests to stop: the first signal ends a run after its step, with a checkpoint; the second ends it at once."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

import torch
from lightning_fabric import Fabric

_STOPPING = b"\nStopping after this step, with a checkpoint; a second request stops at once, without one.\n"


class StopRequest:
    """Turns SIGINT and SIGTERM into a checkpoint at the next step boundary; a second signal stops at once."""

    def __init__(self) -> None:
        self.requested = False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError):  # not the main thread
                self._old[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: Any) -> None:
        if self.requested:
            before = self._old.get(number)
            if callable(before):  # the command's own handler, which remembers that it was interrupted
                before(number, frame)
            raise KeyboardInterrupt
        self.requested = True
        # Not through logging: a handler may hold the lock that the interrupted line of code holds too.
        with suppress(OSError):
            os.write(2, _STOPPING)

    def agreed(self, fabric: Fabric, *, check: bool) -> bool:
        """True when any process was asked to stop; a collective call where `check` holds."""
        if not check:
            return False
        if fabric.world_size == 1:
            return self.requested
        flag = fabric.all_reduce(torch.tensor(float(self.requested), device=fabric.device), reduce_op="sum")
        return bool(flag > 0)  # type: ignore[operator]
