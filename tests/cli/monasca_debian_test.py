"""Every subcommand of Debian's python3-monascaclient against `monarc sink`, and `monasca` with the same arguments against
a sink in the same state: both print the same and end alike.

    monasca_debian_test.py MONASCA MONARC

The package is installed if it is not there and this runs as root; else the cases are skipped.
"""

import os
import re
import signal
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import cases

OURS, MONARC = (os.path.abspath(path) for path in sys.argv[1:3])
THEIRS = "/usr/bin/monasca"
VERSION = "2.6.0"
PATIENCE = 60
NOW = 1795262400000
START = "2026-11-21T11:00:00Z"
# These print words of their own, which are free.
FREE = {"help", "complete"}


def created(*argv):
    return ("metric-create", *argv)


def at(seconds_ago):
    return ("--time", str(NOW - seconds_ago * 1000))


# Arguments after the program's name. `{x}` stands for the id in what the command marked `x:` printed.
SCENE = [
    created("cpu.load", "0.25", "--dimensions", "hostname=a,zone=x", *at(50)),
    created("cpu.load", "-1.5", "--dimensions", "hostname=b;zone=x", *at(40)),
    created("cpu.load", "3", "--dimensions", "hostname=b", "--dimensions", "zone=x", "--value-meta", "rc=200,msg=ок",
            *at(30)),
    created("disk.free", "1e16", *at(20)),
    ("metric-create-raw", '{"name":"größe","value":2,"timestamp":%d,"dimensions":{"hostname":"日本","zone":"y"}}' % NOW),
    ("metric-create-raw", '{"name":"bad name","value":2,"timestamp":1}'),
    created("cpu.load", "no number"),
    created("cpu.load", "1", "--dimensions", "malformed"),
    ("metric-list",),
    ("metric-list", "--name", "cpu.load", "--dimensions", "hostname=b"),
    ("metric-list", "--limit", "2", "-j"),
    ("metric-list", "--limit", "2", "--offset", "1"),
    ("metric-list", "--name", "nowhere"),
    ("metric-list", "--limit", "x"),
    ("metric-name-list",),
    ("metric-name-list", "--dimensions", "zone=x", "-j"),
    ("dimension-name-list", "--metric-name", "cpu.load"),
    ("dimension-name-list", "-j"),
    ("dimension-value-list", "hostname"),
    ("dimension-value-list", "zone", "--metric-name", "cpu.load", "-j"),
    ("measurement-list", "cpu.load", START, "--dimensions", "hostname=a"),
    ("measurement-list", "cpu.load", START, "--dimensions", "hostname=b"),
    ("measurement-list", "cpu.load", START, "--merge_metrics"),
    ("measurement-list", "cpu.load", START, "--group_by", "hostname"),
    ("measurement-list", "cpu.load", START, "--group_by", "*", "-j"),
    ("measurement-list", "cpu.load", START),
    ("measurement-list", "nowhere", START),
    ("measurement-list", "cpu.load", "yesterday"),
    ("metric-statistics", "cpu.load", "AVG,min,COUNT", START, "--dimensions", "hostname=b"),
    ("metric-statistics", "cpu.load", "max,sum", START, "--merge_metrics", "--period", "60", "-j"),
    ("metric-statistics", "cpu.load", "max", START, "--group_by", "hostname"),
    ("metric-statistics", "cpu.load", "median", START),

    ("notification-type-list",),
    ("notification-type-list", "-j"),
    ("notification-list",),
    "mail:", ("notification-create", "mail", "EMAIL", "ops@example.org"),
    "hook:", ("notification-create", "hook ü", "WEBHOOK", "http://example.org/h", "--period", "60"),
    ("notification-create", "mail", "EMAIL", "ops@example.org"),
    ("notification-create", "no address", "EMAIL", "nobody"),
    ("notification-create", "no type", "PIGEON", "roof"),
    ("notification-list", "--sort-by", "name desc"),
    ("notification-list", "--limit", "1", "-j"),
    ("notification-list", "--limit", "1", "--offset", "1"),
    ("notification-show", "{mail}"),
    ("notification-show", "{hook}", "-j"),
    ("notification-show", "nowhere"),
    ("notification-update", "{hook}", "hook", "WEBHOOK", "http://example.org/new", "0"),
    ("notification-update", "{hook}", "hook", "WEBHOOK", "no address", "0"),
    ("notification-patch", "{mail}", "--name", "post"),
    ("notification-patch", "nowhere", "--name", "post"),

    ("alarm-definition-list",),
    "high:", ("alarm-definition-create", "load high", "max(cpu.load{zone=x}) > 2 or avg(disk.free) < 0", "--match-by",
              "hostname", "--severity", "high", "--description", "ganz oben"),
    "free:", ("alarm-definition-create", "free", "last(disk.free) >= 1", "--alarm-actions", "{mail}", "--ok-actions",
              "{hook}", "--undetermined-actions", "{hook}"),
    ("alarm-definition-create", "free", "max(x) > 1"),
    ("alarm-definition-create", "wrong", "max(cpu.load > 2"),
    ("alarm-definition-create", "wrong", "max(x) > 1", "--alarm-actions", "nowhere"),
    ("alarm-definition-create", "wrong", "max(x) > 1", "--severity", "huge"),
    ("alarm-definition-list",),
    ("alarm-definition-list", "-j"),
    ("alarm-definition-list", "--name", "free", "--severity", "LOW", "-j"),
    ("alarm-definition-list", "--dimensions", "zone=x", "--sort-by", "severity", "-j"),
    ("alarm-definition-list", "--limit", "1", "-j"),
    ("alarm-definition-show", "{high}"),
    ("alarm-definition-show", "{free}", "-j"),
    ("alarm-definition-show", "nowhere"),
    ("alarm-definition-patch", "{high}", "--severity", "CRITICAL", "--actions-enabled", "false"),
    ("alarm-definition-patch", "{high}", "--expression", "max(another) > 2"),
    ("alarm-definition-update", "{free}", "free again", "", "last(disk.free) > 5", "{mail}", "", "[]", "true", "", "LOW"),
    ("alarm-definition-update", "nowhere", "n", "", "last(disk.free) > 5", "", "", "", "true", "", "LOW"),

    ("alarm-list",),
    ("alarm-count",),
    ("alarm-history-list",),
    created("cpu.load", "1", "--dimensions", "hostname=a,zone=x", *at(3)),
    created("disk.free", "7", *at(2)),
    created("cpu.load", "9", "--dimensions", "hostname=b,zone=x", *at(1)),
    ("alarm-list",),
    ("alarm-list", "-j"),
    ("alarm-list", "--state", "ALARM", "--sort-by", "alarm_definition_name desc"),
    ("alarm-list", "--metric-name", "cpu.load", "--metric-dimensions", "hostname=b|c", "-j"),
    "first:", ("alarm-list", "--alarm-definition-id", "{free}", "-j"),
    ("alarm-list", "--severity", "CRITICAL", "--limit", "1"),
    ("alarm-count", "--group-by", "state,severity"),
    ("alarm-count", "--group-by", "metric_name,dimension_value", "-j"),
    ("alarm-count", "--state", "OK"),
    ("alarm-show", "{first}"),
    ("alarm-show", "{first}", "-j"),
    ("alarm-show", "nowhere"),
    ("alarm-update", "{first}", "OK", "OPEN", "http://example.org/1"),
    ("alarm-patch", "{first}", "--state", "UNDETERMINED", "--lifecycle-state", "CLOSED"),
    ("alarm-patch", "{first}", "--state", "SLEEPY"),
    ("alarm-list", "--lifecycle-state", "CLOSED", "--link", "http://example.org/1"),
    ("alarm-history", "{first}"),
    ("alarm-history", "{first}", "-j"),
    ("alarm-history", "{first}", "--limit", "1", "-j"),
    ("alarm-history-list",),
    ("alarm-history-list", "--dimensions", "hostname=b", "--starttime", START, "-j"),
    ("alarm-delete", "{first}"),
    ("alarm-delete", "{first}"),
    ("alarm-definition-delete", "{free}"),
    ("alarm-definition-delete", "{free}"),
    ("notification-delete", "{mail}"),
    ("notification-delete", "{mail}"),
    ("alarm-list", "-j"),
]


