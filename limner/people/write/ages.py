"""Faces at different ages in the layout of UTKFace; `limner.data.datasets.utkface` reads them.

```
UTKFace/{age}_{gender}_{race}_{time}.jpg   pictures; the time counts the milliseconds of 2017 and is the index
landmark_list_part1.txt                    name x0 y0 ... x67 y67 in pixels
identity.csv                               name,identity: everybody is there once in each of the ten age groups
splits.csv                                 name,split: 80 / 10 / 10 % of the people
people.json, records.jsonl                 the settings; what is finished
```
In pictures of the same scene (for evaluation) light, camera, expression, background and exposure of a person stay: only
the age changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

from limner.data.collection import Files, Record
from limner.data.datasets.utkface import AGE_GROUPS, IMAGES
from limner.data.face_files import encode_picture
from limner.data.manifest import hash_split
from limner.data.shards import Made
from limner.people.dice import Dice
from limner.people.person import Person, sample_person
from limner.people.rendering import render
from limner.people.scene import Scene, sample_scene
from limner.people.write.common import SIZES, people_settings, rounded

CLOSER, SHIFT = 1.54, -0.15
"""Zoom and shift that bring eyes and mouth from the crop of CelebA-HQ to where UTKFace's aligned faces have them: at
0.30 and 0.69 of the height."""
_YEARS = ((1, 5), (6, 10), (11, 20), (21, 30), (31, 40), (41, 50), (51, 60), (61, 70), (71, 80), (81, 95))
"""First and last age drawn for each of the ten groups."""
_METERED = 3
"""Number of the age group on which the exposure of the same scene is measured."""
_RACES = {"caucasian": 0, "african": 1, "asian": 2}
_OTHER = 4


@dataclass(frozen=True)
class Ages:
    """A `limner.people.write.common.PeopleMaker`."""

    noun: ClassVar[str] = "faces"
    settings_file: ClassVar[str] = "people.json"

    seed: int
    size: int
    same_scene: bool = False
    """Whether only the age changes from picture to picture of a person."""

    def settings(self) -> dict[str, Any]:
        """Kind, seed, size, version."""
        kind = "people-ages of the same scene" if self.same_scene else "people-ages"
        return people_settings(kind, self.seed, self.size)

    def subject(self, index: int) -> tuple[Person, Scene]:
        """Who is in a picture, and how: ten indices in a row are one person, from the youngest age to the oldest."""
        identity, group = divmod(index, len(AGE_GROUPS))
        first, last = _YEARS[group]
        years = Dice(self.seed, index, "age").uniform(first, last + 1)
        scene = sample_scene(self.seed, identity * len(AGE_GROUPS) if self.same_scene else index, "age")
        camera = dataclasses.replace(
            scene.camera, zoom=CLOSER * scene.camera.zoom, shift_y=scene.camera.shift_y + SHIFT
        )
        return sample_person(self.seed, identity), dataclasses.replace(scene, age_years=years, camera=camera)

    def make(self, index: int) -> tuple[Files, Record]:
        """Render one face."""
        person, scene = self.subject(index)
        exposure = _shared_exposure(self, index // len(AGE_GROUPS)) if self.same_scene else None
        shown = render(person, scene, self.size, exposure=exposure)
        time = datetime(2017, 1, 1) + timedelta(milliseconds=index)
        stamp = f"{time:%Y%m%d%H%M%S}{time.microsecond // 1000:03d}"
        name = f"{int(scene.age_years)}_{0 if person.male else 1}_{race(person)}_{stamp}.jpg"
        return {f"{IMAGES[0]}/{name}": encode_picture(shown.image, "jpg")}, {
            "name": name,
            "identity": shown.identity,
            "age_years": round(scene.age_years, 1),
            "landmarks": rounded(shown.landmarks68),
        }

    def tables(self, records: Sequence[Record]) -> dict[str, str]:
        """Landmarks, identities, splits."""
        landmarks = [f"{record['name']} {' '.join(map(str, record['landmarks']))}" for record in records]
        identities = [f"{record['name']},{record['identity']}" for record in records]
        splits = [f"{record['name']},{self._split(record)}" for record in records]
        return {
            "landmark_list_part1.txt": "\n".join(landmarks) + "\n",
            "identity.csv": "\n".join(["name,identity", *identities]) + "\n",
            "splits.csv": "\n".join(["name,split", *splits]) + "\n",
        }

    def made(self, record: Record) -> Made:
        """What a shard says of a finished picture beside its labels."""
        labels = {name: record[name] for name in ("name", "identity", "age_years", "landmarks")}
        return Made(f"{IMAGES[0]}/{record['name']}", f"{record['index']:08d}", labels)

    def _split(self, record: Record) -> str:
        return hash_split(record["identity"], seed=self.seed, val_share=0.1)


@lru_cache(maxsize=8)
def _shared_exposure(ages: Ages, identity: int) -> float:
    """The automatic exposure of a small picture of a person as a young adult, for all ages of them."""
    person, scene = ages.subject(identity * len(AGE_GROUPS) + _METERED)
    return render(person, scene, SIZES[0]).exposure


def race(person: Person) -> int:
    """UTKFace's number for the origin of the shape; Other where no origin has half of it."""
    name = max(_RACES, key=lambda name: person.phenotype[name])
    total = sum(person.phenotype[name] for name in _RACES)
    return _RACES[name] if person.phenotype[name] >= 0.5 * total else _OTHER
