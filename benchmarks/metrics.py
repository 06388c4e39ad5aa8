"""Throughput and memory of the distances between sets, on the CPU.

Protocol: the network of FID-people at the size of the preset `features` (random weights unless `--weights` names some:
speed does not depend on their values) sees random pictures, made in batches of 32 before the clock starts, and
`collect_statistics` takes their features, as `limner evaluate` does with the real pictures; nothing is decoded from
files (see data_wait.py). Every number of pictures has a process of its own, so that its peak memory is its own; the
ratio of the two peaks says whether memory grows with the number. Then, on features of that many pictures: the time of
each distance with its interval. Inception-v3 (random weights) sees 128 of them, for comparison. Last, on 2,000 vectors
of 2,048 features (`--quick`: 300 of 256): processor time of each distance beside its plain formula in double
precision, as packages compute it: full matrices, and the eigenvalues of the product of the covariances; they take turns
on one thread.
Targets: 10,000 pictures of 128 px for FID-people in 180 s on two cores; peak memory flat.

    python benchmarks/metrics.py
    python benchmarks/metrics.py --weights features-people-64 --images 10000
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from measure import alternate, gibibytes, in_fresh_process, load_average, new_parser, own_peak_memory, report

BATCH = 32
TARGET_SECONDS, TARGET_IMAGES = 180, 10_000


def pictures(count: int, size: int, seconds: list[float]) -> Iterator[Any]:
    """Random pictures in batches; the time between asking for them and having them is added to `seconds`."""
    import torch

    random = torch.Generator().manual_seed(0)
    for first in range(0, count, BATCH):
        start = time.perf_counter()
        batch = torch.rand(min(BATCH, count - first), 3, size, size, generator=random) * 2 - 1
        seconds.append(time.perf_counter() - start)
        yield batch


def people_network(weights: str | None) -> Any:
    """FID-people's network: shipped or trained weights, or random ones at the same size."""
    import torch

    import limner
    from limner import registry
    from limner.data.schema import get_schema
    from limner.data.spec import DataSpec
    from limner.metrics.features import people_features

    if weights is not None:
        return people_features(limner.load(weights, system="parser"))
    torch.manual_seed(0)
    config = registry.preset("parser", "features")
    system = registry.system_class("parser")(config, DataSpec(get_schema("celebamask-19")))
    return people_features(system.pipeline(system.networks))


def measure_statistics(*, weights: str | None, count: int, size: int, threads: int | None) -> dict[str, Any]:
    """Features and their sums of `count` pictures in this process."""
    import torch

    from limner.metrics.statistics import collect_statistics

    if threads is not None:
        torch.set_num_threads(threads)
    network = people_network(weights)
    network(torch.zeros(BATCH, 3, size, size))  # prepares kernels
    making: list[float] = []
    start, cpu = time.perf_counter(), time.process_time()
    vectors = (network(batch) for batch in pictures(count, size, making))
    collect_statistics(vectors, count, num_features=network.num_features)
    seconds = time.perf_counter() - start - sum(making)
    return {
        "images": count,
        "seconds": seconds,
        "cpu_seconds": time.process_time() - cpu,
        "images_per_second": count / seconds,
        "num_features": network.num_features,
        "threads": torch.get_num_threads(),
        "load_average": load_average(),
        "peak_memory_bytes": own_peak_memory(),
    }


def measure_distances(*, count: int, num_features: int, threads: int | None) -> dict[str, float]:
    """Seconds of the numbers about two sets of `count` random feature vectors."""
    import torch

    from limner.metrics.bootstrap import resample_weights
    from limner.metrics.frechet import frechet_distance, resampled_frechet_distances
    from limner.metrics.kernel import resampled_kernel_distances
    from limner.metrics.precision_recall import precision_and_recall
    from limner.metrics.statistics import collect_statistics

    if threads is not None:
        torch.set_num_threads(threads)
    random = torch.Generator().manual_seed(0)
    sets = [torch.randn(count, num_features, generator=random) for _ in range(2)]
    real, fake = (collect_statistics([vectors], count, num_features=num_features) for vectors in sets)
    weights = resample_weights(len(fake.vectors), seed=0, resamples=200)
    cases = {
        "Fréchet distance": lambda: frechet_distance(*real.moments(), *fake.moments()),
        "its interval, 200 resamples": lambda: resampled_frechet_distances(*real.moments(), fake.vectors, weights),
        "KID with interval": lambda: resampled_kernel_distances(real.vectors, fake.vectors, weights),
        "precision and recall": lambda: precision_and_recall(real.vectors, fake.vectors),
    }
    seconds = {}
    for name, case in cases.items():
        start = time.perf_counter()
        case()
        seconds[name] = time.perf_counter() - start
    return seconds


