"""Garments and shoes as surfaces: cut out of the body with `limner.people.cloth`, lifted, coloured and labelled.

Lengths are metres; places on the average adult are in the frame between the eyes (x left, y back, z up).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from limner.data.schema import get_schema
from limner.people.body import PosedBody
from limner.people.cloth import (
    Drape,
    Ints,
    Piece,
    along_arm,
    armhole,
    below,
    clip,
    high_neck,
    opening,
    oval,
    region,
    rest,
    side,
    union,
    unrolled,
    whole,
)
from limner.people.dice import mix, scaled
from limner.people.person import Garment, Person
from limner.people.record import Color
from limner.people.surface import Floats, Surface

CLOTH = get_schema("celebamask-19").id("cloth")
BODY = get_schema("body-20")
HEAD = -0.128
"""Height of a plane at the side of the neck above which all is head."""
SEAM = 0.168
"""Where sleeves are sewn on, from the middle."""
SHIRT_HEM, COAT_HEM, TUCKED_HEM = -0.745, -0.79, -0.64
"""Heights of hems; a tucked shirt ends below the waist of the trousers."""
PORTRAIT_HEM, PORTRAIT_SLEEVE = -0.46, 0.24
"""Where a top is cut off that only its upper part is seen of, far below the picture; and how long its sleeves are."""
COLLAR_HEM = -0.40
"""Lowest height of what is around the neck."""
WAIST, KNEE_HEM, ANKLE_HEM = -0.60, -1.10, -1.60
LONG, SHORT = 0.50, 0.17
"""Lengths of sleeves from the shoulder joint."""
STATIONS, SECTION = 18, 16
"""Sections of a shoe from heel to toe, and steps around each."""
RINGS, SPOKES = 24, 64
"""Rings of a skirt from waist to hem, and steps around each."""
TILE = 32
"""Texels along one repeat of a pattern."""


@dataclass(frozen=True)
class Neck:
    """A neckline: an oval seen from above, joined with a V in front."""

    width: float
    """From the middle to the side, on the shoulder."""
    front: float
    back: float
    """Foremost and rearmost y."""
    bottom: float = 0.0
    """Height of the lowest point of the V; 0: none."""

    def fields(self) -> list[Floats]:
        """Signed distances (P,): where one of them is positive there is no cloth."""
        found = [high_neck(HEAD, slope=1.0), oval(self.width, self.front, self.back)]
        return [*found, opening(1.12 * self.width, self.bottom)] if self.bottom else found


@dataclass(frozen=True)
class HighNeck:
    """The upper end of a turtleneck."""

    height: float
    """At the side of the neck."""

    def fields(self) -> list[Floats]:
        """Signed distances (P,): where one of them is positive there is no cloth."""
        return [high_neck(self.height, slope=0.4)]


CREW = Neck(0.074, 0.043, 0.180)
HIGH_CREW = Neck(0.069, 0.048, 0.172)
V_NECK = Neck(0.068, 0.046, 0.176, bottom=-0.295)
SCOOP = Neck(0.098, 0.020, 0.192)
BUTTONED = Neck(0.063, 0.056, 0.168)
OPEN = Neck(0.064, 0.046, 0.168, bottom=-0.262)
LAPELS = Neck(0.074, 0.046, 0.174, bottom=-0.475)


@dataclass(frozen=True, eq=False)
class Panel:
    """A piece of a garment with what a draw needs; made once for all people."""

    piece: Piece
    uv: Floats
    """(n, 2) metres along the cloth: around, and up or along the arm."""
    places: Floats
    """(n, 3) on the average adult."""


@lru_cache(maxsize=64)
def trunk(neck: Neck | HighNeck, hem: float, seam: float = SEAM) -> Panel:
    """Front and back of a top, from the neckline to the hem."""
    return _around_trunk(clip(whole(), armhole(seam), below(hem), *neck.fields()))


@lru_cache(maxsize=64)
def neckband(neck: Neck | HighNeck, width: float) -> Panel:
    """The part of the trunk that is closer to the neckline than `width`: bands and ribs."""
    left, found = trunk(neck, PORTRAIT_HEM).piece, []
    for field in neck.fields()[-2:]:
        inner = field + np.float32(width)
        found.append(clip(left, -inner))
        left = clip(left, inner)
    return _around_trunk(union(*found))


@lru_cache(maxsize=16)
def sleeve(sign: int, length: float) -> Panel:
    """A sleeve; `sign` 1 is the subject's left."""
    piece = clip(whole(), -armhole(SEAM), side(sign), along_arm() - np.float32(length))
    piece, angle = _around_limb(piece, sign, "upperarm01", "lowerarm01", "wrist")
    return Panel(piece, np.stack([0.05 * angle, piece.mix(along_arm())], axis=1), piece.mix(rest().points))


