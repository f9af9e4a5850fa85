# Two commands on a fresh machine: `make run` and `make test`. Python 3.11 or newer is all they need.

PYTHON ?= python3
PYTEST_ARGS ?=
UV_VERSION := 0.13.8
VENV_PYTHON := .venv/bin/python
MANAGE := $(VENV_PYTHON) manage.py
SOURCES := apps tasktracker tests benchmarks manage.py

.DEFAULT_GOAL := help
.PHONY: help install run test test-torch lint format migrations messages services-dev screenshots clean
.SILENT:
MAKEFLAGS += --no-print-directory

help: ## List the targets
	echo "make TARGET [VARIABLE=value]"
	sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18
	echo "Variables of run: PORT (8000), DATA_DIR (.devstack), DEMO (1; 0 starts empty). PYTHON makes the environment."

install: .venv/installed-embedded ## Make .venv with everything that `run` needs

run: install ## Start services, every process and the demo; stop with Ctrl-C
	exec $(MANAGE) up

# With PYTEST_ARGS in one process: a single file starts sooner so. Three otherwise, on two cores: what kills
# processes or talks to them often waits. What is compiled is kept, also where the environment says no.
test: .venv/installed-dev ## Run the whole suite on real embedded services (PYTEST_ARGS=...)
	exec env OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(VENV_PYTHON) -m pytest $(or $(PYTEST_ARGS),-n 3 --dist worksteal)

test-torch: ## Run the tests of sentence-transformers in an environment of its own (5 GB)
	test -x .venv-torch/bin/python || $(PYTHON) -m venv .venv-torch
	.venv-torch/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	.venv-torch/bin/python -m uv pip install --quiet --python .venv-torch/bin/python --requirement requirements/torch-test.txt
	exec env OMP_NUM_THREADS=1 .venv-torch/bin/python -m pytest tests/lib/test_sentence_transformers.py $(PYTEST_ARGS)

lint: .venv/installed-dev ## Check style, types, layers, templates, migrations and translations
	$(VENV_PYTHON) -m ruff check
	$(VENV_PYTHON) -m ruff format --check
	$(VENV_PYTHON) -m djlint templates --check --quiet || { echo "templates are out of shape: make format" >&2; exit 1; }
	$(VENV_PYTHON) -m djlint templates --lint --quiet
	$(VENV_PYTHON) -m mypy $(wildcard $(SOURCES))
	.venv/bin/lint-imports
	$(VENV_PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	.ci/check-messages

format: .venv/installed-dev ## Put code and templates into shape
	$(VENV_PYTHON) -m ruff check --fix
	$(VENV_PYTHON) -m ruff format
	$(VENV_PYTHON) -m djlint templates --reformat --quiet

migrations: .venv/installed-dev ## Write migrations for changed models
	$(MANAGE) makemigrations

messages: .venv/installed-dev ## Collect and compile the Ukrainian texts (needs GNU gettext)
	$(MANAGE) makemessages --locale uk --add-location file --no-wrap --no-obsolete --ignore tests --ignore benchmarks
	$(MANAGE) compilemessages --locale uk --verbosity 0

services-dev: .venv/installed-dev ## Like run, but processes restart when a file changes
	exec $(MANAGE) up --reload

screenshots: .venv/installed-dev ## Take the README's pictures of a running `make run` (PORT, DATA_DIR)
	exec $(VENV_PYTHON) docs/screenshots/take.py

clean: ## Remove .venv and caches; the data in .devstack stays
	rm -rf .venv .venv-torch .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis staticfiles
	find apps tasktracker tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp is newer than what it was made from, so nothing is installed twice.
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is not; choose one: make install PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/uv-$(UV_VERSION): | .venv/bin/python
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	touch $@

.venv/installed-%: requirements/%.txt .venv/uv-$(UV_VERSION)
	echo "installing $<"
	$(VENV_PYTHON) -m uv pip install --quiet --python $(VENV_PYTHON) --requirement $<
	touch $@
