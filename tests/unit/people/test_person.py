"""People and scenes: what is drawn at random, what follows from it, and the round trip through JSON."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest

from limner.errors import ConfigError, DataError
from limner.people import Person, Scene, sample_person, sample_scene
from limner.people import person as person_module
from limner.people.body import BodyShape, age_phenotype, body_model
from limner.people.dice import Dice
from limner.people.person import HAIR_COLORS, HAIR_STYLES, OLD_YEARS, Hair
from limner.people.scene import KINDS

PEOPLE = [sample_person(0, index) for index in range(300)]


def changed(person: Person, part: str, **fields: object) -> Person:
    """The person with other values in one part."""
    return dataclasses.replace(person, **{part: dataclasses.replace(getattr(person, part), **fields)})


def test_the_same_seed_and_index_give_the_same_person_and_others_do_not() -> None:
    assert sample_person(3, 7) == sample_person(3, 7)
    assert sample_scene(3, 7) == sample_scene(3, 7)
    assert sample_person(3, 7) != sample_person(3, 8)
    assert sample_person(3, 7).skin != sample_person(4, 7).skin


def test_a_new_draw_in_one_purpose_moves_no_other() -> None:
    hair, eyes = Dice(1, 2, "hair"), Dice(1, 2, "eyes")
    expected = [eyes.uniform() for _ in range(3)]
    again = Dice(1, 2, "eyes")
    hair.uniform()
    assert [again.uniform() for _ in range(3)] == expected


def test_hair_and_eyes_are_drawn_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sample_person(0, 5)
    sample_hair = person_module._sample_hair

    def with_one_draw_more(dice: Dice, *args: Any, **kwargs: Any) -> Hair:
        dice.uniform()
        return sample_hair(dice, *args, **kwargs)

    monkeypatch.setattr(person_module, "_sample_hair", with_one_draw_more)
    after = sample_person(0, 5)
    assert after.hair != before.hair
    # Brows and beard take their colour from the hair.
    kept = {name: getattr(before, name) for name in ("hair", "brows", "beard")}
    assert dataclasses.replace(after, **kept) == before


@pytest.mark.parametrize("kind", KINDS)
def test_json_round_trip(kind: str) -> None:
    person, scene = sample_person(1, 4), sample_scene(1, 4, kind)
    assert Person.from_json(json.loads(json.dumps(person.to_json()))) == person
    assert Scene.from_json(json.loads(json.dumps(scene.to_json()))) == scene


def test_from_json_refuses_unknown_missing_and_wrong_fields() -> None:
    data = sample_person(0, 0).to_json()
    with pytest.raises(DataError, match=r'unknown field "eye".*Did you mean "eyes"'):
        Person.from_json(data | {"eye": 1})
    with pytest.raises(DataError, match='lacks the field "skin"'):
        Person.from_json({key: value for key, value in data.items() if key != "skin"})
    with pytest.raises(DataError, match="skin: melanin has the wrong kind of value: 'dark'"):
        Person.from_json(data | {"skin": data["skin"] | {"melanin": "dark"}})
    with pytest.raises(DataError, match=r'cannot have style "long_wave".*Did you mean "long_wavy"'):
        Person.from_json(data | {"hair": data["hair"] | {"style": "long_wave"}})
    with pytest.raises(DataError, match="must be a JSON object, not list"):
        Person.from_json([])


def test_unknown_names_and_negative_numbers_are_refused() -> None:
    with pytest.raises(ConfigError, match=r'Did you mean "aviator"'):
        changed(PEOPLE[0], "accessories", glasses="aviators")
    with pytest.raises(ConfigError, match=r'no kind of scene "faces".*Did you mean "face"'):
        sample_scene(0, 0, "faces")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="must be 0 or more, not -1 and 0"):
        sample_person(-1, 0)


def test_samples_are_varied_and_within_the_body_model() -> None:
    styles = {person.hair.style for person in PEOPLE}
    assert len(styles) >= 15 and styles <= set(HAIR_STYLES)
    assert {person.hair.color_name for person in PEOPLE} == set(HAIR_COLORS)
    assert 0.4 < np.mean([person.male for person in PEOPLE]) < 0.6
    ages = [person.age_years for person in PEOPLE]
    assert np.mean([18 <= age <= 75 for age in ages]) > 0.9 and min(ages) < 16
    known = set(body_model().local_names)
    for person in PEOPLE[:50]:
        assert set(person.local_changes) <= known
        BodyShape(age=age_phenotype(person.age_years), local=person.local_changes, **person.phenotype)
        scene = sample_scene(0, person.index)
        assert set(scene.actions) <= set(body_model().action_names)


def test_left_and_right_are_nearly_alike_and_changes_stay_small() -> None:
    left = np.array([[p.local_changes["l-cheek-bones-incr"], p.local_changes["r-cheek-bones-incr"]] for p in PEOPLE])
    assert np.corrcoef(left.T)[0, 1] > 0.9
    values = np.array([list(person.local_changes.values()) for person in PEOPLE])
    assert 0.08 < values.std() < 0.15 and np.abs(values).max() < 0.5


def test_pigments_follow_ancestry() -> None:
    def mean(name: str) -> float:
        return float(np.mean([p.skin.melanin for p in PEOPLE if p.phenotype[name] > 0.75]))

    assert mean("caucasian") < mean("asian") < mean("african")


def test_attributes_follow_from_the_parameters() -> None:
    scene = dataclasses.replace(
        sample_scene(0, 0), age_years=30.0, actions={"mouthSmileLeft": 0.6, "mouthSmileRight": 0.6}
    )
    person = next(
        person for person in PEOPLE if person.male and person.hair.style == "crop" and person.hair.balding < 0.3
    )
    person = changed(person, "hair", color_name="black", grey_years=60.0)
    person = changed(person, "accessories", hat="none", glasses="round", necklace="none")
    person = changed(person, "beard", style="goatee")
    found = person.attributes(scene)
    for name in ("Male", "Young", "Black_Hair", "Eyeglasses", "Smiling", "Goatee"):
        assert found[name], name
    for name in (
        "Bald",
        "Gray_Hair",
        "Blond_Hair",
        "Wearing_Hat",
        "Wearing_Necklace",
        "No_Beard",
        "Mouth_Slightly_Open",
    ):
        assert not found[name], name
    assert changed(person, "hair", style="bald").attributes(scene)["Bald"]
    assert not changed(person, "hair", style="bald").attributes(scene)["Black_Hair"]
    opened = dataclasses.replace(scene, actions={"jawOpen": 0.4})
    assert person.attributes(opened)["Mouth_Slightly_Open"] and not person.attributes(opened)["Smiling"]


def test_age_changes_what_it_should() -> None:
    person = next(person for person in PEOPLE if person.male and person.hair.style == "crop")
    person = changed(person, "hair", balding=1.0, grey_years=50.0)
    greys = [person.grey_fraction(age) for age in (20, 40, 60, 80)]
    assert greys == sorted(greys) and greys[0] < 0.05 and greys[-1] > 0.95
    assert person.hair_style(20) == "crop" and person.hair_style(75) == "horseshoe"
    assert person.wrinkles(20) == 0 < person.wrinkles(50) < person.wrinkles(80)
    assert changed(person, "beard", style="full").beard_style(10) == "none"
    scene = dataclasses.replace(sample_scene(0, 0), age_years=OLD_YEARS + 20)
    old = person.attributes(scene)
    assert old["Gray_Hair"] and not old["Young"] and old["Bald"] == (person.accessories.hat == "none")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, 10**400])
def test_numbers_that_nobody_has(value) -> None:
    """Each would end in a crash of the renderer, an endless loop, or a picture with landmarks that are no numbers."""
    person, scene = PEOPLE[0].to_json(), sample_scene(0, 0).to_json()
    for record, kind, places in (
        (person, Person, ("age_years", "skin moles", "skin melanin", "hair part", "hair length", "brows density")),
        (scene, Scene, ("camera zoom", "camera pitch", "camera shift_x", "film blur", "background blur", "age_years")),
    ):
        for place in places:
            *outer, inner = place.split()
            changed_record = json.loads(json.dumps(record))
            within = changed_record[outer[0]] if outer else changed_record
            within[inner] = value if not isinstance(within[inner], int) else 10**30
            with pytest.raises(DataError):
                kind.from_json(changed_record)
    for wrong in ({"camera": {**scene["camera"], "zoom": 0}}, {"kind": "x"}, {"actions": {"jawOpen": value}}):
        with pytest.raises(DataError):
            Scene.from_json({**scene, **wrong})
    with pytest.raises(DataError):
        Person.from_json({**person, "skin": {**person["skin"], "seed": -1}})
    with pytest.raises(ConfigError, match="Skin cannot have melanin"):
        changed(PEOPLE[0], "skin", melanin=float(min(value, 1e300)))
