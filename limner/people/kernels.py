"""The kernels of the ray caster, in warp: they run on the CPU and on CUDA devices.

Imported by `raycast` only, when the first picture is taken. Five kernels follow each other: `find_hits` (what every
sample sees), `find_light` (which lamps and how much of the sky its point sees), `smooth_light` and `shade_samples`
(smooth these visibilities over neighbours on the same surface; compute radiance) and `resolve_pixels` (means and
majority votes). Randomness comes from hashes of (seed, pixel, sample), so equal inputs give equal bytes.
"""

# In kernels the annotations are warp's own types, which only its compiler understands, and `float(0.0)` declares a
# variable where `0.0` would declare a constant.
# mypy: ignore-errors
# ruff: noqa: UP018, RUF046, SIM102

from limner.optional import optional

wp = optional("warp", extra="people")
wp.set_module_options({"enable_backward": False})

MAX_LAYERS = wp.constant(16)
"""How many partly covered triangles a camera ray may pass before the next one counts as hit."""
MAX_SHADOW_LAYERS = wp.constant(6)
"""The same for rays towards light, of which each decides less."""
STEP = wp.constant(1.0e-5)
"""Metres by which a ray continues behind a triangle that it passed."""
FAR = wp.constant(1.0e3)
"""Metres within which things are seen."""
HAIR_LEAK = wp.constant(0.25)
"""Share of the light that reaches strands behind other hair."""
WET = wp.constant(0.2)
"""Roughness below which a surface is a wet eye."""
OCCLUSION_REACH = wp.constant(0.35)
"""Metres within which something hides the sky: a whole body would darken a face more than light in a room allows."""


@wp.struct
class Texture:
    """Where the texels of one texture start in the array of all texels of its kind; -1 = there is none."""

    start: wp.int32
    width: wp.int32
    height: wp.int32


@wp.struct
class Look:
    """The look of one surface (`limner.people.surface.Surface`)."""

    roughness: wp.float32
    specular: wp.float32
    subsurface: wp.float32
    sheen: wp.float32
    emission: wp.float32
    is_hair: wp.int32
    albedo: Texture
    alpha: Texture
    height: Texture
    label: Texture
    body_label: Texture


@wp.struct
class Geometry:
    """All surfaces of a scene: the first `num_opaque` faces are the mesh `opaque`, the rest `covering`; id 0 = none."""

    opaque: wp.uint64
    covering: wp.uint64
    num_opaque: wp.int32
    faces: wp.array(dtype=wp.vec3i)
    vertices: wp.array(dtype=wp.vec3)
    normals: wp.array(dtype=wp.vec3)
    tangents: wp.array(dtype=wp.vec3)
    uv: wp.array(dtype=wp.vec2)
    colors: wp.array(dtype=wp.vec4)
    face_looks: wp.array(dtype=wp.int32)
    face_labels: wp.array(dtype=wp.vec2ub)
    looks: wp.array(dtype=Look)
    color_texels: wp.array(dtype=wp.vec3)
    scalar_texels: wp.array(dtype=wp.float32)
    label_texels: wp.array(dtype=wp.uint8)


@wp.struct
class View:
    """A pinhole camera with its picture; `grid` x `grid` samples per pixel."""

    origin: wp.vec3
    right: wp.vec3
    down: wp.vec3
    forward: wp.vec3
    focal_px: wp.float32
    center_px: wp.vec2
    width: wp.int32
    height: wp.int32
    grid: wp.int32
    seed: wp.int32


@wp.struct
class Lamp:
    """A round lamp, far away."""

    direction: wp.vec3
    color: wp.vec3
    radius: wp.float32
    shadow: wp.int32


@wp.struct
class Sky:
    """What is seen in directions without lamp: one colour above, one below, linear in between."""

    top: wp.vec3
    bottom: wp.vec3


@wp.struct
class Hit:
    """A point on a triangle; face -1 = nothing. Weights are those of the first two corners."""

    face: wp.int32
    weights: wp.vec2
    distance: wp.float32


# --- textures ---------------------------------------------------------------------------------------------------------


@wp.func
def wrapped(index: wp.int32, size: wp.int32):
    """`index` modulo `size`, never negative."""
    rest = index % size
    if rest < 0:
        rest += size
    return rest


