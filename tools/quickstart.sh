#!/usr/bin/env bash
# From nothing to a trained audiovisual emotion model: environment, toy set, training, test, inference.
# Can be run again and again: what is done is skipped, what was interrupted goes on.
#
#   CLAIP_EMO_VENV   folder of the Python environment (default: .venv)
#   PYTHON           interpreter to make it with
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

config=configs/claip_emo_tiny_toy.py
data=data/toy
work=work_dirs/claip_emo_tiny_toy
logs=$work/quickstart
state_file=$logs/state # "<hash of what is learned from> started" or "... finished"

trap 'printf "\nquickstart: interrupted. Run it again to go on from here.\n" >&2; exit 130' INT

# step TITLE LOG FILTER COMMAND...: runs the command, with its whole output in $logs/LOG and the lines that match the
# regular expression FILTER on the screen ('' shows everything).
step() {
    local title=$1 log=$logs/$2 filter=$3 begin=$SECONDS line
    shift 3
    printf '\n== %s\n   %s\n' "$title" "$*"
    "$@" 2>&1 | tee "$log" |
        if [ -z "$filter" ]; then cat; else
            while IFS= read -r line; do
                if [[ $line =~ $filter ]]; then printf '   %s\n' "${line#* - INFO - }"; fi
            done
        fi ||
        {
            printf '\nquickstart: the step "%s" failed. Its log is %s; it ends with\n' "$title" "$log" >&2
            tail -n 8 "$log" >&2
            exit 1
        }
    took="$((SECONDS - begin)) s"
}

begin=$SECONDS
printf '== 1/5 Python environment\n'
. tools/environment.sh
environment_took="$((SECONDS - begin)) s"
mkdir -p "$logs"

step '2/5 Toy set: talking faces with a voice, seven emotions' toy.log '' \
    python tools/prepare_data.py toy --out "$data"
toy_took=$took

# What a training learns from: once any of it has changed, the old checkpoint says nothing about it.
state=$(find configs claip_emo_mm/models claip_emo_mm/datasets claip_emo_mm/weights "$data" -type f \
    \( -name '*.py' -o -name '*.csv' -o -name '*.safetensors' \) | LC_ALL=C sort | xargs cat | environment_hash python)
known=$(cat "$state_file" 2>/dev/null || true)
if [ "$known" = "$state finished" ]; then
    printf '\n== 3/5 Training: done before (%s)\n' "$work"
    train_took='done before'
else
    resume=()
    if [ "$known" = "$state started" ]; then resume=(--resume); else rm -f "$work/last_checkpoint"; fi
    echo "$state started" >"$state_file"
    step '3/5 Training' train.log 'Trainable parameters|^  [a-z_]+ +[0-9,]+ of |Epoch\((train|val)\)|resumed epoch' \
        python tools/train.py "$config" --work-dir "$work" ${resume[@]+"${resume[@]}"}
    echo "$state finished" >"$state_file"
    train_took=$took
fi
checkpoint=$work/$(basename "$(cat "$work/last_checkpoint")")

metrics=$work/test_metrics.json
if [ "$metrics" -nt "$checkpoint" ]; then
    printf '\n== 4/5 Test: done before (%s)\n' "$metrics"
    test_took='done before'
else
    step '4/5 Test on unseen identities' test.log '^class |^[a-z]+ +[0-9.]+ +[0-9]+ \||^WAR ' \
        python tools/test.py "$config" "$checkpoint" --work-dir "$work"
    test_took=$took
fi

clip=$data/$(sed -n 2p "$data/test.csv" | cut -d, -f1)
step "5/5 Inference on $clip ($(sed -n 2p "$data/test.csv" | cut -d, -f2) is played)" infer.log '' \
    python tools/infer.py "$clip" --checkpoint "$checkpoint"
infer_took=$took

metric() {
    python -c 'import json, sys; print(round(json.load(open(sys.argv[1]))["metrics"][sys.argv[2]], 2))' "$metrics" "$1"
}
cat <<END

== Done
   test split      $(($(wc -l <"$data/test.csv") - 1)) clips of unseen identities
   WAR            $(metric WAR) %
   UAR            $(metric UAR) %

   step           time           lies in
   environment    $(printf '%-14s' "$environment_took") $VIRTUAL_ENV
   toy set        $(printf '%-14s' "$toy_took") $data
   training       $(printf '%-14s' "$train_took") $checkpoint
   test           $(printf '%-14s' "$test_took") $metrics
   inference      $(printf '%-14s' "$infer_took") $logs/infer.log

   Next
   . ${VIRTUAL_ENV#"$PWD"/}/bin/activate
   python tools/train.py configs/claip_emo_tiny_toy_visual.py     # visual only
   python tools/train.py configs/claip_emo_tiny_toy_audio.py      # audio only

   This model has seen drawn faces alone: what it says of a real video means nothing. For real videos:
   python tools/infer.py YOUR_VIDEO.mp4 --zero-shot               # CLIP without training
   docs/data.md, docs/corpora.md, docs/tutorials/own_data.md      # or train on real data first
END
