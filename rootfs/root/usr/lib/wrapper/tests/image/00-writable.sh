#!/bin/sh
# Nothing under /usr and /etc that every user may write to.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

writable=$(find /usr /etc -xdev ! -type l -perm -0002 2>/dev/null | sort | head -n 20)
[ -z "$writable" ] || fail "every user may write to:" "$writable" "RUN chmod o-w each, or keep data under /var"
