# One word for each thing a person wants to do. Every target first puts in place
# what it needs (scripts/deps.sh), or says in one line what to install.

PORT ?= 8080
PUBLIC ?=
TEACHER_STEPS ?= 14000
STEPS ?= 32000
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps run test cluster check build bench chaos train clean

# Where libtorch is and how it was built: written by scripts/deps.sh.
ENV := . .deps/env;

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

deps: ## put libtorch and the pages' packages in place
	@scripts/deps.sh

run: build ## serve with the demo on http://127.0.0.1:8080 (PORT=8080)
	@target/release/baton serve --demo --listen 127.0.0.1:$(PORT)

build: deps ## target/release/baton, which runs from any folder
	@$(ENV) cargo build --release --locked

test: deps ## everything that must hold, with the cost of each stage
	@$(ENV) scripts/test.sh

cluster: build ## three nodes, PostgreSQL, NATS and a balancer on http://127.0.0.1:8080 (PORT=8080, NODES=3)
	@$(ENV) cargo build --release --locked --example balancer
	@scripts/cluster.sh

check: deps ## formatting, lints, documentation, advisories, pages
	@$(ENV) scripts/check.sh

bench: deps ## figures beside their baselines (BENCH_ONLY=analyze|gateway|replay|claims, BENCH_JSON=1)
	@$(ENV) scripts/bench.sh

chaos: deps ## the evidence, in parts that resume (CHAOS_SCALE=0.01..1, CHAOS_ONLY=kill,power,..., CHAOS_SOAK_MINUTES=60)
	@$(ENV) scripts/chaos.sh

train: build ## train the model again into target/model: a teacher, then the student (PUBLIC=folder with the public sets)
	@models/fetch-base.sh
	@$(ENV) target/release/baton train --data models/data $(addprefix --data ,$(PUBLIC)) --out target/teacher --layers 6 --steps $(TEACHER_STEPS) --name baton-en-teacher
	@$(ENV) target/release/baton train --data models/data $(addprefix --data ,$(PUBLIC)) --teacher target/teacher --out target/model --layers 3 --steps $(STEPS)

clean: ## remove what was built; .deps stays
	@rm -rf target test-results static/vendor
