"""Cloth cut out of the body's surface: pieces with smooth edges, lifted off the skin.

A piece is made once, on the average adult in the rest pose: the triangles of the body are clipped where smooth scalar
fields (distances to the neckline, the armhole, the hem, ...) change their sign. Every corner of the piece is a mixture
of up to three vertices of the body, so the piece follows any shape and pose of the body at the cost of a look-up.

Lengths in fields are metres in the frame between the average adult's eyes: x to the subject's left, y back, z up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from limner.people.body import BodyShape, PosedBody, body_model
from limner.people.surface import Floats, vertex_normals

Ints = npt.NDArray[np.int32]
ARM = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
NECK_MIDDLE, SHOULDER = 0.112, -0.160
"""Depth y of the neck's axis, height of the shoulders beside the neck."""
NAPE, CHEST = -0.165, -0.28
"""Heights below which necklines get no deeper behind and in front."""
ARMHOLE_TOP, ARMPIT = -0.195, -0.31
"""Heights of the armhole's ends."""
SLIVER = 2e-9
"""Triangles of less than half of this area, square metres, are left out: their normals are noise."""
SMOOTHING = 0.9
"""How far one step of `Drape` moves a vertex towards the mean of its neighbours."""


@dataclass(frozen=True, eq=False)
class Rest:
    """The skin of the average adult in the rest pose as one closed mesh without texture seams."""

    vertex: Ints
    """(P,) a vertex of the posed body for every point."""
    points: Floats
    """(P, 3)."""
    faces: Ints
    """(F, 3)."""
    neighbours: Ints
    """(P, K) points along an edge, padded with the point itself."""
    arms: Floats
    """(P,) share of the bones of the arms."""
    joints: dict[str, Floats]
    """Bone -> (3,) its joint."""


@lru_cache(maxsize=1)
def rest() -> Rest:
    """The mesh that all pieces are cut from; made once."""
    model = body_model()
    body = model.pose(BodyShape())
    ranges = [model.part_range(name) for name in ("head", "body")]
    faces = np.concatenate([model.source[faces + start] for start, _, faces in ranges])
    kept, faces = np.unique(faces, return_inverse=True)
    faces = faces.reshape(-1, 3).astype(np.int32)
    vertex = np.zeros(model.source.max() + 1, np.int32)
    vertex[model.source[::-1]] = np.arange(model.num_vertices - 1, -1, -1)
    arms = np.array([name.startswith(ARM) for name in model.joint_names])
    return Rest(
        vertex=vertex[kept],
        points=body.head.to_local(body.vertices[vertex[kept]]),
        faces=faces,
        neighbours=_neighbours(faces, len(kept)),
        arms=model.skin[kept][:, arms].sum(axis=1),
        joints={name: body.head.to_local(frame.origin) for name, frame in body.joints.items()},
    )


