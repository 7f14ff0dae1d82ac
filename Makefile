# Two commands matter: `make run` and `make test`. `make help` lists the rest.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV := $(shell command -v uv)
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.installed
PIP := $(BIN)/python -m pip install --disable-pip-version-check

# What suites on real services run against: databases are made there and dropped again.
# `make test-services DATABASE_URL=… REDIS_URL=…` overrides.
export TEST_DATABASE_URL := $(or $(DATABASE_URL),$(TEST_DATABASE_URL),postgres://postgres@127.0.0.1:5432/postgres)
export TEST_REDIS_URL := $(or $(REDIS_URL),$(TEST_REDIS_URL),redis://127.0.0.1:6379/9)

# Tests own their surroundings: neither `.env` nor a variable that configures an installation reaches them. What pytest
# runs sees to it itself (levqor/settings/test.py), but takes the database and the queue that it is given.
TEST_ENV := env -u DATABASE_URL -u REDIS_URL LEVQOR_VAR=$(CURDIR)/var/tests
CLEAN_ENV := env $(shell sed -n 's/^\([A-Z_]*\)=.*/-u \1/p' .env.example) LEVQOR_ENV_FILE= LEVQOR_VAR=$(CURDIR)/var/tests
PYTEST := $(BIN)/pytest
MANAGE := $(BIN)/python manage.py

# Throw-away values with which the deployment checks run.
PRODUCTION := LEVQOR_ENV=production ALLOWED_HOSTS=levqor.example SITE_URL=https://levqor.example \
	SECRET_KEY=for-the-deployment-check-only-0123456789-abcdefghijklmnopqrstuvwxyz \
	ENCRYPTION_KEYS=bGV2cW9yLWRlcGxveW1lbnQtY2hlY2sta2V5LTAwMDA=
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 1); [ $$n -gt 8 ] && n=8; echo $$n)
# How many whole platforms are used, or hurt, at a time. One that is hurt waits for a third of its time.
PLATFORMS ?= 2
HURT ?= 3

.DEFAULT_GOAL := help
.PHONY: help setup run test check test-services test-browser test-faults bench sdk requirements messages clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

setup: $(STAMPS)/dev ## Create .venv with everything for development

run: $(STAMPS)/local ## Start the whole platform on this machine; Ctrl-C ends it
	@$(BIN)/python manage.py start --end-with-parent

test: $(STAMPS)/dev ## The default suite: no service, no network
	$(TEST_ENV) $(PYTEST) -n $(WORKERS) --dist worksteal

check: $(STAMPS)/dev ## Style, types, floors, migrations, deployment checks, unmarked strings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy cli/src
	$(BIN)/lint-imports
	$(CLEAN_ENV) $(MANAGE) makemigrations --check --dry-run
	$(CLEAN_ENV) $(PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING
	$(CLEAN_ENV) $(MANAGE) check_strings
	$(TEST_ENV) $(PYTEST) -q tests/unit/test_floors.py tests/unit/test_files.py

test-services: $(STAMPS)/dev ## The same on PostgreSQL and Redis: all tests that ask a database or Redis
	$(TEST_ENV) DATABASE_URL=$(TEST_DATABASE_URL) REDIS_URL=$(TEST_REDIS_URL) $(PYTEST) --services -n $(WORKERS) --dist worksteal

test-browser: $(STAMPS)/dev ## Pages in real Chromium
	$(TEST_ENV) $(PYTEST) -n $(PLATFORMS) --dist load --maxschedchunk 1 tests/browser

test-faults: $(STAMPS)/dev ## Kill real processes and look what is lost
	$(TEST_ENV) TEST_DATABASE_URL=$(TEST_DATABASE_URL) $(PYTEST) -n $(HURT) --dist load --maxschedchunk 1 -rP -m "not alone" tests/faults
	$(TEST_ENV) TEST_DATABASE_URL=$(TEST_DATABASE_URL) $(PYTEST) -rP -m alone tests/faults

bench: $(STAMPS)/bench ## Measure beside DBOS, bare Celery and a plain DRF build, every round printed
	$(TEST_ENV) TEST_DATABASE_URL=$(TEST_DATABASE_URL) $(PYTEST) tests/benchmarks -s

sdk: $(STAMPS)/sdk ## Generate, build and try the Python and TypeScript clients, into var/sdk (needs node)
	@$(BIN)/python sdk/build.py $(TEST_ENV) $(PYTEST) tests/sdk

requirements: $(STAMPS)/dev ## Compile requirements/*.in into pinned, hashed .txt files
	$(BIN)/uv pip compile -q --generate-hashes --python-version 3.11 requirements/installer.in -o requirements/installer.txt
	$(BIN)/uv pip compile -q --generate-hashes --python-version 3.11 requirements/base.in -o requirements/base.txt
	$(BIN)/uv pip compile -q --generate-hashes --python-version 3.11 -c requirements/base.txt requirements/local.in -o requirements/local.txt
	$(BIN)/uv pip compile -q --generate-hashes --python-version 3.11 -c requirements/local.txt requirements/dev.in -o requirements/dev.txt
	$(BIN)/uv pip compile -q --generate-hashes --python-version 3.11 -c requirements/dev.txt requirements/bench.in -o requirements/bench.txt
	$(BIN)/uv pip compile -q --generate-hashes --python-version 3.11 -c requirements/dev.txt requirements/sdk.in -o requirements/sdk.txt

messages: $(STAMPS)/dev ## Collect marked strings into locale/en (needs gettext)
	mkdir -p locale && $(CLEAN_ENV) $(MANAGE) makemessages -l en --no-location --ignore .venv --ignore var

clean: ## Remove caches and compiled files; var/ and .venv stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache var/tests
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
	@echo "Removed caches and compiled files; var/ and .venv are as they were."

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Levqor needs Python 3.11 or newer."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Levqor needs Python 3.11 or newer; $(PYTHON) is older."; exit 2; }
	@echo "Creating $(VENV)…"
ifdef UV
	@$(UV) venv -q --python $(PYTHON) $(VENV)
else
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python's venv module is incomplete here: install python3.11-venv, or uv."; exit 2; }
	@$(PYTHON) -m venv $(VENV)
endif

# A stamp is renewed when a requirement file or the terminal's package description changes. uv takes a third of pip's time:
# where there is none, pip brings it; where it cannot get at the packages (settings that only pip reads), pip does it all.
$(STAMPS)/%: requirements/%.txt requirements/installer.txt cli/pyproject.toml | $(BIN)/python
ifndef UV
	@$(PIP) -q --no-deps --require-hashes -r requirements/installer.txt || echo "uv could not be installed; pip goes on."
endif
	@echo "Installing requirements/$*.txt…"
	@$(or $(UV),$(BIN)/uv) pip install --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/$*.txt \
	  || $(BIN)/python levqor/install.py requirements/$*.txt pip install --disable-pip-version-check --progress-bar off --require-hashes --no-deps -r requirements/$*.txt
	@$(or $(UV),$(BIN)/uv) pip install -q --python $(BIN)/python --no-deps --no-build-isolation --editable ./cli \
	  || $(PIP) -q --no-deps --no-build-isolation --editable ./cli
	@mkdir -p $(STAMPS) && touch $@
