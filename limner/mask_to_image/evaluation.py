"""Scores of pictures painted from held-out label maps: one protocol for every system that paints them.

It is the protocol of SCGAN's paper (arXiv:1905.02320) and what that lacks: an independent judge, intervals, attributes,
diversity. The paper judges pAcc and mIoU by the segmentor that the generator was trained against. That judge is kind;
where a system has such a network, both it and an independent parser are reported, each under its name, and the parser's
score on real images beside its score on generated ones. Distances between sets are measured in the parser's features,
called FD-parser and KID-parser, or in those of another network, whose name they then have: FID is Inception-v3's alone.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int64
from PIL import Image
from torch import Tensor

import limner
from limner.data.dataset import MaskToImageBatch, MaskToImageDataset, collate
from limner.data.manifest import Manifest
from limner.data.spec import DataSpec
from limner.engine.logging import tile_grid
from limner.engine.ranks import in_shares
from limner.engine.seed import generator
from limner.errors import ConfigError, counted
from limner.metrics.attributes import attributes_correct
from limner.metrics.bootstrap import mean_interval
from limner.metrics.detail import blockiness, fine_detail, fixed_spot
from limner.metrics.diversity import mean_pairwise_distance, with_common_shading
from limner.metrics.features import FeatureNetwork, judge_features
from limner.metrics.judge import Judge, check_judge, check_same_meaning, judged_labels, labels_setting, lost_judge
from limner.metrics.protocol import Measurement, Protocol, with_ceilings
from limner.metrics.report import EvaluationReport
from limner.metrics.resize import Resize
from limner.metrics.segmentation import bootstrap_intervals, confusion_matrices, segmentation_scores
from limner.metrics.sets import check_enough_images, inception_score_measurement, set_measurements
from limner.metrics.statistics import FeatureStatistics, cached_statistics, collect_statistics, content_hash
from limner.metrics.tables import published_table
from limner.nn.label_maps import colorize
from limner.provenance import SYNTHETIC_MEDIA

DEFAULT_NUM_IMAGES = 1_000  # the paper judges 1 000 label maps; with fewer maps, each is used with several latents
_SHEET_ROWS = 8
_LATENTS = 4  # pictures of one map, on the sheet and for diversity
_DIVERSITY_MAPS = 64
_ALIKE = 256  # real images, of which each has another one with a map as alike as there is
_REAL_PICTURES = 256  # which the pictures of single codes are compared with
_CODES, _CODE_MAPS = 100, 4  # codes that are looked through for broken ones, and the maps of each
_SPOT_CODES, _SPOT_MAPS = 25, 16  # the same for spots, which fewer maps do not tell from eyes
SMALL_PARTS = {"eyes": ("l_eye", "r_eye"), "brows": ("l_brow", "r_brow"), "lips": ("u_lip", "l_lip")}
"""What a stranger looks at first and what means over pixels hide; named as in the label schemas of faces."""


@typing.runtime_checkable  # for the run-time type checks of the tests
class MapPainter(typing.Protocol):
    """A pipeline that paints label maps; what an evaluation asks of it."""

    name: ClassVar[str]
    uses_attributes: ClassVar[bool]
    """Whether the attributes change its pictures."""
    spec: DataSpec
    weights_name: str

    @property
    def image_size(self) -> int:
        """Side of its pictures in pixels."""

    @property
    def weights_hash(self) -> str:
        """SHA-256 of the weights."""

    @property
    def provenance(self) -> dict[str, str]:
        """What reports say of the program and the weights."""

    @property
    def device(self) -> torch.device:
        """Where the networks are."""

    def inference(self) -> AbstractContextManager[None]:
        """Evaluation mode without gradients."""

    def paint(
        self, label_map: Int64[Tensor, "b h w"], attributes: Float[Tensor, "b n_c"], seeds: Sequence[int]
    ) -> Float[Tensor, "b 3 h w"]:
        """One picture a map in [-1, 1]; picture i depends on `seeds[i]` and on no other seed."""


@dataclass(frozen=True)
class OwnNetworks:
    """Networks of the system itself that can judge its pictures, as a published protocol may want."""

    segmentor: Callable[[Tensor], Tensor]
    """Image (b, 3, h, w) in [-1, 1] -> logits (b, classes, h, w)."""
    segmentor_name: str
    """What it is called in a protocol, such as "own S"."""
    classifier: Callable[[Tensor], Tensor] | None = None
    """Image -> attribute logits (b, n_c)."""
    classifier_name: str = ""


def evaluate_pictures(
    painter: MapPainter,
    manifest: Manifest,
    *,
    judge: Judge,
    others: Sequence[Judge] = (),
    features: FeatureNetwork | Judge | None = None,
    own: OwnNetworks | None = None,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    table: str | None = None,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """Paint held-out label maps and score the pictures.

    Picture i takes map i of the split (round and round), the attributes of another picture of the split, and the seed
    `seed + i`. Where the data do not have the attributes of the weights, they are drawn, which the protocol says.

    Args:
        painter: the weights to evaluate.
        manifest: the whole data set, of the schema and attributes that the weights know.
        judge: an independent parser, trained on real images only; its labels are converted to those of the weights.
        others: further parsers, whose pAcc and mIoU stand beside those of the first.
        features: another network for the distances between sets; none: the judge.
        own: networks of the system that judge too; none: it has none.
        split: rows whose maps are used; "all" for every row.
        num_images: pictures to generate; none: 1 000, or the size of the split if that is more.
        seed: of the first picture, and of the attributes.
        batch_size: pictures in one forward pass; it changes no score beyond rounding.
        table: published table to stand beside; none: the one whose data is like this.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if the weights, the judge and the data do not mean the same, or there are too few images.
        DataError: if there is no such split, or a file cannot be read.
    """
    network = features if isinstance(features, FeatureNetwork) else judge_features(features or judge)
    weights_name = f"the weights {painter.weights_name}"
    uses_attributes = painter.uses_attributes
    names = (weights_name, f"the data in {manifest.root}")
    check_same_meaning(painter.spec, manifest.spec, names=names, attributes=bool(manifest.spec.attribute_names))
    check_judge(painter.spec, judge, name=weights_name, attributes=uses_attributes)
    for other in others:
        check_judge(painter.spec, other, name=weights_name, attributes=False)
    published = published_table(table or published_table_for(painter.spec))
    rows = manifest if split == "all" else manifest.split(split)
    is_own_reference = split in ("all", "train") or "train" not in manifest.split_sizes()
    reference = rows if is_own_reference else manifest.split("train")
    if num_images is None:
        num_images = max(DEFAULT_NUM_IMAGES, len(rows))
    if num_images < 2 or len(rows) < 2:
        raise ConfigError(
            f"{counted(num_images, 'image')} of {counted(len(rows), 'label map')} (split {split}) are too few: every "
            "distance needs at least two of each."
        )
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; it must be at least 1.")

    check_enough_images(network, min(num_images, len(reference)))

    run = _Run(painter, judge, tuple(others), network, own, rows, split, seed, batch_size, progress)
    with painter.inference():
        num_real = min(len(rows), num_images)
        reals = run.measure(num_real, "real images", run.real_batch)
        fakes = run.measure(num_images, "generated images", run.fake_batch)
        measurements = {
            **_diversity(run, reals),
            **_detail(run, fakes, reals),
            **_broken_codes(run),
            **_spotted_codes(run),
            **_segmentation(run, fakes, reals),
            **_distances(run, fakes, reals, reference),
            **(_attributes(run, fakes, reals) if uses_attributes else {}),
        }
        sheet, worst = run.sheet(), run.worst_sheet(fakes)
    by = "judge" if own is None else "own"
    return EvaluationReport(
        provenance={**painter.provenance, "statement": SYNTHETIC_MEDIA},
        measurements=with_ceilings(measurements),
        warnings=tuple(filter(None, [lost_judge(judge, measurements["judge_mean_iou_real"].value)])),
        published=published,
        table_keys={
            "mean_iou": f"{by}_mean_iou",
            "pixel_accuracy": f"{by}_pixel_accuracy",
            **({"fid": "fd"} if network.is_published else {}),
        },
        sheet=sheet,
        files={"worst.png": lambda path: worst.save(path, format="PNG")},
    )


def published_table_for(spec: DataSpec) -> str:
    """The part of SCGAN's table, which has four systems, whose data is like this."""
    return "scgan-deepfashion" if "fashion" in spec.schema.name else "scgan-celeba"


