#!/usr/bin/env bash
# Prints a folder with cargo-mutants. Only `make mutants` needs it, so the set-up for the tests leaves it out.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build() {
  CARGO_TARGET_DIR=$1/build cargo install --quiet --locked --root "$1" --version =27.1.0 cargo-mutants
  mv "$1/bin/cargo-mutants" "$1"
  rm -rf "$1"/{bin,build,.crates.toml,.crates2.json}
}

provide mutants-tool "$(cat "$setup/mutants-tool.sh")" platform cargo cc
