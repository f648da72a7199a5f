#!/usr/bin/env bash
# Set-up, unit tests, end-to-end tests, and beside them as many lives of the simulation as fit into four minutes.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

need platform apt-get cargo cc dpkg-deb flock go node npm openssl pip python3 setpriv
for part in "${parts[@]}"; do
  step "set-up: $part" "$setup/$part.sh" >/dev/null
done
step "compile" cargo test --workspace --no-run
# Cargo has just built the operator for the tests of its own package, and tells only those where.
HYBRIDSCALER_BIN=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/hybridscaler
export HYBRIDSCALER_BIN

# The end-to-end tests mostly wait, so the lives get what those leave of the processors.
the_promise=simulation::tests::the_promise
told=$(mktemp)
lives() {
  SIMULATION_SECONDS=${SIMULATION_SECONDS:-240} nice -n 19 \
    cargo test --quiet --workspace --lib "$the_promise" -- --nocapture >"$told" 2>&1
}
lives &
simulation=$!
end_of_lives() {
  wait "$simulation" || { cat "$told" && return 1; }
  lived=$(grep '^lives ' "$told")
  rm "$told"
}
step "tests" cargo test --workspace -- --skip "$the_promise"
step "the rest of the simulation's lives" end_of_lives
table+=("$lived")
