"""Ages as shares of groups, walks, and directions."""

from __future__ import annotations

import numpy as np
import pytest

from limner.ageing.plans import (
    MIDDLES,
    age_shares,
    ages_in_direction,
    check_direction,
    draw_views,
    of_gender,
    strip_plan,
    walk_plan,
)
from limner.data.datasets.utkface import AGE_GROUPS, age_group, parse_name
from limner.errors import ConfigError, DataError
from limner.people.gallery import ready

CPU = __import__("torch").device("cpu")


def faces(number: int = 2):
    from tests.unit.ageing.test_ageing_inputs import read

    people = ready("age")[:number]
    return [read(person.image, person.landmarks) for person in people]


def test_ten_groups_at_their_edges() -> None:
    ages = [0, 5, 6, 10, 11, 20, 21, 80, 81, 116]
    assert [age_group(age) for age in ages] == [0, 0, 1, 1, 2, 2, 3, 8, 9, 9]


@pytest.mark.parametrize(
    ("file", "age", "gender"),
    [
        ("25_0_1_20170112213500903.jpg.chip.jpg", 25, 0),
        ("116_1_3_20170112213500903.JPG", 116, 1),
        ("39_1_20170116174525125.jpg.chip.jpg", 39, None),
        ("53__0_20170116184028385.jpg", 53, None),
        ("61_3_20170109150557335.jpg", 61, None),
    ],
)
def test_names_of_the_data_set(file: str, age: int, gender: int | None) -> None:
    labels = parse_name(file)
    assert (labels.age, labels.gender) == (age, gender)


def test_names_without_an_age_are_refused() -> None:
    for name in ("face.jpg", "117_0_0_1.jpg", "-3_0_0_1.jpg"):
        with pytest.raises(DataError):
            parse_name(name)


def test_shares_of_groups_and_years() -> None:
    assert age_shares("31-40").tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(age_shares(30.5)[3:5], [0.5, 0.5])  # halfway between 25.5 and 35.5
    assert age_shares(0)[0] == 1 and age_shares("116")[9] == 1
    for years in np.linspace(0, 116, 30):
        shares = age_shares(float(years))
        assert shares.sum() == pytest.approx(1) and (shares >= 0).all()
        if MIDDLES[0] <= years <= MIDDLES[-1]:
            assert shares @ np.array(MIDDLES) == pytest.approx(years, abs=1e-4)


@pytest.mark.parametrize("age", ["old", "30-40", -1, 117, float("nan"), True, None])
def test_unknown_ages_are_refused(age) -> None:
    with pytest.raises(ConfigError, match="unknown"):
        age_shares(age)


def test_a_strip_has_the_source_first_and_a_column_an_age() -> None:
    plan = strip_plan(faces(), None, middles=MIDDLES, device=CPU)
    assert len(plan.items) == 2 * 11 and plan.settings["columns"] == 11 and plan.from_photo
    assert len({item.name for item in plan.items}) == 22 and all(item.seed is None for item in plan.items)
    shares = plan.conditions["ages"].reshape(2, 11, 10)
    assert np.array_equal(shares[0, 1:], np.eye(10)) and np.array_equal(shares[0], shares[1])


@pytest.mark.parametrize("ages", [["31-40", 50, "31-40"], [50, "50"]])
def test_an_age_that_is_asked_for_twice_is_refused(ages) -> None:
    with pytest.raises(ConfigError, match="is asked for twice"):
        strip_plan(faces(), ages, middles=MIDDLES, device=CPU)


def test_years_with_a_fraction_are_told_apart_by_the_names_of_files() -> None:
    plan = strip_plan(faces(1), [38, 38.25, 38.5], middles=MIDDLES, device=CPU)
    assert [item.name.rpartition("-")[2] for item in plan.items] == ["source", "38", "38_25", "38_5"]


def test_a_walk_passes_through_the_groups_in_equal_steps() -> None:
    plan = walk_plan(faces(1)[0], "0-5", "80+", steps=19, middles=MIDDLES, device=CPU)
    places = plan.conditions["ages"] @ np.arange(10)
    np.testing.assert_allclose(places, np.linspace(0, 9, 19), atol=1e-6)
    assert ((plan.conditions["ages"] > 0).sum(1) <= 2).all()
    back = walk_plan(faces(1)[0], 80, 20, steps=5, middles=MIDDLES, device=CPU)
    assert (np.diff(back.conditions["ages"] @ np.arange(10)) < 0).all()
    for start, end, steps in (("0-5", "0-5", 5), ("0-5", "80+", 1)):
        with pytest.raises(ConfigError):
            walk_plan(faces(1)[0], start, end, steps=steps, middles=MIDDLES, device=CPU)


def test_ages_with_a_comma_are_told_how_ages_are_given() -> None:
    with pytest.raises(ConfigError, match=r"'40,50' is unknown; .* 80\+\. Give several ages one after another"):
        age_shares("40,50")


def test_directions() -> None:
    assert ages_in_direction("older", check_direction("older", 67, MIDDLES)) == ["71-80", "80+"]
    assert ages_in_direction("younger", check_direction("younger", "11-20", MIDDLES)) == ["6-10", "0-5"]
    with pytest.raises(ConfigError, match="nothing is younger"):
        check_direction("younger", 3, MIDDLES)
    with pytest.raises(ConfigError, match="nothing is older"):
        check_direction("older", "80+", MIDDLES)


@pytest.mark.parametrize("age", ["31-40", 40, 38.5, np.int64(40)])
def test_one_age_needs_no_list(age) -> None:
    one, several = (strip_plan(faces(), wanted, middles=MIDDLES, device=CPU) for wanted in (age, [age]))
    assert one.settings == several.settings
    assert np.array_equal(one.conditions["ages"], several.conditions["ages"])


def test_views_are_drawn_in_the_order_of_the_rows() -> None:
    plan = strip_plan(faces(), ["0-5"], middles=MIDDLES, device=CPU)
    pictures = draw_views(plan, range(4), CPU, lambda view, rows: rows["image"] if view == "source" else -rows["image"])
    images = plan.conditions["image"]
    assert np.array_equal(np.asarray(pictures[0]), images[0]) and np.array_equal(np.asarray(pictures[2]), images[2])
    assert np.array_equal(np.asarray(pictures[1]), 255 - images[1])


def test_a_gender_is_that_of_all_faces() -> None:
    plan = strip_plan(faces(), ["0-5"], middles=MIDDLES, device=CPU)
    numbers = [of_gender(plan, gender).conditions["gender"].tolist() for gender in (None, "male", "female")]
    assert numbers == [[-1], [0], [1]] and plan.conditions["gender"].tolist() == [-1]
    with pytest.raises(ConfigError, match='gender is "neither"; it must be male or female'):
        of_gender(plan, "neither")


def test_all_groups_have_a_middle() -> None:
    assert len(MIDDLES) == len(AGE_GROUPS)
    assert [age_group(middle) for middle in MIDDLES] == list(range(10))