@lru_cache(maxsize=32)
def leg(sign: int, top: float, hem: float) -> Panel:
    """One half of trousers between two heights; `sign` 1 is the subject's left."""
    piece = clip(whole(), armhole(SEAM), -below(top), below(hem), side(sign))
    piece, angle = _around_limb(piece, sign, "upperleg01", "lowerleg01", "foot")
    places = piece.mix(rest().points)
    return Panel(piece, np.stack([0.08 * angle, places[:, 2]], axis=1), places)


@lru_cache(maxsize=8)
def collar(neck: Neck, width: float) -> Panel:
    """A collar folded down around a neckline, `width` to its edge behind; its points spread in front."""
    x, y, z = rest().points.T
    edge = oval(neck.width + width, neck.front - 0.65 * width, neck.back + 0.7 * width)
    spread = np.where(y < 0.1, 0.004 + 0.62 * (-0.197 - z) - np.abs(x), -0.1).astype(np.float32)
    fields = [opening(1.12 * neck.width, neck.bottom)] if neck.bottom else []
    return _around_trunk(clip(whole(), high_neck(HEAD - 0.005, slope=0.4), below(COLLAR_HEM), -edge, spread, *fields))


@lru_cache(maxsize=2)
def lapels(hem: float) -> Panel:
    """What is folded back along the opening of a blazer."""
    x, _, z = rest().points.T
    notch = (z + 0.2 + 0.25 * (np.abs(x) - 0.05)).astype(np.float32)
    return _around_trunk(clip(trunk(LAPELS, hem).piece, -opening(0.165, LAPELS.bottom), notch))


@lru_cache(maxsize=4)
def shirt_front(neck: Neck, hem: float) -> Panel:
    """What a blazer leaves of the shirt below it."""
    return _around_trunk(clip(trunk(neck, hem).piece, -opening(1.12 * LAPELS.width + 0.03, LAPELS.bottom - 0.05)))


@lru_cache(maxsize=4)
def middle_strip(top: float, bottom: float, upper: float, lower: float) -> Panel:
    """A strip down the front, `upper` and `lower` wide at its ends: plackets and ties."""
    x, y, z = rest().points.T
    half = 0.5 * (upper + (lower - upper) * np.clip((top - z) / (top - bottom), 0, 1))
    edges = np.abs(x) - half + 10 * np.maximum(y - 0.09, 0)
    return _around_trunk(clip(whole(), -below(top), below(bottom), edges.astype(np.float32)))


@lru_cache(maxsize=1)
def hood() -> tuple[Panel, Floats]:
    """A hood that lies around the neck, and how far across it each corner is: 0 and 1 at its edges."""
    inner, outer = oval(0.067, 0.048, 0.170), oval(0.132, 0.010, 0.250)
    panel = _around_trunk(clip(whole(), high_neck(HEAD, slope=1.0), below(COLLAR_HEM), inner, -outer))
    within, beyond = -panel.piece.mix(inner), panel.piece.mix(outer)
    return panel, np.clip(within / np.maximum(within + beyond, 1e-6), 0, 1)


def _around_trunk(piece: Piece) -> Panel:
    places = piece.mix(rest().points)
    piece, angle = unrolled(piece, np.arctan2(places[:, 0], 0.115 - places[:, 1]))
    places = piece.mix(rest().points)
    return Panel(piece, np.stack([0.16 * angle, places[:, 2]], axis=1), places)


def _around_limb(piece: Piece, sign: int, *joints: str) -> tuple[Piece, Floats]:
    """A piece unrolled around the lines between three joints, and the angle of its corners, 0 behind."""
    start, middle, end = (rest().joints[f"{name}.{'L' if sign > 0 else 'R'}"] for name in joints)
    axes = [(to - origin) / np.linalg.norm(to - origin) for origin, to in ((start, middle), (middle, end))]
    places = piece.mix(rest().points) - middle
    backward = np.array([0.0, 1.0, 0.0])
    angles = [np.arctan2(places @ np.cross(axis, backward), places @ (backward - axis * axis[1])) for axis in axes]
    return unrolled(piece, np.where(places @ (axes[0] + axes[1]) > 0, angles[1], angles[0]).astype(np.float32))


