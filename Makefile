# Torwart. `make help` lists the targets; `make demo` and `make test` each work as the first command in a fresh clone.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS ?= automatic
# The demo and the tests start hundreds of processes: without compiled files each of them compiles every library anew (3.8 s of work against 1.4).
export UV_COMPILE_BYTECODE ?= 1
unexport PYTHONDONTWRITEBYTECODE
UV := $(shell command -v uv 2>/dev/null || echo .bootstrap/bin/uv)
RUN := .venv/bin/python
PORT ?= 8400
T ?= tests
STAMP := .venv/.torwart-ready

.PHONY: help setup demo check test lint bench docs clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'
	@echo "  PORT=9400 make demo   moves the demo's ports; ONCE=1 plays it and ends; RESET=1 starts it over"
	@echo "  make test T=tests/policies   runs a part; make bench ONLY=gateway runs one benchmark"

setup: $(STAMP) ## Install uv (if it is not there), Python 3.13 (if uv must fetch it) and everything else into .venv

$(STAMP): pyproject.toml uv.lock | find-uv
	@$(UV) sync --quiet --locked --all-groups || { echo "make: the environment could not be installed: Python 3.13 and a reachable package index are needed." >&2; exit 2; }
	@touch $(STAMP)

.PHONY: find-uv
find-uv:
	@command -v uv >/dev/null || [ -x .bootstrap/bin/uv ] || deploy/bootstrap-uv

demo: $(STAMP) ## Start gateway, console and a real CRM, play the story of the departing manager, stay up
	@PORT=$(PORT) ONCE=$(ONCE) RESET=$(RESET) $(RUN) -m deploy.demo

check: $(STAMP) lint ## The fast, offline tests and lint
	@$(RUN) -m pytest -n auto -m "not needs and not slow" -x tests

test: $(STAMP) ## Everything that this machine can run; names what it could not and why
	@$(RUN) -m tests.run $(T)

lint: $(STAMP) ## ruff, mypy strict, import contracts, docs check
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports --no-cache && $(RUN) -m pytest -q tests/docs

bench: $(STAMP) ## Benchmarks; writes bench.json (ONLY=name runs one)
	@$(RUN) -m tests.bench $(ONLY)

docs: $(STAMP) ## Generate docs/reference from the code
	@$(RUN) -m docs.generate

clean: ## Remove everything that the targets above made
	@rm -rf .venv .bootstrap .demo bench.json dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
