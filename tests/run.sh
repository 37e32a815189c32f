#!/usr/bin/env bash
# Lint and tests, in the project's environment (made on the first run). Arguments are pytest's: tests/run.sh tests/engine
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
environment_lock=requirements/lock-all.txt
. tools/environment.sh

export OMP_NUM_THREADS=1 # beside two test processes
ruff check .
lint-imports --no-logo --no-cache
python -m pytest -q -n 2 --dist worksteal "$@" # each process begins with one half: few fixtures are made twice
