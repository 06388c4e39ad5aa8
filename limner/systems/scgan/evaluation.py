"""SCGAN's published protocol, and what it lacks: an independent judge, intervals, attributes, diversity.

The paper judges pAcc and mIoU by the segmentor that the generator was trained against. That judge is kind; both it and
an independent parser are reported, each under its name, and the parser's score on real images beside its score on
generated ones. The Fréchet distance is measured in the parser's features and called FD-parser: it is not FID.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from PIL import Image
from torch import Tensor
from torch.nn import functional

import limner
from limner.data.dataset import MaskToImageBatch, MaskToImageDataset, collate
from limner.data.manifest import Manifest
from limner.engine.logging import tile_grid
from limner.engine.seed import generator
from limner.errors import ConfigError
from limner.metrics.attributes import attributes_correct
from limner.metrics.diversity import mean_pairwise_distance
from limner.metrics.frechet import FrechetDistance
from limner.metrics.judge import Judge, check_same_meaning
from limner.metrics.protocol import Measurement, Protocol
from limner.metrics.report import EvaluationReport
from limner.metrics.segmentation import bootstrap_intervals, confusion_matrices, segmentation_scores
from limner.metrics.tables import published_table
from limner.nn.label_maps import colorize, one_hot
from limner.pipelines import SYNTHETIC_MEDIA
from limner.systems.scgan.pipeline import SCGANPipeline

DEFAULT_NUM_IMAGES = 1_000  # the paper judges 1 000 label maps; with fewer maps, each is used with several latents
_SHEET_ROWS = 8
_LATENTS = 4  # pictures of one map, on the sheet and for diversity
_DIVERSITY_MAPS = 64


def evaluate(
    pipeline: SCGANPipeline,
    manifest: Manifest,
    *,
    judge: Judge,
    features: Judge | None = None,
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    table: str | None = None,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """Generate images for held-out label maps and score them.

    Picture i takes map i of the split (round and round), the attributes of another picture of the split, and a latent
    that depends on `seed` and i alone.

    Args:
        pipeline: the weights to evaluate; its classifier head is used too if the discriminator is loaded.
        manifest: the whole data set, of the schema and attributes that the weights know.
        judge: an independent parser, trained on real images only.
        features: another network for the Fréchet distance; none: the judge.
        split: rows whose maps are used; "all" for every row.
        num_images: pictures to generate; none: 1 000, or the size of the split if that is more.
        seed: seed of latents and attributes.
        batch_size: pictures in one forward pass; it changes no score beyond rounding.
        table: published table to stand beside; none: the one whose data is like this.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if the weights, the judge and the data do not mean the same, or there are too few images.
        DataError: if there is no such split, or a file cannot be read.
    """
    features = features or judge
    weights_name = f"the weights {pipeline.weights_name}"
    check_same_meaning(pipeline.spec, manifest.spec, names=(weights_name, f"the data in {manifest.root}"))
    check_same_meaning(pipeline.spec, judge.spec, names=(weights_name, f"the judge {judge.weights_name}"))
    published = published_table(table or _table_for(pipeline))
    rows = manifest if split == "all" else manifest.split(split)
    reference = manifest.split("train") if split != "all" and "train" in manifest.split_sizes() else rows
    if num_images is None:
        num_images = max(DEFAULT_NUM_IMAGES, len(rows))
    if num_images < 2 or len(rows) < 2:
        raise ConfigError(
            f"{num_images} images of {len(rows)} label maps are too few: every distance needs at least two of each."
        )
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; it must be at least 1.")

    run = _Run(pipeline, judge, features, rows, split, seed, batch_size, progress)
    with torch.inference_mode():
        num_real = min(len(rows), num_images)
        reals = run.measure(run.batches(run.dataset, range(num_real)), num_real, "real images")
        fakes = run.measure(run.fake_batches(num_images), num_images, "generated images")
        measurements = {
            **_segmentation(run, fakes, reals),
            **_distances(run, fakes, reals, reference),
            **_attributes(run, fakes, reals),
            **_diversity(run),
        }
        sheet = run.sheet()
    return EvaluationReport(
        provenance={
            "system": pipeline.name,
            "weights": pipeline.weights_name,
            "weights_hash": pipeline.weights_hash,
            "limner": limner.__version__,
            "torch": torch.__version__,
            "statement": SYNTHETIC_MEDIA,
        },
        measurements=measurements,
        published=published,
        table_keys={"mean_iou": "own_mean_iou", "pixel_accuracy": "own_pixel_accuracy"},
        sheet=sheet,
    )


@dataclass
class _Scores:
    """What the networks say of a set of images, image by image."""

    own_confusion: Tensor
    """(maps, classes, classes), by S; images of one map are added up."""
    judge_confusion: Tensor
    """The same by the judge."""
    features: Tensor
    """(images, features)."""
    attributes: Tensor
    """(images, n_c), the true or wanted ones."""
    judge_logits: Tensor
    """(images, n_c), by the judge's head."""
    own_logits: Tensor
    """(images, n_c), by D_c; no columns where the discriminator is not loaded."""