class Sink:
    """A Monasca and a Keystone whose ids and clock stand still; ended by its own pid."""

    def __init__(self, monasca_port=0, keystone_port=0):
        self.process = subprocess.Popen(
            [MONARC, "sink", "--port", "0", "--monasca-port", str(monasca_port), "--keystone-port", str(keystone_port),
             "--monasca-seed", "6", "--monasca-time", "2026-11-21T12:00:00Z"],
            stdout=subprocess.PIPE, text=True)
        said = [self.process.stdout.readline() for _ in range(3)]
        self.monasca_port, self.keystone_port = (int(line.rsplit(":", 1)[1]) for line in said[1:])

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE)


def environment(sink):
    return {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "COLUMNS": "80",
        "OS_AUTH_URL": f"http://127.0.0.1:{sink.keystone_port}/v3",
        "OS_USERNAME": "mini-mon", "OS_PASSWORD": "password", "OS_PROJECT_NAME": "mini-mon",
        "OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default",
    }


def played(command, sink):
    """(arguments, exit code, output) of each command of the scene."""
    ids, mark, done = {}, None, []
    for step in SCENE:
        if isinstance(step, str):
            mark = step[:-1]
            continue
        argv = [ids.get(word[1:-1], word) if word.startswith("{") and word.endswith("}") else word for word in step]
        run = subprocess.run([command, *argv], env=environment(sink), stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, timeout=PATIENCE)
        if mark:
            found = re.search(r'"id": "([^"]+)"', run.stdout)
            ids[mark] = found.group(1) if found else f"no id of {mark}"
            mark = None
        done.append((argv, run.returncode, run.stdout, run.stderr))
    return done


