"""Glasses, hats, earrings and necklaces, fitted to a posed body."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from limner.data.schema import get_schema
from limner.people.body import PosedBody
from limner.people.chart import average_head
from limner.people.person import Accessories, Person
from limner.people.scalp import MIDDLE, hat_band, is_ear
from limner.people.strands import unit
from limner.people.surface import Floats, Surface, cross

Ints = npt.NDArray[np.int32]


def accessory_surfaces(person: Person, body: PosedBody) -> list[Surface]:
    """All that a person wears on head and neck, labelled eye_g, hat, ear_r and neck_l."""
    worn = person.accessories
    found: list[Surface] = []
    if worn.glasses != "none":
        found += _glasses(worn, body)
    if worn.hat != "none":
        found += _hat(worn, body)
    if worn.earrings != "none":
        found += _earrings(worn, body)
    if worn.necklace != "none":
        found += _necklace(worn, body)
    return found


def lens_outlines(person: Person, body: PosedBody) -> list[Floats]:
    """Outlines (n, 3) of the lenses in the world: what is seen through them belongs to the glasses, eyes and brows do
    not. Empty without glasses."""
    if person.accessories.glasses == "none":
        return []
    return [_fit(person.accessories, body).to_world(line, body) for line in _outlines(person.accessories, body)]


# --- glasses ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Frame:
    """Shape of a pair of glasses, metres on the average head."""

    width: float
    """Half the width of a lens."""
    height: float
    """Half its height."""
    power: float
    """Of its outline |x/a|^n + |z/b|^n = 1: 2 is an ellipse, 4 nearly a rectangle."""
    thick: float
    """Radius of the frame."""
    lift: float = 0.0
    """How far the upper outer corner is drawn up."""
    taper: float = 0.0
    """How much narrower the lens is below than above, towards the nose."""
    upper: float = 1.0
    """Factor on the thickness along the upper edge; the lower edge has the rest."""


_FRAMES = {
    "round": _Frame(0.0225, 0.0215, 2.1, 0.0009),
    "square": _Frame(0.0255, 0.0185, 4.0, 0.0017, taper=0.08),
    "browline": _Frame(0.025, 0.019, 3.0, 0.0007, taper=0.12, upper=3.2),
    "cat_eye": _Frame(0.0255, 0.018, 2.8, 0.0016, lift=0.007, taper=0.15),
    "aviator": _Frame(0.0265, 0.0225, 2.5, 0.0007, taper=0.35),
    "rimless": _Frame(0.0235, 0.0165, 3.0, 0.00035, taper=0.1),
    "sunglasses": _Frame(0.0275, 0.021, 3.0, 0.0021, lift=0.002, taper=0.15),
}


@dataclass(frozen=True)
class _Fit:
    """Where glasses sit on a head."""

    scale: float
    front: float
    """Of the bridge of the nose: y in the head's frame, metres."""

    def to_world(self, points: Floats, body: PosedBody) -> Floats:
        """From the plane of the glasses (in units of the average head, y = 0 at the bridge) to the world."""
        return body.head.to_world(points * self.scale + np.array([0, self.front, 0], np.float32))


def _fit(worn: Accessories, body: PosedBody) -> _Fit:
    local = body.head.to_local(body.part("head").vertices)
    apart = float(np.linalg.norm(body.eyes["l"].centre - body.eyes["r"].centre))
    bridge = local[_marks().bridge]
    lids = local[_marks().lids]
    front = min(float(bridge[:, 1].min()) + 0.002, float(lids[:, 1].min()) - 0.007)
    return _Fit(apart / 0.0628, front)


def _outlines(worn: Accessories, body: PosedBody) -> list[Floats]:
    """Both lenses' outlines (n, 3), the subject's left first, counter-clockwise as seen from the front."""
    frame = _FRAMES[worn.glasses]
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    cosine, sine = np.cos(angle), np.sin(angle)
    x = np.sign(cosine) * np.abs(cosine) ** (2 / frame.power)
    z = np.sign(sine) * np.abs(sine) ** (2 / frame.power)
    lens_x = frame.width * x * (1 - 0.5 * frame.taper * (1 - z) * (0.35 + 0.65 * (x < 0)))
    lens_z = frame.height * z + frame.lift * np.clip(x, 0, 1) ** 2 * np.clip(0.4 + z, 0, 1)
    middle = max(0.0325, frame.width + 0.0085)
    left = np.stack([middle + lens_x, np.zeros_like(x), -0.004 + lens_z], axis=1)
    left[:, 1] = 4.5 * left[:, 0] ** 2  # they curve around the face
    left[:, 1] -= 0.12 * (left[:, 2] + 0.004) + 0.002  # and lean forward at the top
    return [left.astype(np.float32), (left * np.array([-1, 1, 1]))[::-1].astype(np.float32)]


