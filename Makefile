# Everything runs in .venv, which the first target that needs it sets up. PYTHON chooses the interpreter it is made with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The extension is linked into the environment when it is built, not copied by pip.
PIP := MLSTACK_NB_LABEXTENSION=none $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt
NOTEBOOK := demo/fraud_detection.ipynb
BUILT := mlstack_nb/labextension
WIDGET := mlstack_nb/notebook/widget/built
SHARED := $(VENV)/share/jupyter/labextensions/mlstack-nb

# Without byte code every process would compile all it imports, which takes longer than most tests.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check lab bench lock clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 14

demo: $(VENV)/.tools ## run the demo: a notebook's steps, then again from the cache, then on a second stack
	@$(BIN)/mlstack demo

test: $(VENV)/.tools $(VENV)/.labextension dot chromium ## build the JupyterLab extension and run all tests; pictures of it go to screenshots/
	@npm test --silent
	@mkdir -p screenshots
	@MLSTACK_SCREENSHOTS=screenshots $(BIN)/python -m pytest --numprocesses auto --dist loadfile --quiet

check: $(VENV)/.tools ## lint, formatting, types, and the tests that guard floors, imports and files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest --quiet tests/test_files.py tests/test_floors.py tests/test_imports.py tests/test_registry.py

lab: $(VENV)/.lab ## build the extension where npm is, and open the demo notebook in JupyterLab, on this machine only
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(VENV)/.labextension; \
	  elif test ! -e $(BUILT)/package.json; then echo "There is no npm to build the JupyterLab extension with: going without." >&2; fi
	@$(BIN)/mlstack demo --no-run
	@$(BIN)/jupyter lab --ServerApp.ip=127.0.0.1 $$(test "$$(id -u)" != 0 || echo --allow-root) $(NOTEBOOK)

bench: $(VENV)/.tools ## measure, each number as a ratio to its floor
	@$(BIN)/python -m bench

lock: $(VENV)/.made ## write constraints.txt anew: today's versions of everything
	@$(BIN)/python .ci/lock

clean: ## remove .venv and all that the tools leave behind
	@rm -rf node_modules labextension/lib $(BUILT) $(WIDGET)
	@rm -rf $(VENV) screenshots .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	@find mlstack_nb tests bench -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.tools: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing the package and its tools into $(VENV) (a minute or two, once)."
	@$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/.lab: $(VENV)/.tools
	@$(PIP) --editable '.[lab]'
	@touch $@

node_modules/.package-lock.json: package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20 or newer is needed to build the JupyterLab extension." >&2; exit 1; }
	@echo "Installing what the JupyterLab extension is built with (a minute, once)."
	@npm ci --silent

$(VENV)/.labextension: $(VENV)/.made node_modules/.package-lock.json package.json $(shell find labextension -type f -not -path '*/lib/*' -not -path '*/test/*')
	@echo "Building the JupyterLab extension."
	@npm run build --silent >labextension.log 2>&1 || { cat labextension.log >&2; exit 1; }
	@rm -rf labextension.log $(SHARED) && mkdir -p $(dir $(SHARED)) && ln -s $(abspath $(BUILT)) $(SHARED)
	@touch $@

# The graph is drawn with and without graphviz's `dot`; the tests look at both.
.PHONY: dot
dot:
	@command -v dot >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	  echo "Installing graphviz." && apt-get update -qq && apt-get install -y -qq --no-install-recommends graphviz >/dev/null; } || \
	  { echo "The tests need graphviz: install it so that 'dot' is on the PATH (apt-get install graphviz)." >&2; exit 1; }

# The tests of the JupyterLab extension look at it in a browser.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	  echo "Installing chromium." && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } || \
	  { echo "The tests need chromium: install it so that 'chromium' is on the PATH (apt-get install chromium)." >&2; exit 1; }
