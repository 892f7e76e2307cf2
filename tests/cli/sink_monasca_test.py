"""`monarc sink --monasca-port` as a client of Monasca meets it.

Usage: sink_monasca_test.py MONARC
"""

import gzip
import http.client
import json
import math
import os
import random
import re
import socket
import subprocess
import sys
import time

from sink_process import SANITIZED, SLOWER, Checks, Sink, ask_http, is_closed, read_acks, packed_message

MIB = 1 << 20


class Monasca(Sink):
    """A sink that is a Monasca as well."""

    def __init__(self, *arguments):
        super().__init__(MONARC, "--monasca-port", 0, *arguments)
        self.monasca_port = self.next_port("monasca listening")

    def raw(self, timeout=10 * SLOWER):
        return socket.create_connection(("127.0.0.1", self.monasca_port), timeout)

    def ask(self, method, target, body=None, connection=None, **fields):
        """Status, fields and body of one exchange."""
        usual = {"X_Auth_Token": "t", "Accept": "application/json"}
        if method == "POST":
            usual["Content_Type"] = "application/json"
        return ask_http(self.monasca_port, method, target, body, connection, **{**usual, **fields})

    def post(self, metrics, target="/v2.0/metrics", **rest):
        return self.ask("POST", target, json.dumps(metrics), **rest)[0]

    def get(self, target):
        status, _, body = self.ask("GET", target)
        assert status == 200, (status, body)
        return json.loads(body)


class WithKeystone(Monasca):
    """A sink that is a Keystone too."""

    def __init__(self, *arguments):
        super().__init__("--keystone-port", 0, *arguments)
        self.keystone_port = self.next_port("keystone listening")

    def keystone(self, method, target, body=None, **fields):
        return ask_http(self.keystone_port, method, target, body, **fields)

    def log_in(self, user, password="password"):
        """A token for the project mini-mon, or the status."""
        domain = {"name": "Default"}
        status, fields, body = self.keystone("POST", "/v3/auth/tokens", json.dumps({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": user, "password": password, "domain": domain}}},
            "scope": {"project": {"name": "mini-mon", "domain": domain}}}}))
        self.answered = body
        return fields["X-Subject-Token"] if status == 201 else status


def now():
    return int(time.time() * 1000)


def metric(name, value, at=None, **dimensions):
    return {"name": name, "value": value, "timestamp": at or now(), "dimensions": dimensions}


def statuses_and_bodies_are_monascas(checks):
    with Monasca() as sink:
        status, fields, body = sink.ask("POST", "/v2.0/metrics", json.dumps([metric("m", 1.5, host="a")]))
        checks.check("204", (status, body) == (204, b""), (status, body))
        checks.check("request id", fields.get("X-Openstack-Request-Id", "").startswith("req-"), fields)
        checks.check("closes", fields.get("Connection") == "close", fields)
        for what, expected, text in (
                (dict(body="{"), 400, b'{"title":"Bad request","description":"Request body is not valid JSON"}'),
                (dict(body="[]", Content_Type="text/json"), 400,
                 b'{"title":"Bad request","description":"Bad content type. Must be application/json"}'),
                (dict(body="[]", X_Auth_Token=""), 401,
                 b'{"error":{"code":401,"title":"Unauthorized","message":'
                 b'"The request you have made requires authentication."}}'),
                (dict(body=json.dumps([{"name": "a", "timestamp": 1}])), 422,
                 b'{"title":"Unprocessable Entity","description":"\\"\'value\': for metric a\\""}')):
            status, _, body = sink.ask("POST", "/v2.0/metrics", **what)
            checks.check(str(what), (status, body) == (expected, text), (status, body))
        health = sink.ask("GET", "/healthcheck", X_Auth_Token="")
        checks.check("health", health[0] == 200 and json.loads(health[2])["kafka"] == "OK", health)
        monasca = sink.stop()["monasca"]
    checks.check("responses", monasca["responses"] == {"200": 1, "204": 1, "400": 2, "401": 1, "422": 1},
                 monasca["responses"])
    checks.check("posts", (monasca["posts"], monasca["accepted"]) == (4, 1), monasca)
    checks.check("no violation", monasca["violations"] == 0, monasca["violations_by"])


