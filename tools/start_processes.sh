# Sourced by dist_*.sh and slurm_*.sh. Needs: python (in PATH) with the package's requirements.
package=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PYTHONPATH=$package${PYTHONPATH:+:$PYTHONPATH}

# start_processes PROCESSES PROGRAM ARGUMENTS... runs torchrun. Reads NNODES, NODE_RANK, MASTER_ADDR and PORT.
start_processes() {
    local processes=$1 nodes=${NNODES:-1} port=${PORT:-}
    shift
    if [[ -z $port ]]; then
        port=29500
        if [[ $nodes == 1 ]]; then # several runs on one machine must not meet
            port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        fi
    fi
    exec python -m torch.distributed.run --nnodes="$nodes" --node_rank="${NODE_RANK:-0}" \
        --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="$port" --nproc_per_node="$processes" \
        "$@" --launcher pytorch
}

# start_slurm_tasks PARTITION JOB_NAME PROGRAM ARGUMENTS... runs srun.
# Reads GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS.
start_slurm_tasks() {
    local partition=$1 job=$2 gpus=${GPUS:-8} extra
    local per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
    shift 2
    read -ra extra <<<"${SRUN_ARGS:-}"
    exec srun --partition="$partition" --job-name="$job" --gres="gpu:$per_node" --ntasks="$gpus" \
        --ntasks-per-node="$per_node" --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 \
        ${extra[@]+"${extra[@]}"} python -u "$@" --launcher slurm
}
