"""What a study is: rows, budget, columns, read from one YAML file. No torch import."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from limner import registry
from limner.data.config import DataConfig
from limner.errors import ConfigError, nearest, quoted
from limner.files import MAX_YAML_BYTES, parse_yaml, read_text, reason, short
from limner.metrics.tables import PublishedRow, PublishedTable, published_table
from limner.task import Task

MOST_IMAGES = 10**12
"""Of a budget, and of all numbers of a study."""


@dataclass(frozen=True)
class Column:
    """One number of every row."""

    title: str
    """Heading; measurements that are shares are shown in percent where it ends in `%`."""
    better: str = ""
    """"high", "low", or empty where neither is."""
    published: str = ""
    """Column of the published table that comes nearest; empty if there is none."""
    names_network: bool = False
    """Whether the heading is the metric's own name, which says the network that its features are from."""


@dataclass(frozen=True)
class Claim:
    """What somebody says of two rows, for the report to compare with what is measured."""

    column: str
    """Measurement."""
    better: str
    """Row that is said to be better in it."""
    worse: str
    """Row that is said to be worse."""
    source: str
    """Who says so: "the paper", "the slides"."""


@dataclass(frozen=True)
class StudyRow:
    """One system, or one variant of it."""

    name: str
    system: str
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Section -> field -> value, over the preset and the options of the study."""
    at: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Preset -> the same, for that preset only."""
    rates: float | Mapping[str, float] = 1.0
    """Factor on every learning rate of the preset, or preset -> factor, 1 for the others."""
    published: str = ""
    """Method in the published table; empty: the name."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """Earlier stage of the system -> the share of the budget that it is trained on first; the row's own preset builds
    on it and gets the rest."""

    @property
    def folder(self) -> str:
        """What its run folders are called, without the seed."""
        return self.name.lower().replace(" ", "-")

    def rate_factor(self, preset: str) -> float:
        """The factor on the learning rates of a preset."""
        return self.rates.get(preset, 1.0) if isinstance(self.rates, Mapping) else self.rates


@dataclass(frozen=True)
class Study:
    """A table to recompute.

    Attributes:
        name: of the table.
        title: a line for people.
        about: what is compared and how, a sentence or two.
        published: "faces" and "fashion" -> the published table for such data: a name of `limner.metrics.tables`, or the
            table itself in the form that is used there; may be empty.
        image_size: preset -> pixels, or height and width, the same for all rows.
        budget: preset -> images that every row sees, unless the user says otherwise.
        judge_images: preset -> images that the judge is trained on, where a parser judges.
        pictures: pictures judged of every row.
        points: how often in a run it is judged.
        columns: measurement -> column.
        rows: in the order of the table.
        split: whose maps are painted and judged; "val" where the study is to choose settings for another one.
        first_seed: of the runs of a row, which have this seed, the next one, and so on.
        options: preset -> section -> field -> value for all rows.
        evaluation: further arguments of the systems' `evaluate`, the same for all rows.
        claims: what is said of the rows elsewhere; the report says which of it the numbers contradict.
        dataset: label schema and attributes for all rows and the judge, if not those that the data set has.
    """

    name: str
    title: str
    about: str
    published: Mapping[str, str | Mapping[str, Any]]
    image_size: Mapping[str, int | list[int]]
    budget: Mapping[str, int]
    pictures: int
    points: int
    columns: Mapping[str, Column]
    rows: tuple[StudyRow, ...]
    split: str = "test"
    first_seed: int = 0
    options: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)
    judge_images: Mapping[str, int] = field(default_factory=dict)

    def data_config(self, **reading: Any) -> DataConfig:
        """How all rows read the data: `reading` (kind, fit, fix_sides) with the study's schema and attributes."""
        attributes = self.dataset.get("attributes")
        given = {**self.dataset, "attributes": None if attributes is None else tuple(attributes)}
        return DataConfig(**{**given, **reading})

    @property
    def tasks(self) -> dict[str, Task]:
        """System -> what it is about, for the systems of the rows that this installation has."""
        names = dict.fromkeys(row.system for row in self.rows)
        return {name: registry.task(name) for name in names if name in registry.system_names()}

    @property
    def task(self) -> Task:
        """What the rows have in common, which decides how the study is run and judged: the task of the first.

        Raises:
            ConfigError: if there is no system to run, or rows cannot be judged alike.
        """
        tasks = self.tasks
        if not tasks:
            raise ConfigError(f'The table "{self.name}" has no row of a system that this installation has.')
        first = next(iter(tasks))
        for name, task in tasks.items():
            for what in ("gives", "needs", "judges"):
                ours, theirs = getattr(tasks[first], what), getattr(task, what)
                more = what == "needs" and set(ours) < set(theirs)  # a row that needs more is told so by its own data
                if ours != theirs and not more:
                    raise ConfigError(
                        f'The table "{self.name}" compares {first} with {name}, which have nothing in common that '
                        f'could be judged alike: "{what}" is {ours}, and {theirs}.'
                    )
        return tasks[first]

    @property
    def presets(self) -> list[str]:
        """Presets that the study can be run with."""
        return list(self.budget)

    def at_size(self, preset: str, size: Sequence[int]) -> Study:
        """The same with pictures of another size.

        Args:
            preset: at which.
            size: a side of squares, or height and width, in pixels.

        Raises:
            ConfigError: if that is no size of a picture.
        """
        if len(size) > 2 or not all(8 <= side <= 4096 for side in size):
            given = " ".join(map(str, size))
            raise ConfigError(f"--image-size is {given}; it must be one number, or height and width, from 8 to 4096.")
        value = size[0] if len(size) == 1 else list(size)
        return dataclasses.replace(self, image_size={**self.image_size, preset: value})

    def published_table(self, schema: str) -> PublishedTable | None:
        """What was published for data of this label schema, if anything."""
        table = self.published.get("fashion" if "fashion" in schema else "faces")
        if table is None or isinstance(table, str):
            return None if table is None else published_table(table)
        rows = tuple(PublishedRow(**row) for row in table["rows"])
        return PublishedTable(name=self.name, **{**table, "rows": rows})


