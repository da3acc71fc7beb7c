# What a trial is made of: something is ended in the middle, people log in by password, a second run repairs. Read by
# bash in a layer (layer.sh). A trial prints why it failed and ends with 1.
set -uo pipefail
export CUT_STEPS=/tmp/steps CUT_AT=0 CUT_SIGNAL=KILL
user=ada user_password=correct-horse-7 root_password=battery-staple-9
app=/run/sandbox/app
known=/run/sandbox/known

fail() {
  printf 'FAILED: %s\n' "$1"
  cat /tmp/said 2>/dev/null
  exit 1
}

as_user() { setpriv --reuid=$user --regid=$user --init-groups "$@"; }

# Everything that people come in by, without a card. $1: when
ways_in() {
  [ "$(as_user sudo -S -p '' id -u 2>&1 <<<"$user_password" | tail -n 1)" = 0 ] || fail "$1: sudo"
  [ "$(as_user su -c 'id -u' 2>/dev/null <<<"$root_password")" = 0 ] || fail "$1: su"
  pamtester login $user authenticate acct_mgmt >/tmp/said 2>&1 <<<"$user_password" || fail "$1: login"
}

# Every PAM file is one that was there before or one that is there afterwards, and none names a module that is gone.
whole() {
  local file name
  for file in /etc/pam.d/*; do
    name=${file##*/}
    case $name in *.scauth-new | *.dpkg-* | *.pam-*) continue ;; esac
    cmp -s "$file" "$known/off/$name" || cmp -s "$file" "$known/on/$name" || fail "$1: half a file: $file"
    # /etc/pam.d/scauth says how scauthd asks; it names no module of ours.
    if grep -q '^[^#]*pam_scauth\.so' "$file"; then
      [ -e /usr/lib/x86_64-linux-gnu/security/pam_scauth.so ] || fail "$1: $file names a module that is gone"
    fi
  done
}

# $1: off or on; every PAM file is as it was then, and nothing of a change is left lying about. The package's own file
# changes nobody's login.
pam_is() {
  diff -r -x scauth -x 'scauth.dpkg-*' "/etc/pam.d" "$known/$1" >/tmp/said 2>&1 || fail "$2: PAM files are not as with card logins $1"
  rm -f /tmp/said
  ls -d /var/lib/scauth/pam/{try.*,pending} /var/lib/pam/*.scauth-new 2>/dev/null && fail "$2: something is left"
  return 0
}

# Every file but what changes by itself.
list_files() {
  find / -path /proc -prune -o -path /dev -prune -o -path /run -prune -o -path /tmp -prune -o -path /sys -prune -o \
    -path /var/log -prune -o -path /var/cache -prune -o -path /var/lib/apt -prune -o -print | sort
}

purged() {
  dpkg --purge scauth >/tmp/said 2>&1 || fail "$1: dpkg --purge"
  pam_is off "$1, purged"
  list_files | diff "$known/files" - >/tmp/said || fail "$1: purge leaves something, or takes too much"
  rm -f /tmp/said
  ! grep -q 'scauth/card-logins' /var/cache/debconf/config.dat || fail "$1: purge leaves debconf's answer"
  ! getent passwd scauth-driver scauth-fleet >/dev/null || fail "$1: purge leaves an account"
}

# dpkg or scauth-pam, by itself after a cut.
must() {
  "${@:2}" >/tmp/said 2>&1 || fail "$1: ${*:2}"
  rm -f /tmp/said
}

# Puts cut.sh in front of scripts.
with_cuts() {
  local script
  for script; do
    {
      echo '#!/bin/bash'
      cat $app/test/package/cut.sh "$script"
    } >"$script.cut"
    cat "$script.cut" >"$script"
    rm "$script.cut"
  done
}

# Runs a command that is ended at its n-th step; `cut` says whether it was. $1: n; $2: signal
cut=no
cut_at() {
  rm -f $CUT_STEPS
  CUT_AT=$1 CUT_SIGNAL=$2 setsid --wait "${@:3}" </dev/null >/tmp/said 2>&1
  ended=$?
  [ "$(count_steps)" -lt "$1" ] || cut=yes
  at="step $1 ($(sed -n "$1{s/ *$//;p}" $CUT_STEPS), $2)"
}
count_steps() { wc -l <$CUT_STEPS; }
