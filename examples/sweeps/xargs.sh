#!/bin/sh
# Runs a sweep with xargs, so many processes at once:  xargs.sh DIR [N]
set -eu
dir=${1:?which sweep? xargs.sh DIR [N]}
program=${RATIOFLOW:-ratioflow}
command -v "$program" >/dev/null || { echo "$program is not here: put it on the path, or name it in RATIOFLOW" >&2; exit 127; }
tasks=$(grep -c '"id"' "$dir/tasks.json")
seq 0 $((tasks - 1)) | xargs -P "${2:-2}" -I{} "$program" sweep task "$dir" --index {} --quiet
