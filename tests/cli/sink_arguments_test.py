"""The command line of `monarc sink`: what it takes, what it says, how it exits.

Usage: sink_arguments_test.py MONARC
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

from sink_process import Checks, Sink, envelope, packed_message, read_acks


def run(*arguments):
    return subprocess.run([MONARC, *arguments], capture_output=True, text=True, timeout=20)


def wrong_arguments_exit_2(checks):
    for arguments, named in (
            ([], "subcommand"),
            (["nonsense"], "nonsense"),
            (["sink", "--nonsense"], "--nonsense"),
            (["sink", "--port", "many"], "--port"),
            (["sink", "--port", "70000"], "--port: must be a whole number from 0 to 65535, got '70000'"),
            (["sink", "--monasca-port", "70000"], "--monasca-port: must be a whole number from 0 to 65535"),
            (["sink", "--rest-port", "0x10"], "--rest-port: must be a whole number from 0 to 65535"),
            (["sink", "--port", "-1"], "--port"),
            (["sink", "--port"], "--port"),
            (["sink", "--idle", "0"], "--idle"),
            (["sink", "--lose", "x"], "--lose"),
            (["sink", "--lose", "-1"], "--lose"),
            (["sink", "--exit-after", "0x10"], "--exit-after"),
            (["sink", "--max-connections", "0"], "--max-connections"),
            (["sink", "extra"], "extra"),
            (["sink", "--host", "no.such.host.invalid"], "--host"),
            (["sink", "--host", ""], "--host")):
        done = run(*arguments)
        checks.check("%s: exit 2" % arguments, done.returncode == 2, (done.returncode, done.stderr))
        checks.check("%s: named on stderr" % arguments, named in done.stderr, done.stderr)
        checks.check("%s: nothing on stdout" % arguments, done.stdout == "", done.stdout)


def help_and_version_exit_0(checks):
    for arguments in (["--help"], ["sink", "--help"]):
        done = run(*arguments)
        checks.check("%s: exit 0" % arguments, done.returncode == 0, done.returncode)
        checks.check("%s: says how" % arguments, "sink" in done.stdout)
    for word in ("--store", "--sum", "--lose", "--no-answer", "--exit-after", "--json-file", "Examples:",
                 "Exit codes:", "repeats", "at_least", "bomb"):
        checks.check("help explains " + word, word in done.stdout)
    version = run("--version")
    checks.check("version", version.returncode == 0 and version.stdout.startswith("monarc "), version)


def what_cannot_be_opened_exits_1(checks):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("sink", "--port", port)
    checks.check("port in use: exit 1", done.returncode == 1, done)
    checks.check("port in use: where", "127.0.0.1:" + port in done.stderr, done.stderr)
    checks.check("port in use: why", "in use" in done.stderr, done.stderr)
    checks.check("port in use: what next", "--port 0" in done.stderr, done.stderr)
    done = run("sink", "--port", "0", "--store", "/no/such/directory/events")
    checks.check("no directory: exit 1", done.returncode == 1, done)
    checks.check("no directory: why", "No such file or directory" in done.stderr, done.stderr)
    done = run("sink", "--port", "0", "--host", "192.0.2.1")
    checks.check("not our address: exit 1", done.returncode == 1, done)


def the_json_summary_is_what_is_documented(checks):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "summary.json")
        with Sink(MONARC, "--json-file", path) as sink:
            with sink.connect() as connection:
                connection.sendall(packed_message("t", [envelope("c", {"n": 1})], "id"))
                read_acks(connection, 1)
            printed = sink.stop()
        with open(path) as file:
            checks.check("the file holds what was printed", json.load(file) == printed)
        checks.check("no draft is left", os.listdir(directory) == ["summary.json"])
    top = ["version", "totals", "refused", "at_least", "classes", "other_classes", "tags", "other_tags", "sum", "monasca",
           "keystone", "rest"]
    checks.check("members", list(printed) == top, list(printed))
    totals = ["events", "repeats", "records", "fields", "class_messages", "special_messages",
              "empty_messages", "plain_events", "contexts", "restored", "forgotten", "messages",
              "repeated_messages", "acknowledged", "cut_off", "bytes_received", "bytes_inflated",
              "connections", "open_connections", "unfinished"]
    checks.check("totals", list(printed["totals"]) == totals, list(printed["totals"]))
    checks.check("sum is null if not asked for", printed["sum"] is None)
    with open(os.path.join(ROOT, "docs", "sink.md")) as file:
        text = file.read()
    for member in totals + list(printed["refused"]) + list(printed["at_least"]) + top:
        checks.check("docs/sink.md explains " + member, "`%s`" % member in text)


def blocked_signals(pid, task):
    with open("/proc/%d/task/%s/status" % (pid, task)) as file:
        mask = next(line for line in file if line.startswith("SigBlk:"))
    return int(mask.split()[1], 16)


def signals_end_it(checks):
    for number in (signal.SIGTERM, signal.SIGINT):
        with Sink(MONARC) as sink:
            pid = sink.process.pid
            others = [task for task in os.listdir("/proc/%d/task" % pid) if int(task) != pid]
            checks.check("%s: there are threads beside the main one" % number.name, others)
            checks.check(
                "%s: only the main thread takes it" % number.name,
                all(blocked_signals(pid, task) >> (number - 1) & 1 for task in others))
            sink.process.send_signal(number)
            checks.check("%s: exit 0 and a summary" % number.name, sink.wait()["version"] == 1)


def human_text_is_the_default(checks):
    process = subprocess.Popen(
        [MONARC, "sink", "--port", "0", "--exit-after", "2"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(packed_message("t", [envelope("c", {"n": 1}), {"x": 1}], "id"))
            checks.check("answered before the end", read_acks(connection, 1) == ["id"])
            out, _ = process.communicate(timeout=10)
    finally:
        if process.poll() is None:
            process.kill()
    checks.check("exit 0", process.returncode == 0)
    checks.check("text", "events    2 " in out and "records   1 with 1 fields" in out, out)


def no_answer_counts_and_is_silent(checks):
    with Sink(MONARC, "--no-answer") as sink:
        with sink.connect() as connection:
            connection.sendall(packed_message("t", [{"x": 1}], "id"))
            connection.settimeout(0.3)
            try:
                checks.check("no byte", connection.recv(1) is None)
            except socket.timeout:
                checks.check("no byte", True)
        totals = sink.stop()["totals"]
    checks.check("counted", (totals["events"], totals["acknowledged"]) == (1, 0), totals)


if __name__ == "__main__":
    MONARC = sys.argv[1]
    ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    sys.exit(Checks().run(
        wrong_arguments_exit_2,
        help_and_version_exit_0,
        what_cannot_be_opened_exits_1,
        the_json_summary_is_what_is_documented,
        signals_end_it,
        human_text_is_the_default,
        no_answer_counts_and_is_silent,
    ))
