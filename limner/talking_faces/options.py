"""What the sides of talking faces in `limner generate` share. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.tasks import Mode, Options, Rendering, Task, input_files, unique_names, warn_of_one_for_several

if TYPE_CHECKING:
    from limner.plan import GenerationPlan
    from limner.results import Beside

READ_BACK = "words.json"


def add_talking_options(parser: ArgumentParser, *, views: tuple[str, ...], has_gain: bool) -> None:
    """Add what every system of talking faces takes.

    Args:
        parser: of the command.
        views: what its videos can show.
        has_gain: whether the mouth can be made to move more.
    """
    who = parser.add_argument_group("who")
    who.add_argument("--photo", nargs="+", default=[], metavar="FILE|DIR", help="photos of one face each")
    who.add_argument(
        "--landmarks",
        default=None,
        metavar="FILE|DIR",
        help="68 landmarks of the photos: a file of one face (.json, .npy, .pts), a table, or a folder by their names "
        "(else found by dlib, or those of the mean face)",
    )
    who.add_argument(
        "--align", default="auto", choices=["auto", "always", "never"], help="cut and turn the photos to the face"
    )
    what = parser.add_argument_group("what is said (one of)")
    what.add_argument(
        "--audio", nargs="+", default=[], metavar="FILE|DIR", help="recordings, or videos with sound, of any rate"
    )
    what.add_argument("--text", default=None, metavar="TEXT", help="a sentence for espeak-ng (extra speech)")
    what.add_argument("--voice", default="en-us", metavar="NAME", help="of espeak-ng, such as en-gb+f3")
    shown = parser.add_argument_group("how")
    if len(views) > 1:
        shown.add_argument("--show", nargs="+", default=["talk"], choices=views, help="videos to write")
    shown.add_argument("--paste-back", action="store_true", help="show the whole photo with the face put back")
    if has_gain:
        shown.add_argument(
            "--mouth-gain", type=float, default=1.0, metavar="G", help="how far the mouth moves; 1: as is"
        )
    shown.add_argument(
        "--read-back", default=None, metavar="NAME|DIR", help=f"weights of wordnet that read the lips into {READ_BACK}"
    )


def talking_modes(*, views: tuple[str, ...], has_gain: bool) -> tuple[Mode, Mode]:
    """A recording, or a text."""
    how: tuple[str, ...] = ("--photo", "--landmarks", "--align", "--paste-back", "--read-back")
    how += (("--show",) if len(views) > 1 else ()) + (("--mouth-gain",) if has_gain else ())
    return (
        Mode(_recordings, (*how, "--audio"), ("--photo", "--audio"), title="a recording"),
        Mode(_texts, (*how, "--voice"), ("--photo",), "--text"),
    )


def _recordings(pipeline: Any, options: Namespace) -> list[Task]:
    """Every photo says every recording."""
    from limner.media import AUDIO_SUFFIXES, VIDEO_SUFFIXES

    sounds = unique_names(input_files(options.audio, (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES), "recording"))
    return _tasks(pipeline, options, {name: str(path) for name, path in sounds.items()})


def _texts(pipeline: Any, options: Namespace) -> list[Task]:
    """Every photo says the text."""
    from limner.talking_faces.sound import said

    return _tasks(pipeline, options, {"text": said(options.text, voice=options.voice)})


def _tasks(pipeline: Any, options: Namespace, sounds: dict[str, Any]) -> list[Task]:
    """One task a photo and sound; of several each in a folder of its own.

    Raises:
        ConfigError: if two photos or sounds share a name.
        DataError: if a file is missing, or has no landmarks.
    """
    from limner.data.image_io import PHOTO_SUFFIXES

    photos, out = unique_names(input_files(options.photo, PHOTO_SUFFIXES, "picture")), Path(options.out)
    marks = None
    if options.landmarks is not None:
        from limner.ageing.landmark_files import SUFFIXES, LandmarkFiles

        warn_of_one_for_several("--landmarks", options.landmarks, list(photos.values()), SUFFIXES)
        marks = LandmarkFiles(options.landmarks)
    reader = _reader(options.read_back)
    several = len(photos) * len(sounds) > 1
    tasks: list[Task] = []
    for photo_name, photo in photos.items():
        for sound_name, sound in sounds.items():
            folder = out / f"{photo_name}-{sound_name}" if several else out
            plan = partial(_plan, pipeline, options, photo, sound, marks)
            tasks.append(Rendering(pipeline, plan, folder, beside=partial(_read_back, reader, folder)))
    return tasks


def _plan(pipeline: Any, options: Namespace, photo: Path, sound: Any, marks: Any) -> GenerationPlan:
    given: dict[str, Any] = {"align": options.align, "paste_back": options.paste_back}
    if marks is not None:
        given["landmarks"] = marks.of(photo)
    if hasattr(options, "show"):
        given["show"] = options.show
    if hasattr(options, "mouth_gain"):
        given["gain"] = options.mouth_gain
    made: GenerationPlan = pipeline.plan(str(photo), sound, **given)
    return made


def _reader(source: str | None) -> Any:
    """The lip reader that `--read-back` names.

    Raises:
        WeightsError: if they are no weights of wordnet.
    """
    if source is None:
        return None
    from limner.pipelines import load

    return load(source, system="wordnet")


def _read_back(reader: Any, folder: Path, plan: GenerationPlan) -> list[Beside]:
    if reader is None:
        return []
    from limner.results import Beside

    asked = {"reader": reader.weights_name, "hash": reader.weights_hash}
    return [Beside(folder / READ_BACK, asked, partial(_write_words, reader))]


def _write_words(reader: Any, result: Any, path: Path) -> None:
    """What the lip reader reads in the first video of a result, up to a minute of it."""
    import json
    from itertools import islice

    import numpy as np

    from limner.data.transforms import resize_image
    from limner.talking_faces.judging import MAX_FRAMES, to_frames

    pipeline, arrays = result.media[0].pipeline, result.plan.conditions
    drawn = islice(
        pipeline.frames(
            arrays["image"][0], arrays["landmarks"][0], arrays["samples"][0], gain=float(result.settings["gain"])
        ),
        MAX_FRAMES,
    )
    frames = np.stack([resize_image(frame, reader.image_size) for frame in drawn])
    found = {**reader.words_of(to_frames(frames, reader.device)), "reader": reader.weights_name}
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def add_evaluate_options(parser: ArgumentParser) -> None:
    """Add what the evaluation of talking faces takes beside the usual."""
    parser.add_argument(
        "--protocol",
        default="clean",
        choices=["clean", "parent"],
        help="of SSIM and PSNR: at the frames' own size, or as ATVGnet's script has them: at 256 px, uniform windows, "
        "grey",
    )


def evaluate_arguments(options: Namespace, device: Any) -> dict[str, Any]:
    """These options as arguments of `limner.talking_faces.evaluation.evaluate`."""
    return {"protocol": options.protocol}


def talking_options(views: tuple[str, ...], *examples: str, has_gain: bool = False) -> Options:
    """The options of a system that lets photos speak.

    Args:
        views: what it can show, the usual one first.
        examples: command lines.
        has_gain: whether the mouth's motion can be made larger.
    """
    return Options(
        "Let the face in a photo say what is heard: MP4 with sound, of any length.",
        examples,
        partial(add_talking_options, views=views, has_gain=has_gain),
        talking_modes(views=views, has_gain=has_gain),
        add_evaluate_options=add_evaluate_options,
        evaluate_arguments=evaluate_arguments,
    )
