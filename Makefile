# The two commands a newcomer needs are `make demo` and `make test`; each sets up what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What the demo asks instead of opening a prompt, e.g. make demo SAY='/similar word:engineer'
SAY ?=
# starter: real models, downloaded once (260 MB); small: those in the repository
MODELS ?= starter
CONFIG ?= config.toml
# As it was typed: make would take a $ in it for a variable of its own.
override SAY := $(value SAY)
export SAY

.DEFAULT_GOAL := help
.PHONY: help demo run test browser clients lint types check bench pictures demo-models clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed  ## Try the bot without a Discord account: in a browser and at a prompt
	@$(BIN)/python -m bot demo --models $(MODELS) $(if $(strip $(SAY)),--say "$$SAY")

run: $(VENV)/.installed  ## Run the bot on the real Discord (needs DISCORD_TOKEN; see the README)
	@exec $(BIN)/python -m bot run --config $(CONFIG)

check: $(VENV)/.installed  ## Say what is wrong with the configuration, if anything
	@$(BIN)/python -m bot check --config $(CONFIG)

test: lint types browser  ## Lint, types and the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadgroup

browser: $(VENV)/.installed-dev  ## Get Chromium for the tests of the page, where there is none and it can be had
	@$(BIN)/python -m tests.chromium

# Each in an environment of its own, since some of them take the same names. A library that cannot be installed is skipped.
CLIENTS := pycord nextcord disnake hikari
clients: $(addprefix .clients/,$(addsuffix /.installed,$(CLIENTS) discordjs))  ## Install other Discord libraries, which the tests try the sandbox with

.clients/pycord/.installed: PACKAGE := py-cord==2.8.1
.clients/nextcord/.installed: PACKAGE := nextcord==2.6.0
.clients/disnake/.installed: PACKAGE := disnake==2.12.2
.clients/hikari/.installed: PACKAGE := hikari==2.7.0
.clients/%/.installed: Makefile | $(BIN)/python
	-@$(PYTHON) -m venv .clients/$* && .clients/$*/bin/python -m pip install --quiet $(PACKAGE) && touch $@

.clients/discordjs/.installed: Makefile
	-@mkdir -p .clients/discordjs && npm install --silent --no-save --prefix .clients/discordjs discord.js@14.28.1 && touch $@

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

bench: $(VENV)/.installed-dev  ## Measure responsiveness, look-ups, word vectors and recommending, each against a plain baseline
	$(BIN)/python -m bench.responsiveness
	$(BIN)/python -m bench.lookups
	$(BIN)/python -m bench.words
	$(BIN)/python -m bench.recommend

pictures: $(VENV)/.installed-dev  ## Take the pictures of the docs again, with the starter models (needs Chromium)
	$(BIN)/python -m docs.pictures

demo-models: $(VENV)/.installed  ## Make the embedded models again (needs Debian's wordnet-base; about an hour)
	$(BIN)/python -m demo.recipe

clean:  ## Remove the virtual environment and caches
	rm -rf $(VENV) .clients .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tokenwise needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing what the bot needs (PyTorch is the large one; this happens once) ..."
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need ..."
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -e '.[dev]'
	@touch $@
