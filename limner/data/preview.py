"""A contact sheet of samples: picture, label map and points laid over it, texts, and the colours' meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from limner.data.image_io import MAX_PIXELS
from limner.data.manifest import Manifest, Row
from limner.data.marks import Marks
from limner.data.point_schema import OPENPOSE_18
from limner.data.schema import LabelSchema
from limner.data.transforms import resize_image, resize_label_map, square_origin
from limner.errors import ConfigError

_PAPER, _INK, _POINT, _LIMB = (250, 250, 248), (30, 30, 30), (255, 255, 255), (255, 220, 60)
_MARGIN, _TEXT_HEIGHT, _LEGEND_WIDTH = 8, 14, 120

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def contact_sheet(
    manifest: Manifest,
    *,
    num: int = 24,
    columns: int = 4,
    size: int = 160,
    progress: Callable[[Sequence[Row]], Iterable[Row]] = iter,
) -> Image.Image:
    """Paint `num` samples, spread evenly over the manifest.

    Args:
        manifest: the samples.
        num: how many at most.
        columns: samples side by side.
        size: side of each picture in pixels.
        progress: wraps the samples that are read, to show a bar.

    Raises:
        ConfigError: if the sheet would be larger than pictures may be.
        DataError: if a sample cannot be read.
    """
    num = min(num, len(manifest))
    rows = [manifest.rows[i * len(manifest) // num] for i in range(num)]
    marks = [manifest.marks_of(row) for row in rows]
    font = ImageFont.load_default(size=11)
    num_lines = 3 if any(mark.captions for mark in marks) else 2
    cell_width, cell_height = 2 * size + _MARGIN, size + num_lines * _TEXT_HEIGHT + _MARGIN
    columns = min(columns, num)
    width = columns * cell_width + _MARGIN
    legend_columns = max(1, width // _LEGEND_WIDTH)
    labels = manifest.spec.labels
    top = (-(-labels.num_classes // legend_columns) * (_TEXT_HEIGHT + 4) if labels else 0) + 2 * _MARGIN
    height = top + -(-num // columns) * cell_height
    if width * height > MAX_PIXELS:
        raise ConfigError(
            f"The sheet would have {width}x{height} pixels, but at most {MAX_PIXELS // 1_000_000} million can be "
            "looked at: show fewer or smaller samples."
        )
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    if labels:
        _draw_legend(draw, labels, legend_columns, font)
    for index, (row, mark) in enumerate(zip(progress(rows), marks, strict=True)):
        x, y = _MARGIN + index % columns * cell_width, top + index // columns * cell_height
        sheet.paste(_picture(manifest, row, mark, size), (x, y))
        attributes = [
            name for name, value in zip(manifest.spec.attribute_names, row.attributes, strict=True) if value > 0.5
        ]
        known = [f"{row.age:g} years" if row.age is not None else "", row.category, row.identity]
        about = ", ".join([*attributes, *filter(None, known)]) or "no attributes"
        texts = [f"{row.name}  ({row.split})", about, *mark.captions[:1]]
        for line, text in enumerate(texts):
            draw.text((x, y + size + line * _TEXT_HEIGHT), _shorten(text, 2 * size, font), fill=_INK, font=font)
    return sheet


def _draw_legend(draw: ImageDraw.ImageDraw, schema: LabelSchema, columns: int, font: Font) -> None:
    for index, (name, color) in enumerate(zip(schema.classes, schema.palette, strict=True)):
        x = _MARGIN + index % columns * _LEGEND_WIDTH
        y = _MARGIN + index // columns * (_TEXT_HEIGHT + 4)
        draw.rectangle((x, y, x + 12, y + 12), fill=color, outline=_INK)
        draw.text((x + 17, y), f"{index} {name}", fill=_INK, font=font)


def _picture(manifest: Manifest, row: Row, marks: Marks, size: int) -> Image.Image:
    """The picture, and beside it the same under its label map and points; each `size` pixels wide."""
    if manifest.spec.labels is None:
        square = manifest.read_image(row)
        overlay = image = resize_image(square, size)
    else:
        square, label_map = manifest.read(row)
        image, label_map = resize_image(square, size), resize_label_map(label_map, size)
        colors = manifest.spec.labels.colorize(label_map)
        overlay = (image.astype(np.uint16) * 2 // 5 + colors.astype(np.uint16) * 3 // 5).astype(np.uint8)
    picture = Image.fromarray(np.concatenate([image, overlay], axis=1))
    if marks.landmarks is None and marks.keypoints is None:
        return picture
    draw = ImageDraw.Draw(picture)
    height, width = manifest.reader.read_image(row).shape[:2]
    origin = np.array(square_origin(height, width, manifest.fit)[::-1])

    def placed(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        # a pixel's middle is a whole number, before and after the change of size
        moved: npt.NDArray[np.float64] = (points + origin + 0.5) * (size / len(square)) - 0.5 + [size, 0]
        return moved

    if marks.landmarks is not None:
        for x, y in placed(marks.landmarks).tolist():
            draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=_POINT)
    if marks.keypoints is not None:
        points = placed(marks.keypoints)
        for limb in (manifest.keypoint_schema or OPENPOSE_18).lines:
            if np.isfinite(points[list(limb)]).all():
                draw.line([tuple(end) for end in points[list(limb)].tolist()], fill=_LIMB, width=1)
        for x, y in points[np.isfinite(points).all(axis=1)].tolist():
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=_POINT)
    return picture


def _shorten(text: str, width: int, font: Font) -> str:
    while text and font.getlength(text) > width:
        text = text.removesuffix("…")[:-1] + "…"
    return text
