# One word per job; CI runs the same words. `make demo` and `make test` need Python >= 3.11 and make, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
STAMP := $(VENV)/.installed
# Tests run on two processes, group by group, the longest first (tests/conftest.py).
PYTEST := $(BIN)/pytest -q -n 2 --dist loadgroup --no-loadscope-reorder
CODE := flows ml expectations tests

.PHONY: setup demo check check-python check-sql check-supply test test-full evaluate bench lock clean

setup: $(STAMP)

# A pinned uv installs the locked set in seconds; hashes are required. It compiles what it installs, as pip does: else
# the first run does, and takes a quarter longer.
$(STAMP): requirements.lock pyproject.toml
	@echo "installing the locked packages into $(VENV)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	touch $(STAMP)

demo: setup
	$(BIN)/gridweave demo

# Types and SQL are checked side by side: each takes a minute and one core.
check: setup
	$(MAKE) --no-print-directory --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) check-python check-sql
	$(PYTEST) -m "not slow and not real_data and not full"

check-python: setup
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive -lll flows ml expectations
	$(BIN)/mypy $(CODE)

check-sql: setup
	$(BIN)/sqlfmt --check --no-progressbar transform
	$(BIN)/sqlfluff lint --disable-progress-bar transform/models transform/tests
	$(BIN)/dbt parse --quiet --project-dir transform --profiles-dir transform --target-path target --log-path target/logs

# Needs the network: advisories are asked of a service, and without an answer it fails and says so.
check-supply: setup
	$(BIN)/python -m tests.supply.checking

test: setup
	$(PYTEST) -m "not full" --durations=40 --durations-min=5

# Measuring lines takes a third longer, so that it is done here and not at each landing.
test-full: setup
	$(PYTEST) --cov=flows --cov=ml --cov=expectations --cov-report=term --cov-fail-under=85

# From the public data sets beside the checkout and a simulated utility to the table of figures in the README.
evaluate: setup
	$(BIN)/python -m tests.benchmarks.evaluation

# Each prints a table with its goals and writes build/benchmarks/*.json; Dagster, MLflow, OpenSTEF and statsforecast get
# environments of their own there.
bench: setup
	$(BIN)/python -m tests.benchmarks.bench_plan
	$(BIN)/python -m tests.benchmarks.bench_closure
	$(BIN)/python -m tests.benchmarks.bench_audit_verify
	$(BIN)/python -m tests.benchmarks.bench_no_change
	$(BIN)/python -m tests.benchmarks.bench_engine
	$(BIN)/python -m tests.benchmarks.bench_transform
	$(BIN)/python -m tests.benchmarks.bench_scoring
	$(BIN)/python -m tests.benchmarks.bench_serving
	$(BIN)/python -m tests.benchmarks.bench_streaming
	$(BIN)/python -m tests.benchmarks.bench_models

lock:
	$(BIN)/uv pip compile pyproject.toml --group dev --generate-hashes --no-emit-index-url --no-strip-extras \
		--python-version 3.11 --custom-compile-command "make lock" --quiet --output-file requirements.lock

clean:
	-$(BIN)/gridweave down
	rm -rf $(VENV) data/var transform/target target build *.egg-info .mypy_cache .ruff_cache .hypothesis
