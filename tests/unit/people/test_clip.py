"""Frames of one person: what moves, what stays, and that they are the pictures `render` takes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from limner.errors import ConfigError, ShapeError
from limner.people import Clip, Person, Scene, render, sample_person, sample_scene
from limner.people.raycast import Stage
from limner.people.rendering import Rendering, pose_body, surfaces
from limner.people.scene import Film

SIZE = 40
SHARP = Film(exposure=1, contrast=1, saturation=1, warmth=0, grain=0, blur=0)


def subject(index: int = 2, film: Film = SHARP) -> tuple[Person, Scene]:
    person = sample_person(0, index)
    worn = dataclasses.replace(person.accessories, glasses="round", hat="none", earrings="hoop", necklace="beads")
    scene = dataclasses.replace(sample_scene(0, index), actions={}, film=film)
    return dataclasses.replace(person, accessories=worn), scene


def moved(scene: Scene, amount: float) -> Scene:
    actions = {"jawOpen": 0.5 * amount, "mouthPucker": 0.2 * amount}
    return dataclasses.replace(scene, actions=actions, head_yaw=scene.head_yaw + 0.05 * amount)


def difference(first: Rendering, second: Rendering) -> float:
    return float(np.abs(first.image.astype(int) - second.image).mean())


@pytest.mark.parametrize("index", [2, 5])
def test_frames_are_the_pictures_of_render(index):
    """Hair is not grown anew for a turned head, so some strands differ; landmarks and most labels do not."""
    person, scene = subject(index)
    clip = Clip(person, scene, SIZE)
    for amount in (0.0, 1.0):
        frame = clip.frame(moved(scene, amount))
        picture = render(person, moved(scene, amount), SIZE, camera=clip.camera, exposure=clip.exposure)
        np.testing.assert_allclose(frame.landmarks68, picture.landmarks68, atol=1e-4)
        assert (frame.parsing != picture.parsing).mean() < (0.02 if amount else 0.002)
        assert difference(frame, picture) < (2.0 if amount else 0.2)
        assert frame.identity == picture.identity and frame.exposure == clip.exposure


def test_a_frame_does_not_depend_on_those_before_it():
    person, scene = subject()
    clip = Clip(person, scene, SIZE)
    alone = clip.frame(moved(scene, 1.0), grain_seed=3)
    clip.frame(moved(scene, 0.4), grain_seed=9)
    again = clip.frame(moved(scene, 1.0), grain_seed=3)
    assert alone.image.tobytes() == again.image.tobytes() and alone.parsing.tobytes() == again.parsing.tobytes()
    smiling = dataclasses.replace(scene, actions={"mouthSmileLeft": 0.7})
    other = Clip(person, smiling, SIZE).frame(moved(scene, 1.0), grain_seed=3)
    assert other.image.tobytes() == alone.image.tobytes(), "the expression of the clip's scene is left out"


def test_only_what_moves_moves():
    person, scene = subject()
    clip = Clip(person, scene, SIZE)
    still = clip.frame(scene)
    assert still.image.tobytes() == clip.first.image.tobytes()
    opened = clip.frame(dataclasses.replace(scene, actions={"jawOpen": 0.6}))
    background = (still.parsing == 0) & (opened.parsing == 0)
    assert np.abs(still.image.astype(int) - opened.image)[background].mean() <= 0.5
    assert np.abs(still.landmarks68[36:48] - opened.landmarks68[36:48]).max() < 0.02, "the eyes do not"
    assert opened.landmarks68[8, 1] > still.landmarks68[8, 1] + 1, "the chin goes down"


def test_every_frame_can_have_its_own_grain():
    person, scene = subject(film=dataclasses.replace(SHARP, grain=0.02))
    clip = Clip(person, scene, SIZE)
    assert difference(clip.frame(scene, grain_seed=1), clip.frame(scene, grain_seed=2)) > 2
    assert difference(clip.frame(scene, grain_seed=1), clip.frame(scene, grain_seed=1)) == 0


def test_a_frame_of_another_scene_is_refused():
    person, scene = subject()
    clip = Clip(person, scene, SIZE)
    with pytest.raises(ConfigError, match="another light than its clip"):
        clip.frame(dataclasses.replace(scene, light=sample_scene(0, 9).light))
    with pytest.raises(ConfigError, match="another age_years"):
        clip.frame(dataclasses.replace(scene, age_years=70.0))


def test_a_stage_takes_moved_surfaces_only_of_its_own_kind():
    person, scene = subject()
    seen = surfaces(person, pose_body(person, scene), 30.0, texture_size=64, portrait=True, strands=0.2)
    with pytest.raises(ShapeError, match="as many vertices each"):
        Stage(seen).move(seen[1:])
