"""What was made and what is needed to make it again: media of any kind, their files, stored results.

`result.json` is a stored plan that notes every file that was written and how it was asked for. `find` is the one rule
that decides, for all systems, whether a folder already holds what is asked for. No torch here.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from limner.errors import ConfigError, DataError, ShapeError, counted
from limner.files import at_home, checked_name, read_json, resolved, write_atomically
from limner.media import Media, Picture
from limner.plan import GenerationPlan, Item
from limner.provenance import Facts, source_type, statement

RESULT_VERSION = 3
"""Version 1 named all files after seeds, and noted a painting's other files under "extras"; version 3 is written only
where another runtime than PyTorch drew, so that older programs read all they can draw."""

MAX_RESULT_BYTES = 512_000_000
"""A stored result is refused if it has more."""

State = Literal["done", "again", "foreign"]


@dataclass(frozen=True)
class Beside:
    """A file that is written beside the media of a result.

    Attributes:
        path: where.
        asked: how it was asked for, plain data: another value means another content.
        write: called as write(result, path).
    """

    path: Path
    asked: Any
    write: Callable[[Any, Path], object]
    is_medium: bool = False
    """Whether it is something made, and so counted and shown to the user."""


@dataclass(repr=False)
class GenerationResult:
    """What a pipeline made, and what is needed to make it again.

    Attributes:
        media: pictures or clips.
        plan: every input that decided them.
        provenance: `system`, `weights`, `weights_hash`, `limner`, `torch`: what made them; `onnxruntime` too.
    """

    media: Sequence[Media]
    plan: GenerationPlan
    provenance: dict[str, str]
    weights_path: str = field(default="", kw_only=True)
    """Where weights lay that did not come with Limner, for `generate --from`; it stands in the JSON file alone."""

    @property
    def images(self) -> list[Image.Image]:
        """The pictures, RGB."""
        return [one.image for one in self.media if isinstance(one, Picture)]

    @property
    def items(self) -> list[Item]:
        """Name and seed of each medium."""
        return self.plan.items

    @property
    def seeds(self) -> Sequence[int | None]:
        """The seed of each medium; none where no seed decided anything."""
        return self.plan.seeds

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked for."""
        return self.plan.settings

    def sheet(self, *, scale: float = 1.0) -> Image.Image:
        """All pictures on one, row by row, as many columns as `settings["columns"]` (else one row).

        Args:
            scale: how many times as wide and high each picture is shown (bicubic).

        Raises:
            ConfigError: if there is no picture, or the scale is not above 0 and at most 16.
        """
        if not self.media:
            raise ConfigError("There is no picture to lay out.")
        if not 0 < scale <= 16:
            raise ConfigError(f"scale is {scale}; it must be above 0 and at most 16.")
        stills = [one.still() for one in self.media]
        columns = int(self.settings.get("columns", len(stills)))
        width, height = (max(1, round(side * scale)) for side in stills[0].size)
        sheet = Image.new("RGB", (columns * width, math.ceil(len(stills) / columns) * height), "white")
        for index, image in enumerate(stills):
            shown = image if image.size == (width, height) else image.resize((width, height), Image.Resampling.BICUBIC)
            sheet.paste(shown, (index % columns * width, index // columns * height))
        return sheet

    def save(
        self, directory: str | Path, *, name: str = "result", beside: Sequence[Beside] = (), replace: bool = False
    ) -> list[Path]:
        """Write a file for each medium, a sheet where the settings lay one out, and `<name>.json`, which comes last.

        All files are written under temporary names before the first is renamed; the JSON file stands for a complete
        result. `Pipeline.reproduce` makes the media again from it alone. An earlier result of this name is replaced.

        Args:
            directory: folder, made if missing.
            name: of the JSON file.
            beside: further files.
            replace: also files of the same names that Limner did not make.

        Returns:
            The paths of the media, in order.

        Raises:
            ConfigError: if the name is not that of a file.
            DataError: if they cannot be written, or a file is in the way that Limner did not make.
        """
        checked_name(name)
        directory = at_home(directory)
        paths = [directory / file for file in self.file_names()]
        wanted, digest = self._wanted(directory, name, beside), self.digest
        before = _result_at(directory / f"{name}.json")
        if not replace:
            sheets = [directory / f"{name}-sheet.png"] if self.has_sheet else []
            _refuse_others(directory / f"{name}.json", before, [*paths, *sheets])
        noted = _noted(before, name) if before is not None and before["digest"] == digest else {}
        record = {
            "format_version": 2 if self.plan.runtime == "torch" else RESULT_VERSION,
            **self.provenance,
            **({"weights_path": self.weights_path} if self.weights_path else {}),
            "digest": digest,
            "statement": statement(from_photo=self.plan.from_photo),
            "digital_source_type": source_type(from_photo=self.plan.from_photo),
            "files": [path.name for path in paths],
            "written": {**noted, **_relative(wanted, directory)},
            **self.plan.to_json(),
        }
        text = "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items()) + "\n}\n"
        writers: dict[Path, Callable[[Path], object]] = {one.path: partial(one.write, self) for one in beside}
        for path, medium, item in zip(paths, self.media, self.items, strict=True):
            seed = {} if item.seed is None else {"seed": item.seed}
            writers[path] = partial(medium.write, facts=self.facts(digest=digest, **seed))
        if self.has_sheet:
            seeds = {} if None in self.seeds else {"seeds": self.seeds}
            sheet = Picture(self.sheet())
            writers[directory / f"{name}-sheet.png"] = partial(sheet.write, facts=self.facts(digest=digest, **seeds))
        writers[directory / f"{name}.json"] = lambda path: path.write_text(text, encoding="utf-8")
        write_atomically(writers)
        return paths

    @property
    def digest(self) -> str:
        """Of the plan and the weights."""
        return self.plan.digest(self.provenance["system"], self.provenance["weights_hash"])

    @property
    def has_sheet(self) -> bool:
        """Whether a sheet is written, too."""
        return "columns" in self.settings

    def facts(self, **details: Any) -> Facts:
        """What a file of this result says of itself: the settings, and what else is to be noted."""
        return Facts(self.provenance, {**details, "settings": self.settings}, self.plan.from_photo)

    def file_names(self) -> list[str]:
        """Of the media, in order; see `GenerationPlan.items`."""
        return [f"{item.name}{one.suffix}" for item, one in zip(self.items, self.media, strict=True)]

    def _wanted(self, directory: Path, name: str, beside: Sequence[Beside]) -> dict[Path, Any]:
        files = {directory / file: True for file in self.file_names()}
        sheet = {directory / f"{name}-sheet.png": True} if self.has_sheet else {}
        return {**files, **sheet, **{one.path: one.asked for one in beside}}

    def __repr__(self) -> str:
        kinds = {"clip" if one.suffix == ".mp4" else "picture" for one in self.media}
        what = kinds.pop() if len(kinds) == 1 else "file"
        size = "x".join(map(str, self.media[0].still().size)) if self.media else "nothing"
        count = counted(len(self.media), what)
        weights = self.provenance.get("weights", "unknown weights")
        return f"<{type(self).__name__}: {count} of {size} px by {weights}; .save(folder) writes them>"

    def _repr_png_(self) -> bytes:
        """For notebooks: the sheet."""
        return Picture(self.sheet()).to_bytes()

    def _repr_html_(self) -> str:
        """For notebooks: every medium with its name below it; clips can be played."""
        figures = "".join(
            f'<figure style="margin:0">{one.to_html()}<figcaption>{item.name}</figcaption></figure>'
            for item, one in zip(self.items, self.media, strict=True)
        )
        columns = int(self.settings.get("columns", min(8, max(1, len(self.media)))))
        style = f"display:inline-grid;grid-template-columns:repeat({columns},auto);gap:4px;font:11px sans-serif"
        return f'<div style="{style}">{figures}</div>'


@dataclass(frozen=True)
class Found:
    """What `find` found in a folder.

    Attributes:
        state: "done": all that is asked for is there; "again": it is to be made, and nothing else is in the way;
            "foreign": something else is there.
        why: a sentence on what is foreign.
        noted: file, as seen from the folder -> how it was asked for, of earlier parts of this very result.
    """

    state: State
    why: str = ""
    noted: Mapping[str, Any] = field(default_factory=dict)


def find(directory: Path, digest: str, wanted: Mapping[Path, Any], *, name: str = "result") -> Found:
    """The one rule: is a result in a folder the one that is asked for?

    A file that is there must be noted in the record of this very result; pictures of a run that was killed before its
    record was written are known by the digest in their metadata.

    Args:
        directory: of the result.
        digest: of the plan and the weights; see `GenerationPlan.digest`.
        wanted: path -> how it is asked for, of every file that would be written but the record.
        name: of the record.

    Raises:
        DataError: if the record is no result.
    """
    place = directory / f"{name}.json"
    noted: dict[str, Any] = {}
    if place.exists():
        record = read_result(place)
        if record["digest"] != digest:
            return Found(
                "foreign", f"{place} is the result of another request; give another --out, or --force to replace it."
            )
        noted = _noted(record, name)
    elif any(_digest_of(path) == digest for path in wanted if path.suffix.lower() == ".png" and path.is_file()):
        return Found("again")  # killed before its record was written
    known = {resolved(directory / file) for file in noted}
    for path in wanted:
        if path.exists() and resolved(path) not in known:
            return Found(
                "foreign",
                f"{path} is there already, but {place} does not say that Limner made it; give another place, or "
                "--force to replace it.",
                noted,
            )
    asked = _relative(wanted, directory)
    is_done = place.exists() and all(path.is_file() for path in wanted) and asked.items() <= noted.items()
    return Found("done" if is_done else "again", "", noted)


def state_of(
    directory: str | Path,
    plan: GenerationPlan,
    made_by: Mapping[str, str],
    *,
    suffix: str = ".png",
    name: str = "result",
    beside: Sequence[Beside] = (),
) -> Found:
    """`find` for a plan that is not drawn yet.

    Args:
        directory: where the result would be saved.
        plan: of the result.
        made_by: `Pipeline.provenance`.
        suffix: of the media.
        name: of the record.
        beside: further files.
    """
    directory = at_home(directory)
    files = {directory / f"{item.name}{suffix}": True for item in plan.items}
    sheet = {directory / f"{name}-sheet.png": True} if "columns" in plan.settings else {}
    wanted = {**files, **sheet, **{one.path: one.asked for one in beside}}
    return find(directory, plan.digest(made_by["system"], made_by["weights_hash"]), wanted, name=name)


def read_result(path: str | Path) -> dict[str, Any]:
    """A stored result: its JSON object, with the `GenerationPlan` under "plan".

    Raises:
        DataError: if the file is missing, broken or not a result.
    """
    try:
        record = read_json(path, most=MAX_RESULT_BYTES)
        if record["format_version"] > RESULT_VERSION:
            raise DataError(f"{path} was written by a newer Limner ({record['limner']}); update Limner to read it.")
        record["plan"] = GenerationPlan.from_json(record)
        for key in ("system", "weights", "weights_hash", "digest"):
            if not isinstance(record[key], str):
                raise TypeError(key)
        if record["digest"] != record["plan"].digest(record["system"], record["weights_hash"]):
            raise DataError(
                f"{path} was changed after it was written, so it says no longer how its pictures were made."
            )
    except (
        *(ConfigError, ShapeError),  # of a plan that cannot be
        *(LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError, zlib.error),
    ) as error:
        raise DataError(f"{path} is not a result that limner generate wrote, or it is damaged.") from error
    return dict(record)


def _result_at(place: Path) -> dict[str, Any] | None:
    """The record in a file; None if there is none, or another file."""
    try:
        return read_result(place)
    except DataError:
        return None


def _refuse_others(place: Path, before: Mapping[str, Any] | None, paths: Sequence[Path]) -> None:
    """Raises: DataError if a file would be replaced that is of no result, such as the picture that it was made from."""
    noted = {} if before is None else _noted(before, place.stem)
    others = [path for path in paths if path.exists() and path.name not in noted and _digest_of(path) is None]
    if before is None and place.exists():
        others.append(place)
    if others:
        raise DataError(
            f"{others[0]} is there already, and Limner did not make it, or it is damaged; give another folder, or "
            "replace=True to replace it."
        )


def _noted(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """File, as seen from the folder -> how it was asked for; of records of all versions."""
    if isinstance(record.get("written"), dict):
        return dict(record["written"])
    noted: dict[str, Any] = {Path(str(file)).name: True for file in record.get("files", [])}
    if "columns" in record["plan"].settings:
        noted[f"{name}-sheet.png"] = True
    extras = record.get("extras")
    return {**noted, **(extras if isinstance(extras, dict) else {})}


def _relative(wanted: Mapping[Path, Any], directory: Path) -> dict[str, Any]:
    folder = resolved(directory)
    return {Path(os.path.relpath(resolved(path), folder)).as_posix(): asked for path, asked in wanted.items()}


def _digest_of(path: Path) -> str | None:
    """What the metadata of a picture say of its plan."""
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            digest = json.loads(picture.info.get("limner:digest", "null"))
            return None if digest is None else str(digest)
    except (OSError, SyntaxError, ValueError, TypeError, RecursionError, Image.DecompressionBombError):
        return None
