"""Marks on the base mesh: 68 landmarks, 18 key points, and the regions of head and body as masks of their textures.

The mesh has rings of vertices around eyes and mouth; what lies on lids and lips is taken from them, so that landmarks,
masks and facial actions agree exactly. All else is placed on the average adult, seen from the front or unrolled around
the head. Lengths in this file are millimetres from the point midway between the eyes: x to the subject's left, y to the
back, z up.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial import cKDTree

from limner.data.schema import SCHEMAS

Array = npt.NDArray[Any]

FACES = SCHEMAS["celebamask-19"]
SIZE = 1024
"""Texels along a side of a mask."""

# Rings are counted from the seam inside the lips, or inside the lids, outwards.
RING_LIP_INNER, RING_LIP_OUTER = 1, 7
RING_EYE, RING_LID = 3, 8

LANDMARKS_FRONT = {
    # number: (x, z) on the front of the face; those of the other side are mirrored
    8: (0, -116.5), 9: (18, -113), 10: (34.3, -102.3), 11: (48, -89.8), 12: (58.8, -75.3), 13: (65.3, -57.3),
    14: (69.5, -38), 15: (72, -17), 16: (72.5, 1),
    22: (13.5, 16.5), 23: (25, 19.8), 24: (37.5, 21.8), 25: (49.5, 20.3), 26: (58.5, 14.5),
    27: (0, 0), 28: (0, -13), 29: (0, -25.5), 30: (0, -37.5),
    33: (0, -50), 34: (7, -48.5), 35: (13.5, -45.8),
}  # fmt: skip
LANDMARKS_EYE = {42: (18, -4.1), 43: (27.9, 2.2), 44: (35.8, 2.9), 45: (45.4, -1.2), 46: (36.3, -6.2), 47: (28.2, -5.9)}
LANDMARKS_LIPS = {
    51: (0, -63.2), 52: (5.3, -62.3), 53: (15.5, -65), 54: (26, -73.3),
    55: (15, -83), 56: (6.6, -85.4), 57: (0, -86),
}  # fmt: skip
LANDMARKS_MOUTH = {
    # as above, with y: the lips touch here
    62: (0, -73.4, -28), 63: (7.5, -72.8, -28.5), 64: (20, -73.5, -21.5), 65: (5.9, -73.4, -30), 66: (0, -73.5, -30.7),
}  # fmt: skip
MIRRORED = {
    **{i: 16 - i for i in range(17)}, **{i: 43 - i for i in range(17, 27)}, **{i: i for i in range(27, 31)},
    **{i: 66 - i for i in range(31, 36)},
    36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46, 42: 39, 43: 38, 44: 37, 45: 36, 46: 41, 47: 40,
    48: 54, 49: 53, 50: 52, 51: 51, 52: 50, 53: 49, 54: 48, 55: 59, 56: 58, 57: 57, 58: 56, 59: 55,
    60: 64, 61: 63, 62: 62, 63: 61, 64: 60, 65: 67, 66: 66, 67: 65,
}  # fmt: skip
"""Landmark -> the one at the mirrored place."""


def rings(polygons: list[Array], seam: set[int], allowed: set[int], num: int) -> list[list[int]]:
    """Closed rings of vertices around an opening: the seam, then what lies one edge further out each time, in order."""
    neighbours: dict[int, set[int]] = {}
    for polygon in polygons:
        for first, second in zip(polygon, np.roll(polygon, 1), strict=True):
            neighbours.setdefault(int(first), set()).add(int(second))
            neighbours.setdefault(int(second), set()).add(int(first))
    found, current, seen = [], set(seam), set(seam)
    for _ in range(num):
        found.append(_in_order(current, neighbours))
        current = {other for vertex in current for other in neighbours[vertex] if other in allowed} - seen
        seen |= current
    return found


def _in_order(ring: set[int], neighbours: dict[int, set[int]]) -> list[int]:
    """Walk around a ring."""
    path = [min(ring)]
    while len(path) < len(ring):
        path.append(min(vertex for vertex in neighbours[path[-1]] & ring if vertex not in path))
    return path


@dataclass
class Head:
    """The average head."""

    points: Array
    """(V, 3) mm, of all vertices of the base mesh."""
    faces: Array
    """(F, 3) of the head, vertices of the base mesh."""
    uv: Array
    """(F, 3, 2) of the head's texture."""
    mouth: list[list[int]]
    """Rings around the mouth."""
    left_eye: list[list[int]]
    """Rings around the subject's left eye."""
    right_eye: list[list[int]]
    ears: Array
    """(F,) whether a triangle belongs to an ear."""
    mirror: Array
    """(V,) vertex at the mirrored place."""

    def nearest_of(self, ring: list[int], place: tuple[float, ...]) -> int:
        """Vertex of a ring that is nearest to (x, z) or (x, z, y)."""
        points = self.points[ring][:, [0, 2, 1][: len(place)]]
        return ring[int(np.linalg.norm(points - place, axis=1).argmin())]


