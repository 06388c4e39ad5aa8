"""How a person is seen: expression, gaze, pose, camera, light and background, and how they are drawn at random."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from limner.errors import ConfigError, nearest
from limner.people.dice import Dice, mix, srgb
from limner.people.pose import relaxed_arms, sample_pose
from limner.people.record import Color, Record

KINDS = ("face", "age", "body")
Kind = Literal["face", "age", "body"]
BACKGROUNDS = ("plain", "gradient", "clouds", "bokeh", "room", "outdoors", "panel")

SMILE_SHOWS = 0.35
"""From this mean of the mouthSmile actions on the attribute Smiling is on."""
OPEN_SHOWS = 0.12
"""From this strength of parting on the attribute Mouth_Slightly_Open is on."""


@dataclass(frozen=True)
class Camera(Record):
    """Where the camera stands and what its picture holds. Angles in radians."""

    CHOICES: ClassVar = {"framing": ("face", "bust", "body")}
    RANGES: ClassVar = {"distance": (0.01, 1000), "zoom": (0.01, 100)}

    framing: str
    """"face": the crop of CelebA-HQ, turned and scaled by eyes and mouth; "bust": head and chest; "body": all."""
    distance: float
    """From the middle of the framed part, metres: short ones make noses large. The field of view follows."""
    yaw: float
    """Direction of the camera around the person: > 0 looks from the subject's left."""
    pitch: float
    """> 0 looks down from above."""
    roll: float
    """Turns the camera around its axis, counter-clockwise picture for > 0; for "face" on top of the aligned crop."""
    zoom: float
    """1 = the framing as it is, 1.1 = everything a tenth larger."""
    shift_x: float
    """Moves the person to the picture's right, as a fraction of its width."""
    shift_y: float
    """Moves the person down, as a fraction of its height."""


@dataclass(frozen=True)
class Light(Record):
    """A key light with a soft edge, light from all around, a rim light from behind; angles relative to the camera."""

    key_yaw: float
    """> 0 comes from the picture's right, radians."""
    key_pitch: float
    """Above the camera's axis, radians."""
    key_color: Color
    key_strength: float
    """1 = a white matt surface that faces the light becomes white."""
    key_softness: float
    """Angular radius of the light in radians: 0.01 is the sun, 0.6 a window."""
    sky_color: Color
    """Light from above."""
    ground_color: Color
    """Light from below."""
    fill_strength: float
    """Factor on sky and ground."""
    rim_yaw: float
    rim_color: Color
    rim_strength: float


@dataclass(frozen=True)
class Film(Record):
    """What happens between light and file."""

    RANGES: ClassVar = {"blur": (0, 1), "grain": (0, 10)}

    exposure: float
    """Factor on the automatic exposure."""
    contrast: float
    """1 = as it is."""
    saturation: float
    warmth: float
    """> 0 yellow, < 0 blue; 0.1 is plain to see."""
    grain: float
    """Standard deviation of the sensor noise, of 1."""
    blur: float
    """Radius of the blur as a fraction of the picture's width."""


@dataclass(frozen=True)
class Background(Record):
    """What is behind the person; out of focus."""

    CHOICES: ClassVar = {"kind": BACKGROUNDS}
    RANGES: ClassVar = {"blur": (0, 1)}

    kind: str
    colors: tuple[Color, Color, Color]
    blur: float
    """Radius of the blur as a fraction of the picture's width."""
    seed: int


@dataclass(frozen=True)
class Scene(Record):
    """One picture of a person; everything that is not identity."""

    CHOICES: ClassVar = {"kind": KINDS}

    seed: int
    index: int
    kind: str
    age_years: float
    """Age in this picture; a negative number means the person's own."""
    actions: dict[str, float]
    """Facial actions under their ARKit names, in [0, 1]; what is not named is 0."""
    gaze_yaw: float
    """Of both eyes relative to the head, radians; > 0 looks to the subject's left."""
    gaze_pitch: float
    """> 0 looks up."""
    head_yaw: float
    """Of head and neck relative to the chest, radians; > 0 turns to the subject's left."""
    head_pitch: float
    """> 0 looks up."""
    head_roll: float
    """> 0 tilts towards the subject's left shoulder."""
    joints: dict[str, tuple[float, float, float]]
    """Rotations of the body's joints as axis times angle, radians; what is not named is as in the resting pose."""
    camera: Camera
    light: Light
    film: Film
    background: Background

    @property
    def smiling(self) -> bool:
        """Whether the picture counts as a smile."""
        return self.actions.get("mouthSmileLeft", 0.0) + self.actions.get("mouthSmileRight", 0.0) >= 2 * SMILE_SHOWS

    @property
    def mouth_open(self) -> bool:
        """Whether the lips are parted."""
        names = ("mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight")
        lips = sum(self.actions.get(name, 0.0) for name in names) / 4
        return self.actions.get("jawOpen", 0.0) + lips >= OPEN_SHOWS


