#!/bin/bash
# Runs a script on a world (world.sh) as it stands, in a layer of its own: what it writes goes away with it, so that the
# next one finds the same world. Run in a mount namespace of its own. Usage: layer.sh MEGABYTES SCRIPT (overlayfs)
set -euo pipefail
layer=/run/sandbox/layer
mkdir -p "$layer"
mount -t tmpfs -o "mode=0755,size=${1}m" layer "$layer"
mkdir "$layer"/{upper,work,root}
# Of the two layers of the world, and not of the world's own overlay: overlays over overlays are few.
mount -t overlay -o "lowerdir=/run/sandbox/upper:/run/sandbox/base,upperdir=$layer/upper,workdir=$layer/work,index=off" \
  overlay "$layer/root"
for folder in proc dev; do mount --rbind "/$folder" "$layer/root/$folder"; done
mount -t tmpfs -o mode=0755,nosuid,nodev layer "$layer/root/run"
mkdir -p "$layer/root/run/sandbox" "$layer/root/run/lock"
mount --rbind /run/sandbox "$layer/root/run/sandbox"
exec chroot "$layer/root" /bin/bash -c ". /run/sandbox/app/test/package/trial.sh; $2"
