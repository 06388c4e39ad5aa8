"""What a model must know of the data it is trained on. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from limner.data.ages import AgeGroup
from limner.data.captions import Vocabulary
from limner.data.point_schema import PointSchema
from limner.data.schema import LabelSchema
from limner.errors import DataError, WeightsError, nearest, quoted

AttributeKind = Literal["multi_label", "exclusive"]


@dataclass(frozen=True)
class AudioSpec:
    """The sound of clips and its pictures."""

    sample_rate_hz: int
    """Samples a second; one channel."""
    frames_per_second: float
    """Pictures a second."""

    def __post_init__(self) -> None:
        if not self.sample_rate_hz > 0 or not self.frames_per_second > 0:
            raise DataError(
                f"Sound has {self.sample_rate_hz} samples and {self.frames_per_second} pictures a second, but both "
                "must be more than 0."
            )

    def to_json(self) -> dict[str, Any]:
        """Plain data from which `from_json` makes an equal object."""
        return {"sample_rate_hz": self.sample_rate_hz, "frames_per_second": self.frames_per_second}

    @classmethod
    def from_json(cls, data: Any) -> AudioSpec:
        """The reverse of `to_json`.

        Raises:
            DataError: if a field is missing or of the wrong kind.
        """
        try:
            return cls(int(data["sample_rate_hz"]), float(data["frames_per_second"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(f"The description of the sound cannot be used: {error}.") from error


@dataclass(frozen=True)
class DataSpec:
    """What a model must know of the data it is trained on; stored in every checkpoint. Each part may be missing."""

    labels: LabelSchema | None = None
    """Meaning of the ids in the label maps; `schema` is the same for those who need it."""
    attribute_names: tuple[str, ...] = ()
    """Meaning of the attribute vector."""
    attribute_kind: AttributeKind = "multi_label"
    """Independent yes/no attributes, or exactly one of them is 1."""
    landmarks: PointSchema | None = None
    """Points of a face."""
    keypoints: PointSchema | None = None
    """Points of a body."""
    age_groups: tuple[AgeGroup, ...] = ()
    """Meaning of the number of an age group."""
    vocabulary: Vocabulary | None = None
    """Meaning of the numbers in captions."""
    audio: AudioSpec | None = None
    """Sound of clips."""
    zoom: float = 1.0
    """How much of a picture was seen; see `limner.data.config.DataConfig`."""

    @property
    def schema(self) -> LabelSchema:
        """The meaning of the ids in the label maps.

        Raises:
            WeightsError: if there are no label maps.
        """
        if self.labels is None:
            raise WeightsError("These weights know no labels: use weights that were trained with label maps.")
        return self.labels

    def to_json(self) -> dict[str, Any]:
        """Plain data from which `from_json` makes an equal object: attributes, and the other parts that are there."""
        parts = {
            "schema": self.labels,
            "landmarks": self.landmarks,
            "keypoints": self.keypoints,
            "vocabulary": self.vocabulary,
            "audio": self.audio,
        }
        data: dict[str, Any] = {key: part.to_json() for key, part in parts.items() if part is not None}
        if self.age_groups:
            data["age_groups"] = [group.to_json() for group in self.age_groups]
        if self.zoom != 1:
            data["zoom"] = self.zoom
        return {**data, "attribute_names": list(self.attribute_names), "attribute_kind": self.attribute_kind}

    @classmethod
    def from_json(cls, data: Any) -> DataSpec:
        """The reverse of `to_json`.

        Raises:
            DataError: if a field is missing, unknown or wrong.
        """
        if not isinstance(data, dict):
            raise DataError("The data description must be a JSON object.")
        for key in data:
            if key not in _KEYS:
                raise DataError(f'The data description has the unknown field "{key}".{nearest(key, _KEYS)}')
        try:
            names, kind = data["attribute_names"], data["attribute_kind"]
            groups = tuple(AgeGroup.from_json(group) for group in data.get("age_groups", ()))
            zoom = float(data.get("zoom", 1.0))
        except KeyError as error:
            raise DataError(f"The data description lacks the field {error}.") from error
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(f"The data description has a field of the wrong kind: {error}.") from error
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise DataError(f"attribute_names is {quoted(names)}, but must be a list of texts.")
        if len(set(names)) < len(names):
            raise DataError(f"An attribute is named twice in: {', '.join(names)}.")
        if kind not in ("multi_label", "exclusive"):
            raise DataError(f'attribute_kind is "{kind}", but must be "multi_label" or "exclusive".')
        parts = {field: read(data[key]) for key, (field, read) in _PARTS.items() if key in data}
        if (labels := parts.get("labels")) is not None and (labels.name, labels.classes) == _NO_LABELS:
            del parts["labels"]
        return cls(attribute_names=tuple(names), attribute_kind=kind, age_groups=groups, zoom=zoom, **parts)


_NO_LABELS = ("subject", ("background", "subject"))
"""A schema that stood for "no labels" in weights of the painter until a description could do without one."""
_PARTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "schema": ("labels", LabelSchema.from_json),
    "landmarks": ("landmarks", PointSchema.from_json),
    "keypoints": ("keypoints", PointSchema.from_json),
    "vocabulary": ("vocabulary", Vocabulary.from_json),
    "audio": ("audio", AudioSpec.from_json),
}
_KEYS = (*_PARTS, "age_groups", "zoom", "attribute_names", "attribute_kind")