def _neighbours(faces: Ints, num: int) -> Ints:
    edges = np.unique(np.concatenate([faces[:, [a, b]] for a in range(3) for b in range(3) if a != b]), axis=0)
    counts = np.bincount(edges[:, 0], minlength=num)
    table = np.repeat(np.arange(num, dtype=np.int32)[:, None], counts.max(), axis=1)
    place = np.arange(len(edges)) - np.repeat(np.cumsum(counts) - counts, counts)
    table[edges[:, 0], place] = edges[:, 1]
    return table


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of cloth as a mesh over the points of `rest`."""

    points: Ints
    """(n, 3) points that each corner is mixed from."""
    weights: Floats
    """(n, 3) their shares."""
    faces: Ints
    """(F, 3) corners of each triangle."""

    def mix(self, values: Floats) -> Floats:
        """Values (P,) or (P, c) of the points at the corners: (n,) or (n, c)."""
        mixed: Floats = np.einsum("nk,nk...->n...", self.weights, values[self.points])
        return mixed


def whole() -> Piece:
    """All of the skin."""
    num = len(rest().points)
    points = np.repeat(np.arange(num, dtype=np.int32)[:, None], 3, axis=1)
    return Piece(points, np.tile(np.array([1, 0, 0], np.float32), (num, 1)), rest().faces)


def clip(piece: Piece, *fields: Floats) -> Piece:
    """What is left of a piece where all fields (P,) over the points of `rest` are below 0.

    Give fields one by one rather than their maximum, whose crease the triangles would round off in steps.
    """
    for field in fields:
        piece = _clip(piece, field)
    return piece


def union(*pieces: Piece) -> Piece:
    """Several pieces as one; corners are not shared between them."""
    starts = np.cumsum([0] + [len(piece.points) for piece in pieces[:-1]]).astype(np.int32)
    return Piece(
        np.concatenate([piece.points for piece in pieces]),
        np.concatenate([piece.weights for piece in pieces]),
        np.concatenate([piece.faces + start for piece, start in zip(pieces, starts, strict=True)]),
    )


def _clip(piece: Piece, field: Floats) -> Piece:
    values = piece.mix(field)
    num_inside = (values[piece.faces] < 0).sum(axis=1)
    cut = piece.faces[(num_inside == 1) | (num_inside == 2)]
    inside = values[cut] < 0
    one_inside = inside.sum(axis=1) == 1
    # Turn the triangles so that the corner that is alone on its side comes first.
    first = (inside == one_inside[:, None]).argmax(axis=1)
    cut = np.take_along_axis(cut, (first[:, None] + np.arange(3)) % 3, axis=1)

    edges = np.sort(np.concatenate([cut[:, [0, 1]], cut[:, [0, 2]]]), axis=1)
    edges, number = np.unique(edges, axis=0, return_inverse=True)
    new = number.reshape(2, -1).T.astype(np.int32) + len(values)
    small = np.stack([cut[:, 0], new[:, 0], new[:, 1]], axis=1)[one_inside]
    first_half = np.stack([new[:, 0], cut[:, 1], cut[:, 2]], axis=1)[~one_inside]
    second_half = np.stack([new[:, 0], cut[:, 2], new[:, 1]], axis=1)[~one_inside]
    faces = np.concatenate([piece.faces[num_inside == 3], small, first_half, second_half])

    start, stop = values[edges].T
    points, weights = _between(piece, edges, (start / (start - stop)).astype(np.float32))
    points, weights = np.concatenate([piece.points, points]), np.concatenate([piece.weights, weights])
    a, b, c = np.moveaxis(Piece(points, weights, faces).mix(rest().points)[faces], 1, 0)
    doubled_area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    kept, faces = np.unique(faces[doubled_area > SLIVER], return_inverse=True)
    return Piece(points[kept], weights[kept], faces.reshape(-1, 3).astype(np.int32))


def _between(piece: Piece, edges: Ints, share: Floats) -> tuple[Ints, Floats]:
    """Corners on edges (E, 2), `share` (E,) of the way along: the up to three points that they are mixed from."""
    points, weights = np.zeros((len(edges), 3), np.int32), np.zeros((len(edges), 3), np.float32)
    for row, ((first, second), t) in enumerate(zip(edges, share, strict=True)):
        mixture: dict[int, float] = {}
        for corner, part in ((first, 1 - t), (second, t)):
            for point, weight in zip(piece.points[corner].tolist(), piece.weights[corner].tolist(), strict=True):
                if weight:
                    mixture[point] = mixture.get(point, 0.0) + part * weight
        points[row, : len(mixture)], weights[row, : len(mixture)] = list(mixture), list(mixture.values())
    return points, weights


@dataclass(frozen=True, eq=False)
class Region:
    """The part of the skin below some pieces, and two points beyond."""

    points: Ints
    """(m,) points of `rest`."""
    place: Ints
    """(P,) where each point is in `points`; -1: not."""
    neighbours: Ints
    """(m, K) places in the region, padded with the point itself; all itself along the region's border."""
    faces: Ints
    """(F, 3) places in the region."""


@lru_cache(maxsize=128)
def region(*pieces: Piece) -> Region:
    """The region below pieces; made once."""
    points = np.unique(np.concatenate([piece.points[piece.weights > 0] for piece in pieces]))
    for _ in range(2):
        points = np.unique(rest().neighbours[points])
    place = np.full(len(rest().points), -1, np.int32)
    place[points] = np.arange(len(points))
    neighbours = place[rest().neighbours[points]]
    border = (neighbours < 0).any(axis=1)
    neighbours[border] = np.flatnonzero(border)[:, None]
    faces = place[rest().faces]
    return Region(points, place, neighbours, faces[(faces >= 0).all(axis=1)])


class Drape:
    """The skin of a posed body smoothed into what cloth spans: hollows are filled, and nothing lies inside."""

    def __init__(self, body: PosedBody, part: Region, *, steps: int) -> None:
        """Smooth the skin of a region in a number of steps."""
        self._region = part
        vertex = rest().vertex[part.points]
        skin, normals = body.vertices[vertex], body.normals[vertex]
        smooth = skin
        for _ in range(steps):
            # The padding counts as neighbours, too: it only slows points with few of them down.
            smooth = smooth + SMOOTHING * (_neighbour_mean(smooth, part.neighbours) - smooth)
        # Only along the normals: seams and hems stay where they were cut.
        depth = np.einsum("mc,mc->m", smooth - skin, normals)
        self._points = skin + np.maximum(depth, 0)[:, None] * normals
        self._normals = vertex_normals(self._points, part.faces)

    def place(self, piece: Piece, lift: float | Floats) -> Floats:
        """Corners of a piece (n, 3) of the region, `lift` metres (one, or (n,)) above the smoothed skin."""
        inner = Piece(self._region.place[piece.points], piece.weights, piece.faces)
        normals = inner.mix(self._normals)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return inner.mix(self._points) + np.reshape(lift, (-1, 1)).astype(np.float32) * normals


