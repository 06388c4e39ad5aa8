"""Cameras, light, background and film; and whole pictures of people against their own labels."""

from __future__ import annotations

import sys
from dataclasses import fields, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pytest

from limner.data.schema import get_schema
from limner.errors import ConfigError, MissingExtraError, ShapeError
from limner.people import Person, Scene, sample_person, sample_scene
from limner.people.background import paint_background, resized
from limner.people.camera import body_square, bust_square, face_square, place_camera, stand_before
from limner.people.film import automatic_exposure, blurred, develop, grain, soft_highlights, to_srgb, with_contrast
from limner.people.light import beside_camera, place_lights
from limner.people.raycast import _warp
from limner.people.rendering import Rendering, pose_body, render
from limner.people.scene import BACKGROUNDS, Background, Film

FACE = get_schema("celebamask-19")
SHARP = Film(exposure=1, contrast=1, saturation=1, warmth=0, grain=0, blur=0)


def frontal(scene: Scene) -> Scene:
    """The scene, looking straight into the camera with a quiet face."""
    camera = replace(scene.camera, yaw=0.0, pitch=0.0, roll=0.0, zoom=1.0, shift_x=0.0, shift_y=0.0)
    still = {"head_yaw": 0.0, "head_pitch": 0.0, "head_roll": 0.0, "gaze_yaw": 0.0, "gaze_pitch": 0.0}
    return replace(scene, camera=camera, actions={}, **still)


def plain(person: Person) -> Person:
    """The person without anything before the face."""
    accessories = replace(person.accessories, glasses="none", hat="none")
    return replace(person, accessories=accessories, hair=replace(person.hair, fringe="none"))


@lru_cache(maxsize=8)
def portrait(index: int = 0, size: int = 128) -> Rendering:
    return render(plain(sample_person(3, index)), frontal(sample_scene(3, index)), size)


# --- camera -----------------------------------------------------------------------------------------------------------


def test_what_the_camera_looks_at_is_in_the_middle() -> None:
    target = np.float32((0.1, 0.2, 1.5))
    for yaw, pitch in ((0, 0), (0.7, 0.3), (-2, -0.5)):
        pinhole = stand_before(target, distance=2, yaw=yaw, pitch=pitch)
        np.testing.assert_allclose(pinhole.axes @ pinhole.axes.T, np.eye(3), atol=1e-6)
        assert np.linalg.det(pinhole.axes) == pytest.approx(1, abs=1e-6)
        places, depth = pinhole.project(target[None], 100)
        np.testing.assert_allclose(places, [(49.5, 49.5)], atol=1e-3)
        assert depth[0] == pytest.approx(2, abs=1e-6)


def test_left_right_and_up_are_those_of_a_photo() -> None:
    pinhole = stand_before(np.zeros(3, np.float32), distance=2, yaw=0, pitch=0)
    (left_side, top), _ = pinhole.project(np.float32([(0.1, 0, 0), (0, 0, 0.1)]), 100)
    np.testing.assert_allclose(left_side, (49.5 + 5, 49.5), atol=1e-4)  # the subject's left is on the picture's right
    np.testing.assert_allclose(top, (49.5, 49.5 - 5), atol=1e-4)
    assert stand_before(np.zeros(3, np.float32), distance=1, yaw=0.5, pitch=0.3).origin.tolist() > [0.1, -1, 0.1]


def test_a_turned_cut_shows_the_same_points() -> None:
    pinhole = stand_before(np.zeros(3, np.float32), distance=1, yaw=0.3, pitch=0.1)
    points = np.random.Generator(np.random.PCG64(0)).uniform(-0.2, 0.2, (9, 3)).astype(np.float32)
    before, _ = pinhole.project(points, 1)
    angle, corner, side = 0.4, np.array((0.2, 0.3)), 0.25
    across = np.array((np.cos(angle), np.sin(angle)))
    after, _ = pinhole.framed(corner, across, side).project(points, 1)
    down = np.array((-across[1], across[0]))
    expected = ((before + 0.5 - corner) @ np.stack([across, down], axis=1)) / side - 0.5
    np.testing.assert_allclose(after, expected, atol=1e-5)


