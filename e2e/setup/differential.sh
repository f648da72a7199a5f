#!/usr/bin/env bash
# Compares the core with the Horizontal Pod Autoscaler's published arithmetic over many generated lives, and writes into docs/proof.md
# what came of it.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$setup/../.."

need cargo
commit=$(git rev-parse --short HEAD)
[ -z "$(git status --porcelain -- core)" ] || commit+=", with changes that are not committed"
result=$(HYBRIDSCALER_LIVES=${1:-100000} cargo test --quiet -p hybridscaler-core --test suite differential:: -- --nocapture |
  sed -n 's/^\.*\(.* lives of .*\|.* long lives .*\)/\1/p')
section=$(printf '%s\n' "$result" "at commit $commit, on $(date -u +%F)" | sed 's/^/    /')
python3 - "$section" <<'EOF'
import pathlib, re, sys
page = pathlib.Path("docs/proof.md")
marked = re.compile(r"(<!-- differential -->\n).*?(<!-- end -->)", re.S)
page.write_text(marked.sub(lambda m: m[1] + "\n" + sys.argv[1] + "\n\n" + m[2], page.read_text()))
EOF
printf '%s\n' "$section"
