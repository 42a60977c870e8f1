#!/usr/bin/env bash
# The tests on trial: every planted fault must be found by the test named for it, in the
# words that say what is wrong, and that test must pass without the fault. Arguments name
# single faults. Looks also into the release binary, where there is one: nothing of this
# may be in it.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -x target/release/baton ] && grep -qaE 'BATON_FAILPOINT|BATON_PLANTED|BATON_NEXT_VERSION' target/release/baton; then
  echo "target/release/baton holds failpoints or planted faults" >&2
  exit 1
fi
names=$(IFS=,; echo "$*")
# shellcheck disable=SC2086
BATON_FAULTS=${names:-all} exec cargo test --locked ${CHAOS_CARGO:-} --test it faults:: -- --nocapture --test-threads=1
