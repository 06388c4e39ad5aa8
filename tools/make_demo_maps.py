"""Make the label maps that the demos walk through and edit, `limner/people/ready/maps`; they are rendered like people.

python tools/make_demo_maps.py
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from limner.data.face_files import encode_label_map
from limner.data.schema import get_schema
from limner.files import write_atomically
from limner.people.gallery import MAPS
from limner.people.person import Person, sample_person
from limner.people.rendering import render
from limner.people.scene import Scene, sample_scene

SEED, INDEX = 2024, 13
SIZE = 128
STEPS = 10


def bare(person: Person) -> Person:
    """The same person with nothing on the head or face."""
    return replace(person, accessories=replace(person.accessories, hat="none", glasses="none"))


def turned(scene: Scene, yaw: float, smile: float) -> Scene:
    """The scene with the head turned by `yaw` radians and so much of a smile."""
    return replace(
        scene,
        head_yaw=yaw,
        head_pitch=0.0,
        head_roll=0.0,
        actions={"mouthSmileLeft": smile, "mouthSmileRight": smile, "jawOpen": 0.25 * smile},
    )


def main() -> None:
    """Render all maps, then replace what is there."""
    person = bare(sample_person(SEED, INDEX))
    scene = sample_scene(SEED, INDEX, kind="face")
    straight = turned(scene, 0.0, 0.0)
    shots = {
        f"turn-{step}": (person, turned(scene, 1.0 * step / (STEPS - 1) - 0.5, step / (STEPS - 1)))
        for step in range(STEPS)
    }
    hair, worn = person.hair, person.accessories
    edits = {
        "edit-before": (person, straight),
        "edit-mouth-open": (person, replace(straight, actions={"jawOpen": 0.6})),
        "edit-glasses": (replace(person, accessories=replace(worn, glasses="round")), straight),
        "edit-long-hair": (replace(person, hair=replace(hair, style="long_wavy")), straight),
        "edit-hat": (replace(person, accessories=replace(worn, hat="beanie")), straight),
    }
    schema = get_schema("celebamask-19")
    files = {
        MAPS / f"{name}.png": encode_label_map(render(*shot, SIZE).parsing, schema)
        for name, shot in {**shots, **edits}.items()
    }
    MAPS.mkdir(exist_ok=True)
    write_atomically({path: partial(Path.write_bytes, data=content) for path, content in files.items()})
    print(f"{len(files)} maps, {sum(map(len, files.values())) / 1000:.0f} kB: {MAPS}")


if __name__ == "__main__":
    main()
