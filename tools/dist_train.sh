#!/usr/bin/env bash
# Train with several processes, one for each GPU (or, without GPUs, on the CPU):
#   bash tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
# On several machines: start it on each of them, PROCESSES counting those of one machine, with
#   NNODES        machines (default: 1)
#   NODE_RANK     number of this machine, from 0 (default: 0)
#   MASTER_ADDR   address of machine 0 (default: 127.0.0.1)
#   PORT          free port there (default: 29500; on a single machine any free one)
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")

if [[ $# -lt 2 || ! $2 =~ ^[1-9][0-9]*$ ]]; then
    printf 'usage: [NNODES=1 NODE_RANK=0 MASTER_ADDR=127.0.0.1 PORT=29500] %s CONFIG PROCESSES [ARGUMENTS]\n' "$0" >&2
    exit 2
fi
config=$1 processes=$2
shift 2

. "$here/start_processes.sh"
start_processes "$processes" "$here/train.py" "$config" "$@"
