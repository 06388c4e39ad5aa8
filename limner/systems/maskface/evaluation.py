"""Scores of maskface: the shared protocol in noise mode and in reference mode, its style codes, edits of its maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from limner.data.dataset import MaskToImageDataset, collate
from limner.data.manifest import Manifest
from limner.data.schema import LabelSchema
from limner.data.spec import DataSpec
from limner.engine.ranks import in_shares
from limner.mask_to_image.evaluation import evaluate_pictures, mean_inside
from limner.metrics.judge import Judge
from limner.metrics.protocol import Measurement, Protocol, with_ceilings
from limner.metrics.report import EvaluationReport
from limner.systems.maskface.pipeline import MaskFacePipeline

_MAPS = 64  # whose faces are compared under equal and under different codes, and edited
_EDIT_PART = 16  # an edit moves things by this part of the picture's side
_UNDER_HAIR = ("background", "skin", "neck", "cloth")  # what longer hair may cover
_IN_REFERENCE_MODE = (
    "judge_pixel_accuracy",
    "judge_mean_iou",
    "judge_mean_iou_ratio",
    "fd",
    "diversity_features_share",
    "diversity_features_share_real",
    "diversity_details_share",
    "diversity_details_share_real",
    "diversity_pixels",
    "diversity_features",
    "detail_ratio",
    "broken_codes",
    "spotted_codes",
    "small_parts_iou_ratio",
)


def evaluate(
    pipeline: MaskFacePipeline,
    manifest: Manifest,
    *,
    judge: Judge,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    **options: Any,
) -> EvaluationReport:
    """`evaluate_pictures` with codes from noise, the same with codes from other photos, style codes, locality of edits.

    No number of the paper is known; the table beside is SCGAN's, for orientation.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set, of the schema that the weights know.
        judge: an independent parser, trained on real images only.
        split: rows whose maps are used; "all" for every row.
        num_images: faces to generate in each mode; none: as in `evaluate_pictures`.
        seed: of the first face.
        batch_size: faces in one forward pass.
        options: further ones of `evaluate_pictures`.
    """
    shared = {"judge": judge, "split": split, "seed": seed, "batch_size": batch_size, **options}
    report = evaluate_pictures(pipeline, manifest, num_images=num_images, **shared)
    rows = manifest if split == "all" else manifest.split(split)
    dataset = MaskToImageDataset(rows, image_size=pipeline.image_size)
    painter = _ReferencePainter(pipeline, dataset, seed=seed)
    found = evaluate_pictures(painter, manifest, num_images=num_images, **shared).measurements
    protocol = Protocol(
        metric="",
        split=split,
        count=min(_MAPS, len(rows)),
        resolution=pipeline.image_size,
        data_fingerprint=rows.fingerprint(),
        seeds=(seed,),
    )
    measurements = {
        **report.measurements,
        **{f"reference_{key}": _of_photos(found[key]) for key in _IN_REFERENCE_MODE if key in found},
        **style_measurements(pipeline, dataset, protocol, seed=seed, batch_size=batch_size),
        **locality_measurements(pipeline, dataset, protocol, seed=seed, batch_size=batch_size),
    }
    return dataclasses.replace(report, measurements=with_ceilings(measurements))


def style_measurements(
    pipeline: MaskFacePipeline, dataset: MaskToImageDataset, protocol: Protocol, *, seed: int, batch_size: int
) -> dict[str, Measurement]:
    """How well codes are found again, whether a code looks the same on every map, what it keeps of a photo.

    Args:
        pipeline: the weights.
        dataset: held-out photos with their maps.
        protocol: of the first `protocol.count` of them; each measurement gets its own name.
        seed: code k is that of seed + k.
        batch_size: faces in one forward pass.
    """
    encode, decode = pipeline.components["style_encoder"], pipeline.components["style_decoder"]

    def compared(start: int) -> Tensor:
        indices = range(start, min(start + batch_size, protocol.count))
        batch = collate([dataset[index] for index in indices]).to(pipeline.device)
        next_maps = collate([dataset[(index + 1) % protocol.count] for index in indices]).label_map
        styles, next_styles = (
            encode(pipeline.draw_latents([seed + index + step for index in indices]).to(pipeline.device))
            for step in (0, 1)
        )
        fake = pipeline.paint_styles(batch.label_map, styles)
        found = [(decode(fake) - styles).abs().mean(1)]
        for code in (styles, next_styles):
            elsewhere = pipeline.paint_styles(next_maps.to(pipeline.device), code)
            found.append((_look(fake) - _look(elsewhere)).abs().mean(1))
        again = pipeline.paint_styles(batch.label_map, decode(batch.image))
        return torch.stack([*found, (again - batch.image).abs().mean((1, 2, 3))]).cpu()

    with pipeline.inference():
        rows = torch.cat(list(in_shares(compared, range(0, protocol.count, batch_size))), dim=1)
    style_error, same, other, reconstruction = (row.mean() for row in rows)
    values = {
        "style_error": (
            "style error: L1 between D_s(G(m, s)) and s",
            style_error,
            "0 = every code is found again.",
        ),
        "style_consistency": (
            "style consistency: look on another map, other code : same code",
            other / same.clamp_min(1e-6),
            "above 1: the code decides the look, not the map.",
        ),
        "inversion_l1": (
            "inversion: L1 between G(m, D_s(photo)) and the photo, in [-1, 1]",
            reconstruction,
            "what one style code keeps of a photo.",
        ),
    }
    return {
        key: Measurement(float(value), dataclasses.replace(protocol, metric=metric), note=note)
        for key, (metric, value, note) in values.items()
    }


def locality_measurements(
    pipeline: MaskFacePipeline, dataset: MaskToImageDataset, protocol: Protocol, *, seed: int, batch_size: int
) -> dict[str, Measurement]:
    """How much more the face changes where its map is repainted than elsewhere, under the same code.

    `longer_hair` and `open_mouth` are done to every map that they change; a schema without these classes has no such
    measurement.

    Args:
        pipeline: the weights.
        dataset: held-out maps.
        protocol: of the first `protocol.count` of them; each measurement gets its own name.
        seed: code k is that of seed + k.
        batch_size: faces in one forward pass.
    """
    schema = pipeline.spec.schema
    edits = {
        name: edit
        for name, edit, classes in (
            ("hair", longer_hair, {"hair", *_UNDER_HAIR}),
            ("mouth", open_mouth, {"mouth", "l_lip"}),
        )
        if classes <= set(schema.classes)
    }

    def changed(start: int) -> dict[str, Tensor]:
        indices = range(start, min(start + batch_size, protocol.count))
        label_map = collate([dataset[index] for index in indices]).label_map.to(pipeline.device)
        styles = pipeline.components["style_encoder"](
            pipeline.draw_latents([seed + index for index in indices]).to(pipeline.device)
        )
        before = pipeline.paint_styles(label_map, styles)
        found = {}
        for name, edit in edits.items():
            edited = edit(label_map, schema)
            change = (pipeline.paint_styles(edited, styles) - before).abs().mean(1)
            inside = edited != label_map
            pairs = torch.stack([mean_inside(change, inside), mean_inside(change, ~inside)], dim=1)
            found[name] = pairs[inside.flatten(1).any(1)].cpu()
        return found

    with pipeline.inference():
        found = list(in_shares(changed, range(0, protocol.count, batch_size)))
    measurements = {}
    for name in edits:
        pairs = torch.cat([part[name] for part in found])
        if len(pairs):
            within, beyond = pairs.mean(0).tolist()
            measurements[f"locality_{name}"] = Measurement(
                within / max(beyond, 1e-6),
                dataclasses.replace(
                    protocol, metric=f"locality of an edit of the {name}: change inside : outside", count=len(pairs)
                ),
                note=f"mean |change| inside {within:.3g} of at most 2.",
            )
    return measurements


def longer_hair(label_map: Int64[Tensor, "b h w"], schema: LabelSchema) -> Int64[Tensor, "b h w"]:
    """Hair drawn down over skin, neck, clothes and background, by a sixteenth of the side."""
    hair = label_map == schema.id("hair")
    ids = torch.tensor([schema.id(name) for name in _UNDER_HAIR], device=label_map.device)
    grown = hair.clone()
    for step in range(1, label_map.shape[-2] // _EDIT_PART + 1):
        grown[:, step:] |= hair[:, :-step]
    return torch.where(grown & torch.isin(label_map, ids), schema.id("hair"), label_map)


def open_mouth(label_map: Int64[Tensor, "b h w"], schema: LabelSchema) -> Int64[Tensor, "b h w"]:
    """The lower lip moved down by a sixteenth of the side; where it was is the inside of the mouth."""
    step = label_map.shape[-2] // _EDIT_PART
    lip = label_map == schema.id("l_lip")
    moved = torch.zeros_like(lip)
    moved[:, step:] = lip[:, :-step]
    opened = torch.where(lip, schema.id("mouth"), label_map)
    return torch.where(moved, schema.id("l_lip"), opened)


def _look(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n"]:
    """The colours of a 4x4 thumbnail: free of detail, so that the layout counts little."""
    return functional.adaptive_avg_pool2d(image, 4).flatten(1)


def _of_photos(measurement: Measurement) -> Measurement:
    protocol = dataclasses.replace(measurement.protocol, metric=f"{measurement.protocol.metric}, styles of photos")
    return dataclasses.replace(measurement, protocol=protocol)


class _ReferencePainter:
    """The pipeline in reference mode: the seed of a face picks the photo whose style it takes.

    Args:
        pipeline: the weights.
        photos: of the maps that are painted, in their order, two or more.
        seed: of the face on the first map; the next seed is for the next map, round and round.
    """

    name: ClassVar[str] = MaskFacePipeline.name
    uses_attributes: ClassVar[bool] = False

    def __init__(self, pipeline: MaskFacePipeline, photos: MaskToImageDataset, *, seed: int) -> None:
        self.pipeline = pipeline
        self.photos = photos
        self.seed = seed
        self.spec: DataSpec = pipeline.spec
        self.image_size = pipeline.image_size
        self.weights_name = pipeline.weights_name

    @property
    def weights_hash(self) -> str:
        """See `MapPainter`, as for all of these."""
        return self.pipeline.weights_hash

    @property
    def provenance(self) -> dict[str, str]:
        return self.pipeline.provenance

    @property
    def device(self) -> torch.device:
        return self.pipeline.device

    def inference(self) -> AbstractContextManager[None]:
        return self.pipeline.inference()

    def paint(
        self, label_map: Int64[Tensor, "b h w"], attributes: Float[Tensor, "b n_c"], seeds: Sequence[int]
    ) -> Float[Tensor, "b 3 h w"]:
        photos = [self.photos[self._photo_of(seed)] for seed in seeds]
        styles = self.pipeline.components["style_decoder"](collate(photos).image.to(self.device))
        return self.pipeline.paint_styles(label_map, styles)

    def _photo_of(self, seed: int) -> int:
        # Each round over the maps gives a map another photo, or its faces would be counted several times. Steps from
        # 1 to count - 1 never lead back to its own.
        count = len(self.photos)
        turn, index = divmod(seed - self.seed, count)
        return (index + 1 + (count // 2 + self.seed + turn) % (count - 1)) % count
