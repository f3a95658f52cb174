"""Check the contact of `sphere_grasp` in another engine: PyBullet beside MuJoCo, in sim and at the ends of the twin.

A sphere is shoved and rolls to rest; two pads close about it, a little off its middle, and lift it. Needs PyBullet,
which nothing else here needs: `pip install -r bench/raster_tiny/requirements.txt` into an environment of its own, or
beside this package. The table of docs/twin-sphere-grasp.md comes from `--json`, kept in `results/contact/`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pybullet as bullet
import tyro

from eyehand.tasks.sphere_grasp import LIFTED_M, SphereGrasp
from eyehand.types import Decision
from eyehand.world.domain import Domain, bounds
from eyehand.world.domain_files import load_domain
from eyehand.world.grasping import Phase
from eyehand.world.objects.look_alikes import SPHERE_RADIUS_M, yellow_sphere
from eyehand.world.simulation import SimulatedWorld

SHOVE_M_S, ROLL_S = 0.1, 4.0
ROLLING_M = 1e-4  # nominal friction of rolling, as `eyehand.world.physics.slots` gives it to every object
OFFSETS_M = (0.0, 0.004, 0.006, 0.008, 0.010)  # of the closing pads along their width
PAD_HALF_M = (0.008, 0.0055, 0.0205)  # of the electric gripper's finger tips
SQUEEZE_N = 6.9  # of the gripper's servo about the sphere
CLEAR_M = 0.0002  # of the pads' ends above the table, on which the machine's fingers come to rest
_STEP_S = 1.0 / 1000.0


@dataclass(frozen=True)
class Options:
    """How to tell what was found."""

    json: bool = False


@dataclass(frozen=True)
class Found:
    """One engine's behaviour for one set of numbers."""

    engine: str
    rolling_scale: float
    friction_scale: float
    rolled_mm: float
    lifted: list[bool]


def main(options: Options) -> int:
    """Print what both engines do, and fail where one lifts a centred sphere and the other does not."""
    sim, twin = load_domain("sim", "sphere_grasp"), load_domain("twin", "sphere_grasp")
    rolling, friction = bounds(twin.dynamics.rolling_scale), bounds(twin.dynamics.friction_scale)
    found: list[Found] = []
    for scales in ((1.0, 1.0), (rolling[0], friction[0]), (rolling[1], friction[1])):
        dynamics = replace(sim.dynamics, rolling_scale=scales[0], friction_scale=scales[1])
        found += [in_mujoco(replace(sim, dynamics=dynamics), *scales), in_pybullet(*scales)]
    if options.json:
        rows = [{**vars(one), "rolled_mm": round(one.rolled_mm, 2)} for one in found]
        offsets = [1000 * offset for offset in OFFSETS_M]
        told = {"task": "sphere_grasp", "twin_digest": twin.digest(), "offsets_mm": offsets, "found": rows}
        print(json.dumps(told, indent=1))
    else:
        print(f"rolled: after a shove of {SHOVE_M_S} m/s; lifted: closed at {[1000 * o for o in OFFSETS_M]} mm off")
        for one in found:
            scales = f"rolling x {one.rolling_scale:<4g} friction x {one.friction_scale:<4g}"
            print(f"{one.engine:9} {scales} rolled {one.rolled_mm:5.1f} mm, lifted {one.lifted}")
    return int(not all(one.lifted[0] for one in found))


def in_mujoco(domain: Domain, rolling_scale: float, friction_scale: float) -> Found:
    """Roll and lift in the task's own scene."""
    world = SimulatedWorld(SphereGrasp(), domain, frozenset({"privileged"}))
    world.reset(np.zeros(1, np.int64))
    scene, now = world.task.scene, world.now
    velocity = np.array([[SHOVE_M_S, 0.0, 0.0]])
    shoved = scene.shoved(now.state.physics, 0, velocity, np.ones(1, bool))
    world.restore(replace(now, state=replace(now.state, physics=shoved)))
    still = Decision(np.zeros(1, np.int64), np.array([[*[0.0] * 7, 1.0]]))
    for _ in range(round(ROLL_S / world.task.dt_s)):
        world.step(still)
    rolled_m = float(np.linalg.norm(world.privileged().sphere_m[0] - now.state.sphere_m[0]))
    lifted = [_lifts_in_mujoco(domain, offset) for offset in OFFSETS_M]
    return Found("mujoco", rolling_scale, friction_scale, 1000 * rolled_m, lifted)


