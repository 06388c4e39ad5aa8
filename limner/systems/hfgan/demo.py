"""What HfGAN can do, shown on captions of people who never lived."""

from __future__ import annotations

from pathlib import Path

from limner.demo import DemoPicture, command, contact_sheet, program
from limner.systems.hfgan.pipeline import HfGANPipeline
from limner.text_to_image.words import caption_of_known_words, vocabulary_of

WORDS = "Paints captions: one sentence in many ways, a story sentence by sentence, one word exchanged."
CAPTIONS = (
    "A young woman with long blond hair.",
    "A young man with short black hair and a beard.",
    "An elderly man with grey hair.",
    "A woman with red hair wearing glasses.",
    "A middle-aged man wearing a hat.",
    "A girl with braids smiling.",
)
STORY = ("A young man with black hair.", "A middle-aged man with black hair.", "An elderly man with grey hair.")
SWAPS = (("A young woman with black hair.", "black", "blond"), ("A young man with brown hair.", "man", "woman"))
NUM_SEEDS, BETWEEN = 6, 2


def demo(out: Path, pipeline: HfGANPipeline) -> list[DemoPicture]:
    """Four sheets; the captions of the first are written to `out/captions.txt`."""
    out.mkdir(parents=True, exist_ok=True)
    return [_captions(out, pipeline), _story(pipeline), _swaps(pipeline), _attention(pipeline)]


def _captions(out: Path, pipeline: HfGANPipeline) -> DemoPicture:
    captions = [_known(pipeline, caption) for caption in CAPTIONS]
    (out / "captions.txt").write_text("".join(f"{caption}\n" for caption in captions), encoding="utf-8")
    images = pipeline(captions, num_images=NUM_SEEDS).images
    rows = [images[start : start + NUM_SEEDS] for start in range(0, len(images), NUM_SEEDS)]
    return DemoPicture(
        name="captions",
        title="Captions",
        caption=f"Each row is one caption, each column one latent. From top to bottom: {' '.join(captions)}",
        image=contact_sheet(rows),
        python=program(
            pipeline,
            'captions = open("captions.txt").read().splitlines()',
            f'pipe(captions, num_images={NUM_SEEDS}).save("captions")',
        ),
        command=f"{command(pipeline)} --captions captions.txt --num-images {NUM_SEEDS} --out captions",
    )


def _story(pipeline: HfGANPipeline) -> DemoPicture:
    story = [_known(pipeline, caption) for caption in STORY]
    result = pipeline.sequence(story, seed=1, frames_between=BETWEEN)
    return DemoPicture(
        name="story",
        title="A story, sentence by sentence",
        caption=f"One latent; {BETWEEN} pictures lie between each sentence and the next. {' '.join(story)}",
        image=contact_sheet([result.images]),
        python=program(pipeline, f'pipe.sequence({story}, seed=1, frames_between={BETWEEN}).save("story")'),
        command=f"{command(pipeline)} --caption {_quoted(story)} --sequence --seed 1 --frames-between {BETWEEN} "
        "--motion story.gif --out story",
    )


def _swaps(pipeline: HfGANPipeline) -> DemoPicture:
    vocabulary = vocabulary_of(pipeline.spec)
    known = [(_known(pipeline, caption), old, new) for caption, old, new in SWAPS]
    swaps = [one for one in known if set(one[1:]) <= set(vocabulary.words) and one[1] in one[0]]
    if not swaps:  # of weights that know none of these words
        words = _known(pipeline, "")
        swaps = [(words, words.split()[0], words.split()[-1])]
    rows = [pipeline.swap(*one, seed=2).images for one in swaps]
    caption, old, new = swaps[0]
    return DemoPicture(
        name="swap",
        title="One word exchanged",
        caption="Before, after, and what that changed (twice as strong).",
        image=contact_sheet(rows, row_names=[f"{old} to {new}" for _, old, new in swaps]),
        python=program(pipeline, f'pipe.swap("{caption}", "{old}", "{new}", seed=2).save("swap")'),
        command=f'{command(pipeline)} --caption "{caption}" --swap "{old}={new}" --seed 2 --out swap',
    )


def _attention(pipeline: HfGANPipeline) -> DemoPicture:
    caption = _known(pipeline, CAPTIONS[0])
    result = pipeline.attention(caption, seed=3)
    columns = int(result.settings["columns"])
    rows = [result.images[:columns], result.images[columns:]]
    words = [item.name.rpartition("-")[2] for item in result.items[1:columns]]
    return DemoPicture(
        name="attention",
        title="Where each word counts",
        caption="The picture, then each word of the caption: bright where it has more than twice its even share. Above "
        "at a quarter of the size, below at half of it.",
        image=contact_sheet(rows, tile=72, column_names=["", *words]),
        python=program(pipeline, f'pipe.attention("{caption}", seed=3).save("attention")'),
        command=f'{command(pipeline)} --caption "{caption}" --attention --seed 3 --out attention',
    )


def _known(pipeline: HfGANPipeline, caption: str) -> str:
    return caption_of_known_words(caption, vocabulary_of(pipeline.spec))


def _quoted(captions: list[str]) -> str:
    return " ".join(f'"{caption}"' for caption in captions)
