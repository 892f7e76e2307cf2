"""`monarc sink --rest-port` as a client of Mona's REST interface meets it.

Usage: sink_rest_test.py MONARC
"""

import gzip
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

from sink_process import SLOWER, Checks, Sink, ask_http, envelope, packed_message, read_acks, read_store

LOGIN = "/identity/resources/auth/v1/api-token"


class Rest(Sink):
    """A sink that is Mona's REST interface as well."""

    def __init__(self, *arguments):
        super().__init__(MONARC, "--rest-port", 0, *arguments)
        self.rest_port = self.next_port("rest listening")

    def post(self, path, body, connection=None, **fields):
        """Status and body, parsed if it is JSON."""
        text = body if isinstance(body, (bytes, str)) else json.dumps(body)
        fields = {"Content_Type": "application/json", **fields}
        status, _, said = ask_http(self.rest_port, "POST", path, text, connection, **fields)
        return status, json.loads(said) if said.startswith(b"{") else said


def message(fields, name="loan", identity=None, **more):
    made = {"arcClass": name, "message": fields, **more}
    return dict(made, contextId=identity) if identity is not None else made


def envelope_of(*messages, user="u"):
    return {"userId": user, "messages": list(messages)}


def messages_stand_among_the_events(checks):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "events")
        with Rest("--store", path, "--sum", "n") as sink:
            status, said = sink.post("/monaExport", envelope_of(
                message({"n": 1, "x": "é"}, identity="a"), message({"n": 2}, identity="a"),
                message({"n": 3}), message({"n": 4}), message({"n": 5}, name="bad.")))
            checks.check("partial", status == 400 and list(said["failure_reasons"]) == ["4"], said)
            with sink.connect() as connection:
                connection.sendall(packed_message("t", [envelope("a", {"n": 10})], "id"))
                read_acks(connection, 1)
            live = sink.stop()
        lines = read_store(path)
        checks.check("lines", [line["record"]["message"]["n"] for line in lines] == [1, 2, 3, 4, 10], lines)
        checks.check("a line", lines[0] == {
            "chunk": None, "index": 0, "tag": "/monaExport", "time": lines[0]["time"], "rest": True,
            "record": {"userId": "u", "arcClass": "loan", "message": {"n": 1, "x": "é"}, "contextId": "a"}}, lines[0])
        with Rest("--store", path, "--sum", "n") as sink:
            restored = sink.stop()
    totals = live["totals"]
    checks.check("totals", (totals["events"], totals["records"], totals["fields"], totals["contexts"]) == (5, 5, 6, 3), totals)
    checks.check("class", {n: (c["contexts"], c["records"]) for n, c in live["classes"].items()} == {"loan": (3, 5)}, live["classes"])
    checks.check("sum", live["sum"]["sum"] == 20, live["sum"])
    checks.check("tags", live["tags"] == {"/monaExport": {"events": 4, "repeats": 0}, "t": {"events": 1, "repeats": 0}}, live["tags"])
    checks.check("rest", (live["rest"]["accepted"], live["rest"]["refused"]) == (4, 1), live["rest"])
    for member in ("classes", "tags", "sum"):
        checks.check("read again: " + member, restored[member] == live[member], restored[member])
    checks.check("read again: records", restored["totals"]["records"] == 5, restored["totals"])


def tokens_are_made_and_demanded(checks):
    with Rest("--rest-secret", "s", "--rest-token", "by-hand", "--rest-tenant", "me") as sink:
        checks.check("wrong secret", sink.post(LOGIN, {"clientId": "k", "secret": "x"})[0] == 401)
        status, made = sink.post(LOGIN, {"clientId": "k", "secret": "s"})
        checks.check("login", status == 200 and made["expiresIn"] == 14400, made)
        one = envelope_of(message({"a": 1}))
        checks.check("good", sink.post("/export", one, Authorization="Bearer " + made["accessToken"])[0] == 200)
        checks.check("by hand", sink.post("/sendEvent", one, Authorization="Bearer by-hand")[0] == 200)
        checks.check("unknown", sink.post("/export", one, Authorization="Bearer other")[0] == 401)
        checks.check("none", sink.post("/export", one)[0] == 401)
        checks.check("no token is wanted", sink.post("/monaSendEvent", one)[0] == 200)
        status, again = sink.post(LOGIN + "/token/refresh", {"refreshToken": made["refreshToken"]})
        checks.check("refresh", status == 200 and again["accessToken"] != made["accessToken"], again)
        rest = sink.stop()["rest"]
        log = sink.log()
    checks.check("counted", (rest["logins"], rest["refreshes"], rest["refused_logins"]) == (1, 1, 1), rest)
    checks.check("no token is told", made["accessToken"] not in log and "refresh-" not in log, log)


def tokens_end(checks):
    with Rest("--rest-token-life", "1") as sink:
        made = sink.post(LOGIN, {"clientId": "k", "secret": "s"})[1]
        deadline = time.monotonic() + 20 * SLOWER
        status = None
        while status != 401 and time.monotonic() < deadline:
            time.sleep(0.1)
            status = sink.post("/export", envelope_of(), Authorization="Bearer " + made["accessToken"])[0]
        checks.check("refused once it has ended", status == 401, status)


