#!/bin/bash
# Java trusts the certificates that the system trusts, all of them.
set -euo pipefail
fail() { printf '%s\n' "$@" >&2; exit 1; }

java=$(keytool -list -rfc -cacerts -storepass changeit | grep -c '^-----BEGIN CERTIFICATE') || fail "keytool cannot read Java's certificates"
system=$(grep -c '^-----BEGIN CERTIFICATE' /etc/ssl/certs/ca-certificates.crt)
[ "$java" = "$system" ] || fail "Java trusts $java certificates, the system $system" "RUN update-ca-certificates --fresh"
