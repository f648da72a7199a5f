#!/usr/bin/env bash
# Set-up, unit tests, end-to-end tests.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

need platform apt-get cargo cc dpkg-deb flock go node npm openssl pip python3 setpriv
for part in "${parts[@]}"; do
  step "set-up: $part" "$setup/$part.sh" >/dev/null
done
step "compile" cargo test --workspace --no-run
# Cargo has just built the operator for the tests of its own package, and tells only those where.
HYBRIDSCALER_BIN=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/hybridscaler
export HYBRIDSCALER_BIN
step "tests" cargo test --workspace
