"""Training and scoring the rows of a study in one folder, which a killed study goes on with.

OUT/study.json           what the folder belongs to
OUT/judge/               the run of the judging parser, unless the user names another
OUT/<row>-<seed>/        the run of one row: as of `limner train`, with `scores.json` and `report/` once it is scored;
                         of a run that `--record` brought, these two alone
OUT/report/              the report of everything that is finished
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from limner import registry
from limner.data.config import DataConfig
from limner.data.fields import Field
from limner.data.manifest import Manifest, open_manifest
from limner.engine.lock import FolderInUse
from limner.engine.ranks import of_the_first
from limner.errors import ConfigError, DataError, LimnerError, nearest, quoted
from limner.files import MAX_TABLE_BYTES, read_json, write_text_atomically
from limner.metrics.features import FeatureNetwork
from limner.metrics.judge import check_judge
from limner.metrics.judges import OpenJudge, open_judges
from limner.metrics.sets import check_enough_images
from limner.pipelines import Pipeline, load
from limner.reproduce.record import ORIGIN, TRAINED_JUDGE, Recorded, Scores
from limner.reproduce.study import MOST_IMAGES, Study, StudyRow, row_config
from limner.task import Task
from limner.training import train

JUDGE_SEED = 1_000  # no row has it

log = logging.getLogger("limner")
_GIVEN = ("features", "judge", "judges", "num_images", "others", "own", "progress", "split", "table")  # by the study
_IN_VGG = ("weight_perceptual", "weight_nearest")  # weights of losses that compare layers of VGG-19 where it is named


class Stopped(Exception):
    """The study was asked to stop (SIGINT, SIGTERM); everything so far is on the disk."""


@dataclass(frozen=True)
class Plan:
    """A study with everything that the user may choose.

    Attributes:
        study: rows and columns.
        data: folder of the data set.
        out: folder of the study.
        preset: of all rows and of the judge.
        budget: images that every row sees.
        num_seeds: runs of every row.
        judges: who judges, one of a kind; where a parser has to and none is named, one is trained.
        num_images: pictures judged of every row.
        features: network of the distances between sets, as `limner evaluate --features` has it; none: the judge.
        dataset: how the data folder is read.
        vgg_weights: file with VGG-19's weights, for rows with a loss in its layers; none: they need theirs off.
        image_size: in place of the table's, a side of squares, or height and width; none: the table's.
    """

    study: Study
    data: Path
    out: Path
    preset: str
    budget: int
    num_seeds: int
    judges: tuple[str, ...]
    num_images: int
    features: str | None
    dataset: DataConfig
    vgg_weights: str | None = None
    image_size: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.preset not in self.study.presets:
            hint = nearest(self.preset, self.study.presets)
            raise ConfigError(f'The table "{self.study.name}" has no preset "{self.preset}".{hint}')
        if self.image_size is not None:
            object.__setattr__(self, "study", self.study.at_size(self.preset, self.image_size))
            self._check_image_size()
        if self.budget > MOST_IMAGES:
            raise ConfigError(f"--budget is {quoted(self.budget)}; it must be at most {MOST_IMAGES} images.")
        if self.budget < self.study.points:
            raise ConfigError(
                f"--budget is {self.budget}; it must be at least {self.study.points} images, since every run is judged "
                f"{self.study.points} times."
            )
        if not 1 <= self.num_seeds <= 10:
            raise ConfigError(f"--seeds is {self.num_seeds}; it must be from 1 to 10.")
        if self.num_images < 2:
            raise ConfigError(f"--num-images is {self.num_images}; every distance needs at least 2.")
        batch = math.lcm(*self._batch_sizes())
        if self.budget % batch:
            raise ConfigError(
                f"--budget is {self.budget}; it must be a multiple of {batch}, or rows with different batches would "
                "not see equally many images."
            )

    @property
    def seeds(self) -> range:
        """Of the runs of every row."""
        return range(self.study.first_seed, self.study.first_seed + self.num_seeds)

    def config(self, row: StudyRow, seed: int, stage: str | None = None) -> Any:
        """The configuration of one run, or of one earlier stage of it."""
        options: dict[str, Any] = {"preset": self.preset, "seed": seed, "dataset": self.dataset, "stage": stage}
        config = row_config(self.study, row, budget=self.images(row, stage), **options)
        if self.vgg_weights is not None and any(getattr(config.loss, name, 0) > 0 for name in _IN_VGG):
            loss = dataclasses.replace(config.loss, vgg_weights=self.vgg_weights)
            return dataclasses.replace(config, loss=loss)
        return config

    def images(self, row: StudyRow, stage: str | None = None) -> int:
        """How many images a run of a row sees, or an earlier stage of it: together the budget, in whole batches."""
        batch = registry.preset(row.system, self.preset).train.batch_size if row.stages else 1
        shares = {name: max(batch, int(self.budget * share) // batch * batch) for name, share in row.stages.items()}
        return self.budget - sum(shares.values()) if stage is None else shares[stage]

    def command(self) -> list[str]:
        """The words of `limner reproduce` that decide what is measured, without the folders of data and study."""
        words = [self.study.name, "--preset", self.preset, "--budget", str(self.budget), "--seeds", str(self.num_seeds)]
        if self.image_size is not None:
            words += ["--image-size", *map(str, self.image_size)]
        options = {
            "--num-images": None if self.num_images == self.study.pictures else str(self.num_images),
            "--features": self.features,
            "--vgg-weights": self.vgg_weights,
            "--kind": None if self.dataset.kind == "auto" else self.dataset.kind,
            "--fit": self.dataset.fit,
            "--colors": self.dataset.colors,
        }
        given = [("--judge", name) for name in self.judges]
        given += [(name, value) for name, value in options.items() if value is not None]
        return words + [word for pair in given for word in pair] + ["--fix-sides"] * self.dataset.fix_sides

    def _check_image_size(self) -> None:
        """Refuse a size that no row can have; where some can, the others say why not when their turn comes."""
        errors = []
        for row in self.study.rows:
            try:
                row_config(self.study, row, preset=self.preset, budget=self.budget, seed=0, dataset=self.dataset)
                return
            except ConfigError as error:
                errors.append(error)
        raise errors[0]

    def _batch_sizes(self) -> list[int]:
        """Of the rows that can be configured; the others say why not when their turn comes."""
        sizes = []
        for row in self.study.rows:
            try:
                sizes.append(self.config(row, 0).train.batch_size)
            except ConfigError:
                continue
        return sizes


@dataclass(frozen=True)
class Outcome:
    """What became of the rows.

    Attributes:
        scores: row -> scores of its finished runs, in the order of `seeds`.
        seeds: row -> seeds of its finished runs.
        reasons: row -> why runs are missing, for those that are not finished.
        judges: name and hash of each judge.
        protocols: row -> measurement -> protocol (`Protocol.to_json`), for rows with a finished run.
        taken: row -> seeds of its runs that are of an earlier record, for rows with any.
        taken_data: fingerprints of the data of such runs, where another processor drew them.
    """

    scores: dict[str, list[Scores]]
    seeds: dict[str, list[int]]
    reasons: dict[str, str]
    judges: list[dict[str, str]]
    protocols: dict[str, dict[str, dict[str, Any]]]
    taken: dict[str, list[int]] = field(default_factory=dict)
    taken_data: list[str] = field(default_factory=list)


def open_data(plan: Plan) -> Manifest:
    """The data set, with the splits that a study needs.

    Raises:
        DataError: if it cannot be used, or has no split "train", or none of those that the study judges on.
    """
    manifest = open_manifest(
        plan.data,
        **vars(plan.dataset),
        needs=plan.study.task.needs,
        uses=_uses(plan.study),
        asked_by=f"the table {plan.study.name}",
    )
    sizes = manifest.split_sizes()
    for split in ("train", plan.study.split):
        if sizes.get(split, 0) < 2:
            found = ", ".join(f"{name} ({count})" for name, count in sorted(sizes.items()))
            raise DataError(
                f'{plan.data} has too few pictures in the split "{split}" ({found}): this study trains on "train" and '
                f'judges on "{plan.study.split}"; name the splits in its splits file, see docs/data.md.'
            )
    return manifest


def _uses(study: Study) -> list[Field]:
    """Fields that some row or the judge can use; a parser knows attributes, whether or not a row does."""
    used: list[Field] = [field for task in study.tasks.values() for field in task.uses]
    if "parser" in study.task.judges:
        used.append("attributes")
    return list(dict.fromkeys(used))


def open_study_judges(plan: Plan, manifest: Manifest, device: torch.device) -> list[OpenJudge]:
    """The judges that the user names; none where a parser is to be trained, or nobody judges.

    Raises:
        ConfigError: if there is no such judge, it cannot judge these rows, or another one does the same.
    """
    task = plan.study.task
    if not plan.judges and (not task.judges or "parser" in task.judges):
        return []
    judges = open_judges(plan.judges, task, device=device)
    # Of other kinds `open_judges` takes one alone.
    parsers = [judge for judge in judges if judge.kind == "parser"]
    if len(parsers) > 1:
        first, second, *_ = (judge.name for judge in parsers)
        raise ConfigError(f"--judge {first} and --judge {second} are both parsers; a table has one judge of a kind.")
    for judge in parsers:
        attributes = any(
            getattr(registry.pipeline_class(system), "uses_attributes", False) for system in plan.study.tasks
        )
        check_judge(manifest.spec, judge.network, name=f"the pictures in {manifest.root}", attributes=attributes)
    return judges


def check_features(plan: Plan, manifest: Manifest, features: FeatureNetwork | None) -> None:
    """Find out before the training whether the distances can be measured after it.

    Raises:
        ConfigError: if there are too few pictures for the network that the user names.
    """
    if features is not None:
        sizes = manifest.split_sizes()
        check_enough_images(features, min(plan.num_images, sizes["train"]))


def check_evaluation(study: Study) -> None:
    """Find out before the training whether the systems' evaluations have the arguments that a study gives them.

    Raises:
        ConfigError: naming an argument that there is not, or that is of another type.
    """
    for system in study.tasks:
        parameters = inspect.signature(registry.evaluate_function(system)).parameters.values()
        takes_more = any(one.kind is one.VAR_KEYWORD for one in parameters)
        kinds = {"seed": "int", "batch_size": "int"} if takes_more else {}
        own = {one.name: str(one.annotation) for one in parameters if one.kind is one.KEYWORD_ONLY}
        kinds |= {name: kind for name, kind in own.items() if name not in _GIVEN}
        for name, value in study.evaluation.items():
            if name not in kinds:
                hint = nearest(name, kinds)
                raise ConfigError(f'The table "{study.name}": the evaluation of {system} has no "{name}".{hint}')
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            wrong = (
                (kinds[name] == "int" and not (type(value) is int and 0 <= value < 2**31))
                or (kinds[name] == "float" and not (is_number and math.isfinite(value)))
                or (kinds[name].startswith("Sequence") and not isinstance(value, list))
            )
            if wrong:
                raise ConfigError(
                    f'The table "{study.name}": {name} of evaluation is {quoted(value)}, which the evaluation of '
                    f"{system} cannot have."
                )


def study_identity(
    plan: Plan, manifest: Manifest, *, judges: Sequence[OpenJudge] = (), features: FeatureNetwork | None = None
) -> dict[str, Any]:
    """What decides the numbers of a study, in plain values: studies that agree in it can be read side by side.

    Args:
        plan: what to do.
        manifest: the data.
        judges: from `open_study_judges`.
        features: the network that `plan.features` names.
    """
    identity = {
        "table": plan.study.name,
        "rows": [_row_identity(row) for row in plan.study.rows],
        "preset": plan.preset,
        "image_size": plan.study.image_size[plan.preset],
        "options": plan.study.options.get(plan.preset, {}),
        "budget": plan.budget,
        "points": plan.study.points,
        **({"evaluation": dict(plan.study.evaluation)} if plan.study.evaluation else {}),
        "split": plan.study.split,
        "first_seed": plan.study.first_seed,
        "num_images": plan.num_images,
        "judge": _judge_identity(plan, judges),
        "features": None if features is None else f"{features.name} {features.sha256[:12]}",
        "vgg_weights": plan.vgg_weights,
        "data": manifest.fingerprint(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(identity))  # as it is read back
    return plain


def claim_folder(out: Path, identity: Mapping[str, Any]) -> None:
    """Say what the folder belongs to, or refuse it if it belongs to something else.

    Args:
        out: the folder.
        identity: of the study, from `study_identity`.

    Raises:
        ConfigError: naming what differs.
    """
    file = out / "study.json"
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; name a folder.")
    if not file.exists():
        if out.is_dir() and any(out.iterdir()):
            raise ConfigError(f"--out {out} is not empty and holds no study; name another folder.")
        write_text_atomically(file, json.dumps(identity, indent=2) + "\n")
        return
    try:
        before = read_json(file)
        differing = [key for key, value in identity.items() if before[key] != value]
    except (DataError, OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} cannot be read, so --out is not known to hold this study; name another.") from error
    if differing:
        key = differing[0]
        raise ConfigError(
            f'--out {out} holds a study with another {key} ("{before[key]}", not "{identity[key]}"); '
            "name another folder, or give the options that it was started with."
        )


def _row_identity(row: StudyRow) -> dict[str, Any]:
    """A row in plain values; those of studies that began before rows had stages stay equal."""
    values = dataclasses.asdict(row)
    return values if row.stages else {key: value for key, value in values.items() if key != "stages"}


def check_rows(study: Study, only: Collection[str]) -> None:
    """Raises: ConfigError if a row of `only` does not exist."""
    names = [row.name for row in study.rows]
    for name in only:
        if name not in names:
            raise ConfigError(f'The table "{study.name}" has no row "{name}".{nearest(name, names)}')


def run_study(
    plan: Plan,
    manifest: Manifest,
    *,
    device: torch.device,
    judges: Sequence[OpenJudge] = (),
    features: FeatureNetwork | None = None,
    only: Collection[str] = (),
    recorded: Recorded | None = None,
    progress: Callable[..., Any] = lambda iterable, **_: iterable,
) -> Outcome:
    """Train and score what is missing, and collect what is there.

    A row that cannot be trained (no such system, gradients that are not finite) does not stop the others.

    Args:
        plan: what to do.
        manifest: the data, from `open_data`.
        device: where pictures are made and judged; training finds its own.
        judges: from `open_study_judges`; where a parser judges and none is given, one is trained.
        features: the network that `plan.features` names.
        only: rows to work on, the others are only collected; none: all.
        recorded: runs of an earlier report, which are not made again; they stay in the folder, and what is there or
            begun goes first.
        progress: passed to the evaluation.

    Raises:
        ConfigError: if a row of `only` does not exist, or an evaluation has no such arguments.
        Stopped: if asked to stop.
    """
    check_rows(plan.study, only)
    check_evaluation(plan.study)
    if not judges and "parser" in plan.study.task.judges:
        judges = [_trained_judge(plan, device)]
    options = {
        **_judging(plan.study.task, judges, features),
        **{name: tuple(value) if isinstance(value, list) else value for name, value in plan.study.evaluation.items()},
        "split": plan.study.split,
        "num_images": plan.num_images,
        "progress": progress,
    }
    scores: dict[str, list[Scores]] = {}
    seeds: dict[str, list[int]] = {}
    reasons: dict[str, str] = {}
    protocols: dict[str, dict[str, dict[str, Any]]] = {}
    taken: dict[str, list[int]] = {}
    taken_data: set[str] = set()
    if recorded is not None:
        of_the_first(partial(_take, plan, recorded))
    for row in plan.study.rows:
        scores[row.name], seeds[row.name] = [], []
        for seed in plan.seeds:
            file = _run_folder(plan, row, seed) / "scores.json"
            if not of_the_first(file.exists) and (not only or row.name in only):
                try:
                    _train_and_score(plan, row, seed, manifest, device, options)
                except FolderInUse:  # the same command was started twice, and the other one has this run
                    reasons[row.name] = "another process is training it"
                    log.info("%s, seed %d: another process is training it", row.name, seed)
                except LimnerError as error:
                    reasons[row.name] = str(error)
                    log.warning("%s, seed %d: %s", row.name, seed, error)
            if file.exists():
                seeds[row.name].append(seed)
                scores[row.name].append(read_json(file))
                report = read_json(file.parent / "report/report.json", most=MAX_TABLE_BYTES)
                protocols[row.name] = {key: one["protocol"] for key, one in report["measurements"].items()}
                if ORIGIN in report:
                    taken.setdefault(row.name, []).append(seed)
                    taken_data |= {report["data"]} if "data" in report else set()
            else:
                reasons.setdefault(row.name, "not run yet")
    who = [{"name": judge.name, "sha256": judge.sha256} for judge in judges]
    return Outcome(scores, seeds, reasons, who, protocols, taken, sorted(taken_data))


def _take(plan: Plan, recorded: Recorded) -> None:
    """Put recorded runs where the study has none."""
    for row in plan.study.rows:
        for seed in sorted(recorded.scores.get(row.name, {}).keys() & set(plan.seeds)):
            run = _run_folder(plan, row, seed)
            if not (run / "scores.json").exists() and not (run / "checkpoints").exists():
                recorded.write_run(row.name, seed, run)


def _judging(task: Task, judges: Sequence[OpenJudge], features: FeatureNetwork | None) -> dict[str, Any]:
    """The arguments of an evaluation that say who judges."""
    found: dict[str, Any] = {"features": features} if task.features else {}
    if judges:
        found |= {"judge": judges[0].network} if judges[0].kind == "parser" else {"judges": list(judges)}
    return found


def _judge_identity(plan: Plan, judges: Sequence[OpenJudge]) -> str | None:
    if judges:
        return " ".join(judge.sha256[:12] for judge in judges)
    trained = "parser" in plan.study.task.judges
    return f"{TRAINED_JUDGE} {plan.study.judge_images[plan.preset]}" if trained else None


def last_pipelines(plan: Plan) -> dict[str, Pipeline]:
    """Row -> the weights after the last image of its first run, for finished rows."""
    runs = {row.name: _run_folder(plan, row, plan.seeds[0]) for row in plan.study.rows}
    return {
        name: load(max((run / "checkpoints").glob("[0-9]*")))
        for name, run in runs.items()
        if (run / "scores.json").exists() and (run / "checkpoints").exists()  # no run that was taken
    }


def _run_folder(plan: Plan, row: StudyRow, seed: int) -> Path:
    return plan.out / f"{row.folder}-{seed}"


def _trained_judge(plan: Plan, device: torch.device) -> OpenJudge:
    """The parser that judges, trained on the training pictures."""
    row = StudyRow("judge", "parser")
    config = row_config(
        dataclasses.replace(plan.study, options={}),
        row,
        preset=plan.preset,
        budget=plan.study.judge_images[plan.preset],
        seed=JUDGE_SEED,
        dataset=plan.dataset,
    )
    _train(plan, row, config, plan.out / "judge")
    (judge,) = open_judges([str(plan.out / "judge")], plan.study.task, device=device)
    return judge


def _train_and_score(
    plan: Plan, row: StudyRow, seed: int, manifest: Manifest, device: torch.device, options: Mapping[str, Any]
) -> None:
    run = _run_folder(plan, row, seed)
    log.info("%s, seed %d: %s", row.name, seed, run)
    config = plan.config(row, seed)
    for stage in row.stages:
        earlier = run.with_name(f"{run.name}-{stage}")
        _train(plan, row, plan.config(row, seed, stage), earlier)
        config = dataclasses.replace(config, stage=dataclasses.replace(config.stage, **{stage: str(earlier)}))
    _train(plan, row, config, run)
    before = plan.budget - plan.images(row)  # that the earlier stages have seen
    evaluate = registry.evaluate_function(row.system)
    scores: Scores = {}
    points = partial(_points, run, every=config.train.checkpoint_every, batch=config.train.batch_size)
    for checkpoint in of_the_first(points):
        pipeline = registry.pipeline_class(row.system).from_pretrained(checkpoint, with_optional=True).to(device)
        data = data_of(plan, pipeline, manifest)
        report = evaluate(pipeline, data, **options)
        values = {key: one.value for key, one in report.measurements.items()}
        scores[str(before + int(checkpoint.name))] = {
            k: value if math.isfinite(value) else None for k, value in values.items()
        }

    def save() -> None:
        report.save(run / "report")  # of the last checkpoint
        write_text_atomically(run / "scores.json", json.dumps(scores, indent=1) + "\n")

    of_the_first(save)


def data_of(plan: Plan, pipeline: Pipeline, manifest: Manifest) -> Manifest:
    """The study's data as a row's pipeline reads them, which may need more of them than the other rows do."""
    return manifest if "label_map" in plan.study.task.needs else pipeline.open_data(plan.data, **_reading(plan))


def _reading(plan: Plan) -> dict[str, Any]:
    """How the data are read, in the words of `Pipeline.open_data`."""
    return {name: getattr(plan.dataset, name) for name in plan.study.task.reading_options if name != "colors"}


def _points(run: Path, *, every: int, batch: int) -> list[Path]:
    """The checkpoints that are judged: not those of requests to stop in between, of which curves must not tell."""
    checkpoints = sorted((run / "checkpoints").glob("[0-9]*"))
    return [one for one in checkpoints if int(one.name) % every < batch or one == checkpoints[-1]]


def _train(plan: Plan, row: StudyRow, config: Any, run: Path) -> None:
    command = ["limner", "reproduce", *plan.command(), "--data", str(plan.data), "--out", str(plan.out)]
    if not train(row.system, config, plan.data, run, resume=True, command=command).complete:
        raise Stopped
    of_the_first(lambda: None)  # the first process has written the last checkpoint
