"""Scores of pictures painted from held-out captions: one protocol for every system that paints them.

How well picture and caption fit is said by a DAMSM that took no part in training, and whether the stated facts are to
be seen by a judge of facts; beside each number stands what the same judge says of the real pictures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn import functional

from limner.data.captions import Vocabulary, fit_words
from limner.data.manifest import Manifest
from limner.data.sampler import SampleKey
from limner.engine.logging import tile_grid
from limner.engine.ranks import in_shares
from limner.errors import ConfigError, counted
from limner.metrics.bootstrap import mean_interval
from limner.metrics.features import FeatureNetwork
from limner.metrics.judge import Judge, judged_labels
from limner.metrics.judges import OpenJudge, first_of
from limner.metrics.protocol import Measurement, Protocol, with_ceilings
from limner.metrics.r_precision import NUM_NEGATIVES, r_precision_measurement
from limner.metrics.report import EvaluationReport
from limner.metrics.sets import check_enough_images, inception_score_measurement, set_measurements
from limner.metrics.statistics import collect_statistics
from limner.metrics.vs_similarity import similarity, train_head
from limner.provenance import SYNTHETIC_MEDIA
from limner.text_to_image.data import CaptionedBatch, CaptionedPictures, Drawn, collate
from limner.text_to_image.matching import Known
from limner.text_to_image.pipeline import CaptionPipeline
from limner.text_to_image.questions import ABSENT, PEOPLE, expected
from limner.text_to_image.words import MAX_WORDS, vocabulary_of

SHEET_ROWS, SHEET_COLUMNS = 12, 6
MAX_SWAPS = 64
SWAPPED = ("black", "blond", "red", "brown", "grey", "auburn")
"""Colours of hair, each of which is swapped for the next."""
HAIR_COLOR = "hair color"
"""The question about it."""
DEFAULT_NUM_IMAGES = 1_000


@dataclass(frozen=True, eq=False)
class _Set:
    """Held-out captions, the pictures that they are of, and those that were made of them."""

    real: Float[Tensor, "n 3 h w"]
    made: Float[Tensor, "n 3 h w"]
    real_code: Float[Tensor, "n e"]
    made_code: Float[Tensor, "n e"]
    sentence: Float[Tensor, "n e"]
    known: Known
    facts: list[Mapping[str, Any]]
    """What is known of each picture."""
    stated: list[Mapping[str, Sequence[Any]]]
    """What each caption states."""


def evaluate_captions(
    pipeline: CaptionPipeline,
    manifest: Manifest,
    *,
    judges: Sequence[OpenJudge],
    features: FeatureNetwork | None = None,
    parser: Judge | None = None,
    drawn: Drawn = "by_fact",
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """R-precision and similarity by a DAMSM, accuracy of facts, distances between sets, and a sheet of pictures.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set.
        judges: one of the kind "image-text", which took no part in training; one of the kind "facts", if there is one.
        features: network of the distances between sets; none: there are none.
        parser: of label maps with hair, for the places that a swapped word changes; none: they are not looked at.
        drawn: which caption of each picture is painted: any, or rather those that state what few captions state.
        split: rows to use; "all" for every row.
        num_images: how many pictures; with more than rows, each row is used again with another caption and latent.
            None: one a row, at most 1,000.
        seed: chooses captions and latents.
        batch_size: pictures in one forward pass.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if there are too few pictures.
        DataError: if there is no such split, or a file cannot be read.
    """
    rows = manifest if split == "all" else manifest.split(split)
    count = min(len(rows), DEFAULT_NUM_IMAGES) if num_images is None else num_images
    if count < 2 or len(rows) < 2 or batch_size < 1:
        raise ConfigError(
            f"{counted(count, 'image')} in batches of {batch_size} cannot be evaluated: the split {split} has "
            f"{len(rows)} images; it takes two at least."
        )
    if features is not None:
        check_enough_images(features, count)
    chosen = dataclasses.replace(rows, rows=rows.rows[:count])
    judge = first_of(judges, "image-text")
    run = _Run(pipeline, chosen, count, judge, drawn, seed, batch_size)
    found = run.paint(progress)
    base = Protocol(
        metric="",
        split=split,
        count=count,
        resolution=pipeline.image_size,
        data_fingerprint=rows.fingerprint(),
        settings=f"captions drawn {'by fact' if drawn == 'by_fact' else 'evenly'}",
        seeds=(seed,),
    )
    name = next(one for one in judges if one.kind == "image-text")
    by_judge = dataclasses.replace(base, network=name.name, network_sha256=name.sha256)
    measurements = matching_measurements(found, by_judge, seed=seed)
    measurements |= similarity_measurements(run, found, by_judge)
    facts = next((one for one in judges if one.kind == "facts"), None)
    if facts is not None:
        by_facts = dataclasses.replace(base, network=facts.name, network_sha256=facts.sha256)
        measurements |= fact_measurements(found, facts.network, by_facts)
    if parser is not None:
        by_parser = dataclasses.replace(base, network=parser.weights_name, network_sha256=parser.weights_hash)
        measurements |= swap_measurements(run, parser, by_parser, facts)
    if features is not None:
        measurements |= distances(found, features, base, seed=seed)
    return EvaluationReport(
        provenance={**pipeline.provenance, "statement": SYNTHETIC_MEDIA},
        measurements=with_ceilings(measurements),
        sheet=run.sheet(),
    )


@dataclass(frozen=True)
class _Run:
    """What is evaluated, and by whom."""

    pipeline: CaptionPipeline
    rows: Manifest
    count: int
    """Pictures; where they are more than rows, each row is used again with another caption."""
    judge: Any
    drawn: Drawn
    seed: int
    batch_size: int

    def paint(self, progress: Callable[..., Any]) -> _Set:
        """A picture of a caption of every row, beside the real one, and the judge's codes of both."""
        parts: dict[str, list[Tensor]] = {}

        def painted(numbers: range) -> dict[str, Tensor]:
            batch, texts = self.batch(numbers)
            made = self.pipeline.paint_batch(batch.words, [self.seed + number for number in numbers])
            words = in_numbers(texts, vocabulary_of(self.judge.spec))
            _, sentence, _ = self.judge.text_codes(words.to(self.judge.device))
            real = batch.image.to(self.judge.device)
            found = {
                "real": batch.image,
                "made": made,
                "real_code": self.judge.picture_codes(real)[1],
                "made_code": self.judge.picture_codes(made.to(self.judge.device))[1],
                "sentence": sentence,
                **{name: getattr(batch, name) for name in ("category", "known", "allowed", "num_stated")},
            }
            return {key: value.cpu().clone() for key, value in found.items()}

        shown = in_shares(painted, self.parts())
        for found in progress(shown, total=len(self.parts()), unit="batch", desc="captions"):
            for key, value in found.items():
                parts.setdefault(key, []).append(value)
        columns = {key: torch.cat(values) for key, values in parts.items()}
        known = Known(*(columns.pop(key) for key in ("category", "known", "allowed", "num_stated")))
        facts, stated = self.facts()
        return _Set(**columns, known=known, facts=facts, stated=stated)

    @cached_property
    def pictures(self) -> CaptionedPictures:
        """The rows with their captions; decoded pictures stay in its memory."""
        return CaptionedPictures(
            self.rows,
            image_size=self.pipeline.image_size,
            length=MAX_WORDS,
            vocabulary=vocabulary_of(self.pipeline.spec),
            drawn=self.drawn,
            seed=self.seed,
        )

    @cached_property
    def captions(self) -> list[tuple[int, str]]:
        """Number and text of the caption of each picture."""
        return [self.pictures.captions.caption(self.key(number)) for number in range(self.count)]

    def parts(self) -> list[range]:
        """The numbers of the pictures, batch by batch."""
        starts = range(0, self.count, self.batch_size)
        return [range(start, min(start + self.batch_size, self.count)) for start in starts]

    def batch(self, numbers: range) -> tuple[CaptionedBatch, list[str]]:
        """A batch, and the texts of its captions."""
        items = [self.pictures[self.key(number)] for number in numbers]
        return collate(items), [item.sample.caption for item in items]

    def facts(self) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Sequence[Any]]]]:
        """What is known of each picture, and what its caption states; empty where nothing is known."""
        known: list[Mapping[str, Any]] = []
        stated: list[Mapping[str, Sequence[Any]]] = []
        for number, (caption, _) in enumerate(self.captions):
            one = self.pictures.table.facts[self.key(number).index]
            known.append({} if one is None else one.known)
            stated.append({} if one is None or caption >= len(one.stated) else one.stated[caption])
        return known, stated

    def key(self, number: int) -> SampleKey:
        """The row of that number, and what chooses its caption."""
        return SampleKey(number % len(self.rows), number)

    def sheet(self) -> Image.Image:
        """A row a caption: the real picture, then six seeds."""
        batch, _ = self.batch(range(min(SHEET_ROWS, self.count)))

        def row(number: int) -> Tensor:
            words = batch.words[number : number + 1].expand(SHEET_COLUMNS, -1)
            made = self.pipeline.paint_batch(words, list(range(SHEET_COLUMNS)))
            return torch.cat([batch.image[number : number + 1], made.cpu()])

        return tile_grid(torch.stack(list(in_shares(row, range(len(batch))))))