def without_match_by(table):
    """2.6.0 shows this column as Python shows bytes; ours as it was meant."""
    rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
    if not rows:
        return table
    left_out = [cell.strip() for cell in rows[0]].index("match_by")
    return [[cell.strip() for place, cell in enumerate(row) if place != left_out] for row in rows]


def comparable(argv, code, out):
    if argv == ["alarm-definition-list"]:
        return code, without_match_by(out)
    return code, out


def version_of(command):
    try:
        run = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=PATIENCE)
    except OSError:
        return ""
    return (run.stdout + run.stderr).strip()


def installed():
    if os.path.exists(THEIRS):
        return
    if os.geteuid() != 0:
        raise cases.Skip("python3-monascaclient is not installed, and only root could do that")
    install = ["apt-get", "install", "-y", "--no-install-recommends", "python3-monascaclient"]
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (install, ["apt-get", "update"], install):
        try:
            run = subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as why:
            raise cases.Skip(f"python3-monascaclient cannot be installed: {why}")
        if command is install and run.returncode == 0:
            return
    raise cases.Skip("python3-monascaclient cannot be installed: " + (run.stderr.strip().splitlines() or ["?"])[-1])


def subcommands(command):
    run = subprocess.run([command, "help"], capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    return set(re.findall(r"^  ([a-z]+(?:-[a-z]+)*)  ", run.stdout.split("Commands:")[1], re.M))


def the_package_is_there():
    installed()
    told = version_of(THEIRS)
    return None if told.endswith(VERSION) else f"{THEIRS} is {told!r}, not {VERSION}"


def no_subcommand_is_left_out():
    installed()
    missing = subcommands(THEIRS) - FREE - {step[0] for step in SCENE if not isinstance(step, str)}
    return f"not in the scene: {sorted(missing)}" if missing else None


def both_print_the_same():
    installed()
    with Sink() as sink:
        ports = sink.monasca_port, sink.keystone_port
        theirs = played(THEIRS, sink)
    with Sink(*ports) as sink:
        ours = played(OURS, sink)
    wrong = []
    for (argv, *their), (our_argv, *our) in zip(theirs, ours):
        if argv != our_argv or comparable(argv, *their[:2]) != comparable(argv, *our[:2]):
            wrong.append(f"{argv}\n  theirs {their}\n  ours   {our_argv if argv != our_argv else ''} {our}")
    succeeded = sum(1 for _, code, *_ in theirs if code == 0)
    if succeeded < 75:
        wrong.append(f"only {succeeded} commands of {len(theirs)} succeeded")
    return "\n".join(wrong)


cases.main([
    ("the package is there", the_package_is_there),
    ("no subcommand is left out", no_subcommand_is_left_out),
    ("both print the same, and end alike", both_print_the_same),
])
