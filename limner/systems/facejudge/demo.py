"""What the judge of faces says of people who never lived: the ready-made ones of `limner.people`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import torch
from PIL import Image

from limner.demo import DemoPicture, command, contact_sheet, program, stacked
from limner.inputs import to_tensor
from limner.people.gallery import ReadyPerson, ready
from limner.systems.facejudge.pipeline import FaceJudgePipeline

WORDS = "Says how old a face looks and who it is. The systems that change an age are judged by it."
NUM_PEOPLE = 3


def demo(out: Path, pipeline: FaceJudgePipeline) -> list[DemoPicture]:
    """One sheet; the photos that it is made from are written to `out/photos`."""
    (out / "photos").mkdir(parents=True, exist_ok=True)
    rows = [list(group) for _, group in groupby(ready("age"), key=lambda person: person.identity)][:NUM_PEOPLE]
    rows = [sorted(row, key=lambda person: person.age_years) for row in rows]
    columns = min(map(len, rows))
    people = [person for row in rows for person in row[:columns]]
    for number, person in enumerate(people):
        Image.fromarray(person.image).save(out / f"photos/{number:02d}.png")
    verdict = pipeline.verdict(torch.cat([to_tensor(person.image, pipeline.device) for person in people]))
    likeness = (verdict.embedding @ verdict.embedding.T).tolist()
    alike = [likeness[number][_first(people, person)] for number, person in enumerate(people)]
    names = [
        f"seen {years:.0f}, is {person.age_years:.0f}; {same:.2f}"
        for person, years, same in zip(people, verdict.years.tolist(), alike, strict=True)
    ]
    return [
        DemoPicture(
            name="ages",
            title="How old, and who",
            caption="Each row is one person at several ages. Above each face: the age that the judge sees, the true "
            "one, and how much the face is like the first of its row (1: the same face).",
            image=_sheet(rows, columns, names),
            python=program(pipeline, 'print(pipe("photos/00.png")["years"])'),
            command=f"{command(pipeline)} --photo photos --out ages",
        )
    ]


def _first(people: list[ReadyPerson], person: ReadyPerson) -> int:
    return next(number for number, other in enumerate(people) if other.identity == person.identity)


def _sheet(rows: list[list[ReadyPerson]], columns: int, names: list[str]) -> Image.Image:
    """The rows, each with its words above it."""
    sheets = [
        contact_sheet(
            [[Image.fromarray(person.image) for person in row[:columns]]],
            tile=128,
            column_names=names[number * columns : (number + 1) * columns],
        )
        for number, row in enumerate(rows)
    ]
    return stacked(sheets)
