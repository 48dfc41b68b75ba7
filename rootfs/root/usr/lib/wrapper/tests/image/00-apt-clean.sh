#!/bin/sh
# What an installation leaves behind is not in the image: package lists, package files, apt's caches.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

# The folders partial are open to apt's own user only: what is in there this user may not see.
left=$(find /var/lib/apt/lists /var/cache/apt -type f ! -name lock 2>/dev/null | sort)
[ -z "$left" ] || fail "left behind by an installation, $(printf '%s\n' "$left" | wc -l) files, among them:" \
    "$(printf '%s\n' "$left" | head -n 3)" "install with: RUN install_packages PACKAGE..., which leaves nothing"
