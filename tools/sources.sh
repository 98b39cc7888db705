#!/usr/bin/env bash
# Brings the tarballs that deps/pinned.cmake names into FOLDER, for GEVENT_DEPS_CACHE. Usage: tools/sources.sh FOLDER
#
# From their URLs; where these are not reached, from Debian's source packages (any suite, package lists of our own) and, for
# libuv, from its tag in the git repository that GEVENT_LIBUV_GIT names. Whatever the way, the SHA-256 decides.
# Exit status 2: one could not be had.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo "usage: tools/sources.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pinned() { tr -d '\n' <deps/pinned.cmake | grep -o "set(GEVENT_PINNED_$1  *[^)]*)" | tr -s ' ()' '\n'; }
is_right() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]; }

# FILE PACKAGE VERSION: the released tarball as Debian keeps it.
from_debian() {
  command -v apt-get >/dev/null || return 1
  if [ ! -d "$work/lists" ]; then
    mkdir -p "$work/parts" "$work/lists/partial"
    local each
    for each in /etc/apt/sources.list.d/*.sources; do
      if [ -f "$each" ] && grep -q debian-archive-keyring "$each"; then
        sed -e 's/^Types:.*/Types: deb-src/' -e 's/^Suites:.*/Suites: stable testing unstable/' "$each" >"$work/parts/${each##*/}"
      fi
    done
    # A suite that does not exist, as with the archive of security updates, fails alone.
    apt_get update >"$work/apt.log" 2>&1 || true
  fi
  local release
  release=$(apt-cache "${apt_options[@]}" showsrc "$2" | sed -n "s/^Version: \(\(.*:\)\?$3-.*\)/\1/p" | sort -u | tail -1)
  [ -n "$release" ] || return 1
  (cd "$work" && apt_get source --download-only --tar-only "$2=$release") >>"$work/apt.log" 2>&1 || return 1
  cp "$work/$2_$3.orig.tar.gz" "$1"
}
apt_options=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/parts" -o "Dir::State::Lists=$work/lists"
  -o APT::Sandbox::User=)
apt_get() { apt-get -q "${apt_options[@]}" "$@" </dev/null; }

from_git() { # FILE TAG
  [ -n "${GEVENT_LIBUV_GIT-}" ] || return 1
  git --git-dir="$GEVENT_LIBUV_GIT" -c tar.umask=0002 archive --prefix="libuv-$2/" "$2" | gzip -n -9 >"$1"
}

get() { # NAME
  local words release url sum file
  mapfile -t words < <(pinned "$1")
  release=${words[2]} url=${words[3]} sum=${words[4]}
  file=$folder/${url##*/}
  is_right "$file" "$sum" && return 0
  curl -fsSL --retry 2 --max-time 120 -o "$file" "$url" 2>/dev/null && is_right "$file" "$sum" && return 0
  case $1 in
    libuv) from_git "$file" "${release#libuv-}" || true ;;
    *) from_debian "$file" "$1" "${release##*-}" || true ;;
  esac
  is_right "$file" "$sum" && return 0
  rm -f "$file"
  local other=""
  [ "$1" != libuv ] || other=", or name a clone of its repository in GEVENT_LIBUV_GIT"
  echo "make: $release could not be had: neither from $url nor elsewhere; put it into $folder$other" >&2
  return 2
}

for name in libev libuv c-ares; do get "$name"; done
echo "$folder"
