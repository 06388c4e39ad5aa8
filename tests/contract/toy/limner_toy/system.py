"""The toy's training: the frame at a random moment must look like the captioned picture at that brightness."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import Dataset

from limner.data.batch import TensorBatch
from limner.data.captions import fit_words
from limner.data.manifest import Manifest, open_manifest
from limner.data.sampler import SampleKey
from limner.data.spec import DataSpec
from limner.data.transforms import resize_image
from limner.engine.data import TrainingData, required
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.system import System
from limner_toy.config import ToyConfig
from limner_toy.networks import Generator
from limner_toy.pipeline import WORDS, ToyPipeline


@dataclass
class Captioned(TensorBatch):
    """Pictures with their captions."""

    image: Float[Tensor, "b 3 s s"]
    words: Int64[Tensor, "b n"]
    index: Int64[Tensor, " b"]


class CaptionedPictures(Dataset[Any]):
    """The pictures of a manifest with their first captions."""

    def __init__(self, manifest: Manifest, size: int) -> None:
        self.manifest, self.size = manifest, size

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, key: int | SampleKey) -> tuple[Any, Any, int]:
        row = self.manifest.rows[index := key.index if isinstance(key, SampleKey) else range(len(self))[key]]
        vocabulary = self.manifest.spec.vocabulary
        assert vocabulary is not None  # the data were opened with captions
        words, _ = fit_words(vocabulary.encode(self.manifest.marks_of(row).captions[0]).ids, WORDS)
        return resize_image(self.manifest.read_image(row), self.size), words, index


def collate(samples: list[Any]) -> Captioned:
    """A batch of samples."""
    images, words, index = (torch.from_numpy(np.stack(column)) for column in zip(*samples, strict=True))
    return Captioned(images.permute(0, 3, 1, 2).float() / 127.5 - 1, words, index)


class Toy(System[ToyConfig, Captioned]):
    """One network and its distance to the pictures."""

    name: ClassVar[str] = "toy"
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("l1", "min")

    def __init__(self, config: ToyConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        num_words = len(spec.vocabulary.words) if spec.vocabulary is not None else 1
        model = config.model
        self.networks["generator"] = Generator(num_words=num_words, image_size=model.image_size, width=model.width)

    @classmethod
    def open_data(cls, config: ToyConfig, path: Path | None) -> TrainingData:
        options = config.dataset
        manifest = open_manifest(
            required(path), kind=options.kind, fit=options.fit, needs=("image", "captions"), asked_by="toy"
        )
        train = CaptionedPictures(manifest.split("train"), config.model.image_size)
        return TrainingData(manifest.spec, train, train, collate)

    def optimizers(self) -> dict[str, Optimizer]:
        return adam(self.networks, {"generator": self.config.optimizer.lr_generator}, betas=(0.9, 0.999))

    def training_step(self, batch: Captioned, engine: Engine) -> None:
        moment = engine.rand(len(batch), purpose="moment")
        noise = engine.randn(len(batch), 4, purpose="noise")
        draws = Draws(batch.image, batch.words, noise, moment)
        engine.update("generator", lambda part: self.distance(part, engine.networks["generator"]), draws)

    def distance(self, part: "Draws", generator: nn.Module) -> Tensor:
        target = part.moment[:, None, None, None] * (part.image + 1) - 1
        loss: Tensor = (generator(part.words, part.noise, part.moment) - target).abs().mean()
        return loss

    def fixed_inputs(self, dataset: CaptionedPictures) -> Captioned:
        return collate([dataset[index] for index in range(min(4, len(dataset)))])

    def sample(self, fixed: Captioned, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 s s"]:
        return torch.stack([fixed.image, last_frames(networks["generator"], fixed.words)], dim=1)

    def validate(self, batches: Iterable[Captioned], networks: dict[str, nn.Module]) -> dict[str, float]:
        found = [(last_frames(networks["generator"], one.words) - one.image).abs().mean() for one in batches]
        return {"l1": float(torch.stack(found).mean())}

    def pipeline(self, networks: dict[str, nn.Module]) -> ToyPipeline:
        return ToyPipeline(spec=self.spec, size=self.config.model.image_size, generator=networks["generator"])


@dataclass
class Draws(TensorBatch):
    """One iteration's data and random draws."""

    image: Float[Tensor, "b 3 s s"]
    words: Int64[Tensor, "b n"]
    noise: Float[Tensor, "b 4"]
    moment: Float[Tensor, " b"]


def last_frames(generator: nn.Module, words: Tensor) -> Tensor:
    """The ends of clips without noise."""
    frames: Tensor = generator(words, words.new_zeros(len(words), 4).float(), torch.ones(len(words)).to(words.device))
    return frames
