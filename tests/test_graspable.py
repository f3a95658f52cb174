from __future__ import annotations

import mujoco
import numpy as np
import pytest

from eyehand.errors import UnknownNameError
from eyehand.world.objects.assets import add_body, add_to_spec
from eyehand.world.objects.catalogue import household_objects
from eyehand.world.objects.graspable import graspable_objects
from eyehand.world.objects.grasps import Fingers, good_grasps, surface_points
from eyehand.world.objects.household import Draft, Grasp, HouseholdObject, finished
from eyehand.world.objects.hulls import box_hull
from eyehand.world.objects.solids import rounded_box


def a_box(size) -> HouseholdObject:
    return finished(Draft(rounded_box(size, 0.001, 2), (box_hull(size),), 500.0), "box", "box", "train", 0)


def lifted_m(thing: HouseholdObject, grasp: Grasp, lift_m: float = 0.15) -> float:
    """How high an object comes when two fingers close at the grasp with 20 N and go up."""
    spec = mujoco.MjSpec()
    spec.option.cone, spec.option.impratio = mujoco.mjtCone.mjCONE_ELLIPTIC, 10
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2, 2, 0.1])
    add_to_spec(spec, thing, texture_size=8)
    add_body(spec, thing, "object0")
    half = grasp.yaw_rad / 2
    hand = spec.worldbody.add_body(name="hand", pos=grasp.centre_m, quat=[np.cos(half), 0, 0, np.sin(half)])
    hand.mass, hand.inertia, hand.explicitinertial, hand.gravcomp = 1.0, [0.01] * 3, True, 1.0
    slide, drive = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtTrn.mjTRN_JOINT
    hand.add_joint(name="z", type=slide, axis=[0, 0, 1], damping=[50, 0, 0])
    gain, bias = [2000] + [0] * 9, [0, -2000, -100] + [0] * 7
    spec.add_actuator(target="z", trntype=drive, biastype=mujoco.mjtBias.mjBIAS_AFFINE, gainprm=gain, biasprm=bias)
    for side, name in ((-1, "left"), (1, "right")):
        finger = hand.add_body(name=name, pos=[side * (grasp.width_m / 2 + 0.004), 0, 0], gravcomp=1)
        finger.add_joint(name=name, type=slide, axis=[-side, 0, 0], damping=[20, 0, 0], range=[0, 0.04], limited=True)
        pad = {"size": [0.005, 0.009, 0.008], "pos": [side * 0.005, 0, 0], "mass": 0.1}
        finger.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, friction=[1, 0.05, 0.001], condim=6, **pad)
        spec.add_actuator(target=name, trntype=drive, gainprm=[1] + [0] * 9)
    joint = mujoco.mjtObj.mjOBJ_JOINT
    spec.add_equality(type=mujoco.mjtEq.mjEQ_JOINT, name1="left", name2="right", objtype=joint, data=[0, 1] + [0] * 10)
    model = spec.compile()
    data = mujoco.MjData(model)
    data.qpos[model.joint("z").qposadr[0]] = data.ctrl[0] = 0.2
    for height, force, steps in ((0.0, 0, 300), (0.0, 20, 200), (lift_m, 20, 400)):
        start = data.ctrl[0]
        for step in range(steps):
            data.ctrl[:] = start + (height - start) * min(1.0, step / (0.7 * steps)), force, force
            mujoco.mj_step(model, data)
    return float(data.body("object0").xpos[2])


def test_there_are_ten_to_learn_with_and_six_to_test_with():
    train, held_out = graspable_objects("train"), graspable_objects("held_out")
    assert (len(train), len(held_out)) == (10, 6)
    names = {thing.name for thing in (*train, *held_out, *household_objects("all", 0.3))}
    assert len(names) == 16 + len(household_objects("all", 0.3))
    for thing in (*train, *held_out):
        assert 2 <= len(thing.grasps) <= 10, thing.name
        assert len(thing.parts) <= 8, thing.name
        qualities = [grasp.quality for grasp in thing.grasps]
        assert qualities == sorted(qualities, reverse=True), thing.name
    with pytest.raises(UnknownNameError, match="held_out"):
        graspable_objects("test")


def test_grasps_fit_the_hand_and_stay_above_the_table():
    for thing in graspable_objects("all"):
        for grasp in thing.grasps:
            assert 0.003 < grasp.width_m <= 0.072, thing.name
            assert grasp.centre_m[2] >= 0.009 - 1e-9, thing.name
            assert -np.pi / 2 <= grasp.yaw_rad < np.pi / 2, thing.name
            across = np.array([np.cos(grasp.yaw_rad), np.sin(grasp.yaw_rad), 0.0])
            pads = grasp.centre_m + np.array([[-0.5], [0.5]]) * grasp.width_m * across
            reach = thing.mesh.vertices @ across
            assert (pads @ across >= reach.min() - 0.001).all(), thing.name
            assert (pads @ across <= reach.max() + 0.001).all(), thing.name


def test_a_long_box_is_grasped_across():
    grasps = good_grasps(a_box([0.12, 0.04, 0.03]))
    assert grasps[0].width_m == pytest.approx(0.04, abs=0.001)
    assert np.abs(grasps[0].centre_m[:2]).max() < 0.004
    for grasp in grasps:
        assert abs(abs(np.degrees(grasp.yaw_rad)) - 90.0) < 1e-6


def test_what_is_too_wide_or_too_tall_for_the_hand_has_no_grasp():
    assert good_grasps(a_box([0.12, 0.1, 0.03])) == ()
    assert good_grasps(a_box([0.12, 0.04, 0.03]), Fingers(opening_m=0.03)) == ()


def test_surface_points_are_even_and_face_outwards():
    box = a_box([0.1, 0.1, 0.1])
    points, normals = surface_points(box.mesh.vertices, box.mesh.faces, 0.004)
    assert len(points) == pytest.approx(6 * 0.1**2 / 0.004**2, rel=0.2)
    assert ((points - [0, 0, 0.05]) * normals).sum(1).min() > 0.03
    top = points[points[:, 2] > 0.0999]
    assert np.abs(np.median(top[:, :2], axis=0)).max() < 0.01


def test_everything_graspable_stands():
    things = graspable_objects("all")
    spec = mujoco.MjSpec()
    spec.option.timestep = 0.004
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[20, 20, 0.1])
    for i, thing in enumerate(things):
        add_to_spec(spec, thing, texture_size=8)
        add_body(spec, thing, thing.name).pos = (0.5 * i, 0.0, 0.003)
    model = spec.compile()
    data = mujoco.MjData(model)
    for _ in range(200):
        mujoco.mj_step(model, data)
    for i, thing in enumerate(things):
        body = data.body(thing.name)
        assert np.degrees(np.arccos(min(body.xmat[8], 1.0))) < 2.0, thing.name
        assert np.abs(body.xpos - [0.5 * i, 0, 0]).max() < 0.002, thing.name


@pytest.mark.parametrize("kind", ["banana", "hammer", "mug", "ring", "pillow"])
def test_the_best_grasp_lifts(kind):
    thing = next(thing for thing in graspable_objects("all") if thing.category == kind)
    assert lifted_m(thing, thing.grasps[0]) > 0.12


def test_a_grasp_beside_the_object_does_not_lift():
    thing = a_box([0.06, 0.04, 0.03])
    assert lifted_m(thing, Grasp(np.array([0.0, 0.1, 0.015]), -np.pi / 2, 0.04, 1.0)) < 0.05
