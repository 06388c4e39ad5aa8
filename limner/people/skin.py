"""Skin, teeth and tongue: pigments, marks and wrinkles painted on the textures of head and body.

The colour of skin follows from two pigments, melanin and haemoglobin, which absorb light like filters on a white ground
(as in Tsumura et al., "Image-based skin color and texture analysis/synthesis", SIGGRAPH 2003). Their absorptions are
fitted to the range of measured skin colours, L* 30 to 72 with b* largest in the middle (Xiao et al., "Characterising
the variations in ethnic skin colours", Skin Research and Technology 23, 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from limner.data.schema import get_schema
from limner.people.body import PosedBody, body_model
from limner.people.brows import brow_mask
from limner.people.chart import head_chart, smooth_step
from limner.people.person import Person
from limner.people.scalp import receded, scalp_depth
from limner.people.surface import Floats, Labels, Surface

TEXTURE_SIZE = 512
WHITE = np.array([-0.533, -0.9059, -1.1534], np.float32)
"""Logarithm of the reflectance of the fairest skin, linear RGB."""
MELANIN = np.array([1.0946, 1.9709, 2.7666], np.float32)
MELANIN_SQUARED = np.array([0.6402, 0.0666, -0.6214], np.float32)
HAEMOGLOBIN = np.array([0.036, 0.296, 0.265], np.float32)
"""Absorption of each pigment; that of melanin is not linear in its amount."""
WRINKLE_DEPTH = 0.0011
"""Metres, of the deepest wrinkle."""
FOLD_DEPTH = 0.0028
"""Metres, of the deepest fold of loose skin."""
PORE_DEPTH = 0.00005
"""Metres, of the unevenness of the skin."""
TEETH = np.array([0.70, 0.645, 0.55], np.float32)
WRINKLED, SAGGING = 0.06, 0.09
"""How far back on the head wrinkles and folds reach, metres behind the eyes."""
Line = list[tuple[float, float]]
"""Places (|x|, z) on the average head, metres."""
_INK = np.array([0.02, 0.014, 0.012], np.float32)
MOUTH = np.array([0.33, 0.09, 0.075], np.float32)


def skin_color(melanin: npt.ArrayLike, haemoglobin: npt.ArrayLike) -> Floats:
    """Reflectance (..., 3), linear RGB, of skin with pigments (...) as in `Skin`."""
    m, h = np.asarray(melanin, np.float32), np.asarray(haemoglobin, np.float32) - np.float32(0.35)
    out = np.empty((*np.broadcast_shapes(m.shape, h.shape), 3), np.float32)
    for channel in range(3):  # faster than with the short axis inside
        absorbed = m * (MELANIN[channel] + m * MELANIN_SQUARED[channel]) + h * HAEMOGLOBIN[channel]
        out[..., channel] = np.exp(WHITE[channel] - absorbed)
    return out


def skin_surfaces(
    person: Person, body: PosedBody, age_years: float, *, texture_size: int = TEXTURE_SIZE
) -> list[Surface]:
    """Head, body, teeth and tongue."""
    return [
        _head(person, body, age_years, texture_size),
        _trunk(person, body, age_years),
        *_mouth(body),
    ]


def _head(person: Person, body: PosedBody, age_years: float, size: int) -> Surface:
    part = body.part("head")
    maps = face_maps(size)
    schema = get_schema("celebamask-19")
    label, body_label = maps.label.copy(), maps.body_label.copy()
    brows = person.brows_at(age_years)
    brow = brow_mask(maps.chart, brows)
    shown = (brow > 0.35) & (label == schema.id("skin"))
    left = maps.chart.position[..., 0] > 0
    label[shown & left], label[shown & ~left] = schema.id("l_brow"), schema.id("r_brow")
    wrinkles, folds = _wrinkles(person, age_years, maps), _folds(person, age_years, maps)
    albedo = _paint_skin(person, age_years, maps, wrinkles, folds)
    _lay(albedo, np.asarray(brows.color, np.float32), 0.55 * brows.density * brow)
    _paint_beard(albedo, person, age_years, maps)
    hair = _paint_scalp(albedo, person, age_years, maps)
    label[hair], body_label[hair] = schema.id("hair"), get_schema("body-20").id("hair")
    return Surface(
        name="head",
        vertices=part.vertices,
        faces=part.faces,
        normals=part.normals,
        uv=part.uv,
        albedo=albedo,
        label=label,
        body_label=body_label,
        height=_relief(person, age_years, maps, wrinkles, folds),
        roughness=0.52 - 0.12 * person.skin.gloss,
        specular=0.55 + 0.45 * person.skin.gloss,
        subsurface=0.9,
        sheen=0.08,
    )


def _trunk(person: Person, body: PosedBody, age_years: float) -> Surface:
    part = body.part("body")
    color = skin_color(*_base_pigments(person, age_years))
    return Surface(
        name="body",
        vertices=part.vertices,
        faces=part.faces,
        normals=part.normals,
        uv=part.uv,
        albedo=color,
        label=get_schema("celebamask-19").id("neck"),
        body_label=_limbs(),
        roughness=0.5,
        specular=0.6,
        subsurface=0.9,
        sheen=0.08,
    )


@lru_cache(maxsize=1)
def _limbs() -> Labels:
    """Classes of the fine body parsing on the body's texture: trunk, arms with hands, legs with feet."""
    schema, model = get_schema("body-20"), body_model()
    label = np.full(model.region("torso").shape, schema.id("torso_skin"), np.uint8)
    for side in "lr":
        for limb, end in (("arm", "hand"), ("leg", "foot")):
            for region in (limb, end):
                label[model.region(f"{side}-{region}") > 127] = schema.id(f"{side}_{limb}")
    return label


