#!/bin/sh
# Installs scauth from this folder on a system without dpkg: under /opt/scauth and /usr/local, with what systemd,
# polkit, AppArmor and logrotate read in /etc. It changes no PAM file; what to add there stands in pam_scauth(8).
# First it looks whether the system has what the programs need (the file `needs`, read from them), and changes nothing
# if not. uninstall.sh takes everything away again but settings, pairings and log (--purge: those too).
#
#   install.sh           needs root
#   install.sh --plan    looks, and prints what would go where; changes nothing
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 022
here=$(cd "$(dirname "$0")" && pwd)
tree=$here/tree
list=/opt/scauth/installed-files
plan=no
case ${1:-} in
  '') ;;
  --plan) plan=yes ;;
  *) sed -n '7,8s/^# *//p' "$0" >&2; exit 2 ;;
esac

die() { printf '%s\n' "$1" >&2; exit 1; }

# ---- what it needs ----

# $1 to $4: the package's name on Debian, Fedora, Arch and openSUSE.
how_to_get() {
  family=
  [ ! -r /etc/os-release ] || family=$(. /etc/os-release; echo " ${ID:-} ${ID_LIKE:-} ")
  case $family in
    *' debian '* | *' ubuntu '*) echo "Install it: apt install $1" ;;
    *' fedora '* | *' rhel '* | *' centos '*) echo "Install it: dnf install $2" ;;
    *' arch '*) echo "Install it: pacman -S $3" ;;
    *suse*) echo "Install it: zypper install $4" ;;
    *) echo "Its package is $1 (Debian), $2 (Fedora), $3 (Arch), $4 (openSUSE)." ;;
  esac
}

# $1: what is needed; $2: what is there.
is_enough() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

has_library() {
  ldconfig -p 2>/dev/null | grep -qF "$1 (" && return 0
  for folder in /lib /lib64 /usr/lib /usr/lib64 /lib/*-linux-gnu /usr/lib/*-linux-gnu; do
    [ ! -e "$folder/$1" ] || return 0
  done
  return 1
}

check_needs() {
  [ "$(uname -m)" = x86_64 ] || die "This scauth is for x86_64; this machine is $(uname -m). Build it from the sources."
  while read -r kind name debian fedora arch suse; do
    case $kind in
      glibc)
        glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc //p')
        [ -n "$glibc" ] || die "This scauth needs glibc $name or newer, and this system has none (is its C library musl?)."
        is_enough "$name" "$glibc" ||
          die "This scauth needs glibc $name or newer, and this system has $glibc. Take a newer release of it, or build scauth on this one."
        ;;
      library)
        has_library "$name" || die "$name is missing. $(how_to_get "$debian" "$fedora" "$arch" "$suse")"
        ;;
    esac
  done <"$here/needs"
  command -v pcscd >/dev/null || [ -x /usr/libexec/pcscd ] || die "pcscd is missing. $(how_to_get pcscd pcsc-lite pcsclite pcsc-lite)"
  [ -n "$security" ] || die "pam_unix.so was not found. $(how_to_get libpam-modules pam pam pam)"
  # The last word is the loader's: a library that is there can be too old.
  command -v ldd >/dev/null || return 0
  for binary in usr/lib/scauth/node $(cd "$tree" && find . -name '*.node' -o -name 'pam_scauth.so'); do
    [ -e "$tree/$binary" ] || continue
    unmet=$(ldd "$tree/$binary" 2>&1 | grep 'not found' | head -n 1)
    [ -z "$unmet" ] || die "${binary##*/} cannot be loaded here: $unmet. Update that library."
  done
}

# ---- what goes where ----

