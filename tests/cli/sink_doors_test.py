"""Who gets into `monarc sink`, and how: TLS, a shared key, a Unix socket; by `monarc send` and by hand.

Usage: sink_doors_test.py MONARC
"""

import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

from sink_process import SLOWER, Checks, Sink, envelope, is_closed, pack, packed_message, read_acks, unpack_from

KEY = "correct horse battery staple"


class Door(Sink):
    """A sink that knows KEY as the variable SINK_KEY."""

    def stop(self):
        out, _ = self.ended()
        return json.loads(out[out.index("{"):])

    def ended(self):
        self.process.terminate()
        return self.process.communicate(timeout=20 * SLOWER)


def certificate(folder, name, host):
    """Signed by itself: certificate and key in one file."""
    path = os.path.join(folder, name)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=" + host,
         "-keyout", path + ".key", "-out", path], check=True, capture_output=True, timeout=60)
    with open(path, "a") as both, open(path + ".key") as key:
        both.write(key.read())
    return path


def send(*arguments, lines=5):
    rows = "".join('{"n": %d}\n' % n for n in range(lines))
    return subprocess.run(
        [MONARC, "send", "-", "--class", "loan", "--json", "--give-up-after", "3", *arguments],
        input=rows, capture_output=True, text=True, timeout=60 * SLOWER, env=ENVIRONMENT)


def receive(connection, buffer):
    """One object; None if the connection ends."""
    while True:
        try:
            value, end = unpack_from(buffer, 0)
            del buffer[:end]
            return value
        except IndexError:
            piece = connection.recv(4096)
            if not piece:
                return None
            buffer += piece


def unpack_array(connection, buffer):
    """Of HELO and PONG, whose elements `unpack_from` can read."""
    while len(buffer) < 1:
        buffer += connection.recv(4096)
    count = buffer[0] & 0x0f
    del buffer[:1]
    return [receive_any(connection, buffer) for _ in range(count)]


def receive_any(connection, buffer):
    while not buffer:
        buffer += connection.recv(4096)
    if buffer[0] in (0xc2, 0xc3):
        return buffer.pop(0) == 0xc3
    if 0x80 <= buffer[0] <= 0x8f:
        pairs = buffer.pop(0) & 0x0f
        return {receive_any(connection, buffer): receive_any(connection, buffer) for _ in range(pairs)}
    return receive(connection, buffer)


def sha512(*parts):
    return hashlib.sha512(b"".join(p if isinstance(p, bytes) else p.encode() for p in parts)).hexdigest()


def another_client_shakes_hands(checks):
    with Door(MONARC, "--shared-key", "env:SINK_KEY") as sink:
        for key in (KEY, "another"):
            with sink.connect() as connection:
                buffer = bytearray()
                name, options = unpack_array(connection, buffer)
                nonce = options["nonce"]
                checks.check("HELO", (name, len(nonce), options["keepalive"]) == ("HELO", 16, True), (name, options))
                connection.sendall(pack(["PING", "client", "salt", sha512("salt", "client", nonce, key), "", ""]))
                name, welcome, reason, host, digest = unpack_array(connection, buffer)
                checks.check("PONG", name == "PONG" and welcome == (key == KEY), (name, welcome, reason))
                if welcome:
                    checks.check("it knows the key", digest == sha512("salt", host, nonce, KEY))
                    connection.sendall(packed_message("t", [envelope("c", {"n": 1})], "id"))
                    checks.check("answered", read_acks(connection, 1) == ["id"])
                else:
                    checks.check("says why", reason == "shared_key mismatch", reason)
                    checks.check("closed", is_closed(connection))
        with sink.connect() as connection:
            connection.sendall(packed_message("t", [envelope("c", {"n": 1})], "id"))
            checks.check("closed without a PING", is_closed(connection))
        log = sink.log()
        summary = sink.stop()
    checks.check("counted", summary["refused"]["handshake"] == 2, summary["refused"])
    checks.check("kept once", summary["totals"]["records"] == 1, summary["totals"])
    checks.check("the key is nowhere", KEY not in log + json.dumps(summary), log)


