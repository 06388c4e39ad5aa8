"""Dressed people in the layout of DeepFashion In-shop; `limner.data.datasets.deepfashion_inshop` reads them.

```
train/{name}.jpg test/{name}.jpg           a square canvas, white but for the middle 176 of 256 columns
fashion-resize-annotation-train.csv        name:keypoints_y:keypoints_x in these columns, -1 where not seen (also test)
fashion-resize-pairs-train.csv             from,to: two pictures of one person with shoulders and hips (also test)
train.lst test.lst                         names; 90 / 10 % of the people
parsing/{name}.png                         palette pictures whose values are ids of body-20
attributes.csv                             Male, and the colour of the upper garment
captions/{name}.txt                        ten sentences
facts.jsonl                                what is true of each picture and stated by each of its sentences
people.json, records.jsonl                 the settings; what is finished
```
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from limner.data.collection import Files, Record
from limner.data.datasets.deepfashion_inshop import ATTRIBUTES, PARSING, SCHEMA, content_columns, parse_name
from limner.data.face_files import encode_label_map, encode_picture
from limner.data.keypoints import NAMES, keypoint_row
from limner.data.manifest import hash_split
from limner.data.shards import Made
from limner.people.describe import COLOR_NAMES, color_name
from limner.people.dice import Dice
from limner.people.person import Person, sample_person
from limner.people.pose import sample_pose
from limner.people.rendering import Rendering, render
from limner.people.scene import Scene, sample_scene
from limner.people.write.common import FACTS, captioned, fact_table, generator, people_settings, visible_classes

UInt8Array = npt.NDArray[np.uint8]
Keypoints = list[tuple[float, float] | None]

VIEWS: tuple[tuple[str, str | None], ...] = (
    ("1front", "front"),
    ("2side", "side"),
    ("3back", "back"),
    ("7additional", None),
)
"""The pictures of one person: the data set's name of the view, and where they face; None: anywhere."""
BACK_YAW = 2.2
"""Turn of the pelvis from which a body is seen from behind, radians."""
LOOKS_BACK = 0.3
"""Share of those seen from behind who look over their shoulder."""
MAX_TEST_PAIRS = 12_000
_TORSO = [NAMES.index(name) for name in ("r_shoulder", "l_shoulder", "r_hip", "l_hip")]
"""Detectors of key points place these from the outline, also on the far side of a body seen from the side."""
_CATEGORIES = {
    "t_shirt": ("Tees_Tanks", "Tees_Tanks"), "v_neck": ("Tees_Tanks", "Blouses_Shirts"),
    "shirt": ("Shirts_Polos", "Blouses_Shirts"), "sweater": ("Sweaters", "Sweaters"),
    "turtleneck": ("Sweaters", "Sweaters"), "tank_top": ("Tees_Tanks", "Tees_Tanks"),
    "blazer": ("Suiting", "Jackets_Coats"), "hoodie": ("Sweatshirts_Hoodies", "Sweatshirts_Hoodies"),
    "dress": ("Dresses", "Dresses"),
}  # fmt: skip
"""Upper garment -> the data set's category for men and for women."""


