#!/bin/sh
# apt reads its settings, ours are among them, and no package starts a service while it is installed.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

complaints=$(apt-config dump 2>&1 >/dev/null) || true
[ -z "$complaints" ] || fail "apt cannot read its settings: $complaints" "correct that file, or remove it"

for file in /etc/apt/apt.conf.d/50image /etc/dpkg/dpkg.cfg.d/50image; do
    [ -s "$file" ] || fail "$file is missing or empty" "take it from base-root again; a file of a higher number overrides it"
done

policy=/usr/sbin/policy-rc.d code=0
"$policy" any start >/dev/null 2>&1 || code=$?
[ "$code" = 101 ] || fail "$policy says $code, not 101 (forbidden): packages would start services" "take it from base-root again"
