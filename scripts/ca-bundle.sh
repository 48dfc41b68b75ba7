#!/usr/bin/env bash
# Print the certificates that a build needs to trust besides Debian's own, in PEM; nothing where there are none.
#
# Usage: scripts/ca-bundle.sh [FILE]
#
#   FILE   certificates in PEM; default: BUILD_CA_BUNDLE, else this machine's own bundle, when that has more than Debian's
#
# Companies often intercept TLS: their machines trust an authority that a build container does not. In a bundle of the
# machine's own, what the package ca-certificates ships is left out; a FILE is taken as it is.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
    -h | --help) help_of "$0"; exit 0 ;;
    -*) usage_error "unknown option '$1'" ;;
esac
file=${1:-${BUILD_CA_BUNDLE-}}
if [ -n "$file" ]; then
    [ -r "$file" ] || die "cannot read the certificates in $file" "--ca-bundle and BUILD_CA_BUNDLE want a readable file in PEM"
    shipped=()
else
    file=/etc/ssl/certs/ca-certificates.crt
    shopt -s globstar nullglob
    shipped=(/usr/share/ca-certificates/**/*.crt)
    # Without Debian's package there is nothing to compare with.
    if [ ! -r "$file" ] || [ ${#shipped[@]} = 0 ]; then exit 0; fi
fi
count=$(grep -c -e '-----BEGIN CERTIFICATE-----' "$file") || die "no certificate in $file" "it must be in PEM: -----BEGIN CERTIFICATE-----"

awk -v bundle="$file" '
    function finish() { if (FILENAME == bundle) { if (!(text in known)) printf "%s", text } else known[text] }
    { sub(/\r$/, "") }
    /^-----BEGIN CERTIFICATE-----$/ { inside = 1; text = "" }
    inside { text = text $0 "\n" }
    /^-----END CERTIFICATE-----$/ && inside { inside = 0; finish() }
' "${shipped[@]}" "$file" || die "cannot split $file, of $count certificates"
