"""Hair of the head: strands grown from the scalp.

A few hundred guides grow step by step from roots on the scalp: they start in the direction in which the style is
combed, gravity bends them, and head, neck and shoulders keep them outside. Thousands of ribbons follow the guides of
their neighbourhood, each with its own depth, wave and colour. A dark cap closes the gaps between their roots. Small
pictures get fewer and wider ribbons along the same guides: strands narrower than a pixel cost time and sparkle.

All lengths are those of an average adult's head; the head's own size scales the result. Coordinates are those of
the head's frame (to the subject's left, to the back, up; the origin is midway between the eyes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from limner.data.schema import get_schema
from limner.errors import ConfigError, nearest
from limner.people.body import PosedBody
from limner.people.chart import average_head
from limner.people.person import FRINGES, HAIR_STYLES, Person
from limner.people.scalp import MIDDLE, NUM_ROOTS, PosedHead, facing, hat_band, scalp, scalp_depth
from limner.people.strands import Ribbons, make_ribbons, resample, unit
from limner.people.surface import Floats, Surface, cross

Random = np.random.Generator

NUM_GUIDES = 300
LEAST_TIED = 0.4
"""Least share of the strands of tied hair: wider ones would be wider than what they are tied to."""


@dataclass(frozen=True)
class Cut:
    """How a style is cut and combed."""

    top: float
    """Length on the crown, metres."""
    side: float
    """Length above ears and nape."""
    comb: str
    """forward, back, parted, out, quiff or tie."""
    lift: float
    """0 = strands start along the scalp, 1 = straight out."""
    gravity: float
    """How fast strands turn downwards: 0 = stiff."""
    layer: float
    """Thickness of the hair over the scalp, metres."""
    num: int
    width: float
    """Of a ribbon in the middle, metres."""
    points: int
    """Of a ribbon, along its length."""
    curl: float = 0.0
    """Radius of the curls, metres."""
    pitch: float = 0.03
    """Length of a turn, metres."""
    end: float | None = None
    """Height at which hanging hair is cut, metres."""
    ragged: float = 0.15
    """Difference of lengths, as a fraction."""
    cling: float = 0.1
    """How much strands are drawn to the head: 1 = they lie on it."""


CUTS: dict[str, Cut] = {
    "horseshoe": Cut(0.02, 0.018, "back", 0.2, 0.25, 0.004, 3600, 0.0016, 4, cling=0.7),
    "buzz": Cut(0.008, 0.006, "out", 0.25, 0.0, 0.0015, 8000, 0.001, 2),
    "crop": Cut(0.034, 0.016, "forward", 0.25, 0.3, 0.008, 6000, 0.0017, 5, ragged=0.3, cling=0.5),
    "side_part": Cut(0.08, 0.022, "parted", 0.25, 0.3, 0.012, 4200, 0.0021, 7, cling=0.5),
    "quiff": Cut(0.055, 0.016, "quiff", 0.4, 0.1, 0.012, 4800, 0.002, 6, cling=0.35),
    "slicked_back": Cut(0.12, 0.06, "back", 0.12, 0.1, 0.007, 4000, 0.0021, 8, cling=1.0),
    "spiky": Cut(0.034, 0.016, "spiky", 0.55, 0.05, 0.012, 6000, 0.002, 4, ragged=0.35, cling=0.2),
    "short_curls": Cut(0.045, 0.03, "out", 0.5, 0.25, 0.016, 3400, 0.0024, 9, curl=0.006, pitch=0.026, cling=0.4),
    "afro": Cut(0.018, 0.018, "out", 1.0, 0.0, 0.05, 7000, 0.0022, 4, curl=0.004, pitch=0.02),
    "pixie": Cut(0.075, 0.03, "parted", 0.25, 0.25, 0.012, 4200, 0.0021, 7, ragged=0.3, cling=0.5),
    "bob": Cut(0.34, 0.22, "parted", 0.25, 0.55, 0.016, 2400, 0.0038, 12, end=-0.105, ragged=0.05),
    "medium": Cut(0.4, 0.3, "parted", 0.25, 0.5, 0.016, 2400, 0.0038, 13, end=-0.17, ragged=0.1),
    "long_straight": Cut(0.58, 0.48, "parted", 0.2, 0.6, 0.014, 2200, 0.004, 14, end=-0.3),
    "long_wavy": Cut(0.56, 0.46, "parted", 0.3, 0.5, 0.02, 1900, 0.0044, 16, curl=0.009, pitch=0.11, end=-0.28),
    "long_curls": Cut(0.5, 0.4, "parted", 0.45, 0.45, 0.026, 1900, 0.0044, 17, curl=0.011, pitch=0.06, end=-0.23),
    "ponytail": Cut(0.26, 0.2, "tie", 0.05, 0.0, 0.006, 2000, 0.003, 9, cling=1.0),
    "bun": Cut(0.26, 0.2, "tie", 0.08, 0.0, 0.007, 2000, 0.003, 9, cling=1.0),
    "braids": Cut(0.26, 0.2, "tie", 0.05, 0.0, 0.006, 2000, 0.003, 9, cling=1.0),
}


def hair_surfaces(person: Person, body: PosedBody, age_years: float, *, share: float = 1.0) -> list[Surface]:
    """The hair of a person at an age; an empty list if there is none.

    Args:
        person: whose hair.
        body: posed.
        age_years: at which age.
        share: of the strands that are made, in (0, 1]; they are wider, so that they cover as much.

    Raises:
        ConfigError: if the style or the fringe is unknown.
    """
    style, fringe = person.hair_style(age_years), person.fringe(age_years)
    _check(style, fringe)
    if style == "bald":
        return []
    head = PosedHead(body)
    cut = _own_cut(CUTS[style], person)
    roots = _grow_roots(person, head, age_years, style)
    # Every bunch has a stream of its own, so that its guides are the same however many strands another one has.
    cover, front, tied, colors = (np.random.Generator(np.random.PCG64([person.hair.seed, part])) for part in range(4))
    bunches = [(_afro if style == "afro" else _cover)(_thinned(cut, share), roots, person, head, cover)]
    if fringe != "none" and person.accessories.hat == "none":
        bunches.append(_few(_fringe(fringe, cut, roots, person, head, front), share))
    bunches += [_few(bunch, max(share, LEAST_TIED)) for bunch in _tied(style, person, head, tied)]
    color = np.asarray(person.hair_color(age_years), np.float32)
    cap = [] if style in ("buzz", "horseshoe") else [_cap(person, head, cut, color, age_years)]
    return cap + [_surface(bunch, color, person, head, colors) for bunch in bunches if len(bunch.curves)]


def _check(style: str, fringe: str) -> None:
    if style not in HAIR_STYLES:
        raise ConfigError(f'There is no hair style "{style}".{nearest(style, HAIR_STYLES)}')
    if fringe not in FRINGES:
        raise ConfigError(f'There is no fringe "{fringe}".{nearest(fringe, FRINGES)}')


def _own_cut(cut: Cut, person: Person) -> Cut:
    """The cut with the person's own length, volume and wave, flattened under a hat."""
    hair = person.hair
    volume = hair.volume * (0.35 if person.accessories.hat != "none" else 1.0)
    end = cut.end
    if end is not None:
        end = end - 0.13 * (hair.length - 1) * min(1.0, abs(end) / 0.2)
    curl, pitch = cut.curl, cut.pitch
    if end is not None and not curl and hair.wave > 0.25:
        curl, pitch = 0.008 * hair.wave, 0.12
    return replace(
        cut,
        top=cut.top * (0.5 + 0.5 * hair.length if end is None else 1.0),
        side=cut.side * (0.5 + 0.5 * hair.length if end is None else 1.0),
        layer=cut.layer * volume,
        end=end,
        curl=curl * (0.8 + 0.4 * hair.wave),
        pitch=pitch,
    )


