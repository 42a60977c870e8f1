#!/usr/bin/env bash
# Everything that must hold: quick checks, Rust tests, tests of the pages' code,
# and the pages in a real browser. One cargo profile (dev) for all of it.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/stages.sh
logs=target/test-logs
mkdir -p $logs

# Says "RUNNER: N passed, N failed" from what a runner printed.
verdict() { printf '%s: %s passed, %s failed\n' "$1" "${2:-0}" "${3:-0}"; }

format() { cargo fmt --check; }

build_tests() { cargo build --locked --workspace --tests --bins --examples; }

rust_tests() {
  local result=0
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --no-fail-fast 2>&1 | tee $logs/rust.log || result=1
    local summary
    summary=$(grep -aE 'Summary' $logs/rust.log | tail -n 1)
    verdict rust "$(grep -oE '[0-9]+ passed' <<<"$summary" | grep -oE '[0-9]+')" \
      "$(grep -oE '[0-9]+ (failed|timed out)' <<<"$summary" | awk '{n += $1} END {print n + 0}')"
  else
    cargo test --locked --workspace --no-fail-fast 2>&1 | tee $logs/rust.log || result=1
    verdict rust "$(grep -a '^test result' $logs/rust.log | grep -oE '[0-9]+ passed' | awk '{n += $1} END {print n + 0}')" \
      "$(grep -a '^test result' $logs/rust.log | grep -oE '[0-9]+ failed' | awk '{n += $1} END {print n + 0}')"
  fi
  return $result
}

# node_tests NAME FILES...
node_tests() {
  local name=$1 result=0
  shift
  node --test --test-reporter=spec "$@" 2>&1 | tee "$logs/$name.log" || result=1
  verdict "$name" "$(grep -aoE '^ℹ pass [0-9]+' "$logs/$name.log" | grep -oE '[0-9]+')" \
    "$(grep -aoE '^ℹ (fail|cancelled) [0-9]+' "$logs/$name.log" | grep -oE '[0-9]+$' | awk '{n += $1} END {print n + 0}')"
  return $result
}

export BATON_BIN="$PWD/target/debug/baton"
shopt -s globstar nullglob
units=(static/**/*.test.js)
pages=(tests/pages/*.test.mjs)

stage "format" format
stage "servers" scripts/deps.sh servers
stage "rust: build" build_tests
stage "rust: tests" rust_tests
if [ ${#units[@]} -gt 0 ]; then stage "pages: code" node_tests pages-code "${units[@]}"; fi
if [ ${#pages[@]} -gt 0 ]; then
  stage "pages: a browser" scripts/deps.sh pages
  stage "pages: in a browser" node_tests pages-in-a-browser --test-concurrency=1 "${pages[@]}"
fi
finish
