"""The painter's side of `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from limner.errors import ConfigError, DataError, WeightsError
from limner.files import refuse_replaced_inputs
from limner.systems.painter.config import CORRECTION, Follow
from limner.tasks import Mode, Outcome, Rendering, Task, input_files, unique_names

if TYPE_CHECKING:
    from limner.systems.painter.drawing import Files
    from limner.systems.painter.pipeline import PainterPipeline

OUTPUTS = ("json", "svg", "csv", "gif", "video")
"""Options that name files to write."""
DESCRIPTION = "Paint pictures stroke by stroke, the subject first; or draw a stroke file again at any size."
EXAMPLES = (
    "limner generate painter --image photo.jpg --strokes 500 --out paintings",
    "limner generate painter --image photo.jpg --strokes 50,100,200,500 --svg --gif --out budgets",
    "limner generate painter --image photo.jpg --strokes 500 --video lapse.mp4 --json strokes.json --out painting.png",
    "limner generate painter --image photo.jpg --mask face.png --focus 1 --tiles 2,4 --show-attention --out face",
    "limner generate painter --image photo.jpg --start strokes.json --strokes 100 --out more",
    "limner generate painter --redraw strokes.json --size 2048x2048 --svg --out large",
)
OUT_FILES = (".png",)
"""`--out` may be a file of these kinds, for a single painting."""
JSON_FILE = True
"""`--json FILE` writes the strokes of the painting; without FILE it is every command's `--json`."""

_PASSED_ON = (
    *("focus", "follow", "correction", "overlap", "mask", "canvas", "palette", "fit", "render", "vgg16", "seed"),
)
"""Options that are arguments of the pipeline under the same name."""
_FLAG = "here"  # of an option that was given without a file name
_USUAL: dict[str, Any] = {
    "strokes": "200",
    "focus": 1.0,
    "follow": "error",
    "correction": CORRECTION,
    "canvas": "black",
    "fit": "letterbox",
    "render": "exact",
    "seed": 0,
    "svg_style": "discs",
    "fps": 25.0,
}
"""Values of options that are not given: the parser knows None for them, so that a given one cannot go unnoticed."""


_BESIDE = {"svg": "vector graphics", "gif": "a time lapse", "video": "a time lapse as MP4", "csv": "a table"}


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    inputs = parser.add_argument_group("what to paint (one of)")
    inputs.add_argument("--image", nargs="+", default=[], metavar="FILE|DIR", help="pictures of any kind and size")
    inputs.add_argument(
        "--redraw", nargs="+", default=[], metavar="STROKES.json", help="draw stroke files again; needs no weights"
    )
    how = parser.add_argument_group("how to paint it")
    how.add_argument(
        "--strokes",
        default=None,
        metavar="N[,N…]",
        help="number of strokes (200), or sketch (50), portrait (200) or detailed (1000); several make a sheet",
    )
    how.add_argument(
        "--focus", type=float, default=None, metavar="0..1", help="how strongly strokes follow attention (1)"
    )
    how.add_argument(
        "--follow",
        choices=get_args(Follow),
        default=None,
        help="what else they follow: the error that is left (usual), or nothing",
    )
    how.add_argument(
        "--correction",
        type=float,
        default=None,
        metavar="0..1",
        help=f"how far each stroke's colour is moved to the best one ({CORRECTION})",
    )
    how.add_argument(
        "--tiles", default=None, metavar="N[,N…]", help="tiles a side of the passes after the first; 0: none"
    )
    how.add_argument("--overlap", action="store_true", help="paint over the tiles' edges, with half of their strokes")
    how.add_argument("--mask", default=None, metavar="FILE", help="your own attention, white where the subject is")
    how.add_argument("--canvas", default=None, metavar="COLOUR", help="black (usual), white or #rrggbb")
    how.add_argument("--palette", type=int, default=None, metavar="N", help="paint with N colours only")
    how.add_argument("--size", default=None, metavar="WxH", help="of the painting in pixels (else the picture's)")
    how.add_argument(
        "--fit", choices=("letterbox", "stretch"), default=None, help="pictures that are not square (letterbox)"
    )
    how.add_argument(
        "--render", choices=("exact", "neural"), default=None, help="what the painter sees of its strokes (exact)"
    )
    how.add_argument("--start", default=None, metavar="STROKES.json", help="go on from these strokes")
    how.add_argument("--vgg16", default=None, metavar="FILE", help="weights of VGG-16, for its feature mask")
    how.add_argument("--seed", type=int, default=None, metavar="N", help="of the palette (0); nothing else is random")
    files = parser.add_argument_group("what to write beside the picture and its strokes")
    for kind, words in _BESIDE.items():
        files.add_argument(f"--{kind}", nargs="?", const=_FLAG, default=None, metavar="FILE", help=words)
    words = (
        "discs (usual): every stroke as it is, though other renderers than ours may show it up to 2.5 of 255 "
        "brighter, as they round at each stroke; path: small and approximate"
    )
    files.add_argument("--svg-style", choices=("discs", "path"), default=None, help=words)
    files.add_argument("--show-attention", action="store_true", help="attention, features and weights as pictures")
    files.add_argument("--fps", type=float, default=None, metavar="N", help="frames a second of time lapses (25)")
    files.add_argument("--duration", type=float, default=None, metavar="S", help="seconds of time lapses")


