"""`limner demo`: pictures from shipped weights and maps drawn by code, on one page."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner import hub, registry
from limner.cli.common import add_device, emit, new_parser, pick_device, progress
from limner.errors import ConfigError, MissingExtraError, WeightsError, counted

if TYPE_CHECKING:
    from limner.demo import DemoPicture
    from limner.pipelines import Pipeline

    Demo = Callable[[Path, Pipeline], list[DemoPicture]]


BEST_FIRST = ("portrait", "painter", "lgcgan", "maskface", "scgan", "hfgan", "scagan", "avwnet")
"""The order of the page: what can be recognised best today, then the others, and those that only judge."""


def main(argv: list[str]) -> int:
    """Run `limner demo`."""
    parser = new_parser(
        "demo",
        "Make pictures from the shipped weights, offline, and show them on one page.",
        examples=["limner demo", "limner demo scgan --out pictures"],
    )
    parser.add_argument(
        "systems", nargs="*", metavar="SYSTEM", help="systems to show; all that have shipped weights by default"
    )
    parser.add_argument(
        "--out", type=str, default="limner-demo", metavar="DIR", help="folder of the pictures and the page"
    )
    add_device(parser)
    options = parser.parse_args(argv)
    started = time.perf_counter()
    report = run_demo(_choose(options.systems), Path(options.out), options.device, named=bool(options.systems))
    report["seconds"] = round(time.perf_counter() - started, 1)
    count = sum(len(system["pictures"]) for system in report["systems"].values())
    lines = [f"{name} is not shown. {reason}" for name, reason in report["not_shown"].items()]
    lines.append(f"{counted(count, 'picture')} in {report['seconds']} s. Open {report['page']}")
    emit(report, options.json, "\n".join(lines))
    return 0


def _choose(names: list[str]) -> dict[str, Demo]:
    """The demos of these systems, or of all that have one and weights to show."""
    with_weights = {info.system for info in hub.list_weights() if info.default}
    if not names and not with_weights:
        raise WeightsError("No weights came with this installation, so there is nothing to show; train some first.")
    shown = names or [name for name in _in_order(registry.system_names()) if name in with_weights]
    found = {name: registry.demo_function(name) for name in shown}
    for name in names:
        if found[name] is None:
            raise ConfigError(f'The system "{name}" has no demo.')
    return {name: function for name, function in found.items() if function is not None}


def _in_order(names: list[str]) -> list[str]:
    """Systems as the page shows them: those of `BEST_FIRST`, others that make something, judges."""

    def place(name: str) -> tuple[int, bool]:
        rank = BEST_FIRST.index(name) if name in BEST_FIRST else len(BEST_FIRST)
        return rank, registry.task(name).judges_as is not None

    return sorted(names, key=place)


def run_demo(demos: dict[str, Demo], out: Path, device: str, *, named: bool) -> dict[str, Any]:
    """Write the pictures of all systems, then the page, which also says what could not be shown.

    Raises:
        WeightsError: if the weights of a system did not come with this installation.
        MissingExtraError: if a package is missing for a system that was asked for by its name.
    """
    from limner.demo import DemoSection, save_picture, write_page
    from limner.pipelines import load

    sections: dict[str, DemoSection] = {}
    report: dict[str, Any] = {}
    not_shown: dict[str, str] = {}
    for name, show in progress(demos.items(), total=len(demos), unit="system", desc="demo"):
        pipeline = load(name, system=name).to(pick_device(device))
        (out / name).mkdir(parents=True, exist_ok=True)
        try:
            pictures = [(picture, out / name / f"{picture.name}.jpg") for picture in show(out / name, pipeline)]
        except MissingExtraError as error:
            with contextlib.suppress(OSError):  # it is not empty
                (out / name).rmdir()
            if named:
                raise
            not_shown[name] = str(error)
            sections[name] = DemoSection(registry.demo_words(name), str(error), [])
            continue
        for picture, file in pictures:
            save_picture(file, picture, pipeline)
        sections[name] = DemoSection(registry.demo_words(name), _about(pipeline), pictures)
        report[name] = {
            "weights": pipeline.weights_name,
            "weights_hash": pipeline.weights_hash,
            "pictures": [{"name": picture.name, "title": picture.title, "path": file} for picture, file in pictures],
        }
    page = out / "index.html"
    write_page(page, sections)
    return {"page": page, "systems": report, "not_shown": not_shown}


def _about(pipeline: Pipeline) -> str:
    card = [info.license for info in hub.list_weights(pipeline.name) if info.name == pipeline.weights_name]
    return (
        f"Weights {pipeline.weights_name} ({pipeline.size} px, licence {', '.join(card) or 'unknown'}, "
        f"hash {pipeline.weights_hash[:12]}). {registry.task(pipeline.name).shows()}"
    )