def _thinned(cut: Cut, share: float) -> Cut:
    """The cut with a share of its strands, wider ones: as strands lie over each other, the root is wide enough."""
    return replace(cut, num=round(share * cut.num), width=cut.width / share**0.75)


# --- roots and guides -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Roots:
    """The roots that bear hair."""

    index: npt.NDArray[np.int64]  # into the scalp's roots
    place: Floats  # (n, 3) on the average head: decides on the style
    point: Floats  # (n, 3) on this head
    normal: Floats
    depth: Floats  # (n,) distance from the hairline

    def take(self, chosen: npt.NDArray[np.int64]) -> _Roots:
        return _Roots(
            self.index[chosen], self.place[chosen], self.point[chosen], self.normal[chosen], self.depth[chosen]
        )


def _grow_roots(person: Person, head: PosedHead, age_years: float, style: str) -> _Roots:
    places = scalp().places
    depth = scalp_depth(places, recession=person.recession(age_years), ring=style == "horseshoe")
    kept = depth > 0
    if person.accessories.hat != "none":
        kept &= places[:, 2] < hat_band(places[:, 1]) - 0.004
    index = np.flatnonzero(kept)
    return _Roots(index, places[index], head.roots[index], head.root_normals[index], depth[index])


def _comb(cut: Cut, roots: _Roots, person: Person, random: Random) -> Floats:
    """Direction in which every root's strand starts, before the lift: unit vectors along the scalp."""
    x, y, z = roots.place.T
    high = np.clip((z - 0.03) / 0.05, 0, 1)  # 0 on the sides, 1 on top
    ones, zeros = np.ones_like(x), np.zeros_like(x)
    down = np.stack([zeros, 0.35 * ones, -ones], axis=1)
    part = 0.042 * person.hair.part
    sign = np.where(x > part, 1.0, -1.0).astype(np.float32)
    jitter = random.normal(0, 1, (len(x), 3)).astype(np.float32)
    if cut.comb == "forward":
        top = np.stack([0.5 * person.hair.part * ones, -ones, -0.2 * ones], axis=1)
        side = np.stack([zeros, -0.35 * ones, -ones], axis=1)
        along = top * high[:, None] + side * (1 - high[:, None]) + 0.25 * jitter
    elif cut.comb == "back":
        side = np.stack([zeros, ones, -0.55 * ones], axis=1)
        along = np.stack([0.15 * sign, ones, 0.1 * ones], axis=1) * high[:, None] + side * (1 - high[:, None])
    elif cut.comb == "parted":
        # Away from the parting, which runs from the forehead to the crown; there the hair spreads to all sides.
        aside = (x - part) / 0.012
        behind = np.maximum(y - 0.115, 0) / 0.012
        away = np.stack([np.where(np.abs(aside) < 0.3, sign, aside), behind, zeros], axis=1)
        away = unit(away.astype(np.float32)) * 1.1 + np.stack([zeros, 0.22 * ones, -0.3 * ones], axis=1)
        along = away * high[:, None] + down * (1 - high[:, None]) + 0.12 * jitter
    elif cut.comb == "quiff":
        swing = np.stack([0.5 * person.hair.part * ones, 0.75 * ones, 0.45 * ones], axis=1)
        along = swing * high[:, None] + down * (1 - high[:, None]) + 0.12 * jitter
    elif cut.comb == "tie":
        along = _tie_point(person) - roots.point
    else:  # out, spiky
        along = down + (1.2 if cut.comb == "spiky" else 0.9) * jitter
    along = unit(along.astype(np.float32))
    across = np.einsum("ri,ri->r", along, roots.normal)
    return unit(along - across[:, None] * roots.normal)