@wp.func
def texel_index(texture: Texture, column: wp.int32, row: wp.int32):
    return texture.start + wrapped(row, texture.height) * texture.width + wrapped(column, texture.width)


@wp.func
def texel_position(texture: Texture, uv: wp.vec2):
    """Column and row of a point, whole numbers at the centres of texels; row 0 is the top."""
    return wp.vec2(uv[0] * float(texture.width) - 0.5, (1.0 - uv[1]) * float(texture.height) - 0.5)


@wp.func
def color_at(texels: wp.array(dtype=wp.vec3), texture: Texture, uv: wp.vec2):
    position = texel_position(texture, uv)
    column, row = int(wp.floor(position[0])), int(wp.floor(position[1]))
    x, y = position[0] - float(column), position[1] - float(row)
    upper = wp.lerp(texels[texel_index(texture, column, row)], texels[texel_index(texture, column + 1, row)], x)
    lower = wp.lerp(texels[texel_index(texture, column, row + 1)], texels[texel_index(texture, column + 1, row + 1)], x)
    return wp.lerp(upper, lower, y)


@wp.func
def scalar_at(texels: wp.array(dtype=wp.float32), texture: Texture, uv: wp.vec2):
    position = texel_position(texture, uv)
    column, row = int(wp.floor(position[0])), int(wp.floor(position[1]))
    x, y = position[0] - float(column), position[1] - float(row)
    upper = wp.lerp(texels[texel_index(texture, column, row)], texels[texel_index(texture, column + 1, row)], x)
    lower = wp.lerp(texels[texel_index(texture, column, row + 1)], texels[texel_index(texture, column + 1, row + 1)], x)
    return wp.lerp(upper, lower, y)


@wp.func
def label_at(texels: wp.array(dtype=wp.uint8), texture: Texture, uv: wp.vec2):
    position = texel_position(texture, uv)
    return texels[texel_index(texture, int(wp.round(position[0])), int(wp.round(position[1])))]


# --- rays -------------------------------------------------------------------------------------------------------------


@wp.func
def uv_at(geometry: Geometry, corners: wp.vec3i, weights: wp.vec2):
    rest = 1.0 - weights[0] - weights[1]
    return geometry.uv[corners[0]] * weights[0] + geometry.uv[corners[1]] * weights[1] + geometry.uv[corners[2]] * rest


@wp.func
def coverage_at(geometry: Geometry, face: wp.int32, weights: wp.vec2):
    """The surface's alpha at a point, in [0, 1]."""
    corners = geometry.faces[face]
    rest = 1.0 - weights[0] - weights[1]
    coverage = (
        geometry.colors[corners[0]][3] * weights[0]
        + geometry.colors[corners[1]][3] * weights[1]
        + geometry.colors[corners[2]][3] * rest
    )
    texture = geometry.looks[geometry.face_looks[face]].alpha
    if texture.start >= 0:
        coverage *= scalar_at(geometry.scalar_texels, texture, uv_at(geometry, corners, weights))
    return coverage


@wp.func
def first_hit(
    geometry: Geometry, origin: wp.vec3, direction: wp.vec3, reach: wp.float32, sample: wp.int32, state: wp.uint32
):
    """The first thing that a ray hits; partly covering triangles are hit with the probability of their coverage."""
    hit = Hit(-1, wp.vec2(0.0, 0.0), reach)
    if geometry.opaque != wp.uint64(0):
        query = wp.mesh_query_ray(geometry.opaque, origin, direction, reach)
        if query.result:
            hit = Hit(query.face, wp.vec2(query.u, query.v), query.t)
    if geometry.covering == wp.uint64(0):
        return hit
    start = float(0.0)
    for layer in range(MAX_LAYERS):
        query = wp.mesh_query_ray(geometry.covering, origin + start * direction, direction, hit.distance - start)
        if not query.result:
            break
        face = query.face + geometry.num_opaque
        weights = wp.vec2(query.u, query.v)
        # The golden ratio spreads the thresholds of a pixel's samples evenly, which halves the noise of thin hair.
        threshold = wp.randf(state) + 0.618034 * float(sample)
        if threshold - wp.floor(threshold) < coverage_at(geometry, face, weights) or layer == MAX_LAYERS - 1:
            hit = Hit(face, weights, start + query.t)
            break
        start += query.t + STEP
        if start >= hit.distance:
            break
    return hit