def _mouth(body: PosedBody) -> list[Surface]:
    schema = get_schema("celebamask-19")
    looks = {"upper-teeth": (TEETH, 0.2), "lower-teeth": (0.9 * TEETH, 0.2), "tongue": (MOUTH, 0.35)}
    return [
        Surface(
            name=name,
            vertices=(part := body.part(name)).vertices,
            faces=part.faces,
            normals=part.normals,
            albedo=color.astype(np.float32),
            emission=0.12 if name != "tongue" else 0.0,
            label=schema.id("mouth"),
            body_label=get_schema("body-20").id("face"),
            roughness=roughness,
            subsurface=0.5,
        )
        for name, (color, roughness) in looks.items()
    ]


# --- maps of the face -------------------------------------------------------------------------------------------------


class FaceMaps:
    """Where things are on the head's texture, (size, size) each; the same for everybody."""

    def __init__(self, size: int) -> None:
        self.chart = head_chart(size)
        x, y, z = np.moveaxis(self.chart.position, -1, 0)
        self.x, self.y, self.z = np.abs(x), y, z
        self.front = smooth_step(y, 0.075, 0.03)
        mask = self._region
        self.lips = np.maximum(mask("upper-lip"), mask("lower-lip"))
        self.inside = np.maximum(mask("mouth"), np.maximum(mask("l-eye"), mask("r-eye")))
        self.ears = np.maximum(mask("l-ear"), mask("r-ear"))
        self.lids = np.maximum(mask("l-eyelids"), mask("r-eyelids"))
        self.lash_line = self._lash_line(np.maximum(mask("l-eye"), mask("r-eye")))
        self.beard = {name: mask(name) for name in ("moustache", "chin", "mouth-sides", "cheeks", "neck")}
        self.scalp = scalp_depth(self.chart.position) * (1 - self.ears) - 0.1 * self.ears - 0.1 * self.inside
        self.flush = self._flush() * (1 - self.inside)
        self.under_eye = self._near((0.030, -0.016), 0.015, 0.0055) * (1 - self.lids)
        self.label = self._labels(mask)
        self.body_label = self._body_labels()
        self.wrinkles = {name: self._furrows(lines, width) for name, (lines, width) in _WRINKLES.items()}
        self.folds = {name: self._mounds(mounds) for name, mounds in _FOLDS.items()}

    def _region(self, name: str) -> Floats:
        image = Image.fromarray(body_model().region(name))
        small = image.resize((self.chart.size, self.chart.size), Image.Resampling.BOX)
        return np.asarray(small, np.float32) / np.float32(255)

    def _lash_line(self, eyes: Floats) -> Floats:
        """The rim of the upper lids, and a little of the lower ones, where lashes grow."""
        image = Image.fromarray((255 * eyes).astype(np.uint8))
        soft = np.asarray(image.filter(ImageFilter.GaussianBlur(self.chart.size / 256)), np.float32) / 255
        rim = np.clip(3.2 * soft * (1 - eyes), 0, 1)
        return np.asarray(rim * (0.35 + 0.65 * smooth_step(self.z, -0.002, 0.003)) * self.front, np.float32)

    def _near(self, place: tuple[float, float], width: float, height: float) -> Floats:
        """A soft spot on both sides of the face at (|x|, z)."""
        return np.asarray(
            np.exp(-(((self.x - place[0]) / width) ** 2) - ((self.z - place[1]) / height) ** 2) * self.front, np.float32
        )

    def _flush(self) -> Floats:
        """Where blood shows: cheeks, nose, ears, chin."""
        spots = self._near((0.043, -0.030), 0.020, 0.017) + 0.9 * self._near((0.0, -0.036), 0.014, 0.013)
        return np.asarray(spots + 0.35 * self._near((0.0, -0.098), 0.018, 0.012) + 0.7 * self.ears, np.float32)

    def _labels(self, mask: Callable[[str], Floats]) -> Labels:
        schema = get_schema("celebamask-19")
        label = np.full(self.x.shape, schema.id("skin"), np.uint8)
        for region, name in (
            ("neck", "neck"), ("l-ear", "l_ear"), ("r-ear", "r_ear"), ("nose", "nose"), ("upper-lip", "u_lip"),
            ("lower-lip", "l_lip"), ("mouth", "mouth"), ("l-eye", "l_eye"), ("r-eye", "r_eye"),
        ):  # fmt: skip
            label[mask(region) > 0.5] = schema.id(name)
        return label

    def _body_labels(self) -> Labels:
        schema = get_schema("body-20")
        return np.where(self.beard["neck"] > 0.5, schema.id("torso_skin"), schema.id("face")).astype(np.uint8)

    def _furrows(self, lines: list[Line], width: float) -> Floats:
        """Furrows along lines on both sides of the face: 1 in the middle, slightly raised beside it."""
        d = self._distance(lines, WRINKLED) / width
        return np.asarray((np.exp(-d * d) - 0.25 * np.exp(-((d - 2) ** 2))) * (1 - self.lips), np.float32)

    def _mounds(self, mounds: list[tuple[Line, float, float]]) -> Floats:
        """Soft ridges (> 0) and valleys (< 0) along lines on both sides of the face."""
        height = np.zeros(self.x.shape, np.float32)
        for line, width, strength in mounds:
            height += np.float32(strength) * np.exp(-((self._distance([line], SAGGING) / width) ** 2))
        return np.asarray(height * (1 - self.lips) * (1 - self.inside), np.float32)

    def _distance(self, lines: list[Line], depth: float) -> Floats:
        """Distance of texels from lines in (|x|, z), metres; 1 far away and further back than `depth`."""
        places = np.stack([self.x, self.z], axis=-1)
        near = (self.y < depth) & (self.z < 0.08)
        distance = np.full(self.x.shape, 1.0, np.float32)
        for line in lines:
            for start, end in pairwise(line):
                distance[near] = np.minimum(distance[near], _segment_distance(places[near], start, end))
        return distance