def _lengths(cut: Cut, roots: _Roots, random: Random) -> Floats:
    """Length of every root's strand, metres; short hair fades towards ears and nape."""
    z = roots.place[:, 2]
    high = np.clip((z + 0.01) / 0.085, 0, 1)
    high = high * high * (3 - 2 * high)
    edge = np.clip(roots.depth / 0.02, 0.45, 1) if cut.end is None else 1.0
    ragged = 1 + cut.ragged * random.uniform(-1, 0.6, len(z))
    return np.asarray((cut.side + (cut.top - cut.side) * high) * edge * ragged, np.float32)


def _grow(
    roots: _Roots,
    start: Floats,
    lengths: Floats,
    offsets: Floats,
    cut: Cut,
    head: PosedHead,
    person: Person,
    *,
    frame: bool,
) -> Floats:
    """Guides (n, points, 3): from the roots in direction `start`, bent by gravity, outside of head and shoulders.

    Args:
        start: (n, 3) unit vectors.
        lengths: (n,) metres.
        offsets: (n,) distance that the strands keep from the skin, metres.
        frame: keep them out of the face.
    """
    steps = max(cut.points, 5)
    step = np.asarray(lengths / (steps - 1), np.float32)[:, None]
    point, direction = roots.point.copy(), start.copy()
    curves = [point]
    surface, normals = _obstacles(head, person)
    squares, doubled = np.einsum("vi,vi->v", surface, surface), 2 * surface.T
    travelled = np.zeros_like(step)
    for _ in range(steps - 1):
        bend = cut.gravity * np.minimum(step / 0.02, 1.5)
        direction = unit(direction + bend * head.down)
        if cut.comb == "tie":
            direction = unit(_tie_point(person) - point)
        point = point + step * direction
        travelled = travelled + step
        nearest_vertex = (squares - point @ doubled).argmin(axis=1)
        normal = normals[nearest_vertex]
        distance = np.einsum("ri,ri->r", point - surface[nearest_vertex], normal)
        keep = offsets * np.minimum(travelled[:, 0] / 0.015, 1)
        push = keep - distance
        push = np.where(push > 0, push, cut.cling * push)
        point = point + push[:, None] * normal
        if frame:
            point = _out_of_face(point, roots.place, head, person)
        direction = unit(point - curves[-1])
        curves.append(point)
    return np.stack(curves, axis=1)


