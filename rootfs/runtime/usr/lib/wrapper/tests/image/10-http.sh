#!/bin/bash
# curl fetches from a server, jq reads the answer, nc asks the same by hand.
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash
serve_http

answer=$(curl --fail --silent --show-error "http://127.0.0.1:$port/hello?x=1")
path=$(jq --raw-output .path <<<"$answer")
[ "$path" = '/hello?x=1' ] || fail "jq reads the path '$path' from curl's answer '$answer'"
jq --exit-status '.agent | startswith("curl/")' <<<"$answer" >/dev/null || fail "not curl's name in '$answer'"

code=0
curl --fail --silent "http://127.0.0.1:$port/missing" >/dev/null || code=$?
[ "$code" = 22 ] || fail "curl --fail ends with $code, not 22, when the server says 404"

answer=$(printf 'GET /by-hand HTTP/1.0\r\n\r\n' | nc -w 10 127.0.0.1 "$port")
[[ $answer == *'200 OK'*'"path": "/by-hand"'* ]] || fail "nc got '$answer'"
nc -z 127.0.0.1 "$port" || fail "nc -z does not see the open port $port"
if nc -z 127.0.0.1 1; then fail "nc -z sees port 1 open"; fi