# Wrinkles: lines in (|x|, z) of the average head, and their width, metres.
_WRINKLES: dict[str, tuple[list[Line], float]] = {
    "forehead": (
        [
            [(0.0, 0.040), (0.018, 0.042), (0.036, 0.038)],
            [(0.0, 0.049), (0.022, 0.052), (0.042, 0.046)],
            [(0.0, 0.059), (0.02, 0.062), (0.036, 0.057)],
        ],
        0.0016,
    ),
    "frown": ([[(0.008, 0.012), (0.009, 0.022), (0.008, 0.031)]], 0.0014),
    "crow": (
        [
            [(0.051, 0.004), (0.062, 0.012)],
            [(0.052, 0.0), (0.064, 0.001)],
            [(0.051, -0.004), (0.062, -0.011)],
            [(0.047, -0.008), (0.056, -0.019)],
        ],
        0.0012,
    ),
    "eye bag": (
        [
            [(0.018, -0.011), (0.028, -0.0155), (0.040, -0.014), (0.047, -0.008)],
            [(0.014, -0.012), (0.023, -0.0205), (0.034, -0.0235), (0.045, -0.0195)],
        ],
        0.0016,
    ),
    "laugh": ([[(0.019, -0.038), (0.028, -0.050), (0.034, -0.063), (0.036, -0.076)]], 0.0022),
    "mouth corner": ([[(0.0275, -0.077), (0.0305, -0.086), (0.030, -0.094)]], 0.0018),
    "lips": (
        [[(x, -0.0545 - 0.1 * x), (0.94 * x, -0.0605 - 0.17 * x)] for x in (0.0045, 0.009, 0.0135, 0.018, 0.0225)],
        0.0009,
    ),
    "cheek": (
        [
            [(0.050, -0.034), (0.052, -0.050), (0.048, -0.066)],
            [(0.043, -0.050), (0.045, -0.063), (0.042, -0.077)],
        ],
        0.0016,
    ),
}
_WRINKLE_STRENGTH = {
    "forehead": 0.7, "frown": 0.6, "crow": 0.7, "eye bag": 0.7, "laugh": 1.0, "mouth corner": 0.6, "lips": 0.35,
    "cheek": 0.3,
}  # fmt: skip
# Folds of loose skin: ridges and valleys along such lines, their width in metres and their height.
_FOLDS: dict[str, list[tuple[Line, float, float]]] = {
    "eyes": [
        ([(0.021, -0.0125), (0.030, -0.0155), (0.040, -0.0130)], 0.0032, 0.5),
        ([(0.012, -0.0095), (0.021, -0.0200), (0.033, -0.0240), (0.046, -0.0200)], 0.0035, -0.7),
        ([(0.030, 0.0120), (0.044, 0.0100), (0.053, 0.0020)], 0.0045, 0.6),
    ],
    "mouth": [
        ([(0.029, -0.036), (0.037, -0.048), (0.043, -0.062)], 0.0070, 0.8),
        ([(0.019, -0.038), (0.028, -0.051), (0.0335, -0.063), (0.035, -0.075)], 0.0040, -1.0),
    ],
    "jaw": [
        ([(0.0285, -0.081), (0.031, -0.089), (0.030, -0.098)], 0.0040, -0.6),
        ([(0.043, -0.081), (0.044, -0.091)], 0.0090, 0.55),
        ([(0.054, -0.030), (0.055, -0.052)], 0.0120, -0.6),
    ],
    "forehead": [
        ([(0.0, 0.0445), (0.03, 0.0455)], 0.0040, 0.25),
        ([(0.0, 0.0545), (0.03, 0.0550)], 0.0040, 0.25),
        ([(0.0, 0.016), (0.0, 0.026)], 0.0050, 0.3),
    ],
}