def _obstacles(head: PosedHead, person: Person) -> tuple[Floats, Floats]:
    """Points and normals of head, neck and shoulders; hair tucked behind the ears ignores the ears."""
    surface = scalp()
    chosen = surface.proxies[~surface.ears] if person.hair.behind_ears else surface.proxies
    points = np.concatenate([head.vertices[chosen], head.shoulders])
    return points, np.concatenate([head.normals[chosen], head.shoulder_normals])


def _out_of_face(points: Floats, places: Floats, head: PosedHead, person: Person) -> Floats:
    """Move points (n, 3) in front of the face to its sides, and behind the ears if the hair is tucked there."""
    x, y, z = points.T
    sign = np.where(x + 0.3 * places[:, 0] > 0, 1.0, -1.0).astype(np.float32)
    in_front = np.clip((0.03 - y) / 0.03, 0, 1) * (z < 0.062)
    # Hair frames the face: it covers the edge of the cheeks, more so with more volume.
    border = head.face_width(z) * (0.95 - 0.12 * (person.hair.volume - 1))
    border = np.where(z < -0.125, 0.045, np.maximum(border, 0.05))
    x = np.where(sign * x < border, x + in_front * (sign * border - x), x)
    # On the shoulders hair slides to the chest or to the back, not outwards.
    low = np.clip((-0.12 - z) / 0.06, 0, 1)
    x = np.where(np.abs(x) > 0.1, x - 0.25 * low * (x - 0.1 * np.sign(x)), x)
    y = y + 0.012 * low * np.where(places[:, 1] < 0.06, -1.0, 1.0)
    if person.hair.behind_ears:
        beside = (z < 0.03) & (z > -0.1) & (np.abs(x) > 0.04)
        y = np.where(beside, np.maximum(y, 0.098), y)
    return np.stack([x, y, z], axis=1).astype(np.float32)


# --- bunches of strands -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Bunch:
    """Strands in the head's frame."""

    curves: Floats  # (n, points, 3)
    widths: Floats  # (n, points)
    shade: Floats  # (n,) factor on the colour: inner strands are darker
    name: str


def _cover(cut: Cut, roots: _Roots, person: Person, head: PosedHead, random: Random) -> _Bunch:
    """The hair that covers the scalp."""
    if not len(roots.index):
        return _empty(cut)
    guides = roots.take(np.arange(min(NUM_GUIDES, len(roots.index))))
    comb = _comb(cut, guides, person, random)
    lift = np.full(len(comb), cut.lift, np.float32)
    if cut.comb == "quiff":  # the front stands up
        lift = np.clip(cut.lift + 0.5 - guides.place[:, 1] / 0.06, 0.25, 0.95) * (guides.place[:, 2] > 0.06) + 0.1
    lift = lift[:, None]
    start = unit((1 - lift) * comb + lift * guides.normal)
    offsets = cut.layer * random.uniform(0.35, 1.0, len(comb)).astype(np.float32)
    curves = _grow(guides, start, _lengths(cut, guides, random), offsets, cut, head, person, frame=cut.comb == "parted")
    if cut.end is not None:
        curves = _cut_at(curves, cut.end * (1 + 0.6 * cut.ragged * random.uniform(-1, 1, len(curves))))
    if cut.comb == "tie":
        curves = _cut_at_tie(curves, _tie_point(person))
    return _follow(cut, _spread(roots, cut.num, random), guides, curves, person, random)


def _spread(roots: _Roots, number: int, random: Random) -> _Roots:
    """About `number` roots for a whole head of hair; beyond `NUM_ROOTS` some are used twice, a little apart."""
    share = number / NUM_ROOTS
    count = round(share * len(roots.index))
    more = roots.take(np.arange(count) % len(roots.index))
    apart = 0.0015 * random.normal(0, 1, more.point.shape) * (share > 1)
    return replace(more, point=(more.point + apart).astype(np.float32))


