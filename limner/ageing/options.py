"""What the ageing systems' sides of `limner generate` share. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.motion import check_motion, motion_beside
from limner.tasks import Mode, Rendering, Task, add_batch_size, input_files, unique_names, warn_of_one_for_several

if TYPE_CHECKING:
    from limner.ageing.inputs import FacePhoto
    from limner.plan import GenerationPlan
    from limner.results import Beside, GenerationResult


def add_face_options(parser: ArgumentParser) -> None:
    """Add what every ageing system takes: photos, landmarks, ages, the walk, pasting back."""
    inputs = parser.add_argument_group("whose age is changed")
    inputs.add_argument("--photo", nargs="+", default=[], metavar="FILE|DIR", help="photos of one face each")
    inputs.add_argument(
        "--landmarks",
        default=None,
        metavar="FILE|DIR",
        help="68 landmarks: JSON, NPY or .pts of one face, a folder of them by the photos' names, a table",
    )
    inputs.add_argument(
        "--align", choices=["auto", "always", "never"], default="auto", help="cut and turn photos to their faces"
    )
    ages = parser.add_argument_group("ages")
    ages.add_argument(
        "--age", nargs="+", default=None, metavar="AGE", help="age groups (31-40) or years (38.5); else all ten groups"
    )
    ages.add_argument(
        "--from-age", default=None, metavar="AGE", help="age in the photo (else its file name may say it)"
    )
    modes = parser.add_argument_group("instead of single ages (one of)")
    modes.add_argument("--older", action="store_true", help="all groups that are older than the photo")
    modes.add_argument("--younger", action="store_true", help="all groups that are younger, the nearest first")
    modes.add_argument(
        "--walk", nargs=2, default=None, metavar=("FROM", "TO"), help="pictures on the way from one age to another"
    )
    walk = parser.add_argument_group("of a walk")
    walk.add_argument("--steps", type=int, default=None, metavar="N", help="pictures, both ends included (else 10)")
    walk.add_argument("--motion", default=None, metavar="FILE", help="also write a .gif or .mp4 of the walk")
    parser.add_argument("--paste-back", action="store_true", help="also write the whole photo with the face changed")
    add_batch_size(parser)


Plan = Callable[[Any, Namespace, str, dict[str, Any]], "GenerationPlan"]
"""(pipeline, options, photo, arguments that all plans take) -> what is to be drawn of the photo."""

_ALWAYS = ("--photo", "--landmarks", "--align", "--batch-size")


def age_modes(
    *, extra: tuple[str, ...] = (), others: Mapping[str, tuple[Plan, tuple[str, ...]]] | None = None
) -> tuple[Mode, ...]:
    """The ways in which an ageing system can be used.

    Args:
        extra: options of the system that every way takes; arguments of its plans under the same name.
        others: flag of a further way -> what plans it, and which options beside the usual ones it reads.
    """

    def mode(plan: Plan, reads: tuple[str, ...], flag: str = "") -> Mode:
        names = [name[2:].replace("-", "_") for name in extra]
        return Mode(partial(_tasks, plan, names), (*_ALWAYS, *extra, *reads), ("--photo",), flag, title="single ages")

    return (
        mode(_single_ages, ("--age", "--paste-back")),
        mode(partial(_from_age, "older"), ("--from-age", "--paste-back"), "--older"),
        mode(partial(_from_age, "younger"), ("--from-age", "--paste-back"), "--younger"),
        mode(_walk, ("--steps", "--motion", "--paste-back"), "--walk"),
        *(mode(plan, reads, flag) for flag, (plan, reads) in (others or {}).items()),
    )


def _single_ages(pipeline: Any, options: Namespace, photo: str, common: dict[str, Any]) -> GenerationPlan:
    plan: GenerationPlan = pipeline.ages.plan(photo, options.age, **common)
    return plan


def _from_age(way: str, pipeline: Any, options: Namespace, photo: str, common: dict[str, Any]) -> GenerationPlan:
    from limner.ageing.pipeline import ages_from

    plan: GenerationPlan = pipeline.ages.plan(photo, ages_from(pipeline, photo, options.from_age, way), **common)
    return plan


def _walk(pipeline: Any, options: Namespace, photo: str, common: dict[str, Any]) -> GenerationPlan:
    steps = {} if options.steps is None else {"steps": options.steps}
    plan: GenerationPlan = pipeline.walk.plan(photo, *options.walk, **steps, **common)
    return plan


def _tasks(plan: Plan, extra: Sequence[str], pipeline: Any, options: Namespace) -> list[Task]:
    """One task a photo; of several photos each in a folder of its own.

    Raises:
        ConfigError: if two photos share a name, or a moving picture is asked for of several.
        DataError: if a file is missing.
    """
    from limner.ageing.landmark_files import SUFFIXES
    from limner.data.image_io import PHOTO_SUFFIXES

    photos = input_files(options.photo, PHOTO_SUFFIXES, "picture")
    warn_of_one_for_several("--landmarks", options.landmarks, photos, SUFFIXES)
    check_motion(options.motion, len(photos))
    out, names = Path(options.out), unique_names(photos)
    common = {"align": options.align, "batch_size": options.batch_size}
    common |= {name: getattr(options, name) for name in extra}
    return [
        _task(
            partial(plan, pipeline, options), pipeline, options, photo, out / name if len(photos) > 1 else out, common
        )
        for name, photo in names.items()
    ]


def _task(
    plan: Callable[[str, dict[str, Any]], GenerationPlan],
    pipeline: Any,
    options: Namespace,
    photo: Path,
    directory: Path,
    common: dict[str, Any],
) -> Task:
    """The work on one photo."""

    @lru_cache(maxsize=1)
    def landmarks() -> Any:
        if options.landmarks is None:
            return None
        from limner.ageing.landmark_files import LandmarkFiles

        return LandmarkFiles(options.landmarks).of(photo)

    @lru_cache(maxsize=1)
    def face() -> FacePhoto:
        from limner.ageing.pipeline import read_faces

        (found,) = read_faces(pipeline, str(photo), landmarks=landmarks(), align=options.align)
        return found

    return Rendering(
        pipeline,
        lambda: plan(str(photo), {"landmarks": landmarks(), **common}),
        directory,
        beside=partial(_beside, options, face, photo, directory),
    )


def _beside(
    options: Namespace, face: Callable[[], FacePhoto], photo: Path, directory: Path, plan: GenerationPlan
) -> list[Beside]:
    """The whole photos and the moving picture, as far as they are asked for."""
    from limner.results import Beside

    files = []
    if options.paste_back:
        from limner.ageing.plans import VIEWS

        files += [
            Beside(directory / f"{item.name}-whole.png", photo.name, partial(_whole, face, index), is_medium=True)
            for index, (item, view) in enumerate(zip(plan.items, plan.conditions["view"], strict=True))
            if VIEWS[view] != "source"
        ]
    if options.motion is not None:
        files.append(motion_beside(options.motion, directory))
    return files


def _whole(face: Callable[[], FacePhoto], index: int, result: GenerationResult, path: Path) -> None:
    """Write the photo with the face of a picture of the result."""
    import numpy as np
    from PIL import Image

    from limner.ageing.pipeline import paste_back

    whole = Image.fromarray(paste_back(face(), np.asarray(result.images[index])))
    whole.save(path, format="PNG", pnginfo=result.facts().png_info())
