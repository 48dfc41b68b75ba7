"""What both fake servers share: a request log, faults on demand, answers.

The folder named by FAKE is the test's side: `requests` gets a JSON line for each request before it is answered; `fault`,
when it is there, holds `WHAT [PART]`: every request whose method and path hold PART fails. WHAT is an HTTP code, `hang` (no
answer until the client goes), `html` (a proxy's 502) or `instead`: what the file `instead` holds, a code in its first line, then the body.
"""

import json
import os
import select
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = os.environ["FAKE"]
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_name = "fake"

    def log_message(self, *_):
        """Quiet: the test reads `requests`."""

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length).decode()
        with lock, open(f"{FOLDER}/requests", "a", encoding="utf-8") as log:
            headers = {name.lower(): value for name, value in self.headers.items()}
            line = {"server": self.server_name, "method": self.command, "path": self.path, "headers": headers, "body": self.body}
            log.write(json.dumps(line) + "\n")
        what = self.fault()
        if what is None:
            self.respond()
        elif what == "hang":
            # Readable means that the client closed: it has nothing more to say. Bounded, in case it never does.
            select.select([self.connection], [], [], 60)
            self.close_connection = True
        elif what == "html":
            self.answer(502, "<html><h1>Bad Gateway</h1></html>", "text/html")
        elif what == "instead":
            with open(f"{FOLDER}/instead", encoding="utf-8", newline="") as file:
                code, _, text = file.read().partition("\n")
            self.answer(int(code), text, "text/plain")
        else:
            self.refuse(int(what))

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_one

    def fault(self):
        try:
            with open(f"{FOLDER}/fault", encoding="utf-8") as file:
                what, _, part = file.read().strip().partition(" ")
        except FileNotFoundError:
            return None
        return what if part in f"{self.command} {self.path}" else None

    def answer(self, code, text, kind):
        data = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def serve(address, port, handler, context=None):
    """Serve in a thread of its own; the port is open when this returns."""
    server = ThreadingHTTPServer((address, port), handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever).start()
