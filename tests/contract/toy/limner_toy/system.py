"""The toy's training: first pictures of captions; then the brightness that each moment of a clip must have."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

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
from limner_toy.config import ToyConfig
from limner_toy.networks import Fader, Still, frame
from limner_toy.pipeline import NEEDS, WORDS, ToyPipeline


@dataclass
class Draws(CaptionBatch):
    """One iteration's data and random draws."""

    noise: Float[Tensor, "b 4"]
    moment: Float[Tensor, " b"]


class Toy(System[ToyConfig, CaptionBatch]):
    """Two networks, one after the other, and their distance to the pictures."""

    name: ClassVar[str] = "toy"
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("l1", "min")

    def __init__(self, config: ToyConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        num_words = len(spec.vocabulary) if spec.vocabulary is not None else 1
        self.networks |= {"still": Still(num_words=num_words, image_size=config.model.image_size), "fader": Fader()}
        earlier = config.stage.still
        if earlier is not None:
            copy_weights(self.networks["still"], load(earlier, "toy").components, "still", earlier)
        self.networks["still"].requires_grad_(config.stage.name == "still")

    def prepare(self, device: torch.device) -> None:
        if self.config.stage.name == "clip" and self.config.stage.still is None:
            raise ConfigError("Stage clip needs stills: name a run of a preset that ends in -still with --stage.still.")

    @classmethod
    def open_data(cls, config: ToyConfig, path: Path | None) -> TrainingData:
        manifest = open_manifest(required(path, "toy"), **vars(config.dataset), needs=NEEDS, asked_by="toy")
        samples = SampleDataset(manifest.split("train"), fields=NEEDS, size=config.model.image_size)
        data = CaptionDataset(samples, length=WORDS)
        return TrainingData(manifest.spec, data, data, collate_captions)

    def optimizers(self) -> dict[str, Optimizer]:
        learner = "still" if self.config.stage.name == "still" else "fader"
        return adam(self.networks, {learner: self.config.optimizer.lr}, betas=(0.9, 0.999))

    def training_step(self, batch: CaptionBatch, engine: Engine) -> None:
        noise, moment = engine.randn(len(batch), 4, purpose="noise"), engine.rand(len(batch), purpose="moment")
        draws = Draws(**vars(batch), noise=noise, moment=moment)
        if self.config.stage.name == "still":
            engine.update("still", lambda part: self.of_stills(part, engine), draws)
        else:
            engine.update("fader", lambda part: self.of_clips(part, engine), draws)

    def of_stills(self, part: Draws, engine: Engine) -> Tensor:
        still = engine.networks["still"]
        loss: Tensor = (still(part.words, part.noise) - part.image).abs().mean()
        return loss

    def of_clips(self, part: Draws, engine: Engine) -> Tensor:
        networks = {"still": self.networks["still"], "fader": engine.networks["fader"]}
        target = part.moment[:, None, None, None] * (part.image + 1) - 1
        return (frame(networks, part.words, part.noise, part.moment) - target).abs().mean()

    def fixed_inputs(self, dataset: CaptionDataset) -> CaptionBatch:
        return collate_captions([dataset[index] for index in range(min(4, len(dataset)))])

    def sample(self, fixed: CaptionBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 s s"]:
        return torch.stack([fixed.image, self.ends(fixed, networks)], dim=1)

    def validate(self, batches: Iterable[CaptionBatch], networks: dict[str, nn.Module]) -> dict[str, float]:
        found = [(self.ends(batch, networks) - batch.image).abs().mean() for batch in batches]
        return {"l1": float(torch.stack(found).mean())}

    def ends(self, batch: CaptionBatch, networks: dict[str, nn.Module]) -> Tensor:
        """Last frames of clips without noise."""
        ones = batch.image.new_ones(len(batch))
        return frame(networks, batch.words, batch.image.new_zeros(len(batch), 4), ones)

    def pipeline(self, networks: dict[str, nn.Module]) -> ToyPipeline:
        return ToyPipeline(spec=self.spec, size=self.config.model.image_size, **networks)
