"""The share of its time that training waits for data, and how fast samples are made.

Protocol: faces are drawn by code into a temporary folder, and `limner train scgan --preset cpu` trains on them (or on
`--data`) with one line of metrics.jsonl an epoch and no sample grid or checkpoint before the end. `data_wait_share` of
the first epoch has the decoding of every file in it; later epochs augment what is in memory, and are what a run of more
than some minutes is made of. It trains in float32, which every processor has. Target: < 5 % after the first epoch.
Beside it, samples/s of the same data set alone, without any network: the first pass (decode and resize), then passes
from memory with the preset's augmentation, collated to batches.

    python benchmarks/data_wait.py
    python benchmarks/data_wait.py --data DATA --epochs 10
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import best_and_median, in_fresh_process, new_parser, report, run_command, seconds_of, summary


def measure_samples(data: Path, *, repeats: int) -> dict[str, Any]:
    """Time of passes over the training split, as the loader reads it: batches of augmented samples."""
    from limner import registry
    from limner.data.dataset import MaskToImageDataset, collate
    from limner.data.manifest import open_manifest
    from limner.data.sampler import SampleKey

    config = registry.preset("scgan", "cpu")
    manifest = open_manifest(data).split("train")
    dataset = MaskToImageDataset(manifest, image_size=config.model.image_size, augment=config.augment)
    batch_size = config.train.batch_size

    def read_all(epoch: int) -> None:
        for first in range(0, len(dataset), batch_size):
            indices = range(first, min(first + batch_size, len(dataset)))
            collate([dataset[SampleKey(index, epoch * len(dataset) + index)] for index in indices])

    first_pass = seconds_of(lambda: read_all(0))
    later = summary([seconds_of(lambda epoch=epoch: read_all(epoch)) for epoch in range(1, repeats + 1)])
    return {
        "num_samples": len(dataset),
        "image_size": config.model.image_size,
        "batch_size": batch_size,
        "first_pass_per_second": len(dataset) / first_pass,
        "later_per_second": best_and_median(later, images=len(dataset)),
    }


def measure_training(data: Path, run: Path, *, epoch_images: int, epochs: int) -> list[dict[str, float]]:
    """Train with the command that users type; one entry an epoch."""
    images = epoch_images * epochs
    words: list[str | Path] = [sys.executable, "-m", "limner", "train", "scgan", "--preset", "cpu"]
    words += ["--data", data, "--out", run, "--train.images", str(images), "--train.log_every", str(epoch_images)]
    words += [
        "--train.sample_every",
        str(images),
        "--train.checkpoint_every",
        str(images),
        "--train.accelerator",
        "cpu",
        "--train.precision",
        "32-true",  # the preset's own may be emulated here, and then nothing ever ends
    ]
    run_command(words)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    names = ("images_seen", "data_wait_share", "images_per_second")
    return [{name: line[name] for name in names} for line in lines if "data_wait_share" in line]


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--data", type=Path, default=None, metavar="PATH", help="a data set (faces drawn by code)")
    parser.add_argument("--num", type=int, default=None, help="faces to draw (120; with --quick 40)")
    parser.add_argument("--size", type=int, default=128, help="side of the drawn faces in pixels (128)")
    parser.add_argument("--epochs", type=int, default=None, help="epochs of training (4; with --quick 2)")
    options = parser.parse_args()
    epochs = options.epochs or (2 if options.quick else 4)
    if epochs < 2:
        parser.error("--epochs must be at least 2: the first one is shown apart.")
    num = options.num or (40 if options.quick else 120)
    with tempfile.TemporaryDirectory() as folder:
        data = options.data
        if data is None:
            data = Path(folder) / "faces"
            words = ["data", "make", "drawn-faces", "--num", str(num), "--size", str(options.size), "--out", data]
            run_command([sys.executable, "-m", "limner", *words])
        samples = in_fresh_process(measure_samples, data=data, repeats=epochs)
        # A whole number of batches, so that the first line of the log ends with the last file that is decoded.
        batch_size = samples["batch_size"]
        epoch_images = -(-samples["num_samples"] // batch_size) * batch_size
        print(f"training for {epochs} x {epoch_images} images …", file=sys.stderr)
        training = measure_training(data, Path(folder) / "run", epoch_images=epoch_images, epochs=epochs)
    source = "the data set of --data" if options.data else f"{num} drawn faces of {options.size} px"
    protocol = f"{source}: {samples['num_samples']} training samples at {samples['image_size']} px; {epochs} epochs."
    found = {"samples": samples, "epochs": training}
    report(
        "Waiting for data",
        protocol[0].upper() + protocol[1:],
        tables(samples, training),
        found,
        options,
        ratios={
            "share of time that training waits, worst epoch after the first": max(
                one["data_wait_share"] for one in training[1:]
            )
        },
    )


def tables(samples: dict[str, Any], training: list[dict[str, float]]) -> dict[str, list[dict[str, str]]]:
    """The waiting, then the reading."""
    first, *later = training
    shares, rates = ([line[name] for line in later] for name in ("data_wait_share", "images_per_second"))
    waiting = [
        _waiting("first epoch (decodes every file)", first["data_wait_share"], first["images_per_second"]),
        _waiting("later epochs, median", statistics.median(shares), statistics.median(rates)),
        _waiting("later epochs, worst", max(shares), min(rates)),
    ]
    reading = [
        {
            "MaskToImageDataset": "first pass: decode, resize, augment",
            "samples/s": _rate(samples["first_pass_per_second"]),
        },
        {"MaskToImageDataset": "from memory: augment, best", "samples/s": _rate(samples["later_per_second"]["best"])},
        {
            "MaskToImageDataset": "from memory: augment, median",
            "samples/s": _rate(samples["later_per_second"]["median"]),
        },
    ]
    return {"Share of time that training waits": waiting, "Samples without training": reading}


def _waiting(name: str, share: float, rate: float) -> dict[str, str]:
    return {"training, preset cpu": name, "waits for data": f"{share:.2%}", "images/s": f"{rate:.1f}"}


def _rate(value: float) -> str:
    return f"{value:.0f}"


if __name__ == "__main__":
    main()
