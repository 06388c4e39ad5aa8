"""A contact sheet of samples: picture, label map laid over it, name and attributes, and the colours' meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from limner.data.image_io import MAX_PIXELS
from limner.data.manifest import Manifest, Row
from limner.data.transforms import resize_image, resize_label_map
from limner.errors import ConfigError

_PAPER, _INK = (250, 250, 248), (30, 30, 30)
_MARGIN, _TEXT_HEIGHT = 8, 14


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
    font = ImageFont.load_default(size=11)
    cell_width, cell_height = 2 * size + _MARGIN, size + 2 * _TEXT_HEIGHT + _MARGIN
    schema = manifest.spec.schema
    columns = min(columns, num)
    width = columns * cell_width + _MARGIN
    legend_columns = max(1, width // 120)
    legend_rows = -(-schema.num_classes // legend_columns)
    top = legend_rows * (_TEXT_HEIGHT + 4) + 2 * _MARGIN
    height = top + -(-num // columns) * cell_height
    if width * height > MAX_PIXELS:
        raise ConfigError(
            f"The sheet would have {width}x{height} pixels, but at most {MAX_PIXELS // 1_000_000} million can be "
            "looked at: show fewer or smaller samples."
        )
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, (name, color) in enumerate(zip(schema.classes, schema.palette, strict=True)):
        x = _MARGIN + index % legend_columns * 120
        y = _MARGIN + index // legend_columns * (_TEXT_HEIGHT + 4)
        draw.rectangle((x, y, x + 12, y + 12), fill=color, outline=_INK)
        draw.text((x + 17, y), f"{index} {name}", fill=_INK, font=font)
    for index, row in enumerate(progress(rows)):
        image, label_map = manifest.read(row)
        image, label_map = resize_image(image, size), resize_label_map(label_map, size)
        colors = schema.colorize(label_map)
        overlay = (image.astype(np.uint16) * 2 // 5 + colors.astype(np.uint16) * 3 // 5).astype(np.uint8)
        x, y = _MARGIN + index % columns * cell_width, top + index // columns * cell_height
        sheet.paste(Image.fromarray(np.concatenate([image, overlay], axis=1)), (x, y))
        attributes = [
            name for name, value in zip(manifest.spec.attribute_names, row.attributes, strict=True) if value > 0.5
        ]
        for line, text in enumerate((f"{row.name}  ({row.split})", ", ".join(attributes) or "no attributes")):
            draw.text((x, y + size + line * _TEXT_HEIGHT), _shorten(text, 2 * size, font), fill=_INK, font=font)
    return sheet


def _shorten(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while text and font.getlength(text) > width:
        text = text.removesuffix("…")[:-1] + "…"
    return text
