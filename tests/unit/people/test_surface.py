"""The border between modelling and rendering: shapes, values and normals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from limner.errors import ShapeError
from limner.people.surface import Surface, vertex_normals

QUAD = np.array([(0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)], np.float32)
FACES = np.array([(0, 1, 2), (0, 2, 3)])


def quad(**changes: Any) -> Surface:
    known: dict[str, Any] = {"name": "wall", "vertices": QUAD, "faces": FACES, "albedo": (0.5, 0.5, 0.5), "label": 1}
    return Surface(**(known | changes))


def test_arrays_are_converted_once() -> None:
    surface = quad(vertices=QUAD.astype(np.float64), label=np.array([3, 4]), uv=QUAD[:, [0, 2]])
    assert surface.vertices.dtype == surface.albedo.dtype == np.float32
    assert surface.faces.dtype == np.int32
    assert isinstance(surface.label, np.ndarray) and surface.label.dtype == np.uint8
    assert replace(surface, roughness=0.1).vertices is surface.vertices


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"vertices": QUAD * np.nan}, "not finite"),
        ({"albedo": (np.inf, 0, 0)}, "not finite"),
        ({"faces": [(0, 1, 4)]}, r"vertex 4, but its vertices are 0\.\.3"),
        ({"faces": [(0, -1, 2)]}, "vertex -1"),
        ({"faces": [(0, 1)]}, r"faces of shape \(1, 2\)"),
        ({"vertices": QUAD[:, :2]}, r"vertices of shape \(4, 2\)"),
        ({"albedo": np.zeros((3, 3))}, r"\(3,\) or \(4, 3\) or \(H, W, 3\)"),
        ({"normals": np.zeros((3, 3))}, "normals of shape"),
        ({"alpha": np.zeros(3)}, r"alpha of shape \(3,\), but it must be \(4,\) or \(H, W\)"),
        ({"uv": np.zeros((4, 2)), "height": np.zeros((0, 4))}, "height of shape"),
        ({"label": np.zeros(5, np.uint8)}, "label of shape"),
        ({"label": 256}, r"label 256, but ids are 0\.\.255"),
        ({"body_label": -1}, "body_label -1"),
        ({"albedo": np.zeros((8, 8, 3))}, "give it uv"),
        ({"label": np.zeros((8, 8), np.uint8)}, "give it uv"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ShapeError, match=text) as caught:
        quad(**changes)
    assert 'Surface "wall"' in str(caught.value) and "\n" not in str(caught.value)


def test_normals_of_a_corner_are_area_weighted() -> None:
    # Two triangles share the edge along z: one faces -y with area 1/2, one +x with area 1.
    vertices = np.array([(0, 0, 0), (0, 0, 1), (-1, 0, 0), (0, 2, 0)], np.float32)
    normals = vertex_normals(vertices, np.array([(2, 0, 1), (0, 3, 1)], np.int32))
    np.testing.assert_allclose(normals[2], (0, -1, 0), atol=1e-6)
    np.testing.assert_allclose(normals[3], (1, 0, 0), atol=1e-6)
    np.testing.assert_allclose(normals[0], np.array((2, -1, 0)) / np.sqrt(5), atol=1e-6)


def test_a_vertex_without_area_gets_a_unit_normal() -> None:
    normals = vertex_normals(np.zeros((4, 3), np.float32), np.array([(0, 1, 2)], np.int32))
    np.testing.assert_array_equal(normals, np.tile((0, 0, 1), (4, 1)))


def test_given_normals_are_kept() -> None:
    given = np.tile(np.float32((1, 0, 0)), (4, 1))
    np.testing.assert_array_equal(quad(normals=given).shading_normals(), given)
    np.testing.assert_allclose(quad().shading_normals(), np.tile((0, -1, 0), (4, 1)), atol=1e-6)
