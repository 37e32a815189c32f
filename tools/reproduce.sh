#!/usr/bin/env bash
# From a download to a table with published rows beside ours: environment, weights, preparation, check,
# cross-validation. What is done is skipped, what was interrupted goes on.
#
#   bash tools/reproduce.sh cremad|ravdess DOWNLOAD [--model vitb16|vitl14] [--gpus N] [--folds 1-5] [--work-dir DIR] [--smoke]
#
#   --model    CLIP's encoder (default: vitb16)
#   --gpus     processes of each training (default: 1)
#   --folds    folds to train and test (default: all)
#   --work-dir folder of logs and results (default: work_dirs/reproduce_SET_MODEL)
#   --smoke    the tiny model on a CPU, on 60 drawn clips that are made in DOWNLOAD in the form of the set
set -euo pipefail

usage() {
    sed -n '5,11s/^# \{0,3\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

set_=${1:-} download=${2:-} model=vitb16 gpus=1 folds='' work='' smoke=''
case $set_ in
cremad) all_folds=1-5 ;;
ravdess) all_folds=1-6 ;;
*) usage ;;
esac
case $download in '' | -*) usage ;; esac
shift 2
while [ $# -gt 0 ]; do
    case $1 in
    --smoke) smoke=yes ;;
    --model | --gpus | --folds)
        [ $# -gt 1 ] || usage
        declare "${1#--}=$2"
        shift
        ;;
    --work-dir)
        [ -n "${2:-}" ] || usage
        work=$(realpath -m "$2")
        shift
        ;;
    *) usage ;;
    esac
    shift
done
download=$(realpath -m "$download")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

config=configs/claip_emo_${model}_$set_.py data=data/$set_ options=()
[ -n "$work" ] || work=work_dirs/$([ -n "$smoke" ] && echo "smoke_$set_" || echo "reproduce_${set_}_$model")
if [ -n "$smoke" ]; then
    config=configs/claip_emo_tiny_$set_.py data=$work/data
    options=(train_cfg.max_epochs=2 train_cfg.val_interval=1)
    for split in train val test; do options+=("${split}_dataloader.dataset.data_root=$data"); done
fi
[ -e "$config" ] || { echo "reproduce: --model $model: there is no $config" >&2 && usage; }
logs=$work/logs times=()

trap 'printf "\nreproduce: interrupted. The same command goes on from here.\n" >&2; exit 130' INT

# step TITLE NAME COMMAND...: runs the command, with its output on the screen and in $logs/NAME.log.
step() {
    local title=$1 log=$logs/$2.log begin=$SECONDS
    shift 2
    printf '\n== %s\n   %s\n' "$title" "$*"
    "$@" 2>&1 | tee "$log" || {
        printf '\nreproduce: the step "%s" failed; its log is %s. The same command goes on from here.\n' "$title" "$log" >&2
        return 1
    }
    times+=("$(printf '%-16s %5d s' "$(basename "$log" .log)" $((SECONDS - begin)))")
}

begin=$SECONDS
printf '== 1/6 Python environment\n'
. tools/environment.sh
mkdir -p "$logs"
times+=("$(printf '%-16s %5d s' environment $((SECONDS - begin)))")

if [ -n "$smoke" ]; then
    step "2/6 Drawn clips in the form of the download" download \
        python tools/prepare_data.py toy --form "$set_" --out "$download"
else
    python -c 'import sys, torch; sys.exit(torch.cuda.device_count() < int(sys.argv[1]))' "$gpus" || {
        echo "reproduce: PyTorch finds fewer than $gpus GPUs here. The training needs one; --smoke runs on a CPU." >&2
        exit 1
    }
    step '2/6 Weights of the encoders' weights python tools/fetch_weights.py "$config"
fi

step '3/6 Preparation' prepare python tools/prepare_data.py "$set_" "$download" --out "$data" || {
    # Some clips may have failed, with the reason in failures.csv: the lists are without them.
    [ -e "$data/lists/fold1_train.csv" ] || exit 1
    echo "reproduce: goes on without the clips of $data/failures.csv" >&2
}

step '4/6 Check' check python tools/check_data.py "$config" --out "$work/check" \
    ${options[@]+--cfg-options "${options[@]}"}

# Folds that were trained on other lists would not be trained again.
lists=$(cat "$data"/lists/*.csv | environment_hash python)
known=$(cat "$work/lists" 2>/dev/null || echo "$lists")
if [ "$known" != "$lists" ]; then
    echo "reproduce: the lists of $data have changed since $work was begun. Move that folder away." >&2
    exit 1
fi
echo "$lists" >"$work/lists"

[ -n "$folds" ] || folds=$([ -n "$smoke" ] && echo 1-2 || echo "$all_folds")
step "5/6 Training and test of the folds $folds" folds python tools/cross_validate.py "$config" --folds "$folds" \
    --gpus "$gpus" --work-dir "$work" ${options[@]+--cfg-options "${options[@]}"}

step '6/6 Published results and ours' table \
    python tools/analysis_tools/published.py "$work/results.json" "$data/corpus.json" ${smoke:+--drawn}

printf '\n== Done: %s\n' "$work/reproduction.md"
printf '   %s\n' "${times[@]}"
