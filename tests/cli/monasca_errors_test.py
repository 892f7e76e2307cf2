"""`monasca` where things go wrong, and what it can do beyond its model: against servers on loopback
that answer what a case says.

    monasca_errors_test.py MONASCA
"""

import json
import os
import signal
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import cases
from monasca_process import EMPTY_LIST, MONASCA, PATIENCE, closed_port, environment, expect, folder, run, server


def refused():
    url = f"http://127.0.0.1:{closed_port()}"
    return expect(run("metric-list", url=url), 1, err=[f"Unable to establish connection to {url}/v2.0/metrics"])


def html():
    with server(lambda r: (200, {"Content-Type": "text/html"}, "<html>hello</html>")) as s:
        return expect(run("metric-list", url=s.url), 1, err=["not with JSON", "<html>hello"])


def deep_json():
    with server(lambda r: (200, {}, "[" * 1_000_000 + "]" * 1_000_000)) as s:
        return expect(run("metric-list", url=s.url), 1, err=["not with JSON"])


def huge_answer():
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except OSError:
            pass
        return None
    with server(endless) as s:
        s.released.set()
        return expect(run("metric-list", url=s.url), 1, err=["larger than"])


def keystone_html():
    with server(lambda r: (200, {}, "<html>no Keystone</html>")) as s:
        done = run("metric-list", OS_AUTH_URL=s.url + "/v3", OS_USERNAME="u", OS_PASSWORD="secret-word")
        return expect(done, 1, err=["without a token; is it Keystone?"]) or (
            "the password is in the text" if "secret-word" in done.stderr else None)


def long_token():
    with server(lambda r: (200, {}, EMPTY_LIST)) as s:
        done = run("metric-list", url=s.url, OS_TOKEN="t" * 8001)
        return expect(done, 1, err=["at most 8000 bytes, got 8001"]) or (
            "a request was sent" if s.requests else None)


def header_injection():
    with server(lambda r: (200, {}, EMPTY_LIST)) as s:
        done = run("metric-list", url=s.url, OS_TOKEN="t\r\nX-Evil: 1")
        return expect(done, 1, err=["visible ASCII"]) or ("a request was sent" if s.requests else None)


def foreign_redirect():
    with server(lambda r: (200, {}, EMPTY_LIST)) as other:
        with server(lambda r: (302, {"Location": other.url + "/v2.0/metrics"}, "")) as s:
            done = run("metric-list", url=s.url)
            return expect(done, 1, err=["another place, where no token is sent"]) or (
                "the other server was asked" if other.connections else None)


def endless_redirects():
    with server(lambda r: (301, {"Location": r.path}, "")) as s:
        return expect(run("metric-list", url=s.url), 1, err=["redirected more than 30 times"])


def closed_output():
    read, write = os.pipe()
    os.close(read)
    with server(lambda r: (200, {}, EMPTY_LIST)) as s:
        done = subprocess.run([MONASCA, "metric-list"], env=environment(s.url), stdout=write, timeout=PATIENCE)
    os.close(write)
    return None if done.returncode == 141 else f"exit {done.returncode}, not 141"


def narrow_terminal():
    with server(lambda r: (200, {}, {"links": [], "elements": [{"name": "a long name", "dimensions": {}}]})) as s:
        wide, narrow = (run("metric-list", url=s.url, COLUMNS=columns) for columns in ("200", "1"))
        return expect(narrow, 0, out=wide.stdout) or (None if "a long name" in narrow.stdout else narrow.stdout)


def no_tables():
    """A list may be of any shape; nothing crashes."""
    for elements in ([1, "a", None, [], {}], [{"name": None, "dimensions": 5}], [[[[]]]]):
        for command in (["metric-list"], ["alarm-list"], ["alarm-history", "x"], ["notification-list"],
                        ["alarm-definition-list"], ["measurement-list", "a", "b"],
                        ["metric-statistics", "a", "avg", "b"]):
            with server(lambda r: (200, {}, {"links": [], "elements": elements})) as s:
                done = run(*command, url=s.url)
                if done.returncode != 0:
                    return f"{command} {elements}: {done}"
    return None


