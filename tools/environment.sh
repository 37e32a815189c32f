# Makes the Python environment of the project, or takes up the one that is there, and puts it first in PATH.
# Sourced by quickstart.sh and tests/run.sh, from the root of the checkout, under `set -euo pipefail`.
#
#   CLAIP_EMO_VENV   folder of the environment (default: .venv)
#   PYTHON           interpreter to make it with (default: the first of python3.11, 3.12, 3.13, 3.10, python3 that will do)
#
# What was installed is remembered by stamps in the environment, written last: an installation that failed or was
# interrupted has none and is taken up again by the next run; pip keeps what is already there.

environment_fail() {
    printf 'environment: %s\n' "$*" >&2
    exit 1
}

# Python 3.10 to 3.13: below, the language is too old; above, not every package has wheels.
environment_supported() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

environment_interpreter() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.10 python3 python}; do
        if command -v "$candidate" >/dev/null && environment_supported "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    environment_fail "no Python 3.10 to 3.13 found (${PYTHON:-python3}: $("${PYTHON:-python3}" --version 2>/dev/null || echo 'not there'))." \
        'Install one, or name it: PYTHON=/path/to/python3.11'
}

environment_hash() {
    "$1" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])'
}

# environment_pip WHAT ARGUMENTS...: quiet pip install with a line now and then; its whole output goes to a log.
environment_pip() {
    local what=$1 log="$environment_venv/install.log" line found=0
    shift
    echo "environment: $what"
    "$environment_venv/bin/python" -m pip install --no-input --disable-pip-version-check --progress-bar off "$@" 2>&1 |
        tee "$log" |
        while IFS= read -r line; do
            case $line in
            *'(from -r '*)
                found=$((found + 1))
                if [ $((found % 25)) -eq 0 ]; then echo "environment:   $found packages found"; fi
                ;;
            'Installing collected packages'*) echo 'environment:   unpacking' ;;
            esac
        done ||
        {
            tail -n 15 "$log" >&2
            environment_fail "${what%% (*} failed; the whole log is $log. Run the same command again to go on from here."
        }
}

environment_make() {
    local python lock_stamp checkout_stamp
    if ! "$environment_venv/bin/python" -m pip --version >/dev/null 2>&1; then
        if [ -d "$environment_venv" ] && [ ! -e "$environment_venv/pyvenv.cfg" ] && [ -n "$(ls -A "$environment_venv")" ]; then
            environment_fail "$environment_venv holds files but no environment. Name an empty or new folder: CLAIP_EMO_VENV=..."
        fi
        python=$(environment_interpreter) || exit 1
        echo "environment: making $environment_venv with $("$python" --version)"
        "$python" -m venv --clear "$environment_venv" ||
            environment_fail "$python -m venv failed. Debian and Ubuntu have it in the package python3-venv."
    fi
    python="$environment_venv/bin/python"
    environment_supported "$python" ||
        environment_fail "$environment_venv has $("$python" --version); expected 3.10 to 3.13. Delete it, or set CLAIP_EMO_VENV."

    lock_stamp="$(environment_hash "$python" <requirements/lock.txt)"
    if [ "$(cat "$environment_venv/.claip_emo_mm_lock" 2>/dev/null)" != "$lock_stamp" ]; then
        if "$python" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))'; then
            environment_pip 'installing requirements/lock.txt (about 7 GB, 2 to 10 minutes)' -r requirements/lock.txt
        else
            # Several locked versions have no release for Python 3.10, others (NumPy 1) no wheel for 3.13.
            environment_pip "$("$python" --version): installing the ranges of pyproject.toml, not the lock file" \
                setuptools '.[demo,docs,export,face,mix,test]'
        fi
        echo "$lock_stamp" >"$environment_venv/.claip_emo_mm_lock"
    fi

    checkout_stamp="$PWD $(cat setup.py pyproject.toml | environment_hash "$python")"
    if [ "$(cat "$environment_venv/.claip_emo_mm_checkout" 2>/dev/null)" != "$checkout_stamp" ]; then
        environment_pip "installing claip_emo_mm from $PWD" --no-deps --no-build-isolation -e .
        echo "$checkout_stamp" >"$environment_venv/.claip_emo_mm_checkout"
    fi
}

environment_venv=${CLAIP_EMO_VENV:-$PWD/.venv}
case $environment_venv in
/*) ;;
*) environment_venv="$PWD/$environment_venv" ;;
esac
mkdir -p "$(dirname "$environment_venv")"
(
    # One installation at a time, where several checkouts share an environment.
    if command -v flock >/dev/null; then flock 9; fi
    environment_make
) 9>"$environment_venv.lock"

export VIRTUAL_ENV="$environment_venv"
export PATH="$environment_venv/bin:$PATH"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" # this checkout, also in an environment that others share
export OMP_WAIT_POLICY=passive                      # threads that spin while they wait slow everything else down
