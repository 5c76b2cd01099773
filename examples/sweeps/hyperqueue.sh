#!/bin/sh
# Submits a sweep to a HyperQueue server that is running, a task each, and waits:  hyperqueue.sh DIR
# Each task finds its own entry of tasks.json in HQ_ENTRY. What tasks say goes nowhere: to see why some fail, take the last line but one away.
set -eu
dir=${1:?which sweep? hyperqueue.sh DIR}
command -v hq >/dev/null || { echo "hq is not here: it comes from HyperQueue's releases; on one machine hyperqueue_local.py does without it" >&2; exit 127; }
exec hq submit --wait --cpus=1 --from-json "$dir/tasks.json" \
    --stdout=none --stderr=none \
    "${RATIOFLOW:-ratioflow}" sweep task "$dir" --quiet
