"""What the stages train on: strokes drawn by code for the renderer, pictures for the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from limner.backbones.vgg import VGG
from limner.data.batch import TensorBatch
from limner.data.datasets.images import PictureCache, open_pictures
from limner.data.sampler import SampleKey
from limner.data.spec import DataSpec
from limner.data.transforms import resize_image
from limner.engine.data import MAX_VALIDATION, TrainingData, required
from limner.errors import DataError
from limner.files import sha256_of
from limner.systems.painter.config import PainterConfig, PictureConfig
from limner.systems.painter.environment import Scene
from limner.systems.painter.networks import NUM_SHAPE
from limner.systems.painter.rasterizer import stroke_alphas
from limner.systems.painter.weight_map import find_face, find_subject, gradient_features, vgg_features

log = logging.getLogger("limner")

Bytes = NDArray[np.uint8]

bar = partial(tqdm, disable=None, leave=False)
"""Shows how far a cache is, on a terminal alone."""

NUM_STROKES = 1_000_000  # an "epoch" of strokes; every stroke is new, so that it only bounds the sampler's shuffles
_MAX_EPISODES = 200  # that judge an agent: each is a whole painting
NUM_HELD_OUT = 256
"""Strokes that judge a renderer; the second half has the thinnest brush, which a renderer loses first."""


@dataclass
class StrokeBatch(TensorBatch):
    """Shapes of single strokes and what they look like."""

    shape: Float[Tensor, "b 10"]
    alpha: Float[Tensor, "b 1 size size"]


class StrokeDataset(Dataset[tuple[NDArray[np.float32], NDArray[np.float32]]]):
    """Uniformly random strokes, each from random numbers of its own, drawn exactly.

    Args:
        num: length; `dataset[i]` is held-out stroke i, `dataset[SampleKey(i, p)]` is training stroke p.
        size: side in pixels.
        seed: of the training strokes.
    """

    def __init__(self, num: int, *, size: int, seed: int) -> None:
        self.num, self.size, self.seed = num, size, seed

    def __len__(self) -> int:
        return self.num

    def __getitem__(self, key: int | SampleKey) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Shape (10,) and opacity (size, size)."""
        if isinstance(key, SampleKey):
            shape = np.random.default_rng((self.seed, key.position)).random(NUM_SHAPE, np.float32)
        else:
            shape = np.random.default_rng((0, 1, range(self.num)[key])).random(NUM_SHAPE, np.float32)
            if key >= self.num // 2:
                shape[6:8] = 0
        return shape, stroke_alphas(shape[None], self.size)[0]


def collate_strokes(samples: list[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> StrokeBatch:
    """Stack strokes."""
    shapes, alphas = zip(*samples, strict=True)
    return StrokeBatch(torch.from_numpy(np.stack(shapes)), torch.from_numpy(np.stack(alphas))[:, None])


class SceneDataset(Dataset[tuple[Bytes, Bytes, Bytes]]):
    """Pictures with attention labels and feature masks; see `SampleKey` for what is augmented.

    Args:
        images: (n, size, size, 3).
        attention: (n, size, size) labels; none: 255 everywhere.
        features: (n, size, size); none: 0 everywhere.
        rows: places of this set's pictures.
        config: strength of the augmentation.
        seed: of the augmentation.
        moves: also cut and recolour, not only mirror.
    """

    def __init__(
        self,
        images: Bytes,
        attention: Bytes | None,
        features: Bytes | None,
        rows: Sequence[int],
        *,
        config: PictureConfig,
        seed: int,
        moves: bool = False,
    ) -> None:
        self.images, self.attention, self.features = images, attention, features
        self.rows, self.config, self.seed, self.moves = rows, config, seed, moves

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: int | SampleKey) -> tuple[Bytes, Bytes, Bytes]:
        """Picture (size, size, 3), attention and features (size, size)."""
        row = self.rows[key.index if isinstance(key, SampleKey) else range(len(self))[key]]
        image = np.array(self.images[row])
        features = np.zeros_like(image[..., 0]) if self.features is None else np.array(self.features[row])
        attention = np.full_like(features, 255) if self.attention is None else np.array(self.attention[row])
        if not isinstance(key, SampleKey):
            return image, attention, features
        random = np.random.default_rng((self.seed, key.position))
        if random.random() < 0.5 and self.config.flip:
            image, attention, features = (np.ascontiguousarray(part[:, ::-1]) for part in (image, attention, features))
        if self.moves:
            image, attention, features = _cropped((image, attention, features), self.config.crop, random)
            image = _recolored(image, self.config.jitter, random)
        return image, attention, features


def collate_scenes(samples: list[tuple[Bytes, Bytes, Bytes]]) -> Scene:
    """Stack pictures and maps; all become float32 in [0, 1]."""
    images, attention, features = (torch.from_numpy(np.stack(parts)) for parts in zip(*samples, strict=True))
    target = images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)
    return Scene(target, attention[:, None].float().div_(255), features[:, None].float().div_(255))