def front_hit(head: Head, x: float, z: float) -> tuple[Array, Array, float]:
    """Foremost point of the head at (x, z): vertices (3,), weights (3,) and y; ears do not count."""
    corners = head.points[head.faces]
    weights = barycentric(np.moveaxis(corners[..., [0, 2]], 1, 0), np.array([x, z]))
    inside = (weights >= -1e-9).all(axis=1) & ~head.ears
    depth = np.where(inside, np.einsum("fk,fk->f", weights, corners[..., 1]), np.inf)
    best = int(depth.argmin())
    return head.faces[best], weights[best], float(depth[best])


def barycentric(triangle: Array, places: Array) -> Array:
    """Weights (..., 3) of the corners a, b, c (3, ..., 2) at places (..., 2); -1 where a triangle has no area."""
    a, b, c = triangle

    def cross(first: Array, second: Array) -> Array:
        return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]

    area = cross(b - a, c - a)[..., None]
    parts = [cross(b - places, c - places), cross(c - places, a - places), cross(a - places, b - places)]
    whole = np.abs(area) > 1e-12
    return np.where(whole, np.stack(parts, axis=-1) / np.where(whole, area, 1), -1.0)


def landmarks(head: Head) -> tuple[Array, Array]:
    """Vertices (68, 3) of the base mesh and their weights (68, 3)."""
    vertices, weights = np.zeros((68, 3), int), np.zeros((68, 3))
    for number, (x, z) in LANDMARKS_FRONT.items():
        vertices[number], weights[number], _ = front_hit(head, x, z)
    rings_of = (
        (LANDMARKS_EYE, head.left_eye[RING_EYE]),
        (LANDMARKS_LIPS, head.mouth[RING_LIP_OUTER]),
        (LANDMARKS_MOUTH, head.mouth[RING_LIP_INNER]),
    )
    for places, ring in rings_of:
        for number, place in places.items():
            vertices[number], weights[number] = head.nearest_of(ring, place), (1, 0, 0)
    for number, other in MIRRORED.items():
        if weights[number].sum() == 0:
            vertices[number], weights[number] = head.mirror[vertices[other]], weights[other]
    return vertices, weights


@dataclass
class Chart:
    """Where every texel of a texture lies; rows from the top."""

    triangle: Array
    """(SIZE, SIZE) triangle of the part; outside of all, that of the nearest texel inside."""
    weights: Array
    """(SIZE, SIZE, 3) of the triangle's corners."""

    def values(self, corners: Array) -> Array:
        """Interpolate values (F, 3, n) at the corners of the triangles: (SIZE, SIZE, n)."""
        return np.einsum("yxk,yxkn->yxn", self.weights, corners[self.triangle])


