"""What the ageing systems' sides of `limner generate` share. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import ConfigError, missing
from limner.motion import check_motion, motion_beside
from limner.tasks import Rendering, Task, input_files, unique_names

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
    parser.add_argument(
        "--batch-size", type=int, default=None, metavar="N", help="pictures in one pass (else 1 on the CPU)"
    )


@dataclass(frozen=True)
class FaceWork:
    """What is asked for of every photo.

    Attributes:
        pipeline: of an ageing system.
        options: of the command line.
        extra: further arguments of every mode, such as the gender.
        other_modes: flag -> what plans it, called with a photo and the common arguments.
    """

    pipeline: Any
    options: Namespace
    extra: dict[str, Any]
    other_modes: dict[str, Callable[..., GenerationPlan]]

    def tasks(self) -> list[Task]:
        """One task a photo.

        Raises:
            ConfigError: if options contradict each other.
            DataError: if a file is missing.
        """
        from limner.data.image_io import PHOTO_SUFFIXES

        options = self.options
        mode = self.mode()
        if not options.photo:
            raise missing(["--photo"], example=f"limner generate {self.pipeline.name} --photo face.jpg --out ages")
        photos = input_files(options.photo, PHOTO_SUFFIXES, "picture")
        check_motion(options.motion, len(photos))
        out = Path(options.out)
        names = unique_names(photos)
        return [self.task(mode, photo, out / name if len(photos) > 1 else out) for name, photo in names.items()]

    def mode(self) -> str:
        """The flag of the mode, "" for plain ages.

        Raises:
            ConfigError: if there are two, or an option has no effect in it.
        """
        options = self.options
        asked = {
            "--older": options.older,
            "--younger": options.younger,
            "--walk": options.walk is not None,
            **{flag: bool(getattr(options, flag[2:].replace("-", "_"))) for flag in self.other_modes},
        }
        modes = [flag for flag, value in asked.items() if value]
        if len(modes) > 1:
            raise ConfigError(f"{modes[0]} and {modes[1]} cannot go together; give one of them.")
        mode = modes[0] if modes else ""
        unused = {
            "--age": options.age is not None and mode in ("--older", "--younger", "--walk"),
            "--from-age": options.from_age is not None and mode not in ("--older", "--younger", "--round-trip"),
            "--steps": options.steps is not None and mode != "--walk",
            "--motion": options.motion is not None and mode != "--walk",
            "--paste-back": options.paste_back and mode not in ("", "--older", "--younger", "--walk"),
        }
        for flag, is_unused in unused.items():
            if is_unused:
                raise ConfigError(f"{flag} has no effect with {mode or 'single ages'}; leave it out.")
        return mode

    def task(self, mode: str, photo: Path, directory: Path) -> Task:
        """The work on one photo."""
        options, pipeline = self.options, self.pipeline

        @lru_cache(maxsize=1)
        def common() -> dict[str, Any]:
            return {
                "landmarks": self.landmarks(options.landmarks, photo),
                "align": options.align,
                "batch_size": options.batch_size,
                **self.extra,
            }

        @lru_cache(maxsize=1)
        def face() -> FacePhoto:
            from limner.ageing.pipeline import read_faces

            (found,) = read_faces(pipeline, str(photo), landmarks=common()["landmarks"], align=options.align)
            return found

        def plan() -> GenerationPlan:
            made: GenerationPlan
            if mode in ("--older", "--younger"):
                from limner.ageing.pipeline import ages_from

                wanted = ages_from(pipeline, photo, options.from_age, mode[2:])
                made = pipeline.ages.plan(str(photo), wanted, **common())
            elif mode == "--walk":
                steps = {} if options.steps is None else {"steps": options.steps}
                made = pipeline.walk.plan(str(photo), *options.walk, **steps, **common())
            elif mode:
                made = self.other_modes[mode](str(photo), common())
            else:
                made = pipeline.ages.plan(str(photo), options.age, **common())
            return made

        return Rendering(pipeline, plan, directory, beside=partial(self.beside, face, photo, directory))

    def landmarks(self, path: str | None, photo: Path) -> Any:
        """Landmarks of a photo from a file or a folder; none if none is named."""
        if path is None:
            return None
        from limner.ageing.landmark_files import LandmarkFiles

        return LandmarkFiles(path).of(photo)

    def beside(self, face: Callable[[], FacePhoto], photo: Path, directory: Path, plan: GenerationPlan) -> list[Beside]:
        """The whole photos and the moving picture, as far as they are asked for."""
        from limner.results import Beside

        files = []
        if self.options.paste_back:
            files += [
                Beside(directory / f"{item.name}-whole.png", photo.name, partial(_whole, face, index), is_medium=True)
                for index, item in enumerate(plan.items)
                if "source" not in item.name
            ]
        if self.options.motion is not None:
            files.append(motion_beside(self.options.motion, directory))
        return files


def _whole(face: Callable[[], FacePhoto], index: int, result: GenerationResult, path: Path) -> None:
    """Write the photo with the face of a picture of the result."""
    import numpy as np
    from PIL import Image

    from limner.ageing.pipeline import paste_back

    whole = Image.fromarray(paste_back(face(), np.asarray(result.images[index])))
    whole.save(path, format="PNG", pnginfo=result.facts().png_info())
