"""What the tests of `monarc send` share: runs of the command, and inputs."""

import json
import os
import re
import subprocess

from sink_process import SLOWER, Sink


class Sent:
    """How a run of `monarc send --json` ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.summary = json.loads(out) if out.startswith("{\"file\"") else None

    def __repr__(self):
        return "exit %s\n%s\n%s" % (self.code, self.out[-3000:], self.err[-3000:])

    def ledger(self, name="mona_forward"):
        return next(d for d in self.summary["stats"]["destinations"] if d["name"] == name)


def start(monarc, *arguments, stdin=subprocess.PIPE, environment=None):
    return subprocess.Popen(
        [monarc, "send", *map(str, arguments)], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})})


def finish(process, given=None, timeout=60):
    out, err = process.communicate(given, timeout=timeout * SLOWER)
    return Sent(process.returncode, out.decode(), err.decode())


def send(monarc, *arguments, given=None, environment=None, timeout=60):
    return finish(start(monarc, *arguments, environment=environment), given, timeout)


def to(sink):
    return ("--mona", "127.0.0.1:%d" % sink.port, "--json")


class Monasca(Sink):
    """A sink that is a Monasca as well."""

    def __init__(self, binary, *arguments):
        super().__init__(binary, "--monasca-port", 0, *arguments)
        line = self.process.stdout.readline()
        self.monasca_port = int(re.fullmatch(r"sink: monasca listening on \S+:(\d+)\n", line).group(1))


def ndjson(numbers):
    return "".join(
        '{"line":%d,"id":"order-%d","price":%.2f,"side":"buy"}\n' % (n, n, n / 7) for n in numbers).encode()


def xor_up_to(n):
    """1 ^ 2 ^ … ^ n"""
    return (n, 1, n + 1, 0)[n % 4]


def sums_of(n):
    """What `monarc sink --sum` says of 1 … n."""
    return {"count": n, "sum": n * (n + 1) // 2, "min": 1, "max": n, "xor": xor_up_to(n), "not_integer": 0}
