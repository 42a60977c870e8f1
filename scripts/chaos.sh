#!/usr/bin/env bash
# The evidence: the proofs of reliability at the size that docs/reliability.md speaks of, in
# parts that resume. What is done is written down in target/chaos and not done again.
#
#   CHAOS_SCALE=0.01..1       how much of it (1: all of it, many hours)
#   CHAOS_ONLY=kill,power     only these parts; `scripts/chaos.sh list` names them
#   CHAOS_SOAK_MINUTES=60     how long the soak is
#   CHAOS_CARGO=--no-default-features   leaves the model out, and the part that needs it
#   CHAOS_NICE=19             lets others go first (default 10)
#   CHAOS_AGAIN=1             forgets what was done
#
# A line of JSON for each part on stdout, and in target/chaos/results.jsonl; the table of all
# in target/chaos/summary.md.
set -uo pipefail
cd "$(dirname "$0")/.."
scale=${CHAOS_SCALE:-1}
soak=${CHAOS_SOAK_MINUTES:-60}
out=target/chaos
mkdir -p $out/logs
[ -z "${CHAOS_AGAIN:-}" ] || rm -f $out/done $out/results.jsonl
touch $out/done $out/results.jsonl
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

# Name, how many of what at full scale, how many in one part (0: all in one), the tests (several with commas), and
# the environment of one part, where N is how many and FROM is how many came before.
parts() {
  cat <<'TABLE'
kill         1000    20    kill::               BATON_KILLS=N BATON_KILL_MESSAGES=$((N*1000)) BATON_KILL_SEED=$((FROM+1))
failpoints   1       0     failpoints::         -
power        20000   2000  power::cuts          BATON_POWER_CUTS=N BATON_POWER_SEED=$((FROM+1))
exhaustive   1       0     power::cuts          BATON_POWER_EXHAUSTIVE=1
io           500     0     power::faults        BATON_IO_ERRORS=$([ N -ge 500 ] && echo all || echo some)
cluster      300     10    cluster::claims      BATON_CLUSTER_FAULTS=N BATON_CLUSTER_FROM=FROM BATON_CLUSTER_CLAIMS=$(((FROM+N)*200000/300-FROM*200000/300))
nodes        1       0     cluster::story,cluster::faults,cluster::late,cluster::versions  -
race         10000   0     race::               BATON_RACE_OFFERS=N
storm        5000    0     storm::              BATON_STORM_CLIENTS=N BATON_STORM_WITHIN=$within BATON_KILL_PROGRAM=$release
simulation   100000  5000  simulation::         BATON_SIMULATION_SEEDS=N BATON_SIMULATION_FROM=$((FROM+1))
model        100     10    model_trouble::      BATON_MODEL_TROUBLES=N
differential 1000000 50000 differential::random BATON_DIFFERENTIAL_OPERATIONS=N BATON_DIFFERENTIAL_FROM=$((FROM+1))
soak         1       0     soak::               BATON_SOAK_MINUTES=$soak BATON_KILL_PROGRAM=$release
faults       1       0     faults::             BATON_FAULTS=all
TABLE
}
if [ "${1:-}" = list ]; then
  parts | awk '{print $1}'
  exit 0
fi

release=$PWD/target/release/baton
within=10
if [ ! -x "$release" ]; then
  echo "chaos: no release build; storm and soak run on one with checks (make build makes one)" >&2
  release=$PWD/target/evidence/baton
  within=60
fi
# shellcheck disable=SC2086
cargo build --profile evidence --locked ${CHAOS_CARGO:-} --tests --bins --examples >&2 || exit 1
# shellcheck disable=SC2086
tests=$(cargo test --profile evidence --locked ${CHAOS_CARGO:-} --test it --no-run 2>&1 |
  grep -oE 'target/evidence/deps/it-[0-9a-f]+' | tail -n 1)
[ -x "$tests" ] || { echo "chaos: the tests are not there" >&2; exit 1; }
all=$("$tests" --list 2>/dev/null)
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
failures=0

# run NAME FROM N FILTER ENVIRONMENT
run() {
  local name=$1 from=$2 n=$3 filter=$4 environment=$5 key log began status ok
  key="$name from=$from n=$n"
  [ "$name" = soak ] && key="$key minutes=$soak"
  grep -qxF "$key" $out/done && return
  log=$out/logs/$name-$from.log
  environment=$(sed -E "s/\bN\b/$n/g; s/\bFROM\b/$from/g" <<<"$environment")
  [ "$environment" = - ] && environment=
  began=$(date +%s)
  # The table's arithmetic and names are filled in here; nothing in it comes from outside.
  eval "env $environment nice -n ${CHAOS_NICE:-10} \"$tests\" ${filter//,/ } --nocapture --test-threads=1" >"$log" 2>&1
  status=$?
  ok=true
  [ $status -eq 0 ] || ok=false
  { grep -aoE '[{]".*[}]$' "$log" || echo '{}'; } | CHAOS_PART=$name CHAOS_FROM=$from CHAOS_N=$n CHAOS_OK=$ok CHAOS_COMMIT=$commit \
    CHAOS_SECONDS=$(($(date +%s) - began)) CHAOS_DATE=$(date -u +%F) node scripts/chaos-line.mjs | tee -a $out/results.jsonl
  if $ok; then echo "$key" >>$out/done; else
    failures=$((failures + 1))
    echo "chaos: $name failed; see $log" >&2
  fi
}

while read -r name total each filter environment; do
  if [ -n "${CHAOS_ONLY:-}" ] && [[ ",${CHAOS_ONLY//|/,}," != *",$name,"* ]]; then continue; fi
  if ! grep -qE "^(${filter//,/|})" <<<"$all"; then
    echo "chaos: there is no test for $name in this build" >&2
    continue
  fi
  wanted=$(awk -v total="$total" -v scale="$scale" 'BEGIN {n = int(total * scale + 0.5); print n < 1 ? 1 : n}')
  [ "$each" -gt 0 ] || each=$wanted
  for ((from = 0; from < wanted; from += each)); do
    run "$name" $from $((wanted - from < each ? wanted - from : each)) "$filter" "$environment"
  done
done < <(parts)

node scripts/chaos-line.mjs summary <$out/results.jsonl >$out/summary.md
cat $out/summary.md >&2
[ $failures -eq 0 ]