def landmarks() -> npt.NDArray[np.float32]:
    points = np.zeros((68, 2), np.float32)
    points[36:42], points[42:48] = (0.4, 0.5), (0.6, 0.5)
    points[48], points[54] = (0.43, 0.75), (0.57, 0.75)
    points[8], points[17:27] = (0.5, 0.95), (0.5, 0.4)
    return points


def test_face_crop_by_hand() -> None:
    middle, across, side = face_square(landmarks())
    np.testing.assert_allclose(middle, (0.5, 0.525), atol=1e-6)
    np.testing.assert_allclose(across, (1, 0), atol=1e-6)
    assert side == pytest.approx(max(4 * 0.2, 3.6 * 0.25))


def test_face_crop_turns_and_grows_with_the_face() -> None:
    angle = 0.3
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    middle, across, side = face_square((2 * landmarks() @ turn.T).astype(np.float32))
    np.testing.assert_allclose(middle, 2 * turn @ (0.5, 0.525), atol=1e-6)
    np.testing.assert_allclose(across, turn @ (1, 0), atol=1e-6)
    assert side == pytest.approx(2 * 3.6 * 0.25)


def test_bust_and_body_squares() -> None:
    middle, across, side = bust_square(landmarks())
    assert side > 2 * 0.55 and across.tolist() == [1, 0]
    assert middle[1] - side / 2 < 0.4 - 0.2 and middle[1] + side / 2 > 0.95 + 0.5  # hair above, chest below
    tall = np.float32([(0.4, 0.1), (0.6, 0.9)])
    assert body_square(tall)[2] == pytest.approx(0.8 / 0.9)
    wide = np.float32([(0.0, 0.1), (0.8, 0.9)])
    assert body_square(wide)[2] * 176 / 256 >= 0.8


def test_faces_sit_where_celeba_hq_has_them() -> None:
    body = pose_body(sample_person(0, 0), frontal(sample_scene(0, 0)))
    camera = replace(frontal(sample_scene(0, 0)).camera, distance=1.5)
    places, _ = place_camera(camera, body).project(body.landmarks68, 1)
    right_eye, left_eye = places[36:42].mean(axis=0) + 0.5, places[42:48].mean(axis=0) + 0.5
    # Means over the real maps are (0.388, 0.473) and (0.604, 0.474), their standard deviations in y 0.006.
    assert right_eye[0] + left_eye[0] == pytest.approx(1, abs=0.02)
    assert right_eye[1] == pytest.approx(0.473, abs=0.012) and left_eye[1] == pytest.approx(0.473, abs=0.012)


def test_zoom_and_shift() -> None:
    body = pose_body(sample_person(0, 0), frontal(sample_scene(0, 0)))
    camera = frontal(sample_scene(0, 0)).camera

    def nose(**changes: float) -> npt.NDArray[np.float32]:
        return place_camera(replace(camera, **changes), body).project(body.landmarks68, 100)[0][[30, 33]]

    np.testing.assert_allclose(nose(shift_x=0.1, shift_y=0.05) - nose(), [(10, 5)] * 2, atol=1e-2)
    np.testing.assert_allclose(np.diff(nose(zoom=2.0), axis=0), 2 * np.diff(nose(), axis=0), atol=1e-2)
    turned = np.diff(nose(roll=0.5), axis=0)[0]
    upright = np.diff(nose(), axis=0)[0]
    # Counter-clockwise: what points down turns to the right.
    assert np.arctan2(turned[0], turned[1]) - np.arctan2(upright[0], upright[1]) == pytest.approx(0.5, abs=1e-3)


# --- light, background, film ------------------------------------------------------------------------------------------


def test_directions_of_lights() -> None:
    pinhole = stand_before(np.zeros(3, np.float32), distance=2, yaw=0.4, pitch=0.0)
    np.testing.assert_allclose(beside_camera(pinhole, 0, 0), -pinhole.axes[2], atol=1e-6)
    np.testing.assert_allclose(beside_camera(pinhole, np.pi / 2, 0), pinhole.axes[0], atol=1e-6)
    np.testing.assert_allclose(beside_camera(pinhole, 0, np.pi / 2), (0, 0, 1), atol=1e-6)
    turned = pinhole.framed((0, 0), (0.8, 0.6), 1)
    np.testing.assert_allclose(beside_camera(turned, 0.7, 0.3), beside_camera(pinhole, 0.7, 0.3), atol=1e-6)


