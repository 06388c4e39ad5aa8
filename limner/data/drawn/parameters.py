"""Every number of a drawn face, how they are drawn at random, and how two faces are mixed."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from limner.data.drawn.canvas import Color, mix
from limner.errors import ConfigError, nearest

ATTRIBUTES = (
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Male",
    "Young",
    "Eyeglasses",
    "Wearing_Hat",
    "Wearing_Earrings",
    "Wearing_Necklace",
    "Mouth_Slightly_Open",
    "Smiling",
    "Bangs",
    "Bald",
)

# From light to dark; a face's tone lies anywhere on this line.
SKIN_TONES: tuple[Color, ...] = (
    (0.99, 0.88, 0.81),
    (0.97, 0.81, 0.70),
    (0.92, 0.72, 0.58),
    (0.84, 0.62, 0.46),
    (0.72, 0.50, 0.35),
    (0.56, 0.37, 0.25),
    (0.42, 0.27, 0.19),
    (0.31, 0.20, 0.15),
)
# Two ends of each hair color; the shade lies between.
HAIR_TONES: dict[str, tuple[Color, Color]] = {
    "black": ((0.045, 0.045, 0.065), (0.135, 0.115, 0.115)),
    "brown": ((0.25, 0.145, 0.085), (0.50, 0.325, 0.20)),
    "blond": ((0.95, 0.86, 0.62), (0.83, 0.64, 0.33)),
    "red": ((0.52, 0.17, 0.07), (0.80, 0.36, 0.13)),
    "grey": ((0.55, 0.55, 0.57), (0.90, 0.89, 0.87)),
}
IRIS_TONES: tuple[Color, ...] = (
    (0.20, 0.11, 0.06),
    (0.42, 0.25, 0.10),
    (0.50, 0.42, 0.16),
    (0.26, 0.48, 0.26),
    (0.24, 0.50, 0.72),
    (0.46, 0.58, 0.66),
)

_STYLES_MALE = {
    "bald": 0.09, "buzz": 0.12, "short": 0.24, "side_part": 0.2, "spiky": 0.12, "curly": 0.1, "long": 0.06, "bob": 0.04,
    "bun": 0.03,
}  # fmt: skip
_STYLES_FEMALE = {
    "long": 0.22, "wavy": 0.17, "bob": 0.16, "curly": 0.11, "bun": 0.11, "ponytail": 0.11, "braids": 0.05,
    "pixie": 0.06, "bald": 0.01,
}  # fmt: skip

CHOICES: dict[str, tuple[str, ...]] = {
    "hair_color": tuple(HAIR_TONES),
    "hair_style": tuple(sorted({*_STYLES_MALE, *_STYLES_FEMALE})),
    "fringe": ("none", "straight", "swept"),
    "hat": ("none", "beanie", "cap", "brim", "beret"),
    "glasses": ("none", "round", "square", "sun"),
    "earrings": ("none", "stud", "drop", "hoop"),
    "necklace": ("none", "pearls", "pendant"),
    "clothes": ("crew", "stripes", "shirt", "v_neck", "turtleneck", "blazer"),
    "background": ("gradient", "bokeh", "window", "wall", "hills"),
}
"""Field of `FaceParameters` -> the names that it may have."""


@dataclass(frozen=True)
class FaceParameters:
    """All numbers of one drawn face. Lengths are factors of an average face, angles radians, colors RGB in [0, 1].

    Left and right of a sign mean the picture's: `yaw` > 0 turns the face towards the picture's right.
    """

    # What the attributes name.
    male: bool
    young: bool
    hair_color: str  # black, blond, brown, red or grey
    hair_style: str
    fringe: str  # none, straight or swept
    hat: str
    glasses: str
    earrings: str
    necklace: str
    # Pose; the centre lies between the eyes and the nose, in fractions of the picture.
    center_x: float
    center_y: float
    scale: float
    yaw: float
    pitch: float
    roll: float
    # Shape of the face.
    face_width: float
    jaw_width: float
    chin_length: float
    eye_size: float
    eye_spacing: float
    eye_open: float
    eye_tilt: float
    gaze: float
    brow_height: float
    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    nose_width: float
    nose_length: float
    mouth_width: float
    mouth_height: float
    upper_lip: float
    lower_lip: float
    smile: float
    mouth_open: float
    ear_size: float
    neck_width: float
    shoulder_width: float
    # Shape of the hair.
    hair_volume: float
    hair_length: float
    hair_part: float
    hair_wave: float
    # Look.
    skin: Color
    blush: float
    hair: Color
    grey: float
    gloss: float
    iris: Color
    lips: Color
    makeup: float
    stubble: float
    beard: float
    wrinkles: float
    freckles: float
    clothes: str
    cloth_color: Color
    cloth_accent: Color
    hat_color: Color
    frame_color: Color
    metal: Color
    background: str
    background_top: Color
    background_bottom: Color
    light_x: float
    light_y: float
    contrast: float
    warmth: float
    texture_seed: int

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ConfigError(
                    f'A drawn face cannot have {name} "{getattr(self, name)}".{nearest(getattr(self, name), known)}'
                )

    @property
    def light_side(self) -> float:
        """+1 when the light comes from the picture's right, -1 when it comes from its left."""
        return 1.0 if self.light_x > 0 else -1.0

    @staticmethod
    def sample(seed: int, index: int) -> FaceParameters:
        """The parameters of face `index` of the collection `seed`."""
        return _sample(_Dice(seed, index))

    def attributes(self) -> dict[str, int]:
        """The attributes that the picture shows, in the order of `ATTRIBUTES`, 0 or 1."""
        bald = self.hair_style == "bald"
        shown = {
            "Black_Hair": not bald and self.hair_color == "black",
            "Blond_Hair": not bald and self.hair_color == "blond",
            "Brown_Hair": not bald and self.hair_color == "brown",
            "Male": self.male,
            "Young": self.young,
            "Eyeglasses": self.glasses != "none",
            "Wearing_Hat": self.hat != "none",
            "Wearing_Earrings": self.earrings != "none",
            "Wearing_Necklace": self.necklace != "none",
            "Mouth_Slightly_Open": self.mouth_open >= MOUTH_OPEN,
            "Smiling": self.smile >= SMILING,
            "Bangs": self.fringe != "none",
            "Bald": bald,
        }
        return {name: int(shown[name]) for name in ATTRIBUTES}