def sample_scene(seed: int, index: int, kind: Kind = "face") -> Scene:
    """Scene `index` of the collection `seed`: "face" as in CelebA-HQ, "age" a passport-like face, "body" all of it.

    Raises:
        ConfigError: if the kind is unknown or a number is negative.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f'There is no kind of scene "{kind}".{nearest(kind, KINDS)}')

    def dice(purpose: str) -> Dice:
        return Dice(seed, index, f"scene {purpose}")

    face = kind != "body"
    pose = dice("head")
    turn = {"face": 1.0, "age": 0.55, "body": 1.1}[kind]
    # Most people look at the camera; some are caught in a turn.
    yaw = turn * (pose.normal(0.0, 0.42, limit=1.7) if pose.chance(0.22) else pose.normal(0.0, 0.19))
    pitch = turn * pose.normal(-0.02, 0.085)
    camera = _sample_camera(dice("camera"), kind, yaw)
    gaze = dice("gaze")
    averted = 0.0 if gaze.chance(0.75) else 1.0
    return Scene(
        seed=seed,
        index=index,
        kind=kind,
        age_years=-1.0,
        actions=_sample_expression(dice("expression"), calm=kind == "age"),
        # Looking into the camera undoes most of the turn of the head.
        gaze_yaw=min(max(0.75 * (camera.yaw - yaw) + averted * gaze.normal(0.0, 0.2), -0.38), 0.38) if face else 0.0,
        gaze_pitch=min(max(0.7 * (camera.pitch - pitch) + averted * gaze.normal(-0.03, 0.1), -0.25), 0.2),
        head_yaw=yaw,
        head_pitch=pitch,
        head_roll=pose.normal(0.0, 0.07),
        joints=relaxed_arms(dice("pose")) if face else sample_pose(dice("pose")),
        camera=camera,
        light=_sample_light(dice("light"), kind),
        film=_sample_film(dice("film")),
        background=_sample_background(dice("background"), kind),
    )


def _sample_camera(dice: Dice, kind: Kind, head_yaw: float) -> Camera:
    if kind == "body":
        return Camera(
            framing="body",
            distance=dice.uniform(3.0, 6.0),
            yaw=dice.normal(0.0, 0.1),
            pitch=dice.normal(0.03, 0.05),
            roll=0.0,
            zoom=dice.uniform(0.92, 1.05),
            shift_x=dice.normal(0.0, 0.01),
            shift_y=dice.normal(0.0, 0.01),
        )
    # The camera follows a turned head part of the way, which turns the shoulders in the picture.
    follow = dice.uniform(0.0, 0.5) - 0.25
    return Camera(
        framing="face",
        distance=dice.uniform(0.9, 2.8),
        yaw=follow * head_yaw + dice.normal(0.0, 0.12),
        pitch=dice.normal(0.02, 0.07),
        roll=dice.normal(0.0, 0.02),
        zoom=dice.normal(1.0, 0.012),
        shift_x=dice.normal(0.0, 0.004),
        shift_y=dice.normal(0.0, 0.004),
    )


def _sample_expression(dice: Dice, *, calm: bool) -> dict[str, float]:
    """Facial actions of a neutral, smiling, laughing, talking, surprised, sad or stern face."""
    mood = dice.pick(
        {"neutral": 0.72, "smile": 0.28}
        if calm
        else {
            "neutral": 0.3,
            "smile": 0.17,
            "grin": 0.32,
            "laugh": 0.06,
            "parted": 0.1,
            "stern": 0.04,
            "surprise": 0.01,
        }
    )
    amount = dice.uniform(0.6, 1.0)
    both: dict[str, float] = {
        "mouthSmile": 0.06 * dice.uniform(),
        "eyeSquint": 0.2 * dice.uniform(),
        "mouthPress": 0.1 * dice.uniform(),
    }
    single = {"browInnerUp": 0.12 * dice.uniform()}
    if mood in ("smile", "grin", "laugh"):
        # A smile lifts the cheeks and narrows the eyes (Duchenne).
        joy = amount * dice.uniform(0.3, 1.0)
        both |= {"mouthSmile": 0.42 + 0.38 * amount, "cheekSquint": 0.55 * joy, "eyeSquint": 0.35 * joy}
        both |= {"mouthDimple": 0.25 * dice.uniform(), "mouthPress": 0.0}
    if mood in ("grin", "laugh"):
        both |= {"mouthUpperUp": 0.35 + 0.4 * amount, "mouthLowerDown": 0.2 + 0.35 * amount}
        single["jawOpen"] = dice.uniform(0.02, 0.09) if mood == "grin" else dice.uniform(0.14, 0.28)
    if mood == "parted":
        single["jawOpen"] = dice.uniform(0.08, 0.3)
        both |= {"mouthLowerDown": 0.2 * dice.uniform(), "mouthUpperUp": 0.1 * dice.uniform()}
    if mood == "stern":
        both |= {"browDown": 0.55 * amount, "mouthPress": 0.4 * amount, "mouthFrown": 0.25 * amount}
    if mood == "surprise":
        both |= {"browOuterUp": 0.6 * amount, "eyeWide": 0.45 * amount}
        single |= {"browInnerUp": 0.6 * amount, "jawOpen": 0.25 * amount}
    if dice.chance(0.015):
        both["eyeBlink"] = 0.95
    uneven = dice.normal(0.0, 0.07)
    actions = dict(single)
    for name, value in both.items():
        actions[f"{name}Left"], actions[f"{name}Right"] = value * (1 + uneven), value * (1 - uneven)
    return {name: round(min(max(value, 0.0), 1.0), 4) for name, value in actions.items() if value > 0.005}


def _sample_light(dice: Dice, kind: Kind) -> Light:
    """Studio light, flash, window, overcast sky, sun, lamps."""
    warm, cool, white = srgb(1.0, 0.86, 0.68), srgb(0.84, 0.92, 1.0), (1.0, 1.0, 1.0)
    anywhere = {"studio": 0.36, "flash": 0.2, "window": 0.14, "overcast": 0.14, "sun": 0.08, "lamp": 0.08}
    setting = dice.pick(anywhere if kind != "body" else {"studio": 0.75, "overcast": 0.25})
    side = 1.0 if dice.chance(0.5) else -1.0
    tint = mix(warm if dice.chance(0.6) else cool, white, dice.uniform(0.45, 1.0))
    rim = dice.uniform(0.2, 1.0) if dice.chance(0.3) else 0.0
    yaw, pitch, strength, softness, fill, above = {
        "studio": (dice.uniform(0.1, 0.9), dice.uniform(0.15, 0.6), 0.9, dice.uniform(0.15, 0.45), 0.5, white),
        "flash": (dice.uniform(0.0, 0.3), dice.uniform(0.05, 0.4), 1.0, dice.uniform(0.04, 0.15), 0.38, white),
        "window": (dice.uniform(0.6, 1.3), dice.uniform(0.05, 0.5), 0.95, dice.uniform(0.35, 0.6), 0.32, cool),
        "overcast": (dice.uniform(0.0, 0.8), dice.uniform(0.7, 1.1), 0.5, 0.6, 0.85, cool),
        "sun": (dice.uniform(0.2, 1.1), dice.uniform(0.5, 0.95), 1.15, 0.03, 0.5, cool),
        "lamp": (dice.uniform(0.2, 1.2), dice.uniform(-0.1, 0.6), 0.9, dice.uniform(0.1, 0.3), 0.3, warm),
    }[setting]
    ground = mix(dice.hsv(dice.uniform(0.0, 0.14), dice.uniform(0.1, 0.45), 0.8), white, dice.uniform(0.2, 0.7))
    return Light(
        key_yaw=side * yaw,
        key_pitch=pitch,
        key_color=mix(tint, warm, 0.7) if setting == "lamp" else tint,
        key_strength=strength * dice.uniform(0.85, 1.15),
        key_softness=softness,
        sky_color=mix(above, white, dice.uniform(0.3, 0.9)),
        ground_color=(0.55 * ground[0], 0.55 * ground[1], 0.55 * ground[2]),
        fill_strength=fill * dice.uniform(0.7, 1.25),
        rim_yaw=-side * dice.uniform(2.1, 2.8),
        rim_color=mix(warm if dice.chance(0.4) else cool, white, dice.uniform(0.2, 1.0)),
        rim_strength=rim,
    )


def _sample_film(dice: Dice) -> Film:
    return Film(
        exposure=math.exp(dice.normal(0.14, 0.16)),
        contrast=dice.normal(1.05, 0.1),
        saturation=dice.normal(0.96, 0.09),
        warmth=dice.normal(0.0, 0.05),
        grain=dice.uniform(0.0, 0.012),
        blur=dice.uniform() ** 3 * 0.006,
    )


_ANYWHERE = {
    "plain": 0.1,
    "gradient": 0.13,
    "clouds": 0.16,
    "bokeh": 0.13,
    "room": 0.18,
    "outdoors": 0.15,
    "panel": 0.15,
}
_STUDIO = {"plain": 0.55, "gradient": 0.35, "clouds": 0.1}


def _sample_background(dice: Dice, kind: Kind) -> Background:
    hue = dice.uniform()
    # Portraits have dark and light backdrops, strong colours are rarer; fashion is shown on light grey.
    value = dice.pick({0.08: 0.24, 0.35: 0.3, 0.6: 0.22, 0.88: 0.24} if kind != "body" else {0.88: 0.8, 0.6: 0.2})

    def color() -> Color:
        saturation = dice.uniform(0.3, 0.9) if dice.chance(0.25) else dice.uniform(0.0, 0.35)
        brightness = min(max(value + dice.normal(0.0, 0.18), 0.02), 1.0)
        return dice.hsv(hue + dice.normal(0.0, 0.12), saturation * (1.0 if value < 0.8 else 0.4), brightness)

    def grey() -> Color:
        return dice.hsv(dice.uniform(), dice.uniform(0.0, 0.06), min(value + dice.normal(0.0, 0.05), 0.97))

    draw = grey if kind == "body" else color
    return Background(
        kind=dice.pick(_STUDIO if kind == "body" else _ANYWHERE),
        colors=(draw(), draw(), draw()),
        blur=dice.uniform(0.004, 0.05),
        seed=dice.integer(),
    )
