"""Scores of talking faces on held-out clips: pictures, mouths, words and synchrony beside those of the real clips.

The photo of a clip is its first frame, the rest is to be spoken. Distances of mouths need a lip reader that finds their
points (`--judge`): there is no detector here that may be used freely. Its own finds on the real frames stand beside, so
that what it cannot see is not taken for a fault of the system.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from limner.data.manifest import Manifest
from limner.data.spoken import ClipBatch, ClipDataset, collate_clips
from limner.data.transforms import resize_image
from limner.engine.logging import tile_grid
from limner.engine.ranks import in_shares
from limner.errors import ConfigError, DataError
from limner.metrics.bootstrap import mean_interval
from limner.metrics.judges import OpenJudge, first_of
from limner.metrics.protocol import Measurement, Protocol, with_ceilings
from limner.metrics.psnr import PSNR
from limner.metrics.report import EvaluationReport
from limner.metrics.ssim import SSIM
from limner.metrics.tables import published_table
from limner.metrics.talking import (
    best_lag,
    closure_share,
    correlation,
    landmark_distance,
    mouth_opening,
    psnr_grey,
    psnr_u8wrap,
    ssim_uniform,
    unsteadiness,
)
from limner.people.visemes import visemes_of
from limner.provenance import SYNTHETIC_MEDIA
from limner.talking_faces.data import MOUTH, MOUTH_BOX, mean_shape

if TYPE_CHECKING:
    from limner.talking_faces.pipeline import TalkingPipeline

_log = logging.getLogger(__name__)

PictureProtocol = Literal["clean", "parent"]
PARENT_SIZE = 256
"""Pixels to which the protocol "parent" brings both pictures."""
_PARENT_SSIM = "both at 256 px; uniform windows of 7, unbiased variances, data range 255, RGB"
_PARENT_PSNR = "both at 256 px; brightness of ITU-R 601 in bytes, peak 255"
_PARENT = {
    "ssim": ("SSIM (parent)", _PARENT_SSIM),
    "ssim_still": ("SSIM of the still photo (parent)", _PARENT_SSIM),
    "psnr": ("PSNR, dB (parent)", _PARENT_PSNR),
    "psnr_still": ("PSNR of the still photo, dB (parent)", _PARENT_PSNR),
}
"""As ATVGnet's script has them, but for its differences of bytes that wrap (`psnr_u8wrap`)."""
MIN_FRAMES = 5
"""Beside the photo, of a clip that can be judged."""


