"""The pictures of all rows side by side."""

from __future__ import annotations

import io
import json
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from limner.data.batch import MaskToImageBatch, collate
from limner.data.dataset import MaskToImageDataset
from limner.data.manifest import Manifest
from limner.demo import contact_sheet
from limner.inputs import to_pictures
from limner.nn.label_maps import colorize
from limner.provenance import SYNTHETIC_MEDIA
from limner.reproduce.run import Plan, last_pipelines

NUM_MAPS = 10
_EXIF_DESCRIPTION = 0x010E


def comparison_sheet(plan: Plan, manifest: Manifest) -> bytes | None:
    """A JPEG: held-out maps, their real pictures, then pictures of each finished row's first run; None without any.

    A system that paints the looks of photos gets each map with its own photo and the looks of the next one.
    """
    size = plan.study.image_size[plan.preset]
    is_of_maps = "label_map" in plan.study.task.needs and isinstance(size, int)
    pipelines = last_pipelines(plan) if is_of_maps else {}
    if not pipelines or not isinstance(size, int):
        return None
    dataset = MaskToImageDataset(manifest.split(plan.study.split), image_size=size)
    batch = collate([dataset[index] for index in range(min(NUM_MAPS, len(dataset)))])
    rows = [to_pictures(colorize(batch.label_map, manifest.spec.schema)), to_pictures(batch.image)]
    for pipeline in pipelines.values():
        with pipeline.inference():
            rows.append(to_pictures(_paint(pipeline, batch).clamp(-1, 1)))
    sheet = contact_sheet(rows, tile=max(64, min(size, 96)), row_names=["label map", "real", *pipelines])
    weights = {name: pipeline.weights_hash for name, pipeline in pipelines.items()}
    exif = Image.Exif()
    exif[_EXIF_DESCRIPTION] = json.dumps({"statement": SYNTHETIC_MEDIA, "weights": weights})
    buffer = io.BytesIO()
    sheet.save(buffer, format="JPEG", quality=80, exif=exif)
    return buffer.getvalue()


def _paint(pipeline: Any, batch: MaskToImageBatch) -> Tensor:
    if hasattr(pipeline, "paint_looks"):
        codes = pipeline.encode(batch.image, batch.label_map).roll(-1, 0)
        return pipeline.paint_looks(batch.label_map, batch.image, codes)  # type: ignore[no-any-return]
    # One by one, with the attributes of the map's own picture.
    images = [pipeline.paint(batch.label_map[k : k + 1], batch.attributes[k : k + 1], [0]) for k in range(len(batch))]
    return torch.cat(images)
