"""Batches of a whole set for evaluations: every row once, with one of its captions."""

from __future__ import annotations

from collections.abc import Iterator

from limner.data.captions import Vocabulary
from limner.data.manifest import Manifest
from limner.data.sampler import SampleKey
from limner.text_to_image.data import CaptionedBatch, CaptionedPictures, Drawn, collate


def captioned_rows(
    manifest: Manifest,
    *,
    image_size: int,
    length: int,
    vocabulary: Vocabulary,
    batch_size: int,
    seed: int,
    drawn: Drawn = "evenly",
) -> Iterator[CaptionedBatch]:
    """Every picture in order, unchanged, with one of its captions, which depends on the seed and the row alone.

    Args:
        manifest: the rows.
        image_size: of the pictures.
        length: of a caption in words.
        vocabulary: that gives the numbers.
        batch_size: pictures in a batch.
        seed: chooses the captions.
        drawn: how they are chosen.

    Raises:
        DataError: if a file cannot be used, or a picture has no caption that is known.
    """
    pictures = CaptionedPictures(
        manifest, image_size=image_size, length=length, vocabulary=vocabulary, drawn=drawn, seed=seed
    )
    for start in range(0, len(pictures), batch_size):
        rows = range(start, min(start + batch_size, len(pictures)))
        yield collate([pictures[SampleKey(row, row)] for row in rows])
