"""Tests that pass in company alone, or cost much: the same tests in random order, each by itself, with their times.

`python tools/test_order.py shuffle --seed N [PATH ...]` runs the files, and the tests in each, in a random order;
`python tools/test_order.py alone [--sample K] [--seed N] [PATH ...]` runs every test, or K of them, in a process of its
own, and names those that fail;
`python tools/test_order.py times [--slowest K] [PATH ...]` runs the tests and prints those that took most time of the
processor, child processes included. Without PATH all fast tests are meant; options after `--` go to pytest.

What fails here and passes in `make test` leans on a test that ran before it, or leaves something behind for the next.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest


class Shuffled:
    """A plugin: files in random order, and the tests in each; a file stays together, since its fixtures are shared."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Called by pytest once all tests are known."""
        files: dict[str, list[pytest.Item]] = {}
        for item in items:
            files.setdefault(item.nodeid.partition("::")[0], []).append(item)
        order = list(files)
        self.random.shuffle(order)
        for name in order:
            self.random.shuffle(files[name])
        items[:] = [item for name in order for item in files[name]]


class Collected:
    """A plugin: the names of the tests that were asked for."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called by pytest when nothing is left out any more."""
        self.names = [item.nodeid for item in session.items]


class Timed:
    """A plugin: name of a test -> seconds of the processor, those of its children included."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Called by pytest around a test and its fixtures."""
        start = _processor()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = _processor() - start


def main(argv: list[str]) -> int:
    """Run the command."""
    place = argv.index("--") if "--" in argv else len(argv)
    argv, rest = argv[:place], argv[place + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["shuffle", "alone", "times"])
    parser.add_argument("paths", nargs="*", help="files or folders of tests (else all)")
    parser.add_argument("--seed", type=int, default=0, help="of the order, and of the sample")
    parser.add_argument("--sample", type=int, default=None, help="run so many tests alone, chosen at random")
    parser.add_argument("--slowest", type=int, default=50, help="tests to name")
    options = parser.parse_intermixed_args(argv)
    words = [*options.paths, "-q", "-p", "no:cacheprovider", *rest]
    if options.what == "shuffle":
        return int(pytest.main(words, plugins=[Shuffled(options.seed)]))
    if options.what == "times":
        timed = Timed()
        code = int(pytest.main(words, plugins=[timed]))
        for name in sorted(timed.seconds, key=lambda name: -timed.seconds[name])[: options.slowest]:
            print(f"{timed.seconds[name]:8.2f} s  {name}")
        print(f"{sum(timed.seconds.values()):8.2f} s  of the processor in all, {len(timed.seconds)} tests")
        return code
    return _alone(words, options.sample, options.seed, rest)


def _alone(words: list[str], sample: int | None, seed: int, rest: list[str]) -> int:
    collected = Collected()
    code = int(pytest.main([*words, "--collect-only"], plugins=[collected]))
    if code:
        return code
    names = collected.names
    if sample is not None and sample < len(names):
        names = random.Random(seed).sample(names, sample)
    failed = []
    for name in names:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *rest, name]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout)
        print(f"{'failed' if done.returncode else 'passed'}  {name}", flush=True)
    print(f"{len(names)} tests alone, {len(failed)} failed")
    for name in failed:
        print(f"  {name}")
    return 1 if failed else 0


def _processor() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
