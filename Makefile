# Everything a developer, CI or a newcomer runs. Each target sets up what it needs by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
WORKERS ?= 2
ARGS ?=

.PHONY: help setup run stack demo test check verify docs bench chaos-sla up lock format clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with every dependency, locked by hash

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("careloop needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## The main job on real data: a year of requests replayed in minutes (ARGS="--exit --report out.json")
	$(BIN)/careloop demo $(ARGS)

run: $(STAMP) ## The suite in one process on the real clock, state in .careloop/
	$(BIN)/careloop run $(ARGS)

stack: $(STAMP) ## The real thing on this machine: PostgreSQL, Kafka, Caddy, eight processes
	$(BIN)/careloop stack $(ARGS)

up: ## The cluster shape in containers (needs a Docker engine)
	deploy/make-env.sh
	docker compose -f deploy/docker-compose.yml up --build --detach $(ARGS)

test: $(STAMP) ## All tests: unit, integration, contract, transport, crash, e2e (migrations: make verify)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore tests/architecture --ignore tests/migrations $(ARGS)

check: $(STAMP) ## Style, types, who may import whom, house rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture

verify: $(STAMP) ## Generated documents are current, migrations add up to the tables
	$(BIN)/python -m careloop.documents --check
	$(BIN)/pytest -q tests/migrations

docs: $(STAMP) ## Generate docs/events, docs/states, docs/openapi and docs/guides/pictures
	$(BIN)/python -m careloop.documents

bench: $(STAMP) ## Measure each claim as a ratio within one run
	$(BIN)/python -m bench $(ARGS)

chaos-sla: $(STAMP) ## Kill sla's timer workers 100 times; each threshold must take effect once (ARGS="--kills 20 --seed 7")
	$(BIN)/python -m tests.crash.chaos_sla $(ARGS)

lock: ## Renew the locks (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q --all-extras -o requirements/dev.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q --extra telemetry -o requirements/service.txt
	uv pip compile requirements/bench.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q -o requirements/bench.txt
	uv pip compile requirements/lifetimes.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q -o requirements/lifetimes.txt

format: $(STAMP) ## Put code in its canonical form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the virtual environment and caches (state in .careloop/ stays)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
