#!/usr/bin/env bash
# The cells of modular_dqn: each trains or measures one thing, writes its file at once and is skipped when it is there.
set -euo pipefail
python=${PYTHON:-.venv/bin/python}
"$python" reproduce/modular_dqn.py
"$python" reproduce/twin_is_solvable.py --hand runs/reproduce/modular_dqn/SIM-0
