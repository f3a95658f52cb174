# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""The scene that renderers are compared on: an iiwa 14, a table and four finely meshed things, seen from all around.

The things are finer than those of the tasks, because the yardstick is a scene of 45 to 50 thousand triangles.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from eyehand.types import Floats, Integers
from eyehand.world import counter
from eyehand.world.objects.solids import ellipsoid, spline, tube, turned, vessel
from eyehand.world.objects.surface import Shape, join
from eyehand.world.rendering import Cameras, Poses
from eyehand.world.robots.loading import load_robot

CAMERA = "view"
SIZE_PX = (128, 128)
FOVY_DEG = 45.0
TRIANGLES = 47_500  # about
DRAWN_GROUPS = 3  # geoms of groups 0, 1 and 2 are drawn
SUN = (0.4, -0.3, -0.87)  # along which its light travels
SUN_DIFFUSE, AMBIENT = 0.6, 0.35
_TARGET_M = np.array([0.45, 0.0, 0.2])  # what the cameras look at
_PLACES_M = ((0.45, -0.35), (0.72, -0.15), (0.72, 0.18), (0.42, 0.38))
_SPREAD_M, _SPREAD_RAD = 0.1, 0.5
_FLIP = np.diag([1.0, -1.0, -1.0])  # between the camera axes of OpenCV and of MuJoCo


@dataclass(frozen=True)
class Scene:
    """A model and N states of it, each seen from a place of its own.

    Attributes:
        model: the compiled `mujoco.MjModel`.
        poses: of its geoms.
        cameras: one view of every state.
        drawn: geoms that renderers draw.
        triangles: how many they have together.
    """

    model: mujoco.MjModel
    poses: Poses
    cameras: Cameras
    drawn: Integers
    triangles: int

    def camera_rotation(self) -> Floats:
        """(N, 3, 3) rotations of the views in MuJoCo's camera axes: x right, y up, z backward."""
        return self.cameras.T_world_camera[:, :3, :3] @ _FLIP


def reference_scene(count: int) -> Scene:
    """The scene in `count` states, always the same ones."""
    seeds = np.arange(count)
    model = _model()
    drawn = np.flatnonzero(model.geom_group < DRAWN_GROUPS)
    meshes = model.geom_dataid[drawn]
    triangles = int(np.where(meshes >= 0, model.mesh_facenum[np.maximum(meshes, 0)], 12).sum())
    return Scene(model, _poses(model, seeds), _cameras(model, seeds), drawn, triangles)


