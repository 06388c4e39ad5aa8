"""Brows, lashes and beards: short strands on the skin; the ground below them is painted in `limner.people.skin`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from limner.data.schema import get_schema
from limner.people.body import PosedBody
from limner.people.brows import MAP_SIZE, along_brow, brow_height, brow_mask
from limner.people.chart import head_chart
from limner.people.person import Person
from limner.people.skin import beard_cover, face_maps
from limner.people.strands import Ribbons, make_ribbons, unit
from limner.people.surface import Floats, Surface

BROW_STRANDS = 420
BEARD_STRANDS = {"moustache": 500, "goatee": 750, "circle": 1200, "short": 2200, "full": 2600}
LIP_BORDER = (0.0, 0.0055, 0.018, 0.0265, 0.034), (-0.063, -0.062, -0.066, -0.0745, -0.085)
"""Distance from the middle of the face, and height of the upper lip's border there; beside the mouth it goes on."""
_INK = np.array([0.018, 0.014, 0.012], np.float32)


def face_hair_surfaces(person: Person, body: PosedBody, age_years: float) -> list[Surface]:
    """Brows, lashes and beard of a person at an age."""
    return [*brow_surfaces(person, body, age_years), *lash_and_beard_surfaces(person, body, age_years)]


def brow_surfaces(person: Person, body: PosedBody, age_years: float) -> list[Surface]:
    """Both brows."""
    return _brows(person, body, age_years, np.random.Generator(np.random.PCG64(person.brows.seed)))


def lash_and_beard_surfaces(person: Person, body: PosedBody, age_years: float) -> list[Surface]:
    """What stands on skin that moves much."""
    found = [_lashes(person, body, age_years)]
    if person.beard_style(age_years) in BEARD_STRANDS:
        found.append(_beard(person, body, age_years))
    return found


def _brows(person: Person, body: PosedBody, age_years: float, random: np.random.Generator) -> list[Surface]:
    chart, brows = head_chart(MAP_SIZE), person.brows_at(age_years)
    rows, columns = _choose(brow_mask(chart, brows), int(BROW_STRANDS * brows.density), random)
    places = chart.position[rows, columns]
    points, normals = chart.points_on(body.part("head"), rows, columns)
    sign = np.sign(places[:, 0])
    t = np.clip(along_brow(places[:, 0], brows), 0, 1)
    # Upright near the nose, then outwards along the brow; hairs of its lower edge rise to the middle line.
    angle = 1.15 * (1 - t) ** 3 - 0.55 * t**3 + 0.15 * random.normal(0, 1, len(t))
    angle += 70 * np.clip(brow_height(t, brows) - places[:, 2], -0.004, 0.004)
    direction = np.stack([sign * np.cos(angle), np.zeros_like(t), np.sin(angle)], axis=1) @ body.head.axes
    lengths = 0.0062 * brows.thickness**0.5 * (1 - 0.35 * t) * random.uniform(0.6, 1.1, len(t))
    curves = _combed(points, normals, direction, lengths, rise=0.1, droop=0.0, num_points=3)
    grey = 0.5 * person.grey_fraction(age_years)
    color = np.asarray(brows.color, np.float32) * (1 - grey) + grey * np.asarray(person.hair_color(age_years))
    schema = get_schema("celebamask-19")
    return [
        _strands(f"{side}-brow", curves[mine], 0.0009, normals[mine], color, random, schema.id(f"{side}_brow"))
        for side, mine in (("l", sign > 0), ("r", sign <= 0))
    ]


def _beard(person: Person, body: PosedBody, age_years: float) -> Surface:
    beard, style = person.beard, person.beard_style(age_years)
    random = np.random.Generator(np.random.PCG64(beard.seed))
    maps = face_maps(MAP_SIZE)
    rows, columns = _choose(beard_cover(style, maps), int(BEARD_STRANDS[style] * beard.density), random)
    places = maps.chart.position[rows, columns]
    points, normals = maps.chart.points_on(body.part("head"), rows, columns)
    sign = np.sign(places[:, 0])
    on_lip = maps.beard["moustache"][rows, columns] > 0.4
    aside = np.where(on_lip, 0.9, 0.15 + 3.0 * np.abs(places[:, 0]))
    jitter = 0.22 * random.normal(0, 1, (len(rows), 3))
    direction = np.stack([sign * aside, np.full_like(aside, -0.1), np.full_like(aside, -1.0)], axis=1) + jitter
    # Thinner and shorter along the cheeks; a moustache ends at the border of the lip.
    lengths = beard.length * np.clip((0.0 - places[:, 2]) / 0.06, 0.35, 1) * random.uniform(0.55, 1.1, len(rows))
    above = np.maximum(places[:, 2] - np.interp(np.abs(places[:, 0]), *LIP_BORDER), 0) + 0.001
    lengths = np.where(on_lip, np.minimum(lengths, 1.2 * above), lengths)
    curves = _combed(
        points, normals, direction @ body.head.axes, lengths, rise=0.35, droop=8 * beard.length, num_points=4
    )
    grey = min(1.0, 1.15 * person.grey_fraction(age_years))
    color = np.asarray(beard.color, np.float32) * (1 - grey) + grey * np.asarray(person.hair_color(age_years))
    return _strands(
        "beard", curves, 0.0017, normals, color.astype(np.float32), random, get_schema("celebamask-19").id("skin")
    )


