# Everything a person or a machine does with this repository. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
# Where this is set, each of the many hundreds of processes that the tests start compiles 200 modules anew: twice the time.
unexport PYTHONDONTWRITEBYTECODE
UV ?= uv
CARGO := rust=$$(tools/rust.sh); cd native; PATH="$$rust:$$PATH" PYO3_PYTHON="$(CURDIR)/$(BIN)/python" \
  PYO3_BUILD_EXTENSION_MODULE=1 cargo

.PHONY: help setup run test conformance hosts environments lint audit docs site bench crash fuzz models wheel lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: ## make .venv from the lock file (instant when it is up to date)
	@tools/setup.sh

run: setup ## set up, then run a Bell pair and print its counts
	@$(BIN)/qmk run examples/bell.qasm --shots 1000 --seed 7

test: ## set up, with a PostgreSQL server for the tests, then run the whole test suite
	@tools/setup.sh tests
	@$(CARGO) test --quiet --profile quick --locked --lib --no-default-features
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

conformance: ## set up, then all of what the suite takes a sample of, and other projects' suites in QMK_UPSTREAM
	@tools/setup.sh tests
	@PYTHON=$(BIN)/python tools/hosts.sh
	@QMK_MICROVM=$${QMK_MICROVM:-dev} $(BIN)/python -m pytest -m conformance

hosts: setup ## attempts to escape at bubblewrap, gVisor and QEMU, the console in Chromium, slots of a Slurm of one node, the deployment files read by the programs that they are for: all installed with apt
	@PYTHON=$(BIN)/python tools/hosts.sh || echo "hosts: not everything could be installed; tests of what is missing are skipped, and listed"
	@QMK_MICROVM=$${QMK_MICROVM:-dev} $(BIN)/python -m pytest -m conformance tests/isolation tests/conformance/test_slurm.py tests/e2e/test_cluster.py
	@$(BIN)/python -m pytest -m 'conformance or not conformance' tests/integration/gateway/test_console_*browser.py tests/integration/gateway/test_console_walk.py
	@$(BIN)/python -m pytest -m conformance tests/conformance/test_kubernetes.py tests/integration/gateway/test_killed_gateways.py
	@$(BIN)/python -m pytest tests/unit/deploy tests/meta/test_alerts.py tests/meta/test_manual.py tests/unit/host/test_policies.py tests/unit/host/test_microvm.py

environments: setup ## the frameworks and engines with environments of their own: made once (13 GB), and run in
	@QMK_STATE_DIR=$${QMK_STATE_DIR:-$(CURDIR)/$(VENV)-environments} $(BIN)/python -m pytest -m environments

lint: setup ## style, types, import contracts; of the native core where rustfmt and clippy are
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-cache
	@rust=$$(tools/rust.sh); if [[ -x $$rust/cargo-fmt && -x $$rust/cargo-clippy ]]; then \
	  ($(CARGO) fmt --check); ($(CARGO) clippy --quiet --release --locked --all-targets -- -D warnings); \
	else echo "lint: no rustfmt and clippy beside $$rust/cargo: the native core was not checked"; fi

audit: ## compare the locked packages with published advisories (needs the network; ends with 2 where it cannot be reached)
	@UV="$(UV)" tools/audit.sh

docs: ## write the generated pages and schemas, then check every example in the docs
	@tools/setup.sh tests
	@$(BIN)/python tools/generate.py
	@$(BIN)/python -m pytest tests/meta/test_docs.py tests/meta/test_generated.py

site: setup ## build the documentation as a site with search, into the folder site
	@tools/site.sh

bench: setup ## time the spine over the socket, targets and peers beside each figure
	@$(BIN)/python -m benchmarks.spine

crash: ## set up, then 300 kills and other faults under load, on SQLite and on PostgreSQL
	@tools/setup.sh tests
	@$(BIN)/python -m benchmarks.crash --kills 300 --database sqlite
	@$(BIN)/python -m benchmarks.crash --kills 300 --database postgresql

SECONDS_EACH ?= 60
fuzz: setup ## mutated documents for every reader of what comes from outside, SECONDS_EACH=60 a target
	@$(BIN)/python -m benchmarks.fuzz --seconds $(SECONDS_EACH)
	@tools/fuzz_native.sh $(SECONDS_EACH)

models: setup ## every state of the models of the kernel and every small graph, with larger bounds than the suite has
	@$(BIN)/python -m tests.exhaustive

wheel: ## build the wheel, install it into an environment of its own from the package index, and run it there
	@tools/setup.sh
	@PATH="$$(tools/rust.sh):$$PATH" $(BIN)/python -m pytest -m wheel tests/e2e/test_wheel.py

lock: ## resolve requirements.lock, those of the image, of the docs and of environments anew (needs uv)
	@$(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade -o requirements.lock
	@$(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --extra server --extra gateway --extra grpc \
	  --extra telemetry --extra secrets --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  -c requirements.lock -o deploy/container/requirements.lock
	@$(UV) pip compile tools/docs.in --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade -o tools/docs.lock
	@for wanted in src/qmk/sdk/locks/*.in; do $(UV) pip compile $$wanted --quiet --python-version 3.11 \
	  --python-platform linux --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  --upgrade -o $${wanted%.in}.txt; done

clean: ## remove .venv and the environments beside it, caches and build output
	@rm -rf $(VENV) $(VENV)-clifft $(VENV)-docs $(VENV)-environments site native/target build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