def counts_and_sums_are_exact(checks):
    random.seed(1)
    values = [random.uniform(-1, 1) * 10 ** random.randint(-20, 20) for _ in range(3000)]
    start = now() - 10_000
    with Monasca("--monasca-keep-alive", 5) as sink:
        connection = http.client.HTTPConnection("127.0.0.1", sink.monasca_port, timeout=10 * SLOWER)
        for at in range(0, len(values), 500):
            batch = [metric("f", value, start + at + i, n=str(i % 7)) for i, value in enumerate(values[at:at + 500])]
            checks.check("taken", sink.post(batch, connection=connection) == 204)
        whole = [metric("i", 2 ** 53 + n, start + n) for n in range(0, 100, 2)]
        for _ in range(2):
            checks.check("taken", sink.post(whole, connection=connection) == 204)
        connection.close()
        monasca = sink.stop()["monasca"]
    floats, integers = monasca["metrics"]["f"], monasca["metrics"]["i"]
    checks.check("count", (floats["count"], floats["series"], floats["repeats"]) == (3000, 7, 0), floats)
    checks.check("sum", floats["sum"] == math.fsum(values), (floats["sum"], math.fsum(values)))
    checks.check("repeats", (integers["count"], integers["repeats"]) == (100, 50), integers)
    once = math.fsum(m["value"] for m in whole)
    checks.check("sum of both", (integers["sum"], integers["repeated_sum"]) == (2 * once, once), integers)
    checks.check("all", monasca["accepted"] == 3100 and monasca["points"] == 3050, monasca)
    checks.check("one connection", monasca["http"]["connections"] == 1, monasca["http"])


def what_was_sent_can_be_read_page_by_page(checks):
    start = now() - 100_000
    since = "&start_time=" + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start // 1000))
    with Monasca() as sink:
        batch = [metric("load", n, start + n, host="h%d" % (n % 3)) for n in range(30)] + [metric("other", 1)]
        checks.check("taken", sink.post(batch) == 204)
        names = [e["name"] for e in sink.get("/v2.0/metrics/names")["elements"]]
        checks.check("names", names == ["load", "other"], names)
        checks.check("hosts", [e["dimension_value"] for e in sink.get(
            "/v2.0/metrics/dimensions/names/values?dimension_name=host")["elements"]] == ["h0", "h1", "h2"])

        def pages(target):
            while target:
                page = sink.get(target)
                yield page["elements"]
                target = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
                target = target and target[target.index("/v2.0"):]

        series = [e for elements in pages("/v2.0/metrics?limit=1") for e in elements]
        checks.check("series", [e["id"] for e in series] == ["0", "1", "2", "3"], series)
        for how in ("&merge_metrics=true", "&group_by=host"):
            found = [row[1] for elements in pages("/v2.0/metrics/measurements?name=load&limit=4" + since + how)
                     for e in elements for row in e["measurements"]]
            checks.check(how, sorted(found) == list(range(30)), found)
        statistics = sink.get(
            "/v2.0/metrics/statistics?name=load&statistics=count,sum&merge_metrics=true&period=86400" + since)
        rows = [row for e in statistics["elements"] for row in e["statistics"]]
        checks.check("statistics", (sum(r[1] for r in rows), sum(r[2] for r in rows)) == (30, 435), rows)
        status, _, body = sink.ask("GET", "/v2.0/metrics/measurements?name=load" + since)
        checks.check("several series", status == 409 and b'"MultipleMetrics"' in body, (status, body))
        sink.stop()


def violations_are_named_and_make_strict_fail(checks):
    with Monasca("--strict") as sink:
        for _ in range(30):
            checks.check("taken", sink.post([metric("m", 1, time="x\x1b[2J")]) == 204)
        sink.process.terminate()
        out, _ = sink.process.communicate(timeout=20 * SLOWER)
        log = sink.log()
    checks.check("exit 1", sink.process.returncode == 1, sink.process.returncode)
    by = json.loads(out)["monasca"]["violations_by"]
    checks.check("counted", by["time_key"] == 30 and by["control"] == 30, by)
    checks.check("logged a few times", log.count("contract violation: time_key") == 5, log)
    checks.check("nothing of a terminal's", "\x1b" not in log, log)
    with Monasca("--strict") as sink:
        sink.post([metric("m", 1, host="a")])
        checks.check("exit 0 without", sink.stop()["monasca"]["violations"] == 0)


