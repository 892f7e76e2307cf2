"""The recordings of mona-client, played with our functions, give what was recorded; altered copies do not.

    mona_client_recordings_test.py TREE RUNNER RECORDINGS CONTRACT
"""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile

tree, runner, recordings, contract = sys.argv[1:5]
sys.path.append(os.path.join(tree, "tests/support"))
import cases

NOT_EXPRESSIBLE = "not expressible; skip"

# A recording of our own, so that something is played where the others are not at hand.
OWN = {
    "id": "own",
    "clock": 1700000123.75,
    "setup": {"env": {"MONA_USER_ID": "me"}},
    "steps": [
        {"op": "with_context", "args": {"arc_class": "A", "context_id": "c1"}, "body": [
            {"op": "export", "args": {"message": {"a": 1, "MONA_x": 2, "r": 1.0}, "export_timestamp": -1.9}},
            {"op": "export", "args": {"message": [1]}},
        ]},
        {"op": "export", "args": {"message": {"a": 1}}},
    ],
    "expected": {
        "results": [
            {"step": "0", "op": "with_context:enter", "return": "c1"},
            {"step": "0.0", "op": "export", "return": True},
            {"step": "0.1", "op": "export", "return": None},
            {"step": "0", "op": "with_context:exit", "return": None},
            {"step": "1", "op": "export", "return": None},
        ],
        "log": [
            {"level": "INFO", "code": "config_reading"},
            {"level": "INFO", "code": "context_after_init", "context": "c1"},
            {"level": "ERROR", "code": "message_not_object"},
            {"level": "ERROR", "code": "no_context"},
            {"level": "INFO", "code": "close_called"},
        ],
        "wire": [[
            {"tag": "mona.client.message", "time": "<NOW>", "record": {
                "user_id": "me", "context": "c1", "message": {"MONA_ARC_CLASS": "A"}, "export_timestamp": "<NOW>"}},
            {"tag": "mona.client.message", "time": "<NOW>", "record": {
                "user_id": "me", "context": "c1", "message": {"a": 1, "r": 1.0}, "export_timestamp": -1}},
        ]],
    },
}


def play(folder):
    done = subprocess.run([runner, "--cases", folder], capture_output=True, text=True, timeout=1500)
    return done.returncode, done.stdout


def write(folder, name, recording):
    path = os.path.join(folder, name + ".json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(recording, file)


def alter_result(expected):
    lines = [line for line in expected.get("results", []) if "return" in line]
    if lines:
        lines[-1]["return"] = "something else"
    return bool(lines)


def alter_event(expected):
    for connection in expected.get("wire", []):
        for event in connection if isinstance(connection, list) else []:
            if "message" in event["record"] and "context" in event["record"]:
                event["record"]["export_timestamp"] = 1
                return True
    return False


def swap_events(expected):
    for connection in expected.get("wire", []):
        if isinstance(connection, list) and len(connection) > 1 and connection[0] != connection[1]:
            connection[:2] = connection[1::-1]
            return True
    return False


def alter_log(expected):
    lines = [line for line in expected.get("log", []) if line["level"] != "DEBUG"]
    if lines:
        lines[0]["code"] = "nobody_says_this"
    return bool(lines)


def alter_bytes(expected):
    if not expected.get("raw_base64"):
        return False
    expected["raw_base64"][0] = "AAAA" + expected["raw_base64"][0][4:]
    return True


ALTERATIONS = [alter_result, alter_event, swap_events, alter_log, alter_bytes]


def altered_copies(recording):
    for alter in ALTERATIONS:
        other = copy.deepcopy(recording)
        if alter(other["expected"]):
            yield alter.__name__, other


def every_altered_copy_fails(originals):
    with tempfile.TemporaryDirectory() as folder:
        count = 0
        for recording in originals:
            for how, other in altered_copies(recording):
                write(folder, f"{how}/{recording['id']}", other)
                count += 1
        code, said = play(folder)
        passed = [line for line in said.splitlines() if line.startswith("PASS")]
        if code != 1 or passed or f"0 passed, {count} failed, 0 skipped" not in said:
            return f"exit code {code}; passed though altered: {passed}\n{said[-2000:]}"
    return None


def own_recording_passes():
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "nested/deeper/own", OWN)
        code, said = play(folder)
        return None if code == 0 and "1 passed, 0 failed, 0 skipped" in said else said


def what_is_no_recording_fails():
    with tempfile.TemporaryDirectory() as folder:
        if play(folder)[0] != 1:
            return "an empty folder passes"
        write(folder, "other", {"id": "x"})
        code, said = play(folder)
        return None if code == 1 and "FAIL other: no recording" in said else said


def load_recordings():
    if not os.path.isdir(recordings):
        raise cases.Skip(f"{recordings} is not there")
    all_of_them = []
    for base, _, names in os.walk(recordings):
        for name in sorted(names):
            if name.endswith(".json"):
                with open(os.path.join(base, name), encoding="utf-8") as file:
                    all_of_them.append(json.load(file))
    return all_of_them


def rows_of_contract():
    if not os.path.isfile(contract):
        raise cases.Skip(f"{contract} is not there")
    with open(contract, encoding="utf-8") as file:
        section = re.search(r"^## 15 .*?(?=^## 16 )", file.read(), re.S | re.M).group(0)
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            yield re.findall(r"`([^`]+)`", cells[0]), cells[2]


def every_recording_passes():
    load_recordings()
    code, said = play(recordings)
    skipped = set(re.findall(r"^SKIP ([^:\n]+)", said, re.M))
    for name in sorted(skipped):
        print(f"skipped by the contract: {name}")
    allowed = {"types-surrogate"}
    for names, instead in rows_of_contract():
        allowed |= set(names) if instead == NOT_EXPRESSIBLE else set()
    wrong = [line for line in said.splitlines() if line.startswith("FAIL")]
    if skipped - allowed:
        wrong.append(f"skipped though not allowed: {sorted(skipped - allowed)}")
    return "\n".join(wrong) if code != 0 or wrong else None


def altered_recordings_fail():
    chosen = [r for r in load_recordings() if "expected" in r and not r["id"].startswith(("async-", "conn-", "tls-"))]
    skipped = {name for names, instead in rows_of_contract() if instead == NOT_EXPRESSIBLE for name in names}
    return every_altered_copy_fails([r for r in chosen if r["id"] not in skipped][::8])


def table_is_that_of_the_contract():
    told = subprocess.run([runner, "--differences"], capture_output=True, text=True, timeout=60).stdout.split()
    wanted = [name for names, _ in rows_of_contract() for name in names]
    if sorted(told) != sorted(wanted):
        return f"only in the contract: {set(wanted) - set(told)}; only in the runner: {set(told) - set(wanted)}"
    return None


cases.main([
    ("a recording of our own passes, in a nested folder", own_recording_passes),
    ("altered copies of it fail", lambda: every_altered_copy_fails([OWN])),
    ("a folder without recordings fails, and so does other JSON", what_is_no_recording_fails),
    ("every recording of mona-client passes", every_recording_passes),
    ("altered copies of recordings fail", altered_recordings_fail),
    ("the runner's table is that of the contract", table_is_that_of_the_contract),
])
