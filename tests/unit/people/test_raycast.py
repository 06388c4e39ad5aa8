"""The ray caster against what geometry and optics say."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from limner.errors import ConfigError, MissingExtraError, ShapeError
from limner.people.camera import Pinhole, stand_before
from limner.people.light import Illumination, Lamp
from limner.people.raycast import NO_DRIVER, RayImage, Stage, _start, _warp
from limner.people.surface import Surface

RADIUS, DISTANCE, SIZE = 0.1, 1.0, 64
SKIN, HAIR, CLOTH = 1, 13, 18
FRONTAL = np.float32((0, -1, 0))
DARK = Illumination(())
EVEN = Illumination((), top=(1, 1, 1), bottom=(1, 1, 1))


def lamp(direction: npt.ArrayLike = FRONTAL, **changes: Any) -> Illumination:
    unit = np.asarray(direction, np.float32) / np.linalg.norm(direction)
    return Illumination((Lamp(unit.astype(np.float32), (1, 1, 1), **changes),))


def sphere(centre: npt.ArrayLike = (0, 0, 0), radius: float = RADIUS, **changes: Any) -> Surface:
    """48 x 96 quads around z; matt grey skin."""
    theta, phi = np.meshgrid(np.linspace(0, np.pi, 49), np.linspace(0, 2 * np.pi, 97), indexing="ij")
    normals = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1).reshape(-1, 3)
    at = np.arange(theta.size).reshape(theta.shape)
    a, b, c, d = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
    faces = np.stack([a, b, c, a, c, d], -1).reshape(-1, 3)
    known: dict[str, Any] = {"albedo": (0.5, 0.5, 0.5), "label": SKIN, "specular": 0.0, "normals": normals}
    return Surface("sphere", normals * radius + np.asarray(centre), faces, **(known | changes))


def wall(y: float = 0.0, half: float = 0.5, **changes: Any) -> Surface:
    """A square that faces the camera at -y, with texture coordinates as the camera sees it."""
    corners = np.array([(-1, 0, -1), (1, 0, -1), (1, 0, 1), (-1, 0, 1)]) * half + (0, y, 0)
    uv = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    known: dict[str, Any] = {"albedo": (0.5, 0.5, 0.5), "label": CLOTH, "specular": 0.0, "uv": uv}
    return Surface("wall", corners, np.array([(0, 1, 2), (0, 2, 3)]), **(known | changes))


def camera(width: float = 0.3) -> Pinhole:
    """At y = -1, with a picture `width` metres wide at the origin."""
    side = width / DISTANCE
    return stand_before(np.zeros(3), distance=DISTANCE, yaw=0, pitch=0).framed((0.5 - side / 2,) * 2, (1, 0), side)


def photograph(*surfaces: Surface, light: Illumination = EVEN, width: float = 0.3, **changes: Any) -> RayImage:
    return Stage(surfaces).photograph(camera(width), light, changes.pop("size", SIZE), **changes)


def middle(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return image[SIZE // 2 - 1 : SIZE // 2 + 1, SIZE // 2 - 1 : SIZE // 2 + 1].mean(axis=(0, 1))


def test_silhouette_labels_and_depth_of_a_sphere() -> None:
    image = photograph(sphere(body_label=5))
    edge = RADIUS / np.sqrt(DISTANCE**2 - RADIUS**2) / 0.3 * SIZE  # radius of the outline in pixels
    assert image.coverage.sum() == pytest.approx(np.pi * edge**2, rel=0.01)
    assert (image.label == SKIN).sum() == pytest.approx(np.pi * edge**2, rel=0.02)
    assert set(np.unique(image.label)) == {0, SKIN} and set(np.unique(image.body_label)) == {0, 5}
    assert np.isinf(image.depth[0, 0]) and not image.radiance[0, 0].any()
    assert middle(image.depth) == pytest.approx(DISTANCE - RADIUS, abs=3e-4)
    np.testing.assert_array_equal(np.isfinite(image.depth), image.coverage >= 0.5)


def test_depth_is_measured_along_the_axis() -> None:
    depth = photograph(wall(y=0.2), width=0.8).depth
    np.testing.assert_allclose(depth, DISTANCE + 0.2, atol=1e-5)


def test_matt_sphere_under_a_frontal_lamp() -> None:
    image = photograph(sphere(albedo=(0.6, 0.3, 0.1)), light=lamp())
    np.testing.assert_allclose(middle(image.radiance), (0.6, 0.3, 0.1), rtol=0.01)
    # Half-way to the edge the normal is turned by 30 degrees, but for the perspective.
    x = SIZE // 2 + round(RADIUS / 2 / 0.3 * SIZE)
    cosine = np.sqrt(1 - ((x + 0.5 - SIZE / 2) * 0.3 / SIZE * (1 - 0.8 * RADIUS) / RADIUS) ** 2)
    assert image.radiance[SIZE // 2, x, 0] == pytest.approx(0.6 * cosine, rel=0.02)


def test_lamps_add_up_and_keep_their_colour() -> None:
    red = Lamp(FRONTAL, (0.5, 0, 0))
    green = Lamp(FRONTAL, (0, 0.25, 0))
    image = photograph(sphere(), light=Illumination((red, green, green)))
    np.testing.assert_allclose(middle(image.radiance), (0.25, 0.25, 0), rtol=0.01)


def test_even_sky_gives_the_albedo() -> None:
    image = photograph(sphere(albedo=(0.6, 0.3, 0.1)))
    inside = image.coverage == 1
    np.testing.assert_allclose(image.radiance[inside], np.tile((0.6, 0.3, 0.1), (inside.sum(), 1)), rtol=0.01)


def test_sky_lights_from_above() -> None:
    image = photograph(sphere(), light=Illumination((), top=(1, 1, 1)))
    assert image.radiance[SIZE // 2 - 18, SIZE // 2, 0] > 3 * image.radiance[SIZE // 2 + 18, SIZE // 2, 0]


def test_shadow_falls_where_it_must() -> None:
    # The lamp is above the camera to the upper left (picture): the ball before the wall shades the lower right of it.
    ball = sphere((0, -0.15, 0), 0.03, label=HAIR)
    light = lamp((-1, -1.5, 1), radius=0.01)
    image = photograph(wall(), ball, light=light, width=0.6)
    row, column = (round(SIZE / 2 + 0.1 / 0.6 * SIZE) for _ in range(2))  # 0.15 * (1, 1) / 1.5 from the middle
    lit = image.radiance[SIZE // 2, 4, 0]
    assert image.label[row, column] == CLOTH
    assert image.radiance[row, column, 0] < 0.01 * lit
    assert image.radiance[SIZE - row, column, 0] == pytest.approx(lit, rel=0.01)
    free = Illumination((replace(light.lamps[0], shadow=False),))
    assert photograph(wall(), ball, light=free, width=0.6).radiance[row, column, 0] == pytest.approx(lit, rel=0.01)


def test_soft_lamps_throw_soft_shadows() -> None:
    ball = sphere((0, -0.15, 0), 0.05)

    def half_lit(radius: float) -> int:
        light = photograph(wall(), ball, light=lamp((-1, -1, 0), radius=radius), width=0.8, grid=4).radiance[..., 0]
        return int(((light[:, SIZE // 2 + 6 :] > 0.03) & (light[:, SIZE // 2 + 6 :] < 0.3)).sum())

    assert half_lit(0.3) > 2 * half_lit(0.01)


def test_the_sky_is_dark_in_corners() -> None:
    floor = replace(wall(), vertices=np.float32([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]))
    ball = sphere((0, 0, 0.05), 0.05, label=HAIR)
    stage = Stage([floor, ball])
    above = stand_before(np.zeros(3), distance=1, yaw=0, pitch=1.2)
    image = stage.photograph(above.framed((0.3, 0.3), (1, 0), 0.4), EVEN, SIZE, grid=4)
    light = np.where(image.label == CLOTH, image.radiance[..., 0], np.nan)
    assert np.nanmin(light) < 0.4 and np.nanmax(light) == pytest.approx(0.5, rel=0.02)


def test_skin_carries_red_light_past_the_terminator() -> None:
    side = lamp((1, 0, 0))
    matt, skin = (photograph(sphere(subsurface=value), light=side).radiance for value in (0.0, 1.0))
    dark = (slice(SIZE // 2 - 2, SIZE // 2 + 2), slice(SIZE // 2 - 4, SIZE // 2 - 2))
    assert matt[dark].max() < 0.01
    red, green, blue = skin[dark].mean(axis=(0, 1))
    assert red > 2 * green > 2 * blue


def test_specular_highlight_lies_between_eye_and_lamp() -> None:
    image = photograph(sphere(specular=1.0, roughness=0.2, albedo=(0, 0, 0)), light=lamp((1, -1, 0), radius=0.01))
    row, column = np.unravel_index(image.radiance[..., 0].argmax(), (SIZE, SIZE))
    bend = np.sin(np.pi / 8) * RADIUS / (DISTANCE - np.cos(np.pi / 8) * RADIUS) / 0.3 * SIZE
    assert abs(row - SIZE / 2) <= 2 and column == pytest.approx(SIZE / 2 + bend, abs=2.5)


def test_hair_shines_across_its_strands() -> None:
    def shine(direction: tuple[float, float, float]) -> float:
        """The part of the light at the middle that the strands reflect like mirrors; the lamp is high above."""
        hair = sphere(tangent=np.tile(np.float32(direction), (49 * 97, 1)), roughness=0.3)
        light = lamp((0, -1, 1), radius=0.0)
        glossy, matt = (photograph(replace(hair, specular=value), light=light) for value in (1.0, 0.0))
        return float(middle(glossy.radiance - matt.radiance)[0])

    assert shine((1, 0, 0)) > 2 * abs(shine((0, 0, 1))) > 0


def test_hidden_surfaces_do_not_show_in_any_order() -> None:
    near, far = wall(-0.1, albedo=(1, 0, 0), label=HAIR), wall(0.1, albedo=(0, 1, 0))
    for order in ((near, far), (far, near)):
        image = photograph(*order)
        assert (image.label == HAIR).all() and image.radiance[..., 1].max() == 0
        np.testing.assert_allclose(image.depth, DISTANCE - 0.1, atol=1e-5)


def test_covering_and_opaque_surfaces_hide_each_other() -> None:
    full = np.ones(4, np.float32)
    for veil_y, seen in ((-0.1, HAIR), (0.1, CLOTH)):
        image = photograph(wall(veil_y, alpha=full, label=HAIR), wall())
        assert (image.label == seen).all()


def test_alpha_0_is_invisible() -> None:
    nothing = wall(-0.1, alpha=np.zeros(4, np.float32), label=HAIR, albedo=(1, 0, 0))
    for light in (EVEN, lamp((-1, -1, 1))):
        with_it, without = photograph(nothing, wall(), light=light), photograph(wall(), light=light)
        np.testing.assert_array_equal(with_it.label, without.label)
        np.testing.assert_array_equal(with_it.radiance, without.radiance)
    assert photograph(nothing).coverage.max() == 0


@pytest.mark.parametrize("grid", [2, 3])
def test_alpha_is_the_share_of_hits(grid: int) -> None:
    for alpha in (0.25, 0.5, 0.9):
        image = photograph(wall(alpha=np.full(4, alpha, np.float32)), grid=grid)
        # sigma of 64 * 64 * 4 independent draws is 0.004; the draws of a pixel are better than independent
        assert image.coverage.mean() == pytest.approx(alpha, abs=0.01)
        assert image.coverage.std() < np.sqrt(alpha * (1 - alpha)) / grid


def test_layers_of_half_coverage() -> None:
    layers = [wall(0.01 * number, alpha=np.full(4, 0.5, np.float32)) for number in range(3)]
    assert photograph(*layers).coverage.mean() == pytest.approx(1 - 0.5**3, abs=0.01)


def test_veil_lets_part_of_the_light_through() -> None:
    veil = wall(-0.3, half=2, alpha=np.full(4, 0.5, np.float32))
    stage = Stage([veil, wall()])
    behind = stand_before(np.zeros(3), distance=0.2, yaw=0, pitch=0)
    light = stage.photograph(behind, lamp((0, -1, 0.2), radius=0.0), SIZE).radiance[..., 0].mean()
    clear = Stage([wall()]).photograph(behind, lamp((0, -1, 0.2), radius=0.0), SIZE).radiance[..., 0].mean()
    assert light == pytest.approx(0.5 * clear, rel=0.05)


def test_textures_stand_upright() -> None:
    albedo = np.zeros((4, 4, 3), np.float32)
    albedo[:2, :, 0], albedo[:, :2, 1] = 1, 1  # red above, green on the left
    label = np.array([(2, 3), (4, 5)], np.uint8)
    alpha = np.ones((2, 2), np.float32)
    image = photograph(wall(albedo=albedo, label=label, body_label=label + 10, alpha=alpha), width=1.0)
    quarter, rest = SIZE // 4, SIZE - SIZE // 4
    np.testing.assert_allclose(image.radiance[quarter, quarter], (1, 1, 0), atol=0.02)
    np.testing.assert_allclose(image.radiance[rest, rest], (0, 0, 0), atol=0.02)
    corners = [image.label[y, x] for y in (quarter, rest) for x in (quarter, rest)]
    assert corners == [2, 3, 4, 5]
    assert image.body_label[quarter, rest] == 13
    assert set(np.unique(image.label)) == {2, 3, 4, 5}, "labels must not be mixed"


def test_labels_and_colours_of_triangles_and_vertices() -> None:
    shades = np.float32([(0, 0, 0), (1, 0, 0), (1, 0, 0), (0, 0, 0)])
    image = photograph(wall(albedo=shades, label=np.array([7, 8])), width=0.9)
    assert image.label[-1, -1] == 7 and image.label[0, 0] == 8
    ramp = image.radiance[SIZE // 2, :, 0]
    np.testing.assert_allclose(ramp, (np.arange(SIZE) + 0.5) / SIZE * 0.9 + 0.05, atol=0.02)


def test_relief_is_shaded() -> None:
    texels = 64
    ramp = np.tile(np.arange(texels, dtype=np.float32) / texels, (texels, 1))  # rises to the right by 1 per width
    flat, left, right = (
        middle(photograph(wall(height=height), light=lamp(direction, radius=0.0)).radiance)[0]
        for height, direction in ((0 * ramp, FRONTAL), (ramp, (-1, -1, 0)), (ramp, (1, -1, 0)))
    )
    assert flat == pytest.approx(0.5, rel=0.01)
    # A slope of 45 degrees faces the lamp on the left and turns its edge to the one on the right.
    assert left == pytest.approx(0.5, rel=0.03) and right < 0.02


def test_both_sides_are_alike() -> None:
    front = wall()
    back = replace(front, faces=front.faces[:, ::-1])
    light = lamp((0.3, -1, 0.5))
    np.testing.assert_allclose(
        photograph(front, light=light).radiance, photograph(back, light=light).radiance, atol=1e-6
    )


def test_cutting_to_the_picture_changes_nothing_inside() -> None:
    view = camera(0.15)  # the sphere is wider
    whole, cut = (Stage([sphere(), wall(0.3)], near).photograph(view, EVEN, SIZE) for near in (None, view))
    np.testing.assert_array_equal(whole.label, cut.label)
    np.testing.assert_array_equal(whole.depth, cut.depth)


def test_things_behind_the_camera_do_not_show() -> None:
    behind = wall(-2.0)
    view = camera()
    assert Stage([behind], view).photograph(view, EVEN, SIZE).coverage.max() == 0
    assert photograph(behind).coverage.max() == 0


def test_an_empty_stage_is_empty() -> None:
    image = photograph()
    assert image.coverage.max() == 0 and image.label.max() == 0 and np.isinf(image.depth).all()


def test_the_same_call_gives_the_same_bytes() -> None:
    scene = (sphere(subsurface=1.0, specular=1.0), wall(0.05, alpha=np.full(4, 0.5, np.float32)))
    light = Illumination((Lamp(FRONTAL, (1, 1, 1), 0.3),), top=(1, 1, 1))
    first, second = (photograph(*scene, light=light, seed=3) for _ in range(2))
    for field in ("radiance", "coverage", "label", "depth"):
        assert getattr(first, field).tobytes() == getattr(second, field).tobytes()


def test_a_seed_changes_the_noise_only() -> None:
    light = Illumination((Lamp(FRONTAL, (1, 1, 1), 0.3),), top=(1, 1, 1))
    first, second = (photograph(sphere(), light=light, seed=seed) for seed in (3, 4))
    assert first.radiance.tobytes() != second.radiance.tobytes()
    assert (first.label != second.label).mean() < 0.02
    np.testing.assert_allclose(first.radiance.mean(), second.radiance.mean(), rtol=0.01)
    inside = (first.coverage == 1) & (second.coverage == 1)
    assert np.abs(first.radiance - second.radiance)[inside].max() < 0.05


def test_more_samples_agree_with_fewer() -> None:
    few, many = (photograph(sphere(), light=lamp((1, -1, 1)), grid=grid) for grid in (1, 4))
    assert np.abs(few.radiance - many.radiance)[many.coverage == 1].mean() < 0.01


def test_odd_and_tiny_pictures() -> None:
    for size in (1, 7):
        image = photograph(sphere(), size=size, width=0.05)
        assert image.radiance.shape == (size, size, 3) and image.label[size // 2, size // 2] == SKIN


def test_points_hidden_and_seen() -> None:
    stage = Stage([sphere()])
    points = np.float32([(0, -RADIUS, 0), (0, RADIUS, 0), (0, 0, 0), (0.2, 0.2, 0)])
    assert stage.sees(camera(), points, 0.01).tolist() == [True, False, False, True]
    assert stage.sees(camera(), points, 0.11).tolist() == [True, False, True, True]
    assert stage.sees(camera(), points, np.float32([0.01, 0.21, 0.01, 0.01])).tolist() == [True, True, False, True]
    half = Stage([sphere(alpha=np.full(49 * 97, 0.1, np.float32))])
    assert half.sees(camera(), points, 0.01).sum() >= 3


@pytest.mark.parametrize("size", [0, -1, 5000])
def test_sizes_refused(size: int) -> None:
    with pytest.raises(ShapeError, match="1 to 4096"):
        photograph(sphere(), size=size)


def test_other_refusals() -> None:
    with pytest.raises(ShapeError, match="1 to 8"):
        photograph(sphere(), grid=0)
    with pytest.raises(ConfigError, match="4 lamps, but at most 3"):
        photograph(sphere(), light=Illumination(lamp().lamps * 4))
    with pytest.raises(ConfigError, match=r'no device "tpu" to render on\. Known: cpu'):
        Stage([sphere()], device="tpu")


def test_missing_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    _warp.cache_clear()
    monkeypatch.setitem(sys.modules, "warp", None)
    with pytest.raises(MissingExtraError, match=r'pip install "limner\[people\]"'):
        Stage([sphere()])
    _warp.cache_clear()


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu() -> None:
    scene = [sphere(subsurface=1.0, specular=1.0), wall(0.05, alpha=np.full(4, 0.5, np.float32))]
    on_cpu, on_cuda = (Stage(scene, device=device).photograph(camera(), EVEN, SIZE) for device in ("cpu", "cuda"))
    assert (on_cpu.label != on_cuda.label).mean() < 0.005
    assert np.abs(on_cpu.radiance - on_cuda.radiance).mean() < 1 / 255


def test_starting_passes_on_what_the_library_says_but_for_the_missing_driver(capfd: pytest.CaptureFixture[str]) -> None:
    class Library:
        @staticmethod
        def init() -> None:
            os.write(2, f"Warp CUDA warning: {NO_DRIVER}. Too bad.\nWarp error: out of memory\n".encode())

    _start(Library)
    assert capfd.readouterr().err == "Warp error: out of memory\n"
