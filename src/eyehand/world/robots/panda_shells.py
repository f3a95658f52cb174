"""The covers of a Franka Emika Panda: white rounded tubes, forks at the pitch joints, dark gaps and a flat hand.

Shapes follow photographs, simplified. Every mesh is in its link's frame, parallel to the base with all angles at zero
(the hand's and the fingers' excepted, whose z axis points along the approach).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eyehand.world.meshes import Mesh, cable, join
from eyehand.world.robots.assembly import Paint
from eyehand.world.robots.robot import Shell
from eyehand.world.robots.shapes import disc, loft, rounded_box, spun

WHITE, GREY, DARK, METAL, BLUE = range(5)
PALETTE = (
    Paint("white", (0.92, 0.92, 0.91, 1.0), 0.45, 0.5),
    Paint("grey", (0.62, 0.64, 0.66, 1.0), 0.4, 0.4),
    Paint("dark", (0.16, 0.16, 0.17, 1.0), 0.25, 0.25),
    Paint("metal", (0.50, 0.51, 0.53, 1.0), 0.8, 0.7),
    Paint("blue", (0.12, 0.45, 0.85, 1.0), 0.2, 0.2),
)
_TUBE = 0.0575


def shells(shell: Shell) -> Mapping[str, Mesh]:
    """The visual mesh of each link."""
    twin = shell == "twin"
    return {
        "robot": _base(twin),
        "link1": _column(twin),
        "link2": _shoulder(twin),
        "link3": _upper_arm(twin),
        "link4": _elbow(twin),
        "link5": _forearm(twin),
        "link6": _wrist(twin),
        "link7": _flange(),
        "hand": _hand(twin),
        "left_finger": _finger(),
        "right_finger": _finger(),
    }


def _gap(height: float, x: float = 0.0) -> Mesh:
    """The dark gap at a roll joint."""
    return spun([[-0.0035, _TUBE - 0.004], [0.0035, _TUBE - 0.004]], DARK, "z", (x, 0.0, height))


def _base(twin: bool) -> Mesh:
    power = 4.5 if twin else 3.2
    rows = [[0.0, -0.040, 0, 0.108, 0.094, power], [0.008, -0.040, 0, 0.111, 0.097, power]]
    rows += [[0.034, -0.038, 0, 0.107, 0.092, power], [0.070, -0.022, 0, 0.086, 0.076, 2.8]]
    rows += [[0.105, -0.004, 0, 0.062, 0.061, 2.2], [0.1385, 0, 0, _TUBE, _TUBE, 2.0]]
    plug = rounded_box([-0.162, -0.045, 0.012], [-0.135, 0.045, 0.058], 0.006, DARK)
    lamp = disc((0.0, 0.0, 0.1345), _TUBE + 0.0018, 0.0028, BLUE, "z", 0.001)
    parts = [loft(rows, WHITE), plug, lamp, _gap(0.142)]
    if twin:
        parts += [
            disc([x, y, 0.030], 0.010, 0.012, METAL, "z", 0.002, 6) for x in (-0.115, 0.035) for y in (-0.06, 0.06)
        ]
        parts.append(
            cable(
                [[-0.16, 0.02, 0.035], [-0.26, 0.03, 0.05], [-0.25, -0.06, 0.0], [-0.36, -0.12, 0.012]], 0.009, DARK, 14
            )
        )
    return join(parts)


def _axle(radius: float, x: float = 0.0) -> list[Mesh]:
    """The inner drum of a pitch joint and the dark gaps at its sides."""
    body = disc((x, 0.0, 0.0), radius, 0.0445, WHITE, "y", 0.004)
    gaps = [
        spun([[y - 0.0035, radius - 0.006], [y + 0.0035, radius - 0.006]], DARK, "y", (x, 0.0, 0.0))
        for y in (-0.047, 0.047)
    ]
    return [body, *gaps]


def _cheeks(radius: float, twin: bool) -> list[Mesh]:
    """The round ends of a fork about a pitch joint, with their caps."""
    parts: list[Mesh] = []
    for side in (-1.0, 1.0):
        parts.append(disc((0.0, side * 0.062, 0.0), radius, 0.0125, WHITE, "y", 0.004 if twin else 0.010))
        parts.append(disc((0.0, side * 0.0745, 0.0), 0.6 * radius, 0.0025, GREY, "y", 0.002))
        if twin:
            parts += [
                disc(
                    (0.42 * radius * np.cos(a), side * 0.077, 0.42 * radius * np.sin(a)),
                    0.004,
                    0.0015,
                    METAL,
                    "y",
                    0.001,
                    6,
                )
                for a in np.arange(4) * np.pi / 2
            ]
    return parts


def _column(twin: bool) -> Mesh:
    power = 2.5 if twin else 2.0
    rows = [[-0.187, 0, 0, _TUBE, _TUBE, 2.0], [-0.12, 0, 0, _TUBE, _TUBE, 2.0], [-0.065, 0, 0, _TUBE, 0.054, power]]
    rows += [[-0.02, 0, 0, 0.058, 0.044, power]]
    return join([loft(rows, WHITE), *_axle(0.058)])


def _shoulder(twin: bool) -> Mesh:
    plates = [
        loft(
            [[-0.01, 0, y, 0.056, 0.012, 3.0], [0.04, 0, y, 0.055, 0.012, 3.0], [0.09, 0, 0.8 * y, 0.050, 0.012, 3.0]],
            WHITE,
        )
        for y in (-0.0615, 0.0615)
    ]
    rows = [[0.061, 0, 0, 0.046, 0.062, 3.0], [0.068, 0, 0, 0.054, 0.070, 2.8], [0.10, 0, 0, 0.058, 0.067, 2.4]]
    rows += [[0.150, 0, 0, _TUBE, _TUBE + 0.001, 2.0], [0.1915, 0, 0, _TUBE, _TUBE, 2.0]]
    parts = [loft(rows, WHITE), *plates, *_cheeks(0.058, twin), _gap(0.195)]
    if twin:
        parts.append(disc((0.0, 0.0, 0.165), _TUBE + 0.003, 0.007, GREY, "z", 0.002))
    return join(parts)


def _upper_arm(twin: bool) -> Mesh:
    power = 2.6 if twin else 2.1
    rows = [[-0.1175, 0, 0, _TUBE, _TUBE, 2.0], [-0.075, 0.002, 0, _TUBE, _TUBE, 2.0]]
    rows += [[-0.03, 0.010, 0, 0.059, 0.054, power], [0.002, 0.014, 0, 0.053, 0.047, power]]
    rows += [[0.019, 0.018, 0, 0.036, 0.034, power], [0.024, 0.020, 0, 0.012, 0.012, 2.0]]
    bridge = [
        [0.0, 0, -0.022, 0.040, 0.036, power],
        [0.04, 0, -0.016, 0.043, 0.038, power],
        [0.085, 0, -0.004, 0.043, 0.040, power],
    ]
    return join([loft(rows, WHITE), loft(bridge, WHITE, "x"), *_axle(0.055, 0.0825)])


def _elbow(twin: bool) -> Mesh:
    x, power = -0.0825, 2.6 if twin else 2.2
    rows = [
        [0.030, x, 0, 0.022, 0.03, 2.0],
        [0.036, x - 0.001, 0, 0.044, 0.048, power],
        [0.056, x, 0, 0.057, 0.060, power],
    ]
    rows += [[0.090, x, 0, 0.058, 0.058, 2.0], [0.1205, x, 0, _TUBE, _TUBE, 2.0]]
    plates = [
        loft(
            [
                [-0.110, y * 0.60, 0.060, 0.012, 0.020, 3.0],
                [-0.075, y * 0.85, 0.050, 0.013, 0.034, 3.0],
                [-0.035, y, 0.024, 0.012, 0.046, 3.0],
                [0.006, y, 0.0, 0.012, 0.052, 3.0],
            ],
            WHITE,
            "x",
        )
        for y in (-0.0615, 0.0615)
    ]
    parts = [loft(rows, WHITE), *plates, *_cheeks(0.055, twin), _gap(0.124, x)]
    if twin:
        parts.append(cable([[-0.12, 0.03, 0.05], [-0.17, 0.04, 0.08], [-0.15, 0.0, 0.12]], 0.006, DARK, 10))
    return join(parts)


def _forearm(twin: bool) -> Mesh:
    power = 3.0 if twin else 2.4
    rows = [[-0.2565, 0, 0, _TUBE, _TUBE, 2.0], [-0.20, 0, 0, 0.058, 0.058, 2.0], [-0.165, 0, 0.014, 0.055, 0.048, 2.2]]
    rows += [[-0.125, 0, 0.042, 0.049, 0.033, power], [-0.07, 0, 0.062, 0.047, 0.024, power]]
    rows += [
        [0.0, 0, 0.066, 0.050, 0.021, power],
        [0.036, 0, 0.066, 0.038, 0.019, power],
        [0.050, 0, 0.066, 0.012, 0.010, 2.0],
    ]
    cap = disc((0.0, 0.087, 0.0), 0.034, 0.003, GREY, "y", 0.002)
    axle = spun([[0.038, 0.043], [0.050, 0.043]], DARK, "y")
    parts = [loft(rows, WHITE), cap, axle]
    if twin:
        parts.append(
            cable([[0.0, 0.04, -0.20], [0.0, 0.115, -0.17], [0.0, 0.11, -0.08], [0.0, 0.085, -0.04]], 0.006, DARK, 12)
        )
    return join(parts)


def _wrist(twin: bool) -> Mesh:
    power = 3.2 if twin else 2.5
    rows = [
        [-0.053, 0, -0.004, 0.010, 0.010, 2.0],
        [-0.048, 0, -0.004, 0.028, 0.034, power],
        [-0.03, 0, -0.004, 0.040, 0.047, power],
    ]
    rows += [
        [0.0, 0, -0.004, 0.0445, 0.050, power],
        [0.05, 0, 0, 0.046, 0.049, power],
        [0.088, 0, 0, 0.048, 0.049, power],
    ]
    rows += [[0.118, 0, 0, 0.040, 0.042, power], [0.134, 0, 0, 0.024, 0.026, power], [0.138, 0, 0, 0.008, 0.008, 2.0]]
    hub = disc((0.0, -0.004, 0.0), 0.046, 0.044, WHITE, "y", 0.012)
    lid = disc((0.088, 0.0, 0.049), 0.034, 0.005, GREY, "z", 0.003)
    cap = disc((0.0, -0.048, 0.0), 0.026, 0.003, GREY, "y", 0.002)
    neck = spun([[-0.056, 0.0405], [-0.040, 0.0405]], DARK, "z", (0.088, 0.0, 0.0))
    return join([loft(rows, WHITE, "x"), hub, lid, cap, neck])


def _flange() -> Mesh:
    body = spun([[-0.100, 0.042], [-0.095, 0.0445], [-0.062, 0.0445], [-0.057, 0.042]], WHITE)
    face = spun([[-0.107, 0.0315], [-0.098, 0.0315]], METAL)
    handle = rounded_box([0.015, -0.022, -0.099], [0.083, 0.022, -0.064], 0.014, WHITE)
    diagonal = np.array([[np.cos(a := np.pi / 4), -np.sin(a), 0.0], [np.sin(a), np.cos(a), 0.0], [0.0, 0.0, 1.0]])
    button = disc((0.072, 0.0, -0.063), 0.008, 0.003, BLUE, "z", 0.001, 12)
    return join([body, face, join([handle, button]).moved(diagonal, [0.0, 0.0, 0.0])])


def _hand(twin: bool) -> Mesh:
    radius = 0.006 if twin else 0.014
    plate = spun([[0.0, 0.032], [0.006, 0.032]], METAL)
    body = rounded_box([-0.030, -0.1015, 0.005], [0.030, 0.1015, 0.052], radius, WHITE)
    rail = rounded_box([-0.023, -0.099, 0.046], [0.023, 0.099, 0.0655], 0.004, DARK)
    parts = [plate, body, rail]
    if twin:
        parts += [disc((0.031, y, 0.028), 0.006, 0.002, METAL, "x", 0.001, 8) for y in (-0.08, 0.08)]
        parts.append(rounded_box([0.028, -0.03, 0.012], [0.036, 0.03, 0.042], 0.003, GREY))
    return join(parts)


def _finger() -> Mesh:
    """A finger whose inner face lies at y = 0 when the hand is closed; its tip reaches z = 53.6 mm."""
    foot = rounded_box([-0.0105, 0.002, -0.004], [0.0105, 0.0235, 0.020], 0.003, METAL)
    blade = loft(
        [
            [0.012, 0, 0.013, 0.0095, 0.0095, 4.0],
            [0.024, 0, 0.0105, 0.0095, 0.0075, 4.0],
            [0.036, 0, 0.009, 0.0088, 0.0070, 4.0],
            [0.050, 0, 0.0078, 0.0085, 0.0062, 4.0],
            [0.053, 0, 0.0072, 0.0070, 0.0050, 4.0],
        ],
        GREY,
        "z",
        16,
        1,
    )
    pad = rounded_box([-0.0085, 0.0, 0.036], [0.0085, 0.0045, 0.0536], 0.0015, DARK)
    return join([foot, blade, pad])
