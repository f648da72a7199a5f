#!/usr/bin/env bash
# Fuzzes TARGET of the crate in FOLDER (core/fuzz, formula/fuzz or fuzz) for SECONDS (default 600), from the corpus kept there and the
# folder of finds; needs no nightly toolchain and no tool but a C++ compiler: the flags are those that cargo-fuzz gives, less the
# sanitizer, since none of our code is unsafe.
#
#   fuzz.sh FOLDER TARGET [SECONDS]     fuzz; a find that panics is left in target/fuzz and ends it
#   fuzz.sh FOLDER TARGET minimize      replace the kept corpus by the smallest one that covers as much as all finds
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=$2
cd "$root/$1"

triple=x86_64-unknown-linux-gnu
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target/fuzz}
flags="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
for option in inline-8bit-counters pc-table trace-compares; do
  flags+=" -Cllvm-args=-sanitizer-coverage-$option"
done
# With --target the flags stay away from build scripts and macros.
RUSTFLAGS=$flags cargo build --quiet --locked --release --target "$triple" --bin "$target"
binary=$CARGO_TARGET_DIR/$triple/release/$target
finds=$CARGO_TARGET_DIR/finds/$target
corpus=corpus/$target
mkdir -p "$finds"

if [ "${3:-}" = minimize ]; then
  rm -rf "$corpus.new" && mkdir "$corpus.new"
  "$binary" -set_cover_merge=1 -use_counters=0 -max_len=8192 "$corpus.new" "$corpus" "$finds"
  rm -rf "$corpus" && mv "$corpus.new" "$corpus"
else
  exec "$binary" -max_total_time="${3:-600}" -max_len=8192 -dict="$target.dict" -print_final_stats=1 \
    -artifact_prefix="$CARGO_TARGET_DIR/" "$finds" "$corpus"
fi
