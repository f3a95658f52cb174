from __future__ import annotations

import struct
from pathlib import Path

import mujoco
import numpy as np
import pytest
from PIL import Image

from eyehand.errors import FileFormatError, InvalidValueError
from eyehand.world.objects.assets import add_body, add_to_spec, picture_of
from eyehand.world.objects.mesh_files import read_mesh
from eyehand.world.objects.own import own_objects
from eyehand.world.objects.solids import ellipsoid, rounded_box
from eyehand.world.objects.surface import Shape, volume_m3

CUBE = """
# a cube of side 2
v -1 -1 -1
v 1 -1 -1
v 1 1 -1
v -1 1 -1
v -1 -1 1
v 1 -1 1
v 1 1 1
v -1 1 1
vt 0 0
vt 1 0
vt 1 1
vt 0 1
f 1/1 4/4 3/3 2/2
f 5/1 6/2 7/3 8/4
f 1/1 2/2 6/3 5/4
f 2/1 3/2 7/3 6/4
f 3/1/7 4/2/7 8/3/7 7/4/7
f -5/1 -8/2 -4/3 -1/4
"""


def write_stl(path: Path, shape: Shape, text: bool = False) -> None:
    corners = shape.vertices[shape.faces]
    if text:
        lines = ["solid thing"]
        for triangle in corners:
            lines += ["facet normal 0 0 0", "outer loop"]
            lines += [f"vertex {x:.9g} {y:.9g} {z:.9g}" for x, y, z in triangle]
            lines += ["endloop", "endfacet"]
        path.write_text("\n".join([*lines, "endsolid"]))
        return
    records = b"".join(struct.pack("<12fH", 0, 0, 0, *triangle.ravel(), 0) for triangle in corners)
    path.write_bytes(b"solid but binary".ljust(80) + struct.pack("<I", len(corners)) + records)


def test_binary_and_text_stl_say_the_same(tmp_path):
    ball = ellipsoid([0.03, 0.04, 0.05], 12)
    write_stl(tmp_path / "a.stl", ball)
    write_stl(tmp_path / "b.STL", ball, text=True)
    for name in ("a.stl", "b.STL"):
        read = read_mesh(tmp_path / name)
        assert volume_m3(read.vertices, read.faces) == pytest.approx(volume_m3(ball.vertices, ball.faces), rel=1e-5)
        assert len(read.vertices) < len(ball.vertices)  # corners at one place are one vertex


def test_obj_polygons_negative_numbers_and_texture_coordinates(tmp_path):
    (tmp_path / "cube.obj").write_text(CUBE)
    read = read_mesh(tmp_path / "cube.obj")
    assert volume_m3(read.vertices, read.faces) == pytest.approx(8.0)
    front = read.faces[4]  # the triangle 1/1 2/2 6/3
    assert np.array_equal(read.vertices[front], [[-1, -1, -1], [1, -1, -1], [1, -1, 1]])
    assert np.array_equal(read.uv[front], [[0, 1], [1, 1], [1, 0]])  # v goes down from the first row


def test_a_folder_becomes_objects_that_stand_in_a_scene(tmp_path):
    write_stl(tmp_path / "my ball.stl", ellipsoid([30, 40, 50], 16))
    write_stl(tmp_path / "plank.stl", rounded_box([200, 50, 10], 2.0))
    (tmp_path / "notes.txt").write_text("not a mesh")
    photograph = np.zeros((20, 30, 3), np.uint8)
    photograph[:10] = 255
    Image.fromarray(photograph).save(tmp_path / "plank.png")
    ball, plank = own_objects(tmp_path, scale=0.001)
    assert (ball.name, plank.name) == ("my_ball", "plank")
    assert np.allclose(plank.size_m, [0.2, 0.05, 0.01], atol=1e-6)
    assert np.array_equal(picture_of(plank), photograph)
    top = plank.mesh.vertices[:, 2] > 0.0099
    assert plank.mesh.uv[top, 1].max() < 0.05  # the photograph is upright
    spec = mujoco.MjSpec()
    for i, thing in enumerate((ball, plank)):
        assert thing.mesh.vertices[:, 2].min() == pytest.approx(0.0, abs=1e-9)
        add_to_spec(spec, thing)
        add_body(spec, thing, f"object{i}").pos = (i, 0, 0.01)
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[5, 5, 0.1])
    model = spec.compile()
    data = mujoco.MjData(model)
    for _ in range(300):
        mujoco.mj_step(model, data)
    assert data.body("object1").xmat[8] > 0.999
    assert data.body("object1").xpos[2] == pytest.approx(0.0, abs=0.002)


