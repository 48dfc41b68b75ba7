#!/usr/bin/env python3
"""A web proxy that is in the way, as those of companies are.

Usage: proxy.py [--lose SUFFIX] [--authority CERTIFICATE KEY]    (prints "listening on ADDRESS:PORT")

--lose        a plain request for a path that ends so breaks off in the middle of its answer
--authority   TLS is intercepted: the proxy shows a certificate for the host that this authority (PEM) has signed

Any request else goes through. The other side of TLS is verified with this machine's own bundle.
"""
import argparse
import contextlib
import functools
import http.server
import select
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request


def certificate_for(host, authority, folder):
    """The files of a certificate and its key for the host, made once."""
    name = f"{folder}/{host}"
    subprocess.run(
        f"openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={host} -keyout {name}.key -addext subjectAltName=DNS:{host}"
        f" | openssl x509 -req -days 2 -copy_extensions copy -CA {authority[0]} -CAkey {authority[1]} -out {name}.pem",
        shell=True, check=True, stderr=subprocess.DEVNULL)
    return f"{name}.pem", f"{name}.key"


def relay(one, other):
    """Bytes from each side to the other, until one ends or both are silent for a minute."""
    peers = {one: other, other: one}
    while ready := [side for side in peers if side.pending()] or select.select(peers, [], [], 60)[0]:
        for side in ready:
            block = side.recv(65536)
            if not block:
                return
            peers[side].sendall(block)


class Proxy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        request = urllib.request.Request(self.path, headers={name: value for name, value in self.headers.items() if name.lower() != "proxy-connection"})
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in ("transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.end_headers()
            if lose and self.path.endswith(lose):
                self.wfile.write(answer.read(int(answer.headers["Content-Length"]) // 2))
            else:
                shutil.copyfileobj(answer, self.wfile)

    def do_CONNECT(self):
        host, port = self.path.rsplit(":", 1)
        with lock:
            files = certificate(host)
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        # An error here: the client does not trust the certificate, or has gone.
        with contextlib.suppress(OSError), context.wrap_socket(self.connection, server_side=True) as client, \
                socket.create_connection((host, int(port)), timeout=60) as connection, \
                ssl.create_default_context().wrap_socket(connection, server_hostname=host) as server:
            relay(client, server)

    def log_message(self, *_):
        pass


parser = argparse.ArgumentParser()
parser.add_argument("--lose")
parser.add_argument("--authority", nargs=2)
arguments = parser.parse_args()
lose = arguments.lose
with tempfile.TemporaryDirectory() as folder:
    certificate = functools.cache(functools.partial(certificate_for, authority=arguments.authority, folder=folder))
    lock = threading.Lock()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
