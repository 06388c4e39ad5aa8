"""What a page or an HTTP API may ask a pipeline for: operations and their fields, declared by each system.

Annotations cannot say it (a photo and a label map have the same type), so a system's `studio.py` holds
`OPERATIONS = (Operation(...), ...)`, and `limner.registry.operations(name)` finds it. A field knows its JSON schema,
how a JSON value becomes the argument of the method, and the words of the command line that say the same. No torch.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from limner.errors import ConfigError, nearest

MAX_SEED = 2**53 - 1
"""Larger ones are not whole in JavaScript."""
ASSET = re.compile(r"[0-9a-f]{64}\Z")
MAX_TEXT = 500
MAX_PHRASE = 100


@dataclass(frozen=True)
class Facts:
    """What of the weights decides a form.

    Attributes:
        classes: names of the label classes.
        attributes: names of the attributes.
        image_size: side of the pictures in pixels.
    """

    classes: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    image_size: int = 64


@dataclass(frozen=True, kw_only=True)
class Field(ABC):
    """A value that an operation takes.

    Attributes:
        title: what a form calls it; none: its name.
        flag: option of `limner generate`; none: the field's name with `--`.
        is_required: whether the operation cannot do without it.
        default: of the method's parameter, where it is not required.
        is_said: whether the default is said where nothing else is, because the command line needs the option.
        is_joined: whether the command line has it behind "=" in the option of the field before it, as in OLD=NEW.
        only_with: (another field, its values with which this one has an effect); none: it always has.
    """

    title: str = ""
    flag: str = ""
    is_required: bool = False
    default: Any = None
    is_said: bool = False
    is_joined: bool = False
    only_with: tuple[str, tuple[str, ...]] | None = None

    @property
    def control(self) -> str:
        """What a form shows."""
        return re.sub("(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    @abstractmethod
    def schema(self, facts: Facts) -> dict[str, Any]:
        """JSON schema of its values."""

    @abstractmethod
    def read(self, name: str, value: Any, facts: Facts) -> Any:
        """The value, if it is one.

        Raises:
            ConfigError: saying what is allowed.
        """

    def assets(self, value: Any) -> list[str]:
        """Ids of the files that a value names."""
        return []

    def argument(self, value: Any, files: Mapping[str, str]) -> Any:
        """What the method gets.

        Args:
            value: as `read` gave it.
            files: id -> name of the file in the working folder.
        """
        return value

    def words(self, flag: str, argument: Any) -> list[str]:
        """The same on the command line."""
        return [flag, str(argument)]


def _refuse(name: str, value: Any, allowed: str) -> ConfigError:
    text = json.dumps(value)
    return ConfigError(f"{name} is {text if len(text) <= 80 else text[:77] + '...'}; it must be {allowed}.")


@dataclass(frozen=True, kw_only=True)
class _File(Field):
    """The id of an uploaded file."""

    kinds = ("photo",)
    """Kinds of assets that fit."""

    def schema(self, facts: Facts) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "id of an asset"}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        if not isinstance(value, str) or not ASSET.match(value):
            raise _refuse(name, value, "the id of an asset: upload the file first")
        return value

    def assets(self, value: Any) -> list[str]:
        return [value]

    def argument(self, value: Any, files: Mapping[str, str]) -> Any:
        return files[value]


@dataclass(frozen=True, kw_only=True)
class LabelMap(_File):
    """A label map."""

    kinds = ("label_map",)


@dataclass(frozen=True, kw_only=True)
class Photo(_File):
    """A photo.

    Attributes:
        shows: "face" or "body", of which a form offers one that code drew; or "mask", of which there is none.
    """

    shows: Literal["face", "body", "mask"] = "face"

    def schema(self, facts: Facts) -> dict[str, Any]:
        return {**super().schema(facts), "x-shows": self.shows}


@dataclass(frozen=True, kw_only=True)
class Look(_File):
    """A photo from which the look of a part is taken."""


@dataclass(frozen=True, kw_only=True)
class Audio(_File):
    """Speech."""

    kinds = ("audio",)


@dataclass(frozen=True, kw_only=True)
class Keypoints(_File):
    """A file of key points."""

    kinds = ("keypoints",)


@dataclass(frozen=True, kw_only=True)
class Strokes(_File):
    """A stroke file."""

    kinds = ("strokes",)


@dataclass(frozen=True, kw_only=True)
class Photos(Field):
    """Several photos."""

    kinds = ("photo",)
    most: int = 16

    def schema(self, facts: Facts) -> dict[str, Any]:
        items = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
        return {"type": "array", "items": items, "minItems": 1, "maxItems": self.most}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        found = isinstance(value, list) and 1 <= len(value) <= self.most
        if not found or not all(isinstance(one, str) and ASSET.match(one) for one in value):
            raise _refuse(name, value, f"a list of 1 to {self.most} ids of assets")
        return value

    def assets(self, value: Any) -> list[str]:
        return list(value)

    def argument(self, value: Any, files: Mapping[str, str]) -> Any:
        return [files[one] for one in value]

    def words(self, flag: str, argument: Any) -> list[str]:
        return [flag, *argument]


@dataclass(frozen=True, kw_only=True)
class Attributes(Field):
    """Values from 0 to 1 by the names of attributes."""

    def schema(self, facts: Facts) -> dict[str, Any]:
        values = {name: {"type": "number", "minimum": 0, "maximum": 1} for name in facts.attributes}
        return {"type": "object", "properties": values, "additionalProperties": False}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        if not isinstance(value, dict):
            raise _refuse(name, value, "an object of names and values from 0 to 1")
        for key, number in value.items():
            if key not in facts.attributes:
                raise ConfigError(f'There is no attribute "{key[:80]}".{nearest(key[:80], facts.attributes)}')
            _number(f"{name}.{key}", number, 0, 1)
        return value

    def words(self, flag: str, argument: Any) -> list[str]:
        return [word for name, value in argument.items() for word in (flag, f"{name}={value!r}")]


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refuse(name, value, f"a number from {low:g} to {high:g}")
    if not math.isfinite(value) or not low <= value <= high:
        raise ConfigError(f"{name} is {value:g}; it must be a number from {low:g} to {high:g}.")
    return value


@dataclass(frozen=True, kw_only=True)
class Number(Field):
    """A number in a range."""

    low: float
    high: float

    def schema(self, facts: Facts) -> dict[str, Any]:
        return {"type": "number", "minimum": self.low, "maximum": self.high}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        return _number(name, value, self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class Whole(Field):
    """A whole number in a range."""

    low: int
    high: int

    def schema(self, facts: Facts) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        if isinstance(value, float) and value.is_integer():  # 3.0 is whole in JSON
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise _refuse(name, value, f"a whole number from {self.low} to {self.high}")
        return value


@dataclass(frozen=True, kw_only=True)
class Seed(Whole):
    """A seed."""

    low: int = 0
    high: int = MAX_SEED
    default: Any = 0


@dataclass(frozen=True, kw_only=True)
class Style(Field):
    """A seed, or a photo whose look is taken."""

    kinds = ("photo",)

    def schema(self, facts: Facts) -> dict[str, Any]:
        photo = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
        return {"oneOf": [{"type": "integer", "minimum": 0, "maximum": MAX_SEED}, photo]}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        if isinstance(value, str) and ASSET.match(value):
            return value
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SEED:
            raise _refuse(name, value, "a seed or the id of a photo")
        return value

    def assets(self, value: Any) -> list[str]:
        return [value] if isinstance(value, str) else []

    def argument(self, value: Any, files: Mapping[str, str]) -> Any:
        return files[value] if isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True)
class Choice(Field):
    """One of some words."""

    choices: tuple[str, ...]

    def schema(self, facts: Facts) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        if not isinstance(value, str) or value not in self.choices:
            raise _refuse(name, value, f"one of {', '.join(self.choices)}")
        return value


@dataclass(frozen=True, kw_only=True)
class Flag(Field):
    """Yes or no."""

    default: Any = False

    def schema(self, facts: Facts) -> dict[str, Any]:
        return {"type": "boolean"}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        if not isinstance(value, bool):
            raise _refuse(name, value, "true or false")
        return value

    def words(self, flag: str, argument: Any) -> list[str]:
        return [flag] if argument else []


@dataclass(frozen=True, kw_only=True)
class Caption(Field):
    """A sentence."""

    def schema(self, facts: Facts) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT or not value.isprintable():
            raise _refuse(name, value, f"a text of 1 to {MAX_TEXT} characters in one line")
        return value


@dataclass(frozen=True, kw_only=True)
class Phrase(Field):
    """A word or a few."""

    def schema(self, facts: Facts) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": MAX_PHRASE, "pattern": "^[^=]+$"}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        is_text = isinstance(value, str) and 1 <= len(value) <= MAX_PHRASE and value.isprintable()
        if not is_text or "=" in value:
            raise _refuse(name, value, f'a text of 1 to {MAX_PHRASE} characters in one line, without "="')
        return value


@dataclass(frozen=True, kw_only=True)
class Color(Field):
    """A colour."""

    def schema(self, facts: Facts) -> dict[str, Any]:
        return {"type": "string", "pattern": "^(black|white|#[0-9a-f]{6})$"}

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        if not isinstance(value, str) or not re.fullmatch("black|white|#[0-9a-f]{6}", value):
            raise _refuse(name, value, "black, white or #rrggbb")
        return value


@dataclass(frozen=True, kw_only=True)
class AgeGroup(Field):
    """Groups of age by their names, one or several."""

    groups: tuple[str, ...]
    is_several: bool = True

    def schema(self, facts: Facts) -> dict[str, Any]:
        one = {"type": "string", "enum": list(self.groups)}
        return {"type": "array", "items": one, "minItems": 1, "maxItems": len(self.groups)} if self.is_several else one

    def read(self, name: str, value: Any, facts: Facts) -> Any:
        listed = value if self.is_several else [value]
        if not isinstance(listed, list) or not 1 <= len(listed) <= len(self.groups):
            raise _refuse(name, value, f"a list of age groups out of {', '.join(self.groups)}")
        if not all(isinstance(one, str) and one in self.groups for one in listed):
            raise _refuse(name, value, f"of {', '.join(self.groups)}")
        return value

    def words(self, flag: str, argument: Any) -> list[str]:
        return [flag, *(argument if self.is_several else [argument])]


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked for.

    Attributes:
        name: in the address.
        plan: of the method that plans it: "plan", or the name of a mode.
        title: what a page calls it, an imperative.
        fields: parameter -> field.
        hidden: parameter -> why it has no field.
        sits: fields that go to the pipeline's `sit`, whose session then plans; none: the pipeline plans.
        command: further words of the command line, such as a flag that asks for this mode.
        merges: whether previews of several users may be drawn in one pass.
        given: arguments that the method always gets, because the command line has them by itself.
        svg: "module:function" that makes the text of an SVG of the path of a result's stroke file; without torch.
    """

    name: str
    plan: str
    title: str
    fields: Mapping[str, Field]
    hidden: Mapping[str, str] = field(default_factory=dict)
    sits: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    merges: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)
    svg: str = ""

    @property
    def titles(self) -> dict[str, str]:
        """What forms call its fields."""
        return {name: one.title or name.replace("_", " ") for name, one in self.fields.items()}

    def schema(self, facts: Facts) -> dict[str, Any]:
        """JSON schema of all its fields."""
        values, titles = {}, self.titles
        for name, one in self.fields.items():
            values[name] = {"title": titles[name], **one.schema(facts)}
            if not one.is_required and one.default is not None:
                values[name]["default"] = one.default
            if one.only_with:
                values[name]["x-only-with"] = one.only_with
        required = [name for name, one in self.fields.items() if one.is_required]
        return {"type": "object", "properties": values, "required": required}

    def read(self, values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
        """The checked values of a request; what is not given or null is left out.

        Raises:
            FieldError: naming the field.
        """
        for name in values:
            if name not in self.fields:
                raise FieldError(name, f'"{self.name}" has no field "{name[:80]}".{nearest(name[:80], self.fields)}')
        found = {}
        for name, one in self.fields.items():
            value = values.get(name)
            if value is None and one.is_said:
                value = one.default
            if value is None:
                if one.is_required:
                    raise FieldError(name, f"{name} is missing; it must be given.")
                continue
            try:
                found[name] = one.read(name, value, facts)
            except ConfigError as error:
                raise FieldError(name, str(error)) from error
        for name, value in found.items():
            other, allowed = self.fields[name].only_with or ("", ())
            given = found.get(other, self.fields[other].default) if other else None
            if other and given not in allowed and value != {}:  # no attribute is named: as if it were left out
                raise FieldError(name, f"{name} has no effect with {other} {given}; leave it out.")
        return found

    def files(self, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        """(name in the working folder without suffix, id) of every asset that checked values name."""
        found: list[tuple[str, str]] = []
        for name, value in values.items():
            ids = self.fields[name].assets(value)
            found += [(name if len(ids) == 1 else f"{name}-{number}", one) for number, one in enumerate(ids)]
        return found

    def arguments(self, values: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
        """Parameter -> argument, plain Python values; files by their names."""
        return {name: self.fields[name].argument(value, files) for name, value in values.items()}

    def plan_with(self, pipeline: Any, arguments: Mapping[str, Any]) -> tuple[Any, Any]:
        """What draws (the pipeline or a session of it) and the plan."""
        owner = pipeline
        if self.sits:
            owner = pipeline.sit(**{name: arguments[name] for name in self.sits if name in arguments})
        make = owner.plan if self.plan == "plan" else getattr(owner, self.plan).plan
        return owner, make(**{name: value for name, value in arguments.items() if name not in self.sits}, **self.given)

    def command_line(
        self, system: str, weights: str, arguments: Mapping[str, Any], *, runtime: str = "torch"
    ) -> list[str]:
        """The words of a command that makes the same; `runtime`: what drew it."""
        words = ["limner", "generate", system, "--weights", weights, *self.command]
        for name, value in arguments.items():
            one = self.fields[name]
            if one.is_joined:
                words[-1] += f"={value}"
            else:
                words += one.words(one.flag or f"--{name.replace('_', '-')}", value)
        words += [] if runtime == "torch" else ["--runtime", runtime]
        return [*words, "--out", "pictures"]

    def python(self, weights: str, arguments: Mapping[str, Any], *, runtime: str = "torch") -> str:
        """A program that makes the same; `runtime`: what drew it."""
        loaded = f"{weights!r}" if runtime == "torch" else f"{weights!r}, runtime={runtime!r}"
        owner, lines = "pipe", ["import limner", "", f"pipe = limner.load({loaded})"]
        if self.sits:
            owner = "sitter"
            lines.append(f"sitter = pipe.sit({_call(arguments, self.sits)})")
        method = "plan" if self.plan == "plan" else f"{self.plan}.plan"
        rest = {**{name: value for name, value in arguments.items() if name not in self.sits}, **self.given}
        lines += [f"plan = {owner}.{method}({_call(rest, rest)})", 'pipe.render(plan).save("pictures")', ""]
        return "\n".join(lines)


class FieldError(ConfigError):
    """A value of a request that is not allowed.

    Attributes:
        field: its name.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def _call(arguments: Mapping[str, Any], names: Iterable[str]) -> str:
    return ", ".join(f"{name}={arguments[name]!r}" for name in names if name in arguments)


def label_map_operation(
    fields: Mapping[str, Field] | None = None, *, plan: str = "plan", hidden: Mapping[str, str] | None = None
) -> Operation:
    """Plain pictures of a label map, as all systems that paint these make them.

    Args:
        fields: further ones.
        plan: of the method.
        hidden: further parameters without a field.
    """
    first: dict[str, Field] = {"label_map": LabelMap(is_required=True)}
    last: dict[str, Field] = {"seed": Seed(), "num_images": Whole(low=1, high=16, default=1, title="pictures")}
    return Operation(
        "generate",
        plan=plan,
        title="Draw",
        fields={**first, **(fields or {}), **last},
        hidden={**HIDDEN, **(hidden or {})},
        merges=True,
    )


HIDDEN: Mapping[str, str] = {"schema": "the map's file says it", "batch_size": "the server's"}
