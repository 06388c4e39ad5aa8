"""What the sides of the systems that paint captions share in `limner generate`. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import ConfigError
from limner.motion import check_motion, motion_beside
from limner.tasks import (
    IMAGES_PER_TASK,
    Mode,
    Options,
    Rendering,
    Task,
    add_sampling_options,
    check_num_images,
    seed_blocks,
)

if TYPE_CHECKING:
    from limner.plan import GenerationPlan
    from limner.results import GenerationResult

SAMPLING = ("--seed", "--num-images", "--batch-size")
WORDS = ("--caption", "--captions")
EVERYWHERE = "--change-everywhere"
"""Of systems that attend to words."""
CANDIDATES = 16
OUTPUTS = ("motion", "arrays")
"""Options that name files to be written."""


def add_caption_options(parser: ArgumentParser, *, attention: bool = True) -> None:
    """Add what every system that paints captions takes.

    Args:
        parser: of the command.
        attention: whether the system attends to words.
    """
    inputs = parser.add_argument_group("what is painted")
    inputs.add_argument("--caption", nargs="+", default=[], metavar="TEXT", help="sentences, each in quotes")
    inputs.add_argument("--captions", default=None, metavar="FILE", help="a text file with one sentence a line")
    modes = parser.add_argument_group("instead of plain pictures (one of)")
    modes.add_argument(
        "--sequence", action="store_true", help="one picture for each caption in turn, all of one latent"
    )
    modes.add_argument(
        "--swap", default=None, metavar="OLD=NEW", help="the caption, with words replaced, and what that changed"
    )
    if attention:
        places = parser.add_argument_group("of a swap, of a sequence")
        places.add_argument(
            "--change-where",
            default=None,
            metavar="WORDS",
            help="of a swap: the picture may change where these words count (else the replaced ones and the one after)",
        )
        words = "let the whole picture change, and not only where the words count that differ"
        places.add_argument(EVERYWHERE, action="store_true", help=words)
        modes.add_argument("--attention", action="store_true", help="where each word counts, at two levels")
        words = "of --attention: also write the words and their shares at every pixel of both levels"
        modes.add_argument("--arrays", default=None, metavar="FILE.npz", help=words)
    modes.add_argument("--rank", action="store_true", help="the pictures, of many seeds, that fit the caption best")
    more = parser.add_argument_group("of a sequence, of a ranking")
    more.add_argument("--frames-between", type=int, default=None, metavar="N", help="pictures between two captions")
    more.add_argument("--motion", default=None, metavar="FILE", help="also write a .gif or .mp4 of the sequence")
    more.add_argument(
        "--candidates", type=int, default=None, metavar="N", help=f"seeds that are tried (else {CANDIDATES})"
    )
    add_sampling_options(parser)


def caption_modes(*, attention: bool = True) -> tuple[Mode, ...]:
    """The ways of using a system that paints captions."""
    local = (EVERYWHERE,) if attention else ()
    found = [
        Mode(picture_tasks, reads=(*WORDS, *SAMPLING), title="plain pictures"),
        Mode(
            sequence_tasks,
            reads=(*WORDS, "--seed", "--batch-size", "--frames-between", "--motion", *local),
            flag="--sequence",
        ),
        Mode(swap_tasks, reads=(*WORDS, *SAMPLING, *local, *(("--change-where",) if attention else ())), flag="--swap"),
        Mode(rank_tasks, reads=(*WORDS, *SAMPLING, "--candidates"), flag="--rank"),
    ]
    if attention:
        found.append(Mode(attention_tasks, reads=(*WORDS, "--seed", "--batch-size", "--arrays"), flag="--attention"))
    return tuple(found)


def captions_of(pipeline: Any, options: Namespace) -> list[str]:
    """The sentences that were given.

    Raises:
        ConfigError: if there are none.
        DataError: if the file cannot be read, or has a line without a word that the weights know.
    """
    from limner.text_to_image.words import caption_lines, vocabulary_of

    found = list(options.caption)
    if options.captions is not None:
        found += caption_lines(options.captions, vocabulary_of(pipeline.spec))
    if not found:
        raise ConfigError(
            '--caption is missing: give a sentence in quotes, such as --caption "a woman with long hair", or a file of '
            "sentences with --captions."
        )
    return found


def one_caption(pipeline: Any, options: Namespace, flag: str) -> str:
    """The only sentence that was given.

    Raises:
        ConfigError: if there is none or several.
    """
    found = captions_of(pipeline, options)
    if len(found) != 1:
        raise ConfigError(f"{flag} is of one caption, but there are {len(found)}.")
    return found[0]


def picture_tasks(pipeline: Any, options: Namespace) -> list[Task]:
    """Pictures of each caption; of one caption in blocks of seeds.

    Raises:
        ConfigError, DataError: if captions or numbers cannot be used.
    """
    captions, out = captions_of(pipeline, options), Path(options.out)
    common = {"batch_size": options.batch_size}
    if len(captions) == 1:
        return [
            Rendering(
                pipeline,
                partial(pipeline.pictures.plan, captions[0], seed=seed, num_images=number, **common),
                out,
                name=name,
            )
            for name, seed, number in seed_blocks(options)
        ]
    check_num_images(options, IMAGES_PER_TASK * 100)
    plan = partial(pipeline.pictures.plan, captions, seed=options.seed, num_images=options.num_images, **common)
    return [Rendering(pipeline, plan, out)]


def sequence_tasks(pipeline: Any, options: Namespace) -> list[Task]:
    """The pictures of a sequence, and its moving picture.

    Raises:
        ConfigError, DataError: if captions or numbers cannot be used.
    """
    out = Path(options.out)
    check_motion(options.motion)
    files = [] if options.motion is None else [motion_beside(options.motion, out)]
    more = {} if options.frames_between is None else {"frames_between": options.frames_between}
    if pipeline.has_attention:
        more["everywhere"] = options.change_everywhere
    plan = partial(
        pipeline.sequence.plan,
        captions_of(pipeline, options),
        seed=options.seed,
        batch_size=options.batch_size,
        **more,
    )
    return [Rendering(pipeline, plan, out, beside=lambda made: files)]


def swap_tasks(pipeline: Any, options: Namespace) -> list[Task]:
    """A caption before and after a swap.

    Raises:
        ConfigError, DataError: if captions or numbers cannot be used.
    """
    old, equals, new = options.swap.partition("=")
    if not equals or not old.strip() or not new.strip():
        raise ConfigError(f'--swap is "{options.swap[:60]}"; it must be OLD=NEW, such as --swap "red=blond".')
    check_num_images(options, IMAGES_PER_TASK)
    places = {}
    if pipeline.has_attention:
        places = {"where": options.change_where, "everywhere": options.change_everywhere}
    plan = partial(
        pipeline.swap.plan,
        one_caption(pipeline, options, "--swap"),
        old,
        new,
        **places,
        seed=options.seed,
        num_images=options.num_images,
        batch_size=options.batch_size,
    )
    return [Rendering(pipeline, plan, Path(options.out))]


def attention_tasks(pipeline: Any, options: Namespace) -> list[Task]:
    """Where words count.

    Raises:
        ConfigError, DataError: if captions or numbers cannot be used.
    """
    from limner.results import Beside

    caption, out, files = one_caption(pipeline, options, "--attention"), Path(options.out), list[Beside]()
    if options.arrays is not None:
        path = Path(options.arrays)
        if path.suffix.lower() != ".npz":
            raise ConfigError(f"--arrays is {options.arrays}; it must end in .npz.")
        target = path if path.is_absolute() or path.parent != Path() else out / path
        files.append(Beside(target, True, partial(write_arrays, pipeline, caption, options.seed)))
    plan = partial(pipeline.attention.plan, caption, seed=options.seed, batch_size=options.batch_size)
    return [Rendering(pipeline, plan, out, beside=lambda made: files)]


def rank_tasks(pipeline: Any, options: Namespace) -> list[Task]:
    """The best of many.

    Raises:
        ConfigError, DataError: if captions or numbers cannot be used.
    """
    caption = one_caption(pipeline, options, "--rank")

    def plan() -> GenerationPlan:
        made: GenerationPlan = pipeline.ranked_plan(
            caption,
            seed=options.seed,
            num_candidates=CANDIDATES if options.candidates is None else options.candidates,
            num_images=options.num_images,
            batch_size=options.batch_size,
        )
        return made

    return [Rendering(pipeline, plan, Path(options.out))]


def write_arrays(pipeline: Any, caption: str, seed: int, result: GenerationResult, path: Path) -> None:
    """Write `words` (t,), and their shares `coarse` (t, h, w) and `fine`, which sum to 1 over the words."""
    import numpy as np

    words, (coarse, fine) = pipeline.attention_maps(caption, seed=seed)
    with open(path, "wb") as file:  # a name that does not end in .npz would be given another ending
        np.savez_compressed(file, words=np.array(words), coarse=coarse.numpy(), fine=fine.numpy())


def add_evaluate_options(parser: ArgumentParser) -> None:
    """Add the options of `limner evaluate` of every system that paints captions."""
    parser.add_argument(
        "--captions-drawn",
        choices=["by_fact", "evenly"],
        default="by_fact",
        help="which caption of each picture is painted: rather one that states what few state, or any",
    )
    parser.add_argument(
        "--parser",
        default=None,
        metavar="NAME|DIR",
        help="weights of a parser that knows hair: where swapped words act",
    )


def evaluate_arguments(options: Namespace, device: Any) -> dict[str, Any]:
    """These options as arguments of `limner.text_to_image.evaluation.evaluate_captions`.

    Raises:
        ConfigError: if the weights of `--parser` are of no parser.
        WeightsError: if they are not there.
    """
    if options.parser is None:
        return {"drawn": options.captions_drawn}
    from limner.metrics.judges import open_judge

    judge = open_judge(options.parser, device=device)
    if judge.kind != "parser":
        raise ConfigError(f'--parser "{options.parser}" is of the kind {judge.kind}; name weights of a parser.')
    return {"drawn": options.captions_drawn, "parser": judge.network}


def caption_options(system: str, description: str, *examples: str, attention: bool = True) -> Options:
    """The options of a system that paints captions and has none of its own.

    Args:
        system: its name.
        description: a sentence.
        examples: ends of command lines.
        attention: whether its generator attends to words.
    """
    return Options(
        description,
        tuple(f"limner generate {system} --weights runs/{system} {example}" for example in examples),
        partial(add_caption_options, attention=attention),
        caption_modes(attention=attention),
        OUTPUTS,
        READS_SQUARES=False,
        add_evaluate_options=add_evaluate_options,
        evaluate_arguments=evaluate_arguments,
    )
