#!/bin/bash
# The Java runtime: its home, the user's home, the class data archive that makes it start quickly, UTF-8.
set -euo pipefail
fail() { printf '%s\n' "$@" >&2; exit 1; }

[ "$JAVA_HOME" = /usr/lib/jvm/default-java ] || fail "JAVA_HOME is '$JAVA_HOME'"
[ "$(readlink -f "$JAVA_HOME/bin/java")" = "$(readlink -f "$(command -v java)")" ] || fail "JAVA_HOME and PATH lead to different Javas"

settings=$(java -Xshare:on -XshowSettings:all -version 2>&1) || fail "java does not start with its class data archive: $settings"
value() { printf '%s\n' "$settings" | sed -n "s/^ *$1 = //p"; } # a here-document of this length wants a writable directory
[[ $(value java.version) == 21.* ]] || fail "java.version is $(value java.version), not 21"
[ "$(value file.encoding)" = UTF-8 ] || fail "file.encoding is $(value file.encoding)"
# Without an account, too, and with one whose home is / (podman makes such a one up): the one that HOME names.
account=$(getent passwd "$(id -u)" | cut -d : -f 6) || account=
[ "$account" != / ] || account=
[ "$(value user.home)" = "${account:-$HOME}" ] || fail "user.home is $(value user.home), not ${account:-$HOME}"
