#!/usr/bin/env python3
"""How fast `monarc send` is, and whether all of it arrives.

    tools/dev/send_rate.py MONARC [--records N] [--fluent N]

Writes a file of N NDJSON records (5 million), sends it to a `monarc sink`, and compares what the sink
counted with the closed formulas: count, sum, min, max and xor of the number of the line. Then sends
the first lines of the same file (200 000; 0: none) with Debian's python3-fluent-logger, each of them
the same two events: the context's class, and its fields. Exits 1 if anything is missing.
"""

import argparse
import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "cli"))
from send_process import ndjson, send, sums_of, to  # noqa: E402
from sink_process import Sink  # noqa: E402

LINES_AT_A_TIME = 100_000


def write_file(path, records, lines_of=ndjson):
    with open(path, "wb") as file:
        for first in range(1, records + 1, LINES_AT_A_TIME):
            file.write(lines_of(range(first, min(first + LINES_AT_A_TIME, records + 1))))
    return os.path.getsize(path)


def by_monarc(monarc, path, records):
    """What is wrong, or None."""
    with Sink(monarc, "--sum", "line") as sink:
        done = send(monarc, path, "--class", "order", "--id", "id", *to(sink), timeout=3600)
        summary = sink.stop()
    wanted = sums_of(records)
    found = {key: summary["sum"][key] for key in wanted}
    s = done.summary
    print("monarc send: %d records in %.2f s, %.0f records/s, %.1f MiB/s; peak memory %.1f MiB" % (
        s["records"], s["seconds"], s["records"] / s["seconds"], s["bytes_read"] / s["seconds"] / (1 << 20),
        s["peak_kib"] / 1024))
    print("sink: " + ", ".join("%s %d" % pair for pair in found.items()))
    if done.code != 0 or found != wanted or summary["totals"]["records"] != records:
        return "wanted %s, got %s; %s" % (wanted, found, done)
    return None


def by_fluent_logger(monarc, path, records):
    try:
        from fluent import sender
    except ImportError:
        return "python3-fluent-logger is not there; install the package and run this with /usr/bin/python3"
    with Sink(monarc, "--sum", "line") as sink:
        logger = sender.FluentSender("mona", host="127.0.0.1", port=sink.port)
        begun = time.monotonic()
        with open(path, "rb") as file:
            for _, line in zip(range(records), file):
                message = json.loads(line)
                for fields in ({"MONA_ARC_CLASS": "order"}, message):
                    logger.emit("client.message", {
                        "user_id": "EMPTY", "context": message["id"], "message": fields,
                        "export_timestamp": int(time.time())})
        logger.close()
        took = time.monotonic() - begun
        time.sleep(1)
        summary = sink.stop()
    print("python3-fluent-logger: %d records in %.2f s, %.0f records/s (the first lines only; at this rate)" % (
        records, took, records / took))
    found = {key: summary["sum"][key] for key in sums_of(0)}
    return None if found == sums_of(records) else "fluent-logger: %s" % found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("monarc")
    parser.add_argument("--records", type=int, default=5_000_000)
    parser.add_argument("--fluent", type=int, default=200_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "orders.ndjson")
        print("file: %d records, %.1f MiB" % (asked.records, write_file(path, asked.records) / (1 << 20)), flush=True)
        wrong = by_monarc(asked.monarc, path, asked.records)
        if not wrong and asked.fluent:
            wrong = by_fluent_logger(asked.monarc, path, min(asked.fluent, asked.records))
    if wrong:
        sys.exit(wrong)


if __name__ == "__main__":
    main()
