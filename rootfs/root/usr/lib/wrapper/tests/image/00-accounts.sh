#!/bin/sh
# The account app is there for everybody, nobody but root has uid 0, and no account is open without a password.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

app=$(getent passwd app) || fail "the account app is not there" \
    "RUN useradd --system --uid 65532 --gid 0 --home-dir /home/app --shell /bin/bash app"
case $app in
    app:x:65532:0:*:/home/app:*) ;;
    *) fail "the account app is '$app', not uid 65532, group 0, home /home/app" "add another account, and leave app as it is" ;;
esac
[ -d /home/app ] || fail "/home/app is not a folder" "RUN install -d -m 775 -o 65532 -g 0 /home/app"
# What is mounted there has the owner that its volume has.
facts=$(stat -c '%u:%g' /home/app)
[ "$facts" = 65532:0 ] || mountpoint -q /home/app || fail "/home/app belongs to $facts, not 65532:0" "RUN chown 65532:0 /home/app"

roots=$(awk -F: '$3 == 0 && $1 != "root" { print $1 }' /etc/passwd)
[ -z "$roots" ] || fail "not only root has uid 0:" "$roots" "give that account a uid of its own"
# Only root may read the second file.
open=$(cat /etc/passwd /etc/shadow 2>/dev/null | awk -F: '$2 == "" { print $1 }')
[ -z "$open" ] || fail "no password is asked for:" "$open" "RUN usermod --lock ACCOUNT"
