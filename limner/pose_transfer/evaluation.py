"""How well people are shown in other poses, measured on pairs of pictures of people whom the weights have not seen.

Every number stands beside what the unchanged source, or the source's own garment, would reach. Colours are judged as
people see them: garments that all come out grey have small RGB errors, so lightness and chroma are told apart.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional

from limner.data.batch import to_images
from limner.data.manifest import Manifest
from limner.data.sample import Sample
from limner.engine.logging import tile_grid
from limner.engine.ranks import in_shares
from limner.errors import ConfigError, counted
from limner.features import open_features
from limner.metrics.ageing import area_under_curve
from limner.metrics.bootstrap import mean_interval
from limner.metrics.color import GREY_BELOW, hue_names, to_lab
from limner.metrics.features import FeatureNetwork
from limner.metrics.frechet import FrechetDistance
from limner.metrics.inception_score import NUM_SPLITS, InceptionScore
from limner.metrics.judges import OpenJudge
from limner.metrics.keypoints import SHARE_OF_HEIGHT, correct_keypoints
from limner.metrics.lpips import feature_dissimilarity
from limner.metrics.protocol import Measurement, Protocol, with_ceilings
from limner.metrics.report import EvaluationReport
from limner.metrics.ssim import SSIM
from limner.metrics.tables import published_table
from limner.pose_transfer.background import reach_of
from limner.pose_transfer.data import PosePair, PosePairs, image_of, list_pairs, points_of
from limner.pose_transfer.inputs import to_openpose
from limner.pose_transfer.parts import SCHEMA
from limner.pose_transfer.pipeline import Arrays, PosePipeline
from limner.pose_transfer.poses import between

PictureProtocol = Literal["clean", "scagan-legacy"]
PROTOCOLS: tuple[PictureProtocol, ...] = ("clean", "scagan-legacy")
"""Pictures as they are, or as the authors' scripts see them: through JPEG (quality 75), white columns beside."""
MAX_PAIRS = 1_000
SHEET_PAIRS = 12
SEQUENCES, STEPS = 32, 8
"""Sequences whose stillness is measured, and pictures in each."""
STILL_SETTINGS = "a sixteenth of the height and more beside the body that the key points tell"
GARMENTS = tuple(SCHEMA.classes.index(name) for name in ("upper_clothes", "dress", "coat"))
_LEVELS = (0, 1, 2, 3)
_TORSO = (2, 5, 11, 8)  # shoulders and hips, around
_MIN_PIXELS = 12  # of a garment
MIN_PATTERNS = 4
"""Garments of each kind, below which nothing is said of them."""
PATTERNS = ("stripes", "checks", "dots")
QUESTION, PLAIN = "garment pattern", "plain"
"""What a judge of facts is asked, and its answer where there is none."""
_SSIM_SETTINGS = {
    "clean": SSIM().settings,
    "scagan-legacy": "Gaussian window 11, sigma 1.5, no border, data range that of each generated picture",
}


@dataclass(frozen=True)
class Reposed:
    """Pairs and what became of them, pictures in [-1, 1] on the CPU."""

    source: Float[Tensor, "n 3 h w"]
    target: Float[Tensor, "n 3 h w"]
    result: Float[Tensor, "n 3 h w"]
    points: Float[Tensor, "n 18 2"]
    source_garment: Bool[Tensor, "n h w"]
    target_garment: Bool[Tensor, "n h w"]
    patterned: Float[Tensor, " n"]
    """1 where the upper garment has a pattern, 0 where it is plain, NaN where nobody says."""

    def __len__(self) -> int:
        return len(self.source)