def _few(bunch: _Bunch, share: float) -> _Bunch:
    """A share of the strands of a bunch, wider ones."""
    chosen = np.flatnonzero(np.diff(np.floor(share * np.arange(len(bunch.curves) + 1) + 1e-9)))
    widths = (bunch.widths[chosen] / share**0.75).astype(np.float32)
    return replace(bunch, curves=bunch.curves[chosen], widths=widths, shade=bunch.shade[chosen])


def _afro(cut: Cut, roots: _Roots, person: Person, head: PosedHead, random: Random) -> _Bunch:
    """Short curls in all directions on a ball around the head."""
    roots = _spread(roots, cut.num, random)
    num = len(roots.index)
    point = roots.point + (_ball(cut, roots.point, roots.depth) - 0.01)[:, None] * roots.normal
    out = facing(point)
    direction = unit(out + np.asarray(random.normal(0, 0.75, point.shape), np.float32))
    t = np.linspace(0, 1, cut.points, dtype=np.float32)[None, :, None]
    lengths = np.asarray(cut.top * random.uniform(0.5, 1.1, (num, 1, 1)), np.float32)
    line = point[:, None] + lengths * t * direction[:, None]
    line = line + _waves(cut, line, np.broadcast_to(out[:, None], line.shape), np.arange(num), random)
    widths = cut.width * np.exp(random.normal(0, 0.35, (num, 1))) * np.ones((1, cut.points))
    return _Bunch(line.astype(np.float32), widths.astype(np.float32), _shades(num, random), "hair")


def _ball(cut: Cut, points: Floats, depth: Floats) -> Floats:
    """Height of an afro over points of the scalp: it is trimmed to a ball and begins low at the hairline."""
    ball = 0.112 + cut.layer - np.linalg.norm((points - MIDDLE) * np.array([1.12, 0.93, 1.0], np.float32), axis=-1)
    return np.asarray(np.clip(ball, 0.008, None) * np.clip(depth / 0.02, 0.12, 1) ** 0.6, np.float32)


def _follow(cut: Cut, roots: _Roots, guides: _Roots, curves: Floats, person: Person, random: Random) -> _Bunch:
    """Strands from all roots that follow the guides."""
    mine = _nearest_guides(roots.place, guides.place, 0.042 * person.hair.part if cut.comb == "parted" else None)
    num, points = len(roots.index), curves.shape[1]
    t = np.linspace(0, 1, points, dtype=np.float32)[None, :, None]
    shift = (roots.point - guides.point[mine])[:, None]
    # Strands of a lock come together towards its tip.
    together = 0.9 if cut.comb == "tie" else 0.35 if cut.end is not None else 0.22
    gather = 1 - together * t**1.5
    ragged = 1 + cut.ragged * random.uniform(-0.8, 0.4, num).astype(np.float32)
    path = resample(curves[mine], np.clip(ragged, 0.2, 1.0)) - guides.point[mine][:, None]
    depth = random.random(num).astype(np.float32)
    out = facing(path + roots.point[:, None])
    thick = cut.layer * (0.45 if cut.end is not None else 0.3)
    line = (
        roots.point[:, None] + path + shift * (gather - 1) + (thick * depth)[:, None, None] * out * np.minimum(3 * t, 1)
    )
    line += _waves(cut, line, out, mine, random)
    taper = np.clip(1.15 - t[..., 0] ** (4 if cut.end is not None else 2), 0.4, 1)
    widths = cut.width * np.exp(random.normal(0, 0.4, (num, 1))).astype(np.float32) * taper
    lock = np.random.Generator(np.random.PCG64(person.hair.seed + 1)).normal(0, 0.09, len(guides.index))[mine]
    shade = (0.68 + 0.32 * depth) * np.exp(lock + random.normal(0, 0.07, num))
    return _Bunch(line.astype(np.float32), widths.astype(np.float32), shade.astype(np.float32), "hair")


def _nearest_guides(places: Floats, guides: Floats, part: float | None) -> npt.NDArray[np.int64]:
    """The nearest guide of every root; with a parting, the nearest one on the same side of it."""
    distance = (guides**2).sum(axis=1) - 2 * places @ guides.T
    if part is not None:
        distance += 10 * ((places[:, :1] > part) != (guides[:, 0] > part))
    return np.asarray(distance.argmin(axis=1))