def _neighbour_mean(values: Floats, neighbours: Ints) -> Floats:
    """Mean (m, c) of values (m, c) over the neighbours (m, K) of each; column by column, which numpy does faster."""
    total = values[neighbours[:, 0]]
    for column in neighbours.T[1:]:
        total += values[column]
    mean: Floats = total / np.float32(neighbours.shape[1])
    return mean


def oval(width: float, front: float, back: float) -> Floats:
    """About the signed distance (P,) to a round neckline, an oval as seen from above: positive inside it.

    Args:
        width: from the middle to its side, on the shoulders.
        front: its foremost y.
        back: its rearmost y.
    """
    x, y, z = rest().points.T
    behind = y > NECK_MIDDLE
    # Going down counts as going outwards: the back is upright, and waist and legs are below the oval.
    depth = np.abs(y - NECK_MIDDLE) + np.maximum(np.where(behind, NAPE, CHEST) - z, 0)
    reach = np.where(behind, back - NECK_MIDDLE, NECK_MIDDLE - front)
    distance: Floats = (width * (1 - np.hypot(x / width, depth / reach))).astype(np.float32)
    return distance


def high_neck(height: float, *, slope: float) -> Floats:
    """Signed distance (P,) to a plane through the neck, `height` at its side: positive above it.

    It falls by `slope` metres for each metre to the front.
    """
    _, y, z = rest().points.T
    distance: Floats = ((z - height - slope * (y - NECK_MIDDLE)) / np.hypot(1, slope)).astype(np.float32)
    return distance


def opening(width: float, bottom: float) -> Floats:
    """Signed distance (P,) to a V in front, `width` from the middle at the shoulders: positive inside it."""
    x, y, z = rest().points.T
    slope = width / (SHOULDER - bottom)
    distance: Floats = (slope * (z - bottom) - np.abs(x) - 3 * np.maximum(y - 0.09, 0)).astype(np.float32)
    return distance


def below(height: float) -> Floats:
    """Signed distance (P,) below a height: negative above it."""
    return height - rest().points[:, 2]


def armhole(x: float) -> Floats:
    """Signed distance (P,) to the seam between trunk and arms, at `x` on the shoulders: positive in the arms."""
    points = rest().points
    distance: Floats = 0.988 * (np.abs(points[:, 0]) - x) - 0.15 * (points[:, 2] - ARMHOLE_TOP)
    # Below the armpit hips are as wide as shoulders, and arms hang down: only the bones tell which is which.
    under = np.maximum(ARMPIT - points[:, 2], 0)
    distance += 3 * under * (2 * rest().arms - 1)
    return distance


def along_arm() -> Floats:
    """Distance (P,) from the shoulder joint along the arm, metres."""
    points = np.where([True, False, False], np.abs(rest().points), rest().points)
    shoulder, elbow, wrist = (rest().joints[f"{name}.L"] for name in ("upperarm01", "lowerarm01", "wrist"))
    upper, lower = (
        (elbow - shoulder) / np.linalg.norm(elbow - shoulder),
        (wrist - elbow) / np.linalg.norm(wrist - elbow),
    )
    beyond = (points - elbow) @ (upper + lower) > 0
    length = np.linalg.norm(elbow - shoulder)
    return np.where(beyond, length + (points - elbow) @ lower, (points - shoulder) @ upper).astype(np.float32)


def side(sign: int) -> Floats:
    """Signed distance (P,) beyond the middle: negative on the subject's left for `sign` 1, on the right for -1."""
    return -sign * rest().points[:, 0]


def unrolled(piece: Piece, angle: Floats) -> tuple[Piece, Floats]:
    """A piece whose triangles do not cross the jump of an angle (n,) at its corners, and the continuous angle."""
    angles = angle[piece.faces]
    mean = np.arctan2(np.sin(angles).mean(axis=1), np.cos(angles).mean(axis=1))[:, None]
    turns = np.round((mean - angles) / (2 * np.pi)).astype(np.int64)
    pairs, faces = np.unique(piece.faces.astype(np.int64) * 5 + turns + 2, return_inverse=True)
    corner, turn = pairs // 5, pairs % 5 - 2
    split = Piece(piece.points[corner], piece.weights[corner], faces.reshape(-1, 3).astype(np.int32))
    return split, (angle[corner] + 2 * np.pi * turn).astype(np.float32)
