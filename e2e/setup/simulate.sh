#!/usr/bin/env bash
# Lives so many lives of the operator in a simulated world, and writes into docs/proof.md what came of it.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$setup/../.."

need cargo
commit=$(git rev-parse --short HEAD)
[ -z "$(git status --porcelain -- src core)" ] || commit+=", with changes that are not committed"
# A life that breaks the promise ends the run with its schedule, and nothing is written.
lived=$(SEEDS=${1:-1000000} cargo test --quiet -p hybridscaler --lib simulation::tests::the_promise -- --nocapture)
section=$(printf '%s\n' "$(grep '^lives ' <<<"$lived")" "at commit $commit, on $(date -u +%F)" | sed 's/^/    /')
python3 - "$section" <<'EOF'
import pathlib, re, sys
page = pathlib.Path("docs/proof.md")
marked = re.compile(r"(<!-- simulation -->\n).*?(<!-- end -->)", re.S)
page.write_text(marked.sub(lambda m: m[1] + "\n" + sys.argv[1] + "\n\n" + m[2], page.read_text()))
EOF
printf '%s\n' "$section"
