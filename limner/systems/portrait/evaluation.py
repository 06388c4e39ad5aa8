"""Scores of portrait: unpaired results as a set, paired ones part by part, and whether an edit stays where it belongs.

The slides' protocol does not say which source goes with which target. Here every photo keeps its own map and background
and takes the looks of another photo of the set, all moved on by the same number of places; where more pictures are
wanted than there are photos, another number of places follows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from jaxtyping import Float, Int64
from PIL import Image
from torch import Tensor

from limner.data.batch import MaskToImageBatch
from limner.data.dataset import MaskToImageDataset, collate
from limner.data.manifest import Manifest
from limner.engine.logging import tile_grid
from limner.engine.ranks import in_shares
from limner.engine.seed import generator
from limner.errors import ConfigError
from limner.faces.parts import PARTS, SCHEMA
from limner.mask_to_image.evaluation import mean_inside
from limner.metrics.bootstrap import mean_interval
from limner.metrics.detail import fine_detail
from limner.metrics.diversity import mean_pairwise_distance
from limner.metrics.features import FeatureNetwork, judge_features
from limner.metrics.judge import Judge, check_judge, check_same_meaning, judged_labels, labels_setting, lost_judge
from limner.metrics.protocol import Measurement, Protocol, with_ceilings
from limner.metrics.psnr import PSNR
from limner.metrics.report import EvaluationReport
from limner.metrics.segmentation import bootstrap_intervals, confusion_matrices, segmentation_scores
from limner.metrics.sets import check_enough_images, set_measurements
from limner.metrics.statistics import collect_statistics
from limner.metrics.tables import published_table
from limner.nn.label_maps import colorize
from limner.provenance import SYNTHETIC_MEDIA
from limner.systems.portrait.parts import part_mask
from limner.systems.portrait.pipeline import PortraitPipeline
from limner.systems.portrait.session import GROUPS

DEFAULT_NUM_IMAGES = 2_000  # of the slides
TABLE = "portrait-experiments"
_EDITS: dict[str, tuple[str, ...]] = {"eyes": GROUPS["eyes"], **{part: (part,) for part in ("mouth", "skin", "hair")}}
"""Edit -> the parts that change together."""
_EDIT_IMAGES = 64  # photos that are edited, for locality and diversity
_SOURCES = 4  # looks on one map, for diversity and on the sheet
_SHEET_ROWS = 8
_GLASSES_SHARE = 0.005  # of the pixels of a photo; less is a mistake of the judge's


def evaluate(
    pipeline: PortraitPipeline,
    manifest: Manifest,
    *,
    judge: Judge,
    others: Sequence[Judge] = (),
    features: FeatureNetwork | Judge | None = None,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    table: str | None = None,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """Edit held-out photos and score the results.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set, with maps of portrait-11.
        judge: a parser that was not used in training; its labels are converted to portrait-11.
        others: further parsers, whose pAcc and mIoU stand beside those of the first.
        features: another network for the distances between sets; none: the judge.
        split: rows to use; "all" for every row.
        num_images: unpaired results; none: 2 000, or one a photo if there are fewer. No more photos than that are used.
        seed: of the choice of sources.
        batch_size: photos in one forward pass.
        table: published table to stand beside; none: that of the slides.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if the weights, the judge and the data do not mean the same, or there are too few photos.
        DataError: if there is no such split, or a file cannot be read.
    """
    network = features if isinstance(features, FeatureNetwork) else judge_features(features or judge)
    names = (f"the weights {pipeline.weights_name}", f"the data in {manifest.root}")
    check_same_meaning(pipeline.spec, manifest.spec, names=names, attributes=False)
    for one in (judge, *others):
        check_judge(pipeline.spec, one, name=names[0], attributes=False)
    published = published_table(table or TABLE)
    rows = manifest if split == "all" else manifest.split(split)
    pictures = min(DEFAULT_NUM_IMAGES, len(rows)) if num_images is None else num_images
    if min(pictures, len(rows)) < 2 or batch_size < 1:
        raise ConfigError(
            f"{pictures} results of {len(rows)} photos in batches of {batch_size} cannot be evaluated: at least two of "
            "both are needed, and a batch has at least one."
        )
    check_enough_images(network, min(pictures, len(rows)))
    run = _Run(pipeline, judge, tuple(others), network, rows, split, seed, batch_size, pictures)
    with pipeline.inference():
        run.encode(progress)
        measurements = {**_results(run, progress), **_edits(run)}
        sheet = run.sheet()
    return EvaluationReport(
        provenance={**pipeline.provenance, "statement": SYNTHETIC_MEDIA},
        measurements=with_ceilings(measurements),
        warnings=tuple(filter(None, [lost_judge(judge, measurements["judge_mean_iou_real"].value)])),
        published=published,
        table_keys={"fid": "fd"} if network.is_published else {},
        sheet=sheet,
    )


_Found = TypeVar("_Found")


def _silent(iterable: Iterable[_Found], **_: object) -> Iterable[_Found]:
    return iterable


@dataclass
class _Run:
    """The networks and settings of one evaluation."""

    pipeline: PortraitPipeline
    judge: Judge
    others: tuple[Judge, ...]
    network: FeatureNetwork
    rows: Manifest
    split: str
    seed: int
    batch_size: int
    pictures: int
    """Unpaired results."""

    def __post_init__(self) -> None:
        self.count = min(self.pictures, len(self.rows))
        self.device = self.pipeline.device
        self.dataset = MaskToImageDataset(self.rows, image_size=self.pipeline.image_size)
        self.fingerprint = self.rows.fingerprint()
        random = generator(self.seed, "sources")
        self.shifts = (1 + torch.randperm(self.count - 1, generator=random)).tolist()
        """How far away sources are: none is its own target; the first is that of the unpaired results."""

    def encode(self, progress: Callable[..., Any]) -> None:
        """The looks of all photos."""

        def encoded(batch: MaskToImageBatch, numbers: range) -> Tensor:
            return self.pipeline.encode(batch.image, batch.label_map).cpu()

        self.codes = torch.cat(list(self.each(encoded, self.count, progress, "looks"))).to(self.device)

    def each(
        self,
        work: Callable[[MaskToImageBatch, range], _Found],
        count: int,
        progress: Callable[..., Iterable[_Found]],
        what: str,
    ) -> Iterable[_Found]:
        """What is found in the first photos with their maps, round and round, batch by batch."""
        parts = [range(start, min(start + self.batch_size, count)) for start in range(0, count, self.batch_size)]
        found = in_shares(lambda numbers: work(self.batch(numbers), numbers), parts)
        return progress(found, total=len(parts), unit="batch", desc=what)

    def batch(self, numbers: range) -> MaskToImageBatch:
        """Photos of those numbers, round and round."""
        return collate([self.dataset[number % self.count] for number in numbers]).to(self.device)

    def looks(self, batch: MaskToImageBatch, shift: int | Tensor) -> Float[Tensor, "b parts z"]:
        """The codes of the photos so many places further on."""
        codes: Tensor = self.codes[(batch.index + shift) % self.count]
        return codes

    def unpaired(self, batch: MaskToImageBatch, numbers: range) -> MaskToImageBatch:
        """Unpaired results in the place of photos."""
        rounds = [number // self.count for number in numbers]
        shifts = torch.tensor([self.shifts[number % len(self.shifts)] for number in rounds], device=self.device)
        return dataclasses.replace(batch, image=self.paint(batch, self.looks(batch, shifts)))

    def paint(self, batch: MaskToImageBatch, codes: Float[Tensor, "b parts z"]) -> Float[Tensor, "b 3 h w"]:
        """Portraits, rounded to the 256 levels that a saved picture has."""
        image = self.pipeline.paint_looks(batch.label_map, batch.image, codes)
        return ((image.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1

    @property
    def parsers(self) -> dict[str, Judge]:
        """All judges of label maps, by the names of their measurements."""
        return {"judge": self.judge, **{f"judge_{one.weights_name}": one for one in self.others}}

    def parse(self, image: Float[Tensor, "b 3 h w"]) -> Int64[Tensor, "b h w"]:
        """The judge's labels, as ids of portrait-11."""
        return judged_labels(self.judge, image, SCHEMA)

    def glasses(self, photo: Float[Tensor, "b 3 h w"], again: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2"]:
        """Share of the pixels that the judge calls glasses, in the photo and in the same places of it painted again."""
        classes = self.judge.spec.schema.classes
        if "eye_g" not in classes:
            return photo.new_zeros(len(photo), 2)
        first, second = (
            judged_labels(self.judge, image, self.judge.spec.schema) == classes.index("eye_g")
            for image in (photo, again)
        )
        return torch.stack([first.float().mean((1, 2)), (first & second).float().mean((1, 2))], dim=1)

    def sheet(self) -> Image.Image:
        """A row a photo: map, photo, paired result, the looks of four others, the judge's labels of their first."""

        def tiles(batch: MaskToImageBatch, numbers: range) -> Tensor:
            images = [self.paint(batch, self.looks(batch, shift)) for shift in (0, *self.shifts[:_SOURCES])]
            parse = colorize(self.parse(images[1]), SCHEMA)
            return torch.stack([colorize(batch.label_map, SCHEMA), batch.image, *images, parse], dim=1).cpu()

        return tile_grid(torch.cat(list(self.each(tiles, min(_SHEET_ROWS, self.count), _silent, "sheet"))))

    def protocol(
        self, metric: str, settings: str = "none", *, count: int, network: str = "", reference: str = "none"
    ) -> Protocol:
        """The protocol of a number about so many results."""
        plain = Protocol(
            metric=metric,
            split=self.split,
            count=count,
            resolution=self.pipeline.image_size,
            settings=settings,
            reference=reference,
            data_fingerprint=self.fingerprint,
            seeds=(self.seed,),
        )
        if network == "features":
            return dataclasses.replace(plain, **self.network.protocol_fields(self.pipeline.image_size))
        if network == "judge":
            fields = judge_features(self.judge).protocol_fields(self.pipeline.image_size)
            return dataclasses.replace(plain, **fields)
        return plain


def _results(run: _Run, progress: Callable[..., Any]) -> dict[str, Measurement]:
    """Distances of the unpaired and the paired results to the photos, parsing, reconstruction of each part."""
    columns: dict[str, list[Tensor]] = {}
    names = ["parser_real", *run.parsers, *(f"{name}_real" for name in run.parsers)]
    classes = SCHEMA.num_classes
    confusion = {name: torch.zeros(run.count, classes, classes, dtype=torch.int64) for name in names}
    for make, count, what in ((_unpaired, run.pictures, "unpaired"), (_paired, run.count, "paired")):
        for index, matrices, found in run.each(partial(make, run), count, progress, what):
            for name, each in matrices.items():
                confusion[name].index_add_(0, index, each)  # results of one map are added up
            for name, column in found.items():
                columns.setdefault(name, []).append(column)
    seen = {name: torch.cat(parts) for name, parts in columns.items()}
    kinds = ("real", "unpaired", "paired")
    features = {name: seen[f"features {name}"] for name in kinds}
    return {
        **_identity(run, features["real"], features["paired"]),
        **_detail(run, {name: seen[f"detail {name}"] for name in kinds}),
        **_glasses(run, seen["glasses"]),
        **_distances(run, features),
        **_parsing(run, confusion),
        **_reconstruction(run, seen["psnr"], {part: seen[f"error {part}"] for part in PARTS}),
    }


_Seen = tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]
"""Which maps, the confusions of each by every judge, and columns of one value or row a picture."""


