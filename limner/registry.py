"""From the name of a system to its classes, importing no more than asked for.

`limner.systems.SYSTEMS` maps a name to `package:Stem`; other distributions add theirs with the entry-point group
`limner.systems` (same form of value). Every such package keeps one layout:

==================  ==================================================  =============
file                holds                                               imports torch
==================  ==================================================  =============
`config.py`         `StemConfig`, a frozen dataclass                    no
`task.py`           `TASK`, what it is about; see `limner.task`         no
`presets.py`        `PRESETS`, name -> function giving a `StemConfig`   no
`system.py`         `Stem`, the losses and the update order             yes
`pipeline.py`       `StemPipeline`, inference                           yes
`evaluation.py`     `evaluate`, the published protocol                  yes
`options.py`        `add_options`, `MODES`: `limner generate`           no
`demo.py`           `demo`, `WORDS`: `limner demo`                      yes
`studio.py`         `OPERATIONS` of `limner studio`                     no
==================  ==================================================  =============

The last three may be absent: `limner generate` then has the options that the task's conditions need
(`limner.tasks.UsualOptions`), demo and studio have nothing of the system. A small system may have its configuration in
`presets.py`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from limner.errors import ConfigError, nearest
from limner.operations import Operation
from limner.systems import SYSTEMS
from limner.task import Task


def system_names() -> list[str]:
    """Names of all systems, ours first, then those of installed plug-ins."""
    return list(SYSTEMS) + sorted(point.name for point in entry_points(group="limner.systems"))


def is_system(name: str) -> bool:
    """Whether there is such a system; for ours without a look at what else is installed, which reads all of it."""
    return name in SYSTEMS or name in system_names()


def task(system: str) -> Task:
    """What a system is about."""
    package, _ = _locate(system)
    return _get(f"{package}.task", "TASK")  # type: ignore[no-any-return]


def config_class(system: str) -> type[Any]:
    """The configuration dataclass of a system."""
    package, stem = _locate(system)
    module = "config" if _has(f"{package}.config") else "presets"
    return _get(f"{package}.{module}", f"{stem}Config")  # type: ignore[no-any-return]


def presets(system: str) -> dict[str, Callable[[], Any]]:
    """Name -> function that returns a complete configuration."""
    package, _ = _locate(system)
    return _get(f"{package}.presets", "PRESETS")  # type: ignore[no-any-return]


def preset(system: str, name: str) -> Any:
    """A complete configuration of a system.

    Raises:
        ConfigError: if there is no such system or preset.
    """
    known = presets(system)
    if name not in known:
        raise ConfigError(f'"{system}" has no preset "{name}".{nearest(name, known)}')
    return known[name]()


def stage_presets(system: str, size: str) -> dict[str, str]:
    """Stage -> the preset that trains it at this size ("cpu", "smoke", ...), in the order of training.

    The stage whose preset has no name of its own (`cpu` beside `cpu-renderer`) is the one that the size alone means.
    """
    known = presets(system)
    names = {stage: f"{size}-{stage}" for stage in task(system).stages}
    return {stage: name if name in known else size for stage, name in names.items()}


def system_class(system: str) -> type[Any]:
    """The training side of a system."""
    package, stem = _locate(system)
    return _get(f"{package}.system", stem)  # type: ignore[no-any-return]


def pipeline_class(system: str) -> type[Any]:
    """The inference side of a system."""
    package, stem = _locate(system)
    return _get(f"{package}.pipeline", f"{stem}Pipeline")  # type: ignore[no-any-return]


def generate_options(system: str) -> Any:
    """The system's side of `limner generate`, a module or what stands for one; see `limner.tasks`."""
    package, _ = _locate(system)
    if not _has(f"{package}.options"):
        return _get("limner.tasks", "UsualOptions")(system, task(system))
    module = importlib.import_module(f"{package}.options")
    return getattr(module, "OPTIONS", module)


def evaluate_function(system: str) -> Callable[..., Any]:
    """The evaluation of a system by its published protocol."""
    package, _ = _locate(system)
    return _get(f"{package}.evaluation", "evaluate")  # type: ignore[no-any-return]


def operations(system: str) -> tuple[Operation, ...]:
    """What `limner studio` can ask a system for; nothing where it declares nothing."""
    package, _ = _locate(system)
    if not _has(f"{package}.studio"):
        return ()
    return _get(f"{package}.studio", "OPERATIONS")  # type: ignore[no-any-return]


def demo_function(system: str) -> Callable[..., Any] | None:
    """What `limner demo` shows of a system; None if the system has no demo."""
    package, _ = _locate(system)
    if not _has(f"{package}.demo"):
        return None
    return _get(f"{package}.demo", "demo")  # type: ignore[no-any-return]


def demo_words(system: str) -> str:
    """What a system does, for people who see its demo: `WORDS` of its `demo.py`, else its package's own sentence."""
    package, _ = _locate(system)
    own = getattr(importlib.import_module(f"{package}.demo"), "WORDS", "")
    return own or " ".join((inspect.getdoc(importlib.import_module(package)) or "").split("\n\n")[0].split())


def _locate(system: str) -> tuple[str, str]:
    target = SYSTEMS.get(system)
    if target is None:
        found = [point.value for point in entry_points(group="limner.systems") if point.name == system]
        if not found:
            raise ConfigError(f'There is no system "{system}".{nearest(system, system_names())}')
        target = found[0]
    package, _, stem = target.partition(":")
    return package, stem


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _get(module: str, attribute: str) -> Any:
    return getattr(importlib.import_module(module), attribute)