def clip_batches(
    image_size: int,
    manifest: Manifest,
    *,
    split: str,
    num_images: int | None,
    words: Sequence[str] | None,
    has_mel: bool = False,
) -> tuple[Manifest, Callable[[int], ClipBatch]]:
    """Whole clips, and what opens one of them as a batch: the first frame is the photo.

    Args:
        image_size: of the frames.
        manifest: the whole data set.
        split: rows to use; "all" for every row.
        num_images: how many clips of them, evenly spread; none: all.
        words: what the weights can read; none: words do not matter.
        has_mel: whether mel bands are computed, too.

    Raises:
        ConfigError: if there are too few clips.
        DataError: if there is no such split, or a word is none of `words`.
    """
    rows = manifest if split == "all" else manifest.split(split)
    count = len(rows) if num_images is None else num_images
    if not 1 <= count <= len(rows):
        raise ConfigError(f"{count} clips cannot be evaluated: the split {split} has {len(rows)} clips.")
    picked = tuple(rows.rows[number * len(rows) // count] for number in range(count))
    if words is not None:
        for row in picked:
            if row.category not in words:
                raise DataError(
                    f'{row.video} is of the word "{row.category}", which these weights do not know; they know '
                    f"{', '.join(words[:10])}{', …' if len(words) > 10 else ''}."
                )
    chosen = dataclasses.replace(rows, rows=picked)
    dataset = ClipDataset(chosen, size=image_size, num_frames=None, categories=words, has_mel=has_mel, cache_bytes=0)
    return chosen, partial(_whole_clip, dataset)


def _whole_clip(dataset: ClipDataset, index: int) -> ClipBatch:
    clip = dataset[index]
    if len(clip.frames) <= MIN_FRAMES:
        row = dataset.manifest.rows[index]
        raise DataError(
            f"{dataset.manifest.root / row.video} has {len(clip.frames)} frames with sound; it takes "
            f"{MIN_FRAMES + 1} to be judged."
        )
    return collate_clips([clip])


NUM_SHOWN, MOMENTS = 6, 5
_LMD = "mouths moved to their middles, mean over 20 points and all frames"
METRICS = {
    "ssim": ("SSIM", SSIM().settings, False),
    "ssim_still": ("SSIM of the still photo", SSIM().settings, False),
    "psnr": ("PSNR, dB", PSNR().settings, False),
    "psnr_still": ("PSNR of the still photo, dB", PSNR().settings, False),
    "psnr_u8wrap": ("psnr_u8wrap (differences of bytes that wrap: not a PSNR)", "as in ATVGnet's script, RGB", False),
    "mouth_error": ("difference in the mouth's box, as a share of the still photo's", "absolute, RGB", False),
    "swap_outside": (
        "change outside the mouth's box by other speech, as a share of that inside",
        "absolute, RGB",
        False,
    ),
    "unsteadiness": (
        "unsteadiness of the mouth's box, levels of 255",
        "second differences in time, absolute, RGB",
        False,
    ),
    "judge_lmd": ("LMD, pixels", _LMD, False),
    "judge_lmd_still": ("LMD of the still photo, pixels", _LMD, False),
    "judge_lmd_per_eyes": ("LMD, distances between the eyes", _LMD, False),
    "judge_opening": ("correlation of the mouth's opening with the true one", "clip by clip", False),
    "judge_closure": ("opening on p, b and m, as a share of that on other sounds", "clip by clip", False),
    "judge_lag": ("frames by which the opening fits best", "within 10 either way, absolute", False),
    "judge_word": ("words read rightly", "first of all", True),
    "judge_word_still": ("words read rightly in the still photo: the floor", "first of all", True),
    "judge_distance": ("LSE-D", "of this judge alone, never beside published LSE", False),
    "judge_confidence": ("LSE-C", "of this judge alone, never beside published LSE", False),
}
"""Key -> what it is called, how it is counted, whether it is a share; `_real` behind a key: of the real clips."""


def evaluate(
    pipeline: TalkingPipeline,
    manifest: Manifest,
    *,
    judges: Sequence[OpenJudge] = (),
    table: str | None = None,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    protocol: PictureProtocol = "clean",
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """Let the first frames of clips speak, and compare with the rest.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set, clips with sound.
        judges: a lip reader, a judge of synchrony, or both.
        table: published table to stand beside; none: that of the data, or of LRW.
        split: rows to use; "all" for every row.
        num_images: how many clips of them, evenly spread; none: all.
        seed: of the bootstrap intervals.
        batch_size: takes no part: clips are spoken one by one.
        protocol: of SSIM and PSNR: at the frames' own size ("clean"), or as ATVGnet's script has them ("parent").
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if there are too few clips, or no such table.
        DataError: if there is no such split, or a file cannot be read.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; it must be at least 1.")
    if protocol not in ("clean", "parent"):
        raise ConfigError(f'protocol is "{protocol}"; it must be clean or parent.')
    published = published_table(table or ("avwnet-grid" if manifest.kind == "grid" else "avwnet-lrw"))
    reader, sync = first_of(judges, "word-reader"), first_of(judges, "synchrony")
    words = words_to_read(reader, manifest, split)
    chosen, clip = clip_batches(
        pipeline.image_size, manifest, split=split, num_images=num_images, words=words, has_mel=sync is not None
    )

    def scored(number: int) -> tuple[dict[str, float], Tensor | None]:
        batch = clip(number).to(pipeline.device)
        made = spoken(pipeline, batch, batch.speech)
        row = picture_scores(made, batch)
        if protocol == "parent":
            row |= parent_scores(made, batch)
        if number:
            row["swap_outside"] = swap_score(pipeline, batch, made, clip(number - 1).to(pipeline.device))
        if reader is not None:
            closed = closures(chosen, number, len(made))
            row |= reader_scores(reader, made, batch, reads_words=words is not None, closed=closed)
        if sync is not None:
            row |= sync_scores(sync, made, batch)
        return row, _strip(made, batch).cpu() if number < NUM_SHOWN else None

    found = progress(in_shares(scored, range(len(chosen))), total=len(chosen), unit="clip", desc="clips")
    rows, strips = zip(*found, strict=True)
    conditions = Protocol(
        metric="",
        split=split,
        count=len(rows),
        resolution=pipeline.image_size,
        reference="the clips' own frames; the photo is the first of them",
        data_fingerprint=chosen.fingerprint(),
    )
    return EvaluationReport(
        provenance={**pipeline.provenance, "statement": SYNTHETIC_MEDIA},
        measurements=with_ceilings(_measured(rows, conditions, judges, seed, _PARENT if protocol == "parent" else {})),
        published=published,
        table_keys={"ssim": "ssim", "psnr": "psnr", **({"lmd": "judge_lmd"} if reader is not None else {})},
        sheet=tile_grid(torch.stack([strip for strip in strips if strip is not None])),
    )


def words_to_read(reader: Any, manifest: Manifest, split: str) -> Sequence[str] | None:
    """What a lip reader is asked to read: nothing of clips whose words it never learned, of which it sees the mouth."""
    rows = (manifest if split == "all" else manifest.split(split)).rows
    said = {row.category for row in rows if row.category}
    if reader is None or not said:
        return None
    if said & set(reader.words):
        return list(reader.words)
    _log.warning(
        "The lip reader learned none of these clips' words (%s, …): its reading of words is left out.", min(said)
    )
    return None


def spoken(pipeline: TalkingPipeline, batch: ClipBatch, windows: Tensor) -> Float[Tensor, "f 3 h w"]:
    """What a system makes of the only clip of a batch, with its own speech or another."""
    points = (batch.landmarks[:, 0] + 0.5) / pipeline.image_size
    return pipeline.speak(batch.photo, points, windows)


def closures(manifest: Manifest, number: int, num_frames: int) -> NDArray[np.bool_] | None:
    """(f,) frames of a clip, but for its photo, in which p, b or m is heard; none where nobody says what is."""
    reader: Any = manifest.reader
    labels = reader.frame_labels(manifest.rows[number])
    if labels is None or len(labels.phonemes) <= num_frames:
        return None
    return np.array([_is_closure(one) for one in labels.phonemes[1 : num_frames + 1]], bool)


def _is_closure(phoneme: str) -> bool:
    """Whether the lips touch, in whichever alphabet the sound is written."""
    for alphabet in ("espeak", "arpabet"):
        try:
            return visemes_of(phoneme, alphabet) == ("closed",)
        except DataError:
            continue
    return False


def picture_scores(made: Float[Tensor, "f 3 h w"], batch: ClipBatch) -> dict[str, float]:
    """SSIM and PSNR, means over the frames, of the clip and of the still photo; the mouth's difference and flicker."""
    true, still = batch.frames[0], batch.photo.expand_as(batch.frames[0])
    clamped = made.clamp(-1, 1)
    box = (slice(None), slice(None), *mouth_slices(true.shape[-1]))
    of_still = (still - true)[box].abs().mean()
    frames = [((one + 1) * 127.5).round().byte().cpu().numpy() for one in (clamped, true)]
    wrapped = [psnr_u8wrap(first, second) for first, second in zip(*frames, strict=True)]
    found = {
        "psnr_u8wrap": float(np.mean(wrapped)),
        "mouth_error": float((clamped - true)[box].abs().mean() / of_still) if of_still > 0 else float("nan"),
        "unsteadiness": 127.5 * unsteadiness(clamped[box]),
        "unsteadiness_real": 127.5 * unsteadiness(true[box]),
    }
    for end, clip in (("", clamped), ("_still", still)):
        psnr = PSNR()(clip, true)
        found[f"ssim{end}"] = float(SSIM()(clip, true).mean())
        found[f"psnr{end}"] = float(psnr[psnr.isfinite()].mean()) if psnr.isfinite().any() else float("inf")
    return found


def parent_scores(made: Float[Tensor, "f 3 h w"], batch: ClipBatch) -> dict[str, float]:
    """SSIM and PSNR by the protocol "parent", means over the frames; equal frames have no PSNR and are left out."""
    true, *clips = (
        [resize_image(frame, PARENT_SIZE) for frame in _bytes(one)]
        for one in (batch.frames[0], made, batch.photo.expand_as(batch.frames[0]))
    )
    found = {}
    for end, clip in zip(("", "_still"), clips, strict=True):
        pairs = list(zip(clip, true, strict=True))
        psnr = [value for value in (psnr_grey(*pair) for pair in pairs) if value < float("inf")]
        found[f"ssim{end}"] = float(np.mean([ssim_uniform(*pair) for pair in pairs]))
        found[f"psnr{end}"] = float(np.mean(psnr)) if psnr else float("inf")
    return found


def _bytes(frames: Tensor) -> NDArray[np.uint8]:
    """(f, h, w, 3)."""
    pixels: NDArray[np.uint8] = ((frames.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return pixels


def swap_score(pipeline: TalkingPipeline, batch: ClipBatch, made: Tensor, other: ClipBatch) -> float:
    """How much other speech changes outside the mouth's box, as a share of what it changes inside."""
    num = min(len(made), other.speech.shape[1])
    changed = (spoken(pipeline, batch, other.speech[:, :num]) - made[:num]).abs().mean(dim=(0, 1))
    inside = torch.zeros_like(changed, dtype=torch.bool)
    inside[mouth_slices(changed.shape[-1])] = True
    within = float(changed[inside].mean())
    return float(changed[~inside].mean()) / within if within > 0 else float("nan")


def mouth_slices(size: int) -> tuple[slice, slice]:
    """Rows and columns of the mouth's box in a face of this side."""
    left, top, right, bottom = (round(share * size) for share in MOUTH_BOX)
    return slice(top, bottom), slice(left, right)


def reader_scores(
    reader: Any, made: Tensor, batch: ClipBatch, *, reads_words: bool, closed: NDArray[np.bool_] | None = None
) -> dict[str, float]:
    """What a lip reader sees in a generated clip, in the real one, and in the still photo.

    Args:
        reader: weights of wordnet.
        made: the generated clip.
        batch: the real one.
        reads_words: whether its words are asked for.
        closed: (f,) frames in which the lips should touch, where that is known.
    """
    clips = {"": made[None], "_real": batch.frames, "_still": batch.photo[:, None].expand_as(batch.frames)}
    readings = {name: reader.read(clip) for name, clip in clips.items()}
    found: dict[str, float] = {}
    if reads_words:
        for name, reading in readings.items():
            right = reading.logits[0].float().mean(dim=0).argmax() == batch.category[0]
            found[f"judge_word{name}"] = float(right)
    if not readings[""].points.shape[2]:
        return found
    size = batch.photo.shape[-1]
    points = {name: reading.points[0].float() * size for name, reading in readings.items()}
    known = batch.landmarks[0, 1:]
    is_known = bool(known.isfinite().all())
    true = known[:, MOUTH] + 0.5 if is_known else points["_real"]
    eyes = known if is_known else (mean_shape().to(known) * size).expand_as(known)
    between = float((eyes[:, 36:42].mean(dim=1) - eyes[:, 42:48].mean(dim=1)).norm(dim=1).mean())
    found["judge_lmd_still"] = float(landmark_distance(points["_still"], true).mean())
    for name in ("", "_real"):
        if closed is not None:
            found[f"judge_closure{name}"] = closure_share(mouth_opening(points[name]).cpu().numpy(), closed)
        if name and not is_known:
            continue  # it would be compared with itself
        distance = float(landmark_distance(points[name], true).mean())
        opening, wanted = mouth_opening(points[name]).cpu().numpy(), mouth_opening(true).cpu().numpy()
        found[f"judge_lmd{name}"], found[f"judge_lmd_per_eyes{name}"] = distance, distance / between
        found[f"judge_opening{name}"] = correlation(opening, wanted)
        found[f"judge_lag{name}"] = float(abs(best_lag(opening, wanted)[1]))
    return found


def sync_scores(judge: Any, made: Tensor, batch: ClipBatch) -> dict[str, float]:
    """LSE of a generated clip and of the real one."""
    found = {}
    for name, clip in (("", made), ("_real", batch.frames[0])):
        scores = judge.synchrony(clip, batch.mel[0])
        found[f"judge_distance{name}"], found[f"judge_confidence{name}"] = scores.distance, scores.confidence
    return found


def _measured(
    rows: Sequence[dict[str, float]],
    protocol: Protocol,
    judges: Sequence[OpenJudge],
    seed: int,
    other: Mapping[str, tuple[str, str]],
) -> dict[str, Measurement]:
    """Means over the clips with bootstrap intervals, in the order of `METRICS`; some by `other` names and settings."""
    by_kind = {judge.kind: judge for judge in judges}
    measurements = {}
    for key, (usual, usually, is_share) in METRICS.items():
        metric, settings = other.get(key, (usual, usually))
        for end, what in (("", ""), ("_real", ", real clips")):
            values = torch.tensor([row[key + end] for row in rows if key + end in row], dtype=torch.float64)
            values = values[values.isfinite()]
            if not len(values):
                continue
            conditions = dataclasses.replace(protocol, metric=metric + what, count=len(values), settings=settings)
            judge = by_kind.get("synchrony" if key in ("judge_distance", "judge_confidence") else "word-reader")
            if key.startswith("judge_") and judge is not None:
                conditions = dataclasses.replace(
                    conditions, metric=f"{metric} ({judge.name}){what}", network=judge.name, network_sha256=judge.sha256
                )
            measurements[key + end] = Measurement(
                float(values.mean()),
                conditions,
                is_share=is_share,
                interval=mean_interval(values, seed=seed) if len(values) > 1 else None,
            )
    return measurements


def _strip(made: Tensor, batch: ClipBatch) -> Float[Tensor, "columns 3 h w"]:
    """The photo, then true and generated frames of some moments side by side."""
    places = torch.linspace(0, len(made) - 1, MOMENTS).long()
    pairs = torch.stack([batch.frames[0, places], made[places].clamp(-1, 1)], dim=1).flatten(0, 1)
    return torch.cat([batch.photo, pairs]).cpu()
