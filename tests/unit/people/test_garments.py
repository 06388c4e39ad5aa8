"""Cloth cut from the body, and the garments made of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limner.data.schema import SCHEMAS
from limner.people.body import BodyShape, body_model
from limner.people.cloth import Drape, armhole, below, clip, oval, region, rest, side, union, whole
from limner.people.dice import Dice
from limner.people.garments import (
    ANKLE_HEM,
    CREW,
    LONG,
    SHIRT_HEM,
    V_NECK,
    WAIST,
    bottom_surfaces,
    garment_surfaces,
    leg,
    pattern_tile,
    shoe_surfaces,
    sleeve,
    top_surfaces,
    trunk,
)
from limner.people.person import BOTTOMS, SHOES, TOPS, Garment, sample_person
from limner.people.pose import _arms, _legs

CLOTH = SCHEMAS["celebamask-19"].id("cloth")
BODY = SCHEMAS["body-20"]
DICE = Dice(1, 4, "pose")


def garment(kind, **changes):
    plain = Garment(kind, (0.1, 0.2, 0.4), (0.7, 0.1, 0.1), "plain", 0.05, 6)
    return replace(plain, **changes)


@pytest.fixture(scope="module")
def posed():
    """With one arm bent and the other one hanging: sleeves stay below the collar."""
    return body_model().pose(
        BodyShape(gender=0.9), joints=_legs("contrapposto", DICE) | _arms(("hip", "hanging"), DICE)
    )


def area(vertices, faces):
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def test_rest_is_one_mesh_without_seams():
    mesh = rest()
    edges = np.sort(np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert counts.max() == 2
    assert (counts == 2).mean() > 0.99


def test_clip_divides_the_mesh_along_the_field():
    field = below(-0.5)
    above, under = clip(whole(), field), clip(whole(), -field)
    points = rest().points
    assert above.mix(points)[:, 2].min() == pytest.approx(-0.5, abs=1e-6)
    assert under.mix(points)[:, 2].max() == pytest.approx(-0.5, abs=1e-6)
    areas = [area(piece.mix(points), piece.faces) for piece in (above, under, whole())]
    assert areas[0] + areas[1] == pytest.approx(areas[2], rel=1e-4)


def test_clip_by_two_fields_meets_both():
    piece = clip(whole(), below(-0.5), side(1), armhole(0.168))
    places = piece.mix(rest().points)
    assert places[:, 2].min() >= -0.5 - 1e-6 and places[:, 0].min() >= -1e-6
    assert np.allclose(piece.weights.sum(axis=1), 1, atol=1e-5)
    assert len(np.unique(piece.faces)) == len(piece.points)


def test_clip_of_everything_and_nothing():
    nothing = clip(whole(), np.ones(len(rest().points), np.float32))
    assert len(nothing.faces) == len(nothing.points) == 0
    assert len(clip(whole(), -np.ones(len(rest().points), np.float32)).faces) == len(rest().faces)


def test_union_keeps_pieces_apart():
    piece = clip(whole(), below(0.0))
    both = union(piece, piece)
    assert len(both.faces) == 2 * len(piece.faces)
    assert both.faces[len(piece.faces) :].min() == len(piece.points)


def test_necklines_and_hems_lie_where_they_should():
    shirt, v_neck = trunk(CREW, SHIRT_HEM).places, trunk(V_NECK, SHIRT_HEM).places
    assert shirt[:, 2].min() == pytest.approx(SHIRT_HEM, abs=1e-5)
    tops = [places[(np.abs(places[:, 0]) < 0.005) & (places[:, 1] < 0.08), 2].max() for places in (shirt, v_neck)]
    assert -0.24 < tops[0] < -0.19
    assert tops[1] == pytest.approx(V_NECK.bottom, abs=0.01)
    assert np.abs(shirt[:, 0]).max() < 0.2  # arms are not part of it
    assert sleeve(1, LONG).places[:, 0].min() > 0.1
    assert (oval(0.08, 0.04, 0.18)[rest().points[:, 2] < -0.35] < 0).all()


def test_texture_coordinates_do_not_jump_within_triangles():
    for panel in (trunk(CREW, SHIRT_HEM), sleeve(-1, LONG), leg(1, WAIST, ANKLE_HEM)):
        assert np.ptp(panel.uv[panel.piece.faces], axis=1).max() < 0.1


def test_drape_never_lies_inside_the_skin(posed):
    piece = trunk(CREW, SHIRT_HEM).piece
    drape = Drape(posed, region(piece), steps=12)
    skin, normals = (piece.mix(values[rest().vertex]) for values in (posed.vertices, posed.normals))
    height = np.einsum("nc,nc->n", drape.place(piece, 0.0) - skin, normals)
    assert height.min() > -5e-4
    assert height.max() > 0.003  # hollows are filled


@pytest.mark.parametrize("seed", [5, 6])  # with and without a tie
@pytest.mark.parametrize("kind", TOPS)
def test_tops_are_cloth_close_to_the_skin(posed, kind, seed):
    surfaces = top_surfaces(garment(kind, seed=seed), posed)
    expected = {"blazer": {"coat", "upper_clothes"}, "dress": {"dress"}}.get(kind, {"upper_clothes"})
    assert {BODY.classes[surface.body_label] for surface in surfaces} == expected
    assert {surface.label for surface in surfaces} == {CLOTH}
    skin = posed.vertices[rest().vertex[::3]]
    far = 0.25 if kind == "dress" else 0.075  # skirts swing out
    for surface in surfaces:
        assert len(surface.faces) > 0
        some = surface.vertices[::7]
        assert np.linalg.norm(some[:, None] - skin, axis=2).min(axis=1).max() < far


@pytest.mark.parametrize("kind", BOTTOMS)
def test_bottoms_cover_the_hips(posed, kind):
    surfaces = bottom_surfaces(garment(kind), posed)
    assert {BODY.classes[surface.body_label] for surface in surfaces} == {"skirt" if kind == "skirt" else "pants"}
    vertices = np.concatenate([surface.vertices for surface in surfaces])
    hips = [posed.joints[f"upperleg01.{side}"].origin[2] for side in "LR"]
    assert vertices[:, 2].max() > max(hips)
    if kind != "skirt":  # which has its length from the seed
        knees = min(posed.joints[f"lowerleg01.{side}"].origin[2] for side in "LR")
        assert (vertices[:, 2].min() < knees - 0.05) == (kind != "shorts")


@pytest.mark.parametrize("kind", SHOES)
def test_shoes_enclose_their_foot(posed, kind):
    surfaces = shoe_surfaces(garment(kind), posed)
    if kind == "barefoot":
        assert surfaces == []
        return
    for name, joint in (("l_shoe", "foot.L"), ("r_shoe", "foot.R")):
        upper = next(surface for surface in surfaces if surface.name == name)
        assert BODY.classes[upper.body_label] == name
        frame = posed.joints[joint]
        toes = frame.to_local(posed.joints[joint.replace("foot", "toe1-2")].origin)
        shoe = frame.to_local(upper.vertices)
        assert shoe[:, 1].min() < toes[1] and shoe[:, 2].min() < toes[2]


def test_skirt_hangs_around_both_legs(posed):
    skirt = bottom_surfaces(garment("skirt"), posed)[0]
    frame = posed.joints["root"]
    rings = frame.to_local(skirt.vertices).reshape(24, -1, 3)
    legs = frame.to_local(posed.vertices[rest().vertex[rest().arms < 0.3]])
    for ring in rings[2:]:
        near = legs[np.abs(legs[:, 2] - ring[0, 2]) < 0.004]
        if len(near):
            assert np.ptp(ring[:, 0]) > np.ptp(near[:, 0]) and np.ptp(ring[:, 1]) > np.ptp(near[:, 1])


def test_patterns_use_both_colours_and_repeat():
    for pattern in ("stripes", "checks", "dots"):
        tile = pattern_tile(garment("t_shirt", pattern=pattern))
        assert len(np.unique(tile.reshape(-1, 3), axis=0)) >= 2
    body = body_model().pose(BodyShape())
    narrow, wide = (
        top_surfaces(garment("t_shirt", pattern="stripes", pattern_size=size), body)[0] for size in (0.02, 0.04)
    )
    assert np.allclose(narrow.uv, 2 * wide.uv, rtol=1e-4)


def test_garments_are_deterministic_and_portraits_have_only_tops(posed):
    person = sample_person(5, 3)
    first, second = garment_surfaces(person, posed), garment_surfaces(person, posed)
    assert [surface.name for surface in first] == [surface.name for surface in second]
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(first, second, strict=True))
    portrait = garment_surfaces(person, posed, portrait=True)
    assert {surface.name for surface in portrait} < {surface.name for surface in first}


def test_children_and_heavy_people_wear_the_same_pieces():
    for shape in (BodyShape(age=0.2), BodyShape(weight=1.0, gender=0.0)):
        body = body_model().pose(shape)
        shirt = top_surfaces(garment("t_shirt"), body)[0]
        assert np.isfinite(shirt.vertices).all()
        assert shirt.vertices[:, 2].max() < body.landmarks68[8, 2] + 0.02
        assert shirt.vertices[:, 2].min() > 0.3 * body.head.origin[2]


@pytest.mark.parametrize("age", [0.0, 0.15, 1 / 3])
def test_the_smallest_people_can_wear_everything(age):
    # Lifts and hems are metres; a small child's foot is hardly longer than ten of a sneaker's.
    body = body_model().pose(BodyShape(age=age, height=0.0, gender=1.0))
    pieces = [
        *(piece for kind in SHOES for piece in shoe_surfaces(garment(kind), body)),
        *(piece for kind in TOPS for piece in top_surfaces(garment(kind), body)),
        *(piece for kind in BOTTOMS for piece in bottom_surfaces(garment(kind), body)),
    ]
    assert all(np.isfinite(piece.vertices).all() and len(piece.faces) for piece in pieces)


@pytest.mark.parametrize("kind", TOPS)
def test_a_portrait_shows_the_same_top_but_for_what_is_below_the_picture(kind, posed):
    full, portrait = (top_surfaces(garment(kind), posed, portrait=only) for only in (False, True))
    assert sum(len(surface.faces) for surface in portrait) < 0.8 * sum(len(surface.faces) for surface in full)
    shown = posed.head.to_local(np.concatenate([surface.vertices for surface in portrait]))
    whole_top = posed.head.to_local(np.concatenate([surface.vertices for surface in full]))
    assert shown[:, 2].max() == pytest.approx(whole_top[:, 2].max(), abs=0.002)
    seen = whole_top[(whole_top[:, 2] > -0.35) & (np.abs(whole_top[:, 0]) < 0.15)][::20]
    distance = np.linalg.norm(seen[:, None] - shown, axis=2).min(axis=1)
    assert np.quantile(distance, 0.95) < 0.006
