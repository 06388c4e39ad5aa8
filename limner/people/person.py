"""Who a person is: every number of the body, the skin, the hair, what is worn, and how they are drawn at random."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from limner.people.dice import Dice, mix, scaled, srgb
from limner.people.record import Color, Record

if TYPE_CHECKING:
    from limner.people.scene import Scene

ADULT_YEARS = 18.0
OLD_YEARS = 50.0
"""From this age on the attribute Young is off."""

# Two ends of each hair colour, sRGB; the shade lies between. Darker than hair looks: the highlight comes on top.
HAIR_COLORS: dict[str, tuple[Color, Color]] = {
    "black": (srgb(0.085, 0.075, 0.075), srgb(0.16, 0.135, 0.125)),
    "dark_brown": (srgb(0.20, 0.145, 0.115), srgb(0.27, 0.19, 0.145)),
    "brown": (srgb(0.31, 0.21, 0.145), srgb(0.43, 0.30, 0.20)),
    "auburn": (srgb(0.34, 0.165, 0.105), srgb(0.44, 0.22, 0.13)),
    "red": (srgb(0.50, 0.245, 0.125), srgb(0.64, 0.34, 0.17)),
    "dark_blond": (srgb(0.48, 0.365, 0.245), srgb(0.58, 0.45, 0.30)),
    "blond": (srgb(0.66, 0.53, 0.355), srgb(0.80, 0.68, 0.47)),
    "platinum": (srgb(0.80, 0.73, 0.60), srgb(0.88, 0.83, 0.73)),
}
GREY_HAIR = (srgb(0.46, 0.455, 0.45), srgb(0.76, 0.755, 0.74))
EYE_COLORS: dict[str, tuple[Color, Color]] = {
    "dark_brown": (srgb(0.13, 0.075, 0.05), srgb(0.21, 0.125, 0.08)),
    "brown": (srgb(0.24, 0.145, 0.085), srgb(0.34, 0.215, 0.125)),
    "hazel": (srgb(0.34, 0.27, 0.15), srgb(0.39, 0.325, 0.195)),
    "green": (srgb(0.29, 0.36, 0.26), srgb(0.37, 0.43, 0.32)),
    "blue": (srgb(0.24, 0.35, 0.46), srgb(0.37, 0.475, 0.57)),
    "grey": (srgb(0.36, 0.41, 0.44), srgb(0.46, 0.50, 0.53)),
}
HAIR_STYLES = (
    "bald", "horseshoe", "buzz", "crop", "side_part", "quiff", "slicked_back", "spiky", "short_curls", "afro", "pixie",
    "bob", "long_straight", "long_wavy", "long_curls", "medium", "ponytail", "bun", "braids",
)  # fmt: skip
_LONG = ("long_straight", "long_wavy", "long_curls", "medium", "ponytail", "bun", "braids")
_DOWN = srgb(0.55, 0.42, 0.33)
"""Colour of the fine hairs of children's brows."""
FRINGES = ("none", "straight", "swept", "curtain")
BEARDS = ("none", "stubble", "moustache", "goatee", "circle", "short", "full")
TOPS = ("t_shirt", "v_neck", "shirt", "sweater", "turtleneck", "tank_top", "blazer", "hoodie", "dress")
BOTTOMS = ("trousers", "jeans", "shorts", "skirt", "leggings")
SHOES = ("shoes", "sneakers", "boots", "barefoot")
PATTERNS = ("plain", "stripes", "checks", "dots")
GOLD, SILVER = (0.83, 0.56, 0.20), (0.68, 0.68, 0.66)


@dataclass(frozen=True)
class Skin(Record):
    """Pigments and marks of the skin."""

    RANGES: ClassVar = {"moles": (0, 100)}

    melanin: float
    """0 = the fairest natural skin, 1 = the darkest."""
    haemoglobin: float
    """Blood in the skin: 0 = pale, 0.5 = usual, 1 = ruddy."""
    blush: float
    """Extra blood in cheeks, nose and ears, in [0, 1]."""
    unevenness: float
    """Strength of the soft blotches, in [0, 1]."""
    freckles: float
    """In [0, 1]; 0 for most people."""
    moles: int
    """Number of moles on face and neck."""
    under_eye: float
    """Darkness below the eyes of the young adult, in [0, 1]; age adds to it."""
    gloss: float
    """0 = matt, 1 = oily."""
    wrinkle_pace: float
    """1 = wrinkles come as usual; 0.7 late, 1.3 early."""
    seed: int
    """Places of blotches, freckles and moles."""


