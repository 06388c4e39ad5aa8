"""What LGcGAN can do, shown on people who never lived: the ready-made ones of `limner.people`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from limner.data.datasets.utkface import AGE_GROUPS
from limner.demo import DemoPicture, command, contact_sheet, program
from limner.people.gallery import ReadyPerson, ready
from limner.systems.lgcgan.pipeline import LGcGANPipeline

WORDS = "Shows the same face at another age, guided by its landmarks."
NUM_FACES = 6
MIDDLE_AGE = (25.0, 50.0)
NUM_STEPS = 10


def demo(out: Path, pipeline: LGcGANPipeline) -> list[DemoPicture]:
    """Three sheets; the photos and landmarks that they are made from are written to `out/faces`."""
    (out / "faces").mkdir(parents=True, exist_ok=True)
    people = [person for person in ready("age") if MIDDLE_AGE[0] <= person.age_years <= MIDDLE_AGE[1]]
    chosen = list({person.identity: person for person in people}.values())[:NUM_FACES]
    for number, person in enumerate(chosen):
        Image.fromarray(person.image).save(out / f"faces/{number}.png")
        np.save(out / f"faces/{number}.npy", _landmarks(person))
    return [_ages(out, pipeline, chosen), _walk(out, pipeline, chosen[0]), _attention(out, pipeline, chosen[0])]


def _ages(out: Path, pipeline: LGcGANPipeline, people: list[ReadyPerson]) -> DemoPicture:
    photos = [str(out / f"faces/{number}.png") for number in range(len(people))]
    result = pipeline(photos, landmarks=[_landmarks(person) for person in people])
    columns = len(AGE_GROUPS) + 1
    rows = [result.images[start : start + columns] for start in range(0, len(result.images), columns)]
    return DemoPicture(
        name="ages",
        title="One face, ten ages",
        caption="Each row is one person: the photo, then the same face in each of the ten age groups.",
        image=contact_sheet(rows, tile=96, column_names=["photo", *AGE_GROUPS]),
        python=_program(
            pipeline,
            f'photos = [f"faces/{{k}}.png" for k in range({len(people)})]',
            f'landmarks = [np.load(f"faces/{{k}}.npy") for k in range({len(people)})]',
            'pipe(photos, landmarks=landmarks).save("ages")',
        ),
        command=f"{command(pipeline)} --photo faces --landmarks faces --out ages",
    )


def _walk(out: Path, pipeline: LGcGANPipeline, person: ReadyPerson) -> DemoPicture:
    photo, landmarks = str(out / "faces/0.png"), _landmarks(person)
    older = pipeline.walk(photo, "21-30", "80+", steps=NUM_STEPS, landmarks=landmarks)
    younger = pipeline.walk(photo, "41-50", "0-5", steps=NUM_STEPS, landmarks=landmarks)
    return DemoPicture(
        name="walk",
        title="Walk from one age to another",
        caption="In equal steps through mixtures of neighbouring groups: towards old age, and towards childhood.",
        image=contact_sheet([older.images, younger.images], tile=96, row_names=["21-30 to 80+", "41-50 to 0-5"]),
        python=_program(
            pipeline,
            f'photo, options = "faces/0.png", {{"steps": {NUM_STEPS}, "landmarks": np.load("faces/0.npy")}}',
            'pipe.walk(photo, "21-30", "80+", **options).save("older")',
            'pipe.walk(photo, "41-50", "0-5", **options).save("younger")',
        ),
        command=f"{command(pipeline)} --photo faces/0.png --landmarks faces/0.npy --walk 21-30 80+ "
        f"--steps {NUM_STEPS} --motion morph.gif --out walk",
    )


def _attention(out: Path, pipeline: LGcGANPipeline, person: ReadyPerson) -> DemoPicture:
    ages = ["0-5", "21-30", "80+"]
    result = pipeline.attention(str(out / "faces/0.png"), ages, landmarks=_landmarks(person))
    columns = int(result.settings["columns"])
    rows = [result.images[start : start + columns] for start in range(0, len(result.images), columns)]
    return DemoPicture(
        name="attention",
        title="Where the face is changed",
        caption="From left to right: the landmarks, the result, and what is repainted (red) or kept (blue) at a "
        "quarter of the size, at half of it, and pixel by pixel.",
        image=contact_sheet(rows, tile=96, row_names=ages),
        python=_program(
            pipeline,
            f'pipe.attention("faces/0.png", {ages}, landmarks=np.load("faces/0.npy")).save("attention")',
        ),
        command=f"{command(pipeline)} --photo faces/0.png --landmarks faces/0.npy --age {' '.join(ages)} --attention "
        "--out attention",
    )


def _landmarks(person: ReadyPerson) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    assert person.landmarks is not None  # faces have them
    return person.landmarks


def _program(pipeline: LGcGANPipeline, *lines: str) -> str:
    return program(pipeline, *lines, imports=["import numpy as np"])
