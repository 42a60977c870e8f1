#!/usr/bin/env bash
# What a reviewer would otherwise say: formatting, lints, documentation,
# advisories, and the pages' linters where their packages are installed.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/stages.sh

lints() { cargo clippy --locked --all-targets -- -D warnings; }
docs() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items; }

# The advisories as they were fetched last, or from a folder in ADVISORY_DB: the check
# itself needs no network. What is accepted stands in deny.toml.
db=${ADVISORY_DB:-$HOME/.cargo/advisory-db}
advisories() {
  local accepted
  accepted=$(grep -oE 'RUSTSEC-[0-9]+-[0-9]+' deny.toml | sed 's/^/--ignore /')
  # shellcheck disable=SC2086
  cargo audit --no-fetch --stale --db "$db" $accepted
}

stage "format" cargo fmt --check
stage "lints" lints
stage "documentation" docs
if [ ! -d "$db" ]; then
  skip "advisories" "no advisories here: set ADVISORY_DB to a copy of github.com/RustSec/advisory-db"
elif cargo audit --version >/dev/null 2>&1; then
  stage "advisories" advisories
else
  stage "advisories" scripts/audit.py "$db"
fi
if cargo deny --version >/dev/null 2>&1; then
  stage "licenses and sources" cargo deny --offline check licenses bans sources
else
  skip "licenses and sources" "cargo-deny is not installed (cargo install cargo-deny)"
fi
if [ -x node_modules/.bin/eslint ]; then
  stage "pages: eslint, types, html" npm run --silent lint
else
  skip "pages: eslint, types, html" "their packages are not installed (npm ci)"
fi
finish
