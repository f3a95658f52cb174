"""Household objects made by a seeded generator: shapes, textures, collision parts, grasps, and a user's own meshes."""