def chart_of(uv: Array) -> Chart:
    """Draw the triangles of a part, given by their texture coordinates (F, 3, 2), into its texture."""
    triangle = np.full((SIZE, SIZE), -1)
    kept = np.zeros((SIZE, SIZE, 3))
    for number, places in enumerate(uv * [SIZE, -SIZE] + [-0.5, SIZE - 0.5]):
        low, high = np.ceil(places.min(axis=0) - 1e-9).astype(int), np.floor(places.max(axis=0) + 1e-9).astype(int)
        u, v = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        texels = np.stack([u, v], axis=-1)
        weights = barycentric(places, texels)
        inside = (weights >= -1e-6).all(axis=-1)
        triangle[v[inside], u[inside]] = number
        kept[v[inside], u[inside]] = weights[inside]
    nearest = tuple(distance_transform_edt(triangle < 0, return_distances=False, return_indices=True))
    return Chart(triangle[nearest], kept[nearest])


def smooth_path(points: Array, *, closed: bool = False) -> Array:
    """A curve through points (n, 2 or 3), 12 points for each (centripetal parameters, which do not overshoot)."""
    if closed:
        points = np.concatenate([points, points[:1]])
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    places = np.concatenate([[0], np.cumsum(np.maximum(lengths, 1e-6) ** 0.5)])
    curve = CubicSpline(places, points, bc_type="periodic" if closed else "natural")
    path: Array = curve(np.linspace(0, places[-1], 12 * len(points)))
    return path


def polygon_mask(polygon: Array) -> Array:
    """Coverage (SIZE, SIZE) in 0..1 of a polygon (n, 2) of texture coordinates."""
    scale = 4
    picture = Image.new("L", (SIZE * scale, SIZE * scale))
    outline = polygon * [SIZE, -SIZE] + [0, SIZE]
    ImageDraw.Draw(picture).polygon([(x * scale - 0.5, y * scale - 0.5) for x, y in outline], fill=255)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX)) / 255


def ring_mask(ring: list[int], places: dict[int, Array]) -> Array:
    """Coverage of what a ring encloses, given the texture coordinates of its vertices."""
    return polygon_mask(smooth_path(np.array([places[vertex] for vertex in ring]), closed=True))


