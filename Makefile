# Two commands: `make run` (a bot with a page and an engine) and `make test` (a verdict, without the engine).
# PYTHON=python3.12 picks an interpreter, PORT=9000 a port, ARGS="…" goes to the command.
PYTHON ?= python3
BIN := .venv/bin
ifdef PORT
export BOTCORE_HTTP__PORT = $(PORT)
endif
unexport PYTHONDONTWRITEBYTECODE  # a bot that compiles its modules at every start needs a second more
FAST := not engine and not postgres and not browser and not slow

.PHONY: run test chaos lint types fix lock
run:  ## install what a bot needs, then start it: http://127.0.0.1:8080
	@$(PYTHON) scripts/setup.py core
	@exec $(BIN)/botcore run $(ARGS)

test:  ## install what tests need, then run those that need nothing else
	@$(PYTHON) scripts/setup.py dev
	@$(BIN)/python -m pytest -q -n auto --dist worksteal -m "$(FAST)" $(ARGS)

chaos:  ## kill the bot a few hundred times, and count what became of the messages: half an hour
	@$(PYTHON) scripts/setup.py dev
	@$(BIN)/python -m tests.chaos --jobs 2 $(ARGS)

lint:  ## style, format, and who may import whom
	@$(PYTHON) scripts/setup.py dev
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/lint-imports

types:  ## mypy and pyright, and what a consumer sees of the public API
	@$(PYTHON) scripts/setup.py dev
	@$(BIN)/mypy & mypy=$$!; $(BIN)/pyright && wait $$mypy && PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright --verifytypes botcore --ignoreexternal

fix:  ## let ruff repair what it can
	@$(PYTHON) scripts/setup.py dev
	@$(BIN)/ruff check --fix ; $(BIN)/ruff format

lock:  ## write requirements/ and botcore/engine/locks/ again (needs uv)
	@scripts/lock.sh
