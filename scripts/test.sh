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
  verdict "$name" "$(count pass "$logs/$name.log")" "$(count '(fail|cancelled)' "$logs/$name.log")"
  return $result
}

# The pages in a browser, one file after the other. A file that fails is tried once more, and named; what counts is how
# it went the second time.
pages_in_a_browser() {
  local file log result=0 passed=0 failed=0 flaky=()
  for file in "${pages[@]}"; do
    log=$logs/$(basename "$file").log
    if ! node --test --test-reporter=spec "$file" 2>&1 | tee "$log"; then
      if node --test --test-reporter=spec "$file" 2>&1 | tee "$log"; then flaky+=("$file"); else result=1; fi
    fi
    passed=$((passed + $(count pass "$log")))
    failed=$((failed + $(count '(fail|cancelled)' "$log")))
  done
  [ ${#flaky[@]} -eq 0 ] || printf 'FLAKY, passed only at the second try: %s\n' "${flaky[@]}"
  verdict pages-in-a-browser $passed $failed
  return $result
}

# count WHICH LOG: how many tests the runner of the pages' tests counted.
count() { grep -aoE "^ℹ $1 [0-9]+" "$2" | grep -oE '[0-9]+$' | awk '{n += $1} END {print n + 0}'; }

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
  stage "pages: in a browser" pages_in_a_browser
fi
finish
