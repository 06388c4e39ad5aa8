"""Drawn faces: a pure function of seed and index, and labels, attributes and landmarks that agree with the picture."""

from dataclasses import fields, replace

import numpy as np
import pytest

from limner.data.drawn import ATTRIBUTES, FaceParameters, draw_face, interpolate, render
from limner.data.drawn.parameters import CHOICES
from limner.data.schema import SCHEMAS
from limner.errors import ConfigError, ShapeError

SCHEMA = SCHEMAS["celebamask-19"]
CLASS_OF_ATTRIBUTE = {
    "Eyeglasses": "eye_g",
    "Wearing_Hat": "hat",
    "Wearing_Earrings": "ear_r",
    "Wearing_Necklace": "neck_l",
    "Mouth_Slightly_Open": "mouth",
}


@pytest.fixture(scope="module")
def faces():
    return [draw_face(0, index, size=64) for index in range(200)]


def plain(**changes):
    """A young, open-eyed face that nothing covers."""
    base = replace(
        FaceParameters.sample(0, 0), hat="none", glasses="none", earrings="none", necklace="none", fringe="none"
    )
    base = replace(base, hair_style="short", male=False, young=True, wrinkles=0.0, grey=0.0, stubble=0.0, beard=0.0)
    return replace(base, **changes)


def test_the_same_arguments_give_the_same_bits():
    first, second = draw_face(5, 3, size=96), draw_face(5, 3, size=96)
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.label_map, second.label_map)
    assert np.array_equal(first.landmarks, second.landmarks)
    assert first.attributes == second.attributes


def test_faces_of_other_seeds_and_indices_differ():
    images = [draw_face(seed, index, size=32).image for seed, index in ((0, 0), (0, 1), (1, 0), (2**62, 10**6))]
    for i, one in enumerate(images):
        for other in images[i + 1 :]:
            assert np.abs(one.astype(int) - other.astype(int)).mean() > 5


@pytest.mark.parametrize("size", [16, 37, 64, 200])
def test_shapes_and_types(size):
    face = draw_face(1, 2, size=size)
    assert face.image.shape == (size, size, 3) and face.image.dtype == np.uint8
    assert face.label_map.shape == (size, size) and face.label_map.dtype == np.uint8
    assert face.landmarks.shape == (68, 2) and face.landmarks.dtype == np.float32
    assert tuple(face.attributes) == ATTRIBUTES
    assert face.name == "2"


@pytest.mark.parametrize("size", [0, -4, 15, 2049])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ShapeError, match="16 to 2048"):
        draw_face(0, 0, size=size)


def test_unknown_styles_are_refused():
    with pytest.raises(ConfigError, match=r'hat "bearet".*"beret"'):
        replace(FaceParameters.sample(0, 0), hat="bearet")


@pytest.mark.parametrize("field", ["hair_style", "hat", "clothes", "background", "glasses", "earrings", "necklace"])
def test_every_choice_can_be_drawn_at_every_pose(field):
    images = []
    for i, choice in enumerate(CHOICES[field]):
        face = plain(yaw=0.4 * (-1) ** i, roll=0.15, **{field: choice})
        images.append(render(face, 32).image.tobytes())
    assert len(set(images)) == len(images)


def test_one_face_is_the_same_person_at_every_size():
    small, large = draw_face(0, 11, size=64), draw_face(0, 11, size=128)
    halved = large.image.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - small.image).mean() < 4
    assert (large.label_map[::2, ::2] == small.label_map).mean() > 0.95
    assert np.allclose((large.landmarks + 0.5) / 2, small.landmarks + 0.5, atol=1e-3)


def test_all_classes_occur_and_no_other_id(faces):
    found = set(np.unique(np.stack([face.label_map for face in faces])).tolist())
    assert found == set(range(SCHEMA.num_classes))


def test_attributes_are_those_that_the_map_shows(faces):
    for face in faces:
        present = set(np.unique(face.label_map).tolist())
        for attribute, name in CLASS_OF_ATTRIBUTE.items():
            assert face.attributes[attribute] == (SCHEMA.id(name) in present), (face.name, attribute)
        assert not (face.attributes["Bald"] and SCHEMA.id("hair") in present)


def test_every_face_has_its_main_parts(faces):
    for face in faces:
        present = {SCHEMA.classes[i] for i in np.unique(face.label_map)}
        assert {"skin", "nose", "u_lip", "l_lip", "cloth"} <= present, face.name
        assert {"l_eye", "r_eye"} <= present or "eye_g" in present, face.name


def test_attributes_are_balanced_enough_to_train_with(faces):
    shares = {name: np.mean([face.attributes[name] for face in faces]) for name in ATTRIBUTES}
    for name in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Mouth_Slightly_Open", "Smiling"):
        assert 0.12 < shares[name] < 0.65, name
    assert 0.5 < shares["Young"] < 0.9
    assert all(share > 0 for share in shares.values())
    assert all(sum(list(face.attributes.values())[:3]) <= 1 for face in faces)


def test_the_left_of_a_class_is_the_subjects(faces):
    for left, right in SCHEMA.flip_pairs:
        a, b = SCHEMA.id(left), SCHEMA.id(right)
        for face in faces:
            if (face.label_map == a).any() and (face.label_map == b).any():
                assert np.nonzero(face.label_map == a)[1].mean() > np.nonzero(face.label_map == b)[1].mean()


def near(label_map, ids, point, radius=1.5):
    """Whether a pixel of one of `ids` lies within `radius` pixels of `point`."""
    y, x = np.nonzero(np.isin(label_map, ids))
    return bool((np.hypot(x - point[0], y - point[1]) <= radius).any())


