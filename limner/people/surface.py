"""The border between modelling and rendering: a triangle mesh with its look and its labels.

Every part of a person (skin, eyes, hair, glasses, garments) is one `Surface`; the renderer sees nothing else.
Coordinates are metres, z up; the person faces -y, so the subject's left is +x. Colours are linear RGB in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.errors import ShapeError

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Surface:
    """A triangle mesh with its look and its labels.

    Textures are read through `uv`: u runs to the right, v upwards, (0, 0) is the lower left corner of the lower left
    texel. Colours, heights and coverage are interpolated between texels and repeat beyond [0, 1]; labels are those of
    the nearest texel. Sides do not matter: a triangle seen from behind is shaded with its normal turned around.

    Attributes:
        name: for messages.
        vertices: (V, 3) float32, metres.
        faces: (F, 3) int32, vertices of every triangle.
        albedo: diffuse reflectance: (3,) for all, (V, 3) per vertex, or an (H, W, 3) texture.
        label: parsing class ("celebamask-19"): one id, (F,) ids per triangle, or an (H, W) texture.
        body_label: class of the fine body parsing, likewise.
        normals: (V, 3) unit vectors; computed (`vertex_normals`) when absent.
        uv: (V, 2); vertices on a seam of the texture must be doubled. Needed by textures.
        alpha: coverage in [0, 1], (V,) per vertex or an (H, W) texture: the share of the samples that hit. Hair cards,
            lashes, brows and lace are made with it. None: all.
        height: (H, W) texture of metres, for the shading only: wrinkles, pores, knit.
        roughness: GGX roughness of the specular reflection in (0, 1]; 0.1 is a wet eye, 0.45 skin, 0.9 wool.
        specular: strength of the specular reflection; 1 is a dielectric of refractive index 1.5 (4 % at normal
            incidence), more than 1 is metallic.
        subsurface: 0..1, how much light travels below the surface: softens the terminator and reddens shadows.
        sheen: 0..1, light scattered by fuzz at grazing angles (velvet, wool, peach fuzz).
        tangent: (V, 3) direction of the strands, root to tip; turns the specular reflection into that of hair.
        emission: 0..1, light sent out on its own, times the albedo.
    """

    name: str
    vertices: Floats
    faces: npt.NDArray[np.int32]
    albedo: Floats
    label: int | Labels
    body_label: int | Labels = 0
    normals: Floats | None = None
    uv: Floats | None = None
    alpha: Floats | None = None
    height: Floats | None = None
    roughness: float = 0.5
    specular: float = 1.0
    subsurface: float = 0.0
    sheen: float = 0.0
    tangent: Floats | None = None
    emission: float = 0.0

    def __post_init__(self) -> None:
        for field in ("vertices", "albedo", "normals", "uv", "alpha", "height", "tangent"):
            self._convert(field, np.float32)
        self._convert("faces", np.int32)
        for field in ("label", "body_label"):
            if isinstance(getattr(self, field), np.ndarray):
                self._convert(field, np.uint8)
        self._check_shapes()
        self._check_values()

    @property
    def has_textures(self) -> bool:
        """Whether anything is read through `uv`."""
        images = (self.label, self.body_label, self.alpha, self.height)
        return self.albedo.ndim == 3 or any(isinstance(image, np.ndarray) and image.ndim == 2 for image in images)

    def shading_normals(self) -> Floats:
        """The normals (V, 3), computed if there are none."""
        return vertex_normals(self.vertices, self.faces) if self.normals is None else self.normals

    def _convert(self, field: str, dtype: type[np.generic]) -> None:
        value = getattr(self, field)
        if value is not None:
            object.__setattr__(self, field, np.ascontiguousarray(value, dtype=dtype))

    def _check_shapes(self) -> None:
        num_vertices, num_faces = len(self.vertices), len(self.faces)
        self._check_shape("vertices", self.vertices, (num_vertices, 3))
        self._check_shape("faces", self.faces, (num_faces, 3))
        self._check_shape("normals", self.normals, (num_vertices, 3))
        self._check_shape("uv", self.uv, (num_vertices, 2))
        self._check_shape("tangent", self.tangent, (num_vertices, 3))
        self._check_shape("albedo", self.albedo, (3,), (num_vertices, 3), ("H", "W", 3))
        self._check_shape("alpha", self.alpha, (num_vertices,), ("H", "W"))
        self._check_shape("height", self.height, ("H", "W"))
        for field in ("label", "body_label"):
            if isinstance(getattr(self, field), np.ndarray):
                self._check_shape(field, getattr(self, field), (num_faces,), ("H", "W"))
        if self.uv is None and self.has_textures:
            raise ShapeError(f'Surface "{self.name}" has a texture but no texture coordinates: give it uv.')

    def _check_shape(self, field: str, array: npt.NDArray[Any] | None, *allowed: tuple[int | str, ...]) -> None:
        """Refuse `array` unless it has one of the shapes; a letter stands for any number but 0."""
        if array is None or any(_matches(array.shape, shape) for shape in allowed):
            return
        known = " or ".join(str(shape).replace("'", "") for shape in allowed)
        raise ShapeError(f'Surface "{self.name}" has {field} of shape {array.shape}, but it must be {known}.')

    def _check_values(self) -> None:
        for field in ("vertices", "albedo", "normals", "uv", "alpha", "height", "tangent"):
            value = getattr(self, field)
            if value is not None and not np.isfinite(value).all():
                raise ShapeError(f'Surface "{self.name}" has {field} that are not finite: remove NaN and infinity.')
        if len(self.faces) and not 0 <= self.faces.min() <= self.faces.max() < len(self.vertices):
            wrong = self.faces.min() if self.faces.min() < 0 else self.faces.max()
            raise ShapeError(
                f'Surface "{self.name}" has a triangle with vertex {wrong}, but its vertices are '
                f"0..{len(self.vertices) - 1}."
            )
        for field in ("label", "body_label"):
            value = getattr(self, field)
            if not isinstance(value, np.ndarray) and not 0 <= value <= 255:
                raise ShapeError(f'Surface "{self.name}" has {field} {value}, but ids are 0..255.')


def _matches(shape: tuple[int, ...], pattern: tuple[int | str, ...]) -> bool:
    if len(shape) != len(pattern):
        return False
    return all(size > 0 if isinstance(goal, str) else size == goal for size, goal in zip(shape, pattern, strict=True))


def cross(a: Floats, b: Floats) -> Floats:
    """Cross product of (..., 3) arrays, faster than numpy's."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def vertex_normals(vertices: Floats, faces: npt.NDArray[np.int32]) -> Floats:
    """Unit normals (V, 3), each the area-weighted mean of those of its triangles; (0, 0, 1) where there are none.

    Vertices of a triangle are counter-clockwise as seen from outside.
    """
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    doubled_area = cross(b - a, c - a)
    corners = faces.T.ravel()
    sums = np.stack(
        [np.bincount(corners, np.tile(doubled_area[:, axis], 3), len(vertices)) for axis in range(3)], axis=1
    )
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    normals = np.where(lengths > 0, sums / np.maximum(lengths, 1e-30), (0.0, 0.0, 1.0))
    return normals.astype(np.float32)
