"""Sensors: from light and exact depth to what a program receives from a camera."""
