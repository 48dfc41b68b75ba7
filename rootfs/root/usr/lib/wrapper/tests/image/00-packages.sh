#!/bin/sh
# Every package is installed and configured whole.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

broken=$(dpkg --audit 2>&1) || fail "dpkg cannot read its database: $broken" "look for the step that changed /var/lib/dpkg"
[ -z "$broken" ] || fail "$broken" "finish it: RUN dpkg --configure -a && install_packages --fix-broken PACKAGE..."
