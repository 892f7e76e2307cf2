"""Every byte string of the golden vectors does to `monarc sink` what it does to Fluentd 1.16.5.

Usage: sink_vectors_test.py MONARC VECTORS_JSON
"""

import json
import os
import socket
import sys
import tempfile
import threading
import time

from sink_process import SLOWER, Checks, Sink, pack, read_store, unpack_all

RECEIVER = "fluentd 1.16.5"
WAIT = 0.4 * SLOWER

# Where the sink differs, and on purpose: D-13.2 for the ratio, and JSON is not read.
REFUSED = {"cpf_huge_ratio": "bomb", "json_msg": "json", "json_chunk": "json"}


def bytes_of(vector):
    if "hex" in vector:
        return bytes.fromhex(vector["hex"])
    # One record of a megabyte: its start, x up to the option, the option.
    option = b"\x82" + pack("chunk") + pack("c") + pack("size") + pack(1)
    start = bytes.fromhex(vector["hex_start"])
    return start.ljust(vector["length"] - len(option), b"x") + option


def talk(sink, vector, out):
    data = bytes_of(vector)
    with sink.connect() as connection:
        connection.settimeout(5 * SLOWER)
        answers, state = b"", "open"
        try:
            connection.sendall(data)
            deadline = time.monotonic() + WAIT
            while time.monotonic() < deadline:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                try:
                    piece = connection.recv(65536)
                except socket.timeout:
                    break
                if not piece:
                    state = "closed"
                    break
                answers += piece
        except ConnectionError:
            state = "closed"
        out[vector["id"]] = (answers, state)


def plain(value):
    return {"$bytes": value.hex()} if isinstance(value, bytes) else value


def same(expected, got, now):
    """Compares events: a NOW, an abridged text, times to a microsecond."""
    if len(expected) != len(got):
        return False
    for (time_expected, record), event in zip(expected, got):
        reference = now if time_expected == "<NOW>" else time_expected
        if abs(event["time"] - reference) > (60 if time_expected == "<NOW>" else 1e-5):
            return False
        for key, value in record.items():
            if isinstance(value, dict) and "$length" in value:
                if len(event["record"][key]) != value["$length"]:
                    return False
            elif event["record"].get(key) != value:
                return False
        if len(record) != len(event["record"]):
            return False
    return True


def run_vectors(checks):
    checks.case = None  # a case for each vector instead
    with open(VECTORS) as file:
        vectors = json.load(file)
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "events.ndjson")
        with Sink(MONARC, "--store", store) as sink:
            results, threads = {}, []
            for vector in vectors:
                threads.append(threading.Thread(target=talk, args=(sink, vector, results)))
                threads[-1].start()
            for thread in threads:
                thread.join()
            summary = sink.stop()
            log = sink.log()
        events = read_store(store)

    now = time.time()
    for vector in vectors:
        name, expected = vector["id"], vector["reactions"][RECEIVER]
        checks.begin(name)
        answers, state = results[name]
        acks = [plain(answer["ack"]) for answer in unpack_all(answers)]
        tag = {"tag_empty": "", "tag_nil": "", "tag_int": "5"}.get(name, vector.get("tag"))
        mine = [e for e in events if e["tag"] == tag]
        if name in ("tag_empty", "tag_nil"):
            mine = [e for e in mine if e["record"]["k"] == name.replace("_", "")]
        if name in REFUSED:
            checks.check("closed", state == "closed", state)
            checks.check("no answer", acks == [], acks)
            checks.check("nothing kept", mine == [], mine)
            checks.check("reason", summary["refused"][REFUSED[name]] >= 1, summary["refused"])
            checks.check("logged", REFUSED[name] in log, log)
            continue
        want = "open" if expected["connection"] == "open" else "closed"
        checks.check("acks", acks == expected["acks"], (acks, expected["acks"]))
        checks.check("connection", state == want, (state, want))
        checks.check("events", same(expected["events"], mine, now), (mine, expected["events"]))
    checks.begin("all vectors together")
    checks.check("62 vectors", len(vectors) == 62, len(vectors))
    twice = [e.get("repeat", False) for e in events if e["tag"] == "t.dup_chunk"]
    checks.check("the same chunk twice is one event and one repeat", twice == [False, True], twice)
    totals = summary["totals"]
    checks.check("every stored line is counted", totals["events"] + totals["repeats"] == len(events))
    checks.check("JSON connections are told from others", summary["refused"]["json"] == 2)


if __name__ == "__main__":
    MONARC, VECTORS = sys.argv[1:]
    checks = Checks()
    if not os.path.exists(VECTORS):
        checks.skip("golden vectors", "no " + VECTORS)
        sys.exit(checks.run())
    sys.exit(checks.run(run_vectors))
