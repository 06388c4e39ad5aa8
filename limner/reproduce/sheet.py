"""The pictures of all rows side by side."""

from __future__ import annotations

import dataclasses
import io
import json
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from limner.data.batch import MaskToImageBatch, collate
from limner.data.dataset import MaskToImageDataset, SampleDataset
from limner.data.fields import Field
from limner.data.manifest import Manifest, Row
from limner.demo import contact_sheet
from limner.inputs import to_pictures
from limner.nn.label_maps import colorize
from limner.pipelines import Pipeline
from limner.provenance import SYNTHETIC_MEDIA
from limner.reproduce.run import Plan, last_pipelines

NUM_PICTURES = 10
_CAPTION_WIDTH = 34  # characters a line
_EXIF_DESCRIPTION = 0x010E


def comparison_sheet(plan: Plan, manifest: Manifest) -> bytes | None:
    """A JPEG: held-out maps or captions, their real pictures, then pictures of each finished row's first run.

    None without any, and of systems that paint something else.
    """
    task, size = plan.study.task, plan.study.image_size[plan.preset]
    make = _of_maps if "label_map" in task.needs else _of_captions if "captions" in task.needs else None
    pipelines = {} if make is None or task.gives != "picture" else last_pipelines(plan)
    if make is None or not pipelines or not isinstance(size, int):
        return None
    sheet = make(manifest.split(plan.study.split), pipelines, size)
    if sheet is None:
        return None
    weights = {name: pipeline.weights_hash for name, pipeline in pipelines.items()}
    exif = Image.Exif()
    exif[_EXIF_DESCRIPTION] = json.dumps({"statement": SYNTHETIC_MEDIA, "weights": weights})
    buffer = io.BytesIO()
    sheet.save(buffer, format="JPEG", quality=80, exif=exif)
    return buffer.getvalue()


def _of_maps(manifest: Manifest, pipelines: Mapping[str, Pipeline], size: int) -> Image.Image:
    """A column a map; a system that paints the looks of photos gets its own photo, and the looks of the next one."""
    dataset = MaskToImageDataset(manifest, image_size=size)
    batch = collate([dataset[index] for index in range(min(NUM_PICTURES, len(dataset)))])
    rows = [to_pictures(colorize(batch.label_map, manifest.spec.schema)), to_pictures(batch.image)]
    for pipeline in pipelines.values():
        with pipeline.inference():
            rows.append(to_pictures(_paint(pipeline, batch).clamp(-1, 1)))
    return contact_sheet(rows, tile=_tile(size), row_names=["label map", "real", *pipelines])


def _of_captions(manifest: Manifest, pipelines: Mapping[str, Any], size: int) -> Image.Image | None:
    """A row a caption: of each picture the longest of which all rows know a word; None where there is none."""
    rows, captions = list[Row](), list[str]()
    for row in manifest.rows:
        told = manifest.marks_of(row).captions
        known = [text for text in told if all(_knows(one, text) for one in pipelines.values())]
        if known and len(rows) < NUM_PICTURES:
            rows.append(row)
            captions.append(max(known, key=len))
    if not rows:
        return None
    shown: tuple[Field, ...] = ("image",)
    samples = SampleDataset(dataclasses.replace(manifest, rows=tuple(rows)), fields=shown, size=size)
    real = [Image.fromarray(np.asarray(samples[number].image)) for number in range(len(rows))]
    columns = [real, *(one.render(one.pictures.plan(captions, seed=0)).images for one in pipelines.values())]
    return contact_sheet(
        list(zip(*columns, strict=True)),
        tile=_tile(size),
        row_names=["\n".join(textwrap.wrap(one, _CAPTION_WIDTH, max_lines=4, placeholder=" ...")) for one in captions],
        column_names=["real", *pipelines],
    )


def _knows(pipeline: Any, caption: str) -> bool:
    return bool(pipeline.spec.vocabulary.encode(caption).ids)


def _tile(size: int) -> int:
    return max(64, min(size, 96))


def _paint(pipeline: Any, batch: MaskToImageBatch) -> Tensor:
    if hasattr(pipeline, "paint_looks"):
        codes = pipeline.encode(batch.image, batch.label_map).roll(-1, 0)
        return pipeline.paint_looks(batch.label_map, batch.image, codes)  # type: ignore[no-any-return]
    # One by one, with the attributes of the map's own picture.
    images = [pipeline.paint(batch.label_map[k : k + 1], batch.attributes[k : k + 1], [0]) for k in range(len(batch))]
    return torch.cat(images)