@dataclass(frozen=True)
class Fit:
    """How a garment sits, and its cloth."""

    lift: float = 0.006
    """Above the smoothed skin."""
    loose: float = 0.012
    """More around waist, lower sleeves and legs."""
    flare: float = 0.0
    """More towards the hem of a top, so that it hangs over what is worn below."""
    folds: float = 0.003
    """Height of folds."""
    roughness: float = 0.85
    sheen: float = 0.15


WOOL = Fit(lift=0.010, loose=0.020, folds=0.004, roughness=0.95, sheen=0.4)
COAT = Fit(lift=0.014, loose=0.014, flare=0.014, folds=0.002, roughness=0.9, sheen=0.2)
_FITS = {
    "tank_top": Fit(lift=0.004, loose=0.008),
    "sweater": WOOL,
    "hoodie": WOOL,
    "turtleneck": Fit(roughness=0.95, sheen=0.35),
    "shirt": Fit(folds=0.004),
    "trousers": Fit(lift=0.010, loose=0.020, folds=0.0025),
    "jeans": Fit(lift=0.009, loose=0.009, folds=0.002, roughness=0.95),
    "shorts": Fit(lift=0.012, loose=0.030, folds=0.003),
    "leggings": Fit(lift=0.004, loose=0.0, folds=0.001, roughness=0.6, sheen=0.1),
}


class _Dresser:
    """Lays panels over one posed body."""

    def __init__(self, body: PosedBody, garment: Garment, label: str, panels: list[Panel], fit: Fit) -> None:
        self._drape = Drape(body, region(*(panel.piece for panel in panels)), steps=12)
        self._garment, self._label, self._fit = garment, label, fit
        self._phases = np.random.Generator(np.random.PCG64(garment.seed)).random((6, 2))

    def lay(
        self,
        name: str,
        panel: Panel,
        *,
        color: Color | Floats | None = None,
        more: float | Floats = 0.0,
        fit: Fit | None = None,
        label: str | None = None,
    ) -> Surface:
        """One panel as a surface, `more` metres above the others; with a colour of its own it has no pattern."""
        fit = fit or self._fit
        lift = fit.lift + fit.loose * _looseness(panel.places) + fit.folds * self._folds(panel.places) + more
        lift += fit.flare * np.clip((-0.50 - panel.places[:, 2]) / 0.1, 0, 1)
        vertices = self._drape.place(panel.piece, np.maximum(lift, 0.003))
        patterned = color is None and self._garment.pattern != "plain"
        color = self._garment.color if color is None else color
        return Surface(
            name=name,
            vertices=vertices,
            faces=panel.piece.faces,
            uv=panel.uv / np.float32(self._garment.pattern_size) if patterned else None,
            albedo=pattern_tile(self._garment) if patterned else _float32(color),
            label=CLOTH,
            body_label=BODY.id(label or self._label),
            roughness=fit.roughness,
            specular=0.4,
            sheen=fit.sheen,
        )

    def _folds(self, places: Floats) -> Floats:
        """Waves in -1..1 that run aslant, weak on the shoulders."""
        total = np.zeros(len(places), np.float32)
        for number, (phase, turn) in enumerate(self._phases):
            angle = (turn - 0.5) * 1.6 + (0.5 * np.pi if number < 4 else 0)
            direction = np.array([np.cos(angle), 0.4 * np.cos(angle), np.sin(angle)])
            total += np.sin(places @ direction * (40 + 14 * number) + 2 * np.pi * phase).astype(np.float32)
        return np.asarray(total / 3 * np.clip((-0.2 - places[:, 2]) / 0.25, 0.15, 1), np.float32)


def _looseness(places: Floats) -> Floats:
    """0..1 at places on the average adult: most around the waist and at the ends of sleeves and trouser legs."""
    x, _, z = np.abs(places).T
    waist = np.exp(-(((z - 0.52) / 0.13) ** 2)) * (x < 0.2)
    arm = np.clip((x - SEAM) / 0.12, 0, 1) * (z < 0.65)
    legs = np.clip((z - 0.80) / 0.6, 0, 1)
    return np.asarray(np.maximum(waist, np.maximum(arm, legs)), np.float32)


