"""`limner generate SYSTEM …`: pictures from conditions and seeds, in batches that can be restarted.

The options of a system stand in its `options.py`; here are those that all systems share.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from limner import hub, registry
from limner.cli.common import (
    add_device,
    add_reading_options,
    add_weights,
    emit,
    new_parser,
    one_line,
    pick_device,
    progress,
)
from limner.data.config import Fit
from limner.errors import ConfigError, DataError, ShapeError, WeightsError, counted
from limner.files import keeping, remove_leftovers

if TYPE_CHECKING:
    from limner.pipelines import Pipeline
    from limner.tasks import Mode, Outcome, Task

EXAMPLES = (
    "limner generate scgan --help",
    "limner generate scgan --label-map map.png --seed 7 --num-images 4 --out pictures",
    "limner generate --from pictures/result.json --out again",
)

_FILE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".svg", ".mp4", ".json", ".csv")
"""Nobody wants a folder with such a name."""

_NO_FILES = ("AGE", "COLOUR", "N[,N…]", "NAME=VALUE", "OLD=NEW", "TEXT", "WxH", ("FROM", "TO"))
"""What stands for values of options that are words, even where a file has the same name."""


def main(argv: list[str]) -> int:
    """Run `limner generate`."""
    system = argv[0] if argv and not argv[0].startswith("-") else None
    if system is None or any(word.split("=")[0] == "--from" for word in argv):
        return _reproduce(argv if system is None else argv[1:], system)
    return _generate(system, argv[1:])


def _generate(system: str, argv: list[str]) -> int:
    module = registry.generate_options(system)
    parser = new_parser(
        f"generate {system}",
        module.DESCRIPTION,
        examples=module.EXAMPLES,
        json_file=getattr(module, "JSON_FILE", False),
    )
    module.add_options(parser)
    usual = {action.dest: action.default for action in parser._actions if action.dest not in ("help", "json", "debug")}
    _add_common_options(parser)
    if "--fit" not in parser._option_string_actions and getattr(module, "READS_SQUARES", True):
        words = "label maps and photos that are not square: refuse (usual), crop or pad them"
        parser.add_argument("--fit", choices=get_args(Fit), default="refuse", help=words)
    maps = [flag for flag, field in registry.task(system).conditions.items() if field == "label_map"]
    if maps:
        add_reading_options(parser, ["colors"])
    parser.add_argument("--shard", default=None, metavar="I/N", help="only part I of N (0/4 … 3/4); torchrun sets it")
    options = parser.parse_args(argv)
    options.out = options.out or default_out(system)
    out = _out(options, files=getattr(module, "OUT_FILES", ()))
    part, num_parts = _shard(options.shard)
    mode = _mode(module, options, usual)
    if not mode.needs_weights and options.weights is not None:
        raise ConfigError(f"--weights has no effect with {mode.flag}; leave it out.")
    pipeline = _load(options.weights or system, system, options) if mode.needs_weights else None
    start = time.perf_counter()
    if pipeline is not None and getattr(options, "fit", None) in get_args(Fit):
        pipeline.fit = options.fit
    if pipeline is not None and maps and options.colors is not None:
        if not any(getattr(options, flag[2:].replace("-", "_"), None) for flag in (*maps, "--target")):
            raise ConfigError("--colors is of label maps, but none is given; leave it out.")
        pipeline.colors = options.colors
    weights = hub.inputs(options.weights or system, system=system) if mode.needs_weights else []
    named = _file_options(parser) - set(getattr(module, "OUTPUTS", ()))
    with keeping([*_inputs(options, named=named), *weights]):
        if getattr(options, "map_of", None):
            options.label_map = [*options.label_map, *_make_maps(options, out)]
        tasks = mode.tasks(pipeline, options)
        _check_runtime(tasks, options)
        remove_leftovers(out)
        outcomes, failed = _run(tasks[part::num_parts], system, force=options.force)
    _report(pipeline, options.json in (True, "-"), out, outcomes, failed, time.perf_counter() - start)
    return 1 if failed else 0


def _check_runtime(tasks: Sequence[Task], options: Any) -> None:
    """Refuse another runtime than PyTorch where it would run nothing.

    Raises:
        ConfigError: if nothing is drawn, but pictures are labelled or judged, or strokes are drawn again.
    """
    from limner.tasks import Rendering

    if options.runtime == "onnx" and not any(isinstance(task, Rendering) for task in tasks):
        raise ConfigError("--runtime onnx has an effect where networks draw, and here none does; leave it out.")


def _make_maps(options: Any, out: Path) -> list[str]:
    """The label maps of the photos of `--map-of`, made by the default parser and written to a folder below `out`.

    Raises:
        ConfigError: if there is no parser.
        DataError: if a photo cannot be read.
    """
    from limner.data.image_io import PHOTO_SUFFIXES
    from limner.pipelines import load
    from limner.tasks import input_files, labelling_tasks

    parser: Any = load("parser").to(pick_device(options.device))
    photos = input_files(options.map_of, PHOTO_SUFFIXES, "photo")
    tasks = labelling_tasks(lambda path: parser(path).label_maps[0], parser, photos, out / "maps")
    return [str(path) for task in tasks for path in task.run(force=options.force).paths]


def _run(tasks: list[Task], system: str, *, force: bool) -> tuple[list[Outcome], list[str]]:
    """Do the tasks; of several, those whose files do not fit are left out, and why is returned."""
    outcomes: list[Outcome] = []
    failed: list[str] = []
    for task in progress(tasks, len(tasks), unit="result", desc=system):
        try:
            outcomes.append(task.run(force=force))
        except (DataError, ShapeError) as error:
            if len(tasks) == 1:
                raise
            failed.append(str(error))
    return outcomes, failed


def _reproduce(argv: list[str], system: str | None) -> int:
    names = ", ".join(registry.system_names())
    parser = new_parser(
        "generate",
        f"Make pictures with a system ({names}); `limner generate SYSTEM --help` has its options. "
        "With --from and no other conditions: make the pictures of a stored result again, to the same bits.",
        examples=EXAMPLES,
    )
    parser.add_argument("--from", dest="source", default=None, metavar="RESULT.json", help="a stored result")
    _add_common_options(parser)
    options = parser.parse_args(argv)
    if options.source is None:
        raise ConfigError(f"Name a system ({names}), or a stored result with --from.")

    from limner.results import read_result
    from limner.tasks import Rendering

    record = read_result(options.source)
    options.out = options.out or default_out(record["system"])
    out = _out(options)
    if system is not None and system != record["system"]:
        raise ConfigError(f'{options.source} was drawn by "{record["system"]}", not by "{system}".')
    try:
        pipeline = _load(options.weights or _weights_of(record), record["system"], options)
    except WeightsError as error:
        if options.weights:
            raise
        raise WeightsError(
            f'{options.source} was drawn with the weights "{record["weights"]}", which are not among the shipped ones; '
            "name their folder with --weights."
        ) from error
    start = time.perf_counter()
    pipeline.check_drew(record, options.source)
    remove_leftovers(out)
    outcome = Rendering(pipeline, lambda: record["plan"], out).run(force=options.force)
    _report(pipeline, options.json, out, [outcome], [], time.perf_counter() - start)
    return 0


def _add_common_options(parser: Any) -> None:
    add_weights(parser)
    add_device(parser)
    words = "what runs the networks: torch, onnx (ONNX Runtime on the CPU), or what drew the stored result, else torch"
    parser.add_argument("--runtime", choices=("auto", "torch", "onnx"), default="auto", help=words)
    parser.add_argument("--out", default=None, metavar="DIR", help="folder for the pictures (limner-SYSTEM)")
    parser.add_argument("--force", action="store_true", help="draw again what is there already")


def _weights_of(record: dict[str, Any]) -> str:
    """The weights of a stored result: the user's own where they still lie there, else by their name."""
    own = record.get("weights_path")
    return own if isinstance(own, str) and own and Path(own).is_dir() else str(record["weights"])


