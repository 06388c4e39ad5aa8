"""Processor time of one training step at the papers' sizes, for comparing two versions of Limner.

Protocol: preset `paper` in float32 with batches of one picture and one thread, without VGG-19's loss, whose file is not
shipped. A step has all updates of the preset. One step warms up; the least and the median of the others are printed in
processor seconds, which other programs on the machine disturb less than the clock. Run it in two checkouts in turn:

    python benchmarks/paper_steps.py
    PYTHONPATH=OTHER_CHECKOUT python benchmarks/paper_steps.py --systems spade pix2pix
"""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import Any

from measure import in_fresh_process, new_parser, report, summary

SIZES = {"spade": 128, "pix2pix": 256, "cyclegan": 128}
NUM_CLASSES_SCHEMA = "celebamask-19"


def measure(system: str, *, size: int, repeats: int) -> dict[str, float]:
    """Processor seconds of a step."""
    import torch

    from limner import registry
    from limner.data.batch import MaskToImageBatch
    from limner.data.schema import get_schema
    from limner.data.spec import DataSpec
    from limner.engine.fabric import make_fabric

    torch.set_num_threads(1)
    config = registry.preset(system, "paper")
    train = dataclasses.replace(config.train, batch_size=1, precision="32-true", accelerator="cpu", accumulate=1)
    config = dataclasses.replace(config, train=train, model=dataclasses.replace(config.model, image_size=size))
    if system == "spade":
        config = dataclasses.replace(config, loss=dataclasses.replace(config.loss, weight_perceptual=0.0))
    schema = get_schema(NUM_CLASSES_SCHEMA)
    torch.manual_seed(0)
    built = registry.system_class(system)(config, DataSpec(labels=schema))
    engine = built.engine(make_fabric(train))
    batch = MaskToImageBatch(
        image=torch.rand(1, 3, size, size) * 2 - 1,
        label_map=torch.randint(schema.num_classes, (1, size, size)),
        attributes=torch.zeros(1, 0),
        index=torch.arange(1),
    )
    seconds = []
    for _ in range(1 + repeats):
        start = time.process_time()
        engine.run_step(batch)
        seconds.append(time.process_time() - start)
    return summary(seconds[1:])


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--systems", nargs="+", default=list(SIZES), choices=list(SIZES), help="(all of them)")
    parser.add_argument("--repeats", type=int, default=None, help="steps of each (6; with --quick 2)")
    options = parser.parse_args()
    repeats = options.repeats or (2 if options.quick else 6)
    data: dict[str, Any] = {}
    for system in options.systems:
        print(f"measuring {system} …", file=sys.stderr)
        data[system] = in_fresh_process(measure, system=system, size=SIZES[system], repeats=repeats)
    rows = [
        {
            "system": system,
            "size": f"{SIZES[system]} px",
            "least, s": f"{found['min']:.3f}",
            "median, s": f"{found['median']:.3f}",
        }
        for system, found in data.items()
    ]
    report("Training steps at the papers' sizes", f"{repeats} steps of each.", {"Processor time": rows}, data, options)


if __name__ == "__main__":
    main()
