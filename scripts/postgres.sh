#!/usr/bin/env bash
# A PostgreSQL server of our own, thrown away afterwards: for tests and for trying out.
#
#   postgres.sh start FOLDER PID   make and start one in FOLDER, print its port; when process PID is gone, it goes too
#   postgres.sh stop FOLDER [MODE] stop it (fast; immediate: as if it had crashed)
#   postgres.sh again FOLDER       start it again, on the same port
#   postgres.sh pid FOLDER         its process
#   postgres.sh encrypt FOLDER     encrypt connections that ask for it, with a certificate for 127.0.0.1 that is signed by
#                                  FOLDER/authority.pem and not by FOLDER/stranger.pem
#
# It never runs as root: as `postgres`, or else `nobody`, where root starts it. Whoever may reach the port on this
# machine may come in; it listens to nobody else.
set -euo pipefail

# Where initdb is, or nothing.
found() {
  command -v initdb >/dev/null && dirname "$(readlink -f "$(command -v initdb)")" && return
  find /usr/lib/postgresql /usr/pgsql-* -maxdepth 2 -name bin -type d 2>/dev/null | sort -V | tail -n 1
}

bin=$(found)
if [ -z "$bin" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  (
    flock 9
    export DEBIAN_FRONTEND=noninteractive
    # The package would start a server of its own, which nobody needs here.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
      echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    apt-get install -y -q postgresql >&2 || { apt-get update -q >&2 && apt-get install -y -q postgresql >&2; }
  ) 9>/tmp/baton-postgres-install.lock || true
  bin=$(found)
fi
if [ -z "$bin" ] || [ ! -x "$bin/initdb" ]; then
  echo "postgres.sh: install PostgreSQL 13 or newer (Debian: apt-get install postgresql): there is no initdb here" >&2
  exit 1
fi

if [ "$(id -u)" = 0 ]; then
  account=nobody
  getent passwd postgres >/dev/null && account=postgres
  as() { setpriv --reuid="$account" --regid="$(id -g "$account")" --clear-groups env HOME=/tmp "$@"; }
else
  as() { "$@"; }
fi

run() {
  as "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -s -w -t 60 "$@" </dev/null >/dev/null 2>&1 9>&-
}

launch() {
  run -o "-p $(cat "$folder/port") -k $folder -c listen_addresses=127.0.0.1" start
}

self=$(readlink -f "$0")
what=${1:-} folder=${2:-}
case "$what" in
start)
  pid=$3
  mkdir -p "$folder"
  [ "$(id -u)" != 0 ] || chown "$account" "$folder"
  chmod 700 "$folder"
  cd "$folder"
  as "$bin/initdb" -D "$folder/data" -U baton -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1 ||
    { cat "$folder/initdb.log" >&2; exit 1; }
  cat >>"$folder/data/postgresql.conf" <<-CONF
	max_connections = 300
	shared_buffers = 64MB
	logging_collector = off
	log_min_messages = warning
	log_min_error_statement = panic
	track_commit_timestamp = on
	CONF
  for _ in 1 2 3 4 5 6 7 8; do
    echo $((15000 + RANDOM % 15000)) >"$folder/port"
    launch && break
  done
  run status || { tail -n 20 "$folder/log" >&2; exit 1; }
  # The keeper: in a group of its own, so that nobody who ends the tests ends it before it has cleaned up.
  setsid "$self" keep "$folder" "$pid" </dev/null >/dev/null 2>&1 9>&- &
  cat "$folder/port"
  ;;
keep)
  while kill -0 "$3" 2>/dev/null; do sleep 0.3; done
  run -m immediate stop || true
  rm -rf "$folder" "$folder.lock"
  ;;
stop)
  cd "$folder"
  run -m "${3:-fast}" stop
  ;;
again)
  cd "$folder"
  launch
  ;;
encrypt)
  cd "$folder"
  key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  for name in authority stranger; do
    as openssl req -x509 "${key[@]}" -days 2 -subj "/CN=Baton tests: $name" -keyout $name.key -out $name.pem
  done
  as openssl req "${key[@]}" -subj "/CN=Baton tests" -keyout server.key -out server.csr
  as sh -c 'echo "subjectAltName=IP:127.0.0.1" >server.ext'
  as openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
    -extfile server.ext -out server.pem
  chmod 600 server.key
  # Others read what their connections are checked against.
  chmod 711 . && chmod 644 authority.pem stranger.pem
  cat >>data/postgresql.conf <<-CONF
	ssl = on
	ssl_cert_file = '$folder/server.pem'
	ssl_key_file = '$folder/server.key'
	CONF
  run -m fast stop
  launch
  ;;
pid)
  head -n 1 "$folder/data/postmaster.pid"
  ;;
*)
  sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