def _unpaired(run: _Run, photos: MaskToImageBatch, numbers: range) -> _Seen:
    batch = run.unpaired(photos, numbers)
    confusion = _confusions(run, batch)
    found = {"features unpaired": run.network(batch.image), "detail unpaired": fine_detail(batch.image)}
    return batch.index.cpu(), confusion, {name: column.cpu() for name, column in found.items()}


def _paired(run: _Run, batch: MaskToImageBatch, numbers: range) -> _Seen:
    paired = run.paint(batch, run.looks(batch, 0))
    confusion = {f"{name}_real": matrices for name, matrices in _confusions(run, batch).items()}
    confusion["parser_real"] = _confusion(run.pipeline.components["parser"](batch.image).logits.argmax(1), batch)
    difference = (paired - batch.image).abs().mean(1)
    found = {
        "features real": run.network(batch.image),
        "features paired": run.network(paired),
        "psnr": PSNR()(paired, batch.image),
        "detail real": fine_detail(batch.image),
        "detail paired": fine_detail(paired),
        "glasses": run.glasses(batch.image, paired),
        **{f"error {part}": mean_inside(difference, part_mask(batch.label_map, part)) for part in PARTS},
    }
    return batch.index.cpu(), confusion, {name: column.cpu() for name, column in found.items()}


