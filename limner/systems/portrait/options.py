"""The side of portrait in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigError
from limner.tasks import Outcome, Rendering, Task, input_files, labelling_tasks, unique_names

if TYPE_CHECKING:
    from limner.plan import GenerationPlan
    from limner.systems.portrait.pipeline import LookInput, PortraitPipeline

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


def make_tasks(pipeline: PortraitPipeline, options: Namespace) -> list[Task]:
    """The work that the options ask for.

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
    _refuse_contradictions(options, looks)
    out = Path(options.out)
    if options.parse:
        photos = input_files(options.parse, PHOTO_SUFFIXES, "picture")
        return labelling_tasks(pipeline.parse, pipeline.spec.schema, photos, out)
    photos = input_files(options.photo, PHOTO_SUFFIXES, "picture")
    targets = [str(file) for file in input_files(options.target, LABEL_SUFFIXES, "label map")] or None
    schema = options.schema if targets else None
    sources: list[LookInput] = [str(file) for file in input_files(options.gallery, PHOTO_SUFFIXES, "picture")]
    if options.map is not None and len(photos) > 1:
        raise ConfigError(f"--map is the map of one photo, but {len(photos)} were given.")

    def find(source: LookInput) -> LookInput:
        return pipeline.look(str(source), landmarks="find") if options.align else source

    def make_plan() -> GenerationPlan:
        if sources:
            return pipeline.plan_gallery([find(source) for source in sources], targets, schema=schema)
        found = {part: find(source) for part, source in looks.items()}
        if options.steps is not None:
            return pipeline.plan_interpolation(found, steps=options.steps)
        return pipeline.plan_edit(targets, found, schema=schema)

    return [
        Edit(pipeline, photo, options.map, options.schema, make_plan, out / name if len(photos) > 1 else out, options)
        for name, photo in unique_names(photos).items()
    ]


@dataclass(frozen=True)
class Edit:
    """Set one photo, draw one plan of it, and put the faces back if that is wanted."""

    pipeline: PortraitPipeline
    photo: Path
    label_map: str | None
    schema: str | None
    make_plan: Callable[[], GenerationPlan]
    directory: Path
    options: Namespace

    def run(self, *, force: bool) -> Outcome:
        """See `limner.tasks.Task`."""
        self.pipeline.set_image(
            self.photo,
            self.label_map,
            schema=self.schema if self.label_map else None,
            landmarks="find" if self.options.align else None,
        )
        rendering = Rendering(self.pipeline, self.make_plan, self.directory)
        outcome = rendering.run(force=force)
        if not self.options.paste_back:
            return outcome
        names = [path.with_name(f"pasted-{path.name}") for path in outcome.paths]
        if outcome.skipped and all(path.is_file() for path in names):
            return Outcome([*outcome.paths, *names], skipped=True)
        from PIL import Image

        from limner.data.image_io import read_photo
        from limner.files import write_atomically
        from limner.results import GenerationResult, read_result

        plan = read_result(rendering.directory / f"{rendering.name}.json")["plan"]
        saved = [Image.fromarray(read_photo(path)) for path in outcome.paths]
        result = GenerationResult(saved, plan, self.pipeline.provenance)
        pictures = self.pipeline.paste_back(result)
        extra = {"pasted_into": self.photo.name}
        write_atomically(
            {path: result.png_writer(picture, extra) for path, picture in zip(names, pictures, strict=True)}
        )
        return Outcome(names if outcome.skipped else [*outcome.paths, *names], skipped=False)


def _refuse_contradictions(options: Namespace, looks: Mapping[str, LookInput]) -> None:
    asked = {"--gallery": options.gallery, "--steps": options.steps is not None, "--parse": options.parse}
    modes = [flag for flag, value in asked.items() if value]
    if len(modes) > 1:
        raise ConfigError(f"{modes[0]} and {modes[1]} cannot go together; give one of them.")
    mode = modes[0] if modes else ""
    if mode != "--parse" and not options.photo:
        raise ConfigError("--photo is missing: name the photo to edit, or photos to label with --parse.")
    if mode == "--steps" and not looks:
        raise ConfigError("--steps walks to new looks; name at least one, such as --hair PHOTO.")
    if options.align and options.map is not None:
        raise ConfigError("--align is for photos that are not cut yet, but --map is of one that is; give one of them.")
    if options.schema is not None and not options.parse and options.map is None and not options.target:
        raise ConfigError("--schema is that of --map and --target, but neither is given; leave it out.")
    unused = {
        **{f"--{part.replace('_', '-')}": mode in ("--gallery", "--parse") for part in looks},
        "--target": bool(options.target) and mode in ("--steps", "--parse"),
        "--map": options.map is not None and mode == "--parse",
        "--schema": options.schema is not None and mode == "--parse",
        "--photo": bool(options.photo) and mode == "--parse",
        "--align": options.align and mode == "--parse",
        "--paste-back": options.paste_back and mode == "--parse",
    }
    for flag, is_unused in unused.items():
        if is_unused:
            raise ConfigError(f"{flag} has no effect with {mode}; leave it out.")