@lru_cache(maxsize=3)
def face_maps(size: int) -> FaceMaps:
    """The maps at a resolution; made once."""
    return FaceMaps(size)


# --- painting ---------------------------------------------------------------------------------------------------------


def _base_pigments(person: Person, age_years: float) -> tuple[float, float]:
    """Melanin and haemoglobin of the plain skin; old skin is paler in blood."""
    old = min(max((age_years - 45) / 45, 0.0), 1.0)
    return person.skin.melanin, person.skin.haemoglobin * (1 - 0.2 * old)


def _paint_skin(person: Person, age_years: float, maps: FaceMaps, wrinkles: Floats, folds: Floats) -> Floats:
    skin, makeup = person.skin, person.makeup
    random = np.random.Generator(np.random.PCG64(skin.seed))
    size = maps.chart.size
    base_melanin, base_blood = _base_pigments(person, age_years)
    wrinkled, child = person.wrinkles(age_years), person.childhood(age_years)
    made_up = 0.6 * makeup.blusher  # foundation evens the skin
    uneven = (skin.unevenness * (1 - 0.7 * child) + 0.6 * wrinkled) * (1 - made_up) * smooth_step(maps.z, -0.13, -0.10)
    old = min(max((age_years - 45) / 40, 0.0), 1.0)
    blotches = _soft_noise(random, size, 9) + 0.7 * _soft_noise(random, size, 28) + 0.6 * _soft_noise(random, size, 90)
    spots = np.clip(_soft_noise(random, size, 56) - 1.35, 0, 1) * old * maps.front
    melanin = base_melanin * (
        1
        + 0.055 * (1 - 0.6 * base_melanin) * uneven * blotches
        + (0.16 - 0.1 * child) * maps.lids
        + 0.25 * maps.under_eye * skin.under_eye * (1 - child)
    )
    melanin += 0.14 * spots * (1 - base_melanin)
    freckles = skin.freckles * (1 - child**2)
    if freckles > 0:
        freckled = np.roll(_freckles(size), random.integers(0, size, 2), (0, 1))
        where = maps.front * smooth_step(maps.z, -0.075, -0.04) * smooth_step(maps.z, 0.055, 0.015)
        melanin += 0.13 * freckles * freckled * where * (1 - made_up)
    _add_moles(melanin, skin.moles, random, maps)
    blood = base_blood + 0.55 * skin.blush * maps.flush + 0.14 * uneven * _soft_noise(random, size, 22) * maps.front
    tired = maps.under_eye * (skin.under_eye * (1 - child) + 0.4 * wrinkled) * (1 - made_up)
    blood += 0.5 * tired + (0.35 - 0.2 * child) * maps.lids
    color = skin_color(np.maximum(melanin, 0), np.maximum(blood, -0.2))
    color *= 1 - (0.10 * tired + 0.05 * maps.lids)[..., None]
    color *= (1 - 0.3 * np.clip(wrinkles, 0, 1) - 0.22 * np.clip(-folds, 0, 1))[..., None]
    _paint_lips(color, person, age_years, maps)
    if age_years >= 16:
        _paint_makeup(color, person, maps)
    drawn = max(0.75 * makeup.eyeliner, 0.35 * makeup.mascara) if age_years >= 16 else 0.0
    _lay(color, _INK, (0.35 - 0.15 * child + 0.6 * drawn) * maps.lash_line)
    _lay(color, MOUTH * 0.6, maps.inside)
    return color


