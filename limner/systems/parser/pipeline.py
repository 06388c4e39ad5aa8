"""Inference of the parser: images in, label maps, attributes and features out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor, nn

from limner.data.image_io import photo_from_pil, read_photo
from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, ShapeError, WeightsError
from limner.inputs import checked_images, whole_number
from limner.pipelines import ExportTarget, Pipeline
from limner.systems.parser.networks import ParserOutput, ParsingNetwork
from limner.tasks import MAX_IMAGES

ImageInput = Image.Image | NDArray[Any] | str | Path


@dataclass(frozen=True)
class ParsingResult:
    """What the parser sees.

    Attributes:
        label_maps: (images, height, width), uint8 class ids, at the pipeline's image size.
        attributes: (images, attributes), float32 probabilities, in the order of `spec.attribute_names`.
        features: (images, features), float32; see `ParserPipeline.features`.
    """

    label_maps: NDArray[np.uint8]
    attributes: NDArray[np.float32]
    features: NDArray[np.float32]


class ParserPipeline(Pipeline):
    """Labels every pixel of an image; also the judge of `limner evaluate`.

    Example:
        >>> parser = limner.load("parser")
        >>> result = parser("photo.jpg")
        >>> colours = parser.spec.schema.colorize(result.label_maps[0])
    """

    name: ClassVar[str] = "parser"

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        config = self.network.config
        found = (config["num_classes"], config["num_attributes"])
        if found != (spec.schema.num_classes, len(spec.attribute_names)):
            raise WeightsError(
                f"The parser gives {found[0]} classes and {found[1]} attributes, but its data description has "
                f"{spec.schema.num_classes} and {len(spec.attribute_names)}"
            )

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The one network."""
        return {"parser": ParsingNetwork}

    @property
    def network(self) -> ParsingNetwork:
        """The network itself."""
        network = self.components["parser"]
        assert isinstance(network, ParsingNetwork)  # by `network_classes`; tells the type checker
        return network

    @property
    def num_features(self) -> int:
        """Length of a feature vector."""
        return self.network.num_features

    def export_targets(self) -> dict[str, ExportTarget]:
        """`parser` (image in [-1, 1] of this size -> logits)."""
        return {"parser": ExportTarget(_Logits(self.network), ("image",), ("logits",), self.example_images)}

    def __call__(self, images: ImageInput | Sequence[ImageInput], *, batch_size: int = 16) -> ParsingResult:
        """Parse images; they are cropped to a centred square and resized (bilinear, antialiased) to `image_size`.

        Args:
            images: one or several PIL images, RGB uint8 arrays (height, width, 3), or paths.
            batch_size: images in one forward pass.

        Raises:
            ConfigError: if there is no image or the batch size is not positive.
            DataError: if a file cannot be read.
            ShapeError: if an array is not (height, width, 3) uint8.
        """
        if isinstance(images, Image.Image | np.ndarray | str | Path):
            images = [images]
        if not isinstance(images, list | tuple):
            raise ShapeError(
                f"The images are a {type(images).__name__}; give a file, a PIL picture, a uint8 array (height, width, "
                "3), or a list of these."
            )
        whole_number("batch_size", batch_size, 1, MAX_IMAGES)
        if not images:
            raise ConfigError("The parser needs at least one image, but the list is empty.")
        outputs = []
        for start in range(0, len(images), batch_size):
            arrays = [self._prepare(image) for image in images[start : start + batch_size]]
            batch = torch.from_numpy(np.stack(arrays)).to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
            outputs.append(self.parse(batch))
        logits, attribute_logits, features, _ = (torch.cat(column) for column in zip(*outputs, strict=True))
        exclusive = self.spec.attribute_kind == "exclusive"
        attributes = attribute_logits.softmax(1) if exclusive else attribute_logits.sigmoid()
        return ParsingResult(
            label_maps=logits.argmax(1).byte().cpu().numpy(),
            attributes=attributes.cpu().numpy(),
            features=features.cpu().numpy(),
        )

    def parse(self, image: Tensor) -> ParserOutput:
        """All outputs of the network for images (b, 3, h, w) in [-1, 1], any size.

        Raises:
            ShapeError: if they are no such images.
        """
        with self.inference():
            output: ParserOutput = self.network(checked_images(image, "image"))
        return output

    def logits(self, image: Tensor) -> Float[Tensor, "batch classes height width"]:
        """Class scores of images (b, 3, h, w) in [-1, 1], any size; errors as `parse`."""
        return self.parse(image).logits

    def predict(self, image: Tensor) -> Int64[Tensor, "batch height width"]:
        """Class ids of images (b, 3, h, w) in [-1, 1], any size; errors as `parse`."""
        return self.logits(image).argmax(1)

    def attribute_logits(self, image: Tensor) -> Float[Tensor, "batch attributes"]:
        """Attribute scores of images (b, 3, h, w) in [-1, 1], any size; errors as `parse`."""
        with self.inference():
            return self.network.attribute_logits(checked_images(image, "image"))

    def features(self, image: Tensor) -> Float[Tensor, "batch features"]:
        """Feature vectors of images (b, 3, h, w) in [-1, 1], any size: the space of "FD-parser"; errors as `parse`."""
        with self.inference():
            return self.network.features(checked_images(image, "image"))

    def _prepare(self, image: ImageInput) -> NDArray[np.uint8]:
        if isinstance(image, str | Path):
            image = read_photo(image)
        elif isinstance(image, Image.Image):
            image = photo_from_pil(image)
        else:
            if not isinstance(image, np.ndarray):
                raise ShapeError(f"An image cannot be a {type(image).__name__}; see the type of `images`.")
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
                raise ShapeError(
                    f"An image array must be (height, width, 3) of uint8, not {image.shape} of {image.dtype}."
                )
        size = (self.image_size, self.image_size)
        return np.asarray(ImageOps.fit(Image.fromarray(image), size, Image.Resampling.BILINEAR))


class _Logits(nn.Module):
    """The network with the label map's scores as its only output."""

    def __init__(self, network: ParsingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Image (b, 3, h, w) in [-1, 1] -> logits (b, classes, h, w)."""
        output: ParserOutput = self.network(image)
        return output.logits
