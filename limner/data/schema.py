"""Label schemas: what the ids of a label map mean, and how one set of ids becomes another.

A schema is an object with a name, never a bare list: two public orders of the same 19 face classes exist, and a map
read in the wrong one trains without an error. Sides are part of the schema too: CelebAMask-HQ's `l_eye` is the
*subject's* left eye, which lies on the right of the image.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError, DataError, named, nearest, quoted
from limner.files import read_json

UNMAPPED = 255
"""Value of a conversion table for an id that the source schema does not have."""


@dataclass(frozen=True)
class LabelSchema:
    """The classes of a label map: class `i` of `classes` is the value `i` in the map."""

    name: str
    """Unique name, used in messages, checkpoints and on the command line."""
    classes: tuple[str, ...]
    """Class names in the order of their ids; at most 255."""
    palette: tuple[tuple[int, int, int], ...]
    """One RGB colour (0..255) per class, all different."""
    flip_pairs: tuple[tuple[str, str], ...] = ()
    """Classes that change places when the picture is mirrored."""
    sides: Literal["subject", "image", "none"] = "none"
    """Whose left is meant by a left class: the person's, the viewer's, or there are no sides."""
    implied_attributes: dict[str, str] = field(default_factory=dict, hash=False)
    """Attribute name -> class whose presence in the map already says the same."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.classes) <= UNMAPPED:
            raise ConfigError(f'Schema "{self.name}" has {len(self.classes)} classes, but must have 1 to {UNMAPPED}.')
        if len(set(self.classes)) != len(self.classes):
            raise ConfigError(f'Schema "{self.name}" names a class twice.')
        if len(self.palette) != len(self.classes) or len(set(self.palette)) != len(self.palette):
            raise ConfigError(
                f'Schema "{self.name}" has {len(self.classes)} classes and {len(set(self.palette))} different '
                "colours, but needs one colour of its own per class."
            )
        named = [name for pair in self.flip_pairs for name in pair] + list(self.implied_attributes.values())
        for name in named:
            if name not in self.classes:
                raise ConfigError(f'Schema "{self.name}" has no class "{name}".{nearest(name, self.classes)}')
        if self.flip_pairs and self.sides == "none":
            raise ConfigError(f'Schema "{self.name}" has flip pairs, so its sides must be "subject" or "image".')

    @property
    def num_classes(self) -> int:
        """Number of classes, background included."""
        return len(self.classes)

    def id(self, name: str) -> int:
        """The id of a class.

        Raises:
            ConfigError: if there is no such class.
        """
        if name not in self.classes:
            raise ConfigError(f'Schema "{self.name}" has no class "{name}".{nearest(name, self.classes)}')
        return self.classes.index(name)

    @property
    def flip_ids(self) -> tuple[tuple[int, int], ...]:
        """The ids of the flip pairs."""
        return tuple((self.id(first), self.id(second)) for first, second in self.flip_pairs)

    def flip_permutation(self) -> npt.NDArray[np.uint8]:
        """Table of `num_classes` ids: the id that each id becomes when the picture is mirrored."""
        table = np.arange(self.num_classes, dtype=np.uint8)
        for first, second in self.flip_ids:
            table[first], table[second] = second, first
        return table

    def colorize(self, label_map: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Paint a label map (H, W) of ids in the palette's colours: (H, W, 3) uint8 RGB.

        Raises:
            DataError: if an id is not in the schema.
        """
        self.check_ids(label_map, "The label map")
        colors: npt.NDArray[np.uint8] = np.asarray(self.palette, dtype=np.uint8)[label_map]
        return colors

    def check_ids(self, label_map: npt.NDArray[Any], where: str) -> None:
        """Refuse a map with ids outside the schema.

        Raises:
            DataError: naming `where`, the id, what is allowed and what to do.
        """
        if label_map.size == 0:
            raise DataError(f"{where} is empty: a label map needs at least one pixel.")
        low, high = int(label_map.min()), int(label_map.max())
        if low >= 0 and high < self.num_classes:
            return
        wrong = low if low < 0 else high
        text = f'{where} has class id {wrong}, but schema "{self.name}" has ids 0..{self.num_classes - 1}.'
        if set(np.unique(label_map).tolist()) <= {0, 255}:
            raise DataError(f"{text} It looks like the 0/255 mask of one part, not like a map of all classes.")
        others = [other for other in SCHEMAS.values() if low >= 0 and self.num_classes <= high < other.num_classes]
        fix = "Correct it"
        if others:
            fix = (
                f"Say which schema it was made with, such as {others[0].name} (--schema for a map; in a data folder "
                f'{{"name": "{others[0].name}"}} in its schema.json)'
            )
        raise DataError(
            f"{text} {fix}, or convert it: limner data convert PATH --from SCHEMA --to {self.name} --out NEW"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data from which `from_json` makes an equal schema."""
        return {
            "name": self.name,
            "classes": list(self.classes),
            "palette": [list(color) for color in self.palette],
            "flip_pairs": [list(pair) for pair in self.flip_pairs],
            "sides": self.sides,
            "implied_attributes": dict(self.implied_attributes),
        }

    @classmethod
    def from_json(cls, data: Any, *, where: str = "The schema") -> LabelSchema:
        """Make a schema from plain data; `palette`, `flip_pairs`, `sides` and `implied_attributes` may be left out.

        The name of one of `SCHEMAS`, alone or as the only field "name", is that schema.

        Raises:
            DataError: if a field is missing, unknown or of the wrong kind.
        """
        name = data["name"] if isinstance(data, dict) and set(data) == {"name"} else data
        if isinstance(name, str):
            if name not in SCHEMAS:
                raise DataError(
                    f'{where} has only the name "{name}", which no schema of Limner has.{nearest(name, SCHEMAS)} Add '
                    'its "classes", in the order of their ids.'
                )
            return SCHEMAS[name]
        known = ("name", "classes", "palette", "flip_pairs", "sides", "implied_attributes")
        if not isinstance(data, dict) or "name" not in data or "classes" not in data:
            raise DataError(f'{where} must be a JSON object with "name" and "classes".')
        for key in data:
            if key not in known:
                raise DataError(f'{where} has the unknown field "{key}".{nearest(key, known)}')
        try:
            classes = tuple(str(name) for name in data["classes"])
            colors = data.get("palette") or distinct_colors(len(classes))
            palette = tuple((int(r), int(g), int(b)) for r, g, b in colors)
            pairs = tuple((str(first), str(second)) for first, second in data.get("flip_pairs", ()))
            implied = {str(key): str(value) for key, value in data.get("implied_attributes", {}).items()}
        except (TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{where} has a field of the wrong kind: {error}.") from error
        sides = data.get("sides", "none")
        if sides not in ("subject", "image", "none"):
            raise DataError(f'{where} has sides "{sides}", but must have "subject", "image" or "none".')
        if not all(0 <= value <= 255 for color in palette for value in color):
            raise DataError(f"{where} has a colour outside 0..255.")
        try:
            return cls(str(data["name"]), classes, palette, pairs, sides, implied)
        except ConfigError as error:
            raise DataError(f"{where} cannot be used: {error}") from error


def distinct_colors(num: int) -> tuple[tuple[int, int, int], ...]:
    """`num` <= 256 different colours, 0 black: the bits of the id spread over the high bits of red, green, blue.

    This is the colour map of the PASCAL VOC annotations, which Clothing-Co-Parsing uses too.
    """
    colors = []
    for index in range(num):
        rgb = [0, 0, 0]
        for bit in range(8):
            rgb[bit % 3] |= ((index >> bit) & 1) << (7 - bit // 3)
        colors.append((rgb[0], rgb[1], rgb[2]))
    return tuple(colors)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PART_COLORS = {  # the colours of the CelebAMask-HQ annotations, kept for the same part in every face schema
    "background": (0, 0, 0),
    "skin": (204, 0, 0),
    "nose": (76, 153, 0),
    "eye_g": (204, 204, 0),
    "l_eye": (51, 51, 255),
    "r_eye": (204, 0, 204),
    "l_brow": (0, 255, 255),
    "r_brow": (255, 204, 204),
    "l_ear": (102, 51, 0),
    "r_ear": (255, 0, 0),
    "mouth": (102, 204, 0),
    "u_lip": (255, 255, 0),
    "l_lip": (0, 0, 153),
    "hair": (0, 0, 204),
    "hat": (255, 51, 153),
    "ear_r": (0, 204, 204),
    "neck_l": (0, 51, 0),
    "neck": (255, 153, 51),
    "cloth": (0, 204, 0),
    "lips": (255, 255, 0),
}
_IMPLIED = {
    "Eyeglasses": "eye_g",
    "Wearing_Hat": "hat",
    "Wearing_Earrings": "ear_r",
    "Wearing_Necklace": "neck_l",
    "Mouth_Slightly_Open": "mouth",
    "No_Visible_Hair": "hair",
    "Bald": "hair",
}


def _face_schema(name: str, sides: Literal["subject", "image"], classes: str) -> LabelSchema:
    names = _words(classes)
    pairs = (("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear"))
    return LabelSchema(
        name,
        names,
        tuple(_PART_COLORS[part] for part in names),
        tuple(pair for pair in pairs if pair[0] in names),
        sides,
        {attribute: part for attribute, part in _IMPLIED.items() if part in names},
    )


_CCP_59 = _words(
    "null accessories bag belt blazer blouse bodysuit boots bra bracelet cape cardigan clogs coat dress earrings flats "
    "glasses gloves hair hat heels hoodie intimate jacket jeans jumper leggings loafers necklace panties pants pumps "
    "purse ring romper sandals scarf shirt shoes shorts skin skirt sneakers socks stockings suit sunglasses sweater "
    "sweatshirt swimwear t-shirt tie tights top vest wallet watch wedges"
)
_BODY_20 = _words(  # the classes and the order of the human parsing sets CIHP and LIP (with CIHP's torso_skin)
    "background hat hair gloves glasses upper_clothes dress coat socks pants torso_skin scarf skirt face l_arm r_arm "
    "l_leg r_leg l_shoe r_shoe"
)
_LIMBS_18 = _words(
    "background r_shoulder l_shoulder r_upper_arm r_forearm l_upper_arm l_forearm r_trunk r_thigh r_shin l_trunk "
    "l_thigh l_shin neck r_nose_eye r_eye_ear l_nose_eye l_eye_ear"
)
_FASHION_COLORS = ((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255), (0, 255, 255))

# Where the classes of other schemas go in these; a class that is not listed goes to the class of the same name.
_CCP_7_PARTS = {
    "background": "null",
    "hair": "hair",
    "skin": "skin face arms legs",
    "upper_clothes": "blazer blouse bodysuit bra cape cardigan coat dress hoodie intimate jacket jumper romper scarf "
    "shirt suit sweater sweatshirt swimwear t-shirt tie top vest",
    "lower_clothes": "belt jeans leggings panties pants shorts skirt stockings tights",
    "shoes": "boots clogs flats heels loafers pumps sandals shoes sneakers socks wedges",
    "accessories": "accessories bag bracelet earrings glasses gloves hat necklace purse ring sunglasses wallet watch",
}
_FASHION_7_PARTS = {
    "hair": "hat",
    "face": "glasses torso_skin",
    "upper_clothes": "dress coat scarf",
    "lower_clothes": "pants skirt",
    "legs": "l_leg r_leg socks l_shoe r_shoe",
    "arms": "l_arm r_arm gloves",
}
_MERGES: dict[str, dict[str, str]] = {
    # scgan.md 6.1: whatever is not skin, eye, nose or mouth is background, as in the maps drawn from landmarks
    "scgan-celeba-7": {"u_lip": "lips", "l_lip": "lips"}
    | dict.fromkeys(_words("eye_g l_brow r_brow l_ear r_ear hair hat ear_r neck_l neck cloth"), "background"),
    # portrait.md 3: glasses and ears are skin; hat, jewellery, neck and clothes are background
    "portrait-11": dict.fromkeys(_words("eye_g l_ear r_ear"), "skin")
    | dict.fromkeys(_words("hat ear_r neck_l neck cloth"), "background"),
    "ccp-7": {name: part for part, names in _CCP_7_PARTS.items() for name in _words(names)},
    "ccp-59": {"background": "null"},
    "deepfashion-7": {name: part for part, names in _FASHION_7_PARTS.items() for name in _words(names)},
}

SCHEMAS: dict[str, LabelSchema] = {
    schema.name: schema
    for schema in (
        _face_schema(
            "celebamask-19",
            "subject",
            "background skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair hat ear_r neck_l "
            "neck cloth",
        ),
        _face_schema(
            "bisenet-19",
            "subject",
            "background skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r nose mouth u_lip l_lip neck neck_l "
            "cloth hair hat",
        ),
        _face_schema("scgan-celeba-7", "image", "background skin l_eye r_eye nose lips mouth"),
        _face_schema("portrait-11", "image", "background skin l_brow r_brow l_eye r_eye nose u_lip mouth l_lip hair"),
        LabelSchema(
            "deepfashion-7",
            ("background", "hair", "face", "upper_clothes", "lower_clothes", "legs", "arms"),
            _FASHION_COLORS,
        ),
        LabelSchema(
            "body-20",
            _BODY_20,
            distinct_colors(len(_BODY_20)),
            tuple((f"l_{part}", f"r_{part}") for part in ("arm", "leg", "shoe")),
            "subject",
        ),
        LabelSchema(  # painted from 18 key points where there is no parsing; see `limner.data.keypoints`
            "limbs-18",
            _LIMBS_18,
            distinct_colors(len(_LIMBS_18)),
            tuple((name, f"r_{name[2:]}") for name in _LIMBS_18 if name.startswith("l_")),
            "subject",
        ),
        LabelSchema(
            "ccp-7",
            tuple(_CCP_7_PARTS),
            _FASHION_COLORS,
            implied_attributes={
                name: part for part, names in _CCP_7_PARTS.items() for name in _words(names) if name in _CCP_59[1:]
            },
        ),
        LabelSchema(
            "ccp-59",
            _CCP_59,
            distinct_colors(len(_CCP_59)),
            implied_attributes={name: name for name in _CCP_59[1:]},
        ),
    )
}
"""Every schema that comes with Limner, by name."""


def get_schema(name: str | Path | LabelSchema) -> LabelSchema:
    """A schema by its name, or read from a JSON file (a name that ends in `.json`).

    Raises:
        ConfigError: if there is no schema of that name.
        DataError: if the file cannot be read.
    """
    if isinstance(name, LabelSchema):
        return name
    if not isinstance(name, str | Path):
        raise ConfigError(f"The label schema is {quoted(name)}; it must be a name, a JSON file or a LabelSchema.")
    if str(name).endswith(".json"):
        return read_schema(Path(name))
    if str(name) not in SCHEMAS:
        raise ConfigError(f"There is no label schema {named(str(name))}.{nearest(str(name), SCHEMAS)}")
    return SCHEMAS[str(name)]


_LEFT = re.compile(r"left|(?:^|(?<=[^a-z]))l(?=[^a-z]|$)", re.IGNORECASE)


def side_pairs(classes: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of classes whose names differ in their side alone: `l_eye` and `r_eye`, `Left Arm` and `Right Arm`."""
    known = {name.lower(): name for name in classes}
    pairs = []
    for name in classes:
        other = _LEFT.sub(lambda found: "r" if len(found[0]) == 1 else "right", name).lower()
        if other != name.lower() and other in known:
            pairs.append((name, known[other]))
    return pairs


def read_schema(path: Path) -> LabelSchema:
    """Read a schema from a JSON file.

    Raises:
        DataError: if the file is missing, is not JSON or does not describe a schema; if it has left and right classes
            and does not say which change places when a picture is mirrored.
    """
    data = read_json(path)
    schema = LabelSchema.from_json(data, where=str(path))
    named = {frozenset(pair) for pair in schema.flip_pairs}
    forgotten = [pair for pair in side_pairs(schema.classes) if frozenset(pair) not in named]
    if forgotten and (named or not isinstance(data, dict) or "flip_pairs" not in data):
        left, right = forgotten[0]
        raise DataError(
            f'{path} has the classes "{left}" and "{right}", but "flip_pairs" does not have them, so mirrored pictures '
            f'would keep left for left: add ["{left}", "{right}"] and "sides", or write "flip_pairs": [] if nothing '
            "changes places."
        )
    return schema


def converter(source: str | LabelSchema, target: str | LabelSchema) -> npt.NDArray[np.uint8]:
    """Table of 256 values: id in `source` -> id in `target`; 255 where `source` has no such id.

    Classes are matched by name and by the merges of the target (several classes may become one). Between a schema with
    the subject's sides and one with the image's sides, left and right change places.

    Raises:
        ConfigError: if a class of the source has no counterpart in the target.
    """
    source, target = get_schema(source), get_schema(target)
    return _converter(source, target).copy()


@lru_cache(maxsize=64)
def _converter(source: LabelSchema, target: LabelSchema) -> npt.NDArray[np.uint8]:
    table = np.full(256, UNMAPPED, dtype=np.uint8)
    if source == target:
        table[: source.num_classes] = np.arange(source.num_classes)
        return table
    merges = _MERGES.get(target.name, {})
    swap = {source.sides, target.sides} == {"subject", "image"}
    mirrored = target.flip_permutation()
    for index, name in enumerate(source.classes):
        goal = name if name in target.classes else merges.get(name)
        if goal not in target.classes:
            raise ConfigError(
                f'Schema "{source.name}" cannot become "{target.name}": its class "{name}" has no counterpart there.'
            )
        goal_id = target.id(goal)
        table[index] = mirrored[goal_id] if swap else goal_id
    return table
