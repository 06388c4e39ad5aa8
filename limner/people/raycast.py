"""Ray casting of surfaces on warp, on the CPU or a CUDA device: light and labels of every pixel.

All surfaces are merged into two triangle meshes, the fully covering ones and those that cover in part (hair, lashes,
lace), because rays through the first need no test of coverage. The result is a pure function of the arguments.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError, ShapeError
from limner.optional import optional
from limner.people.camera import Pinhole
from limner.people.light import Illumination
from limner.people.surface import Floats, Labels, Surface

MAX_LAMPS = 3
MAX_SIZE = 4096
LEAF_SIZE = 8
"""Triangles in a leaf of the tree that rays descend: more cost time per ray, fewer cost time to build it."""
NO_DRIVER = "Could not find or load the NVIDIA CUDA driver"
"""What warp's library says on machines without a GPU."""
MARGIN = 0.35
"""Triangles farther than this outside the picture, in picture widths, neither show nor throw shadows worth a ray."""


@dataclass(frozen=True, eq=False)
class RayImage:
    """What the camera sees, before film and background.

    Attributes:
        radiance: (size, size, 3) float32 linear RGB, black where nothing is: lay it over a background by `coverage`.
        coverage: (size, size) float32, share of the samples that hit something.
        label: (size, size) uint8, what most samples hit; 0 = background.
        body_label: likewise for the fine body parsing.
        depth: (size, size) float32, metres along the camera's axis; infinite where at least half is background.
    """

    radiance: Floats
    coverage: Floats
    label: Labels
    body_label: Labels
    depth: Floats


