"""A person in a scene becomes a picture with exact labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from limner.data.schema import get_schema
from limner.errors import ConfigError, ShapeError
from limner.people.accessories import accessory_surfaces, lens_outlines
from limner.people.ageing import body_shape
from limner.people.background import paint_background
from limner.people.body import PosedBody, body_model
from limner.people.brows import brow_landmarks
from limner.people.camera import Pinhole, place_camera
from limner.people.dice import check_type
from limner.people.eyes import eye_surfaces
from limner.people.face_hair import face_hair_surfaces
from limner.people.film import automatic_exposure, develop
from limner.people.garments import garment_surfaces
from limner.people.hair import hair_surfaces
from limner.people.light import place_lights
from limner.people.person import Person
from limner.people.raycast import Stage
from limner.people.scene import Scene
from limner.people.seat import seat_surfaces
from limner.people.skin import skin_surfaces
from limner.people.surface import Floats, Labels, Surface

MIN_SIZE, MAX_SIZE = 16, 2048
LANDMARK_TOLERANCE = 0.012
"""Metres before a landmark that do not hide it: lids, lashes and the thickness of the lips."""
KEYPOINT_TOLERANCES = np.full(18, 0.14, np.float32)
"""The same for key points: joints lie inside the body, below clothes; wrists, elbows, knees and ankles less deep."""
KEYPOINT_TOLERANCES[[3, 4, 6, 7, 9, 10, 12, 13]] = 0.09
KEYPOINT_TOLERANCES[[0, 14, 15]] = 0.03
KEYPOINT_TOLERANCES[[16, 17]] = 0.06  # ears, below hair
MIN_STRANDS = 0.2
"""Least share of the strands of hair that is made for small pictures."""
MIN_SHARE = 1.5e-4
"""Share of the picture that a thing must fill to count as seen."""
HEAD_SHARE = 0.55
"""Share of a turn of the head that the skull makes; the neck makes the rest."""


@dataclass(frozen=True, eq=False)
class Rendering:
    """One picture with its labels. Left and right are the subject's.

    Attributes:
        image: (size, size, 3) uint8, sRGB.
        parsing: (size, size) uint8, schema "celebamask-19".
        body_parsing: (size, size) uint8, classes of the fine body parsing.
        landmarks68: (68, 2) float32, x and y in pixels in iBUG order; (0, 0) is the centre of the upper left pixel.
        landmarks_visible: (68,) bool: inside the picture and hidden by nothing.
        keypoints18: (18, 2) float32, the same in OpenPose order.
        keypoints_visible: (18,) bool.
        depth: (size, size) float32, metres along the camera's axis; infinite where the background is.
        attributes: name -> whether it is true, under CelebA's names.
        age_years: age in this picture.
        identity: the same for all pictures of one person.
        camera: that took the picture.
        exposure: the factor of the automatic exposure, or the one that was given.
    """

    image: npt.NDArray[np.uint8]
    parsing: Labels
    body_parsing: Labels
    landmarks68: Floats
    landmarks_visible: npt.NDArray[np.bool_]
    keypoints18: Floats
    keypoints_visible: npt.NDArray[np.bool_]
    depth: Floats
    attributes: dict[str, bool]
    age_years: float
    identity: str
    camera: Pinhole
    exposure: float


def render(
    person: Person,
    scene: Scene,
    size: int = 128,
    *,
    device: str = "cpu",
    grid: int = 2,
    camera: Pinhole | None = None,
    exposure: float | None = None,
    grain_seed: int | None = None,
) -> Rendering:
    """Photograph a person; a pure function of its arguments on one machine.

    A scene's camera frames what it sees, and the exposure is measured on it: both move when a mouth opens. For pictures
    that belong together, such as the frames of a clip, give all of them those of one `Rendering`; `limner.people.Clip`
    does this, and is faster.

    Args:
        person: who.
        scene: how.
        size: pixels along an edge.
        device: where rays are cast: "cpu" or a CUDA device as warp names it.
        grid: `grid` x `grid` samples per pixel.
        camera: takes the picture instead of the scene's camera, of which only the framing counts then.
        exposure: factor in place of the automatic exposure, more than 0; the film's own exposure comes on top.
        grain_seed: of the film's grain, at least 0; None: that of the scene, the same in every picture of it.

    Raises:
        ShapeError: if `size` is not within 16 to 2048.
        ConfigError: if the exposure is not a number above 0, or the seed negative.
        MissingExtraError: if the extra "people" is not installed.
    """
    check_type("The person", person, Person)
    check_type("The scene", scene, Scene)
    check_type("The size", size, int, np.integer)
    check_picture(size, exposure, grain_seed)
    age = person.age_in(scene)
    body = pose_body(person, scene)
    camera = camera or place_camera(scene.camera, body)
    portrait = scene.camera.framing == "face"
    strands = strand_share(camera, body, size)
    seen = surfaces(person, body, age, texture_size=texture_size_for(size), portrait=portrait, strands=strands)
    stage = Stage(seen, camera, device=device)
    backdrop = paint_background(scene.background, size)
    return photograph(stage, person, scene, body, camera, backdrop, grid=grid, exposure=exposure, grain_seed=grain_seed)


def check_picture(size: int, exposure: float | None, grain_seed: int | None) -> None:
    """Refuse what `render` refuses.

    Raises:
        ShapeError: if the size is out of range.
        ConfigError: if the exposure is not a number above 0, or the seed negative.
    """
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise ShapeError(f"A person cannot be {size} pixels wide: the size must lie within {MIN_SIZE} to {MAX_SIZE}.")
    if exposure is not None and not 0 < exposure < math.inf:
        raise ConfigError(f"The exposure of a picture is {exposure}, but must be a number above 0.")
    if grain_seed is not None and grain_seed < 0:
        raise ConfigError(f"The seed of the grain is {grain_seed}, but must be at least 0.")


def photograph(
    stage: Stage,
    person: Person,
    scene: Scene,
    body: PosedBody,
    camera: Pinhole,
    backdrop: Floats,
    *,
    grid: int = 2,
    exposure: float | None = None,
    grain_seed: int | None = None,
) -> Rendering:
    """The picture of a stage on which the surfaces of a posed body stand, with all labels; see `render`.

    Args:
        stage: holds the surfaces.
        person: who they are of.
        scene: how they are seen.
        body: as it is posed.
        camera: that takes the picture.
        backdrop: (size, size, 3) linear light of the background; its size is that of the picture.
        grid: as in `render`.
        exposure: as in `render`.
        grain_seed: as in `render`.
    """
    size, age = len(backdrop), person.age_in(scene)
    picture = stage.photograph(
        camera,
        place_lights(scene.light, camera),
        size,
        grid=grid,
        seed=scene.background.seed,
    )
    _label_lenses(picture.label, picture.body_label, lens_outlines(person, body), camera)
    skin = get_schema("celebamask-19").id("skin")
    light = picture.radiance + (1 - picture.coverage[..., None]) * backdrop
    if exposure is None:
        exposure = automatic_exposure(light, picture.label == skin)
    grain_seed = scene.background.seed if grain_seed is None else grain_seed
    marks = body.landmarks68.copy()
    marks[17:27] = brow_landmarks(person.brows_at(age), body)
    landmarks, landmarks_visible = _project(stage, camera, marks, size, LANDMARK_TOLERANCE)
    keypoints, keypoints_visible = _project(stage, camera, body.keypoints18, size, KEYPOINT_TOLERANCES)
    return Rendering(
        image=develop(light, scene.film, exposure=exposure, seed=grain_seed),
        parsing=picture.label,
        body_parsing=picture.body_label,
        landmarks68=landmarks,
        landmarks_visible=landmarks_visible,
        keypoints18=keypoints,
        keypoints_visible=keypoints_visible,
        depth=picture.depth,
        attributes=_seen(person.attributes(scene), picture.label),
        age_years=age,
        identity=person.identity,
        camera=camera,
        exposure=exposure,
    )


def pose_body(person: Person, scene: Scene) -> PosedBody:
    """The body of a person at the age, in the pose and with the expression of a scene."""
    shape = body_shape(person, person.age_in(scene))
    turn = np.array([-scene.head_pitch, scene.head_roll, scene.head_yaw])
    eyes = np.array([-scene.gaze_pitch, 0.0, scene.gaze_yaw])
    joints: dict[str, npt.ArrayLike] = dict(scene.joints)
    joints["head"] = HEAD_SHARE * turn
    for bone in ("neck01", "neck02", "neck03"):
        joints[bone] = (1 - HEAD_SHARE) / 3 * turn
    joints["eye.L"] = joints["eye.R"] = eyes
    return body_model().pose(shape, scene.actions, joints)


def surfaces(
    person: Person,
    body: PosedBody,
    age_years: float,
    *,
    texture_size: int = 512,
    portrait: bool = False,
    strands: float = 1.0,
) -> list[Surface]:
    """All there is to see of a person, in the one list of all parts.

    Args:
        person: who.
        body: posed.
        age_years: at which age.
        texture_size: texels along the side of the skin's texture.
        portrait: leave out what is worn below the chest.
        strands: share of the strands of hair that are made, see `hair_surfaces`.
    """
    return [
        *skin_surfaces(person, body, age_years, texture_size=texture_size),
        *eye_surfaces(person, body, age_years),
        *hair_surfaces(person, body, age_years, share=strands),
        *face_hair_surfaces(person, body, age_years),
        *accessory_surfaces(person, body),
        *garment_surfaces(person, body, portrait=portrait),
        *([] if portrait else seat_surfaces(body, person.bottom.seed)),
    ]


def _label_lenses(label: Labels, body_label: Labels, outlines: list[Floats], camera: Pinhole) -> None:
    """Label the skin that is seen through glasses as glasses, in place; eyes, brows and nose keep their names."""
    schema, body_schema = get_schema("celebamask-19"), get_schema("body-20")
    size = len(label)
    for outline in outlines:
        places, _ = camera.project(outline, size)
        mask = Image.new("1", (size, size))
        ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in places], fill=1)
        behind = np.asarray(mask) & (label == schema.id("skin"))
        label[behind], body_label[behind] = schema.id("eye_g"), body_schema.id("glasses")


def _seen(attributes: dict[str, bool], label: Labels) -> dict[str, bool]:
    """The attributes of a picture: what is worn counts if it is seen, the mouth is open if its inside is."""
    schema = get_schema("celebamask-19")
    shown = {
        name: bool((label == schema.id(part)).mean() > MIN_SHARE)
        for name, part in schema.implied_attributes.items()
        if part != "hair" and name in attributes
    }
    return attributes | shown


def texture_size_for(size: int) -> int:
    """Texels across the skin's texture, about one per sample of a face: painting them takes long."""
    return 256 if size <= 96 else 384 if size <= 160 else 512


def strand_share(camera: Pinhole, body: PosedBody, size: int) -> float:
    """Share of the strands of hair: all where a pixel covers less than a millimetre of the head, else fewer."""
    _, depth = camera.project(body.head.origin[None], size)
    pixel_mm = 1000 * float(depth[0]) / (camera.focal * size)
    return min(max(1 / pixel_mm, MIN_STRANDS), 1.0)


def _project(
    stage: Stage, camera: Pinhole, points: Floats, size: int, tolerance: float | Floats
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Places in the picture, and which are inside it and not hidden."""
    places, depth = camera.project(points, size)
    inside = ((places >= -0.5) & (places < size - 0.5)).all(axis=1) & (depth > 0)
    return places, inside & stage.sees(camera, points, tolerance)
