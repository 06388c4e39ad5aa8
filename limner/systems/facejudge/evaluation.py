"""The judge's own scores on held-out people: what its verdicts on generated faces are worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from limner.ageing.data import AgeBatch, AgeDataset, collate
from limner.data.datasets.utkface import AGE_GROUPS
from limner.data.manifest import Manifest
from limner.engine.ranks import in_shares
from limner.metrics.ageing import area_under_curve, group_means, spearman
from limner.metrics.bootstrap import mean_interval
from limner.metrics.held_out import conditions, held_out
from limner.metrics.protocol import Measurement, Protocol
from limner.metrics.report import EvaluationReport
from limner.provenance import SYNTHETIC_MEDIA
from limner.systems.facejudge.pipeline import FaceJudgePipeline


def evaluate(
    pipeline: FaceJudgePipeline,
    manifest: Manifest,
    *,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """Error and order of the ages, and how well one person is told from others of the same gender and age group.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set, faces with ages.
        split: rows to use; "all" for every row.
        num_images: how many of them, from the first; none: all.
        seed: of the bootstrap intervals.
        batch_size: images in one forward pass.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if there are too few images.
        DataError: if there is no such split, or a file cannot be read.
    """
    rows, count = held_out(manifest, split, num_images, batch_size=batch_size, least=2)
    dataset = AgeDataset(rows, image_size=pipeline.image_size, partner="same_person")

    def judged(start: int) -> tuple[AgeBatch, Tensor, Tensor]:
        batch = collate([dataset[index] for index in range(start, min(start + batch_size, count))])
        verdict = pipeline.verdict(batch.image.to(pipeline.device))
        return batch, verdict.years.cpu(), verdict.embedding.cpu()

    starts = range(0, count, batch_size)
    shown = progress(in_shares(judged, starts), total=len(starts), unit="batch", desc="real faces")
    batches, found, vectors = zip(*shown, strict=True)
    ages = torch.cat(found).double().numpy()
    embedding = torch.cat(vectors).double().numpy()
    true, group, person, gender = (
        torch.cat([getattr(batch, name) for batch in batches]).numpy()
        for name in ("years", "group", "person", "gender")
    )
    protocol = conditions(pipeline, rows, split=split, count=count, itself=True)
    measurements = _measurements(ages, true.astype(np.float64), group, protocol, seed=seed)
    cosines = embedding @ embedding.T
    upper = np.triu(np.ones_like(cosines, dtype=bool), 1)
    same = upper & (person[:, None] == person)
    other = upper & (person[:, None] != person) & (group[:, None] == group) & (gender[:, None] == gender)
    if same.any() and other.any():
        measurements["identity_auc"] = Measurement(
            area_under_curve(cosines[same], cosines[other]),
            dataclasses.replace(
                protocol,
                metric="area under the curve: one person at two ages : two people of one gender and group",
                count=int(same.sum() + other.sum()),
            ),
            note="0.5 = the embedding tells nothing.",
        )
    return EvaluationReport(
        provenance={**pipeline.provenance, "statement": SYNTHETIC_MEDIA},
        measurements=measurements,
    )


def _measurements(
    ages: np.ndarray[Any, np.dtype[np.float64]],
    true: np.ndarray[Any, np.dtype[np.float64]],
    group: np.ndarray[Any, np.dtype[np.int64]],
    protocol: Protocol,
    *,
    seed: int,
) -> dict[str, Measurement]:
    error = np.abs(ages - true)
    by_group = {
        name: dict(zip(AGE_GROUPS, group_means(values, group, len(AGE_GROUPS)).tolist(), strict=True))
        for name, values in (("error", error), ("judged", ages), ("true", true))
    }

    def named(metric: str) -> Protocol:
        return dataclasses.replace(protocol, metric=metric)

    return {
        "age_error_years": Measurement(
            float(error.mean()),
            named("mean error of the age, years"),
            interval=mean_interval(torch.from_numpy(error), seed=seed),
            per_class=by_group["error"],
        ),
        "age_spearman": Measurement(spearman(ages, true), named("rank correlation with the true age")),
        "judged_mean": Measurement(float(ages.mean()), named("judged age, years"), per_class=by_group["judged"]),
        "true_mean": Measurement(float(true.mean()), named("true age, years"), per_class=by_group["true"]),
    }