def memory_is_bounded_and_counts_go_on(checks):
    with Monasca("--monasca-memory", 1, "--monasca-keep-alive", 5) as sink:
        connection = http.client.HTTPConnection("127.0.0.1", sink.monasca_port, timeout=10 * SLOWER)
        start = now() - 100_000
        for at in range(0, 20_000, 1000):
            batch = [metric("m", 1, start + at + i) for i in range(1000)]
            checks.check("taken", sink.post(batch, connection=connection) == 204)
        connection.close()
        monasca = sink.stop()["monasca"]
    checks.check("counted", monasca["metrics"]["m"]["count"] == 20_000, monasca)
    checks.check("dropped", monasca["dropped_points"] > 10_000, monasca)
    checks.check("together", monasca["dropped_points"] + monasca["points"] == 20_000, monasca)


def a_token_can_be_demanded(checks):
    token = "demanded-word"
    with Monasca("--monasca-token", token) as sink:
        checks.check("wrong", sink.post([], X_Auth_Token="guess") == 401)
        checks.check("right", sink.post([metric("m", 1)], X_Auth_Token=token) == 204)
        with open("/proc/%d/cmdline" % sink.process.pid) as words:
            line = words.read()
        checks.check("D-11.9 not in the list of processes", token not in line and "\0%s\0" % ("*" * len(token)) in line, line)
        sink.stop()
        checks.check("not printed", token not in sink.log(), sink.log())
        checks.check("D-11.9 warned about", "--monasca-token: a secret on a command line" in sink.log(), sink.log())