def in_numbers(captions: Sequence[str], vocabulary: Vocabulary) -> Tensor:
    """Captions in the numbers of a vocabulary, (n, t); one without a known word becomes the vocabulary's first word.

    A judge that knows no word of a caption is as good as one that guesses.
    """
    ids = [vocabulary.encode(caption).ids[:MAX_WORDS] or (1,) for caption in captions]
    length = max(len(one) for one in ids)
    return torch.from_numpy(np.stack([fit_words(one, length)[0] for one in ids]))


def matching_measurements(found: _Set, protocol: Protocol, *, seed: int) -> dict[str, Measurement]:
    """R-precision of made and of real pictures, and the mean cosine of picture and sentence."""
    result = {}
    for suffix, what, codes in (("", "made", found.made_code), ("_real", "real", found.real_code)):
        words = f"R-precision of {what} pictures, against {NUM_NEGATIVES} captions or fewer that are false"
        named = dataclasses.replace(protocol, metric=words)
        one = r_precision_measurement(codes, found.sentence, named, true_of=found.known.true_of, seed=seed)
        if one is not None:
            result[f"judge_r_precision{suffix}"] = one
        cosines = functional.cosine_similarity(codes.double(), found.sentence.double(), dim=1)
        result[f"judge_cosine{suffix}"] = Measurement(
            float(cosines.mean()),
            dataclasses.replace(protocol, metric=f"cosine of {what} picture and sentence, by DAMSM"),
            interval=mean_interval(cosines, seed=seed),
        )
    return result


