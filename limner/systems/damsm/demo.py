"""Which of some people who never lived fit a sentence best, by DAMSM."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from limner.demo import DemoPicture, command, contact_sheet, program
from limner.people.gallery import ready
from limner.systems.damsm.pipeline import DAMSMPipeline
from limner.text_to_image.words import caption_of_known_words, vocabulary_of

WORDS = "Says how well a picture and a sentence fit. The systems that paint sentences learn from its encoders."
CAPTIONS = (
    "A woman with blond hair.",
    "A man with a beard.",
    "An elderly man with grey hair.",
    "A woman with long black hair.",
)
NUM_FACES, NUM_SHOWN = 40, 6


def demo(out: Path, pipeline: DAMSMPipeline) -> list[DemoPicture]:
    """One sheet; the photos that it is made from are written to `out/photos`."""
    (out / "photos").mkdir(parents=True, exist_ok=True)
    people = ready("face")[:NUM_FACES]
    photos = [Image.fromarray(person.image) for person in people]
    for number, photo in enumerate(photos):
        photo.save(out / f"photos/{number:02d}.png")
    captions = [caption_of_known_words(caption, vocabulary_of(pipeline.spec)) for caption in CAPTIONS]
    scores = [found["scores"] for found in pipeline([person.image for person in people], captions)]
    rows = []
    for column in range(len(captions)):
        order = sorted(range(len(photos)), key=lambda number: -scores[number][column]["sentence"])
        rows.append([photos[number] for number in order[:NUM_SHOWN]])
    quoted = " ".join(f'"{caption}"' for caption in captions)
    return [
        DemoPicture(
            name="best",
            title="Which faces fit a sentence",
            caption=f"Of {len(photos)} faces the {NUM_SHOWN} that fit best, the best first. From top to bottom: "
            + " ".join(captions),
            image=contact_sheet(rows),
            python=program(pipeline, f'print(pipe("photos/00.png", {captions}))'),
            command=f"{command(pipeline)} --photo photos --caption {quoted} --out scores",
        )
    ]
