"""What the tests of `monasca metric-create-raw` share with tools/dev/raw_rate.py: metrics, and a run that is weighed."""

import os
import subprocess
import sys

from sink_process import SLOWER

FIRST_TIME = 1_760_000_000_000


class Weighed:
    """How a run ended, how long it took, and its most memory."""

    def __init__(self, code, out, err, seconds, peak_kib):
        self.code, self.out, self.err, self.seconds, self.peak_kib = code, out, err, seconds, peak_kib

    def __repr__(self):
        return "exit %s after %.2f s, %d KiB\n%s\n%s" % (
            self.code, self.seconds, self.peak_kib, self.out[-1000:], self.err[-3000:])


def ndjson_metrics(numbers):
    return "".join(
        '{"name":"cpu.load","dimensions":{"hostname":"web-%d","service":"shop"},"timestamp":%d,"value":%d}\n'
        % (n % 100, FIRST_TIME + n, n) for n in numbers).encode()


def as_array(lines, array):
    """Writes the metrics of one file, one a line, to another as one array."""
    with open(lines, "rb") as source, open(array, "wb") as to:
        to.write(b"[")
        for n, line in enumerate(source):
            to.write((b"," if n else b"") + line.rstrip(b"\n"))
        to.write(b"]\n")


# A process begins with the memory of the one that it was forked from: weighed is what a small one starts.
SCALES = """
import resource, subprocess, sys, time
begun = time.monotonic()
code = subprocess.run(sys.argv[2:], timeout=float(sys.argv[1])).returncode
print(code, time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


def send_raw(monasca, port, metrics, timeout=60):
    """`metrics`: a file that is standard input."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "MONASCA_"))}
    environment.update(OS_AUTH_TYPE="admin_token", OS_TOKEN="t", OS_ENDPOINT="http://127.0.0.1:%d/v2.0" % port)
    done = subprocess.run(
        [sys.executable, "-c", SCALES, str(timeout * SLOWER), monasca, "metric-create-raw", "-"], stdin=metrics,
        capture_output=True, text=True, env=environment)
    err, _, weighed = done.stderr.rstrip("\n").rpartition("\n")
    code, seconds, peak_kib = weighed.split()
    return Weighed(int(code), done.stdout, err, float(seconds), int(peak_kib))
