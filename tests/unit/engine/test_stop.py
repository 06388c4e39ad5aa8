"""Requests to stop a training, as the command sees them."""

from __future__ import annotations

import contextlib
import signal

import pytest

from limner.cli.common import run
from limner.engine.stop import StopRequest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_request_that_becomes_another_error_is_an_interrupt(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def training(argv: list[str]) -> int:
        with StopRequest() as stop:
            signal.raise_signal(number)
            assert stop.requested
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(number)
            raise RuntimeError("something in PyTorch was half done")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests may run without it
    try:
        assert run(training, []) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err.splitlines()[-1] == "error: interrupted"
