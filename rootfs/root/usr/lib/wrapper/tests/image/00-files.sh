#!/bin/sh
# What the documents promise is there and starts: install_packages and its helpers, the version, the copyright files.
set -eu
fail() { printf '%s\n' "$@" >&2; exit 1; }
again() { fail "$1" "take it from base-root again: COPY --from=base-root $2 $2"; }

for program in /usr/sbin/install_packages /usr/lib/image/clean /usr/lib/image/archive-epoch; do
    [ -x "$program" ] || again "$program is missing or not executable" "$program"
    complaints=$(sh -n "$program" 2>&1) || again "$program is not a shell script: $complaints" "$program"
done
install_packages --help >/dev/null || again "install_packages --help fails" /usr/sbin/install_packages

[ -s /usr/lib/image/version ] || again "/usr/lib/image/version is missing or empty" /usr/lib/image/version
[ -s /usr/share/doc/base-files/copyright ] || again "the copyright files are gone: no /usr/share/doc/base-files/copyright" /usr/share/doc
