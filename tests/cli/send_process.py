"""What the tests of `monarc send` share: runs of the command, and inputs."""

import json
import os
import re
import signal
import subprocess
import time

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


# Variables that begin with MONARC_ are options of the command.
OUTSIDE = {name: value for name, value in os.environ.items() if not name.startswith("MONARC_")}


def start(monarc, *arguments, stderr=subprocess.PIPE, environment=None):
    return subprocess.Popen(
        [monarc, "send", *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
        env={**OUTSIDE, **(environment or {})})


def wait_until(holds, seconds=60):
    deadline = time.monotonic() + seconds * SLOWER
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(holds)
        time.sleep(0.01)


def catches_signals(process):
    """Whether SIGINT and SIGTERM have handlers."""
    with open("/proc/%d/status" % process.pid) as status:
        caught = int(re.search(r"SigCgt:\s+(\w+)", status.read()).group(1), 16)
    return all(caught >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM))


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
        self.monasca_port = self.next_port("monasca listening")


def ndjson(numbers):
    return "".join(
        '{"line":%d,"id":"order-%d","price":%.2f,"side":"buy"}\n' % (n, n, n / 7) for n in numbers).encode()


def xor_up_to(n):
    """1 ^ 2 ^ … ^ n"""
    return (n, 1, n + 1, 0)[n % 4]


def sums_of(n):
    """What `monarc sink --sum` says of 1 … n."""
    return {"count": n, "sum": n * (n + 1) // 2, "min": 1, "max": n, "xor": xor_up_to(n), "not_integer": 0}
