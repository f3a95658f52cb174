"""The laboratory in which the twin's robot stands: room, furniture, clutter, occluders, lights.

World frame of `eyehand.world.plane_camera`: origin on the s1 axis, x forward (left in the image), y to the robot's
left (towards the camera), z up; the floor lies 1.33 m under the shoulder, as on Rethink Robotics' pedestal. The arm
moves in the plane y = 0; the back wall stands 1.25 m behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eyehand.errors import UnknownNameError
from eyehand.types import Floats
from eyehand.world.materials import Finish, Material, finishes
from eyehand.world.meshes import Mesh, box, cable, drum, join, quad, rod, turned
from eyehand.world.plane_camera import CAMERA_DISTANCE_M, WINDOW_CENTRE_M
from eyehand.world.robot_meshes import body, links

FLOOR_M, CEILING_M, WALL_M = -1.33, 1.37, -1.25
TARGET_RADIUS_M = 0.09
TARGET_Y_M = -0.055  # the physical disc stands just behind the gripper, which may pass before it
BOARD_Y_M = 0.32  # occluders stand between camera and arm
_X, _Y, _Z = np.eye(3)
OCCLUSIONS = ("none", "a", "b", "c", "d", "e")


@dataclass(frozen=True)
class Looks:
    """The numbers of a domain's appearance for one draw; fields as in `eyehand.world.domain.Appearance`."""

    occlusion: str = "none"
    arm_albedo: float = 0.2
    background_albedo: float = 0.7
    lamp_scale: float = 1.0
    window_scale: float = 1.0
    light_offset_m: float = 0.0
    clutter_offset_m: float = 0.0
    arm_width_scale: float = 1.0


@dataclass(frozen=True)
class Panel:
    """A rectangle that lights the scene.

    Attributes:
        name: which one it is.
        corner_m: (3,) one corner in the world.
        edge_u_m: (3,) one side.
        edge_v_m: (3,) the other side; light leaves along u x v.
        radiance: (3,) linear RGB; the nominal lamp gives a surface at the shoulder that faces it an irradiance of 1.
    """

    name: str
    corner_m: Floats
    edge_u_m: Floats
    edge_v_m: Floats
    radiance: Floats


@dataclass(frozen=True)
class Laboratory:
    """Everything that can be traced, in metres.

    Attributes:
        room: all that stands still, the robot's body and the occluders included.
        near: the part of the room that can shade the arm.
        links: the three moving links, each in its own frame.
        target: the physical target disc on its stand, its centre at the origin.
        table: the materials, see `Material`.
        lamp: the ceiling lamp.
        window: the window in the side wall before the robot.
    """

    room: Mesh
    near: Mesh
    links: tuple[Mesh, Mesh, Mesh]
    target: Mesh
    table: tuple[Finish, ...]
    lamp: Panel
    window: Panel


def build(looks: Looks) -> Laboratory:
    """Set up the laboratory.

    Args:
        looks: the appearance's numbers.

    Raises:
        UnknownNameError: the occlusion case does not exist.
    """
    near = join([body(looks.arm_width_scale), *_occluder(looks.occlusion)])
    clutter = join([*_on_the_wall(), *_bench(), *_on_the_floor()])
    shifted = clutter.moved(np.eye(3), [looks.clutter_offset_m, 0.0, 0.0])
    lamp, window = _lights(looks)
    fixture = quad(lamp.corner_m, lamp.edge_u_m, lamp.edge_v_m, Material.LAMP)
    return Laboratory(
        room=join([_shell(), *_fittings(), shifted, fixture, near]),
        near=near,
        links=links(looks.arm_width_scale),
        target=_target(),
        table=finishes(looks.arm_albedo, looks.background_albedo, float(window.radiance[1]), looks.clutter_offset_m),
        lamp=lamp,
        window=window,
    )