def add_evaluate_options(parser: ArgumentParser) -> None:
    """Add the options that `limner evaluate` has for this system alone."""
    parser.add_argument("--strokes", default="50,100,200,500", metavar="N[,N…]", help="numbers of strokes to be judged")
    parser.add_argument("--follow", choices=get_args(Follow), default="error", help="as in generate")
    parser.add_argument("--correction", type=float, default=CORRECTION, metavar="0..1", help="as in generate")
    parser.add_argument("--tiles", default=None, metavar="N[,N…]", help="as in generate")
    parser.add_argument(
        "--baselines", default="random", metavar="NAME[,NAME]", help="random, fit (gradient descent; slow)"
    )
    parser.add_argument(
        "--beside", nargs="+", default=[], metavar="NAME|DIR", help="other painters for the same pictures"
    )
    parser.add_argument("--vgg16", default=None, metavar="FILE", help="as in generate")


def evaluate_arguments(options: Namespace, device: Any) -> dict[str, Any]:
    """These options as arguments of `evaluation.evaluate`.

    Raises:
        ConfigError: if numbers have a wrong form.
        WeightsError: if the weights of `--beside` are missing or of no painter.
    """
    from limner.pipelines import load
    from limner.systems.painter.pipeline import PainterPipeline

    beside = []
    for name in options.beside:
        other = load(name)
        if not isinstance(other, PainterPipeline):
            raise WeightsError(f'--beside {name} holds weights of the system "{other.name}"; name those of a painter.')
        beside.append(other.to(device))
    return {
        "budgets": _numbers(options.strokes, "--strokes"),
        "follow": options.follow,
        "correction": options.correction,
        "tiles": _passes(options),
        "baselines": [name for name in options.baselines.split(",") if name],
        "beside": beside,
        "vgg16": options.vgg16,
    }


def _redrawings(pipeline: None, options: Namespace) -> list[Task]:
    """One drawing a stroke file.

    Raises:
        ConfigError: if options contradict each other or have a wrong form.
        DataError: if a file is missing.
    """
    options = _filled(options)
    files, size = _files(options), _size(options.size)
    drawings = unique_names(Path(file) for file in options.redraw)
    directory, name = _place(Path(options.out), None if len(drawings) > 1 else next(iter(drawings)))
    paths = _paths(options, drawings)
    names = {path: name or stem.removesuffix(".strokes") for stem, path in drawings.items()}
    places = [place for one in names.values() for place in _places(files, directory, one, [0], paths)]
    refuse_replaced_inputs(places, drawings.values())
    return [Redrawing(path, directory, one, size, files, paths) for path, one in names.items()]


def _paintings(pipeline: PainterPipeline, options: Namespace) -> list[Task]:
    """One painting a picture.

    Raises:
        ConfigError: if options contradict each other or have a wrong form.
        DataError: if a file is missing.
    """
    from limner.data.datasets.images import SUFFIXES
    from limner.systems.painter.inputs import stroke_numbers
    from limner.systems.painter.strokes import StrokeDocument

    options = _filled(options)
    files = _files(options)
    budgets = stroke_numbers(_numbers_or_kinds(options.strokes))
    pictures = unique_names(input_files(options.image, SUFFIXES, "picture"))
    directory, name = _place(Path(options.out), None if len(pictures) > 1 else next(iter(pictures)))
    paths = _paths(options, pictures)
    request = {
        "strokes": budgets,
        "tiles": _passes(options),
        "size": _size(options.size),
        "start": None if options.start is None else StrokeDocument.read(options.start),
        **{key: getattr(options, key) for key in _PASSED_ON},
    }
    tasks: list[Task] = []
    places: list[Path] = []
    for stem, path in pictures.items():
        one = name or stem
        places += _places(files, directory, one, budgets, paths)
        plan = partial(pipeline.plan, path, **request, name=one)
        beside = partial(files.beside, directory=directory, elsewhere=paths)
        tasks.append(Rendering(pipeline, plan, directory, f"{one}.result", beside))
    others = [Path(file) for file in (options.mask, options.start, options.vgg16) if file is not None]
    refuse_replaced_inputs(places, [*pictures.values(), *others])
    return tasks


def _places(files: Files, directory: Path, name: str, budgets: list[int], paths: Mapping[str, Path]) -> list[Path]:
    """All files that are written for one picture."""
    from limner.plan import GenerationPlan
    from limner.systems.painter.drawing import painting_names

    plan = GenerationPlan([None] * len(budgets), {"name": name}, {}, names=painting_names(name, budgets))
    sheet = [directory / f"{name}.result-sheet.png"] if len(budgets) > 1 else []
    pictures = [directory / f"{item.name}.png" for item in plan.items]
    return [*pictures, *(one.path for one in files.beside(plan, directory, paths)), *sheet]