def plain_kid(real: Any, fake: Any) -> Any:
    """The unbiased estimate from three full kernel matrices."""
    real, fake = real.double(), fake.double()
    size = real.shape[1]
    own = []
    for vectors in (real, fake):
        kernel = (vectors @ vectors.T / size + 1) ** 3
        own.append((kernel.sum() - kernel.trace()) / (len(vectors) * (len(vectors) - 1)))
    return own[0] + own[1] - 2 * ((real @ fake.T / size + 1) ** 3).mean()


def plain_precision_recall(real: Any, fake: Any) -> tuple[Any, Any]:
    """Shares from the four full matrices of distances."""
    import torch

    from limner.metrics.precision_recall import NEIGHBOURS

    def share(vectors: Any, manifold: Any) -> Any:
        radii = torch.cdist(manifold, manifold).kthvalue(NEIGHBOURS + 1).values
        return (torch.cdist(vectors, manifold) <= radii).any(1).double().mean()

    real, fake = real.double(), fake.double()
    return share(fake, real), share(real, fake)


def plain_frechet(real: Any, fake: Any) -> Any:
    """With the eigenvalues of the product of the covariances."""
    import torch

    means = [vectors.double().mean(0) for vectors in (real, fake)]
    covariances = [vectors.double().T.cov() for vectors in (real, fake)]
    cross = torch.linalg.eigvals(covariances[0] @ covariances[1]).sqrt().real.sum()
    traces = sum(covariance.trace() for covariance in covariances)
    return (means[0] - means[1]).square().sum() + traces - 2 * cross


def measure_plain(*, count: int, num_features: int, repeats: int) -> dict[str, Any]:
    """Least processor seconds of each distance and of its plain formula, in turn, and how far they are apart."""
    import torch

    from limner.metrics.frechet import frechet_distance
    from limner.metrics.kernel import kernel_distance
    from limner.metrics.precision_recall import precision_and_recall
    from limner.metrics.statistics import collect_statistics

    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(count, num_features, generator=random) * scale for scale in (1.0, 1.02))

    def ours() -> Any:
        parts = [collect_statistics([one], count, num_features=num_features).moments() for one in (real, fake)]
        return frechet_distance(*parts[0], *parts[1])

    cases: dict[str, tuple[Any, Any]] = {
        "KID": (lambda: kernel_distance(real, fake), lambda: plain_kid(real, fake)),
        "precision and recall": (lambda: precision_and_recall(real, fake), lambda: plain_precision_recall(real, fake)),
        "Fréchet distance": (ours, lambda: plain_frechet(real, fake)),
    }
    found: dict[str, Any] = {}
    for name, (own, plain) in cases.items():
        values: dict[str, Any] = {}

        def timed(which: str, function: Any, values: dict[str, Any] = values) -> float:
            start = time.process_time()
            values[which] = torch.stack(function()) if name == "precision and recall" else function()  # noqa: B023
            return time.process_time() - start

        functions = {"own": partial(timed, "own", own), "plain": partial(timed, "plain", plain)}
        seconds = alternate(functions, warmup=0 if repeats == 1 else 1, repeats=repeats)
        apart = ((values["own"] - values["plain"]).abs() / values["plain"].abs().clamp_min(1e-300)).max()
        found[name] = {"own": min(seconds["own"]), "plain": min(seconds["plain"]), "relative_difference": float(apart)}
    return found


