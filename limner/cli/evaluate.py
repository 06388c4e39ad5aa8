"""`limner evaluate SYSTEM`: score weights by the published protocol, beside the published table."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner import hub, registry
from limner.cli.common import add_device, add_weights, emit, new_parser, pick_device, progress, to_json
from limner.errors import ConfigError
from limner.files import write_text_atomically

if TYPE_CHECKING:
    import torch

    from limner.metrics.features import FeatureNetwork
    from limner.pipelines import Pipeline

HELP = """\
usage: limner evaluate SYSTEM [--weights NAME|DIR] --data PATH [--split test] [--table NAME] [--json [FILE]] [--out DIR]

systems: {systems}
`limner evaluate SYSTEM --help` has all options.

examples:
  limner evaluate scgan --weights runs/first --data DATA --out report
  limner evaluate scgan --weights runs/first --judge runs/parser --data DATA --num-images 5000 --json scores.json
  limner evaluate scgan --weights runs/first --data DATA --num-images 5000 --features inception:pt_inception.pth
  limner evaluate parser --weights runs/parser --data DATA"""


def main(argv: list[str]) -> int:
    """Run `limner evaluate`."""
    if not argv or argv[0] in ("-h", "--help"):
        print(HELP.format(systems=", ".join(registry.system_names())))
        return 0 if argv else 2
    system = argv[0]
    options = _read_options(system, argv[1:])

    evaluate = registry.evaluate_function(system)
    device = pick_device(options.device)
    pipeline_class = registry.pipeline_class(system)
    pipeline: Pipeline = pipeline_class.from_pretrained(options.weights or system, with_optional=True).to(device)
    data = pipeline.open_data(options.data, kind=options.kind, fit=options.fit, fix_sides=options.fix_sides)
    # A system whose pictures a parser must judge has a `judge` without a default.
    needs_judge = inspect.signature(evaluate).parameters["judge"].default is inspect.Parameter.empty
    judge = options.judge or ("parser" if needs_judge else None)
    own = registry.generate_options(system)
    arguments = own.evaluate_arguments(options, device) if hasattr(own, "evaluate_arguments") else {}
    report = evaluate(
        pipeline,
        data,
        judge=None if judge is None else _load_parser(judge, device),
        features=None if options.features is None else feature_network(options.features, options.download, device),
        split=options.split,
        num_images=options.num_images,
        seed=options.seed,
        batch_size=options.batch_size,
        table=options.table,
        progress=progress,
        **arguments,
    )
    if options.out is not None:
        report.save(options.out)
    if options.json not in (None, "-"):
        _write_json(Path(options.json), report.to_json())
    emit(report.to_json(), json=options.json == "-", text=report.table())
    return 0


def _read_options(system: str, argv: list[str]) -> Any:
    registry.config_class(system)  # an unknown system is refused before its options are read
    parser = new_parser(
        f"evaluate {system}",
        f"Score weights of {system} on a data set; every number comes with its protocol.",
        examples=[f"limner evaluate {system} --weights runs/first --data DATA --out report"],
        json_file=True,
    )
    add_weights(parser)
    add_device(parser)
    parser.add_argument("--data", type=str, required=True, metavar="PATH", help="folder of the data set")
    parser.add_argument("--kind", type=str, default="auto", help="layout of the folder; auto looks")
    parser.add_argument("--fit", choices=["refuse", "crop", "pad"], default=None, help="pictures that are not square")
    parser.add_argument(
        "--fix-sides", action="store_true", help="correct maps whose left and right are exchanged while reading"
    )
    parser.add_argument("--split", type=str, default="test", help='rows to use; "all" for every row')
    parser.add_argument("--num-images", type=int, default=None, metavar="N", help="images to judge")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed of latents and attributes")
    parser.add_argument("--batch-size", type=int, default=32, metavar="B", help="images in one forward pass")
    parser.add_argument("--judge", type=str, default=None, metavar="NAME|DIR", help="weights of the judging parser")
    parser.add_argument(
        "--features",
        type=str,
        default=None,
        metavar="people|inception[:FILE]|parser:NAME|DIR",
        help="network of the distances between sets; the judge by default",
    )
    parser.add_argument("--download", action="store_true", help="allow fetching the weights of Inception-v3 (96 MB)")
    parser.add_argument("--table", type=str, default=None, metavar="NAME", help="published table to stand beside")
    parser.add_argument("--out", type=str, default=None, metavar="DIR", help="folder for report and sheet of pictures")
    own = registry.generate_options(system)
    if hasattr(own, "add_evaluate_options"):
        own.add_evaluate_options(parser)
    options = parser.parse_args(argv)
    check_features(options.features)
    for name, high in (("seed", 2**62), ("num_images", 10_000_000)):
        value = getattr(options, name)
        if value is not None and not 0 <= value <= high:
            raise ConfigError(f"--{name.replace('_', '-')} is {value}; it must be at least 0 and at most {high}.")
    for name in ("out", "json"):
        value = getattr(options, name)
        if value not in (None, "-") and Path(value).is_dir() != (name == "out") and Path(value).exists():
            raise ConfigError(f"--{name} {value} is a {'file' if name == 'out' else 'folder'}; give another name.")
    return options


def check_features(features: str | None) -> None:
    """Refuse a value of `--features` that names no network.

    Raises:
        ConfigError: saying what it may be.
    """
    if features is None or features in ("people", "inception") or features.startswith(("inception:", "parser:")):
        return
    raise ConfigError(
        f'--features is "{features}", but must be people, inception:FILE or parser:WEIGHTS, such as parser:runs/parser.'
    )


def feature_network(option: str, download: bool, device: torch.device) -> FeatureNetwork:
    """The network that `--features` names, and with it the name of the metrics in it."""
    from limner.metrics.features import judge_features, people_features
    from limner.metrics.inception import inception_network

    kind, _, where = option.partition(":")
    if kind == "parser":
        return judge_features(_load_parser(where, device))
    if kind == "people":
        return people_features(_load_parser(hub.PEOPLE_FEATURES, device))
    try:
        file = hub.published_file("inception-v3-fid", where or None, download=download, progress=progress)
    except ConfigError as error:
        raise ConfigError(
            f"{error} Here that is --features inception:FILE, or --download; offline, --features people measures "
            "FID-people, and no --features at all FD-parser."
        ) from error
    return inception_network(file.path, sha256=file.sha256, is_published=file.is_published, device=device)


def _load_parser(weights: str, device: Any) -> Any:
    return registry.pipeline_class("parser").from_pretrained(weights).to(device)


def _write_json(path: Path, payload: Any) -> None:
    write_text_atomically(path, to_json(payload) + "\n")
