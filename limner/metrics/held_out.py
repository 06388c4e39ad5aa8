"""What every evaluation begins with: the rows that it looks at, and the conditions that its numbers share."""

from __future__ import annotations

from typing import Any

from limner.data.manifest import Manifest
from limner.errors import ConfigError, counted
from limner.metrics.protocol import Protocol


def held_out(
    manifest: Manifest, split: str, num_images: int | None, *, batch_size: int = 1, least: int = 1
) -> tuple[Manifest, int]:
    """The rows of a split, and how many of them, from the first, are looked at.

    Args:
        manifest: the whole data set.
        split: rows to use; "all" for every row.
        num_images: how many of them; none: all.
        batch_size: images in one forward pass.
        least: images that the evaluation takes.

    Raises:
        ConfigError: if there are too few images, or a batch holds none.
        DataError: if there is no such split.
    """
    rows = manifest if split == "all" else manifest.split(split)
    count = len(rows) if num_images is None else num_images
    if not least <= count <= len(rows) or batch_size < 1:
        raise ConfigError(
            f"{counted(count, 'image')} in batches of {batch_size} cannot be evaluated: the split {split} has "
            f"{len(rows)} images, it takes {least} at least, and a batch has at least one."
        )
    return rows, count


def conditions(pipeline: Any, rows: Manifest, *, split: str, count: int, itself: bool = False, **more: Any) -> Protocol:
    """The protocol that the numbers of an evaluation share, without a metric; `dataclasses.replace` names each.

    Args:
        pipeline: what is evaluated.
        rows: of the split.
        split: its name.
        count: images that are judged.
        itself: whether the weights judge, as those of a judge that is tried.
        more: further values of the protocol.
    """
    if itself:
        more |= {"network": pipeline.weights_name, "network_sha256": pipeline.weights_hash}
    size = pipeline.size
    return Protocol(
        metric="",
        split=split,
        count=count,
        resolution=size.height if size.square else (size.height, size.width),
        data_fingerprint=rows.fingerprint(),
        **more,
    )