def measure_inception(*, count: int, size: int, threads: int | None) -> dict[str, Any]:
    """Inception-v3 on some pictures of the same size, enlarged to its own."""
    import torch

    from limner.backbones.inception import InceptionV3
    from limner.metrics.resize import Resize

    if threads is not None:
        torch.set_num_threads(threads)
    network, resize = InceptionV3().eval(), Resize(299)
    making: list[float] = []
    with torch.inference_mode():
        network(resize(torch.zeros(2, 3, size, size)))
        start, cpu = time.perf_counter(), time.process_time()
        for batch in pictures(count, size, making):
            network(resize(batch))
        seconds, cpu = time.perf_counter() - start - sum(making), time.process_time() - cpu
    return {
        "images": count,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "images_per_second": count / seconds,
        "peak_memory_bytes": own_peak_memory(),
    }


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--weights", default=None, metavar="NAME|DIR", help="of the parser (random ones)")
    parser.add_argument("--images", type=int, default=None, help="pictures (10000; with --quick 100)")
    parser.add_argument("--size", type=int, default=128, help="of the pictures in pixels (128)")
    parser.add_argument("--threads", type=int, default=None, help="of torch (torch's own choice)")
    options = parser.parse_args()
    count = options.images or (100 if options.quick else TARGET_IMAGES)
    if count < 20:
        parser.error(f"--images is {count}; it must be at least 20")
    shared = {"size": options.size, "threads": options.threads}
    people = []
    for number in (count // 10, count):
        print(f"measuring {number} pictures …", file=sys.stderr)
        people.append(in_fresh_process(measure_statistics, weights=options.weights, count=number, **shared))
    distances = in_fresh_process(
        measure_distances, count=count, num_features=people[1]["num_features"], threads=options.threads
    )
    inception = in_fresh_process(measure_inception, count=8 if options.quick else 128, **shared)
    plain = in_fresh_process(
        measure_plain,
        count=300 if options.quick else 2000,
        num_features=256 if options.quick else 2048,
        repeats=1 if options.quick else 3,
    )
    growth = people[1]["peak_memory_bytes"] / people[0]["peak_memory_bytes"]
    protocol = (
        f"{'Weights ' + options.weights if options.weights else 'Random weights'}; pictures of {options.size} px, "
        f"threads {people[1]['threads']}, load average {people[1]['load_average']}."
    )
    data = {
        "people": people,
        "distance_seconds": distances,
        "inception": inception,
        "memory_ratio": growth,
        "plain": plain,
    }
    report(
        "Metrics",
        protocol,
        tables(people, distances, inception, growth, plain),
        data,
        options,
        ratios={f"{name}: plain formula / own": one["plain"] / one["own"] for name, one in plain.items()},
    )


def tables(
    people: list[dict[str, Any]],
    distances: dict[str, float],
    inception: dict[str, Any],
    growth: float,
    plain: dict[str, Any],
) -> dict[str, list[dict[str, str]]]:
    """The networks, what grows, then the distances."""
    runs = {f"FID-people, {run['images']} pictures": run for run in people}
    runs[f"Inception-v3, {inception['images']} pictures"] = inception
    networks = [
        {
            "network": name,
            "images/s": f"{run['images_per_second']:.3g}",
            "wall, s": f"{run['seconds']:.1f}",
            "CPU, s": f"{run['cpu_seconds']:.1f}",
            "peak memory": gibibytes(run["peak_memory_bytes"]),
        }
        for name, run in runs.items()
    ]
    in_time = people[1]["images_per_second"] * TARGET_SECONDS / TARGET_IMAGES
    faster = (people[1]["images"] / people[1]["cpu_seconds"]) / (inception["images"] / inception["cpu_seconds"])
    ratios = [
        {"ratio": "pictures in 180 s / 10,000 (target: 1)", "value": f"{in_time:.2f}"},
        {"ratio": "FID-people / Inception-v3, pictures a CPU second", "value": f"{faster:.1f}"},
        {"ratio": "peak memory, all pictures / a tenth of them", "value": f"{growth:.2f}"},
    ]
    numbers = [{"number": name, "seconds": f"{seconds:.2f}"} for name, seconds in distances.items()]
    formulas = [
        {
            "distance": name,
            "own, s": f"{one['own']:.3g}",
            "plain formula, s": f"{one['plain']:.3g}",
            "plain / own": f"{one['plain'] / one['own']:.2f}",
            "relative difference": f"{one['relative_difference']:.1g}",
        }
        for name, one in plain.items()
    ]
    return {
        "Networks": networks,
        "Ratios": ratios,
        "Beside plain formulas": formulas,
        f"Distances of {people[1]['images']} pictures": numbers,
    }


if __name__ == "__main__":
    main()