def test_lamps_of_a_scene() -> None:
    light = sample_scene(0, 0).light
    camera = stand_before(np.zeros(3, np.float32), distance=2, yaw=0, pitch=0)
    assert len(place_lights(replace(light, rim_strength=0.0), camera).lamps) == 2
    with_rim = place_lights(replace(light, rim_strength=0.7, rim_color=(1.0, 0.5, 0.0)), camera)
    assert with_rim.lamps[2].color == pytest.approx((0.7, 0.35, 0.0)) and with_rim.lamps[2].direction[1] > 0
    doubled = place_lights(replace(light, fill_strength=2 * light.fill_strength), camera)
    assert doubled.top == pytest.approx([2 * channel for channel in with_rim.top])


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_backgrounds(kind: str) -> None:
    one = Background(kind=kind, colors=((0.3, 0.2, 0.1), (0.5, 0.6, 0.7), (0.2, 0.3, 0.2)), blur=0.01, seed=1)
    image = paint_background(one, 64)
    assert image.shape == (64, 64, 3) and image.dtype == np.float32 and np.isfinite(image).all() and image.min() >= 0
    assert image.tobytes() == paint_background(one, 64).tobytes()
    assert np.abs(image - paint_background(replace(one, seed=2), 64)).max() > 0.01
    # The same picture at every size.
    large = resized(paint_background(one, 256), 64)
    assert np.abs(large - image).mean() < 0.02


def test_film_curve() -> None:
    np.testing.assert_allclose(to_srgb(np.float32([0, 0.0031308, 0.214, 1])), [0, 0.04045, 0.5, 1], atol=1e-3)
    values = soft_highlights(np.linspace(0, 9, 500, dtype=np.float32))
    assert (np.diff(values) >= 0).all() and values.max() <= 1 and values[20] == pytest.approx(20 * 9 / 499)
    np.testing.assert_allclose(with_contrast(np.float32([0, 0.5, 1]), 1.4), [0, 0.5, 1])
    steps = with_contrast(np.float32([0.49, 0.51]), 1.4)
    assert (steps[1] - steps[0]) / 0.02 == pytest.approx(1.4, rel=0.01)


def test_exposure_follows_the_subject_in_part() -> None:
    subject = np.zeros((8, 8), bool)
    subject[2:6, 2:6] = True
    light = np.where(subject, 0.1, 5.0)[..., None] * np.ones(3, np.float32)
    bright, dark = automatic_exposure(light, subject), automatic_exposure(light / 4, subject)
    assert 1 < dark / bright < 4
    assert automatic_exposure(np.where(subject, 0.1, 0.02)[..., None] * np.ones(3), subject) > bright
    assert np.isfinite(automatic_exposure(np.zeros((8, 8, 3), np.float32), subject))


def test_develop_keeps_grey_grey_and_obeys_its_settings() -> None:
    light = np.full((16, 16, 3), 0.2, np.float32)
    subject = np.ones((16, 16), bool)

    def shot(**changes: float) -> npt.NDArray[np.float64]:
        exposure = automatic_exposure(light, subject)
        return develop(light, replace(SHARP, **changes), exposure=exposure, seed=0).astype(np.float64)

    even = shot()
    assert even.std() == 0
    warm = shot(warmth=0.1).mean(axis=(0, 1))
    assert warm[0] > even.mean() > warm[2]
    assert shot(exposure=2.0).mean() > even.mean() + 20
    noisy = shot(grain=0.02)
    assert noisy.std() == pytest.approx(0.02 * 255, rel=0.2) and abs(noisy.mean() - even.mean()) < 2


def test_grain_is_what_it_says() -> None:
    noise = grain(128, 5)
    assert noise.shape == (128, 128, 3)
    assert noise.mean() == pytest.approx(0, abs=0.02) and noise.std() == pytest.approx(1, abs=0.02)
    assert np.array_equal(noise, grain(128, 5)) and not np.array_equal(noise, grain(128, 6))