def pattern_tile(garment: Garment) -> Floats:
    """One repeat (TILE, TILE, 3) of a garment's pattern, linear RGB."""
    row, column = np.mgrid[:TILE, :TILE] / TILE
    if garment.pattern == "stripes":
        share = (row < 0.45).astype(float)
    elif garment.pattern == "checks":
        share = 0.5 * (row < 0.4) + 0.5 * (column < 0.4)
    else:
        share = (np.hypot(row - 0.5, column - 0.5) < 0.27).astype(float)
    color, accent = _float32(garment.color), _float32(garment.accent)
    return _float32(color + (accent - color) * share[..., None])


def _float32(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, np.float32)


def garment_surfaces(person: Person, body: PosedBody, *, portrait: bool = False) -> list[Surface]:
    """All that a person wears on trunk, legs and feet; for a `portrait` only what covers shoulders and chest."""
    tucked = person.top.kind in ("shirt", "tank_top", "turtleneck", "t_shirt", "v_neck") and (
        person.top.seed % 3 == 0 or person.bottom.kind == "skirt"
    )
    found = top_surfaces(person.top, body, tucked=tucked, portrait=portrait)
    if portrait:
        return found
    if person.top.kind != "dress":
        found += bottom_surfaces(person.bottom, body)
    return [*found, *shoe_surfaces(person.shoes, body)]


def top_surfaces(garment: Garment, body: PosedBody, *, tucked: bool = False, portrait: bool = False) -> list[Surface]:
    """What is worn on the trunk, for a `portrait` cut off below the chest."""
    fit = _FITS.get(garment.kind, Fit())
    fit = replace(fit, loose=0.5 * fit.loose) if tucked else replace(fit, flare=0.016)
    hem = PORTRAIT_HEM if portrait else TUCKED_HEM if tucked else SHIRT_HEM
    if garment.kind == "shirt":
        return _shirt(garment, body, hem, fit)
    if garment.kind == "blazer":
        return _blazer(garment, body, PORTRAIT_HEM if portrait else COAT_HEM)
    if garment.kind == "dress":
        return _dress(garment, body, portrait=portrait)
    return _jersey(garment, body, hem, fit)


def _sleeves(hem: float, length: float = LONG) -> list[Panel]:
    """Both sleeves of a top that ends at `hem`."""
    length = min(length, PORTRAIT_SLEEVE) if hem == PORTRAIT_HEM else length
    return [sleeve(sign, length) for sign in (1, -1)]


_NECKS: dict[str, Neck | HighNeck] = {
    "t_shirt": CREW,
    "v_neck": V_NECK,
    "sweater": HIGH_CREW,
    "hoodie": HIGH_CREW,
    "turtleneck": HighNeck(-0.095),
    "tank_top": SCOOP,
}
_BANDS = {"t_shirt": 0.017, "v_neck": 0.013, "sweater": 0.022, "turtleneck": 0.05}
"""Widths of the bands around the neck."""


def _jersey(garment: Garment, body: PosedBody, hem: float, fit: Fit) -> list[Surface]:
    """T-shirts, sweaters and the like: trunk, sleeves, and a band or a hood around the neck."""
    kind, neck = garment.kind, _NECKS[garment.kind]
    short = kind == "t_shirt" or (kind == "v_neck" and garment.seed % 2 == 0)
    panels = {"top": trunk(neck, hem, 0.150 if kind == "tank_top" else SEAM)}
    if kind != "tank_top":
        panels |= dict(zip(("left sleeve", "right sleeve"), _sleeves(hem, SHORT if short else LONG), strict=True))
    around, across = hood()
    dresser = _Dresser(body, garment, "upper_clothes", [*panels.values(), *([around] if kind == "hoodie" else [])], fit)
    found = [dresser.lay(name, panel) for name, panel in panels.items()]
    if kind in _BANDS:
        color = garment.accent if garment.seed % 4 == 0 else scaled(garment.color, 0.86)
        more = 0.005 if kind == "turtleneck" else 0.0015
        found.append(dresser.lay("neckband", neckband(neck, _BANDS[kind]), color=color, more=more))
    if kind == "hoodie":
        behind = np.clip((around.places[:, 1] - 0.02) / 0.1, 0.35, 1)
        found.append(dresser.lay("hood", around, more=0.003 + 0.034 * np.sin(np.pi * across) * behind))
    return found


