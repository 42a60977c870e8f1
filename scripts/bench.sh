#!/usr/bin/env bash
# Figures beside their baselines, measured in the same run. With BENCH_JSON=1 stdout
# holds JSON lines and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
ulimit -n 65536 2>/dev/null || true
cargo bench --locked --quiet --bench figures