@dataclass(frozen=True)
class Eyes(Record):
    """The irises; both eyes are alike."""

    CHOICES: ClassVar = {"color_name": tuple(EYE_COLORS)}

    color_name: str
    color: Color
    limbal_ring: float
    """Darkness of the ring around the iris, in [0, 1]."""
    pupil: float
    """Radius of the pupil as a fraction of the iris."""
    seed: int


@dataclass(frozen=True)
class Hair(Record):
    """Hair of the head. Lengths and volumes are factors of the style's own."""

    RANGES: ClassVar = {"length": (0, 10), "volume": (0, 10), "wave": (0, 10), "part": (-2, 2)}

    CHOICES: ClassVar = {"style": HAIR_STYLES, "fringe": FRINGES, "color_name": tuple(HAIR_COLORS)}

    style: str
    fringe: str
    color_name: str
    """The colour before greying."""
    color: Color
    highlights: float
    """How much lighter the tips are, in [0, 1]."""
    length: float
    volume: float
    wave: float
    """Added wave, in [0, 1]."""
    part: float
    """Place of the parting: -1 = the subject's right, 0 = middle, 1 = left."""
    behind_ears: bool
    """Tucked behind the ears or falling over them."""
    grey_years: float
    """Age at which half of the hair is grey."""
    balding: float
    """How far the hairline recedes by the age of 60, in [0, 1]."""
    seed: int


@dataclass(frozen=True)
class Brows(Record):
    """Eyebrows: factors of the usual, and their own colour."""

    RANGES: ClassVar = {"thickness": (0, 10), "density": (0, 10), "length": (0, 10)}

    thickness: float
    density: float
    arch: float
    """-1 flat .. 1 highly arched."""
    length: float
    color: Color
    seed: int


@dataclass(frozen=True)
class Beard(Record):
    """Hair of the lower face."""

    RANGES: ClassVar = {"length": (0, 1), "density": (0, 10)}

    CHOICES: ClassVar = {"style": BEARDS}

    style: str
    length: float
    """Metres."""
    density: float
    color: Color
    seed: int


@dataclass(frozen=True)
class Makeup(Record):
    """Cosmetics, each strength in [0, 1]."""

    lipstick: float
    lip_color: Color
    blusher: float
    eyeshadow: float
    eyeshadow_color: Color
    eyeliner: float
    mascara: float


@dataclass(frozen=True)
class Accessories(Record):
    """What is worn on head and neck; "none" for nothing."""

    CHOICES: ClassVar = {
        "glasses": ("none", "round", "square", "browline", "cat_eye", "aviator", "rimless", "sunglasses"),
        "hat": ("none", "beanie", "cap", "brim", "beret"),
        "earrings": ("none", "stud", "hoop", "drop"),
        "necklace": ("none", "chain", "pendant", "beads"),
    }

    glasses: str
    frame_color: Color
    hat: str
    hat_color: Color
    hat_accent: Color
    earrings: str
    earring_size: float
    necklace: str
    metal: Color
    gem: Color
    """Beads, drops and pendants."""


@dataclass(frozen=True)
class Garment(Record):
    """One piece of clothing; `kind` is one of TOPS, BOTTOMS or SHOES."""

    CHOICES: ClassVar = {"kind": TOPS + BOTTOMS + SHOES, "pattern": PATTERNS}

    kind: str
    color: Color
    accent: Color
    """Second colour: of the pattern, the collar or the seams."""
    pattern: str
    pattern_size: float
    """Repeat of the pattern in metres."""
    seed: int


