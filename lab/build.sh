#!/usr/bin/env bash
# Builds the engine for the page anew, compresses it and puts it where the program takes it from: to be run after each change of the engine.
set -euo pipefail
cd "$(dirname "$0")/.."
target=wasm32-unknown-unknown
# What is not asked to be inlined seldom gains by it, and the page has to be small. Nothing here asks the system for randomness, so that the page need not be able to answer.
# Names of places in it are the same on every machine.
homes="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$PWD=ratioflow"
RUSTFLAGS='-C target-feature=+simd128 -C llvm-args=-inline-threshold=45 --cfg getrandom_backend="unsupported" '"$homes" cargo build -p ratioflow-lab --profile lab --target "$target"
built=${CARGO_TARGET_DIR:-target}/$target/lab/ratioflow_lab.wasm
into=${1:-src/page/lab/engine.wasm.zlib}
cargo run --quiet --release -p ratioflow-press -- "$built" "$into.tmp"
mv "$into.tmp" "$into"
