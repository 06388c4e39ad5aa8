"""One training run in one folder, which holds all that repeats it. No torch import before a run starts."""

from __future__ import annotations

import dataclasses
import json
import logging
import platform
import shlex
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import limner
from limner import registry
from limner.errors import ConfigError, LimnerError
from limner.files import at_home, read_text, read_yaml, write_text_atomically

if TYPE_CHECKING:
    from limner.engine.precision import Choice

log = logging.getLogger("limner")

MAY_CHANGE = {
    "train.images",
    "train.devices",
    "train.num_nodes",
    "train.num_workers",
    "train.log_every",
    "train.sample_every",
    "train.checkpoint_every",
    "train.keep_checkpoints",
    "train.accelerator",
    "train.compile",
    "train.accumulate",
}
"""Settings that may differ when a run is resumed; any other would make it another run."""


@dataclasses.dataclass(frozen=True)
class TrainedRun:
    """How a call of `train` ended."""

    complete: bool
    """False if it was asked to stop before its end; a checkpoint is there in both cases."""
    num_images: int
    """Size of the training set."""
    is_main_process: bool
    """Whether this process is the one that writes."""


def train(
    system: str,
    config: Any,
    data: Path | None,
    run: Path,
    *,
    resume: bool,
    command: list[str],
    other_data: bool = False,
    may_change: Collection[str] = (),
) -> TrainedRun:
    """Train a system into a run folder, or go on with the run that is there.

    Args:
        system: name of the system.
        config: its complete configuration.
        data: folder of the data set, for systems that need one.
        run: folder of the run.
        resume: whether there may be a run already; it goes on from its newest whole checkpoint.
        command: what a user would type for the same, kept in the run folder.
        other_data: go on although the data is not what the run began with.
        may_change: settings, beside `MAY_CHANGE`, that are to differ from those that the run began with.

    Raises:
        ConfigError: if the folder holds a run that is not wanted, or one of other settings.
        DataError: if the data cannot be used.
        TrainingError: if the run breaks down, or memory runs out.
    """
    run, data = at_home(run), None if data is None else at_home(data)
    if resume:
        refuse_run_of_another(system, run)
    before = check_run_folder(run, config, resume=resume, may_change=may_change)

    from limner.engine.fabric import make_fabric
    from limner.engine.loop import fit
    from limner.engine.ranks import lost_peers_named
    from limner.memory import memory_named
    from limner.pipelines import load

    config, choice = settle_precision(config, before)
    fabric = make_fabric(config.train)
    if fabric.is_global_zero:
        log.info("precision %s: %s", choice.precision, choice.reason)
        if choice.is_slow:
            log.warning(
                "This machine computes bfloat16 by float32, many times slower than float32 itself: "
                "--train.precision auto or 32-true is faster here."
            )
    system_class = registry.system_class(system)
    opened = system_class.open_data(config, data)
    fabric.launch()
    fabric.seed_everything(config.train.seed, verbose=False)
    source = config.train.initial_weights
    with lost_peers_named(), memory_named(config):
        complete = fit(
            system_class(config, opened.spec),
            opened,
            fabric=fabric,
            run=run,
            resume=resume,
            other_data=other_data,
            initial=None if source is None else lambda: load(source, system, with_optional=True),
            on_start=lambda: _describe_run(run, config, command),
        )
    return TrainedRun(complete, len(opened.train_set), fabric.is_global_zero)


def refuse_run_of_another(system: str, run: Path) -> None:
    """Raises: ConfigError if the run's own command trained another system."""
    try:
        words = shlex.split(read_text(run / "command.txt"))
    except (LimnerError, ValueError):  # no run yet, or one that says nothing
        return
    other = words[2] if words[:2] == ["limner", "train"] and len(words) > 2 else system
    if other != system and other in registry.system_names():
        raise ConfigError(
            f"{run} is a run of {other}: go on with limner train {other} --out {run} --resume auto, or name another "
            "folder."
        )


