"""The paper's ablations of SCGAN in miniature: with and without segmentor and classifier, stepwise and all at once.

Protocol: every variant sees the same number of images of the same drawn faces at 32 px, three seeds each, and differs
from `full` in one switch. An independent parser, trained once on the same real (drawn) images, judges the pictures of
the run's last weights for held-out maps at several points of the run. Restartable: finished runs and scores are kept
in --out, so a killed study goes on with the same command.

    python benchmarks/scgan_ablation.py --out runs/ablation --report docs/results/scgan/scgan-ablation

writes `scgan-ablation.md`, `.json` and `.png` (needs the extra `dev` for matplotlib).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from limner.data.config import AugmentConfig, DataConfig
from limner.data.dataset import MaskToImageDataset, collate
from limner.data.drawn import write_drawn_faces
from limner.data.manifest import Manifest, open_manifest
from limner.engine.config import TrainConfig
from limner.engine.loop import fit, make_fabric
from limner.engine.system import System
from limner.pipelines import Pipeline
from limner.systems.parser.pipeline import ParserPipeline
from limner.systems.parser.presets import cpu as parser_cpu
from limner.systems.parser.system import Parser
from limner.systems.scgan.config import LossConfig, ModelConfig, OptimizerConfig, SCGANConfig
from limner.systems.scgan.evaluation import evaluate
from limner.systems.scgan.system import SCGAN

SIZE = 32
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "full": {},
    "no_segmentor": {"loss": {"use_segmentor": False}},
    "no_segmentor_no_classifier": {"loss": {"use_segmentor": False, "use_classifier": False}},
    "all_at_once": {"model": {"generator": "all_at_once"}},
}
COLUMNS = {
    "judge_mean_iou": "mIoU (judge), %",
    "judge_pixel_accuracy": "pAcc (judge), %",
    "judge_attribute_accuracy": "attribute accuracy (judge), %",
    "fd": "FD-parser",
    "diversity_pixels": "diversity over z",
}


def base_config(images: int) -> SCGANConfig:
    """`full`: the paper's losses and update rules on small networks; nothing that the paper does not have."""
    return SCGANConfig(
        model=ModelConfig(
            image_size=SIZE, latent_size=32, generator_width=24, discriminator_width=24, segmentor_width=24
        ),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr_generator=4e-4, lr_discriminator=4e-4, lr_segmentor=8e-4, num_repeat=2),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=images,
            batch_size=16,
            ema_half_life=1_000,
            log_every=images // 8,
            sample_every=images // 2,
            checkpoint_every=images // 4,
            keep_checkpoints=4,
        ),
    )


def train(system: System, manifest: Manifest, run: Path) -> None:
    """Train into `run`, or go on with what is there."""
    config = system.config
    train_set = MaskToImageDataset(
        manifest.split("train"), image_size=SIZE, augment=config.augment, seed=config.train.seed
    )
    held_out = MaskToImageDataset(manifest.split("val"), image_size=SIZE)
    run.mkdir(parents=True, exist_ok=True)
    fabric = make_fabric(config.train)
    fit(system, fabric=fabric, train_set=train_set, validation_set=held_out, collate=collate, run=run, resume=True)


def trained_judge(manifest: Manifest, run: Path) -> Pipeline:
    """The independent parser."""
    config = parser_cpu()
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, image_size=SIZE),
        train=dataclasses.replace(config.train, images=16_000, seed=1_000),
    )
    fabric = make_fabric(config.train)
    fabric.seed_everything(config.train.seed, verbose=False)
    train(Parser(config, manifest.spec), manifest, run)
    return ParserPipeline.from_pretrained(run)


