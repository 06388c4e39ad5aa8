"""Inference of the judge of faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from limner.ageing.data import open_faces
from limner.data.config import Fit
from limner.data.manifest import Manifest
from limner.inputs import PhotoInput, checked_images, read_square_photo, to_tensor
from limner.metrics.resize import Resize
from limner.pipelines import ExportTarget, Pipeline
from limner.systems.facejudge.networks import FaceNetwork, Verdict


class FaceJudgePipeline(Pipeline):
    """Says how old a face looks and who it is.

    Example:
        >>> judge = limner.load("facejudge")
        >>> judge.ages(images), judge.embed(images)
    """

    name: ClassVar[str] = "facejudge"

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The only network."""
        return {"judge": FaceNetwork}

    def __call__(self, photo: PhotoInput) -> dict[str, Any]:
        """Age in years and embedding of the face in a square photo, cut as UTKFace's.

        Raises:
            DataError: if the photo cannot be read or is not square.
            ShapeError: if an array is no picture.
        """
        pixels = read_square_photo(photo, image_size=self.image_size, fit=self.fit)
        verdict = self.verdict(to_tensor(pixels, self.device))
        return {
            "years": round(float(verdict.years[0]), 2),
            "embedding": [round(value, 5) for value in verdict.embedding[0].tolist()],
        }

    def verdict(self, image: Tensor) -> Verdict:
        """Age and embedding of faces (b, 3, h, w) in [-1, 1], of any size, framed as UTKFace's.

        Raises:
            ShapeError: if they are no such images.
        """
        image = checked_images(image, "image")
        with self.inference():
            small = Resize(self.image_size, antialias=True)(image)
            verdict: Verdict = self.components["judge"](small)
        return verdict

    def ages(self, images: Tensor) -> Float[Tensor, " b"]:
        """Expected age of each face; images and errors as of `verdict`."""
        return self.verdict(images).years

    def embed(self, images: Tensor) -> Float[Tensor, "b d"]:
        """A vector of length 1 for each face; images and errors as of `verdict`."""
        return self.verdict(images).embedding

    def open_data(
        self, path: str | Path, *, kind: str = "auto", fit: Fit | None = None, fix_sides: bool = False
    ) -> Manifest:
        """Faces with landmarks and ages; they are square, and their maps are not read."""
        self.refuse_unread(fit=fit, fix_sides=fix_sides)
        return open_faces(path, kind=kind, asked_by=self.name)

    def export_targets(self) -> dict[str, ExportTarget]:
        """`judge` (image -> age_logits, embedding)."""
        return {
            "judge": ExportTarget(
                _Tensors(self.components["judge"]), ("image",), ("age_logits", "embedding"), self.example_images
            )
        }


class _Tensors(nn.Module):
    """The verdict as a plain tuple."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(b, 3, h, w) -> (b, 117), (b, e)."""
        verdict: Verdict = self.network(image)
        return verdict.age_logits, verdict.embedding
