"""What a run trains on: the two sets that `limner.engine.loop.fit` reads, and what a model must know of them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from limner.data.batch import TensorBatch
from limner.data.checks import refuse_wrong_order
from limner.data.dataset import MaskToImageDataset, collate
from limner.data.fields import Field
from limner.data.manifest import Manifest, open_manifest
from limner.data.spec import DataSpec
from limner.errors import missing
from limner.files import at_home

MAX_VALIDATION = 1_000
"""Images of one validation at most: it is repeated at every checkpoint."""
_LOOKED_AT = 16
"""Samples whose numbers are part of a fingerprint, evenly from the first to the last."""


_NEEDS: tuple[Field, ...] = ("image", "label_map")
_USES: tuple[Field, ...] = ("attributes",)


@dataclass(frozen=True)
class TrainingData:
    """The data of a run.

    Attributes:
        spec: what the trained weights must know of the data.
        train_set: items by `SampleKey`.
        validation_set: items by index; scored before each checkpoint.
        collate: list of items -> batch.
    """

    spec: DataSpec
    train_set: Dataset[Any]
    validation_set: Dataset[Any]
    collate: Callable[[list[Any]], TensorBatch]

    def fingerprint(self) -> str:
        """A hash of what is trained on: how many samples, their names and facts, and the numbers of some of them."""
        size = len(self.train_set)  # type: ignore[arg-type]
        found = hashlib.sha256(f"{size}".encode())
        manifest = getattr(self.train_set, "manifest", None)
        for row in [] if manifest is None else manifest.rows:
            found.update(repr((row.name, row.attributes)).encode())
        for index in sorted({number * (size - 1) // (_LOOKED_AT - 1) for number in range(_LOOKED_AT)}):
            for value in vars(self.collate([self.train_set[index]])).values():
                if isinstance(value, torch.Tensor):
                    found.update(repr(value.shape).encode() + value.contiguous().numpy().tobytes())
        return found.hexdigest()


def open_label_maps(config: Any, path: Path | None, *, asked_by: str) -> TrainingData:
    """Pictures with label maps: what most systems train on.

    Args:
        config: of a system, with the sections `dataset` and `augment`, `model.image_size` and `train.seed`.
        path: folder of the data set.
        asked_by: name of the system, for messages.

    Raises:
        ConfigError: if no folder is named.
        DataError: if the folder cannot be used.
    """
    # The fields of a `DataConfig` are the options of `open_manifest`.
    manifest = open_manifest(
        required(path, asked_by), **vars(config.dataset), needs=_NEEDS, uses=_USES, asked_by=asked_by
    )
    refuse_wrong_order(manifest)
    size = config.model.image_size
    train_set = MaskToImageDataset(
        manifest.split("train"), image_size=size, augment=config.augment, seed=config.train.seed
    )
    validation_set = MaskToImageDataset(_validation_rows(manifest), image_size=size)
    return TrainingData(manifest.spec, train_set, validation_set, collate)


def required(path: Path | None, system: str) -> Path:
    """The data folder that a system is trained on.

    Args:
        path: as the user named it, if at all.
        system: its name, for the example.

    Raises:
        ConfigError: if none is named.
    """
    if path is None:
        raise missing(["--data"], example=f"limner train {system} --preset cpu --data DATA --out runs/first")
    return at_home(path)


def _validation_rows(manifest: Manifest) -> Manifest:
    """Rows that choose the best checkpoint: never the test split, which is for `limner evaluate`."""
    rows = manifest.split("val" if "val" in manifest.split_sizes() else "train")
    return dataclasses.replace(rows, rows=rows.rows[:MAX_VALIDATION])
