"""Every metric in two processes gives the value of one: uneven parts, and a process that saw nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torchmetrics import Metric

from limner.backbones.alexnet import AlexNet
from limner.backbones.lpips import LPIPS, read_heads
from limner.metrics.attributes import AttributeAccuracy
from limner.metrics.diversity import PairwiseDiversity
from limner.metrics.feature_sets import FeatureSetMetric
from limner.metrics.frechet import FrechetDistance
from limner.metrics.inception_score import InceptionScore
from limner.metrics.kernel import kernel_distance
from limner.metrics.l1 import L1
from limner.metrics.lpips import LearnedSimilarity
from limner.metrics.pairs import PairMean
from limner.metrics.precision_recall import precision_and_recall
from limner.metrics.psnr import PSNR
from limner.metrics.segmentation import SegmentationMetric
from limner.metrics.ssim import SSIM, MultiScaleSSIM

COUNT = 25
Part = slice


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sets(metric: Metric, part: Part) -> None:
    """Real and generated vectors; the last process may see none of either."""
    metric.update(numbers(COUNT, 4)[part], real=True)
    metric.update((numbers(COUNT, 4, seed=1) + 0.3)[part], real=False)


def pairs(metric: Metric, part: Part) -> None:
    images = numbers(COUNT, 3, 32, 32).clamp(-1, 1)
    metric.update(images[part], images.flip(0)[part])


def learned() -> LearnedSimilarity:
    torch.manual_seed(0)
    # float64: in float32 the value of a picture depends, in its last digits, on its company in the batch.
    network = LPIPS(AlexNet(), read_heads("alex")).double().eval().requires_grad_(False)
    return LearnedSimilarity(network, weights="alex random", sha256="0" * 64)


def labels(metric: Metric, part: Part) -> None:
    maps = (numbers(COUNT, 5, 5) > 0).long()
    metric.update(maps[part], maps.flip(0)[part])


CASES: dict[str, tuple[Callable[..., Metric], Callable[[Metric, Part], None]]] = {
    "fid": (lambda **kwargs: FrechetDistance(None, num_features=4, **kwargs), sets),
    "kid": (lambda **kwargs: FeatureSetMetric(kernel_distance, None, num_features=4, **kwargs), sets),
    "precision": (lambda **kwargs: FeatureSetMetric(precision_and_recall, None, num_features=4, **kwargs), sets),
    "inception score": (
        lambda **kwargs: InceptionScore(num_classes=4, num_splits=3, **kwargs),
        lambda metric, part: metric.update(numbers(COUNT, 4)[part], torch.arange(COUNT)[part]),
    ),
    "l1": (lambda **kwargs: PairMean(L1(), **kwargs), pairs),
    "psnr": (lambda **kwargs: PairMean(PSNR(), **kwargs), pairs),
    "ssim": (lambda **kwargs: PairMean(SSIM(), **kwargs), pairs),
    "ms-ssim": (lambda **kwargs: PairMean(MultiScaleSSIM(weights=(0.5, 0.5)), **kwargs), pairs),
    "lpips": (lambda **kwargs: PairMean(learned(), **kwargs), pairs),
    "segmentation": (lambda **kwargs: SegmentationMetric(num_classes=2, **kwargs), labels),
    "diversity": (PairwiseDiversity, lambda metric, part: metric.update(numbers(COUNT, 3, 8)[part])),
    "attributes": (
        lambda **kwargs: AttributeAccuracy(num_attributes=4, **kwargs),
        lambda metric, part: metric.update(numbers(COUNT, 4)[part], (numbers(COUNT, 4, seed=1)[part] > 0).double()),
    ),
}


def check(rank: int, port: int) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    try:
        for name, (make, update) in CASES.items():
            alone = make(sync_on_compute=False)
            update(alone, slice(None))
            for split in (11, COUNT):  # the second process has 14 images, then none
                metric = make()
                if rank == 0 or split < COUNT:
                    update(metric, slice(0, split) if rank == 0 else slice(split, None))
                torch.testing.assert_close(metric.compute(), alone.compute(), rtol=1e-12, atol=1e-12, msg=name)
    finally:
        dist.destroy_process_group()


def test_two_processes_give_the_value_of_one() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mp.spawn(check, args=(port,), nprocs=2)
