# `make up` needs Python 3.11+, make and a package index; no compiler, no root, no Node, no service.
# Options for Naru itself: make up ARGS="--port 9000 --home /var/lib/naru"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# Stamps hold what is installed: a second `make install` finds them newer than the locks and does nothing.
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev

PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
LOCK := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --overrides requirements/overrides.txt --extra edge --group build

.DEFAULT_GOAL := help
.PHONY: up combine test check fmt lint types arch bench docs clean install install-dev lock help

up: install ## start Naru on the embedded model (ARGS="--port N --home DIR …" go to `naru up`)
	@exec $(BIN)/naru up $(ARGS)

test: install-dev ## what needs no service: under two minutes
	$(BIN)/pytest -n auto

check: lint types arch ## what CI runs: style, types, floors, and every test
	$(BIN)/pytest -m ""

fmt: install-dev ## rewrite the code in its one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: install-dev ## format and lint, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install-dev ## mypy, strict
	$(BIN)/mypy

arch: install-dev ## the floors of the house
	$(BIN)/lint-imports

bench: install-dev ## side by side with other gateways; prints a table (ARGS go to the bench)
	$(BIN)/python -m bench $(ARGS)

docs: install-dev ## write the generated pages, then check every link, command and example
	$(BIN)/naru config docs > docs/settings.md
	$(BIN)/pytest tests/docs

install: $(RUN_STAMP) ## set up .venv with what `naru` needs; the second time does nothing

install-dev: $(DEV_STAMP)

combine: $(RUN_STAMP) ## what `naru combine` needs beside: numpy, pandas, pyarrow, pycanon, anjana
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements/combine.txt

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Naru needs Python 3.11 or newer, and \`$(PYTHON)\` is `$(PYTHON) --version 2>&1`." >&2; \
		echo "Install one, or name it: make $(or $(MAKECMDGOALS),up) PYTHON=python3.12" >&2; exit 1; }
	@echo "make: a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python could not make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; }

$(RUN_STAMP): requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "make: installing what is locked in requirements/run.txt"
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements/run.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	@echo "make: installing the tools of tests and checks from requirements/dev.txt"
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

lock: ## write requirements/*.txt anew from pyproject.toml (needs uv; UPGRADE=--upgrade takes newer releases)
	$(LOCK) $(UPGRADE) pyproject.toml -o requirements/run.txt
	$(LOCK) $(UPGRADE) --extra combine -c requirements/run.txt pyproject.toml -o requirements/combine.txt
	$(LOCK) $(UPGRADE) --extra combine --group dev -c requirements/run.txt -c requirements/combine.txt \
		pyproject.toml -o requirements/dev.txt

clean: ## remove .venv, caches and built files; ./.naru (your data) stays
	rm -rf $(VENV) dist build .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf src/naru/web/static/vendor
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
