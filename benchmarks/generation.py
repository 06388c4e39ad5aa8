"""Latency and throughput of generated pictures on the CPU, and the cold command line.

Protocol: `limner.load` of a weights folder, then calls of the pipeline on the label map of a drawn face, whole calls:
checks, latent, network, 8-bit pictures. Without `--weights` the networks of the preset `cpu` (64 px, 19 classes, five
attributes) have random weights: speed does not depend on their values. The first call prepares kernels and takes the
hash of the weights once; it is shown apart, and two further rounds of each batch size warm up. Then the batch sizes
take turns, forwards and backwards. "Cold" is a process of its own, `python -m limner generate scgan … --out DIR`, timed
from its start to its exit with the picture on disk (the page cache is warm after the first, which is thrown away).
Targets: one picture < 60 ms after loading; cold < 6 s.

    python benchmarks/generation.py
    python benchmarks/generation.py --weights runs/first
"""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

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
    run_command,
    seconds_of,
    summary,
)

BATCHES = (1, 8, 32)
SCHEMA = "celebamask-19"


def write_random_weights(folder: Path) -> None:
    """A weights folder with the networks of the preset `cpu` as they are before training."""
    import torch

    from limner import registry
    from limner.data.manifest import SCGAN_ATTRIBUTES
    from limner.data.schema import get_schema
    from limner.data.spec import DataSpec

    torch.manual_seed(0)
    spec = DataSpec(labels=get_schema(SCHEMA), attribute_names=SCGAN_ATTRIBUTES, attribute_kind="multi_label")
    system = registry.system_class("scgan")(registry.preset("scgan", "cpu"), spec)
    networks = {name: system.networks[name] for name in ("generator", "segmentor")}
    system.pipeline(networks).save_pretrained(folder)


def write_label_map(path: Path) -> None:
    """The label map of a drawn face."""
    from limner.data.drawn import FaceParameters, render
    from limner.data.image_io import save_label_map
    from limner.data.schema import get_schema

    save_label_map(path, render(FaceParameters.sample(20, 0), 128).label_map, get_schema(SCHEMA))


def measure_warm(weights: str, label_map: Path, *, repeats: int, threads: int | None) -> dict[str, Any]:
    """Load once, then call the pipeline in batches."""
    import torch

    import limner
    from limner.data.image_io import read_label_map
    from limner.data.schema import get_schema

    if threads is not None:
        torch.set_num_threads(threads)
    start = time.perf_counter()
    pipeline = limner.load(weights, system="scgan")
    load_seconds = time.perf_counter() - start
    ids = read_label_map(label_map, get_schema(SCHEMA))

    def draw(batch: int) -> float:
        return seconds_of(lambda: pipeline(ids, schema=SCHEMA, num_images=batch, batch_size=batch))

    first_call = draw(1)
    seconds = alternate({str(batch): partial(draw, batch) for batch in BATCHES}, warmup=2, repeats=repeats)
    return {
        "weights": pipeline.weights_name,
        "image_size": pipeline.image_size,
        "threads": torch.get_num_threads(),
        "load_average": load_average(),
        "load_seconds": load_seconds,
        "first_call_seconds": first_call,
        "call_seconds": {name: summary(values) for name, values in seconds.items()},
        "peak_memory_bytes": own_peak_memory(),
    }


def measure_cold(weights: str, label_map: Path, folder: Path, *, repeats: int) -> dict[str, Any]:
    """One picture from a new process, each time into a new folder."""
    words: list[str | Path] = [sys.executable, "-m", "limner", "generate", "scgan", "--weights", weights]
    words += ["--label-map", label_map, "--schema", SCHEMA, "--seed", "1", "--device", "cpu"]
    runs = [run_command([*words, "--out", folder / f"cold-{number}"]) for number in range(repeats + 1)][1:]
    return {
        "seconds": summary([seconds for seconds, _ in runs]),
        "peak_memory_bytes": max(memory for _, memory in runs),
    }


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--weights", default=None, metavar="NAME|DIR", help="of SCGAN (random ones at the cpu sizes)")
    parser.add_argument("--repeats", type=int, default=None, help="calls of each batch size (30; with --quick 3)")
    parser.add_argument("--cold-repeats", type=int, default=None, help="cold processes (5; with --quick 2)")
    parser.add_argument("--threads", type=int, default=None, help="of torch in the loaded process (torch's own choice)")
    options = parser.parse_args()
    repeats = options.repeats or (3 if options.quick else 30)
    cold_repeats = options.cold_repeats or (2 if options.quick else 5)
    with tempfile.TemporaryDirectory() as folder:
        label_map = Path(folder) / "map.png"
        in_fresh_process(write_label_map, path=label_map)
        weights = options.weights
        if weights is None:
            weights = str(Path(folder) / "random-cpu")
            in_fresh_process(write_random_weights, folder=Path(weights))
        warm = in_fresh_process(
            measure_warm, weights=weights, label_map=label_map, repeats=repeats, threads=options.threads
        )
        cold = measure_cold(weights, label_map, Path(folder), repeats=cold_repeats)
    kind = f"Weights {options.weights}" if options.weights else "Random weights at the sizes of the preset cpu"
    protocol = (
        f"{kind}, {warm['image_size']} px; {repeats} calls of each batch size in turn, threads {warm['threads']}, "
        f"load average {warm['load_average']}; {cold_repeats} cold processes."
    )
    report(
        "Generated pictures",
        protocol,
        tables(warm, cold),
        {"loaded": warm, "cold": cold},
        options,
        ratios={
            f"a picture of a batch of {batch} / one alone": warm["call_seconds"][str(batch)]["min"]
            / batch
            / warm["call_seconds"]["1"]["min"]
            for batch in BATCHES[1:]
        },
    )


def tables(warm: dict[str, Any], cold: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Calls after loading, then whole processes."""
    calls = [
        {
            "one call": f"{batch} picture{'s' if batch > 1 else ''}",
            "min, ms": milliseconds(seconds["min"]),
            "median, ms": milliseconds(seconds["median"]),
            **{f"images/s, {key}": f"{rate:.3g}" for key, rate in best_and_median(seconds, images=batch).items()},
        }
        for batch, seconds in ((batch, warm["call_seconds"][str(batch)]) for batch in BATCHES)
    ]
    once = [
        {"once": "load the weights, ms", "value": milliseconds(warm["load_seconds"])},
        {"once": "first call, ms", "value": milliseconds(warm["first_call_seconds"])},
        {"once": "peak memory of the loaded process", "value": gibibytes(warm["peak_memory_bytes"])},
        {"once": "cold `limner generate` to a file, min, s", "value": f"{cold['seconds']['min']:.2f}"},
        {"once": "cold `limner generate` to a file, median, s", "value": f"{cold['seconds']['median']:.2f}"},
        {"once": "peak memory of the cold process", "value": gibibytes(cold["peak_memory_bytes"])},
    ]
    return {"After loading": calls, "Loading and cold start": once}


if __name__ == "__main__":
    main()
