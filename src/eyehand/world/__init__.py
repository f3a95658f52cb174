"""Tasks in domains: stepping, motion, drawing, tracing and the camera, all batched and reproducible per row."""
