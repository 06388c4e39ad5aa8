"""What the parser sees in pictures of people who never lived: the ready-made ones of `limner.people`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from limner.demo import DemoPicture, command, contact_sheet, program
from limner.people.gallery import ready
from limner.systems.parser.pipeline import ParserPipeline

WORDS = "Says of every pixel of a portrait what it shows: skin, hair, an eye. The other systems are judged by it."
NUM_FACES = 8


def demo(out: Path, pipeline: ParserPipeline) -> list[DemoPicture]:
    """One sheet; the photos that it is made from are written to `out/photos`."""
    (out / "photos").mkdir(parents=True, exist_ok=True)
    people = ready("face")[:NUM_FACES]
    for number, person in enumerate(people):
        Image.fromarray(person.image).save(out / f"photos/{number}.png")
    found = pipeline([person.image for person in people]).label_maps
    colored = [Image.fromarray(pipeline.spec.schema.colorize(label_map)) for label_map in found]
    photos = [Image.fromarray(person.image) for person in people]
    laid_over = [
        Image.blend(photo, color.resize(photo.size, Image.Resampling.NEAREST), 0.5)
        for photo, color in zip(photos, colored, strict=True)
    ]
    lines = [
        f'maps = pipe([f"photos/{{k}}.png" for k in range({NUM_FACES})]).label_maps',
        "Image.fromarray(pipe.spec.schema.colorize(maps[0])).save('map.png')",
    ]
    return [
        DemoPicture(
            name="maps",
            title="What is where in a face",
            caption=f"Photos, the label maps that the parser makes of them ({len(np.unique(found))} classes are seen "
            "here), and both laid over each other. Such a map is what the painters of label maps start from.",
            image=contact_sheet([photos, colored, laid_over], row_names=["photo", "label map", "both"]),
            python=program(pipeline, *lines, imports=["from PIL import Image"]),
            command=f"{command(pipeline)} --image photos --out maps",
        )
    ]
