#!/usr/bin/env bash
# Train through the queue of a Slurm cluster, one process for each GPU:
#   bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of tools/train.py]
#   GPUS            processes in all (default: 8)
#   GPUS_PER_NODE   on one machine (default: 8, or GPUS where that is less)
#   CPUS_PER_TASK   processor cores for each of them (default: 5)
#   SRUN_ARGS       more arguments for srun, such as "--time=12:00:00 --signal=TERM@120"
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")

if [[ $# -lt 3 ]]; then
    printf 'usage: [GPUS=8 GPUS_PER_NODE=8 CPUS_PER_TASK=5 SRUN_ARGS=] %s PARTITION JOB_NAME CONFIG %s\n' \
        "$0" '[ARGUMENTS]' >&2
    exit 2
fi

. "$here/start_processes.sh"
start_slurm_tasks "$1" "$2" "$here/train.py" "${@:3}"
