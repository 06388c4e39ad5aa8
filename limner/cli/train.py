"""`limner train SYSTEM`: read the configuration, open the data, train into a run folder."""

from __future__ import annotations

import dataclasses
import json
import logging
import platform
import shlex
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import yaml

import limner
from limner import registry
from limner.cli.common import emit, new_parser
from limner.errors import ConfigError
from limner.files import reason, write_text_atomically

if TYPE_CHECKING:
    from limner.data.manifest import Manifest

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

MAX_VALIDATION = 1_000
"""Images of one validation at most: it is repeated at every checkpoint."""

HELP = """\
usage: limner train SYSTEM [--preset NAME] --data PATH --out RUN [--resume auto] [--config FILE] [--any.option VALUE]

systems: {systems}
`limner train SYSTEM --help` has the options of one system.

examples:
  limner train scgan --preset cpu --data DATA --out runs/first
  limner train scgan --preset cpu --data DATA --out runs/first --resume auto
  limner train scgan --config runs/first/config.yaml --data DATA --out runs/again --train.seed 1"""


def main(argv: list[str]) -> int:
    """Train a system; 0 when the run is complete, 130 when it was asked to stop."""
    if not argv or argv[0] in ("-h", "--help"):
        print(HELP.format(systems=", ".join(registry.system_names())))
        return 0 if argv else 2
    system = argv[0]
    options, config = read_options(system, argv[1:])
    return train(system, config, options, command=["limner", "train", *argv])