@dataclass(frozen=True)
class Bodies:
    """A `limner.people.write.common.PeopleMaker`."""

    noun: ClassVar[str] = "people"
    settings_file: ClassVar[str] = "people.json"

    seed: int
    size: int

    def settings(self) -> dict[str, Any]:
        """Kind, seed, size, version."""
        return people_settings("people-bodies", self.seed, self.size)

    def subject(self, index: int) -> tuple[Person, Scene]:
        """Who is in a picture, and how: four indices in a row are one person in one studio, from another side each."""
        identity, view = divmod(index, len(VIEWS))
        person = sample_person(self.seed, identity)
        scene, studio = (sample_scene(self.seed, number, "body") for number in (index, identity * len(VIEWS)))
        dice = Dice(self.seed, index, "view")
        hangs_down = person.top.kind == "dress" or person.bottom.kind == "skirt"
        joints = sample_pose(dice, facing=VIEWS[view][1], may_sit=not hangs_down)
        around = joints["root"][2]
        if abs(around) > BACK_YAW and dice.chance(LOOKS_BACK):
            scene = dataclasses.replace(scene, head_yaw=-math.copysign(dice.uniform(0.5, 0.85), around))
        scene = dataclasses.replace(
            scene, joints=joints, light=studio.light, film=studio.film, background=studio.background
        )
        return person, scene

    def make(self, index: int) -> tuple[Files, Record]:
        """Render one picture."""
        person, scene = self.subject(index)
        shown = render(person, scene, self.size)
        image, parsing, keypoints = on_canvas(shown)
        identity, view = divmod(index, len(VIEWS))
        name = _name(person, identity, VIEWS[view][0])
        split = hash_split(f"id{identity}", seed=self.seed, val_share=0.0)
        first, number = content_columns(self.size, self.size)
        visible = visible_classes(shown.parsing[:, first : first + number]) | visible_classes(parsing, SCHEMA)
        captions, stated = captioned(person, scene, visible, generator(self.seed, index, "captions"))
        files = {
            f"captions/{name}.txt": captions,
            f"{PARSING}/{name}.png": encode_label_map(parsing, SCHEMA),
            f"{split}/{name}.jpg": encode_picture(image, "jpg"),
        }
        return files, {
            "name": f"{name}.jpg",
            "split": split,
            "identity": shown.identity,
            "attributes": ["Male"] * person.male + [color_attribute(color_name(person.top.color))],
            "keypoints": keypoints,
            **stated,
        }

    def tables(self, records: Sequence[Record]) -> dict[str, str]:
        """Key points, pairs and names of each split, the attributes and the facts."""
        columns = ["Male", *map(color_attribute, COLOR_NAMES)]
        rows = [
            ",".join([record["name"], *("1" if name in record["attributes"] else "0" for name in columns)])
            for record in records
        ]
        texts = {
            ATTRIBUTES: "\n".join([",".join(["name", *columns]), *rows]) + "\n",
            FACTS: fact_table([(Path(record["name"]).stem, record) for record in records]),
        }
        for split in ("train", "test"):
            own = [record for record in records if record["split"] == split]
            points = [keypoint_row(record["name"], _points(record)) for record in own]
            pairs = [f"{source},{target}" for source, target in pose_pairs(own)]
            texts |= {
                f"fashion-resize-annotation-{split}.csv": "\n".join(["name:keypoints_y:keypoints_x", *points]) + "\n",
                f"fashion-resize-pairs-{split}.csv": "\n".join(["from,to", *pairs]) + "\n",
                f"{split}.lst": "".join(f"{record['name']}\n" for record in own),
            }
        return texts

    def made(self, record: Record) -> Made:
        """What a shard says of a finished picture beside its labels."""
        names = ("name", "identity", "attributes", "keypoints", "facts", "stated")
        labels = {name: record[name] for name in names if name in record}
        return Made(f"{record['split']}/{record['name']}", f"{record['index']:08d}", labels)


def on_canvas(shown: Rendering) -> tuple[UInt8Array, UInt8Array, Keypoints]:
    """What of a rendering lies in the person's columns.

    Returns:
        The picture with white borders, (S, S, 3) uint8 RGB; the body parsing with class 0 there, (S, S) uint8; and the
        18 key points x, y in pixels of these columns, None where not seen; shoulders and hips are always given.
    """
    size = len(shown.image)
    first, number = content_columns(size, size)
    content = slice(first, first + number)
    image, parsing = np.full_like(shown.image, 255), np.zeros_like(shown.body_parsing)
    image[:, content], parsing[:, content] = shown.image[:, content], shown.body_parsing[:, content]
    points = shown.keypoints18 - np.array([first, 0])
    seen = shown.keypoints_visible.copy()
    seen[_TORSO] = True
    seen &= ((points > -0.5) & (points < [number - 0.5, size - 0.5])).all(axis=1)
    keypoints = [
        (round(x, 3), round(y, 3)) if is_seen else None
        for (x, y), is_seen in zip(points.astype(float).tolist(), seen.tolist(), strict=True)
    ]
    return image, parsing, keypoints


def pose_pairs(records: Sequence[Record]) -> list[tuple[str, str]]:
    """All ordered pairs of pictures of one person that show shoulders and hips; of the test split at most 12,000."""
    people: dict[str, list[str]] = {}
    for record in records:
        if all(record["keypoints"][index] is not None for index in _TORSO):
            people.setdefault(parse_name(record["name"]).identity, []).append(record["name"])
    pairs = [pair for names in people.values() for pair in permutations(names, 2)]
    if len(pairs) > MAX_TEST_PAIRS and records[0]["split"] == "test":
        pairs = [pairs[place] for place in sorted(random.Random(0).sample(range(len(pairs)), MAX_TEST_PAIRS))]
    return pairs


def color_attribute(color: str) -> str:
    """Name of the attribute for a colour of `limner.people.describe`: "light grey" -> "Top_Light_Grey"."""
    return f"Top_{color.title().replace(' ', '_')}"


def _name(person: Person, identity: int, view: str) -> str:
    category = _CATEGORIES[person.top.kind][0 if person.male else 1]
    return f"fashion{'MEN' if person.male else 'WOMEN'}{category}id{identity + 1:08d}01_{view}"


def _points(record: Record) -> npt.NDArray[np.float64]:
    return np.array([point or (math.nan, math.nan) for point in record["keypoints"]])
