#!/usr/bin/env bash
# Figures beside their baselines, measured in the same run. With BENCH_JSON=1 stdout
# holds JSON lines and nothing else. The peers of the group `analyze` are put into
# .deps/ the first time: about 150 MB of Python packages and the base model. Without a
# network they are left out, and each says so.
#
#   scripts/bench.sh           what BENCH_ONLY asks for, or everything
#   scripts/bench.sh peers     only puts the peers in place
set -euo pipefail
cd "$(dirname "$0")/.."
ulimit -n 65536 2>/dev/null || true

peers() {
  local python=.deps/peers/bin/python
  if ! [ -x .deps/peers/ready ]; then
    { python3 -m venv .deps/peers && $python -m pip install --quiet --disable-pip-version-check \
      -r benches/peers/requirements.txt && install -m 755 /dev/null .deps/peers/ready; } >&2 ||
      echo "bench: Python's peers could not be installed" >&2
  fi
  models/fetch-base.sh >&2 || echo "bench: the base model could not be fetched" >&2
}

case "${1:-},${BENCH_ONLY:-analyze}" in
  peers,* | *analyze*) peers ;;
esac
[ "${1:-}" = peers ] || cargo bench --locked --quiet --bench figures
