"""The covers of Baxter's left arm: red shells over charcoal joints, a grey cuff, an electric gripper.

Shapes follow the photographs of Rethink Robotics' hardware specifications, simplified. Every mesh is in its link's
frame with the arm level: x along the arm, z up (the hand's and the fingers' excepted, whose z axis is the approach).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eyehand.types import Floats
from eyehand.world.meshes import Mesh, cable, join
from eyehand.world.robots.assembly import Paint
from eyehand.world.robots.robot import Shell
from eyehand.world.robots.shapes import disc, loft, rounded_box, spun

RED, DARK, GREY, BLACK, METAL = range(5)
PALETTE = (
    Paint("red", (0.66, 0.09, 0.08, 1.0), 0.4, 0.4),
    Paint("charcoal", (0.23, 0.23, 0.24, 1.0), 0.3, 0.3),
    Paint("grey", (0.58, 0.58, 0.57, 1.0), 0.4, 0.4),
    Paint("black", (0.07, 0.07, 0.07, 1.0), 0.3, 0.3),
    Paint("metal", (0.60, 0.61, 0.62, 1.0), 0.8, 0.7),
)


def shells(shell: Shell) -> Mapping[str, Mesh]:
    """The visual mesh of each link."""
    twin = shell == "twin"
    return {
        "robot": _mount(twin),
        "left_upper_shoulder": _turret(twin),
        "left_lower_shoulder": _fork(0.068, 0.102, 0.062, twin),
        "left_upper_elbow": _upper_arm(twin),
        "left_lower_elbow": _fork(0.056, 0.10359, 0.055, twin),
        "left_upper_forearm": _forearm(twin),
        "left_lower_forearm": _fork(0.047, 0.115975, 0.046, twin),
        "left_wrist": _cuff(twin),
        "left_hand": _hand(twin),
        "left_finger_l": _finger(),
        "left_finger_r": _finger(),
    }


def _mount(twin: bool) -> Mesh:
    power = 6.0 if twin else 2.6
    rows = [[0.0, -0.01, 0, 0.125, 0.115, power], [0.012, -0.01, 0, 0.128, 0.118, power]]
    rows += [
        [0.030, -0.008, 0, 0.118, 0.108, power],
        [0.046, 0, 0, 0.093, 0.093, 2.0],
        [0.055, 0, 0, 0.090, 0.090, 2.0],
    ]
    parts = [loft(rows, DARK), spun([[0.052, 0.083], [0.062, 0.083]], BLACK)]
    if twin:
        parts += [
            disc([x, y, 0.030], 0.011, 0.008, METAL, "z", 0.002, 6) for x in (-0.085, 0.075) for y in (-0.075, 0.075)
        ]
        parts.append(
            cable([[-0.11, 0.02, 0.03], [-0.2, 0.03, 0.05], [-0.2, -0.06, 0.0], [-0.3, -0.1, 0.012]], 0.009, BLACK, 14)
        )
    return join(parts)


def _turret(twin: bool) -> Mesh:
    power = 2.8 if twin else 2.2
    rows = [[0.060, 0, 0, 0.088, 0.088, 2.0], [0.10, 0, 0, 0.089, 0.088, 2.0], [0.16, 0.006, 0, 0.086, 0.080, power]]
    rows += [[0.215, 0.022, 0, 0.076, 0.060, power], [0.255, 0.036, 0, 0.062, 0.050, power]]
    rows += [[0.285, 0.044, 0, 0.046, 0.044, power], [0.300, 0.048, 0, 0.020, 0.022, 2.0]]
    bridge = [[0.02, 0, 0.262, 0.042, 0.040, power], [0.069, 0, 0.27035, 0.046, 0.052, power]]
    place = np.array([0.069, 0.0, 0.27035])
    band = spun([[0.110, 0.0915], [0.122, 0.0915]], GREY)
    return join([loft(rows, DARK), loft(bridge, DARK, "x"), band, *_axle(0.068, place)])


def _axle(radius: float, place: Floats) -> list[Mesh]:
    """The inner drum of a pitch joint, and the gaps at its sides."""
    body = disc(place, radius, 0.0475, DARK, "y", 0.004)
    side = np.array([0.0, 0.0495, 0.0])
    gaps = [disc(place + s * side, radius - 0.006, 0.003, BLACK, "y", 0.0005) for s in (-1.0, 1.0)]
    return [body, *gaps]


def _fork(radius: float, length: float, tube: float, twin: bool) -> Mesh:
    """A link that holds a pitch joint between two cheeks and ends in the ring of a roll joint."""
    parts: list[Mesh] = []
    for s in (-1.0, 1.0):
        parts.append(disc((0.0, s * 0.0655, 0.0), radius, 0.0125, DARK, "y", 0.004 if twin else 0.010))
        parts.append(disc((0.0, s * 0.0780, 0.0), 0.66 * radius, 0.0028, GREY, "y", 0.002))
        plate = [
            [-0.01, s * 0.0655, 0, 0.012, 0.80 * radius, 3.0],
            [0.5 * length, s * 0.0645, 0, 0.012, 0.86 * radius, 3.0],
        ]
        plate += [[0.85 * length, s * 0.036, 0, 0.018, 0.80 * tube, 3.0]]
        parts.append(loft(plate, DARK, "x"))
    start = min(radius + 0.004, 0.72 * length)
    rows = [[start, 0, 0, 0.058, 0.62 * tube, 3.0], [start + 0.004, 0, 0, 0.066, 0.74 * tube, 3.0]]
    rows += [[0.5 * (start + length) + 0.003, 0, 0, 0.5 * (0.07 + tube), 0.9 * tube, 2.5]]
    rows += [[length - 0.006, 0, 0, tube, tube, 2.0]]
    parts.append(loft(rows, DARK, "x"))
    parts.append(spun([[length - 0.008, tube - 0.004], [length + 0.002, tube - 0.004]], BLACK, "x"))
    return join(parts)


def _upper_arm(twin: bool) -> Mesh:
    power = 3.0 if twin else 2.2
    cover = [[0.002, 0, 0, 0.060, 0.060, 2.0], [0.012, 0, 0, 0.064, 0.064, 2.0], [0.07, 0, -0.003, 0.068, 0.069, power]]
    cover += [[0.13, 0, -0.014, 0.066, 0.069, power], [0.175, 0, -0.028, 0.058, 0.064, power]]
    nose = [[0.165, 0, -0.028, 0.054, 0.060, power], [0.205, 0, -0.046, 0.047, 0.055, power]]
    nose += [[0.262, 0, -0.069, 0.044, 0.046, power]]
    parts = [loft(cover, RED, "x"), loft(nose, DARK, "x"), *_axle(0.056, np.array([0.26235, 0.0, -0.069]))]
    return join(parts + _trim(0.068, 0.055, twin))


def _trim(radius: float, x: float, twin: bool) -> list[Mesh]:
    """Small things on a cover: a badge, or on the twin a cable tied to it."""
    if not twin:
        return [rounded_box([x, radius - 0.004, -0.016], [x + 0.05, radius + 0.002, 0.010], 0.002, GREY)]
    lead = [
        [x - 0.03, 0.0, radius - 0.004],
        [x, 0.0, radius + 0.03],
        [x + 0.06, 0.0, radius + 0.03],
        [x + 0.10, 0.0, radius - 0.02],
    ]
    return [
        cable(lead, 0.006, BLACK, 12),
        rounded_box([x, -0.012, radius - 0.008], [x + 0.02, 0.012, radius + 0.006], 0.003, GREY),
    ]


def _forearm(twin: bool) -> Mesh:
    power = 3.0 if twin else 2.2
    cover = [[0.002, 0, 0, 0.053, 0.053, 2.0], [0.012, 0, 0, 0.056, 0.056, 2.0], [0.06, 0, 0, 0.058, 0.059, power]]
    cover += [[0.13, 0, -0.001, 0.054, 0.056, power], [0.19, 0, -0.003, 0.047, 0.050, power]]
    nose = [
        [0.18, 0, -0.003, 0.045, 0.047, power],
        [0.225, 0, -0.007, 0.042, 0.043, power],
        [0.270, 0, -0.010, 0.041, 0.038, power],
    ]
    parts = [loft(cover, RED, "x"), loft(nose, DARK, "x"), *_axle(0.047, np.array([0.2707, 0.0, -0.010]))]
    return join(parts + _trim(0.057, 0.045, twin))


def _cuff(twin: bool) -> Mesh:
    """The cuff that a person takes the arm by, with its buttons."""
    rows = [
        [0.002, 0.042],
        [0.008, 0.046],
        [0.050, 0.047],
        [0.056, 0.043],
        [0.062, 0.043],
        [0.068, 0.046],
        [0.104, 0.044],
    ]
    rows += [[0.1125, 0.040]]
    body = spun(
        rows,
        [GREY, GREY, BLACK, BLACK, BLACK, DARK, DARK] if not twin else [DARK, GREY, BLACK, BLACK, BLACK, GREY, DARK],
        "x",
    )
    buttons = [disc((0.032, s * 0.0465, 0.0), 0.011, 0.003, METAL, "y", 0.001, 14) for s in (-1.0, 1.0)]
    plate = rounded_box([0.086, -0.020, -0.058], [0.113, 0.032, -0.020], 0.008, DARK)
    return join([body, *buttons, plate])


def _hand(twin: bool) -> Mesh:
    """The electric gripper's body and rail, and the eye of the camera beside it."""
    radius = 0.004 if twin else 0.010
    adapter = spun([[0.0, 0.036], [0.010, 0.036], [0.014, 0.032]], METAL)
    body = rounded_box([-0.017, -0.050, 0.010], [0.017, 0.050, 0.050], radius, DARK)
    rail = rounded_box([-0.013, -0.054, 0.045], [0.013, 0.054, 0.058], 0.003, BLACK)
    eye = spun([[-0.012, 0.016], [0.008, 0.016], [0.012, 0.012]], BLACK, "z", (0.03825, 0.012, 0.0), 18)
    lens = spun([[0.010, 0.008], [0.0135, 0.007]], GREY, "z", (0.03825, 0.012, 0.0), 14)
    parts = [adapter, body, rail, eye, lens]
    if twin:
        parts += [disc((0.018, y, 0.030), 0.005, 0.002, METAL, "x", 0.001, 8) for y in (-0.036, 0.036)]
    return join(parts)


def _finger() -> Mesh:
    """A cranked finger whose inner face lies at y = 0 when the gripper is closed; its tip is the tool's."""
    foot = rounded_box([-0.009, 0.011, 0.054], [0.009, 0.030, 0.072], 0.002, DARK)
    arm = loft(
        [
            [0.066, 0, 0.0205, 0.0080, 0.0065, 4.0],
            [0.090, 0, 0.0185, 0.0078, 0.0060, 4.0],
            [0.104, 0, 0.0085, 0.0078, 0.0055, 4.0],
            [0.134, 0, 0.0070, 0.0074, 0.0040, 4.0],
            [0.1385, 0, 0.0062, 0.0060, 0.0030, 4.0],
        ],
        METAL,
        "z",
        14,
        1,
    )
    pad = rounded_box([-0.0085, 0.0, 0.104], [0.0085, 0.004, 0.138775], 0.0015, BLACK)
    return join([foot, arm, pad])