# A mouth opened less than this shows no inside; a smile weaker than this is not called one.
MOUTH_OPEN = 0.3
SMILING = 0.5

# What `interpolate` mixes (the annotations are strings here): pose and shape of the face and of the hair.
GEOMETRY = tuple(
    field.name
    for field in fields(FaceParameters)
    if field.type == "float"
    and field.name
    not in {"blush", "grey", "gloss", "makeup", "stubble", "beard", "wrinkles", "freckles"}
    | {"light_x", "light_y", "contrast", "warmth"}
)


def interpolate(a: FaceParameters, b: FaceParameters, t: float) -> FaceParameters:
    """A face with the look and the styles of `a` and a geometry a fraction `t` of the way from `a` to `b`."""
    return replace(a, **{name: getattr(a, name) + t * (getattr(b, name) - getattr(a, name)) for name in GEOMETRY})


class _Dice:
    """Random numbers from one stream of uniform ones, so that they do not depend on numpy's distributions."""

    def __init__(self, seed: int, index: int) -> None:
        self._random = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index])))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        return low + (high - low) * float(self._random.random())

    def around(self, middle: float, spread: float) -> float:
        """Bell-shaped in `middle` ± `spread` (Bates distribution of three)."""
        return middle + spread * (2 * (self.uniform() + self.uniform() + self.uniform()) / 3 - 1)

    def chance(self, probability: float) -> bool:
        return self.uniform() < probability

    def pick(self, weights: Mapping[str, float]) -> str:
        position = self.uniform() * sum(weights.values())
        for name, weight in weights.items():
            position -= weight
            if position < 0:
                return name
        return name

    def hsv(self, hue: float, saturation: tuple[float, float], value: tuple[float, float]) -> Color:
        return colorsys.hsv_to_rgb(hue % 1.0, self.uniform(*saturation), self.uniform(*value))

    def along(self, tones: tuple[Color, ...], position: float) -> Color:
        """A color on the line through `tones`, slightly off it."""
        place = position * (len(tones) - 1)
        i = min(int(place), len(tones) - 2)
        red, green, blue = mix(tones[i], tones[i + 1], place - i)
        return self._near(red), self._near(green), self._near(blue)

    def _near(self, channel: float) -> float:
        return min(max(channel + self.around(0.0, 0.025), 0.02), 1.0)


