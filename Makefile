# Every target sets up what it needs and does nothing twice. See `make help`.

SHELL := /bin/bash -o pipefail
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := nmstate_controller tests hack
IMAGE_TESTS := tests/integration/test_image.py tests/e2e/test_deploy.py
SOAKED := tests/integration/test_hostile_documents.py $(patsubst %,tests/e2e/test_%.py,bad_documents safety drift documents absent)
LIBNMSTATE := $(shell git ls-files -co --exclude-standard hack/libnmstate 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help lab lab-down image test soak test-unit test-long test-libnmstate test-cluster test-image check format generate lock sbom licences audit bench-apply bench-report bench-idle bench-notice

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: $(VENV)/.ready  ## Start a cluster with two real nodes here, configure a bridge by kubectl, show it
	@hack/lab up --nodes 2
	@hack/demo

lab-down:  ## Stop the lab and leave nothing behind
	@hack/lab down

image:  ## Build the agent's image from the Dockerfile, without Docker, and print where it is
	@hack/lab image

test: check test-unit test-long test-libnmstate test-cluster test-image  ## Run every test, on labs of their own

test-unit: $(VENV)/.ready  ## Run the tests that need nothing but Python
	@echo "== unit tests"
	@$(BIN)/pytest tests/unit

test-long: $(VENV)/.ready  ## Run the tests of memory and of hostile documents, in short
	@echo "== soak tests, in short"
	@$(BIN)/pytest tests/soak

test-libnmstate: $(VENV)/.ready  ## Run the libnmstate wheel's own tests, in a network namespace
	@echo "== tests of the libnmstate wheel"
	@$(BIN)/pytest -c pyproject.toml hack/libnmstate/tests

test-cluster: $(VENV)/.ready  ## Run the integration and end-to-end tests on two labs of their own
	@echo "== integration and end-to-end tests, on real apiservers and real nodes"
	@hack/lab binaries >/dev/null
	@$(BIN)/pytest --numprocesses 2 --dist loadfile tests/integration tests/e2e $(patsubst %,--ignore=%,$(IMAGE_TESTS))

test-image: $(VENV)/.ready  ## Build the image, and deploy it on a real kubelet
	@echo "== tests of the image, and of the DaemonSet on a real kubelet"
	@$(BIN)/pytest $(IMAGE_TESTS)

soak: $(VENV)/.ready  ## Run the long tests in full
	@SOAK=1 $(BIN)/pytest -s --timeout=3600 tests/soak tests/unit/controller $(SOAKED)

check: $(VENV)/.ready  ## Lint, types, import rules, generated files
	@echo "== checks"
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy nmstate_controller hack/labkit hack/supply tests hack/libnmstate/tests
	@$(BIN)/lint-imports
	@$(BIN)/python hack/generate --check

bench-apply: $(VENV)/.ready  ## Print the seconds from edit to verdict for every kind of thing, beside libnmstate's own
	@$(BIN)/python hack/bench-apply

bench-report: $(VENV)/.ready  ## Print what a report costs, to make and to write, for 10, 100 and 1,000 interfaces
	@$(BIN)/python hack/bench-report

bench-idle: $(VENV)/.ready  ## Print what the agent costs on a quiet node: writes, CPU, memory
	@$(BIN)/python hack/bench-idle

bench-notice: $(VENV)/.ready  ## Print how long a change by hand takes to be in the report
	@$(BIN)/python hack/bench-notice

format: $(VENV)/.ready  ## Format the code
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

generate: $(VENV)/.ready  ## Write the files that are generated: the CRD, README's table of settings
	@$(BIN)/python hack/generate

lock: $(VENV)/.ready  ## Compile the pinned requirements anew (hack/lock --upgrade moves them on)
	@hack/lock

sbom: $(VENV)/.ready  ## Write the bill of materials, dist/nmstate-controller.cdx.json
	@$(BIN)/python hack/sbom dist/nmstate-controller.cdx.json

licences: $(VENV)/.ready  ## Write docs/licences.md, and fail on a licence that is not known to be open
	@$(BIN)/python hack/licences

audit: $(VENV)/.ready  ## Look the pinned packages up in databases of vulnerabilities (needs the network)
	@hack/audit

# The environment: Debian packages that are missing, pinned Python packages, the libnmstate wheel, this project.
$(VENV)/.ready: requirements/dev.txt pyproject.toml hack/apt-packages hack/build-libnmstate $(LIBNMSTATE)
	@hack/setup "$(PYTHON)" "$(VENV)"
	@touch $@