def _shirt(garment: Garment, body: PosedBody, hem: float, fit: Fit) -> list[Surface]:
    neck = OPEN if garment.seed % 5 < 3 else BUTTONED
    panels = [trunk(neck, hem), *_sleeves(hem)]
    folded, placket = collar(neck, 0.042), middle_strip(-0.232 if neck == BUTTONED else -0.262, hem, 0.032, 0.032)
    dresser = _Dresser(body, garment, "upper_clothes", [*panels, folded, placket], fit)
    front = dresser.lay("placket", placket, more=0.002)
    return [
        *(dresser.lay("shirt", panel) for panel in panels),
        dresser.lay("collar", folded, color=garment.accent if garment.seed % 7 == 0 else None, more=0.006),
        front,
        _buttons(front, placket, np.arange(-0.28, hem + 0.03, -0.085), 0.0055, scaled(garment.color, 0.6)),
    ]


def _blazer(garment: Garment, body: PosedBody, hem: float) -> list[Surface]:
    """A blazer over a shirt in the accent's colour, buttoned under a tie or open at the neck."""
    with_tie = garment.seed % 5 < 2
    neck = BUTTONED if with_tie else OPEN
    coat = [trunk(LAPELS, hem), *_sleeves(hem)]
    inner, folded, coat_collar = shirt_front(neck, max(hem, SHIRT_HEM)), collar(neck, 0.038), collar(LAPELS, 0.036)
    tie, knot = middle_strip(-0.20, -0.50, 0.026, 0.075), middle_strip(-0.184, -0.223, 0.044, 0.026)
    dresser = _Dresser(body, garment, "coat", [*coat, inner, folded, coat_collar, tie, knot], COAT)
    cloth = dresser.lay("blazer", coat[0])
    darker, thin = scaled(garment.color, 0.9), Fit()
    pale = mix((0.75, 0.75, 0.75), garment.accent, 0.25)
    found = [
        cloth,
        *(dresser.lay("blazer sleeve", panel) for panel in coat[1:]),
        dresser.lay("lapels", lapels(hem), color=darker, more=0.004),
        dresser.lay("blazer collar", coat_collar, color=darker, more=0.005),
        dresser.lay("shirt", inner, color=pale, fit=thin, label="upper_clothes"),
        dresser.lay("collar", folded, color=pale, more=0.005, fit=thin, label="upper_clothes"),
    ]
    if hem == COAT_HEM:
        found.append(_buttons(cloth, coat[0], np.array([-0.50, -0.59]), 0.009, scaled(garment.color, 0.4)))
    if with_tie:
        found += [
            dresser.lay("tie", tie, color=garment.accent, more=0.004, fit=thin, label="upper_clothes"),
            dresser.lay("knot", knot, color=garment.accent, more=0.012, fit=thin, label="upper_clothes"),
        ]
    return found


def _dress(garment: Garment, body: PosedBody, *, portrait: bool) -> list[Surface]:
    neck = (SCOOP, V_NECK, CREW)[garment.seed % 3]
    bare = neck == SCOOP
    hem = PORTRAIT_HEM if portrait else TUCKED_HEM
    panels = [trunk(neck, hem, 0.150 if bare else SEAM), *([] if bare else _sleeves(hem, SHORT))]
    dresser = _Dresser(body, garment, "dress", panels, Fit(lift=0.005, loose=0.004))
    found = [dresser.lay("dress", panel) for panel in panels]
    return found if portrait else [*found, _skirt(garment, body, "dress", top=TUCKED_HEM + 0.07)]


def bottom_surfaces(garment: Garment, body: PosedBody) -> list[Surface]:
    """What is worn on the legs."""
    if garment.kind == "skirt":
        return [_skirt(garment, body, "skirt", top=WAIST + 0.02)]
    hem = KNEE_HEM if garment.kind == "shorts" else ANKLE_HEM
    panels = [leg(sign, WAIST, hem) for sign in (1, -1)]
    dresser = _Dresser(body, garment, "pants", panels, _FITS[garment.kind])
    return [dresser.lay("trousers", panel, color=_worn(garment, panel)) for panel in panels]


def _worn(garment: Garment, panel: Panel) -> Floats | None:
    """Colours (n, 3) of jeans, paler on thighs and shins; None for others."""
    if garment.kind != "jeans":
        return None
    _, y, z = panel.places.T
    front = np.clip((0.11 - y) / 0.06, 0, 1)
    pale = front * np.maximum(np.exp(-(((z + 1.0) / 0.13) ** 2)), 0.6 * np.exp(-(((z + 1.25) / 0.12) ** 2)))
    color = _float32(garment.color)
    return _float32(color + (np.minimum(2.2 * color, 0.8) - color) * 0.45 * pale[:, None])