def _confusions(run: _Run, batch: MaskToImageBatch) -> dict[str, Tensor]:
    """By every judge."""
    return {name: _confusion(judged_labels(judge, batch.image, SCHEMA), batch) for name, judge in run.parsers.items()}


def _confusion(parse: Tensor, batch: MaskToImageBatch) -> Tensor:
    return confusion_matrices(parse.cpu(), batch.label_map.cpu(), SCHEMA.num_classes)


def _identity(run: _Run, real: Float[Tensor, "n f"], paired: Float[Tensor, "n f"]) -> dict[str, Measurement]:
    """Is a photo painted again still that person: nearer to its own photo than to that of anybody else?"""
    scale = real.std(0).clamp_min(1e-6)
    distances = torch.cdist((paired / scale).double(), (real / scale).double())
    own = distances.argmin(1) == torch.arange(len(real))
    return {
        "identity_own": Measurement(
            float(own.double().mean()),
            run.protocol(
                f"again is nearest to its own photo in features of {run.network.name}",
                "features in units of their standard deviation",
                count=len(real),
                network="features",
                reference=f"the same {len(real)} photos",
            ),
            is_share=True,
            interval=mean_interval(own.double(), seed=run.seed),
            note=f"a guess is right in {1 / len(real):.2%} of the cases.",
        )
    }