def _glasses(worn: Accessories, body: PosedBody) -> list[Surface]:
    frame, fit = _FRAMES[worn.glasses], _fit(worn, body)
    lines = _outlines(worn, body)
    dark = worn.glasses == "sunglasses"
    wire = worn.glasses in ("round", "aviator", "rimless")
    color = np.asarray(worn.metal if wire else worn.frame_color, np.float32) * (0.6 if wire else 1.0)
    tubes = []
    for line in lines:
        height = (line[:, 2] + 0.004) / frame.height
        thick = frame.thick * np.where(height > 0.15, frame.upper, 1.0)
        tubes.append(_tube(fit.to_world(line, body), thick * fit.scale, closed=True))
    inner = [line[np.abs(line[:, 0]).argmin()] for line in lines]
    t = np.linspace(0, 1, 9)[:, None]
    bridge = inner[0] * (1 - t) + inner[1] * t
    bridge = bridge + np.array([0, -0.003, 0.006]) * 4 * t * (1 - t)
    tubes.append(_tube(fit.to_world(bridge.astype(np.float32), body), np.full(9, max(frame.thick, 0.0008) * fit.scale)))
    for line, side in zip(lines, "lr", strict=True):
        hinge = line[np.abs(line[:, 0]).argmax()]
        corner = hinge + np.array([0, 0, 0.35 * frame.height])
        tubes.append(_temple(fit.to_world(corner[None].astype(np.float32), body)[0], side, frame, fit, body))
    schema, body_schema = get_schema("celebamask-19"), get_schema("body-20")
    label, body_label = schema.id("eye_g"), body_schema.id("glasses")
    vertices, faces = _joined(tubes)
    found = [
        Surface(
            name="glasses",
            vertices=vertices,
            faces=faces,
            albedo=color,
            label=label,
            body_label=body_label,
            roughness=0.25,
            specular=2.5 if wire else 1.0,
        )
    ]
    if not dark:  # clear glass shows nothing at this size; `lens_outlines` labels it
        return found
    for side, line in zip("lr", lines, strict=True):
        points, triangles = _disc(fit.to_world(line, body))
        found.append(
            Surface(
                name=f"{side}-lens",
                vertices=points,
                faces=triangles,
                albedo=np.array([0.012, 0.012, 0.014], np.float32),
                label=label,
                body_label=body_label,
                roughness=0.08,
            )
        )
    return found


def _temple(hinge: Floats, side: str, frame: _Frame, fit: _Fit, body: PosedBody) -> tuple[Floats, Ints]:
    """The arm from the lens to behind the ear."""
    marks = _marks()
    local = body.head.to_local(body.part("head").vertices)
    sign = 1.0 if side == "l" else -1.0
    start = body.head.to_local(hinge)
    ear = local[marks.ear_tops[side]]
    # Beside the head, not through it.
    wide = max(np.abs(local[marks.temples[side], 0]).max() + 0.002, abs(start[0]))
    bend = np.array([sign * wide, start[1] + 0.014, start[2]])
    rest = np.array([sign * max(abs(ear[0]) - 0.004, 0.9 * wide), ear[1] - 0.006, ear[2] - 0.001])
    hook = rest + np.array([sign * -0.004, 0.02, -0.022])
    t = np.linspace(0, 1, 8)[:, None]
    line = np.concatenate([start[None], bend + t * (rest - bend), hook[None]])
    thick = np.full(len(line), max(frame.thick, 0.0008) * 0.9 * fit.scale)
    return _tube(body.head.to_world(line.astype(np.float32)), thick)


# --- hats -------------------------------------------------------------------------------------------------------------


Profile = list[tuple[float, float, float]]

