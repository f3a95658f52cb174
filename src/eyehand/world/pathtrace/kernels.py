# pyright: basic
# (numba kernels are untyped)
"""The inner loops of the path tracer; arrays are float32 and described in `eyehand.world.pathtrace.tables`.

Rays are numbered `(sample * H + row) * W + column`. Random numbers are functions of a 64-bit key of the simulation's
seed and step, the ray's number and a use. Samples of one pixel and of its 2 x 2 block share one low-discrepancy
sequence (additive recurrence of Roberts, 2018, "The unreasonable effectiveness of quasirandom sequences"), shifted by
a random vector for each block and use (Cranley and Patterson, SIAM J. Numer. Anal. 1976).
"""

from __future__ import annotations

import numba
import numpy as np

# One row is one call, so the order of its sums never depends on its batch.
FAST = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}

ONE, ZERO, HALF = np.float32(1.0), np.float32(0.0), np.float32(0.5)
TINY = np.float32(1e-6)
OFF_M = np.float32(2e-4)  # rays leave a surface from just above it
ROBERTS_1, ROBERTS_2 = np.float32(0.7548776662466927), np.float32(0.5698402909980532)
FURTHER = np.float32(0.6)  # of the ambient light still reaches what a bounce meets
NEAREST_SHARE = np.float32(6.0)  # a lamp's strength grows no further than this as it comes near
SHINY = np.float32(72.0)  # exponent of the lobe from which surfaces mirror what stands around
GRAZING = np.float32(12.0)  # times the share mirrored at normal incidence are added at grazing angles
SKY_SLOPE = np.float32(0.35)  # light from everywhere is that much brighter from above, darker from below


@numba.njit(**FAST)
def random_pair(key, number, use):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Two numbers in [0, 1) by the finaliser of SplitMix64."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    bits = np.uint64(key) ^ ((np.uint64(number) * np.uint64(64) + np.uint64(use) + np.uint64(1)) * golden)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits = bits ^ (bits >> np.uint64(31))
    scale = np.float32(2.0**-24)
    return np.float32(bits >> np.uint64(40)) * scale, np.float32((bits >> np.uint64(8)) & np.uint64(0xFFFFFF)) * scale


@numba.njit(**FAST)
def spread_pair(key, places, ray, use):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Two numbers in [0, 1), evenly spread over the rays of a 2 x 2 block of pixels.

    Args:
        key: 64 bits.
        places: (N, 2) block of each ray, and its number within the block.
        ray: whose numbers.
        use: what for.
    """
    a, b = random_pair(key, places[ray, 0], use)
    k = np.float32(places[ray, 1])
    a, b = a + k * ROBERTS_1, b + k * ROBERTS_2
    return a - np.floor(a), b - np.floor(b)


@numba.njit(**FAST)
def turned_normals(normals, size, R, out):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Unit normals (3, 3) in the world of a face whose shape is stretched by `size` (3,) and turned by `R` (3, 3)."""
    for corner in range(3):
        x, y, z = normals[corner, 0] / size[0], normals[corner, 1] / size[1], normals[corner, 2] / size[2]
        inverse = ONE / max(np.sqrt(x * x + y * y + z * z), TINY)
        for axis in range(3):
            out[corner, axis] = (R[axis, 0] * x + R[axis, 1] * y + R[axis, 2] * z) * inverse


@numba.njit(**FAST)
def face_normal(corners, out):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """The unit normal (3,) of a face (3, 3); zeros for a face without area."""
    ax, ay, az = corners[1, 0] - corners[0, 0], corners[1, 1] - corners[0, 1], corners[1, 2] - corners[0, 2]
    bx, by, bz = corners[2, 0] - corners[0, 0], corners[2, 1] - corners[0, 1], corners[2, 2] - corners[0, 2]
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    inverse = ONE / max(np.sqrt(x * x + y * y + z * z), np.float32(1e-20))
    out[0], out[1], out[2] = x * inverse, y * inverse, z * inverse


