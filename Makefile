# Everything from a checkout with nothing but python3 and make. Variables:
#   PYTHON   the interpreter that makes the virtual environment      (python3)
#   VENV     where the environment is                                (.venv)
#   ONCE=1   `make demo` ends after the table
#   SAVES    saves for each tool in `make demo` and `make bench`     (20)
#   RELOADS  reloads in each run of `make bench-full`                (200)
#   RESULTS  where `make bench-full` writes what it measured         (build/bench)
#   ARGS     more arguments for the command that runs

PYTHON ?= python3
VENV ?= .venv
SAVES ?= 20
RELOADS ?= 200
RESULTS ?= build/bench
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint docs bench bench-full clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.stamp-demo ## the article's shell loop against supervisor_reload, under load; then try it yourself
	@$(BIN)/python -m benchmarks.demo --saves $(SAVES) $(if $(filter-out 0,$(ONCE)),--once) $(ARGS)

test: $(VENV)/.stamp-test ## all tests
	@$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.stamp-lint ## ruff, mypy, import-linter, codespell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

docs: $(VENV)/.stamp-docs ## the documentation as a site, in build/docs; a link that leads nowhere is an error
	@$(BIN)/python -m sphinx -q -W --keep-going -c docs $(ARGS) . build/docs
	@echo "build/docs/index.html"

bench: $(VENV)/.stamp-bench ## how long a save takes, side by side with the others, and what a big tree costs: 13 min
	@echo "1 of 3: how long a save takes"
	@$(BIN)/python -m benchmarks.reload_time --saves $(SAVES) $(ARGS)
	@echo; echo "2 of 3: side by side with the others"
	@$(BIN)/python -m benchmarks.compare --rounds 1 --saves 3 --loads fresh keep-alive
	@echo; echo "3 of 3: a big tree, about 5 min"
	@$(BIN)/python -m benchmarks.big_tree

bench-full: $(VENV)/.stamp-bench ## every number and the picture of docs/benchmarks.md: 2.5 hours
	@mkdir -p $(RESULTS); rm -f $(RESULTS)/lossless.json; code=0; \
	$(BIN)/python -m benchmarks.lossless --all --reloads $(RELOADS) \
	  --out $(RESULTS)/lossless.json --logs $(RESULTS)/logs || code=1; \
	$(BIN)/python -m benchmarks.compare --out $(RESULTS)/compare.json || code=1; \
	$(BIN)/python -m benchmarks.document --lossless $(RESULTS)/lossless.json --compare $(RESULTS)/compare.json \
	  || code=1; exit $$code

clean: ## remove the virtual environment and all caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .nox build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment, once; a stamp for each set of extras, made again when pyproject.toml changes.

$(VENV)/.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "supervisor_reload needs Python 3.10 or newer, and $(PYTHON) is older or missing: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "making the virtual environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) can't make virtual environments; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/.stamp-%: $(VENV)/.stamp pyproject.toml
	@echo "installing what '$*' needs"
	@$(PIP) install -e '.[$*]' || { echo "pip could not install it: is there a network or a mirror (PIP_INDEX_URL)?"; exit 1; }
	@touch $@