@dataclass
class _Run:
    """The networks and settings of one evaluation."""

    pipeline: SCGANPipeline
    judge: Judge
    feature_network: Judge
    rows: Manifest
    split: str
    seed: int
    batch_size: int
    progress: Callable[..., Any]

    def __post_init__(self) -> None:
        self.num_classes = self.pipeline.spec.schema.num_classes
        self.device = self.pipeline.device
        self.fingerprint = self.rows.fingerprint()
        self.dataset = MaskToImageDataset(self.rows, image_size=self.pipeline.image_size)
        shuffled = torch.randperm(len(self.rows), generator=generator(self.seed, "evaluation attributes"))
        values = [row.attributes for row in self.rows.rows]
        self.shuffled_attributes = torch.tensor(values, dtype=torch.float32).reshape(len(values), -1)[shuffled]

    def batches(self, dataset: MaskToImageDataset, indices: range) -> Iterator[MaskToImageBatch]:
        """Rows of a data set, without augmentation."""
        for start in range(0, len(indices), self.batch_size):
            chosen = indices[start : start + self.batch_size]
            yield collate([dataset[index % len(dataset)] for index in chosen]).to(self.device)

    def fake_batches(self, count: int) -> Iterator[MaskToImageBatch]:
        """Generated images, with the maps and the attributes that they were made from."""
        first = 0
        for batch in self.batches(self.dataset, range(count)):
            attributes = self.shuffled_attributes[batch.index.cpu()].to(self.device)
            numbers = range(first, first + len(batch))
            first += len(batch)
            image = self.generate(batch.label_map, attributes, self.latents(numbers))
            yield MaskToImageBatch(image, batch.label_map, attributes, batch.index)

    def latents(self, numbers: range) -> Float[Tensor, "batch latent"]:
        """One latent a picture, whatever the batch it is drawn in: that of the pipeline's seed `self.seed + number`."""
        size = int(self.pipeline.components["generator"].config["latent_size"])  # type: ignore[index]
        draws = [torch.randn(size, generator=torch.Generator().manual_seed(self.seed + number)) for number in numbers]
        return torch.stack(draws).to(self.device)

    def generate(
        self, label_map: Int64[Tensor, "b h w"], attributes: Float[Tensor, "b n_c"], latent: Float[Tensor, "b n_z"]
    ) -> Float[Tensor, "b 3 h w"]:
        """G(z, c, s), rounded to the 256 levels that a saved picture has."""
        segmentation = one_hot(label_map, self.num_classes)
        image: Tensor = self.pipeline.components["generator"](latent, attributes, segmentation)
        return ((image.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1

    def measure(self, batches: Iterator[MaskToImageBatch], count: int, what: str) -> _Scores:
        """Show images to all networks."""
        maps, classes = len(self.rows), self.num_classes
        own = torch.zeros(maps, classes, classes, dtype=torch.int64)
        judged = torch.zeros_like(own)
        rows: list[tuple[Tensor, ...]] = []
        total = -(-count // self.batch_size)
        for batch in self.progress(batches, total=total, unit="batch", desc=what):
            target, index = batch.label_map.cpu(), batch.index.cpu()
            own_parse = self.pipeline.components["segmentor"](batch.image).argmax(1).cpu()
            own.index_add_(0, index, confusion_matrices(own_parse, target, classes))
            judged.index_add_(0, index, confusion_matrices(self.parse(batch.image).cpu(), target, classes))
            image = _resized(batch.image, self.judge.image_size)
            rows.append(
                (
                    self.feature_network.features(_resized(batch.image, self.feature_network.image_size)).cpu(),
                    batch.attributes.cpu(),
                    self.judge.attribute_logits(image).cpu(),
                    self.own_attribute_logits(batch.image).cpu(),
                )
            )
        features, attributes, judge_logits, own_logits = (torch.cat(column) for column in zip(*rows, strict=True))
        return _Scores(own, judged, features, attributes, judge_logits, own_logits)

    def features_of(self, rows: Manifest) -> Float[Tensor, "images features"]:
        """Feature vectors of real images."""
        dataset = MaskToImageDataset(rows, image_size=self.pipeline.image_size, cache_bytes=0)
        batches = self.batches(dataset, range(len(rows)))
        total = -(-len(rows) // self.batch_size)
        size = self.feature_network.image_size
        shown = self.progress(batches, total=total, unit="batch", desc="reference images")
        return torch.cat([self.feature_network.features(_resized(batch.image, size)).cpu() for batch in shown])

    def parse(self, image: Float[Tensor, "b 3 h w"]) -> Int64[Tensor, "b h w"]:
        """The judge's labels at the size of the image."""
        logits = self.judge.logits(_resized(image, self.judge.image_size))
        if logits.shape[-2:] != image.shape[-2:]:
            logits = functional.interpolate(logits, size=image.shape[-2:], mode="bilinear")
        return logits.argmax(1)

    def own_attribute_logits(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n_c"]:
        """D_c, or no columns."""
        discriminator = self.pipeline.components.get("discriminator")
        if discriminator is None:
            return image.new_zeros(len(image), 0)
        logits: Tensor = discriminator(image)[1]
        return logits

    def variants(self, count: int) -> Iterator[tuple[MaskToImageBatch, Float[Tensor, "b latents 3 h w"]]]:
        """The pictures of the first latents, for each of the first maps."""
        latents = self.latents(range(_LATENTS))
        for batch in self.batches(self.dataset, range(count)):
            attributes = self.shuffled_attributes[batch.index.cpu()].to(self.device)
            images = [self.generate(batch.label_map, attributes, z.expand(len(batch), -1)) for z in latents]
            yield batch, torch.stack(images, dim=1)

    def sheet(self) -> Image.Image:
        """A row a map: map, real picture, pictures of several latents, the judge's parse of the first of them."""
        tiles = []
        for batch, images in self.variants(min(_SHEET_ROWS, len(self.rows))):
            schema = self.pipeline.spec.schema
            parse = colorize(self.parse(images[:, 0]), schema)
            columns = [colorize(batch.label_map, schema), batch.image, *images.unbind(1), parse]
            tiles.append(torch.stack(columns, dim=1))
        return tile_grid(torch.cat(tiles).cpu())

    def protocol(
        self,
        metric: str,
        *,
        count: int,
        network: SCGANPipeline | Judge | None = None,
        fake: bool,
        reference: str = "none",
    ) -> Protocol:
        """The protocol of a number about `count` generated or real pictures of this run."""
        size = self.pipeline.image_size
        seen = size if network is None else network.image_size
        return Protocol(
            metric=metric,
            split=self.split,
            count=count,
            resolution=size,
            resize="none" if seen == size else f"bilinear to {seen} px",
            antialias=seen != size,
            network="none" if network is None else f"{network.name} {network.weights_name}",
            network_sha256="none" if network is None else network.weights_hash,
            reference=reference,
            data_fingerprint=self.fingerprint,
            seeds=(self.seed,) if fake else (),
        )


def _segmentation(run: _Run, fakes: _Scores, reals: _Scores) -> dict[str, Measurement]:
    """pAcc and mIoU of generated and real images by S and by the judge, and the judge's ratio of the two."""
    measurements = {}
    judges: dict[str, tuple[SCGANPipeline | Judge, str]] = {
        "own": (run.pipeline, "own S"),
        "judge": (run.judge, f"judge {run.judge.weights_name}"),
    }
    for key, (network, by) in judges.items():
        for scores, suffix, what in ((fakes, "", "generated"), (reals, "_real", "real")):
            confusion = scores.own_confusion if key == "own" else scores.judge_confusion
            used = confusion[: len(scores.features)]
            result = segmentation_scores(used.sum(0))
            accuracy, mean_iou = bootstrap_intervals(used, seed=run.seed)
            count, fake = len(scores.features), scores is fakes
            measurements[f"{key}_pixel_accuracy{suffix}"] = Measurement(
                float(result.pixel_accuracy),
                run.protocol(f"pAcc by {by}, {what}", count=count, network=network, fake=fake),
                is_share=True,
                interval=accuracy,
            )
            measurements[f"{key}_mean_iou{suffix}"] = Measurement(
                float(result.mean_iou),
                run.protocol(f"mIoU by {by}, {what}", count=count, network=network, fake=fake),
                is_share=True,
                interval=mean_iou,
                per_class=dict(zip(run.pipeline.spec.schema.classes, result.iou.tolist(), strict=True)),
            )
    generated, real = measurements["judge_mean_iou"], measurements["judge_mean_iou_real"]
    measurements["judge_mean_iou_ratio"] = Measurement(
        generated.value / real.value if real.value else math.nan,
        dataclasses.replace(generated.protocol, metric="mIoU by judge, generated / real", reference="the real images"),
        note="1 means that the judge reads generated images as well as real ones.",
    )
    return measurements


def _distances(run: _Run, fakes: _Scores, reals: _Scores, reference: Manifest) -> dict[str, Measurement]:
    """The Fréchet distance of generated images, and of as many as there are maps beside the same of real images."""
    network = run.feature_network
    same = reference is run.rows
    against = f"{len(reference)} real images of {run.split if same else 'train'}"
    distance = FrechetDistance(None, num_features=network.num_features, reset_real=False)
    distance.update(run.features_of(reference), real=True)
    sets = {"fd": (fakes.features, "generated")}
    if len(fakes.features) > len(reals.features):
        sets["fd_one_per_map"] = (fakes.features[: len(reals.features)], "generated, one a map")
    if not same:
        sets["fd_real"] = (reals.features, "real (the floor)")
    measurements = {}
    for key, (vectors, what) in sets.items():
        distance.reset()
        distance.update(vectors, real=False)
        count, note = min(len(vectors), len(reference)), ""
        if count <= network.num_features:
            note = f"{count} images do not span {network.num_features} features: comparable at the same count only."
        metric = f"FD-{network.name}, {what}"
        protocol = run.protocol(metric, count=len(vectors), network=network, fake=key != "fd_real", reference=against)
        measurements[key] = Measurement(float(distance.compute()), protocol, note=note)
    return measurements


def _attributes(run: _Run, fakes: _Scores, reals: _Scores) -> dict[str, Measurement]:
    """Accuracy of the attributes that were asked for, by the judge's head and by D_c."""
    spec = run.pipeline.spec
    if not spec.attribute_names:
        return {}
    cases: list[tuple[str, str, SCGANPipeline | Judge, Tensor, _Scores]] = [
        ("judge_attribute_accuracy", "judge, generated", run.judge, fakes.judge_logits, fakes),
        ("judge_attribute_accuracy_real", "judge, real", run.judge, reals.judge_logits, reals),
        ("own_attribute_accuracy", "own D_c, generated", run.pipeline, fakes.own_logits, fakes),
    ]
    share = reals.attributes.mean(0)
    guess = float(share.max() if spec.attribute_kind == "exclusive" else torch.maximum(share, 1 - share).mean())
    measurements = {}
    for key, by, network, logits, scores in cases:
        if not logits.shape[1]:
            continue  # D is not loaded, or was trained without its head
        correct = attributes_correct(logits, scores.attributes, spec.attribute_kind).double().mean(0)
        each = dict(zip(spec.attribute_names, correct.tolist(), strict=True)) if len(correct) > 1 else None
        measurements[key] = Measurement(
            float(correct.mean()),
            run.protocol(f"attribute accuracy by {by}", count=len(logits), network=network, fake=scores is fakes),
            is_share=True,
            per_class=each,
            note=f"always answering with the most frequent value scores {100 * guess:.2f} %.",
        )
    return measurements


def _diversity(run: _Run) -> dict[str, Measurement]:
    """Mean absolute difference between pictures of one map and one set of attributes with different latents."""
    count = min(_DIVERSITY_MAPS, len(run.rows))
    network = run.feature_network
    pixels, vectors, reals = [], [], []
    for batch, images in run.variants(count):
        pixels.append(mean_pairwise_distance(images).cpu())
        resized = _resized(images.flatten(0, 1), network.image_size)
        vectors.append(mean_pairwise_distance(network.features(resized).unflatten(0, images.shape[:2])).cpu())
        reals.append(batch.image.cpu())
    real = torch.cat(reals)
    real_features = network.features(_resized(real.to(run.device), network.image_size))
    cases = {
        "diversity_pixels": ("pixels in [-1, 1]", None, pixels, real),
        "diversity_features": (f"features of {network.name}", network, vectors, real_features),
    }
    return {
        key: Measurement(
            float(torch.cat(distances).mean()),
            run.protocol(
                f"diversity over {_LATENTS} latents, {space}", count=count * _LATENTS, network=used, fake=True
            ),
            note=f"real images of different maps differ by {float((others - others.roll(1, 0)).abs().mean()):.4g}.",
        )
        for key, (space, used, distances, others) in cases.items()
    }


def _resized(image: Float[Tensor, "b 3 h w"], size: int) -> Float[Tensor, "b 3 s s"]:
    """At the size a network was trained at; bilinear, with antialiasing when shrinking."""
    if image.shape[-1] == size:
        return image
    return functional.interpolate(image, size=(size, size), mode="bilinear", antialias=True)


def _table_for(pipeline: SCGANPipeline) -> str:
    return "scgan-deepfashion" if "fashion" in pipeline.spec.schema.name else "scgan-celeba"
