# Sandu: every entry prepares what it needs; nothing has to be installed first but Python 3.11 or newer and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: install demo demo-reset test lint bench clean

install: $(VENV)/installed

$(VENV)/bin/pip:
	@sh tests/environment/virtual_environment.sh $(PYTHON) $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/pip
	@sh tests/environment/packages.sh $(VENV) .
	@touch $@

$(VENV)/installed-tests: $(VENV)/installed
	@sh tests/environment/packages.sh $(VENV) '.[tests,spark]'
	@touch $@

demo: $(VENV)/installed
	@$(BIN)/sandu demo

demo-reset: $(VENV)/installed
	@$(BIN)/sandu demo --reset

test: $(VENV)/installed-tests
	@sh tests/environment/system_parts.sh
	@$(MAKE) --no-print-directory lint
	$(PYTEST) -m "not slow" -n $(JOBS) --dist loadfile
	$(PYTEST) -m slow

lint: $(VENV)/installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed-tests
	@sh tests/environment/system_parts.sh bench
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build *.egg-info
