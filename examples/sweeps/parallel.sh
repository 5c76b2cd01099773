#!/bin/sh
# Runs a sweep with GNU parallel, so many processes at once:  parallel.sh DIR [N]
# `-q` keeps spaces and quotes in names as they are. With `--sshlogin HOSTS` in front of -j it runs on other machines, if they see the same folder.
set -eu
dir=$1
tasks=$(grep -c '"id"' "$dir/tasks.json")
seq 0 $((tasks - 1)) | parallel -q -j "${2:-2}" "${RATIOFLOW:-ratioflow}" sweep task "$dir" --index {} --quiet