def _waves(cut: Cut, line: Floats, out: Floats, lock: npt.NDArray[np.int64], random: Random) -> Floats:
    """Displacements of strands (n, points, 3) by curls, and by a little disorder."""
    num, points, _ = line.shape
    t = np.linspace(0, 1, points, dtype=np.float32)[None]
    steps = np.linalg.norm(np.diff(line, axis=1), axis=2)
    travelled = np.concatenate([np.zeros((num, 1), np.float32), np.cumsum(steps, axis=1)], axis=1)
    tangent = unit(np.gradient(line, axis=1))
    side = unit(cross(tangent, out))
    frizz = random.normal(0, 1, (num, 2)).astype(np.float32)
    amount = np.minimum(travelled, 0.06) * 0.035
    bend = frizz[:, :1, None] * amount[..., None] * side + np.abs(frizz[:, 1:, None]) * amount[..., None] * out
    if cut.curl <= 0:
        return np.asarray(bend)
    # All strands of a lock wave together, locks do not.
    phases = random.uniform(0, 2 * np.pi, lock.max() + 1)[lock] + random.normal(0, 0.35, num)
    pitches = cut.pitch * np.exp(random.normal(0, 0.15, lock.max() + 1))[lock]
    angle = phases[:, None] + 2 * np.pi * travelled / pitches[:, None]
    ramp = cut.curl * np.minimum(travelled / (0.05 if cut.end is not None else 0.02), 1) * (0.75 + 0.25 * t)
    swing = np.cos(angle)[..., None] * side + (0.6 * np.sin(angle) + 0.4)[..., None] * out
    return np.asarray(bend + ramp[..., None] * swing)


def _cut_at(curves: Floats, heights: npt.NDArray[np.float64]) -> Floats:
    """Curves that end where they fall below their height."""
    points = curves.shape[1]
    below = curves[..., 2] < heights[:, None]
    below[:, :2] = False
    first = np.where(below.any(axis=1), below.argmax(axis=1), points - 1)
    rows = np.arange(len(curves))
    over, under = curves[rows, first - 1, 2] - heights, heights - curves[rows, first, 2]
    part = np.clip(over / np.maximum(over + under, 1e-6), 0, 1) * below.any(axis=1) + ~below.any(axis=1)
    return resample(curves, ((first - 1 + part) / (points - 1)).astype(np.float32))


def _empty(cut: Cut) -> _Bunch:
    return _Bunch(
        np.zeros((0, cut.points, 3), np.float32), np.zeros((0, cut.points), np.float32), np.zeros(0, np.float32), ""
    )


def _fringe(kind: str, cut: Cut, roots: _Roots, person: Person, head: PosedHead, random: Random) -> _Bunch:
    """Hair cut over the forehead."""
    x, y, z = roots.place.T
    chosen = np.flatnonzero((y < 0.04) & (np.abs(x) < 0.056) & (z > 0.055))
    front = roots.take(chosen)
    if not len(chosen):
        return _empty(cut)
    style = replace(
        cut, points=8, gravity=0.25, end=None, comb="forward", ragged=0.1, layer=0.25 * cut.layer + 0.002, width=0.0022
    )
    part = person.hair.part
    x = front.place[:, 0]
    aside = {
        "straight": 0.35 * x / 0.05,
        "swept": np.full_like(x, -0.85 if part > 0 else 0.85),
        "curtain": np.where(x > 0.02 * part, 1.1, -1.1),
    }[kind]
    along = np.stack([aside, -np.ones_like(x), 0.1 * np.ones_like(x)], axis=1).astype(np.float32)
    start = unit(unit(along) + 0.35 * front.normal)
    lengths = np.full(len(x), 0.16, np.float32)
    offsets = style.layer * random.uniform(0.5, 1.0, len(x)).astype(np.float32)
    curves = _grow(front, start, lengths, offsets, style, head, person, frame=False)
    height = {"straight": 0.032, "swept": 0.03, "curtain": 0.006}[kind] + 0.009 * random.uniform(-1, 1, len(x))
    if kind == "curtain":  # long at the sides, where it meets the rest
        height = np.where(np.abs(curves[:, -1, 0]) > 0.045, -0.03, 0.034) + 0 * height
    curves = _cut_at(curves, height)
    many = front.take(np.tile(np.arange(len(x)), 2))
    many = replace(many, point=many.point + 0.0015 * random.normal(0, 1, many.point.shape).astype(np.float32))
    bunch = _follow(style, many, front, curves, person, random)
    return replace(bunch, name="fringe")


