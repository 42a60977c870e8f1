#!/usr/bin/env bash
# Three nodes of Baton behind a small balancer, on one PostgreSQL and one NATS, on this
# machine and without containers. Prints the address; Ctrl-C ends all of it.
#
#   scripts/cluster.sh            PORT=8080, NODES=3
#   scripts/cluster.sh --check    starts all, asks every node whether it is ready, ends
#
# BATON_BIN and BALANCER_BIN name other programs than those in target/release. What the
# servers write lies in a folder of its own under /tmp and is removed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

PORT=${PORT:-8080}
NODES=${NODES:-3}
BATON_BIN=${BATON_BIN:-target/release/baton}
BALANCER_BIN=${BALANCER_BIN:-target/release/examples/balancer}
POSTGRES_PORT=$((PORT + 90))
NATS_PORT=$((PORT + 91))

say() { printf 'cluster: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

scripts/deps.sh servers
NATS_BIN=$(command -v nats-server || echo "$PWD/.deps/nats-server")
POSTGRES_BIN=$(dirname "$(find /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1 || true)")
[ -x "$POSTGRES_BIN/initdb" ] || POSTGRES_BIN=$(dirname "$(command -v initdb || echo /nowhere/initdb)")
[ -x "$POSTGRES_BIN/initdb" ] || fail "please install PostgreSQL (Debian, Ubuntu: sudo apt-get install postgresql)"
for program in "$BATON_BIN" "$BALANCER_BIN"; do
  [ -x "$program" ] || fail "$program is not there: make build, and cargo build --release --example balancer"
done

folder=$(mktemp -d /tmp/baton-cluster.XXXXXX)
chmod 755 "$folder"
pids=()

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi
}

end() {
  trap - EXIT INT TERM
  say "ending"
  [ ${#pids[@]} -eq 0 ] || kill -TERM "${pids[@]}" 2>/dev/null || true
  [ ${#pids[@]} -eq 0 ] || wait "${pids[@]}" 2>/dev/null || true
  [ ! -e "$folder/postgres/postmaster.pid" ] || as_postgres "$POSTGRES_BIN/pg_ctl" -D "$folder/postgres" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap end EXIT INT TERM

# until_ok WHAT COMMAND...: waits up to 30 seconds.
until_ok() {
  local what=$1
  shift
  for _ in $(seq 300); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  tail -n 20 "$folder"/*.log >&2 || true
  fail "$what does not start"
}

mkdir "$folder/postgres"
[ "$(id -u)" != 0 ] || chown postgres "$folder/postgres"
as_postgres "$POSTGRES_BIN/initdb" -D "$folder/postgres" -U baton --auth=trust --encoding=UTF8 --locale=C >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; fail "initdb failed"; }
touch "$folder/postgres.log"
[ "$(id -u)" != 0 ] || chown postgres "$folder/postgres.log"
as_postgres "$POSTGRES_BIN/pg_ctl" -D "$folder/postgres" -l "$folder/postgres.log" -w \
  -o "-p $POSTGRES_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder/postgres" start >/dev/null ||
  { cat "$folder/postgres.log" >&2; fail "PostgreSQL does not start"; }
"$POSTGRES_BIN/createdb" -h 127.0.0.1 -p "$POSTGRES_PORT" -U baton baton

"$NATS_BIN" -a 127.0.0.1 -p "$NATS_PORT" >"$folder/nats.log" 2>&1 &
pids+=($!)

addresses=()
for n in $(seq "$NODES"); do
  address=127.0.0.1:$((PORT + n))
  addresses+=("$address")
  mkdir "$folder/node$n"
  # The balancer is one address to the nodes, so the limits for one address are everybody's here.
  BATON_STORE__URL="postgres://baton@127.0.0.1:$POSTGRES_PORT/baton" \
    BATON_BROKER__URL="nats://127.0.0.1:$NATS_PORT" \
    BATON_SERVER__PUBLIC_URL="http://127.0.0.1:$PORT" \
    BATON_SERVER__CONNECTIONS_PER_ADDRESS="${BATON_SERVER__CONNECTIONS_PER_ADDRESS:-10000}" \
    BATON_GATEWAY__SOCKETS_PER_ADDRESS="${BATON_GATEWAY__SOCKETS_PER_ADDRESS:-10000}" \
    "$BATON_BIN" serve --demo --listen "$address" --data "$folder/node$n" 2>"$folder/node$n.log" &
  pids+=($!)
  # One after the other: the first makes the schema and the example shop.
  until_ok "node $n" curl -fsS "http://$address/readyz"
done

"$BALANCER_BIN" "127.0.0.1:$PORT" "${addresses[@]}" 2>"$folder/balancer.log" &
pids+=($!)
until_ok "the balancer" curl -fsS "http://127.0.0.1:$PORT/readyz"

for address in "${addresses[@]}"; do
  say "$address $(curl -fsS "http://$address/readyz")"
done
sed -n 's|^ *\(http.*/setup?token=.*\)$|\1|p' "$folder"/node*.log | tail -n 1 | sed 's/^/cluster: the first admin is made here: /' >&2
say "Baton is at http://127.0.0.1:$PORT (demo at /demo, agents at /agent), $NODES nodes; logs in $folder; Ctrl-C ends it"
if [ "${1:-}" = --check ]; then exit 0; fi
while wait -n; do :; done
