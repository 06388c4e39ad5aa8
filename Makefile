# Needs nothing but make and Python 3.11 or newer. Everything is installed into .venv, once for each change of the stamps.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin

# `python3` when it is new enough, else the newest that carries its version in its name. Override: make PYTHON=... demo
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

# PyTorch for Linux has CUDA's libraries in it unless it comes from its own index of CPU builds; other platforms have the
# CPU build anyway. `make CUDA=1 demo` takes the usual index's, `make TORCH_INDEX=URL demo` another one of CPU builds.
CUDA ?=
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt

.PHONY: help demo test test-slow test-studio lint format benchmarks results clean

help:
	@echo "make demo       pictures from the shipped weights, on one page"
	@echo "make test       lint, type check and the fast tests"
	@echo "make test-slow  the tests that take longer"
	@echo "make test-studio  the studio in a browser, drawn again, under load and under attack; LIMNER_CHROMIUM=/usr/bin/chromium"
	@echo "make test-order  fast tests in random order, then 200 of them each alone; SEED=1, TESTS=tests/unit/data"
	@echo "make lint       ruff and mypy; make format: let ruff write"
	@echo "make benchmarks  all speed benchmarks, one table of ratios (QUICK=--quick: only whether they work)"
	@echo "make results    write the page of results from the JSON files in docs/results"
	@echo "make clean      remove .venv, caches and built files"
	@echo "On Linux the CPU build of PyTorch is installed; make CUDA=1 ... takes the one with CUDA."

demo: $(VENV)/.demo
	$(BIN)/limner demo

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q

test-slow: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q -m "(slow or weights) and not gpu and not network"

test-studio: $(VENV)/.studio
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m slow tests/studio tests/browser

# The same tests in another order, and some each by itself: tests that pass in company alone fail here.
SEED ?= 0
TESTS ?=
test-order: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python tools/test_order.py shuffle --seed $(SEED) $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python tools/test_order.py alone --seed $(SEED) --sample 200 $(TESTS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks: $(VENV)/.dev
	$(BIN)/python benchmarks/all.py $(QUICK)

results: $(VENV)/.dev
	$(BIN)/python -m limner.reproduce.page docs/results

clean:
	rm -rf $(VENV) build dist limner-demo .pytest_cache .mypy_cache .ruff_cache
	find limner tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer with venv was found; give one: make PYTHON=/path/to/python demo"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Alone and first, so that everything else comes from the index that pip is set up for; a failure is no reason to stop.
$(VENV)/.torch: constraints.txt | $(BIN)/python
	@if [ "$$(uname -s)" = Linux ] && [ -z "$(CUDA)" ]; then \
		echo "The CPU build of PyTorch, from $(TORCH_INDEX):"; \
		$(PIP) --no-deps --timeout 10 --retries 1 --index-url "$(TORCH_INDEX)" torch \
		|| echo "$(TORCH_INDEX) has none or cannot be reached; PyTorch comes from the usual index."; \
	fi
	@touch $@

# The demo of talking faces writes clips.
$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/.torch
	$(PIP) -e ".[video]"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.torch
	$(PIP) -e ".[dev]"
	@touch $@ $(VENV)/.demo

$(VENV)/.studio: pyproject.toml constraints.txt | $(VENV)/.torch
	$(PIP) -e ".[dev,studio-test]"
	@touch $@ $(VENV)/.dev $(VENV)/.demo