class Stage:
    """Surfaces ready for rays.

    Args:
        surfaces: what there is to see.
        camera: triangles far outside its picture are left out; None keeps all.
        device: "cpu", "cuda", "cuda:1", ...

    Raises:
        MissingExtraError: if warp is not installed.
        ConfigError: if there is no such device.
    """

    def __init__(self, surfaces: Sequence[Surface], camera: Pinhole | None = None, *, device: str = "cpu") -> None:
        self._wp, self._kernels = _warp()
        self._device = self._get_device(device)
        self._vertex_counts = [len(surface.vertices) for surface in surfaces]
        merged = _Merged(surfaces, camera)
        geometry = self._kernels.Geometry()
        geometry.num_opaque = merged.num_opaque
        # The meshes are kept: a Geometry holds only their addresses.
        self._vertices = self._array(merged.vertices, self._wp.vec3)
        self._meshes = [
            self._mesh(merged.faces[: merged.num_opaque]),
            self._mesh(merged.faces[merged.num_opaque :]),
        ]
        geometry.opaque, geometry.covering = (0 if mesh is None else mesh.id for mesh in self._meshes)
        geometry.vertices = self._vertices
        for field, dtype in {
            "faces": self._wp.vec3i,
            "normals": self._wp.vec3,
            "tangents": self._wp.vec3,
            "uv": self._wp.vec2,
            "colors": self._wp.vec4,
            "face_looks": self._wp.int32,
            "face_labels": self._wp.vec2ub,
            "looks": self._kernels.Look,
            "color_texels": self._wp.vec3,
            "scalar_texels": self._wp.float32,
            "label_texels": self._wp.uint8,
        }.items():
            setattr(geometry, field, self._array(getattr(merged, field), dtype))
        self._geometry = geometry

    def move(self, surfaces: Sequence[Surface]) -> None:
        """Put the surfaces elsewhere: new vertices, normals and tangents of the same surfaces in the same order.

        All else stays, also which triangles were left out as too far from the picture: for small movements.

        Raises:
            ShapeError: if the surfaces have other numbers of vertices.
        """
        if [len(surface.vertices) for surface in surfaces] != self._vertex_counts:
            raise ShapeError("Moved surfaces must be those of the stage, with as many vertices each.")
        surfaces = _covering_last(surfaces)
        self._vertices.assign(_joined([surface.vertices for surface in surfaces], (3,)))
        self._geometry.normals.assign(_joined([surface.shading_normals() for surface in surfaces], (3,)))
        self._geometry.tangents.assign(_tangents(surfaces))
        for mesh in self._meshes:
            if mesh is not None:
                mesh.refit()

    def photograph(
        self, camera: Pinhole, illumination: Illumination, size: int, *, grid: int = 2, seed: int = 0
    ) -> RayImage:
        """Take a square picture.

        Args:
            camera: from where.
            illumination: at most `MAX_LAMPS` lamps.
            size: pixels along an edge.
            grid: `grid` x `grid` jittered samples per pixel.
            seed: decides the noise, and nothing else.

        Raises:
            ShapeError: if `size` is not within 1 to 4096 or `grid` not within 1 to 8.
            ConfigError: if there are too many lamps.
        """
        if not 1 <= size <= MAX_SIZE:
            raise ShapeError(f"A picture cannot be {size} pixels wide: the size must lie within 1 to {MAX_SIZE}.")
        if not 1 <= grid <= 8:
            raise ShapeError(f"A pixel cannot have {grid} x {grid} samples: the grid must lie within 1 to 8.")
        if len(illumination.lamps) > MAX_LAMPS:
            raise ConfigError(f"There are {len(illumination.lamps)} lamps, but at most {MAX_LAMPS} are supported.")
        wp, kernels = self._wp, self._kernels
        num_samples, num_pixels = size * size * grid * grid, size * size
        view = self._view(camera, size, grid, seed)
        sky = kernels.Sky()
        sky.top, sky.bottom = wp.vec3(*illumination.top), wp.vec3(*illumination.bottom)
        lamps = self._lamps(illumination)
        with wp.ScopedDevice(self._device):
            faces, weights = wp.empty(num_samples, dtype=wp.int32), wp.empty(num_samples, dtype=wp.vec2)
            positions, normals = wp.empty(num_samples, dtype=wp.vec3), wp.empty(num_samples, dtype=wp.vec3)
            seen, radiances = wp.empty(num_samples, dtype=wp.vec4), wp.empty(num_samples, dtype=wp.vec3)
            labels = wp.empty(num_samples, dtype=wp.vec2ub)
            colors, votes = wp.empty(num_pixels, dtype=wp.vec4), wp.empty(num_pixels, dtype=wp.vec2ub)
            depths = wp.empty(num_pixels, dtype=wp.float32)
            hits = [faces, weights, positions]
            lit = [*hits, normals, seen]
            wp.launch(kernels.find_hits, num_samples, [self._geometry, view, *hits])
            wp.launch(kernels.find_light, num_samples, [self._geometry, view, lamps, *lit])
            smooth = wp.empty(num_samples, dtype=wp.vec4)
            wp.launch(
                kernels.smooth_light, num_samples, [self._geometry, view, faces, positions, normals, seen, smooth]
            )
            lit[-1] = smooth
            wp.launch(kernels.shade_samples, num_samples, [self._geometry, view, lamps, sky, *lit, radiances, labels])
            wp.launch(
                kernels.resolve_pixels, num_pixels, [view, faces, positions, radiances, labels, colors, votes, depths]
            )
        color = colors.numpy().reshape(size, size, 4)
        label = votes.numpy().reshape(size, size, 2)
        return RayImage(
            radiance=color[..., :3].copy(),
            coverage=color[..., 3].copy(),
            label=label[..., 0].copy(),
            body_label=label[..., 1].copy(),
            depth=depths.numpy().reshape(size, size).copy(),
        )

    def sees(self, camera: Pinhole, points: Floats, tolerance: float | Floats) -> npt.NDArray[np.bool_]:
        """Which points (N, 3) nothing hides from the camera, save things less than `tolerance` metres before them."""
        wp = self._wp
        visible = wp.zeros(len(points), dtype=wp.uint8, device=self._device)
        arguments = [
            self._geometry,
            wp.vec3(*camera.origin.tolist()),
            self._array(points, wp.vec3),
            self._array(np.broadcast_to(np.float32(tolerance), len(points)), wp.float32),
            visible,
        ]
        wp.launch(self._kernels.find_visible, len(points), arguments, device=self._device)
        return np.asarray(visible.numpy()).astype(bool)

    def _get_device(self, device: str) -> Any:
        try:
            return self._wp.get_device(device)
        except (ValueError, RuntimeError) as error:
            known = ", ".join(str(name) for name in self._wp.get_devices())
            raise ConfigError(f'There is no device "{device}" to render on. Known: {known}.') from error

    def _array(self, values: npt.NDArray[Any], dtype: Any) -> Any:
        return self._wp.array(np.ascontiguousarray(values), dtype=dtype, device=self._device, copy=False)

    def _mesh(self, faces: npt.NDArray[np.int32]) -> Any:
        if not len(faces):
            return None
        return self._wp.Mesh(self._vertices, self._array(faces.ravel(), self._wp.int32), bvh_leaf_size=LEAF_SIZE)

    def _view(self, camera: Pinhole, size: int, grid: int, seed: int) -> Any:
        view, wp = self._kernels.View(), self._wp
        view.origin = wp.vec3(*camera.origin.tolist())
        view.right, view.down, view.forward = (wp.vec3(*axis.tolist()) for axis in camera.axes)
        view.focal_px = camera.focal * size
        view.center_px = wp.vec2(*(camera.center * size).tolist())
        view.width = view.height = size
        view.grid, view.seed = grid, seed % 2**31
        return view

    def _lamps(self, illumination: Illumination) -> Any:
        lamps = []
        for lamp in illumination.lamps:
            one = self._kernels.Lamp()
            one.direction, one.color = self._wp.vec3(*lamp.direction.tolist()), self._wp.vec3(*lamp.color)
            one.radius, one.shadow = float(np.tan(lamp.radius)), int(lamp.shadow)
            lamps.append(one)
        return self._wp.array(lamps, dtype=self._kernels.Lamp, device=self._device)


