# Two commands are all a newcomer needs: `make app` and `make test`. Each sets itself up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup app test lint browser shots tutorial demo bench clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[app,retrieval,dev]'
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

app: setup
	$(BIN)/python -m app

browser: setup
	$(BIN)/python tests/browser/chromium.py

# three workers on two cores: a test that waits for a browser or a process leaves its core idle
test: lint browser
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

shots: browser
	$(BIN)/python tests/browser/shots.py shots

demo: setup
	$(BIN)/kdlab demo build

tutorial: setup
	$(BIN)/kdlab tutorial --data world --limit 4000

bench: setup
	$(BIN)/python tests/benchmarks/run.py
	PYTHONPATH=. $(BIN)/python tests/benchmarks/throughput.py

clean:
	rm -rf $(VENV) build *.egg-info