@dataclass(frozen=True)
class Redrawing:
    """Draw one stroke file again."""

    source: Path
    directory: Path
    name: str
    size: tuple[int, int] | None
    files: Files
    paths: dict[str, Path]

    def run(self, *, force: bool) -> Outcome:
        """See `limner.tasks.Task`.

        Raises:
            DataError: if a file is there that is not of these strokes at this size, and `force` is not set.
        """
        from limner.results import state_of
        from limner.systems.painter.results import redrawn
        from limner.systems.painter.strokes import StrokeDocument

        document = StrokeDocument.read(self.source)
        if self.size is not None:
            document = document.replace(size=self.size)
        result = redrawn(document, self.name)
        beside = self.files.beside(result.plan, self.directory, self.paths)
        picture, record = self.directory / f"{self.name}.png", f"{self.name}.result"
        if not force:
            found = state_of(self.directory, result.plan, result.provenance, name=record, beside=beside)
            if found.state == "foreign":
                raise DataError(found.why)
            if found.state == "done":
                return Outcome([picture], skipped=True)
        result.save(self.directory, name=record, beside=beside, replace=force)
        return Outcome([picture], skipped=False, sizes=(result.images[0].size,))


_TILES = ("tiles", "focus", "follow", "overlap")
_FILES = ("--svg", "--svg-style", "--csv", "--gif", "--video", "--fps", "--duration")
_HOW = ("--strokes", "--tiles", "--size", "--start", "--show-attention", *(f"--{name}" for name in _PASSED_ON))
MODES = (
    Mode(_paintings, ("--image", *_HOW, *_FILES), ("--image",), title="pictures"),
    Mode(_redrawings, ("--size", *_FILES), flag="--redraw", needs_weights=False),
)


def _filled(options: Namespace) -> Namespace:
    """The options with their usual values where none is given.

    Raises:
        ConfigError: if one has no effect beside another.
    """
    without_effect = {
        "with --start, as the stroke file has it": ("canvas", "fit") if options.start is not None else (),
        "with --tiles 0": _TILES[1:] if _passes(options) == [] else (),
        "with --render neural": ("correction",) if options.render == "neural" else (),
        "without --svg": () if options.svg else ("svg_style",),
        "without --gif or --video": () if options.gif or options.video else ("fps", "duration"),
    }
    for where, names in without_effect.items():
        for name in names:
            value = getattr(options, name)
            if value is not None and value is not False:
                raise ConfigError(f"--{name.replace('_', '-')} has no effect {where}; leave it out.")
    given = {name: value for name, value in vars(options).items() if value is not None}
    return Namespace(**{**vars(options), **_USUAL, **given})


def _place(out: Path, single: str | None) -> tuple[Path, str | None]:
    """Folder, and the name of the painting where `--out` is a file."""
    if out.suffix.lower() not in OUT_FILES or out.is_dir():
        return out, None
    if single is None:
        raise ConfigError(f"--out {out} is one file, but there are several pictures; name a folder.")
    return out.parent, out.stem


def _files(options: Namespace) -> Files:
    from limner.systems.painter.drawing import Files

    return Files(
        svg=options.svg_style if options.svg else None,
        csv=bool(options.csv),
        gif=bool(options.gif),
        video=bool(options.video),
        attention=options.show_attention,
        fps=options.fps,
        seconds=options.duration,
    )


def _paths(options: Namespace, inputs: dict[str, Path]) -> dict[str, Path]:
    """Files that have a place of their own."""
    named = {kind: getattr(options, kind) for kind in OUTPUTS}
    paths = {kind: Path(value) for kind, value in named.items() if value not in (None, _FLAG, "-")}
    if paths and len(inputs) > 1:
        raise ConfigError(f"--{next(iter(paths))} names one file, but there are several pictures; leave the name out.")
    for kind, path in paths.items():
        if path.is_dir():
            raise ConfigError(f"--{kind} {path} is a folder; name a file.")
    return paths


def _passes(options: Namespace) -> list[int] | None:
    """What `--tiles` asks for: passes, none of them (0), or those of use (not given)."""
    return None if options.tiles is None else [number for number in _numbers(options.tiles, "--tiles") if number]


def _numbers_or_kinds(text: str) -> list[int | str]:
    from limner.systems.painter.inputs import KINDS

    parts = [part.strip() for part in text.split(",")]
    return [part if part in KINDS else _numbers(part, "--strokes")[0] for part in parts]


def _numbers(text: str, option: str) -> list[int]:
    parts = text.split(",")
    if not all(re.fullmatch(r"\d{1,30}", part.strip()) for part in parts):
        raise ConfigError(f'{option} is "{text}"; it must be a whole number or several with commas, such as 50,200.')
    return [int(part) for part in parts]


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None:
        raise ConfigError(f'--size is "{text}"; it must be WIDTHxHEIGHT in pixels, such as 1024x768.')
    return int(match[1]), int(match[2])
