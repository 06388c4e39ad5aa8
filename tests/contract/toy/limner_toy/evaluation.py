"""How often a clip ends in the colour that its caption names, beside how often the judge sees it in real pictures."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from limner.data.manifest import Manifest
from limner.metrics.judges import OpenJudge, first_of
from limner.metrics.protocol import Measurement, Protocol, with_ceilings
from limner.metrics.report import EvaluationReport
from limner_toy.pipeline import ToyPipeline


def evaluate(
    pipeline: ToyPipeline,
    manifest: Manifest,
    *,
    judges: Sequence[OpenJudge],
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    rows = manifest if split == "all" else manifest.split(split)
    judge, found = first_of(judges, "facts"), []
    chosen = rows.rows[: num_images or len(rows)]
    for number, row in enumerate(progress(chosen, total=len(chosen), unit="clip", desc="clips")):
        caption = rows.marks_of(row).captions[0]
        end = pipeline(caption, seed=seed + number).media[0].frames[-1]
        pictures = [torch.from_numpy(pixels.copy()).permute(2, 0, 1) for pixels in (end, rows.read_image(row))]
        found.append([judge.facts(one[None] / 127.5 - 1)[0] in caption.split() for one in pictures])
    protocol = Protocol(
        metric=f"colour by {judges[0].name}",
        split=split,
        count=len(found),
        resolution=pipeline.image_size,
        network=judges[0].name,
        data_fingerprint=rows.fingerprint(),
    )
    measurements = {
        key: Measurement(sum(row[column] for row in found) / len(found), protocol, is_share=True)
        for column, key in enumerate(("judge_colour", "judge_colour_real"))
    }
    return EvaluationReport(provenance=pipeline.provenance, measurements=with_ceilings(measurements))