def _lights(looks: Looks) -> tuple[Panel, Panel]:
    """Lamp and window; at scale 1 each gives a surface at the shoulder that faces it an irradiance of 1."""
    lamp = Panel("lamp", np.array([0.35, 1.10, 1.30]), 0.25 * _Y, 0.25 * _X, np.ones(3))
    window = Panel("window", np.array([2.6, -0.5, -0.35]), 1.3 * _Z, 1.6 * _Y, np.ones(3))
    warm, cool = np.array([1.0, 0.95, 0.86]), np.array([0.92, 1.0, 1.12])  # about 4000 K and 6500 K, balanced between
    lamp_radiance = warm * max(looks.lamp_scale, 0.0) / irradiance_per_radiance(lamp)
    window_radiance = cool * max(looks.window_scale, 0.0) / irradiance_per_radiance(window)
    corner = lamp.corner_m + looks.light_offset_m * _X
    return replace(lamp, corner_m=corner, radiance=lamp_radiance), replace(window, radiance=window_radiance)


def irradiance_per_radiance(panel: Panel) -> float:
    """Irradiance at the shoulder, on a surface that faces the panel's centre, for unit radiance."""
    share = (np.arange(16, dtype=np.float64) + 0.5) / 16
    u, v = np.tile(share, 16)[:, None], np.repeat(share, 16)[:, None]
    points = panel.corner_m + u * panel.edge_u_m + v * panel.edge_v_m
    area_vector = np.cross(panel.edge_u_m, panel.edge_v_m)
    distance = np.linalg.norm(points, axis=1)
    centre = points.mean(0) / np.linalg.norm(points.mean(0))
    geometry: Floats = (-points @ area_vector) * (points @ centre) / distance**4
    return float(geometry.mean())


def _shell() -> Mesh:
    """Floor, ceiling, four walls, skirting, and the ceiling's grid."""
    low, high = np.array([-2.4, WALL_M, FLOOR_M]), np.array([2.62, 4.6, CEILING_M])
    size = high - low
    x, y, z = np.diag(size)
    parts = [
        quad(low, x, y, Material.FLOOR),
        quad(low + z, y, x, Material.CEILING),
        quad(low, z, x, Material.WALL),
        quad(low + y, x, z, Material.WALL),
        quad(low, y, z, Material.WALL),
        quad(low + x, z, y, Material.WALL),
        box([low[0], WALL_M, FLOOR_M], [high[0], WALL_M + 0.015, FLOOR_M + 0.09], Material.CABINET),
    ]
    return join(parts)


def _fittings() -> list[Mesh]:
    """What belongs to the building: a high window, a cable duct, a pipe."""
    front = WALL_M + 0.004
    view = quad([1.15, front, 0.30], [0, 0, 0.85], [0.60, 0, 0], Material.OUTDOORS)
    frame = [box([x, WALL_M, 0.25], [x + 0.05, WALL_M + 0.05, 1.20], Material.LAMINATE) for x in (1.10, 1.43, 1.75)]
    frame += [box([1.10, WALL_M, z], [1.80, WALL_M + 0.06, z + 0.05], Material.LAMINATE) for z in (0.25, 1.15)]
    duct = box([-2.4, WALL_M, -0.62], [2.6, WALL_M + 0.04, -0.56], Material.LAMINATE)
    pipe = rod([0.345, WALL_M + 0.05, FLOOR_M], [0.345, WALL_M + 0.05, CEILING_M], 0.024, Material.STEEL_PIPE, 14)
    return [view, *frame, duct, pipe]


