"""`limner reproduce TABLE`: train and score every row of a published table under one budget."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.cli.common import (
    add_data_options,
    emit,
    local_rank,
    new_parser,
    pick_device,
    progress,
    reading,
    refuse_missing,
)
from limner.cli.evaluate import FEATURES, check_features, feature_network, features_help
from limner.errors import ConfigError
from limner.reproduce.study import Study, load_study, study_names

if TYPE_CHECKING:
    from limner.reproduce.run import Plan

EXAMPLES = (
    "limner reproduce scgan-table --data DATA --out runs/scgan-table",
    "limner reproduce scgan-table --data DATA --out runs/scgan-table --budget 120000 --judge runs/parser",
    "limner reproduce scgan-table --data DATA --out runs/plateau --image-size 32 --budget 60000",
    "limner reproduce scgan-ablation --data DATA --out runs/ablation --seeds 1",
    "limner reproduce my-table.yaml --data DATA --out runs/mine",
    "limner reproduce campaign --parcels PARCELS --out campaign --minutes 540",
)


def main(argv: list[str]) -> int:
    """Run `limner reproduce`; 1 if no row could be reproduced, 130 if it was asked to stop."""
    if argv[:1] in (["campaign"], ["pack"]):
        from limner.cli import campaign

        return campaign.main(argv[1:]) if argv[0] == "campaign" else campaign.pack_main(argv[1:])
    named = argv[0] if argv and not argv[0].startswith("-") else None
    study = None if named is None else load_study(named)
    options = _parse(argv if study is None else argv[1:], study)
    assert study is not None  # without one, `_parse` has raised
    from limner.engine.ranks import joined, of_the_first
    from limner.reproduce import plots, report, run
    from limner.reproduce.record import read_record
    from limner.reproduce.sheet import comparison_sheet

    plan = _plan(study, options)
    study = plan.study  # at the size that was asked for
    run.check_rows(study, options.only)
    run.check_evaluation(study)
    plots.check()
    with joined() as is_first:
        device = pick_device("auto", process=local_rank())
        features = None if plan.features is None else feature_network(plan.features, options.download, device)
        manifest = run.open_data(plan)
        judges = run.open_study_judges(plan, manifest, device)
        run.check_features(plan, manifest, features)
        identity = run.study_identity(plan, manifest, judges=judges, features=features)
        own = plan.out / f"report/{study.name}.json"
        recorded = None
        if options.record is not None:
            made = manifest.settings_fingerprint()
            recorded = read_record(options.record, identity, own=own, settings_fingerprint=made)
        of_the_first(partial(run.claim_folder, plan.out, identity))
        logging.getLogger("limner").setLevel(logging.INFO if is_first else logging.WARNING)
        shown = progress if is_first else lambda iterable, **_: iterable
        try:
            outcome = run.run_study(
                plan,
                manifest,
                device=device,
                judges=judges,
                features=features,
                only=options.only,
                recorded=recorded,
                progress=shown,
            )
        except run.Stopped:
            text = f"{plan.out}: stopped on request; the same command goes on."
            if is_first:
                emit({"out": plan.out, "complete": False}, options.json, text)
            return 130
    if not is_first:
        return 0
    record = report.make_record(plan, manifest, outcome, identity)
    pictures = {".png": plots.curves(study, record), "-bars.png": plots.bars(study, record)}
    sheet = comparison_sheet(plan, manifest)
    if sheet is not None:
        pictures["-sheet.jpg"] = sheet
    files = report.save_report(plan.out / "report", study, record, pictures)
    payload = {"out": plan.out, "complete": not outcome.reasons, "files": files, **record}
    emit(payload, options.json, report.markdown(study, record))
    return 0 if any(outcome.scores.values()) else 1


def _plan(study: Study, options: Any) -> Plan:
    """What the options ask for."""
    from limner.reproduce.run import Plan

    known = options.preset in study.presets  # if not, the plan says so
    default_budget = study.budget[options.preset] if known else study.points
    return Plan(
        study=study,
        data=Path(options.data),
        out=Path(options.out),
        preset=options.preset,
        budget=default_budget if options.budget is None else options.budget,
        num_seeds=options.seeds,
        judges=tuple(getattr(options, "judge", ())),
        num_images=study.pictures if options.num_images is None else options.num_images,
        features=getattr(options, "features", None),
        dataset=study.data_config(**reading(options)),
        vgg_weights=options.vgg_weights,
        image_size=None if options.image_size is None else tuple(options.image_size),
    )


def _parse(argv: list[str], study: Study | None) -> Any:
    tables = ", ".join(study_names())
    task = None if study is None else study.task
    parser = new_parser(
        "reproduce" if study is None else f"reproduce {study.name}",
        "Train every row of a table on the same number of images, score all by one protocol, and write the table "
        "beside the published one. Goes on where it was stopped; finished rows are kept."
        + (" `limner reproduce TABLE --help` has the options of one table." if study is None else ""),
        examples=EXAMPLES,
    )
    if study is None:
        parser.add_argument("table", nargs="?", default=None, help=f"one of: {tables}; or a YAML file of the same form")
    add_data_options(parser, () if task is None else task.reading_options)
    parser.add_argument("--out", type=str, default=None, metavar="DIR", help="folder of the study")
    presets = "paper, gpu, cpu, smoke" if study is None else ", ".join(study.presets)
    parser.add_argument("--preset", type=str, default="cpu", help=f"of all rows: {presets}")
    parser.add_argument(
        "--budget", type=int, default=None, metavar="IMAGES", help="images that every row sees (else the table's)"
    )
    words = "of all rows: a side of squares, or height and width (else the table's)"
    parser.add_argument("--image-size", type=int, nargs="+", default=None, metavar="PX", help=words)
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of every row")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="ROW", help="work on these rows; all stay in the table"
    )
    words = "report of a table under the same protocol (report/TABLE.json): its runs of rows of this one are taken"
    parser.add_argument("--record", type=str, default=None, metavar="FILE", help=words)
    if task is None or task.accepted_judges:
        words = "weights of a judge, or a published one"
        if task is None or "parser" in task.judges:
            words += " (a parser is trained where none is named)"
        if task is None or len(task.accepted_judges) > 1:
            words += "; may be given several times, for judges of several kinds"
        parser.add_argument("--judge", action="append", default=[], metavar="NAME|DIR", help=words)
    if task is None or task.features:
        words = features_help(task) if task else "network of the distances between sets; else the judge, if it has any"
        forms = FEATURES if task is None else {name: FEATURES[name] for name in task.features}
        parser.add_argument("--features", type=str, default=None, metavar="|".join(forms.values()), help=words)
        parser.add_argument("--download", action="store_true", help="allow fetching Inception-v3's weights (96 MB)")
    words = "VGG-19, for rows with a loss in its layers"
    parser.add_argument("--vgg-weights", type=str, default=None, metavar="FILE", help=words)
    parser.add_argument("--num-images", type=int, default=None, metavar="N", help="samples judged of every run")
    options = parser.parse_args(argv)
    if study is None:
        raise ConfigError(f"Name a table ({tables}), or a YAML file, before all options.")
    if task is not None and task.features:
        check_features(options.features, task, download=options.download)
    refuse_missing(options, ["data", "out"], example=f"limner reproduce {study.name} --data DATA --out runs/table")
    return options
