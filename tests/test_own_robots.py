"""Robots of a user's own: MJCF, URDF, Menagerie, and what is said when a file will not do."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import mujoco
import numpy as np
import pytest

from eyehand.errors import FileFormatError, InvalidValueError, UnknownNameError
from eyehand.world.reaching import reach
from eyehand.world.robots.loading import load_robot

LINK = '<inertial><mass value="1"/><inertia ixx=".01" iyy=".01" izz=".01" ixy="0" ixz="0" iyz="0"/></inertial>'
TUBE = '<geometry><cylinder radius=".03" length=".3"/></geometry>'
URDF = f"""<robot name="two"><link name="base"><collision><geometry><box size=".1 .1 .1"/></geometry></collision></link>
<link name="upper">{LINK}<visual>{TUBE}</visual><collision>{TUBE}</collision></link>
<link name="fore">{LINK}</link><link name="tool0"/>
<joint name="a" type="revolute"><parent link="base"/><child link="upper"/><origin xyz="0 0 .1"/><axis xyz="0 1 0"/>
<limit lower="-1" upper="1" velocity="1.5" effort="30"/></joint>
<joint name="b" type="revolute"><parent link="upper"/><child link="fore"/><origin xyz="0 0 .3"/><axis xyz="0 1 0"/>
<limit lower="0.5" upper="2" velocity="2.5" effort="20"/></joint>
<joint name="t" type="fixed"><parent link="fore"/><child link="tool0"/><origin xyz="0 0 .25"/></joint></robot>"""
MJCF = """<mujoco model="arm"><asset><mesh name="m" vertex="0 0 0 .1 0 0 0 .1 0 0 0 .1"/></asset>
<worldbody><light pos="0 0 2"/><geom name="floor" type="plane" size="1 1 .1"/>
<body name="stand" pos="0 0 .1"><geom name="box" type="box" size=".1 .1 .1"/>
<body name="l1" pos="0 0 .2"><joint name="a" axis="0 1 0" range="-60 60" damping="20"/>
<geom name="see" type="mesh" mesh="m" contype="0" conaffinity="0" group="1"/><geom name="touch" size=".03"/>
<body name="l2" pos="0 0 .3"><joint name="b" axis="0 1 0"/><geom size=".02"/><camera name="eye"/>
<site name="tcp" pos="0 0 .2"/></body></body></body>
<body name="ball"><freejoint/><geom size=".1"/></body></worldbody>
<actuator><position name="pa" joint="a" kp="50" forcerange="-5 5"/><motor name="mb" joint="b"/></actuator>
<keyframe><key name="home" qpos=".3 .2 0 0 0 1 0 0 0"/></keyframe></mujoco>"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_urdf_becomes_a_robot(tmp_path: Path) -> None:
    robot = load_robot(write(tmp_path, "two.urdf", URDF))
    model = robot.model()
    assert robot.joints == ("a", "b")
    np.testing.assert_allclose(robot.limits.low, [-1, 0.5])
    np.testing.assert_allclose(robot.limits.velocity, [1.5, 2.5])
    np.testing.assert_allclose(robot.limits.torque, [30, 20])
    np.testing.assert_allclose(robot.home_rad, [0, 1.25])
    assert [model.actuator(i).name for i in range(model.nu)] == ["a", "b"]
    assert [model.geom(i).name for i in range(model.ngeom)] == [
        "robot/base/0",
        "robot/upper/0",
        "robot/upper/1/collision",
    ]
    place = robot.chain().forward(np.array([[0.0, 0.5]]))[0, :3, 3]
    np.testing.assert_allclose(place, [0.25 * np.sin(0.5), 0, 0.4 + 0.25 * np.cos(0.5)], atol=1e-12)
    assert reach(robot.chain(), place[None], robot.home_rad[None], robot.limits).met[0]


def test_an_mjcf_becomes_a_robot_without_its_floor_and_loose_things(tmp_path: Path) -> None:
    robot = load_robot(write(tmp_path, "arm.xml", MJCF))
    model = robot.model("twin")
    assert [model.body(i).name for i in range(model.nbody)] == ["world", "robot", "stand", "l1", "l2"]
    assert model.nlight == 0
    assert (model.body_gravcomp[1:] == 1).all()
    groups = {model.geom(i).name: int(model.geom_group[i]) for i in range(model.ngeom)}
    assert groups == {"robot/stand/0": 2, "robot/l1/0": 2, "robot/l1/1/collision": 3, "robot/l2/0": 2}
    assert model.actuator("a").gainprm[0] == 50  # the file's own gains
    assert model.actuator("b").biasprm[1] < 0  # a motor became a position servo
    np.testing.assert_allclose(robot.home_rad, [0.3, 0.2])
    np.testing.assert_allclose(robot.limits.torque, [5, np.inf])
    assert robot.cameras == ("eye",)
    data = mujoco.MjData(model)
    data.ctrl[:] = 0.2
    mujoco.mj_step(model, data, 3000)
    np.testing.assert_allclose(data.qpos, 0.2, atol=0.01)