def unrolled(points: Array) -> Array:
    """Points (..., 3) in mm on a cylinder around the middle of the head: (..., 2) degrees from the front, height z."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([np.degrees(np.arctan2(np.abs(x), 60 - y)), z], axis=-1)


def inside_polygon(places: Array, polygon: Array) -> Array:
    """Whether each place (..., 2) lies within a polygon (n, 2), by counting crossings."""
    x, y = places[..., 0], places[..., 1]
    result = np.zeros(places.shape[:-1], dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            result ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return result


def ramp(distance: Array, width: float) -> Array:
    """0..1: smooth step of a signed distance, `width` wide around 0."""
    t = np.clip(distance / width + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def field(places: Array, polygon: list[tuple[float, float]], *, mirrored: bool) -> Array:
    """Signed distance (SIZE, SIZE) of places (SIZE, SIZE, 2) to a polygon, positive inside.

    Args:
        places: of texels, mm (or degrees and mm).
        polygon: corners on the subject's left; the first and the last lie on the middle if `mirrored`.
    """
    corners = np.array(polygon, dtype=float)
    if mirrored:
        corners = np.concatenate([corners, corners[-2:0:-1] * [-1, 1]])
    path = smooth_path(corners, closed=True)
    distance = cKDTree(path).query(places.reshape(-1, 2))[0].reshape(places.shape[:-1])
    return np.where(inside_polygon(places, path), distance, -distance)


NOSE = [
    (0, 4), (5, 3), (8, -6), (10, -18), (14, -29), (19.5, -36), (20.5, -42), (18, -47.5), (10, -49.5), (4, -51.5),
    (0, -52),
]  # fmt: skip
MOUSTACHE = [(0, -53), (9, -52), (17, -54), (26, -60), (32, -69), (34, -79), (29, -80), (25, -72), (17, -64), (0, -62)]
CHIN = [(0, -89), (5, -90), (10, -97), (21, -98), (27, -106), (26, -118), (18, -127), (0, -131)]
MOUTH_SIDES = [(28, -72), (33, -76), (34, -88), (29, -106), (20, -108), (19, -99), (25, -90), (27, -80)]
BROW = [(9.5, 17), (15, 19), (22, 21), (30, 22.6), (38, 23), (45, 21.2), (51, 17.5), (55, 13.5)]
"""Middle line of the subject's left brow (x, z)."""
CHEEK_BEARD = [
    (84, 8), (82, -18), (70, -38), (50, -49), (36, -57), (25, -64), (19, -76), (17, -92), (12, -100), (0, -104),
    (0, -140), (45, -132), (72, -104), (100, -64), (97, -30), (92, 8),
]  # fmt: skip
"""Unrolled (degrees, z), as is all that follows."""
JAW_LINE = [(0, -117.5), (17, -114.6), (36, -105), (52, -93), (70, -80), (86, -66), (98, -50), (120, -46), (190, -46)]
HAIRLINE = [
    (0, 73), (8, 73.5), (16, 74.5), (24, 74), (32, 69), (39, 59), (46, 49), (54, 40), (62, 32), (68, 22), (72, 10),
    (75, -2), (78, -14), (82, -21), (88, -21), (92, -10), (95, 5), (103, 11), (112, 8), (120, -6), (124, -22),
    (127, -42), (132, -60), (142, -74), (156, -82), (170, -85), (180, -86),
]  # fmt: skip
"""From the middle of the forehead over the temple, around the sideburn and behind the ear to the nape."""


def hairline_distance(points: Array, ears: Array, outside: Array) -> Array:
    """Signed distance (SIZE, SIZE) in mm of texels to the hairline, positive where hair grows."""
    path = smooth_path(np.array(HAIRLINE, dtype=float))
    left = outside & (points[..., 0] >= 0) & (ears < 0.5)
    scale = [1.4, 1.0]  # a degree is about 1.4 mm
    nearest = cKDTree(unrolled(points[left]) * scale).query(path * scale)[1]
    curve = points[left][nearest]
    distance = cKDTree(curve).query(np.where([True, False, False], np.abs(points), points).reshape(-1, 3))[0]
    distance = distance.reshape(points.shape[:2])
    area = np.concatenate([path, [(200, -86), (200, 200), (-1, 200), (-1, path[0, 1])]])
    return np.where(inside_polygon(unrolled(points), area) & (ears < 0.5) & outside, distance, -distance)


def brow_mask(points: Array) -> Array:
    """Soft mask of both brows: 7 mm wide in the middle, thinner at the ends."""
    path = smooth_path(np.array(BROW, dtype=float))
    front = np.stack([np.abs(points[..., 0]), points[..., 2]], axis=-1)
    distance, nearest = cKDTree(path).query(front.reshape(-1, 2))
    along = nearest / len(path)
    half = np.interp(along, (0, 0.15, 0.55, 1), (2.6, 3.6, 3.2, 0.8))
    mask: Array = ramp(half - distance, 2).reshape(points.shape[:2]) * (points[..., 1] < 10)
    return mask


def lip_masks(head: Head, places: dict[int, Array]) -> dict[str, Array]:
    """Upper lip, lower lip and what lies within them, from the rings."""
    outer, inner = head.mouth[RING_LIP_OUTER], head.mouth[RING_LIP_INNER]
    halves = []
    for ring in (outer, inner):
        ends = [ring.index(max(ring, key=lambda v: side * head.points[v, 0])) for side in (-1, 1)]
        turned = ring[ends[0] :] + ring[: ends[0]]
        stop = turned.index(ring[ends[1]])
        there, back = turned[: stop + 1], turned[stop:] + turned[:1]
        back = back[::-1]
        upper_first = head.points[there, 2].mean() > head.points[back, 2].mean()
        halves.append((there, back) if upper_first else (back, there))
    masks = {}
    for number, name in enumerate(("upper-lip", "lower-lip")):
        border = [smooth_path(np.array([places[v] for v in half[number]])) for half in halves]
        masks[name] = polygon_mask(np.concatenate([border[0], border[1][::-1]]))
    masks["mouth"] = ring_mask(inner, places)
    return masks