@dataclass(frozen=True)
class Person(Record):
    """One identity. Nothing here changes with the picture; what age changes follows from it and the age."""

    seed: int
    index: int
    age_years: float
    """Age when the scene does not say another one."""
    male: bool
    phenotype: dict[str, float]
    """Of the body model: all but age and gender, each in [0, 1]."""
    local_changes: dict[str, float]
    """Of the body model, in [-1, 1]; what is not named is 0."""
    skin: Skin
    eyes: Eyes
    hair: Hair
    brows: Brows
    beard: Beard
    makeup: Makeup
    accessories: Accessories
    top: Garment
    bottom: Garment
    shoes: Garment

    @property
    def identity(self) -> str:
        """The same for all pictures and ages of one person."""
        return f"{self.seed}-{self.index}"

    def hair_color(self, age_years: float) -> Color:
        """Linear RGB of the hair at an age."""
        grey = self.grey_fraction(age_years)
        old = min(max((age_years - 50) / 40, 0.0), 1.0)
        return mix(self.hair.color, mix(*GREY_HAIR, old), grey)

    def grey_fraction(self, age_years: float) -> float:
        """Share of grey hair at an age, in [0, 1]."""
        return float(1 / (1 + math.exp((self.hair.grey_years - age_years) / 4.5)))

    def recession(self, age_years: float) -> float:
        """How far the hairline has receded: 0 = not, 1 = only a ring around the head is left."""
        return self.hair.balding * min(max((age_years - 20) / 40, 0.0), 1.25)

    def hair_style(self, age_years: float) -> str:
        """The style at an age: down in the first years, nothing long or shaven in childhood, a ring of hair where the
        hairline has receded all the way.
        """
        if age_years < 2:
            return "buzz"
        if age_years < 5 and self.hair.style in _LONG:
            return "bob"
        if age_years < 16 and self.hair.style in ("bald", "horseshoe"):
            return "crop"
        if self.recession(age_years) > 0.8 and self.hair.style not in ("bald", "buzz"):
            return "horseshoe"
        return self.hair.style

    def fringe(self, age_years: float) -> str:
        """The fringe at an age."""
        return self.hair.fringe if age_years >= 2 and self.recession(age_years) < 0.3 else "none"

    def beard_style(self, age_years: float) -> str:
        """The beard at an age: none before growing up."""
        return self.beard.style if age_years >= ADULT_YEARS else "none"

    def wrinkles(self, age_years: float) -> float:
        """Depth of the wrinkles at an age, in [0, 1.3]."""
        return float(min(max((age_years - 25) / 57, 0.0) ** 0.85 * self.skin.wrinkle_pace, 1.3))

    def sagging(self, age_years: float) -> float:
        """How far the soft parts of the face have lost their hold at an age, in [0, 1.2]; earlier than `wrinkles`."""
        return float(min(max((age_years - 23) / 59, 0.0) ** 0.65 * self.skin.wrinkle_pace, 1.2))

    def childhood(self, age_years: float) -> float:
        """1 = a face as small children have it, 0 = grown up, in [0, 1]."""
        return float(min(max((18 - age_years) / 16, 0.0), 1.0) ** 0.75)

    def brows_at(self, age_years: float) -> Brows:
        """The brows at an age: fine and light in children, thinner again and paler in the old."""
        child, old = self.childhood(age_years), min(max((age_years - 50) / 40, 0.0), 1.0)
        return replace(
            self.brows,
            thickness=self.brows.thickness * (1 - 0.45 * child),
            density=self.brows.density * (1 - 0.6 * child) * (1 - 0.45 * old),
            color=mix(self.brows.color, _DOWN, 0.3 * child),
        )

    def lip_color(self, age_years: float) -> tuple[float, Color]:
        """Strength and colour of lipstick at an age: children wear none."""
        return (self.makeup.lipstick if age_years >= 16 else 0.0), self.makeup.lip_color

    def age_in(self, scene: Scene) -> float:
        """The age in a scene."""
        return self.age_years if scene.age_years < 0 else scene.age_years

    def attributes(self, scene: Scene) -> dict[str, bool]:
        """Attributes under CelebA's names, as they follow from the parameters.

        Whether a thing is inside the picture or hidden (an earring behind hair) is for the renderer to say.
        """
        age = self.age_in(scene)
        style, fringe, beard = self.hair_style(age), self.fringe(age), self.beard_style(age)
        grey = self.grey_fraction(age) > 0.55
        haired = style not in ("bald", "horseshoe")
        named = not grey and haired
        color = self.hair.color_name
        lipstick, _ = self.lip_color(age)
        waves = style in ("long_wavy", "long_curls", "short_curls") or self.hair.wave > 0.6
        hat = self.accessories.hat != "none"
        return {
            "Bald": style in ("bald", "horseshoe") and not hat,
            "Bangs": fringe != "none" and haired,
            "Black_Hair": named and color == "black",
            "Blond_Hair": named and color in ("blond", "platinum"),
            "Brown_Hair": named and color in ("brown", "dark_brown", "auburn"),
            "Gray_Hair": grey and style != "bald",
            "Bushy_Eyebrows": self.brows.thickness * self.brows.density > 1.35,
            "Eyeglasses": self.accessories.glasses != "none",
            "Goatee": beard in ("goatee", "circle"),
            "Heavy_Makeup": age >= 16 and self.makeup.lipstick + self.makeup.eyeshadow + self.makeup.eyeliner > 1.5,
            "Male": self.male,
            "Mouth_Slightly_Open": scene.mouth_open,
            "Mustache": beard in ("moustache", "circle", "full"),
            "No_Beard": beard == "none",
            "Pale_Skin": self.skin.melanin < 0.045,
            "Receding_Hairline": haired and self.recession(age) > 0.3,
            "Smiling": scene.smiling,
            "Straight_Hair": haired and not waves and style not in ("afro", "buzz"),
            "Wavy_Hair": haired and waves,
            "Wearing_Earrings": self.accessories.earrings != "none",
            "Wearing_Hat": hat,
            "Wearing_Lipstick": lipstick > 0.3,
            "Wearing_Necklace": self.accessories.necklace != "none",
            "Young": age < OLD_YEARS,
        }


