"""Inference of StackGAN: that of all systems that paint captions; it attends to no words."""

from __future__ import annotations

from typing import ClassVar, cast

from torch import Tensor, nn

from limner.nn.text_to_image import Blend
from limner.systems.stackgan.networks import Generator
from limner.text_to_image.pipeline import CaptionPipeline


class StackGANPipeline(CaptionPipeline):
    """Paints captions.

    Example:
        >>> limner.load("runs/stackgan", system="stackgan")("a woman with long red hair", num_images=4).save("woman")
    """

    name: ClassVar[str] = "stackgan"
    has_attention = False

    @classmethod
    def generator_class(cls) -> type[Generator]:
        """See `CaptionPipeline`."""
        return Generator

    def joined_networks(self) -> dict[str, nn.Module]:
        """See `CaptionPipeline`; the stage is a number here, as an exported network cannot ask a tensor for it."""
        return {"paint": _Paint(cast(Generator, self.components["generator"]))}


class _Paint(nn.Module):
    """A generator's `paint` in its stage."""

    def __init__(self, network: Generator) -> None:
        super().__init__()
        self.network, self.stage = network, int(network.stage)

    def forward(
        self, latent: Tensor, condition: Tensor, words: Tensor, is_word: Tensor, blend: Blend | None
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """See `CaptionGenerator.paint`."""
        return self.network.paint_in(self.stage, latent, condition), ()
