"""Published tables as data. No torch import.

`tables/<system>.yaml` holds the tables of one paper; a name such as "scgan-celeba" is unique among all files.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import yaml

from limner.errors import ConfigError, nearest


@dataclass(frozen=True)
class PublishedRow:
    """One method of a published table."""

    method: str
    values: dict[str, float | None]
    """Column -> number as printed, None where the paper has none."""
    status: str
    """Whether this project measured the same, and if not, why."""


@dataclass(frozen=True)
class PublishedTable:
    """A table as its authors printed it."""

    name: str
    title: str
    source: str
    protocol: str
    """How its numbers were measured, as far as is known."""
    columns: dict[str, str]
    """Key of `PublishedRow.values` -> heading."""
    rows: tuple[PublishedRow, ...]


def table_names() -> list[str]:
    """All published tables."""
    return sorted(_load_all())


def published_table(name: str) -> PublishedTable:
    """A table by name.

    Raises:
        ConfigError: if there is none of that name.
    """
    tables = _load_all()
    if name not in tables:
        raise ConfigError(f'There is no published table "{name}".{nearest(name, tables)}')
    return tables[name]


def _load_all() -> dict[str, PublishedTable]:
    tables = {}
    for file in sorted(resources.files("limner.metrics").joinpath("tables").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            for name, content in yaml.safe_load(file.read_text(encoding="utf-8")).items():
                rows = tuple(PublishedRow(**row) for row in content.pop("rows"))
                tables[name] = PublishedTable(name=name, rows=rows, **content)
    return tables
