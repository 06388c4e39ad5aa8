"""SCGAN's published protocol: the shared one, with its segmentor S and its classifier head D_c as further judges."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from limner.data.manifest import Manifest
from limner.mask_to_image.evaluation import OwnNetworks, evaluate_pictures
from limner.metrics.judge import Judge
from limner.metrics.report import EvaluationReport
from limner.systems.scgan.pipeline import SCGANPipeline


def evaluate(pipeline: SCGANPipeline, manifest: Manifest, *, judge: Judge, **options: Any) -> EvaluationReport:
    """`evaluate_pictures` of SCGAN; D_c judges where the discriminator is loaded.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set.
        judge: an independent parser.
        options: those of `evaluate_pictures`.
    """
    discriminator = pipeline.components.get("discriminator")

    def classify(image: Tensor) -> Tensor:
        assert discriminator is not None  # else it is not called
        logits: Tensor = discriminator(image)[1]
        return logits

    own = OwnNetworks(
        segmentor=pipeline.components["segmentor"],
        segmentor_name="own S",
        classifier=None if discriminator is None else classify,
        classifier_name="own D_c",
    )
    return evaluate_pictures(pipeline, manifest, judge=judge, own=own, **options)
