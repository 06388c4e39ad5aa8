"""Inference of AttnGAN: that of all systems that paint captions."""

from __future__ import annotations

from typing import ClassVar

from limner.systems.attngan.networks import Generator
from limner.text_to_image.pipeline import CaptionPipeline


class AttnGANPipeline(CaptionPipeline):
    """Paints captions.

    Example:
        >>> limner.load("runs/attngan", system="attngan")("a woman with long red hair", num_images=4).save("woman")
    """

    name: ClassVar[str] = "attngan"

    @classmethod
    def generator_class(cls) -> type[Generator]:
        """See `CaptionPipeline`."""
        return Generator
