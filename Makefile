# `make demo` runs the main job and `make test` every check, each from a fresh clone.
PYTHON ?= python3.11
VENV := .venv
READY := $(VENV)/.ready

.PHONY: demo test lint train-bundled clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip setuptools
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		torch && $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt --editable '.[collect,hub,dev]'
	touch $(READY)

demo: $(READY)
	$(VENV)/bin/steerstat reproduce --out runs/demo

lint: $(READY)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: lint
	$(VENV)/bin/pytest

train-bundled: $(READY)
	$(VENV)/bin/python -m collect.bundled.train --out collect/bundled/codi-arithmetic

clean:
	rm -rf $(VENV) build *.egg-info
