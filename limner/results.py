"""Pictures and what is needed to make them again: their files, their provenance, stored results."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from limner.errors import ConfigError, DataError, ShapeError
from limner.files import read_json, write_atomically
from limner.plan import GenerationPlan
from limner.provenance import SYNTHETIC_MEDIA, png_info

RESULT_VERSION = 1
MAX_RESULT_BYTES = 512_000_000
"""A stored result is refused if it has more."""


@dataclass
class GenerationResult:
    """Pictures and what is needed to make them again.

    Attributes:
        images: RGB pictures.
        plan: every input that decided the pixels.
        provenance: `system`, `weights`, `weights_hash`, `limner`, `torch`: what drew them.
    """

    images: list[Image.Image]
    plan: GenerationPlan = field(repr=False)
    provenance: dict[str, str]

    @property
    def seeds(self) -> list[int]:
        """The seed of each picture."""
        return self.plan.seeds

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked for."""
        return self.plan.settings

    def sheet(self) -> Image.Image:
        """All pictures on one, row by row, as many columns as `settings["columns"]` (else one row)."""
        columns = int(self.settings.get("columns", len(self.images)))
        width, height = self.images[0].size
        sheet = Image.new("RGB", (columns * width, math.ceil(len(self.images) / columns) * height), "white")
        for index, image in enumerate(self.images):
            sheet.paste(image, (index % columns * width, index // columns * height))
        return sheet

    def save(self, directory: str | Path, *, name: str = "result") -> list[Path]:
        """Write one PNG a picture, a sheet where the settings lay one out, and `<name>.json`, which comes last.

        All files are written under temporary names before the first is renamed; the JSON file stands for a complete
        result. `Pipeline.reproduce` makes the pictures again from it alone.

        Returns:
            The paths of the pictures, in order.

        Raises:
            DataError: if they cannot be written.
        """
        return self._save(Path(directory), name, {})

    def _save(
        self,
        directory: Path,
        name: str,
        facts: Mapping[str, Any],
        beside: Mapping[Path, Callable[[Path], object]] | None = None,
    ) -> list[Path]:
        """`save`, with further facts in the JSON file, and further files."""
        paths = [directory / file for file in self.file_names()]
        record = {
            "format_version": RESULT_VERSION,
            **self.provenance,
            "digest": self.plan.digest(self.provenance["system"], self.provenance["weights_hash"]),
            "statement": SYNTHETIC_MEDIA,
            "files": [path.name for path in paths],
            **facts,
            **self.plan.to_json(),
        }
        text = "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items()) + "\n}\n"
        writers = dict(beside or {})
        writers |= {
            path: self.png_writer(image, {"seed": seed})
            for path, image, seed in zip(paths, self.images, self.seeds, strict=True)
        }
        if "columns" in self.settings:
            writers[directory / f"{name}-sheet.png"] = self.png_writer(self.sheet(), {"seeds": self.seeds})
        writers[directory / f"{name}.json"] = lambda path: path.write_text(text, encoding="utf-8")
        write_atomically(writers)
        return paths

    def file_names(self) -> list[str]:
        """`seed-000007.png`, with the picture's number in front where a seed occurs twice."""
        return _file_names(self.seeds)

    def png_writer(self, image: Image.Image, extra: Mapping[str, Any]) -> Callable[[Path], None]:
        """A function that writes a picture of this result as PNG, with its provenance and `extra` in the metadata."""
        info = png_info(self.provenance, {**extra, "settings": self.settings}, from_photo=False)
        return lambda path: image.save(path, format="PNG", pnginfo=info)


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


def _file_names(seeds: Sequence[int]) -> list[str]:
    names = [f"seed-{seed:06d}.png" for seed in seeds]
    return names if len(set(seeds)) == len(seeds) else [f"{index:04d}-{name}" for index, name in enumerate(names)]
