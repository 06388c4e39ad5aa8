"""What a system is about, declared once: the data it learns from, what it makes, and who judges that.

Each system's folder has a `task.py` with `TASK = Task(...)`, and `limner.registry.task(name)` finds it. The declaration
decides which options `evaluate`, `reproduce` and `data check --system` have for the system, what `doctor` and `list`
say of it, and which of the contract tests run for it. No torch import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from limner.data.fields import IN_WORDS, Field

Medium = Literal["picture", "label_map", "strokes", "clip", "verdict"]
"""What a system makes."""

JudgeKind = Literal["parser", "face-embedding", "age", "keypoints", "image-text", "word-reader", "synchrony", "facts"]
"""What a judge can tell; see `limner.metrics.judges`."""

FeatureSource = Literal["people", "inception", "parser"]
"""Networks that `--features` can name for the distances between sets of pictures."""

DataOption = Literal["kind", "schema", "attributes", "fit", "fix_sides", "colors"]
"""Options of reading a data folder, in the words of `limner.data.config.DataConfig`."""

LABEL_MAP_OPTIONS: tuple[DataOption, ...] = ("kind", "schema", "fit", "fix_sides", "colors")
"""Of folders with label maps."""

MEDIA: dict[Medium, str] = {
    "picture": "pictures",
    "label_map": "label maps",
    "strokes": "paintings with their strokes",
    "clip": "clips",
    "verdict": "verdicts",
}
"""What a message calls each medium, in the plural."""


@dataclass(frozen=True)
class Task:
    """A system's declaration.

    Attributes:
        gives: what the system makes.
        needs: fields that its training data must have.
        uses: fields that it uses where the data have them.
        conditions: option of `limner generate` -> field that its value is of, for options that are enough to make
            something. `{"--label-map": "label_map"}` says that a label map is enough.
        data_options: how its data may be read, fields of its section `dataset`; the commands offer no others.
        judges: kinds of judges that its evaluation cannot do without. Where the user names none, the default weights
            of the system "parser" judge; other kinds must be named.
        also_judges: kinds of judges that its evaluation can use beside these.
        judges_as: the kind of judge that weights of this system are; None: they judge nothing.
        features: networks that distances between sets can be measured in; none: there are no such distances.
        tables: published tables that its numbers can stand beside.
        stages: stages of its training that have presets of their own, in order; `registry.stage_presets` names these.
            None: every preset trains the whole system.
        seeded: whether a seed changes what it makes.
        extras: extra of this distribution -> what the system cannot do without it, as an infinitive ("write videos").
    """

    gives: Medium
    needs: tuple[Field, ...] = ("image",)
    uses: tuple[Field, ...] = ()
    conditions: Mapping[str, Field] = field(default_factory=dict)
    data_options: tuple[DataOption, ...] = ("kind", "fit")
    judges: tuple[JudgeKind, ...] = ()
    also_judges: tuple[JudgeKind, ...] = ()
    judges_as: JudgeKind | None = None
    features: tuple[FeatureSource, ...] = ()
    tables: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    seeded: bool = True
    extras: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, given, known in (
            ("gives", (self.gives,), get_args(Medium)),
            ("needs", self.needs, get_args(Field)),
            ("uses", self.uses, get_args(Field)),
            ("conditions", tuple(self.conditions.values()), get_args(Field)),
            ("data_options", self.data_options, get_args(DataOption)),
            ("judges", self.judges, get_args(JudgeKind)),
            ("also_judges", self.also_judges, get_args(JudgeKind)),
            ("judges_as", () if self.judges_as is None else (self.judges_as,), get_args(JudgeKind)),
            ("features", self.features, get_args(FeatureSource)),
        ):
            for value in given:
                if value not in known:  # the author of a system is told, not its user
                    raise ValueError(f'{name} has "{value}", but may have {", ".join(known)}')

    @property
    def reading_options(self) -> tuple[DataOption, ...]:
        """Options of reading data with trained weights, which know their schema and attributes themselves."""
        return tuple(name for name in self.data_options if name not in ("schema", "attributes"))

    @property
    def accepted_judges(self) -> tuple[JudgeKind, ...]:
        """All kinds of judges that its evaluation can use."""
        return self.judges + self.also_judges

    def shows(self) -> str:
        """Where the inputs of its demo come from, a sentence: nobody shown in a demo ever lived."""
        given = _joined([IN_WORDS[name] for name in dict.fromkeys(self.conditions.values())])
        return f"The {given} are made by code: no person sat for them."

    def about(self) -> str:
        """What it learns from and what it makes, for people: "learns from pictures and label maps; makes pictures"."""
        text = f"learns from {_joined([IN_WORDS[name] for name in self.needs])}"
        if self.uses:
            text += f" (and {_joined([IN_WORDS[name] for name in self.uses])} where there are any)"
        return f"{text}; makes {MEDIA[self.gives]}"


def _joined(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
