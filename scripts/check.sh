#!/usr/bin/env bash
# What a reviewer would otherwise say: formatting, lints, documentation,
# advisories, and the pages' linters where their packages are installed.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/stages.sh

lints() { cargo clippy --locked --all-targets -- -D warnings; }
docs() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items; }

# The advisories as they were fetched last, or from a folder in ADVISORY_DB:
# the check itself needs no network.
advisories() {
  local db=${ADVISORY_DB:-$HOME/.cargo/advisory-db}
  cargo audit --no-fetch --stale --db "$db" --ignore RUSTSEC-2024-0437
}

stage "format" cargo fmt --check
stage "lints" lints
stage "documentation" docs
if ! cargo audit --version >/dev/null 2>&1; then
  skip "advisories" "cargo-audit is not installed (cargo install cargo-audit)"
elif [ ! -d "${ADVISORY_DB:-$HOME/.cargo/advisory-db}" ]; then
  skip "advisories" "no advisory database (cargo audit fetches it, or set ADVISORY_DB)"
else
  stage "advisories" advisories
fi
if cargo deny --version >/dev/null 2>&1; then
  stage "licenses and sources" cargo deny --offline check licenses bans sources
else
  skip "licenses and sources" "cargo-deny is not installed (cargo install cargo-deny)"
fi
if [ -x node_modules/.bin/eslint ]; then stage "pages: eslint" node_modules/.bin/eslint static tests/pages; else skip "pages: eslint" "not in package.json"; fi
if [ -x node_modules/.bin/tsc ]; then stage "pages: types" node_modules/.bin/tsc --noEmit -p .; else skip "pages: types" "not in package.json"; fi
finish
