"""What the sides of pose transfer in `limner generate` share. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import ConfigError, DataError
from limner.motion import FRAMES_PER_SECOND, check_motion, motion_beside
from limner.tasks import (
    Mode,
    Options,
    Rendering,
    Task,
    add_batch_size,
    add_sampling_options,
    input_files,
    unique_names,
    warn_of_one_for_several,
)

if TYPE_CHECKING:
    from limner.plan import GenerationPlan
    from limner.results import Beside

OUTPUTS = ("motion",)
READS_SQUARES = False  # photos of any proportions are cut about the person, or go on beyond their sides
PHOTO = ("--photo", "--source-pose", "--swap-sides", "--batch-size")
BACKGROUND = ("--keep-background",)
SEEDS = ("--seed", "--num-images")
SEQUENCE = ("--poses", "--steps", "--interpolation", "--motion", "--frames-per-second")


def add_pose_options(
    parser: ArgumentParser, *, views: tuple[str, ...] = (), seeded: bool = False, has_parsing: bool = False
) -> None:
    """Add what every system of pose transfer takes.

    Args:
        parser: of the command.
        views: what the system can show beside picture, source and pose.
        seeded: whether a seed changes what it draws.
        has_parsing: whether it looks at a label map of the photo.
    """
    person = parser.add_argument_group("who")
    person.add_argument("--photo", nargs="+", default=[], metavar="FILE|DIR", help="photos of one person each")
    person.add_argument(
        "--source-pose",
        default=None,
        metavar="FILE|DIR",
        help="key points of the photo: OpenPose's JSON, JSON by name, a table; a folder of them by the photos' names "
        "(else those beside the photo, or what a detector finds)",
    )
    if has_parsing:
        person.add_argument(
            "--parsing", default=None, metavar="FILE|DIR", help="label map of the photo, or a folder of them by name"
        )
        person.add_argument("--schema", default="body-20", choices=["body-20"], help="schema of the label map")
    pose = parser.add_argument_group("in which pose")
    pose.add_argument(
        "--pose",
        nargs="+",
        default=[],
        metavar="FILE|PHOTO",
        help="poses: files of key points, or photos that have some",
    )
    pose.add_argument(
        "--swap-sides", action="store_true", help="exchange left and right in all key points that may need it"
    )
    pose.add_argument(
        "--show",
        nargs="+",
        default=["picture"],
        choices=["picture", "source", "pose", *views],
        help="what to write of each pose",
    )
    pose.add_argument(
        "--keep-background",
        action=BooleanOptionalAction,
        help="lay the painted person over the photo's own background, which then stays still (our step, in no paper; "
        "done in a sequence unless it is refused)",
    )
    (add_sampling_options if seeded else add_batch_size)(parser)
    sequence = parser.add_argument_group("a sequence of poses, instead of single ones")
    sequence.add_argument("--poses", default=None, metavar="FILE|DIR", help="several poses: a list, a table, a folder")
    sequence.add_argument("--steps", type=int, default=None, metavar="N", help="pictures from pose to pose (else 8)")
    sequence.add_argument(
        "--interpolation", default="linear", choices=["linear", "cubic"], help="the way between two poses"
    )
    sequence.add_argument("--motion", default=None, metavar="FILE", help="also write a .gif or .mp4 (extra video)")
    sequence.add_argument(
        "--frames-per-second", type=float, default=FRAMES_PER_SECOND, metavar="R", help="of the moving picture"
    )


def pose_modes(*, seeded: bool = False, has_parsing: bool = False) -> tuple[Mode, Mode]:
    """Single poses, and a sequence."""
    photo = (*PHOTO, *BACKGROUND, *(("--parsing", "--schema") if has_parsing else ()))
    seeds = SEEDS if seeded else ()
    single = Mode(single_poses, (*photo, "--pose", "--show", *seeds), ("--photo", "--pose"), title="single poses")
    return single, Mode(sequences, (*photo, *SEQUENCE, *seeds[:1]), ("--photo",), "--poses")


def single_poses(pipeline: Any, options: Namespace) -> list[Task]:
    """Every photo in every pose."""

    def plan(photo: Path) -> GenerationPlan:
        made: GenerationPlan = pipeline.repose.plan(
            str(photo),
            list(options.pose),
            show=options.show,
            keep_background=bool(options.keep_background),
            **common(options, photo, seeds=pipeline.seeded),
        )
        return made

    return photo_tasks(pipeline, options, plan)


def sequences(pipeline: Any, options: Namespace) -> list[Task]:
    """Every photo through the poses."""
    photos = photo_files(options)
    check_motion(options.motion, len(photos), frames_per_second=options.frames_per_second)
    if options.motion is None and options.frames_per_second != FRAMES_PER_SECOND:
        raise ConfigError("--frames-per-second is of a moving picture: name one with --motion.")

    def plan(photo: Path) -> GenerationPlan:
        given = common(options, photo, seeds=False)
        given |= {"seed": options.seed} if pipeline.seeded else {}
        given |= {} if options.steps is None else {"steps": options.steps}
        made: GenerationPlan = pipeline.sequence.plan(
            str(photo),
            options.poses,
            interpolation=options.interpolation,
            keep_background=options.keep_background is not False,
            **given,
        )
        return made

    return photo_tasks(pipeline, options, plan)


def photo_tasks(pipeline: Any, options: Namespace, plan: Callable[[Path], GenerationPlan]) -> list[Task]:
    """One task a photo; of several each in a folder of its own.

    Raises:
        ConfigError: if two photos share a name.
        DataError: if one is missing.
    """
    names, out = unique_names(photo_files(options)), Path(options.out)
    for flag, path, suffixes in (
        ("--source-pose", options.source_pose, (".json",)),
        ("--parsing", getattr(options, "parsing", None), (".png",)),
    ):
        warn_of_one_for_several(flag, path, list(names.values()), suffixes)
    return [
        Rendering(
            pipeline,
            partial(plan, photo),
            folder := out / name if len(names) > 1 else out,
            beside=partial(_moving, options, folder),
        )
        for name, photo in names.items()
    ]


def photo_files(options: Namespace) -> list[Path]:
    """The photos that `--photo` names."""
    from limner.data.image_io import PHOTO_SUFFIXES

    return input_files(options.photo, PHOTO_SUFFIXES, "picture")


def common(options: Namespace, photo: Path, *, seeds: bool) -> dict[str, Any]:
    """Arguments of every mode, for one photo."""
    found: dict[str, Any] = {
        "source_pose": of_photo(options.source_pose, photo, ".json", flag="--source-pose"),
        "swap_sides": options.swap_sides,
        "batch_size": options.batch_size,
    }
    if getattr(options, "parsing", None) is not None:
        found["parsing"] = of_photo(options.parsing, photo, ".png", flag="--parsing")
    return {**found, "seed": options.seed, "num_images": options.num_images} if seeds else found


def of_photo(path: str | None, photo: Path, suffix: str, *, flag: str) -> str | None:
    """A file, or that of the photo's name in a folder.

    Raises:
        DataError: if the folder has none.
    """
    if path is None or not Path(path).is_dir():
        return path
    file = Path(path) / f"{photo.stem}{suffix}"
    if not file.is_file():
        raise DataError(f"{flag} {path} has no {file.name}, which {photo.name} needs.")
    return str(file)


def _moving(options: Namespace, folder: Path, plan: GenerationPlan) -> list[Beside]:
    if options.motion is None:
        return []
    return [motion_beside(options.motion, folder, frames_per_second=options.frames_per_second)]


def add_evaluate_options(parser: ArgumentParser) -> None:
    """Add what the evaluation of pose transfer takes beside the usual."""
    parser.add_argument(
        "--protocol",
        default="clean",
        choices=["clean", "scagan-legacy"],
        help="pictures as they are, or as SCA-GAN's scripts see them: through JPEG, padded to squares",
    )


def evaluate_arguments(options: Namespace, device: Any) -> dict[str, Any]:
    """These options as arguments of `limner.pose_transfer.evaluation.evaluate`."""
    return {"protocol": options.protocol}


def pose_options(
    system: str,
    *,
    has_parsing: bool = False,
    description: str = "Show a person of a photo in another pose, or moving through poses.",
    examples: Sequence[str] = (
        "--photo me.jpg --source-pose me.json --pose wave.json --out waving",
        "--photo me.jpg --poses dance.json --motion dance.mp4 --out dance",
    ),
) -> Options:
    """The options of a system that draws nothing at random and has no views of its own.

    Args:
        system: its name.
        has_parsing: whether it is given the parts of the body.
        description: a sentence.
        examples: ends of command lines.
    """
    return Options(
        description,
        tuple(f"limner generate {system} --weights runs/{system} {example}" for example in examples),
        partial(add_pose_options, has_parsing=has_parsing),
        pose_modes(has_parsing=has_parsing),
        OUTPUTS,
        READS_SQUARES,
        add_evaluate_options,
        evaluate_arguments,
    )
