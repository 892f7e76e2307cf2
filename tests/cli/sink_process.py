"""What the tests of `monarc sink` share: the process, a small MessagePack, and the counting of results."""

import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time
import traceback

EVENT_TIME = 1700000000

# Sanitizers take memory of their own and time for each access.
SANITIZED = bool(os.environ.get("MONARC_TEST_SANITIZER"))
SLOWER = 10 if SANITIZED else 1


class Sink:
    """One `monarc sink` on a free port; ended by its own pid, whatever happens."""

    def __init__(self, binary, *arguments, port=0):
        command = [binary, "sink", "--port", str(port), "--json", *map(str, arguments)]
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.kept = None
        self.port = self.next_port("listening")

    def next_port(self, begins):
        """The port that the next line says, which begins with `sink: BEGINS on`."""
        line = self.process.stdout.readline()
        found = re.fullmatch(r"sink: %s on \S+:(\d+)\n" % begins, line)
        if not found:
            self.kill()
            raise RuntimeError("no line `sink: %s on`: %r %r" % (begins, line, self.log()))
        return int(found.group(1))

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if self.process.poll() is None:
            self.kill()
        self.errors.close()

    def connect(self, timeout=10 * SLOWER):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def stop(self):
        """SIGTERM; the summary."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self, timeout=20):
        out, _ = self.process.communicate(timeout=timeout * SLOWER)
        assert self.process.returncode == 0, (self.process.returncode, self.log())
        return json.loads(out)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def log(self):
        self.errors.seek(0)
        return self.errors.read()

    def peak_kib(self):
        with open("/proc/%d/status" % self.process.pid) as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1))


def ask_http(port, method, target, body=None, connection=None, **fields):
    """Status, header fields and body of one exchange; a `_` in a field's name stands for `-`."""
    own = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=20 * SLOWER)
    own.request(method, target, body, {name.replace("_", "-"): value for name, value in fields.items()})
    response = own.getresponse()
    answer = response.status, dict(response.getheaders()), response.read()
    if connection is None:
        own.close()
    return answer


class Checks:
    """Counts cases and prints what tools/test reads. A case is a test function, or what begin() names
    inside of one; it may hold many checks."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.case = None
        self.wrong = []

    def begin(self, name):
        self.end()
        self.case = name

    def end(self):
        if self.case is not None:
            if self.wrong:
                self.failed += 1
                print("FAIL %s" % self.case, *self.wrong, sep="\n    ", flush=True)
            else:
                self.passed += 1
        self.case, self.wrong = None, []

    def check(self, name, good, detail=""):
        if not good:
            self.wrong.append("%s %s" % (name, detail))

    def skip(self, name, why):
        self.skipped += 1
        print("SKIP %s: %s" % (name, why), flush=True)

    def run(self, *tests):
        for test in tests:
            started = time.monotonic()
            self.begin(test.__name__.replace("_", " "))
            try:
                test(self)
            except Exception:
                self.wrong.append(traceback.format_exc())
            self.end()
            print("%-45s %.2f s" % (test.__name__, time.monotonic() - started), flush=True)
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped))
        return 1 if self.failed else 0


class Extension:
    def __init__(self, kind, data):
        self.kind, self.data = kind, data


def pack(value):
    if value is None:
        return b"\xc0"
    if value is True or value is False:
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        if value >= 0:
            return b"\xcf" + struct.pack(">Q", value)
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return (bytes([0xa0 | len(data)]) if len(data) < 32
                else b"\xdb" + struct.pack(">I", len(data))) + data
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, (list, tuple)):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    if isinstance(value, dict):
        return b"\xdf" + struct.pack(">I", len(value)) + b"".join(
            pack(k) + pack(v) for k, v in value.items())
    if isinstance(value, Extension):
        return b"\xc7" + bytes([len(value.data), value.kind]) + value.data
    raise TypeError(value)


def unpack_from(data, at):
    """(object, next position); IndexError or struct.error if cut off. Only what answers hold."""
    first = data[at]
    if first < 0x80:
        return first, at + 1
    if 0x80 <= first <= 0x8f:
        out, at = {}, at + 1
        for _ in range(first & 0x0f):
            key, at = unpack_from(data, at)
            out[key], at = unpack_from(data, at)
        return out, at
    kinds = {0xd9: (">B", str), 0xda: (">H", str), 0xdb: (">I", str),
             0xc4: (">B", bytes), 0xc5: (">H", bytes), 0xc6: (">I", bytes)}
    if 0xa0 <= first <= 0xbf:
        size, kind, at = first & 0x1f, str, at + 1
    elif first in kinds:
        form, kind = kinds[first]
        (size,) = struct.unpack_from(form, data, at + 1)
        at += 1 + struct.calcsize(form)
    else:
        raise ValueError("unexpected byte %02x" % first)
    if at + size > len(data):
        raise IndexError
    piece = bytes(data[at:at + size])
    return (piece.decode() if kind is str else piece), at + size


def unpack_all(data):
    out, at = [], 0
    while at < len(data):
        value, at = unpack_from(data, at)
        out.append(value)
    return out


def read_acks(connection, count, timeout=20 * SLOWER):
    """The next `count` chunks that are acknowledged; fewer if the connection ends."""
    connection.settimeout(timeout)
    data, acks = bytearray(), []
    while len(acks) < count:
        try:
            piece = connection.recv(65536)
        except ConnectionError:
            break
        if not piece:
            break
        data += piece
        while data:
            try:
                value, end = unpack_from(data, 0)
            except (IndexError, struct.error):
                break
            acks.append(value["ack"])
            del data[:end]
    return acks


def envelope(context, message, user="u"):
    return {"user_id": user, "context": context, "message": message, "export_timestamp": EVENT_TIME}


def packed_message(tag, records, chunk=None, **option):
    entries = b"".join(pack([EVENT_TIME, record]) for record in records)
    if chunk is not None:
        option["chunk"] = chunk
    return pack([tag, entries, option])


def read_store(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def is_closed(connection, timeout=5 * SLOWER):
    """Whether the sink ends the connection."""
    connection.settimeout(timeout)
    try:
        while connection.recv(65536):
            pass
        return True
    except ConnectionError:
        return True
    except socket.timeout:
        return False