def _model() -> mujoco.MjModel:
    robot = load_robot("iiwa14")
    share = (TRIANGLES - robot.model().nmeshface - 12) / 4  # what the arm and the table leave to each thing
    spec = robot.spec()
    world = spec.worldbody
    world.add_geom(
        name="table", type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.65, 0.75, 0.02], pos=[0.45, 0.0, -0.02],
        rgba=[0.62, 0.47, 0.33, 1.0], group=2, contype=0, conaffinity=0,
    )  # fmt: skip
    world.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, dir=list(SUN), diffuse=[SUN_DIFFUSE] * 3, ambient=[0.0] * 3,
        specular=[0.3] * 3, castshadow=False,
    )  # fmt: skip
    world.add_camera(name=CAMERA, fovy=FOVY_DEG)
    for k, (shape, rgba) in enumerate(_things(share)):
        asset = spec.add_mesh(name=f"thing{k}", inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
        asset.uservert, asset.userface = shape.vertices.reshape(-1).tolist(), shape.faces.reshape(-1).tolist()
        body = world.add_body(name=f"object{k}", mocap=True)
        body.add_geom(
            name=f"object{k}", type=mujoco.mjtGeom.mjGEOM_MESH, meshname=asset.name, rgba=list(rgba), group=2,
            contype=0, conaffinity=0,
        )  # fmt: skip
    spec.visual.headlight.ambient[:] = AMBIENT
    spec.visual.headlight.diffuse[:] = 0.0
    spec.visual.headlight.specular[:] = 0.0
    return spec.compile()


def _things(triangles: float) -> list[tuple[Shape, tuple[float, float, float, float]]]:
    """A mug, a bowl, a bottle and a ball of about so many triangles each, standing on z = 0."""
    rise = np.linspace(0.0, 1.0, 24)[:, None]
    bend = np.linspace(-0.5, 0.5, 32)[:, None] * np.pi
    path = np.concatenate([0.04 + 0.032 * np.cos(bend), 0.0 * bend, 0.05 + 0.03 * np.sin(bend)], axis=1)
    handle = tube(path, 0.005, 16)
    mug = vessel(np.concatenate([0.042 + 0.0 * rise, 0.1 * rise], axis=1), 0.004, 0.006).profile
    bowl = vessel(np.concatenate([0.035 + 0.05 * np.sin(1.5 * rise), 0.06 * rise**1.5], axis=1), 0.003, 0.005).profile
    side = spline([[0.034, 0.0], [0.037, 0.06], [0.036, 0.13], [0.015, 0.18], [0.013, 0.23]], 9)
    bottle = np.concatenate([[[0.0, 0.0]], side, [[0.0, 0.23]]])
    ball = ellipsoid(0.045, 2 * round(0.5 * triangles**0.5)).moved([0.0, 0.0, 0.045])
    return [
        (join([_turned(mug, triangles - len(handle.faces)), handle]), (0.16, 0.35, 0.68, 1.0)),
        (_turned(bowl, triangles), (0.86, 0.84, 0.78, 1.0)),
        (_turned(bottle, triangles), (0.18, 0.50, 0.27, 1.0)),
        (ball, (0.80, 0.22, 0.15, 1.0)),
    ]


def _turned(profile_m: Floats, triangles: float) -> Shape:
    return turned(profile_m, round(0.5 * triangles / (len(profile_m) - 1)))


def _poses(model: mujoco.MjModel, seeds: Integers) -> Poses:
    robot = load_robot("iiwa14")
    joints = [model.joint(name).qposadr[0] for name in robot.joints]
    data = mujoco.MjData(model)
    position, rotation = np.empty((len(seeds), model.ngeom, 3)), np.empty((len(seeds), model.ngeom, 3, 3))
    for row, seed in enumerate(seeds):
        data.qpos[joints] = robot.home_rad + _SPREAD_RAD * _spread(seed, "q", len(joints))
        shift = _SPREAD_M * _spread(seed, "object", 2 * len(_PLACES_M)).reshape(-1, 2)
        data.mocap_pos[:, :2] = np.array(_PLACES_M) + shift
        turn = 0.5 * np.pi * _spread(seed, "yaw", len(_PLACES_M))
        data.mocap_quat[:] = np.stack([np.cos(turn), 0 * turn, 0 * turn, np.sin(turn)], axis=1)
        mujoco.mj_kinematics(model, data)
        position[row], rotation[row] = data.geom_xpos, data.geom_xmat.reshape(-1, 3, 3)
    return Poses(position, rotation)


def _cameras(model: mujoco.MjModel, seeds: Integers) -> Cameras:
    """Views from a dome around the table, with MuJoCo's focal length and near plane."""
    height, width = SIZE_PX
    focal = 0.5 * height / np.tan(0.5 * np.radians(FOVY_DEG))
    K = np.array([[focal, 0.0, 0.5 * (width - 1)], [0.0, focal, 0.5 * (height - 1)], [0.0, 0.0, 1.0]])
    azimuth = np.pi * (2.0 * counter.uniform(seeds, "bench/azimuth") - 1.0)
    elevation = np.radians(20.0 + 45.0 * counter.uniform(seeds, "bench/elevation"))
    distance = 1.2 + 0.5 * counter.uniform(seeds, "bench/distance")
    flat = np.cos(elevation)
    away = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=1)
    right = np.stack([-np.sin(azimuth), np.cos(azimuth), 0 * azimuth], axis=1)
    T = np.tile(np.eye(4), (len(seeds), 1, 1))
    T[:, :3, :3] = np.stack([right, np.cross(-away, right), -away], axis=2)
    T[:, :3, 3] = _TARGET_M + distance[:, None] * away
    near = float(model.vis.map.znear * model.stat.extent)
    return Cameras(np.tile(K, (len(seeds), 1, 1)), T, SIZE_PX, near)


def _spread(seed: int, name: str, count: int) -> Floats:
    """Numbers (count,) uniform in [-1, 1)."""
    return 2.0 * counter.uniform(seed, f"bench/{name}", index=np.arange(count)) - 1.0