def settle_precision(config: Any, before: dict[str, Any]) -> tuple[Any, Choice]:
    """The configuration with the arithmetic that this run will have, which `auto` leaves to the machine.

    Args:
        config: of a system.
        before: settings of the run that goes on, as `check_run_folder` gives them: it keeps its arithmetic.

    Raises:
        ConfigError: if the device is not there.
    """
    from limner.engine.fabric import choose_precision

    train, kept = config.train, before.get("train.precision", "auto")
    goes_on = train.precision == "auto" and kept != "auto"
    choice = choose_precision(dataclasses.replace(train, precision=kept) if goes_on else train)
    if goes_on:
        choice = dataclasses.replace(choice, reason=choice.reason.replace("as asked", "as the run began"))
    return dataclasses.replace(config, train=dataclasses.replace(train, precision=choice.precision)), choice


def check_run_folder(run: Path, config: Any, *, resume: bool, may_change: Collection[str] = ()) -> dict[str, Any]:
    """Refuse a folder in which this run cannot start or go on.

    Returns:
        Settings by their names, such as "train.precision", of the run that goes on; empty where none does.

    Raises:
        ConfigError: saying why.
    """
    if run.exists() and not run.is_dir():
        raise ConfigError(f"--out {run} is a file; name a folder.")
    if not (run / "checkpoints").is_dir():
        return {}
    if not resume:
        raise ConfigError(
            f"--out {run} holds a run already: add --resume auto to go on with it, or name another folder."
        )
    content = read_yaml(run / "config.yaml", error=ConfigError)
    if not isinstance(content, dict):
        raise ConfigError(f"{run / 'config.yaml'} holds no settings; a run resumes only with it.")
    before = {**_defaults(config), **_flatten(content)}  # the run may be older than an option
    now = _flatten(plain(config))
    for key in sorted(set(before) | set(now)):
        if key == "train.precision" and now.get(key) == "auto":  # leaves it to the run
            continue
        if key not in before and now[key] == _default(config, key):  # an option that is younger than the run
            continue
        if key not in MAY_CHANGE and key not in may_change and before.get(key) != now.get(key):
            raise ConfigError(
                f"--{key} is {now.get(key)}, but the run in {run} was started with {before.get(key)}; "
                f"resume with --config {run / 'config.yaml'}, or name another --out."
            )
    return before


def _default(config: Any, key: str) -> Any:
    """What a setting is where nobody says anything."""
    section, _, name = key.partition(".")
    fields = {field.name: field for field in dataclasses.fields(getattr(config, section))}
    return plain(fields[name].default)


def plain(config: Any) -> Any:
    """Dataclasses as dicts and tuples as lists, which is what YAML can hold."""
    if dataclasses.is_dataclass(config):
        return {field.name: plain(getattr(config, field.name)) for field in dataclasses.fields(config)}
    return list(config) if isinstance(config, tuple) else config


def _defaults(config: Any, prefix: str = "") -> dict[str, Any]:
    """The options of a configuration that have a default, which runs have that do not know them."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            found |= _defaults(value, f"{prefix}{field.name}.")
        elif field.default is not dataclasses.MISSING:
            found[f"{prefix}{field.name}"] = plain(field.default)
    return found


def _describe_run(run: Path, config: Any, command: list[str]) -> None:
    run.mkdir(parents=True, exist_ok=True)
    packages = ["torch", "numpy", "lightning-fabric", "torchmetrics", "safetensors", "pillow"]
    environment = {
        "limner": limner.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: _version(package) for package in packages},
    }
    write_text_atomically(run / "config.yaml", yaml.safe_dump(plain(config), sort_keys=False))
    write_text_atomically(run / "command.txt", shlex.join(command) + "\n")
    write_text_atomically(run / "environment.json", json.dumps(environment, indent=2) + "\n")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
