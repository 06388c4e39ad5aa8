"""Clips of people who speak, as training and evaluation open them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from limner.data.config import Fit
from limner.data.fields import Field
from limner.data.manifest import Manifest, open_manifest
from limner.data.points import group_maps
from limner.data.spec import DataSpec
from limner.data.spoken import ClipDataset, collate_clips
from limner.engine.data import TrainingData, required
from limner.errors import DataError, WeightsError

FIELDS: tuple[Field, ...] = ("video", "audio")
USES: tuple[Field, ...] = ("captions", "identity")
MAX_VALIDATION = 48
"""Clips of one validation at most: each is many frames."""
GROUPS = (range(17), range(17, 27), range(27, 36), range(36, 48), range(48, 68))
"""Jaw, brows, nose, eyes, mouth: the landmark maps of AVWnet."""
SIGMA = 3 / 128
"""Of the landmark maps, as a share of the side (avwnet.md 2)."""
MOUTH_BOX = (0.33, 0.64, 0.67, 0.92)
"""Left, top, right, bottom of the mouth in an aligned face, as shares of its side."""
MOUTH = slice(48, 68)
"""Points of the mouth among the 68."""


def open_clips(
    path: str | Path, *, kind: str = "auto", fit: Fit | None = None, needs: tuple[Field, ...] = FIELDS, asked_by: str
) -> Manifest:
    """Clips with sound, with words and speakers where there are any.

    Raises:
        DataError: if the folder cannot be used.
    """
    uses = tuple(name for name in USES if name not in needs)
    return open_manifest(path, kind=kind, fit=fit, needs=needs, uses=uses, asked_by=asked_by)


def open_talking_data(
    config: Any,
    path: Path | None,
    *,
    asked_by: str,
    needs: tuple[Field, ...] = FIELDS,
    has_mel: bool = False,
    any_photo: bool = False,
) -> TrainingData:
    """The clips of a run.

    Args:
        config: of a system, with the sections `dataset`, `model` and `train`.
        path: folder of the data set.
        asked_by: name of the system, for messages.
        needs: fields that the clips must have.
        has_mel: whether mel bands are computed, too.
        any_photo: whether the photo of a training sample is any frame of its clip.

    Raises:
        ConfigError: if no folder is named.
        DataError: if the folder cannot be used.
    """
    dataset = config.dataset
    manifest = open_clips(required(path, asked_by), kind=dataset.kind, fit=dataset.fit, needs=needs, asked_by=asked_by)
    words = words_of(manifest)
    if "captions" in needs and len(words) < 2:
        raise DataError(
            f"{manifest.root} ({manifest.kind}) has {len(words)} words; {asked_by} tells two or more apart."
        )
    given: dict[str, Any] = {
        "size": config.model.image_size,
        "num_frames": dataset.num_frames,
        "categories": words,
        "has_mel": has_mel,
    }
    train = ClipDataset(manifest.split("train"), seed=config.train.seed, any_photo=any_photo, **given)
    held_out = manifest.split("val" if "val" in manifest.split_sizes() else "train")
    step = max(1, len(held_out) // MAX_VALIDATION)  # evenly: rows are sorted by word
    rows = held_out.rows[::step][:MAX_VALIDATION]
    validation = ClipDataset(dataclasses.replace(held_out, rows=rows), **given)
    return TrainingData(manifest.spec, train, validation, collate_clips)


def words_of(manifest: Manifest) -> tuple[str, ...]:
    """The words that clips are of, by the alphabet; none where clips are of sentences."""
    return tuple(sorted({row.category for row in manifest.rows} - {""}))


def known_words(spec: DataSpec) -> tuple[str, ...]:
    """The words that weights were trained to read, in the order of their numbers.

    Raises:
        WeightsError: if they know none.
    """
    if spec.vocabulary is None or len(spec.vocabulary) < 3:
        raise WeightsError("These weights know no words: use weights that were trained on clips of single words.")
    return tuple(sorted(word.upper() for word in spec.vocabulary.words[1:]))


def landmark_maps(
    points: Float[Tensor, "b 68 2"], size: int, *, usual: Float[Tensor, "68 2"]
) -> Float[Tensor, "b 5 h w"]:
    """One map a part of the face, in [0, 1].

    Args:
        points: x, y in pixels; NaN where nothing is known.
        size: height and width of the maps in pixels.
        usual: shares of the side, taken for what is not known.
    """
    known = torch.where(points.isnan(), usual.to(points) * size - 0.5, points)
    return group_maps(known, GROUPS, (size, size), sigma=SIGMA * size)


def mean_shape() -> Float[Tensor, "68 2"]:
    """Where faces of people-talking have their landmarks, shares of the side: the mean of the ready-made clips."""
    from limner.people.gallery import ready_clips

    clips = ready_clips()
    points = torch.stack([torch.from_numpy(clip.landmarks.mean(axis=0)) for clip in clips]).mean(dim=0)
    return ((points + 0.5) / 64).float()  # clips of 64 pixels