def _detail(run: _Run, detail: dict[str, Tensor]) -> dict[str, Measurement]:
    """The energy of the finest scale against that of the photos."""
    return {
        key: Measurement(
            float(detail[name].mean() / detail["real"].mean()),
            run.protocol(f"fine detail, {name} / photos", count=len(detail[name]), reference="the photos"),
            is_share=True,
        )
        for key, name in (("detail_ratio", "unpaired"), ("detail_paired", "paired"))
    }


def _glasses(run: _Run, seen: Float[Tensor, "n 2"]) -> dict[str, Measurement]:
    """Of photos in which the judge sees glasses: does it see half as much of them where the photo is painted again?"""
    with_glasses = seen[:, 0] > _GLASSES_SHARE
    if not with_glasses.any():
        return {}
    kept = (seen[with_glasses, 1] > 0.5 * seen[with_glasses, 0]).double()
    return {
        "glasses_kept": Measurement(
            float(kept.mean()),
            run.protocol(f"glasses kept, by judge {run.judge.weights_name}", count=len(kept), network="judge"),
            is_share=True,
        )
    }


def _distances(run: _Run, vectors: dict[str, Tensor]) -> dict[str, Measurement]:
    size = run.network.num_features
    real = collect_statistics([vectors["real"]], run.count, num_features=size)
    measurements = {}
    for name, suffix in (("unpaired", ""), ("paired", "_paired")):
        fake = collect_statistics([vectors[name]], len(vectors[name]), num_features=size)

        def protocol(metric: str, settings: str, count: int = len(vectors[name])) -> Protocol:
            against = f"the same {run.count} photos"
            return run.protocol(metric, settings, count=count, network="features", reference=against)

        maps = torch.arange(len(vectors[name])) % run.count
        found = set_measurements(real, fake, run.network, what=name, protocol=protocol, seed=run.seed, groups=maps)
        measurements.update({f"{key}{suffix}": value for key, value in found.items()})
    return measurements


