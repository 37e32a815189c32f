# Sourced by dist_train.sh and dist_test.sh: start_processes PROCESSES PROGRAM ARGUMENTS... runs torchrun.
# Needs: python (in PATH) with the package's requirements. Reads NNODES, NODE_RANK, MASTER_ADDR and PORT.
start_processes() {
    local processes=$1 nodes=${NNODES:-1} port=${PORT:-}
    shift
    if [[ -z $port ]]; then
        port=29500
        if [[ $nodes == 1 ]]; then # several runs on one machine must not meet
            port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        fi
    fi
    PYTHONPATH=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)${PYTHONPATH:+:$PYTHONPATH} \
        exec python -m torch.distributed.run --nnodes="$nodes" --node_rank="${NODE_RANK:-0}" \
        --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="$port" --nproc_per_node="$processes" \
        "$@" --launcher pytorch
}
