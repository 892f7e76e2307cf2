"""Events of fluent-logger, an independent sender, all arrive.

Usage: sink_fluent_logger_test.py MONARC
"""

import os
import sys
import tempfile

from sink_process import Checks, Sink, read_store

try:
    from fluent import sender
except ImportError:
    sender = None

EVENTS = 10_000


def ten_thousand_events_arrive(checks):
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events.ndjson")
        with Sink(MONARC, "--store", store, "--sum", "n", "--exit-after", EVENTS) as sink:
            logger = sender.FluentSender(
                "mona", host="127.0.0.1", port=sink.port, nanosecond_precision=True)
            sent = 0
            for number in range(EVENTS):
                sent += logger.emit(
                    "client.message",
                    {"user_id": "u", "context": "c%d" % (number % 100),
                     "message": {"n": number, "text": "größe"}, "export_timestamp": 1})
            logger.close()
            summary = sink.wait(60)
        lines = read_store(store)
    totals = summary["totals"]
    # The sink leaves with the last event, which the sender, looking once more, may take for a failure.
    checks.check("the sender says that all were sent", sent >= EVENTS - 1, sent)
    checks.check("events", totals["events"] == EVENTS, totals)
    checks.check("records and fields", (totals["records"], totals["fields"]) == (EVENTS, 2 * EVENTS))
    checks.check("contexts", totals["contexts"] == 100, totals["contexts"])
    checks.check("in order and whole", [e["record"]["message"]["n"] for e in lines] == list(range(EVENTS)))
    checks.check("text", {e["record"]["message"]["text"] for e in lines} == {"größe"})
    checks.check("tag", {e["tag"] for e in lines} == {"mona.client.message"})
    checks.check("time with nanoseconds", all(e["time"] > 1.7e9 for e in lines))
    expected = {"field": "n", "count": EVENTS, "sum": EVENTS * (EVENTS - 1) // 2,
                "min": 0, "max": EVENTS - 1, "not_integer": 0}
    checks.check("sum", {k: summary["sum"][k] for k in expected} == expected, summary["sum"])
    checks.check("nothing refused", not any(summary["refused"].values()), summary["refused"])


if __name__ == "__main__":
    MONARC = sys.argv[1]
    checks = Checks()
    if sender is None:
        checks.skip("fluent-logger", "the package python3-fluent-logger is not installed")
        sys.exit(checks.run())
    sys.exit(checks.run(ten_thousand_events_arrive))
