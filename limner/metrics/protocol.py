"""What a number means: everything that must agree before two numbers may be compared."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limner.data.size import Size


@dataclass(frozen=True)
class Protocol:
    """How one number was measured. It is printed and saved with the number."""

    metric: str
    """Name of the metric, with the judge or the feature network where there is one: "mIoU by own S", "FD-parser"."""
    split: str
    """Rows of the data set that the number is about."""
    count: int
    """Number of images judged."""
    resolution: int | tuple[int, int]
    """Side of the judged images in pixels, or height and width."""
    resize: str = "none"
    """Filter that brought them to the size of the judging network; "none" if they have it already."""
    antialias: bool = False
    """Whether that filter was widened when shrinking."""
    network: str = "none"
    """Judging or feature network."""
    network_sha256: str = "none"
    """Hash of its weights."""
    reference: str = "none"
    """What the images are compared with, and how many of it there are."""
    data_fingerprint: str = "none"
    """Fingerprint of the data set, with its split (`Manifest.fingerprint`)."""
    settings: str = "none"
    """Parameters of the metric itself: neighbours, kernel, window, splits, range of the pixels."""
    seeds: tuple[int, ...] = ()
    """Seeds of the generated images' latents and attributes."""

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain values."""
        return {**dataclasses.asdict(self), "seeds": list(self.seeds)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Protocol:
        """The inverse of `to_json`."""
        resolution = values["resolution"]
        if isinstance(resolution, list):
            resolution = tuple(resolution)
        return cls(**{**values, "resolution": resolution, "seeds": tuple(values["seeds"])})

    def __str__(self) -> str:
        return f"{self.metric}: {self.conditions()}"

    def conditions(self) -> str:
        """All but the metric, in words."""
        resize = "not resized" if self.resize == "none" else f"resized {self.resize}, antialias {self.antialias}"
        parts = [f"{self.count} images of {self.split} at {Size.of(self.resolution)} px, {resize}"]
        if self.network != "none":
            parts.append(f"network {self.network} ({self.network_sha256[:12]})")
        if self.settings != "none":
            parts.append(self.settings)
        if self.reference != "none":
            parts.append(f"against {self.reference}")
        parts.append(f"data {self.data_fingerprint[:12]}")
        if self.seeds:
            parts.append(f"seeds {', '.join(map(str, self.seeds))}")
        return "; ".join(parts)


def differences(a: Protocol, b: Protocol) -> list[str]:
    """Names of the fields that keep two numbers apart.

    Seeds are not among them: another seed is another draw of the same quantity.
    """
    names = [field.name for field in dataclasses.fields(Protocol) if field.name != "seeds"]
    return [name for name in names if getattr(a, name) != getattr(b, name)]


def comparable(a: Protocol, b: Protocol) -> bool:
    """Whether two numbers measured so may stand in one column of a table."""
    return not differences(a, b)


@dataclass(frozen=True)
class Measurement:
    """A number with its protocol."""

    value: float
    protocol: Protocol
    is_share: bool = False
    """Whether it lies in [0, 1] and is printed in percent."""
    interval: tuple[float, float] | None = None
    """95 % interval, where it could be estimated."""
    per_class: dict[str, float] | None = None
    """The same number class by class, where it has classes."""
    note: str = ""
    """What a reader must know before using it; empty if nothing."""
    ceiling: float | None = None
    """The same number of the real pictures in their place; None where it was not measured."""

    def format(self, value: float) -> str:
        """The value, an end of the interval or the value of a class, for people."""
        if not math.isfinite(value):
            return "-"
        return f"{100 * value:.2f} %" if self.is_share else f"{value:.4g}"

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain values; numbers that are not finite become None."""
        return {
            "value": _finite(self.value),
            "interval": None if self.interval is None else [_finite(end) for end in self.interval],
            "per_class": None if self.per_class is None else {k: _finite(v) for k, v in self.per_class.items()},
            "note": self.note,
            **({} if self.ceiling is None else {"ceiling": _finite(self.ceiling)}),
            "protocol": self.protocol.to_json(),
        }


_PLEASED = (
    "More than real pictures reach: made ones show this judge what it looks for more plainly, as pictures of networks "
    "do that learned from a judge of its kind."
)


def with_ceilings(measurements: Mapping[str, Measurement]) -> dict[str, Measurement]:
    """The measurements, each with the value of its twin of real pictures as its ceiling (a floor, for distances).

    The twin of "judge_mean_iou" is "judge_mean_iou_real". Numbers of the same judge that have another mode in front
    ("reference_judge_mean_iou") have the same twin. A judge's share whose whole interval lies above it says so in its
    note.
    """
    found = {}
    for key, one in measurements.items():
        name = key[key.find("judge_") :] if "judge_" in key else key
        twin = measurements.get(f"{name}_real")
        if twin is None or key.endswith("_real"):
            found[key] = one
            continue
        note = one.note
        # Only what judges see: other shares may be counts of faults, of which fewer are better.
        if name.startswith("judge_") and one.is_share and one.interval is not None and one.interval[0] > twin.value:
            note = f"{note} {_PLEASED}".strip()
        found[key] = dataclasses.replace(one, ceiling=twin.value, note=note)
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