@numba.njit(**FAST)
def assemble(drawn, shape, place, shapes, out):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Place the surfaces of the drawn geoms in the world.

    Args:
        drawn: (D,) geoms in order.
        shape: (G,) row of each geom's surface.
        place: geom frames and sizes, (G, 3) origins, (G, 3, 3) rotations, (G, 3) factors, (G,) half lengths.
        shapes: a `Shapes`.
        out: a `Triangles` to fill.
    """
    origin, rotation, size, half = place
    v, f = 0, 0
    for g in drawn:
        s, R, t = shape[g], rotation[g], origin[g]
        first_v, first_f = shapes.first_vertex[s], shapes.first_face[s]
        vertices, faces = shapes.first_vertex[s + 1] - first_v, shapes.first_face[s + 1] - first_f
        for k in range(vertices):
            corner = shapes.vertices[first_v + k]
            x, y, z = corner[0] * size[g, 0], corner[1] * size[g, 1], corner[2] * size[g, 2] + corner[3] * half[g]
            for axis in range(3):
                out.vertices[v + k, axis] = R[axis, 0] * x + R[axis, 1] * y + R[axis, 2] * z + t[axis]
        for k in range(faces):
            out.geom[f + k], out.source[f + k] = g, first_f + k
            for corner in range(3):
                row = shapes.faces[first_f + k, corner] + v
                out.faces[f + k, corner] = row
                for axis in range(3):
                    out.corners[f + k, corner, axis] = out.vertices[row, axis]
            face_normal(out.corners[f + k], out.flat[f + k])
            turned_normals(shapes.normals[first_f + k], size[g], R, out.normals[f + k])
            least = ONE
            for corner in range(3):
                n, flat = out.normals[f + k, corner], out.flat[f + k]
                least = min(least, n[0] * flat[0] + n[1] * flat[1] + n[2] * flat[2])
            out.bent[f + k] = least < np.float32(0.9999)
        v += vertices
        f += faces


@numba.njit(**FAST)
def camera_rays(camera, samples, near_m, start, rays):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Rays through the pixels, as long as their depth grows by one metre, from the near plane on.

    Args:
        camera: (4,) fx, fy, cx, cy; (3, 3) rotation and (3,) place in the world; (height, width).
        samples: (S, 2) offsets from the pixel's centre, (right, down) in pixels.
        near_m: depth of the near plane.
        start: (S * H * W, 3) filled.
        rays: (S * H * W, 3) filled.
    """
    lens, R, t, size = camera
    height, width = size
    k = 0
    for sample in range(len(samples)):
        for row in range(height):
            y = (np.float32(row) + samples[sample, 1] - lens[3]) / lens[1]
            for column in range(width):
                x = (np.float32(column) + samples[sample, 0] - lens[2]) / lens[0]
                for axis in range(3):
                    ray = R[axis, 0] * x + R[axis, 1] * y + R[axis, 2]
                    rays[k, axis] = ray
                    start[k, axis] = t[axis] + near_m * ray
                k += 1


@numba.njit(**FAST)
def texel(pages, curve, page, s, t, out):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Linear colour between the four nearest pixels of a repeating picture; writes (3,)."""
    height, width, start = pages.height[page], pages.width[page], pages.start[page]
    x = (s - np.floor(s)) * np.float32(width) - HALF
    y = (t - np.floor(t)) * np.float32(height) - HALF
    column, row = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - np.float32(column), y - np.float32(row)
    right = column + 1 if column + 1 < width else 0
    left = column if column >= 0 else width - 1
    top = start + (row if row >= 0 else height - 1) * width
    low = start + (row + 1 if row + 1 < height else 0) * width
    for c in range(3):
        above = (ONE - fx) * curve[pages.pixels[top + left, c]] + fx * curve[pages.pixels[top + right, c]]
        below = (ONE - fx) * curve[pages.pixels[low + left, c]] + fx * curve[pages.pixels[low + right, c]]
        out[c] = (ONE - fy) * above + fy * below


@numba.njit(**FAST)
def lift(place, corners, normals, weights, side):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Move a place on a face to the smooth surface that its corners' normals suggest.

    Rays that leave the flat face would shade coarse meshes in facets (Hanika, Ray Tracing Gems II, 2021, chapter 4).

    Args:
        place: (3,) moved.
        corners: (3, 3) of the face.
        normals: (3, 3) unit normals at the corners.
        weights: (3,) barycentric.
        side: 1, or -1 where the viewer is behind the face.
    """
    x, y, z = place[0], place[1], place[2]
    for corner in range(3):
        nx, ny, nz = side * normals[corner, 0], side * normals[corner, 1], side * normals[corner, 2]
        height = (x - corners[corner, 0]) * nx + (y - corners[corner, 1]) * ny + (z - corners[corner, 2]) * nz
        below = -weights[corner] * min(height, ZERO)
        place[0] += below * nx
        place[1] += below * ny
        place[2] += below * nz


