# Makes the Python environment of the project, or takes up the one that is there, and puts it first in PATH.
# Sourced by quickstart.sh and tests/run.sh, from the root of the checkout, under `set -euo pipefail`.
#
#   CLAIP_EMO_VENV   folder of the environment (default: .venv)
#   PYTHON           interpreter to make it with (default: the newest of python3.14 to python3.10, else python3)
#   environment_lock set by the caller: the lock file to install (default: requirements/lock.txt)
#
# What was installed is remembered by stamps in the environment, written last: an installation that failed or was
# interrupted has none and is taken up again by the next run; pip keeps what is already there.

environment_fail() {
    printf 'environment: %s\n' "$*" >&2
    exit 1
}

# Says why an interpreter will not do; nothing where it will.
environment_objection() {
    command -v "$1" >/dev/null || { echo 'not found' && return; }
    "$1" - 2>/dev/null <<'END' || echo 'does not start, or is far too old'
import sys
version = '.'.join(map(str, sys.version_info[:3]))
if not (3, 10) <= sys.version_info[:2] <= (3, 14):
    print(f'is {version}; the lock files are for 3.10 to 3.14')
elif sys.platform != 'linux' or sys.maxsize < 2**32:
    print(f'is for {sys.platform}, {sys.maxsize.bit_length() + 1} bits; the lock files are for 64-bit Linux')
else:
    try:
        import ensurepip, venv
    except ImportError:
        print(f'is {version}, but cannot make environments: Debian and Ubuntu have that in the package '
              f'python{sys.version_info[0]}.{sys.version_info[1]}-venv')
END
}

environment_interpreter() {
    local candidate objection objections=
    for candidate in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3.10 python3 python}; do
        objection=$(environment_objection "$candidate")
        if [ -z "$objection" ]; then
            printf '%s\n' "$candidate"
            return
        fi
        if [ "$objection" != 'not found' ] || [ -n "${PYTHON:-}" ]; then objections+="  $candidate $objection."$'\n'; fi
    done
    environment_fail "no Python to make the environment with."$'\n'"${objections}"'Install one of 3.10 to 3.14, or name it: PYTHON=/path/to/python3.13'
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

# What pip does not install.
environment_check() {
    local message
    message=$("$environment_venv/bin/python" -c 'import cv2' 2>&1) && return
    case $message in
    *'cannot open shared object'*)
        environment_fail "${message##*ImportError: }"$'\n''OpenCV needs a library of the system. On Debian and Ubuntu: ' \
            'apt-get install libgl1 libglib2.0-0 libxcb1' ;;
    esac
    environment_fail "OpenCV cannot be imported: ${message##*$'\n'}"
}

environment_make() {
    local python objection lock_stamp lock_hash checkout_stamp
    if ! "$environment_venv/bin/python" -m pip --version >/dev/null 2>&1; then
        if [ -d "$environment_venv" ] && [ ! -e "$environment_venv/pyvenv.cfg" ] && [ -n "$(ls -A "$environment_venv")" ]; then
            environment_fail "$environment_venv holds files but no environment. Name an empty or new folder: CLAIP_EMO_VENV=..."
        fi
        python=$(environment_interpreter) || exit 1
        echo "environment: making $environment_venv with $("$python" --version)"
        "$python" -m venv --clear "$environment_venv" || environment_fail "$python -m venv failed."
    fi
    python="$environment_venv/bin/python"
    objection=$(environment_objection "$python")
    [ -z "$objection" ] || environment_fail "$python $objection. Delete $environment_venv, or set CLAIP_EMO_VENV."

    lock_stamp="$environment_venv/.claip_emo_mm_$(basename "$environment_lock" .txt)"
    lock_hash=$(environment_hash "$python" <"$environment_lock")
    if [ "$(cat "$lock_stamp" 2>/dev/null)" != "$lock_hash" ]; then
        # Without dependencies: the file has them all, and leaves out what has no release for this processor.
        environment_pip "installing $environment_lock (about 6 GB, 2 to 10 minutes)" --no-deps -r "$environment_lock"
        environment_check
        echo "$lock_hash" >"$lock_stamp"
    fi

    checkout_stamp="$PWD $(cat setup.py pyproject.toml | environment_hash "$python")"
    if [ "$(cat "$environment_venv/.claip_emo_mm_checkout" 2>/dev/null)" != "$checkout_stamp" ]; then
        environment_pip "installing claip_emo_mm from $PWD" --no-deps --no-build-isolation -e .
        echo "$checkout_stamp" >"$environment_venv/.claip_emo_mm_checkout"
    fi
}

environment_lock=${environment_lock:-requirements/lock.txt}
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
