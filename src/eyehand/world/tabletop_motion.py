"""How an arm on a table answers commands: exactly, or through servos, inertia and contact.

A command says what happens in one control step: a displacement (B, 3) of the tool in the robot's frame, in metres,
turned into joint angles by differential inverse kinematics within the robot's limits, the tool kept upright; or steps
of the joints (B, J) in radians and the width of the gripper.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol, TypeVar, final

import numpy as np

from eyehand.types import Array, Flags, Floats, Integers, Memory
from eyehand.world import counter
from eyehand.world.domain import Domain
from eyehand.world.physics.engine import Engine
from eyehand.world.reaching import differential_ik, limited_step
from eyehand.world.sensing import lateness
from eyehand.world.tabletop import Tabletop

PIECES = 5  # into which a control step is cut: the tool moves straight through each
LONGEST_DELAY = 4  # control steps
LEASH_RAD = 0.1  # ours: what the servos' torque limits leave of a larger lead is nothing
FINGERS_M_S = 0.1  # ours: closing takes almost half a second
_UPRIGHT = np.array([0.0, 0.0, -1.0])  # the tool's z axis in the robot's frame


class OnTable(Protocol):
    """What motion reads and writes of a task's state."""

    @property
    def physics(self) -> Floats:
        """(B, n) physics rows."""
        ...

    @property
    def seen(self) -> Floats:
        """(B, n) physics rows at the time that the latest frame shows."""
        ...

    @property
    def held(self) -> Integers:
        """(B, K) object of every slot."""
        ...

    @property
    def diverged(self) -> Flags:
        """(B,) the physics of this row failed."""
        ...


T = TypeVar("T", bound=OnTable)


@final
class KinematicTool:
    """Every command is carried out in full, as far as the joints reach; objects stay where they are."""

    def __init__(self, scene: Tabletop, dt_s: float) -> None:
        """Take the scene and the length of a control step in seconds."""
        self._scene, self._dt_s = scene, dt_s

    def start(self, state: OnTable, seeds: Integers) -> Memory:
        """No hidden state."""
        del state, seeds

    def advance(self, state: T, hidden: Memory, command: Floats, seeds: Integers, step: Integers) -> tuple[T, Memory]:
        """Move the joints."""
        del seeds, step
        scene, physics = self._scene, state.physics
        path = joint_path(scene, scene.joints(physics), command, self._dt_s, None)
        physics = scene.posed(physics, path[:, -1])
        return _changed(state, physics=physics, seen=physics), hidden


class Steering(Protocol):
    """How commands (B, D) become actuator commands."""

    @property
    def moving(self) -> int:
        """How many of the D numbers, the first ones, are lengths of motion, which a domain's gain shortens."""
        ...

    @property
    def rest(self) -> tuple[float, ...]:
        """(D,) the command that leaves an arm at the start of an episode as it is."""
        ...

    def path(self, states: Floats, command: Floats, dt_s: float, velocity: Floats, pieces: int) -> Floats:
        """Actuator commands (B, C, m) for C equal parts of a control step.

        Args:
            states: (B, n) physics rows.
            command: (B, D).
            dt_s: length of the control step.
            velocity: (B, J) joint velocities commanded last.
            pieces: C.
        """
        ...


@final
class ToolSteering:
    """Displacements of the tool."""

    moving, rest = 3, (0.0, 0.0, 0.0)

    def __init__(self, scene: Tabletop) -> None:
        """Take the scene."""
        self._scene = scene

    def path(self, states: Floats, command: Floats, dt_s: float, velocity: Floats, pieces: int) -> Floats:
        """Along a straight way of the tool."""
        scene = self._scene
        start = scene.controls(states)
        path = joint_path(scene, scene.joint_commands(start), command, dt_s, velocity, pieces)
        return np.stack([scene.with_joint_commands(start, path[:, i]) for i in range(pieces)], axis=1)


@final
class JointSteering:
    """Steps of the joints, and as the last number the gripper's width from -1 (closed) to 1 (open).

    What is commanded never runs further ahead of the joints than `LEASH_RAD`, so that an arm that pushes against the
    table does not wind up, and the fingers open and close no faster than `FINGERS_M_S` allows.
    """

    def __init__(self, scene: Tabletop) -> None:
        """Take the scene."""
        self._scene, self.moving = scene, len(scene.robot.joints)
        self.rest = (*(0.0,) * self.moving, 1.0)

    def path(self, states: Floats, command: Floats, dt_s: float, velocity: Floats, pieces: int) -> Floats:
        """Evenly in joint space, as far as the limits allow."""
        scene, limits, piece_s = self._scene, self._scene.robot.limits, dt_s / pieces
        controls, measured = scene.controls(states), scene.joints(states)
        q_rad, width_m = scene.joint_commands(controls), scene.commanded_width_m(controls)
        goal, gripper = q_rad + command[:, : self.moving], scene.hand.gripper
        wanted_m = gripper.closed_m + 0.5 * (command[:, -1] + 1.0) * (gripper.open_m - gripper.closed_m)
        out = np.empty((len(states), pieces, controls.shape[1]))
        for i in range(pieces):
            step = limited_step(q_rad, (goal - q_rad) / (pieces - i), piece_s, limits, velocity)
            after = np.clip(q_rad + step, measured - LEASH_RAD, measured + LEASH_RAD)
            q_rad, velocity = after, (after - q_rad) / piece_s
            width_m = width_m + np.clip(wanted_m - width_m, -FINGERS_M_S * piece_s, FINGERS_M_S * piece_s)
            out[:, i] = scene.with_width(scene.with_joint_commands(controls, q_rad), width_m)
        return out