def _paint_lips(color: Floats, person: Person, age_years: float, maps: FaceMaps) -> None:
    """Lips have less melanin and much blood, which shows less in dark and in old ones; lipstick covers them."""
    melanin, blood = _base_pigments(person, age_years)
    old = min(max((age_years - 30) / 50, 0.0), 1.0)
    own = skin_color(0.12 + 0.72 * melanin, 2.0 + 0.8 * blood - 0.9 * old) * 0.9
    _lay(color, own, (0.85 - 0.3 * person.childhood(age_years)) * maps.lips)
    strength, lipstick = person.lip_color(age_years)
    if strength > 0:
        # The lip's own darkness shows through.
        _lay(color, np.asarray(lipstick, np.float32) * np.float32(1 - 0.55 * melanin), 0.8 * strength * maps.lips)


def _paint_makeup(color: Floats, person: Person, maps: FaceMaps) -> None:
    makeup = person.makeup
    if makeup.blusher > 0:
        rose = skin_color(person.skin.melanin, 2.2)
        _lay(color, rose, 0.35 * makeup.blusher * maps._near((0.05, -0.028), 0.018, 0.014))
    if makeup.eyeshadow > 0:
        lid = maps.lids * smooth_step(maps.z, -0.004, 0.004)
        _lay(color, np.asarray(makeup.eyeshadow_color, np.float32), 0.5 * makeup.eyeshadow * lid)


