#!/usr/bin/env bash
# Prints a folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok, built from the Go modules
# that control-plane/go.mod pins (its `tool` lines are the list).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build() {
  local out=$1 kubernetes stamp package
  cd "$setup/control-plane"
  # The modules are needed for the build only, and Go's usual place for them is outside the cache folder.
  export GOMODCACHE="$out/modules" GOFLAGS="-mod=readonly -modcacherw -buildvcs=false" CGO_ENABLED=0
  export GOGC=400 # fewer collections in the compiler: more memory for less time
  kubernetes=$(quiet go list -m -f '{{.Version}}' k8s.io/kubernetes)
  stamp="-s -w" # and the version, or `kubectl version` would report v0.0.0
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    stamp+=" -X $package.gitVersion=$kubernetes -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$kubernetes")"
  done
  quiet go build -trimpath -ldflags "$stamp" -o "$out/" \
    k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler} sigs.k8s.io/kwok/cmd/kwok
  quiet go build -trimpath -ldflags "-s -w" -o "$out/etcd" go.etcd.io/etcd/server/v3
  rm -rf "$out/modules"
}

# Two hundred lines say which module is downloaded: of no use to anybody.
quiet() { "$@" 2> >(grep --invert-match '^go: downloading' >&2); }

provide control-plane "$(cat "$setup/control-plane.sh" "$setup"/control-plane/go.{mod,sum})" platform go
