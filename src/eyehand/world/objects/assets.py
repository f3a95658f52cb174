# pyright: basic, reportAttributeAccessIssue=false
# MuJoCo ships no types for its specification classes.
"""Objects as assets of a MuJoCo scene."""

from __future__ import annotations

import mujoco
import numpy as np

from eyehand.types import Images
from eyehand.world.objects.household import HouseholdObject
from eyehand.world.objects.textures import procedural_texture


def picture_of(thing: HouseholdObject, size: int = 128) -> Images | None:
    """The texture (H, W, 3) uint8 that is painted on an object, or None where it has plain colour."""
    if thing.photograph is not None:
        return thing.photograph
    return procedural_texture(thing.texture.kind, thing.texture.seed, size) if thing.texture else None


def add_to_spec(spec: mujoco.MjSpec, thing: HouseholdObject, texture_size: int = 128) -> None:
    """Add an object's meshes to a scene: mesh `<name>` as seen and `<name>/part<j>` for collision.

    A material `<name>` with its colour, gloss and texture (also `<name>`) is added too, for geoms that show it as it
    is. Row 0 of a texture is at v = 0. Visual meshes count as shells, so MuJoCo accepts open ones.

    Args:
        spec: the scene, changed in place.
        thing: the object; its name must be new to the scene.
        texture_size: rows and columns of a procedural texture.
    """
    mesh = spec.add_mesh(name=thing.name, inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
    mesh.uservert = thing.mesh.vertices.ravel()
    mesh.usernormal = thing.mesh.normals.ravel()
    mesh.usertexcoord = thing.mesh.uv.ravel()
    mesh.userface = thing.mesh.faces.ravel()
    for j, points in enumerate(thing.parts):
        part = spec.add_mesh(name=f"{thing.name}/part{j}", inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX)
        part.uservert = points.ravel()
    material = spec.add_material(
        name=thing.name, rgba=thing.rgba, specular=thing.specular, shininess=thing.shininess, texuniform=False
    )
    picture = picture_of(thing, texture_size)
    if picture is not None:
        height, width = picture.shape[:2]
        texture = spec.add_texture(
            name=thing.name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=width, height=height, nchannel=3
        )
        texture.data = np.ascontiguousarray(picture).tobytes()
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = thing.name


def add_body(spec: mujoco.MjSpec, thing: HouseholdObject, slot: str, free: bool = True) -> mujoco.MjsBody:
    """A body that shows an object added by `add_to_spec` and collides with its parts.

    Its frame is the object's. Geoms are `<slot>` (seen, group 2) and `<slot>/part<j>` (collision, group 3); mass and
    inertia are the object's own.

    Args:
        spec: the scene, changed in place.
        thing: the object.
        slot: name of the body and of its visual geom, for example "object0".
        free: the body moves freely; its joint is `<slot>`.

    Returns:
        The body, whose position and attitude the caller sets.
    """
    body = spec.worldbody.add_body(name=slot)
    if free:
        body.add_freejoint(name=slot)
    masses = thing.masses()
    inertia = masses.inertia_kg_m2
    body.mass, body.ipos, body.explicitinertial = masses.mass_kg, masses.centre_m, True
    body.fullinertia = (inertia[0, 0], inertia[1, 1], inertia[2, 2], inertia[0, 1], inertia[0, 2], inertia[1, 2])
    kind = mujoco.mjtGeom.mjGEOM_MESH
    body.add_geom(
        name=slot, type=kind, meshname=thing.name, material=thing.name, group=2, contype=0, conaffinity=0, mass=0
    )
    for j in range(len(thing.parts)):
        friction = (thing.friction, 0.005, 0.0001)
        body.add_geom(
            name=f"{slot}/part{j}", type=kind, meshname=f"{thing.name}/part{j}", group=3, friction=friction, mass=0
        )
    return body
