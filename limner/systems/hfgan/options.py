"""The side of HfGAN in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from limner.tasks import Mode, Rendering, Task
from limner.text_to_image.options import (
    OUTPUTS,
    WORDS,
    add_caption_options,
    add_evaluate_options,
    caption_modes,
    evaluate_arguments,
    one_caption,
)

if TYPE_CHECKING:
    from limner.systems.hfgan.pipeline import HfGANPipeline

__all__ = ["DESCRIPTION", "EXAMPLES", "MODES", "OUTPUTS", "add_evaluate_options", "add_options", "evaluate_arguments"]

DESCRIPTION = "Paint captions: pictures of sentences, of a story in turn, and views of which words count where."
EXAMPLES = (
    'limner generate hfgan --caption "a woman with long red hair" --num-images 4 --out woman',
    "limner generate hfgan --captions captions.txt --num-images 6 --out sheet",
    'limner generate hfgan --caption "a young man" "an old man" --sequence --frames-between 10 --motion years.gif '
    "--out years",
    'limner generate hfgan --caption "a man with brown hair" --swap "brown=red" --out swap',
    'limner generate hfgan --caption "a man with a beard" --attention --out attention',
    'limner generate hfgan --caption "a man with a beard" --rank --candidates 32 --num-images 4 --out best',
    'limner generate hfgan --caption "a man with a beard" --fusion --out fusion',
)
READS_SQUARES = False


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_caption_options(parser)
    parser.add_argument(
        "--fusion", action="store_true", help="the picture without each coarse map in turn, and the learned weights"
    )


def fusion_tasks(pipeline: HfGANPipeline, options: Namespace) -> list[Task]:
    """What each coarse map does.

    Raises:
        ConfigError, DataError: if captions or numbers cannot be used.
    """
    caption = one_caption(pipeline, options, "--fusion")
    plan = partial(pipeline.fusion.plan, caption, seed=options.seed, batch_size=options.batch_size)
    return [Rendering(pipeline, plan, Path(options.out))]


MODES = (*caption_modes(), Mode(fusion_tasks, reads=(*WORDS, "--seed", "--batch-size"), flag="--fusion"))