def sample_person(seed: int, index: int) -> Person:
    """Person `index` of the collection `seed`; the same pair gives the same person.

    Raises:
        ConfigError: if one of them is negative.
    """

    def dice(purpose: str) -> Dice:
        return Dice(seed, index, f"person {purpose}")

    base = dice("base")
    male = base.chance(0.47)
    age = _sample_age(base)
    ancestry = _sample_ancestry(base)
    skin = _sample_skin(dice("skin"), ancestry)
    color_name = _sample_hair_color(dice("hair color"), ancestry, male=male)
    hair = _sample_hair(dice("hair"), ancestry, color_name, male=male)
    makeup = _sample_makeup(dice("make-up"), male=male)
    phenotype = ancestry | _sample_phenotype(dice("phenotype"), male=male)
    return Person(
        seed=seed,
        index=index,
        age_years=age,
        male=male,
        phenotype=phenotype,
        local_changes=_sample_local_changes(dice("local changes")),
        skin=skin,
        eyes=_sample_eyes(dice("eyes"), ancestry, color_name),
        hair=hair,
        brows=_sample_brows(dice("brows"), hair.color, male=male),
        beard=_sample_beard(dice("beard"), hair.color, male=male),
        makeup=makeup,
        accessories=_sample_accessories(dice("accessories"), male=male),
        top=_sample_garment(dice("top"), _TOPS_MALE if male else _TOPS_FEMALE, pattern=0.4),
        bottom=_sample_garment(dice("bottom"), _BOTTOMS_MALE if male else _BOTTOMS_FEMALE, pattern=0.06, bright=0.4),
        shoes=_sample_garment(dice("shoes"), _SHOES, pattern=0.0, bright=0.5),
    )


# Weights of names, by sex.
_STYLES_MALE = {
    "bald": 0.05, "buzz": 0.13, "crop": 0.22, "side_part": 0.2, "quiff": 0.1, "slicked_back": 0.07, "spiky": 0.07,
    "short_curls": 0.08, "medium": 0.05, "long_wavy": 0.015, "bun": 0.015,
}  # fmt: skip
_STYLES_FEMALE = {
    "long_straight": 0.2, "long_wavy": 0.24, "long_curls": 0.08, "bob": 0.13, "medium": 0.1, "ponytail": 0.09,
    "bun": 0.08, "pixie": 0.05, "braids": 0.03,
}  # fmt: skip
_TIGHT_STYLES_MALE = {"bald": 0.17, "buzz": 0.4, "crop": 0.12, "short_curls": 0.15, "afro": 0.1, "braids": 0.06}
_TIGHT_STYLES_FEMALE = {
    "afro": 0.16, "long_curls": 0.2, "short_curls": 0.1, "braids": 0.13, "bun": 0.11, "long_straight": 0.1,
    "long_wavy": 0.1, "bob": 0.05, "buzz": 0.05,
}  # fmt: skip
_TOPS_MALE = {
    "t_shirt": 0.27, "v_neck": 0.08, "shirt": 0.25, "sweater": 0.12, "turtleneck": 0.03, "blazer": 0.18, "hoodie": 0.07,
}  # fmt: skip
_TOPS_FEMALE = {
    "t_shirt": 0.17, "v_neck": 0.2, "shirt": 0.12, "sweater": 0.11, "turtleneck": 0.05, "tank_top": 0.16,
    "blazer": 0.07, "hoodie": 0.03, "dress": 0.09,
}  # fmt: skip
_BOTTOMS_MALE = {"trousers": 0.45, "jeans": 0.4, "shorts": 0.15}
_BOTTOMS_FEMALE = {"trousers": 0.22, "jeans": 0.3, "skirt": 0.22, "leggings": 0.16, "shorts": 0.1}
_SHOES = {"shoes": 0.4, "sneakers": 0.4, "boots": 0.15, "barefoot": 0.05}
_FRINGED = ("bob", "long_straight", "long_wavy", "medium", "ponytail", "bun", "pixie", "long_curls")