def study(variant: str, seed: int, manifest: Manifest, judge: Pipeline, out: Path, images: int) -> dict[str, Any]:
    """Train and score one variant with one seed; {images seen: {measurement: value}}."""
    run = out / f"{variant}-{seed}"
    scores_file = run / "scores.json"
    if scores_file.exists():
        return dict(json.loads(scores_file.read_text()))
    config = base_config(images)
    sections = {
        name: dataclasses.replace(getattr(config, name), **change) for name, change in VARIANTS[variant].items()
    }
    config = dataclasses.replace(config, **sections, train=dataclasses.replace(config.train, seed=seed))
    fabric = make_fabric(config.train)
    fabric.seed_everything(seed, verbose=False)
    system = SCGAN(config, manifest.spec)
    train(system, manifest, run)
    scores = {}
    for checkpoint in sorted((run / "checkpoints").glob("[0-9]*")):
        pipeline = type(system.pipeline(system.networks)).from_pretrained(checkpoint)
        report = evaluate(pipeline, manifest, judge=judge, num_images=500)
        scores[str(int(checkpoint.name))] = {key: m.value for key, m in report.measurements.items()}
    scores_file.write_text(json.dumps(scores, indent=1) + "\n")
    return scores


def write_report(results: dict[str, list[dict[str, Any]]], path: Path, protocol: str) -> str:
    """Markdown table, JSON and convergence plot; the table as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        "# SCGAN ablation in miniature",
        "",
        protocol,
        "",
        "| variant | " + " | ".join(COLUMNS.values()) + " |",
        "|---|" + "---|" * len(COLUMNS),
    ]
    for variant, runs in results.items():
        cells = []
        for key, title in COLUMNS.items():
            last = [run[max(run, key=int)].get(key) for run in runs]
            values = [value * (100 if "%" in title else 1) for value in last if value is not None]
            deviation = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{statistics.mean(values):.3g} ± {deviation:.2g}" if values else "none")
        lines.append(f"| {variant} | " + " | ".join(cells) + " |")
    lines += [
        "",
        f"Mean ± standard deviation over the seeds, after the last image. ![convergence]({path.name}.png)",
        "",
    ]
    text = "\n".join(lines)
    path.with_suffix(".md").write_text(text)
    path.with_suffix(".json").write_text(json.dumps({"protocol": protocol, "results": results}, indent=1) + "\n")
    _plot(results, path.with_suffix(".png"))
    return text


def _plot(results: dict[str, list[dict[str, Any]]], path: Path) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(13, 4))
    for axis, key in zip(axes, ("judge_mean_iou", "judge_attribute_accuracy", "fd"), strict=True):
        for variant, runs in results.items():
            points = sorted(map(int, runs[0]))
            series = [[run[str(point)][key] for run in runs if key in run.get(str(point), {})] for point in points]
            means = [statistics.mean(values) for values in series]
            (line,) = axis.plot(points, means, marker="o", label=variant)
            axis.fill_between(
                points, list(map(min, series)), list(map(max, series)), alpha=0.15, color=line.get_color()
            )
        axis.set_xlabel("images seen")
        axis.set_title(COLUMNS[key].removesuffix(", %"))
    axes[0].legend(fontsize=8)
    figure.suptitle("Mean over seeds; band = smallest and largest seed")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    """Read the options, run what is missing, write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"), help="folder of the runs")
    parser.add_argument(
        "--report", type=Path, default=Path("docs/results/scgan/scgan-ablation"), help="report, no suffix"
    )
    parser.add_argument("--images", type=int, default=16_000, help="images that each run sees")
    parser.add_argument("--faces", type=int, default=2_000, help="size of the data set")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one seed and few images: shows that the script runs")
    options = parser.parse_args()
    if options.quick:
        options.images, options.faces, options.seeds = 256, 120, 1
    data = options.out / "faces"
    write_drawn_faces(data, num=options.faces, size=SIZE, seed=7)
    manifest = open_manifest(data)
    judge = trained_judge(manifest, options.out / "judge")
    results = {
        variant: [study(variant, seed, manifest, judge, options.out, options.images) for seed in range(options.seeds)]
        for variant in VARIANTS
    }
    train_size = len(manifest.split("train"))
    protocol = (
        f"{options.images} images seen by every run (batch 16, G updated every 2nd iteration), {options.seeds} seeds, "
        f"{train_size} training images ({options.faces} drawn faces at {SIZE} px, 19 classes, attributes "
        f"{', '.join(manifest.spec.attribute_names)}); 500 generated pictures of held-out maps judged by an "
        f"independent parser ({judge.weights_hash[:12]}). Command: `python benchmarks/scgan_ablation.py`."
    )
    print(write_report(results, options.report, protocol))


if __name__ == "__main__":
    main()
