"""What AVWnet can do, shown on people who never lived: the talking ones that come with the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from limner import media
from limner.demo import DemoPicture, contact_sheet
from limner.optional import check_installed
from limner.people.gallery import ReadyClip, ready_clips
from limner.systems.avwnet.pipeline import AVWnetPipeline
from limner.talking_faces.sound import Sound, read_sound

NUM_SPEAKERS, MOMENTS, TILE = 3, 7, 96
GAIN = 2.0  # the shipped mouths open too little


def demo(out: Path, pipeline: AVWnetPipeline) -> list[DemoPicture]:
    """Two sheets; the videos and what they are made from are written to `out`.

    Raises:
        MissingExtraError: without the extra `video`: a video cannot be made or its sound read.
    """
    check_installed("av", extra="video")
    out.mkdir(parents=True, exist_ok=True)
    clips = ready_clips()
    said = clips[-1]
    shutil.copyfile(said.video, out / f"{said.word}.mp4")
    sound = read_sound(out / f"{said.word}.mp4")
    speakers = list({clip.identity: clip for clip in clips if clip.identity != said.identity}.values())[:NUM_SPEAKERS]
    for clip in speakers:
        Image.fromarray(_first_frame(clip)).save(out / f"{clip.word}.png")
    return [_speakers(out, pipeline, said, sound, speakers), _attention(out, pipeline, sound, said, speakers[0])]


def _first_frame(clip: ReadyClip) -> np.ndarray:
    frame: np.ndarray = next(iter(media.read_frames(clip.video)))
    return frame


def _moments(pipeline: AVWnetPipeline, out: Path, clip: ReadyClip, sound: Sound, view: str) -> list[Image.Image]:
    """Frames of a video that is written beside the sheet."""
    result = pipeline(
        out / f"{clip.word}.png", sound, landmarks=clip.landmarks[0], align="never", show=[view], gain=GAIN
    )
    result.save(out / f"{clip.word}-says-it", name=view)
    frames = list(media.read_frames(out / f"{clip.word}-says-it/{view}.mp4"))
    return [Image.fromarray(frames[int(place)]) for place in np.linspace(0, len(frames) - 1, MOMENTS)]


def _speakers(
    out: Path, pipeline: AVWnetPipeline, said: ReadyClip, sound: Sound, speakers: list[ReadyClip]
) -> DemoPicture:
    true = list(media.read_frames(said.video))
    places = np.linspace(0, len(true) - 1, MOMENTS).astype(int)
    rows = [[Image.new("RGB", (8, 8), "white"), *(Image.fromarray(true[place]) for place in places)]]
    for clip in speakers:
        rows.append([Image.fromarray(_first_frame(clip)), *_moments(pipeline, out, clip, sound, "talk")])
    return DemoPicture(
        name="talking",
        title="Photos that speak",
        caption=f"Above, the clip whose sound is heard: a rendered person says “{said.word}”. Below, photos of others "
        "(left) say it; the videos lie beside this page.",
        image=contact_sheet(rows, tile=TILE),
        python=f'import limner\nlimner.load("{pipeline.weights_name}")("{speakers[0].word}.png", "{said.word}.mp4", '
        f'gain={GAIN:g}).save("talking")',
        command=f"limner generate avwnet --photo {speakers[0].word}.png --audio {said.word}.mp4 "
        f"--mouth-gain {GAIN:g} --out talking",
    )


def _attention(out: Path, pipeline: AVWnetPipeline, sound: Sound, said: ReadyClip, clip: ReadyClip) -> DemoPicture:
    wide = _moments(pipeline, out, clip, sound, "attention")
    names = ("coarse", "its mask", "its colour", "fine", "its mask", "its colour")
    side = wide[0].height
    rows = [[frame.crop((k * side, 0, (k + 1) * side, side)) for k in range(len(names))] for frame in wide[1::2]]
    return DemoPicture(
        name="attention",
        title="Two levels of attention",
        caption="Three moments. Red: the painted colour is taken; blue: the photo stays.",
        image=contact_sheet(rows, tile=TILE, column_names=names),
        python=f'import limner\nlimner.load("{pipeline.weights_name}")("{clip.word}.png", "{said.word}.mp4", '
        f'show=["attention"], gain={GAIN:g}).save("attention")',
        command=f"limner generate avwnet --photo {clip.word}.png --audio {said.word}.mp4 --show attention "
        f"--mouth-gain {GAIN:g} --out attention",
    )