# --- tied hair --------------------------------------------------------------------------------------------------------


def _tie_point(person: Person) -> Floats:
    """Where a ponytail or bun is tied."""
    style = person.hair.style
    if style == "braids":
        return np.array([0.0, 0.17, -0.02], np.float32)
    high = person.hair.volume > 1.05
    if style == "bun" and high:
        return np.array([0.0, 0.115, 0.125], np.float32)
    return np.array([0.0, 0.185, 0.05 if high else 0.005], np.float32)


def _cut_at_tie(curves: Floats, tie: Floats) -> Floats:
    """Curves that end at the tie: where they come closest to it."""
    closest = np.linalg.norm(curves - tie, axis=2).argmin(axis=1)
    return resample(curves, np.maximum(closest, 2).astype(np.float32) / (curves.shape[1] - 1))


def _tied(style: str, person: Person, head: PosedHead, random: Random) -> list[_Bunch]:
    """What hangs from the tie or is rolled up there."""
    if person.accessories.hat != "none" and style == "bun":
        return []
    if style == "ponytail":
        return [_tail(person, head, random)]
    if style == "bun":
        return [_bun(person, random)]
    if style == "braids":
        return [_braid(side, person, head, random) for side in (-1.0, 1.0)]
    return []


def _hang(start: Floats, direction: Floats, length: float, points: int, head: PosedHead, person: Person) -> Floats:
    """Curves (n, points, 3) that hang from points in the air."""
    num = len(start)
    none = np.zeros((num, 3), np.float32)
    roots = _Roots(np.zeros(num, np.int64), start, start, none, np.zeros(num, np.float32))
    cut = Cut(length, length, "hang", 0, 0.45, 0.01, num, 0.003, points)
    lengths, offsets = np.full(num, length, np.float32), np.full(num, 0.012, np.float32)
    return _grow(roots, unit(direction), lengths, offsets, cut, head, person, frame=False)


def _tail(person: Person, head: PosedHead, random: Random) -> _Bunch:
    num, points = 240, 14
    over_shoulder = 0.5 * np.sign(person.hair.part + 0.01) * (person.hair.wave > 0.5)
    direction = np.array([[over_shoulder, 1.0, 0.25]], np.float32)
    core = _hang(_tie_point(person)[None], direction, 0.32 * person.hair.length, points, head, person)
    t = np.linspace(0, 1, points, dtype=np.float32)
    thick = 0.006 + 0.02 * np.sin(np.pi * np.minimum(t * 1.25, 1.25)) * (1 - 0.3 * t)
    out = facing(core)
    side = unit(cross(unit(np.gradient(core, axis=1)), out))
    angle, radius = random.uniform(0, 2 * np.pi, (num, 1, 1)), np.sqrt(random.random((num, 1, 1)))
    around = radius * (np.cos(angle) * side + 0.7 * np.sin(angle) * out)
    curves = resample(
        (core + thick[:, None] * around).astype(np.float32), random.uniform(0.75, 1, num).astype(np.float32)
    )
    widths = np.tile(0.0042 * np.clip(1.1 - t**3, 0.25, 1), (num, 1)).astype(np.float32)
    return _Bunch(curves, widths, _shades(num, random), "ponytail")


def _bun(person: Person, random: Random) -> _Bunch:
    """Strands wound around a ball."""
    num, points = 320, 12
    radius = 0.034 * (0.8 + 0.3 * person.hair.length)
    tie = _tie_point(person)
    outward = unit(tie - MIDDLE)
    centre = tie + 0.6 * radius * outward
    axis = unit(random.normal(0, 0.5, (num, 3)).astype(np.float32) + outward)
    first = unit(cross(axis, random.normal(0, 1, (num, 3)).astype(np.float32)))
    second = cross(axis, first)
    angle = np.linspace(0, 3.6, points, dtype=np.float32)[None, :, None] + random.uniform(0, 6.3, (num, 1, 1))
    tilt = random.uniform(-0.75, 0.75, (num, 1, 1)).astype(np.float32)
    around = np.cos(angle) * first[:, None] + np.sin(angle) * second[:, None]
    ball = np.sqrt(1 - tilt**2) * around + tilt * axis[:, None]
    curves = centre + radius * random.uniform(0.86, 1.03, (num, 1, 1)) * ball * np.array([1, 1, 0.9])
    return _Bunch(curves.astype(np.float32), np.full((num, points), 0.0042, np.float32), _shades(num, random), "bun")