def test_the_end_effector_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "arm.xml", MJCF.replace('name="tcp"', 'name="gizmo"'))
    with pytest.raises(FileFormatError, match=r"arm\.xml: it has no end effector.*sites gizmo.*tool=") as caught:
        load_robot(path)
    assert "l2" in str(caught.value)
    assert load_robot(path, tool="gizmo").joints == ("a", "b")
    assert load_robot(path, tool="l1").joints == ("a",)
    with pytest.raises(UnknownNameError, match=r"Unknown end effector 'gismo'.*Did you mean 'gizmo'"):
        load_robot(path, tool="gismo")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.xml", MJCF.replace("</mujoco>", ""), "cannot read it"),
        ("a.urdf", "no robot at all", "cannot read it"),
        ("a.txt", "", r"\.txt is no robot file.*\.urdf"),
        ("a.xml", MJCF.replace('vertex="0 0 0 .1 0 0 0 .1 0 0 0 .1"', 'file="a.stl"'), r"1 of 1 mesh.*missing: a\.stl"),
        ("a.urdf", URDF.replace(TUBE, '<geometry><mesh filename="package://x/m/up.stl"/></geometry>'),
         r"mesh files are missing: .*up\.stl"),
        ("a.xml", MJCF.replace('<site name="tcp" pos="0 0 .2"/>', "").replace('<geom name="box"',
         '<site name="tool"/><geom name="box"'), "no joints on the way to 'tool'"),
        ("a.xml", MJCF.replace('<joint name="a" axis="0 1 0" range="-60 60" damping="20"/>',
                               '<joint name="a" type="ball"/>')
         .replace('<position name="pa" joint="a" kp="50" forcerange="-5 5"/>', ""), "'a' is free or a ball"),
        ("a.xml", MJCF.replace('name="l1"', 'name="robot"'), "a body inside it is called 'robot'"),
        ("a.xml", MJCF.replace('<geom size=".02"/>', ""), "MuJoCo refuses the model"),
    ],
)  # fmt: skip
def test_files_that_will_not_do_are_named_with_what_is_wrong(tmp_path: Path, name: str, text: str, says: str) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(FileFormatError, match=says) as caught:
        load_robot(path)
    assert str(caught.value).startswith(str(path))


def test_missing_files_and_names_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="there is no such file"):
        load_robot(tmp_path / "arm.urdf")
    with pytest.raises(UnknownNameError, match=r"Unknown robot 'pandas'\. Did you mean 'panda'\?.*iiwa14"):
        load_robot("pandas")


def test_meshes_are_found_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "meshes").mkdir()
    tetrahedron = "v 0 0 0\nv .1 0 0\nv 0 .1 0\nv 0 0 .1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
    write(tmp_path / "meshes", "up.obj", tetrahedron)
    text = URDF.replace(TUBE, '<geometry><mesh filename="meshes/up.obj"/></geometry>')
    assert load_robot(write(tmp_path, "two.urdf", text)).model().nmesh == 1
    inside = MJCF.replace('vertex="0 0 0 .1 0 0 0 .1 0 0 0 .1"', 'file="up.obj"')
    inside = inside.replace("<asset>", '<compiler meshdir="meshes"/><asset>')
    assert load_robot(write(tmp_path, "arm.xml", inside)).model().nmesh == 1


def test_the_menagerie_is_asked_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mujoco_menagerie", None)
    with pytest.raises(InvalidValueError, match=r"menagerie:toy_arm.*pip install 'eyehand\[menagerie\]'"):
        load_robot("menagerie:toy_arm")
    package = ModuleType("mujoco_menagerie")
    found = SimpleNamespace(default_model="arm", spec=lambda which: mujoco.MjSpec.from_string(MJCF) if which else None)
    package.names = lambda: ("toy_arm", "other")  # type: ignore[attr-defined]
    package.get = lambda name: found if name == "toy_arm" else None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mujoco_menagerie", package)
    assert load_robot("menagerie:toy_arm").joints == ("a", "b")
    with pytest.raises(UnknownNameError, match=r"Menagerie 'toy_arms'\. Did you mean 'toy_arm'"):
        load_robot("menagerie:toy_arms")
