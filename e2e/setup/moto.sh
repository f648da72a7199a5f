#!/usr/bin/env bash
# Prints the path of moto_server, which runs moto out of the folder beside it.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build() {
  local out=$1
  # Not compiled: the server imports a part of it, which Python compiles and keeps when it first does.
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-compile --no-deps \
    --only-binary=:all: --require-hashes -r "$setup/moto/requirements.txt" --target "$out/packages"
  # A folder and not a virtual environment, which cannot be moved to another place.
  cat >"$out/moto_server" <<'SERVER'
#!/usr/bin/env bash
packages=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/packages
exec python3 -I -c 'import sys; sys.path.insert(0, sys.argv.pop(1)); from moto.server import main; main()' "$packages" "$@"
SERVER
  chmod +x "$out/moto_server"
}

folder=$(provide moto "$(cat "$setup/moto.sh" "$setup/moto/requirements.txt"; python3 --version)" platform python3 pip)
echo "$folder/moto_server"
