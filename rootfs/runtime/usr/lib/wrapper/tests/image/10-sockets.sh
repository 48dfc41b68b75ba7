#!/bin/bash
# ss, netstat, lsof and fuser see a listening socket, and whose it is.
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash
serve_http

found=$(ss --no-header --listening --tcp --numeric --processes "sport = :$port")
[[ $found == *"127.0.0.1:$port"*"pid=$server,"* ]] || fail "ss says '$found', wanted port $port of process $server"
netstat --listening --tcp --numeric 2>/dev/null | grep -q "127.0.0.1:$port .*LISTEN" || fail "netstat does not see port $port"
found=$(lsof -nP -t -iTCP:"$port" -sTCP:LISTEN)
[ "$found" = "$server" ] || fail "lsof says process '$found', wanted $server"
found=$(fuser -n tcp "$port" 2>/dev/null)
[ "${found// /}" = "$server" ] || fail "fuser says process '$found', wanted $server"