def _braid(side: float, person: Person, head: PosedHead, random: Random) -> _Bunch:
    """A braid over the shoulder: three strands that cross each other."""
    points, per_strand = 40, 26
    start = np.array([[side * 0.066, 0.095, -0.06]], np.float32)
    spine = _hang(
        start, np.array([[side * 0.5, -0.55, -0.8]], np.float32), 0.3 * person.hair.length, points, head, person
    )[0]
    tangent = unit(np.gradient(spine, axis=0))
    out = facing(spine)
    across = unit(cross(tangent, out))
    t = np.linspace(0, 1, points, dtype=np.float32)
    curves = []
    for strand in range(3):
        phase = 2 * np.pi * (9 * t + strand / 3)
        thick = 0.011 * np.clip(1.12 - t**4, 0.3, 1)[:, None]
        core = spine + thick * (np.sin(phase)[:, None] * across + 0.5 * np.sin(2 * phase)[:, None] * out)
        angle = random.uniform(0, 2 * np.pi, per_strand)[:, None, None]
        around = np.cos(angle) * across + np.sin(angle) * out
        curves.append(core + 0.6 * thick * around)
    lines = np.concatenate(curves).astype(np.float32)
    widths = np.full(lines.shape[:2], 0.0045, np.float32) * np.clip(1.1 - t**6, 0.3, 1)
    return _Bunch(lines, widths.astype(np.float32), _shades(len(lines), random), "braid")


def _shades(num: int, random: Random) -> Floats:
    return np.asarray(random.uniform(0.65, 1.05, num) * np.exp(random.normal(0, 0.1, num)), np.float32)


# --- surfaces ---------------------------------------------------------------------------------------------------------


def _cap(person: Person, head: PosedHead, cut: Cut, color: Floats, age_years: float) -> Surface:
    """A dark shell over the hairy scalp, so that no skin shows between the strands."""
    places = average_head().vertices
    recession = person.recession(age_years)
    depth = scalp_depth(places, recession=recession)
    faces = scalp().cap[(depth[scalp().cap] > 0.004).all(axis=1)]
    used, corners = np.unique(faces, return_inverse=True)
    rise = np.clip((depth[used] - 0.006) / 0.025, 0, 1)
    height = 0.001 + (0.4 if cut.comb == "out" else 0.15) * cut.layer * rise
    if person.hair_style(age_years) == "afro":
        height = 0.9 * _ball(cut, head.vertices[used], depth[used])
    points = head.vertices[used] + height[:, None] * head.normals[used]
    return Surface(
        name="hair cap",
        vertices=head.to_world(points),
        faces=corners.reshape(-1, 3).astype(np.int32),
        albedo=np.asarray(0.45 * color, np.float32),
        label=get_schema("celebamask-19").id("hair"),
        body_label=get_schema("body-20").id("hair"),
        roughness=0.9,
        specular=0.1,
    )


def _surface(bunch: _Bunch, color: Floats, person: Person, head: PosedHead, random: Random) -> Surface:
    num, points, _ = bunch.curves.shape
    out = facing(bunch.curves)
    ribbons = make_ribbons(bunch.curves, bunch.widths, out, rounding=0.5)
    t = np.linspace(0, 1, points, dtype=np.float32)[None, :, None]
    tips = person.hair.highlights * (0.25 + 0.75 * random.random((num, 1, 1)).astype(np.float32))
    # Towards the tips hair is bleached: lighter and a little warmer.
    light = 1 + tips * t * np.array([1.1, 0.95, 0.7], np.float32)
    rooted = 0.75 + 0.25 * np.minimum(2.5 * t, 1)
    colors = color * light * rooted * bunch.shade[:, None, None]
    # Only strands that run alike have a common highlight.
    straight = person.hair.style not in ("afro", "short_curls", "buzz", "long_curls", "long_wavy")
    return Surface(
        name=bunch.name,
        vertices=head.to_world(ribbons.vertices),
        faces=ribbons.faces,
        normals=head.directions(ribbons.normals),
        tangent=head.directions(ribbons.tangents),
        albedo=np.clip(Ribbons.spread(colors.astype(np.float32)), 0.004, 0.9),
        label=get_schema("celebamask-19").id("hair"),
        body_label=get_schema("body-20").id("hair"),
        roughness=0.4 if straight else 0.75,
        specular=0.32 - 0.15 * float(color.max()) if straight else 0.14,
    )