def send_shows_the_key(checks):
    with Door(MONARC, "--shared-key", "env:SINK_KEY") as sink:
        mona = "127.0.0.1:%d" % sink.port
        done = send("--mona", mona, "--shared-key", "env:SINK_KEY")
        checks.check("delivered", done.returncode == 0, (done.returncode, done.stderr))
        wrong = send("--mona", mona, "--shared-key", "env:OTHER_KEY")
        checks.check("wrong key: not delivered", wrong.returncode == 1, wrong)
        checks.check("wrong key: says so", "shared_key mismatch" in wrong.stderr, wrong.stderr)
        none = send("--mona", mona)
        checks.check("no key: not delivered", none.returncode == 1, none)
        plain = send("--mona", mona, "--shared-key", KEY)
        checks.check("plain key: refused", plain.returncode == 2 and KEY not in plain.stderr, plain)
        shown = done.stdout + done.stderr + wrong.stdout + wrong.stderr
        checks.check("the key is nowhere", KEY not in shown, shown)
        checks.check("kept", sink.stop()["totals"]["records"] == 5)


def send_speaks_tls(checks):
    with tempfile.TemporaryDirectory() as folder:
        own = certificate(folder, "sink.pem", "DNS:localhost")
        other = certificate(folder, "other.pem", "DNS:localhost")
        with Door(MONARC, "--tls-cert", own, "--shared-key", "env:SINK_KEY") as sink:
            port = sink.port
            ways = ("--tls", "--shared-key", "env:SINK_KEY")
            done = send("--mona", "localhost:%d" % port, *ways, "--ca-file", own)
            checks.check("delivered", done.returncode == 0, (done.returncode, done.stderr))
            refused = send("--mona", "localhost:%d" % port, *ways, "--ca-file", other)
            checks.check("another CA: not delivered", refused.returncode == 1, refused)
            checks.check("another CA: says so", "certificate: " in refused.stderr, refused.stderr)
            refused = send("--mona", "127.0.0.1:%d" % port, *ways, "--ca-file", own)
            checks.check("another name: says so", "IP address mismatch" in refused.stderr, refused.stderr)
            missing = send("--mona", "localhost:%d" % port, *ways, "--ca-file", folder + "/none.pem")
            checks.check("no CA file: exit 2", missing.returncode == 2, missing)
            checks.check("no CA file: why", "No such file" in missing.stderr, missing.stderr)
            summary = sink.stop()
        checks.check("kept", summary["totals"]["records"] == 5, summary["totals"])
        checks.check("counted", summary["refused"]["tls"] >= 2, summary["refused"])


def clients_show_certificates(checks):
    with tempfile.TemporaryDirectory() as folder:
        own = certificate(folder, "sink.pem", "DNS:localhost")
        client = certificate(folder, "client.pem", "DNS:client")
        with Door(MONARC, "--tls-cert", own, "--tls-client-ca", client) as sink:
            context = ssl.create_default_context(cafile=own)
            context.load_cert_chain(client)
            with context.wrap_socket(sink.connect(), server_hostname="localhost") as connection:
                connection.sendall(packed_message("t", [envelope("c", {"n": 1})], "id"))
                checks.check("answered", read_acks(connection, 1) == ["id"])
            checks.check("kept", sink.stop()["totals"]["records"] == 1)


