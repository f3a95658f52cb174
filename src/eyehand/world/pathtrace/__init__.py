"""The path tracer: linear light of any scene with soft shadows, a bounce, textures and gloss; another image path."""

from __future__ import annotations

from eyehand.world.pathtrace.light import Light
from eyehand.world.pathtrace.tracer import PathTracer, StereoRig, TraceOptions

__all__ = ["Light", "PathTracer", "StereoRig", "TraceOptions"]
