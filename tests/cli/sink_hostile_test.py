"""What peers do that mean no good, or are just slow (D-13.1, D-13.2).

Usage: sink_hostile_test.py MONARC
"""

import gzip
import resource
import socket
import struct
import sys
import threading
import time

from sink_process import (
    SANITIZED, SLOWER, Checks, Sink, envelope, is_closed, pack, packed_message, read_acks)

MIB = 1 << 20
MAX_KIB = 200 * 1024


def memory(checks, sink, name, most):
    peak = sink.peak_kib()
    checks.check(name + ": memory", peak < most or SANITIZED, "%d KiB" % peak)


def honest(checks, sink, name):
    """The sink goes on to serve others."""
    with sink.connect() as connection:
        connection.sendall(packed_message("t", [{"x": name}], name))
        checks.check(name + ": others are served", read_acks(connection, 1) == [name])


def refused(checks, sink, name, data):
    with sink.connect() as connection:
        try:
            connection.sendall(data)
        except ConnectionError:
            pass
        checks.check(name + ": closed", is_closed(connection))


def bombs_are_refused(checks):
    zeros = gzip.compress(bytes(512 * MIB), 1)
    # More than 64 MiB at a ratio that is allowed: some of it does not compress well.
    block = b"".join(struct.pack(">I", i * 2654435761 % 2**32) for i in range(2500)) + bytes(190_000)
    large = gzip.compress(block * 400, 1)
    # As many events as fit: three bytes each.
    tiny = gzip.compress(b"\x92\x01\x80" * (10 * MIB), 9)
    with Sink(MONARC) as sink:
        before = sink.peak_kib()
        for name, body in (("512 MiB of zeros", zeros), ("more than 64 MiB", large), ("30 MiB of tiny events", tiny)):
            data = pack(["t.bomb", body, {"compressed": "gzip", "chunk": name}])
            checks.check(name + ": fits on the wire", len(data) < 8 * MIB, len(data))
            refused(checks, sink, name, data)
            memory(checks, sink, name, MAX_KIB)
            honest(checks, sink, name + ".")
        print("peak memory: %d KiB at start, %d KiB after the bombs" % (before, sink.peak_kib()))
        summary = sink.stop()
        log = sink.log()
    checks.check("counted", summary["refused"]["bomb"] == 3, summary["refused"])
    checks.check("logged once", log.count("bomb:") == 1, log)
    checks.check("none of it kept", summary["totals"]["events"] == 3, summary["totals"])


