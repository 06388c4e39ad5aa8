"""Processes that work for this one: Ctrl-C is this process's alone, and they end when it does, however it ends."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import resource_tracker
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Workers(ProcessPoolExecutor):
    """A pool of fresh processes: a fork of a process that runs threads (torch's, for one) may hang.

    Args:
        number: of processes.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, mp_context=multiprocessing.get_context("spawn"), initializer=_start)

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As every pool; a process that is started for it never hears of Ctrl-C."""
        with without_interrupts():
            return super().submit(function, *args, **kwargs)

    def kill(self) -> None:
        """End its processes at once, whatever they are at; `shutdown` then has nothing to wait for."""
        for process in list((getattr(self, "_processes", None) or {}).values()):
            with contextlib.suppress(OSError):
                process.kill()


@contextlib.contextmanager
def without_interrupts() -> Iterator[None]:
    """Processes that are started in here never see SIGINT, from their first moment on; here it is only held back."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # a process of Python's own, whose start lets the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start() -> None:
    """What every process of a pool does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # also where signals cannot be held back
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
