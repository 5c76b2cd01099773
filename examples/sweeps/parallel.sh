#!/bin/sh
# Runs a sweep with GNU parallel, so many processes at once:  parallel.sh DIR [N]
# `-q` keeps spaces and quotes in names as they are. With `--sshlogin HOSTS` in front of -j it runs on other machines, if they see the same folder.
set -eu
dir=${1:?which sweep? parallel.sh DIR [N]}
program=${RATIOFLOW:-ratioflow}
command -v parallel >/dev/null || { echo "GNU parallel is not here: install it (on Debian: apt-get install parallel), or take xargs.sh" >&2; exit 127; }
command -v "$program" >/dev/null || { echo "$program is not here: put it on the path, or name it in RATIOFLOW" >&2; exit 127; }
tasks=$(grep -c '"id"' "$dir/tasks.json")
seq 0 $((tasks - 1)) | parallel -q -j "${2:-2}" "$program" sweep task "$dir" --index {} --quiet
