# make demo: the main job end to end.  make test: all tests.  Both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
DEMO := build/demo
DEMO_EVENTS ?= 300000
MODEL_EVENTS ?= 2000000
# Chosen for an earlier network, whose clamp acted on 6 of 50,000 trained events with seed 1.
SEED_sports := 2
HAND_WRITTEN_C := acc_decel/export/firmware acc_decel/compiled/host acc_decel/ecu/target acc_decel/evidence \
	acc_decel/integration/fmu/c acc_decel/integration/can/target acc_decel/integration/page
HAND_WRITTEN_C := $(wildcard $(foreach folder,$(HAND_WRITTEN_C),$(folder)/*.[ch]))
# pytest 9.2 keeps the groups of pytest-xdist 3.8 from working: the tests of a file share what they make once, so by file
PYTEST := $(RUN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
MODELS := $(basename $(notdir $(wildcard acc_decel/physics/vehicles/*.toml)))

export TF_CPP_MIN_LOG_LEVEL ?= 3
export CUDA_VISIBLE_DEVICES ?= -1

.PHONY: help install lock lowest audit demo test quick check types style generated regenerate docs figures page models wheel clean

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

install: $(VENV)/.installed ## the virtual environment .venv with everything

$(VENV)/.installed: pyproject.toml .ci/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --require-hashes --requirement .ci/requirements.txt
	$(RUN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

lock: ## update .ci/requirements.txt: the exact packages, with hashes, in the newest versions that pyproject.toml allows
	$(RUN)/uv pip compile --quiet --universal --generate-hashes --all-extras --no-annotate --upgrade \
		--custom-compile-command "make lock" --output-file .ci/requirements.txt pyproject.toml

lowest: install ## tests with the oldest versions that pyproject.toml allows
	.ci/lowest

audit: install ## known vulnerabilities of the packages in .ci/requirements.txt
	.ci/audit

demo: install ## generate, train, export, evaluate, run on the emulated Cortex-M4F
	rm -rf $(DEMO)
	$(RUN)/acc-decel generate --vehicle compact --events $(DEMO_EVENTS) --output $(DEMO)/dataset
	$(RUN)/acc-decel train $(DEMO)/dataset --output $(DEMO)/model --oracle-events 250
	$(RUN)/acc-decel export $(DEMO)/model --output $(DEMO)/firmware
	$(RUN)/acc-decel evaluate --model $(DEMO)/model
	$(RUN)/acc-decel ecu --model $(DEMO)/model --tests
	@echo
	@echo "Made, from nothing but the physics of the compact car:"
	@echo "  $(DEMO)/dataset   $(DEMO_EVENTS) simulated braking events (Parquet, manifest.json)"
	@echo "  $(DEMO)/model     the network trained on them (model.onnx, network.npz, metrics.json)"
	@echo "  $(DEMO)/firmware  the same network as C99 for an ECU (README.md, acc_decel.h, golden_vectors.csv)"
	@echo "Try next:"
	@echo "  source $(RUN)/activate"
	@echo "  acc-decel predict --speed 33.3 --brake-pressure-bar 160 --surface asphalt --model $(DEMO)/model"
	@echo "  acc-decel card $(DEMO)/model           what the model can do, on one page with pictures"
	@echo "  acc-decel drives score --help          a model beside stops that you recorded"
	@echo "  acc-decel generate --help              a car of your own"

test: install ## all tests, on up to four cores
	$(PYTEST)

quick: install ## the tests that neither train, compile nor emulate, in about a minute; run make test before a commit
	$(PYTEST) -m "not slow"

check: install ## formatter, linter, types, import contracts, generated files up to date; on two cores
	$(MAKE) --jobs 2 types style generated

types:
	$(RUN)/mypy

style:
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/clang-format --dry-run --Werror $(HAND_WRITTEN_C)
	$(RUN)/lint-imports

generated: regenerate
	git diff --exit-code -- firmware_export README.md docs acc_decel/physics/vehicles

regenerate: install ## firmware_export/, vehicle files, and the generated parts of README and docs from models/
	$(RUN)/acc-decel export compact --output firmware_export
	$(RUN)/python .ci/docs_tables.py

docs: install ## the documentation as a site in build/site; nothing in it is loaded from outside
	PYTHONPATH=.ci $(RUN)/zensical build --strict --clean
	$(RUN)/acc-decel page --output build/site/what_if.html
	$(RUN)/python .ci/docs_site.py build/site

figures: install ## draw the pictures of the documentation again
	$(RUN)/python .ci/docs_figures.py

page: install ## compile the released models for the what-if page again
	$(RUN)/python .ci/page_modules.py

TRAINED := build/trained
RELEASES := $(addprefix release-,$(MODELS))

$(RELEASES): release-%: install
	$(RUN)/acc-decel generate --vehicle $* --events $(MODEL_EVENTS) --output build/models/$*
	$(RUN)/acc-decel train build/models/$* --output $(TRAINED)/$* --seed $(or $(SEED_$*),1)
	$(RUN)/acc-decel attribute $(TRAINED)/$* --dataset build/models/$*
	$(RUN)/acc-decel card $(TRAINED)/$*
	$(RUN)/acc-decel verify $(TRAINED)/$* --write
	rm -rf models/$* && mv $(TRAINED)/$* models/$*

models: install ## train every released model again, two at a time (an hour on two cores)
	$(MAKE) --jobs 2 $(RELEASES)
	$(RUN)/python .ci/renew_models.py --hashes
	$(MAKE) page regenerate figures

wheel: install ## build the wheel and try it in an empty environment outside the checkout
	bash .ci/wheel

clean: ## delete everything that make can build
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis $(VENV)
