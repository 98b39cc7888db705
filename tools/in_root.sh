#!/usr/bin/env bash
# Runs a command where another Debian is the root folder, which has Pythons that this one has not. For root only.
#
# Usage: tools/in_root.sh FOLDER COMMAND... FOLDER is one that debootstrap made (tests/README.md). The command starts in
# FOLDER/srv/gevent-mp, where that is, has this system's network and environment, and processes of its own: they end with it.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "$0: only root can enter $1" >&2; exit 2; }
root=$1
shift
# shellcheck disable=SC2016  # the inner shells' words
exec unshare --mount --pid --fork --kill-child bash -c '
  set -eu
  root=$1
  shift
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
    [ ! -f "$file" ] || { [ -e "$root$file" ] || : >"$root$file"; mount --bind "$(readlink -f "$file")" "$root$file"; }
  done
  # Process 1 reaps whom nobody else does, so it stays a shell.
  chroot "$root" /bin/bash -c "cd /srv/gevent-mp 2>/dev/null || cd /; \"\$@\"; exit \$?" - "$@"
  exit $?
' - "$root" "$@"