# Local changes of the body model and their standard deviations. Paired ones are drawn once and differ a little between
# left and right. What moves a feature off the middle, or mixes badly with expressions, is left out.
_SINGLE_CHANGES = {
    "chin-bones-incr": 0.1, "chin-cleft-incr": 0.12, "chin-height-incr": 0.12, "chin-jaw-drop-incr": 0.1,
    "chin-prognathism-incr": 0.08, "chin-prominent-incr": 0.12, "chin-width-incr": 0.16,
    "eyebrows-angle-up": 0.12, "eyebrows-trans-forward": 0.1, "eyebrows-trans-up": 0.1,
    "forehead-nubian-incr": 0.1, "forehead-scale-vert-incr": 0.12, "forehead-temple-incr": 0.1,
    "forehead-trans-forward": 0.08, "head-back-scale-depth-incr": 0.1, "head-fat-incr": 0.12,
    "head-scale-depth-incr": 0.1, "head-scale-horiz-incr": 0.16, "head-scale-vert-incr": 0.14,
    "mouth-angles-up": 0.1, "mouth-cupidsbow-incr": 0.15, "mouth-cupidsbow-width-incr": 0.1,
    "mouth-dimples-out": 0.05, "mouth-laugh-lines-out": 0.06, "mouth-lowerlip-height-incr": 0.12,
    "mouth-lowerlip-volume-incr": 0.14, "mouth-lowerlip-width-incr": 0.1, "mouth-philtrum-volume-incr": 0.1,
    "mouth-scale-horiz-incr": 0.14, "mouth-scale-vert-incr": 0.1, "mouth-trans-up": 0.1,
    "mouth-upperlip-height-incr": 0.12, "mouth-upperlip-volume-incr": 0.14, "mouth-upperlip-width-incr": 0.1,
    "neck-scale-depth-incr": 0.08, "neck-scale-horiz-incr": 0.1, "neck-scale-vert-incr": 0.1,
    "nose-base-up": 0.12, "nose-curve-convex": 0.16, "nose-flaring-incr": 0.12, "nose-greek-incr": 0.1,
    "nose-hump-incr": 0.14, "nose-nostrils-angle-up": 0.1, "nose-nostrils-width-incr": 0.12, "nose-point-up": 0.14,
    "nose-point-width-incr": 0.14, "nose-scale-depth-incr": 0.12, "nose-scale-horiz-incr": 0.14,
    "nose-scale-vert-incr": 0.12, "nose-septumangle-incr": 0.1, "nose-trans-up": 0.08, "nose-volume-incr": 0.12,
    "nose-width1-incr": 0.12, "nose-width2-incr": 0.12, "nose-width3-incr": 0.12,
}  # fmt: skip
_PAIRED_CHANGES = {
    "cheek-bones-incr": 0.14, "cheek-inner-incr": 0.1, "cheek-trans-up": 0.1, "cheek-volume-incr": 0.14,
    "ear-lobe-incr": 0.15, "ear-rot-forward": 0.1, "ear-scale-depth-incr": 0.1, "ear-scale-incr": 0.14,
    "ear-scale-vert-incr": 0.12, "ear-shape-round": 0.12, "ear-trans-up": 0.08, "ear-wing-incr": 0.14,
    "eye-bag-height-incr": 0.1, "eye-bag-incr": 0.12, "eye-corner1-up": 0.12, "eye-corner2-up": 0.12,
    "eye-epicanthus-out": 0.1, "eye-eyefold-angle-up": 0.12, "eye-eyefold-up": 0.12, "eye-height1-incr": 0.1,
    "eye-height2-incr": 0.1, "eye-height3-incr": 0.1, "eye-push1-out": 0.08, "eye-push2-out": 0.08,
    "eye-scale-incr": 0.12, "eye-trans-out": 0.1, "eye-trans-up": 0.08,
}  # fmt: skip
_SIDE_DIFFERENCE = 0.18
"""How much left and right differ, as a fraction of the change's standard deviation."""


