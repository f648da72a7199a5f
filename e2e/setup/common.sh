# Sourced by every part of the set-up: where things are kept, what must be there, and the one way to fill the cache.
# shellcheck shell=bash
set -euo pipefail

setup=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hybridscaler
parts=(control-plane kube-clients postgres mariadb moto lint-tools)

# say WORDS...: one line of progress. Standard output is kept for results.
say() { printf 'setup: %s\n' "$*" >&2; }

seconds_since() { # a value of $EPOCHREALTIME
  awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'
}

# Go as it is installed, counting its own use in the cache folder and not in the user's configuration.
go() {
  GOTOOLCHAIN=local GOENV=${GOENV:-${XDG_CONFIG_HOME:-$HOME/.config}/go/env} XDG_CONFIG_HOME=$cache/go command go "$@"
}

# need TOOL...: stops with one line for each tool that is missing or too old.
need() {
  local tool missing=0
  for tool; do
    case $tool in
      platform) require "Linux on x86_64" "" "" "this machine says $(uname -sm)" [ "$(uname -sm)" = "Linux x86_64" ] ;;
      apt-get) require apt-get 1.8 "$(version_of apt-get --version)" "the packages of Debian or Ubuntu are fetched with it" ;;
      cc) require "a C compiler" "" "" "Debian: apt install gcc" cc --version ;;
      cargo) require cargo 1.95.0 "$(version_of cargo --version)" "https://rustup.rs" ;;
      dpkg-deb) require dpkg-deb 1.18 "$(version_of dpkg-deb --version)" "Debian: apt install dpkg" ;;
      flock) require flock 2.33 "$(version_of flock --version)" "Debian: apt install util-linux" ;;
      go) require go "$(sed -n 's/^go //p' "$setup/control-plane/go.mod")" "$(version_of go version)" "https://go.dev/dl" ;;
      node) require node 20 "$(version_of node --version)" "https://nodejs.org" ;;
      npm) require npm 9 "$(version_of npm --version)" "it comes with Node.js, https://nodejs.org" ;;
      openssl) require openssl 3.0 "$(version_of openssl version)" "Debian: apt install openssl" ;;
      pip) require "pip (python3 -m pip)" 22 "$(version_of python3 -m pip --version)" "Debian: apt install python3-pip" ;;
      python3) require python3 3.11 "$(version_of python3 --version)" "https://www.python.org/downloads" ;;
      setpriv) require setpriv 2.33 "$(version_of setpriv --version)" "Debian: apt install util-linux" ;;
      *) require "$tool" "" "" "no rule says how to get it" false ;;
    esac || missing=1
  done
  return "$missing"
}

# The first number of a tool's own version line; empty when the tool does not run.
version_of() { "$@" 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1 || true; }

# require WHAT LEAST FOUND HOW [TEST...]: one line on standard error unless FOUND is at least LEAST (or TEST holds).
require() {
  local what=$1 least=$2 found=$3 how=$4
  shift 4
  if [ $# -gt 0 ]; then
    "$@" >/dev/null 2>&1 && return
  elif [ -n "$found" ] && printf '%s\n' "$least" "$found" | sort --version-sort --check=quiet; then
    return
  fi
  echo "missing: $what${least:+ $least or newer}${found:+ (found $found)}: $how" >&2
  return 1
}

# provide PART KEY TOOL...: prints the folder of PART. KEY is all that decides its content. Where the folder is not
# there whole, `build FOLDER` (the caller's function) fills a new one with the help of the TOOLs. One builder at a
# time; whoever comes second finds the work done.
provide() {
  local part=$1 key=$2 started=$EPOCHREALTIME folder done=ready
  shift 2
  folder=$cache/$part-$(sha256sum <<<"$key" | cut -c1-16)
  if ! whole "$folder"; then
    need flock "$@"
    mkdir -p "$cache"
    exec 9>"$cache/$part.lock"
    flock 9
    if ! whole "$folder"; then
      say "$part: not in the cache yet, building it"
      rm -rf "$folder" "$folder.new"
      mkdir "$folder.new"
      build "$folder.new" >&2
      inventory "$folder.new" >"$folder.new/.inventory"
      mv "$folder.new" "$folder"
      done=built
    fi
    exec 9>&-
  fi
  say "$part: $done in $(seconds_since "$started") s"
  echo "$folder"
}

# A part is whole when each file has the size it had when it was built: cheap enough to ask every time.
whole() { [ -e "$1/.inventory" ] && inventory "$1" | cmp --silent - "$1/.inventory"; }

inventory() { # Python writes its compiled files when it likes
  (cd "$1" && find . -type f ! -name .inventory ! -path '*/__pycache__/*' -printf '%s %p\n' | LC_ALL=C sort)
}
