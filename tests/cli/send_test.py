"""`monarc send` as a user meets it: what arrives, what it says, how it exits.

Usage: send_test.py MONARC
"""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from send_process import OUTSIDE, Monasca, catches_signals, finish, ndjson, send, start, sums_of, to, wait_until
from sink_process import SANITIZED, SLOWER, Checks, Sink, read_store

RECORDS = 20_000 if SANITIZED else 200_000
CLASS = ("--class", "order", "--id", "id")
# So little memory that what waits must be held back.
TIGHT = ("--set", "memory_limit=4MiB", "--set", "queue.capacity=4096", "--set", "retry.max_wait=500ms")


def sums(summary):
    return {k: summary["sum"][k] for k in sums_of(0)}


def file_of(directory, name, content):
    path = os.path.join(directory, name)
    with open(path, "wb") as file:
        file.write(content)
    return path


def lines_in(path):
    with open(path, "rb") as file:
        return file.read().count(b"\n")


def check_exact(checks, name, sent, records, code=0):
    """The exit code, and that sender and exporter agree."""
    checks.check(name + ": exit", sent.code == code, sent)
    ledger = sent.ledger()
    checks.check(name + ": ledger", (sent.summary["records"], ledger["accepted"], ledger["delivered"])
                 == (records, records, records), (sent.summary["records"], ledger))


def a_file_arrives_whole(checks):
    with tempfile.TemporaryDirectory() as directory, Sink(MONARC, "--sum", "line") as sink:
        path = file_of(directory, "orders.ndjson", ndjson(range(1, RECORDS + 1)))
        sent = send(MONARC, path, *CLASS, *to(sink), timeout=120)
        summary = sink.stop()
    check_exact(checks, "file", sent, RECORDS)
    checks.check("sums", sums(summary) == sums_of(RECORDS), summary["sum"])
    checks.check("contexts", summary["totals"]["contexts"] == RECORDS, summary["totals"])
    checks.check("class", list(summary["classes"]) == ["order"], list(summary["classes"]))
    checks.check("memory", sent.summary["peak_kib"] < 96 * 1024 or SANITIZED, sent.summary["peak_kib"])
    checks.check("lines", (sent.summary["last_line"], sent.summary["confirmed_line"]) == (RECORDS, RECORDS), sent)
    checks.check("nothing to say", sent.err == "" or "acknowledged" in sent.err, sent.err)


def the_summary_is_for_people(checks):
    with Sink(MONARC) as sink:
        sent = send(MONARC, "-", *CLASS, *to(sink)[:-1], given=ndjson(range(1, 4)))
        sink.stop()
    checks.check("exit", sent.code == 0, sent)
    for text in ("send: stdin: 3 lines, 3 records, 0 bad lines left out\n",
                 "mona_forward: accepted 3 = delivered 3 + delivered_unacked 0 + dead 0 + dropped 0 + filtered 0 "
                 "+ pending 0\n", "peak memory "):
        checks.check(text, text in sent.out, sent)
    checks.check("no advice", "--skip-lines" not in sent.out, sent)


def a_receiver_that_stops_for_a_while_loses_nothing(checks):
    """SIGSTOP for ten seconds, with far more to send than memory_limit holds."""
    half = RECORDS // 2
    with Sink(MONARC, "--sum", "line") as sink:
        process = start(MONARC, "-", *CLASS, *to(sink), *TIGHT)

        def write():
            process.stdin.write(ndjson(range(1, half + 1)))
            process.stdin.flush()
            sink.process.send_signal(signal.SIGSTOP)
            process.stdin.write(ndjson(range(half + 1, RECORDS + 1)))
            process.stdin.close()

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(10)
        checks.check("it waits", process.poll() is None)
        checks.check("the writer is held back", writer.is_alive())
        sink.process.send_signal(signal.SIGCONT)
        writer.join(60 * SLOWER)
        process.stdin = None
        sent = finish(process, timeout=60)
        summary = sink.stop()
    check_exact(checks, "stopped", sent, RECORDS)
    checks.check("sums", sums(summary) == sums_of(RECORDS), summary["sum"])
    checks.check("plain lines of progress", "acknowledged" in sent.err and "\r" not in sent.err, sent.err)


