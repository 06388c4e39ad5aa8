"""What lights a scene, as the ray caster wants it: round lamps far away, and a sky."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.people.camera import Pinhole
from limner.people.surface import Floats

if TYPE_CHECKING:
    from limner.people.record import Color
    from limner.people.scene import Light

RIM_PITCH = 0.45
"""Height of the light from behind, radians."""
RIM_SOFTNESS = 0.15
"""Its angular radius, radians."""
FRONT_SHARE = 0.4
"""Share of the fill that comes from beside the camera (flash, reflectors), which lights up the eyes."""
FRONT_PITCH = 0.2
FRONT_YAW = 0.15
"""Where that light stands, on the side of the key light, radians."""
FRONT_SOFTNESS = 0.15
"""Its angular radius, radians."""


@dataclass(frozen=True, eq=False)
class Lamp:
    """A round lamp far away.

    Attributes:
        direction: (3,) unit vector towards it.
        color: linear RGB; a white matt surface that faces a lamp of colour (1, 1, 1) looks white.
        radius: angular radius, radians.
        shadow: whether things throw shadows in its light.
    """

    direction: Floats
    color: Color
    radius: float = 0.1
    shadow: bool = True


@dataclass(frozen=True)
class Illumination:
    """All light: up to three lamps, and a sky that is `top` straight above, `bottom` straight below."""

    lamps: tuple[Lamp, ...]
    top: Color = (0.0, 0.0, 0.0)
    bottom: Color = (0.0, 0.0, 0.0)


def place_lights(light: Light, camera: Pinhole) -> Illumination:
    """The lights of a scene around its camera."""
    key = beside_camera(camera, light.key_yaw, light.key_pitch)
    front = beside_camera(camera, FRONT_YAW if light.key_yaw > 0 else -FRONT_YAW, FRONT_PITCH)
    lamps = [
        Lamp(key, _times(light.key_color, light.key_strength), light.key_softness),
        Lamp(front, _times(light.sky_color, FRONT_SHARE * light.fill_strength), FRONT_SOFTNESS, shadow=False),
    ]
    if light.rim_strength > 0:
        direction = beside_camera(camera, light.rim_yaw, RIM_PITCH)
        lamps.append(Lamp(direction, _times(light.rim_color, light.rim_strength), RIM_SOFTNESS))
    around = (1 - FRONT_SHARE) * light.fill_strength
    return Illumination(tuple(lamps), _times(light.sky_color, around), _times(light.ground_color, around))


def beside_camera(camera: Pinhole, yaw: float, pitch: float) -> Floats:
    """Unit vector to a light `yaw` radians to the picture's right of the camera and `pitch` above its axis."""
    forward = camera.axes[2].astype(np.float64)
    right = np.cross(forward, (0.0, 0.0, 1.0))  # level, however the picture is turned
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    direction = np.sin(pitch) * up + np.cos(pitch) * (np.sin(yaw) * right - np.cos(yaw) * forward)
    return np.asarray(direction, np.float32)


def _times(color: Color, factor: float) -> Color:
    red, green, blue = (channel * factor for channel in color)
    return red, green, blue