@wp.func
def is_blocked(geometry: Geometry, origin: wp.vec3, direction: wp.vec3, reach: wp.float32, state: wp.uint32):
    """Whether something hides what lies in a direction."""
    if geometry.opaque != wp.uint64(0):
        if wp.mesh_query_ray_anyhit(geometry.opaque, origin, direction, reach):
            return True
    if geometry.covering == wp.uint64(0):
        return False
    start = float(0.0)
    for _layer in range(MAX_SHADOW_LAYERS):
        query = wp.mesh_query_ray(geometry.covering, origin + start * direction, direction, reach - start)
        if not query.result:
            return False
        if wp.randf(state) < coverage_at(geometry, query.face + geometry.num_opaque, wp.vec2(query.u, query.v)):
            return True
        start += query.t + STEP
        if start >= reach:
            return False
    return True


@wp.func
def pixel_of(view: View, index: wp.int32):
    """Row-major pixel number of sample `index`."""
    return index // (view.grid * view.grid)


@wp.func
def ray_through(view: View, x: wp.float32, y: wp.float32):
    """Unit direction through a point of the picture in pixels, (0, 0) being the upper left corner."""
    return wp.normalize(
        view.right * ((x - view.center_px[0]) / view.focal_px)
        + view.down * ((y - view.center_px[1]) / view.focal_px)
        + view.forward
    )


