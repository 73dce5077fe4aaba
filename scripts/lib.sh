# Shared by the scripts beside it: runs named steps, times them, and sums up at the end.
# To be sourced by bash, with `set -u`.

STEP_NAMES=()
STEP_RESULTS=()
STEP_SECONDS=()
STEP_NOTES=()

have() { command -v "$1" >/dev/null 2>&1; }

say() { printf '%s\n' "$@"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# note TEXT: a line for the summary, from inside a step.
note() {
  say "note: $*"
  printf '%s\n' "$*" >>"$STEP_NOTE_FILE"
}

# step FUNCTION: runs step_FUNCTION in a shell of its own. A failure is recorded and the next step runs
# all the same, so that one run shows every fault.
step() {
  local name=$1 started=$SECONDS result=ok
  STEP_NOTE_FILE=$(mktemp)
  say "" "==> $name"
  # Not as a condition: `set -e` would be off inside it.
  set +e
  (set -e; "step_$name")
  [ $? -eq 0 ] || result=FAILED
  set -e
  STEP_NAMES+=("$name")
  STEP_RESULTS+=("$result")
  STEP_SECONDS+=($((SECONDS - started)))
  STEP_NOTES+=("$(paste -sd ';' "$STEP_NOTE_FILE")")
  rm -f "$STEP_NOTE_FILE"
}

# summary: a line for each step; fails if one of them failed.
summary() {
  local i failed=0
  say "" "==> summary"
  for i in "${!STEP_NAMES[@]}"; do
    printf '%-10s %-7s %5d s  %s\n' \
      "${STEP_NAMES[i]}" "${STEP_RESULTS[i]}" "${STEP_SECONDS[i]}" "${STEP_NOTES[i]}"
    [ "${STEP_RESULTS[i]}" = ok ] || failed=1
  done
  if [ $failed -eq 0 ]; then
    say "all steps passed in $((SECONDS / 60)) min $((SECONDS % 60)) s"
  else
    say "at least one step FAILED"
    return 1
  fi
}
