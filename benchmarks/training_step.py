"""Speed and memory of SCGAN's training step at the sizes of a preset, in float32 and bf16-mixed.

Protocol: one cycle is the preset's update ratio on batches of its size: `num_repeat` updates of D (with classifier and
gradient penalty) and S, then one of G; images/s counts the images that D sees, as the clock of training does. Both
precisions live in one process and take turns, forwards and backwards, after one cycle each of warming up. What an
update costs includes its draws of fakes, backward, finite check, clipping and optimiser; the rest of a cycle (random
draws, averaged weights) is "other". Pixels, label maps and attributes are random: no time depends on them, and no data
is read (see data_wait.py). Label maps have 7 classes at `paper` (scgan-celeba-7) and 19 elsewhere (celebamask-19);
attributes are SCGAN's five. Peak memory is the largest resident memory of a process of its own that trains two
iterations, both with all three updates, in one precision.

    python benchmarks/training_step.py
    python benchmarks/training_step.py --presets paper --batch 4
    python benchmarks/training_step.py --presets cpu --gp-every 4 --repeats 8
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from measure import (
    alternate,
    best_and_median,
    gibibytes,
    in_fresh_process,
    load_average,
    milliseconds,
    new_parser,
    own_peak_memory,
    report,
    summary,
)

if TYPE_CHECKING:
    from limner.data.batch import MaskToImageBatch
    from limner.engine.engine import Engine
    from limner.engine.system import System

PRECISIONS = ("32-true", "bf16-mixed")
UPDATES = ("discriminator", "segmentor", "generator")
SCHEMAS = {"paper": "scgan-celeba-7"}


def build(
    preset: str, precision: str, *, batch: int | None, gp_every: int = 1, every_update: bool = False
) -> tuple[System[Any, Any], Engine, MaskToImageBatch]:
    """A system, the engine that trains it, and a random batch.

    Args:
        preset: of SCGAN.
        precision: as in `TrainConfig`.
        batch: images of one update; None: the preset's.
        gp_every: `--loss.gp_every`.
        every_update: update G in every iteration, whatever the preset's ratio is.
    """
    import torch

    from limner import registry
    from limner.data.batch import MaskToImageBatch
    from limner.data.manifest import SCGAN_ATTRIBUTES
    from limner.data.schema import get_schema
    from limner.data.spec import DataSpec
    from limner.engine.fabric import make_fabric

    config = registry.preset("scgan", preset)
    batch_size = batch or config.train.batch_size
    train = dataclasses.replace(config.train, batch_size=batch_size, precision=precision, accelerator="cpu")
    config = dataclasses.replace(config, train=train, loss=dataclasses.replace(config.loss, gp_every=gp_every))
    if every_update:
        config = dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, num_repeat=1))
    schema = get_schema(SCHEMAS.get(preset, "celebamask-19"))
    torch.manual_seed(0)
    spec = DataSpec(labels=schema, attribute_names=SCGAN_ATTRIBUTES, attribute_kind="multi_label")
    system = registry.system_class("scgan")(config, spec)
    size = config.model.image_size
    data = MaskToImageBatch(
        image=torch.rand(batch_size, 3, size, size) * 2 - 1,
        label_map=torch.randint(schema.num_classes, (batch_size, size, size)),
        attributes=torch.randint(2, (batch_size, len(SCGAN_ATTRIBUTES))).float(),
        index=torch.arange(batch_size),
    )
    return system, system.engine(make_fabric(train)), data


def run_cycle(system: System[Any, Any], engine: Engine, batch: MaskToImageBatch) -> Counter[str]:
    """Train for one cycle; seconds in total and of each network's updates."""
    seconds: Counter[str] = Counter()
    update = engine.update

    def timed_update(name: str, *arguments: Any) -> None:
        start = time.perf_counter()
        update(name, *arguments)
        seconds[name] += time.perf_counter() - start

    engine.update = timed_update
    start = time.perf_counter()
    for _ in range(system.config.optimizer.num_repeat):
        engine.run_step(batch)
    seconds["total"] = time.perf_counter() - start
    engine.update = update
    return seconds