@wp.kernel
def find_hits(
    geometry: Geometry,
    view: View,
    hit_faces: wp.array(dtype=wp.int32),
    hit_weights: wp.array(dtype=wp.vec2),
    positions: wp.array(dtype=wp.vec3),
):
    """One camera ray per sample, jittered within its cell of the pixel."""
    index = wp.tid()
    pixel, sample = pixel_of(view, index), index % (view.grid * view.grid)
    jitter = wp.rand_init(view.seed, index)
    cells = float(view.grid)
    x = float(pixel % view.width) + (float(sample % view.grid) + wp.randf(jitter)) / cells
    y = float(pixel // view.width) + (float(sample // view.grid) + wp.randf(jitter)) / cells
    direction = ray_through(view, x, y)
    state = wp.rand_init(view.seed + 1, pixel)
    hit = first_hit(geometry, view.origin, direction, FAR, sample, state)
    hit_faces[index] = hit.face
    hit_weights[index] = hit.weights
    positions[index] = view.origin + direction * hit.distance


@wp.kernel
def find_visible(
    geometry: Geometry,
    origin: wp.vec3,
    points: wp.array(dtype=wp.vec3),
    tolerances: wp.array(dtype=wp.float32),
    visible: wp.array(dtype=wp.uint8),
):
    """Whether nothing lies before a point, save what is nearer to it than its tolerance."""
    index = wp.tid()
    way = points[index] - origin
    distance = wp.length(way)
    blocked = float(0.0)
    for trial in range(4):  # lashes and glasses hide only in part: the majority decides
        if is_blocked(geometry, origin, way / distance, distance - tolerances[index], wp.rand_init(trial, index)):
            blocked += 1.0
    visible[index] = wp.uint8(wp.where(blocked < 2.5, 1, 0))


# --- light ------------------------------------------------------------------------------------------------------------


@wp.func
def side_normal(geometry: Geometry, corners: wp.vec3i, weights: wp.vec2, is_hair: wp.int32, view_ray: wp.vec3):
    """Interpolated normal, turned to the viewer by the side of the triangle that is seen.

    Strands keep theirs: they stand for the volume of the hair, whichever way a card faces.
    """
    rest = 1.0 - weights[0] - weights[1]
    normal = wp.normalize(
        geometry.normals[corners[0]] * weights[0]
        + geometry.normals[corners[1]] * weights[1]
        + geometry.normals[corners[2]] * rest
    )
    first = geometry.vertices[corners[0]]
    plane = wp.cross(geometry.vertices[corners[1]] - first, geometry.vertices[corners[2]] - first)
    if is_hair == 0 and wp.dot(plane, view_ray) > 0.0:
        normal = -normal
    return normal


@wp.func
def frame_of(axis: wp.vec3):
    """A rotation whose third column is the unit vector `axis`."""
    helper = wp.vec3(1.0, 0.0, 0.0)
    if wp.abs(axis[0]) > 0.7:
        helper = wp.vec3(0.0, 1.0, 0.0)
    first = wp.normalize(wp.cross(helper, axis))
    return wp.matrix_from_cols(first, wp.cross(axis, first), axis)


@wp.func
def disk_point(first: wp.float32, second: wp.float32):
    """A point of the unit disk from two uniform numbers."""
    radius, angle = wp.sqrt(first), 6.2831853 * second
    return wp.vec2(radius * wp.cos(angle), radius * wp.sin(angle))


@wp.func
def number_in_window(view: View, index: wp.int32):
    """Number of a sample among those of 3 x 3 pixels; in every such window of the picture each number occurs once."""
    per_pixel = view.grid * view.grid
    pixel = pixel_of(view, index)
    cell = (pixel % view.width) % 3 + 3 * ((pixel // view.width) % 3)
    return cell * per_pixel + index % per_pixel


@wp.func
def spread_evenly(number: wp.int32, state: wp.uint32):
    """Two numbers in [0, 1): those of successive `number`s fill the square evenly (additive recurrence of the plastic
    number), shaken a little so that the edges of shadows do not show the pattern."""
    first = 0.7548777 * float(number) + 0.15 * wp.randf(state)
    second = 0.5698403 * float(number) + 0.15 * wp.randf(state)
    return wp.vec2(first - wp.floor(first), second - wp.floor(second))


@wp.kernel
def find_light(
    geometry: Geometry,
    view: View,
    lamps: wp.array(dtype=Lamp),
    hit_faces: wp.array(dtype=wp.int32),
    hit_weights: wp.array(dtype=wp.vec2),
    positions: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    seen: wp.array(dtype=wp.vec4),
):
    """Normals, and what every sample sees: up to three lamps, and the sky in one random direction; 0 or 1 each.

    Two of three samples do not look (-1): `smoothed` takes what their neighbours saw.
    """
    index = wp.tid()
    face = hit_faces[index]
    if face < 0:
        return
    corners, look = geometry.faces[face], geometry.looks[geometry.face_looks[face]]
    ray = wp.normalize(positions[index] - view.origin)
    normal = side_normal(geometry, corners, hit_weights[index], look.is_hair, ray)
    normals[index] = normal
    number = number_in_window(view, index)
    if view.grid > 1 and number % 3 != 0:
        seen[index] = wp.vec4(-1.0)
        return
    number = number // 3
    result = wp.vec4(1.0, 1.0, 1.0, 1.0)
    # Away from the surface, so that coarse triangles do not shade themselves, and out of the strand's own card.
    origin = positions[index] + normal * 1.0e-3 - ray * 2.0e-4
    for which in range(lamps.shape[0]):
        lamp = lamps[which]
        cosine = wp.dot(normal, lamp.direction)
        if lamp.shadow == 0 or cosine < -0.4:
            continue
        spot = spread_evenly(number, wp.rand_init(view.seed + 2 + which, index))
        offset = disk_point(spot[0], spot[1]) * lamp.radius
        # A point just behind the terminator is lit through the skin: its ray leaves along the surface.
        lifted = wp.normalize(lamp.direction + normal * wp.max(0.12 - cosine, 0.0))
        direction = wp.normalize(frame_of(lifted) * wp.vec3(offset[0], offset[1], 1.0))
        if is_blocked(geometry, origin, direction, FAR, wp.rand_init(view.seed + 5 + which, index)):
            result[which] = 0.0
    spot = spread_evenly(number, wp.rand_init(view.seed + 8, index))
    flat = disk_point(spot[0], spot[1])
    direction = frame_of(normal) * wp.vec3(flat[0], flat[1], wp.sqrt(wp.max(1.0 - spot[0], 0.0)))
    if is_blocked(geometry, origin, direction, OCCLUSION_REACH, wp.rand_init(view.seed + 9, index)):
        result[3] = 0.0
    seen[index] = result


@wp.func
def smoothed(
    view: View,
    index: wp.int32,
    tolerance: wp.float32,
    least_cosine: wp.float32,
    hit_faces: wp.array(dtype=wp.int32),
    positions: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    seen: wp.array(dtype=wp.vec4),
):
    """Mean of `seen` over the samples of the 3 x 3 pixels around, as far as they lie on the same smooth surface: less
    than `tolerance` from its plane, with a cosine between the normals above `least_cosine`."""
    per_pixel = view.grid * view.grid
    pixel = pixel_of(view, index)
    column, row = pixel % view.width, pixel // view.width
    position, normal = positions[index], normals[index]
    total, weight = wp.vec4(0.0), float(0.0)
    for y in range(wp.max(row - 1, 0), wp.min(row + 2, view.height)):
        for x in range(wp.max(column - 1, 0), wp.min(column + 2, view.width)):
            start = (y * view.width + x) * per_pixel
            for other in range(start, start + per_pixel):
                if hit_faces[other] >= 0 and wp.dot(normals[other], normal) > least_cosine:
                    if wp.abs(wp.dot(positions[other] - position, normal)) < tolerance:
                        value = seen[other]
                        if value[3] >= 0.0:
                            total += value
                            weight += 1.0
    if weight == 0.0:  # what no neighbour knows about stands alone: nothing is above it
        return wp.vec4(1.0)
    return total / weight


@wp.kernel
def smooth_light(
    geometry: Geometry,
    view: View,
    hit_faces: wp.array(dtype=wp.int32),
    positions: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    seen: wp.array(dtype=wp.vec4),
    smooth: wp.array(dtype=wp.vec4),
):
    """A first mean of what samples see; `shade_samples` takes a second one.

    Where strands of hair stand before a soft lamp, the samples of one window are too few: skin looked mottled.
    """
    index = wp.tid()
    face = hit_faces[index]
    smooth[index] = seen[index]
    if face >= 0 and geometry.looks[geometry.face_looks[face]].is_hair == 0:
        tolerance = 1.5 * wp.length(view.origin - positions[index]) / view.focal_px
        smooth[index] = smoothed(view, index, tolerance, 0.85, hit_faces, positions, normals, seen)


# --- shading ----------------------------------------------------------------------------------------------------------


@wp.func
def bumped_normal(
    geometry: Geometry, corners: wp.vec3i, uv: wp.vec2, look: Look, normal: wp.vec3, footprint: wp.float32
):
    """The normal tilted by the slope of the height texture; slopes are those over the size of a sample or a texel."""
    first = geometry.vertices[corners[0]]
    side, other = geometry.vertices[corners[1]] - first, geometry.vertices[corners[2]] - first
    plane = wp.cross(side, other)
    doubled_area = wp.dot(plane, plane)
    if doubled_area < 1.0e-20:
        return normal
    uv_side = geometry.uv[corners[1]] - geometry.uv[corners[0]]
    uv_other = geometry.uv[corners[2]] - geometry.uv[corners[0]]
    along_side, along_other = wp.cross(other, plane) / doubled_area, wp.cross(plane, side) / doubled_area
    slope_u = along_side * uv_side[0] + along_other * uv_other[0]
    slope_v = along_side * uv_side[1] + along_other * uv_other[1]
    step_u = wp.max(0.5 / float(look.height.width), 0.5 * footprint * wp.length(slope_u))
    step_v = wp.max(0.5 / float(look.height.height), 0.5 * footprint * wp.length(slope_v))
    texels = geometry.scalar_texels
    change_u = scalar_at(texels, look.height, uv + wp.vec2(step_u, 0.0)) - scalar_at(
        texels, look.height, uv - wp.vec2(step_u, 0.0)
    )
    change_v = scalar_at(texels, look.height, uv + wp.vec2(0.0, step_v)) - scalar_at(
        texels, look.height, uv - wp.vec2(0.0, step_v)
    )
    gradient = slope_u * (0.5 * change_u / step_u) + slope_v * (0.5 * change_v / step_v)
    facing = wp.where(wp.dot(plane, normal) < 0.0, -1.0, 1.0)
    return wp.normalize(normal - gradient * facing)


@wp.func
def sky_in(sky: Sky, direction: wp.vec3):
    return wp.lerp(sky.bottom, sky.top, 0.5 + 0.5 * direction[2])


@wp.func
def ggx(normal: wp.vec3, to_eye: wp.vec3, to_lamp: wp.vec3, roughness: wp.float32):
    """Specular reflection without its Fresnel factor, times the cosine and pi (Walter et al., "Microfacet models for
    refraction through rough surfaces", EGSR 2007; visibility as in Hammon, GDC 2017)."""
    half = wp.normalize(to_eye + to_lamp)
    n_h = wp.clamp(wp.dot(normal, half), 0.0, 1.0)
    n_l = wp.clamp(wp.dot(normal, to_lamp), 0.0, 1.0)
    n_v = wp.max(wp.dot(normal, to_eye), 0.05)
    squared = roughness * roughness * roughness * roughness
    base = n_h * n_h * (squared - 1.0) + 1.0
    spread = squared / (base * base)
    visibility = 0.5 / wp.lerp(2.0 * n_l * n_v, n_l + n_v, roughness * roughness)
    return spread * visibility * n_l


@wp.func
def strand_light(
    tangent: wp.vec3, normal: wp.vec3, to_eye: wp.vec3, to_lamp: wp.vec3, shift: wp.float32, power: wp.float32
):
    """One highlight of hair: Kajiya and Kay, "Rendering fur with three dimensional textures", SIGGRAPH 1989, with the
    shift along the strand of Scheuermann, "Practical real-time hair rendering and shading", SIGGRAPH sketches 2004."""
    shifted = wp.normalize(tangent + normal * shift)
    cosine = wp.dot(shifted, wp.normalize(to_eye + to_lamp))
    return wp.pow(wp.sqrt(wp.max(1.0 - cosine * cosine, 0.0)), power)


@wp.func
def bounced(visibility: wp.float32, albedo: wp.vec3):
    """Share of the sky's light that arrives where only `visibility` of the sky is seen, with the light that the
    surroundings of like colour pass on (fit of Jimenez et al., "Practical realtime strategies for accurate indirect
    occlusion", SIGGRAPH 2016 courses, eq. of section 6)."""
    a = 2.0404 * albedo - wp.vec3(0.3324)
    b = wp.vec3(0.6417) - 4.7951 * albedo
    c = 2.7552 * albedo + wp.vec3(0.6903)
    result = ((a * visibility + b) * visibility + c) * visibility
    return wp.vec3(wp.max(result[0], visibility), wp.max(result[1], visibility), wp.max(result[2], visibility))


@wp.func
def hair_radiance(
    albedo: wp.vec3,
    look: Look,
    tangent: wp.vec3,
    normal: wp.vec3,
    to_eye: wp.vec3,
    lamps: wp.array(dtype=Lamp),
    sky: Sky,
    seen: wp.vec4,
):
    """Light from strands: diffuse, a white highlight off the cuticle and a coloured one from inside the fibre."""
    radiance = wp.cw_mul(wp.cw_mul(albedo, sky_in(sky, normal)), bounced(seen[3], albedo))
    power = 2.0 / wp.max(look.roughness * look.roughness, 0.002)
    for number in range(lamps.shape[0]):
        lamp = lamps[number]
        cosine = wp.dot(tangent, lamp.direction)
        round = wp.clamp(0.65 * wp.dot(normal, lamp.direction) + 0.35, 0.0, 1.0)
        diffuse = albedo * (0.8 * round * wp.sqrt(wp.max(1.0 - cosine * cosine, 0.0)))
        outer = 0.1 * strand_light(tangent, normal, to_eye, lamp.direction, -0.10, power)
        inner = 0.9 * strand_light(tangent, normal, to_eye, lamp.direction, 0.16, 0.3 * power)
        glance = (wp.vec3(outer) + albedo * inner) * (
            look.specular * wp.smoothstep(-0.1, 0.4, wp.dot(normal, lamp.direction))
        )
        radiance += wp.cw_mul(lamp.color, diffuse + glance) * seen[number]
    return radiance


@wp.func
def skin_depth(subsurface: wp.float32):
    """How far light of each colour travels below the surface, as a share of the bend of the terminator."""
    return wp.vec3(0.40, 0.16, 0.09) * subsurface


@wp.func
def surface_radiance(
    albedo: wp.vec3,
    look: Look,
    smooth: wp.vec3,
    normal: wp.vec3,
    to_eye: wp.vec3,
    lamps: wp.array(dtype=Lamp),
    sky: Sky,
    seen: wp.vec4,
):
    """Light from skin, cloth, eyes and metal.

    Light that travels below the surface blurs the relief and passes the terminator, red light farther than blue: the
    normal of each channel is drawn to the smooth one, and the cosine is wrapped (after d'Eon and Luebke, GPU Gems 3,
    chapter 14).
    """
    n_v = wp.clamp(wp.dot(normal, to_eye), 0.0, 1.0)
    wrap = skin_depth(look.subsurface)
    metal = wp.clamp((look.specular - 1.0) / 9.0, 0.0, 1.0)
    tint = wp.lerp(wp.vec3(1.0), albedo / wp.max(wp.max(albedo), 1.0e-3), metal)
    base = wp.min(0.04 * look.specular, 0.9)
    edge = wp.min(look.specular, 1.0)  # reflection at grazing incidence
    matte = albedo * (1.0 - 0.9 * metal)
    sheen = look.sheen * wp.pow(1.0 - n_v, 4.0)

    grazing = wp.pow(1.0 - n_v, 5.0)
    mirrored = 2.0 * wp.dot(normal, to_eye) * normal - to_eye
    smoothness = 1.0 - look.roughness
    fresnel = base + (wp.max(edge * smoothness * smoothness * smoothness, base) - base) * grazing
    radiance = wp.cw_mul(wp.cw_mul(matte + wp.vec3(sheen), sky_in(sky, normal)), bounced(seen[3], albedo))
    radiance += wp.cw_mul(tint, sky_in(sky, mirrored)) * (fresnel * seen[3])
    for number in range(lamps.shape[0]):
        lamp = lamps[number]
        relief, bent = wp.dot(normal, lamp.direction), wp.dot(smooth, lamp.direction)
        diffuse = wp.vec3(0.0)
        for channel in range(3):
            w = wrap[channel]
            cosine = wp.lerp(relief, bent, wp.min(2.0 * w, 1.0))
            # Squared near the end, so that the wrapped light fades out without a border.
            lit = wp.max((cosine + w) / (1.0 + w), 0.0)
            lit = wp.lerp(lit, lit * lit, w) / (1.0 + 0.5 * w)
            diffuse[channel] = matte[channel] * lit * wp.pow(seen[number], 1.0 - w)
        # A large lamp blurs its own reflection.
        roughness = wp.min(wp.sqrt(look.roughness * look.roughness + 0.5 * lamp.radius), 1.0)
        half = wp.normalize(to_eye + lamp.direction)
        fresnel = base + wp.max(edge - base, 0.0) * wp.pow(1.0 - wp.clamp(wp.dot(half, to_eye), 0.0, 1.0), 5.0)
        reflected = seen[number]
        if look.roughness < WET:
            # The cornea stands out from between the lids more than its mesh does, so they dim its reflections only in
            # part; and what it mirrors is the bright core of the lamp.
            reflected = 0.8 + 1.7 * seen[number]
        glance = tint * (fresnel * ggx(normal, to_eye, lamp.direction, roughness) * reflected)
        glance += wp.vec3(sheen) * (wp.clamp(relief * 0.7 + 0.3, 0.0, 1.0) * seen[number])
        radiance += wp.cw_mul(lamp.color, diffuse + glance)
    return radiance


@wp.kernel
def shade_samples(
    geometry: Geometry,
    view: View,
    lamps: wp.array(dtype=Lamp),
    sky: Sky,
    hit_faces: wp.array(dtype=wp.int32),
    hit_weights: wp.array(dtype=wp.vec2),
    positions: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    seen: wp.array(dtype=wp.vec4),
    radiances: wp.array(dtype=wp.vec3),
    labels: wp.array(dtype=wp.vec2ub),
):
    """Radiance and labels of every sample; where nothing is hit, black and (0, 0)."""
    index = wp.tid()
    face = hit_faces[index]
    if face < 0:
        radiances[index] = wp.vec3(0.0)
        labels[index] = wp.vec2ub(wp.uint8(0), wp.uint8(0))
        return
    corners, weights = geometry.faces[face], hit_weights[index]
    rest = 1.0 - weights[0] - weights[1]
    look = geometry.looks[geometry.face_looks[face]]
    uv = uv_at(geometry, corners, weights)
    color = (
        geometry.colors[corners[0]] * weights[0]
        + geometry.colors[corners[1]] * weights[1]
        + geometry.colors[corners[2]] * rest
    )
    albedo = wp.vec3(color[0], color[1], color[2])
    if look.albedo.start >= 0:
        albedo = color_at(geometry.color_texels, look.albedo, uv)
    label = geometry.face_labels[face]
    if look.label.start >= 0:
        label[0] = label_at(geometry.label_texels, look.label, uv)
    if look.body_label.start >= 0:
        label[1] = label_at(geometry.label_texels, look.body_label, uv)
    labels[index] = label

    way = view.origin - positions[index]
    distance = wp.length(way)
    to_eye, smooth = way / distance, normals[index]
    pixel_size = distance / view.focal_px
    if look.is_hair != 0:
        tangent = wp.normalize(
            geometry.tangents[corners[0]] * weights[0]
            + geometry.tangents[corners[1]] * weights[1]
            + geometry.tangents[corners[2]] * rest
        )
        # Light seeps through hair: shadows among strands are soft and never black.
        visible = smoothed(view, index, 0.03, -1.0, hit_faces, positions, normals, seen)
        visible = HAIR_LEAK * wp.vec4(1.0) + (1.0 - HAIR_LEAK) * visible
        radiance = hair_radiance(albedo, look, tangent, smooth, to_eye, lamps, sky, visible)
    else:
        visible = smoothed(view, index, 1.5 * pixel_size, 0.85, hit_faces, positions, normals, seen)
        normal = smooth
        if look.height.start >= 0:
            normal = bumped_normal(geometry, corners, uv, look, smooth, pixel_size / float(view.grid))
        radiance = surface_radiance(albedo, look, smooth, normal, to_eye, lamps, sky, visible)
    # One sample must not outshine a pixel: highlights of thin strands would sparkle.
    radiances[index] = wp.min(radiance + albedo * look.emission, wp.vec3(2.5))


@wp.kernel
def resolve_pixels(
    view: View,
    hit_faces: wp.array(dtype=wp.int32),
    positions: wp.array(dtype=wp.vec3),
    radiances: wp.array(dtype=wp.vec3),
    labels: wp.array(dtype=wp.vec2ub),
    pixel_colors: wp.array(dtype=wp.vec4),
    pixel_labels: wp.array(dtype=wp.vec2ub),
    pixel_depths: wp.array(dtype=wp.float32),
):
    """Mean radiance with coverage, the label and the body label most samples have, and the depth of what is seen.

    Depth is the mean of the samples that hit something, where at least half do; else infinite.
    """
    pixel = wp.tid()
    per_pixel = view.grid * view.grid
    start = pixel * per_pixel
    color, depth, num_hits = wp.vec3(0.0), float(0.0), float(0.0)
    winner = wp.vec2ub(wp.uint8(0), wp.uint8(0))
    votes_label, votes_body = int(0), int(0)
    for index in range(start, start + per_pixel):
        color += radiances[index]
        if hit_faces[index] >= 0:
            num_hits += 1.0
            depth += wp.dot(positions[index] - view.origin, view.forward)
        count_label, count_body = int(0), int(0)
        for other in range(start, start + per_pixel):
            count_label += wp.where(labels[other][0] == labels[index][0], 1, 0)
            count_body += wp.where(labels[other][1] == labels[index][1], 1, 0)
        if count_label > votes_label:
            votes_label = count_label
            winner[0] = labels[index][0]
        if count_body > votes_body:
            votes_body = count_body
            winner[1] = labels[index][1]
    share = num_hits / float(per_pixel)
    color /= float(per_pixel)
    pixel_colors[pixel] = wp.vec4(color[0], color[1], color[2], share)
    pixel_labels[pixel] = winner
    pixel_depths[pixel] = wp.where(share >= 0.5, depth / wp.max(num_hits, 1.0), wp.inf)