def _on_the_wall() -> list[Mesh]:
    """A poster, a chart, a whiteboard, a shelf with things."""
    front = WALL_M + 0.004
    poster = quad([-1.2, front, 0.0], [0, 0, 0.85], [0.6, 0, 0], Material.POSTER)
    chart = quad([-0.12, front, 0.55], [0, 0, 0.55], [0.42, 0, 0], Material.CHART)
    board = box([-0.45, WALL_M, -0.42], [0.28, WALL_M + 0.02, 0.32], Material.WHITEBOARD)
    rim = [box([-0.47, WALL_M, z], [0.30, WALL_M + 0.03, z + 0.02], Material.STEEL_PIPE) for z in (-0.44, 0.32)]
    shelf = box([0.42, WALL_M, 0.16], [1.06, WALL_M + 0.26, 0.19], Material.LAMINATE)
    brackets = [box([x, WALL_M, 0.04], [x + 0.02, WALL_M + 0.20, 0.16], Material.METAL) for x in (0.50, 0.96)]
    books = box([0.45, WALL_M + 0.03, 0.19], [0.71, WALL_M + 0.21, 0.43], Material.BOOKS)
    crate = box([0.76, WALL_M + 0.03, 0.19], [0.98, WALL_M + 0.24, 0.34], Material.PLASTIC_BLUE)
    globe = turned(_ball(0.075), Material.PLASTIC_BLUE).moved(np.eye(3), [0.86, WALL_M + 0.13, 0.42])
    lead = cable(
        [
            [0.6, WALL_M + 0.03, -0.58],
            [0.62, WALL_M + 0.1, -0.2],
            [0.3, WALL_M + 0.08, -0.1],
            [0.45, WALL_M + 0.06, 0.17],
        ],
        0.008,
        Material.BLACK,
    )
    return [poster, chart, board, *rim, shelf, *brackets, books, crate, globe, lead]


def _ball(radius_m: float) -> Floats:
    """The profile of a ball about the origin, for `turned`."""
    turn = np.linspace(0.0, np.pi, 15)
    return radius_m * np.stack([-np.cos(turn), np.sin(turn)], axis=1)


def _bench() -> list[Mesh]:
    """A workbench along the wall, and what lies on it: cartons, a monitor, a desk lamp that looks like an arm."""
    top, front = -0.47, WALL_M + 0.55
    plate = box([0.32, WALL_M, top - 0.04], [2.3, front, top], Material.WOOD)
    legs = [
        box([x, y, FLOOR_M], [x + 0.05, y + 0.05, top - 0.04], Material.METAL)
        for x in (0.36, 2.2)
        for y in (WALL_M + 0.04, front - 0.1)
    ]
    drawers = box([0.95, WALL_M + 0.02, -1.12], [1.38, front - 0.04, top - 0.04], Material.CABINET)
    handles = [
        box([1.08, front - 0.04, z], [1.25, front - 0.02, z + 0.015], Material.METAL) for z in (-0.68, -0.86, -1.04)
    ]
    carton = box([1.06, WALL_M + 0.08, top], [1.36, WALL_M + 0.40, top + 0.24], Material.CARTON)
    parcel = box([1.10, WALL_M + 0.10, top + 0.24], [1.30, WALL_M + 0.36, top + 0.37], Material.PLASTIC_GREEN)
    screen = box([0.58, WALL_M + 0.20, top + 0.12], [1.00, WALL_M + 0.23, top + 0.40], Material.BLACK)
    picture = quad([0.60, WALL_M + 0.234, top + 0.14], [0, 0, 0.24], [0.38, 0, 0], Material.SCREEN)
    stand = [rod([0.79, WALL_M + 0.18, top], [0.79, WALL_M + 0.18, top + 0.2], 0.02, Material.BLACK)]
    stand += [box([0.68, WALL_M + 0.10, top], [0.90, WALL_M + 0.28, top + 0.012], Material.BLACK)]
    elbow, head = np.array([0.50, WALL_M + 0.35, top + 0.36]), np.array([0.70, WALL_M + 0.40, top + 0.52])
    lamp = [
        turned([[0, 0.08], [0.02, 0.075]], Material.BLACK).moved(_UPRIGHT, [0.42, WALL_M + 0.33, top]),
        rod([0.42, WALL_M + 0.33, top], elbow, 0.014, Material.BLACK),
        rod(elbow, head, 0.014, Material.BLACK),
        turned([[-0.02, 0.02], [0.07, 0.065]], Material.PLASTIC_YELLOW).moved(
            _UPRIGHT @ np.diag([-1.0, 1.0, -1.0]), head
        ),
    ]
    mug = turned([[0, 0.04], [0.10, 0.042]], Material.ORANGE).moved(_UPRIGHT, [0.52, WALL_M + 0.46, top])
    return [plate, *legs, drawers, *handles, carton, parcel, screen, picture, *stand, *lamp, mug]


