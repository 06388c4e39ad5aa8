"""The judge's own scores on held-out pictures: what its verdicts on made ones are worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from limner.data.manifest import Manifest
from limner.engine.ranks import in_shares
from limner.errors import ConfigError
from limner.metrics.held_out import conditions, held_out
from limner.metrics.protocol import Measurement
from limner.metrics.report import EvaluationReport
from limner.provenance import SYNTHETIC_MEDIA
from limner.systems.factjudge.data import AnsweredPictures, collate
from limner.systems.factjudge.pipeline import FactJudgePipeline


def evaluate(
    pipeline: FactJudgePipeline,
    manifest: Manifest,
    *,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """Accuracy of each question, the mean over its answers, and of each answer.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set.
        split: rows to use; "all" for every row.
        num_images: how many of them, from the first; none: all.
        seed: has no effect; nothing is drawn.
        batch_size: pictures in one forward pass.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if there are too few pictures, or no facts of them are known.
        DataError: if there is no such split, or a file cannot be read.
    """
    rows, count = held_out(manifest, split, num_images, batch_size=batch_size)
    chosen = dataclasses.replace(rows, rows=rows.rows[:count])
    names = tuple(pipeline.config("judge")["answers"])
    pictures = AnsweredPictures(chosen, names, image_size=pipeline.image_size)

    def judged(start: int) -> list[dict[str, str]]:
        batch = collate([pictures[row] for row in range(start, min(start + batch_size, count))])
        return pipeline.facts(batch.image.to(pipeline.device))

    starts = range(0, count, batch_size)
    shown = progress(in_shares(judged, starts), total=len(starts), unit="batch", desc="real pictures")
    verdicts = [verdict for part in shown for verdict in part]
    protocol = conditions(pipeline, rows, split=split, count=count, itself=True)
    measurements = {}
    truth = torch.from_numpy(pictures.answers)
    for place, (question, known) in enumerate(pipeline.questions.items()):
        classes = {}
        for number, answer in enumerate(known):
            there = torch.nonzero(truth[:, place] == number).flatten().tolist()
            if there:
                classes[answer] = sum(verdicts[row][question] == answer for row in there) / len(there)
        if classes:
            measurements[f"fact_{question.replace(' ', '_')}"] = Measurement(
                sum(classes.values()) / len(classes),
                dataclasses.replace(
                    protocol,
                    metric=f"{question}: share of right answers, mean over the answers",
                    count=int((truth[:, place] >= 0).sum()),
                ),
                is_share=True,
                per_class=classes,
            )
    if not measurements:
        raise ConfigError(f"{manifest.root} has no facts that this judge knows; give pictures with facts.jsonl.")
    return EvaluationReport(provenance={**pipeline.provenance, "statement": SYNTHETIC_MEDIA}, measurements=measurements)