# Surfaces of each hat: name, profile as in `_Dome.crown`, lean.
_HATS: dict[str, list[tuple[str, Profile, float]]] = {
    "beanie": [
        (
            "hat",
            [
                (0, 1.03, 0),
                (0.3, 1.03, 0),
                (0.65, 0.92, 0),
                (1, 0.7, 0),
                (1.25, 0.45, 0),
                (1.4, 0.2, 0),
                (1.42, 0.01, 0),
            ],
            0.0,
        ),
        (
            "hat fold",
            [(-0.14, 1.01, 0), (-0.13, 1.03, 0.002), (0.06, 1.055, 0.003), (0.2, 1.05, 0.003), (0.24, 1, 0)],
            0.0,
        ),
    ],
    "cap": [
        (
            "hat",
            [
                (0, 1.04, 0),
                (0.3, 1.04, 0),
                (0.58, 0.93, 0),
                (0.84, 0.72, 0),
                (1.02, 0.44, 0),
                (1.1, 0.2, 0),
                (1.12, 0.01, 0),
            ],
            0.0,
        ),
    ],
    "brim": [
        ("hat", [(0, 1.05, 0), (0.5, 1, 0), (1.1, 0.9, 0), (1.24, 0.76, 0), (1.18, 0.3, 0), (1.14, 0.01, 0)], 0.0),
        ("hat ribbon", [(0, 1.065, 0), (0.26, 1.045, 0)], 0.0),
        ("brim", [(0.02, 1.03, 0), (-0.02, 1.25, 0), (-0.01, 1.5, 0), (0.05, 1.68, 0)], 0.0),
    ],
    "beret": [
        (
            "hat",
            [(0, 1.04, 0), (0.12, 1.14, 0), (0.42, 1.34, 0), (0.66, 1.15, 0), (0.86, 0.5, 0), (0.88, 0.01, 0)],
            0.22,
        ),
    ],
}


def _hat(worn: Accessories, body: PosedBody) -> list[Surface]:
    dome = _Dome(body)
    color, accent = np.asarray(worn.hat_color, np.float32), np.asarray(worn.hat_accent, np.float32)
    pieces: list[tuple[str, tuple[Floats, Ints], Floats]] = []
    for name, profile, lean in _HATS[worn.hat]:
        shade = accent if name == "hat ribbon" else 0.85 * color if name == "hat fold" else color
        pieces.append((name, dome.crown(profile, lean=lean), shade))
    if worn.hat == "cap":
        pieces.append(("visor", dome.visor(0.072), accent if worn.earring_size > 1.1 else color))
    schema = get_schema("celebamask-19")
    return [
        Surface(
            name=name,
            vertices=points,
            faces=faces,
            albedo=np.clip(shade, 0.008, 0.9).astype(np.float32),
            label=schema.id("hat"),
            body_label=get_schema("body-20").id("hat"),
            roughness=0.9,
            specular=0.3,
            sheen=0.4 if worn.hat in ("beanie", "beret") else 0.1,
        )
        for name, (points, faces), shade in pieces
    ]


