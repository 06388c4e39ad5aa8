"""Inference of DAMSM: codes of captions and pictures, and how well they fit together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, WeightsError
from limner.inputs import PhotoInput, checked_images, checked_words, read_square_photo, to_tensor
from limner.losses.image_text import word_scores
from limner.metrics.resize import Resize
from limner.pipelines import ExportTarget, Pipeline
from limner.text_to_image.encoders import ImageEncoder, TextEncoder, is_word
from limner.text_to_image.words import as_rows, read_captions, vocabulary_of


class DAMSMPipeline(Pipeline):
    """Says how well captions and pictures fit together.

    Example:
        >>> judge = limner.load("damsm")
        >>> judge("face.png", ["a man with a beard", "a woman with long hair"])
    """

    name: ClassVar[str] = "damsm"

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        found = self.config("text_encoder")["num_words"]
        if found != len(vocabulary_of(spec)):
            raise WeightsError(
                f"The text encoder knows {found} words, but the vocabulary beside it has {len(vocabulary_of(spec))}: "
                "they are of two trainings."
            )

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """Both encoders."""
        return {"text_encoder": TextEncoder, "image_encoder": ImageEncoder}

    def __call__(self, photo: PhotoInput | Sequence[PhotoInput], caption: str | Sequence[str]) -> list[dict[str, Any]]:
        """How well each picture fits each caption.

        Args:
            photo: one or several square pictures.
            caption: one or several sentences.

        Returns:
            For each picture a list of `{"caption", "sentence", "words"}`: the cosine of picture and sentence, and the
            score of regions and words (Eq. 10), of which the larger fits better.

        Raises:
            ConfigError: if there is no picture or no caption, or a caption has no known word.
            DataError: if a picture cannot be read or is not square.
            ShapeError: if an array is no picture.
        """
        photos: list[Any] = list(photo) if isinstance(photo, list | tuple) else [photo]
        captions = read_captions(caption, vocabulary_of(self.spec))
        if not photos:
            raise ConfigError("At least one picture is needed.")
        pixels = [read_square_photo(one, image_size=self.image_size, fit=self.fit) for one in photos]
        image = torch.cat([to_tensor(one, self.device) for one in pixels])
        ids = torch.from_numpy(as_rows(captions)).to(self.device)
        by_sentence, by_words = self.scores(image, ids)
        return [
            {
                "scores": [
                    {"caption": one.text, "sentence": round(float(a), 4), "words": round(float(b), 4)}
                    for one, a, b in zip(captions, near, told, strict=True)
                ]
            }
            for near, told in zip(by_sentence, by_words, strict=True)
        ]

    def text_codes(self, words: Tensor) -> tuple[Float[Tensor, "b e t"], Float[Tensor, "b e"], Bool[Tensor, "b t"]]:
        """Numbers of words (b, t) int64, 0 behind the last -> codes of words and sentences, and where words are.

        Raises:
            ShapeError: if they are no such numbers.
        """
        there = is_word(checked_words(words, len(vocabulary_of(self.spec))))
        with self.inference():
            codes, sentence = self.components["text_encoder"](words, there.sum(dim=1))
        return codes, sentence, there

    def picture_codes(self, image: Tensor) -> tuple[Float[Tensor, "b e r"], Float[Tensor, "b e"]]:
        """Pictures (b, 3, h, w) in [-1, 1] of any size -> codes of regions and of the whole.

        Raises:
            ShapeError: if they are no such images.
        """
        image = checked_images(image, "image")
        with self.inference():
            small = Resize(self.image_size, antialias=True)(image)
            regions, code = self.components["image_encoder"](small.float())
        return regions, code

    def scores(self, image: Tensor, words: Tensor) -> tuple[Float[Tensor, "i j"], Float[Tensor, "i j"]]:
        """Cosine of each picture with each sentence, and the score of regions and words.

        Raises:
            ShapeError: as `picture_codes` and `text_codes`.
        """
        regions, code = self.picture_codes(image)
        codes, sentence, there = self.text_codes(words)
        cosines = functional.normalize(code, dim=1) @ functional.normalize(sentence, dim=1).T
        return cosines, word_scores(regions, codes, there)

    def export_targets(self) -> dict[str, ExportTarget]:
        """`image_encoder` (image -> regions, code); the text encoder packs its captions, which other runtimes lack."""
        return {
            "image_encoder": ExportTarget(
                self.components["image_encoder"], ("image",), ("regions", "code"), self.example_images
            )
        }