def fluent_bit_shakes_hands(checks):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        real = subprocess.Popen(
            ["fluent-bit", "-q", "-f", "1", "-i", "forward", "-p", "listen=127.0.0.1", "-p", "port=%d" % port,
             "-p", "shared_key=" + KEY, "-p", "self_hostname=fluent-bit", "-o", "file", "-m", "*",
             "-p", "path=" + folder, "-p", "file=events"])
        try:
            mona = "127.0.0.1:%d" % port  # it may take a moment to listen; send tries again
            done = send("--mona", mona, "--shared-key", "env:SINK_KEY")
            checks.check("delivered", done.returncode == 0, (done.returncode, done.stderr))
            wrong = send("--mona", mona, "--shared-key", "env:OTHER_KEY")
            checks.check("wrong key: not delivered", wrong.returncode == 1, wrong)
            checks.check("wrong key: says so", "another key, most likely" in wrong.stderr, wrong.stderr)
        finally:
            real.kill()
            real.wait()


def a_unix_socket(checks):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "sink.sock")
        with Door(MONARC, "--unix", path) as sink:
            checks.check("it says where", sink.process.stdout.readline() == "sink: listening on %s\n" % path)
            done = send("--unix", path)
            checks.check("delivered", done.returncode == 0, (done.returncode, done.stderr))
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(path)
                connection.sendall(packed_message("t", [envelope("c", {"n": 1})], "id"))
                checks.check("answered", read_acks(connection, 1) == ["id"])
            checks.check("kept", sink.stop()["totals"]["records"] == 6)
        checks.check("removed", not os.path.exists(path))
        both = send("--unix", path, "--mona", "127.0.0.1:1")
        checks.check("one of two", both.returncode == 2 and "--unix takes the place" in both.stderr, both)


def wrong_doors_are_refused(checks):
    beyond = ["--host", "0.0.0.0", "--shared-key", "env:SINK_KEY"]
    for arguments, code, named in (
            (["--shared-key", KEY], 2, "--shared-key"),
            (["--shared-key", "env:NO_SUCH_VARIABLE"], 2, "NO_SUCH_VARIABLE"),
            (["--shared-key", "file:/no/such/file"], 2, "/no/such/file"),
            (["--shared-key", "env:EMPTY_KEY"], 2, "is empty"),
            (["--tls-key", "/x.pem"], 2, "--tls-cert"),
            (["--tls-cert", "/no/such/cert.pem"], 1, "/no/such/cert.pem: No such file"),
            (["--tls-cert", os.path.abspath(__file__)], 1, "sink_doors_test.py: "),
            (["--unix", "/no/such/folder/sock"], 1, "/no/such/folder/sock"),
            (["--host", "0.0.0.0"], 1, "--shared-key"),
            ([*beyond, "--monasca-port", "0"], 1, "--monasca-token"),
            ([*beyond, "--monasca-port", "0", "--keystone-port", "0"], 1, "--keystone-user"),
            ([*beyond, "--rest-port", "0"], 1, "--rest-token")):
        done = subprocess.run([MONARC, "sink", "--port", "0", *arguments], capture_output=True, text=True,
                              timeout=20 * SLOWER, env=ENVIRONMENT)
        checks.check("%s: exit %d" % (arguments, code), done.returncode == code, (done.returncode, done.stderr))
        checks.check("%s: named" % arguments, named in done.stderr, done.stderr)
        checks.check("%s: no key" % arguments, KEY not in done.stderr, done.stderr)


if __name__ == "__main__":
    MONARC = sys.argv[1]
    os.environ.update(SINK_KEY=KEY, OTHER_KEY="other", EMPTY_KEY="")
    ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MONARC_")}
    with_certificates = [send_speaks_tls, clients_show_certificates]
    results = Checks()
    if not shutil.which("openssl"):
        for test in with_certificates:
            results.skip(test.__name__, "there is no openssl to make certificates with")
        with_certificates = []
    with_fluent_bit = [fluent_bit_shakes_hands]
    if not shutil.which("fluent-bit"):
        results.skip("fluent_bit_shakes_hands", "there is no fluent-bit on this machine")
        with_fluent_bit = []
    sys.exit(results.run(
        another_client_shakes_hands,
        send_shows_the_key,
        *with_certificates,
        *with_fluent_bit,
        a_unix_socket,
        wrong_doors_are_refused,
    ))