def measure_speed(
    preset: str, *, batch: int | None, gp_every: int, repeats: int, threads: int | None
) -> dict[str, Any]:
    """Both precisions side by side in this process."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    load_before = load_average()
    runs = {precision: build(preset, precision, batch=batch, gp_every=gp_every) for precision in PRECISIONS}
    cycles = alternate({name: partial(run_cycle, *run) for name, run in runs.items()}, warmup=1, repeats=repeats)
    system, _, data = runs[PRECISIONS[0]]
    num_repeat = system.config.optimizer.num_repeat
    result: dict[str, Any] = {
        "batch_size": len(data),
        "image_size": data.image.shape[-1],
        "num_classes": system.num_classes,
        "num_repeat": num_repeat,
        "threads": torch.get_num_threads(),
        "load_average": [load_before, load_average()],
        "precisions": {},
    }
    for name, seconds in cycles.items():
        total = summary([cycle["total"] for cycle in seconds])
        # Medians of one update each; G is updated once a cycle.
        update_seconds = {
            network: statistics.median(cycle[network] for cycle in seconds)
            / (1 if network == "generator" else num_repeat)
            for network in UPDATES
        }
        other = statistics.median(cycle["total"] - sum(cycle[network] for network in UPDATES) for cycle in seconds)
        result["precisions"][name] = {
            "cycle_seconds": total,
            "images_per_second": best_and_median(total, images=len(data) * num_repeat),
            "update_seconds": update_seconds | {"other": other / num_repeat},
        }
    return result


def measure_memory(preset: str, precision: str, *, batch: int | None, threads: int | None) -> int:
    """Peak memory of this process, bytes; only its second iteration holds the state of all optimisers throughout."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    _, engine, data = build(preset, precision, batch=batch, every_update=True)
    for _ in range(2):
        engine.run_step(data)
    return own_peak_memory()


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--presets", nargs="+", default=["paper", "cpu"], metavar="NAME", help="(paper cpu)")
    parser.add_argument("--batch", type=int, default=None, help="images of one update (the preset's; with --quick 2)")
    parser.add_argument(
        "--gp-every", type=int, default=1, help="the gradient penalty on every so many-th iteration (1)"
    )
    parser.add_argument("--repeats", type=int, default=None, help="cycles of each precision (5; with --quick 2)")
    parser.add_argument("--threads", type=int, default=None, help="of torch (torch's own choice)")
    options = parser.parse_args()
    batch = options.batch or (2 if options.quick else None)
    repeats = options.repeats or (2 if options.quick else 5)
    data: dict[str, Any] = {}
    for preset in options.presets:
        print(f"measuring {preset} …", file=sys.stderr)
        arguments = {"preset": preset, "batch": batch, "threads": options.threads}
        data[preset] = in_fresh_process(measure_speed, **arguments, gp_every=options.gp_every, repeats=repeats)
        for precision, numbers in data[preset]["precisions"].items():
            numbers["peak_memory_bytes"] = in_fresh_process(measure_memory, **arguments, precision=precision)
    protocol = f"{repeats} cycles of each precision, in turn."
    report("SCGAN's training step", protocol, tables(data), data, options)


def tables(data: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """One table a preset, one row a precision; the last row is how many times bf16-mixed is faster and smaller."""
    found = {}
    for preset, measured in data.items():
        rows = [_row(name, numbers) for name, numbers in measured["precisions"].items()]
        rows.append(_ratios(*(measured["precisions"][name] for name in PRECISIONS)))
        loads = " to ".join(str(load) for load in measured["load_average"])
        heading = (
            f"Preset {preset}: {measured['image_size']} px, batch {measured['batch_size']}, "
            f"{measured['num_classes']} classes, D and S : G = {measured['num_repeat']} : 1, "
            f"threads {measured['threads']}, load average {loads}"
        )
        found[heading] = rows
    return found


def _row(precision: str, numbers: dict[str, Any]) -> dict[str, str]:
    rate, update = numbers["images_per_second"], numbers["update_seconds"]
    return {
        "precision": precision,
        "images/s, best": f"{rate['best']:.3g}",
        "images/s, median": f"{rate['median']:.3g}",
        "D update, ms": milliseconds(update["discriminator"]),
        "S update, ms": milliseconds(update["segmentor"]),
        "G update, ms": milliseconds(update["generator"]),
        "other, ms": milliseconds(update["other"]),
        "peak memory": gibibytes(numbers["peak_memory_bytes"]),
    }


def _ratios(float32: dict[str, Any], bf16: dict[str, Any]) -> dict[str, str]:
    best, median = (float32["cycle_seconds"][key] / bf16["cycle_seconds"][key] for key in ("min", "median"))
    updates = [float32["update_seconds"][name] / bf16["update_seconds"][name] for name in (*UPDATES, "other")]
    memory = float32["peak_memory_bytes"] / bf16["peak_memory_bytes"]
    columns = _row("", bf16)
    return dict(
        zip(
            columns,
            ["bf16-mixed gains", *(f"x {ratio:.2f}" for ratio in (best, median, *updates, memory))],
            strict=True,
        )
    )


if __name__ == "__main__":
    main()
