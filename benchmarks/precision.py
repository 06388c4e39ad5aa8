"""Whether `--train.precision auto` takes the faster arithmetic on this machine: each system's step in both and in auto.

Protocol: a step is one iteration of the preset's training on a random batch of its size, with all updates of one cycle
(`training_step.py` says what a cycle of SCGAN is; other systems have cycles of one or two iterations). The three
engines of a system live in one process and take turns, forwards and backwards, after one step each of warming up. The
ratio is the least time of the better of float32 and bf16-mixed over the least time of auto; 1 means that auto took the
better one, and it may be a little above or below by luck. Pixels, label maps and attributes are random.

    python benchmarks/precision.py
    python benchmarks/precision.py --systems scgan parser --repeats 9
"""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from typing import Any

from measure import alternate, in_fresh_process, load_average, milliseconds, new_parser, report, seconds_of, summary

PRECISIONS = ("32-true", "bf16-mixed", "auto")
TARGET = 0.95


def label_map_systems() -> list[str]:
    """Systems that train on label maps, which this script can draw at random."""
    from limner import registry

    names = [name for name in registry.system_names() if "label_map" in registry.task(name).needs]
    return [name for name in names if hasattr(registry.preset(name, "cpu"), "augment")]


def measure(system: str, *, preset: str, batch: int | None, repeats: int, threads: int | None) -> dict[str, Any]:
    """Seconds of a step of one system, in float32, in bf16-mixed and in auto."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    load_before = load_average()
    engines = {precision: build(system, preset, precision, batch=batch) for precision in PRECISIONS}
    steps = {name: partial(seconds_of, partial(cycle, *engine)) for name, engine in engines.items()}
    times = {name: summary(values) for name, values in alternate(steps, warmup=1, repeats=repeats).items()}
    best = min(times["32-true"]["min"], times["bf16-mixed"]["min"])
    return {
        "seconds": times,
        "ratio": best / times["auto"]["min"],
        "threads": torch.get_num_threads(),
        "load_average": [load_before, load_average()],
    }


def build(system: str, preset: str, precision: str, *, batch: int | None) -> tuple[Any, Any, int]:
    """The engine of a run, a random batch for it, and the iterations of one cycle."""
    import torch

    from limner import registry
    from limner.data.batch import MaskToImageBatch
    from limner.data.manifest import SCGAN_ATTRIBUTES
    from limner.data.schema import get_schema
    from limner.data.spec import DataSpec
    from limner.engine.fabric import make_fabric

    config = registry.preset(system, preset)
    size = batch or config.train.batch_size
    config = dataclasses.replace(config, train=dataclasses.replace(config.train, batch_size=size, precision=precision))
    schema = get_schema("portrait-11" if system == "portrait" else "celebamask-19")
    torch.manual_seed(0)
    built = registry.system_class(system)(config, DataSpec(schema, SCGAN_ATTRIBUTES, "multi_label"))
    engine = built.engine(make_fabric(config.train))
    engine.images_seen = getattr(config.optimizer, "parser_images", 0)  # portrait: what most of the run does
    side = config.model.image_size
    data = MaskToImageBatch(
        image=torch.rand(size, 3, side, side) * 2 - 1,
        label_map=torch.randint(schema.num_classes, (size, side, side)),
        attributes=torch.randint(2, (size, len(SCGAN_ATTRIBUTES))).float(),
        index=torch.arange(size),
    ).to(engine.fabric.device)
    return engine, data, getattr(config.optimizer, "num_repeat", 2)


def cycle(engine: Any, data: Any, iterations: int) -> None:
    """One cycle of training."""
    for _ in range(iterations):
        engine.run_step(data)
    if engine.fabric.device.type == "cuda":
        import torch

        torch.cuda.synchronize()


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--systems", nargs="+", default=None, metavar="NAME", help="(all that train on label maps)")
    parser.add_argument("--preset", default="cpu", help="(cpu)")
    parser.add_argument("--batch", type=int, default=None, help="images of one update (the preset's; with --quick 2)")
    parser.add_argument("--repeats", type=int, default=None, help="cycles of each (7; with --quick 2)")
    parser.add_argument("--threads", type=int, default=None, help="of torch (torch's own choice)")
    options = parser.parse_args()
    batch = options.batch or (2 if options.quick else None)
    repeats = options.repeats or (2 if options.quick else 7)
    data: dict[str, Any] = {}
    for system in options.systems or in_fresh_process(label_map_systems):
        print(f"measuring {system} …", file=sys.stderr)
        arguments = {"preset": options.preset, "batch": batch, "repeats": repeats, "threads": options.threads}
        data[system] = in_fresh_process(measure, system=system, **arguments)
    rows = [_row(system, found) for system, found in data.items()]
    least = min(found["ratio"] for found in data.values())
    protocol = f"{repeats} cycles of each precision, in turn; least ratio {least:.2f} (target {TARGET})."
    report(
        "A training step under auto",
        protocol,
        {f"Preset {options.preset}": rows},
        data,
        options,
        ratios={f"{system}: better precision / auto": one["ratio"] for system, one in data.items()},
    )


def _row(system: str, found: dict[str, Any]) -> dict[str, str]:
    seconds = found["seconds"]
    loads = " to ".join(str(load) for load in found["load_average"])
    return {
        "system": system,
        **{f"{name}, ms": milliseconds(seconds[name]["min"]) for name in PRECISIONS},
        "better / auto": f"{found['ratio']:.2f}",
        "load average": loads,
    }


if __name__ == "__main__":
    main()