# Sets to, mode and rewrite (whether paths of the package stand in it) for a file of the tree; to is empty for what this
# system has no place for, and then why says what is not there.
place_of() {
  to='' why='' rewrite=no mode=644
  [ ! -x "$tree/$1" ] || mode=755
  case $1 in
    usr/lib/scauth/*) to=/opt/scauth/${1#usr/lib/scauth/} ;;
    usr/bin/* | usr/sbin/*) to=/usr/local/${1#usr/} rewrite=yes ;;
    usr/lib/*/security/pam_scauth.so) to=$security/pam_scauth.so ;;
    usr/share/man/* | usr/share/doc/* | usr/share/scauth/* | usr/share/varlink/* | usr/share/bash-completion/* | usr/share/fish/*)
      to=/usr/local/${1#usr/} ;;
    usr/share/zsh/vendor-completions/*) to=/usr/local/share/zsh/site-functions/${1##*/} ;;
    usr/lib/systemd/system/*) with /etc/systemd/system "/etc/${1#usr/lib/}" ;;
    usr/lib/systemd/user/*) with /etc/systemd/system "/etc/${1#usr/lib/}" ;;
    usr/lib/sysusers.d/* | usr/lib/tmpfiles.d/*) with /etc/systemd/system "/etc/${1#usr/lib/}" ;;
    usr/share/polkit-1/*) with /usr/share/polkit-1 "/etc/${1#usr/share/}" ;;
    usr/share/pam-configs/*) with /usr/share/pam-configs "/$1" ;;
    usr/share/sddm/*) with /usr/share/sddm "/$1" ;;
    etc/apparmor.d/*) with /etc/apparmor.d "/$1" ;;
    etc/logrotate.d/*) with /etc/logrotate.d "/$1" ;;
    etc/xdg/autostart/*) to=/$1 rewrite=yes ;;
    etc/pam.d/scauth | etc/scauth/*) to=/$1 ;;
    *) die "install.sh knows no place for $1." ;;
  esac
}

# with FOLDER TO
with() {
  rewrite=yes
  if [ -d "$1" ]; then to=$2; else why="there is no $1"; fi
}

# Administrators change these: what is there stays. scauth.toml is theirs to keep, too.
is_settings() {
  case $1 in
    etc/pam.d/* | etc/scauth/*) ;;
    *) return 1 ;;
  esac
}

# ---- doing it ----

# place FROM TO MODE: in one step, and noted for uninstall.sh before it is there.
place() {
  folder=$(dirname "$2")
  missing=$folder
  while [ ! -d "$missing" ]; do
    printf '%s\n' "$missing" >>/opt/scauth/made-folders
    missing=$(dirname "$missing")
  done
  mkdir -p "$folder"
  [ "$2" = /etc/scauth/scauth.toml ] || grep -qxF "$2" "$list" || printf '%s\n' "$2" >>"$list"
  cp "$1" "$2.scauth-new"
  chmod "$3" "$2.scauth-new"
  mv -f "$2.scauth-new" "$2"
}

security=
for folder in /usr/lib/*-linux-gnu/security /lib/*-linux-gnu/security /usr/lib64/security /lib64/security /usr/lib/security; do
  if [ -z "$security" ] && [ -e "$folder/pam_unix.so" ]; then security=$folder; fi
done
if [ "$plan" = no ]; then
  [ "$(id -u)" -eq 0 ] || die 'Run it as root.'
  [ ! -e /var/lib/dpkg/info/scauth.list ] || die 'scauth is installed as a Debian package. Remove that first.'
fi
check_needs
cd "$tree"
find . -type f | sed 's#^\./##' | sort >"${TMPDIR:-/tmp}/scauth-files.$$"
trap 'rm -f "${TMPDIR:-/tmp}/scauth-files.$$"' EXIT
# A file without a place ends it here, before anything is changed.
while read -r file; do
  place_of "$file"
  [ "$plan" = no ] || printf '%s -> %s\n' "$file" "${to:-($why)}"
done <"${TMPDIR:-/tmp}/scauth-files.$$"
[ "$plan" = no ] || exit 0

mkdir -p /opt/scauth
: >>"$list"
mkdir -p /etc/scauth/scauth.d /var/lib/scauth /var/log/scauth
chmod 700 /var/lib/scauth
chmod 750 /var/log/scauth
while read -r file; do
  place_of "$file"
  [ -n "$to" ] || continue
  if is_settings "$file" && [ -e "$to" ]; then continue; fi
  if [ "$rewrite" = yes ]; then
    sed 's#/usr/lib/scauth#/opt/scauth#g; s#/usr/\(s\{0,1\}bin\)/\(scauth\|sc_auth\)#/usr/local/\1/\2#g' "$file" >/opt/scauth/.rewritten
    place /opt/scauth/.rewritten "$to" "$mode"
  else
    place "$file" "$to" "$mode"
  fi
done <"${TMPDIR:-/tmp}/scauth-files.$$"
rm -f /opt/scauth/.rewritten
for account in scauth-driver scauth-fleet; do
  getent passwd $account >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin $account || true
done
cp "$here/uninstall.sh" /opt/scauth/uninstall.sh
if [ -d /sys/kernel/security/apparmor ] && command -v apparmor_parser >/dev/null && [ -e /etc/apparmor.d/scauthd ]; then
  apparmor_parser --replace --write-cache /etc/apparmor.d/scauthd /etc/apparmor.d/scauth-fleet || true
fi
if [ -d /run/systemd/system ]; then
  systemd-tmpfiles --create /etc/tmpfiles.d/scauth.conf || true
  systemctl daemon-reload
  systemctl enable scauthd.service
  systemctl restart scauthd.service
  systemctl try-restart scauth-fleet.service
fi
echo 'scauth is installed. Card logins are off: pam_scauth(8) says what to add to the PAM files. Away again: /opt/scauth/uninstall.sh'
