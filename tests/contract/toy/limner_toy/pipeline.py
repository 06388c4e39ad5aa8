"""Inference of the toy: caption + seed -> clip."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from limner.data.captions import fit_words
from limner.data.fields import Field
from limner.data.manifest import open_manifest
from limner.errors import ConfigError, WeightsError
from limner.media import Clip
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import GenerationPlan
from limner.results import GenerationResult
from limner_toy.networks import Fader, Still, frame

NEEDS: tuple[Field, ...] = ("image", "captions")
WORDS = 8
"""Length of a caption."""
FRAMES = 6
"""Length of a clip."""


class ToyPipeline(Pipeline):
    """Makes clips of captions."""

    name: ClassVar[str] = "toy"
    suffix: ClassVar[str] = ".mp4"

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        return {"still": Still, "fader": Fader}

    def __call__(self, caption: str, *, seed: int = 0, num_images: int = 1, batch_size: int = 1) -> GenerationResult:
        return self.render(self.plan(caption, seed=seed, num_images=num_images, batch_size=batch_size))

    def plan(self, caption: str, *, seed: int = 0, num_images: int = 1, batch_size: int = 1) -> GenerationPlan:
        vocabulary = self.spec.vocabulary
        if vocabulary is None:
            raise WeightsError("These weights know no words.")
        found = vocabulary.encode(caption)
        if not found.ids:
            raise ConfigError(f'No word of "{caption}" is known; these are: {", ".join(vocabulary.words[1:])}.')
        words, _ = fit_words(found.ids, WORDS)
        seeds = [seed + number for number in range(num_images)]
        return GenerationPlan(seeds, {"caption": caption}, {"words": words[None]}, batch_size=batch_size)

    def open_data(self, path: str | Path, *, kind: str = "auto", fit: Any = None, fix_sides: bool = False) -> Any:
        return open_manifest(path, kind=kind, fit=fit, needs=NEEDS, asked_by="toy")

    def export_targets(self) -> dict[str, ExportTarget]:
        def example(batch: int) -> tuple[torch.Tensor, ...]:
            return torch.ones(batch, WORDS, dtype=torch.int64), torch.zeros(batch, 4)

        return {"still": ExportTarget(self.components["still"], ("words", "noise"), ("image",), example)}

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Clip]:
        words = torch.from_numpy(plan.condition("words", rows).copy()).to(self.device)
        noise = [torch.randn(4, generator=torch.Generator().manual_seed(seed)) for seed in plan.seeds_of(rows)]
        given, frames = (words, torch.stack(noise).to(self.device)), []
        for moment in torch.linspace(0, 1, FRAMES, device=self.device):
            image = frame(self.components, *given, moment.expand(len(rows)))
            frames.append(((image + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy())
        return [Clip(clip, frames_per_second=6.0) for clip in np.stack(frames, axis=1)]
