#!/usr/bin/env bash
# The cells of mask_grasp: each trains or measures one thing, writes its file at once and is skipped when it is there.
set -euo pipefail
python=${PYTHON:-.venv/bin/python}
"$python" reproduce/mask_grasp.py
