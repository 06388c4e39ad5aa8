"""`limner generate SYSTEM …`: pictures from conditions and seeds, in batches that can be restarted.

The options of a system stand in its `options.py`; here are those that all systems share.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner import registry
from limner.cli.common import add_device, add_weights, emit, new_parser, pick_device, progress
from limner.errors import ConfigError, WeightsError

if TYPE_CHECKING:
    from limner.pipelines import Pipeline

EXAMPLES = (
    "limner generate scgan --help",
    "limner generate scgan --label-map map.png --seed 7 --num-images 4 --out pictures",
    "limner generate --from pictures/result.json --out again",
)

_FILE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".svg", ".mp4", ".json", ".csv")
"""Nobody wants a folder with such a name."""


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
    _add_common_options(parser)
    parser.add_argument("--shard", default=None, metavar="I/N", help="only part I of N (0/4 … 3/4); torchrun sets it")
    options = parser.parse_args(argv)
    out = _out(options, files=getattr(module, "OUT_FILES", ()))
    part, num_parts = _shard(options.shard)
    needs_weights = getattr(module, "needs_weights", lambda options: True)(options)
    pipeline = _load(options.weights or system, system, options.device) if needs_weights else None
    start = time.perf_counter()
    tasks = module.make_tasks(pipeline, options)[part::num_parts]
    bar = progress(tasks, len(tasks), unit="result", desc=system)
    outcomes = [task.run(force=options.force) for task in bar]
    written = [path for outcome in outcomes if not outcome.skipped for path in outcome.paths]
    skipped = [path for outcome in outcomes if outcome.skipped for path in outcome.paths]
    _report(pipeline, options.json in (True, "-"), out, written, skipped, time.perf_counter() - start)
    return 0


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
    out = _out(options)

    from limner.results import read_result
    from limner.tasks import Rendering

    record = read_result(options.source)
    if system is not None and system != record["system"]:
        raise ConfigError(f'{options.source} was drawn by "{record["system"]}", not by "{system}".')
    try:
        pipeline = _load(options.weights or record["weights"], record["system"], options.device)
    except WeightsError as error:
        if options.weights:
            raise
        raise WeightsError(
            f'{options.source} was drawn with the weights "{record["weights"]}", which are not among the shipped ones; '
            "name their folder with --weights."
        ) from error
    start = time.perf_counter()
    pipeline.check_drew(record, options.source)
    outcome = Rendering(pipeline, lambda: record["plan"], out).run(force=options.force)
    written, skipped = ([], outcome.paths) if outcome.skipped else (outcome.paths, [])
    _report(pipeline, options.json, out, written, skipped, time.perf_counter() - start)
    return 0


def _add_common_options(parser: Any) -> None:
    add_weights(parser)
    add_device(parser)
    parser.add_argument("--out", default=None, metavar="DIR", help="folder for the pictures; made if missing")
    parser.add_argument("--force", action="store_true", help="draw again what is there already")


def _out(options: Any, *, files: tuple[str, ...] = ()) -> Path:
    """Where the pictures go: a folder, or a file where the system writes one and its name ends in one of `files`."""
    if not options.out:
        raise ConfigError("--out is missing: name a folder for the pictures.")
    out = Path(options.out)
    if out.is_dir() or out.suffix.lower() in files:
        return out
    allowed = " or ".join(["a folder", *(f"a file that ends in {suffix}" for suffix in files)])
    if out.exists():
        raise ConfigError(f"--out {out} is a file; name {allowed}.")
    if out.suffix.lower() in _FILE_SUFFIXES:
        raise ConfigError(f"--out {out} would be a folder with the name of a file; name {allowed}.")
    return out


def _shard(text: str | None) -> tuple[int, int]:
    """(part, parts) of `--shard`, else of torchrun's environment, else everything."""
    if text is None:
        text = f"{os.environ.get('RANK', 0)}/{os.environ.get('WORLD_SIZE', 1)}"
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and int(part) < int(parts)):
        raise ConfigError(f'--shard is "{text}"; it must be I/N with I from 0 to N - 1, such as 0/4.')
    return int(part), int(parts)


def _load(weights: str, system: str, device: str) -> Pipeline:
    from limner.pipelines import load

    return load(weights, system=system).to(pick_device(device))


def _report(
    pipeline: Pipeline | None, json: bool, out: Path, written: list[Path], skipped: list[Path], seconds: float
) -> None:
    made_by = {}
    if pipeline is not None:
        made_by = {
            "system": pipeline.name,
            "weights": pipeline.weights_name,
            "weights_hash": pipeline.weights_hash,
        }
    payload = {
        **made_by,
        "out": out,
        "written": written,
        "skipped": skipped,
        "seconds": round(seconds, 3),
    }
    weights = "" if pipeline is None else f" with the weights {pipeline.weights_name}"
    text = f"wrote {len(written)} pictures to {out}{weights} in {seconds:.1f} s"
    emit(payload, json, text + (f"; {len(skipped)} were there already" if skipped else ""))