def it_misbehaves_as_told(checks):
    with Rest("--rest-answers", "503,lost,ok") as sink:
        body = json.dumps(envelope_of(message({"a": 1}, identity="c")))
        checks.check("status", sink.post("/monaExport", body)[0] == 503)
        try:
            sink.post("/monaExport", body)
            checks.check("lost", False, "an answer came")
        except (http.client.HTTPException, ConnectionError):
            pass
        checks.check("again", sink.post("/monaExport", body)[0] == 200)
        checks.check("afterwards", sink.post("/monaExport", envelope_of(message({"a": 2}, identity="c")))[0] == 200)
        seen = sink.stop()
    checks.check("repeat", (seen["totals"]["events"], seen["totals"]["repeats"]) == (2, 1), seen["totals"])
    checks.check("rest", (seen["rest"]["repeated_requests"], seen["rest"]["posts"]) == (1, 4), seen["rest"])


def gzip_is_taken_if_asked_for(checks):
    body = gzip.compress(json.dumps(envelope_of(message({"a": 1}))).encode())
    for arguments, expected in (([], 415), (["--rest-gzip"], 200)):
        with Rest(*arguments) as sink:
            status, said = sink.post("/monaExport", body, Content_Encoding="gzip")
            checks.check("%s: %d" % (arguments, expected), status == expected, (status, said))
            records = sink.stop()["totals"]["records"]
            checks.check("%s: kept" % arguments, records == (1 if expected == 200 else 0), records)


def violations_make_strict_fail(checks):
    for fields, expected in (({"MONA_x": 1}, 1), ({"x": 1}, 0)):
        with Rest("--strict") as sink:
            checks.check("taken", sink.post("/monaExport", envelope_of(message(fields)))[0] == 200)
            sink.process.terminate()
            out, _ = sink.process.communicate(timeout=20 * SLOWER)
            checks.check("%s: exit %d" % (fields, expected), sink.process.returncode == expected, sink.process.returncode)
            rest = json.loads(out)["rest"]
            checks.check("%s: counted" % fields, rest["violations_by"]["reserved_name"] == expected, rest)
            checks.check("%s: told" % fields, ("reserved_name: MONA_x" in sink.log()) == bool(expected), sink.log())


def a_goal_counts_messages_too(checks):
    with Rest("--exit-after", 2) as sink:
        sink.post("/monaExport", envelope_of(message({"a": 1}), message({"a": 2})))
        checks.check("it ends by itself", sink.wait()["totals"]["events"] == 2)


def large_and_hostile_requests_are_answered_or_closed(checks):
    with Rest("--rest-gzip") as sink:
        large = sink.post("/monaExport", b"x", Content_Length=str(9 << 20))
        checks.check("413", large[0] == 413, large)
        bomb = gzip.compress(b" " * (70 << 20))
        checks.check("a bomb", sink.post("/monaExport", bomb, Content_Encoding="gzip")[0] == 413)
        deep = '{"userId":"u","messages":' + "[" * 10000
        checks.check("deep", sink.post("/monaExport", deep)[0] == 400)
        with socket.create_connection(("127.0.0.1", sink.rest_port), 20) as raw:
            raw.sendall(b"POST /export HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
            checks.check("two readings", raw.recv(100).startswith(b"HTTP/1.1 400 "))
        checks.check("it goes on", sink.post("/monaExport", envelope_of(message({"a": 1})))[0] == 200)
        sink.stop()


def the_summary_is_what_is_documented(checks):
    with Rest() as sink:
        sink.post("/monaExport", envelope_of(message({"a": 1})))
        rest = sink.stop()["rest"]
    with open(os.path.join(ROOT, "docs", "sink.md"), encoding="utf-8") as file:
        text = file.read()
    for member in list(rest) + list(rest["violations_by"]) + list(rest["http"]):
        checks.check("docs/sink.md explains " + member, "`%s`" % member in text)


def wrong_arguments_exit_2_and_a_taken_port_1(checks):
    for arguments, named in ((["--strict"], "--rest-port"), (["--rest-token", "t"], "--rest-port"),
                             (["--rest-port", "70000"], "--rest-port"),
                             (["--rest-port", "0", "--rest-token-life", "0"], "--rest-token-life"),
                             (["--rest-port", "0", "--rest-answers", "503,maybe"], "--rest-answers")):
        done = subprocess.run([MONARC, "sink", *arguments], capture_output=True, text=True, timeout=20 * SLOWER)
        checks.check("%s: exit 2" % arguments, done.returncode == 2, done)
        checks.check("%s: named" % arguments, named in done.stderr, done.stderr)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run([MONARC, "sink", "--port", "0", "--rest-port", port],
                              capture_output=True, text=True, timeout=20 * SLOWER)
    checks.check("port in use", done.returncode == 1 and "--rest-port" in done.stderr, done)


if __name__ == "__main__":
    MONARC = sys.argv[1]
    ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    sys.exit(Checks().run(
        messages_stand_among_the_events,
        tokens_are_made_and_demanded,
        tokens_end,
        it_misbehaves_as_told,
        gzip_is_taken_if_asked_for,
        violations_make_strict_fail,
        a_goal_counts_messages_too,
        large_and_hostile_requests_are_answered_or_closed,
        the_summary_is_what_is_documented,
        wrong_arguments_exit_2_and_a_taken_port_1,
    ))