def similarity_measurements(run: _Run, found: _Set, protocol: Protocol) -> dict[str, Measurement]:
    """VS-DAMSM of made and of real pictures; its head learns from the real pairs of the set, as HDGAN's does."""
    head = train_head(found.real_code.float(), found.sentence.float(), seed=run.seed)
    result = {}
    for suffix, what, codes in (("", "made", found.made_code), ("_real", "real", found.real_code)):
        near = similarity(head, codes.float(), found.sentence.float())
        result[f"judge_vs_damsm{suffix}"] = Measurement(
            float(near.mean()),
            dataclasses.replace(protocol, metric=f"VS-DAMSM of {what} pictures (HDGAN's recipe on a DAMSM's codes)"),
            interval=mean_interval(near.double(), seed=run.seed),
            note=f"deviation over the pictures {float(near.std(correction=0)):.3g}; published VS similarities are of "
            "other networks.",
        )
    return result


def fact_measurements(found: _Set, judge: Any, protocol: Protocol) -> dict[str, Measurement]:
    """For every question that captions answer (`expected`): how often the judge sees that answer, the mean over them.

    The real pictures of the same captions stand beside: what the judge itself is worth.
    """
    seen = {what: judge.facts(images.to(judge.device)) for what, images in (("", found.made), ("_real", found.real))}
    result = {}
    for question, known in judge.questions.items():
        answers = [expected(question, *one) for one in zip(found.stated, found.facts, strict=True)]
        rows = [row for row, answer in enumerate(answers) if answer in known]
        if not rows:
            continue
        for suffix, verdicts in seen.items():
            right: dict[str, list[float]] = {}
            for row in rows:
                right.setdefault(str(answers[row]), []).append(float(verdicts[row][question] == answers[row]))
            classes = {answer: float(np.mean(values)) for answer, values in sorted(right.items())}
            result[f"judge_fact_{question.replace(' ', '_')}{suffix}"] = Measurement(
                float(np.mean(list(classes.values()))),
                dataclasses.replace(
                    protocol,
                    metric=f"{question}: what the caption says{' or leaves out' if question in ABSENT else ''} is seen "
                    f"in {'real' if suffix else 'made'} pictures, mean over the answers",
                    count=len(rows),
                ),
                is_share=True,
                per_class=classes,
            )
    return result