def on_border(label_map, ids, point):
    return near(label_map, ids, point) and near(label_map, [i for i in range(19) if i not in ids], point)


@pytest.mark.parametrize(("yaw", "roll", "smile"), [(0.0, 0.0, 0.0), (0.4, 0.15, 1.0), (-0.35, -0.15, 0.6)])
@pytest.mark.parametrize("mouth_open", [0.0, 0.8])
def test_landmarks_lie_on_the_borders_of_the_map(yaw, roll, smile, mouth_open):
    face = render(plain(yaw=yaw, roll=roll, smile=smile, mouth_open=mouth_open), 256)
    lips = [SCHEMA.id(name) for name in ("u_lip", "l_lip", "mouth")]
    for i in range(48, 60):
        assert on_border(face.label_map, lips, face.landmarks[i]), i
    for first, name in ((36, "r_eye"), (42, "l_eye")):
        for i in range(first, first + 6):
            assert on_border(face.label_map, [SCHEMA.id(name)], face.landmarks[i]), i
    for i in range(3, 14):
        assert on_border(face.label_map, [0, SCHEMA.id("neck"), SCHEMA.id("cloth")], face.landmarks[i]), i
    for i in range(27, 31):
        assert near(face.label_map, [SCHEMA.id("nose")], face.landmarks[i]), i
    for first, name in ((17, "r_brow"), (22, "l_brow")):
        assert near(face.label_map, [SCHEMA.id(name)], face.landmarks[first + 2])
    gap = np.linalg.norm(face.landmarks[62] - face.landmarks[66])
    assert gap > 6 if mouth_open else gap < 0.1


def test_landmarks_go_the_way_of_the_ibug_order():
    points = render(plain(yaw=0.0, pitch=0.0, roll=0.0), 256).landmarks
    x, y = points.T
    assert (np.diff(x[:17]) > 0).all()  # the jaw from the image's left to its right, lowest in the middle
    assert y[:17].argmax() == 8
    assert (np.diff(x[17:27]) > 0).all()
    assert (np.diff(y[27:31]) > 0).all() and (np.diff(x[31:36]) > 0).all()
    for first in (36, 42):
        assert x[first] == x[first : first + 6].min() and x[first + 3] == x[first : first + 6].max()
        assert y[first + 1] < y[first + 5] and y[first + 2] < y[first + 4]
    assert (np.diff(x[48:55]) > 0).all() and (np.diff(x[54:60]) < 0).all()
    assert (y[49:54] < y[[59, 58, 57, 56, 55]]).all()


def test_interpolate_moves_the_geometry_and_keeps_the_look():
    left, right = plain(yaw=-0.4, smile=0.0), replace(FaceParameters.sample(0, 9), yaw=0.4, smile=1.0)
    assert interpolate(left, right, 0.0) == left
    middle = interpolate(left, right, 0.5)
    assert middle.yaw == pytest.approx(0.0) and middle.smile == pytest.approx(0.5)
    assert middle.skin == left.skin and middle.hair_style == left.hair_style and middle.hat == left.hat
    kept = [f.name for f in fields(left) if getattr(interpolate(left, right, 1.0), f.name) != getattr(right, f.name)]
    assert {"skin", "hair", "light_x", "texture_seed"} <= set(kept)
    tips = [render(interpolate(left, right, t), 64).landmarks[30, 0] for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert (np.diff(tips) > 0).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("skin", (0.3, 0.2, 0.15)),
        ("hair", (0.9, 0.8, 0.5)),
        ("iris", (0.1, 0.9, 0.1)),
        ("cloth_color", (0.9, 0.1, 0.1)),
        ("background_top", (0.1, 0.1, 0.9)),
        ("light_x", 0.8),
    ],
)
def test_appearance_does_not_touch_the_map(name, value):
    face = plain(light_x=-0.8, background="gradient")
    before, after = render(face, 64), render(replace(face, **{name: value}), 64)
    assert np.array_equal(before.label_map, after.label_map)
    assert not np.array_equal(before.image, after.image)


@pytest.mark.parametrize(
    "changes",
    [
        {"male": True, "stubble": 0.8, "makeup": 0.0, "blush": 0.2},
        {"young": False, "wrinkles": 0.9, "grey": 0.5},
        {"hair_color": "blond", "hair": (0.9, 0.78, 0.5)},
    ],
)
def test_scgans_attributes_show_inside_an_unchanged_map(changes):
    # SCGAN pairs attributes with other faces' maps, so each must have an appearance and not only a shape.
    before = plain(skin=(0.9, 0.7, 0.6), hair_color="black", hair=(0.08, 0.07, 0.08), makeup=0.8)
    first, second = render(before, 64), render(replace(before, **changes), 64)
    same = first.label_map == second.label_map
    assert same.mean() > 0.97
    assert np.abs(first.image.astype(int) - second.image.astype(int)).max(axis=-1)[same].max() > 40


def test_hair_colors_are_told_apart_by_their_mean_color(faces):
    brightness: dict[str, list[float]] = {"Black_Hair": [], "Brown_Hair": [], "Blond_Hair": []}
    for face in faces:
        area = face.label_map == SCHEMA.id("hair")
        for name in brightness:
            if face.attributes[name] and face.attributes["Young"] and area.sum() > 60:
                brightness[name].append(float(face.image[area].mean()))
    black, brown, blond = (np.median(brightness[name]) for name in ("Black_Hair", "Brown_Hair", "Blond_Hair"))
    assert black + 30 < brown < blond - 40
