#!/bin/sh
# Installs scauth from this folder on a system without dpkg: under /opt/scauth, with links in /usr/local. It changes
# no PAM file; what to add there stands in pam_scauth(8). uninstall.sh takes everything away again but settings,
# pairings and log (--purge: those too). Needs root, pcscd, libpcsclite, libpam and glibc 2.28.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
here=$(cd "$(dirname "$0")" && pwd)
tree=$here/tree
list=/opt/scauth/installed-files

[ "$(id -u)" -eq 0 ] || { echo 'Run it as root.' >&2; exit 1; }
if [ -e /var/lib/dpkg/info/scauth.list ]; then echo 'scauth is installed as a Debian package. Remove that first.' >&2; exit 1; fi
security=
for folder in /usr/lib/*-linux-gnu/security /lib/*-linux-gnu/security /usr/lib64/security /lib64/security /usr/lib/security; do
  if [ -z "$security" ] && [ -e "$folder/pam_unix.so" ]; then security=$folder; fi
done
[ -n "$security" ] || { echo 'pam_unix.so was not found: is PAM installed?' >&2; exit 1; }

mkdir -p /opt/scauth
: >>"$list"
# place FROM TO MODE: in one step, and noted for uninstall.sh before it is there.
place() {
  folder=$(dirname "$2")
  missing=$folder
  while [ ! -d "$missing" ]; do
    printf '%s\n' "$missing" >>/opt/scauth/made-folders
    missing=$(dirname "$missing")
  done
  mkdir -p "$folder"
  grep -qxF "$2" "$list" || printf '%s\n' "$2" >>"$list"
  cp "$1" "$2.scauth-new"
  chmod "$3" "$2.scauth-new"
  mv -f "$2.scauth-new" "$2"
}

cd "$tree"
find usr/lib/scauth -type f | while read -r file; do
  mode=644
  [ ! -x "$file" ] || mode=755
  place "$file" "/opt/scauth/${file#usr/lib/scauth/}" $mode
done
for file in usr/bin/* usr/sbin/*; do
  [ "$file" != usr/sbin/scauth-pam ] || continue
  sed 's#/usr/lib/scauth#/opt/scauth#' "$file" >"/opt/scauth/.launcher"
  place /opt/scauth/.launcher "/usr/local/${file#usr/}" 755
done
rm -f /opt/scauth/.launcher
place "$(echo usr/lib/*-linux-gnu/security/pam_scauth.so)" "$security/pam_scauth.so" 644
for page in usr/share/man/man*/*; do place "$page" "/usr/local/share/man/${page#usr/share/man/}" 644; done
place usr/share/bash-completion/completions/sc_auth /usr/local/share/bash-completion/completions/sc_auth 644
place usr/share/zsh/vendor-completions/_sc_auth /usr/local/share/zsh/site-functions/_sc_auth 644
place usr/share/fish/vendor_completions.d/sc_auth.fish /usr/local/share/fish/vendor_completions.d/sc_auth.fish 644
for unit in usr/lib/systemd/system/*; do
  [ -d /etc/systemd/system ] || continue
  sed 's#/usr/sbin/scauthd#/usr/local/sbin/scauthd#' "$unit" >/opt/scauth/.unit
  place /opt/scauth/.unit "/etc/systemd/system/$(basename "$unit")" 644
done
rm -f /opt/scauth/.unit
[ -e /etc/pam.d/scauth ] || place etc/pam.d/scauth /etc/pam.d/scauth 644
mkdir -p /etc/scauth/scauth.d /var/lib/scauth /var/log/scauth
chmod 700 /var/lib/scauth
chmod 750 /var/log/scauth
[ -e /etc/scauth/scauth.toml ] || cp etc/scauth/scauth.toml /etc/scauth/scauth.toml
getent passwd scauth-driver >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin scauth-driver || true
cp "$here/uninstall.sh" /opt/scauth/uninstall.sh
if [ -d /run/systemd/system ]; then systemctl daemon-reload; systemctl enable scauthd.service; systemctl restart scauthd.service; fi
echo 'scauth is installed. Card logins are off: pam_scauth(8) says what to add to the PAM files. Away again: /opt/scauth/uninstall.sh'
