"""How often a clip ends in the colour that its caption names, beside how often the judge sees it in real pictures."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from limner.data.batch import to_images
from limner.data.manifest import Manifest
from limner.engine.ranks import in_shares
from limner.metrics.held_out import conditions, held_out
from limner.metrics.judges import OpenJudge, first_of
from limner.metrics.protocol import Measurement, with_ceilings
from limner.metrics.report import EvaluationReport
from limner_toy.pipeline import ToyPipeline


class Colours:
    """A judge that has learned nothing: names the strongest of the three channels."""

    def facts(self, images: Tensor) -> list[str]:
        """Images (b, 3, h, w) -> "red", "green" or "blue", one an image."""
        return [("red", "green", "blue")[int(image.mean((1, 2)).argmax())] for image in images]


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
    rows, count = held_out(manifest, split, num_images, batch_size=batch_size)
    judge = first_of(judges, "facts")

    def seen(number: int) -> list[bool]:
        caption = rows.marks_of(rows.rows[number]).captions[0]
        end = pipeline(caption, seed=seed + number).media[0].frames[-1]
        pictures = (end, rows.read_image(rows.rows[number]))
        return [judge.facts(to_images([picture]))[0] in caption.split() for picture in pictures]

    found = list(progress(in_shares(seen, range(count)), total=count, unit="clip", desc="clips"))
    base = conditions(pipeline, rows, split=split, count=count, network=judges[0].name, seeds=(seed,))
    metrics = {"judge_colour": "colour", "judge_colour_real": "colour of real pictures"}
    measurements = {
        key: Measurement(sum(column) / count, replace(base, metric=f"{metric} by {judges[0].name}"), is_share=True)
        for (key, metric), column in zip(metrics.items(), zip(*found, strict=True), strict=True)
    }
    return EvaluationReport(pipeline.provenance, with_ceilings(measurements))
