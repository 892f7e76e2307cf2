"""What was acknowledged is in the store, whatever happens to the sink.

Usage: sink_store_test.py MONARC
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time

from sink_process import (
    SLOWER, Checks, Sink, envelope, packed_message, read_acks, read_store)

PER_MESSAGE = 50
TAG = "mona.client.message"


def chunk_message(number):
    records = [envelope("c%d" % (number % 7), {"n": number * PER_MESSAGE + i, "m": number})
               for i in range(PER_MESSAGE)]
    return packed_message(TAG, records, "chunk-%06d" % number)


def send_until_killed(connection, numbers, acks):
    """Sends without waiting; acknowledgements are read beside it."""
    reader = threading.Thread(target=lambda: acks.extend(read_acks(connection, 10**9)))
    reader.start()
    try:
        for number in numbers:
            connection.sendall(chunk_message(number))
    except OSError:
        pass
    reader.join(30)


def sigkill_and_restart(checks, round_number, store, first, wait):
    """Returns the number of the first message of the next round, and whether the kill came in mid-stream."""
    numbers = range(first, first + 20_000)
    acks = []
    with Sink(MONARC, "--store", store) as sink:
        connection = sink.connect()
        thread = threading.Thread(target=send_until_killed, args=(connection, numbers, acks))
        thread.start()
        time.sleep(wait * SLOWER)
        sink.kill()
        thread.join(30)
        connection.close()
    acked = {int(a.rsplit("-", 1)[1]) for a in acks}
    with open(store, "rb") as file:
        raw = file.read()
    whole = raw[: raw.rfind(b"\n") + 1]
    lines = [json.loads(line) for line in whole.splitlines()]
    held = {(e["chunk"], e["index"]) for e in lines if "repeat" not in e}
    missing = [n for n in acked for i in range(PER_MESSAGE) if ("chunk-%06d" % n, i) not in held]
    checks.check("round %d: something was acknowledged" % round_number, len(acked) > 0)
    checks.check("round %d: acknowledged is stored" % round_number, not missing, missing[:5])
    end = max(int(e["chunk"].rsplit("-", 1)[1]) for e in lines) + 1
    return end, end < numbers[-1]


def killed_sinks_lose_nothing_acknowledged(checks):
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events.ndjson")
        end, first, interrupted = 0, 0, 0
        for number, wait in enumerate((0.05, 0.12, 0.03, 0.2, 0.08)):
            # Each round sends the last ten messages again, as a sender without their answers would.
            end, inside = sigkill_and_restart(checks, number, store, first, wait)
            interrupted += inside
            first = max(0, end - 10)

        checks.check("the kills came in mid-stream", interrupted >= 3, interrupted)
        before = read_store(store)
        unique = {(e["chunk"], e["index"]) for e in before if "repeat" not in e}
        with Sink(MONARC, "--store", store, "--sum", "n") as sink:
            with sink.connect() as connection:
                for number in range(first, end):
                    connection.sendall(chunk_message(number))
                acks = read_acks(connection, end - first)
            summary = sink.stop()
        totals = summary["totals"]
        checks.check("every message again is acknowledged", len(acks) == end - first, len(acks))
        checks.check("restored", totals["restored"] == len(before), totals)
        expected = len(
            unique | {("chunk-%06d" % n, i) for n in range(first, end) for i in range(PER_MESSAGE)})
        checks.check("nothing counted twice", totals["events"] == expected, (totals, expected))
        values = {int(c.rsplit("-", 1)[1]) * PER_MESSAGE + i for c, i in unique}
        values |= {n * PER_MESSAGE + i for n in range(first, end) for i in range(PER_MESSAGE)}
        checks.check("sum over all lives", summary["sum"]["sum"] == sum(values), summary["sum"])
        after = read_store(store)
        checks.check("repeats are marked and stored",
                     sum("repeat" in e for e in after) == totals["repeats"] > 0, totals["repeats"])
        pairs = [(e["chunk"], e["index"]) for e in after if "repeat" not in e]
        checks.check("each pair is stored as new once", len(pairs) == len(set(pairs)))


def half_of_a_message_is_completed(checks):
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events.ndjson")
        with Sink(MONARC, "--store", store) as sink, sink.connect() as connection:
            connection.sendall(chunk_message(1))
            read_acks(connection, 1)
            sink.kill()
        with open(store, "rb") as file:
            lines = file.read().splitlines(keepends=True)
        with open(store, "wb") as file:  # as if the kill had come in the middle of write(2)
            file.write(b"".join(lines[:20]) + lines[20][:30])
        with Sink(MONARC, "--store", store) as sink:
            with sink.connect() as connection:
                connection.sendall(chunk_message(1))
                checks.check("acknowledged", read_acks(connection, 1) == ["chunk-000001"])
            log = sink.log()
            totals = sink.stop()["totals"]
        checks.check("20 repeats, the rest new",
                     (totals["repeats"], totals["events"]) == (20, PER_MESSAGE), totals)
        checks.check("said so", "torn" in log and "30 bytes cut off" in log, log)
        checks.check("all lines are whole", len(read_store(store)) == 20 + PER_MESSAGE)


def the_summary_survives_a_restart(checks):
    records = [envelope("a", {"MONA_ARC_CLASS": "loan"}), envelope("a", {"n": -3, "x": 1.0}),
               envelope("b", {"n": 2**63, "text": "\u0000\"\\ü"}), envelope("c", {}),
               envelope("c", {"MONA_GLOBALS": {}}), envelope("a", {"n": True}),
               {"no": "envelope"}, {"context": 5, "message": {}}]
    expected = {"events": 8, "records": 3, "fields": 5, "class_messages": 1, "special_messages": 1,
                "empty_messages": 1, "plain_events": 2, "contexts": 3, "repeats": 0}
    sums = {"field": "n", "count": 2, "sum": 2**63 - 3, "sum_mod_2_64": 2**63 - 3, "min": -3,
            "max": 2**63, "xor": (2**64 - 3) ^ 2**63, "not_integer": 1}
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events.ndjson")
        with Sink(MONARC, "--store", store, "--sum", "n") as sink:
            with sink.connect() as connection:
                connection.sendall(packed_message(TAG, records, b"\xff\x00"))
                checks.check("binary chunk comes back", read_acks(connection, 1) == [b"\xff\x00"])
            first = sink.stop()
        with Sink(MONARC, "--store", store, "--sum", "n") as sink:
            with sink.connect() as connection:
                connection.sendall(packed_message(TAG, records, b"\xff\x00"))
                read_acks(connection, 1)
            again = sink.stop()
    for name, summary, repeats in (("live", first, 0), ("restored", again, 8)):
        totals = summary["totals"]
        want = dict(expected, repeats=repeats)
        checks.check(name + ": totals", {k: totals[k] for k in want} == want, totals)
        checks.check(name + ": sum", summary["sum"] == sums, summary["sum"])
        loan = summary["classes"]["loan"]
        checks.check(name + ": class", (loan["contexts"], loan["records"], loan["fields"]) == (1, 2, 3), loan)
        checks.check(name + ": sample", loan["sample"]["record"] == envelope("a", {"n": -3, "x": 1.0}), loan)
        checks.check(name + ": unknown class", summary["classes"][""]["contexts"] == 2)
        checks.check(name + ": tag", summary["tags"][TAG] == {"events": 8, "repeats": repeats})
    checks.check("restored", again["totals"]["restored"] == 8)


def a_full_disk_is_not_acknowledged(checks):
    with Sink(MONARC, "--store", "/dev/full") as sink:
        for _ in range(3):
            with sink.connect() as connection:
                connection.sendall(chunk_message(1))
                checks.check("no answer", read_acks(connection, 1) == [])
        log = sink.log()
        summary = sink.stop()
    checks.check("counted", summary["refused"]["store"] == 3, summary["refused"])
    checks.check("not in the totals", summary["totals"]["events"] == 0)
    checks.check("logged once", log.count("No space left") == 1, log)


def a_file_limit_leaves_whole_lines(checks):
    def limited():
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events.ndjson")
        old = subprocess.Popen
        subprocess.Popen = lambda *a, **k: old(*a, preexec_fn=limited, **k)
        try:
            sink = Sink(MONARC, "--store", store)
        finally:
            subprocess.Popen = old
        with sink:
            taken = []
            for number in range(5):
                with sink.connect() as connection:
                    connection.sendall(chunk_message(number))
                    taken += read_acks(connection, 1)
            summary = sink.stop()
        lines = read_store(store)
        checks.check("some fit, some not", 0 < len(taken) < 5, taken)
        checks.check("exactly what was acknowledged is there", len(lines) == PER_MESSAGE * len(taken), len(lines))
        checks.check("and counted", summary["totals"]["events"] == len(lines))
        checks.check("the rest was refused", summary["refused"]["store"] == 5 - len(taken))


def one_store_has_one_sink(checks):
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events.ndjson")
        with Sink(MONARC, "--store", store):
            second = subprocess.run(
                [MONARC, "sink", "--port", "0", "--store", store], capture_output=True, text=True, timeout=10)
        checks.check("exit 1", second.returncode == 1, second)
        checks.check("says why", "another sink is writing it" in second.stderr, second.stderr)
        other = os.path.join(directory, "other.txt")
        with open(other, "w") as file:
            file.write("not mine\n")
        second = subprocess.run(
            [MONARC, "sink", "--port", "0", "--store", other], capture_output=True, text=True, timeout=10)
        checks.check("a foreign file is refused", second.returncode == 1, second)
        checks.check("and its line named", "line 1" in second.stderr, second.stderr)
        with open(other) as file:
            checks.check("and left alone", file.read() == "not mine\n")


def one_record_can_be_lost(checks):
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events.ndjson")
        with Sink(MONARC, "--store", store, "--lose", 60, "--sum", "n") as sink:
            with sink.connect() as connection:
                for number in (0, 1, 1):
                    connection.sendall(chunk_message(number))
                checks.check("all acknowledged", len(read_acks(connection, 3)) == 3)
            summary = sink.stop()
        lines = read_store(store)
    totals = summary["totals"]
    checks.check("one is missing", totals["records"] == 2 * PER_MESSAGE - 1, totals)
    checks.check("for ever", totals["forgotten"] == 1)
    checks.check("it is the sixtieth", summary["sum"]["sum"] == sum(range(100)) - 59, summary["sum"])
    new = [e["record"]["message"]["n"] for e in lines if "repeat" not in e]
    checks.check("also in the store", new == [n for n in range(100) if n != 59])


if __name__ == "__main__":
    MONARC = sys.argv[1]
    sys.exit(Checks().run(
        killed_sinks_lose_nothing_acknowledged,
        half_of_a_message_is_completed,
        the_summary_survives_a_restart,
        a_full_disk_is_not_acknowledged,
        a_file_limit_leaves_whole_lines,
        one_store_has_one_sink,
        one_record_can_be_lost,
    ))