@lru_cache(maxsize=1)
def _warp() -> tuple[Any, Any]:
    """Warp, silent, and the kernels; the first call on a machine compiles them into warp's cache."""
    warp = optional("warp", extra="people")
    warp.config.log_level = warp.LOG_ERROR  # it announces itself
    _start(warp)
    from limner.people import kernels

    return warp, kernels


def _start(warp: Any) -> None:
    """Start warp without what its library writes to stderr where there is no GPU; what else it writes is passed on."""
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            warp.init()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        said.seek(0)
        for line in said.read().decode(errors="replace").splitlines(keepends=True):
            if NO_DRIVER not in line:
                sys.stderr.write(line)


class _Merged:
    """The arrays of `kernels.Geometry`: all surfaces, those that cover fully first."""

    def __init__(self, surfaces: Sequence[Surface], camera: Pinhole | None) -> None:
        surfaces = _covering_last(surfaces)
        counts = [len(surface.vertices) for surface in surfaces]
        starts = np.cumsum([0, *counts])
        self.vertices = _joined([surface.vertices for surface in surfaces], (3,))
        self.normals = _joined([surface.shading_normals() for surface in surfaces], (3,))
        self.tangents = _tangents(surfaces)
        self.uv = _joined([_or_zeros(surface.uv, len(surface.vertices), 2) for surface in surfaces], (2,))
        self.colors = _joined([_vertex_colors(surface) for surface in surfaces], (4,))
        self._texels: dict[str, list[npt.NDArray[Any]]] = {"color": [], "scalar": [], "label": []}
        self.looks = np.array([self._look(surface) for surface in surfaces], dtype=_look_dtype())
        self.color_texels = _joined(self._texels["color"], (3,))
        self.scalar_texels = _joined(self._texels["scalar"], ())
        self.label_texels = _joined(self._texels["label"], (), np.uint8)

        faces = [surface.faces + start for surface, start in zip(surfaces, starts, strict=False)]
        face_counts = [len(surface.faces) for surface in surfaces]
        self.faces = _joined(faces, (3,), np.int32)
        self.face_looks = np.repeat(np.arange(len(surfaces), dtype=np.int32), face_counts)
        self.face_labels = _joined([_face_labels(surface) for surface in surfaces], (2,), np.uint8)
        num_opaque = sum(len(surface.faces) for surface in surfaces if surface.alpha is None)
        kept = np.ones(len(self.faces), bool) if camera is None else _near_picture(self.vertices, self.faces, camera)
        self.num_opaque = int(kept[:num_opaque].sum())
        self.faces, self.face_looks, self.face_labels = (
            array[kept] for array in (self.faces, self.face_looks, self.face_labels)
        )

    def _look(self, surface: Surface) -> tuple[Any, ...]:
        return (
            surface.roughness,
            surface.specular,
            surface.subsurface,
            surface.sheen,
            surface.emission,
            int(surface.tangent is not None),
            self._texture("color", surface.albedo, 3),
            self._texture("scalar", surface.alpha, 2),
            self._texture("scalar", surface.height, 2),
            self._texture("label", surface.label, 2),
            self._texture("label", surface.body_label, 2),
        )

    def _texture(self, kind: str, image: Any, ndim: int) -> tuple[int, int, int]:
        """Remember the texels of `image`, if it is a texture: start, width and height."""
        if not isinstance(image, np.ndarray) or image.ndim != ndim:
            return -1, 0, 0
        texels = self._texels[kind]
        start = sum(len(block) for block in texels)
        height, width = image.shape[:2]
        texels.append(image.reshape(height * width, *image.shape[2:]))
        return start, width, height


