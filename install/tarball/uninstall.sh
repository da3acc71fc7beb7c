#!/bin/sh
# Takes away what install.sh put there. First no PAM file names pam_scauth.so any more. --purge also removes
# settings, pairings and log.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
[ "$(id -u)" -eq 0 ] || { echo 'Run it as root.' >&2; exit 1; }
list=/opt/scauth/installed-files
[ -e "$list" ] || { echo 'There is no /opt/scauth/installed-files: install.sh has not run here.' >&2; exit 1; }
# Also out of pam-auth-update's own records, where there is one.
if [ -x /usr/local/sbin/scauth-pam ] && grep -qsx 'Module: scauth\|scauth' /var/lib/pam/*; then
  /usr/local/sbin/scauth-pam remove --yes --no-rehearsal || true
fi
sh /opt/scauth/undo
if [ -d /run/systemd/system ]; then systemctl disable --now scauthd.service scauth-fleet.service || true; fi
if [ -d /sys/kernel/security/apparmor ] && command -v apparmor_parser >/dev/null && [ -e /etc/apparmor.d/scauthd ]; then
  apparmor_parser --remove /etc/apparmor.d/scauthd /etc/apparmor.d/scauth-fleet 2>/dev/null || true
fi
while read -r file; do rm -f "$file"; done <"$list"
if [ -e /opt/scauth/made-folders ]; then
  # The deepest first; what somebody else put something into stays.
  sort -r -u /opt/scauth/made-folders | while read -r folder; do rmdir "$folder" 2>/dev/null || true; done
fi
rm -rf /opt/scauth
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "${1:-}" = --purge ]; then
  rm -rf /etc/scauth /var/lib/scauth /var/lib/scauth-fleet /var/log/scauth /run/scauth
  for account in scauth-driver scauth-fleet; do userdel $account 2>/dev/null || true; done
fi
echo 'scauth is gone.'
