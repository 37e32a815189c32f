#!/usr/bin/env bash
# Test a checkpoint through the queue of a Slurm cluster, one process for each GPU:
#   bash tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of tools/test.py]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS are those of slurm_train.sh.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")

if [[ $# -lt 4 ]]; then
    printf 'usage: [GPUS=8 GPUS_PER_NODE=8 CPUS_PER_TASK=5 SRUN_ARGS=] %s PARTITION JOB_NAME CONFIG CHECKPOINT %s\n' \
        "$0" '[ARGUMENTS]' >&2
    exit 2
fi

. "$here/start_processes.sh"
start_slurm_tasks "$1" "$2" "$here/test.py" "${@:3}"
