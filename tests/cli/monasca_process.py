"""What the tests of the command `monasca` share: a server that answers what a case says, runs, and what is expected of them.

The command is the first argument of the script.
"""

import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager

MONASCA = os.path.abspath(sys.argv[1])
PATIENCE = 60
EMPTY_LIST = {"links": [], "elements": []}


class Server(http.server.ThreadingHTTPServer):
    """Answers with answer(request): (status, headers, body), or None to say nothing."""
    daemon_threads = True

    def __init__(self, answer, host):
        super().__init__((host, 0), Handler)
        self.answer, self.requests, self.connections = answer, [], 0
        self.released = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def handle_error(self, request, client_address):
        pass

    @property
    def url(self):
        return "http://%s:%d" % self.server_address


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.requests.append((self.command, self.path, body, dict(self.headers)))
        said = self.server.answer(self)
        if said is None:
            self.server.released.wait(PATIENCE)
            self.close_connection = True
            return
        status, headers, text = said
        data = text if isinstance(text, bytes) else (
            text if isinstance(text, str) else json.dumps(text)).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve


@contextmanager
def server(answer, host="127.0.0.1"):
    made = Server(answer, host)
    try:
        yield made
    finally:
        made.released.set()
        made.shutdown()
        made.server_close()


@contextmanager
def folder(**files):
    with tempfile.TemporaryDirectory() as path:
        for name, text in files.items():
            with open(os.path.join(path, name.replace("_yaml", ".yaml")), "w", encoding="utf-8") as file:
                file.write(text)
        yield path


def environment(url=None, home="/nowhere", **more):
    made = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}
    for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            made[name] = os.environ[name]
    if url:
        made.update(OS_AUTH_TYPE="admin_token", OS_TOKEN="a-token", OS_ENDPOINT=url + "/v2.0")
    made.update(more)
    return made


def run(*words, url=None, cwd=None, input="", **more):
    return subprocess.run([MONASCA, *words], env=environment(url, **more), cwd=cwd, input=input, text=True,
                          capture_output=True, timeout=PATIENCE)


def expect(done, code, out="", err=()):
    """What is wrong; `err`: pieces of standard error, none: it is empty."""
    if done.returncode != code:
        return f"exit {done.returncode}, not {code}: {done}"
    if done.stdout != out:
        return f"stdout {done.stdout[:500]!r}, not {out!r}"
    missing = [piece for piece in err if piece not in done.stderr]
    if missing or (not err and done.stderr):
        return f"stderr {done.stderr[:800]!r} lacks {missing}"
    return None


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
