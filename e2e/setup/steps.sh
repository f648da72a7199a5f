# Sourced by what runs several steps: runs them one after the other, and ends with a table of how long each took.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$setup/../.."

table=()
current=
begun=$EPOCHREALTIME
step_begun=$begun

# step NAME COMMAND...: runs the command, which ends the script when it fails.
step() {
  current=$1 step_begun=$EPOCHREALTIME
  shift
  "$@"
  close_step
}

close_step() {
  table+=("$(printf '%8s s  %s' "$(seconds_since "$step_begun")" "$current")")
  current=
}

finish() {
  local status=$?
  if [ -n "$current" ]; then
    current+=" (failed)"
    close_step
  fi
  printf '\nwhere the time went:\n' >&2
  printf '%s\n' "${table[@]}" "$(printf '%8s s  in all' "$(seconds_since "$begun")")" >&2
  exit "$status"
}
trap finish EXIT