class _Dome:
    """The upper part of a head, as hats see it: the outline at the hat's band and the height of the crown."""

    SEGMENTS = 48

    def __init__(self, body: PosedBody) -> None:
        self._frame = body.head
        local = body.head.to_local(body.part("head").vertices)
        marks = _marks()
        self._scale = float(np.linalg.norm(body.eyes["l"].centre - body.eyes["r"].centre)) / 0.0628
        azimuth = np.linspace(0, 2 * np.pi, self.SEGMENTS, endpoint=False)
        self._around = np.stack([np.sin(azimuth), -np.cos(azimuth), np.zeros_like(azimuth)], axis=1)
        ring = local[marks.band]
        self._middle = np.array([0.0, (ring[:, 1].min() + ring[:, 1].max()) / 2, 0.0])
        # The outline is smooth: the farthest vertex in the direction of each segment, of an egg-shaped ring.
        across = (ring - self._middle)[:, :2] @ self._around[:, :2].T
        self._radius = self._support_radius(across.max(axis=0)) + 0.004 * self._scale
        height = hat_band(self._middle[1] + self._radius * self._around[:, 1])
        self._band = height * self._scale
        self._top = local[:, 2].max() + 0.008 * self._scale - self._band.mean()

    def _support_radius(self, support: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Radius of the curve whose farthest points in all directions are `support`."""
        slope = (np.roll(support, -1) - np.roll(support, 1)) / (4 * np.pi / self.SEGMENTS)
        return np.asarray(np.hypot(support, slope))

    def crown(self, profile: Profile, *, lean: float = 0.0) -> tuple[Floats, Ints]:
        """A surface around the head.

        Args:
            profile: from below to the top: height over the band (1 = the crown of the head), factor on the outline and
                metres added to it.
            lean: how far it sinks towards the subject's right, as a share of its height.
        """
        heights, factors, added = np.array(_refined(profile)).T
        radius = factors[:, None] * self._radius + added[:, None]
        ring = self._middle + radius[..., None] * self._around
        lift = heights[:, None] * self._top
        side = np.clip(-self._around[:, 0], -1, 1) * lean * np.clip(lift, 0, None)
        ring[..., 2] = self._band * np.clip(1.6 - np.abs(heights[:, None]), 0.6, 1) + lift - side
        points = ring.reshape(-1, 3).astype(np.float32)
        return self._frame.to_world(points), _grid_faces(len(heights), self.SEGMENTS, closed=True)

    def visor(self, reach: float) -> tuple[Floats, Ints]:
        """The shade of a cap: two sheets over the forehead."""
        count = 17
        azimuth = np.linspace(-1.05, 1.05, count)
        inner = np.interp(
            azimuth,
            np.linspace(-np.pi, np.pi, self.SEGMENTS + 1),
            np.append(np.roll(self._radius, self.SEGMENTS // 2), self._radius[self.SEGMENTS // 2]),
        )
        band = np.interp(
            azimuth,
            np.linspace(-np.pi, np.pi, self.SEGMENTS + 1),
            np.append(np.roll(self._band, self.SEGMENTS // 2), self._band[self.SEGMENTS // 2]),
        )
        steps = np.linspace(0, 1, 6)
        length = reach * self._scale * np.cos(azimuth / 1.05 * 1.35) ** 0.7
        rows = []
        for step in steps:
            radius = inner * 1.03
            x, y = radius * np.sin(azimuth), -radius * np.cos(azimuth) - step * length
            droop = 0.008 + 0.012 * step + 0.022 * np.abs(azimuth / 1.05) ** 2 * (0.4 + 0.6 * step)
            rows.append(np.stack([x, y + self._middle[1], band + 0.012 - droop], axis=1))
        sheet = np.concatenate(rows)
        under = sheet - np.array([0, 0, 0.0025])
        faces = _grid_faces(len(steps), count, closed=False)
        points = np.concatenate([sheet, under]).astype(np.float32)
        return self._frame.to_world(points), np.concatenate([faces, faces[:, ::-1] + len(sheet)]).astype(np.int32)


def _refined(profile: Profile) -> npt.NDArray[np.float64]:
    """More points along a profile, on a smooth curve (Catmull-Rom) through the given ones."""
    points = np.array(profile, np.float64)
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    rows = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        t = np.linspace(0, 1, 4, endpoint=False)[:, None]
        rows.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - 3 * c + d - a) * t**3))
    return np.concatenate([*rows, points[-1:]])


# --- jewellery --------------------------------------------------------------------------------------------------------


def _earrings(worn: Accessories, body: PosedBody) -> list[Surface]:
    head = body.part("head")
    size = worn.earring_size * float(np.linalg.norm(body.eyes["l"].centre - body.eyes["r"].centre)) / 0.0628
    metal, gem = np.asarray(worn.metal, np.float32), np.asarray(worn.gem, np.float32)
    down = np.array([0.0, 0.0, -1.0], np.float32)
    found = []
    for side in "lr":
        lobe = head.vertices[_marks().lobes[side]] + 0.0035 * size * down
        out = body.head.axes[0] * (1.0 if side == "l" else -1.0)
        lobe = lobe + 0.002 * out
        if worn.earrings == "stud":
            pieces = [(_ball(lobe - 0.006 * down * size, 0.0036 * size), gem)]
        elif worn.earrings == "hoop":
            radius = 0.016 * size
            angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
            plane = unit(0.85 * body.head.axes[1] + 0.5 * out)
            ring = lobe + radius * (down + np.sin(angle)[:, None] * plane - np.cos(angle)[:, None] * down)
            pieces = [(_tube(ring.astype(np.float32), np.full(28, 0.0013 * size), closed=True), metal)]
        else:
            hook = np.stack([lobe, lobe + 0.016 * size * down])
            pieces = [
                (_tube(hook.astype(np.float32), np.full(2, 0.0008 * size)), metal),
                (_ball(lobe + 0.024 * size * down, 0.006 * size, tall=1.7), gem),
            ]
        for (points, faces), color in pieces:
            found.append(_jewel(f"{side}-earring", points, faces, color, "ear_r", "face"))
    return found


def _necklace(worn: Accessories, body: PosedBody) -> list[Surface]:
    line = _neckline(body, drop={"chain": 0.055, "pendant": 0.085, "beads": 0.035}[worn.necklace])
    metal, gem = np.asarray(worn.metal, np.float32), np.asarray(worn.gem, np.float32)
    if worn.necklace == "beads":
        steps = np.linalg.norm(np.diff(line, axis=0, append=line[:1]), axis=1)
        count = int(steps.sum() / 0.0095)
        place = np.interp(
            np.arange(count) / count, np.append(0, np.cumsum(steps)) / steps.sum(), np.arange(len(line) + 1)
        )
        closed = np.concatenate([line, line[:1]])
        low = place.astype(int)
        centres = closed[low] + (place - low)[:, None] * (closed[low + 1] - closed[low])
        points, faces = _joined([_ball(centre.astype(np.float32), 0.0046) for centre in centres])
        return [_jewel("necklace", points, faces, gem, "neck_l", "torso_skin")]
    chain, faces = _tube(line, np.full(len(line), 0.0014), closed=True)
    found = [_jewel("necklace", chain, faces, metal, "neck_l", "torso_skin")]
    if worn.necklace == "pendant":
        front = line[line[:, 1].argmin()]
        points, faces = _ball((front + np.array([0, -0.003, -0.008])).astype(np.float32), 0.007, tall=1.4)
        found.append(_jewel("pendant", points, faces, gem, "neck_l", "torso_skin"))
    return found


def _neckline(body: PosedBody, *, drop: float) -> Floats:
    """A loop (n, 3) around the neck that lies on the shoulders and hangs `drop` metres below the pit of the throat."""
    neck = body.joints["neck01"].origin
    points = np.concatenate([body.part("body").vertices, body.part("head").vertices])
    points = points[np.abs(points - neck).max(axis=1) < 0.2]
    angle = np.linspace(-np.pi, np.pi, 72, endpoint=False)
    front = 0.5 + 0.5 * np.cos(angle)
    height = neck[2] + 0.035 - (0.06 + drop) * front**2.2
    offset = points - neck
    azimuth = np.arctan2(offset[:, 0], -offset[:, 1])
    radius = np.hypot(offset[:, 0], offset[:, 1])
    found = np.empty(len(angle))
    for index, (a, z) in enumerate(zip(angle, height, strict=True)):
        turn = np.abs((azimuth - a + np.pi) % (2 * np.pi) - np.pi)
        near = turn / 0.22 + np.abs(points[:, 2] - z) / 0.014
        nearest = np.argpartition(near, 4)[:4]
        found[index] = np.average(radius[nearest], weights=1 / (near[nearest] + 0.05))
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    smooth = np.convolve(np.concatenate([found[-2:], found, found[:2]]), kernel, "valid") + 0.004
    line = np.stack([neck[0] + smooth * np.sin(angle), neck[1] - smooth * np.cos(angle), height], axis=1)
    return line.astype(np.float32)


def _jewel(name: str, points: Floats, faces: Ints, color: Floats, label: str, body_label: str) -> Surface:
    return Surface(
        name=name,
        vertices=points,
        faces=faces,
        albedo=np.clip(color, 0.01, 0.95),
        label=get_schema("celebamask-19").id(label),
        body_label=get_schema("body-20").id(body_label),
        roughness=0.22,
        specular=3.0,
    )


# --- meshes -----------------------------------------------------------------------------------------------------------


def _tube(line: Floats, radii: npt.NDArray[np.float64], *, closed: bool = False, sides: int = 6) -> tuple[Floats, Ints]:
    """A tube along points (n, 3)."""
    tangent = unit(np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0) if closed else np.gradient(line, axis=0))
    helper = np.where(np.abs(tangent[:, 1:2]) < 0.9, (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    first = unit(cross(tangent, helper))
    second = cross(tangent, first)
    angle = np.arange(sides) * (2 * np.pi / sides)
    around = np.cos(angle)[None, :, None] * first[:, None] + np.sin(angle)[None, :, None] * second[:, None]
    points = line[:, None] + radii[:, None, None] * around
    faces = _grid_faces(len(line), sides, closed=True)
    if closed:
        last = (len(line) - 1) * sides
        a, b = np.arange(sides) + last, (np.arange(sides) + 1) % sides + last
        c, d = np.arange(sides), (np.arange(sides) + 1) % sides
        faces = np.concatenate([faces, np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)])
    return points.reshape(-1, 3).astype(np.float32), faces.astype(np.int32)


def _grid_faces(rows: int, columns: int, *, closed: bool) -> Ints:
    """Triangles of a grid of vertices; `closed` joins the last column to the first. Outside is on the side that sees
    the columns run to the right when rows run upwards."""
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    a = row * columns + column
    b = row * columns + (column + 1) % columns
    return np.stack([a, b, b + columns, a, b + columns, a + columns], axis=-1).reshape(-1, 3).astype(np.int32)


def _disc(outline: Floats) -> tuple[Floats, Ints]:
    """The surface inside an outline (n, 3): a fan around its middle."""
    number = np.arange(len(outline))
    faces = np.stack([np.full_like(number, len(outline)), number, np.roll(number, -1)], axis=1)
    return np.concatenate([outline, outline.mean(axis=0, keepdims=True)]), faces.astype(np.int32)


def _ball(centre: Floats, radius: float, *, tall: float = 1.0) -> tuple[Floats, Ints]:
    rows, columns = 7, 10
    polar = np.repeat(np.linspace(-np.pi / 2, np.pi / 2, rows), columns)
    around = np.tile(np.arange(columns) * (2 * np.pi / columns), rows)
    unit_ball = np.stack([np.cos(polar) * np.cos(around), np.cos(polar) * np.sin(around), tall * np.sin(polar)], axis=1)
    return (centre + radius * unit_ball).astype(np.float32), _grid_faces(rows, columns, closed=True)


def _joined(meshes: list[tuple[Floats, Ints]]) -> tuple[Floats, Ints]:
    starts = np.cumsum([0, *(len(points) for points, _ in meshes)])
    faces = [faces + start for (_, faces), start in zip(meshes, starts, strict=False)]
    return np.concatenate([points for points, _ in meshes]), np.concatenate(faces).astype(np.int32)


@dataclass(frozen=True, eq=False)
class _Marks:
    """Vertices of the head that things are fitted to."""

    bridge: npt.NDArray[np.int64]
    lids: npt.NDArray[np.int64]
    band: npt.NDArray[np.int64]
    ear_tops: dict[str, int]
    lobes: dict[str, int]
    temples: dict[str, npt.NDArray[np.int64]]


@lru_cache(maxsize=1)
def _marks() -> _Marks:
    points = average_head().vertices
    x, y, z = points.T
    outside = np.linalg.norm(points - MIDDLE, axis=1) > 0.06
    ears = is_ear(points)
    tops, lobes, temples = {}, {}, {}
    for side, sign in (("l", 1), ("r", -1)):
        ear = np.flatnonzero(ears & (sign * x > 0))
        tops[side] = int(ear[np.argmax(z[ear] - 0.3 * y[ear])])
        lobes[side] = int(ear[np.argmin(z[ear] + 0.2 * y[ear])])
        temples[side] = np.flatnonzero(
            (sign * x > 0.05) & (y > -0.005) & (y < 0.06) & (np.abs(z - 0.005) < 0.02) & ~ears
        )
    return _Marks(
        bridge=np.flatnonzero((np.abs(x) < 0.006) & (np.abs(z - 0.004) < 0.006) & (y < 0)),
        lids=np.flatnonzero((np.abs(np.abs(x) - 0.031) < 0.014) & (np.abs(z) < 0.012) & (y < 0) & outside),
        band=np.flatnonzero((np.abs(z - hat_band(y)) < 0.014) & outside & ~ears),
        ear_tops=tops,
        lobes=lobes,
        temples=temples,
    )
