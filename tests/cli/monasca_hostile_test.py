"""`monasca` where Keystone, its catalogue, the files and the terminal are not what they should be.

    monasca_hostile_test.py MONASCA
"""

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import cases
from monasca_process import EMPTY_LIST, MONASCA, PATIENCE, environment, expect, folder, run, server


def by_password(keystone, path="/v3"):
    return {"OS_AUTH_URL": keystone + path, "OS_USERNAME": "u", "OS_PASSWORD": "secret-word", "OS_PROJECT_NAME": "p"}


def issue(url, token="issued-token"):
    """Keystone's answer, whose catalogue names that address."""
    catalogue = [{"type": "monitoring", "endpoints": [{"interface": "public", "region": "R", "url": url}]}]
    return 201, {"X-Subject-Token": token}, {"token": {"catalog": catalogue}}


def foreign_catalogue():
    """The command trusts its catalogue, another host and plain http included, as its model does."""
    with server(lambda r: (200, {}, EMPTY_LIST), host="127.0.0.2") as monasca:
        with server(lambda r: issue(monasca.url + "/v2.0///")) as keystone:
            done = run("metric-list", **by_password(keystone.url))
            return expect(done, 0, out="\n") or (
                None if [(r[1], r[3]["X-Auth-Token"]) for r in monasca.requests] == [("/v2.0/metrics", "issued-token")]
                else str(monasca.requests))


def link_local_catalogue():
    """There is no telling on which network it is: the connection fails, and the address is told."""
    with server(lambda r: issue("http://[fe80::1]:9/v2.0")) as keystone:
        done = run("metric-list", **by_password(keystone.url))
        return expect(done, 1, err=["Unable to establish connection to http://[fe80::1]:9/v2.0/metrics"])


def no_address_in_catalogue():
    for url in ("file:///etc/passwd", "//h/v2.0", "h:8070", "v:?", "http://", "http://h:0/", "http://h:x/", "http://h/?a=b",
                "http://[fe80::1%25lo]:9/", "http://h\r\nX-Evil: 1/", "http://u:hidden-word@h/", "http://h/" + "x" * 100_000):
        with server(lambda r: issue(url)) as keystone:
            done = run("metric-list", **by_password(keystone.url))
            what = "Unable to" if url.endswith("xxx") else "the catalogue's address is no http or https URL"
            if done.returncode != 1 or done.stdout or what not in done.stderr or "hidden-word" in done.stderr:
                return f"{url[:80]!r}: {done.returncode} {done.stderr[:500]!r}"
    for url in (5, None, [], ""):
        with server(lambda r: issue(url)) as keystone:
            done = run("metric-list", **by_password(keystone.url))
            if done.returncode != 1 or done.stdout or not done.stderr or "unexpected" in done.stderr:
                return f"{url!r}: {done}"
    return None


def odd_catalogues():
    rows = [({"token": {"catalog": []}}, "service catalog is empty"), ({"token": {}}, "service catalog is empty"),
            ({"token": {"catalog": [{"type": "identity", "endpoints": []}]}}, "endpoint for monitoring service not found"),
            ({"token": {"catalog": [None, 5, {"type": 5}, {"type": "monitoring", "endpoints": {"a": 1}}]}}, "not found"),
            ({"token": 5}, "token"), ([], "token"), ("", "token"), ("<html></html>", "is it Keystone?")]
    for body, why in rows:
        with server(lambda r: (201, {"X-Subject-Token": "t"}, body)) as keystone:
            done = run("metric-list", **by_password(keystone.url))
            if wrong := expect(done, 1, err=[why]):
                return f"{body!r}: {wrong}"
    return None


def html_at_discovery():
    for status in (200, 300, 404, 500):
        with server(lambda r: (status, {"Content-Type": "text/html"}, "<html>hello</html>")) as keystone:
            done = run("metric-list", **by_password(keystone.url, "/identity"))
            why = "names no Keystone v3" if status in (200, 300) else f"(HTTP {status})"
            if wrong := expect(done, 1, err=[why]):
                return f"{status}: {wrong}"
    return None


def issued_token_too_long():
    for length, code in ((8000, 0), (8001, 1)):
        with server(lambda r: issue(s.url + "/v2.0", "t" * length) if r.command == "POST" else (200, {}, EMPTY_LIST)) as s:
            done = run("metric-list", **by_password(s.url))
            wrong = expect(done, 0, out="\n") if code == 0 else expect(done, 1, err=["a token of 8001 bytes; no server takes more"])
            if wrong:
                return wrong
    return None


def deep_json_of_keystone():
    deep = '{"token":' * 1_000_000 + "1" + "}" * 1_000_000
    with server(lambda r: (201, {"X-Subject-Token": "t"}, deep)) as keystone:
        wrong = expect(run("metric-list", **by_password(keystone.url)), 1, err=["is it Keystone?"])
        return wrong or expect(run("metric-list", **by_password(keystone.url, "/")), 1, err=["names no Keystone v3"])


def endless(piece, head=b"HTTP/1.1 200 OK\r\n"):
    """An answer that goes on as long as somebody reads it."""
    def answer(handler):
        try:
            handler.wfile.write(head)
            while True:
                handler.wfile.write(piece)
        except OSError:
            return None
    return answer