@final
class MujocoArm:
    """Position servos, inertia, friction and contact, with the dynamics and timing of a domain.

    Hidden state: the last commands (B, LONGEST_DELAY, D), the joint velocities commanded last (B, J), and the joint
    angles on the far side of the backlash (B, J).
    """

    def __init__(
        self, scene: Tabletop, domain: Domain, dt_s: float, substeps: int, steering: Steering | None = None
    ) -> None:
        """Take the scene and the domain.

        Args:
            scene: the scene.
            domain: whose dynamics and timing are used.
            dt_s: length of a control step in seconds.
            substeps: physics steps in it.
            steering: what commands mean; None for displacements of the tool.
        """
        self._scene, self._domain, self._dt_s = scene, domain, dt_s
        self._steering: Steering = steering or ToolSteering(scene)
        self._pieces = PIECES if substeps % PIECES == 0 else 1
        self._substeps = substeps // self._pieces
        self._engine = Engine(scene.model)  # of its own: masses and gains of the domain stay in it
        self._memo: tuple[bytes, dict[str, Array]] | None = None

    def start(self, state: OnTable, seeds: Integers) -> Memory:
        """Nothing commanded yet."""
        q_rad, rest = self._scene.joints(state.physics), np.array(self._steering.rest)
        return (np.tile(rest, (len(seeds), LONGEST_DELAY, 1)), np.zeros_like(q_rad), q_rad.copy())

    def advance(self, state: T, hidden: Memory, command: Floats, seeds: Integers, step: Integers) -> tuple[T, Memory]:
        """Step the physics under the command that arrives now."""
        scene, (queue, velocity, geared) = self._scene, hidden
        queue = np.concatenate([command[:, None], queue[:, :-1]], axis=1)
        arriving = queue[np.arange(len(seeds)), self._delay(seeds, step)]
        arriving[:, : self._steering.moving] *= self._domain.numbers("dynamics.step_gain", seeds)[:, None]
        start = scene.controls(state.physics)
        controls = self._steering.path(state.physics, arriving, self._dt_s, velocity, self._pieces)  # (B, C, m)
        path = controls[..., scene.servos]
        last = path[:, -2] if self._pieces > 1 else scene.joint_commands(start)
        velocity = (path[:, -1] - last) * (self._pieces / self._dt_s)
        geared = self._through_backlash(path, geared, seeds)
        controls[..., scene.servos] = path
        pushed = self._pushed(state.physics, seeds, step)
        physics, seen, failed = self._advanced(pushed, state.held, controls, seeds)
        seen = np.where(lateness.dropped(self._domain, seeds, step + 1)[:, None], state.seen, seen)
        return _changed(state, physics=physics, seen=seen, diverged=state.diverged | failed), (queue, velocity, geared)

    def _pushed(self, physics: Floats, seeds: Integers, step: Integers) -> Floats:
        """Physics rows with the disturbance of this step as a force on the hand."""
        share = self._domain.numbers("dynamics.push_share", seeds)
        now = counter.uniform(seeds, "motion/push", step) < share
        force_n = np.where(now, self._domain.numbers("dynamics.push_n", seeds), 0.0)
        angle = 2 * np.pi * counter.uniform(seeds, "motion/push_angle", step)
        out = physics.copy()
        forces = self._engine.part(out, "xfrc_applied").reshape(len(seeds), -1, 6)
        forces[:] = 0.0
        forces[:, self._scene.hand_body, :2] = force_n[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        self._engine.part(out, "xfrc_applied")[:] = forces.reshape(len(seeds), -1)
        return out

    def _advanced(
        self, start: Floats, held: Integers, controls: Floats, seeds: Integers
    ) -> tuple[Floats, Floats, Flags]:
        """Physics rows after the commands (B, C, m), those that the frame shows by then, and which rows failed."""
        engine, fields = self._engine, self._fields(held, seeds)
        age = self._domain.numbers("timing.latency_s", seeds) * (self._pieces / self._dt_s)
        shown = self._pieces - np.clip(np.rint(age), 0, self._pieces).astype(np.int64)  # pieces that the frame shows
        if (shown == self._pieces).all():
            physics, failed = engine.advance(start, controls, self._substeps, fields)
            physics = np.where(failed[:, None], start, physics)
            return physics, physics, failed
        physics, seen, failed = start, start, np.zeros(len(seeds), bool)
        for i in range(self._pieces):
            moved, broke = engine.advance(physics, controls[:, i : i + 1], self._substeps, fields)
            physics, failed = np.where(broke[:, None], physics, moved), failed | broke
            seen = np.where((shown == i + 1)[:, None], physics, seen)
        return physics, seen, failed

    def _delay(self, seeds: Integers, step: Integers) -> Integers:
        """Control steps by which the command that arrives now is late, (B,)."""
        return np.minimum(lateness.command_delay(self._domain, seeds, step), LONGEST_DELAY - 1)

    def _through_backlash(self, path: Floats, geared: Floats, seeds: Integers) -> Floats:
        """Let the play of the gears take up motion: changes `path` (B, C, J) in place, returns its last entry."""
        half = 0.5 * self._domain.numbers("dynamics.backlash_rad", seeds)[:, None]
        for i in range(path.shape[1]):
            geared = path[:, i] = np.clip(geared, path[:, i] - half, path[:, i] + half)
        return geared.copy()

    def _fields(self, held: Integers, seeds: Integers) -> dict[str, Array]:
        """Model fields with the domain's dynamics in them."""
        key = held.tobytes() + seeds.tobytes()
        if self._memo is None or self._memo[0] != key:
            self._memo = (key, with_dynamics(self._scene, self._scene.fields(held), self._domain, seeds))
        return self._memo[1]


def joint_path(
    scene: Tabletop, q_rad: Floats, displacement_m: Floats, dt_s: float, velocity: Floats | None, pieces: int = PIECES
) -> Floats:
    """Joint angles (B, C, J) along a straight way of the tool.

    Args:
        scene: the scene.
        q_rad: (B, J) joint angles at the start.
        displacement_m: (B, 3) of the tool in the robot's frame.
        dt_s: time for the whole way.
        velocity: (B, J) joint velocities before, to keep the acceleration limits; None to leave them free.
        pieces: C.
    """
    goal = scene.chain.forward(q_rad)[:, :3, 3] + displacement_m
    piece_s = dt_s / pieces
    path = np.empty((len(q_rad), pieces, q_rad.shape[1]))
    for i in range(pieces):
        tool = scene.chain.forward(q_rad)
        twist = np.zeros((len(q_rad), 6))
        twist[:, :3] = (goal - tool[:, :3, 3]) / (dt_s - i * piece_s)
        twist[:, 3:] = np.cross(tool[:, :3, 2], _UPRIGHT) / dt_s
        dq = differential_ik(scene.chain, q_rad, twist, piece_s, scene.robot.limits, velocity)
        q_rad = path[:, i] = q_rad + dq
        velocity = None if velocity is None else dq / piece_s
    return path


def with_dynamics(scene: Tabletop, fields: dict[str, Array], domain: Domain, seeds: Integers) -> dict[str, Array]:
    """Model fields with masses, friction, damping and gains of a domain.

    Args:
        scene: the scene.
        fields: model fields so far; left as they are.
        domain: whose dynamics are used.
        seeds: (B,) episode seeds.
    """

    def scale(name: str, dimensions: int) -> Floats:
        return domain.numbers(f"dynamics.{name}", seeds).reshape(-1, *[1] * dimensions)

    model, batch = scene.model, len(seeds)

    def own(name: str) -> Array:
        return np.repeat(np.asarray(getattr(model, name))[None], batch, axis=0)

    out = dict(fields)
    out["body_mass"] = fields["body_mass"] * scale("mass_scale", 1)
    out["body_inertia"] = fields["body_inertia"] * scale("mass_scale", 2)
    out["body_mass"][:, scene.hand_body] += domain.numbers("dynamics.payload_kg", seeds)
    out["geom_friction"] = fields["geom_friction"].copy()
    out["geom_friction"][..., 0] *= scale("friction_scale", 1)
    out["geom_friction"][..., 2] *= scale("rolling_scale", 1)
    joints = scene.dofs
    out["dof_damping"], out["dof_frictionloss"] = own("dof_damping"), own("dof_frictionloss")
    out["dof_damping"][:, joints] *= scale("damping_scale", 1)
    out["dof_frictionloss"][:, joints] += scale("joint_friction_nm", 1)
    out["actuator_gainprm"], out["actuator_biasprm"] = own("actuator_gainprm"), own("actuator_biasprm")
    for name in ("actuator_gainprm", "actuator_biasprm"):
        out[name][:, scene.servos] *= scale("gain_scale", 2)
    return out


def _changed(state: Any, **changes: Array) -> Any:
    """A copy of a state dataclass with other arrays."""
    return dataclasses.replace(state, **changes)