def _paint_beard(color: Floats, person: Person, age_years: float, maps: FaceMaps) -> None:
    """The shadow of shaven or short hair, and the ground below longer one."""
    if not person.male or age_years < 17:
        return
    shadow = np.asarray(person.beard.color, np.float32) * 0.8 + 0.012
    everywhere = np.clip(sum(maps.beard[name] for name in ("moustache", "chin", "mouth-sides", "cheeks")), 0, 1)
    everywhere = np.asarray(everywhere, np.float32) * (1 - maps.lips)
    dark = 1 - min(max(person.beard.color), 0.3) / 0.3
    _lay(color, shadow, everywhere * np.float32(0.14 * dark * person.beard.density))
    cover = beard_cover(person.beard_style(age_years), maps)
    strength = 0.42 if person.beard_style(age_years) == "stubble" else 0.75
    _lay(color, shadow, cover * np.float32(strength * person.beard.density))


def beard_cover(style: str, maps: FaceMaps) -> Floats:
    """Where a beard of a style grows: 0..1 on the head's texture."""
    parts = {
        "none": (),
        "stubble": ("moustache", "chin", "mouth-sides", "cheeks"),
        "moustache": ("moustache",),
        "goatee": ("chin", "soul"),
        "circle": ("moustache", "chin", "mouth-sides"),
        "short": ("moustache", "chin", "mouth-sides", "cheeks"),
        "full": ("moustache", "chin", "mouth-sides", "cheeks"),
    }[style]
    cover = np.zeros(maps.x.shape, np.float32)
    for part in parts:
        mask = maps.beard.get(part)
        cover = np.maximum(cover, maps._near((0.0, -0.095), 0.02, 0.014) if mask is None else mask)
    if style in ("goatee", "circle"):
        cover *= smooth_step(maps.x, 0.042, 0.034)
    return np.asarray(cover * (1 - maps.lips) * (1 - maps.inside))


def _paint_scalp(color: Floats, person: Person, age_years: float, maps: FaceMaps) -> npt.NDArray[np.bool_]:
    """Hair roots on the scalp; returns the texels that count as hair."""
    style = person.hair_style(age_years)
    recession = person.recession(age_years)
    depth = receded(maps.scalp, maps.chart.position, recession=recession, ring=style == "horseshoe")
    ragged = _soft_noise(np.random.Generator(np.random.PCG64(person.hair.seed)), maps.chart.size, 90)
    cover = smooth_step(depth + 0.0012 * ragged, -0.003, 0.007)
    strength = {"bald": 0.12, "buzz": 0.8, "horseshoe": 0.75}.get(style, 0.92)
    dark = 0.55 if style != "buzz" else 0.7
    _lay(color, dark * np.asarray(person.hair_color(age_years), np.float32), strength * cover)
    return np.asarray((depth > 0.001) & (style != "bald"))


