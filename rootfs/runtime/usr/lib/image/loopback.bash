# shellcheck shell=bash disable=SC2034  # port and server are for the tests that source this
# Servers on loopback for the `image` suite. Sourced. They need no writable directory, take a free port, and end with the test.

fail() { printf '%s\n' "$@" >&2; exit 1; }

# serve PROGRAM: start a Python program that prints its port when it listens; sets `port`, and `server` to its process id.
serve() {
    exec {server_output}< <(exec python3 -u -c "$1")
    server=$!
    trap 'kill "$server" 2>/dev/null || true' EXIT
    read -r -t 20 port <&"$server_output" || fail "no server could be started on 127.0.0.1: is loopback up? (ip address show lo)"
}

# serve_http: every GET is answered with its path and User-Agent as JSON; /missing with 404.
serve_http() {
    serve '
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"path": self.path, "agent": self.headers.get("User-Agent")}).encode()
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port)
server.serve_forever()'
}

# has_capability NUMBER: is it in this process's effective set?
has_capability() { (((0x$(awk '/^CapEff:/ { print $2 }' /proc/self/status) >> $1) & 1)); }