def head_regions(head: Head, islands: Array, ear_image: Array, old_uv: Array) -> dict[str, Array]:
    """Masks (SIZE, SIZE) in 0..1 of the head's texture; "hairline" is a signed distance in mm.

    Args:
        head: the average head.
        islands: (F,) 0 for the outside, 1 for the inside of the mouth, 2 for the eye sockets.
        ear_image: (n, n) mask of the ears in the base mesh's own texture, 0..1.
        old_uv: (F, 3, 2) coordinates in that texture.
    """
    chart = chart_of(head.uv)
    points = chart.values(head.points[head.faces])
    island = islands[chart.triangle]
    outside = island == 0
    front = np.where(outside[..., None] & (points[..., 1:2] < 20), points[..., [0, 2]], 1e3)
    around = np.where(outside[..., None], unrolled(points), 1e3)
    on_outside = islands == 0
    places = dict(zip(head.faces[on_outside].ravel().tolist(), head.uv[on_outside].reshape(-1, 2), strict=True))

    masks = lip_masks(head, places)
    lips = np.maximum(masks["upper-lip"], masks["lower-lip"])
    masks["mouth"] = np.maximum(masks["mouth"] * outside, island == 1)
    for side, ring in (("l", head.left_eye), ("r", head.right_eye)):
        inner, outer = (ring_mask(ring[number], places) for number in (RING_EYE, RING_LID))
        socket = (island == 2) & ((points[..., 0] > 0) == (side == "l"))
        masks[f"{side}-eye"] = np.maximum(inner * outside, socket)
        masks[f"{side}-eyelids"] = gaussian_filter(outer, 3) * (1 - inner) * outside
    size = len(ear_image)
    columns, rows = np.moveaxis((chart.values(old_uv) * [size, -size]).astype(int), -1, 0)
    ears = gaussian_filter(ear_image[(rows + size - 1).clip(0, size - 1), columns.clip(0, size - 1)], 1) * outside
    left = points[..., 0] > 0
    brows = brow_mask(points) * outside
    masks |= {"l-ear": ears * left, "r-ear": ears * ~left, "l-brow": brows * left, "r-brow": brows * ~left}
    masks["nose"] = ramp(field(front, NOSE, mirrored=True), 1.0)
    free = (1 - lips) * (1 - masks["mouth"])
    masks["moustache"] = ramp(field(front, MOUSTACHE, mirrored=True), 5) * free * (1 - masks["nose"])
    masks["chin"] = ramp(field(front, CHIN, mirrored=True), 7) * free
    folded = np.stack([np.abs(front[..., 0]), front[..., 1]], axis=-1)
    masks["mouth-sides"] = ramp(field(folded, MOUTH_SIDES, mirrored=False), 5) * free
    masks["cheeks"] = ramp(field(around, CHEEK_BEARD, mirrored=False), 10) * free * (1 - ears)
    jaw = smooth_path(np.array(JAW_LINE, dtype=float))
    below = inside_polygon(around, np.concatenate([jaw, [(200, -400), (-10, -400), (-10, jaw[0, 1])]]))
    masks["neck"] = gaussian_filter(below.astype(float), 1) * outside * (1 - ears)
    masks["hairline"] = hairline_distance(points, ears, outside)
    return masks