def _relief(person: Person, age_years: float, maps: FaceMaps, wrinkles: Floats, folds: Floats) -> Floats:
    """Height of the skin, metres: folds, wrinkles and pores."""
    coarse = (0.7 + 0.6 * person.skin.gloss + 0.8 * person.wrinkles(age_years)) * (
        1 - 0.6 * person.childhood(age_years)
    )
    smooth = (1 - maps.lips) * (1 - maps.inside) * (1 - 0.7 * maps.lids)
    pores = np.float32(PORE_DEPTH * coarse) * smooth * _pores(maps.chart.size)
    return np.asarray(pores + np.float32(FOLD_DEPTH) * folds - np.float32(WRINKLE_DEPTH) * wrinkles)


def _wrinkles(person: Person, age_years: float, maps: FaceMaps) -> Floats:
    """Depth of the wrinkles, about 0..1."""
    amount, child = person.wrinkles(age_years), person.childhood(age_years)
    random = np.random.Generator(np.random.PCG64(person.skin.seed + 1))
    total = np.zeros(maps.x.shape, np.float32)
    for name, strength in _WRINKLE_STRENGTH.items():
        own = strength * random.uniform(0.5, 1.2) * amount
        if name == "laugh":
            own += 0.1 * (1 - child)
        total += np.float32(own) * maps.wrinkles[name]
    return total


def _folds(person: Person, age_years: float, maps: FaceMaps) -> Floats:
    """Height of the folds of loose skin, about -1..1."""
    amount = person.sagging(age_years)
    random = np.random.Generator(np.random.PCG64(person.skin.seed + 2))
    total = np.zeros(maps.x.shape, np.float32)
    for height in maps.folds.values():
        total += np.float32(amount * random.uniform(0.7, 1.2)) * height
    return total


def _add_moles(melanin: Floats, number: int, random: np.random.Generator, maps: FaceMaps) -> None:
    """A few small dark spots on the face."""
    for _ in range(number):
        x, z, radius = random.uniform(-0.055, 0.055), random.uniform(-0.1, 0.05), random.uniform(0.0007, 0.0016)
        position = maps.chart.position
        distance = np.hypot(position[..., 0] - x, position[..., 2] - z)
        melanin += np.float32(0.55) * smooth_step(distance, 1.5 * radius, 0.5 * radius) * maps.front * (1 - maps.lips)


@lru_cache(maxsize=3)
def _pores(size: int) -> Floats:
    """Fine unevenness, standard deviation about 1."""
    random = np.random.Generator(np.random.PCG64(8))
    return _soft_noise(random, size, size // 5) + 0.7 * _soft_noise(random, size, size // 2)


@lru_cache(maxsize=3)
def _freckles(size: int) -> Floats:
    """Small spots, 1 in their middle."""
    random = np.random.Generator(np.random.PCG64(7))
    return np.asarray(np.clip(_soft_noise(random, size, size // 3) - 1.1, 0, 1.2) / 1.2)


def _soft_noise(random: np.random.Generator, size: int, cells: int) -> Floats:
    """Smooth noise (size, size) with `cells` independent values along an edge, standard deviation about 1."""
    coarse = Image.fromarray(random.normal(0, 1, (cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), np.float32) * np.float32(1.3)


def _lay(color: Floats, over: npt.NDArray[Any], cover: npt.NDArray[Any]) -> None:
    """Lay a colour over (H, W, 3) in place, as far as `cover` (H, W) says."""
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    if len(rows):
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        color[box] += cover[box][..., None] * (over - color[box])


def _segment_distance(places: Floats, start: tuple[float, float], end: tuple[float, float]) -> Floats:
    """Distance of places (..., 2) from a line segment."""
    a, way = np.asarray(start, np.float32), np.asarray(end, np.float32) - np.asarray(start, np.float32)
    t = np.clip(((places - a) @ way) / (way @ way), 0, 1)
    return np.asarray(np.linalg.norm(places - a - t[..., None] * way, axis=-1))