def endless_keystone():
    for path in ("/v3", "/"):
        with server(endless(b" " * 65536, b"HTTP/1.1 201 Created\r\nX-Subject-Token: t\r\n\r\n")) as s:
            s.released.set()
            done = run("metric-list", **by_password(s.url, path))
            if done.returncode != 1 or done.stdout or not done.stderr or "secret-word" in done.stderr:
                return f"{path}: {done}"
    return None


def endless_header():
    with server(endless(b"X-More: and more\r\n")) as s:
        s.released.set()
        return expect(run("metric-list", url=s.url), 1, err=["Unable to establish connection"])


def slow_trickle():
    """A byte now and then keeps no request alive beyond its time."""
    def answer(handler):
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not s.released.wait(0.05):
                handler.wfile.write(b" ")
        except OSError:
            pass
        return None
    with server(answer) as s:
        return expect(run("metric-list", "--timeout", "1", url=s.url), 1, err=["no answer in time"])


def clouds_files():
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
    rows = [("clouds:\n" + "  # and more\n" * 100_000, "clouds.yaml"),  # more than a MiB
            (bomb, "clouds.yaml: there is no mapping `clouds:`"),
            ("clouds: &c\n  a: *c\n", None), ("clouds: {a: {auth: [1, 2], verify: {}}}", None),
            ("[" * 100_000, "clouds.yaml"), ("clouds:\n  b: {}\n", "Cloud a was not found in ./clouds.yaml")]
    for text, why in rows:
        with folder(clouds_yaml=text) as path:
            done = run("metric-list", "--os-cloud", "a", cwd=path)
            if done.returncode != 1 or done.stdout or (why or "monasca") not in done.stderr or "unexpected" in done.stderr:
                return f"{text[:60]!r}: {done.returncode} {done.stderr[:500]!r}"
    with folder() as path:
        os.mkdir(os.path.join(path, "clouds.yaml"))
        done = run("metric-list", "--os-cloud", "a", cwd=path)
        if wrong := expect(done, 1, err=["clouds.yaml"]):
            return f"a folder: {wrong}"
        done = run("metric-list", "--os-cloud", "a", cwd=path, OS_CLIENT_CONFIG_FILE="/nowhere/clouds.yaml")
        return expect(done, 1, err=["/nowhere/clouds.yaml"])


def real_narrow_terminal():
    """Of one column: what is drawn is the same."""
    row = {"name": "a long name", "dimensions": {"hostname": "web-1"}}
    with server(lambda r: (200, {}, {"links": [], "elements": [row]})) as s:
        wide = run("metric-list", url=s.url).stdout
        main, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 1, 1, 0, 0))
        process = subprocess.Popen([MONASCA, "metric-list"], env=environment(s.url), stdout=terminal,
                                   stderr=subprocess.PIPE)
        os.close(terminal)
        shown = b""
        try:
            while piece := os.read(main, 65536):
                shown += piece
        except OSError:
            pass
        os.close(main)
        process.communicate(timeout=PATIENCE)
        return None if shown.decode().replace("\r\n", "\n") == wide and process.returncode == 0 else f"{shown} {wide}"


def reader_that_leaves():
    """In the middle of a large table."""
    rows = [{"name": f"metric-{i}", "dimensions": {"hostname": "h" * 100}} for i in range(20_000)]
    with server(lambda r: (200, {}, {"links": [], "elements": rows})) as s:
        process = subprocess.Popen([MONASCA, "metric-list"], env=environment(s.url), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdout.read(1000)
        process.stdout.close()
        process.wait(timeout=PATIENCE)
        told = process.stderr.read()
        process.stderr.close()
        return None if process.returncode == 141 and not told else f"exit {process.returncode}, {told}"


def full_disk():
    with server(lambda r: (200, {}, EMPTY_LIST)) as s, open("/dev/full", "wb") as full:
        done = subprocess.run([MONASCA, "metric-list"], env=environment(s.url), stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=PATIENCE)
        return None if done.returncode == 1 and "standard output: No space left" in done.stderr else str(done)


def interrupted_stream():
    """Ctrl-C while metrics are read from a pipe that stays open."""
    with server(lambda r: (204, {}, "")) as s:
        process = subprocess.Popen([MONASCA, "metric-create-raw", "-"], env=environment(s.url), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write((json.dumps({"name": "m", "timestamp": 1, "value": 1}) + "\n").encode() * 600)
        process.stdin.flush()
        deadline = time.monotonic() + PATIENCE
        while not s.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        return None if process.returncode == 130 and not out and len(s.requests) == 1 else f"{process.returncode} {out} {err}"


cases.main([
    ("a catalogue that names another host, over plain http, is trusted", foreign_catalogue),
    ("a catalogue that names a link-local address", link_local_catalogue),
    ("a catalogue whose address is none", no_address_in_catalogue),
    ("catalogues of any shape", odd_catalogues),
    ("HTML where versions were asked for", html_at_discovery),
    ("a token of more than 8000 bytes from Keystone", issued_token_too_long),
    ("JSON of Keystone nested a million deep", deep_json_of_keystone),
    ("a Keystone whose answer has no end", endless_keystone),
    ("a header without an end", endless_header),
    ("an answer that trickles ends with --timeout", slow_trickle),
    ("clouds.yaml too large, a bomb, a circle, a folder, absent by name", clouds_files),
    ("a terminal of one column", real_narrow_terminal),
    ("a reader that leaves in the middle: exit 141", reader_that_leaves),
    ("a full disk behind standard output", full_disk),
    ("Ctrl-C while metrics are read: exit 130", interrupted_stream),
])
