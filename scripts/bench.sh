#!/usr/bin/env bash
# Figures beside their baselines, measured in the same run. With BENCH_JSON=1 stdout
# holds JSON lines and nothing else. The peers of the group `analyze` are put into
# .deps/ the first time: about 150 MB of Python packages and the base model. Without a
# network they are left out, and each says so. Those of the group `gateway` go into
# target/bench/: socket.io with better-sqlite3, and Baton built without libtorch.
#
#   scripts/bench.sh           what BENCH_ONLY asks for, or everything
#   scripts/bench.sh peers     only puts the peers in place
#
# BENCH_GATEWAY chooses parts of the group `gateway`: turn, model, full, agents, idle,
# storm, growth. BENCH_SYNC_US makes every sync of what is measured so many microseconds
# slower, Baton's and its baselines' alike: a disk that is not at hand. The parts `turn`,
# `model` and `full` say so among their conditions.
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

socketio() {
  local into=target/bench/socketio
  [ -d $into/node_modules/better-sqlite3/build/Release ] &&
    cmp -s benches/peers/socketio/package-lock.json $into/package-lock.json && return
  mkdir -p $into
  cp benches/peers/socketio/package.json benches/peers/socketio/package-lock.json $into/
  (cd $into && npm ci --no-audit --no-fund --loglevel=error) >&2 ||
    echo "bench: socket.io and better-sqlite3 could not be installed" >&2
}

# What a build without libtorch takes is measured too.
lean() {
  cargo build --release --locked --quiet --no-default-features --bin baton --target-dir target/lean >&2 ||
    echo "bench: the build without libtorch failed" >&2
  export BENCH_LEAN=$PWD/target/lean/release/baton
}

# Builds what makes syncs slow, and gives its path.
slow_sync() {
  local built=$PWD/target/bench/slow_sync.so
  mkdir -p target/bench
  cc -O2 -shared -fPIC -o "$built" benches/peers/slow_sync.c >&2 || return
  echo "$built"
}

case "${1:-},${BENCH_ONLY:-analyze}" in
  peers,* | *analyze*) peers ;;
esac
case "${1:-},${BENCH_ONLY:-gateway}" in
  peers,*) socketio ;;
  *gateway*) socketio && lean ;;
esac
[ "${1:-}" = peers ] && exit
cargo bench --locked --quiet --bench figures --no-run
# What the compiler has written goes to the disk before anything is timed, and not meanwhile.
sync
if [ -n "${BENCH_SYNC_US:-}" ]; then
  LD_PRELOAD=$(slow_sync)
  export LD_PRELOAD
fi
cargo bench --locked --quiet --bench figures
