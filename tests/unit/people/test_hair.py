"""Hair: every style grows from the scalp, stays out of the face and is made of finite, labelled surfaces."""

import dataclasses
from functools import lru_cache

import numpy as np
import pytest

from limner.data.schema import get_schema
from limner.errors import ConfigError
from limner.people import Person, sample_person
from limner.people.body import BodyShape, PosedBody, body_model
from limner.people.chart import average_head
from limner.people.hair import CUTS, hair_surfaces
from limner.people.person import FRINGES, HAIR_STYLES
from limner.people.scalp import scalp, scalp_depth
from limner.people.surface import Surface

HAIR = get_schema("celebamask-19").id("hair")
AGE = 30.0
MAX_TRIANGLES = 66_000


@lru_cache(maxsize=1)
def body() -> PosedBody:
    return body_model().pose(BodyShape())


def person_with(**hair: object) -> Person:
    person = sample_person(0, 0)
    plain = {"fringe": "none", "balding": 0.0, "length": 1.0, "volume": 1.0, "wave": 0.0, "part": 0.5}
    worn = dataclasses.replace(person.accessories, hat="none")
    return dataclasses.replace(person, hair=dataclasses.replace(person.hair, **(plain | hair)), accessories=worn)


def points(surfaces: list[Surface]) -> np.ndarray:
    """All vertices in the frame of the head."""
    return body().head.to_local(np.concatenate([surface.vertices for surface in surfaces]))


@pytest.mark.parametrize("style", [style for style in HAIR_STYLES if style != "bald"])
def test_every_style_covers_the_scalp_and_leaves_the_face_free(style: str) -> None:
    surfaces = hair_surfaces(person_with(style=style), body(), AGE)
    assert surfaces and all(surface.label == HAIR for surface in surfaces)
    assert sum(len(surface.faces) for surface in surfaces) <= MAX_TRIANGLES
    local = points(surfaces)
    assert np.isfinite(local).all()
    low, high = local.min(axis=0), local.max(axis=0)
    assert (low > [-0.4, -0.25, -0.55]).all() and (high < [0.4, 0.45, 0.3]).all()
    # Attached: there is hair close to nearly every place of the scalp that this style leaves hairy.
    places = scalp().places
    hairy = places[scalp_depth(places, ring=style == "horseshoe") > 0.004][:150]
    gaps = np.sqrt(((hairy[:, None] - local[None, ::2]) ** 2).sum(axis=2).min(axis=1))
    assert np.quantile(gaps, 0.98) < (0.02 if style != "afro" else 0.065)
    # Eyes, nose and mouth are free.
    face = (np.abs(local[:, 0]) < 0.04) & (local[:, 1] < -0.015) & (np.abs(local[:, 2] + 0.03) < 0.045)
    assert face.mean() < 0.001


def test_bald_has_no_hair() -> None:
    assert hair_surfaces(person_with(style="bald"), body(), AGE) == []


def test_hanging_styles_end_at_their_heights() -> None:
    lowest = {
        style: points(hair_surfaces(person_with(style=style, behind_ears=True), body(), AGE))[:, 2].min()
        for style in ("crop", "bob", "medium", "long_straight")
    }
    assert lowest["crop"] > lowest["bob"] > lowest["medium"] > lowest["long_straight"]
    assert lowest["bob"] == pytest.approx(CUTS["bob"].end, abs=0.03)


@pytest.mark.parametrize("fringe", [fringe for fringe in FRINGES if fringe != "none"])
def test_a_fringe_covers_the_forehead_but_not_the_eyes(fringe: str) -> None:
    surfaces = hair_surfaces(person_with(style="bob", fringe=fringe), body(), AGE)
    assert [surface.name for surface in surfaces].count("fringe") == 1
    local = points([surface for surface in surfaces if surface.name == "fringe"])
    forehead = (np.abs(local[:, 0]) < 0.045) & (local[:, 1] < 0.02) & (local[:, 2] > 0.03) & (local[:, 2] < 0.065)
    assert forehead.mean() > (0.1 if fringe != "curtain" else 0.005)
    assert ((np.abs(local[:, 0]) < 0.045) & (local[:, 2] < 0.008)).mean() < 0.02


def test_balding_clears_the_front_and_a_hat_the_top() -> None:
    full = points(hair_surfaces(person_with(style="crop"), body(), AGE))
    receded = points(hair_surfaces(person_with(style="crop", balding=0.75), body(), 60.0))
    assert receded[receded[:, 2] > 0.07, 1].min() > full[full[:, 2] > 0.07, 1].min() + 0.02
    hatted = person_with(style="crop")
    hatted = dataclasses.replace(hatted, accessories=dataclasses.replace(hatted.accessories, hat="beanie"))
    ribbons = [surface for surface in hair_surfaces(hatted, body(), AGE) if surface.name == "hair"]
    assert points(ribbons)[:, 2].max() < 0.075 < full[:, 2].max()


def test_grey_hair_is_lighter_and_the_same_person_repeats() -> None:
    person = person_with(style="crop", color_name="black", color=(0.01, 0.01, 0.01), grey_years=45.0)
    young, old = (hair_surfaces(person, body(), age)[-1] for age in (25.0, 75.0))
    assert old.albedo.mean() > 5 * young.albedo.mean()
    again = hair_surfaces(person, body(), 25.0)[-1]
    assert np.array_equal(again.vertices, young.vertices) and np.array_equal(again.albedo, young.albedo)


def test_hair_turns_with_the_head() -> None:
    turned = body_model().pose(BodyShape(), joints={"head": (0.0, 0.0, 0.5)})
    person = person_with(style="quiff")
    still, moved = (hair_surfaces(person, posed, AGE)[-1] for posed in (body(), turned))
    difference = turned.head.to_local(moved.vertices) - body().head.to_local(still.vertices)
    assert np.quantile(np.abs(difference), 0.95) < 0.004  # the same but for gravity and neck


@pytest.mark.parametrize("style", ["crop", "long_wavy", "braids"])
def test_a_share_of_the_strands_covers_as_much_of_the_head(style: str) -> None:
    person = person_with(style=style, fringe="straight")
    full, few = (hair_surfaces(person, body(), AGE, share=share) for share in (1.0, 0.4))
    assert [surface.name for surface in few] == [surface.name for surface in full]
    faces, fewer = (sum(len(surface.faces) for surface in surfaces) for surfaces in (full, few))
    assert fewer < 0.55 * faces
    # The same locks hang at the same places.
    for more, less in zip(full, few, strict=True):
        ends = [np.quantile(points([surface]), (0.02, 0.5, 0.98), axis=0) for surface in (more, less)]
        assert np.abs(ends[0] - ends[1]).max() < 0.012


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r'style "ponytails".*Did you mean "ponytail"'):
        person_with(style="ponytails")
    with pytest.raises(ConfigError, match=r'fringe "sweep".*Did you mean "swept"'):
        person_with(fringe="sweep")


def test_the_scalp_ends_above_brows_and_ears() -> None:
    head = average_head().vertices
    hairy = scalp_depth(head) > 0
    brows = (np.abs(head[:, 0]) < 0.05) & (head[:, 1] < 0.02) & (head[:, 2] < 0.06)
    assert hairy[head[:, 2] > 0.1].all() and not hairy[brows].any()
