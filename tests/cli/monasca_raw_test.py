"""`monasca metric-create-raw` of many metrics from standard input, against `monarc sink`: all of them arrive, in little
memory, and a broken one in the middle is told with its line.

    monasca_raw_test.py MONASCA MONARC
"""

import os
import sys
import tempfile

from raw_process import as_array, ndjson_metrics, send_raw
from send_process import Monasca
from sink_process import SANITIZED, Checks

MONASCA, MONARC = (os.path.abspath(path) for path in sys.argv[1:3])
COUNT = 20_000 if SANITIZED else 100_000
MOST_KIB = 64 * 1024


def stdin_of(data):
    file = tempfile.TemporaryFile()
    file.write(data)
    file.seek(0)
    return file


def sent(data):
    """How the command ended, and the sink's summary."""
    with Monasca(MONARC) as sink, stdin_of(data) as metrics:
        done = send_raw(MONASCA, sink.monasca_port, metrics)
        return done, sink.stop()["monasca"]


def check_all_there(checks, done, summary):
    found = summary["metrics"].get("cpu.load", {})
    checks.check("it succeeds", (done.code, done.out) == (0, "Successfully created metric\n"), done)
    checks.check("all are there", found.get("count") == COUNT and found.get("sum") == COUNT * (COUNT + 1) / 2, found)
    if SANITIZED:
        checks.skip("peak memory below 64 MiB", "a sanitizer takes memory of its own")
    else:
        checks.check("peak memory below 64 MiB", done.peak_kib < MOST_KIB, done)


def many_metrics_one_a_line(checks):
    check_all_there(checks, *sent(ndjson_metrics(range(1, COUNT + 1))))


def many_metrics_in_one_array(checks):
    with tempfile.TemporaryDirectory() as folder:
        lines, array = os.path.join(folder, "lines"), os.path.join(folder, "array")
        with open(lines, "wb") as file:
            file.write(ndjson_metrics(range(1, COUNT + 1)))
        as_array(lines, array)
        with open(array, "rb") as file:
            check_all_there(checks, *sent(file.read()))


def a_broken_metric_in_the_middle_is_told_with_its_line(checks):
    good = ndjson_metrics(range(1, 1201)).splitlines(keepends=True)
    for broken, why in ((b'{"name": nope}\n', b"metric 751 is no JSON: '{\"name\": nope}'"),
                        (b"nothing\n", b"'n' where an object should begin"),
                        (b'"a": 1}\n', b"'\"' where an object should begin")):
        done, summary = sent(b"".join(good[:750] + [broken] + good[750:]))
        checks.check("exit 1", done.code == 1 and not done.out, done)
        checks.check("why", why.decode() in done.err, done)
        checks.check("its line", "standard input: line 751: " in done.err, done)
        checks.check("how many were sent", "the metrics before it were sent: 750 of them" in done.err, done)
        checks.check("those are there", summary["metrics"]["cpu.load"]["count"] == 750, summary)


def a_stream_that_breaks_off_is_told_with_the_line_of_its_last_object(checks):
    done, summary = sent(ndjson_metrics(range(1, 11)) + b'{"name":\n "x')
    checks.check("exit 1", done.code == 1, done)
    checks.check("line 11", "line 11: the object that begins here has no end" in done.err, done)
    checks.check("those before it are there", summary["metrics"]["cpu.load"]["count"] == 10, summary)


def a_batch_that_the_server_refuses_is_told_with_its_lines(checks):
    lines = ndjson_metrics(range(1, 1201)).splitlines(keepends=True)
    lines[700] = b'{"name":"bad name","timestamp":1760000000000,"value":1}\n'
    done, summary = sent(b"".join(lines))
    checks.check("exit 1", done.code == 1 and "(HTTP 422)" in done.err, done)
    checks.check("which", "metrics 501 to 1000, of lines 501 to 1000, were refused; 500 were sent" in done.err, done)
    checks.check("the first batch is there", summary["metrics"]["cpu.load"]["count"] == 500, summary)


if __name__ == "__main__":
    sys.exit(Checks().run(
        many_metrics_one_a_line,
        many_metrics_in_one_array,
        a_broken_metric_in_the_middle_is_told_with_its_line,
        a_stream_that_breaks_off_is_told_with_the_line_of_its_last_object,
        a_batch_that_the_server_refuses_is_told_with_its_lines,
    ))
