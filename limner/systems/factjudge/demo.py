"""What the judge of facts says of people who never lived: the ready-made ones of `limner.people`."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from limner.demo import DemoPicture, command, contact_sheet, program, stacked
from limner.inputs import to_tensor
from limner.people.gallery import ready
from limner.systems.factjudge.pipeline import FactJudgePipeline

WORDS = "Says whether somebody is old, blond, bearded. The systems that paint sentences are judged by it."
NUM_FACES, COLUMNS = 8, 4


def demo(out: Path, pipeline: FactJudgePipeline) -> list[DemoPicture]:
    """One sheet; the photos that it is made from are written to `out/photos`."""
    (out / "photos").mkdir(parents=True, exist_ok=True)
    people = ready("face")[:NUM_FACES]
    photos = [Image.fromarray(person.image) for person in people]
    for number, photo in enumerate(photos):
        photo.save(out / f"photos/{number}.png")
    verdicts = pipeline.facts(torch.cat([to_tensor(person.image, pipeline.device) for person in people]))
    sheets = [
        contact_sheet(
            [photos[start : start + COLUMNS]],
            tile=256,
            column_names=[_in_words(verdict) for verdict in verdicts[start : start + COLUMNS]],
        )
        for start in range(0, NUM_FACES, COLUMNS)
    ]
    return [
        DemoPicture(
            name="facts",
            title="Which facts are seen",
            caption=f"Above each face what the judge sees. It answers {len(pipeline.questions)} questions: "
            f"{', '.join(pipeline.questions)}.",
            image=stacked(sheets, gap=0),
            python=program(pipeline, 'print(pipe("photos/0.png"))'),
            command=f"{command(pipeline)} --photo photos --out facts",
        )
    ]


def _in_words(verdict: dict[str, str]) -> str:
    """The answers of one picture, short: "young male, black hair, glasses"."""
    who = " ".join(verdict[question] for question in ("age", "gender") if question in verdict)
    hair = f"{verdict['hair color']} hair" if "hair color" in verdict else ""
    worn = [question for question in ("beard", "glasses", "hat") if verdict.get(question) == "yes"]
    return ", ".join(part for part in (who, hair, *worn) if part) or "; ".join(verdict.values())