def a_receiver_that_is_killed_and_comes_back_loses_nothing(checks):
    half = RECORDS // 2
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events.ndjson")
        with Sink(MONARC, "--store", store) as sink:
            port = sink.port
            process = start(MONARC, "-", *CLASS, *to(sink), *TIGHT)
            process.stdin.write(ndjson(range(1, half + 1)))
            process.stdin.flush()
            sink.kill()
        writer = threading.Thread(target=lambda: (
            process.stdin.write(ndjson(range(half + 1, RECORDS + 1))), process.stdin.close()))
        writer.start()
        time.sleep(2)
        with Sink(MONARC, "--store", store, "--sum", "line", port=port) as sink:
            writer.join(60 * SLOWER)
            process.stdin = None
            sent = finish(process, timeout=120)
            summary = sink.stop()
    check_exact(checks, "killed", sent, RECORDS)
    checks.check("each once, repeats apart", sums(summary) == sums_of(RECORDS), summary["sum"])
    checks.check("the trouble was said", "records wait" in sent.err, sent.err)


def bad_lines_are_left_out_counted_and_named(checks):
    total, every = RECORDS // 10, 1000
    lines = ndjson(range(1, total + 1)).splitlines(keepends=True)
    for at in range(every, total + 1, every):
        lines[at - 1] = b'{"line":%d,"id":\n' % at
    good = [n for n in range(1, total + 1) if n % every]
    with tempfile.TemporaryDirectory() as directory, Sink(MONARC, "--sum", "line") as sink:
        path = file_of(directory, "some.ndjson", b"".join(lines))
        sent = send(MONARC, path, *CLASS, *to(sink))
        stopped = send(MONARC, path, *CLASS, *to(sink), "--max-bad", 0)
        summary = sink.stop()
    check_exact(checks, "bad lines", sent, len(good), code=3)
    checks.check("counted", sent.summary["bad_lines"] == total // every, sent)
    for at in (every, 2 * every):
        checks.check("named", "send: %s:%d: no JSON" % (path, at) in sent.err, sent.err)
    named = sent.err.count("left out")
    checks.check("the first ten are named", named == min(10, total // every), named)
    if total // every > 10:
        checks.check("the others counted", "%d bad lines in all" % (total // every) in sent.err, sent.err)
    check_exact(checks, "stopped at the first", stopped, every - 1, code=1)
    checks.check("where it stopped", stopped.summary["ending"] == "too_many_bad"
                 and stopped.summary["confirmed_line"] == every, stopped)
    checks.check("sums", summary["sum"]["sum"] == sum(good) + sum(range(1, every)), summary["sum"])


def a_line_of_100_mib_is_left_out(checks):
    long_bytes = (10 if SANITIZED else 100) << 20
    with tempfile.TemporaryDirectory() as directory, Sink(MONARC, "--sum", "line") as sink:
        path = os.path.join(directory, "long.ndjson")
        with open(path, "wb") as file:
            file.write(ndjson([1]) + b'{"id":"')
            for _ in range(long_bytes >> 20):
                file.write(b"x" * (1 << 20))
            file.write(b'"}\n' + ndjson([2]))
        sent = send(MONARC, path, *CLASS, *to(sink))
        summary = sink.stop()
    check_exact(checks, "long line", sent, 2, code=3)
    checks.check("named", "%s:2: %d bytes long; a record has at most 262144" % (path, long_bytes + 9) in sent.err,
                 sent.err)
    checks.check("sum", summary["sum"]["sum"] == 3, summary["sum"])
    checks.check("memory", sent.summary["peak_kib"] < 96 * 1024 or SANITIZED, sent.summary["peak_kib"])


def records_of_every_size_arrive_whole(checks):
    lines = [json.dumps({"id": str(n), "line": n, "text": "é" * size, "deep": {"list": [1, {"x": None}]}}, ensure_ascii=False)
             for n, size in enumerate((0, 1000, 5000, 100_000), 1)]
    wide = {"id": "wide", "line": 5, **{"key_%d" % n: n for n in range(5000)}}
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events")
        with Sink(MONARC, "--sum", "line", "--store", store) as sink:
            sent = send(MONARC, "-", *CLASS, *to(sink), given="\n".join([*lines, json.dumps(wide)]).encode())
            summary = sink.stop()
        stored = [e["record"]["message"] for e in read_store(store) if "line" in e["record"]["message"]]
    check_exact(checks, "sizes", sent, 5)
    checks.check("sums", sums(summary) == sums_of(5), summary["sum"])
    checks.check("as they were", stored == [*map(json.loads, lines), wide], [len(str(m)) for m in stored])


def what_cannot_be_read_is_named(checks):
    with tempfile.TemporaryDirectory() as directory, Sink(MONARC) as sink:
        empty = file_of(directory, "empty.ndjson", b"")
        for name, path, code, text in (
                ("empty", empty, 0, ""),
                ("empty CSV", file_of(directory, "empty.csv", b""), 0, ""),
                ("header only", file_of(directory, "header.csv", b"id,b\n"), 0, ""),
                ("directory", directory, 1, "Is a directory"),
                ("missing", os.path.join(directory, "none.csv"), 1, "No such file or directory"),
                ("no column", file_of(directory, "other.csv", b"a,b\n1,2\n"), 2,
                 'the header: there is no column "id"; the header has "a", "b"'),
                ("unreadable", "/proc/self/mem", 1, "Input/output error"),
                ("binary", file_of(directory, "binary", bytes(range(256)) * 4), 3, "binary:1: no JSON")):
            sent = send(MONARC, path, *CLASS, *to(sink))
            checks.check(name, sent.code == code and text in sent.err, sent)
            if code == 0:
                check_exact(checks, name, sent, 0)
        summary = sink.stop()
    checks.check("nothing arrived", summary["totals"]["events"] == 0, summary["totals"])


def a_pipe_whose_writer_dies_is_sent_as_far_as_it_came(checks):
    with Sink(MONARC, "--sum", "line") as sink:
        sent = send(MONARC, "-", *CLASS, *to(sink), given=ndjson([1, 2, 3])[:-20])
        csv = send(MONARC, "-", "--format", "csv", *CLASS, *to(sink), given=b"line,id,b\n4,d,x\n5,e")
        quoted = send(MONARC, "-", "--format", "csv", *CLASS, *to(sink), given=b"line,id,b\n5,d,x\n6,e,\"z\nz\n")
        whole = send(MONARC, "-", *CLASS, *to(sink), given=ndjson([6])[:-1])
        summary = sink.stop()
    check_exact(checks, "NDJSON", sent, 2, code=3)
    checks.check("named", "send: stdin:3: no JSON" in sent.err and "the input ends here" in sent.err, sent.err)
    check_exact(checks, "CSV", csv, 1, code=3)
    checks.check("named", "send: stdin:3: 2 cells, but the header has 3" in csv.err, csv.err)
    check_exact(checks, "open quote", quoted, 1, code=3)
    checks.check("named", "send: stdin:3-4: a quote is opened and never closed" in quoted.err, quoted.err)
    check_exact(checks, "only the line feed was missing", whole, 1)
    checks.check("sum", summary["sum"]["sum"] == 1 + 2 + 4 + 5 + 6, summary["sum"])


def csv_arrives_with_types_times_and_lines_in_cells(checks):
    text = ('\ufeffid,when,n,x,ok,zip,note,MONA_SECRET,empty\r\n'
            '007,2026-01-31T12:30:00Z,1,2.5,true,01234,"two\nlines, ""quoted""",s,\r\n'
            '8,1700000000,-3,1e3,false,99999,,s,\r\n'
            '9,yesterday,1,1,true,1,x,s,\r\n'
            '10,1700000000123,18446744073709551615,0.1,TRUE,1,"a\r\nb",s,\r\n')
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events")
        path = file_of(directory, "table.csv", text.encode())
        with Sink(MONARC, "--store", store) as sink:
            sent = send(MONARC, path, *CLASS, "--time", "when", "--text", "zip", *to(sink))
            summary = sink.stop()
        events = [e["record"] for e in read_store(store) if "n" in e["record"]["message"]]
    check_exact(checks, "CSV", sent, 3, code=3)
    checks.check("the bad time", "table.csv:5: the time \"yesterday\" is not a time" in sent.err, sent.err)
    first = {"id": 7, "when": "2026-01-31T12:30:00Z", "n": 1, "x": 2.5, "ok": True, "zip": "01234",
             "note": "two\nlines, \"quoted\""}
    checks.check("contexts", [e["context"] for e in events] == ["007", "8", "10"], events)
    checks.check("first", events[0]["message"] == {**first, "id": "007"}, events[0])
    checks.check("second", events[1]["message"] == {"id": 8, "when": 1700000000, "n": -3, "x": 1000.0, "ok": False,
                                                    "zip": "99999"}, events[1])
    checks.check("third", events[2]["message"] == {"id": 10, "when": 1700000000123, "n": 18446744073709551615, "x": 0.1,
                                                   "ok": "TRUE", "zip": "1", "note": "a\r\nb"}, events[2])
    checks.check("times", [e["export_timestamp"] for e in events] == [1769862600, 1700000000, 1700000000], events)
    checks.check("MONA_ is stripped and counted", sent.summary["stats"]["stripped_fields"] == 3, sent)
    checks.check("totals", summary["totals"]["records"] == 3, summary["totals"])


def csv_goes_to_monasca(checks):
    now = int(time.time() * 1000) // 1000 * 1000
    rows = 1000
    text = "at,host,percent,note\n" + "".join(
        "%d,web-%d|x,%d,n\n" % (now - 60_000 + n, n % 3, n) for n in range(rows))
    text += "1600000000,web-1,5,old\n%d,web-1,many,x\n" % now
    with tempfile.TemporaryDirectory() as directory, Monasca(MONARC, "--monasca-token", "t") as sink:
        path = file_of(directory, "load.csv", text.encode())
        url = "http://127.0.0.1:%d/v2.0" % sink.monasca_port
        metric = ("--metric", "load", "--value", "percent", "--dimension", "host", "--time", "at", "--json")
        sent = send(MONARC, path, *metric, "--monasca", url, "--token", "env:TOKEN", environment={"TOKEN": "t"})
        names = send(MONARC, "-", "--metric-column", "m.name", "--value", "v", "--monasca", url, "--json",
                     "--set", "monasca.dimensions=region=eu", environment={"MONARC_MONASCA__TOKEN": "t"},
                     given=b'{"m":{"name":"a"},"v":1}\n{"m":{"name":"b"},"v":"2"}\n{"m":{},"v":1}\n')
        monasca = sink.stop()["monasca"]
    ledger = sent.ledger("monasca")
    checks.check("exit", sent.code == 3, sent)
    checks.check("ledger", (ledger["accepted"], ledger["delivered"]) == (rows, rows), ledger)
    load = monasca["metrics"]["load"]
    checks.check("sums", (load["count"], load["sum"], load["series"], load["repeats"])
                 == (rows, rows * (rows - 1) / 2, 3, 0), load)
    checks.check("old", "load.csv:%d: the time \"1600000000\" is more than 13 days old" % (rows + 2) in sent.err, sent.err)
    checks.check("no number", ":%d: the value must be a number, got \"many\"" % (rows + 3) in sent.err, sent.err)
    checks.check("repaired and counted", sent.summary["repaired_characters"] >= rows, sent)
    checks.check("names from a column", names.code == 3 and monasca["metrics"]["a"]["sum"] == 1
                 and monasca["metrics"]["b"]["sum"] == 2, (names, monasca))
    checks.check("nothing that Monasca would mind", monasca["violations"] == 0, monasca["violations_by"])


def no_receiver_is_given_up_in_time(checks):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    started = time.monotonic()
    sent = send(MONARC, "-", *CLASS, "--mona", "127.0.0.1:%d" % port, "--json", "--give-up-after", 1,
                given=ndjson(range(1, 1001)))
    text = send(MONARC, "-", "--class", "order", "--id-prefix", "p-", "--mona", "127.0.0.1:%d" % port,
                "--give-up-after", 0.2, given=ndjson(range(1, 1001)))
    checks.check("bounded", time.monotonic() - started < 60 * SLOWER)
    checks.check("exit", sent.code == 1 and sent.summary["ending"] == "gave_up", sent)
    ledger = sent.ledger()
    checks.check("all are accounted for", (ledger["accepted"], ledger["delivered"], ledger["dropped"]["shutdown"])
                 == (1000, 0, 1000), ledger)
    checks.check("nothing is confirmed", sent.summary["confirmed_line"] == 0, sent)
    checks.check("why", "refused" in sent.err.lower(), sent.err)
    checks.check("when", "nothing was acknowledged for 1 s: gave up" in sent.err, sent.err)
    checks.check("how to go on", "send them again with --skip-lines 0 --id-prefix p-" in text.out, text)


def a_signal_drains_and_says_how_far_it_came(checks):
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with tempfile.TemporaryDirectory() as directory, Sink(
                MONARC, "--sum", "line", "--store", os.path.join(directory, "events")) as sink:
            process = start(MONARC, "-", *CLASS, *to(sink))
            process.stdin.write(ndjson(range(1, 5001)))
            process.stdin.flush()
            wait_until(lambda: lines_in(os.path.join(directory, "events")) == 2 * 5000)
            process.send_signal(number)
            sent = finish(process)
            summary = sink.stop()
        check_exact(checks, str(number), sent, 5000, code=code)
        checks.check("how far", sent.summary["confirmed_line"] == 5000, sent)
        checks.check("sums", sums(summary) == sums_of(5000), summary["sum"])


def after_a_signal_sending_goes_on_where_it_stopped(checks):
    """In the midst of a file: what both runs sent is everything, and no more."""
    with tempfile.TemporaryDirectory() as directory, Sink(MONARC, "--sum", "line") as sink:
        path = file_of(directory, "orders.ndjson", ndjson(range(1, RECORDS + 1)))
        sink.process.send_signal(signal.SIGSTOP) # so that it cannot be over too soon
        process = start(MONARC, path, *CLASS, *to(sink), *TIGHT, "--set", "close_timeout=2min")
        wait_until(lambda: catches_signals(process))
        time.sleep(1 * SLOWER) # some is read
        process.send_signal(signal.SIGINT)
        sink.process.send_signal(signal.SIGCONT)
        first = finish(process)
        second = send(MONARC, path, *CLASS, *to(sink), "--skip-lines", first.summary["confirmed_line"])
        summary = sink.stop()
    confirmed = first.summary["confirmed_line"]
    check_exact(checks, "first", first, confirmed, code=130)
    checks.check("in the middle", 0 < confirmed < RECORDS, confirmed)
    check_exact(checks, "second", second, RECORDS - confirmed)
    checks.check("sums", sums(summary) == sums_of(RECORDS), summary["sum"])


def a_second_signal_stops_at_once(checks):
    with tempfile.TemporaryDirectory() as directory, Sink(
            MONARC, "--no-answer", "--store", os.path.join(directory, "events")) as sink:
        process = start(MONARC, "-", *CLASS, *to(sink), "--set", "close_timeout=10min")
        process.stdin.write(ndjson(range(1, 101)))
        process.stdin.flush()
        wait_until(lambda: os.path.getsize(os.path.join(directory, "events")) != 0)
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        checks.check("it waits for the receiver", process.poll() is None)
        process.send_signal(signal.SIGINT)
        sent = finish(process, timeout=30)
        sink.stop()
    ledger = sent.ledger()
    checks.check("exit", sent.code == 130, sent)
    checks.check("counted", (ledger["accepted"], ledger["dropped"]["shutdown"]) == (100, 100), ledger)
    checks.check("not confirmed", sent.summary["confirmed_line"] == 0, sent)


def a_part_of_a_file_can_be_sent(checks):
    table = "id,line\n" + "".join("%d,%d\n" % (n, n) for n in range(1, 101))
    with tempfile.TemporaryDirectory() as directory, Sink(MONARC, "--sum", "line") as sink:
        path = file_of(directory, "table.csv", table.encode())
        part = send(MONARC, path, *CLASS, *to(sink), "--skip-lines", 51, "--limit", 10)
        quiet = send(MONARC, path, *CLASS, *to(sink)[:-1], "--quiet", "--skip-lines", 100)
        capitals = file_of(directory, "TABLE.CSV", b"id,line\n101,1000\n")
        decimal = send(MONARC, capitals, *CLASS, *to(sink), "--limit", "01")
        summary = sink.stop()
    check_exact(checks, "part", part, 10)
    checks.check("where it stands", part.summary["last_line"] == 61, part)
    checks.check("quiet", (quiet.code, quiet.out, quiet.err) == (0, "", ""), quiet)
    check_exact(checks, "a name in capitals", decimal, 1)
    checks.check("sum", summary["sum"]["sum"] == sum(range(51, 61)) + 100 + 1000, summary["sum"])


def a_line_without_an_end_does_not_hold_a_signal_up(checks):
    """A writer that never pauses: no line ends, no input is awaited."""
    for arguments in (("--json",), ("--format", "csv", "--json"), ("--dry-run",), ("--skip-lines", 5, "--json")):
        process = start(MONARC, "/dev/zero", "--class", "order", *arguments)
        wait_until(lambda: catches_signals(process))
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        try:
            sent = finish(process, timeout=30)
        finally:
            process.kill()
        checks.check("%s: exit" % (arguments,), sent.code == 143, sent)


def a_signal_ends_the_wait_for_a_writer(checks):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "pipe")
        os.mkfifo(path)
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = start(MONARC, path, "--class", "order")
            wait_until(lambda: catches_signals(process))
            time.sleep(1 * SLOWER) # it opens the pipe
            process.send_signal(number)
            try:
                sent = finish(process, timeout=30)
            finally:
                process.kill()
            checks.check("exit", sent.code == code, sent)
            checks.check("nothing to say", sent.err == "", sent)


def what_cannot_be_written_is_said(checks):
    with open("/dev/full", "wb") as full, Sink(MONARC) as sink:
        for arguments in (to(sink), to(sink)[:-1], ("--dry-run",), ("--dry-run", "--limit", 1000)):
            done = subprocess.run(
                [MONARC, "send", "-", *CLASS, *map(str, arguments)], input=ndjson(range(1, 1001)), stdout=full,
                stderr=subprocess.PIPE, env=OUTSIDE, timeout=60 * SLOWER)
            checks.check("%s: exit" % (arguments,), done.returncode == 1, done)
            checks.check("%s: why" % (arguments,), b"stdout: No space left on device" in done.stderr, done)
        sink.stop()


def monasca_stops_for_a_while(checks):
    rows = RECORDS // 4
    start_at = int(time.time() * 1000) - 24 * 3600 * 1000
    with tempfile.TemporaryDirectory() as directory, Monasca(MONARC) as sink:
        path = file_of(directory, "load.csv", ("at,host,v\n" + "".join(
            "%d,web-%d,%d\n" % (start_at + n, n % 5, n) for n in range(rows))).encode())
        sink.process.send_signal(signal.SIGSTOP)
        process = start(MONARC, path, "--metric", "load", "--value", "v", "--dimension", "host", "--time", "at", "--json",
                        "--monasca", "http://127.0.0.1:%d/v2.0" % sink.monasca_port, *TIGHT,
                        environment={"MONARC_MONASCA__TOKEN": "t"})
        time.sleep(2 * SLOWER)
        checks.check("it waits", process.poll() is None)
        sink.process.send_signal(signal.SIGCONT)
        sent = finish(process)
        load = sink.stop()["monasca"]["metrics"]["load"]
    ledger = sent.ledger("monasca")
    checks.check("ledger", (sent.code, ledger["accepted"], ledger["delivered"]) == (0, rows, rows), sent)
    checks.check("sums", (load["count"] - load["repeats"], load["sum"] - load["repeated_sum"])
                 == (rows, rows * (rows - 1) / 2), load)


def a_dry_run_shows_what_would_go_out(checks):
    with tempfile.TemporaryDirectory() as directory:
        path = file_of(directory, "orders.ndjson", ndjson(range(1, 101)))
        ten = send(MONARC, path, *CLASS, "--dry-run")
        two = send(MONARC, path, *CLASS, "--dry-run", "--limit", 2, "--set", "mona.user_id=u", "--skip-lines", 5)
        bad = send(MONARC, "-", *CLASS, "--dry-run", given=b'{"id":1,"MONA_X":2,"a":{"b":1.5}}\n{"id":\n')
        metric = send(MONARC, "-", "--metric", "m", "--value", "v", "--dimension", "d", "--monasca",
                      "http://127.0.0.1:1/v2.0", "--dry-run", given=b'{"v":2,"d":"x"}\n')
    checks.check("ten", ten.code == 0 and len(ten.out.splitlines()) == 10, ten)
    checks.check("two", [json.loads(line) for line in two.out.splitlines()] == [
        {"class": "order", "user_id": "u", "context": "order-%d" % n,
         "message": {"line": n, "id": "order-%d" % n, "price": round(n / 7, 2), "side": "buy"}} for n in (6, 7)], two)
    checks.check("bad", bad.code == 3 and "stdin:2: no JSON" in bad.err, bad)
    checks.check("counted", "1 records shown, 1 bad lines, nothing sent" in bad.err, bad)
    many = send(MONARC, "-", *CLASS, "--dry-run", given=b"nonsense\n" * 100)
    checks.check("the first ten are named", many.code == 3 and many.err.count("would be left out") == 10
                 and "100 bad lines" in many.err, many)
    first = send(MONARC, "-", *CLASS, "--dry-run", "--max-bad", 0, given=b"nonsense\n" + ndjson([1]))
    checks.check("stopped", first.code == 1 and first.out == "" and "more than 0 bad lines" in first.err, first)
    checks.check("stripped", json.loads(bad.out)["message"] == {"id": 1, "a": {"b": 1.5}}, bad)
    checks.check("metric", json.loads(metric.out) == {"name": "m", "dimensions": {"d": "x"}, "value": 2}, metric)


def options_come_from_a_file_variables_and_flags(checks):
    with tempfile.TemporaryDirectory() as directory, Sink(MONARC) as sink:
        config = file_of(directory, "monarc.toml", (
            "batch = { max_records = 10 }\n[mona]\nkind = \"forward\"\nport = %d\nuser_id = \"file\"\n" % sink.port).encode())
        by_file = send(MONARC, "-", *CLASS, "--json", "--config", config, given=ndjson(range(1, 101)))
        by_flag = send(MONARC, "-", *CLASS, "--json", "--config", config, "--set", "batch.max_records=50",
                       environment={"MONARC_BATCH__MAX_RECORDS": "25"}, given=ndjson(range(1, 101)))
        sink.stop()
        for arguments, text in (
                (("--set", "retry.max_wiat=2s"), "did you mean MONARC_RETRY__MAX_WAIT"),
                (("--set", "retry.max_wiat=2s"), "--set retry.max_wiat: "),
                (("--limit", "-1"), "--limit: must be a whole number from 0, got '-1'"),
                (("--skip-lines", "0x10"), "--skip-lines"), (("--max-bad", "9" * 20), "--max-bad"),
                (("--give-up-after", "nan"), "--give-up-after: must be a number of seconds"),
                (("--time-format", "days"), "auto, seconds, milliseconds, iso8601, got 'days'"),
                (("--time-format", "seconds"), "--time-format needs --time"),
                (("--format", "xml"), "auto, ndjson, csv, got 'xml'"),
                (("--delimiter", ";"), "--format csv"), (("--text", "a"), "--format csv"),
                (("--id-prefix", "x"), "--id-prefix"),
                (("--set", "batch.max_records=0"), "--set batch.max_records: batch.max_records must be 1..1000"),
                (("--set", "nonsense"), "--set must be OPTION=VALUE"),
                (("--set", "monasca.token=abc"), "give env:NAME or file:/path"),
                (("--set", "enabled=false"), "enabled is false"),
                (("--mona", "host:"), "--mona"), (("--mona", "host:many"), "--mona: mona.port"),
                (("--config", "/no/such/file"), "/no/such/file"),
                (("--metric", "m"), "--class"), (("--value", "v"), "--metric"), (("--delimiter", "ab"), "--delimiter"),
                (("--time-format", "days"), "--time-format"), (("--give-up-after", "-1"), "--give-up-after"),
                (("--nonsense",), "--nonsense")):
            sent = send(MONARC, "-", *CLASS, *arguments, given=b"")
            checks.check("%s: exit 2" % (arguments,), sent.code == 2 and text in sent.err, sent)
    for arguments, text in (((), "FILE"), (("-",), "--class"), (("-", "--metric", "m"), "--value"),
                            (("-", "--metric", "m", "--value", "v"), "--monasca"),
                            (("-", "--class", "x" * 256), "--class must have at most 255 bytes, got 256"),
                            (("-", "--class", "c", "--id-prefix", "x" * 1100), "--id-prefix must have at most"),
                            (("-", "--metric", "a b", "--value", "v"), "--metric holds ' ' at byte 1"),
                            (("-", "--metric", "m", "--value", "v", "--dimension", "_d"), "--dimension _d begins"),
                            (("-", "--metric", "m", "--value", "v", "--monasca", "ftp://x"), "--monasca: monasca.url"),
                            (("-", "--metric", "m", "--value", "v", "--token", "abc"), "--token")):
        sent = send(MONARC, *arguments, given=b"")
        checks.check("%s: exit 2" % (arguments,), sent.code == 2 and text in sent.err, sent)
    checks.check("file", by_file.code == 0 and by_file.ledger()["payloads"] == 10, by_file)
    checks.check("flag", by_flag.code == 0 and by_flag.ledger()["payloads"] == 2, by_flag)


def a_terminal_gets_a_bar(checks):
    for no_colour in (False, True):
        with Sink(MONARC) as sink:
            parent, child = pty.openpty()
            process = start(MONARC, "-", *CLASS, *to(sink), stderr=child, environment={
                "TERM": "xterm", "NO_COLOR": "1" if no_colour else ""})
            os.close(child)
            for n in range(1, 6):
                process.stdin.write(ndjson([n]))
                process.stdin.flush()
                time.sleep(0.2)
            process.stdin.write(b"nonsense\n")
            out, _ = process.communicate(timeout=60 * SLOWER)
            shown = b""
            try:
                while piece := os.read(parent, 65536):
                    shown += piece
            except OSError: # the other end is closed
                pass
            os.close(parent)
            sink.stop()
        text = shown.decode()
        checks.check("exit", process.returncode == 3, (process.returncode, text))
        checks.check("a bar, drawn again", text.count("\r\x1b[K") > 3 and "acknowledged" in text, repr(text))
        checks.check("a message above it", "\r\x1b[Ksend: stdin:6: no JSON" in text, repr(text))
        checks.check("colour", ("\x1b[32m" in text) == (not no_colour), repr(text))
        checks.check("gone in the end", text.endswith("\r\x1b[K"), repr(text[-200:]))


if __name__ == "__main__":
    MONARC = sys.argv[1]
    sys.exit(Checks().run(
        a_file_arrives_whole,
        the_summary_is_for_people,
        a_receiver_that_stops_for_a_while_loses_nothing,
        a_receiver_that_is_killed_and_comes_back_loses_nothing,
        bad_lines_are_left_out_counted_and_named,
        a_line_of_100_mib_is_left_out,
        records_of_every_size_arrive_whole,
        what_cannot_be_read_is_named,
        a_pipe_whose_writer_dies_is_sent_as_far_as_it_came,
        csv_arrives_with_types_times_and_lines_in_cells,
        csv_goes_to_monasca,
        no_receiver_is_given_up_in_time,
        a_signal_drains_and_says_how_far_it_came,
        after_a_signal_sending_goes_on_where_it_stopped,
        a_second_signal_stops_at_once,
        a_part_of_a_file_can_be_sent,
        a_line_without_an_end_does_not_hold_a_signal_up,
        a_signal_ends_the_wait_for_a_writer,
        what_cannot_be_written_is_said,
        monasca_stops_for_a_while,
        a_dry_run_shows_what_would_go_out,
        options_come_from_a_file_variables_and_flags,
        a_terminal_gets_a_bar,
    ))
