# pyright: basic
# (numba kernels are untyped)
"""The inner loops of the traced picture: candidate rays, nearest hits, shadow segments, shading.

Arrays are float32. Sub-pixels are numbered `(s * H + row) * W + column`. No kernel draws random numbers: jitter comes
from fixed tables, interleaved over neighbouring pixels (Keller and Heidrich, EGWR 2001), so that an average over a
4 x 4 neighbourhood sees the whole lamp.
"""

from __future__ import annotations

import numba
import numpy as np

GLOSS_EXPONENT = 40.0  # Blinn-Phong lobe of satin plastic
GLOSS_SCALE = 0.04 * (GLOSS_EXPONENT + 8) / (8 * np.pi)  # normalised lobe, 4 % reflectance


@numba.njit(cache=True, nogil=True)
def candidates(directions, R, outline, reach_px, rays, index, count):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Append the rays of all sub-pixels that may show a part, turned by R^T; returns the end.

    A part shows within `reach_px` of its axis, swept from the part's back to its front.

    Args:
        directions: (S, H, W, 3) rays in the world.
        R: (3, 3) part to world.
        outline: (2, 4) for both ends of the axis: (column, row), and how far the front lies from there, (right, down).
        reach_px: distance from the swept axis.
        rays: (N, 3) filled with rays in the part's frame.
        index: (N,) filled with sub-pixel numbers.
        count: where to start filling.
    """
    samples, height, width = directions.shape[:3]
    start_px, end_px = outline[0], outline[1]
    margin_x = reach_px + max(abs(start_px[2]), abs(end_px[2]))
    margin_y = reach_px + max(abs(start_px[3]), abs(end_px[3]))
    dx, dy = end_px[0] - start_px[0], end_px[1] - start_px[1]
    inverse = 1.0 / max(dx * dx + dy * dy, 1e-9)
    top, bottom = min(start_px[1], end_px[1]) - margin_y, max(start_px[1], end_px[1]) + margin_y
    left, right = min(start_px[0], end_px[0]) - margin_x, max(start_px[0], end_px[0]) + margin_x
    for row in range(max(0, int(np.floor(top))), min(height, int(np.ceil(bottom)) + 1)):
        for column in range(max(0, int(np.floor(left))), min(width, int(np.ceil(right)) + 1)):
            px, py = column - start_px[0], row - start_px[1]
            along = min(max((px * dx + py * dy) * inverse, 0.0), 1.0)
            ex, ey = px - along * dx, py - along * dy
            fx = start_px[2] + along * (end_px[2] - start_px[2])
            fy = start_px[3] + along * (end_px[3] - start_px[3])
            swept = min(max((ex * fx + ey * fy) / max(fx * fx + fy * fy, 1e-9), -1.0), 1.0)
            ex, ey = ex - swept * fx, ey - swept * fy
            if ex * ex + ey * ey > reach_px * reach_px:
                continue
            for sample in range(samples):
                ray = directions[sample, row, column]
                for axis in range(3):
                    rays[count, axis] = R[0, axis] * ray[0] + R[1, axis] * ray[1] + R[2, axis] * ray[2]
                index[count] = (sample * height + row) * width + column
                count += 1
    return count


@numba.njit(cache=True, nogil=True)
def nearest(camera, index, ends, hits, table, R, found):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Keep the nearest of several parts' hits in front of the room; returns how many sub-pixels show a part.

    Args:
        camera: (3,) its place; (S, H, W, 3) rays in the world; (S * H * W,) distance to the room.
        index: (N,) sub-pixel of each candidate, part by part.
        ends: (P,) where each part's candidates end.
        hits: (N,) face of the part, or -1; (N,) distance along the ray; (N,) barycentric weights of the second and of
            the third corner.
        table: (P,) first face of each part; (F, 3, 3) corner normals of all parts, each in its own frame.
        R: (P, 3, 3) part to world.
        found: filled for the sub-pixels kept: (N,) sub-pixel numbers, (N,) faces, (N, 3) places, (N, 3) rays and
            (N, 3) unit normals in the world.
    """
    place, directions, depth = camera
    face, distance, us, vs = hits
    first_face, normals = table
    where, what, points, rays, shading = found
    flat = directions.reshape(-1, 3)
    winner, closest = np.empty(len(depth), np.int32), np.empty(len(depth), np.float32)
    for k in range(len(index)):
        winner[index[k]], closest[index[k]] = -1, depth[index[k]]
    for k in range(len(index)):
        if face[k] >= 0 and distance[k] < closest[index[k]]:
            closest[index[k]] = distance[k]
            winner[index[k]] = k
    count, part = 0, 0
    for k in range(len(index)):
        while k >= ends[part]:
            part += 1
        if winner[index[k]] != k:
            continue
        u, v = us[k], vs[k]
        corners, turn = normals[first_face[part] + face[k]], R[part]
        w = np.float32(1.0) - u - v
        nx = w * corners[0, 0] + u * corners[1, 0] + v * corners[2, 0]
        ny = w * corners[0, 1] + u * corners[1, 1] + v * corners[2, 1]
        nz = w * corners[0, 2] + u * corners[1, 2] + v * corners[2, 2]
        inverse = np.float32(1.0) / max(np.sqrt(nx * nx + ny * ny + nz * nz), np.float32(1e-6))
        for axis in range(3):
            ray = flat[index[k], axis]
            rays[count, axis] = ray
            points[count, axis] = place[axis] + ray * distance[k]
            shading[count, axis] = (turn[axis, 0] * nx + turn[axis, 1] * ny + turn[axis, 2] * nz) * inverse
        where[count] = index[k]
        what[count] = first_face[part] + face[k]
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def light_segments(points, normals, where, size, panel, start, span, geometry):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Segments from surface points to jittered places on a panel, and the light each would carry unshaded.

    Args:
        points: (N, 3) places in the world.
        normals: (N, 3) unit normals.
        where: (N,) sub-pixel numbers, which choose the place on the panel.
        size: (height, width) of the picture.
        panel: (3, 3) corner and two edges.
        start: (N, 3) filled with starts, just off the surface.
        span: (N, 3) filled with vectors to the panel.
        geometry: (N,) filled with irradiance per radiance; 0 where the panel is behind the surface.
    """
    height, width = size
    ax = panel[1, 1] * panel[2, 2] - panel[1, 2] * panel[2, 1]
    ay = panel[1, 2] * panel[2, 0] - panel[1, 0] * panel[2, 2]
    az = panel[1, 0] * panel[2, 1] - panel[1, 1] * panel[2, 0]
    for k in range(len(points)):
        sample, pixel = where[k] // (height * width), where[k] % (height * width)
        row, column = pixel // width, pixel % width
        cell = (sample * 4 + (row % 2) * 2 + column % 2) * 7 % 16  # 4 samples x 2 x 2 pixels share 16 strata
        s, t = (
            (np.float32(cell % 4) + np.float32(0.5)) * np.float32(0.25),
            (np.float32(cell // 4) + np.float32(0.5)) * np.float32(0.25),
        )
        for axis in range(3):
            start[k, axis] = points[k, axis] + np.float32(0.003) * normals[k, axis]
            span[k, axis] = panel[0, axis] + s * panel[1, axis] + t * panel[2, axis] - start[k, axis]
        x, y, z = span[k]
        squared = x * x + y * y + z * z
        arriving = x * normals[k, 0] + y * normals[k, 1] + z * normals[k, 2]
        leaving = -(x * ax + y * ay + z * az)
        geometry[k] = max(arriving, np.float32(0.0)) * max(leaving, np.float32(0.0)) / (squared * squared)


@numba.njit(cache=True, nogil=True)
def into_frame(segments, R, t, box, there, row):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Move the segments that carry light and may meet a part into its frame, x' = R^T (x - t); returns how many.

    Args:
        segments: in the world, (N, 3) starts, (N, 3) spans, (N,) light they carry; those of 0 are skipped.
        R: (3, 3) part to world.
        t: (3,) origin of the part in the world.
        box: (2, 3) low and high corner of the part in its frame; segments that miss it are skipped.
        there: filled in the part's frame, (N, 3) starts and (N, 3) spans.
        row: (N,) filled with the row of each segment kept.
    """
    start, span, geometry = segments
    start_there, span_there = there
    count = 0
    for k in range(len(start)):
        if geometry[k] <= 0:
            continue
        x, y, z = start[k, 0] - t[0], start[k, 1] - t[1], start[k, 2] - t[2]
        enters, leaves = np.float32(0.0), np.float32(1.0)
        for axis in range(3):
            place = R[0, axis] * x + R[1, axis] * y + R[2, axis] * z
            step = R[0, axis] * span[k, 0] + R[1, axis] * span[k, 1] + R[2, axis] * span[k, 2]
            if abs(step) < np.float32(1e-6):
                step = np.float32(1e-6)
            first, second = (box[0, axis] - place) / step, (box[1, axis] - place) / step
            enters, leaves = max(enters, min(first, second)), min(leaves, max(first, second))
            if enters > leaves:
                break
            start_there[count, axis] = place
            span_there[count, axis] = step
        row[count] = k
        if enters <= leaves:
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def shade(picture, base, surface, paint, spans, geometry, radiance, surroundings):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Add the light of arm sub-pixels to the picture.

    Args:
        picture: (H * W, 3) starts as the room; each arm sub-pixel replaces its share.
        base: (H * W, 3) the room.
        surface: (N,) sub-pixel numbers, (N, 3) unit rays from the camera, (N, 3) unit normals, (N,) rows in `paint`.
        paint: (F, 4) albedo and gloss of each face.
        spans: (2, N, 3) vectors to places on lamp and window.
        geometry: (2, N) irradiance per radiance, 0 in the shade.
        radiance: (2, 3) of lamp and window.
        surroundings: (9, 3) irradiance by spherical harmonics, (E, A, 3) radiance by mirror cells.
    """
    where, rays, normals, face = surface
    harmonics, mirror = surroundings
    pixels = len(picture)
    rows, columns = mirror.shape[:2]
    share = np.float32(0.25)
    light = np.empty(3, np.float32)
    for k in range(len(where)):
        nx, ny, nz = normals[k]
        vx, vy, vz = -rays[k, 0], -rays[k, 1], -rays[k, 2]
        facing = nx * vx + ny * vy + nz * vz
        gloss = paint[face[k], 3]
        rx, ry, rz = 2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz
        fresnel = np.float32(0.04) + np.float32(0.5) * (1 - min(max(facing, np.float32(0.0)), np.float32(1.0))) ** 5
        bend = ry / max(abs(rx) + abs(ry), np.float32(1e-6))  # the rule of `room_light.mirror_cells`
        turn = int((bend + 1 if rx >= 0 else 3 - bend) * np.float32(0.25) * columns)
        seen = mirror[min(max(int((rz + 1) * np.float32(0.5) * rows), 0), rows - 1), min(max(turn, 0), columns - 1)]
        for c in range(3):
            ambient = 0.282095 * harmonics[0, c] + 0.488603 * (
                ny * harmonics[1, c] + nz * harmonics[2, c] + nx * harmonics[3, c]
            )
            ambient += 1.092548 * (nx * ny * harmonics[4, c] + ny * nz * harmonics[5, c] + nx * nz * harmonics[7, c])
            ambient += 0.315392 * (3 * nz * nz - 1) * harmonics[6, c] + 0.546274 * (nx * nx - ny * ny) * harmonics[8, c]
            light[c] = max(ambient, 0.0) * paint[face[k], c] / np.pi + gloss * fresnel * seen[c] * 0.5
        for panel in range(2):
            strength = geometry[panel, k]
            if strength > 0:
                x, y, z = spans[panel, k]
                inverse = 1.0 / np.sqrt(x * x + y * y + z * z)
                hx, hy, hz = x * inverse + vx, y * inverse + vy, z * inverse + vz
                aligned = max((hx * nx + hy * ny + hz * nz) / np.sqrt(hx * hx + hy * hy + hz * hz), 0.0)
                power = aligned * aligned
                power *= power
                power *= power  # to the 8th
                shine = gloss * GLOSS_SCALE * power * (power * power) * (power * power)  # to the 40th
                for c in range(3):
                    light[c] += (paint[face[k], c] / np.pi + shine) * strength * radiance[panel, c]
        pixel = where[k] % pixels
        for c in range(3):
            picture[pixel, c] += share * (light[c] - base[pixel, c])


@numba.njit(cache=True, nogil=True)
def room_segments(crossings, points, tiles, panel, link_m, reach_m, there, pixel):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Segments from room points to the lamp that may pass a link; returns how many.

    Args:
        crossings: (H, W, 3) where the ray to the lamp's centre crosses the arm's plane (x, z), and the penumbra's
            radius there; a negative radius marks points the arm cannot shade.
        points: (H, W, 3) room points.
        tiles: (T, 5) row and column at which a tile of 8 x 8 pixels starts, and a circle in the arm's plane (x, z,
            radius) around its crossings and penumbrae.
        panel: (3, 3) the lamp's corner and edges.
        link_m: (2, 2) ends of the link in the arm's plane.
        reach_m: half width of the link as the lamp sees it.
        there: filled, (M, 3) points and (M, 3) vectors to the lamp.
        pixel: (M,) filled with pixel numbers.
    """
    starts, spans = there
    sx, sz = link_m[0, 0], link_m[0, 1]
    dx, dz = link_m[1, 0] - sx, link_m[1, 1] - sz
    inverse = 1.0 / max(dx * dx + dz * dz, 1e-9)
    height, width = crossings.shape[:2]
    count = 0
    for number in range(len(tiles)):
        tile = tiles[number]
        px, pz = tile[2] - sx, tile[3] - sz
        along = min(max((px * dx + pz * dz) * inverse, 0.0), 1.0)
        if np.hypot(px - along * dx, pz - along * dz) > reach_m + tile[4] + 1e-3:
            continue
        for row in range(int(tile[0]), min(int(tile[0]) + 8, height)):
            for column in range(int(tile[1]), min(int(tile[1]) + 8, width)):
                penumbra = crossings[row, column, 2]
                if penumbra < 0:
                    continue
                px, pz = crossings[row, column, 0] - sx, crossings[row, column, 1] - sz
                along = min(max((px * dx + pz * dz) * inverse, 0.0), 1.0)
                ex, ez = px - along * dx, pz - along * dz
                reach = reach_m + penumbra
                if ex * ex + ez * ez > reach * reach:
                    continue
                cell = (row % 4 * 4 + column % 4) * 7 % 16
                s, t = (cell % 4 + 0.5) * 0.25, (cell // 4 + 0.5) * 0.25
                for axis in range(3):
                    place = points[row, column, axis]
                    starts[count, axis] = place
                    spans[count, axis] = panel[0, axis] + s * panel[1, axis] + t * panel[2, axis] - place
                pixel[count] = row * width + column
                count += 1
    return count


@numba.njit(cache=True, nogil=True)
def shade_room(ambient, lamp, points, blocked, picture):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """The room with the arm's shadow: lamp light times the share of open neighbours on the same surface.

    Args:
        ambient: (H, W, 3) light without the lamp.
        lamp: (H, W, 3) the lamp's light.
        points: (H, W, 3) room points.
        blocked: (H, W) whether the pixel's segment was cut.
        picture: (H, W, 3) filled.
    """
    height, width = blocked.shape
    reach = np.empty((height, 2), np.int64)  # first and last column near a cut segment of each row
    for row in range(height):
        reach[row, 0], reach[row, 1] = width, -1
        for column in range(width):
            if blocked[row, column]:
                reach[row, 0] = min(reach[row, 0], column - 2)
                reach[row, 1] = max(reach[row, 1], column + 1)
    for row in range(height):
        for column in range(width):
            for c in range(3):
                picture[row, column, c] = ambient[row, column, c] + lamp[row, column, c]
        first, last = max(0, row - 1), min(height, row + 3)
        left, right = width, -1
        for i in range(first, last):
            left, right = min(left, reach[i, 0]), max(right, reach[i, 1])
        for column in range(max(left, 0), min(right + 1, width)):
            share = np.float32(1.0) - _closed_share(points, blocked, row, column)
            for c in range(3):
                picture[row, column, c] = ambient[row, column, c] + share * lamp[row, column, c]


@numba.njit(cache=True, nogil=True)
def _closed_share(points, blocked, row, column):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Share of the 4 x 4 pixels around one, on the same surface, whose segments were cut."""
    height, width = blocked.shape
    closed, near = 0, 0
    for i in range(max(0, row - 1), min(height, row + 3)):
        for j in range(max(0, column - 1), min(width, column + 3)):
            gap = abs(points[i, j, 0] - points[row, column, 0]) + abs(points[i, j, 1] - points[row, column, 1])
            if gap + abs(points[i, j, 2] - points[row, column, 2]) < np.float32(0.12):
                near += 1
                closed += blocked[i, j]
    return np.float32(closed) / np.float32(near)
