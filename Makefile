# Every target calls `setup`, which builds .venv once and costs nothing afterwards.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
FUZZER = $(shell sed -n 's/.*"\(atheris==[^"]*\)".*/\1/p' pyproject.toml)
COMPILE = UV_NO_CONFIG=1 $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header --quiet
# Keep what Python compiled: every process of the tests would do it again for itself.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench fuzz lock format

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 14

setup: $(STAMP) ## build .venv from requirements.lock (idempotent)

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the pinned packages into .venv (once; about a minute)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup ## a conversation with the bot, no credentials needed
	@$(BIN)/dashscope-slack demo

test: setup ## all tests, with coverage
	@rm -f .coverage .coverage.*
	@echo "1 of 2: the tests of bot/core, which cover it completely by themselves"
	@COVERAGE_FOLLOWS=thread $(BIN)/python -m pytest tests/unit/core -q --no-header -n auto --dist worksteal --cov=bot.core --cov=bot.errors --cov-branch --cov-fail-under=100 --cov-report=term:skip-covered
	@echo "2 of 2: all other tests; the coverage of both is added up"
	@$(BIN)/python -m pytest --ignore=tests/unit/core -n auto --dist worksteal --cov --cov-append --cov-report=term:skip-covered

check: setup ## formatting, lint, types, imports, migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/basedpyright --pythonpath $(BIN)/python

format: setup ## let ruff mend what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup ## measured tables, beside what one would use instead
	@$(BIN)/python -m tests.benchmarks

fuzz: setup ## look for inputs that break a law, each for FUZZ_SECONDS (60)
	@$(BIN)/python -c "import atheris" 2>/dev/null || $(BIN)/python -m pip install -qq \
		--disable-pip-version-check --only-binary :all: $(FUZZER) || { echo "The fuzzer, $(FUZZER), \
	cannot be installed here: PyPI has it for Linux (x86-64) and CPython 3.11 to 3.13."; exit 1; }
	@$(BIN)/python -m tests.fuzz

lock: setup ## resolve pyproject.toml anew into requirements.lock, and what the bot needs of it into requirements-run.lock
	@$(COMPILE) --group dev --upgrade -o requirements.lock
	@$(COMPILE) --constraint requirements.lock -o requirements-run.lock