def _covering_last(surfaces: Sequence[Surface]) -> list[Surface]:
    return sorted(surfaces, key=lambda surface: surface.alpha is not None)


def _tangents(surfaces: Sequence[Surface]) -> Floats:
    return _joined([_or_zeros(surface.tangent, len(surface.vertices), 3) for surface in surfaces], (3,))


def _look_dtype() -> npt.DTypeLike:
    dtype: npt.DTypeLike = _warp()[1].Look.numpy_dtype()
    return dtype


def _joined(blocks: Sequence[Any], inner: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """The blocks one after the other; at least one element, because kernels take no empty arrays."""
    if sum(len(block) for block in blocks) == 0:
        return np.zeros((0 if inner == (3,) and dtype == np.int32 else 1, *inner), dtype)
    return np.concatenate([np.asarray(block, dtype) for block in blocks])


def _or_zeros(values: Floats | None, length: int, width: int) -> Floats:
    return np.zeros((length, width), np.float32) if values is None else values


def _vertex_colors(surface: Surface) -> Floats:
    """(V, 4): albedo, and coverage; 1 where textures say it."""
    colors = np.ones((len(surface.vertices), 4), np.float32)
    if surface.albedo.ndim < 3:
        colors[:, :3] = surface.albedo
    if surface.alpha is not None and surface.alpha.ndim == 1:
        colors[:, 3] = surface.alpha
    return colors


def _face_labels(surface: Surface) -> Labels:
    """(F, 2): label and body label; 0 where textures say it."""
    labels = np.zeros((len(surface.faces), 2), np.uint8)
    for column, value in enumerate((surface.label, surface.body_label)):
        if not (isinstance(value, np.ndarray) and value.ndim == 2):
            labels[:, column] = value
    return labels


def _near_picture(vertices: Floats, faces: npt.NDArray[np.int32], camera: Pinhole) -> npt.NDArray[np.bool_]:
    """Which triangles touch the picture or `MARGIN` around it; those behind the camera do not."""
    inside = (vertices - camera.origin) @ camera.axes.T
    depth = np.maximum(inside[:, 2], 1e-3)
    places = camera.focal * inside[:, :2] / depth[:, None] + camera.center
    # One bit per side that a vertex lies beyond: a triangle is outside if its vertices share one.
    beyond = np.uint8(1) * (places[:, 0] < -MARGIN) + np.uint8(2) * (places[:, 0] > 1 + MARGIN)
    beyond += np.uint8(4) * (places[:, 1] < -MARGIN) + np.uint8(8) * (places[:, 1] > 1 + MARGIN)
    beyond += np.uint8(16) * (inside[:, 2] < 1e-3)
    corners = beyond[faces]
    return np.asarray((corners[:, 0] & corners[:, 1] & corners[:, 2]) == 0)
