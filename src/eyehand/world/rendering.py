"""What every renderer of three-dimensional scenes takes and gives: poses, cameras, looks, and finished pictures.

A scene is an `mujoco.MjModel` of G geoms; what differs between the B simulations of a batch is handed over as arrays
with leading dimension B. The rasteriser (`eyehand.world.raster`) and the path tracer (`eyehand.world.pathtrace`) take
the same arrays, so a task composes its scene once and a domain picks who draws it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyehand.types import Flags, Floats, Floats32, Images

NOTHING = -1  # the geom id of a pixel that shows no geom, and the mesh, texture or photograph id of "none"


@dataclass(frozen=True)
class Poses:
    """Where the geoms of B simulations are.

    Attributes:
        position_m: (B, G, 3) origin of every geom's frame in the world, as `MjData.geom_xpos`.
        rotation: (B, G, 3, 3) geom to world, as `MjData.geom_xmat`.
    """

    position_m: Floats
    rotation: Floats


@dataclass(frozen=True)
class Cameras:
    """One camera in each of B simulations, OpenCV axes, pixel centres at whole numbers.

    Attributes:
        K: (B, 3, 3) intrinsics in pixels: u = fx X / Z + cx, v = fy Y / Z + cy; the principal point of a centred
            camera is ((W - 1) / 2, (H - 1) / 2).
        T_world_camera: (B, 4, 4) camera to world.
        size: (height, width) in pixels.
        near_m: nothing nearer than this along the optical axis is drawn.
    """

    K: Floats
    T_world_camera: Floats
    size: tuple[int, int]
    near_m: float = 0.01


@dataclass(frozen=True)
class Lights:
    """The lights of B simulations: L lamps or suns each, and light from everywhere.

    Attributes:
        position_m: (B, L, 3) in the world; a lamp's place, unused by a sun.
        direction: (B, L, 3) unit vectors along which the light travels.
        directional: (B, L) True for a sun (parallel rays), False for a lamp.
        diffuse: (B, L, 3) RGB strength; 1 makes a white surface that faces it white.
        specular: (B, L, 3) RGB strength of highlights.
        ambient: (B, 3) RGB light from everywhere.
        headlight: (B, 3) RGB strength of a sun that shines along the camera's axis; zeros for none.
        radius_m: (B, L) of lamps, for renderers with soft shadows; None for the renderer's own.
    """

    position_m: Floats
    direction: Floats
    directional: Flags
    diffuse: Floats
    specular: Floats
    ambient: Floats
    headlight: Floats
    radius_m: Floats | None = None


@dataclass(frozen=True)
class Look:
    """How the geoms of B simulations look, where that differs from the model; None leaves the model's own.

    Attributes:
        rgba: (B, G, 4) colours in [0, 1]; a geom with alpha 0 is not drawn, partly transparent ones count as opaque.
        mesh: (B, G) mesh of the model that a mesh geom shows; -1 hides the geom.
        size: (B, G, 3) sizes of primitive geoms, metres, as `MjModel.geom_size`.
        texture: (B, G) row of the renderer's textures; -1 for none.
        texture_repeat: (B, G, 2) how often a texture repeats, as `MjModel.mat_texrepeat`.
        specular: (B, G) strength of highlights in [0, 1], as `MjModel.mat_specular`.
        shininess: (B, G) sharpness of highlights in [0, 1], as `MjModel.mat_shininess`.
        lights: the lights; None for the model's own.
        background: (B,) row of the renderer's photographs behind everything; -1 for plain `background_rgb`.
        background_rgb: (B, 3) colour in [0, 1] where no geom and no photograph is.
    """

    rgba: Floats32 | None = None
    mesh: NDArray[np.int32] | None = None
    size: Floats | None = None
    texture: NDArray[np.int32] | None = None
    texture_repeat: Floats32 | None = None
    specular: Floats32 | None = None
    shininess: Floats32 | None = None
    lights: Lights | None = None
    background: NDArray[np.int32] | None = None
    background_rgb: Floats32 | None = None


@dataclass(frozen=True)
class Rendering:
    """One picture of each of B simulations, row 0 on top.

    Attributes:
        rgb: (B, H, W, 3) uint8.
        depth_m: (B, H, W) float32 along the optical axis; infinite where no geom is.
        ids: (B, H, W) int32 geom ids; -1 where no geom is.
    """

    rgb: Images
    depth_m: Floats32
    ids: NDArray[np.int32]