def test_blur_keeps_light_and_spreads_it() -> None:
    dot = np.zeros((33, 33, 1), np.float32)
    dot[16, 16] = 1
    spread = blurred(dot, 2.0)
    assert spread.sum() == pytest.approx(1, abs=1e-4)
    assert spread[16, 16, 0] == pytest.approx(1 / (2 * np.pi * 4), rel=0.02)
    np.testing.assert_allclose(blurred(np.ones((9, 9, 2), np.float32), 6.0), 1, atol=1e-5)
    assert blurred(dot, 0.1) is dot


# --- pictures that belong together


def opened(scene: Scene, amount: float) -> Scene:
    return replace(scene, actions={"jawOpen": amount})


def test_a_given_camera_and_exposure_keep_the_background_still() -> None:
    """Opening the mouth moves the scene's own camera and its exposure (avwnet.md 15)."""
    person = plain(sample_person(3, 0))
    scene = replace(frontal(sample_scene(3, 0)), film=SHARP)
    shut = render(person, opened(scene, 0.0), 64)
    free = render(person, opened(scene, 0.5), 64)
    held = render(person, opened(scene, 0.5), 64, camera=shut.camera, exposure=shut.exposure)
    still = (held.parsing == 0) & (shut.parsing == 0) & (free.parsing == 0)

    def change(other: Rendering) -> float:
        return float(np.abs(other.image.astype(int) - shut.image)[still].mean())

    assert change(held) <= 0.5 < change(free)
    eyes = slice(36, 48)
    assert np.abs(held.landmarks68[eyes] - shut.landmarks68[eyes]).max() < 0.02
    assert np.abs(free.landmarks68[eyes] - shut.landmarks68[eyes]).max() > 0.2
    assert held.camera is shut.camera and held.exposure == shut.exposure
    again = render(person, opened(scene, 0.0), 64, camera=shut.camera, exposure=shut.exposure)
    assert np.array_equal(again.image, shut.image), "its own camera and exposure change nothing"


def test_the_grain_has_a_seed_of_its_own() -> None:
    person, scene = plain(sample_person(3, 1)), frontal(sample_scene(3, 1))
    scene = replace(scene, film=replace(SHARP, grain=0.02))
    first, second, own = (render(person, scene, 32, grain_seed=seed) for seed in (1, 2, None))
    assert np.array_equal(first.parsing, second.parsing)
    assert np.abs(first.image.astype(int) - second.image).mean() > 2
    assert np.array_equal(own.image, render(person, scene, 32, grain_seed=scene.background.seed).image)


@pytest.mark.parametrize("wrong", [{"exposure": 0.0}, {"exposure": float("nan")}, {"grain_seed": -1}])
def test_wrong_exposure_and_grain_are_refused(wrong) -> None:
    with pytest.raises(ConfigError, match="must be a"):
        render(sample_person(3, 1), sample_scene(3, 1), 32, **wrong)


# --- whole pictures ---------------------------------------------------------------------------------------------------


def test_a_rendering_has_what_it_promises() -> None:
    one = portrait()
    size = 128
    assert one.image.shape == (size, size, 3) and one.image.dtype == np.uint8
    assert one.parsing.shape == one.body_parsing.shape == one.depth.shape == (size, size)
    assert one.parsing.dtype == one.body_parsing.dtype == np.uint8
    FACE.check_ids(one.parsing, "The parsing")
    assert one.landmarks68.shape == (68, 2) and one.keypoints18.shape == (18, 2)
    assert one.landmarks_visible.shape == (68,) and one.keypoints_visible.shape == (18,)
    assert one.identity == "3-0" and one.age_years == sample_person(3, 0).age_years
    assert set(one.attributes) >= {"Male", "Smiling", "Eyeglasses"}
    assert np.isfinite(one.depth[one.parsing > 0]).all() and np.isinf(one.depth[one.parsing == 0]).mean() > 0.95
    assert 0.3 < np.min(one.depth) < 4


