"""`limner reproduce TABLE`: train and score every row of a published table under one budget."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from limner.cli.common import emit, new_parser, pick_device, progress
from limner.cli.evaluate import check_features, feature_network
from limner.errors import ConfigError

EXAMPLES = (
    "limner reproduce scgan-table --data DATA --out runs/scgan-table",
    "limner reproduce scgan-table --data DATA --out runs/scgan-table --budget 120000 --judge runs/parser",
    "limner reproduce scgan-ablation --data DATA --out runs/ablation --seeds 1",
    "limner reproduce my-table.yaml --data DATA --out runs/mine",
)


def main(argv: list[str]) -> int:
    """Run `limner reproduce`; 1 if no row could be reproduced, 130 if it was asked to stop."""
    options = _parse(argv)

    from limner.reproduce.study import load_study

    study = load_study(options.table)
    known = options.preset in study.presets  # if not, the plan says so
    default_budget = study.budget[options.preset] if known else study.points

    from limner.reproduce import plots, report, run
    from limner.reproduce.sheet import comparison_sheet

    plan = run.Plan(
        study=study,
        data=Path(options.data),
        out=Path(options.out),
        preset=options.preset,
        budget=default_budget if options.budget is None else options.budget,
        num_seeds=options.seeds,
        judge=options.judge,
        num_images=study.pictures if options.num_images is None else options.num_images,
        features=options.features,
        dataset=study.data_config(kind=options.kind, fit=options.fit, fix_sides=options.fix_sides),
        vgg_weights=options.vgg_weights,
    )
    plots.check()
    device = pick_device("auto")
    features = None if options.features is None else feature_network(options.features, options.download, device)
    manifest = run.open_data(plan)
    judge = run.open_judge(plan, manifest, device)
    run.check_features(plan, manifest, features)
    run.claim_folder(plan, manifest, judge=judge, features=features)
    logging.getLogger("limner").setLevel(logging.INFO)
    try:
        outcome = run.run_study(
            plan, manifest, device=device, judge=judge, features=features, only=options.only, progress=progress
        )
    except run.Stopped:
        text = f"{plan.out}: stopped on request; the same command goes on."
        emit({"out": plan.out, "complete": False}, options.json, text)
        return 130
    record = report.make_record(plan, manifest, outcome)
    pictures = {".png": plots.curves(study, record), "-bars.png": plots.bars(study, record)}
    sheet = comparison_sheet(plan, manifest)
    if sheet is not None:
        pictures["-sheet.jpg"] = sheet
    files = report.save_report(plan.out / "report", study, record, pictures)
    payload = {"out": plan.out, "complete": not outcome.reasons, "files": files, **record}
    emit(payload, options.json, report.markdown(study, record))
    return 0 if any(outcome.scores.values()) else 1


def _parse(argv: list[str]) -> Any:
    from limner.reproduce.study import study_names

    tables = ", ".join(study_names())
    parser = new_parser(
        "reproduce",
        "Train every row of a table on the same number of images, score all by one protocol, and write the table "
        "beside the published one. Goes on where it was stopped; finished rows are kept.",
        examples=EXAMPLES,
    )
    parser.add_argument("table", nargs="?", default=None, help=f"one of: {tables}; or a YAML file of the same form")
    parser.add_argument("--data", type=str, default=None, metavar="PATH", help="folder of the data set")
    parser.add_argument("--out", type=str, default=None, metavar="DIR", help="folder of the study")
    parser.add_argument("--preset", type=str, default="cpu", help="of all rows: paper, gpu, cpu, smoke")
    parser.add_argument(
        "--budget", type=int, default=None, metavar="IMAGES", help="images that every row sees (else the table's)"
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of every row")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="ROW", help="work on these rows; all stay in the table"
    )
    parser.add_argument(
        "--judge",
        type=str,
        default=None,
        metavar="NAME|DIR",
        help="weights of the judging parser (else one is trained)",
    )
    parser.add_argument(
        "--features",
        type=str,
        default=None,
        metavar="people|inception[:FILE]|parser:NAME|DIR",
        help="network of the distances between sets; the judge by default",
    )
    parser.add_argument("--download", action="store_true", help="allow fetching the weights of Inception-v3 (96 MB)")
    parser.add_argument(
        "--vgg-weights", type=str, default=None, metavar="FILE", help="VGG-19, for rows with a loss in its layers"
    )
    parser.add_argument("--num-images", type=int, default=None, metavar="N", help="pictures judged of every run")
    parser.add_argument("--kind", type=str, default="auto", help="layout of the folder; auto looks")
    parser.add_argument("--fit", choices=["refuse", "crop", "pad"], default=None, help="pictures that are not square")
    parser.add_argument(
        "--fix-sides", action="store_true", help="correct maps whose left and right are exchanged while reading"
    )
    options = parser.parse_args(argv)
    missing = {
        f"Name a table ({tables}), or a YAML file.": options.table,
        "--data is missing: name the folder of a data set.": options.data,
        "--out is missing: name a folder for the study.": options.out,
    }
    for message, value in missing.items():
        if not value:
            raise ConfigError(message)
    check_features(options.features)
    return options
