#!/usr/bin/env bash
# The cells of modular_dqn: each trains or measures one thing, writes its file at once and is skipped when it is there.
set -euo pipefail
python=${PYTHON:-.venv/bin/python}
for seed in 0 1 2; do
  for exploration in k_gps epsilon_greedy; do
    "$python" reproduce/control_cell.py --exploration "$exploration" --joints 3 --seed "$seed"
  done
done
"$python" reproduce/twin_is_solvable.py