@dataclass
class _Scores:
    """What the networks say of a set of images, image by image."""

    judge_confusion: Tensor
    """(maps, classes, classes), by the judge; images of one map are added up."""
    other_confusions: list[Tensor]
    """The same by each further parser."""
    own_confusion: Tensor
    """The same by the system's own segmentor; zeros where there is none."""
    maps: Tensor
    """(images,), the map that each was made from."""
    features: Tensor
    """(images, features)."""
    attributes: Tensor
    """(images, n_c), the true or wanted ones."""
    judge_logits: Tensor
    """(images, n_c), by the judge's head."""
    own_logits: Tensor
    """(images, n_c), by the system's own classifier; no columns where there is none."""
    detail: Tensor
    """(images,), see `fine_detail`."""
    layouts: Tensor
    """(images, h, w) uint8, every so many pixels of the maps, so that maps can be compared."""


@dataclass
class _Run:
    """The networks and settings of one evaluation."""

    painter: MapPainter
    judge: Judge
    others: tuple[Judge, ...]
    feature_network: FeatureNetwork
    own: OwnNetworks | None
    rows: Manifest
    split: str
    seed: int
    batch_size: int
    progress: Callable[..., Any]

    def __post_init__(self) -> None:
        self.num_classes = self.painter.spec.schema.num_classes
        self.device = self.painter.device
        self.fingerprint = self.rows.fingerprint()
        self.dataset = MaskToImageDataset(self.rows, image_size=self.painter.image_size)
        random = generator(self.seed, "evaluation attributes")
        shuffled = torch.randperm(len(self.rows), generator=random)
        values = [row.attributes for row in self.rows.rows]
        self.shuffled_attributes = torch.tensor(values, dtype=torch.float32).reshape(len(values), -1)[shuffled]
        wanted = self.painter.spec.attribute_names
        self.draws_attributes = bool(wanted) and not self.rows.spec.attribute_names
        """Whether the data do not have the attributes of the weights."""
        if self.draws_attributes:
            exclusive = self.painter.spec.attribute_kind == "exclusive"
            self.shuffled_attributes = _drawn_attributes(len(values), len(wanted), exclusive, random)

    def parts(self, count: int) -> list[range]:
        """The numbers of so many pictures, batch by batch."""
        return [range(start, min(start + self.batch_size, count)) for start in range(0, count, self.batch_size)]

    def batch(self, dataset: MaskToImageDataset, numbers: Sequence[int]) -> MaskToImageBatch:
        """Rows of a data set, round and round, without augmentation."""
        return collate([dataset[number % len(dataset)] for number in numbers]).to(self.device)

    def real_batch(self, numbers: Sequence[int]) -> MaskToImageBatch:
        """Real images with their maps."""
        return self.batch(self.dataset, numbers)

    @functools.cached_property
    def real_pictures(self) -> Float[Tensor, "n 3 h w"]:
        """The first real pictures, to which those of single codes are compared."""
        parts = self.parts(min(_REAL_PICTURES, len(self.rows)))
        return torch.cat([self.real_batch(part).image for part in parts])

    def fake_batch(self, numbers: Sequence[int]) -> MaskToImageBatch:
        """Generated images, with the maps and the attributes that they were made from."""
        batch = self.real_batch(numbers)
        attributes = self.shuffled_attributes[batch.index.cpu()].to(self.device)
        image = self.paint(batch.label_map, attributes, numbers)
        return MaskToImageBatch(image, batch.label_map, attributes, batch.index)

    def paint(
        self, label_map: Int64[Tensor, "b h w"], attributes: Float[Tensor, "b n_c"], numbers: Sequence[int]
    ) -> Float[Tensor, "b 3 h w"]:
        """Pictures of those numbers, rounded to the 256 levels that a saved picture has."""
        image = self.painter.paint(label_map, attributes, [self.seed + number for number in numbers])
        return ((image.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1

    def measure(self, count: int, what: str, make: Callable[[range], MaskToImageBatch]) -> _Scores:
        """Show images to all networks."""
        maps, classes = len(self.rows), self.num_classes
        sums = [torch.zeros(maps, classes, classes, dtype=torch.int64) for _ in (self.own, self.judge, *self.others)]
        rows: list[tuple[Tensor, ...]] = []
        parts = self.parts(count)
        found = in_shares(lambda numbers: self.seen(make(numbers)), parts)
        for confusions, row in self.progress(found, total=len(parts), unit="batch", desc=what):
            for total, matrices in zip(sums, confusions, strict=True):
                total.index_add_(0, row[0], matrices)
            rows.append(row)
        own, judged, *by_others = sums
        return _Scores(judged, by_others, own, *(torch.cat(column) for column in zip(*rows, strict=True)))

    def seen(self, batch: MaskToImageBatch) -> tuple[list[Tensor], tuple[Tensor, ...]]:
        """What the networks say of a batch: confusions by own S, the judge and the others, then a column of each."""
        target, classes = batch.label_map.cpu(), self.num_classes
        parses = [] if self.own is None else [self.own.segmentor(batch.image).argmax(1)]
        parses += [judged_labels(judge, batch.image, self.painter.spec.schema) for judge in (self.judge, *self.others)]
        confusions = [confusion_matrices(parse.cpu(), target, classes) for parse in parses]
        if self.own is None:
            confusions.insert(0, torch.zeros_like(confusions[0]))
        image = Resize(self.judge.image_size, antialias=True)(batch.image)
        row = (
            batch.index,
            self.feature_network(batch.image),
            batch.attributes,
            self.judge.attribute_logits(image),
            self.own_attribute_logits(batch.image),
            fine_detail(batch.image),
            _layouts(batch.label_map),
        )
        return confusions, tuple(column.cpu() for column in row)

    def statistics_of(self, rows: Manifest) -> FeatureStatistics:
        """What real images look like to the feature network; kept on disk for the next evaluation."""
        network, size = self.feature_network, self.painter.image_size

        def compute() -> FeatureStatistics:
            dataset = MaskToImageDataset(rows, image_size=size, cache_bytes=0)
            parts = self.parts(len(rows))
            vectors = in_shares(lambda numbers: network(self.batch(dataset, numbers).image).cpu(), parts)
            shown = self.progress(vectors, total=len(parts), unit="batch", desc="reference images")
            return collect_statistics(shown, len(rows), num_features=network.num_features)

        content = content_hash(rows)
        if content is None:  # images in memory have no name to keep them under
            return compute()
        key = {"content": content, "image_size": size, "limner": limner.__version__, **network.protocol_fields(size)}
        return cached_statistics(key, compute)

    def parse(self, image: Float[Tensor, "b 3 h w"]) -> Int64[Tensor, "b h w"]:
        """The judge's labels at the size of the image, in the schema of the maps."""
        return judged_labels(self.judge, image, self.painter.spec.schema)

    def own_attribute_logits(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n_c"]:
        """By the system's own classifier, or no columns."""
        if self.own is None or self.own.classifier is None:
            return image.new_zeros(len(image), 0)
        return self.own.classifier(image)

    def variants(self, count: int) -> Iterator[tuple[Tensor, Tensor, Float[Tensor, "b seeds 3 h w"]]]:
        """The first maps, their real pictures, and those of the first seeds for each of them."""

        def made(numbers: range) -> tuple[Tensor, Tensor, Tensor]:
            batch = self.real_batch(numbers)
            attributes = self.shuffled_attributes[batch.index.cpu()].to(self.device)
            images = [self.paint(batch.label_map, attributes, [k] * len(batch)) for k in range(_LATENTS)]
            return batch.label_map.cpu(), batch.image.cpu(), torch.stack(images, dim=1).cpu()

        for tensors in in_shares(made, self.parts(count)):
            label_map, image, images = (one.to(self.device) for one in tensors)
            yield label_map, image, images

    def sheet(self) -> Image.Image:
        """A row a map: map, real picture, pictures of several seeds, the judge's parse of the first of them."""
        tiles = []
        for label_map, image, images in self.variants(min(_SHEET_ROWS, len(self.rows))):
            schema = self.painter.spec.schema
            parse = colorize(self.parse(images[:, 0]), schema)
            columns = [colorize(label_map, schema), image, *images.unbind(1), parse]
            tiles.append(torch.stack(columns, dim=1))
        return tile_grid(torch.cat(tiles).cpu())

    def worst_sheet(self, fakes: _Scores) -> Image.Image:
        """The maps whose pictures the judge reads worst: map, real picture, picture, the judge's parse of it."""
        used = fakes.judge_confusion[: len(fakes.features)]
        shares = used.diagonal(dim1=1, dim2=2).sum(1) / used.sum((1, 2)).clamp(min=1)
        worst = shares.argsort()[:_SHEET_ROWS].tolist()
        batch = self.real_batch(worst)
        schema, attributes = self.painter.spec.schema, self.shuffled_attributes[batch.index.cpu()].to(self.device)
        images = self.paint(batch.label_map, attributes, worst)
        parse = colorize(self.parse(images), schema)
        columns = [colorize(batch.label_map, schema), batch.image, images, parse]
        return tile_grid(torch.stack(columns, dim=1).cpu())

    def protocol(
        self,
        metric: str,
        *,
        count: int,
        network: MapPainter | Judge | FeatureNetwork | None = None,
        fake: bool,
        reference: str = "none",
        settings: str = "none",
    ) -> Protocol:
        """The protocol of a number about `count` generated or real pictures of this run."""
        size = self.painter.image_size
        if fake and self.draws_attributes and self.painter.uses_attributes:
            drawn = "attributes drawn, as the data name none of them"
            settings = drawn if settings == "none" else f"{settings}; {drawn}"
        if isinstance(network, FeatureNetwork):
            fields = network.protocol_fields(size)
        elif network is not None:
            resized = network.image_size != size
            fields = {
                "resize": f"bilinear to {network.image_size} px" if resized else "none",
                "antialias": resized,
                "network": f"{network.name} {network.weights_name}",
                "network_sha256": network.weights_hash,
            }
        else:
            fields = {}
        return Protocol(
            metric=metric,
            split=self.split,
            count=count,
            resolution=size,
            reference=reference,
            data_fingerprint=self.fingerprint,
            settings=settings,
            seeds=(self.seed,) if fake else (),
            **fields,
        )


def _drawn_attributes(count: int, num: int, exclusive: bool, random: torch.Generator) -> Float[Tensor, "count num"]:
    """Attributes for pictures whose data have none: each with probability one half, or one of them with equal ones."""
    if exclusive:
        return torch.eye(num)[torch.randint(num, (count,), generator=random)]
    return torch.randint(2, (count, num), generator=random).float()


def _segmentation(run: _Run, fakes: _Scores, reals: _Scores) -> dict[str, Measurement]:
    """pAcc and mIoU of generated and real images by own S and by the judges, and the first judge's ratio of the two."""
    measurements = {}
    judges: dict[str, tuple[MapPainter | Judge, str, Callable[[_Scores], Tensor]]] = {}
    if run.own is not None:
        judges["own"] = (run.painter, run.own.segmentor_name, lambda scores: scores.own_confusion)
    judges["judge"] = (run.judge, f"judge {run.judge.weights_name}", lambda scores: scores.judge_confusion)
    for place, other in enumerate(run.others):
        take = functools.partial(_other_confusion, place)
        judges[f"judge_{other.weights_name}"] = (other, f"judge {other.weights_name}", take)
    for key, (network, by, confusion_of) in judges.items():
        for scores, suffix, what in ((fakes, "", "generated"), (reals, "_real", "real")):
            confusion = confusion_of(scores)
            used = confusion[: len(scores.features)]
            result = segmentation_scores(used.sum(0))
            accuracy, mean_iou = bootstrap_intervals(used, seed=run.seed)
            count, fake = len(scores.features), scores is fakes
            settings = "none" if key == "own" else labels_setting(network.spec.schema, run.painter.spec.schema)
            measurements[f"{key}_pixel_accuracy{suffix}"] = Measurement(
                float(result.pixel_accuracy),
                run.protocol(f"pAcc by {by}, {what}", count=count, network=network, fake=fake, settings=settings),
                is_share=True,
                interval=accuracy,
            )
            measurements[f"{key}_mean_iou{suffix}"] = Measurement(
                float(result.mean_iou),
                run.protocol(f"mIoU by {by}, {what}", count=count, network=network, fake=fake, settings=settings),
                is_share=True,
                interval=mean_iou,
                per_class=dict(zip(run.painter.spec.schema.classes, result.iou.tolist(), strict=True)),
            )
    generated, real = measurements["judge_mean_iou"], measurements["judge_mean_iou_real"]
    lost = lost_judge(run.judge, real.value)
    measurements["judge_mean_iou_ratio"] = Measurement(
        math.nan if lost or not real.value else generated.value / real.value,
        dataclasses.replace(generated.protocol, metric="mIoU by judge, generated / real", reference="the real images"),
        note=f"left out, as {lost}." if lost else "1 means that the judge reads generated images as well as real ones.",
    )
    shares = {}
    for name, classes in SMALL_PARTS.items():
        pairs = [((generated.per_class or {}).get(key), (real.per_class or {}).get(key)) for key in classes]
        ratios = [a / b for a, b in pairs if a is not None and b and math.isfinite(a) and math.isfinite(b)]
        if ratios:
            shares[name] = sum(ratios) / len(ratios)
    if shares and not lost:
        measurements["small_parts_iou_ratio"] = Measurement(
            sum(shares.values()) / len(shares),
            dataclasses.replace(
                generated.protocol, metric="IoU of small parts by judge, generated / real", reference="the real images"
            ),
            is_share=True,
            per_class=shares,
        )
    return measurements


def _detail(run: _Run, fakes: _Scores, reals: _Scores) -> dict[str, Measurement]:
    """The energy of the finest scale, generated against real pictures of the same maps."""
    ratios = fakes.detail / reals.detail.mean()
    return {
        "detail_ratio": Measurement(
            float(ratios.mean()),
            run.protocol("fine detail, generated / real", count=len(ratios), fake=True, reference="the real images"),
            is_share=True,
            interval=mean_interval(ratios, seed=run.seed, groups=fakes.maps),
            note="less than 1 is blurred; more is noise or a pattern of the network's.",
        )
    }


def _broken_codes(run: _Run) -> dict[str, Measurement]:
    """Codes (seeds) whose pictures fall into blocks on every map: more so than any as many real pictures do."""
    return _codes(
        run,
        lambda images: blockiness(images).mean(),
        "broken_codes",
        ("codes that fall into blocks", "the steps at borders of blocks are above {limit:.3g} of those inside"),
        count=_CODES,
        maps=_CODE_MAPS,
    )


def _spotted_codes(run: _Run) -> dict[str, Measurement]:
    """Codes (seeds) whose pictures all have a spot at the same place: a stronger one than any as many real pictures."""
    return _codes(
        run,
        fixed_spot,
        "spotted_codes",
        ("codes with a spot at one place", "the fine detail that all pictures share is above {limit:.3g} at a place"),
        count=_SPOT_CODES,
        maps=_SPOT_MAPS,
    )


def _codes(
    run: _Run, fault: Callable[[Tensor], Tensor], key: str, words: tuple[str, str], *, count: int, maps: int
) -> dict[str, Measurement]:
    """The share of codes whose pictures of the same few maps have more of a fault than any as many real pictures."""
    maps = min(maps, len(run.rows))
    batch = run.real_batch(range(maps))
    attributes = run.shuffled_attributes[batch.index.cpu()].to(run.device)
    real = [float(fault(part)) for part in run.real_pictures.split(maps) if len(part) == maps]
    limit = max(real)

    def score(code: int) -> Tensor:
        parts = [run.paint(batch.label_map[p], attributes[p], [code] * len(p)) for p in run.parts(maps)]
        return fault(torch.cat(parts)).cpu()

    scores = torch.stack(list(in_shares(score, range(count))))
    broken = [run.seed + number for number, one in enumerate(scores.tolist()) if one > limit]
    metric, note = words
    found = f"{note.format(limit=limit)} for seeds {broken or 'none'}"
    return {
        key: Measurement(
            len(broken) / count,
            run.protocol(f"{metric} on {maps} maps", count=count * maps, fake=True),
            is_share=True,
            note=f"{found}; the median of all is {scores.median():.3g}. Of other groups of {maps} real pictures, "
            f"{1 / (len(real) + 1):.1%} are expected to be above the largest of {len(real)}.",
        )
    }


def _other_confusion(place: int, scores: _Scores) -> Tensor:
    return scores.other_confusions[place]


def _distances(run: _Run, fakes: _Scores, reals: _Scores, reference: Manifest) -> dict[str, Measurement]:
    """How far generated images are from the real ones, and as many as there are maps beside the real ones of these."""
    network = run.feature_network
    same = reference is run.rows
    against = f"{len(reference)} real images of {run.split if same else 'train'}"
    if not same:  # else the protocol names these data anyway
        against += f" (data {reference.fingerprint()[:12]})"
    real = run.statistics_of(reference)
    sets = {"": (fakes.features, fakes.maps, "generated")}
    if (one_each := len(reals.features)) < len(fakes.features):
        sets["_one_per_map"] = (fakes.features[:one_each], fakes.maps[:one_each], "generated, one a map")
    if not same:
        sets["_real"] = (reals.features, reals.maps, "real (the floor)")
    measurements = {}
    for suffix, (vectors, maps, what) in sets.items():

        def protocol(metric: str, settings: str, count: int = len(vectors), fake: bool = suffix != "_real") -> Protocol:
            return run.protocol(metric, count=count, network=network, fake=fake, reference=against, settings=settings)

        judged = collect_statistics([vectors], len(vectors), num_features=network.num_features)
        found = set_measurements(real, judged, network, what=what, protocol=protocol, seed=run.seed, groups=maps)
        found.update(inception_score_measurement(vectors, network, what=what, protocol=protocol))
        measurements.update({f"{key}{suffix}": value for key, value in found.items()})
    return measurements


def _attributes(run: _Run, fakes: _Scores, reals: _Scores) -> dict[str, Measurement]:
    """Accuracy of the attributes that were asked for, by the judge's head and by the system's own classifier."""
    spec = run.painter.spec
    if not spec.attribute_names:
        return {}
    own_name = "" if run.own is None else run.own.classifier_name
    cases: list[tuple[str, str, MapPainter | Judge, Tensor, _Scores]] = [
        ("judge_attribute_accuracy", "judge, generated", run.judge, fakes.judge_logits, fakes),
        ("judge_attribute_accuracy_real", "judge, real", run.judge, reals.judge_logits, reals),
        ("own_attribute_accuracy", f"{own_name}, generated", run.painter, fakes.own_logits, fakes),
    ]
    share = (fakes if run.draws_attributes else reals).attributes.mean(0)
    guess = float(share.max() if spec.attribute_kind == "exclusive" else torch.maximum(share, 1 - share).mean())
    measurements = {}
    for key, by, network, logits, scores in cases:
        if not logits.shape[1] or not scores.attributes.shape[1]:
            continue  # there is no such classifier, it has no outputs, or the true attributes are not known
        decisions = attributes_correct(logits, scores.attributes, spec.attribute_kind).double()
        correct = decisions.mean(0)
        each = dict(zip(spec.attribute_names, correct.tolist(), strict=True)) if len(correct) > 1 else None
        measurements[key] = Measurement(
            float(correct.mean()),
            run.protocol(f"attribute accuracy by {by}", count=len(logits), network=network, fake=scores is fakes),
            is_share=True,
            interval=mean_interval(decisions.mean(1), seed=run.seed, groups=scores.maps),
            per_class=each,
            note=f"always answering with the most frequent value scores {100 * guess:.2f} %.",
        )
    return measurements


def _diversity(run: _Run, real_scores: _Scores) -> dict[str, Measurement]:
    """Mean absolute difference between pictures of one map and one set of attributes with different latents.

    Its ceiling is how much real images differ that have the same attributes and most alike maps.
    """
    count = min(_DIVERSITY_MAPS, len(run.rows))
    network = run.feature_network
    pixels, vectors, details, reals = [], [], [], []
    for _, image, images in run.variants(count):
        pixels.append(mean_pairwise_distance(images).cpu())
        vectors.append(_feature_distances(network, images))
        details.append(_feature_distances(network, with_common_shading(images)))
        reals.append(image.cpu())
    real = torch.cat(reals)
    real_features = network(real.to(run.device))
    cases = {
        "diversity_pixels": ("pixels in [-1, 1]", None, pixels, real),
        "diversity_features": (f"features of {network.name}", network, vectors, real_features),
    }
    found = {
        key: Measurement(
            float(torch.cat(distances).mean()),
            run.protocol(
                f"diversity over {_LATENTS} latents, {space}", count=count * _LATENTS, network=used, fake=True
            ),
            interval=mean_interval(torch.cat(distances), seed=run.seed),
            note=f"real images of different maps differ by {_difference(others):.4g}.",
        )
        for key, (space, used, distances, others) in cases.items()
    }
    shares = _shares_of_diversity(run, {"features": vectors, "details": details}, real, real_scores)
    return {**shares, **found}


def _shares_of_diversity(
    run: _Run, found: dict[str, list[Tensor]], real: Float[Tensor, "n 3 h w"], real_scores: _Scores
) -> dict[str, Measurement]:
    """Distances of features, of pictures as they are and under one shading, as shares of those of real images.

    Args:
        run: what is evaluated.
        found: "features" and "details", the distances of each map's pictures.
        real: real images of different maps; what neighbours differ by is the scale.
        real_scores: of all real images, from which those of most alike maps are taken.
    """
    network = run.feature_network
    neighbours = torch.stack([real, real.roll(1, 0)], dim=1).to(run.device)
    pairs, apart = _alike(real_scores)
    alike = [
        run.real_batch(pairs[list(part)].flatten().tolist()).image.unflatten(0, (-1, 2))
        for part in run.parts(len(pairs))
    ]
    shares = {}
    for key, what, seen in (
        ("features", "", lambda images: images),
        ("details", " under one shading", with_common_shading),
    ):
        scale = max(float(_feature_distances(network, seen(neighbours)).mean()), 1e-12)
        reference = f"real images of {len(real)} different maps{what}"
        distances = torch.cat(found[key]) / scale
        shares[f"diversity_{key}_share"] = Measurement(
            float(distances.mean()),
            run.protocol(
                f"diversity over {_LATENTS} latents, features of {network.name}{what}, of real",
                count=len(distances) * _LATENTS,
                network=network,
                fake=True,
                reference=reference,
            ),
            is_share=True,
            interval=mean_interval(distances, seed=run.seed),
            note="real images of different maps, attributes and people set the scale; one map with its attributes is "
            "less.",
        )
        if not len(pairs):
            continue
        distances = torch.cat([_feature_distances(network, seen(images)) for images in alike]) / scale
        shares[f"diversity_{key}_share_real"] = Measurement(
            float(distances.mean()),
            run.protocol(
                f"difference of real images of the same attributes and most alike maps{what}, of real",
                count=len(pairs),
                network=network,
                fake=False,
                reference=reference,
            ),
            is_share=True,
            interval=mean_interval(distances, seed=run.seed),
            note=f"the ceiling of latents, or above it: such maps still differ in {100 * apart:.0f} % of their pixels.",
        )
    return shares


def _feature_distances(network: FeatureNetwork, images: Float[Tensor, "b n 3 h w"]) -> Float[Tensor, " b"]:
    """Mean absolute difference of features over all pairs of each row's images."""
    return mean_pairwise_distance(network(images.flatten(0, 1)).unflatten(0, images.shape[:2])).cpu()


def _alike(reals: _Scores) -> tuple[Int64[Tensor, "n 2"], float]:
    """Each of the first real images with the one of the same attributes and the most alike map.

    Returns:
        Numbers of images for which there is one, with its number; the mean share of pixels in which the maps of such
        two differ.
    """
    pairs, shares = [], []
    for number in range(min(_ALIKE, len(reals.features))):
        same = (reals.attributes == reals.attributes[number]).all(1) & (reals.maps != reals.maps[number])
        if not same.any():
            continue
        apart = (reals.layouts != reals.layouts[number]).flatten(1).double().mean(1)
        apart[~same] = 2.0  # more than any
        nearest = int(apart.argmin())
        pairs.append((number, nearest))
        shares.append(float(apart[nearest]))
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2), sum(shares) / max(len(shares), 1)


def _layouts(label_map: Int64[Tensor, "b h w"]) -> Tensor:
    """About 32 x 32 pixels of each map, uint8."""
    step = max(1, label_map.shape[-1] // 32)
    return label_map[:, step // 2 :: step, step // 2 :: step].to(torch.uint8)


def _difference(others: Tensor) -> float:
    """Mean absolute difference of neighbours."""
    return float((others - others.roll(1, 0)).abs().mean())


def mean_inside(values: Float[Tensor, "b h w"], mask: Bool[Tensor, "b h w"]) -> Float[Tensor, " b"]:
    """Mean over the pixels of a mask, image by image; NaN where it is empty."""
    return (values * mask).flatten(1).sum(1) / mask.flatten(1).sum(1)
