"""Data for contract tests, drawn by code: one folder for each set of fields that a task may need."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
from PIL import Image

from limner.data.drawn import write_drawn_faces
from limner.data.fields import Field
from limner.data.image_io import save_label_map
from limner.data.keypoints import keypoint_row
from limner.data.manifest import Manifest, Row
from tests.ages import write_ready_ages
from tests.captioned_shapes import write_captioned_shapes
from tests.sine_speech import write_sine_words
from tests.stick_people import write_stick_people


def write_faces(folder: Path) -> None:
    """Drawn faces with label maps and attributes."""
    write_drawn_faces(folder, num=24, size=32, seed=0)


def write_ages(folder: Path) -> None:
    """Ready-made people at five ages each, with landmarks."""
    write_ready_ages(folder, size=32)


def write_stick_parts(folder: Path) -> None:
    """Stick people with body parsing."""
    write_stick_people(folder, has_parsing=True)


WRITERS: dict[frozenset[Field], Callable[[Path], object]] = {
    frozenset({"image", "label_map", "attributes"}): write_faces,
    frozenset({"image", "captions"}): write_captioned_shapes,
    frozenset({"image", "landmarks", "age_group", "identity"}): write_ages,
    frozenset({"image", "keypoints", "identity", "pairs"}): write_stick_people,
    frozenset({"image", "keypoints", "identity", "pairs", "label_map"}): write_stick_parts,
    frozenset({"image", "video", "audio", "captions", "identity"}): write_sine_words,
}
"""Fields that a folder has -> what writes it. The last needs the extra `video`."""


def writer_for(needs: Collection[Field]) -> Callable[[Path], object]:
    """What writes a folder with these fields."""
    for fields, write in WRITERS.items():
        if set(needs) <= fields:
            return write
    raise LookupError(f"no drawn data has {', '.join(needs)}: add what writes them to WRITERS in {__file__}")


def given(field: Field, manifest: Manifest, row: Row, folder: Path) -> list[str]:
    """How a row's value of a field is given to `limner generate`: what follows the option that it is of."""
    if field == "label_map":
        save_label_map(folder / "map.png", manifest.read_label_map(row), manifest.spec.schema)
        return [str(folder / "map.png"), "--schema", manifest.spec.schema.name]
    if field == "image":
        Image.fromarray(manifest.read_image(row)).save(folder / "photo.png")
        return [str(folder / "photo.png")]
    if field == "captions":
        return [manifest.marks_of(row).captions[0]]
    if field == "keypoints":  # a table of key points with one line
        points = manifest.marks_of(row).keypoints
        assert points is not None
        (folder / "pose.csv").write_text(f"name:keypoints_y:keypoints_x\n{keypoint_row(row.name, points)}\n")
        return [str(folder / "pose.csv")]
    if field in ("video", "audio"):  # the clip's file has both
        return [str(manifest.root / row.video)]
    if field == "landmarks":
        points = manifest.marks_of(row).landmarks
        assert points is not None
        (folder / "landmarks.txt").write_text(" ".join(f"{value:.3f}" for value in np.ravel(points)) + "\n")
        return [str(folder / "landmarks.txt")]
    raise LookupError(f"no drawn value of {field} can be given yet: write it in `given` of {__file__}")
