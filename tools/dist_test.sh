#!/usr/bin/env bash
# Test a checkpoint with several processes, one for each GPU (or, without GPUs, on the CPU):
#   bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]
# NNODES, NODE_RANK, MASTER_ADDR and PORT are those of dist_train.sh.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")

if [[ $# -lt 3 || ! $3 =~ ^[1-9][0-9]*$ ]]; then
    printf 'usage: [NNODES=1 NODE_RANK=0 MASTER_ADDR=127.0.0.1 PORT=29500] %s CONFIG CHECKPOINT PROCESSES %s\n' \
        "$0" '[ARGUMENTS]' >&2
    exit 2
fi
config=$1 checkpoint=$2 processes=$3
shift 3

. "$here/start_processes.sh"
start_processes "$processes" "$here/test.py" "$config" "$checkpoint" "$@"
