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

mount -t tmpfs -o mode=0755,nosuid,nodev sandbox /run
mkdir -p /run/{pcscd,scauth,sudo,user,sandbox/{app,etc,pam,home/root}}
mkdir -m 0700 /run/sandbox/{state,log}
mkdir -m 1777 /run/lock
install -m 0664 /dev/null /run/utmp
ln -s /dev/shm /run/shm

# A folder of the machine's, as it is until something in the sandbox changes it. A copy costs twenty times as much, but
# not every file system can lie below an overlay.
own() {
  mkdir -p "/run/sandbox/overlay/$1"/{upper,work}
  chmod --reference="$2" "/run/sandbox/overlay/$1/upper"
  if ! mount -t overlay -o "nosuid,nodev,lowerdir=$2,upperdir=/run/sandbox/overlay/$1/upper,workdir=/run/sandbox/overlay/$1/work" \
    sandbox "$2" 2>/dev/null; then
    cp -a "$2/." "/run/sandbox/$1/"
    mount --bind "/run/sandbox/$1" "$2"
  fi
}

own etc /etc
own pam "$pam_modules"
if [ -e /proc/self/fd/8/build/pam_scauth.so ]; then
  install -m 0644 /proc/self/fd/8/build/pam_scauth.so "$pam_modules/pam_scauth.so"
fi

mount --no-canonicalize --bind /proc/self/fd/8 /run/sandbox/app
mount -o remount,bind,ro /run/sandbox/app
# The programs as the package has them (bundle.ts).
if [ -n "$bundle" ]; then
  mount --no-canonicalize --bind "/proc/self/fd/8/$bundle/bin" /run/sandbox/app/install/bin
fi
# What V8 has compiled, kept from one sandbox to the next (test/run.ts).
if [ -d /proc/self/fd/8/build/compile-cache ]; then
  mkdir /run/sandbox/compile-cache
  mount --no-canonicalize --bind /proc/self/fd/8/build/compile-cache /run/sandbox/compile-cache
fi
exec 8<&-

if [ "$pcsc" = reader ]; then
  mount --no-canonicalize --bind /proc/self/fd/9 /run/pcscd
  exec 9<&-
else
  # No driver for USB readers: a pcscd in a sandbox must not take the machine's reader.
  mount -t tmpfs -o mode=0755 sandbox /usr/lib/pcsc/drivers
fi

# What login, su and sudo write: not into the machine's own records.
mount -t tmpfs -o mode=0755,nosuid,nodev sandbox /var/log
install -m 0664 /dev/null /var/log/wtmp
install -m 0664 /dev/null /var/log/lastlog
install -m 0660 /dev/null /var/log/btmp
if [ -d /var/lib/sudo ]; then mount -t tmpfs -o mode=0700 sandbox /var/lib/sudo; fi
if [ -S /dev/log ]; then mount --bind /dev/null /dev/log; fi

# Only loopback, and it acknowledges at once: with delayed acknowledgements an APDU through vpcd takes 44 ms.
ip link set lo up
# Both entries: 127.0.0.1 has one of its own, which is the more specific.
for to in 127.0.0.0/8 127.0.0.1; do
  ip route replace local "$to" dev lo table local proto kernel scope host src 127.0.0.1 quickack 1
done

echo ready
exec >/dev/null
while :; do
  sleep infinity &
  wait || true
done