def _sample_age(dice: Dice) -> float:
    """Mostly adults between 18 and 60."""
    if dice.chance(0.04):
        return dice.uniform(5, 18)
    if dice.chance(0.09):
        return dice.uniform(55, 85)
    return float(18 + 42 * dice.uniform() ** 1.4)


def _sample_ancestry(dice: Dice) -> dict[str, float]:
    """Shares that add up to one; mostly of one origin."""
    main = dice.pick({"caucasian": 0.58, "african": 0.2, "asian": 0.22})
    other = dice.pick({name: 1.0 for name in ("caucasian", "african", "asian") if name != main})
    share = dice.uniform(0.25, 0.5) if dice.chance(0.18) else dice.uniform(0.0, 0.22)
    ancestry = dict.fromkeys(("african", "asian", "caucasian"), 0.0)
    ancestry[main], ancestry[other] = 1 - share, share
    return ancestry


def _sample_phenotype(dice: Dice, *, male: bool) -> dict[str, float]:
    return {
        "gender": dice.uniform(0.0, 0.14) if male else dice.uniform(0.86, 1.0),
        "muscle": min(max(dice.normal(0.58 if male else 0.47, 0.12), 0.2), 0.95),
        "weight": min(max(dice.normal(0.5, 0.13), 0.2), 0.95),
        "height": min(max(dice.normal(0.5, 0.14), 0.1), 0.9),
        "proportions": min(max(dice.normal(0.3, 0.13), 0.0), 0.6),
        "cupsize": min(max(dice.normal(0.5, 0.15), 0.1), 0.9),
        "firmness": min(max(dice.normal(0.55, 0.12), 0.2), 0.9),
    }


def _sample_local_changes(dice: Dice) -> dict[str, float]:
    changes = {name: dice.normal(0.0, sigma) for name, sigma in _SINGLE_CHANGES.items()}
    for name, sigma in _PAIRED_CHANGES.items():
        both = dice.normal(0.0, sigma)
        for side in ("l", "r"):
            changes[f"{side}-{name}"] = both + dice.normal(0.0, _SIDE_DIFFERENCE * sigma)
    return changes


def _sample_skin(dice: Dice, ancestry: dict[str, float]) -> Skin:
    usual = 0.09 * ancestry["caucasian"] + 0.18 * ancestry["asian"] + 0.64 * ancestry["african"]
    spread = 0.05 * ancestry["caucasian"] + 0.07 * ancestry["asian"] + 0.15 * ancestry["african"]
    melanin = min(max(dice.normal(usual, spread, limit=2.0), 0.01), 1.0)
    fair = max(0.0, 1 - melanin / 0.22)
    return Skin(
        melanin=melanin,
        haemoglobin=min(max(dice.normal(0.6, 0.18), 0.1), 1.1),
        blush=dice.uniform(0.15, 0.85),
        unevenness=dice.uniform(0.2, 0.9),
        freckles=dice.uniform(0.3, 1.0) if dice.chance(0.22 * fair) else 0.0,
        moles=dice.pick({0: 0.55, 1: 0.22, 2: 0.13, 3: 0.06, 5: 0.04}),
        under_eye=dice.uniform(0.1, 0.7),
        gloss=dice.uniform(0.1, 0.8),
        wrinkle_pace=dice.uniform(0.75, 1.25),
        seed=dice.integer(),
    )


