#!/bin/sh
# C.UTF-8 works, and the locale of the environment exists.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }

charmap=$(LC_ALL=C.UTF-8 locale charmap 2>&1)
[ "$charmap" = UTF-8 ] || fail "the locale C.UTF-8 has the character map $charmap, not UTF-8" \
    "/usr/lib/locale/C.utf8 is damaged: RUN install_packages --reinstall libc-bin"

complaints=$(locale 2>&1 >/dev/null)
[ -z "$complaints" ] || fail "$complaints" \
    "no such locale in this image: LANG='${LANG-}' LC_ALL='${LC_ALL-}'" \
    "use C.UTF-8, or make it: RUN install_packages locales && localedef -i en_US -f UTF-8 en_US.UTF-8"
