# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""MuJoCo stepped in batches, as a function: state rows in, state rows out, nothing kept between calls.

`mujoco.batch` runs every simulation on rows of `mjSTATE_INTEGRATION` (positions, velocities, controls, warm starts),
so a row that is put back continues bit for bit, in any batch and on any number of threads. What differs between
simulations besides the state (an object's mesh, a mass, a gain) is handed over as model fields with leading
dimension B; they are written again only where they changed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from eyehand.errors import InvalidValueError
from eyehand.types import Array, Flags, Floats, Integers
from eyehand.world.rows import default_threads

_FATAL = (mujoco.mjtWarning.mjWARN_BADQPOS, mujoco.mjtWarning.mjWARN_BADQVEL, mujoco.mjtWarning.mjWARN_BADQACC)
_COUNT = 1  # column of a warning's count; column 0 says where it came up last
_SENSORS_OFF = int(mujoco.mjtDisableBit.mjDSBL_SENSOR)
_POSITIONS = int(mujoco.mjtStage.mjSTAGE_POS)

_log = logging.getLogger(__name__)

Fields = Mapping[str, Array]  # model field to its values (B, ...), shaped as in MjModel


@dataclass(frozen=True)
class Geometry:
    """Where things are in B simulations, read off their states.

    Attributes:
        position_m: (B, G, 3) of every geom's frame in the world.
        rotation: (B, G, 3, 3) geom to world.
        site_m: (B, S, 3) of every site in the world.
        sensors: (B, N) sensor readings that depend on positions alone.
    """

    position_m: Floats
    rotation: Floats
    site_m: Floats
    sensors: Floats


@final
class Engine:
    """Steps and measures rows of one model.

    Safe to call from several threads; calls on one engine wait for each other.
    """

    def __init__(self, model: mujoco.MjModel, threads: int | None = None) -> None:
        """Take the model, which is not changed, and the number of threads (None for all cores)."""
        _send_warnings_to_the_log()
        self.model = model
        self._threads = threads
        self._lock = threading.Lock()
        self._batch: Batch | None = None
        self._spread = 0  # threads that the batch was asked for; it takes no more than it has simulations
        self._written: dict[str, Array] = {}
        self._latest: tuple[Floats, Fields, Geometry] | None = None  # arrays of states are never written to in place
        data = mujoco.MjData(model)
        self.default = np.empty(mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION))
        mujoco.mj_getState(model, data, self.default, mujoco.mjtState.mjSTATE_INTEGRATION)
        self._slices = {
            name: self._slice(part)
            for name, part in (
                ("qpos", mujoco.mjtState.mjSTATE_QPOS),
                ("qvel", mujoco.mjtState.mjSTATE_QVEL),
                ("ctrl", mujoco.mjtState.mjSTATE_CTRL),
                ("xfrc_applied", mujoco.mjtState.mjSTATE_XFRC_APPLIED),
            )
        }

    def rows(self, batch: int) -> Floats:
        """States (B, n) of the model's defaults, to write positions into."""
        return np.tile(self.default, (batch, 1))

    def part(self, states: Floats, name: str) -> Floats:
        """A view (B, m) of "qpos", "qvel", "ctrl" or "xfrc_applied" in states (B, n)."""
        return states[:, self._slices[name]]

    def advance(self, states: Floats, controls: Floats, substeps: int, fields: Fields) -> tuple[Floats, Flags]:
        """Step every simulation.

        Args:
            states: (B, n) rows.
            controls: (B, C, m) actuator commands, each of the C held for `substeps` physics steps.
            substeps: physics steps for each command.
            fields: model fields of each simulation.

        Returns:
            The new states (B, n), and which simulations diverged (B,): those states mean nothing any more.
        """
        count = len(states)
        with self._lock:
            batch, flags = self._prepared(states, fields)
            flags[:count] |= _SENSORS_OFF
            batch.warning[:count] = 0
            failed = np.zeros(count, bool)
            command = self.part(batch.state, "ctrl")
            for number in range(controls.shape[1]):
                command[:count] = controls[:, number]
                failed |= _run(lambda ids: batch.step(ids, substeps), count)
            found = batch.state[:count].copy()
            warned = batch.warning[:count, [int(kind) for kind in _FATAL], _COUNT].any(axis=1)
        return found, failed | warned | ~np.isfinite(found).all(axis=1)

    def geometry(self, states: Floats, fields: Fields) -> Geometry:
        """Where everything is in states (B, n); asked again for the same array of states, it answers from memory."""
        latest = self._latest
        if latest is not None and latest[0] is states and latest[1] is fields:
            return latest[2]
        count = len(states)
        with self._lock:
            batch, flags = self._prepared(states, fields)
            flags[:count] &= ~_SENSORS_OFF
            _run(lambda ids: batch.forward(ids, _POSITIONS), count)
            rotation = batch.bind("geom_xmat")[:count].reshape(count, -1, 3, 3).copy()
            position, site = batch.bind("geom_xpos")[:count].copy(), batch.bind("site_xpos")[:count].copy()
            sensors = batch.bind("sensordata")[:count].copy() if self.model.nsensordata else np.zeros((count, 0))
        found = Geometry(position, rotation, site, sensors)
        self._latest = (states, fields, found)
        return found

    def _slice(self, part: mujoco.mjtState) -> slice:
        before = mujoco.mj_stateSize(self.model, int(part) - 1)  # every component that comes earlier in a row
        return slice(before, before + mujoco.mj_stateSize(self.model, part))

    def _prepared(self, states: Floats, fields: Fields) -> tuple[Batch, Array]:
        """The batch with these rows and fields in it, and its flags that switch sensors off."""
        count = len(states)
        if states.shape[1:] != self.default.shape:
            raise InvalidValueError("physics state", states.shape, f"(B, {len(self.default)})")
        threads = self._threads or default_threads()
        if self._batch is None or self._batch.nsim < count or self._spread != threads:
            self._batch, self._spread = Batch(self.model, 1 << (count - 1).bit_length(), threads), threads
            for name in ("geom_xpos", "geom_xmat", "site_xpos"):
                self._batch.bind(name)
            if self.model.nsensordata:
                self._batch.bind("sensordata")
            self._written = {}
        batch = self._batch
        batch.state[:count] = states
        self._write(batch, fields, count)
        return batch, batch.expand("opt.disableflags")

    def _write(self, batch: Batch, fields: Fields, count: int) -> None:
        """Put the fields in where they differ from what is there, and renew the constants that depend on them."""
        forgotten = self._written.keys() - fields.keys()
        if forgotten:
            allowed = f"the same ones in every call: {sorted(self._written)}"
            raise InvalidValueError("model fields", sorted(fields), allowed)
        changed = np.zeros(count, bool)
        for name, values in fields.items():
            there = self._written.setdefault(name, batch.expand(name))
            now = there[:count]
            if now.shape != values.shape:
                raise InvalidValueError(f"model field {name}", values.shape, f"{now.shape}")
            differs = (now != values).reshape(count, -1).any(axis=1)
            if differs.any():
                now[differs] = values[differs]
                changed |= differs
        if changed.any():
            rows = np.flatnonzero(changed)
            batch.set_const(rows)
            for name, values in fields.items():  # it takes `geom_rbound` from the batch's model, whatever the mesh
                self._written[name][rows] = values[rows]


def _send_warnings_to_the_log() -> None:
    """A simulation that diverges is told of by `Engine.advance`; MuJoCo would print, and write a file where it is."""
    if mujoco.get_mju_user_warning() is None:
        mujoco.set_mju_user_warning(_log.info)


def _run(call: Callable[[Integers], None], count: int) -> Flags:
    """Run a call on the first `count` simulations; those in which MuJoCo raised are True."""
    failed = np.zeros(count, bool)
    try:
        call(np.arange(count))
    except SimulationError as error:
        failed[error.ids] = True
    return failed