def _sample_eyes(dice: Dice, ancestry: dict[str, float], hair: str) -> Eyes:
    weights = {"dark_brown": 0.75, "brown": 0.25}
    if dice.chance(max(0.0, 1.15 * ancestry["caucasian"] - 0.15)):
        light = {"dark_brown": 0.05, "brown": 0.15, "hazel": 0.15, "green": 0.17, "blue": 0.36, "grey": 0.12}
        dark = {"dark_brown": 0.28, "brown": 0.34, "hazel": 0.14, "green": 0.09, "blue": 0.12, "grey": 0.03}
        weights = dark if hair in ("black", "dark_brown") else light
    name = dice.pick(weights)
    return Eyes(
        color_name=name,
        color=dice.between(*EYE_COLORS[name]),
        limbal_ring=dice.uniform(0.3, 0.9),
        pupil=dice.uniform(0.3, 0.45),
        seed=dice.integer(),
    )


def _sample_hair_color(dice: Dice, ancestry: dict[str, float], *, male: bool) -> str:
    if not dice.chance(2.2 * ancestry["caucasian"] - 0.9):  # light hair needs most of its genes from there
        return dice.pick({"black": 0.76, "dark_brown": 0.19, "brown": 0.04, "auburn": 0.01})
    weights = {"black": 0.1, "dark_brown": 0.2, "brown": 0.25, "auburn": 0.06, "red": 0.07, "dark_blond": 0.13}
    return dice.pick(weights | ({"blond": 0.1, "platinum": 0.01} if male else {"blond": 0.24, "platinum": 0.06}))


def _sample_hair(dice: Dice, ancestry: dict[str, float], color_name: str, *, male: bool) -> Hair:
    tight = dice.chance(min(1.0, 1.25 * ancestry["african"]) if ancestry["african"] > 0.3 else 0.0)
    if tight:
        style = dice.pick(_TIGHT_STYLES_MALE if male else _TIGHT_STYLES_FEMALE)
    else:
        style = dice.pick(_STYLES_MALE if male else _STYLES_FEMALE)
    fringe = (
        dice.pick({"none": 0.68, "straight": 0.11, "swept": 0.13, "curtain": 0.08}) if style in _FRINGED else "none"
    )
    return Hair(
        style=style,
        fringe="none" if tight and style == "long_curls" else fringe,
        color_name=color_name,
        color=dice.between(*HAIR_COLORS[color_name]),
        highlights=dice.uniform(0.0, 0.35) if male else dice.uniform(0.1, 0.8) if dice.chance(0.6) else 0.1,
        length=dice.uniform(0.75, 1.25),
        volume=dice.uniform(0.9, 1.55),
        wave=dice.uniform() ** 1.6,
        part=dice.pick({-1.0: 0.35, 1.0: 0.35, 0.0: 0.3}) * dice.uniform(0.6, 1.0) + dice.uniform(-0.12, 0.12),
        behind_ears=dice.chance(0.25),
        grey_years=dice.normal(60.0 if male else 68.0, 9.0),
        balding=min(dice.uniform() ** 1.8 * 1.1, 1.0) if male else 0.15 * dice.uniform(),
        seed=dice.integer(),
    )


def _sample_brows(dice: Dice, hair: Color, *, male: bool) -> Brows:
    # Light hair comes with darker brows, black hair with black ones.
    depth = 0.55 if max(hair) > 0.15 else 0.85
    return Brows(
        thickness=dice.normal(1.12 if male else 0.85, 0.18, limit=2.0),
        density=dice.uniform(0.75, 1.15),
        arch=dice.normal(-0.25 if male else 0.3, 0.4),
        length=dice.uniform(0.9, 1.1),
        color=scaled(hair, depth * dice.uniform(0.85, 1.15)),
        seed=dice.integer(),
    )


def _sample_beard(dice: Dice, hair: Color, *, male: bool) -> Beard:
    style = dice.pick(
        {"none": 0.46, "stubble": 0.2, "moustache": 0.05, "goatee": 0.05, "circle": 0.08, "short": 0.11, "full": 0.05}
        if male
        else {"none": 1.0}
    )
    usual = {"full": dice.uniform(0.018, 0.04), "short": dice.uniform(0.004, 0.009)}
    return Beard(
        style=style,
        length=usual.get(style, dice.uniform(0.005, 0.011)),
        density=dice.uniform(0.65, 1.0),
        color=scaled(hair, dice.uniform(0.7, 1.0)),
        seed=dice.integer(),
    )


