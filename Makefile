# The menu. `make` alone lists it; what CI runs is `make check`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin

# dbt declares Python up to 3.13: the newest of 3.13, 3.12 and 3.11 that starts is taken. PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)

.PHONY: help install dev sync inspect test test-long test-state test-faults test-browser docs bench bench-growth lint format check lock clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Make the environment from the lock file.

dev: $(VENV)/.installed-dev ## Make the environment of those who change the code, and look at the rest.
	@$(BIN)/guidelight migrate && $(BIN)/guidelight doctor || true
	@echo "change something, then: make lint, make test ARGS=tests/test_sync.py, make test (CONTRIBUTING.md)"

sync: $(VENV)/.installed ## Bring products up to date; with nothing configured, from a shop to practise on.
	@$(BIN)/guidelight sync --or-sandbox

inspect: $(VENV)/.installed ## Ask in SQL, read-only: a prompt, or QUESTION=out_of_stock.
	@$(BIN)/guidelight inspect $(QUESTION)

test: $(VENV)/.installed-dev ## Run the tests; they bring their own Postgres and their own shop.
	@$(BIN)/python -m pytest -n 2 -m "not long and not state and not faults and not browser" $(ARGS)

test-long: $(VENV)/.installed-dev ## Run what takes longer: the workflows as they stand, both engines on odd records.
	@$(BIN)/python -m pytest -n 2 -m long $(ARGS)

test-state: $(VENV)/.installed-dev ## Run 200 random lives of a shop on both engines, an hour; SHARD=1/4 is a quarter.
	@$(BIN)/python -m pytest -n 2 -m state --shard $(or $(SHARD),1/1) $(ARGS)

test-faults: $(VENV)/.installed-dev ## Run every fault at every place, kills and races, on both engines; SHARD=1/4 is a quarter.
	@$(BIN)/python -m pytest -n 2 -m faults --shard $(or $(SHARD),1/1) $(ARGS)

test-browser: $(VENV)/.installed-dev build/browser/node_modules/axe-core/axe.min.js ## Open the report in headless Chromium; needs chromium and npm.
	@$(BIN)/python -m pytest -n 0 -m browser $(ARGS)

docs: $(VENV)/.installed ## Build dbt docs and Data Docs of the database, with an index in build/docs.
	@$(BIN)/python -m pipelines.report.docs

bench: $(VENV)/.installed-dev ## Measure a sync beside the floor and its peers, an hour; ARGS=--quick to try it.
	@$(BIN)/python -m benchmarks $(ARGS)

bench-growth: $(VENV)/.installed-dev ## Measure it at 10,000 and 100,000 products; ARGS="--growth 1m" at a million.
	@$(BIN)/python -m benchmarks --growth 10k,100k $(ARGS)

lint: $(VENV)/.installed-dev ## Check style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt_project/models sql/inspect

format: $(VENV)/.installed-dev ## Put the style right.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint test-long test ## What CI runs, test-state, test-faults and test-browser apart.

lock: $(VENV)/.installed-dev ## Resolve the dependencies anew, with hashes.
	$(BIN)/python -m pip install --quiet uv
	for out in requirements.lock "requirements-dev.lock -c requirements.lock --group dev"; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate --no-strip-extras pyproject.toml -o $$out; done

clean: ## Remove what was generated, the practice data included.
	rm -rf $(VENV) build data .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

build/browser/node_modules/axe-core/axe.min.js: tests/browser/package.json tests/browser/package-lock.json
	@command -v npm >/dev/null || { echo "make test-browser needs npm, which brings the accessibility checker axe-core: install Node.js with npm" >&2; exit 1; }
	@mkdir -p build/browser && cp $^ build/browser
	@cd build/browser && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "guidelight-sync needs Python 3.11 to 3.13 with venv: dbt goes no further. Install one, or set PYTHON=…" >&2; exit 1; }
	@echo "making the environment with $$($(PYTHON) --version) (a minute, once)" >&2
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
