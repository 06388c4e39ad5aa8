"""The toy's two networks, and its inference: caption + seed -> clip."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from limner.data.captions import fit_words
from limner.inputs import seed_range, to_pictures
from limner.media import Clip
from limner.nn.configured import Configured
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import Condition, GenerationPlan
from limner.results import GenerationResult
from limner.text_to_image.words import read_caption, vocabulary_of

WORDS, FRAMES = 8, 6
"""Lengths of a caption and of a clip."""


class Still(Configured):
    """Words (b, n) and noise (b, 4) -> pictures (b, 3, s, s) in [-1, 1]."""

    def __init__(self, *, num_words: int, image_size: int) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(num_words, 16, padding_idx=0)
        self.to_image = nn.Sequential(nn.Linear(20, 3 * image_size**2), nn.Tanh(), nn.Unflatten(1, (3, image_size, -1)))

    def forward(self, words: Tensor, noise: Tensor) -> Tensor:
        image: Tensor = self.to_image(torch.cat([self.words(words), 0.1 * noise], dim=1))
        return image


class Fader(Configured):
    """Stills (b, 3, s, s) in [-1, 1] and moments (b,) in [0, 1] -> frames, black at 0, the still at 1."""

    def __init__(self) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.ones(()))

    def forward(self, still: Tensor, moment: Tensor) -> Tensor:
        return (moment ** self.power.exp())[:, None, None, None] * (still + 1) - 1


class ToyPipeline(Pipeline):
    """Makes clips of captions."""

    name: ClassVar[str] = "toy"
    suffix: ClassVar[str] = ".mp4"

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        return {"still": Still, "fader": Fader}

    def __call__(self, caption: str, *, seed: int = 0) -> GenerationResult:
        return self.render(self.plan(caption, seed=seed))

    def plan(self, caption: str, *, seed: int = 0, num_images: int = 1, batch_size: int = 1) -> GenerationPlan:
        words, _ = fit_words(read_caption(caption, vocabulary_of(self.spec)).ids, WORDS)
        seeds = seed_range(seed, num_images)
        return GenerationPlan(seeds, {"caption": caption}, {"words": words[None]}, batch_size=batch_size)

    def plan_conditions(self) -> dict[str, Condition]:
        return {"words": Condition("int64", (WORDS,), 0, len(vocabulary_of(self.spec)) - 1)}

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Clip]:
        words = torch.from_numpy(plan.condition("words", rows).copy()).to(self.device)
        noise = [torch.randn(4, generator=torch.Generator().manual_seed(seed)) for seed in plan.seeds_of(rows)]
        still = self.components["still"](words, torch.stack(noise).to(self.device))
        moments = torch.linspace(0, 1, FRAMES, device=self.device).expand(len(rows), -1)
        frames = [to_pictures(self.components["fader"](still, moment)) for moment in moments.T]
        return [Clip(np.stack([np.asarray(frame) for frame in clip]), 6.0) for clip in zip(*frames, strict=True)]

    def export_targets(self) -> dict[str, ExportTarget]:
        def example(batch: int) -> tuple[Tensor, ...]:
            return torch.ones(batch, WORDS, dtype=torch.int64), torch.zeros(batch, 4)

        return {"still": ExportTarget(self.components["still"], ("words", "noise"), ("image",), example)}