def evaluate(
    pipeline: PosePipeline,
    manifest: Manifest,
    *,
    judges: Sequence[OpenJudge] = (),
    features: FeatureNetwork | None = None,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    table: str | None = None,
    protocol: PictureProtocol = "clean",
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """Show held-out people in other poses and score the pictures.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set, of `PosePipeline.open_data`.
        judges: one that finds key points; without one nothing is said of joints. One of facts, which looks for
            patterns.
        features: network of the distance between results and targets; none: no such distance.
        split: rows to use; "all" for every row.
        num_images: pairs at most, evenly spread; none: `MAX_PAIRS`.
        seed: of the latents, and of the intervals.
        batch_size: pictures in one forward pass.
        table: published table to stand beside; none: that of pose transfer on DeepFashion.
        protocol: see `PROTOCOLS`; it changes SSIM and the distances of networks.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if there are too few pairs, or a judge does not know what it is asked.
        DataError: if there is no such split, or no pair in it, or a file cannot be used.
    """
    of_kind = {one.kind: one for one in judges}
    if "facts" in of_kind:
        _where_patterns_stand(of_kind["facts"])  # before anything is painted
    rows = manifest if split == "all" else manifest.split(split)
    pairs = list_pairs(rows)
    wanted = min(MAX_PAIRS if num_images is None else num_images, len(pairs))
    if wanted < 2 or batch_size < 1:
        raise ConfigError(
            f"{counted(wanted, 'pair')} in batches of {batch_size} cannot be evaluated: it takes two at least."
        )
    chosen = [pairs[place] for place in np.linspace(0, len(pairs) - 1, wanted).round().astype(int)]
    has_parsing = manifest.spec.labels == SCHEMA
    fields = (*pipeline.data_fields(), "label_map") if has_parsing else pipeline.data_fields()
    dataset = PosePairs(rows, chosen, size=pipeline.size, fields=tuple(dict.fromkeys(fields)))
    found = _reposed(pipeline, dataset, rows, has_parsing, seed, batch_size, progress)
    conditions = Protocol(
        metric="",
        split=split,
        count=len(found),
        resolution=(pipeline.size.height, pipeline.size.width),
        reference="the true pictures of the pose",
        data_fingerprint=rows.fingerprint(),
        seeds=(seed,) if pipeline.seeded else (),
    )
    measurements = picture_measurements(found, conditions, protocol, seed)
    where = "body parsing" if has_parsing else "the torso"
    measurements |= colour_measurements(found, conditions, where, seed)
    measurements |= pattern_measurements(found, conditions, where)
    if "facts" in of_kind:
        measurements |= judged_pattern_measurements(found, of_kind["facts"], conditions, batch_size)
    if "keypoints" in of_kind:
        measurements |= keypoint_measurements(found, of_kind["keypoints"], conditions, batch_size, seed)
    if features is not None:
        measurements |= set_measurements(found, features, conditions, protocol, batch_size)
    measurements |= stillness_measurements(pipeline, dataset, conditions, seed, batch_size)
    name = "scagan-deepfashion" if table is None else table
    keys = {"is": "inception_score", "ssim": "ssim", "fid": "fid"}
    return EvaluationReport(
        provenance=pipeline.provenance,
        measurements=with_ceilings(measurements),
        published=published_table(name),
        table_keys={
            column: key for column, key in keys.items() if key in measurements and _is_published(features, key)
        },
        sheet=_sheet(pipeline, dataset, found, seed),
    )


def picture_measurements(
    found: Reposed, conditions: Protocol, protocol: PictureProtocol, seed: int
) -> dict[str, Measurement]:
    """SSIM, the mean difference and LPIPS-people, each beside that of the unchanged source."""
    features = open_features(None, torch.device("cpu"), layers=(), levels=_LEVELS)
    seen = [as_seen(images, protocol) for images in (found.source, found.result, found.target)]
    source, result, target = seen
    values: dict[str, Tensor] = {}
    for name, images in (("", result), ("_of_copy", source)):
        values[f"ssim{name}"] = ssim(images, target, protocol)
        values[f"l1{name}"] = (images - target).abs().mean((1, 2, 3))
        parts = list(zip(images.split(16), target.split(16), strict=True))
        with torch.inference_mode():
            distances = in_shares(lambda pair: feature_dissimilarity(features(pair[0]), features(pair[1])), parts)
            values[f"lpips_people{name}"] = torch.cat(list(distances))
    words = {"ssim": "SSIM", "l1": "L1, [-1, 1]", "lpips_people": "LPIPS-people"}
    network: dict[str, Any] = {"network": features.name, "settings": "maps of length 1 at each place, no learned heads"}
    result_ = {}
    for key, value in values.items():
        stem = key.removesuffix("_of_copy")
        metric = words[stem] + (" of the unchanged source" if key != stem else "")
        metric += "" if protocol == "clean" else f" ({protocol})"
        own: dict[str, Any] = (
            network if stem == "lpips_people" else {"settings": _SSIM_SETTINGS[protocol]} if stem == "ssim" else {}
        )
        result_[key] = _measured(value, dataclasses.replace(conditions, metric=metric, **own), seed)
    return result_


def colour_measurements(found: Reposed, conditions: Protocol, where: str, seed: int) -> dict[str, Measurement]:
    """Lightness and chroma of garments, beside those of the garment in the source.

    The colour of a garment is its mean in CIELAB, in the result where the target has it. Chroma and names of hues are
    judged on coloured garments only.
    """
    lab = {name: _mean_lab(getattr(found, name), mask) for name, mask in _garments(found).items()}
    truth, result, source = lab["target"], lab["result"], lab["source"]
    usable = truth.isfinite().all(1) & source.isfinite().all(1)
    coloured = usable & (truth[:, 1:].norm(dim=1) >= GREY_BELOW)
    conditions = dataclasses.replace(conditions, settings=f"mean colour of the garment by {where}, CIELAB")
    of_coloured = dataclasses.replace(
        conditions, count=int(coloured.sum()), settings=f"{conditions.settings}, coloured garments"
    )
    if not bool(coloured.any()):
        return {}

    def error(of: Tensor, channels: slice, kept: Tensor) -> Tensor:
        distance: Tensor = (of - truth)[kept, channels].norm(dim=1)
        return distance

    names = {key: hue_names(value[coloured, 1:]) for key, value in lab.items()}
    right = {
        key: torch.tensor([float(a == b) for a, b in zip(names[key], names["target"], strict=True)])
        for key in ("result", "source")
    }
    chroma = {key: error(lab[key], slice(1, 3), coloured) for key in ("result", "source")}
    of = " of the source's own garment"
    true = truth[coloured, 1:]
    # How much of the true colour is there: 1 where the hue is as strong, 0 where the garment is grey.
    strength = {key: (lab[key][coloured, 1:] * true).sum(1) / true.square().sum(1) for key in ("result", "source")}
    ratio = float(chroma["result"].mean() / chroma["source"].mean())
    return {
        "lightness_error": _measured(
            error(result, slice(0, 1), usable), dataclasses.replace(conditions, metric="lightness error, L*"), seed
        ),
        "lightness_error_of_source": _measured(
            error(source, slice(0, 1), usable), dataclasses.replace(conditions, metric=f"lightness error{of}"), seed
        ),
        "chroma_error": _measured(
            chroma["result"], dataclasses.replace(of_coloured, metric="chroma error, distance in (a*, b*)"), seed
        ),
        "chroma_error_of_source": _measured(
            chroma["source"], dataclasses.replace(of_coloured, metric=f"chroma error{of}"), seed
        ),
        "chroma_ratio": Measurement(
            ratio, dataclasses.replace(of_coloured, metric="chroma error : that of the source's own garment")
        ),
        **{
            f"saturation{suffix}": Measurement(
                float(strength[key].nanmedian()),
                dataclasses.replace(of_coloured, metric=f"saturation : the true one, median{words}"),
            )
            for key, suffix, words in (("result", "", ""), ("source", "_of_source", of))
        },
        "hue_right": _measured(
            right["result"], dataclasses.replace(of_coloured, metric="name of the garment's hue right"), seed, True
        ),
        "hue_right_of_source": _measured(
            right["source"], dataclasses.replace(of_coloured, metric=f"name of the hue right{of}"), seed, True
        ),
    }


def pattern_measurements(found: Reposed, conditions: Protocol, where: str) -> dict[str, Measurement]:
    """Whether patterned garments can be told from plain ones, in results and in true pictures, where facts say both.

    A pattern is seen in what a garment's lightness changes over a few pixels; folds and shadows change it more slowly.
    """
    detail = {
        "": _garment_detail(found.result, found.target_garment),
        "_real": _garment_detail(found.target, found.target_garment),
    }
    described = dataclasses.replace(
        conditions,
        metric="patterned garments told from plain ones by their fine contrast: area under the curve",
        settings=f"L* less its mean over 5x5 pixels, in the garment by {where}",
    )
    return _patterns_told("pattern_told", detail, found.patterned, described)


def judged_pattern_measurements(
    found: Reposed, judge: OpenJudge, conditions: Protocol, batch_size: int
) -> dict[str, Measurement]:
    """The same by a judge of facts, a network: by how sure it is that a garment has a pattern.

    It sees whole pictures, so kinds of garments that are seldom patterned help it, too, on both sides.

    Raises:
        ConfigError: if it was never asked for patterns.
    """
    place, plain = _where_patterns_stand(judge)
    sizes = [len(answers) for answers in judge.network.questions.values()]

    def sure(images: Tensor) -> Tensor:
        logits = judge.network.logits(images.to(judge.network.device)).cpu()
        of_pattern: Tensor = logits.split(sizes, dim=1)[place].softmax(dim=1)
        return 1 - of_pattern[:, plain]

    seen = {
        suffix: torch.cat(list(in_shares(sure, images.split(batch_size))))
        for suffix, images in (("", found.result), ("_real", found.target))
    }
    described = dataclasses.replace(
        conditions,
        metric=f"patterned garments told from plain ones by {judge.name}: area under the curve",
        network=judge.name,
        network_sha256=judge.sha256,
        settings="how sure it is of any pattern",
    )
    return _patterns_told("pattern_told_by_judge", seen, found.patterned, described)


def keypoint_measurements(
    found: Reposed, judge: OpenJudge, conditions: Protocol, batch_size: int, seed: int
) -> dict[str, Measurement]:
    """Joints that a judge finds near their places, beside what it finds in the true pictures.

    Both count the pairs in whose true picture the judge sees the person. A judge that overlooks some by chance does so
    in made pictures of these pairs alone, so the ratio of all pairs stands beside, where nobody seen is no joint found.
    """
    height = found.target.shape[2]
    shares = {}
    for name in ("result", "target"):
        points = [
            torch.from_numpy(np.stack([to_openpose(one, judge.network.names) for one in part.numpy()]))
            for part in in_shares(judge.network.keypoints, getattr(found, name).split(batch_size))
        ]
        shares[name] = correct_keypoints(torch.cat(points).float(), found.points, height=height)
    seen = shares["target"].isfinite()
    settings = f"within {SHARE_OF_HEIGHT:.0%} of the height, pairs in whose true picture the judge sees the person"
    who = dataclasses.replace(
        conditions, count=int(seen.sum()), network=judge.name, network_sha256=judge.sha256, settings=settings
    )
    made, real = shares["result"][seen].nan_to_num(0.0), shares["target"][seen]
    if not len(real):
        return {}
    return {
        "judge_keypoints": _measured(
            made, dataclasses.replace(who, metric=f"joints by {judge.name}"), seed, is_share=True
        ),
        "judge_keypoints_real": _measured(
            real, dataclasses.replace(who, metric=f"ceiling: joints by {judge.name} in true pictures"), seed, True
        ),
        "keypoint_ratio": Measurement(
            float(made.mean() / real.mean()),
            dataclasses.replace(who, metric=f"joints by {judge.name} : those in true pictures"),
        ),
        "keypoint_ratio_all_pairs": Measurement(
            float(shares["result"].nansum() / shares["target"].nansum()),
            dataclasses.replace(
                who,
                count=len(found),
                metric=f"joints by {judge.name} in all pairs : those in all true pictures",
                settings=f"within {SHARE_OF_HEIGHT:.0%} of the height, no joint where the judge sees nobody",
            ),
        ),
    }


def set_measurements(
    found: Reposed, features: FeatureNetwork, conditions: Protocol, protocol: PictureProtocol, batch_size: int
) -> dict[str, Measurement]:
    """The Fréchet distance between results and their targets, and the Inception Score where the network has classes."""
    distance = FrechetDistance(None, num_features=features.num_features)
    score = None if features.class_scores is None else InceptionScore(num_splits=min(NUM_SPLITS, len(found)))

    def seen(start: int) -> tuple[Tensor, Tensor]:
        rows = slice(start, start + batch_size)
        made, real = (features(as_seen(images[rows], protocol)).cpu() for images in (found.result, found.target))
        return made, real

    starts = range(0, len(found), batch_size)
    for start, (made, real) in zip(starts, in_shares(seen, starts), strict=True):
        distance.update(made, real=False)
        distance.update(real, real=True)
        if score is not None and features.class_scores is not None:
            score.update(features.class_scores(made), torch.arange(start, start + len(made)))
    suffix = "" if protocol == "clean" else f" ({protocol})"
    where = dataclasses.replace(
        conditions,
        reference=f"{len(found)} targets, with repetitions",
        **features.protocol_fields(conditions.resolution),
    )
    name = features.metric_name("FID") + suffix
    result = {"fid": Measurement(float(distance.compute()), dataclasses.replace(where, metric=name))}
    if score is not None:
        name = features.metric_name("Inception Score") + suffix
        described = dataclasses.replace(where, metric=name, settings=score.settings, reference="none")
        result["inception_score"] = Measurement(float(score.compute().mean), described)
    return result


def stillness_measurements(
    pipeline: PosePipeline, dataset: PosePairs, conditions: Protocol, seed: int, batch_size: int
) -> dict[str, Measurement]:
    """What changes from picture to picture of a sequence where nobody moves, in levels of 255.

    Where nobody moves is told by the key points; head and legs that nobody saw are taken to be where they would be of
    somebody upright. `_kept`: the same pictures with `keep_background`, a step that is in no paper.
    """

    def changes_of(number: int) -> tuple[float, float]:
        pair = dataset[number]
        arrays = pair_arrays(pipeline, [pair])
        way = np.stack(between([arrays["source_points"][0], arrays["points"][0]], STEPS)).astype(np.float32)
        rows = {name: array.repeat(len(way), axis=0) for name, array in arrays.items()} | {"points": way}
        with pipeline.inference():
            frames = _painted(pipeline, rows, [seed] * len(way), batch_size)
            kept = _levels(pipeline.on_background(frames, rows))
        size = (frames.shape[2], frames.shape[3])
        moving = torch.stack([reach_of(points, size, grown_px=size[0] // 16) for points in way])[:, None]
        still = (moving[:-1] + moving[1:] == 0).expand(-1, 3, -1, -1)
        if not bool(still.any()):
            return float("nan"), float("nan")
        plain, with_own = (float(((one[1:] - one[:-1]).abs() * 127.5)[still].mean()) for one in (frames, kept))
        return plain, with_own

    numbers = np.unique(np.linspace(0, len(dataset) - 1, min(SEQUENCES, len(dataset))).round().astype(int)).tolist()
    changes = torch.tensor(list(in_shares(changes_of, numbers)))
    metric = "change from picture to picture of a sequence away from the person, levels of 255"
    settings = f"{STEPS} steps, one seed; {STILL_SETTINGS}"
    described = dataclasses.replace(conditions, metric=metric, count=len(changes), settings=settings, reference="none")
    of_kept = dataclasses.replace(described, metric=f"{metric}, the photo's background kept")
    return {
        "still_change": _measured(changes[:, 0], described, seed),
        "still_change_kept": _measured(changes[:, 1], of_kept, seed),
    }


def as_seen(images: Float[Tensor, "n 3 h w"], protocol: PictureProtocol) -> Float[Tensor, "n 3 h w2"]:
    """Pictures as a protocol's metrics see them; the authors' read them back from JPEG and pad them to a square."""
    if protocol == "clean":
        return images
    pixels = ((images + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    read = torch.from_numpy(np.stack([_through_jpeg(one) for one in pixels])).permute(0, 3, 1, 2).float() / 127.5 - 1
    margin = max(0, images.shape[2] - images.shape[3])
    return functional.pad(read, (margin // 2, margin - margin // 2), value=1.0)


def ssim(
    images: Float[Tensor, "n 3 h w"], target: Float[Tensor, "n 3 h w"], protocol: PictureProtocol
) -> Float[Tensor, " n"]:
    """SSIM of each pair; the authors take each generated picture's own range (here at least 0.7) for that of pixels."""
    if protocol == "clean":
        return torch.cat([SSIM()(a, b) for a, b in zip(images.split(16), target.split(16), strict=True)])
    found = []
    for one, other in zip((images[:, None] + 1) / 2, (target[:, None] + 1) / 2, strict=True):
        contrast = max(0.7, float(one.max() - one.min()))
        found.append(SSIM(value_range=(0.0, contrast))(one, other))
    return torch.cat(found)


def pair_arrays(pipeline: PosePipeline, pairs: Sequence[PosePair]) -> Arrays:
    """Pairs of a data set as `PosePipeline.paint` takes them."""

    def stack(values: Sequence[Any]) -> NDArray[Any]:
        return np.stack(values)

    own = [pipeline.pair_arrays(pair.source) for pair in pairs]
    return {
        "image": stack([image_of(pair.source) for pair in pairs]),
        "source_points": stack([points_of(pair.source) for pair in pairs]).astype(np.float32),
        "points": stack([points_of(pair.target) for pair in pairs]).astype(np.float32),
        **{name: stack([one[name] for one in own]) for name in own[0]},
    }


def _reposed(
    pipeline: PosePipeline,
    dataset: PosePairs,
    rows: Manifest,
    has_parsing: bool,
    seed: int,
    batch_size: int,
    progress: Callable[..., Any],
) -> Reposed:
    def painted(start: int) -> tuple[Tensor, list[PosePair]]:
        part = [dataset[number] for number in range(start, min(start + batch_size, len(dataset)))]
        seeds = [seed + pair.index for pair in part]
        return _painted(pipeline, pair_arrays(pipeline, part), seeds, batch_size), part

    starts = range(0, len(dataset), batch_size)
    with pipeline.inference():
        shown = progress(in_shares(painted, starts), total=len(starts), unit="batch", desc="pairs")
        results, parts = zip(*shown, strict=True)
    pairs = [pair for part in parts for pair in part]
    points = torch.from_numpy(np.stack([points_of(pair.target) for pair in pairs]).astype(np.float32))
    size = (pipeline.size.height, pipeline.size.width)
    return Reposed(
        source=to_images([image_of(pair.source) for pair in pairs]),
        target=to_images([image_of(pair.target) for pair in pairs]),
        result=torch.cat(results),
        points=points,
        source_garment=torch.stack([_garment(pair.source, has_parsing, size) for pair in pairs]),
        target_garment=torch.stack([_garment(pair.target, has_parsing, size) for pair in pairs]),
        patterned=torch.tensor([_is_patterned(rows, pair.target) for pair in pairs]),
    )


def _painted(pipeline: PosePipeline, arrays: Arrays, seeds: Sequence[int], batch_size: int) -> Tensor:
    """Pictures of 256 levels, as a saved file has them."""
    found = []
    for start in range(0, len(seeds), batch_size):
        rows = slice(start, start + batch_size)
        chosen = seeds[rows] if pipeline.seeded else None
        found.append(pipeline.paint({name: array[rows] for name, array in arrays.items()}, chosen).float().cpu())
    return _levels(torch.cat(found))


def _levels(images: Tensor) -> Tensor:
    """Rounded to the 256 levels of a file."""
    return ((images.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1


def _garment(sample: Sample, has_parsing: bool, size: tuple[int, int]) -> Bool[Tensor, "h w"]:
    """Where the upper garment is: by the label map, else the middle of the torso by its key points."""
    if has_parsing and sample.label_map is not None:
        return torch.from_numpy(np.isin(sample.label_map, GARMENTS))
    mask = Image.new("1", (size[1], size[0]))
    corners = points_of(sample)[list(_TORSO)]
    if np.isfinite(corners).all():
        middle = corners.mean(axis=0)
        ImageDraw.Draw(mask).polygon([tuple(point) for point in (middle + 0.7 * (corners - middle)).tolist()], fill=1)
    return torch.from_numpy(np.asarray(mask, dtype=bool).copy())


def _garments(found: Reposed) -> dict[str, Tensor]:
    return {"source": found.source_garment, "result": found.target_garment, "target": found.target_garment}


def _mean_lab(images: Tensor, mask: Tensor) -> Float[Tensor, "n 3"]:
    """Mean colour inside of each mask; NaN where it is nearly empty."""
    area = mask.flatten(1).sum(dim=1)
    total = (to_lab(images) * mask[:, None]).flatten(2).sum(dim=2)
    return torch.where(area[:, None] >= _MIN_PIXELS, total / area[:, None].clamp(min=1), torch.nan)


def _is_patterned(rows: Manifest, sample: Sample) -> float:
    facts = rows.marks_of(rows.rows[sample.index]).facts
    top = None if facts is None else facts.known.get("top")
    return float("nan") if top is None else float(str(top).startswith(PATTERNS))


def _where_patterns_stand(judge: OpenJudge) -> tuple[int, int]:
    """The number of the question for patterns among those of a judge of facts, and that of the answer "plain"."""
    questions = judge.network.questions
    if PLAIN not in questions.get(QUESTION, ()):
        raise ConfigError(
            f'The judge {judge.name} does not know the question "{QUESTION}" with the answer "{PLAIN}"; its questions '
            f"are {', '.join(questions) or 'none'}. Leave it out, or train one on people with facts (people-bodies)."
        )
    return list(questions).index(QUESTION), questions[QUESTION].index(PLAIN)


def _patterns_told(
    key: str, values: Mapping[str, Float[Tensor, " n"]], patterned: Float[Tensor, " n"], described: Protocol
) -> dict[str, Measurement]:
    """How well a value tells patterned garments from plain ones, in results ("") and in true pictures ("_real")."""
    result = {}
    for suffix, value in values.items():
        known = value.isfinite() & patterned.isfinite()
        kinds = [value[known & (patterned == kind)].numpy() for kind in (1, 0)]
        if min(map(len, kinds)) < MIN_PATTERNS:
            return {}
        metric = described.metric + (", true pictures" if suffix else "")
        note = "0.5 is chance; where true pictures have no more, patterns are too fine for this size."
        protocol = dataclasses.replace(described, metric=metric, count=int(known.sum()))
        result[f"{key}{suffix}"] = Measurement(area_under_curve(*kinds), protocol, note=note)
    return result


def _garment_detail(images: Tensor, mask: Bool[Tensor, "n h w"]) -> Float[Tensor, " n"]:
    """Mean difference of lightness to that about each pixel, inside of each mask without its border; NaN: too small."""
    within = -functional.max_pool2d(-functional.pad(mask[:, None].float(), (1, 1, 1, 1)), 3, 1)
    lightness = to_lab(images)[:, :1]
    around = functional.avg_pool2d(lightness * mask[:, None], 5, 1, 2)
    share = functional.avg_pool2d(mask[:, None].float(), 5, 1, 2)
    detail = (lightness - around / share.clamp(min=1e-6)).abs() * within
    area = within.flatten(1).sum(dim=1)
    return torch.where(area >= _MIN_PIXELS, detail.flatten(1).sum(dim=1) / area.clamp(min=1), torch.nan)


def _through_jpeg(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=75)
    return np.asarray(Image.open(buffer).convert("RGB"))


def _is_published(features: FeatureNetwork | None, key: str) -> bool:
    """Whether a number has the published metric's name."""
    return key == "ssim" or (features is not None and features.is_published)


def _sheet(pipeline: PosePipeline, dataset: PosePairs, found: Reposed, seed: int) -> Image.Image:
    """A row a pair: source, what the system makes on its way, result, target."""
    places = np.unique(np.linspace(0, len(found) - 1, min(SHEET_PAIRS, len(found))).round().astype(int)).tolist()
    arrays = pair_arrays(pipeline, [dataset[place] for place in places])
    seeds = [seed + place for place in places] if pipeline.seeded else None
    with pipeline.inference():
        views = ("pose", *pipeline.own_views)
        shown = [pipeline.view(view, arrays, seeds).float().cpu().clamp(-1, 1) for view in views]
    return tile_grid(torch.stack([found.source[places], *shown, found.result[places], found.target[places]], dim=1))


def _measured(values: Tensor, conditions: Protocol, seed: int, is_share: bool = False) -> Measurement:
    """Mean with a bootstrap interval; NaN are left out."""
    values = values[values.isfinite()]
    if not len(values):
        return Measurement(float("nan"), conditions, is_share=is_share)
    interval = mean_interval(values, seed=seed) if len(values) > 1 else None
    return Measurement(float(values.double().mean()), conditions, is_share=is_share, interval=interval)
