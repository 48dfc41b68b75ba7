#!/usr/bin/env python3
"""In front of a real registry: reading goes through, every attempt to write gets the status and error code given.

Usage: deny.py UPSTREAM STATUS CODE    (prints "listening on ADDRESS:PORT")
"""
import http.client
import http.server
import json
import sys

upstream, status, code = sys.argv[1], int(sys.argv[2]), sys.argv[3]


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def read(self):
        connection = http.client.HTTPConnection(upstream)
        # Header by header: Accept comes once for each kind of manifest.
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def write(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"errors": [{"code": code, "message": "refused by the front"}]}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = read
    do_POST = do_PUT = do_PATCH = do_DELETE = write

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
