#!/usr/bin/env python3
"""How fast `monasca metric-create-raw` reads metrics from standard input, and how much memory it takes.

    tools/dev/raw_rate.py MONASCA MONARC [--metrics N]

Sends N metrics (1 million) to a `monarc sink` twice, one a line and as one array, and compares what the sink counted with
the closed formula. Exits 1 if anything is missing, or if the command took 64 MiB or more at its peak.
"""

import argparse
import os
import sys
import tempfile

from send_rate import write_file

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "cli"))
from raw_process import as_array, ndjson_metrics, send_raw  # noqa: E402
from send_process import Monasca  # noqa: E402

MOST_KIB = 64 * 1024


def one_way(monasca, monarc, path, count, what):
    """What is wrong, or None."""
    with Monasca(monarc) as sink, open(path, "rb") as metrics:
        done = send_raw(monasca, sink.monasca_port, metrics, timeout=3600)
        summary = sink.stop()
    found = summary["monasca"]["metrics"].get("cpu.load", {})
    print("%s: %d metrics in %.2f s, %.0f metrics/s, %.1f MiB/s; peak memory %.1f MiB; sink: count %s, sum %s" % (
        what, count, done.seconds, count / done.seconds, os.path.getsize(path) / done.seconds / (1 << 20),
        done.peak_kib / 1024, found.get("count"), found.get("sum")), flush=True)
    if done.code != 0 or (found.get("count"), found.get("sum")) != (count, count * (count + 1) / 2):
        return "%s: wanted count %d, sum %d, got %s; %s" % (what, count, count * (count + 1) // 2, found, done)
    return None if done.peak_kib < MOST_KIB else "%s: peak memory %d KiB" % (what, done.peak_kib)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("monasca")
    parser.add_argument("monarc")
    parser.add_argument("--metrics", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        lines, array = (os.path.join(directory, name) for name in ("metrics.ndjson", "metrics.json"))
        write_file(lines, asked.metrics, ndjson_metrics)
        as_array(lines, array)
        wrong = [one_way(asked.monasca, asked.monarc, path, asked.metrics, what)
                 for path, what in ((lines, "one a line"), (array, "one array"))]
    if any(wrong):
        sys.exit("\n".join(filter(None, wrong)))


if __name__ == "__main__":
    main()
