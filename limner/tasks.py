"""Units of work of `limner generate`: each writes its files whole or not at all, and can tell that it is done.

A system's `options.py` has DESCRIPTION, EXAMPLES, `add_options(parser)`, which adds its command-line options, and
MODES, the ways in which they can be used, or all of that as one value, OPTIONS, which systems of one kind make alike
(`Options`); a system without the file has `UsualOptions`. A system whose evaluation has
options of its own adds them with `add_evaluate_options(parser)` and turns them into arguments of its `evaluate` with
`evaluate_arguments(options, device)`. No torch here.
"""

from __future__ import annotations

import logging
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from limner.data.fields import IN_WORDS
from limner.errors import ConfigError, DataError, missing
from limner.files import at_home, reason, refuse_replaced_inputs, sha256_of
from limner.task import MEDIA
from limner.task import Task as SystemTask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from limner.pipelines import Pipeline
    from limner.plan import GenerationPlan
    from limner.results import Beside

_log = logging.getLogger(__name__)
MAX_IMAGES = 1_000_000
"""So many pictures of one condition are taken for a slip of the hand."""

USUAL_FIT = "refuse"
"""What is done with photos that are not square unless the user says otherwise."""

IMAGES_PER_TASK = 64
"""So many pictures of one label map are lost at most when the program is killed."""


@dataclass(frozen=True)
class Outcome:
    """What a task left on the disk."""

    paths: list[Path]
    skipped: bool
    """Whether the files were there before."""
    sizes: tuple[tuple[int, int], ...] = ()
    """Width and height in pixels of what was made."""
    what: str = "picture"
    """What one of the files is called."""


class Task(Protocol):
    """One unit of work."""

    def run(self, *, force: bool) -> Outcome:
        """Do it, or skip it if its files are there; with `force` they are written again."""


@dataclass(frozen=True)
class Rendering:
    """Draw one plan into a folder.

    Attributes:
        pipeline: what draws; anything with `render`, `current` and `provenance`.
        make_plan: called when the task is run.
        directory: of the files.
        name: of the record, without suffix.
        beside: further files of a plan.
    """

    pipeline: Pipeline
    make_plan: Callable[[], GenerationPlan]
    directory: Path
    name: str = "result"
    beside: Callable[[GenerationPlan], Sequence[Beside]] = lambda plan: ()

    def run(self, *, force: bool) -> Outcome:
        """See `Task`.

        Raises:
            ConfigError: if a picture would replace an input.
            DataError: if the folder holds the result of another request, or a file that this one did not write, and
                `force` is not set.
        """
        from limner.results import state_of

        pipeline = self.pipeline
        plan = pipeline.current(self.make_plan())
        pipeline.check_plan(plan)
        beside = self.beside(plan)
        paths = [self.directory / f"{item.name}{pipeline.suffix}" for item in plan.items]
        record = self.directory / f"{self.name}.json"
        refuse_replaced_inputs([record, *paths, *(one.path for one in beside)], [])
        shown = [*paths, *(one.path for one in beside if one.is_medium)]
        if not force:
            found = state_of(
                self.directory, plan, pipeline.provenance, suffix=pipeline.suffix, name=self.name, beside=beside
            )
            if found.state == "foreign":
                raise DataError(found.why)
            if found.state == "done":
                return Outcome(shown, skipped=True)
        with progress_bar(pipeline.amount(plan), unit=pipeline.unit, desc=self.name) as progress:
            result = pipeline.render(plan, progress=progress)
        result.save(self.directory, name=self.name, beside=beside, replace=force)
        what = "picture" if pipeline.suffix == ".png" else "clip"
        return Outcome(shown, skipped=False, sizes=tuple(one.still().size for one in result.media), what=what)