def _sample(dice: _Dice) -> FaceParameters:
    male = dice.chance(0.48)
    young = dice.chance(0.72)
    style = dice.pick(_STYLES_MALE if male else _STYLES_FEMALE)
    hair_color = dice.pick(
        {"black": 0.3, "brown": 0.29, "blond": 0.25, "red": 0.13, "grey": 0.03}
        if young
        else {"black": 0.2, "brown": 0.2, "blond": 0.18, "red": 0.06, "grey": 0.36}
    )
    can_have_fringe = style not in ("bald", "buzz", "spiky", "pixie")
    fringe = dice.pick({"none": 0.7, "straight": 0.2, "swept": 0.1}) if can_have_fringe else "none"
    fringe = "swept" if style == "pixie" else fringe
    hat = dice.pick({"none": 0.86, "beanie": 0.05, "cap": 0.04, "brim": 0.03, "beret": 0.02})
    return FaceParameters(
        male=male,
        young=young,
        hair_color=hair_color,
        hair_style=style,
        fringe=fringe,
        hat=hat,
        glasses=dice.pick({"none": 0.82, "round": 0.08, "square": 0.07, "sun": 0.03}),
        earrings=dice.pick({"stud": 1, "drop": 1, "hoop": 1}) if dice.chance(0.06 if male else 0.36) else "none",
        necklace=dice.pick({"pearls": 1, "pendant": 1}) if dice.chance(0.05 if male else 0.28) else "none",
        **_sample_geometry(dice, male=male, young=young, hat=hat != "none"),
        **_sample_person(dice, male=male, young=young, hair_color=hair_color),
        **_sample_scene(dice, male=male),
        texture_seed=int(dice.uniform() * 2**31),
    )


def _sample_geometry(dice: _Dice, *, male: bool, young: bool, hat: bool) -> dict[str, Any]:
    smiling = dice.chance(0.48)
    opened = dice.chance(0.5 if smiling else 0.22)
    return {
        "center_x": dice.around(0.5, 0.03),
        "center_y": dice.around(0.482, 0.025) + (0.02 if hat else 0.0),
        "scale": dice.around(1.25, 0.08),
        "yaw": dice.around(0.0, 0.42),
        "pitch": dice.around(0.0, 0.16),
        "roll": dice.around(0.0, 0.16),
        "face_width": dice.around(1.03 if male else 1.0, 0.09),
        "jaw_width": dice.around(1.07 if male else 0.95, 0.09),
        "chin_length": dice.around(0.012 if male else 0.0, 0.02),
        "eye_size": dice.around(0.98 if male else 1.1, 0.13),
        "eye_spacing": dice.around(1.0, 0.06),
        "eye_open": dice.around(0.9 if male else 1.0, 0.14) * (1.0 if young else 0.9),
        "eye_tilt": dice.around(0.06, 0.14),
        "gaze": dice.around(0.0, 0.6),
        "brow_height": dice.around(0.95 if male else 1.06, 0.15),
        "brow_thickness": dice.around(1.35 if male else 0.95, 0.3),
        "brow_arch": dice.around(0.7 if male else 1.1, 0.5),
        "brow_tilt": dice.around(0.03, 0.1),
        "nose_width": dice.around(1.1 if male else 0.96, 0.2),
        "nose_length": dice.around(1.04 if male else 1.0, 0.1),
        "mouth_width": dice.around(1.04 if male else 1.0, 0.14),
        "mouth_height": dice.around(0.0, 0.008),
        "upper_lip": dice.around(0.9 if male else 1.1, 0.3) * (1.0 if young else 0.85),
        "lower_lip": dice.around(0.95 if male else 1.1, 0.3) * (1.0 if young else 0.88),
        "smile": dice.uniform(0.6, 1.05) if smiling else dice.uniform(-0.25, 0.3),
        "mouth_open": dice.uniform(0.45, 1.0) if opened else 0.0,
        "ear_size": dice.around(1.05 if male else 0.95, 0.15),
        "neck_width": dice.around(1.17 if male else 0.93, 0.09),
        "shoulder_width": dice.around(1.1 if male else 0.93, 0.08),
        "hair_volume": dice.around(1.0, 0.3),
        "hair_length": dice.around(1.0, 0.3),
        "hair_part": dice.uniform(-1.0, 1.0),
        "hair_wave": dice.uniform(0.0, 1.0),
    }


