"""What the lip reader reads on people who never lived: the talking ones that come with the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from limner import media
from limner.demo import DemoPicture, command, contact_sheet, program
from limner.optional import check_installed
from limner.people.gallery import ready_clips
from limner.systems.wordnet.pipeline import WordNetPipeline

WORDS = "Reads which word the lips of a clip speak. Talking faces are judged by it."
NUM_CLIPS, MOMENTS, TILE = 6, 7, 96


def demo(out: Path, pipeline: WordNetPipeline) -> list[DemoPicture]:
    """One sheet; the clips that are read are copied to `out/clips`.

    Raises:
        MissingExtraError: without the extra `video`: a video cannot be read.
    """
    check_installed("av", extra="video")
    (out / "clips").mkdir(parents=True, exist_ok=True)
    rows, names = [], []
    for clip in ready_clips()[:NUM_CLIPS]:
        path = out / f"clips/{clip.word}.mp4"
        shutil.copyfile(clip.video, path)
        best = pipeline(path, top=1)["words"][0]
        frames = list(media.read_frames(path))
        rows.append([Image.fromarray(frames[int(place)]) for place in np.linspace(0, len(frames) - 1, MOMENTS)])
        names.append(f"says {clip.word.lower()}\nread: {best['word'].lower()}, {100 * best['share']:.0f} %")
    return [
        DemoPicture(
            name="words",
            title="The word on the lips",
            caption="Each row is a clip without its sound: the word that is said, the one that is read, and how sure "
            "the reader is.",
            image=contact_sheet(rows, tile=TILE, row_names=names),
            python=program(pipeline, f'print(pipe("clips/{ready_clips()[0].word}.mp4")["words"])'),
            command=f"{command(pipeline)} --clip clips --out words",
        )
    ]