def two_million_events_pass_in_little_memory(checks):
    # Not compressed: as many events as 8 MiB on the wire can hold, three bytes each.
    entries = b"\x92\x01\x80" * (7 * MIB // 3)
    with Sink(MONARC) as sink, sink.connect() as connection:
        connection.sendall(pack(["t.tiny", entries, {"chunk": "a"}]))
        checks.check("answered", read_acks(connection, 1) == ["a"])
        memory(checks, sink, "peak", MAX_KIB)
        totals = sink.stop()["totals"]
    checks.check("all counted", totals["events"] == 7 * MIB // 3, totals)


def claims_are_not_believed(checks):
    with Sink(MONARC) as sink:
        gib = struct.pack(">I", 1 << 30)
        claims = {
            "text of 1 GiB": b"\x92\xa1t\xdb" + gib, "binary of 1 GiB": b"\x92\xa1t\xc6" + gib,
            "array of 1 Gi": b"\xdd" + gib, "map of 1 Gi": b"\x93\xa1t\x01\xdf" + gib,
            "extension of 4 GiB": b"\xc9\xff\xff\xff\xff\x00", "largest map": b"\xdf\xff\xff\xff\xff",
            "nested claims": b"\xdd\x00\x7f\xff\xff" * 3}
        for name, data in claims.items():
            refused(checks, sink, name, data)
        honest(checks, sink, "claims")
        memory(checks, sink, "peak", 50 * 1024)
        # A claim inside of packed entries is a cut-off entry, as for Fluentd.
        with sink.connect() as connection:
            connection.sendall(pack(["t", b"\x92\x01\x80\xdd\xff\xff\xff\xff", {"chunk": "cut"}]))
            checks.check("inside of entries: answered", read_acks(connection, 1) == ["cut"])
        summary = sink.stop()
    checks.check("counted", summary["refused"]["too_large"] == len(claims), summary["refused"])
    checks.check("cut off", summary["totals"]["cut_off"] == 1)


def deep_nesting_is_refused(checks):
    with Sink(MONARC) as sink:
        refused(checks, sink, "a million arrays", b"\x91" * MIB)
        refused(checks, sink, "a million maps", b"\x81\xa1k" * MIB)
        deep = b"\x81\xa1k" * 16 + b"\x01"
        refused(checks, sink, "deep record", b"\x93\xa1t\x01" + deep)
        refused(checks, sink, "deep packed record", pack(["t", b"\x92\x01" + deep]))
        with sink.connect() as connection:
            connection.sendall(b"\x94\xa1t\x01" + b"\x81\xa1k" * 15 + b"\x01" + pack({"chunk": "d"}))
            checks.check("sixteen levels pass", read_acks(connection, 1) == ["d"])
        summary = sink.stop()
    checks.check("counted", summary["refused"]["malformed"] == 4, summary["refused"])


def a_slow_writer_is_understood(checks):
    data = (packed_message("t.slow", [envelope("c", {"n": i}) for i in range(3)], "one")
            + pack(["t.slow", 1, {"x": 1}, {"chunk": "two"}])
            + pack(["t.slow", gzip.compress(pack([1, {"y": 1}])), {"chunk": "three", "compressed": "gzip"}]))
    with Sink(MONARC) as sink:
        with sink.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(0.0005)
            checks.check("answers", read_acks(connection, 3) == ["one", "two", "three"])
        totals = sink.stop()["totals"]
    checks.check("events", totals["events"] == 5, totals)


def a_megabyte_in_small_pieces_takes_linear_time(checks):
    # Four million array elements, 7000 pieces: looking at all of them for each piece would take minutes.
    count = 4 * MIB
    data = (b"\x94\xa1t\x01\x81\xa1a\xdd" + struct.pack(">I", count) + bytes(count)
            + pack({"chunk": "x"}))
    started = time.monotonic()
    with Sink(MONARC) as sink, sink.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(data), 600):
            connection.sendall(data[at:at + 600])
        checks.check("answered", read_acks(connection, 1) == ["x"])
    checks.check("in time", time.monotonic() - started < 20 * SLOWER, time.monotonic() - started)


def eight_mebibytes_are_the_limit(checks):
    def message(size):
        start = b"\x93\xa1t\x01\x81\xa1k\xdb"
        return start + struct.pack(">I", size - len(start) - 4) + bytes(size - len(start) - 4)

    with Sink(MONARC) as sink:
        with sink.connect() as connection:
            connection.sendall(message(8 * MIB) + packed_message("t", [], "after"))
            checks.check("exactly 8 MiB pass", read_acks(connection, 1) == ["after"])
        refused(checks, sink, "one byte more", message(8 * MIB + 1))
        summary = sink.stop()
    checks.check("counted", summary["refused"]["too_large"] == 1)
    checks.check("events", summary["totals"]["events"] == 1)


def connection_1025_is_refused(checks):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        checks.skip("1025 connections", "only %d descriptors are allowed" % hard)
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    with Sink(MONARC) as sink:
        connections = [sink.connect() for _ in range(1024)]
        for number in (0, 511, 1023):
            connections[number].sendall(packed_message("t", [{}], str(number)))
            checks.check("%d is served" % number, read_acks(connections[number], 1) == [str(number)])
        extra = sink.connect()
        checks.check("1025 is closed", is_closed(extra))
        extra.close()
        connections.pop().close()
        deadline = time.monotonic() + 5
        acks = []
        while not acks and time.monotonic() < deadline:
            with sink.connect() as again:
                try:
                    again.sendall(packed_message("t", [{}], "again"))
                    acks = read_acks(again, 1)
                except ConnectionError:
                    pass
        checks.check("one that leaves makes room", acks == ["again"])
        for connection in connections:
            connection.close()
        summary = sink.stop()
    checks.check("counted", summary["refused"]["connections"] >= 1, summary["refused"])


def many_half_messages_stay_within_memory(checks):
    part = b"\x93\xa1t\x01\x81\xa1k\xdb" + struct.pack(">I", 7 * MIB) + bytes(6 * MIB)
    with Sink(MONARC) as sink:
        connections = [sink.connect() for _ in range(40)]

        def send(connection):
            try:
                connection.sendall(part)
            except OSError:
                pass

        threads = [threading.Thread(target=send, args=(c,)) for c in connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        time.sleep(0.2)
        memory(checks, sink, "peak", MAX_KIB)
        for connection in connections:
            connection.close()
        honest(checks, sink, "after 240 MiB of halves")
        summary = sink.stop()
    checks.check("some were refused", summary["refused"]["memory"] > 0, summary["refused"])


def idle_connections_are_closed(checks):
    with Sink(MONARC, "--idle", 0.3) as sink:
        with sink.connect() as silent, sink.connect() as halfway:
            started = time.monotonic()
            halfway.sendall(b"\x93\xa1t")
            checks.check("silent: closed", is_closed(silent))
            checks.check("inside a message: closed", is_closed(halfway, 5))
            checks.check("not earlier", time.monotonic() - started >= 0.25)
        honest(checks, sink, "beside")  # a round trip: what was closed has been counted by then
        summary = sink.stop()
    checks.check("counted", summary["refused"]["idle"] == 2, summary["refused"])
    checks.check("unfinished", summary["totals"]["unfinished"] == 1, summary["totals"])


def who_reads_no_answers_is_cut(checks):
    # The answers are as large as what asks for them, and nobody reads them.
    big = pack(["t", 1, {"k": 1}, {"chunk": "x" * 100_000}])
    with Sink(MONARC, "--idle", 0.5) as sink:
        with sink.connect() as connection:
            connection.settimeout(5)
            try:
                for _ in range(1000):
                    connection.sendall(big)
                checks.check("held up", False)
            except OSError:
                checks.check("held up", True)
            honest(checks, sink, "beside")
            memory(checks, sink, "peak", MAX_KIB)
        summary = sink.stop()
    checks.check("counted", summary["refused"]["idle"] == 1, summary["refused"])


def random_bytes_do_no_harm(checks):
    import random
    generator = random.Random(20240607)
    good = packed_message("t", [envelope("c", {"n": 1})] * 3, "id")
    with Sink(MONARC) as sink:
        for _ in range(300):
            data = bytearray(good)
            for _ in range(generator.randrange(1, 6)):
                data[generator.randrange(len(data))] = generator.randrange(256)
            with sink.connect() as connection:
                try:
                    connection.sendall(bytes(data))
                    connection.shutdown(socket.SHUT_WR)
                    is_closed(connection, 10)
                except OSError:
                    pass
        honest(checks, sink, "after 300 mutations")
        totals = sink.stop()["totals"]
    parts = ("records", "class_messages", "special_messages", "empty_messages", "plain_events")
    checks.check("the parts make the whole", totals["events"] == sum(totals[p] for p in parts), totals)


if __name__ == "__main__":
    MONARC = sys.argv[1]
    checks = Checks()
    if SANITIZED:
        checks.skip("peak memory", "a sanitizer needs memory of its own")
    sys.exit(checks.run(
        bombs_are_refused,
        two_million_events_pass_in_little_memory,
        claims_are_not_believed,
        deep_nesting_is_refused,
        a_slow_writer_is_understood,
        a_megabyte_in_small_pieces_takes_linear_time,
        eight_mebibytes_are_the_limit,
        connection_1025_is_refused,
        many_half_messages_stay_within_memory,
        idle_connections_are_closed,
        who_reads_no_answers_is_cut,
        random_bytes_do_no_harm,
    ))
