#!/bin/sh
# Submits a sweep to a HyperQueue server that is running, a task each, and waits:  hyperqueue.sh DIR
# Each task finds its own entry of tasks.json in HQ_ENTRY.
set -eu
exec hq submit --wait --cpus=1 --from-json "$1/tasks.json" --stdout=none --stderr=none \
    "${RATIOFLOW:-ratioflow}" sweep task "$1" --quiet
