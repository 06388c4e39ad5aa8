"""The side of portrait in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigError
from limner.tasks import Mode, Rendering, Task, input_files, labelling_tasks, unique_names

if TYPE_CHECKING:
    from limner.plan import GenerationPlan
    from limner.results import Beside, GenerationResult
    from limner.systems.portrait.pipeline import PortraitPipeline
    from limner.systems.portrait.session import LookInput, Sitter

PARTS = {
    "left-eye": "the eye on the image's left",
    "right-eye": "the eye on the image's right",
    "eyes": "both eyes; --left-eye and --right-eye win over it",
    "mouth": "mouth and lips",
    "skin": "skin, brows and nose",
    "hair": "hair",
    "face": "all parts; every option above wins over it",
}
"""Options that take a look, with their help; where several name one part, the first wins."""
DESCRIPTION = "Edit portraits: repaint the label map, and borrow the looks of single parts from other photos."
EXAMPLES = (
    "limner generate portrait --photo me.jpg --hair friend.jpg --eyes sister.jpg --out swapped",
    "limner generate portrait --photo me.jpg --map me.png --target smiling.png --paste-back --out smiling",
    "limner generate portrait --photo scene.jpg --align --hair friend.jpg --paste-back --out scene",
    "limner generate portrait --photo me.jpg --gallery photos/ --out gallery",
    "limner generate portrait --photo me.jpg --hair friend.jpg --steps 10 --out walk",
    "limner generate portrait --parse photos/ --out maps",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    inputs = parser.add_argument_group("what to edit")
    inputs.add_argument("--photo", nargs="+", default=[], metavar="FILE|DIR", help="square photos, cut like a portrait")
    inputs.add_argument("--align", action="store_true", help="find the faces in photos that are not cut (needs dlib)")
    inputs.add_argument("--map", default=None, metavar="FILE", help="label map of the photo (else it is parsed)")
    inputs.add_argument("--target", nargs="+", default=[], metavar="FILE|DIR", help="edited label maps")
    inputs.add_argument("--schema", default=None, metavar="NAME", help="label schema of all maps (else portrait-11)")
    looks = parser.add_argument_group("where the looks of parts come from (else from the photo itself)")
    for part, help_text in PARTS.items():
        looks.add_argument(f"--{part}", default=None, metavar="PHOTO", help=help_text)
    modes = parser.add_argument_group("instead of single edits (one of)")
    modes.add_argument("--gallery", nargs="+", default=[], metavar="FILE|DIR", help="all looks of each of these photos")
    modes.add_argument("--steps", type=int, default=None, metavar="N", help="pictures on the way to the new looks")
    modes.add_argument("--parse", nargs="+", default=[], metavar="FILE|DIR", help="label the pixels of photos")
    parser.add_argument("--paste-back", action="store_true", help="also write the photo with the edited face in it")


def _edit(pipeline: PortraitPipeline, options: Namespace) -> list[Task]:
    """One edit of every photo: of a map, of looks, or a gallery of them.

    Raises:
        ConfigError: if options contradict each other.
        DataError: if a file is missing.
    """
    from limner.data.image_io import LABEL_SUFFIXES, PHOTO_SUFFIXES

    looks: dict[str, LookInput] = {
        part.replace("-", "_"): value
        for part in reversed(PARTS)  # in a plan the later name wins
        if (value := getattr(options, part.replace("-", "_"))) is not None
    }
    if options.steps is not None and not looks:
        raise ConfigError("--steps walks to new looks; name at least one, such as --hair PHOTO.")
    if options.align and options.map is not None:
        raise ConfigError("--align is for photos that are not cut yet, but --map is of one that is; give one of them.")
    if options.schema is not None and options.map is None and not options.target:
        raise ConfigError("--schema is that of --map and --target, but neither is given; leave it out.")
    photos = input_files(options.photo, PHOTO_SUFFIXES, "picture")
    targets = [str(file) for file in input_files(options.target, LABEL_SUFFIXES, "label map")] or None
    sources: list[LookInput] = [str(file) for file in input_files(options.gallery, PHOTO_SUFFIXES, "picture")]
    if options.map is not None and len(photos) > 1:
        raise ConfigError(f"--map is the map of one photo, but {len(photos)} were given.")
    edit, out = Edit(pipeline, options, targets, sources, looks), Path(options.out)
    return [edit.of(photo, out / name if len(photos) > 1 else out) for name, photo in unique_names(photos).items()]


def _parse(pipeline: PortraitPipeline, options: Namespace) -> list[Task]:
    from limner.data.image_io import PHOTO_SUFFIXES

    photos = input_files(options.parse, PHOTO_SUFFIXES, "picture")
    return labelling_tasks(pipeline.parse, pipeline, photos, Path(options.out))


_PHOTO = ("--photo", "--align", "--map", "--schema", "--paste-back")
_LOOKS = tuple(f"--{part}" for part in PARTS)
MODES = (
    Mode(_edit, (*_PHOTO, "--target", *_LOOKS), ("--photo",), title="single edits"),
    Mode(_edit, (*_PHOTO, "--target"), ("--photo",), "--gallery"),
    Mode(_edit, (*_PHOTO, *_LOOKS), ("--photo",), "--steps"),
    Mode(_parse, flag="--parse"),
)


@dataclass(frozen=True)
class Edit:
    """What is asked for of every photo."""

    pipeline: PortraitPipeline
    options: Namespace
    targets: list[str] | None
    sources: list[LookInput]
    looks: Mapping[str, LookInput]

    def of(self, photo: Path, directory: Path) -> Task:
        """The work on one photo: it is taken once, when the work begins."""

        @lru_cache(maxsize=1)
        def sitter() -> Sitter:
            return self.pipeline.sit(
                photo,
                self.options.map,
                schema=self.options.schema if self.options.map else None,
                landmarks="find" if self.options.align else None,
            )

        def beside(plan: GenerationPlan) -> list[Beside]:
            from limner.results import Beside

            if not self.options.paste_back:
                return []
            return [
                Beside(directory / f"pasted-{item.name}.png", photo.name, _pasting(sitter, index), is_medium=True)
                for index, item in enumerate(plan.items)
            ]

        return Rendering(self.pipeline, lambda: self.plan(sitter()), directory, beside=beside)

    def plan(self, sitter: Sitter) -> GenerationPlan:
        """The plan of one photo."""
        schema = self.options.schema if self.targets else None
        if self.sources:
            return sitter.gallery.plan([self._found(one) for one in self.sources], self.targets, schema=schema)
        looks = {part: self._found(one) for part, one in self.looks.items()}
        if self.options.steps is not None:
            return sitter.interpolate.plan(steps=self.options.steps, **looks)
        return sitter.swap.plan(self.targets, schema=schema, **looks)

    def _found(self, source: LookInput) -> LookInput:
        return self.pipeline.look(str(source), landmarks="find") if self.options.align else source


def _pasting(sitter: Callable[[], Sitter], index: int) -> Callable[[GenerationResult, Path], None]:
    """What writes the photo with a picture of the result in it."""

    def write(result: GenerationResult, path: Path) -> None:
        from limner.media import Picture

        facts = result.facts(pasted=result.items[index].name)
        Picture(sitter().paste_back(result, only=index)[0]).write(path, facts)

    return write