@numba.njit(**FAST)
def painted(g, source, weights, shapes, paint, art, albedo):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """The colour (3,) of geom `g` at a place of the shape's face `source`."""
    if paint.texture[g] < 0:
        albedo[:] = paint.albedo[g]
        return
    s, t = ZERO, ZERO
    for corner in range(3):
        s += weights[corner] * shapes.uv[source, corner, 0]
        t += weights[corner] * shapes.uv[source, corner, 1]
    s, t = s * paint.repeat[g, 0], t * paint.repeat[g, 1]
    texel(art[0], art[1], paint.texture[g], s, t, albedo)
    for c in range(3):
        albedo[c] *= paint.albedo[g, c]


@numba.njit(**FAST)
def meet(rays, hits, scene, paint, art, spots):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Fill the spots where rays met a surface; returns how many.

    Args:
        rays: (N, 3) directions.
        hits: (N,) face or -1, (N,) and (N,) barycentric weights of the second and third corner.
        scene: a `Triangles`, a `Shapes`.
        paint: a `Paint`.
        art: a `Pages`, (256,) linear light of a byte.
        spots: a `Spots` to fill.
    """
    face, us, vs = hits
    triangles, shapes = scene
    weights, place, smooth = np.empty((3, 3), np.float32)
    count = 0
    for k in range(len(rays)):
        hit = face[k]
        if hit < 0:
            continue
        g, source = triangles.geom[hit], triangles.source[hit]
        corners, normals, flat = triangles.corners[hit], triangles.normals[hit], triangles.flat[hit]
        weights[0], weights[1], weights[2] = ONE - us[k] - vs[k], us[k], vs[k]
        for axis in range(3):
            place[axis] = weights[0] * corners[0, axis] + weights[1] * corners[1, axis] + weights[2] * corners[2, axis]
            smooth[axis] = weights[0] * normals[0, axis] + weights[1] * normals[1, axis] + weights[2] * normals[2, axis]
        rx, ry, rz = rays[k, 0], rays[k, 1], rays[k, 2]
        inverse = ONE / max(np.sqrt(rx * rx + ry * ry + rz * rz), TINY)
        side = ONE if flat[0] * rx + flat[1] * ry + flat[2] * rz <= 0 else -ONE
        if triangles.bent[hit]:
            lift(place, corners, normals, weights, side)
        scale = side / max(np.sqrt(smooth[0] * smooth[0] + smooth[1] * smooth[1] + smooth[2] * smooth[2]), TINY)
        spots.ray[count], spots.geom[count] = k, g
        for axis in range(3):
            spots.back[count, axis] = -rays[k, axis] * inverse
            spots.normal[count, axis] = smooth[axis] * scale
            spots.start[count, axis] = place[axis] + OFF_M * side * flat[axis]
        painted(g, source, weights, shapes, paint, art, spots.albedo[count])
        count += 1
    return count


@numba.njit(**FAST)
def around(axis, a, b, c, out):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Write a (3,) vector given in a frame whose third axis is the unit vector `axis` (Duff et al., JCGT 2017)."""
    x, y, z = axis
    sign = ONE if z >= 0 else -ONE
    f = -ONE / (sign + z)
    g = x * y * f
    out[0] = a * (ONE + sign * x * x * f) + b * g + c * x
    out[1] = a * sign * g + b * (sign + y * y * f) + c * y
    out[2] = -a * sign * x - b * y + c * z


