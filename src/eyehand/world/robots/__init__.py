"""Robots: built in code from published kinematics, limits and masses, or read from a user's file."""
