#!/usr/bin/env bash
# Writes the lock files again, with the newest versions that fit together. Needs uv (pip install uv).
#
#   lock.txt       what quickstart.sh installs, on Python 3.10 to 3.14
#   lock-all.txt   the same with every extra, for tests and documentation
#   lowest.txt     every extra but docs and export in the lowest versions that pyproject.toml allows, on Python 3.10
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

compile() {
    uv pip compile pyproject.toml --no-annotate --no-header --quiet --custom-compile-command requirements/lock.sh "$@" >/dev/null
}

universal=(--universal --python-version 3.10)
compile requirements/lock.in requirements/lock-test.in --all-extras "${universal[@]}" --output-file requirements/lock-all.txt
compile requirements/lock.in --extra face "${universal[@]}" --constraint requirements/lock-all.txt \
    --output-file requirements/lock.txt
compile requirements/lowest.in --extra demo --extra face --extra mix --extra test --resolution lowest-direct \
    --python-version 3.10 --python-platform x86_64-manylinux_2_28 --output-file requirements/lowest.txt
sed -i "/ == 'never'/d" requirements/lock*.txt # what pyproject.toml leaves out
