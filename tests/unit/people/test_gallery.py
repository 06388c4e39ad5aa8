"""The people that come with the package: complete, small, readable without the renderer."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from limner.data.image_io import read_label_map
from limner.data.schema import get_schema
from limner.errors import ConfigError
from limner.media import read_frames, read_waveform
from limner.people import ready, ready_clips
from limner.people.gallery import CLIPS, FOLDER, MAPS


def test_there_are_faces_ages_and_bodies():
    faces, ages, bodies = ready("face"), ready("age"), ready("body")
    assert ready() == faces + ages + bodies
    assert len({person.identity for person in faces}) == len(faces) == 40
    assert sorted(Counter(person.identity for person in ages).values()) == [5] * 8
    assert sorted(Counter(person.identity for person in bodies).values()) == [4] * 3
    for identity in {person.identity for person in ages}:
        years = [person.age_years for person in ages if person.identity == identity]
        assert years == sorted(years) and years[-1] - years[0] > 50


@pytest.mark.parametrize("person", ready(), ids=lambda person: person.name)
def test_every_one_is_whole(person):
    size = 256 if person.kind == "body" else 128
    assert person.image.shape == (size, size, 3) and person.image.dtype == np.uint8
    assert person.label_map.shape == (size, size)
    get_schema(person.schema).check_ids(person.label_map, person.name)
    assert (person.label_map > 0).mean() > (0.03 if person.kind == "body" else 0.3)
    assert len(set(person.captions)) >= 5 and person.attributes and person.age_years > 0
    if person.kind == "body":
        assert person.landmarks is None and person.keypoints.shape == (18, 2)
        seen = person.keypoints[np.isfinite(person.keypoints).all(axis=1)]
        assert len(seen) >= 8 and (seen >= 40).all(axis=0)[0] and (seen < 216).all(axis=0)[0]
    else:
        assert person.keypoints is None and person.landmarks.shape == (68, 2)


def test_landmarks_lie_on_their_parts():
    schema = get_schema("celebamask-19")
    lips = [schema.id(name) for name in ("u_lip", "l_lip", "mouth")]
    for person in ready("face"):
        y, x = np.nonzero(np.isin(person.label_map, lips))
        corners = person.landmarks[[48, 54], 0]
        assert abs(x.min() - corners[0]) < 6 and abs(x.max() - corners[1]) < 6, person.name
        assert y.min() - 2 < person.landmarks[48:, 1].mean() < y.max() + 2, person.name


def test_they_are_varied():
    attributes = Counter(name for person in ready("face") for name in person.attributes)
    for name in ("Male", "Young", "Smiling", "Eyeglasses", "Wearing_Hat", "Wearing_Earrings", "Bangs", "No_Beard",
                 "Black_Hair", "Brown_Hair", "Blond_Hair", "Gray_Hair", "Bald"):  # fmt: skip
        assert 0 < attributes[name] < 40, name


def test_nobody_can_change_them():
    person = ready("face")[0]
    for array in (person.image, person.label_map, person.landmarks):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert ready("face")[0] is person, "read once"


def test_unknown_kind():
    with pytest.raises(ConfigError, match='Did you mean "face"'):
        ready("faces")


def test_pictures_take_less_than_a_megabyte_and_clips_less_than_half_of_one():
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    maps, clips = ([path for path in files if path.parent == folder] for folder in (MAPS, CLIPS))
    assert len(files) - len(maps) - len(clips) == 2 * len(ready()) + 1 and len(clips) == 2 * len(ready_clips())
    assert sum(path.stat().st_size for path in files if path.parent != CLIPS) < 1e6
    assert sum(path.stat().st_size for path in clips) < 5e5


def test_they_need_no_renderer(python):
    code = (
        "import sys; sys.modules['warp'] = None\n"
        "from limner.people import ready\n"
        "assert len(ready()) > 60 and 'torch' not in sys.modules\n"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_they_are_what_the_renderer_makes():
    """The pictures in the package are not older than the renderer: `python tools/make_ready_people.py` renews them."""
    from limner.people.rendering import render
    from limner.people.write.faces import Faces

    for person in ready("face")[:5]:
        seed, index = map(int, person.identity.split("-"))
        shown = render(*Faces(seed, 128).subject(index), 128)
        assert (shown.parsing == person.label_map).mean() > 0.99
        assert np.abs(shown.image.astype(float) - person.image).mean() < 5, "WebP changes little"


def test_maps_of_the_demo_hold_what_their_names_say():
    schema = get_schema("celebamask-19")
    maps = {path.stem: read_label_map(path, schema) for path in MAPS.iterdir()}
    assert sum(name.startswith("turn-") for name in maps) == 10
    before = maps["edit-before"]
    for name, part in (("edit-glasses", "eye_g"), ("edit-hat", "hat"), ("edit-mouth-open", "mouth")):
        assert (maps[name] == schema.id(part)).sum() > (before == schema.id(part)).sum() + 20, name
    hair = schema.id("hair")
    assert (maps["edit-long-hair"] == hair).sum() > 1.5 * (before == hair).sum()


def test_ten_people_talk():
    clips = ready_clips()
    assert len({clip.word for clip in clips}) == len({clip.identity for clip in clips}) == len(clips) == 10
    for clip in clips:
        assert clip.landmarks.shape == (29, 68, 2) and len(clip.phonemes) == 29 and not clip.landmarks.flags.writeable
        upper, lower = clip.landmarks[:, 62], clip.landmarks[:, 66]
        assert np.abs(np.linalg.norm(upper - lower, axis=1) - clip.mouth_opening).max() < 0.2
        assert clip.mouth_opening.max() > 1 and 4_000 < clip.video.stat().st_size < 30_000


def test_clips_have_frames_and_sound():
    pytest.importorskip("av")
    for clip in ready_clips()[:2]:
        frames = list(read_frames(clip.video))
        assert len(frames) == 29 and frames[0].shape == (64, 64, 3)
        sound = read_waveform(clip.video)
        assert abs(len(sound) / 16_000 - 29 / 25) < 0.1 and np.abs(sound).max() > 0.05