def _sample_makeup(dice: Dice, *, male: bool) -> Makeup:
    worn = not male and dice.chance(0.75)
    strength = dice.uniform(0.3, 1.0) if worn else 0.0
    red = dice.hsv(dice.normal(0.985, 0.02), dice.uniform(0.5, 0.85), dice.uniform(0.45, 0.8))
    rose = dice.hsv(dice.normal(0.985, 0.015), dice.uniform(0.35, 0.5), dice.uniform(0.7, 0.85))
    return Makeup(
        lipstick=strength * dice.uniform(0.6, 1.0),
        lip_color=red if dice.chance(0.4) else rose,
        blusher=strength * dice.uniform(0.2, 1.0),
        eyeshadow=strength * dice.uniform(0.0, 0.9),
        eyeshadow_color=dice.hsv(dice.pick({0.05: 0.6, 0.95: 0.2, 0.6: 0.1, 0.8: 0.1}), 0.35, dice.uniform(0.2, 0.5)),
        eyeliner=strength * dice.uniform(0.2, 1.0),
        mascara=strength * dice.uniform(0.5, 1.0),
    )


def _sample_accessories(dice: Dice, *, male: bool) -> Accessories:
    frames = {"round": 0.2, "square": 0.3, "browline": 0.13, "cat_eye": 0.0 if male else 0.15, "aviator": 0.1}
    glasses = frames | {"rimless": 0.14, "sunglasses": 0.12}
    hats = {"beanie": 0.3, "cap": 0.36, "brim": 0.24, "beret": 0.1}
    hue = dice.uniform()
    dark = dice.hsv(dice.uniform(0.02, 0.09), dice.uniform(0.1, 0.7), dice.uniform(0.06, 0.3))
    bright = dice.hsv(dice.uniform(), 0.6, dice.uniform(0.25, 0.6))
    return Accessories(
        glasses=dice.pick(glasses) if dice.chance(0.12) else "none",
        frame_color=dark if dice.chance(0.85) else bright,
        hat=dice.pick(hats) if dice.chance(0.065) else "none",
        hat_color=dice.hsv(hue, dice.uniform(0.0, 0.75), dice.uniform(0.12, 0.8)),
        hat_accent=dice.hsv(hue + dice.uniform(0.3, 0.7), dice.uniform(0.0, 0.6), dice.uniform(0.3, 0.9)),
        earrings=dice.pick({"stud": 1.0, "hoop": 1.0, "drop": 1.2}) if dice.chance(0.05 if male else 0.5) else "none",
        earring_size=dice.uniform(0.7, 1.3),
        necklace=dice.pick({"chain": 1.0, "pendant": 1.2, "beads": 0.7})
        if dice.chance(0.03 if male else 0.22)
        else "none",
        metal=GOLD if dice.chance(0.55) else SILVER,
        gem=dice.hsv(dice.uniform(), dice.uniform(0.0, 0.85), dice.uniform(0.3, 0.95)),
    )


def _sample_garment(dice: Dice, kinds: dict[str, float], *, pattern: float, bright: float = 1.0) -> Garment:
    """One garment: `pattern` is how often it has one, `bright` < 1 makes colours rarer and duller."""
    kind = dice.pick(kinds)
    hue = dice.uniform()
    neutral = dice.hsv(dice.uniform(0.05, 0.65), dice.uniform(0.0, 0.18), dice.uniform(0.08, 0.95) ** 1.2)
    colored = dice.hsv(hue, bright * dice.uniform(0.25, 0.85), (0.4 + 0.6 * bright) * dice.uniform(0.25, 0.85))
    color = colored if dice.chance(0.45 * bright) else neutral
    if kind == "jeans":
        color = dice.between(srgb(0.13, 0.18, 0.28), srgb(0.42, 0.52, 0.64))
    contrast = dice.hsv(hue + dice.uniform(-0.15, 0.65), dice.uniform(0.0, 0.6), dice.uniform(0.05, 0.95))
    patterned = dice.chance(pattern) and kind not in ("jeans", "blazer", "leggings")
    return Garment(
        kind=kind,
        color=color,
        accent=contrast,
        pattern=dice.pick({"stripes": 0.45, "checks": 0.3, "dots": 0.25}) if patterned else "plain",
        pattern_size=dice.uniform(0.018, 0.07),
        seed=dice.integer(),
    )
