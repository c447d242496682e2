# The developer's interface. A fresh machine needs Python 3.11 or newer and make; `make help` lists the words.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help paper bench gateway check test clean

# The first interpreter that runs and is new enough; name another with `make paper PYTHON=/path/to/python`.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$name; break; }; done)

BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PRODUCT := $(wildcard main.py settings.py) $(patsubst %/__init__.py,%,$(wildcard */__init__.py))
LISTS := import sys, tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]
RUN_LIST := $(LISTS); print(*project["dependencies"], sep="\n")
TEST_LIST := $(LISTS); print(*project["optional-dependencies"]["test"], sep="\n")
ENGINE_LIST := $(LISTS); print(*project["optional-dependencies"]["engine"], sep="\n")

help:  ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

paper: .venv/.installed  ## install if needed, then trade on paper: one simulated day, or what .env says
	@$(BIN)/python main.py paper

bench: .venv/.installed  ## measure the budgets of the architecture page
	@$(BIN)/python -m benchmarks

gateway: .venv-gateway/.installed  ## install the order gateway's own environment; nothing of the desk's is in it

check: .venv/.installed-test  ## format, lint and types, without running a test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict $(PRODUCT)

# Three at a time on two cores: many tests wait for processes of their own.
test: check .venv-gateway-test/.installed  ## everything CI runs
	$(BIN)/python -m pytest -q -n 3 --dist worksteal

clean:  ## remove the environment and every cache; the journal in state/ stays
	rm -rf .venv .venv-gateway .venv-gateway-test .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Tidegate needs Python 3.11 or newer; none was found. Install one, or: make paper PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tidegate needs Python 3.11 or newer; $(PYTHON) is older or does not run." >&2; exit 1; }
	@echo "creating .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing the pinned packages (once; a minute or two)"
	@$(BIN)/python -c '$(RUN_LIST)' > .venv/run-list.txt
	@$(PIP_INSTALL) -r .venv/run-list.txt
	@touch $@

.venv/.installed-test: .venv/.installed
	@echo "installing the pinned test packages"
	@$(BIN)/python -c '$(TEST_LIST)' > .venv/test-list.txt
	@$(PIP_INSTALL) -r .venv/test-list.txt
	@$(BIN)/python -c '$(ENGINE_LIST)' > .venv/engine-list.txt
	@$(PIP_INSTALL) --only-binary xllamacpp -r .venv/engine-list.txt || \
		echo "no wheel of xllamacpp fits this machine: the tests with a real decoder are skipped" >&2
	@touch $@

# The gateway holds the key: its environment is these few packages, as pinned, and whatever they would pull in is listed too.
.venv-gateway/.installed: execution/gateway/requirements.txt | .venv/bin/python
	@$(BIN)/python -m venv --clear .venv-gateway
	@.venv-gateway/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r execution/gateway/requirements.txt
	@touch $@

# Its tests compare it with the public client, whose own pins fit nothing: installed without them, each package as listed.
.venv-gateway-test/.installed: execution/gateway/requirements.txt execution/gateway/requirements-test.txt | .venv/bin/python
	@echo "installing the packages of the order gateway's tests"
	@{ $(BIN)/python -m venv --clear .venv-gateway-test && \
		.venv-gateway-test/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
			-r execution/gateway/requirements.txt -r execution/gateway/requirements-test.txt && touch $@; } || \
		echo "the order gateway's test environment could not be built: its tests are skipped" >&2
