"""Skin, eyes, brows, lashes, beards and accessories: labels, places and colours."""

import dataclasses
from functools import lru_cache

import numpy as np
import pytest

from limner.data.schema import get_schema
from limner.people import Person, sample_person
from limner.people.accessories import accessory_surfaces, lens_outlines
from limner.people.body import BodyShape, PosedBody, body_model
from limner.people.brows import along_brow, brow_landmarks, brow_profile
from limner.people.chart import head_chart
from limner.people.eyes import eye_surfaces
from limner.people.face_hair import BEARD_STRANDS, face_hair_surfaces
from limner.people.person import BEARDS, Accessories
from limner.people.skin import beard_cover, face_maps, skin_color, skin_surfaces
from limner.people.surface import Surface

SCHEMA = get_schema("celebamask-19")
AGE, SIZE = 30.0, 256


@lru_cache(maxsize=1)
def body() -> PosedBody:
    return body_model().pose(BodyShape())


def person_with(part: str, **fields: object) -> Person:
    person = next(person for index in range(20) if (person := sample_person(0, index)).male)
    person = dataclasses.replace(person, hair=dataclasses.replace(person.hair, style="bald"))
    return dataclasses.replace(person, **{part: dataclasses.replace(getattr(person, part), **fields)})


def head_of(person: Person, age_years: float = AGE) -> Surface:
    return skin_surfaces(person, body(), age_years, texture_size=SIZE)[0]


def local(surface: Surface) -> np.ndarray:
    return body().head.to_local(surface.vertices)


