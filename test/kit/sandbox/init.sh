#!/bin/bash
# Process 1 of a sandbox: makes its private mounts and network, says "ready" and then only reaps orphans.
# It writes no configuration (etc.ts does, from outside) and starts no service (services.ts does).
# Everything is in tmpfs of this mount namespace: when process 1 dies, nothing of it is left.
# bash, because a Node program as process 1 does not reap the children of others.
# Usage: init.sh REPOSITORY PAM-MODULE-FOLDER vpcd|reader [BUNDLE]   (mount_namespaces(7), pid_namespaces(7))
set -euo pipefail
umask 022
repository=$1 pam_modules=$2 pcsc=$3 bundle=${4:-}

# The repository and the machine's pcscd may lie below a folder that is hidden in a moment: hold them open.
exec 8<"$repository"
if [ "$pcsc" = reader ]; then exec 9</run/pcscd; fi

# Few programs: each costs as much as ten of its calls, and a test has many sandboxes.
mount -t tmpfs -o mode=0755,nosuid,nodev sandbox /run
mkdir -p /run/{pcscd,scauth,sudo,user} /run/sandbox/{app,etc,pam,lib,home/root,compile-cache} \
  /run/sandbox/overlay/{etc,pam,lib}/{upper,work}
mkdir -m 0700 /run/sandbox/{state,log}
mkdir -m 1777 /run/lock
ln -s /dev/shm /run/shm

# A folder of the machine's, as it is until something in the sandbox changes it. A copy costs twenty times as much, but
# not every file system can lie below an overlay.
own() {
  if ! mount -t overlay -o "nosuid,nodev,lowerdir=$2,upperdir=/run/sandbox/overlay/$1/upper,workdir=/run/sandbox/overlay/$1/work" \
    sandbox "$2" 2>/dev/null; then
    cp -a "$2/." "/run/sandbox/$1/"
    mount --bind "/run/sandbox/$1" "$2"
  fi
}

own etc /etc
own pam "$pam_modules"
own lib /var/lib
if [ -e /proc/self/fd/8/build/pam_scauth.so ]; then
  install -m 0644 /proc/self/fd/8/build/pam_scauth.so "$pam_modules/pam_scauth.so"
fi

{
  echo /proc/self/fd/8 /run/sandbox/app none bind,ro
  # The programs as the package has them (bundle.ts).
  if [ -n "$bundle" ]; then echo "/proc/self/fd/8/$bundle/bin /run/sandbox/app/install/bin none bind"; fi
  # What V8 has compiled, kept from one sandbox to the next (test/run.ts).
  if [ -d /proc/self/fd/8/build/compile-cache ]; then
    echo /proc/self/fd/8/build/compile-cache /run/sandbox/compile-cache none bind
  fi
  if [ "$pcsc" = reader ]; then
    echo /proc/self/fd/9 /run/pcscd none bind
  else
    # No driver for USB readers: a pcscd in a sandbox must not take the machine's reader.
    echo sandbox /usr/lib/pcsc/drivers tmpfs mode=0755
  fi
  # What login, su and sudo write: not into the machine's own records.
  echo sandbox /var/log tmpfs mode=0755,nosuid,nodev
  # Where an administrator puts what others fetch.
  echo sandbox /srv tmpfs mode=0755,nosuid,nodev
  if [ -d /var/lib/sudo ]; then echo sandbox /var/lib/sudo tmpfs mode=0700; fi
  if [ -S /dev/log ]; then echo /dev/null /dev/log none bind; fi
} >/run/sandbox/fstab
mount --no-canonicalize --all --fstab /run/sandbox/fstab
rm /run/sandbox/fstab
exec 8<&- 9<&-

umask 113
: >/run/utmp >/var/log/wtmp >/var/log/lastlog
umask 117
: >/var/log/btmp
umask 022

# Only loopback, and it acknowledges at once: with delayed acknowledgements an APDU through vpcd takes 44 ms.
# Both entries: 127.0.0.1 has one of its own, which is the more specific.
ip -batch - <<'END'
link set lo up
route replace local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1 quickack 1
route replace local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1 quickack 1
END

echo ready
exec >/dev/null
while :; do
  sleep infinity &
  wait || true
done