def read_options(system: str, argv: list[str]) -> tuple[Any, Any]:
    """The command's own options and the system's configuration: preset, then --config, then single options.

    Raises:
        ConfigError: if an option is unknown or out of range.
    """
    config_type = registry.config_class(system)
    presets = registry.presets(system)
    for file in _values_of("--config", argv):
        _check_config_file(Path(file))
    parser = new_parser(
        f"train {system}",
        f"Train {system} on a data set; everything about the run ends up in the folder --out.",
        examples=[f"limner train {system} --preset cpu --data DATA --out runs/first"],
    )
    parser.add_argument("--preset", choices=sorted(presets), default="cpu", help="where all other defaults come from")
    parser.add_argument("--data", type=str, required=True, metavar="PATH", help="folder of the data set")
    parser.add_argument("--out", type=str, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument(
        "--resume", choices=["never", "auto"], default="never", help="auto: go on from the newest whole checkpoint"
    )
    parser.add_argument("--config", action="config", help="YAML file with any of the options below")
    parser.add_class_arguments(config_type)
    sections = [field.name for field in dataclasses.fields(config_type)]
    # Known before parsing, because it decides every default.
    preset = registry.preset(system, ["cpu", *_values_of("--preset", argv)][-1])
    parser.set_defaults({name: _plain(getattr(preset, name)) for name in sections})
    parsed = parser.parse_args(argv)
    for name, section in get_type_hints(config_type).items():
        _check_section(name, parsed[name], section)
    built = parser.instantiate(parsed)
    return parsed, config_type(**{name: built[name] for name in sections})


def train(system: str, config: Any, options: Any, *, command: list[str]) -> int:
    """Train `config` with the command's options; see `main`."""
    data, run = Path(options.data), Path(options.out)
    resume = options.resume == "auto"
    _check_run_folder(run, config, resume=resume)

    from limner.data.checks import refuse_wrong_order
    from limner.data.dataset import MaskToImageDataset, collate
    from limner.data.manifest import open_manifest
    from limner.engine.loop import fit, make_fabric

    fabric = make_fabric(config.train)
    dataset = config.dataset
    manifest = open_manifest(
        data,
        kind=dataset.kind,
        schema=dataset.schema,
        attributes=dataset.attributes,
        fit=dataset.fit,
        fix_sides=dataset.fix_sides,
    )
    refuse_wrong_order(manifest)
    size = config.model.image_size
    train_rows = manifest.split("train")
    train_set = MaskToImageDataset(train_rows, image_size=size, augment=config.augment, seed=config.train.seed)
    validation_set = MaskToImageDataset(_validation_rows(manifest), image_size=size)

    fabric.launch()
    fabric.seed_everything(config.train.seed, verbose=False)
    trained = registry.system_class(system)(config, manifest.spec)
    if fabric.is_global_zero:
        logging.getLogger("limner").setLevel(logging.INFO)
    complete = fit(
        trained,
        fabric=fabric,
        train_set=train_set,
        validation_set=validation_set,
        collate=collate,
        run=run,
        resume=resume,
        on_start=lambda: _describe_run(run, config, command),
    )
    if fabric.is_global_zero:
        best = json.loads((run / "best.json").read_text()) if (run / "best.json").exists() else None
        hint = "" if complete else " Stopped on request; go on with --resume auto."
        text = f"{run}: {len(train_rows)} training images, best checkpoint {best['checkpoint'] if best else 'none'}."
        emit({"run": str(run), "complete": complete, "best": best}, json=options.json, text=text + hint)
    return 0 if complete else 130


def _validation_rows(manifest: Manifest) -> Manifest:
    """Rows that choose the best checkpoint: never the test split, which is for `limner evaluate`."""
    rows = manifest.split("val" if "val" in manifest.split_sizes() else "train")
    return dataclasses.replace(rows, rows=rows.rows[:MAX_VALIDATION])


def _values_of(option: str, argv: list[str]) -> list[str]:
    """What `argv` gives for an option, `--option value` or `--option=value`."""
    follows = [after for word, after in pairwise(argv) if word == option]
    return follows + [word.partition("=")[2] for word in argv if word.startswith(f"{option}=")]


def _check_section(name: str, given: Any, section: type) -> None:
    """Refuse what the parser lets through from YAML: no mapping in place of a section, null in place of a value."""
    hints = get_type_hints(section)
    values = {key: getattr(given, key, None) for key in hints}
    for key, value in values.items():
        if value is None and type(None) not in get_args(hints[key]):
            raise ConfigError(f"--{name}.{key} is missing or null; it must have a value.")


def _check_config_file(path: Path) -> None:
    """Refuse what holds no settings here: the parser's own messages do not name the file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"--config {path} cannot be read: {reason(error)}.") from error
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"--config {path} is not valid YAML: {reason(error)}.") from error
    if not isinstance(content, dict):
        raise ConfigError(f'--config {path} holds no settings; it must have lines such as "train:" and "  images: 64".')


def _check_run_folder(run: Path, config: Any, *, resume: bool) -> None:
    if run.exists() and not run.is_dir():
        raise ConfigError(f"--out {run} is a file; name a folder.")
    if not (run / "checkpoints").is_dir():
        return
    if not resume:
        raise ConfigError(
            f"--out {run} holds a run already: add --resume auto to go on with it, or name another folder."
        )
    try:
        before = _flatten(yaml.safe_load((run / "config.yaml").read_text()))
    except (OSError, ValueError, yaml.YAMLError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{run / 'config.yaml'} cannot be read ({error}); a run resumes only with it.") from error
    now = _flatten(_plain(config))
    for key in sorted(set(before) | set(now)):
        if key not in MAY_CHANGE and before.get(key) != now.get(key):
            raise ConfigError(
                f"--{key} is {now.get(key)}, but the run in {run} was started with {before.get(key)}; "
                f"resume with --config {run / 'config.yaml'}, or name another --out."
            )


def _describe_run(run: Path, config: Any, command: list[str]) -> None:
    run.mkdir(parents=True, exist_ok=True)
    packages = ["torch", "numpy", "lightning-fabric", "torchmetrics", "safetensors", "pillow"]
    environment = {
        "limner": limner.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: _version(package) for package in packages},
    }
    write_text_atomically(run / "config.yaml", yaml.safe_dump(_plain(config), sort_keys=False))
    write_text_atomically(run / "command.txt", shlex.join(command) + "\n")
    write_text_atomically(run / "environment.json", json.dumps(environment, indent=2) + "\n")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _plain(config: Any) -> Any:
    """Dataclasses as dicts and tuples as lists, which is what YAML can hold."""
    if dataclasses.is_dataclass(config):
        return {field.name: _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}
    return list(config) if isinstance(config, tuple) else config


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
