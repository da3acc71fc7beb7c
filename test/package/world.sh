#!/bin/bash
# Process 1 of a package test: a Debian root in which a package can really be installed, in namespaces of its own.
# The root is an overlay over the cached one: everything that is written is in memory and goes with process 1.
# Usage: world.sh BASE MOUNTPOINT REPOSITORY MEGABYTES [GROUP [seats]]
# With GROUP, process 1 becomes the root's own systemd, in a control group of this name: its units run as on a machine.
# (mount_namespaces(7), cgroup_namespaces(7), overlayfs)
set -euo pipefail
base=$1 place=$2 repository=$3 size=$4 group=${5:-} seats=${6:-}

if [ -n "$group" ] && [ -z "${IN_GROUP:-}" ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mkdir "/sys/fs/cgroup/$group"
  echo $$ >"/sys/fs/cgroup/$group/cgroup.procs"
  IN_GROUP=yes exec unshare --cgroup --ipc --uts -- bash "$0" "$@"
fi

mkdir -p "$place"
mount -t tmpfs -o "mode=0755,size=${size}m" package "$place"
mkdir "$place"/{upper,work,root}
mount -t overlay -o "lowerdir=$base,upperdir=$place/upper,workdir=$place/work" overlay "$place/root"
root=$place/root
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=0755,nosuid package "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s pts/ptmx "$root/dev/ptmx"
mkdir -m 1777 "$root/dev/shm"
mkdir "$root/dev/pts"
mount -t devpts -o gid=5,mode=0620,ptmxmode=0666 devpts "$root/dev/pts" 2>/dev/null || mount --rbind /dev/pts "$root/dev/pts"
mount -t tmpfs -o mode=0755,nosuid,nodev package "$root/run"
mkdir -p "$root"/run/{pcscd,lock,sudo,sandbox/app,sandbox/home/root}
mount --bind "$repository" "$root/run/sandbox/app"
mount -o remount,bind,ro "$root/run/sandbox/app"
# For layer.sh.
mkdir "$root"/run/sandbox/{base,upper}
mount --bind "$base" "$root/run/sandbox/base"
mount --bind "$place/upper" "$root/run/sandbox/upper"

printf '127.0.0.1 localhost %s\n' "$(hostname)" >"$root/etc/hosts"

ip link set lo up
for to in 127.0.0.0/8 127.0.0.1; do
  ip route replace local "$to" dev lo table local proto kernel scope host src 127.0.0.1 quickack 1
done
# No driver for USB readers, and the virtual one from the repository, under the name that yubico-piv-tool looks for.
mount -t tmpfs -o mode=0755 package "$root/usr/lib/pcsc/drivers"
mkdir -p "$root/run/sandbox/reader"
cat >"$root/run/sandbox/reader/vpcd" <<READER
FRIENDLYNAME "Yubico YubiKey"
DEVICENAME   /dev/null:0x8C7B
LIBPATH      /run/sandbox/app/build/vpcd/usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID    0x8C7B
READER
mount --bind "$root/run/sandbox/reader" "$root/etc/reader.conf.d"

if [ -n "$group" ]; then
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  ln -s /dev/null "$root/etc/systemd/system/systemd-modules-load.service"
  # Without sessions of its own nobody would count as being at the machine.
  [ -n "$seats" ] || ln -s /dev/null "$root/etc/systemd/system/systemd-logind.service"
  mkdir "$root/run/old"
  cd "$root"
  pivot_root . run/old
  umount -l /run/old
  rmdir /run/old
  echo ready
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=other TERM=dumb \
    /usr/lib/systemd/systemd --system --log-target=journal --show-status=0 systemd.unit=multi-user.target >/dev/null 2>&1
fi
exec chroot "$root" /bin/bash -c 'echo ready; exec >/dev/null; while :; do sleep infinity & wait || true; done'