def hostile_peers_are_answered_or_closed(checks):
    def answer(sink, data):
        with sink.raw() as connection:
            try:
                connection.sendall(data)
            except ConnectionError:
                pass
            out = b""
            try:
                while piece := connection.recv(65536):
                    out += piece
            except ConnectionError:
                pass
        return out.split(b" ")[1] if out else b""

    head = b"POST /v2.0/metrics HTTP/1.1\r\nX-Auth-Token: t\r\nContent-Type: application/json\r\n"
    with Monasca() as sink:
        for name, data, status in (
                ("endless header", b"GET / HTTP/1.1\r\nA: " + b"x" * 20_000, b"431"),
                ("claim of 1 TiB", head + b"Content-Length: %d\r\n\r\n" % (1 << 40), b"413"),
                ("nine MiB", head + b"Content-Length: %d\r\n\r\n" % (9 * MIB) + bytes(MIB), b"413"),
                ("two lengths", head + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]", b"400"),
                ("length and coding", head + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n[]", b"400"),
                ("fold", head + b"A: b\r\n c\r\nContent-Length: 2\r\n\r\n[]", b"400"),
                ("chunked", head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", b"400"),
                ("MessagePack", b"\x93\xa1t\x01\x80\r\n\r\n", b"400"),
                ("a million brackets", head + b"Content-Length: %d\r\n\r\n" % MIB + b"[" * MIB, b"400"),
                ("too many values", head + b"Content-Length: %d\r\n\r\n" % (4 * MIB + 3) + b"[0" + b",0" * (2 * MIB)
                 + b"]", b"413"),
                ("eight MiB of blanks", head + b"Content-Length: %d\r\n\r\n" % (8 * MIB) + b" " * (8 * MIB - 2)
                 + b"[]", b"204")):
            got = answer(sink, data)
            checks.check(name, got == status, got)
        checks.check("memory", sink.peak_kib() < 300 * 1024 or SANITIZED, sink.peak_kib())
        with sink.raw() as half:
            half.sendall(head)
            checks.check("others are served", sink.post([metric("m", 1)]) == 204)
        monasca = sink.stop()["monasca"]
    checks.check("counted", monasca["accepted"] == 1, monasca)
    checks.check("too large", monasca["http"]["too_large"] == 3, monasca["http"])
    checks.check("malformed", monasca["http"]["malformed"] == 4, monasca["http"])


def an_idle_connection_is_closed(checks):
    with Monasca("--idle", "0.2") as sink:
        with sink.raw() as connection:
            checks.check("closed", is_closed(connection))
        sink.stop()


def forward_goes_on_beside_it(checks):
    with Monasca() as sink:
        with sink.connect() as connection:
            connection.sendall(packed_message("t", [{"x": 1}], "id"))
            checks.check("acknowledged", read_acks(connection, 1) == ["id"])
        checks.check("taken", sink.post([metric("m", 1)]) == 204)
        summary = sink.stop()
    checks.check("both", (summary["totals"]["events"], summary["monasca"]["accepted"]) == (1, 1), summary)


def a_login_opens_monasca_and_roles_decide(checks):
    with WithKeystone() as sink:
        said = [sink.process.stdout.readline() for _ in range(2)]
        checks.check("the usual users are printed", "user mini-mon, password password" in said[0] and
                     "roles monasca-agent admin" in said[1], said)
        token = sink.log_in("mini-mon")
        catalogue = json.loads(sink.answered)["token"]["catalog"]
        url = {service["type"]: service["endpoints"][0]["url"] for service in catalogue}["monitoring"]
        checks.check("the catalogue", url == "http://127.0.0.1:%d/v2.0" % sink.monasca_port, url)
        checks.check("a token", sink.post([metric("m", 1)], X_Auth_Token=token) == 204)
        checks.check("no token", sink.post([metric("m", 1)]) == 401)
        agent = sink.log_in("monasca-agent")
        checks.check("an agent sends", sink.post([metric("m", 1)], X_Auth_Token=agent) == 204)
        checks.check("an agent reads", sink.ask("GET", "/v2.0/metrics", X_Auth_Token=agent)[0] == 401)
        checks.check("wrong password", sink.log_in("mini-mon", "wrong") == 401)
        gone = sink.keystone("DELETE", "/v3/auth/tokens", X_Auth_Token=agent, X_Subject_Token=token)
        checks.check("revoked", gone[0] == 204 and sink.post([metric("m", 1)], X_Auth_Token=token) == 401, gone)
        keystone = sink.stop()["keystone"]
    checks.check("summary", keystone == {"logins": 2, "refused_logins": 1, "revoked": 1,
                                         "responses": {"201": 2, "204": 1, "401": 1}}, keystone)


def users_and_the_life_of_a_token_are_options(checks):
    with WithKeystone("--keystone-user", "me:p@ss:word@mini-mon/monasca-user", "--keystone-user",
                      "it:x@mini-mon/", "--keystone-token-life", 5 * SLOWER) as sink:
        said = [sink.process.stdout.readline() for _ in range(2)]
        checks.check("no password is printed", "p@ss" not in said[0] and "user me, project" in said[0], said)
        checks.check("the usual ones are gone", sink.log_in("mini-mon") == 401)
        checks.check("no role, no scope", sink.log_in("it", "x") == 401)
        token = sink.log_in("me", "p@ss:word")
        checks.check("good at first", sink.post([metric("m", 1)], X_Auth_Token=token) == 204)
        end = time.monotonic() + 20 * SLOWER
        while sink.post([metric("m", 1)], X_Auth_Token=token) == 204 and time.monotonic() < end:
            time.sleep(0.05)
        checks.check("over later", sink.post([metric("m", 1)], X_Auth_Token=token) == 401)


def switches_make_it_another_monasca(checks):
    packed = gzip.compress(json.dumps([metric("m", 1)]).encode())
    for arguments, expected in (((), 400), (("--monasca-gzip",), 204), (("--monasca-switch", "gzip=accept"), 204),
                                (("--monasca-switch", "profile=java"), 204)):
        with Monasca(*arguments) as sink:
            status = sink.ask("POST", "/v2.0/metrics", packed, Content_Encoding="gzip")[0]
            checks.check("gzip %s" % (arguments,), status == expected, status)
    with Monasca("--monasca-switch", "no_role", "--monasca-switch", "keepalive=7s") as sink:
        status, fields, _ = sink.ask("POST", "/v2.0/metrics", "[]")
        checks.check("both", status == 401 and fields["Connection"] == "keep-alive", (status, fields))
        checks.check("while it runs", sink.ask("PUT", "/sink/switches", "no_role=off\nhalf_close")[0] == 204)
        with sink.raw() as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            checks.check("half closed: an end without an answer", raw.recv(100) == b"")
            raw.sendall(b"still open")
        sink.ask("PUT", "/sink/switches", "half_close=off\nreset_after=1")
        checks.check("one more", sink.post([metric("m", 1)]) == 204)
        try:
            checks.check("reset", not sink.post([metric("m", 1)]))
        except ConnectionError:
            pass
        wrong = sink.ask("PUT", "/sink/switches", "gzip=maybe")
        checks.check("refused", wrong[0] == 400 and b"accept or refuse" in wrong[2], wrong)


def a_seed_and_a_time_make_two_runs_alike(checks):
    def run(*arguments):
        with WithKeystone("--monasca-time", "2026-11-21T12:00:00Z", *arguments) as sink:
            token = sink.log_in("mini-mon")
            ask = lambda target, body: sink.ask("POST", target, json.dumps(body), X_Auth_Token=token)[2]
            ask("/v2.0/alarm-definitions", {"name": "d", "expression": "m > 1"})
            ask("/v2.0/metrics", [metric("m", 2, 1795262400000)])
            return token, re.sub(rb":\d+/", b"/", sink.ask("GET", "/v2.0/alarms", X_Auth_Token=token)[2])
    one, two = run("--monasca-seed", 5), run("--monasca-seed", 5)
    checks.check("alike", one == two, (one, two))
    checks.check("at that time", b'"created_timestamp":"2026-11-21T12:00:00Z"' in one[1], one)
    checks.check("unlike", run("--monasca-seed", 6) != one and run() != run())


def the_summary_is_what_is_documented(checks):
    with Monasca() as sink:
        sink.post([metric("m", 1)])
        monasca = sink.stop()["monasca"]
    with open(os.path.join(ROOT, "docs", "sink.md")) as file:
        text = file.read()
    for member in list(monasca) + list(monasca["violations_by"]) + list(monasca["http"]) + list(monasca["metrics"]["m"]):
        checks.check("docs/sink.md explains " + member, "`%s`" % member in text)


def wrong_arguments_exit_2_and_a_taken_port_1(checks):
    for arguments, named in ((["--strict"], "--monasca-port"), (["--monasca-token", "t"], "--monasca-port"),
                             (["--monasca-port", "70000"], "--monasca-port"),
                             (["--monasca-port", "0", "--monasca-memory", "0"], "--monasca-memory"),
                             (["--monasca-port", "0", "--monasca-switch", "gzip=maybe"], "gzip wants accept or refuse"),
                             (["--monasca-port", "0", "--monasca-time", "noon"], "--monasca-time"),
                             (["--monasca-port", "0", "--monasca-seed", "-1"], "--monasca-seed"),
                             (["--keystone-port", "0"], "--monasca-port"),
                             (["--monasca-port", "0", "--keystone-port", "0", "--keystone-user", "me"],
                              "USER:PASSWORD@PROJECT/ROLE"),
                             (["--monasca-port", "0", "--keystone-port", "0", "--monasca-token", "t"],
                              "--monasca-token")):
        done = subprocess.run([MONARC, "sink", *arguments], capture_output=True, text=True, timeout=20)
        checks.check("%s: exit 2" % arguments, done.returncode == 2, done)
        checks.check("%s: named" % arguments, named in done.stderr, done.stderr)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [MONARC, "sink", "--port", "0", "--monasca-port", port], capture_output=True, text=True, timeout=20)
    checks.check("port in use", done.returncode == 1 and "--monasca-port" in done.stderr, done)


if __name__ == "__main__":
    MONARC = sys.argv[1]
    ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    sys.exit(Checks().run(
        statuses_and_bodies_are_monascas,
        counts_and_sums_are_exact,
        what_was_sent_can_be_read_page_by_page,
        violations_are_named_and_make_strict_fail,
        memory_is_bounded_and_counts_go_on,
        a_token_can_be_demanded,
        hostile_peers_are_answered_or_closed,
        an_idle_connection_is_closed,
        forward_goes_on_beside_it,
        a_login_opens_monasca_and_roles_decide,
        users_and_the_life_of_a_token_are_options,
        switches_make_it_another_monasca,
        a_seed_and_a_time_make_two_runs_alike,
        the_summary_is_what_is_documented,
        wrong_arguments_exit_2_and_a_taken_port_1,
    ))
