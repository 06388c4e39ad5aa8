"""How a training step of SCGAN and its memory grow with resolution, batch, images, workers and processes.

Protocol: the preset `cpu` in float32 with one value changed at a time (resolutions at a batch of 4, batches at 64 px).
Resolution and batch: a process of its own for each, one step warms up, the least of the others in processor seconds,
and the largest resident memory above that of the process before its networks were made. Images: all samples of a set
are read once into the cache, in a process of its own; the memory is that above an empty one. Workers: samples/s that a
loader gives while nothing else is asked of them. Processes: images/s of `limner train` at one global batch; two
processes can only gain where there are two idle cores. The column "x" is the ratio to the row above, beside the ratio
of what was asked.

    python benchmarks/growth.py
    python benchmarks/growth.py --parts resolution batch
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import gibibytes, in_fresh_process, milliseconds, new_parser, own_peak_memory, report, run_command

SCHEMA = "celebamask-19"
PARTS = ("resolution", "batch", "images", "workers", "processes")
BATCH, SIZE = 4, 64
"""Of the table of resolutions, and of the table of batches."""


def measure_step(*, size: int, batch: int, repeats: int) -> dict[str, float]:
    """Least processor seconds of a step, and the memory that training took."""
    import torch

    from limner import registry
    from limner.data.batch import MaskToImageBatch
    from limner.data.manifest import SCGAN_ATTRIBUTES
    from limner.data.schema import get_schema
    from limner.data.spec import DataSpec
    from limner.engine.fabric import make_fabric

    torch.set_num_threads(1)
    config = registry.preset("scgan", "cpu")
    train = dataclasses.replace(config.train, batch_size=batch, precision="32-true", accelerator="cpu", accumulate=1)
    config = dataclasses.replace(config, train=train, model=dataclasses.replace(config.model, image_size=size))
    schema = get_schema(SCHEMA)
    before = own_peak_memory()
    system = registry.system_class("scgan")(config, DataSpec(schema, SCGAN_ATTRIBUTES, "multi_label"))
    engine = system.engine(make_fabric(train))
    data = MaskToImageBatch(
        image=torch.rand(batch, 3, size, size) * 2 - 1,
        label_map=torch.randint(schema.num_classes, (batch, size, size)),
        attributes=torch.randint(2, (batch, len(SCGAN_ATTRIBUTES))).float(),
        index=torch.arange(batch),
    )
    seconds = []
    for _ in range(1 + repeats):
        start = time.process_time()
        engine.run_step(data)
        seconds.append(time.process_time() - start)
    return {"seconds": min(seconds[1:]), "memory_bytes": own_peak_memory() - before}


def measure_images(*, data: Path, share: float, size: int) -> dict[str, float]:
    """Samples a second of the first reading, and the memory that they take."""
    from limner.data.dataset import MaskToImageDataset
    from limner.data.manifest import open_manifest

    manifest = open_manifest(data)
    rows = manifest.rows[: max(1, round(share * len(manifest.rows)))]
    dataset = MaskToImageDataset(dataclasses.replace(manifest, rows=rows), image_size=size)
    dataset[0]
    before, start = own_peak_memory(), time.process_time()
    for index in range(len(dataset)):
        dataset[index]
    elapsed = time.process_time() - start
    return {"count": len(rows), "per_second": len(rows) / elapsed, "memory_bytes": own_peak_memory() - before}


def measure_workers(*, data: Path, workers: int, size: int) -> float:
    """Samples a second of a loader, once it has begun."""
    from torch.utils.data import DataLoader

    from limner import registry
    from limner.data.dataset import MaskToImageDataset, collate
    from limner.data.manifest import open_manifest
    from limner.data.sampler import ImagesSeenSampler

    augment = registry.preset("scgan", "cpu").augment
    dataset = MaskToImageDataset(open_manifest(data).split("train"), image_size=size, augment=augment)
    sampler = ImagesSeenSampler(len(dataset), seed=0, batch_size=8)
    loader = iter(DataLoader(dataset, batch_size=8, sampler=sampler, collate_fn=collate, num_workers=workers))
    for _ in range(2 + len(dataset) // 8):  # every worker has started, and most files are decoded
        next(loader)
    start = time.perf_counter()
    count = max(8, len(dataset) // 8)
    for _ in range(count):
        next(loader)
    return 8 * count / (time.perf_counter() - start)


def measure_processes(*, data: Path, run: Path, devices: int, images: int) -> float:
    """Images a second of the second half of a training."""
    words = [sys.executable, "-m", "limner", "train", "scgan", "--preset", "cpu", "--data", data, "--out", run]
    words += ["--train.devices", str(devices), "--train.images", str(images), "--train.log_every", str(images // 2)]
    words += ["--train.batch_size", "16", "--train.precision", "32-true", "--train.accelerator", "cpu"]
    run_command([*words, "--train.sample_every", "1000000", "--train.checkpoint_every", "1000000"])
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return float([line["images_per_second"] for line in lines if "images_per_second" in line][1])


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=None, help="steps of each (3; with --quick 1)")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS, help="(all of them)")
    options = parser.parse_args()
    repeats = options.repeats or (1 if options.quick else 3)
    sizes, batches = ((32, 64), (1, 4)) if options.quick else ((32, 64, 128), (1, 4, 16))
    num = 40 if options.quick else 400
    found: dict[str, Any] = {part: {} for part in options.parts}
    for size in sizes if "resolution" in found else ():
        print(f"measuring {size} px …", file=sys.stderr)
        found["resolution"][size] = in_fresh_process(measure_step, size=size, batch=BATCH, repeats=repeats)
    for batch in batches if "batch" in found else ():
        print(f"measuring a batch of {batch} …", file=sys.stderr)
        found["batch"][batch] = in_fresh_process(measure_step, size=SIZE, batch=batch, repeats=repeats)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "faces"
        words = ["data", "make", "drawn-faces", "--num", str(num), "--size", "64", "--out", data]
        if set(found) & {"images", "workers", "processes"}:
            run_command([sys.executable, "-m", "limner", *words])
        for share in (0.25, 1.0) if "images" in found else ():
            one = in_fresh_process(measure_images, data=data, share=share, size=64)
            found["images"][one["count"]] = one
        for workers in (0, 1, 2) if "workers" in found else ():
            found["workers"][workers] = in_fresh_process(measure_workers, data=data, workers=workers, size=64)
        for devices in (1, 2) if "processes" in found else ():
            print(f"training with {devices} …", file=sys.stderr)
            run, images = Path(folder) / f"run-{devices}", 64 if options.quick else 128
            found["processes"][devices] = measure_processes(data=data, run=run, devices=devices, images=images)
    ratios: dict[str, float] = {}
    for part, values, what in (("resolution", sizes, "px"), ("batch", batches, "pictures")):
        if part in found:
            name = f"{values[-1]} / {values[-2]} {what}"
            ratios[f"{name}, time of a step"] = _times(found[part], values, "seconds")
            ratios[f"{name}, memory"] = _times(found[part], values, "memory_bytes")
    if "workers" in found:
        ratios["two workers / none, samples a second"] = found["workers"][2] / found["workers"][0]
    if "processes" in found:
        ratios["two processes / one, images a second"] = found["processes"][2] / found["processes"][1]
    protocol = (
        f"Least of {repeats} steps; resolution at a batch of {BATCH}, batch at {SIZE} px; {num} drawn faces of 64 px; "
        "batch 16 of the processes."
    )
    report("Growth", protocol, tables(found), found, options, ratios=ratios)


def _times(rows: dict[int, dict[str, float]], asked: tuple[int, ...], key: str) -> float:
    return rows[asked[-1]][key] / max(1e-9, rows[asked[-2]][key])


def tables(found: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """One table for each thing that grows."""
    result = {}
    for name, unit in (("resolution", "px"), ("batch", "pictures")):
        if name not in found:
            continue
        rows: list[dict[str, str]] = []
        before: tuple[int, dict[str, float]] | None = None
        for value, one in found[name].items():
            times = "", "", ""
            if before is not None:
                last, other = before
                times = (
                    f"{value / last:g}",
                    f"{one['seconds'] / other['seconds']:.2f}",
                    f"{one['memory_bytes'] / max(1, other['memory_bytes']):.2f}",
                )
            rows.append(
                {
                    name: f"{value} {unit}",
                    "a step, ms": milliseconds(one["seconds"]),
                    "memory": gibibytes(int(one["memory_bytes"])),
                    "x asked": times[0],
                    "x time": times[1],
                    "x memory": times[2],
                }
            )
            before = value, one
        result[name.capitalize()] = rows
    if "images" in found:
        result["Images in the cache"] = [
            {
                "images": str(count),
                "read first, samples/s": f"{one['per_second']:.0f}",
                "memory": f"{one['memory_bytes'] / 1e6:.1f} MB",
            }
            for count, one in found["images"].items()
        ]
    for part, unit in (("workers", "samples/s"), ("processes", "images/s")):
        if part in found:
            result[part.capitalize()] = [{part: str(n), unit: f"{rate:.3g}"} for n, rate in found[part].items()]
    return result


if __name__ == "__main__":
    main()
