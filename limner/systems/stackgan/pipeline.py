"""Inference of StackGAN: that of all systems that paint captions; it attends to no words."""

from __future__ import annotations

from typing import ClassVar

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
