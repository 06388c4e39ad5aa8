"""Metrics, one file each, and the protocols that say what their numbers mean. A name is imported when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.metrics.attributes import AttributeAccuracy
    from limner.metrics.diversity import PairwiseDiversity, mean_pairwise_distance
    from limner.metrics.feature_sets import FeatureSetMetric
    from limner.metrics.features import FeatureNetwork
    from limner.metrics.frechet import FrechetDistance, frechet_distance
    from limner.metrics.inception_score import InceptionScore
    from limner.metrics.kernel import kernel_distance
    from limner.metrics.l1 import L1
    from limner.metrics.lpips import LearnedSimilarity
    from limner.metrics.pairs import PairMean
    from limner.metrics.precision_recall import precision_and_recall
    from limner.metrics.protocol import Measurement, Protocol
    from limner.metrics.psnr import PSNR
    from limner.metrics.resize import Resize
    from limner.metrics.segmentation import SegmentationMetric
    from limner.metrics.ssim import SSIM, MultiScaleSSIM

__all__ = [
    "L1",
    "PSNR",
    "SSIM",
    "AttributeAccuracy",
    "FeatureNetwork",
    "FeatureSetMetric",
    "FrechetDistance",
    "InceptionScore",
    "LearnedSimilarity",
    "Measurement",
    "MultiScaleSSIM",
    "PairMean",
    "PairwiseDiversity",
    "Protocol",
    "Resize",
    "SegmentationMetric",
    "frechet_distance",
    "kernel_distance",
    "mean_pairwise_distance",
    "precision_and_recall",
]

_MODULES = {
    "AttributeAccuracy": "attributes",
    "FeatureNetwork": "features",
    "FeatureSetMetric": "feature_sets",
    "FrechetDistance": "frechet",
    "InceptionScore": "inception_score",
    "L1": "l1",
    "LearnedSimilarity": "lpips",
    "Measurement": "protocol",
    "MultiScaleSSIM": "ssim",
    "PSNR": "psnr",
    "PairMean": "pairs",
    "PairwiseDiversity": "diversity",
    "Protocol": "protocol",
    "Resize": "resize",
    "SSIM": "ssim",
    "SegmentationMetric": "segmentation",
    "frechet_distance": "frechet",
    "kernel_distance": "kernel",
    "mean_pairwise_distance": "diversity",
    "precision_and_recall": "precision_recall",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f'module "limner.metrics" has no attribute "{name}"')
    value = getattr(importlib.import_module(f"limner.metrics.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
