"""Draw the reference scenes of the rasteriser with `mujoco.Renderer`; needs OpenGL, for example Mesa's.

    MUJOCO_GL=egl python scripts/write_raster_reference.py

Every XML file of the folder is drawn from each of its cameras, and the pictures are written beside it as one NPZ file
with `<camera>/rgb`, `<camera>/depth` (units of 0.1 mm, 0 for nothing) and `<camera>/ids`. With `--arm`, the scene of
the bench is drawn too, in a few states.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from eyehand.cli.pairs.scene import CAMERA, reference_scene

FOLDER = Path(__file__).parents[1] / "tests" / "reference" / "raster"
SIZE_PX = 96
DEPTH_UNIT_M = 1e-4
ARM_STATES = 4
FARTHEST_M = 6.0  # 16 bits hold no more


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of the NPZ files")
    parser.add_argument("--arm", action="store_true", help="draw the scene of the bench, too")
    given = parser.parse_args()
    for path in sorted(FOLDER.glob("*.xml")):
        model = mujoco.MjModel.from_xml_path(str(path))
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        names = [model.camera(camera).name for camera in range(model.ncam)]
        write(given.output / f"{path.stem}.npz", {name: drawn(model, data, name) for name in names})
    if given.arm:
        write(given.output / "arm.npz", arm())


def arm() -> dict[str, dict[str, Any]]:
    """The scene of the bench, state by state."""
    scene = reference_scene(ARM_STATES)
    model, found = scene.model, {}
    model.vis.quality.offsamples = model.vis.quality.shadowsize = 0
    for state in range(ARM_STATES):
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        data.geom_xpos[:] = scene.poses.position_m[state]
        data.geom_xmat[:] = scene.poses.rotation[state].reshape(-1, 9)
        data.camera(CAMERA).xpos[:] = scene.cameras.T_world_camera[state, :3, 3]
        data.camera(CAMERA).xmat[:] = scene.camera_rotation()[state].reshape(9)
        found[str(state)] = drawn(model, data, CAMERA, scene.cameras.size[0])
    return found


def drawn(model: Any, data: Any, camera: str, size: int = SIZE_PX) -> dict[str, Any]:
    """Colour, depth and geom ids of one view."""
    with mujoco.Renderer(model, size, size) as renderer:
        renderer.update_scene(data, camera)
        rgb = renderer.render().copy()
        renderer.enable_depth_rendering()
        depth_m = renderer.render().copy()
        renderer.disable_depth_rendering()
        renderer.enable_segmentation_rendering()
        ids = renderer.render()[..., 0].astype(np.int16)
    depth_m[(ids < 0) | (depth_m > FARTHEST_M)] = 0.0
    return {"rgb": rgb, "depth": np.round(depth_m / DEPTH_UNIT_M).astype(np.uint16), "ids": ids}


def write(path: Path, views: dict[str, dict[str, Any]]) -> None:
    """Write the pictures of a scene."""
    arrays = {f"{view}/{name}": array for view, pictures in views.items() for name, array in pictures.items()}
    np.savez_compressed(path, allow_pickle=False, **arrays)
    print(f"{path}: {len(views)} views, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
