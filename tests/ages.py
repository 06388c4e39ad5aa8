"""Faces with ages for tests: the ready-made people, in the layout of UTKFace."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from limner.people.gallery import ready


def write_ready_ages(folder: Path, *, size: int = 64, same_scene: bool = False) -> Path:
    """Eight people at five ages each, with landmarks, identities and splits: six to train on, one each for val, test.

    Args:
        folder: made here.
        size: side of the pictures.
        same_scene: let the folder say that only the age changes (it does not, but nothing looks).
    """
    images = folder / "UTKFace"
    images.mkdir(parents=True)
    people = ready("age")
    names = list(dict.fromkeys(person.identity for person in people))
    landmarks, identities, splits = [], ["name,identity"], ["name,split"]
    for index, person in enumerate(people):
        name = f"{int(person.age_years)}_{names.index(person.identity) % 2}_0_2017010100000{index:04d}.jpg"
        side = person.image.shape[0]
        Image.fromarray(person.image).resize((size, size), Image.Resampling.BILINEAR).save(images / name)
        points = (person.landmarks + 0.5) * size / side - 0.5
        landmarks.append(f"{name} " + " ".join(f"{value:.3f}" for value in points.ravel()))
        identities.append(f"{name},{person.identity}")
        place = names.index(person.identity)
        splits.append(f"{name},{'test' if place == 0 else 'val' if place == 1 else 'train'}")
    (folder / "landmark_list_part1.txt").write_text("\n".join(landmarks) + "\n")
    (folder / "identity.csv").write_text("\n".join(identities) + "\n")
    (folder / "splits.csv").write_text("\n".join(splits) + "\n")
    if same_scene:
        (folder / "people.json").write_text('{"kind": "people-ages of the same scene"}')
    return folder
