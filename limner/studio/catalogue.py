"""What the studio can draw: systems, their weights and operations, as JSON. No torch."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner import hub, registry
from limner.errors import ConfigError, DataError, WeightsError, nearest
from limner.files import read_text
from limner.operations import Facts, FieldError, Operation
from limner.studio.workspace import visible

if TYPE_CHECKING:
    from limner.data.schema import LabelSchema
    from limner.data.spec import DataSpec


@lru_cache(maxsize=64)
def _index(path: Path) -> dict[str, Any]:
    return hub.read_index(path)


class Catalogue:
    """Systems and weights, found once at the start.

    Args:
        further: name -> weights folders beside the shipped ones.
    """

    def __init__(self, further: Mapping[str, Path] | None = None) -> None:
        shipped = hub.list_weights()
        self.places: dict[str, Path] = {info.name: info.path for info in shipped}
        for name, path in (further or {}).items():
            self.places[name] = hub.resolve(path).path
        self.of: dict[str, list[str]] = {name: [] for name in registry.system_names()}
        for name, path in self.places.items():
            self.of[_index(path)["system"]].append(name)
        usual = {info.name for info in shipped if info.default}
        for names in self.of.values():
            names.sort(key=lambda name: (name not in usual, name))
        self._specs: dict[str, DataSpec] = {}

    @cached_property
    def systems(self) -> list[str]:
        """Those that declare operations; to know them imports what all systems declare."""
        return [name for name in registry.system_names() if registry.operations(name)]

    def read(self) -> None:
        """Read all that requests ask for, so that none waits for it."""
        for system in self.systems:
            self.system(system, is_whole=True)

    def operation(self, system: str, name: str) -> Operation | None:
        """A declared operation."""
        if system not in self.systems:
            return None
        return next((one for one in registry.operations(system) if one.name == name), None)

    def weights(self, system: str, name: str | None) -> str:
        """The weights that are asked for, else the default ones.

        Raises:
            WeightsError: if there are none.
            FieldError: if there are only others.
        """
        known = self.of[system]
        if not known:
            raise WeightsError(f'No weights of "{system}" came with this installation; name a folder with --weights.')
        if name is None:
            return known[0]
        if name not in known:
            raise FieldError("weights", f'There are no weights "{name[:80]}" of "{system}".{nearest(name[:80], known)}')
        return name

    def facts(self, weights: str) -> Facts:
        """What decides the forms of weights."""
        spec, index = self.spec(weights), _index(self.places[weights])
        size = index["image_size"]
        classes = tuple(spec.labels.classes) if spec.labels else ()
        side = size if isinstance(size, int) else size[0]
        return Facts(classes, tuple(spec.attribute_names), side)

    def spec(self, weights: str) -> DataSpec:
        """What the weights were trained with."""
        from limner.data.spec import DataSpec  # and so numpy, which the start of the server does without

        if weights not in self._specs:
            self._specs[weights] = DataSpec.from_json(_index(self.places[weights])["spec"])
        return self._specs[weights]

    def system(self, name: str, *, is_whole: bool = False) -> dict[str, Any]:
        """A system as JSON; its operations with their forms if it is to be whole."""
        task = registry.task(name)
        package = registry.config_class(name).__module__.rpartition(".")[0]
        found: dict[str, Any] = {
            "name": name,
            "about": inspect.getdoc(importlib.import_module(package)) or "",
            "task": task.about(),
            "gives": task.gives,
            "weights": [self._weights(one) for one in self.of[name]],
            "operations": [one.name for one in registry.operations(name)],
            "titles": [one.title for one in registry.operations(name)],
        }
        if not self.of[name]:
            found["missing"] = f'No weights of "{name}" came with this installation; name a folder with --weights.'
        if is_whole:
            facts = self.facts(self.of[name][0]) if self.of[name] else Facts()
            found["operations"] = [_operation(one, facts) for one in registry.operations(name)]
        return found

    @cached_property
    def schemas(self) -> dict[str, LabelSchema]:
        """Label schemas by name: those that come with Limner, and those of weights that have their own."""
        from limner.data.schema import SCHEMAS

        own = [self.spec(name).labels for name in self.places]
        return {**{one.name: one for one in own if one is not None}, **SCHEMAS}

    @cached_property
    def conversions(self) -> list[dict[str, Any]]:
        """The schemas as JSON, and which other ones their maps can become."""
        from limner.data.schema import converter

        def becomes(one: LabelSchema, other: LabelSchema) -> bool:
            try:
                converter(one, other)
            except ConfigError:
                return False
            return one is not other

        known = self.schemas.values()
        return [
            {
                "name": one.name,
                "classes": list(one.classes),
                "titles": class_titles(one),
                "becomes": [other.name for other in known if becomes(one, other)],
            }
            for one in known
        ]

    def card(self, weights: str) -> str:
        """The model card of weights, "" where they have none."""
        try:
            return read_text(self.places[weights] / hub.CARD)
        except DataError:
            return ""

    @cached_property
    def _starts(self) -> dict[str, list[dict[str, Any]]]:
        """Kind of a person -> what can be begun with one: system, operation, title, and field -> part of the person."""
        found: dict[str, list[dict[str, Any]]] = {"face": [], "body": []}
        for system in (name for name in self.systems if self.of[name]):
            operation = registry.operations(system)[0]
            for kind, known in found.items():
                fields = _start(operation, kind)
                if fields and operation.title not in [one["title"] for one in known]:
                    about = {"system": system, "operation": operation.name, "title": operation.title}
                    known.append({**about, "fields": fields})
        return found

    def begins(self, kind: str, parts: Mapping[str, str]) -> list[dict[str, Any]]:
        """What can be begun with a person of a kind ("face", "body"), whose parts are assets of these ids."""
        return [
            {
                **{key: one[key] for key in ("system", "operation", "title")},
                "values": {name: parts[part] for name, part in one["fields"].items() if part in parts},
            }
            for one in self._starts[kind]
        ]

    def _weights(self, name: str) -> dict[str, Any]:
        spec, facts = self.spec(name), self.facts(name)
        expected = _index(self.places[name]).get("expected", {})
        schema = spec.labels.to_json() if spec.labels else None
        points = spec.keypoints.to_json() if spec.keypoints else None
        return {
            "name": name,
            "image_size": facts.image_size,
            "keypoints": points,
            "words": list(spec.vocabulary.words[1:]) if spec.vocabulary else None,
            "schema": schema,
            "titles": class_titles(spec.labels) if spec.labels else [],
            "attributes": list(facts.attributes),
            "expected": expected,
            "card": self.card(name),
        }


_PARTS = {"u_lip": "upper lip", "l_lip": "lower lip", "eye_g": "glasses", "ear_r": "earring", "neck_l": "necklace"}
_SIDES = {"l": "left", "r": "right"}


def class_titles(schema: LabelSchema) -> list[str]:
    """The classes of a schema as people call them, in its order: "left eye" for "l_eye"."""

    def title(name: str) -> str:
        side, _, rest = name.partition("_")
        return _PARTS.get(name) or (f"{_SIDES[side]} {rest}" if side in _SIDES and rest else name).replace("_", " ")

    return [title(name) for name in schema.classes]


def _start(operation: Operation, kind: str) -> dict[str, str]:
    """Field -> part of a person of that kind; nothing where a person cannot begin it."""
    found, begins = {}, False
    for name, field in operation.fields.items():
        if field.control == "photo" and field.is_required and getattr(field, "shows", "face") == kind:
            found[name], begins = "photo", True
        elif field.control == "label-map" and field.is_required and kind == "face":
            found[name], begins = "label_map", True
        elif field.control == "keypoints" and kind == "body":
            found[name] = "keypoints"
    return found if begins else {}


def _operation(one: Operation, facts: Facts) -> dict[str, Any]:
    schema = one.schema(facts)
    controls = {name: field.control for name, field in one.fields.items()}
    hidden = dict(one.hidden)
    return {"name": one.name, "title": one.title, "schema": schema, "controls": controls, "hidden": hidden}


def reports(folder: Path | None) -> dict[str, Path]:
    """Name -> file of the reports (Markdown, JSON) in a folder."""
    if folder is None or not folder.is_dir():
        return {}
    found = [path for path in visible(folder, "**/*") if path.suffix in (".md", ".json") and path.is_file()]
    return {path.relative_to(folder).as_posix().replace("/", "~"): path for path in found[:500]}
