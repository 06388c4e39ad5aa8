"""The pictures of all rows side by side."""

from __future__ import annotations

import dataclasses
import io
import json
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from limner.data.batch import MaskToImageBatch, collate
from limner.data.dataset import MaskToImageDataset, SampleDataset
from limner.data.fields import Field
from limner.data.manifest import Manifest, Row
from limner.data.size import Size
from limner.demo import contact_sheet
from limner.inputs import to_pictures
from limner.nn.label_maps import colorize
from limner.pipelines import Pipeline
from limner.pose_transfer.data import PosePairs, image_of, list_pairs
from limner.pose_transfer.evaluation import pair_arrays
from limner.provenance import SYNTHETIC_MEDIA
from limner.reproduce.run import Plan, data_of, last_pipelines

NUM_PICTURES = 10
_CAPTION_WIDTH = 34  # characters a line
_EXIF_DESCRIPTION = 0x010E


def comparison_sheet(plan: Plan, manifest: Manifest) -> bytes | None:
    """A JPEG: held-out maps, captions or pairs, their real pictures, then pictures of each finished row's first run.

    None without any, and of systems that paint something else.
    """
    task = plan.study.task
    make = next((maker for field, maker in _MAKERS.items() if field in task.needs), None)
    pipelines: Mapping[str, Any] = {} if make is None or task.gives != "picture" else last_pipelines(plan)
    if make is None or not pipelines:
        return None
    if make is _of_pairs:
        needs_most = max(pipelines.values(), key=lambda pipeline: len(pipeline.data_fields()))
        manifest = data_of(plan, needs_most, manifest)
    sheet = make(manifest.split(plan.study.split), pipelines, Size.of(plan.study.image_size[plan.preset]))
    if sheet is None:
        return None
    weights = {name: pipeline.weights_hash for name, pipeline in pipelines.items()}
    exif = Image.Exif()
    exif[_EXIF_DESCRIPTION] = json.dumps({"statement": SYNTHETIC_MEDIA, "weights": weights})
    buffer = io.BytesIO()
    sheet.save(buffer, format="JPEG", quality=80, exif=exif)
    return buffer.getvalue()


def _of_maps(manifest: Manifest, pipelines: Mapping[str, Pipeline], size: Size) -> Image.Image:
    """A column a map; a system that paints the looks of photos gets its own photo, and the looks of the next one."""
    dataset = MaskToImageDataset(manifest, image_size=size.height)
    batch = collate([dataset[index] for index in range(min(NUM_PICTURES, len(dataset)))])
    rows = [to_pictures(colorize(batch.label_map, manifest.spec.schema)), to_pictures(batch.image)]
    for pipeline in pipelines.values():
        with pipeline.inference():
            rows.append(to_pictures(_paint(pipeline, batch).clamp(-1, 1)))
    return contact_sheet(rows, tile=_tile(size), row_names=["label map", "real", *pipelines])


def _of_captions(manifest: Manifest, pipelines: Mapping[str, Any], size: Size) -> Image.Image | None:
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


def _of_pairs(manifest: Manifest, pipelines: Mapping[str, Any], size: Size) -> Image.Image:
    """A column a pair, evenly spread: the person, the pose, the true picture of it, and what each row paints."""
    pairs = list_pairs(manifest)
    places = np.unique(np.linspace(0, len(pairs) - 1, min(NUM_PICTURES, len(pairs))).round().astype(int)).tolist()
    fields = tuple(dict.fromkeys(field for pipeline in pipelines.values() for field in pipeline.data_fields()))
    dataset = PosePairs(manifest, [pairs[place] for place in places], size=size, fields=fields)
    shown = [dataset[number] for number in range(len(dataset))]
    arrays = {name: pair_arrays(pipeline, shown) for name, pipeline in pipelines.items()}

    def view(row: str, what: str) -> list[Image.Image]:
        pipeline = pipelines[row]
        with pipeline.inference():
            pictures = pipeline.view(what, arrays[row], [0] * len(shown) if pipeline.seeded else None)
        return to_pictures(pictures.float().clamp(-1, 1))

    first = next(iter(pipelines))  # photos and poses are the same of all
    given = {"source": view(first, "source"), "pose": view(first, "pose")}
    rows = {**given, "real": [Image.fromarray(image_of(pair.target)) for pair in shown]}
    rows |= {name: view(name, "picture") for name in pipelines}
    return contact_sheet(list(rows.values()), tile=_tile(size), row_names=list(rows))


_MAKERS: dict[Field, Callable[[Manifest, Mapping[str, Any], Size], Image.Image | None]] = {
    "pairs": _of_pairs,
    "captions": _of_captions,
    "label_map": _of_maps,
}
"""Field that a task needs -> what shows its rows beside each other; the first that is needed counts."""


def _knows(pipeline: Any, caption: str) -> bool:
    return bool(pipeline.spec.vocabulary.encode(caption).ids)


def _tile(size: Size) -> tuple[int, int]:
    """Height and width of a tile: 64 to 96 pixels high, in the pictures' proportions."""
    height = max(64, min(size.height, 96))
    return height, round(height * size.width / size.height)


def _paint(pipeline: Any, batch: MaskToImageBatch) -> Tensor:
    if hasattr(pipeline, "paint_looks"):
        codes = pipeline.encode(batch.image, batch.label_map).roll(-1, 0)
        return pipeline.paint_looks(batch.label_map, batch.image, codes)  # type: ignore[no-any-return]
    # One by one, with the attributes of the map's own picture.
    images = [pipeline.paint(batch.label_map[k : k + 1], batch.attributes[k : k + 1], [0]) for k in range(len(batch))]
    return torch.cat(images)
