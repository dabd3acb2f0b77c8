#!/usr/bin/env bash
# Unpacks Exim and OpenSMTPD for the tests, and prints the folder that holds them: mail-servers.sh [FOLDER].
#
# Debian's packages of mail servers exclude one another, and the tests need Postfix installed: so these two are fetched by
# apt (which checks Debian's signatures) and unpacked beside the system, with the libraries that the system lacks. Nothing is
# installed but the users whose names are compiled into them. For root, as whom alone mail servers start.
#
# Everything comes from where this machine's own apt sources point. Where they offer Debian 11 no longer, OpenSMTPD is left
# out, and the reason stands in FOLDER/without-opensmtpd: its tests say so and do nothing.
set -euo pipefail

folder=${1:-/var/cache/acuse/mail-servers}
root=$folder/root

fail() { printf 'mail-servers: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail 'hace falta root: los servidores de correo no arrancan sin él'

mkdir -p "$folder"
# Tests run side by side; one of them fetches.
exec 9>"$folder/lock"
flock 9

# What is installed already is left out; libevent is OpenSMTPD's. Only downloads, so dpkg is not locked.
fetch_exim() {
  apt-get install "$@" --download-only --no-install-recommends -o Debug::NoLocking=1 exim4-daemon-light libevent-2.1-7
}

# Debian 12's OpenSMTPD fails at every TLS handshake with its OpenSSL 3 (github.com/OpenSMTPD/OpenSMTPD/issues/1171): the one
# of Debian 11, with the OpenSSL it was made for.
fetch_opensmtpd() {
  local mirror
  for mirror in $(mirrors); do fetch_of_bullseye "$mirror" "$@" && return; done
  return 1
}

# Where this machine's sources, of either format, say that Debian itself is; apt knows that once it has read their indexes.
mirrors() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u
}

fetch_of_bullseye() {
  local mirror=$1 lists=$folder/lists
  shift
  mkdir -p "$lists/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" >"$folder/bullseye.list"
  local of_bullseye=(-o Dir::Etc::sourcelist="$folder/bullseye.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$lists"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Debug::NoLocking=1 -o Acquire::Languages=none)
  apt-get "$@" "${of_bullseye[@]}" update && (cd "$folder/archives" && apt-get "$@" "${of_bullseye[@]}" download opensmtpd libssl1.1)
}

unpack() {
  rm -rf "$folder/archives"
  mkdir -p "$folder/archives/partial"
  LC_ALL=C "$1" -y -qq -o Dir::Cache::archives="$folder/archives/" -o APT::Sandbox::User=root >"$folder/apt.log" 2>&1 || return 1
  local deb
  for deb in "$folder"/archives/*.deb; do dpkg -x "$deb" "$root" || return 1; done
  rm -rf "$folder/archives" "$folder/lists" "$folder/bullseye.list"
}

# Not a machine without a network, and no mirror that is away for a moment.
is_not_offered() {
  [ -z "$(mirrors)" ] && return
  ! grep -Eq 'Could not (resolve|connect)|Temporary failure|timed out' "$folder/apt.log" \
    && grep -Eq 'does not have a Release file|no longer has a Release file|Unable to locate package' "$folder/apt.log"
}

# A mirror that moved Debian 11 away does not bring it back; whose sources changed is asked again a day later.
find "$folder/without-opensmtpd" -mmin +1440 -delete 2>/dev/null || true

for server in exim opensmtpd; do
  [ -e "$folder/has-$server" ] || [ -e "$folder/without-$server" ] && continue
  if unpack "fetch_$server" || { apt-get update -qq >/dev/null && unpack "fetch_$server"; }; then
    touch "$folder/has-$server"
  elif [ "$server" = opensmtpd ] && is_not_offered; then
    echo "OpenSMTPD queda fuera: las fuentes de apt de esta máquina ya no ofrecen Debian 11" >"$folder/without-opensmtpd"
  else
    cat "$folder/apt.log" >&2
    fail "apt no pudo traer $server"
  fi
done
if [ -e "$folder/without-opensmtpd" ]; then cat "$folder/without-opensmtpd" >&2; fi

# A program that takes another user's rights is not told where its libraries are; the tests need no such rights.
chmod u-s "$root/usr/sbin/exim4"

for user in Debian-exim opensmtpd opensmtpq; do
  getent passwd "$user" >/dev/null || useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
done
# OpenSMTPD's own folders: these names are compiled in, too.
for place in /var/lib/opensmtpd/empty /var/spool/smtpd; do
  mkdir -p "$place"
  chmod 711 "$place"
done

echo "$root"
