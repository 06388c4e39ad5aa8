"""Distances between a set of generated images and the real one: every number with its interval and its protocol."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from limner.errors import ConfigError
from limner.metrics.bootstrap import centred_interval, group_places, mean_interval, resample_weights
from limner.metrics.features import FeatureNetwork
from limner.metrics.frechet import frechet_distance, resampled_frechet_distances
from limner.metrics.inception_score import NUM_SPLITS, InceptionScore
from limner.metrics.kernel import SETTINGS, resampled_kernel_distances
from limner.metrics.precision_recall import NEIGHBOURS, inside_each_other
from limner.metrics.protocol import Measurement, Protocol
from limner.metrics.statistics import FeatureStatistics

_WIDE = 512  # features beyond which one resample of the Fréchet distance takes seconds
_RESAMPLES, _RESAMPLES_WIDE = 200, 20
KID_NOTE = "without bias, so it may be negative: at and below 0 the two sets cannot be told apart by it"
"""Said beside every KID."""


def check_enough_images(network: FeatureNetwork, num_images: int) -> None:
    """Refuse to call a number FID that only its number of images decides; ask before the images are made.

    Args:
        network: what the images are to be seen by.
        num_images: of the smaller set, generated or real.

    Raises:
        ConfigError: if there are no more images than features, and the network is the published one.
    """
    if not _can_measure_distance(network, num_images):
        raise ConfigError(
            f"FID needs more images than features, generated and real: {num_images} images do not span "
            f"{network.num_features} features, and the value would depend on their number; make at least "
            f"{network.num_features + 1} and compare them with as many real ones, or measure in a smaller network."
        )


def set_measurements(
    real: FeatureStatistics,
    fake: FeatureStatistics,
    network: FeatureNetwork,
    *,
    what: str,
    protocol: Callable[[str, str], Protocol],
    seed: int,
    groups: Int64[Tensor, " images"] | None = None,
) -> dict[str, Measurement]:
    """Fréchet distance, KID, precision and recall of `fake` against `real`.

    Intervals say how much the number would move had other images of the same kind been in `fake` (of recall: in
    `real`); they come from at most `MAX_VECTORS` images and are scaled to the number of all. Pictures that were made
    from one map are not independent, so maps are drawn, each with all of its pictures.

    Args:
        real: statistics of the real images.
        fake: statistics of the images to judge.
        network: what both were seen by.
        what: they are, for the name of the metric: "generated".
        protocol: (name of the metric, its settings) -> protocol.
        seed: of the resamples.
        groups: the map that each image of `fake` was made from; None: each has its own.

    Returns:
        "kid", "fd" unless it would be called FID with too few images (`check_enough_images`), and "precision" and
        "recall" where both sets have more images than neighbours.
    """
    kept = len(fake.vectors)
    groups = torch.arange(fake.count) if groups is None else groups.cpu()
    places = group_places(groups[fake.kept])
    drawn = int(places.max()) + 1  # the vectors may be of a part of the maps
    shrink = math.sqrt(drawn / len(groups.unique()))
    resamples = _RESAMPLES if network.num_features <= _WIDE else _RESAMPLES_WIDE
    weights = resample_weights(drawn, seed=seed, resamples=resamples)[:, places]
    resampled = f"interval of {resamples} resamples"
    measurements = {}
    if _can_measure_distance(network, count := min(real.count, fake.count)):
        distance = float(frechet_distance(*real.moments(), *fake.moments()))
        moved = resampled_frechet_distances(*real.moments(), fake.vectors, weights)
        low, high = centred_interval(distance, moved, shrink=shrink)
        measurements["fd"] = Measurement(
            distance,
            protocol(f"{network.metric_name('FID')}, {what}", resampled),
            interval=(max(low, 0.0), high),
            note=_note(count, network.num_features),
        )
    used = f"{len(real.vectors)} real and {kept} judged images"
    all_of_them = weights.new_ones(1, kept)  # with the resamples, so that each kernel is made once
    discrepancies = resampled_kernel_distances(real.vectors, fake.vectors, torch.cat([all_of_them, weights]))
    discrepancy = float(discrepancies[0])
    measurements["kid"] = Measurement(
        discrepancy,
        protocol(f"{network.metric_name('KID')}, {what}", f"{SETTINGS} of {used}, {resampled}"),
        interval=centred_interval(discrepancy, discrepancies[1:]),
        note=KID_NOTE,
    )
    if min(len(real.vectors), kept) <= NEIGHBOURS:
        return measurements
    fake_inside, real_inside = inside_each_other(real.vectors, fake.vectors)
    shares = {"precision": (fake_inside, places), "recall": (real_inside, None)}
    for name, (inside, maps) in shares.items():
        measurements[name] = Measurement(
            float(inside.double().mean()),
            protocol(f"{network.metric_name(name.capitalize())}, {what}", f"balls to neighbour {NEIGHBOURS}, {used}"),
            is_share=True,
            interval=mean_interval(inside, seed=seed, groups=maps),
        )
    return measurements


def inception_score_measurement(
    features: Float[Tensor, "images features"],
    network: FeatureNetwork,
    *,
    what: str,
    protocol: Callable[[str, str], Protocol],
) -> dict[str, Measurement]:
    """Inception Score of images by their features.

    Returns:
        "inception_score", or nothing where the network has no classes or a split would have no image.
    """
    if network.class_scores is None or len(features) < NUM_SPLITS:
        return {}
    logits = network.class_scores(features[:1])
    metric = InceptionScore(network.class_scores, num_classes=logits.shape[1], sync_on_compute=False)
    for vectors, index in zip(features.split(1000), torch.arange(len(features)).split(1000), strict=True):
        metric.update(vectors, index)
    score = metric.compute()
    measurement = Measurement(
        float(score.mean),
        protocol(f"{network.metric_name('Inception Score')}, {what}", metric.settings),
        note=f"its standard deviation over the splits is {float(score.deviation):.3g}.",
    )
    return {"inception_score": measurement}


def _can_measure_distance(network: FeatureNetwork, num_images: int) -> bool:
    """Only what is not called FID may be measured of images that do not span the features; it has a note then."""
    return num_images > network.num_features or not network.is_published


def _note(count: int, num_features: int) -> str:
    if count > num_features:
        return ""
    return f"{count} images do not span {num_features} features: comparable at the same count only."