def broken_clouds():
    for text in ("clouds:\n  a: [", "\t", "clouds: 5\n", "- a\n", "clouds:\n  a: &x\n    b: *y\n"):
        with folder(clouds_yaml=text) as path:
            done = run("metric-list", "--os-cloud", "a", cwd=path)
            if done.returncode != 1 or "clouds.yaml" not in done.stderr:
                return f"{text!r}: {done}"
    return None


def cloud_choices():
    one = "{name}:\n    auth_type: admin_token\n    auth: {{token: t, endpoint: '{url}/v2.0'}}\n  "
    with server(lambda r: (200, {}, EMPTY_LIST)) as s:
        first, second = (one.format(name=name, url=s.url) for name in ("first", "second"))
        with folder() as path:
            none = expect(run("metric-list", "--os-cloud", "first", cwd=path), 1, err=["no clouds.yaml"])
        with folder(clouds_yaml="clouds:\n  " + first) as path:
            only = expect(run("metric-list", cwd=path), 0, out="\n")
        with folder(clouds_yaml="clouds:\n  " + first + second) as path:
            two = expect(run("metric-list", cwd=path), 1, err=["choose one with --os-cloud: first, second"])
            chosen = expect(run("metric-list", cwd=path, OS_CLOUD="second"), 0, out="\n")
        return none or only or two or chosen


def strict():
    words = ["alarm-list", "--state", "BROKEN"]
    text = "Invalid state, not one of [UNDETERMINED, ALARM, OK]"
    return expect(run(*words), 0, out=text + "\n") or expect(run(*words, "--strict"), 1, err=[text])


def all_pages():
    def page(handler):
        number = int(handler.path.partition("offset=")[2] or 0)
        links = [{"rel": "next", "href": f"http://elsewhere/v2.0/metrics?offset={number + 1}"}] if number < 3 else []
        return 200, {}, {"links": links, "elements": [{"name": f"m{number}"}]}
    with server(page) as s:
        done = run("metric-list", "-j", "--all", url=s.url)
        names = [m["name"] for m in json.loads(done.stdout or "[]")]
        if names != ["m0", "m1", "m2", "m3"] or s.connections != 1:
            return f"{names}, {s.connections} connections: {done}"
    with server(lambda r: (200, {}, {"links": [{"rel": "next", "href": "?offset=1"}], "elements": []})) as s:
        return expect(run("metric-list", "--all", url=s.url), 1, err=["the same page again"])


