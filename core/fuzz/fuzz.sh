#!/usr/bin/env bash
# Fuzzes decisions for SECONDS (default 600), from the corpus kept here and the folder of finds; needs no nightly toolchain and no tool
# but a C++ compiler: the flags are those that cargo-fuzz gives, less the sanitizer, since the core has no unsafe code.
#
#   fuzz.sh [SECONDS]     fuzz; a find that panics is left in target/fuzz and ends it
#   fuzz.sh minimize      replace the kept corpus by the smallest one that covers as much as all finds
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

target=x86_64-unknown-linux-gnu
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../../target/fuzz}
flags="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
for option in inline-8bit-counters pc-table trace-compares; do
  flags+=" -Cllvm-args=-sanitizer-coverage-$option"
done
# With --target the flags stay away from build scripts and macros.
RUSTFLAGS=$flags cargo build --quiet --locked --release --target "$target"
decide=$CARGO_TARGET_DIR/$target/release/decide
finds=$CARGO_TARGET_DIR/finds
mkdir -p "$finds"

if [ "${1:-}" = minimize ]; then
  rm -rf corpus.new && mkdir corpus.new
  "$decide" -set_cover_merge=1 -use_counters=0 -max_len=8192 corpus.new corpus "$finds"
  rm -rf corpus && mv corpus.new corpus
else
  exec "$decide" -max_total_time="${1:-600}" -max_len=8192 -dict=decide.dict -print_final_stats=1 \
    -artifact_prefix="$CARGO_TARGET_DIR/" "$finds" corpus
fi