def _sample_person(dice: _Dice, *, male: bool, young: bool, hair_color: str) -> dict[str, Any]:
    skin = dice.along(SKIN_TONES, dice.uniform())
    hair = dice.along(HAIR_TONES[hair_color], dice.uniform())
    natural_lips = mix(skin, (0.70, 0.32, 0.32), 0.45)
    lipstick = dice.hsv(dice.around(0.97, 0.05), (0.5, 0.8), (0.6, 0.95))
    makeup = 0.0 if male else dice.uniform(0.45, 1.0)
    bearded = male and dice.chance(0.4)
    return {
        "skin": skin,
        "blush": dice.uniform(0.1, 0.35) if male else dice.uniform(0.4, 0.9),
        "hair": hair,
        "grey": 0.0 if young else dice.uniform(0.35, 0.75),
        "gloss": dice.uniform(0.5, 1.0) * (1.0 if young else 0.7),
        "iris": dice.along(IRIS_TONES, dice.uniform()),
        "lips": mix(natural_lips, skin, 0.25) if male else mix(natural_lips, lipstick, 0.35 + 0.65 * makeup),
        "makeup": makeup,
        "stubble": dice.uniform(0.45, 1.0) if male else 0.0,
        "beard": dice.uniform(0.55, 1.0) if bearded else 0.0,
        "wrinkles": 0.0 if young else dice.uniform(0.6, 1.0),
        "freckles": dice.uniform(0.3, 1.0) if young and dice.chance(0.15) else 0.0,
    }


def _sample_scene(dice: _Dice, *, male: bool) -> dict[str, Any]:
    hue = dice.uniform()
    cloth = (
        dice.hsv(dice.uniform(), (0.15, 0.5), (0.2, 0.7))
        if male
        else dice.hsv(dice.uniform(), (0.3, 0.75), (0.5, 0.95))
    )
    accent = dice.hsv(dice.uniform(), (0.0, 0.4), (0.75, 1.0))
    value = dice.uniform(0.35, 1.0)
    top = dice.hsv(hue, (0.08, 0.55), (0.75 * value, value))
    bottom = dice.hsv(hue + dice.around(0.0, 0.14), (0.08, 0.6), (0.45 * value, value))
    kinds = {"crew": 0.26, "stripes": 0.16, "shirt": 0.18, "v_neck": 0.16, "turtleneck": 0.08, "blazer": 0.16}
    return {
        "clothes": dice.pick(kinds),
        "cloth_color": cloth,
        "cloth_accent": accent,
        "hat_color": dice.hsv(dice.uniform(), (0.15, 0.75), (0.25, 0.9)),
        "frame_color": dice.hsv(dice.uniform(), (0.1, 0.7), (0.08, 0.4)),
        "metal": (0.93, 0.76, 0.36) if dice.chance(0.6) else (0.85, 0.87, 0.9),
        "background": dice.pick({"gradient": 0.3, "bokeh": 0.25, "window": 0.15, "wall": 0.15, "hills": 0.15}),
        "background_top": top,
        "background_bottom": bottom,
        "light_x": (1.0 if dice.chance(0.5) else -1.0) * dice.uniform(0.25, 0.85),
        "light_y": dice.uniform(-0.75, -0.3),
        "contrast": dice.uniform(0.6, 1.4),
        "warmth": dice.around(0.0, 0.8),
    }
