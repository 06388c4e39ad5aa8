"""Faces in the layout of CelebAMask-HQ; `limner.data.datasets.celebamask_hq` reads them.

```
CelebA-HQ-img/{i}.jpg                                  pictures
CelebAMask-HQ-mask-anno/{i//2000}/{i:05d}_{part}.png   0/255, one file per part that is there
CelebAMaskHQ-mask/{i}.png                              the same merged: palette pictures whose values are class ids
CelebAMask-HQ-attribute-anno.txt                       CelebA's 40 attributes, 1 / -1
CelebA-HQ-to-CelebA-mapping.txt                        names in a CelebA that does not exist, for
list_eval_partition.txt                                its split: 0 train, 1 val, 2 test (80 / 10 / 10 %)
landmarks68.csv                                        name, x0, y0 ... x67, y67 in pixels
captions/{i}.txt                                       ten sentences
facts.jsonl                                            what is true of each picture and stated by each of its sentences
people.json, records.jsonl                             the settings; what is finished, with age and identity
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from limner.data.attributes import SPLITS
from limner.data.collection import Files, Record
from limner.data.datasets.celebamask_hq import ATTRIBUTES, IMAGES, MAPPING, PARTITION
from limner.data.face_files import attribute_table, face_files, landmark_table
from limner.data.manifest import hash_split
from limner.data.shards import Made
from limner.people.person import Person, sample_person
from limner.people.rendering import render
from limner.people.scene import Scene, sample_scene
from limner.people.write.common import (
    FACTS,
    captioned,
    fact_table,
    generator,
    people_settings,
    rounded,
    visible_classes,
)

CELEBA_ATTRIBUTES = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes",
    "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks", "Sideburns", "Smiling",
    "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace",
    "Wearing_Necktie", "Young",
)  # fmt: skip
"""In CelebA's order; those that no person knows of (Attractive and the like) are -1 for everybody."""


@dataclass(frozen=True)
class Faces:
    """A `limner.people.write.common.PeopleMaker`."""

    noun: ClassVar[str] = "faces"
    settings_file: ClassVar[str] = "people.json"

    seed: int
    size: int

    def settings(self) -> dict[str, Any]:
        """Kind, seed, size, version."""
        return people_settings("people-faces", self.seed, self.size)

    def subject(self, index: int) -> tuple[Person, Scene]:
        """Who is in a picture, and how: every index is another person."""
        return sample_person(self.seed, index), sample_scene(self.seed, index, "face")

    def make(self, index: int) -> tuple[Files, Record]:
        """Render one face."""
        person, scene = self.subject(index)
        shown = render(person, scene, self.size)
        visible = visible_classes(shown.parsing)
        captions, stated = captioned(person, scene, visible, generator(self.seed, index, "captions"))
        files = {f"captions/{index}.txt": captions}
        files |= face_files(index, shown.image, shown.parsing, suffix="jpg", part_masks=True)
        return files, {
            "identity": shown.identity,
            "age_years": round(shown.age_years, 1),
            "attributes": [name for name, value in shown.attributes.items() if value],
            "landmarks": rounded(shown.landmarks68),
            **stated,
        }

    def tables(self, records: Sequence[Record]) -> dict[str, str]:
        """Attributes, the split in CelebA's roundabout form, landmarks, facts."""
        indices = [record["index"] for record in records]
        mapping = [f"{index:8d} {index:11d} {index + 1:06d}.jpg" for index in indices]
        partition = [f"{index + 1:06d}.jpg {SPLITS.index(self._split(index))}" for index in indices]
        attributes = [(f"{record['index']}.jpg", dict.fromkeys(record["attributes"], 1)) for record in records]
        return {
            ATTRIBUTES[0]: attribute_table(CELEBA_ATTRIBUTES, attributes),
            MAPPING: "\n".join(["     idx    orig_idx   orig_file", *mapping]) + "\n",
            PARTITION: "\n".join(partition) + "\n",
            "landmarks68.csv": landmark_table([(str(record["index"]), record["landmarks"]) for record in records]),
            FACTS: fact_table([(str(record["index"]), record) for record in records]),
        }

    def made(self, record: Record) -> Made:
        """What a shard says of a finished picture beside its labels."""
        names = ("identity", "age_years", "attributes", "landmarks", "facts", "stated")
        labels = {name: record[name] for name in names if name in record}
        return Made(f"{IMAGES}/{record['index']}.jpg", f"{record['index']:08d}", labels)

    def _split(self, index: int) -> str:
        return hash_split(str(index), seed=self.seed, val_share=0.1)
