#!/bin/sh
# Runs a sweep with xargs, so many processes at once:  xargs.sh DIR [N]
set -eu
dir=$1
tasks=$(grep -c '"id"' "$dir/tasks.json")
seq 0 $((tasks - 1)) | xargs -P "${2:-2}" -I{} "${RATIOFLOW:-ratioflow}" sweep task "$dir" --index {} --quiet
