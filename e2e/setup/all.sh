#!/usr/bin/env bash
# Builds or fetches all that the tests, the demo and the lints need.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need platform apt-get cargo cc dpkg-deb flock go node npm openssl pip python3 setpriv
for part in "${parts[@]}"; do
  "$setup/$part.sh" >/dev/null
done
