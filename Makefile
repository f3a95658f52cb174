# Every target sets itself up: `make demo` and `make test` are all that a fresh machine needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PEERS := $(wildcard bench/*/requirements.txt)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench reproduce torture check-results clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(READY) ## make .venv with the tested versions

# PyTorch comes first and by its exact version, so that nothing else can choose another build of it.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "eyehand needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY) ## train, cross into an unseen world, adapt, measure what was lost
	$(BIN)/eyehand demo

# One thread each: two workers on two cores, and PyTorch's own threads would only fight over them.
test: $(READY) ## the whole suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(READY) ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(READY) ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) $(PEERS:bench/%/requirements.txt=.bench/%/ready) ## our speed beside that of peers
	$(BIN)/eyehand bench
	$(BIN)/eyehand bench scaling
	$(BIN)/eyehand bench latency

.bench/%/ready: bench/%/requirements.txt
	$(PYTHON) -m venv .bench/$*
	.bench/$*/bin/python -m pip install --quiet -r $<
	@touch $@

reproduce: $(READY) ## a method's published results: make reproduce METHOD=modular_dqn
	@test -f "reproduce/$(METHOD).sh" || { \
		echo "Unknown METHOD '$(METHOD)'. Allowed: $(patsubst reproduce/%.sh,%,$(wildcard reproduce/*.sh))." >&2; exit 2; }
	PATH="$(CURDIR)/$(BIN):$$PATH" bash reproduce/$(METHOD).sh

torture: $(READY) ## kill training 60 times at random and compare the weights
	$(BIN)/python scripts/torture.py

check-results: $(READY) ## tables agree with the result files, and one random cell can be made again exactly
	$(BIN)/python scripts/check_results.py
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python reproduce/modular_dqn.py --again any

clean: ## remove what the targets above made, except recordings and runs
	rm -rf $(VENV) .bench build dist .pytest_cache .ruff_cache .hypothesis src/*.egg-info
