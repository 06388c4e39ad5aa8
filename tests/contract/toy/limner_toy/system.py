"""The toy's training: first pictures of captions; then how bright each moment of a clip must be."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from limner.data.captioned import CaptionBatch, CaptionDataset, collate_captions
from limner.data.dataset import SampleDataset
from limner.data.manifest import open_manifest
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData, required
from limner.engine.engine import Engine
from limner.engine.optim import adam
from limner.engine.stages import copy_weights
from limner.engine.system import System
from limner.errors import ConfigError
from limner.pipelines import load
from limner.text_to_image.words import vocabulary_of
from limner_toy.pipeline import WORDS, Fader, Still, ToyPipeline
from limner_toy.presets import ToyConfig
from limner_toy.task import TASK


@dataclass
class Draws(CaptionBatch):
    """One iteration's data and random draws."""

    noise: Float[Tensor, "b 4"]
    moment: Float[Tensor, " b"]


class Toy(System[ToyConfig, CaptionBatch]):
    """Two networks, one after the other, and their distance to the pictures."""

    name: ClassVar[str] = "toy"
    pipeline_class: ClassVar[type[Any]] = ToyPipeline
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("l1", "min")

    def __init__(self, config: ToyConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.networks["still"] = Still(num_words=len(vocabulary_of(spec)), image_size=config.model.image_size)
        self.networks["fader"] = Fader()
        self.learner = "still" if config.stage.name == "still" else "fader"
        if (earlier := config.stage.still) is not None:
            copy_weights(self.networks["still"], load(earlier, "toy").components, "still", earlier)

    def prepare(self, device: torch.device) -> None:
        if self.learner == "fader" and self.config.stage.still is None:
            raise ConfigError("Stage clip needs stills: name a run of a preset that ends in -still with --stage.still.")

    @classmethod
    def open_data(cls, config: ToyConfig, path: Path | None) -> TrainingData:
        manifest = open_manifest(required(path, "toy"), **vars(config.dataset), needs=TASK.needs, asked_by="toy")
        samples = SampleDataset(manifest.split("train"), fields=TASK.needs, size=config.model.image_size)
        data = CaptionDataset(samples, length=WORDS)
        return TrainingData(manifest.spec, data, data, collate_captions)

    def optimizers(self) -> dict[str, Optimizer]:
        return adam(self.networks, {self.learner: self.config.optimizer.lr}, betas=(0.9, 0.999))

    def training_step(self, batch: CaptionBatch, engine: Engine) -> None:
        noise, moment = engine.randn(len(batch), 4, purpose="noise"), engine.rand(len(batch), purpose="moment")
        networks = self.networks | {self.learner: engine.networks[self.learner]}
        draws = Draws(**vars(batch), noise=noise, moment=torch.ones_like(moment) if self.learner == "still" else moment)
        engine.update(self.learner, lambda part: distance(networks, part, part.noise, part.moment), draws)

    def fixed_inputs(self, dataset: CaptionDataset) -> CaptionBatch:
        return collate_captions([dataset[index] for index in range(min(4, len(dataset)))])

    def sample(self, fixed: CaptionBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 s s"]:
        return torch.stack([fixed.image, networks["still"](fixed.words, fixed.image.new_zeros(len(fixed), 4))], dim=1)

    def validate(self, batches: Iterable[CaptionBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        found = [
            distance(networks, one, one.image.new_zeros(len(one), 4), one.image.new_tensor([0.5])) for one in batches
        ]
        return {"l1": float(torch.stack(found).mean())}


def distance(networks: dict[str, nn.Module], batch: CaptionBatch, noise: Tensor, moment: Tensor) -> Tensor:
    """Mean absolute difference of frames and pictures, both at those moments of fading in."""
    made = networks["fader"](networks["still"](batch.words, noise), moment)
    return (made - (moment[:, None, None, None] * (batch.image + 1) - 1)).abs().mean()