_UPRIGHT = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])  # x to z, z to -x


def _on_the_floor() -> list[Mesh]:
    """A cabinet with boxes behind the robot, a bin, cables."""
    cabinet = box([-1.45, WALL_M, FLOOR_M], [-0.66, WALL_M + 0.42, -0.45], Material.CABINET)
    gaps = [box([-1.44, WALL_M + 0.42, z], [-0.67, WALL_M + 0.424, z + 0.008], Material.BLACK) for z in (-1.05, -0.76)]
    knobs = [box([-1.10, WALL_M + 0.42, z], [-1.00, WALL_M + 0.44, z + 0.015], Material.METAL) for z in (-0.92, -0.62)]
    crate = box([-1.02, WALL_M + 0.06, -0.45], [-0.72, WALL_M + 0.36, -0.21], Material.CARTON)
    tub = box([-1.40, WALL_M + 0.08, -0.45], [-1.08, WALL_M + 0.34, -0.30], Material.PLASTIC_YELLOW)
    bucket = turned([[0, 0.12], [0.30, 0.15]], Material.PLASTIC_GREEN).moved(_UPRIGHT, [0.66, WALL_M + 0.62, FLOOR_M])
    lead = cable(
        [
            [-0.25, -0.4, FLOOR_M + 0.01],
            [0.2, -0.9, FLOOR_M + 0.01],
            [0.4, -0.4, FLOOR_M + 0.01],
            [1.3, -0.9, FLOOR_M + 0.01],
        ],
        0.012,
        Material.BLACK,
    )
    return [cabinet, *gaps, *knobs, crate, tub, bucket, lead]


def _target() -> Mesh:
    """A blue disc of 9 cm radius that faces the camera, on a thin stand behind it."""
    disc = drum([0.0, 0.0, 0.0], TARGET_RADIUS_M, 0.012, (Material.TARGET, Material.TARGET), 0.003)
    stand = rod([0.0, -0.02, 0.0], [0.0, -0.02, -3.2], 0.006, Material.STEEL_PIPE, 8)
    return join([disc, stand])


def _occluder(case: str) -> list[Mesh]:
    """A board or a pole before the arm, by its place in the arm's plane as the camera sees it.

    After Zhang et al. 2017, Fig. 6 (A: none; B-E: parts of arm or scene covered); the paper gives no sizes, so the
    boards stand before the median places of each link over evenly drawn joint angles.
    """
    if case not in OCCLUSIONS:
        raise UnknownNameError("occlusion case", case, OCCLUSIONS, "appearance.occlusion")
    boards = {"b": (0.06, 0.18, -0.30, 0.34), "c": (0.24, 0.40, -0.42, 0.30), "d": (0.44, 0.64, -0.62, 0.10)}
    shrink = 1.0 - BOARD_Y_M / CAMERA_DISTANCE_M

    def seen(x_m: float, z_m: float) -> tuple[float, float]:
        return float(WINDOW_CENTRE_M[0] + shrink * (x_m - WINDOW_CENTRE_M[0])), shrink * z_m

    if case in boards:
        right, left, bottom, top = boards[case]
        (x0, z0), (x1, z1) = seen(right, bottom), seen(left, top)
        board = box([x0, BOARD_Y_M, z0], [x1, BOARD_Y_M + 0.012, z1], Material.PLYWOOD)
        centre = (x0 + x1) / 2
        stand = box([centre - 0.02, BOARD_Y_M - 0.03, FLOOR_M], [centre + 0.02, BOARD_Y_M, z1 - 0.05], Material.METAL)
        return [board, stand]
    if case == "e":
        x, _ = seen(0.60, 0.0)
        return [rod([x, BOARD_Y_M, FLOOR_M], [x, BOARD_Y_M, CEILING_M], 0.035, Material.ORANGE, 20)]
    return []