def test_parts_are_where_the_landmarks_say() -> None:
    one = portrait()

    def at(point: npt.NDArray[np.float32]) -> str:
        x, y = np.rint(point).astype(int)
        return FACE.classes[one.parsing[y, x]]

    points = one.landmarks68
    assert at(points[36:42].mean(axis=0)) == "r_eye" and at(points[42:48].mean(axis=0)) == "l_eye"
    assert at(points[30]) == "nose"
    assert at((points[57] + points[66]) / 2) == "l_lip" and at((points[51] + points[62]) / 2) == "u_lip"
    assert at((points[31] + points[3]) / 2) == "skin"
    assert one.landmarks_visible[[30, 33, 48, 54, 8]].all()
    eyes, nose = one.keypoints18[[14, 15]], one.keypoints18[0]
    np.testing.assert_allclose(eyes[0], points[36:42].mean(axis=0), atol=3)
    np.testing.assert_allclose(nose, points[30], atol=5)
    assert one.keypoints_visible[[0, 14, 15]].all() and not one.keypoints_visible[[8, 9, 10, 11, 12, 13]].any()


def test_picture_and_labels_agree() -> None:
    """The image has an edge where the parsing has the outline of the head against a white background."""
    scene = frontal(sample_scene(3, 0))
    white = replace(scene.background, kind="plain", colors=((1.0, 1.0, 1.0),) * 3)
    one = render(plain(sample_person(3, 0)), replace(scene, background=white, film=SHARP), 128)
    behind = one.parsing == 0
    brightness = one.image.astype(float).min(axis=2)
    assert brightness[behind].mean() > brightness[~behind].mean() + 60


def test_hidden_landmarks_are_not_visible() -> None:
    scene = frontal(sample_scene(3, 0))
    turned = render(plain(sample_person(3, 0)), replace(scene, camera=replace(scene.camera, yaw=1.2)), 64)
    # From the subject's left: the outline of the right cheek and the right eye are behind the face.
    assert not turned.landmarks_visible[[0, 1, 2, 3, 36]].any()
    assert turned.landmarks_visible[[45, 13]].all()
    zoomed = render(plain(sample_person(3, 0)), replace(scene, camera=replace(scene.camera, zoom=6.0)), 64)
    assert not zoomed.landmarks_visible[[0, 8, 16]].any(), "outside the picture"


def test_the_same_call_gives_the_same_bytes() -> None:
    person, scene = sample_person(1, 7), sample_scene(1, 7)
    first, second = render(person, scene, 48), render(Person.from_json(person.to_json()), scene, 48)
    for field in fields(Rendering):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if field.name == "camera":
            one, other = ((shot.origin.tobytes(), shot.axes.tobytes(), shot.focal) for shot in (one, other))
        assert one.tobytes() == other.tobytes() if isinstance(one, np.ndarray) else one == other


def test_sizes_agree() -> None:
    small, large = portrait(1, 64), portrait(1, 192)
    np.testing.assert_allclose((large.landmarks68 + 0.5) / 3, small.landmarks68 + 0.5, atol=1e-2)
    assert (large.parsing[1::3, 1::3] == small.parsing).mean() > 0.9
    shrunk = large.image.reshape(64, 3, 64, 3, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small.image).mean() < 12


def test_age_and_identity_of_a_scene() -> None:
    scene = replace(sample_scene(3, 0), age_years=77.0)
    one = render(sample_person(3, 0), scene, 32)
    assert one.age_years == 77 and one.identity == "3-0" and not one.attributes["Young"]


@pytest.mark.parametrize("size", [0, 15, 2049])
def test_sizes_refused(size: int) -> None:
    with pytest.raises(ShapeError, match=f"cannot be {size} pixels wide: the size must lie within 16 to 2048"):
        render(sample_person(0, 0), sample_scene(0, 0), size)


def test_missing_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    _warp.cache_clear()
    monkeypatch.setitem(sys.modules, "warp", None)
    with pytest.raises(MissingExtraError, match=r'pip install "limner\[people\]"'):
        render(sample_person(0, 0), sample_scene(0, 0), 32)
    _warp.cache_clear()
