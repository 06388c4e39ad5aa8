"""`limner evaluate SYSTEM`: score weights by the published protocol, beside the published table."""

from __future__ import annotations

import dataclasses
import datetime
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner import hub, registry
from limner.cli.common import (
    add_data_options,
    add_device,
    add_weights,
    emit,
    local_rank,
    new_parser,
    pick_device,
    progress,
    reading,
    refuse_missing,
    to_json,
)
from limner.errors import ConfigError
from limner.files import at_home, keeping, refuse_replaced_inputs, resolved, write_text_atomically
from limner.metrics.judges import judge_names, open_judge, open_judges, parsers
from limner.task import FeatureSource, Task

if TYPE_CHECKING:
    import torch
    from jsonargparse import ArgumentParser

    from limner.metrics.features import FeatureNetwork
    from limner.metrics.judge import Judge
    from limner.metrics.report import EvaluationReport
    from limner.pipelines import Pipeline

HELP = """\
usage: limner evaluate SYSTEM [--weights NAME|DIR] --data PATH [--split test] [--table NAME] [--json [FILE]] [--out DIR]

systems: {systems}
`limner evaluate SYSTEM --help` has all options.

examples:
  limner evaluate scgan --weights runs/first --data DATA --out report
  limner evaluate scgan --weights runs/first --judge runs/parser --data DATA --num-images 5000 --json scores.json
  limner evaluate scgan --weights runs/first --data DATA --num-images 5000 --features inception:pt_inception.pth
  limner evaluate parser --weights runs/parser --data DATA
  torchrun --nproc-per-node 4 -m limner evaluate scgan --weights runs/first --data DATA --out report"""


REPORT_FILES = ("report.md", "report.json", "sheet.png")
"""Of `--out`; some systems write more, which are looked at when they are written."""


def main(argv: list[str]) -> int:
    """Run `limner evaluate`."""
    if not argv or argv[0] in ("-h", "--help"):
        print(HELP.format(systems=", ".join(registry.system_names())))
        return 0 if argv else 2
    system = argv[0]
    task = registry.task(system)
    options = _read_options(system, task, argv[1:])
    with keeping(_inputs(system, options)):
        outputs = [] if options.out is None else [Path(options.out) / name for name in REPORT_FILES]
        refuse_replaced_inputs(outputs + ([] if options.json in (None, "-") else [Path(options.json)]))
        report = _evaluated(system, task, options, argv)
        if report is None:
            return 0
        if options.out is not None:
            report.save(options.out)
        if options.json not in (None, "-"):
            _write_json(Path(options.json), report.to_json())
    emit(report.to_json(), json=options.json == "-", text=report.table())
    return 0


def _inputs(system: str, options: Any) -> list[Path]:
    """What is read: data, weights and judges. An output that replaced one of them would leave none of its kind."""
    weights = [options.weights or system, *(one for one in getattr(options, "judge", []) if Path(one).is_dir())]
    kind, _, where = (getattr(options, "features", None) or "").partition(":")
    if kind == "parser":
        weights.append(where)
    found = [path for one in weights for path in hub.inputs(one)]
    return [at_home(options.data), *found, *([at_home(where)] if kind == "inception" and where else [])]


def _evaluated(system: str, task: Task, options: Any, argv: list[str]) -> EvaluationReport | None:
    """The report with its head; none: this process is not the first one, which writes it."""
    from limner.engine.ranks import joined  # it needs torch

    with joined() as is_first:
        report = _evaluate(system, task, options, shown=is_first)
    if not is_first:
        return None
    head = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "command": shlex.join(["limner", "evaluate", *argv]),
        "data": f"{resolved(options.data).name}, split {options.split}",
    }
    return dataclasses.replace(report, head=head)


def _evaluate(system: str, task: Task, options: Any, *, shown: bool) -> EvaluationReport:
    """What the weights are worth; `shown`: whether this process says how far it is."""
    device = pick_device(options.device, process=local_rank())
    pipeline_class = registry.pipeline_class(system)
    pipeline: Pipeline = pipeline_class.from_pretrained(options.weights or system, with_optional=True).to(device)
    how = reading(options)
    pipeline.colors = how.pop("colors", None)
    data = pipeline.open_data(options.data, **how)
    arguments = {
        "split": options.split,
        "num_images": options.num_images,
        "seed": options.seed,
        "batch_size": options.batch_size,
        "progress": progress if shown else lambda iterable, **_: iterable,
        **_judging(task, options, device),
    }
    own = registry.generate_options(system)
    if hasattr(own, "evaluate_arguments"):
        arguments |= own.evaluate_arguments(options, device)
    report: EvaluationReport = registry.evaluate_function(system)(pipeline, data, **arguments)
    return report


def _judging(task: Task, options: Any, device: torch.device) -> dict[str, Any]:
    """Judges, features and table, as arguments of an evaluation that has them.

    Parsers are the arguments `judge` and `others`; judges of other kinds are given as `judges`.
    """
    arguments: dict[str, Any] = {}
    if task.accepted_judges:
        judges = open_judges(options.judge, task, device=device)
        if "parser" in task.accepted_judges:
            found = parsers(judges)
            arguments |= {"judge": found[0] if found else None, "others": found[1:]}
        if set(task.accepted_judges) - {"parser"}:
            arguments["judges"] = [judge for judge in judges if judge.kind != "parser"]
    if task.features:
        network = None
        if options.features is not None:
            network = feature_network(options.features, options.download, device)
        arguments["features"] = network
    if task.tables:
        arguments["table"] = options.table
    return arguments