def study_names() -> list[str]:
    """Tables that come with the package."""
    folder = resources.files("limner.reproduce").joinpath("studies")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_study(name: str) -> Study:
    """A study by name, or from a file of the user's.

    Raises:
        ConfigError: if there is none, or the file does not describe one.
    """
    if name in study_names():
        text = resources.files("limner.reproduce").joinpath("studies", f"{name}.yaml").read_text(encoding="utf-8")
        return _study(name, text, name)
    if not name.endswith((".yaml", ".yml")):
        raise ConfigError(f'There is no table "{name}".{nearest(name, study_names())}')
    return _study(Path(name).stem, read_text(name, most=MAX_YAML_BYTES, error=ConfigError), name)


def _study(name: str, text: str, where: str) -> Study:
    try:
        content = _entries(parse_yaml(text, where=f"The table {where}", error=ConfigError), "it")
        lacking = [key for key in ("columns", "rows") if key not in content]
        if lacking:
            raise ValueError(f"it has no {lacking[0]}")
        columns = _entries(content["columns"], "columns")
        content["columns"] = {key: _built(Column, values, f'column "{key}"') for key, values in columns.items()}
        for key, kind in (("rows", StudyRow), ("claims", Claim)):
            listed = content.pop(key, [] if key == "claims" else None)
            if not isinstance(listed, list):
                raise ValueError(f"{key} must be a list, not {short(str(listed))}")
            content[key] = tuple(_built(kind, one, f"number {number} of {key}") for number, one in enumerate(listed, 1))
        study: Study = _built(Study, {**content, "name": name}, "it")
        _check(study)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(
            f"The table {where} does not describe a study ({reason(error)}); the tables in limner/reproduce/studies "
            "show the form."
        ) from error
    return study


