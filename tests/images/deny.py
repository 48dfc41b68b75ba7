#!/usr/bin/env python3
"""In front of a real registry, which does not do something as it should.

Usage: deny.py UPSTREAM MODE STATUS CODE [MESSAGE]    (prints "listening on ADDRESS:PORT")

write    every attempt to write gets the status, and the error code and message; reading goes through
read     the first request for a manifest gets them; everything else goes through
absent   what the registry does not have gets them instead of the registry's own words; everything else goes through
"""
import http.client
import http.server
import json
import sys

upstream, mode, status, code = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
message = sys.argv[5] if len(sys.argv) > 5 else "refused by the front"
refused = []


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        if mode == "read" and "/manifests/" in self.path and not refused:
            refused.append(self.path)
            self.deny()
            return
        connection = http.client.HTTPConnection(upstream)
        # Header by header: Accept comes once for each kind of manifest.
        connection.putrequest(self.command, self.path, skip_accept_encoding=True, skip_host=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(self.body())
        answer = connection.getresponse()
        content = answer.read()
        if mode == "absent" and answer.status == 404:
            self.deny()
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def write(self):
        if mode != "write":
            self.forward()
            return
        self.body()
        self.deny()

    def body(self):
        """What came with the request; a pushed layer comes in chunks."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"

    def deny(self):
        content = json.dumps({"errors": [{"code": code, "message": message}]}).encode() if code else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = forward
    do_POST = do_PUT = do_PATCH = do_DELETE = write

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