def _lashes(person: Person, body: PosedBody, age_years: float) -> Surface:
    """The lash strips of the body model: dense at the lid, thinning out towards the tips."""
    part = body.part("eyelashes")
    local = body.head.to_local(part.vertices)
    left = local[:, 0] > 0
    reach = np.empty(len(local), np.float32)
    for side, mine in (("l", left), ("r", ~left)):
        distance = np.linalg.norm(part.vertices[mine] - body.eyes[side].centre, axis=1)
        reach[mine] = np.clip((distance - body.eyes[side].radius * 1.02) / 0.008, 0, 1)
    made_up = person.makeup.mascara if age_years >= 16 else 0.0
    lined = person.makeup.eyeliner if age_years >= 16 else 0.0
    alpha = (0.6 + 0.35 * made_up) * (1 - reach) ** (1.4 - 0.9 * made_up) + 0.3 * lined * (reach < 0.15)
    schema = get_schema("celebamask-19")
    labels = np.where(left[part.faces[:, 0]], schema.id("l_eye"), schema.id("r_eye")).astype(np.uint8)
    return Surface(
        name="lashes",
        vertices=part.vertices,
        faces=part.faces,
        normals=part.normals,
        albedo=_INK + 0.25 * (1 - made_up) * np.asarray(person.brows.color, np.float32),
        label=labels,
        body_label=get_schema("body-20").id("face"),
        alpha=np.clip(alpha, 0, 1),
        roughness=0.8,
        specular=0.2,
    )


def _choose(
    cover: Floats, number: int, random: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """`number` texels, as often as `cover` says."""
    chart = head_chart(MAP_SIZE)
    total = np.cumsum(cover * (chart.triangle >= 0))
    steps = (np.arange(number) + random.random(number)) / number * total[-1]
    texels = np.minimum(np.searchsorted(total, steps), cover.size - 1)
    rows, columns = np.divmod(texels, chart.size)
    return rows, columns


def _combed(
    points: Floats,
    normals: Floats,
    direction: npt.NDArray[Any],
    lengths: npt.NDArray[Any],
    *,
    rise: float,
    droop: float,
    num_points: int,
) -> Floats:
    """Strands (n, num_points, 3) that leave the skin along `direction`, lifted by `rise`, and sink by `droop`."""
    along = direction - np.einsum("ni,ni->n", direction, normals)[:, None] * normals
    start = unit(unit(along) + rise * normals)
    t = np.linspace(0, 1, num_points)[None, :, None]
    down = np.array([0.0, 0.0, -1.0])
    path = t * start[:, None] + 0.5 * droop * t**2 * down
    return np.asarray(points[:, None] + lengths[:, None, None] * path + 0.0003 * normals[:, None], np.float32)


def _strands(
    name: str,
    curves: Floats,
    width: float,
    normals: Floats,
    color: npt.NDArray[Any],
    random: np.random.Generator,
    label: int,
) -> Surface:
    num, points, _ = curves.shape
    taper = np.linspace(1.0, 0.35, points) * width
    facing = np.broadcast_to(normals[:, None], curves.shape)
    ribbons = make_ribbons(curves, np.tile(taper, (num, 1)), facing, rounding=0.3)
    shade = np.exp(random.normal(0, 0.15, num))[:, None, None]
    colors = np.broadcast_to(color * shade, curves.shape)
    return Surface(
        name=name,
        vertices=ribbons.vertices,
        faces=ribbons.faces,
        normals=ribbons.normals,
        tangent=ribbons.tangents,
        albedo=np.clip(Ribbons.spread(colors), 0.004, 0.9),
        label=label,
        body_label=get_schema("body-20").id("face"),
        roughness=0.5,
        specular=0.35,
    )
