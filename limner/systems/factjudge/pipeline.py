"""Inference of the judge of facts."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.inputs import PhotoInput, checked_images, read_square_photo, to_tensor
from limner.metrics.resize import Resize
from limner.pipelines import ExportTarget, Pipeline
from limner.systems.factjudge.networks import FactNetwork, by_question


class FactJudgePipeline(Pipeline):
    """Answers questions about pictures.

    Example:
        >>> judge = limner.load("runs/factjudge", system="factjudge")
        >>> judge("face.png")["glasses"]
    """

    name: ClassVar[str] = "factjudge"

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The only network."""
        return {"judge": FactNetwork}

    @property
    def questions(self) -> dict[str, tuple[str, ...]]:
        """Question -> its answers."""
        return by_question(self.config("judge")["answers"])

    def __call__(self, photo: PhotoInput) -> dict[str, str]:
        """The answers about a square picture.

        Raises:
            DataError: if the picture cannot be read or is not square.
            ShapeError: if an array is no picture.
        """
        pixels = read_square_photo(photo, image_size=self.image_size, fit=self.fit)
        return self.facts(to_tensor(pixels, self.device))[0]

    def logits(self, image: Tensor) -> Float[Tensor, "b n"]:
        """Logits of all answers for pictures (b, 3, h, w) in [-1, 1] of any size.

        Raises:
            ShapeError: if they are no such images.
        """
        return self._logits(checked_images(image, "image"))

    def _logits(self, image: Tensor) -> Tensor:
        with self.inference():
            small = Resize(self.image_size, antialias=True)(image)
            logits: Tensor = self.components["judge"](small.float())
        return logits

    def facts(self, images: Tensor) -> list[dict[str, str]]:
        """The answers about pictures (b, 3, h, w) in [-1, 1] of any size: question -> answer, for each picture.

        Raises:
            ShapeError: if they are no such images.
        """
        images = checked_images(images)
        questions = self.questions
        parts = torch.cat([self._logits(part) for part in images.split(64)]).split(
            [len(known) for known in questions.values()], dim=1
        )
        numbers = [part.argmax(dim=1).tolist() for part in parts]
        return [
            {question: known[numbers[place][row]] for place, (question, known) in enumerate(questions.items())}
            for row in range(len(images))
        ]

    def export_targets(self) -> dict[str, ExportTarget]:
        """`judge` (image -> logits of all answers)."""
        return {"judge": ExportTarget(self.components["judge"], ("image",), ("logits",), self.example_images)}
