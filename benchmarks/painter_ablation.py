"""What attention and feature mask are worth to the painter: base, + attention, + feature mask, full, three seeds each.

Protocol: four agents a seed differ in `--reward.weighting` alone, in what weighs the pixels of the distance that they
are rewarded for: nothing (base), attention, the feature mask, or both. All of them see attention and feature mask as
channels, share one renderer and one attention network, and see the same episodes. `--way whole` is the paper's way: the
agents learn from whole pictures and empty canvases, a pixel that nobody attends to weighs what it weighs in the preset
`paper`, and they paint in one pass. `--way tiles` is that of the small presets: they learn from cut pictures and begun
canvases, too, and paint finer and finer tiles, which have strokes by attention. Held-out pictures (split `test`) are
painted with 50, 100, 200 and 500 strokes by the agents alone (no correction of colours) and scored by `evaluate
painter`, foreground being where attention is above one half. The table has the mean over the seeds
with Student's 95 % interval, of two errors also as ratios to the base agent of the same seed, and `sheet.png` shows
what the agents of the first seed paint with 200 strokes. Finished runs are kept, so the script goes on where it was
stopped; `--only` trains some of the rows, such as one in each of two processes; the table is written where there are
several. Both networks must have been trained before:

    limner train painter --preset cpu-renderer --out runs/renderer
    limner train painter --preset cpu-attention --data DATA --out runs/attention
    python benchmarks/painter_ablation.py --renderer runs/renderer --attention runs/attention --data DATA --out runs/ab
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from limner.demo import contact_sheet
from limner.files import write_atomically, write_text_atomically
from limner.registry import evaluate_function, preset
from limner.reproduce.report import interval
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.evaluation import BUDGETS
from limner.systems.painter.pipeline import PainterPipeline
from limner.training import train

ROWS = {"base": "uniform", "+ attention": "attention", "+ feature mask": "features", "full": "both"}
COLUMNS = ("mse_foreground", "mse_background", "mse", "weighted_distance", "radius_foreground", "radius_background")

AGENT_ALONE: dict[str, dict[str, Any]] = {
    "whole": {"tiles": (), "correction": 0.0},
    "tiles": {"follow": "attention", "correction": 0.0},
}
SHEET_ROWS, SHEET_STROKES = 6, 200

COMPARED = ("mse_foreground", "mse_background")

Scores = dict[str, float]


def row_config(given: argparse.Namespace, weighting: str, seed: int) -> PainterConfig:
    """The configuration of one agent."""
    config: PainterConfig = preset("painter", given.preset)
    if given.way == "whole":
        paper: PainterConfig = preset("painter", "paper")
        config = replace(
            config,
            reward=replace(config.reward, epsilon=paper.reward.epsilon),
            agent=replace(config.agent, begun=paper.agent.begun),
            dataset=paper.dataset,
        )
    images = given.images or config.train.images
    return replace(
        config,
        stage=replace(config.stage, renderer=given.renderer, attention=given.attention),
        reward=replace(config.reward, weighting=weighting),
        train=replace(config.train, images=images, seed=seed, checkpoint_every=max(1, images // 4)),
    )


def scored(given: argparse.Namespace, name: str, seed: int) -> Scores:
    """The scores of one agent, which is trained and judged unless it has been before."""
    run = given.out / f"{ROWS[name]}-{seed}"
    file = run / "scores.json"
    if not file.exists():
        config = row_config(given, ROWS[name], seed)
        command = ["python", "benchmarks/painter_ablation.py", "--out", str(given.out)]
        if not train("painter", config, given.data, run, resume=True, command=command).complete:
            raise SystemExit("Stopped; the same command goes on.")
        painter = last_weights(run)
        pictures = painter.open_data(given.data)
        report = evaluate_function("painter")(
            painter, pictures, num_images=given.num_images, baselines=(), **AGENT_ALONE[given.way]
        )
        report.save(run / "report")
        write_text_atomically(file, json.dumps({key: one.value for key, one in report.measurements.items()}) + "\n")
    found: Scores = json.loads(file.read_text(encoding="utf-8"))
    return found


def last_weights(run: Path) -> PainterPipeline:
    """The last weights count, not the best ones: what is best is not the same for every row."""
    return PainterPipeline.from_pretrained(max((run / "checkpoints").glob("[0-9]*")))


def sheet(given: argparse.Namespace) -> Image.Image:
    """Some test pictures, evenly spread over those that are scored, painted by each row's agent of the first seed."""
    columns: dict[str, list[Image.Image]] = {}
    for name in given.only:
        painter = last_weights(given.out / f"{ROWS[name]}-0")
        pictures = painter.open_data(given.data)
        shown = pictures.rows("test")[: given.num_images]
        rows = shown[:: max(1, len(shown) // SHEET_ROWS)][:SHEET_ROWS]
        images = [Image.fromarray(pictures.images[row]) for row in rows]
        columns.setdefault("picture", images)
        columns[name] = [painter(image, SHEET_STROKES, **AGENT_ALONE[given.way]).images[0] for image in images]
    return contact_sheet(list(zip(*columns.values(), strict=True)), tile=128, column_names=list(columns))


def cell(values: Sequence[float], digits: int) -> str:
    """Mean and interval; "none" where no picture has such a value."""
    values = [value for value in values if math.isfinite(value)]
    if not values:
        return "none"
    ends = interval(values)
    mean = f"{sum(values) / len(values):.{digits}f}"
    return mean if ends is None else f"{mean} [{ends[0]:.{digits}f}, {ends[1]:.{digits}f}]"


def ratios(scores: list[Scores], base: list[Scores], key: str) -> list[float]:
    """Each agent's score by that of the base agent of its seed, which saw the same episodes."""
    return [one[key] / other[key] for one, other in zip(scores, base, strict=True)]


def table(runs: dict[str, list[Scores]]) -> str:
    """Markdown, one table for each number of strokes."""
    lines = []
    compared = COMPARED if "base" in runs else ()
    head = [*COLUMNS, *(f"{column}, by base" for column in compared)]
    for budget in BUDGETS:
        lines += [f"## {budget} strokes", "", f"| thousandths | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|"]
        for name, scores in runs.items():
            cells = [cell([1e3 * one[f"painter_{budget}_{column}"] for one in scores], 1) for column in COLUMNS]
            cells += [cell(ratios(scores, runs["base"], f"painter_{budget}_{column}"), 2) for column in compared]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Read the options, train and judge what is missing, write `ablation.md`, `ablation.json` and `sheet.png`."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="folder of pictures")
    options.add_argument("--renderer", required=True, help="run of stage renderer")
    options.add_argument("--attention", required=True, help="run of stage attention")
    options.add_argument("--out", type=Path, required=True, help="folder of the runs and of the table")
    options.add_argument("--way", choices=AGENT_ALONE, default="whole", help="how the agents learn and paint")
    options.add_argument("--preset", default="cpu", help="of the agents")
    options.add_argument("--images", type=int, help="episodes of each agent; the preset's by default")
    options.add_argument("--seeds", type=int, default=3, help="agents of each row")
    options.add_argument("--num-images", type=int, default=200, help="pictures that are painted")
    options.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), help="rows; all by default")
    given = options.parse_args()
    # Seed by seed, so that a study that is stopped has whole rows to compare.
    runs: dict[str, list[Scores]] = {name: [] for name in given.only}
    for seed in range(given.seeds):
        for name, scores in runs.items():
            scores.append(scored(given, name, seed))
    text = table(runs)
    if len(runs) > 1:
        write_text_atomically(given.out / "ablation.json", json.dumps(runs, indent=1) + "\n")
        write_text_atomically(given.out / "ablation.md", text)
        write_atomically({given.out / "sheet.png": partial(sheet(given).save, format="PNG")})
    print(text)


if __name__ == "__main__":
    main()
