"""What an evaluation asks of the independent network that judges generated images."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from limner.data.schema import LabelSchema, converter
from limner.data.spec import DataSpec
from limner.errors import ConfigError
from limner.metrics.resize import Resize


@runtime_checkable  # for the run-time type checks of the tests
class Judge(Protocol):
    """A trained parser; `limner.systems.parser.pipeline.ParserPipeline` is one. Images are in [-1, 1], of any size."""

    name: str
    spec: DataSpec
    image_size: int
    """Size that it was trained at; images are resized to it before they are judged."""
    weights_name: str
    expected: dict[str, Any]
    """What its card says of it: "mean_iou" on its own data, and their "protocol"."""

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
        raise ConfigError(f"{_different_schemas(a, b, names)}; use two of the same schema.")
    if attributes:
        _check_same_attributes(a, b, names)


def check_judge(spec: DataSpec, judge: Judge, *, name: str, attributes: bool = True) -> None:
    """Refuse a judge whose labels cannot be read as those of the weights, or that knows other attributes.

    Args:
        spec: what the weights know.
        judge: of the same schema, or of a finer one, whose labels can be converted to it.
        name: of the weights, for the message.
        attributes: whether attributes matter too.

    Raises:
        ConfigError: naming both.
    """
    names = (name, f"the judge {judge.weights_name}")
    differ = _different_schemas(spec, judge.spec, names)
    try:
        found = converter(judge.spec.schema, spec.schema)
    except ConfigError as error:
        raise ConfigError(f"{differ}, which cannot be converted; use a judge of the same schema.") from error
    if missing := set(range(spec.schema.num_classes)) - set(found.tolist()):
        name = spec.schema.classes[min(missing)]
        raise ConfigError(f'{differ}, which do not tell "{name}" apart; use a judge of the same schema.')
    if attributes:
        _check_same_attributes(spec, judge.spec, names)


def judged_labels(
    judge: Judge, image: Float[Tensor, "batch 3 height width"], schema: LabelSchema
) -> Int64[Tensor, "batch height width"]:
    """The judge's class of each pixel, as ids of `schema`.

    The image (in [-1, 1]) is resized to the size of the judge, and its class scores back to that of the image; of the
    classes, not their scores, those that `schema` merges become one.

    Raises:
        ConfigError: if a class of the judge has no counterpart in `schema`.
    """
    logits = judge.logits(Resize(judge.image_size, antialias=True)(image))
    if logits.shape[-2:] != image.shape[-2:]:
        logits = functional.interpolate(logits, size=image.shape[-2:], mode="bilinear")
    ids: Tensor = torch.from_numpy(converter(judge.spec.schema, schema)).long().to(image.device)[logits.argmax(1)]
    return ids


def labels_setting(own: LabelSchema, schema: LabelSchema) -> str:
    """What a protocol says of `judged_labels` by a judge of the schema `own`: "none", or which labels became which."""
    return "none" if own.classes == schema.classes else f"labels of {own.name} as {schema.name}"


FAR_BELOW = 0.8
"""A judge that scores less than this share of what its card says is not at home in the pictures at hand."""


def lost_judge(judge: Judge, mean_iou: float) -> str:
    """Why a judge is not to be believed about these data; "" if nothing speaks against it.

    Args:
        judge: with what its card expects of it.
        mean_iou: its own score on the real pictures at hand.
    """
    card = judge.expected.get("mean_iou")
    if not isinstance(card, int | float) or mean_iou >= FAR_BELOW * card:
        return ""
    learned = judge.expected.get("protocol")
    return (
        f"the judge {judge.weights_name} is outside its kind of data: its mIoU on the real pictures here is "
        f"{100 * mean_iou:.1f} %, on its own {100 * card:.1f} %{f' ({learned})' if learned else ''}; its numbers say "
        "little of these pictures"
    )


def _different_schemas(a: DataSpec, b: DataSpec, names: tuple[str, str]) -> str:
    return (
        f'{names[0]} label with the schema "{a.schema.name}" ({a.schema.num_classes} classes), but {names[1]} with '
        f'"{b.schema.name}" ({b.schema.num_classes} classes)'
    )


def _check_same_attributes(a: DataSpec, b: DataSpec, names: tuple[str, str]) -> None:
    first, second = ((spec.attribute_kind, spec.attribute_names) for spec in (a, b))
    if first[1] and first != second:
        raise ConfigError(
            f"{names[0]} know the attributes {', '.join(first[1])} ({first[0]}), but {names[1]} "
            f"{', '.join(second[1]) or 'none'} ({second[0]}); use two of the same attributes."
        )