def _lifts_in_mujoco(domain: Domain, offset_m: float) -> bool:
    """Let the expert try once to grasp a sphere that it believes to be somewhere else along the fingers' width."""
    world = SimulatedWorld(SphereGrasp(), domain, frozenset({"privileged", "previous_action"}))
    obs, memory = world.reset(np.zeros(1, np.int64)), None
    expert, believed, closed = world.expert(), np.array([offset_m, 0.0, 0.0]), False
    for _ in range(world.task.horizon):
        state = world.privileged()
        wish = expert.label(replace(state, sphere_m=state.sphere_m + believed), obs.sent, memory)
        memory, obs, stage = wish.memory, world.step(wish).obs, int(wish.aux["stage"][0])
        closed |= stage == Phase.CLOSE
        if closed and stage < Phase.CLOSE:
            return False
        if world.verdict().success.all():
            return True
    return False


def in_pybullet(rolling_scale: float, friction_scale: float) -> Found:
    """Roll and lift with two pads on springs."""
    sphere = yellow_sphere("train")
    numbers = {
        "lateralFriction": sphere.friction * friction_scale,
        "rollingFriction": ROLLING_M * rolling_scale,
        "spinningFriction": 0.0,
        "linearDamping": 0.0,
        "angularDamping": 0.0,
    }
    lifted = [_lifts_in_pybullet(numbers, sphere.mass_kg, offset) for offset in OFFSETS_M]
    ball = _bullet_scene(numbers, sphere.mass_kg)
    bullet.resetBaseVelocity(ball, [SHOVE_M_S, 0.0, 0.0])
    for _ in range(round(ROLL_S / _STEP_S)):
        bullet.stepSimulation()
    rolled_m = float(np.linalg.norm(bullet.getBasePositionAndOrientation(ball)[0][:2]))
    bullet.disconnect()
    return Found("pybullet", rolling_scale, friction_scale, 1000 * rolled_m, lifted)


def _bullet_scene(numbers: dict[str, float], mass_kg: float) -> int:
    """A sphere on a plane; contacts take the sphere's friction, as the task's do."""
    bullet.connect(bullet.DIRECT)
    bullet.setGravity(0.0, 0.0, -9.81)
    bullet.setTimeStep(_STEP_S)
    bullet.setPhysicsEngineParameter(numSolverIterations=200)
    table = bullet.createMultiBody(0.0, bullet.createCollisionShape(bullet.GEOM_PLANE))
    bullet.changeDynamics(table, -1, lateralFriction=1.0, rollingFriction=0.0)
    shape = bullet.createCollisionShape(bullet.GEOM_SPHERE, radius=SPHERE_RADIUS_M)
    ball = bullet.createMultiBody(mass_kg, shape, basePosition=[0.0, 0.0, SPHERE_RADIUS_M])
    bullet.changeDynamics(ball, -1, **numbers)
    return ball


def _lifts_in_pybullet(numbers: dict[str, float], mass_kg: float, offset_m: float) -> bool:
    """Close two pads about the sphere with the gripper's force, then raise them at 0.1 m/s."""
    ball = _bullet_scene(numbers, mass_kg)
    shape = bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=PAD_HALF_M)
    height_m = CLEAR_M + PAD_HALF_M[2]
    pads: list[tuple[int, int, int]] = []
    for side in (-1, 1):
        pad = bullet.createMultiBody(0.03, shape, basePosition=[offset_m, side * 0.022, height_m])
        bullet.changeDynamics(pad, -1, lateralFriction=1.0, rollingFriction=0.0, spinningFriction=0.0)
        hold = bullet.createConstraint(pad, -1, -1, -1, bullet.JOINT_FIXED, [0, 0, 0], [0, 0, 0], [0, 0, 0])
        pads.append((side, pad, hold))
    for step in range(round(2.0 / _STEP_S)):
        time_s = step * _STEP_S
        gap_m = max(0.022 - 0.05 * time_s, SPHERE_RADIUS_M + PAD_HALF_M[1] - 0.002)
        rise_m = 0.1 * max(0.0, time_s - 1.2)
        for side, _, hold in pads:
            bullet.changeConstraint(hold, [offset_m, side * gap_m, height_m + rise_m], maxForce=SQUEEZE_N)
        bullet.stepSimulation()
    lifted = bullet.getBasePositionAndOrientation(ball)[0][2] > SPHERE_RADIUS_M + LIFTED_M
    bullet.disconnect()
    return bool(lifted)


if __name__ == "__main__":
    raise SystemExit(main(tyro.cli(Options)))