def _entries(value: object, what: str) -> dict[str, Any]:
    """Raises: ValueError if a part of a file is no mapping."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        shown = "empty" if value is None else short(str(value))
        raise ValueError(f"{what} must be entries of the form NAME: VALUE, and is {shown}")
    return dict(value)


_KINDS: dict[str, tuple[type[Any], str]] = {
    "str": (str, "a text"),
    "Mapping": (dict, "entries of the form NAME: VALUE"),
    "bool": (bool, "true or false"),
}
"""How the type of a field begins -> what a file must have there, and in words."""


def _built(kind: type[Any], value: object, what: str) -> Any:
    """An object of the class from its part of a file.

    Raises:
        ValueError: if an entry is missing, unknown or of another type.
    """
    given = _entries(value, what)
    fields = {one.name: one for one in dataclasses.fields(kind)}
    for key, one in given.items():
        if key not in fields:
            raise ValueError(f'{what} has the entry "{short(key)}".{nearest(key, fields).removesuffix(".")}')
        wanted = _KINDS.get(re.split(r"\W", str(fields[key].type))[0])
        if wanted and not isinstance(one, wanted[0]):
            raise ValueError(f"{key} of {what} must be {wanted[1]}, not {short(str(one))}")
    for key, about in fields.items():
        if key not in given and dataclasses.MISSING is about.default is about.default_factory:
            raise ValueError(f"{what} has no {key}")
    return kind(**given)


def _check(study: Study) -> None:
    """Raises: ValueError for values that no study can have."""
    folders = [row.folder for row in study.rows]
    if not folders or len(set(folders)) < len(folders):
        raise ValueError("it must have rows, each with a name of its own")
    if not all(re.fullmatch(r"[\w+][\w+.-]*", folder) for folder in folders):
        raise ValueError("names of rows are letters, digits, spaces and _ + . -")
    _check_sections(study.options, study, "options")
    for row in study.rows:
        _check_section(row.options, f'options of "{row.name}"')
        _check_sections(row.at, study, f'at of "{row.name}"')
        if isinstance(row.rates, dict):
            _check_presets(row.rates, study, f'rates of "{row.name}"')
        for preset in study.budget:
            rate = row.rate_factor(preset)
            if isinstance(rate, bool) or not 0 < float(rate) < float("inf"):
                raise ValueError("rates must be numbers above 0")
        known = registry.task(row.system).stages if row.system in registry.system_names() else row.stages
        if not all(stage in known and 0 < share < 1 for stage, share in row.stages.items()) or _staged(row) >= 1:
            raise ValueError(
                f'the stages of "{row.name}" must be those of {row.system}, with shares that sum to less than 1'
            )
    for key, column in study.columns.items():
        if column.better not in ("", "high", "low"):
            raise ValueError(f'column "{key}": better is "{column.better}", but must be high, low or nothing')
    for claim in study.claims:
        if claim.column not in study.columns or not {claim.better, claim.worse} <= {row.name for row in study.rows}:
            raise ValueError(f"the claim on {claim.column} of {claim.better} and {claim.worse} is of no column or row")
    attributes, schema = study.dataset.get("attributes", []), study.dataset.get("schema", "")
    is_list = isinstance(attributes, list) and all(isinstance(name, str) for name in attributes)
    if not set(study.dataset) <= {"schema", "attributes"} or not is_list or not isinstance(schema, str):
        raise ValueError("dataset may have a schema, which is a text, and attributes, which are a list of texts")
    if type(study.first_seed) is not int:
        raise ValueError(f"first_seed is {quoted(study.first_seed)}, but must be a whole number")
    numbers = {"points": study.points, "pictures": study.pictures}
    names = ["image_size", "budget", *(["judge_images"] if study.judge_images or _has_parser(study) else [])]
    for name in names:
        values = getattr(study, name)
        if not values or set(values) != set(study.budget):
            raise ValueError(f"image_size, budget and judge_images must have the same presets, unlike {name}")
        for preset, value in values.items():
            sides = value if name == "image_size" and isinstance(value, list) and len(value) == 2 else [value]
            numbers |= {f"{name} of {preset}" + f" {number}" * (number > 0): one for number, one in enumerate(sides)}
    for name, value in numbers.items():
        if type(value) is not int or not 1 <= value <= MOST_IMAGES:
            raise ValueError(f"{name} is {quoted(value)}, but must be a whole number from 1 to {MOST_IMAGES}")
    for kind in study.published:
        study.published_table(kind)


def _check_presets(value: Mapping[str, Any], study: Study, what: str) -> None:
    for preset in value:
        if preset not in study.budget:
            raise ValueError(f"{what} has the preset {quoted(preset)}, which budget does not have")


def _check_sections(value: Mapping[str, Any], study: Study, what: str) -> None:
    """Raises: ValueError if it is not of the form preset -> section -> field -> value."""
    _check_presets(value, study, what)
    for preset, sections in value.items():
        _check_section(sections, f"{preset} of {what}")


def _check_section(value: object, what: str) -> None:
    """Raises: ValueError if it is not of the form section -> field -> value."""
    for section, values in _entries(value, what).items():
        _entries(values, f"{section} of {what}")


def _staged(row: StudyRow) -> float:
    return sum(row.stages.values())


def _size_of(row: StudyRow, size: int | list[int], usual: int | tuple[int, int]) -> int | tuple[int, int]:
    """The size as the row's system has it, one side or two.

    Raises:
        ConfigError: if it has one, and the size has two that differ.
    """
    height, width = size if isinstance(size, list) else (size, size)
    if isinstance(usual, tuple):
        return height, width
    if height != width:
        raise ConfigError(f'The row "{row.name}" has square pictures alone, not {width}x{height}.')
    return height


def _has_parser(study: Study) -> bool:
    """Whether a parser judges some row."""
    return any("parser" in task.judges for task in study.tasks.values())


def row_config(
    study: Study,
    row: StudyRow,
    *,
    preset: str,
    budget: int,
    seed: int,
    dataset: DataConfig,
    stage: str | None = None,
) -> Any:
    """The complete configuration of one run of one row.

    Schedules that the preset counts in images (such as the decay of the learning rates) shrink or grow with the budget;
    the averaging of weights only shrinks.

    Args:
        study: gives the image size, the number of checkpoints, and options of all rows.
        row: gives the system and its own options.
        preset: where all else comes from.
        budget: images to see.
        seed: of the run.
        dataset: how the data are read.
        stage: of the system, if not the one that the preset's name alone means.

    Raises:
        ConfigError: if there is no such system, preset or option.
    """
    name = preset if stage is None else registry.stage_presets(row.system, preset)[stage]
    config = registry.preset(row.system, name)
    scale = budget / config.train.images
    train: dict[str, Any] = {
        "images": budget,
        "seed": seed,
        "ema_half_life": config.train.ema_half_life * min(1.0, scale),
        "log_every": max(1, budget // 40),
        "sample_every": max(1, budget // study.points),
        "checkpoint_every": max(1, budget // study.points),
        "keep_checkpoints": 2 * study.points,  # those of the points, and those of requests to stop between them
    }
    rates = {key: value for key, value in vars(config.optimizer).items() if key.startswith("lr") and value is not None}
    spans = {key: value for key, value in vars(config.optimizer).items() if key.endswith("_images")}
    changes: dict[str, dict[str, Any]] = {
        "model": {"image_size": _size_of(row, study.image_size[preset], config.model.image_size)},
        "train": train,
        "optimizer": {key: value * row.rate_factor(preset) for key, value in rates.items()}
        | {key: round(value * scale) for key, value in spans.items()},
    }
    for options in (study.options.get(preset, {}), row.options, row.at.get(preset, {})):
        for section, values in options.items():
            known = {
                one.name: str(one.type)
                for one in (dataclasses.fields(getattr(config, section)) if hasattr(config, section) else ())
            }
            for key, value in values.items():
                if key not in known:
                    raise ConfigError(f'The row "{row.name}" sets {section}.{key}, which {row.system} does not have.')
                if not _fits(value, known[key]):
                    raise ConfigError(
                        f'The row "{row.name}" sets {section}.{key} to {quoted(value)}, but that is of the type '
                        f"{known[key]}."
                    )
                changes.setdefault(section, {})[key] = tuple(value) if isinstance(value, list) else value
    sections = {name: dataclasses.replace(getattr(config, name), **values) for name, values in changes.items()}
    if isinstance(config.dataset, DataConfig):
        return dataclasses.replace(config, dataset=dataset, **sections)
    reading = {name: getattr(dataset, name) for name in registry.task(row.system).reading_options}
    own = sections.get("dataset", config.dataset)
    return dataclasses.replace(config, **{**sections, "dataset": dataclasses.replace(own, **reading)})


_PLAIN: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (int, float), "str": (str,)}
"""Types of fields -> what a file may have for them."""


def _fits(value: object, kind: str) -> bool:
    """Whether a field of this type can have the value; types that are not plain are left to their sections."""
    kinds = [one.strip() for one in kind.split("|")]
    allowed = [_PLAIN[one] for one in kinds if one in _PLAIN]
    if len(allowed) + ("None" in kinds) < len(kinds):
        return True
    if value is None:
        return "None" in kinds
    return any(type(value) in one for one in allowed)
