"""Inference of HDGAN: that of all systems that paint captions; it attends to no words."""

from __future__ import annotations

from typing import ClassVar

from limner.systems.hdgan.networks import Generator
from limner.text_to_image.pipeline import CaptionPipeline


class HDGANPipeline(CaptionPipeline):
    """Paints captions.

    Example:
        >>> limner.load("runs/hdgan", system="hdgan")("a woman with long red hair", num_images=4).save("woman")
    """

    name: ClassVar[str] = "hdgan"
    has_attention = False

    @classmethod
    def generator_class(cls) -> type[Generator]:
        """See `CaptionPipeline`."""
        return Generator
