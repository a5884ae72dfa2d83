# make demo      the player on its built-in duet: no hardware, no download of models, no torch
# make test      the whole test suite
# make install   the runtime alone, into .venv
# make check     what CI runs: format, lint, types, tests
# make audit     what is installed, among known vulnerabilities; needs the net, and says so

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_OPTIONS ?=

.PHONY: install demo test check audit format development clean

install: $(VENV)/.installed

demo: install
	$(BIN)/python run_live.py --demo $(DEMO_OPTIONS)

test: development
	scripts/system-packages test
	if [ "$$CI" = true ]; then scripts/triton-environment $(BIN)/python; fi
	$(BIN)/python -m pytest

check: development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

audit: development
	[ -x $(VENV)/audit/bin/pip-audit ] || { $(PYTHON) -m venv $(VENV)/audit \
	  && $(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit; } \
	  || echo "note: pip-audit cannot be installed here"
	$(BIN)/python scripts/audit $(VENV)/audit/bin/pip-audit

format: development
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

development: $(VENV)/.development

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
	  || { echo "error: $(PYTHON) is not Python 3.10 to 3.13; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV) \
	  || { echo "error: no venv module; on Debian and Ubuntu: sudo apt-get install python3-venv"; exit 2; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	scripts/system-packages runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[completion]'
	touch $@

$(VENV)/.development: pyproject.toml | $(BIN)/python
	scripts/system-packages runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[development]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
