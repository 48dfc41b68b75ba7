#!/bin/sh
# curl fetches from a web server with TLS, refuses one that nobody vouches for, and jq reads what came.
set -eu
# shellcheck source=../../../image/scratch.sh
. /usr/lib/image/scratch.sh

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 \
    -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
echo '{"answer": 42}' >answer.json
cat >serve.py <<'PY'
import http.server, ssl
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
PY
mkfifo ready
python3 serve.py >ready 2>/dev/null &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
read -r port <ready
code=0
curl --silent "https://127.0.0.1:$port/answer.json" >/dev/null || code=$?
[ "$code" = 60 ] || fail "curl ends with $code, not 60, when nobody vouches for the server"
answer=$(curl --silent --show-error --fail --cacert cert.pem "https://127.0.0.1:$port/answer.json" | jq .answer)
[ "$answer" = 42 ] || fail "jq says '$answer'"
certificates=$(grep -c '^-----BEGIN CERTIFICATE' /etc/ssl/certs/ca-certificates.crt)
[ "$certificates" -gt 100 ] || fail "only $certificates certificates are trusted"
