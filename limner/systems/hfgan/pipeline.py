"""Inference of HfGAN: that of all systems that paint captions, and a look at what is fused."""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import Tensor

from limner.errors import WeightsError
from limner.inputs import seed_range
from limner.mode import mode
from limner.nn.text_to_image import Blend, CaptionGenerator
from limner.plan import GenerationPlan
from limner.systems.hfgan.networks import NUM_SOURCES, Generator
from limner.text_to_image.pipeline import CaptionPipeline

LEVELS = ("coarse", "middle", "fine")


class HfGANPipeline(CaptionPipeline):
    """Paints captions.

    Example:
        >>> pipe = limner.load("hfgan")
        >>> pipe("a woman with long red hair", num_images=4).save("woman")
        >>> pipe.fusion("a man with a beard").save("fusion")
    """

    name: ClassVar[str] = "hfgan"

    @classmethod
    def generator_class(cls) -> type[Generator]:
        """See `CaptionPipeline`."""
        return Generator

    @mode
    def fusion(self, caption: str, *, seed: int = 0, batch_size: int | None = None) -> GenerationPlan:
        """The picture, then the same with one coarse map after the other left out of the fusion.

        A row a level, coarse to fine: the whole, then without each of its sources, coarse to fine.

        Args:
            caption: a sentence.
            seed: of the picture.
            batch_size: see `pictures`.

        Raises:
            WeightsError: if these weights fuse nothing.
            ConfigError: if the caption has no known word.
        """
        generator = cast(Generator, self.components["generator"])
        counts = generator.num_sources()
        if not counts:
            raise WeightsError("These weights were trained without fusion: there is nothing to leave out.")
        (read,) = self.read(caption)
        (seed,) = seed_range(seed, 1)
        names, without = [], []
        for level, count in enumerate(counts):
            names.append(f"{LEVELS[level]}-whole")
            without.append((-1, -1))
            for source in range(NUM_SOURCES):  # a level with fewer sources repeats the whole picture
                missing = source >= count
                names.append(f"{LEVELS[level]}-{'none' if missing else 'without'}-{source}")
                without.append((-1, -1) if missing else (level, source))
        return self._plan(
            [read],
            [0] * len(names),
            [seed] * len(names),
            without=without,
            names=names,
            settings={
                "mode": "fusion",
                "columns": 1 + NUM_SOURCES,
                "caption": caption[:1000],
                "weights": self.fusion_weights(),
            },
            batch_size=batch_size,
        )

    def fusion_weights(self) -> dict[str, list[float]]:
        """Size of a level -> mean weight of the level itself and of each coarser map, which sum to their number.

        Empty where weights are not learned.
        """
        generator = cast(Generator, self.components["generator"])
        return {level: [round(weight, 5) for weight in found] for level, found in generator.fusion_weights().items()}

    def _paint(
        self,
        plan: GenerationPlan,
        rows: range,
        generator: CaptionGenerator,
        given: tuple[Tensor, Tensor, Tensor, Tensor],
        blend: Blend | None,
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        if "without" not in plan.conditions:
            return super()._paint(plan, rows, generator, given, blend)
        assert isinstance(generator, Generator)  # by `generator_class`
        images, shares = [], []
        for row, (level, source) in enumerate(plan.condition("without", rows).tolist()):
            one = Blend(*(part[row : row + 1] for part in blend)) if blend is not None else None
            part = tuple(tensor[row : row + 1] for tensor in given)
            without = (level, source) if level >= 0 else None
            (image,), attention = generator.paint(*part, blend=one, without=without)
            images.append(image)
            shares.append(attention)
        return (torch.cat(images),), tuple(torch.cat(level) for level in zip(*shares, strict=True))