def _mode(module: Any, options: Any, usual: Mapping[str, Any]) -> Mode:
    """The way of using a system that the options ask for; `usual`: the values of its options that are not given."""
    from limner.tasks import choose_mode

    given = [f"--{name.replace('_', '-')}" for name, value in usual.items() if getattr(options, name) != value]
    if "--map-of" in given:
        given.append("--label-map")
    written = {flag: f"--no-{flag[2:]}" for flag in given if getattr(options, flag[2:].replace("-", "_")) is False}
    return choose_mode(module.MODES, given, written=written, example=module.EXAMPLES[0])


def default_out(system: str) -> str:
    """Where the pictures of a system go if nobody says where."""
    return f"limner-{system}"


def _out(options: Any, *, files: tuple[str, ...] = ()) -> Path:
    """Where the pictures go: a folder, or a file where the system writes one and its name ends in one of `files`."""
    out = Path(options.out)
    if out.is_dir() or out.suffix.lower() in files:
        return out
    allowed = " or ".join(["a folder", *(f"a file that ends in {suffix}" for suffix in files)])
    if out.exists():
        raise ConfigError(f"--out {out} is a file; name {allowed}.")
    if out.suffix.lower() in _FILE_SUFFIXES:
        raise ConfigError(f"--out {out} would be a folder with the name of a file; name {allowed}.")
    return out


