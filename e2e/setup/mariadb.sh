#!/usr/bin/env bash
# Prints a folder with MariaDB's bin, sbin, share and the libraries that come with it: Debian's packages, unpacked and not
# installed.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build() {
  local out=$1 work=$1/work
  mkdir -p "$work"/{lists,cache}/partial "$work/packages" "$out/lib"
  # Lists of our own: those of the machine may be old or missing, and are root's.
  local apt=(apt-get --quiet=2 -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache"
    -o APT::Sandbox::User=)
  "${apt[@]}" update
  cd "$work/packages"
  "${apt[@]}" download mariadb-server-core mariadb-client-core liburing2
  "${apt[@]}" download libaio1t64 2>/dev/null || "${apt[@]}" download libaio1
  for package in *.deb; do dpkg-deb --extract "$package" ../root; done
  cd "$work/root"
  mv usr/{bin,sbin,share} "$out"
  find . -name 'lib*.so.*' -exec mv {} "$out/lib" \;
  cd "$out"
  rm -rf "$work" share/{doc,man,lintian}
}

provide mariadb "$(cat "$setup/mariadb.sh")" platform apt-get dpkg-deb
