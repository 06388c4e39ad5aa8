"""Data for contract tests, drawn by code: one folder for each set of fields that a task may need."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from PIL import Image, ImageDraw

from limner.data.drawn import write_drawn_faces
from limner.data.fields import Field
from tests.ages import write_ready_ages

COLORS, SHAPES = ("red", "green", "blue"), ("circle", "square")
NUM, NUM_TRAIN = 24, 16


def write_captioned_shapes(folder: Path) -> None:
    """Coloured shapes on black with captions such as "a red circle", in the layout of a caption folder."""
    (folder / "images").mkdir(parents=True)
    (folder / "text").mkdir()
    for index in range(NUM):
        color, shape = COLORS[index % 3], SHAPES[index // 3 % 2]
        picture = Image.new("RGB", (32, 32), "black")
        draw = ImageDraw.Draw(picture)
        (draw.ellipse if shape == "circle" else draw.rectangle)((6, 6, 26, 26), fill=color)
        picture.save(folder / f"images/{index}.png")
        (folder / f"text/{index}.txt").write_text(f"a {color} {shape}\n")
    (folder / "train.txt").write_text("".join(f"{index}\n" for index in range(NUM_TRAIN)))
    (folder / "test.txt").write_text("".join(f"{index}\n" for index in range(NUM_TRAIN, NUM)))


def write_faces(folder: Path) -> None:
    """Drawn faces with label maps and attributes."""
    write_drawn_faces(folder, num=NUM, size=32, seed=0)


def write_ages(folder: Path) -> None:
    """Ready-made people at five ages each, with landmarks."""
    write_ready_ages(folder, size=32)


WRITERS: dict[frozenset[Field], Callable[[Path], None]] = {
    frozenset({"image", "label_map", "attributes"}): write_faces,
    frozenset({"image", "captions"}): write_captioned_shapes,
    frozenset({"image", "landmarks", "age_group", "identity"}): write_ages,
}
"""Fields that a folder has -> what writes it."""


def writer_for(needs: Collection[Field]) -> Callable[[Path], None]:
    """What writes a folder with these fields."""
    return next(write for fields, write in WRITERS.items() if set(needs) <= fields)
