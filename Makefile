# `make` lists what there is. Each target does the set-up that it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test slow check chaos bench bench-live bench-bundles lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## Install everything into .venv, which then has bin/haulage

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Haulage needs Python 3.11 or newer. Name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## Run the main job on this machine: servers, gateway, worker, demo files, a real download
	@exec $(BIN)/haulage up --demo

test: setup ## Run the tests, on real servers of their own
	$(BIN)/pytest

slow: setup ## Run the tests that take minutes and 13 GB of the disk: bundles at the limits of ZIP64
	$(BIN)/pytest -m slow

check: setup ## Lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

chaos: setup ## Run the faults that take their time, and print the table of docs/reliability.md
	$(BIN)/pytest tests/faults -m chaos
	$(BIN)/python -m tests.faults.report

bench: setup ## Measure, and print the tables of docs/benchmarks.md
	$(BIN)/python -m tests.bench

bench-live: setup ## Measure live followers, and print the second table of docs/benchmarks.md
	$(BIN)/python -m tests.bench live

bench-bundles: setup ## Measure bundles beside other ways to make them, on MinIO, and print the third table of docs/benchmarks.md
	bash tests/minio.sh $(BIN)/python -m tests.bench bundles

lock: ## Pin every dependency by version and hash (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra stack --group dev \
		pyproject.toml --output-file requirements.lock

clean: ## Remove the environment, not the data of .haulage
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
