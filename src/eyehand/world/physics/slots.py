# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""Object slots: bodies that are a mug in one simulation and a plate in the next.

A model has K slots, each with one visual mesh geom and P convex parts. Which object a slot holds is a matter of model
fields (`geom_dataid`, places, sizes, masses), so that simulations of one batch hold different objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import mujoco
import numpy as np
from numpy.typing import NDArray

from eyehand.errors import InvalidValueError
from eyehand.types import Array, Floats, Integers
from eyehand.world.objects.assets import add_body, add_to_spec
from eyehand.world.objects.household import HouseholdObject

_GEOM_FIELDS = ("geom_dataid", "geom_pos", "geom_quat", "geom_size", "geom_aabb", "geom_rbound", "geom_friction")
_BODY_FIELDS = ("body_mass", "body_inertia", "body_ipos", "body_iquat")
_MESH = mujoco.mjtGeom.mjGEOM_MESH


@dataclass(frozen=True)
class _Entry:
    """One object's rows: geom fields with leading dimension 1 + P (the visual mesh first), body fields, parts used."""

    geoms: dict[str, Array]
    body: dict[str, Array]
    parts: int


@final
class Slots:
    """The slots of one compiled model."""

    def __init__(self, model: mujoco.MjModel, objects: Sequence[HouseholdObject], count: int) -> None:
        """Gather the fields of every object.

        Args:
            model: a model to whose spec `add_slots` was applied with the same objects and count.
            objects: the objects that slots can hold.
            count: number of slots K.
        """
        self.objects = tuple(objects)
        self.count = count
        parts = most_parts(objects)
        names = [[f"object{k}", *(f"object{k}/part{j}" for j in range(parts))] for k in range(count)]
        self.geoms = np.array([[model.geom(name).id for name in row] for row in names]).reshape(count, 1 + parts)
        self.bodies = np.array([model.body(f"object{k}").id for k in range(count)], np.int64)
        if count and model.body_simple[self.bodies].any():  # its inertia matrix has no room for other objects
            raise InvalidValueError("first object", objects[0].name, "an object whose centre of mass is not its origin")
        model.geom_sameframe[self.geoms] = 0  # short cuts of kinematics that hold for the first object only
        model.body_sameframe[self.bodies] = 0
        self._rest = {name: getattr(model, name).copy() for name in (*_GEOM_FIELDS, *_BODY_FIELDS)}
        self._rest |= {name: getattr(model, name).copy() for name in ("geom_contype", "geom_conaffinity")}
        self._rest |= {name: getattr(model, name).copy() for name in ("body_contype", "body_conaffinity")}
        self._rest["body_gravcomp"] = model.body_gravcomp.copy()
        entries = [_entry(model, thing, parts) for thing in self.objects]
        self._geoms = {name: np.stack([entry.geoms[name] for entry in entries]) for name in _GEOM_FIELDS}
        self._body = {name: np.stack([entry.body[name] for entry in entries]) for name in _BODY_FIELDS}
        self._collides = np.array([[False, *(j < entry.parts for j in range(parts))] for entry in entries])

    def fields(self, held: Integers) -> dict[str, Array]:
        """Model fields of simulations whose slots hold these objects.

        Args:
            held: (B, K) rows of `objects`; -1 for an empty slot, whose body floats and touches nothing.
        """
        batch, there = len(held), held >= 0
        fields = {name: np.repeat(values[None], batch, axis=0) for name, values in self._rest.items()}
        row = np.maximum(held, 0)
        for name, values in self._geoms.items():
            fields[name][:, self.geoms] = values[row]  # (B, K, 1 + P, ...)
        for name, values in self._body.items():
            fields[name][:, self.bodies] = values[row]
        collides = (self._collides[row] & there[..., None]).astype(np.int32)
        fields["geom_contype"][:, self.geoms] = collides
        fields["geom_conaffinity"][:, self.geoms] = collides
        fields["body_contype"][:, self.bodies] = there
        fields["body_conaffinity"][:, self.bodies] = there
        fields["body_gravcomp"][:, self.bodies] = ~there
        return fields

    def meshes(self, held: Integers) -> NDArray[np.int32]:
        """The visual meshes (B, N) of objects (B, N); -1 where there is none."""
        return np.where(held >= 0, self._geoms["geom_dataid"][np.maximum(held, 0), 0], -1).astype(np.int32)


def most_parts(objects: Sequence[HouseholdObject]) -> int:
    """The largest number of convex parts of any object."""
    return max((len(thing.parts) for thing in objects), default=0)


def add_slots(spec: mujoco.MjSpec, objects: Sequence[HouseholdObject], count: int) -> None:
    """Add the objects' meshes and K bodies that can be any of them to a spec.

    Args:
        spec: the scene so far.
        objects: the objects that slots can hold.
        count: number of slots K.
    """
    for thing in objects:
        add_to_spec(spec, thing)
    for k in range(count):
        _add_body(spec, objects[0], f"object{k}", most_parts(objects))


def _add_body(spec: mujoco.MjSpec, thing: HouseholdObject, slot: str, parts: int) -> None:
    """A body for an object with `parts` collision geoms; those that the object lacks repeat its first part."""
    body = add_body(spec, thing, slot)
    for j in range(len(thing.parts), parts):
        body.add_geom(name=f"{slot}/part{j}", type=_MESH, meshname=f"{thing.name}/part0", group=3, mass=0)


def _entry(model: mujoco.MjModel, thing: HouseholdObject, parts: int) -> _Entry:
    """The fields that a body gets from an object: what the compiler would write."""
    used = [thing.name, *(f"{thing.name}/part{j}" for j in range(len(thing.parts)))]
    meshes = np.array([model.mesh(name).id for name in used + used[1:2] * (parts - len(thing.parts))], np.int32)
    boxes = np.array([_bounds(model, mesh) for mesh in meshes])  # (1 + P, 6) middle and half sizes
    sizes = np.abs(boxes[:, :3]) + boxes[:, 3:]
    geoms = {
        "geom_dataid": meshes,
        "geom_pos": model.mesh_pos[meshes],
        "geom_quat": model.mesh_quat[meshes],
        "geom_size": sizes,
        "geom_aabb": boxes,
        "geom_rbound": np.linalg.norm(sizes, axis=1),
        "geom_friction": np.tile([thing.friction, 0.005, 0.0001], (1 + parts, 1)),
    }
    masses = thing.masses()
    inertia, axes = np.linalg.eigh(masses.inertia_kg_m2)
    inertia, axes = inertia[::-1], axes[:, ::-1] * [1.0, 1.0, np.sign(np.linalg.det(axes[:, ::-1]))]
    turn = np.empty(4)
    mujoco.mju_mat2Quat(turn, axes.ravel())
    body = {"body_mass": masses.mass_kg, "body_inertia": inertia, "body_ipos": masses.centre_m, "body_iquat": turn}
    return _Entry(geoms, {name: np.asarray(value) for name, value in body.items()}, len(thing.parts))


def _bounds(model: mujoco.MjModel, mesh: int) -> Floats:
    """Middle and half sizes (6,) of a mesh in its own frame."""
    first = model.mesh_vertadr[mesh]
    vertices = model.mesh_vert[first : first + model.mesh_vertnum[mesh]].astype(np.float64)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return np.concatenate([low + high, high - low]) / 2
