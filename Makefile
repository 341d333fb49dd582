# Every entry point. `make serve` and `make test` are the two that matter.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: serve test soak bench bench-exchange bench-marking bench-site book live notebooks publish pictures looks setup setup-tests lint lock clean site-check

serve: setup  ## Build what changed and start the hub on http://127.0.0.1:8000
	@$(BIN)/campus notebooks && $(BIN)/campus book && $(BIN)/campus publish && exec $(BIN)/campus serve

test: setup-tests  ## The whole proof
	@$(BIN)/python -m tests.prove

soak: setup-tests  ## The exchange under load and faults for ten minutes, with the times; the short variants are in `make test`
	@$(BIN)/python -m tests.soak $(SOAK)

bench: bench-exchange bench-marking  ## Both benchmarks side by side with what there is elsewhere

bench-exchange: setup-tests  ## Handing in beside nbgrader's own exchange, two minutes; writes docs/exchange-speed.md
	@$(BIN)/python -m benchmarks.exchange

bench-marking: setup-tests  ## Marking side by side with nbgrader and Otter, half an hour; writes docs/marking-speed.md
	@$(BIN)/python -m benchmarks.marking $(BENCH)

bench-site: setup-tests  ## The book with 60 sessions beside stock jupyter-book, an hour; writes docs/site-speed.md
	@$(BIN)/campus notebooks && $(BIN)/python -m benchmarks.site $(BENCH)

book: notebooks  ## The book as static files in build/book
	@$(BIN)/campus book

live: notebooks  ## The book while it is written, on http://127.0.0.1:8001: what is saved shows by itself
	@exec env PYTHONHASHSEED=0 $(BIN)/campus live

notebooks: setup  ## Every notebook, from its MyST source
	@$(BIN)/campus notebooks

site-check: setup-tests  ## Every page in a browser: access, other hosts, links, weight, Lighthouse; then the statement
	@$(PYTHON) campus/environment.py --tests --site
	@$(BIN)/campus notebooks && $(BIN)/campus book && { $(BIN)/campus site-check; found=$$?; $(BIN)/campus book; exit $$found; }

publish: notebooks
	@$(BIN)/campus publish

pictures: setup-tests  ## The pictures that the guides and the README show, from the running hub, and the book with them
	@$(BIN)/campus notebooks && $(BIN)/campus book && $(BIN)/python -m pytest -q tests/end_to_end && $(BIN)/campus book
	cp build/pictures/session.png build/pictures/workspace.png docs/

looks: setup-tests  ## Six pages before and after our look, at three widths, light and dark, into build/looks
	@$(BIN)/campus notebooks && $(BIN)/campus book && $(BIN)/python -m benchmarks.looks

setup:
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: install the packages python3 and python3-venv." >&2; exit 1; }
	@$(PYTHON) campus/environment.py

setup-tests:
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: install the packages python3 and python3-venv." >&2; exit 1; }
	@$(PYTHON) campus/environment.py --tests

lint: setup-tests
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

# Extras stay in the lock: without them pip looks at newer versions of such a package, and stops at a hash it does not know.
lock:  ## requirements.txt from requirements.in; needs uv
	uv pip compile -q --no-strip-extras --universal --fork-strategy fewest --python-version 3.11 --generate-hashes requirements.in -o requirements.txt
	uv pip compile -q --no-strip-extras --universal --fork-strategy fewest --python-version 3.11 --generate-hashes requirements-test.in -o requirements-test.txt
	uv pip compile -q --no-strip-extras --universal --fork-strategy fewest --python-version 3.11 --generate-hashes requirements-site.in -o requirements-site.txt

clean:  ## Everything derived; state in var/ and the environment stay
	rm -rf build