@numba.njit(**FAST)
def aim(spots, count, lamps, which, draw, out):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Ways from spots to jittered places on a light; returns how many carry any light.

    Args:
        spots: a `Spots`, its first `count` are used.
        count: how many.
        lamps: a `Lamps`.
        which: the light, or -1 to choose one for each spot in proportion to strength.
        draw: 64-bit key, (N, 2) places of rays as in `spread_pair`, number of the use.
        out: a `Segments` to fill.
    """
    key, places, use = draw
    place = np.empty(3, np.float32)
    kept = 0
    for k in range(count):
        lamp, odds = which, ONE
        if which < 0:
            toss, _ = random_pair(key, spots.ray[k], use + 1)
            lamp = 0
            while lamp < len(lamps.chance) - 1 and toss >= lamps.chance[lamp]:
                lamp += 1
            before = lamps.chance[lamp - 1] if lamp > 0 else ZERO
            odds = ONE / max(lamps.chance[lamp] - before, TINY)
            a, b = random_pair(key, spots.ray[k], use)
        else:
            a, b = spread_pair(key, places, spots.ray[k], use)
        x, y, z = lamps.place[lamp, 0], lamps.place[lamp, 1], lamps.place[lamp, 2]
        share = odds
        if lamps.sun[lamp] == 0:
            x, y, z = x - spots.start[k, 0], y - spots.start[k, 1], z - spots.start[k, 2]
        squared = max(x * x + y * y + z * z, TINY)
        length = np.sqrt(squared)
        if lamps.sun[lamp] == 0 and lamps.full_m[lamp] > 0:
            share *= min(lamps.full_m[lamp] * lamps.full_m[lamp] / squared, NEAREST_SHARE)
        radius, turn = lamps.radius[lamp] * np.sqrt(a), np.float32(2 * np.pi) * b
        p, q = radius * np.cos(turn), radius * np.sin(turn)
        around((x / length, y / length, z / length), p, q, length, place)  # the disc of the light faces the spot
        x, y, z = place[0], place[1], place[2]
        length = np.sqrt(x * x + y * y + z * z)
        facing = (x * spots.normal[k, 0] + y * spots.normal[k, 1] + z * spots.normal[k, 2]) / length
        if facing <= 0:
            continue
        reach = ONE if lamps.sun[lamp] == 0 else np.float32(100.0)
        out.spot[kept], out.lamp[kept], out.share[kept] = k, lamp, share * facing
        out.span[kept, 0], out.span[kept, 1], out.span[kept, 2] = x * reach, y * reach, z * reach
        for axis in range(3):
            out.start[kept, axis] = spots.start[k, axis]
        kept += 1
    return kept


@numba.njit(**FAST)
def fresnel(straight, facing):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Share mirrored at the cosine `facing`, given the share at normal incidence (Schlick, 1994).

    Dull surfaces mirror less at grazing angles than glass would, hence the factor.
    """
    grazing = ONE - min(max(facing, ZERO), ONE)
    squared = grazing * grazing
    return straight + min(straight * GRAZING, ONE - straight) * squared * squared * grazing


@numba.njit(**FAST)
def receive(spots, segments, shaded, lamps, paint, light):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Add the diffuse and glossy light that arrives along unshaded ways.

    Args:
        spots: a `Spots`.
        segments: a `Segments`.
        shaded: (M,) whether each of the first M ways is cut.
        lamps: a `Lamps`.
        paint: a `Paint`.
        light: a `Leaving`, added to.
    """
    for m in range(len(shaded)):
        if shaded[m]:
            continue
        k, lamp, share = segments.spot[m], segments.lamp[m], segments.share[m]
        x, y, z = segments.span[m, 0], segments.span[m, 1], segments.span[m, 2]
        inverse = ONE / max(np.sqrt(x * x + y * y + z * z), TINY)
        vx, vy, vz = spots.back[k, 0], spots.back[k, 1], spots.back[k, 2]
        hx, hy, hz = x * inverse + vx, y * inverse + vy, z * inverse + vz
        inverse = ONE / max(np.sqrt(hx * hx + hy * hy + hz * hz), TINY)
        nx, ny, nz = spots.normal[k, 0], spots.normal[k, 1], spots.normal[k, 2]
        aligned = max((hx * nx + hy * ny + hz * nz) * inverse, ZERO)
        g = spots.geom[k]
        mirrored = fresnel(paint.reflectance[g], (hx * vx + hy * vy + hz * vz) * inverse)
        exponent = paint.exponent[g]
        shine = mirrored * (exponent + np.float32(8.0)) * np.float32(0.125) * aligned**exponent
        for c in range(3):
            light.scattered[k, c] += share * lamps.diffuse[lamp, c]
            light.mirrored[k, c] += share * shine * lamps.specular[lamp, c]


@numba.njit(**FAST)
def bounce(spots, count, draw, out):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Fill a `Glances` with one for each spot, cosine-weighted about its normal: what it scatters of further light."""
    key, places, use = draw
    for k in range(count):
        a, b = spread_pair(key, places, spots.ray[k], use)
        radius, turn = np.sqrt(a), np.float32(2 * np.pi) * b
        p, q, up = radius * np.cos(turn), radius * np.sin(turn), np.sqrt(ONE - a)
        normal = (spots.normal[k, 0], spots.normal[k, 1], spots.normal[k, 2])
        around(normal, p, q, up, out.ray[k])
        out.spot[k] = k
        for axis in range(3):
            out.start[k, axis] = spots.start[k, axis]
        out.weight[k] = ONE