def interrupted():
    def page(handler):
        if "offset" in handler.path:
            return None
        return 200, {}, {"links": [{"rel": "next", "href": "?offset=1"}], "elements": [{"name": "a"}]}
    with server(page) as s:
        process = subprocess.Popen([MONASCA, "metric-list", "--all"], env=environment(s.url),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + PATIENCE
        while len(s.requests) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        return None if process.returncode == 130 and not out else f"{process.returncode} {out} {err}"


def time_out():
    with server(lambda r: None) as s:
        begin = time.monotonic()
        done = run("metric-list", "--timeout", "0.5", url=s.url)
        took = time.monotonic() - begin
        return expect(done, 1, err=["no answer in time"]) or (f"took {took} s" if took > 30 else None)


def hidden_password():
    with server(lambda r: None) as s:
        process = subprocess.Popen(
            [MONASCA, "--os-password", "secret-word", "--os-username=u", "--os-auth-url", s.url, "metric-list"],
            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + PATIENCE
        while not s.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        with open(f"/proc/{process.pid}/cmdline", encoding="utf-8") as file:
            line = file.read()
        process.kill()
        process.communicate(timeout=PATIENCE)
        return f"it stands in {line!r}" if "secret-word" in line else None


def asked_password():
    """A terminal of our own: the command asks there, and shows nothing of the answer."""
    with server(lambda r: (401, {}, {"error": {"message": "no"}})) as s:
        main, terminal = os.openpty()
        process = subprocess.Popen(
            [MONASCA, "metric-list"], env=environment(None, OS_AUTH_URL=s.url + "/v3", OS_USERNAME="u"),
            stdin=terminal, stdout=subprocess.PIPE, stderr=terminal)
        shown = b""
        while b"Password: " not in shown:
            shown += os.read(main, 1000)
        os.write(main, b"typed-word\n")
        process.communicate(timeout=PATIENCE)
        os.close(terminal)
        try:
            while piece := os.read(main, 1000):
                shown += piece
        except OSError:
            pass
        os.close(main)
        sent = json.loads(s.requests[0][2])["auth"]["identity"]["password"]["user"]["password"] if s.requests else None
        return None if sent == "typed-word" and b"typed-word" not in shown else f"sent {sent}, shown {shown}"


def debug_hides():
    def keystone(handler):
        if handler.command == "POST":
            catalogue = [{"type": "monitoring", "endpoints": [
                {"interface": "public", "region": "R", "url": s.url + "/v2.0"}]}]
            return 201, {"X-Subject-Token": "issued-token"}, {"token": {"catalog": catalogue}}
        return 200, {}, EMPTY_LIST
    with server(keystone) as s:
        done = run("--debug", "metric-list", OS_AUTH_URL=s.url + "/v3", OS_USERNAME="u", OS_PASSWORD="secret-word")
        leaks = [word for word in ("secret-word", "issued-token") if word in done.stderr]
        return expect(done, 0, out="\n", err=["POST", "/v3/auth/tokens", "***"]) or (f"leaks {leaks}" if leaks else None)


def echoed_secrets():
    """A server that repeats what it was sent, a redirect, an address: none brings a secret to the screen."""
    def keystone(handler):
        return 401, {}, {"error": {"message": "no such password: " + 'the"secret'}}
    with server(keystone) as s:
        done = run("--debug", "metric-list", OS_AUTH_URL=s.url + "/v3", OS_USERNAME="u", OS_PASSWORD='the"secret')
        if done.returncode != 1 or "secret" in done.stderr or "***" not in done.stderr:
            return str(done)
    with server(lambda r: (302, {"Location": "http://elsewhere/?token=a-token"}, "")) as s:
        done = run("metric-list", url=s.url)
        if done.returncode != 1 or "a-token" in done.stderr or "elsewhere" not in done.stderr:
            return str(done)
    done = run("metric-list", "--monasca-api-url", "http://u:the-secret@h/", OS_TOKEN="t")
    return None if done.returncode == 1 and "secret" not in done.stderr and "url must be" in done.stderr else str(done)


def raw_from_stdin():
    metrics = [{"name": f"m{i}", "timestamp": i, "value": i, "dimensions": {"text": "} ] \" \\"}}
               for i in range(1200)]
    forms = ["\n".join(json.dumps(m) for m in metrics), json.dumps(metrics), json.dumps(metrics, indent=1)]
    for text in forms:
        with server(lambda r: (204, {}, "")) as s:
            wrong = expect(run("metric-create-raw", "-", url=s.url, input=text), 0,
                           out="Successfully created metric\n")
            bodies = [json.loads(body) for _, _, body, _ in s.requests]
            if wrong or [len(b) for b in bodies] != [500, 500, 200] or sum(bodies, []) != metrics:
                return wrong or f"bodies of {[len(b) for b in bodies]}"
            if s.connections != 1:
                return f"{s.connections} connections"
    return None


def raw_from_file():
    with folder(metrics='{"name": "a"}\n\n{"name": "b"}') as path, server(lambda r: (204, {}, "")) as s:
        wrong = expect(run("metric-create-raw", "@metrics", url=s.url, cwd=path), 0,
                       out="Successfully created metric\n")
        return wrong or expect(run("metric-create-raw", "@nothing", url=s.url, cwd=path), 1, err=["nothing: No such"]) or (
            None if [r[2] for r in s.requests] == ['[{"name": "a"},{"name": "b"}]'] else str(s.requests))


def raw_bad_input():
    rows = [("5", "line 1: '5'"), ('{"a":1', "has no end"), ('[{"a":1}', "the array has no end"),
            ('{"a":1}\n{"a":nope}', "metric 2 is no JSON")]
    for text, why in rows:
        with server(lambda r: (204, {}, "")) as s:
            if wrong := expect(run("metric-create-raw", "-", url=s.url, input=text), 1, err=[why]):
                return f"{text!r}: {wrong}"
    return None


def old_alarm_create():
    for status in (404, 405):
        answers = {"/v2.0/alarms": (status, {}, {"title": "no"}), "/v2.0/alarm-definitions": (201, {}, {"id": "1"})}
        with server(lambda r: answers[r.path]) as s:
            done = run("alarm-create", "n", "x>1", "--severity", "LOW", url=s.url)
            bodies = [json.loads(r[2]) for r in s.requests]
            wrong = expect(done, 0, out='{\n  "id": "1"\n}\n', err=["alarm definition with the same fields"])
            if wrong or bodies != [{"name": "n", "expression": "x>1", "severity": "LOW"}] * 2:
                return wrong or str(bodies)
    return None


def old_alarm_update():
    with server(lambda r: (200, {}, {})) as s:
        done = run("alarm-update", "1", "n", "x>1", "true", "OK", url=s.url)
        return expect(done, 2, err=["alarm-definition-update", "alarm-definition-patch"]) or (
            "a request was sent" if s.requests else None)


def empty_texts():
    """Empty positional words are sent, empty options are not; an empty answer to a change is a success."""
    rows = [(["measurement-list", "", "t"], "/metrics/measurements?name=&start_time=t"),
            (["metric-list", "--name", "", "--dimensions", ""], "/metrics?dimensions="),
            (["notification-list", "--sort-by", "name\tdesc"], "/notification-methods?sort_by=name%09desc")]
    for words, path in rows:
        with server(lambda r: (200, {}, EMPTY_LIST)) as s:
            wrong = expect(run(*words, url=s.url), 0, out="\n")
            if wrong or [r[1] for r in s.requests] != ["/v2.0" + path]:
                return f"{words}: {wrong} {s.requests}"
    with server(lambda r: (201, {}, "")) as s:
        done = run("alarm-definition-patch", "x", "--ok-actions", "", "--ok-actions", "a", url=s.url)
        return expect(done, 0, out="[]\n") or (
            None if json.loads(s.requests[0][2]) == {"ok_actions": ["", "a"]} else str(s.requests))


def helps():
    for words, out in ((["help", "metric-na"], "usage: monasca metric-name-list"), (["help", "complete"], "usage: monasca"),
                       (["help", "alarm-h"], 'Command "alarm-h" matches:'), (["com"], "_monasca()"), (["-h"], "usage: ")):
        done = run(*words)
        if done.returncode != 0 or not done.stdout.startswith(out) or done.stderr:
            return f"{words}: {done}"
    for words in (["help", "frob"], ["frob", "--help"], ["-h", "frob"]):
        if wrong := expect(run(*words), 1, err=["'frob' is not a valid subcommand"]):
            return f"{words}: {wrong}"
    return None


def formats():
    elements = [{"name": "a, \"b\"", "dimensions": {"k": "v", "l": 1}}]
    with server(lambda r: (200, {}, {"links": [], "elements": elements})) as s:
        rows = [("csv", 'name,dimensions\n"a, ""b""","k: v\nl: 1"\n'), ("value", 'a, "b" k: v l: 1\n'),
                ("json", json.dumps(elements, indent=2) + "\n"),
                ("yaml", '- "name": "a, \\"b\\""\n  "dimensions":\n    "k": "v"\n    "l": 1\n')]
        for name, out in rows:
            if wrong := expect(run("metric-list", "--format", name, url=s.url), 0, out=out):
                return wrong
        return expect(run("metric-list", "--format", "xml", url=s.url), 2, err=["--format: invalid choice"])


def relative_times():
    with server(lambda r: (200, {}, EMPTY_LIST)) as s:
        for text in ("-120", "now-120m", "now-2h"):
            run("metric-list", f"--starttime={text}", url=s.url)
        starts = {r[1].partition("start_time=")[2][:14] for r in s.requests}
        if len(s.requests) != 3 or len(starts) > 2 or not all(starts):
            return str(s.requests)
        return expect(run("metric-list", "--starttime=-2h", url=s.url), 1, err=["now-2h"])


def completions():
    for words, piece in ((["complete"], "complete -o default -F _monasca monasca"),
                         (["complete", "--shell", "zsh"], "#compdef monasca"),
                         (["complete", "--shell=fish"], "-l merge_metrics"), (["man-page"], ".SS metric\\-create")):
        done = run(*words)
        if done.returncode != 0 or piece not in done.stdout or done.stderr:
            return str(done)
    script = run("complete").stdout
    done = subprocess.run(["bash", "-c", script + "\nCOMP_WORDS=(monasca alarm-count --gr); COMP_CWORD=2; _monasca; "
                           'echo "${COMPREPLY[@]}"'], text=True, capture_output=True, timeout=PATIENCE)
    return None if done.stdout.strip() == "--group-by" and not done.stderr else str(done)


def documented():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/monasca.md"), encoding="utf-8") as file:
        text = file.read()
    words = [line.split()[0] for line in run("help").stdout.splitlines() if line.startswith("  ") and line[2:3].isalpha()]
    words += [word for line in run("help").stdout.splitlines() if line.startswith("  -")
              for word in line.replace(",", " ").replace(")", " ").split() if word.startswith("--")]
    missing = [word for word in words if f"`{word}" not in text and f" {word}" not in text]
    return f"docs/monasca.md has no {missing}" if missing or len(words) < 80 else None


cases.main([
    ("a refused connection is told with its address", refused),
    ("HTML in the place of JSON", html),
    ("JSON nested a million deep", deep_json),
    ("an answer without an end", huge_answer),
    ("a Keystone that answers HTML", keystone_html),
    ("a token of more than 8000 bytes is not sent", long_token),
    ("a token with a line break is not sent", header_injection),
    ("a redirect to another place is not followed", foreign_redirect),
    ("a redirect to itself has an end", endless_redirects),
    ("stdout closed early: exit 141", closed_output),
    ("a terminal 1 column wide changes no table", narrow_terminal),
    ("elements of any shape crash nothing", no_tables),
    ("clouds.yaml broken", broken_clouds),
    ("clouds.yaml absent, with one cloud, with two and none chosen", cloud_choices),
    ("--strict makes a soft refusal exit 1", strict),
    ("--all follows next over one connection, and notices a circle", all_pages),
    ("Ctrl-C in the middle of paging: exit 130", interrupted),
    ("--timeout ends a wait", time_out),
    ("a password on the command line is not left in the list of processes", hidden_password),
    ("a password is asked for on a terminal, unseen", asked_password),
    ("--debug shows no secret", debug_hides),
    ("secrets that come back are not shown", echoed_secrets),
    ("metric-create-raw reads many metrics from stdin, in batches, over one connection", raw_from_stdin),
    ("metric-create-raw reads a file", raw_from_file),
    ("metric-create-raw says where bad input is", raw_bad_input),
    ("alarm-create falls back to alarm definitions", old_alarm_create),
    ("alarm-update with five words names the new commands", old_alarm_update),
    ("empty words, empty options, empty answers", empty_texts),
    ("help of a command, of several, of none", helps),
    ("csv, value, json and yaml", formats),
    ("start times before now", relative_times),
    ("completions and the manual page", completions),
    ("docs/monasca.md has every command and option", documented),
])
