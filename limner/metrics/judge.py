"""What an evaluation asks of the independent network that judges generated images."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from limner.data.manifest import DataSpec
from limner.errors import ConfigError


@runtime_checkable  # for the run-time type checks of the tests
class Judge(Protocol):
    """A trained parser; `limner.systems.parser.pipeline.ParserPipeline` is one. Images are in [-1, 1], of any size."""

    name: str
    spec: DataSpec
    image_size: int
    """Size that it was trained at; images are resized to it before they are judged."""
    weights_name: str

    @property
    def weights_hash(self) -> str:
        """SHA-256 of the weights."""

    @property
    def num_features(self) -> int:
        """Length of a feature vector."""

    def logits(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes height width"]:
        """Class scores of each pixel."""

    def attribute_logits(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch attributes"]:
        """Attribute scores."""

    def features(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch features"]:
        """Feature vectors."""


def check_same_meaning(a: DataSpec, b: DataSpec, *, names: tuple[str, str], attributes: bool = True) -> None:
    """Refuse to measure with two things that do not mean the same by their class ids and attributes.

    Args:
        a: what the first one means.
        b: what the second one means.
        names: what the two are, for the message: ("the weights runs/first", "the judge parser-drawn-64").
        attributes: whether attributes matter too.

    Raises:
        ConfigError: naming both.
    """
    if a.schema.classes != b.schema.classes:
        raise ConfigError(
            f'{names[0]} label with the schema "{a.schema.name}" ({a.schema.num_classes} classes), but {names[1]} with '
            f'"{b.schema.name}" ({b.schema.num_classes} classes); use two of the same schema.'
        )
    first, second = ((spec.attribute_kind, spec.attribute_names) for spec in (a, b))
    if attributes and first[1] and first != second:
        raise ConfigError(
            f"{names[0]} know the attributes {', '.join(first[1])} ({first[0]}), but {names[1]} "
            f"{', '.join(second[1]) or 'none'} ({second[0]}); use two of the same attributes."
        )
