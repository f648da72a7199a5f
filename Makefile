# The project's commands. The work is done by cargo and by the scripts in e2e/setup, each of which runs on its own too.
SHELL := bash

SEEDS ?= 1000000

.PHONY: help demo test lint audit measure measure-budget measure-rivals bench model simulate mutants fuzz differential setup build crds clean-cache

help: ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' Makefile | expand --tabs=18

demo: setup build ## the spike, once with the budget and once without
	@cargo run --quiet --package hybridscaler-e2e --bin demo

test: ## set-up, unit tests, end-to-end tests; ends with where the time went
	@e2e/setup/test.sh

lint: ## rustfmt, clippy, cargo-deny, typos; needs no network once the tools are there
	@e2e/setup/lint.sh

audit: ## the dependencies against the advisory database; needs the network
	@"$$(e2e/setup/lint-tools.sh)/cargo-deny" check advisories

measure: setup ## what an optimized operator costs and how soon it acts, as Markdown
	@cargo build --release --package hybridscaler && HYBRIDSCALER_BIN=target/release/hybridscaler cargo run --quiet --package hybridscaler-e2e --bin measure

measure-budget: setup ## how soon a hundred consumers of one budget are granted more and give it back, as Markdown
	@cargo build --release --package hybridscaler && HYBRIDSCALER_BIN=target/release/hybridscaler cargo run --quiet --package hybridscaler-e2e --bin measure -- budget

measure-rivals: setup build ## the demo's spike, and what else is done against too many connections; draws docs/rivals.svg
	@cargo run --quiet --package hybridscaler-e2e --bin demo -- \
	  --runs budgeted,unbudgeted,static-maximum,clamped --svg docs/rivals.svg

bench: ## what one decision costs, in time and in instructions
	@cargo bench --quiet --package hybridscaler-core --bench decision

model: ## every order of events in small worlds, as tables; the large ones take tens of minutes and some GiB
	@cargo run --quiet --package hybridscaler-model

simulate: ## SEEDS lives of the operator in a simulated world; writes docs/proof.md
	@e2e/setup/simulate.sh $(SEEDS)

mutants: ## break the decision code in every small way, and list what no test notices; takes an hour
	@PROPTEST_MAX_SHRINK_ITERS=0 PROPTEST_DISABLE_FAILURE_PERSISTENCE=1 "$$(e2e/setup/mutants-tool.sh)/cargo-mutants" mutants --package hybridscaler-core --output target

fuzz: ## ten minutes each of what nobody would write: documents to the core, text to `hybridscaler decide`, formulas
	@e2e/setup/fuzz.sh core/fuzz decide
	@e2e/setup/fuzz.sh fuzz document
	@e2e/setup/fuzz.sh formula/fuzz formula

differential: ## the core against the HPA's arithmetic, over 100,000 generated lives; writes docs/proof.md
	@e2e/setup/differential.sh

setup: ## build or fetch what the tests need into the cache folder
	@e2e/setup/all.sh

build: ## the operator and the demo, unoptimized
	@cargo build --workspace

crds: ## write crds/ from the types in src/api
	@cargo run --quiet -- crds --dir crds

clean-cache: ## remove the cache folder
	@source e2e/setup/common.sh && rm -rf "$$cache" && echo "removed $$cache"