def test_open_flat_and_inverted_meshes_still_compile(tmp_path):
    corners = np.array([[0, 0, 0], [0.1, 0, 0], [0.1, 0.1, 0], [0, 0.1, 0]])
    sheet = Shape(corners, np.array([[0, 1, 2], [0, 2, 3]]), np.zeros((4, 2)))
    box = rounded_box([0.05, 0.05, 0.05], 0.002)
    inverted = Shape(box.vertices, box.faces[:, ::-1], box.uv)
    open_box = Shape(box.vertices, box.faces[30:], box.uv)
    for name, shape in (("sheet", sheet), ("inverted", inverted), ("open", open_box)):
        write_stl(tmp_path / f"{name}.stl", shape)
    spec = mujoco.MjSpec()
    for i, thing in enumerate(own_objects(tmp_path)):
        add_to_spec(spec, thing)
        add_body(spec, thing, f"object{i}")
        corners = thing.mesh.vertices[thing.mesh.faces]
        if thing.name == "inverted":
            assert np.linalg.det(corners).sum() > 0
    assert spec.compile().nbody == 4


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.obj", "v 0 0 0\nv 1 0 0\nv 0 nan 0\nf 1 2 3\n", "not finite"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no triangles"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "line 4 cannot be read"),
        ("a.obj", "v 0 0 0\nv 1 0 x\nv 0 1 0\nf 1 2 3\n", "line 2 cannot be read"),
        ("a.obj", "v 0 0 0\nv 9 0 0\nv 0 9 0\nf 1 2 3\n", r"0\.001 for millimetres"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "without area"),
        ("a.stl", "solid x\nvertex 0 0\n", "cannot be read"),
        ("a.stl", "something else", "neither a text nor a whole binary STL"),
        ("a.ply", "ply", "holds no mesh, only"),
    ],
)
def test_bad_meshes_are_refused(tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(FileFormatError, match=words):
        own_objects(tmp_path)


def test_a_million_triangles_are_refused_with_what_to_do(tmp_path):
    many = np.zeros(1_000_000 * 50 // 4, np.float32).tobytes()
    (tmp_path / "huge.stl").write_bytes(b"x" * 80 + struct.pack("<I", 1_000_000) + many)
    with pytest.raises(FileFormatError, match=r"1,000,000 triangles, more than 200,000.*Decimate"):
        own_objects(tmp_path)
    (tmp_path / "huge.stl").unlink()
    (tmp_path / "huge.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0" + "\nf 1 2 3" * 1_000_000)
    with pytest.raises(FileFormatError, match="Decimate"):
        own_objects(tmp_path)


def test_bad_folders_scales_and_photographs_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match="no such folder"):
        own_objects(tmp_path / "missing")
    with pytest.raises(FileFormatError, match="nothing"):
        own_objects(tmp_path)
    write_stl(tmp_path / "a.stl", rounded_box([0.1, 0.1, 0.1], 0.01))
    with pytest.raises(InvalidValueError, match="positive number of metres"):
        own_objects(tmp_path, scale=0.0)
    with pytest.raises(InvalidValueError, match="'held_out'"):
        own_objects(tmp_path, split="all")
    (tmp_path / "a.png").write_text("not a picture")
    with pytest.raises(FileFormatError, match="photograph"):
        own_objects(tmp_path)
    with pytest.raises(FileFormatError, match="not read"):
        read_mesh(tmp_path / "a.png")