def _buttons(surface: Surface, panel: Panel, heights: npt.NDArray[np.float64], radius: float, color: Color) -> Surface:
    """Small discs down the middle of the front of a surface."""
    around = np.linspace(0, 2 * np.pi, 9)[:-1]
    disc = np.stack([np.cos(around), np.zeros(8), np.sin(around)], axis=1).astype(np.float32)
    vertices, faces = [], []
    for number, height in enumerate(heights):
        distance = np.linalg.norm(panel.places * [1, 0, 1] - [0, 0, height], axis=1) + (panel.places[:, 1] > 0.09)
        near = np.argsort(distance)[:6]
        middle = surface.vertices[near].mean(axis=0) - [0, 0.0025, 0]
        vertices += [middle[None] - [0, 0.001, 0], middle + radius * disc]
        start = 9 * number
        faces += [(start, start + 1 + i, start + 1 + (i + 1) % 8) for i in range(8)]
    return Surface(
        name="buttons",
        vertices=np.concatenate(vertices),
        faces=np.array(faces, dtype=np.int32),
        albedo=_float32(color),
        label=CLOTH,
        body_label=surface.body_label,
        roughness=0.3,
    )


def _skirt(garment: Garment, body: PosedBody, label: str, *, top: float) -> Surface:
    """A skirt that hangs around both legs: rings around all that is inside them, never narrower than the ring above.

    The seed says how long it is and how far it flares.
    """
    length, flare = 0.36 + 0.10 * (garment.seed % 5), (0.04, 0.14, 0.28)[garment.seed % 3]
    frame, joint = body.joints["root"], rest().joints["root"]
    ankle = body.joints["foot.L"].origin
    scale = float(np.linalg.norm(frame.origin - ankle) / np.linalg.norm(joint - rest().joints["foot.L"]))
    below_top = (rest().points[:, 2] < top + 0.05) & (rest().arms < 0.3)
    skin = frame.to_local(body.vertices[rest().vertex[below_top]])
    heights = (np.linspace(top, top - length, RINGS) - joint[2]) * scale
    middle = skin[np.abs(skin[:, 2] - heights[0]) < 0.03, :2].mean(axis=0)

    angle = np.linspace(-np.pi, np.pi, SPOKES + 1)
    outward = np.stack([np.sin(angle), -np.cos(angle)], axis=1)
    sideways = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    waves = np.sin(angle * (7 + garment.seed % 4) + garment.seed) + 0.5 * np.sin(angle * 13 + 2 * garment.seed)
    reach, rings = np.zeros(SPOKES + 1), list[npt.NDArray[np.float64]]()
    for share, height in zip(np.linspace(0, 1, RINGS), heights, strict=True):
        band = skin[np.abs(skin[:, 2] - height) < 0.025 * scale, :2] - middle
        if rings:
            reach = reach + flare * (heights[0] - heights[1])
        if len(band):
            reach = np.maximum(reach, (band @ outward.T).max(axis=0) + 0.016)
        # `reach` is the support function of a convex curve; with its slope it gives the curve.
        around = np.concatenate([reach[-2:-1], reach, reach[1:2]])
        slope = (around[2:] - around[:-2]) / (2 * (angle[1] - angle[0]))
        curve = (reach[:, None] * outward + slope[:, None] * sideways) * (
            1 + (0.01 + 0.25 * flare) * share * waves[:, None]
        )
        rings.append(np.column_stack([curve + middle, np.full(SPOKES + 1, height)]))
    patterned = garment.pattern != "plain"
    across, down = np.meshgrid(angle * 0.16, heights)
    return Surface(
        name=label,
        vertices=frame.to_world(np.concatenate(rings)),
        faces=_grid(RINGS, SPOKES + 1),
        albedo=pattern_tile(garment) if patterned else _float32(garment.color),
        uv=_float32(np.stack([across.ravel(), down.ravel()], axis=1) / garment.pattern_size) if patterned else None,
        label=CLOTH,
        body_label=BODY.id(label),
        roughness=0.85,
        specular=0.4,
        sheen=0.15,
    )


