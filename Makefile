# Everything a contributor types. Each target first completes .venv by itself; only python3 >= 3.11, pip and make are needed.
#   make test ARGS="libs/kernel -k money"     make bench NAME=get     make PYTHON=/path/to/python3 test

.DEFAULT_GOAL := help
.PHONY: help demo up down test crash check bench protos docs fmt clean lock ready
MAKEFLAGS += --no-print-directory

# The first interpreter that is new enough; else plain python3, which then says what is missing.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
BIN := .venv/bin
JOBS ?= 2
ARGS ?=
NAME ?=

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: ready ## Play three months of billing through REST and check every invariant
	@$(BIN)/billing demo $(ARGS)

up: ready ## Start the whole stack on this machine, in the background
	@$(BIN)/billing up --detach $(ARGS)

down: ready ## Stop the stack; data stays in .billing/
	@$(BIN)/billing down $(ARGS)

test: ready ## Run all tests; ARGS="libs/kernel -k money" narrows
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

crash: ready ## Kill processes at every fault point under load, then check every invariant
	@CRASH=all $(BIN)/python -m pytest tests/crash -s $(ARGS)

check: ready ## Format, lint, types, walls, contract, generated code, sizes; ARGS="lint types" picks
	@$(BIN)/python -m tools.check $(ARGS)

bench: ready ## Print the speed ratios and write .billing/bench.json; NAME=... runs one
	@$(BIN)/python -m tests.bench $(NAME)

protos: ready ## Generate libs/protos from protos/
	@$(BIN)/python -m tools.gen_protos

docs: ready ## Write the generated tables of docs/
	@$(BIN)/python -m tools.docs

fmt: ready ## Format Python and protos, apply safe lint fixes
	@$(BIN)/python -m tools.fmt

lock: ready ## Resolve requirements.in into requirements.lock
	@$(BIN)/python -m tools.lock $(ARGS)

clean: ## Stop the stack, remove .billing/ and caches; .venv stays
	@if [ -x $(BIN)/billing ]; then $(BIN)/billing down >/dev/null 2>&1 || true; fi
	@rm -rf .billing .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

ready:
	@p="$(PYTHON)"; "$$p" -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; \
	name one: make PYTHON=/path/to/python3")' && "$$p" tools/bootstrap.py