class ProgressLines:
    """What stands in place of a bar where there is no terminal: a line on standard error every ten seconds.

    Args:
        total: things to be done; None: nobody knows.
        unit: what one is called.
        desc: what is done.
        clock: seconds from any start.
    """

    EVERY_SECONDS = 10.0

    def __init__(self, total: int | None, *, unit: str, desc: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.unit, self.desc, self.clock = total, unit, desc, clock
        self.done, self.said = 0, clock()

    def update(self, number: int = 1) -> None:
        """Count things that are done; say how many if nothing was said for long."""
        self.done += number
        now = self.clock()
        if now - self.said >= self.EVERY_SECONDS:
            self.said = now
            of = "" if self.total is None else f" of {self.total}"
            plural = "es" if self.unit.endswith("ch") else "s"
            print(f"{self.desc or 'done'}: {self.done}{of} {self.unit}{plural}", file=sys.stderr, flush=True)


@contextmanager
def progress_bar(total: int, *, unit: str, desc: str) -> Iterator[Callable[[int], object]]:
    """What to call with the number of things done: a bar on a terminal, else `ProgressLines`; none for a single one."""
    if total < 2:
        yield lambda number: None
    elif sys.stderr is None or not sys.stderr.isatty():
        yield ProgressLines(total, unit=unit, desc=desc).update
    else:
        from tqdm import tqdm

        with tqdm(total=total, unit=unit, desc=desc, leave=False) as bar:
            yield bar.update


@dataclass(frozen=True)
class Labelling:
    """Write the label map that a network sees in a picture, as a palette PNG that notes both.

    Attributes:
        segment: picture -> ids.
        pipeline: whose networks label, for its schema and its provenance.
        image: the picture.
        path: of the map.
    """

    segment: Callable[[Path], NDArray[np.uint8]]
    pipeline: Pipeline
    image: Path
    path: Path

    def run(self, *, force: bool) -> Outcome:
        """See `Task`.

        Raises:
            ConfigError: if the map would replace the picture.
            DataError: if a file is there that is not the map of this picture by these weights, and `force` is not set.
        """
        from limner.data.image_io import label_map_notes, picture_size, save_label_map
        from limner.files import write_atomically

        refuse_replaced_inputs([self.path], [self.image])
        picture_size(self.image)  # refuses what is no picture before it is hashed
        notes = made_of(self.pipeline, self.image, "image")
        if self.path.exists() and not force:
            if is_made_of(label_map_notes(self.path), notes):
                return Outcome([self.path], skipped=True)
            raise DataError(
                f"{self.path} is there already, but not as the label map of {self.image} as it is now by the weights "
                f"{self.pipeline.weights_name}; give another --out, or --force to replace it."
            )
        if notes["fit"] == USUAL_FIT:
            del notes["fit"]
        label_map = self.segment(self.image)
        schema = self.pipeline.spec.schema
        write_atomically({self.path: lambda path: save_label_map(path, label_map, schema, notes=notes)})
        height, width = label_map.shape
        return Outcome([self.path], skipped=False, sizes=((width, height),), what="label map")


@dataclass(frozen=True)
class Judging:
    """Write what a judge says of a photo or clip as JSON, which notes both.

    Attributes:
        pipeline: the judge.
        judge: the file -> what it says.
        source: the photo or clip.
        path: of the JSON file.
        asked: what else decides the verdict, under the names that it is noted by.
        kind: what the source is.
    """

    pipeline: Pipeline
    judge: Callable[[Path], dict[str, Any]]
    source: Path
    path: Path
    asked: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["photo", "clip"] = "photo"

    def run(self, *, force: bool) -> Outcome:
        """See `Task`.

        Raises:
            ConfigError: if the verdict would replace the file that it is about.
            DataError: if that file cannot be read, or if a file is there that is not the verdict on it as it is now by
                these weights, and `force` is not set.
        """
        import json

        from limner import media
        from limner.data.image_io import picture_size
        from limner.files import read_json, write_text_atomically

        refuse_replaced_inputs([self.path], [self.source])
        # What is no picture, or no clip, is refused before it is hashed: its end may be far.
        _ = picture_size(self.source) if self.kind == "photo" else media.read_info(self.source)
        noted = {**made_of(self.pipeline, self.source, self.kind), **self.asked}
        if self.path.exists() and not force:
            there = read_json(self.path)
            if isinstance(there, dict) and is_made_of(there, noted):
                return Outcome([self.path], skipped=True, what="verdict")
            raise DataError(
                f"{self.path} is there already, but not as the verdict on {self.source} as it is now by the weights "
                f"{self.pipeline.weights_name}; give another --out, or --force to replace it."
            )
        found = {self.kind: self.source.name, **self.judge(self.source), **self.pipeline.provenance, **noted}
        write_text_atomically(self.path, json.dumps(found, indent=2) + "\n")
        return Outcome([self.path], skipped=False, what="verdict")


def made_of(pipeline: Pipeline, source: Path, kind: str) -> dict[str, Any]:
    """What decides a label map or a verdict: the file that it is about, the weights, and how they read it.

    Raises:
        DataError: if the file cannot be read.
    """
    try:
        hashed = sha256_of(source)
    except OSError as error:
        raise DataError(f"{source} cannot be read: {reason(error)}.") from error
    made_by = {name: pipeline.provenance[name] for name in ("system", "weights_hash")}
    return {**made_by, f"{kind}_sha256": hashed, "fit": pipeline.fit}


def is_made_of(there: Mapping[str, Any], noted: Mapping[str, Any]) -> bool:
    """Whether a file that is there notes the same; older ones do not say how what they are about was read."""
    return all(there.get(name, USUAL_FIT if name == "fit" else None) == value for name, value in noted.items())


def verdicts(
    pipeline: Pipeline,
    judge: Callable[[Path], dict[str, Any]],
    sources: Iterable[Path],
    out: Path,
    *,
    kind: Literal["photo", "clip"] = "photo",
    asked: Mapping[str, Any] | None = None,
) -> list[Task]:
    """One `Judging` a file, into `out/<name of the file>.json`.

    Raises:
        ConfigError: if two files share a name.
    """
    names = unique_names(sources)
    return [Judging(pipeline, judge, path, out / f"{name}.json", asked or {}, kind) for name, path in names.items()]


def labelling_tasks(
    segment: Callable[[Path], NDArray[np.uint8]], pipeline: Pipeline, images: Iterable[Path], out: Path
) -> list[Task]:
    """One `Labelling` a picture, into `out/<name of the picture>.png`.

    Raises:
        ConfigError: if two pictures share a name, or a map would replace one of them.
    """
    names = unique_names(images)
    refuse_replaced_inputs([out / f"{name}.png" for name in names], names.values())
    return [Labelling(segment, pipeline, path, out / f"{name}.png") for name, path in names.items()]


def verdict_tasks(
    pipeline: Any,
    options: Namespace,
    kind: Literal["photo", "clip"],
    *,
    judge: Callable[[Path], dict[str, Any]] | None = None,
    asked: Mapping[str, Any] | None = None,
) -> list[Task]:
    """`verdicts` on the files of `--photo` or `--clip`.

    Args:
        pipeline: the judge.
        options: of the command line.
        kind: of the files.
        judge: path -> what it says; none: the pipeline itself.
        asked: what else decides the verdicts.

    Raises:
        ConfigError: if two files share a name.
        DataError: if a file is missing.
    """
    from limner.data.image_io import PHOTO_SUFFIXES
    from limner.media import VIDEO_SUFFIXES

    suffixes, what = (PHOTO_SUFFIXES, "picture") if kind == "photo" else (VIDEO_SUFFIXES, "video")
    files = input_files(getattr(options, kind), suffixes, what)
    return verdicts(pipeline, judge or pipeline, files, Path(options.out), kind=kind, asked=asked)


@dataclass(frozen=True)
class Mode:
    """One way in which a system can be used on the command line.

    Attributes:
        tasks: (pipeline, options) -> the work; checks what flags alone cannot say.
        reads: the options that have an effect, beside `flag` and those of every command.
        needs: those of them that must be given.
        flag: the option that asks for this way; "" for the usual one.
        title: what messages call a way that no flag asks for.
        needs_weights: whether it asks a network; else `tasks` gets None in place of a pipeline.
    """

    tasks: Callable[[Any, Namespace], list[Task]]
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    flag: str = ""
    title: str = "plain pictures"
    needs_weights: bool = True


@dataclass(frozen=True)
class Options:
    """A system's side of `limner generate` as one value, `OPTIONS` of its `options.py`, by the names of such a module.

    Attributes:
        DESCRIPTION: what it does, a sentence.
        EXAMPLES: complete command lines.
        add_options: adds its options.
        MODES: the ways in which they can be used.
        OUTPUTS: options that name files to be written.
        READS_SQUARES: whether `--fit` decides about photos that are not square.
        add_evaluate_options: adds options of its evaluation.
        evaluate_arguments: these options, and the device, as arguments of its evaluation.
    """

    DESCRIPTION: str
    EXAMPLES: tuple[str, ...]
    add_options: Callable[[ArgumentParser], None]
    MODES: tuple[Mode, ...]
    OUTPUTS: tuple[str, ...] = ()
    READS_SQUARES: bool = True
    add_evaluate_options: Callable[[ArgumentParser], None] = lambda parser: None
    evaluate_arguments: Callable[[Namespace, Any], dict[str, Any]] = lambda options, device: {}


class UsualOptions:
    """What stands in place of a system's `options.py`: the conditions that its task names, one value each, and seeds.

    Its pipeline's `plan` takes the conditions by name (`--label-map` as `label_map`), `seed`, `num_images` and
    `batch_size`.
    """

    def __init__(self, system: str, task: SystemTask) -> None:
        self.conditions, made = task.conditions, MEDIA[task.gives]
        given = " ".join(f"{flag} {field.upper()}" for flag, field in self.conditions.items())
        self.DESCRIPTION = f"Make {made} of {' and '.join(IN_WORDS[field] for field in self.conditions.values())}."
        self.EXAMPLES = (f"limner generate {system} --weights runs/{system} {given} --out made",)
        reads = (*self.conditions, "--seed", "--num-images", "--batch-size")
        self.MODES = (Mode(self.tasks, reads, tuple(self.conditions), title=made),)

    def add_options(self, parser: ArgumentParser) -> None:
        """Add the options of the conditions, and those of seeds."""
        for flag, of in self.conditions.items():
            parser.add_argument(flag, default=None, metavar=of.upper(), help=f"one of {IN_WORDS[of]}")
        add_sampling_options(parser)

    def tasks(self, pipeline: Any, options: Namespace) -> list[Task]:
        """A result for each block of seeds."""
        names = [flag[2:].replace("-", "_") for flag in self.conditions]
        values = {name: getattr(options, name) for name in names}
        plan = partial(pipeline.plan, **values, batch_size=options.batch_size or 1)
        return [
            Rendering(pipeline, partial(plan, seed=seed, num_images=count), Path(options.out), name)
            for name, seed, count in seed_blocks(options)
        ]


def choose_mode(
    modes: Sequence[Mode], given: Collection[str], *, example: str, written: Mapping[str, str] | None = None
) -> Mode:
    """The way that the given options ask for.

    Args:
        modes: of the system; the usual one has no flag.
        given: options that were given, of those that the system added.
        example: a complete command line.
        written: how the user wrote options that have two forms, `--no-NAME` for `--NAME`.

    Raises:
        ConfigError: if two ways are asked for, an option has no effect in this one, or options are missing.
    """
    asked = [mode for mode in modes if mode.flag in given]
    # an option may be a way of its own, and part of another: --change alone, --change with --interpolate
    asked = [mode for mode in asked if not any(mode.flag in other.reads for other in asked if other is not mode)]
    if len(asked) > 1:
        raise ConfigError(f"{asked[0].flag} and {asked[1].flag} cannot go together; give one of them.")
    chosen = asked[0] if asked else next(mode for mode in modes if not mode.flag)
    for flag in given:
        if flag != chosen.flag and flag not in chosen.reads:
            word = (written or {}).get(flag, flag)
            raise ConfigError(f"{word} has no effect with {chosen.flag or chosen.title}; leave it out.")
    lacking = [flag for flag in chosen.needs if flag not in given]
    if lacking:
        raise missing(lacking, example=example)
    return chosen


def add_sampling_options(parser: ArgumentParser) -> None:
    """Add the options of every system that draws pictures from seeds."""
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the first picture")
    parser.add_argument(
        "--num-images", type=int, default=1, metavar="N", help="pictures of each condition, a seed each"
    )
    add_batch_size(parser)


def add_batch_size(parser: ArgumentParser) -> None:
    """Add `--batch-size`."""
    words = "pictures in one pass (else 1 on the CPU, 16 elsewhere)"
    parser.add_argument("--batch-size", type=int, default=None, metavar="N", help=words)


def check_num_images(options: Namespace, most: int = MAX_IMAGES) -> None:
    """Raises: ConfigError if `--num-images` is less than 1 or more than `most`."""
    if not 1 <= options.num_images <= most:
        raise ConfigError(f"--num-images is {options.num_images}; it must be 1 or more, and at most {most}.")


def seed_blocks(options: Namespace) -> list[tuple[str, int, int]]:
    """The seeds of one condition in blocks of `IMAGES_PER_TASK`: name of the result, first seed, number of seeds.

    Raises:
        ConfigError: if there are none or too many.
    """
    check_num_images(options)
    if options.num_images <= IMAGES_PER_TASK:
        return [("result", options.seed, options.num_images)]
    end = options.seed + options.num_images
    return [
        (f"result-{start:06d}", start, min(IMAGES_PER_TASK, end - start))
        for start in range(options.seed, end, IMAGES_PER_TASK)
    ]


def named_values(texts: Sequence[str], option: str) -> dict[str, float]:
    """`["Male=1", "Young=0.5"]` -> a mapping.

    Raises:
        ConfigError: if a text is not of that form or a name comes twice.
    """
    values: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise ConfigError(f'{option} is "{text}"; it must be NAME=VALUE with a value from 0 to 1, such as Male=1.')
        if name in values:
            raise ConfigError(f'{option} names "{name}" twice.')
        values[name] = value
    return values


def input_files(paths: Sequence[str], suffixes: Sequence[str], what: str) -> list[Path]:
    """Files as they are; folders as the files in them with one of the suffixes, sorted by name.

    Raises:
        ConfigError: if a path is empty.
        DataError: if a path is missing or a folder has none.
    """
    files: list[Path] = []
    for path in map(at_home, paths):
        if path.is_dir():
            visible = (file for file in path.iterdir() if not file.name.startswith("."))  # such as macOS's ._0.png
            found = sorted(file for file in visible if file.suffix.lower() in suffixes and file.is_file())
            if not found:
                raise DataError(f"{path} has no {what} ({', '.join(suffixes)}).")
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise DataError(f"{path} is missing: name a {what} or a folder of them.")
    return files


def warn_of_one_for_several(flag: str, path: str | None, photos: Sequence[Path], suffixes: Sequence[str]) -> None:
    """Warn of a file that tells something of one photo where there are several: it is taken for all of them.

    Args:
        flag: option that names the file.
        path: what it names; none: nothing.
        photos: that it is to be about.
        suffixes: of files about one photo; folders and tables are about many.
    """
    if path is not None and len(photos) > 1 and Path(path).suffix.lower() in suffixes and at_home(path).is_file():
        _log.warning(
            "%s %s is of one photo, but is taken for all %d; name a folder with a file for each, by the photos' names.",
            flag,
            path,
            len(photos),
        )


def unique_names(files: Iterable[Path]) -> dict[str, Path]:
    """Name without suffix -> file, for outputs that are named after their inputs.

    Raises:
        ConfigError: if two files would share a name.
    """
    names: dict[str, Path] = {}
    for file in files:
        if file.stem in names:
            raise ConfigError(f"{names[file.stem]} and {file} would write to the same name; give each its own --out.")
        names[file.stem] = file
    return names
