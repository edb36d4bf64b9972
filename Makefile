# make demo   the editor in the browser, on a sample portrait, with the weights that ship; prints its address
# make test   all checks and tests
# make audit  known vulnerabilities of the tested versions, where PyPI's advisories can be reached
# make web    the editor as static files in build/web, for any host, served to this machine; prints its address
# make docs   the documentation site with the API reference, in build/docs
# make test-oldest   the tests with the oldest supported torch and other Pythons, where they are installed
# All do their set-up on a fresh machine that has Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Pinned first: a plain "torch" would bring gigabytes of CUDA libraries.
TORCH := torch==2.13.0
DEV := --quiet --disable-pip-version-check --editable ".[dev,docs,train,evaluate,serve,tensorboard,onnx,export]"

.PHONY: demo web test test-oldest lint docs audit setup clean

demo: $(VENV)/ready
	$(BIN)/maskgan serve --open

web: $(VENV)/ready-dev
	$(BIN)/maskgan export-web build/web --serve 8081

# The checks run beside the tests: mypy alone would leave a core idle.
test: $(VENV)/ready-dev
	$(MAKE) --no-print-directory --jobs 2 lint tests

.PHONY: tests
tests: $(VENV)/ready-dev
	tests/page/setup.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

lint: $(VENV)/ready-dev
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/ready-dev
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --jobs auto --conf-dir docs --builder html . build/docs
	@echo "build/docs/docs/index.html"

audit: $(BIN)/python
	$(BIN)/python .ci/audit.py

test-oldest: $(VENV)/ready-dev
	.ci/test-versions

setup: $(VENV)/ready-dev

# Debian packs venv apart from Python; where it is missing, virtualenv does the same.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { \
	    rm -rf $(VENV) && \
	    $(PYTHON) -m pip install --quiet --target build/virtualenv virtualenv && \
	    PYTHONPATH=build/virtualenv $(PYTHON) -m virtualenv --quiet $(VENV); }

$(VENV)/ready: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[serve]"
	touch $@

$(VENV)/ready-dev: pyproject.toml requirements/tested.txt $(VENV)/ready
	$(BIN)/python -m pip install $(DEV) --constraint requirements/tested.txt || { \
	    echo "not every tested version can be had here (requirements/tested.txt); the newest instead" && \
	    $(BIN)/python -m pip install $(DEV); }
	touch $@

clean:
	rm -rf $(VENV) out build dist docs/api
