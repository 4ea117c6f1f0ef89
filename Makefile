# Every target sets up what it needs (scripts/setup), once; the second run is instant.
# Extra arguments: make test ARGS="-k srcset", make bench ARGS="--only photos",
# make fuzz TARGET="html css" MINUTES=10, make chaos ROWS=1,11 SEEDS=3, make soak HOURS=6.

.DEFAULT_GOAL := help
.PHONY: help demo test least check bench fuzz broken chaos soak lock clean

BIN := .venv/bin
PYTHON_FILES := src tests benchmarks examples scripts/check-lock scripts/check-shape
# From small to large; a missing folder is no error.
TESTS := $(wildcard tests/unit tests/contracts tests/integration tests/chaos tests/net tests/e2e)

help:  ## show this list
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo:  ## serve a small gallery on this machine and crawl it before your eyes
	@scripts/setup runtime
	@$(BIN)/bowerbird demo $(ARGS)

test:  ## run all tests; with CI=true a missing server is a failure, else a skip
	@scripts/setup test
	$(BIN)/pytest -n 2 --dist worksteal $(TESTS) $(ARGS)

least:  ## run all tests with the least versions that pyproject.toml admits
	@scripts/setup least
	.make/least-venv/bin/python -m pytest -n 2 --dist worksteal $(TESTS) $(ARGS)

check:  ## format, lint, types, floors, lock files, shape of the code
	@scripts/setup dev
	$(BIN)/ruff format --check $(PYTHON_FILES)
	$(BIN)/ruff check $(PYTHON_FILES)
	$(BIN)/mypy
	$(BIN)/mypy tests/typing/public_face.py
	$(BIN)/lint-imports
	$(BIN)/python scripts/check-lock
	$(BIN)/python scripts/check-shape src/bowerbird benchmarks

bench:  ## measure against curl, wget2, aria2, Scrapy and img2dataset; writes benchmarks/RESULTS.md
	@scripts/setup bench
	$(BIN)/python -m benchmarks.run $(ARGS)

fuzz:  ## try random inputs on everything that reads foreign bytes: TARGET="html css" MINUTES=10
	@scripts/setup fuzz
	$(BIN)/python -m tests.fuzz $(TARGET) --minutes $(or $(MINUTES),10)

broken:  ## fetch and make broken image files by the thousand, and give them to the decoders
	@scripts/setup test
	$(BIN)/python -m tests.broken --fetch $(ARGS)

chaos:  ## break machines, disks and lines under a crawl, and write down what came of it: ROWS=1,11 SEEDS=3
	@scripts/setup test
	$(BIN)/python -m tests.chaos $(if $(ROWS),--rows "$(ROWS)") --seeds $(or $(SEEDS),20) --first $(or $(FIRST),1) --page $(ARGS)

soak:  ## crawl for hours under faults, and see that nothing grows: HOURS=6
	@scripts/setup test
	$(BIN)/python -m tests.chaos.soak --hours $(or $(HOURS),6) $(ARGS)

lock:  ## pin all dependencies anew, with hashes (needs a package index)
	@scripts/lock

clean:  ## remove what the targets above have made
	rm -rf .venv .make .bench .fuzz .broken build dist demo-images .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
