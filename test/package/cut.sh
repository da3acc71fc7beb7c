# In front of a script that is to be ended at its n-th command (trial.sh puts it there): counts the commands of all such
# scripts in CUT_STEPS, a line for each, and at line CUT_AT sends CUT_SIGNAL to the script. Read by bash.
cut_here() {
  local steps
  # Not those of what the script reads: debconf's confmodule.
  [ "${BASH_SOURCE[1]}" = "$0" ] || return 0
  printf '%s: %s\n' "${0##*/}" "${BASH_COMMAND%%$'\n'*}" >>"$CUT_STEPS"
  mapfile -t steps <"$CUT_STEPS"
  [ "${#steps[@]}" -ne "$CUT_AT" ] || kill "-$CUT_SIGNAL" $$ "$BASHPID"
}
# Functions and subshells too.
set -T
trap cut_here DEBUG
