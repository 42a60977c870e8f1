# Sourced by the test and check scripts: runs named stages, goes on after a
# failure, prints what each cost and exits with the worst result.

stage_names=()
stage_lines=()
failed_stages=0
started_at=$SECONDS

# stage NAME COMMAND...
stage() {
  local name=$1 from=$SECONDS result=ok
  shift
  printf '\n== %s\n' "$name"
  "$@" </dev/null || { result=FAILED; failed_stages=$((failed_stages + 1)); }
  stage_names+=("$name")
  stage_lines+=("$(printf '  %-28s %5ds  %s' "$name" $((SECONDS - from)) "$result")")
}

# skip NAME WHY
skip() {
  stage_lines+=("$(printf '  %-28s     -  skipped: %s' "$1" "$2")")
}

finish() {
  printf '\n== what it cost\n'
  printf '%s\n' "${stage_lines[@]}"
  printf '  %-28s %5ds\n' total $((SECONDS - started_at))
  if [ $failed_stages -gt 0 ]; then
    printf '%s of %s stages failed\n' $failed_stages ${#stage_names[@]}
    exit 1
  fi
  printf 'all %s stages passed\n' ${#stage_names[@]}
}
