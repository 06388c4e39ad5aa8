"""The lip reader's own scores on held-out speakers: what its verdicts on generated clips are worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from limner.data.manifest import Manifest
from limner.engine.ranks import in_shares
from limner.errors import ConfigError
from limner.metrics.bootstrap import mean_interval
from limner.metrics.held_out import conditions
from limner.metrics.protocol import Measurement
from limner.metrics.report import EvaluationReport
from limner.metrics.talking import correlation, mouth_opening
from limner.provenance import SYNTHETIC_MEDIA
from limner.systems.wordnet.pipeline import WordNetPipeline
from limner.talking_faces.data import MOUTH
from limner.talking_faces.evaluation import clip_batches


def evaluate(
    pipeline: WordNetPipeline,
    manifest: Manifest,
    *,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """Share of words that are read rightly, and how well the opening of the mouth is seen.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set, clips of words.
        split: rows to use; "all" for every row.
        num_images: how many clips of them, evenly spread; none: all.
        seed: of the bootstrap intervals.
        batch_size: clips in one forward pass.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if there are too few clips.
        DataError: if there is no such split, a file cannot be read, or a word is not one of the weights'.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; it must be at least 1.")
    chosen, clip = clip_batches(pipeline.image_size, manifest, split=split, num_images=num_images, words=pipeline.words)

    def read(number: int) -> tuple[float, float, float]:
        batch = clip(number)
        reading = pipeline.read(batch.frames.to(pipeline.device))
        order = reading.logits[0].float().mean(dim=0).argsort(descending=True).cpu()
        true = mouth_opening(batch.landmarks[0, 1:, MOUTH])
        is_known = reading.points.shape[2] and true.isfinite().all()
        opening = correlation(mouth_opening(reading.points[0].float().cpu()), true) if is_known else float("nan")
        return float(order[0] == batch.category[0]), float((order[:5] == batch.category[0]).any()), opening

    shown = progress(in_shares(read, range(len(chosen))), total=len(chosen), unit="clip", desc="real clips")
    hits, top5, openings = zip(*shown, strict=True)
    protocol = conditions(
        pipeline, chosen, split=split, count=len(hits), itself=True, settings=f"{len(pipeline.words)} words"
    )
    measurements = {}
    for key, metric, values in (("accuracy", "words read rightly", hits), ("top5", "words among the first five", top5)):
        measurements[key] = Measurement(
            sum(values) / len(values),
            dataclasses.replace(protocol, metric=metric),
            is_share=True,
            interval=mean_interval(torch.tensor(values).double(), seed=seed) if len(values) > 1 else None,
        )
    known = [value for value in openings if value == value]
    if known:
        measurements["opening_correlation"] = Measurement(
            sum(known) / len(known),
            dataclasses.replace(protocol, metric="correlation of the seen opening with the true one", count=len(known)),
        )
    return EvaluationReport(provenance={**pipeline.provenance, "statement": SYNTHETIC_MEDIA}, measurements=measurements)