def test_chart_knows_where_texels_lie() -> None:
    chart = head_chart(SIZE)
    part = body().part("head")
    rows, columns = np.nonzero(chart.triangle >= 0)
    points, normals = chart.points_on(part, rows[::97], columns[::97])
    assert np.abs(body().head.to_local(points) - chart.position[rows[::97], columns[::97]]).max() < 1e-4
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1, abs=1e-4)
    left = chart.position[:, SIZE // 2 + 8 :][chart.triangle[:, SIZE // 2 + 8 :] >= 0]
    assert (left[:, 0] > 0).mean() > 0.98  # the picture's right is the subject's left


def test_skin_color_spans_the_measured_range() -> None:
    fair, dark = skin_color(0.0, 0.5), skin_color(1.0, 0.5)
    assert fair[0] > fair[1] > fair[2] and dark[0] > dark[1] > dark[2]
    assert 0.5 < fair[0] < 0.65 and 0.07 < dark[0] < 0.13
    tones = skin_color(np.linspace(0, 1, 20), 0.5)
    assert (np.diff(tones, axis=0) < 0).all()
    pale, flushed = skin_color(0.1, 0.0), skin_color(0.1, 1.5)
    assert flushed[0] / flushed[1] > 1.3 * pale[0] / pale[1]


def test_labels_of_the_head_are_complete_and_on_the_right_sides() -> None:
    head = head_of(person_with("hair", style="crop"))
    chart = face_maps(SIZE).chart
    x = np.where(chart.triangle >= 0, chart.position[..., 0], np.nan)
    for name in ("skin", "nose", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip", "hair", "neck"):
        assert (head.label == SCHEMA.id(name)).sum() > 20, name
    for part in ("brow", "ear", "eye"):
        assert np.nanmin(x[head.label == SCHEMA.id(f"l_{part}")]) > 0
        assert np.nanmax(x[head.label == SCHEMA.id(f"r_{part}")]) < 0
    z = face_maps(SIZE).chart.position[..., 2]
    assert z[head.label == SCHEMA.id("u_lip")].mean() > z[head.label == SCHEMA.id("l_lip")].mean()
    assert not (head_of(person_with("hair", style="bald")).label == SCHEMA.id("hair")).any()


def test_lips_and_lipstick() -> None:
    lips = face_maps(SIZE).lips > 0.9
    plain = head_of(person_with("makeup", lipstick=0.0)).albedo
    painted = head_of(person_with("makeup", lipstick=1.0, lip_color=(0.4, 0.01, 0.02))).albedo
    redness = [albedo[..., 0] / albedo[..., 1] for albedo in (plain, painted)]
    assert np.median(redness[0][lips]) > np.median(redness[0][face_maps(SIZE).label == SCHEMA.id("skin")])
    assert np.median(redness[1][lips]) > 2 * np.median(redness[0][lips])
    child = head_of(person_with("makeup", lipstick=1.0, lip_color=(0.4, 0.01, 0.02)), 8.0).albedo
    assert np.median((child[..., 0] / child[..., 1])[lips]) < 1.2 * np.median(redness[0][lips])


def test_wrinkles_come_with_age_and_skin_has_no_speckle() -> None:
    person = person_with("skin", freckles=0.0, moles=0)
    young, old = head_of(person, 20.0), head_of(person, 80.0)
    assert old.height is not None and young.height is not None
    assert np.abs(old.height).max() > 3 * np.abs(young.height).max()
    cheek = (face_maps(SIZE).flush > 0.5) & (face_maps(SIZE).label == SCHEMA.id("skin"))
    brightness = young.albedo.mean(axis=2)
    jump = np.abs(np.diff(brightness, axis=1))[cheek[:, 1:]]
    assert jump.max() < 0.06 * brightness[cheek].mean()


def test_eyes_look_ahead_and_show_their_color() -> None:
    left, right = eye_surfaces(person_with("eyes", color=(0.02, 0.1, 0.3)), body(), AGE)
    assert (left.label, right.label) == (SCHEMA.id("l_eye"), SCHEMA.id("r_eye"))
    assert left.vertices[:, 0].min() > 0 > right.vertices[:, 0].max()
    assert left.normals is not None
    assert left.normals[0] @ [0, -1, 0] > 0.99
    size = len(left.albedo)
    ring = left.albedo[size // 2, size // 2 + round(0.25 * size * 0.5)]
    assert ring[2] > ring[0]
    assert left.albedo[size // 2, size // 2].max() < 0.05  # the pupil
    turned = body_model().pose(BodyShape(), joints={"eye.L": (0.0, 0.0, 0.3), "eye.R": (0.0, 0.0, 0.3)})
    moved = eye_surfaces(person_with("eyes"), turned, AGE)[0]
    assert moved.vertices[0, 0] > left.vertices[0, 0] + 0.003  # to the subject's left


@pytest.mark.parametrize("style", BEARDS)
def test_beards_grow_where_they_should(style: str) -> None:
    person = person_with("beard", style=style, length=0.008, density=1.0)
    found = {surface.name: surface for surface in face_hair_surfaces(person, body(), AGE)}
    assert {"l-brow", "r-brow", "lashes"} <= set(found)
    assert ("beard" in found) == (style in BEARD_STRANDS)
    if "beard" in found:
        points = local(found["beard"])
        assert found["beard"].label == SCHEMA.id("skin")
        assert points[:, 2].max() < 0.02 and points[:, 1].max() < 0.12
    cover = beard_cover(style, face_maps(SIZE))
    assert cover[face_maps(SIZE).lips > 0.5].max() <= 0.5
    assert (cover.max() > 0.5) == (style != "none")


def test_brows_lie_on_the_skin_and_thicken() -> None:
    thin, thick = (head_of(person_with("brows", thickness=value)) for value in (0.7, 1.4))
    areas = [(head.label == SCHEMA.id("l_brow")).sum() for head in (thin, thick)]
    assert areas[1] > 1.3 * areas[0]
    brow = next(s for s in face_hair_surfaces(person_with("brows"), body(), AGE) if s.name == "l-brow")
    points = local(brow)
    assert brow.label == SCHEMA.id("l_brow") and points[:, 0].min() > 0
    assert points[:, 2].min() > 0.005 and points[:, 2].max() < 0.045


def test_brow_landmarks_lie_on_the_upper_edges_of_the_drawn_brows() -> None:
    for fields in ({"arch": -0.6, "thickness": 0.7}, {"arch": 0.8, "thickness": 1.4, "length": 1.1}):
        brows = person_with("brows", **fields).brows
        marks = body().head.to_local(brow_landmarks(brows, body()))
        assert (np.diff(marks[:, 0]) > 0.005).all() and marks[4, 0] < 0 < marks[5, 0]  # from the right ear to the left
        assert marks == pytest.approx(marks[::-1] * [-1, 1, 1], abs=0.001)
        inner = slice(1, 4)  # at the ends brows fade
        x, z = marks[inner, 0], marks[inner, 2]
        below, above = (brow_profile(along_brow(x, brows), z + step, brows) for step in (-0.0015, 0.0015))
        assert (below > 0.4).all() and (above < 0.2).all()


@pytest.mark.parametrize("style", ["moustache", "circle"])
def test_moustaches_end_at_the_lip(style: str) -> None:
    person = person_with("beard", style=style, length=0.011, density=1.0)
    points = local(next(surface for surface in face_hair_surfaces(person, body(), AGE) if surface.name == "beard"))
    lip = (np.abs(points[:, 0]) < 0.02) & (points[:, 2] < -0.0675) & (points[:, 2] > -0.082)
    assert lip.mean() < 0.03


def wearing(**worn: object) -> Person:
    nothing = {"glasses": "none", "hat": "none", "earrings": "none", "necklace": "none"}
    return person_with("accessories", **(nothing | worn))


@pytest.mark.parametrize(
    ("field", "name", "label"),
    [
        (field, name, label)
        for field, label in (("glasses", "eye_g"), ("hat", "hat"), ("earrings", "ear_r"), ("necklace", "neck_l"))
        for name in Accessories.CHOICES[field]
        if name != "none"
    ],
)
def test_every_accessory_fits_and_is_labelled(field: str, name: str, label: str) -> None:
    person = wearing(**{field: name})
    surfaces = accessory_surfaces(person, body())
    assert surfaces and all(surface.label == SCHEMA.id(label) for surface in surfaces)
    assert sum(len(surface.faces) for surface in surfaces) < 15_000
    points = np.concatenate([local(surface) for surface in surfaces])
    assert np.isfinite(points).all()
    low, high = points.min(axis=0), points.max(axis=0)
    expected = {
        "glasses": ([-0.1, -0.06, -0.04], [0.1, 0.13, 0.04]),
        "hat": ([-0.2, -0.16, -0.03], [0.2, 0.33, 0.22]),
        "earrings": ([-0.11, 0.03, -0.12], [0.11, 0.12, -0.01]),
        "necklace": ([-0.15, -0.12, -0.33], [0.15, 0.18, -0.08]),
    }[field]
    assert (low > expected[0]).all() and (high < expected[1]).all()
    assert low[0] == pytest.approx(-high[0], abs=0.02)  # the same on both sides


def test_nothing_worn_gives_nothing() -> None:
    assert not accessory_surfaces(wearing(), body()) and not lens_outlines(wearing(), body())


def test_lenses_are_before_the_eyes() -> None:
    outlines = lens_outlines(wearing(glasses="round"), body())
    assert len(outlines) == 2
    for outline, side in zip(outlines, "lr", strict=True):
        eye = body().eyes[side]
        assert np.linalg.norm((outline.mean(axis=0) - eye.centre)[[0, 2]]) < 0.012
        assert (outline[:, 1] < eye.centre[1] - eye.radius).all()