def head_labels(masks: dict[str, Array]) -> Array:
    """Classes of "celebamask-19" (SIZE, SIZE) of the bare head: brows and hair are for others to draw."""
    labels = np.full((SIZE, SIZE), FACES.id("skin"), dtype=np.uint8)
    order = (
        ("neck", "neck"), ("l-ear", "l_ear"), ("r-ear", "r_ear"), ("nose", "nose"), ("upper-lip", "u_lip"),
        ("lower-lip", "l_lip"), ("mouth", "mouth"), ("l-eye", "l_eye"), ("r-eye", "r_eye"),
    )  # fmt: skip
    for region, name in order:
        labels[masks[region] >= 0.5] = FACES.id(name)
    return labels


LIMBS = {
    "torso": ("root", "pelvis", "spine", "clavicle", "shoulder", "neck"),
    "arm": ("upperarm", "lowerarm"),
    "hand": ("wrist", "finger", "metacarpal"),
    "leg": ("upperleg", "lowerleg"),
    "foot": ("foot", "toe"),
}
"""Region of the body -> beginnings of the names of the bones that move it."""


def body_regions(faces: Array, uv: Array, skin: Array, bones: list[str]) -> dict[str, Array]:
    """Masks (SIZE, SIZE) of torso and limbs: the part whose bones move a texel most.

    Args:
        faces: (F, 3) of the body, vertices of the base mesh.
        uv: (F, 3, 2) of the body's texture.
        skin: (V, B) weight of every bone.
        bones: their names.
    """
    names = [f"{side}{limb}" for limb in LIMBS for side in (("",) if limb == "torso" else ("l-", "r-"))]
    shares = np.zeros((len(skin), len(names)))
    for bone, name in enumerate(bones):
        limb = next((limb for limb, stems in LIMBS.items() if name.startswith(stems)), "torso")
        side = "" if limb == "torso" else f"{name[-1].lower()}-"
        shares[:, names.index(f"{side}{limb}")] += skin[:, bone]
    strongest = chart_of(uv).values(shares[faces]).argmax(axis=-1)
    return {name: (strongest == number).astype(float) for number, name in enumerate(names)}


def packed(mask: Array) -> Array:
    """The bytes of a grey PNG of a mask (SIZE, SIZE): uint8 as it is, floats in 0..1 as 0..255."""
    grey = mask if mask.dtype == np.uint8 else np.round(mask * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG", optimize=True)
    return np.frombuffer(buffer.getvalue(), dtype=np.uint8)


def keypoints(head: Head, nose: tuple[Array, Array], num_vertices: int, bones: list[str]) -> tuple[Array, Array]:
    """OpenPose's 18 points: base vertices, or joints counted from `num_vertices`, (18, 3) and their weights."""
    corners = {
        side: [max(ring[RING_EYE], key=lambda vertex: sign * head.points[vertex, 0]) for sign in (-1, 1)]
        for side, ring in (("L", head.left_eye), ("R", head.right_eye))
    }
    around = np.unique(head.faces[head.ears])
    ear = int(around[np.linalg.norm(head.points[around] - (80, 78, -22), axis=1).argmin()])
    ears = {"L": ear, "R": int(head.mirror[ear])}

    def joint(name: str) -> tuple[list[int], list[float]]:
        return [num_vertices + bones.index(name)] * 3, [1, 0, 0]

    shoulders = [num_vertices + bones.index(f"upperarm01.{side}") for side in "LR"]
    rows = [nose, ([*shoulders, 0], [0.5, 0.5, 0])]
    for side in "RL":
        rows += [joint(f"{name}.{side}") for name in ("upperarm01", "lowerarm01", "wrist")]
    for side in "RL":
        rows += [joint(f"{name}.{side}") for name in ("upperleg01", "lowerleg01", "foot")]
    rows += [([*corners[side], 0], [0.5, 0.5, 0]) for side in "RL"]
    rows += [([ears[side]] * 3, [1, 0, 0]) for side in "RL"]
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=float)