def _parsing(run: _Run, confusion: dict[str, Tensor]) -> dict[str, Measurement]:
    """pAcc and mIoU of unpaired results and of photos by every judge, and of photos by the own parser."""
    measurements = {}
    for name, judge in (*run.parsers.items(), ("parser", None)):
        by = "own parser" if judge is None else f"judge {judge.weights_name}"
        fields = {} if judge is None else judge_features(judge).protocol_fields(run.pipeline.image_size)
        settings = "none" if judge is None else labels_setting(judge.spec.schema, SCHEMA)
        for end, what, count in (("", "unpaired", run.pictures), ("_real", "photos", run.count)):
            matrices = confusion.get(f"{name}{end}")
            if matrices is None:  # the own parser makes the maps of results, so it does not judge them
                continue
            scores = segmentation_scores(matrices.sum(0))
            accuracy, mean_iou = bootstrap_intervals(matrices, seed=run.seed)
            protocol = dataclasses.replace(run.protocol("", settings, count=count), **fields)
            measurements[f"{name}_pixel_accuracy{end}"] = Measurement(
                float(scores.pixel_accuracy),
                dataclasses.replace(protocol, metric=f"pAcc by {by}, {what}"),
                is_share=True,
                interval=accuracy,
            )
            measurements[f"{name}_mean_iou{end}"] = Measurement(
                float(scores.mean_iou),
                dataclasses.replace(protocol, metric=f"mIoU by {by}, {what}"),
                is_share=True,
                interval=mean_iou,
                per_class=dict(zip(SCHEMA.classes, scores.iou.tolist(), strict=True)),
            )
    return measurements


def _reconstruction(run: _Run, psnr: Tensor, errors: dict[str, Tensor]) -> dict[str, Measurement]:
    each = {part: float(values.nanmean()) for part, values in errors.items()}
    return {
        "psnr_paired": Measurement(float(psnr.mean()), run.protocol("PSNR, paired", PSNR().settings, count=run.count)),
        "l1_paired": Measurement(
            sum(each.values()) / len(each),
            run.protocol("L1 inside the parts, paired", "pixels in [-1, 1]", count=run.count),
            per_class=each,
        ),
    }


def _edits(run: _Run) -> dict[str, Measurement]:
    """Does an edit stay in its part, and how much do looks change a picture?"""
    count = min(_EDIT_IMAGES, run.count)
    shifts = [run.shifts[index % len(run.shifts)] for index in range(_SOURCES)]

    def edited(batch: MaskToImageBatch, numbers: range) -> Tensor:
        own, other = run.looks(batch, 0), run.looks(batch, shifts[0])
        before = run.paint(batch, own)
        found = []
        for parts in _EDITS.values():
            codes = own.clone()
            indices = [PARTS.index(part) for part in parts]
            codes[:, indices] = other[:, indices]
            change = (run.paint(batch, codes) - before).abs().mean(1)
            region = torch.stack([part_mask(batch.label_map, part) for part in parts]).any(0)
            found += [mean_inside(change, region), mean_inside(change, ~region)]
        results = torch.stack([run.paint(batch, run.looks(batch, shift)) for shift in shifts], dim=1)
        return torch.stack([*found, mean_pairwise_distance(results)], dim=1).cpu()

    *changes, spread = torch.cat(list(run.each(edited, count, _silent, "edits"))).unbind(1)
    measurements = {}
    for place, name in enumerate(_EDITS):
        within, beyond = changes[2 * place].nanmean(), changes[2 * place + 1].nanmean()
        measurements[f"locality_{name}"] = Measurement(
            float(within / beyond.clamp_min(1e-6)),
            run.protocol(f"locality of {name}: change inside : outside", "mean |change| of pixels", count=count),
            note=f"the mean change inside is {float(within):.4g} of at most 2.",
        )
    measurements["diversity_pixels"] = Measurement(
        float(spread.mean()),
        run.protocol(f"diversity over {_SOURCES} sources, pixels in [-1, 1]", count=count * _SOURCES),
    )
    return measurements
