"""Make the people that come with the package, `limner/people/ready`; `limner.people.gallery` reads them.

    python tools/make_ready_people.py

The lists below name who was chosen from the collections of `SEED`. To look at others:

    limner data make people-faces --seed 2024 --num 100 --out runs/faces
    limner data show runs/faces --num 100 --columns 10 --size 96 --out runs/faces.png
"""

from __future__ import annotations

import argparse
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from limner.data.collection import Files
from limner.data.datasets.deepfashion_inshop import content_columns
from limner.data.face_files import encode_label_map
from limner.data.schema import get_schema
from limner.files import write_atomically
from limner.people.describe import describe
from limner.people.gallery import FOLDER, INDEX
from limner.people.rendering import Rendering, render
from limner.people.write.ages import Ages
from limner.people.write.bodies import Bodies, on_canvas
from limner.people.write.common import generator, visible_classes
from limner.people.write.faces import Faces

SEED = 2024
FACES = (
    2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 19, 20, 22, 23, 24, 25, 26, 28, 29, 30, 33, 34, 35, 36, 38, 40, 43,
    45, 46, 47, 49, 51, 55, 57, 58, 61,
)  # fmt: skip
"""Indices of `people-faces`."""
AGES = tuple(10 * identity + group for identity in (2, 4, 5, 9, 22, 28, 46, 58) for group in (1, 3, 5, 7, 9))
"""Indices of `people-ages`: eight people at five ages each."""
BODIES = tuple(4 * identity + view for identity in range(3) for view in range(4))
"""Indices of `people-bodies`: three people from four sides each."""
FACE_SIZE, BODY_SIZE = 128, 256
MAX_BYTES = 1_000_000


def make(kind: str, index: int, files: Files) -> dict[str, Any]:
    """Render one picture into `files`; its entry in the index."""
    maker = {"face": Faces(SEED, FACE_SIZE), "age": Ages(SEED, FACE_SIZE), "body": Bodies(SEED, BODY_SIZE)}[kind]
    person, scene = maker.subject(index)
    shown = render(person, scene, maker.size)
    name = f"{kind}-{index:03d}"
    visible = visible_classes(shown.parsing)
    image, label_map, keypoints = shown.image, shown.parsing, None
    if kind == "body":
        image, label_map, keypoints = canvas(shown)
    schema = "body-20" if kind == "body" else "celebamask-19"
    files[f"{name}.webp"] = encode_webp(image)
    files[f"{name}.png"] = encode_label_map(label_map, get_schema(schema))
    return {
        "name": name,
        "kind": kind,
        "identity": shown.identity,
        "age_years": round(shown.age_years, 1),
        "schema": schema,
        "landmarks": None if kind == "body" else shown.landmarks68.astype(float).round(1).tolist(),
        "keypoints": keypoints,
        "attributes": [key for key, value in shown.attributes.items() if value],
        "captions": describe(person, scene, generator(SEED, index, "captions"), num=5, visible=visible),
    }


def canvas(shown: Rendering) -> tuple[np.ndarray, np.ndarray, list[tuple[float, float] | None]]:
    """Picture and body parsing with empty borders, and the key points in pixels of the whole square."""
    image, parsing, points = on_canvas(shown)
    first, _ = content_columns(len(image), len(image))
    return image, parsing, [point and (round(point[0] + first, 1), round(point[1], 1)) for point in points]


def encode_webp(image: np.ndarray) -> bytes:
    """(S, S, 3) uint8 RGB as a small file."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, "WEBP", quality=88, method=6)
    return content.getvalue()


def main() -> None:
    """Render all of them, then replace what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    out = parser.parse_args().out
    files: Files = {}
    chosen = {"face": FACES, "age": AGES, "body": BODIES}
    entries = [make(kind, index, files) for kind, indices in chosen.items() for index in indices]
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    files[INDEX] = f"[\n{lines}\n]\n".encode()
    total = sum(map(len, files.values()))
    if total > MAX_BYTES:
        raise SystemExit(f"{total} bytes are more than {MAX_BYTES}: choose fewer people.")
    for path in out.glob("*-[0-9][0-9][0-9].*"):  # people who are no longer chosen
        path.unlink()
    write_atomically({out / name: partial(Path.write_bytes, data=content) for name, content in files.items()})
    print(f"{len(entries)} pictures, {total / 1000:.0f} kB: {out}")


if __name__ == "__main__":
    main()
