"""Frames of one person in one place: a camera and an exposure for all, and what does not change is made once.

From frame to frame a face moves, and the head a little. Skin keeps its texture and takes the places of the posed body;
hair, hat, glasses and earrings go with the head as one piece; clothes, necklaces and brows follow the skin below them;
lashes and beards, which stand on skin that moves much, are made anew. Background, textures and the tree that rays
descend stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from limner.data.schema import get_schema
from limner.errors import ConfigError
from limner.people.accessories import accessory_surfaces
from limner.people.background import paint_background
from limner.people.body import PosedBody
from limner.people.camera import place_camera
from limner.people.dice import check_type
from limner.people.eyes import eye_surfaces
from limner.people.face_hair import brow_surfaces, lash_and_beard_surfaces
from limner.people.garments import garment_surfaces
from limner.people.hair import hair_surfaces
from limner.people.person import Person
from limner.people.raycast import Stage
from limner.people.rendering import Rendering, check_picture, photograph, pose_body, strand_share, texture_size_for
from limner.people.scene import Scene
from limner.people.skin import skin_surfaces
from limner.people.surface import Floats, Surface

NEIGHBOURS = 4
"""Vertices of the skin that a vertex of a garment follows."""
_BLOCK = 256
_REACH = 0.04
"""Metres around the vertices of a block within which the skin below them is looked for."""


class Clip:
    """A person before a camera that stands still; `frame` takes the pictures.

    The camera frames the person with a quiet face, and the exposure is measured on that picture, which is `first`. A
    frame depends on its own arguments and the clip's, not on the frames before it.

    Args:
        person: who.
        scene: how; its expression is left out.
        size: pixels along an edge.
        device: where rays are cast, as in `limner.people.render`.
        grid: `grid` x `grid` samples per pixel.

    Raises:
        ShapeError: if `size` is not within 16 to 2048.
        ConfigError: if there is no such device.
        MissingExtraError: if the extra "people" is not installed.
    """

    def __init__(self, person: Person, scene: Scene, size: int = 128, *, device: str = "cpu", grid: int = 2) -> None:
        check_type("The person", person, Person)
        check_type("The scene", scene, Scene)
        check_type("The size", size, int, np.integer)
        check_picture(size, None, None)
        self.person, self.scene, self.size, self._grid = person, replace(scene, actions={}), size, grid
        self._age = person.age_in(scene)
        body = pose_body(person, self.scene)
        self.camera = place_camera(scene.camera, body)
        self._parts = self._dress(body)
        self._stage = Stage(self._surfaces(body), self.camera, device=device)
        self._backdrop = paint_background(scene.background, size)
        self.first: Rendering = self._take(self.scene, body, None, None)
        self.exposure = self.first.exposure

    def frame(self, scene: Scene, *, grain_seed: int | None = None) -> Rendering:
        """One picture.

        Args:
            scene: the clip's, with another expression, gaze, turn of the head or of joints; what it says of camera,
                light, film and background must be the same.
            grain_seed: of the film's grain; give every frame its own. None: that of the scene.

        Raises:
            ConfigError: if the scene has another age, camera, light, film or background.
        """
        check_picture(self.size, None, grain_seed)
        for name in ("age_years", "camera", "light", "film", "background"):
            if getattr(scene, name) != getattr(self.scene, name):
                raise ConfigError(f"A frame has another {name} than its clip: make a clip for every {name}.")
        body = pose_body(self.person, scene)
        self._stage.move(self._surfaces(body))
        return self._take(scene, body, self.exposure, grain_seed)

    def _take(self, scene: Scene, body: PosedBody, exposure: float | None, grain_seed: int | None) -> Rendering:
        return photograph(
            self._stage,
            self.person,
            scene,
            body,
            self.camera,
            self._backdrop,
            grid=self._grid,
            exposure=exposure,
            grain_seed=grain_seed,
        )

    def _dress(self, body: PosedBody) -> list[Callable[[PosedBody], Surface]]:
        """All that is made once: functions that put each surface where a body has it."""
        person, age = self.person, self._age
        necklace = get_schema("celebamask-19").id("neck_l")
        worn = accessory_surfaces(person, body)
        hair = hair_surfaces(person, body, age, share=strand_share(self.camera, body, self.size))
        on_head = hair + [surface for surface in worn if surface.label != necklace]
        on_skin = [surface for surface in worn if surface.label == necklace]
        on_skin += garment_surfaces(person, body, portrait=self.scene.camera.framing == "face")
        on_skin += brow_surfaces(person, body, age)
        return [
            *(_Skin(surface) for surface in skin_surfaces(person, body, age, texture_size=texture_size_for(self.size))),
            *(_WithHead(surface, body) for surface in on_head),
            *(_OverSkin.bind(surface, body) for surface in on_skin),
        ]

    def _surfaces(self, body: PosedBody) -> list[Surface]:
        return [
            *(place(body) for place in self._parts),
            *eye_surfaces(self.person, body, self._age),
            *lash_and_beard_surfaces(self.person, body, self._age),
        ]


@dataclass(frozen=True, eq=False)
class _Skin:
    """A part of the body itself, named like it."""

    surface: Surface

    def __call__(self, body: PosedBody) -> Surface:
        part = body.part(self.surface.name)
        return replace(self.surface, vertices=part.vertices, normals=part.normals)


class _WithHead:
    """What goes with the head as one piece."""

    def __init__(self, surface: Surface, body: PosedBody) -> None:
        self._surface, self._axes = surface, body.head.axes
        self._places, self._normals = body.head.to_local(surface.vertices), surface.shading_normals()

    def __call__(self, body: PosedBody) -> Surface:
        turn = self._axes.T @ body.head.axes
        tangent = self._surface.tangent
        return replace(
            self._surface,
            vertices=body.head.to_world(self._places),
            normals=self._normals @ turn,
            tangent=None if tangent is None else tangent @ turn,
        )


@dataclass(frozen=True, eq=False)
class _OverSkin:
    """What lies on the skin and moves as much as the skin below it."""

    surface: Surface
    nearest: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    """(n, NEIGHBOURS) vertices of the skin."""
    shares: Floats
    """(n, NEIGHBOURS, 1) how much each of them counts."""
    before: Floats
    """(V, 3) the skin on which it was made."""

    @classmethod
    def bind(cls, surface: Surface, body: PosedBody) -> _OverSkin:
        """Find the skin below every vertex."""
        skin, nearest, shares = _skin(body), [], []
        for start in range(0, len(surface.vertices), _BLOCK):
            places = surface.vertices[start : start + _BLOCK]
            low, high = places.min(axis=0) - _REACH, places.max(axis=0) + _REACH
            near = np.flatnonzero(((skin > low) & (skin < high)).all(axis=1))
            if len(near) <= NEIGHBOURS:
                near = np.arange(len(skin))
            # |a - b|² = |a|² - 2 ab + |b|², the first term is the same for all of a row
            distances = (skin[near] ** 2).sum(axis=1) - 2 * places @ skin[near].T
            found = near[np.argpartition(distances, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]]
            nearest.append(found)
            weights = 1 / (np.linalg.norm(skin[found] - places[:, None], axis=2) + 1e-3) ** 2
            shares.append(weights / weights.sum(axis=1, keepdims=True))
        return cls(surface, np.concatenate(nearest), np.concatenate(shares).astype(np.float32)[..., None], skin)

    def __call__(self, body: PosedBody) -> Surface:
        moved = _skin(body) - self.before
        if not np.abs(moved[self.nearest]).any():
            return self.surface
        vertices = self.surface.vertices + (self.shares * moved[self.nearest]).sum(axis=1)
        return replace(self.surface, vertices=vertices)


def _skin(body: PosedBody) -> Floats:
    return np.concatenate([body.part(name).vertices for name in ("head", "body")])
