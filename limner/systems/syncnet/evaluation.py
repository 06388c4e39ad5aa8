"""The judge's own scores on held-out speakers: what its verdicts on generated clips are worth."""

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
from limner.metrics.talking import synchrony
from limner.provenance import SYNTHETIC_MEDIA
from limner.systems.syncnet.pipeline import SyncNetPipeline
from limner.talking_faces.evaluation import clip_batches

MOVED = 5
"""Frames by which the speech of real clips is moved for the comparison."""


def evaluate(
    pipeline: SyncNetPipeline,
    manifest: Manifest,
    *,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """How often true and moved speech are told apart, and LSE of real clips by these weights.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set, clips with sound.
        split: rows to use; "all" for every row.
        num_images: how many clips of them, evenly spread; none: all.
        seed: of the bootstrap intervals.
        batch_size: takes no part, clips are judged one by one.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if there are too few clips.
        DataError: if there is no such split, or a file cannot be read.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; it must be at least 1.")
    chosen, clip = clip_batches(
        pipeline.image_size, manifest, split=split, num_images=num_images, words=None, has_mel=True
    )

    def judged(number: int) -> tuple[float, float, float, float]:
        batch = clip(number)
        face, speech = pipeline.codes(batch.frames[0].to(pipeline.device), batch.mel[0].to(pipeline.device))
        found = synchrony(face, speech)
        near = float(((face * speech).sum(dim=1) > 0.5).float().mean())
        far = float(((face * speech.roll(MOVED, dims=0)).sum(dim=1) <= 0.5).float().mean())
        return (near + far) / 2, found.distance, found.confidence, float(abs(found.offset) <= 1)

    rows = list(progress(in_shares(judged, range(len(chosen))), total=len(chosen), unit="clip", desc="real clips"))
    values = torch.tensor(rows).double()
    protocol = conditions(
        pipeline,
        chosen,
        split=split,
        count=len(rows),
        itself=True,
        settings=f"true speech and speech {MOVED} frames away, rolled round",
    )
    named = (
        ("accuracy", "pairs judged rightly", True),
        ("distance", f"LSE-D ({pipeline.weights_name})", False),
        ("confidence", f"LSE-C ({pipeline.weights_name})", False),
        ("in_time", "clips found to be in time, within a frame", True),
    )
    measurements = {
        key: Measurement(
            float(values[:, column].mean()),
            dataclasses.replace(protocol, metric=metric),
            is_share=is_share,
            interval=mean_interval(values[:, column], seed=seed) if len(rows) > 1 else None,
            note="of these weights alone: never beside published LSE." if "LSE" in metric else "",
        )
        for column, (key, metric, is_share) in enumerate(named)
    }
    return EvaluationReport(provenance={**pipeline.provenance, "statement": SYNTHETIC_MEDIA}, measurements=measurements)
