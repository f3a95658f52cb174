"""Object slots: model fields that turn one simulation's mug into another's plate."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from eyehand.world.objects.assets import add_body, add_to_spec
from eyehand.world.objects.catalogue import household_objects
from eyehand.world.physics.engine import Engine
from eyehand.world.physics.slots import Slots, add_slots

THINGS = household_objects("train")[::11]


def scene(slots: int) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2, 2, 0.1])
    add_slots(spec, THINGS, slots)
    return spec.compile()


def own_model(number: int) -> mujoco.MjModel:
    """The object compiled in a body of its own on the same plane."""
    spec = mujoco.MjSpec()
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2, 2, 0.1])
    add_to_spec(spec, THINGS[number])
    add_body(spec, THINGS[number], "object0")
    return spec.compile()


def test_a_slot_falls_and_lands_like_the_object_compiled_by_itself() -> None:
    model = scene(1)
    slots, engine = Slots(model, THINGS, 1), Engine(model)
    held = np.arange(len(THINGS))[:, None]
    states = engine.rows(len(THINGS))
    drop = np.array([0.0, 0.0, 0.02, 0.98, 0.2, 0.0, 0.0])
    engine.part(states, "qpos")[:] = drop / np.linalg.norm([*drop[:3] * 0, 0, *drop[3:]])
    engine.part(states, "qpos")[:, :3] = drop[:3]
    fell, failed = engine.advance(states, np.zeros((len(THINGS), 1, 0)), 60, slots.fields(held))
    assert not failed.any()
    for number in range(len(THINGS)):
        own = own_model(number)
        data = mujoco.MjData(own)
        data.qpos[:] = engine.part(states, "qpos")[0]
        mujoco.mj_step(own, data, 60)
        assert engine.part(fell, "qpos")[number] == pytest.approx(data.qpos, abs=2e-4), THINGS[number].name


def test_an_empty_slot_floats_where_it_is_and_touches_nothing() -> None:
    model = scene(2)
    slots, engine = Slots(model, THINGS, 2), Engine(model)
    states = engine.rows(1)
    qpos = engine.part(states, "qpos")
    qpos[0, :3], qpos[0, 7:10] = [0, 0, 0.001], [0, 0, 0.01]
    after, _ = engine.advance(states, np.zeros((1, 1, 0)), 100, slots.fields(np.array([[0, -1]])))
    assert engine.part(after, "qpos")[0, 7:10] == pytest.approx([0, 0, 0.01], abs=1e-9)
    assert abs(engine.part(after, "qpos")[0, 2]) < 2e-3


def test_simulations_of_one_batch_hold_different_objects_and_do_not_feel_each_other() -> None:
    model = scene(2)
    slots, engine = Slots(model, THINGS, 2), Engine(model)
    held = np.array([[0, 1], [2, -1], [3, 4]])
    states = engine.rows(3)
    qpos = engine.part(states, "qpos")
    qpos[:, 2], qpos[:, 7], qpos[:, 9] = 0.03, 0.4, 0.05
    together, _ = engine.advance(states, np.zeros((3, 1, 0)), 50, slots.fields(held))
    for row in range(3):
        alone, _ = engine.advance(states[[row]], np.zeros((1, 1, 0)), 50, slots.fields(held[[row]]))
        assert alone[0].tobytes() == together[row].tobytes()


def test_a_diverged_simulation_is_named_and_leaves_its_neighbours_alone() -> None:
    model = scene(1)
    slots, engine = Slots(model, THINGS, 1), Engine(model)
    states = engine.rows(4)
    engine.part(states, "qpos")[:, 2] = 0.1
    fields = slots.fields(np.zeros((4, 1), np.int64))
    calm, _ = engine.advance(states, np.zeros((4, 1, 0)), 20, fields)
    engine.part(states, "qvel")[2] = 1e12
    broken, failed = engine.advance(states, np.zeros((4, 1, 0)), 20, fields)
    assert failed.tolist() == [False, False, True, False]
    others = [0, 1, 3]
    assert broken[others].tobytes() == calm[others].tobytes()
