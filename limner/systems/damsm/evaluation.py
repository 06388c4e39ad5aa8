"""R-precision of the encoders on held-out pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from limner.data.manifest import Manifest
from limner.data.sampler import SampleKey
from limner.engine.ranks import in_shares
from limner.metrics.held_out import conditions, held_out
from limner.metrics.r_precision import NUM_NEGATIVES, r_precision_measurement
from limner.metrics.report import EvaluationReport
from limner.provenance import SYNTHETIC_MEDIA
from limner.systems.damsm.pipeline import DAMSMPipeline
from limner.text_to_image.data import CaptionedBatch, CaptionedPictures, collate
from limner.text_to_image.matching import coded, columns
from limner.text_to_image.words import MAX_WORDS, vocabulary_of


def evaluate(
    pipeline: DAMSMPipeline,
    manifest: Manifest,
    *,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """How often a real picture is nearer to its own caption than to 99 others, and than to 99 that are false of it.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set.
        split: rows to use; "all" for every row.
        num_images: how many of them, from the first; none: all.
        seed: chooses a caption of each picture and those that it is compared with.
        batch_size: pictures in one forward pass.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if there are too few pictures.
        DataError: if there is no such split, or a file cannot be read.
    """
    rows, count = held_out(manifest, split, num_images, batch_size=batch_size, least=2)
    chosen = dataclasses.replace(rows, rows=rows.rows[:count])
    vocabulary = vocabulary_of(pipeline.spec)
    pictures = CaptionedPictures(
        chosen, image_size=pipeline.image_size, length=MAX_WORDS, vocabulary=vocabulary, drawn="evenly", seed=seed
    )

    def codes(batch: CaptionedBatch) -> dict[str, torch.Tensor]:
        _, sentence, _ = pipeline.text_codes(batch.words.to(pipeline.device))
        return {"sentence": sentence, "picture": pipeline.picture_codes(batch.image.to(pipeline.device))[1]}

    def judged(start: int) -> dict[str, torch.Tensor]:
        rows = range(start, min(start + batch_size, count))
        return coded(collate([pictures[SampleKey(row, row)] for row in rows]), codes)

    starts = range(0, count, batch_size)
    found = columns(progress(in_shares(judged, starts), total=len(starts), unit="batch", desc="real pictures"))
    protocol = conditions(
        pipeline,
        rows,
        split=split,
        count=count,
        itself=True,
        settings=f"one caption of each picture, {NUM_NEGATIVES} others at most",
    )
    measurements = {}
    for key, metric, true_of in (
        ("r_precision", "R-precision, against captions that are false of the picture", found["known"].true_of),
        ("r_precision_any", "R-precision, against any captions", None),
    ):
        named = dataclasses.replace(protocol, metric=metric)
        one = r_precision_measurement(found["picture"], found["sentence"], named, true_of=true_of, seed=seed)
        if one is not None:
            measurements[key] = one
    provenance = {**pipeline.provenance, "statement": SYNTHETIC_MEDIA}
    return EvaluationReport(provenance=provenance, measurements=measurements)