def _file_options(parser: Any) -> set[str]:
    """Names of the options that may name files to be read: all but numbers, choices and words of other kinds."""
    return {
        action.dest
        for action in parser._actions
        if action.type not in (int, float)
        and not action.choices
        and action.metavar not in _NO_FILES
        and action.dest not in ("out", "weights", "json", "device", "shard")
    }


def _inputs(options: Any, *, named: Collection[str]) -> list[Path]:
    """Every file that those options name, and every file in a folder that they name."""
    found: list[Path] = []
    for name in named:
        value = getattr(options, name, None)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and "\0" not in text and os.path.exists(text):
                path = Path(text)
                found += [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
    return found


def _shard(text: str | None) -> tuple[int, int]:
    """(part, parts) of `--shard`, else of torchrun's environment, else everything."""
    if text is None:
        text = f"{os.environ.get('RANK', 0)}/{os.environ.get('WORLD_SIZE', 1)}"
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and int(part) < int(parts)):
        raise ConfigError(f'--shard is "{text}"; it must be I/N with I from 0 to N - 1, such as 0/4.')
    return int(part), int(parts)


def _load(weights: str, system: str, options: Any) -> Pipeline:
    from limner.pipelines import load

    return load(weights, system=system, runtime=options.runtime).to(pick_device(options.device))


def _report(
    pipeline: Pipeline | None, json: bool, out: Path, outcomes: list[Outcome], failed: list[str], seconds: float
) -> None:
    written = [path for outcome in outcomes if not outcome.skipped for path in outcome.paths]
    skipped = [path for outcome in outcomes if outcome.skipped for path in outcome.paths]
    made_by = {}
    if pipeline is not None:
        made_by = {
            "system": pipeline.name,
            "weights": pipeline.weights_name,
            "weights_hash": pipeline.weights_hash,
        }
    sizes = sorted({size for outcome in outcomes for size in outcome.sizes})
    payload = {
        **made_by,
        "out": out,
        "written": written,
        "skipped": skipped,
        "sizes": [list(size) for size in sizes],
        "failed": failed,
        "seconds": round(seconds, 3),
    }
    what = outcomes[0].what if outcomes else "picture"
    weights = "" if pipeline is None else f" with the weights {pipeline.weights_name}"
    text = f"wrote {counted(len(written), what)}{_in_words(sizes)} to {out}{weights} in {seconds:.1f} s"
    there = f"; {len(skipped)} {'was' if len(skipped) == 1 else 'were'} there already" if skipped else ""
    emit(payload, json, text + there)
    for message in failed:
        print(f"left out: {one_line(message)}", file=sys.stderr)
    if failed:
        print(f"error: {counted(len(failed), 'file')} of {len(failed) + len(outcomes)} left out.", file=sys.stderr)


def _in_words(sizes: list[tuple[int, int]]) -> str:
    """ " of 64x64 pixels", or the smallest and the largest size."""
    if not sizes:
        return ""
    small, large = ("x".join(map(str, size)) for size in (sizes[0], sizes[-1]))
    return f" of {small} pixels" if small == large else f" of {small} to {large} pixels"