def open_stage_data(config: PainterConfig, path: Path | None, *, asked_by: str) -> TrainingData:
    """The data of the stage that is trained. `asked_by` is the system's name, for messages.

    Raises:
        ConfigError: if the stage needs a folder and none is named.
        DataError: if the folder has no pictures that can be used.
    """
    size, seed = config.model.image_size, config.train.seed
    if config.stage.name == "renderer":
        return TrainingData(
            DataSpec(),
            StrokeDataset(NUM_STROKES, size=size, seed=seed),
            StrokeDataset(NUM_HELD_OUT, size=size, seed=0),
            collate_strokes,
        )
    is_attention, zoom = config.stage.name == "attention", config.dataset.zoom
    if not is_attention:
        size *= zoom
    folder = config.dataset.cache
    pictures = open_pictures(required(path, asked_by), size=size, fit=config.dataset.fit, cache=folder, progress=bar)
    # Of a picture that will be cut, the agent finds the features after the cut.
    features = feature_maps(pictures, config.dataset) if zoom == 1 and not is_attention else None
    needs_labels = is_attention or config.model.attention == "labels"
    attention = attention_labels(pictures, config.dataset) if needs_labels else None
    make = partial(SceneDataset, pictures.images, attention, features, config=config.dataset, seed=seed)
    validation = "val" if "val" in pictures.splits else "train"
    return TrainingData(
        DataSpec(),
        make(pictures.rows("train"), moves=is_attention),
        make(pictures.rows(validation)[: MAX_VALIDATION if is_attention else _MAX_EPISODES]),
        collate_scenes,
    )


def feature_maps(pictures: PictureCache, config: PictureConfig) -> Bytes:
    """The feature mask of every picture, cached.

    Raises:
        WeightsError: if the named file is not VGG-16's.
    """
    kind = usable_features(config)
    key = f"features-{kind}"
    if kind == "vgg16" and config.vgg16 is not None:
        key += f"-{sha256_of(config.vgg16)[:16]}"
    return pictures.derived(key, _on_bytes(feature_function(kind, config.vgg16)), progress=bar)


def usable_features(config: PictureConfig) -> Literal["gradient", "vgg16"]:
    """The kind of feature mask that can be computed here: without VGG-16's file the gradient stands in."""
    if config.features == "vgg16" and (config.vgg16 is None or not Path(config.vgg16).is_file()):
        log.warning("There is no file with the weights of VGG-16 (%s): the gradient is the feature mask.", config.vgg16)
        return "gradient"
    return config.features


def feature_function(kind: str, vgg16: str | Path | None) -> Callable[[Tensor], Tensor]:
    """RGB in [0, 1] -> feature mask in [0, 1].

    Raises:
        WeightsError: if the named file is not VGG-16's.
    """
    if kind == "vgg16" and vgg16 is not None:
        return vgg_features(VGG.from_file(vgg16, 16))
    return gradient_features


def attention_labels(pictures: PictureCache, config: PictureConfig) -> Bytes:
    """What attention should be in every picture: masks where the set has them, else what `find_subject` finds.

    Raises:
        DataError: if masks are asked for and a picture has none.
    """
    if config.labels == "masks" and not pictures.has_mask.all():
        name = pictures.names[int(np.flatnonzero(~pictures.has_mask)[0])]
        raise DataError(f"{name} has no mask; give each picture one in masks/, or choose --dataset.labels saliency.")
    if config.labels in ("auto", "masks") and pictures.has_mask.all():
        return pictures.masks
    if config.labels == "faces":
        return pictures.derived("attention-faces", _on_bytes(find_face), progress=bar)
    found = pictures.derived("attention-saliency", _on_bytes(find_subject), progress=bar)
    if config.labels == "saliency" or not pictures.has_mask.any():
        return found
    return np.where(pictures.has_mask[:, None, None], pictures.masks, found)


def _on_bytes(function: Callable[[Tensor], Tensor]) -> Callable[[Bytes], Bytes]:
    def compute(images: Bytes) -> Bytes:
        unit = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
        return (function(unit)[:, 0].clamp(0, 1) * 255).round().byte().numpy()

    return compute


def _cropped(parts: tuple[Bytes, Bytes, Bytes], most: float, random: np.random.Generator) -> tuple[Bytes, Bytes, Bytes]:
    """The same random square of all parts, pulled to their size."""
    size = len(parts[0])
    side = max(8, round(size * (1 - most * random.random())))
    top, left = random.integers(0, size - side + 1, 2).tolist()
    cut = [np.ascontiguousarray(part[top : top + side, left : left + side]) for part in parts]
    image, attention, features = (resize_image(part, size) for part in cut)
    return image, attention, features


def _recolored(image: Bytes, strength: float, random: np.random.Generator) -> Bytes:
    """Brightness, contrast and saturation changed by factors in [1 - strength, 1 + strength]."""
    brightness, contrast, saturation = 1 + strength * (2 * random.random(3) - 1)
    pixels = image.astype(np.float32) * brightness
    pixels = pixels.mean() + contrast * (pixels - pixels.mean())
    grey = pixels.mean(axis=2, keepdims=True)
    return (grey + saturation * (pixels - grey)).clip(0, 255).round().astype(np.uint8)