def swap_measurements(
    run: _Run, parser: Judge, protocol: Protocol, facts: OpenJudge | None = None
) -> dict[str, Measurement]:
    """Where pictures change when a colour of hair is swapped: inside the hair, and outside of it.

    Hair is what the parser sees as hair before or after. Captions of the set that say a colour of hair are used, at
    most `MAX_SWAPS`; each gets the next colour that the weights know. Where generators attend to words, the same is
    measured of pictures that may change everywhere.

    Args:
        run: the weights and captions.
        parser: of label maps with hair.
        protocol: of the parser.
        facts: a judge of facts, which says whether the new colour is seen; none: nobody does.

    Raises:
        ConfigError: if the parser knows no hair.
    """
    vocabulary = vocabulary_of(run.pipeline.spec)
    if "hair" not in parser.spec.schema.classes:
        raise ConfigError(f'The parser {parser.weights_name} knows no class "hair"; name one of faces.')
    hair = parser.spec.schema.classes.index("hair")
    swaps = _hair_swaps(run, vocabulary)
    judge = facts.network if facts is not None and HAIR_COLOR in facts.network.questions else None
    result: dict[str, Measurement] = {}
    for suffix, everywhere in (("", False), ("_everywhere", True))[: 1 + run.pipeline.has_attention]:

        def changes(swap: _HairSwap, everywhere: bool = everywhere) -> tuple[float, float, float] | None:
            images = run.pipeline.paint_swap(
                swap.caption, swap.old, swap.new, seed=run.seed + swap.number, everywhere=everywhere
            )
            mask = (judged_labels(parser, images.to(run.pipeline.device), parser.spec.schema) == hair).any(dim=0).cpu()
            change = (images[0] - images[1]).abs().mean(dim=0).cpu()
            if not mask.any() or mask.all():
                return None
            seen = judge is not None and judge.facts(images[1:].to(judge.device))[0][HAIR_COLOR] == swap.answer
            return float(change[mask].mean()), float(change[~mask].mean()), float(seen)

        found = [one for one in in_shares(changes, swaps) if one is not None]
        if found:
            result |= _swap_rows(found, suffix, protocol, facts if judge is not None else None)
    return result


def _swap_rows(
    found: Sequence[tuple[float, float, float]], suffix: str, protocol: Protocol, facts: OpenJudge | None
) -> dict[str, Measurement]:
    """Change inside, change outside and their ratio; whether the new colour is seen."""
    inside, outside, seen = (float(np.mean(values)) for values in zip(*found, strict=True))
    how = "where words count" if not suffix else "everywhere"

    def measured(value: float, metric: str, **more: Any) -> Measurement:
        return Measurement(value, dataclasses.replace(protocol, metric=metric, count=len(found)), **more)

    rows = {
        f"swap_change_inside{suffix}": measured(inside, f"change ({how}) within the hair, of another colour, [-1, 1]"),
        f"swap_change_outside{suffix}": measured(outside, f"change ({how}) outside of it"),
        f"swap_leak{suffix}": measured(
            outside / inside if inside > 0 else float("nan"),
            f"change ({how}) outside the hair : change within it",
            note="0.3 or less: a word changes what it names.",
        ),
    }
    if facts is not None:
        row = measured(seen, f"the new colour of hair is seen (change {how})", is_share=True)
        by_facts = dataclasses.replace(row.protocol, network=facts.name, network_sha256=facts.sha256)
        rows[f"swap_seen{suffix}"] = dataclasses.replace(row, protocol=by_facts)
    return rows


@dataclass(frozen=True)
class _HairSwap:
    """A caption, whose colour of hair is swapped."""

    caption: str
    old: str
    new: str
    answer: str | None
    """What a judge of facts calls the new colour."""
    number: int
    """Of the picture."""


def _hair_swaps(run: _Run, vocabulary: Vocabulary) -> list[_HairSwap]:
    """Captions that say a colour of hair, each with the next colour that the weights know."""
    colors = [color for color in SWAPPED if color in vocabulary.words]
    swaps: list[_HairSwap] = []
    for number, (_, text) in enumerate(run.captions):
        words = vocabulary.decode(vocabulary.encode(text).ids[:MAX_WORDS])
        old = next((a for a, b in pairwise(words) if b == "hair" and a in colors), None)
        if old is None:
            continue
        new = colors[(colors.index(old) + 1) % len(colors)]
        answer = PEOPLE[HAIR_COLOR][1](new)
        swaps.append(_HairSwap(" ".join(words), f"{old} hair", f"{new} hair", answer, number))
        if len(swaps) == MAX_SWAPS:
            break
    return swaps


def distances(found: _Set, network: FeatureNetwork, protocol: Protocol, *, seed: int) -> dict[str, Measurement]:
    """Fréchet distance, KID, precision, recall and, where the network knows classes, the Inception Score."""
    vectors = {
        what: torch.cat(list(in_shares(lambda part: network(part).cpu(), images.split(64)))).double()
        for what, images in (("real", found.real), ("made", found.made))
    }
    sets = {
        what: collect_statistics([part], len(part), num_features=network.num_features) for what, part in vectors.items()
    }

    def named(metric: str, settings: str = "none") -> Protocol:
        fields = network.protocol_fields(protocol.resolution)
        return dataclasses.replace(
            protocol, metric=metric, settings=f"{protocol.settings}; {settings}", reference="real pictures", **fields
        )

    result = set_measurements(sets["real"], sets["made"], network, what="made", protocol=named, seed=seed)
    return result | inception_score_measurement(vectors["made"], network, what="made", protocol=named)
