"""The pictures of a study's rows side by side, for systems that paint captions."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
from PIL import Image

from limner.data.captions import Vocabulary
from limner.data.size import Size
from limner.reproduce.sheet import NUM_PICTURES, _of_captions
from limner.text_to_image.data import open_captions


def without_words(pipeline):
    """The same with other words."""
    other = copy.copy(pipeline)
    other.spec = dataclasses.replace(pipeline.spec, vocabulary=Vocabulary.of(["zebra"]))
    return other


def test_captions_with_their_pictures_and_those_of_each_row(hfgan, shapes) -> None:
    manifest = open_captions(shapes, asked_by="a test")
    sheet = _of_captions(manifest, {"one": hfgan, "same": hfgan}, Size(64, 64))
    pixels = np.asarray(sheet)
    count = min(NUM_PICTURES, len(manifest))
    assert pixels.shape[0] == 22 + count * 66 - 2
    left = pixels.shape[1] - 3 * 66 + 2
    assert (pixels[:, : left - 8] != 255).any(), "captions"

    def tile(row: int, column: int) -> np.ndarray:
        y, x = 22 + row * 66, left + column * 66
        return pixels[y : y + 64, x : x + 64]

    for row in range(count):
        assert (tile(row, 1) == tile(row, 2)).all()
        caption = max(manifest.marks_of(manifest.rows[row]).captions, key=len)
        assert (tile(row, 1) == np.asarray(hfgan(caption).images[0])).all()
    assert _of_captions(manifest, {"one": without_words(hfgan)}, Size(64, 64)) is None, (
        "and the report of a study does not fail"
    )
    real = Image.fromarray(manifest.read_whole_image(manifest.rows[0])).resize((64, 64), Image.Resampling.BICUBIC)
    assert abs(tile(0, 0).astype(int) - np.asarray(real)).mean() < 8