def _read_options(system: str, task: Task, argv: list[str]) -> Any:
    example = f"limner evaluate {system} --weights runs/first --data DATA --out report"
    parser = new_parser(
        f"evaluate {system}",
        f"Score weights of {system} on a data set; every number comes with its protocol.",
        examples=[example],
        json_file=True,
    )
    add_weights(parser)
    add_device(parser)
    add_data_options(parser, task.reading_options)
    parser.add_argument("--split", type=str, default="test", help='rows to use; "all" for every row')
    parser.add_argument("--num-images", type=int, default=None, metavar="N", help="samples to judge")
    seed = "seed of what is drawn, and of the intervals" if task.seeded else "seed of the intervals"
    parser.add_argument("--seed", type=int, default=0, metavar="S", help=seed)
    parser.add_argument("--batch-size", type=int, default=32, metavar="B", help="samples in one forward pass")
    add_judging_options(parser, task)
    parser.add_argument("--out", type=str, default=None, metavar="DIR", help="folder for report and sheet of pictures")
    own = registry.generate_options(system)
    if hasattr(own, "add_evaluate_options"):
        own.add_evaluate_options(parser)
    options = parser.parse_args(argv)
    refuse_missing(options, ["data"], example=example)
    if task.features:
        check_features(options.features, task, download=options.download)
    for name, high in (("seed", 2**62), ("num_images", 10_000_000)):
        value = getattr(options, name)
        if value is not None and not 0 <= value <= high:
            raise ConfigError(f"--{name.replace('_', '-')} is {value}; it must be at least 0 and at most {high}.")
    for name in ("out", "json"):
        value = getattr(options, name)
        if value not in (None, "-") and Path(value).is_dir() != (name == "out") and Path(value).exists():
            raise ConfigError(f"--{name} {value} is a {'file' if name == 'out' else 'folder'}; give another name.")
    return options


def add_judging_options(parser: ArgumentParser, task: Task) -> None:
    """Add `--judge`, `--features`, `--download` and `--table`, as far as the task has a use for them."""
    if task.accepted_judges:
        kinds = " or ".join(task.accepted_judges)
        names = "".join(f", {name}" for name in judge_names(task.accepted_judges))
        parser.add_argument(
            "--judge",
            action="append",
            default=[],
            metavar="NAME|DIR",
            help=f"who judges ({kinds}): weights, or a published judge{names}; may be given several times",
        )
    if task.features:
        parser.add_argument(
            "--features",
            type=str,
            default=None,
            metavar="|".join(FEATURES[name] for name in task.features),
            help=features_help(task),
        )
        parser.add_argument("--download", action="store_true", help="allow fetching Inception-v3's weights (96 MB)")
    if task.tables:
        parser.add_argument(
            "--table", type=str, default=None, metavar="NAME", help=f"table to stand beside: {', '.join(task.tables)}"
        )


FEATURES: dict[FeatureSource, str] = {
    "people": "people",
    "inception": "inception[:FILE]",
    "parser": "parser:NAME|DIR",
}
"""How `--features` names each network."""


def features_help(task: Task) -> str:
    """What `--features` names in this task, and what there is without it."""
    if task.features == ("inception",):
        return "network that sees classes in pictures; none by default"
    usual = "the judge" if "parser" in task.features else "no such distances"
    return f"network of the distances between sets; {usual} by default"


def check_features(features: str | None, task: Task, *, download: bool) -> None:
    """Refuse a value of `--features` that names no network, or one that this task has no use for.

    Args:
        features: the value.
        task: of the system.
        download: whether `--download` is given, which is of Inception-v3's weights alone.

    Raises:
        ConfigError: saying what it may be.
    """
    if download and features != "inception":
        raise ConfigError("--download has no effect without --features inception, whose weights it fetches.")
    if features is None:
        return
    kind, colon, _ = features.partition(":")
    if kind not in task.features or (kind == "people" and colon) or (kind == "parser" and not colon):
        allowed = {"people": "people", "inception": "inception:FILE", "parser": "parser:WEIGHTS"}
        words = " or ".join(allowed[name] for name in task.features)
        example = ", such as parser:runs/parser" if "parser" in task.features else ""
        raise ConfigError(f'--features is "{features}", but must be {words}{example}.')


def feature_network(option: str, download: bool, device: torch.device) -> FeatureNetwork:
    """The network that `--features` names, and with it the name of the metrics in it."""
    from limner.metrics.features import judge_features, people_features
    from limner.metrics.inception import inception_network

    kind, _, where = option.partition(":")
    if kind == "parser":
        return judge_features(open_parser(where, device))
    if kind == "people":
        return people_features(open_parser(hub.PEOPLE_FEATURES, device))
    try:
        file = hub.published_file("inception-v3-fid", where or None, download=download, progress=progress)
    except ConfigError as error:
        raise ConfigError(
            f"{error} Here that is --features inception:FILE, or --download; offline, --features people measures "
            "FID-people where the system takes it, and systems of label maps measure FD-parser without --features."
        ) from error
    return inception_network(file.path, sha256=file.sha256, is_published=file.is_published, device=device)


def open_parser(weights: str, device: torch.device) -> Judge:
    """A parser by the name or folder of its weights.

    Raises:
        ConfigError: if they judge something else, or nothing.
    """
    found = parsers([open_judge(weights, device=device)])
    if not found:
        raise ConfigError(f'"{weights}" is no parser of label maps; name weights of one.')
    return found[0]


def _write_json(path: Path, payload: Any) -> None:
    write_text_atomically(path, to_json(payload) + "\n")
