"""What a feature network sees: the Fréchet distance of damaged real pictures, in units of that of whole ones.

Protocol: the pictures of a data set are dealt into two halves. The distance between the halves is the floor, what luck
alone gives. Then each kind of damage of the parser's `damage.py` is done to every picture of the second half, in three
amounts, and the distance to the first half is divided by the floor; 1.0 means that the network does not notice. So is a
kind that no network here was trained on: a grey square in place of a part of the face. Last, variety: a second half
that repeats ever fewer of its pictures, and one that has only its darker ones. A judge should stay near 1 on softness,
noise and tint, a network for FID-people far above it. Values depend on the data and on the number of pictures; compare
networks in one run.

    python benchmarks/feature_sensitivity.py --data PEOPLE --weights parser-people-64 runs/people-features
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from measure import in_fresh_process, new_parser, report

if TYPE_CHECKING:
    from torch import Tensor

AMOUNTS = (0.25, 0.5, 1.0)
REPEATED = (100, 50, 20)


def load_pictures(data: str, size: int, count: int) -> Tensor:
    """The first pictures of a data set, (count, 3, size, size) in [-1, 1]."""
    from limner.data.dataset import MaskToImageDataset, collate
    from limner.data.manifest import open_manifest

    manifest = open_manifest(data)
    dataset = MaskToImageDataset(manifest, image_size=size, cache_bytes=0)
    return collate([dataset[index] for index in range(min(count, len(dataset)))]).image


def variants(half: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Name -> the second half with something done to it; whole first."""
    import torch

    from limner.systems.parser.damage import FLOW_SHAPE, KINDS, NUM_NUMBERS, Draws, damage

    yield "floor", half
    random = torch.Generator().manual_seed(0)
    no_labels = torch.zeros(len(half), *half.shape[2:], dtype=torch.int64)
    for number, kind in enumerate(KINDS):
        for amount in AMOUNTS:
            draws = Draws(
                amounts=torch.zeros(len(half), len(KINDS)).index_fill(1, torch.tensor([number]), amount),
                numbers=torch.rand(len(half), NUM_NUMBERS, generator=random),
                noise=torch.randn(half.shape, generator=random),
                flow=torch.randn(len(half), *FLOW_SHAPE, generator=random),
            )
            yield f"{kind} {amount:g}", damage(half, no_labels, draws)[0]
    for amount in AMOUNTS:
        yield f"missing part {amount:g}", without_part(half, amount, torch.rand(len(half), 2, generator=random))
    for count in REPEATED:
        yield f"{count} pictures repeated", half[torch.arange(len(half)) % count]
    yield "darker half only", half[half.mean((1, 2, 3)).argsort()[: len(half) // 2]]


def without_part(images: Tensor, amount: float, places: Tensor) -> Tensor:
    """A square of `amount` / 16 of the area is grey; its corner is anywhere where the square still fits."""
    size = images.shape[-1]
    side = round(size * amount**0.5 / 4)
    corners = (places * (size - side + 1)).long()
    images = images.clone()
    for image, (top, left) in zip(images, corners.tolist(), strict=True):
        image[:, top : top + side, left : left + side] = 0
    return images


def measure(weights: str, *, data: str, size: int, count: int, threads: int | None) -> dict[str, float]:
    """Distances to the first half in the features of one network; all but the floor in units of it."""
    import torch

    import limner
    from limner.metrics.features import people_features
    from limner.metrics.frechet import frechet_distance
    from limner.metrics.statistics import collect_statistics

    if threads is not None:
        torch.set_num_threads(threads)
    network = people_features(limner.load(weights, system="parser"))
    pictures = load_pictures(data, size, count)

    def moments(images: Tensor) -> tuple[Tensor, Tensor]:
        vectors = (network(batch) for batch in images.split(64))
        return collect_statistics(vectors, len(images), num_features=network.num_features).moments()

    first = moments(pictures[::2])
    distances = {name: float(frechet_distance(*first, *moments(half))) for name, half in variants(pictures[1::2])}
    floor = distances["floor"]
    return {name: value if name == "floor" else value / floor for name, value in distances.items()}


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--data", required=True, metavar="PATH", help="folder of the data set")
    parser.add_argument("--weights", nargs="+", required=True, metavar="NAME|DIR", help="of parsers to compare")
    parser.add_argument("--images", type=int, default=None, help="pictures in both halves (1000; with --quick 80)")
    parser.add_argument("--size", type=int, default=64, help="of the pictures in pixels (64)")
    parser.add_argument("--threads", type=int, default=None, help="of torch (torch's own choice)")
    options = parser.parse_args()
    count = options.images or (80 if options.quick else 1000)
    if count < 4 * min(REPEATED):
        parser.error(f"--images is {count}; it must be at least {4 * min(REPEATED)}")
    shared: dict[str, Any] = {"data": options.data, "size": options.size, "count": count, "threads": options.threads}
    results = {weights: in_fresh_process(measure, weights=weights, **shared) for weights in options.weights}
    names = list(next(iter(results.values())))
    rows = [
        {
            "second half": name if name == "floor" else f"{name}, / floor",
            **{weights: f"{values[name]:.3g}" for weights, values in results.items()},
        }
        for name in names
    ]
    protocol = f"{count} pictures of {options.size} px in two halves."
    report("What feature networks see", protocol, {"Fréchet distance to the first half": rows}, results, options)


if __name__ == "__main__":
    main()