def _grid(rows: int, columns: int) -> Ints:
    """Triangles of a sheet of `rows` x `columns` vertices, row after row."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    quads = np.stack([first, first + columns, first + columns + 1, first, first + columns + 1, first + 1], axis=1)
    return quads.reshape(-1, 3).astype(np.int32)


def shoe_surfaces(garment: Garment, body: PosedBody) -> list[Surface]:
    """What is worn on the feet: uppers on soles, the shafts of boots, socks in sneakers."""
    if garment.kind == "barefoot":
        return []
    found = []
    sporty = garment.kind == "sneakers"
    sole = (0.85, 0.84, 0.8) if sporty else scaled(garment.color, 0.35)
    for sign, side_name in ((1, "l"), (-1, "r")):
        label = f"{side_name}_shoe"
        found += [
            _loft(garment.color, body, side_name, lift=0.008 if sporty else 0.006, bottom=0.0, share=1.0),
            _loft(
                sole, body, side_name, lift=0.011 if sporty else 0.009, bottom=-0.016, share=0.28 if sporty else 0.16
            ),
        ]
        if garment.kind == "boots":
            shaft = leg(sign, -1.42, -1.665)
            fit = Fit(lift=0.008, loose=0.004, folds=0.002, roughness=0.5)
            found.append(_Dresser(body, garment, label, [shaft], fit).lay("shaft", shaft, color=garment.color))
        elif garment.kind == "sneakers":
            sock = leg(sign, -1.56, -1.66)
            fit = Fit(lift=0.004, loose=0.0, folds=0.0)
            color = (0.8, 0.8, 0.78) if garment.seed % 2 else (0.03, 0.03, 0.035)
            found.append(_Dresser(body, garment, "socks", [sock], fit).lay("sock", sock, color=color))
    return found


@lru_cache(maxsize=2)
def _foot(side_name: str) -> Ints:
    """Points of `rest` that belong to a foot."""
    points, joint = rest().points, rest().joints[f"foot.{side_name.upper()}"]
    return np.flatnonzero((points[:, 2] < joint[2] + 0.012) & ((points[:, 0] > 0) == (joint[0] > 0))).astype(np.int32)


def _loft(color: Color, body: PosedBody, side_name: str, *, lift: float, bottom: float, share: float) -> Surface:
    """A shoe's upper or its sole: rounded sections from heel to toe around a foot.

    Args:
        color: linear RGB.
        body: whose foot.
        side_name: "l" or "r".
        lift: metres off the skin.
        bottom: height of its lower side above the sole of the foot.
        share: how much of the foot's height it covers.
    """
    frame = body.joints[f"foot.{side_name.upper()}"]
    skin = frame.to_local(body.vertices[rest().vertex[_foot(side_name)]])
    toe = frame.to_local(body.joints[f"toe3-1.{side_name.upper()}"].origin)[:2]
    ahead = toe / np.linalg.norm(toe)
    across = np.array([-ahead[1], ahead[0]])
    along, sideways, height = skin[:, :2] @ ahead, skin[:, :2] @ across, skin[:, 2]
    start, stop, ground = along.min() - lift, along.max() + 1.5 * lift, height.min()
    length = stop - start

    angle = np.linspace(0, 2 * np.pi, SECTION + 1)
    round_ = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.6, np.maximum(np.sin(angle), 0) ** 0.8
    rings = []
    for place in start + length * (0.5 - 0.5 * np.cos(np.linspace(0.12, np.pi - 0.12, STATIONS))):
        away = np.abs(along - place)
        near = away <= max(0.1 * length, away.min())  # a thick sole stands out far from a small foot
        left, right, top = sideways[near].max(), sideways[near].min(), height[near].max()
        end = np.clip(min(place - start, stop - place) / (0.18 * length), 0, 1)
        rounding = np.sqrt(end * (2 - end))  # a quarter of a circle at heel and toe
        half = ((left - right) / 2 + lift) * rounding**0.8
        rise = (top - ground + lift) * (0.6 + 0.4 * rounding) * share - bottom
        flat = place * ahead + ((left + right) / 2 + half * round_[0][:, None]) * across
        rings.append(np.column_stack([flat, ground + bottom + rise * round_[1]]))
    return Surface(
        name=f"{side_name}_shoe",
        vertices=frame.to_world(np.concatenate(rings)),
        faces=_grid(STATIONS, SECTION + 1)[:, ::-1],
        albedo=_float32(color),
        label=CLOTH,
        body_label=BODY.id(f"{side_name}_shoe"),
        roughness=0.45,
    )