@numba.njit(**FAST)
def mirror(spots, count, paint, draw, out):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Fill a `Glances` with what shiny spots mirror, spread as their highlights are; returns how many.

    Args:
        spots: a `Spots`, its first `count` are used.
        count: how many.
        paint: a `Paint`.
        draw: 64-bit key, (N, 2) places of rays as in `spread_pair`, number of the use.
        out: a `Glances` to fill.
    """
    key, places, use = draw
    half = np.empty(3, np.float32)
    kept = 0
    for k in range(count):
        g = spots.geom[k]
        if paint.exponent[g] < SHINY or paint.reflectance[g] <= 0:
            continue
        a, b = spread_pair(key, places, spots.ray[k], use)
        up = (ONE - a) ** (ONE / (paint.exponent[g] + ONE))
        radius, turn = np.sqrt(max(ONE - up * up, ZERO)), np.float32(2 * np.pi) * b
        normal = (spots.normal[k, 0], spots.normal[k, 1], spots.normal[k, 2])
        around(normal, radius * np.cos(turn), radius * np.sin(turn), up, half)
        facing = half[0] * spots.back[k, 0] + half[1] * spots.back[k, 1] + half[2] * spots.back[k, 2]
        leaving = ZERO
        for axis in range(3):
            out.ray[kept, axis] = np.float32(2.0) * facing * half[axis] - spots.back[k, axis]
            leaving += out.ray[kept, axis] * spots.normal[k, axis]
        if facing <= 0 or leaving <= 0:
            continue
        out.spot[kept], out.weight[kept] = k, fresnel(paint.reflectance[g], facing)
        for axis in range(3):
            out.start[kept, axis] = spots.start[k, axis]
        kept += 1
    return kept


@numba.njit(**FAST)
def surround(spots, count, lamps, paint, further, light):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Add each spot's own glow and `further` times the light from everywhere, without asking what stands around.

    Args:
        spots: a `Spots`, its first `count` are used.
        count: how many.
        lamps: a `Lamps`.
        paint: a `Paint`.
        further: share of the light from everywhere.
        light: (N, 3) added to, see `Leaving.scattered`.
    """
    for k in range(count):
        glow = paint.glow[spots.geom[k]]
        sky = further * (ONE + SKY_SLOPE * np.float32(2 / 3) * spots.normal[k, 2])
        for c in range(3):
            light[k, c] += glow + sky * lamps.ambient[c]


@numba.njit(**FAST)
def collect(glances, count, there, lamps, light):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Add what spots see in their glances: light leaving other surfaces, else the sky.

    Args:
        glances: a `Glances`, its first `count` are used.
        count: how many.
        there: (M,) row of the light found by each glance or -1, (K, 3) light that leaves the surfaces found.
        lamps: a `Lamps`.
        light: (N, 3) added to, one part of a `Leaving`.
    """
    found, leaving = there
    for k in range(count):
        spot = glances.spot[k]
        sky = ONE + SKY_SLOPE * glances.ray[k, 2]
        for c in range(3):
            seen = leaving[found[k], c] if found[k] >= 0 else sky * lamps.ambient[c]
            light[spot, c] += glances.weight[k] * seen
