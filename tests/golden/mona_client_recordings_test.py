"""The recordings of mona-client, played with our functions, give what was recorded; altered copies do not.

    mona_client_recordings_test.py TREE RUNNER RECORDINGS CONTRACT [--whole]

Of each recording 40 altered copies are made (10 under a sanitizer), spread over all of its fields; with --whole all.
"""

import os
import re
import sys

tree, runner, folder, contract = sys.argv[1:5]
MOST = None if "--whole" in sys.argv[5:] else 10 if "MONARC_TEST_SANITIZER" in os.environ else 40
sys.path.append(os.path.join(tree, "tests/support"))
import cases
import recordings

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


def rows_of_contract():
    for line in recordings.section_of(contract, 15).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            yield re.findall(r"`([^`]+)`", cells[0]), cells[2]


def names_of_contract(only=None):
    return [name for names, instead in rows_of_contract() if only in (None, instead) for name in names]


def every_recording_passes():
    allowed = {"types-surrogate", *names_of_contract(NOT_EXPRESSIBLE)}
    return recordings.every_recording_passes(runner, folder, allowed.__contains__)


def altered_recordings_fail():
    skipped = {"types-surrogate", *names_of_contract(NOT_EXPRESSIBLE)}
    # All but those that sleep for long.
    chosen = [r for r in recordings.load_recordings(folder)
              if r["id"] not in skipped and recordings.longest_sleep(r) < 0.5]
    return recordings.every_altered_copy_fails(runner, chosen, MOST)


cases.main([
    ("a recording of our own passes, in a nested folder", lambda: recordings.own_recording_passes(runner, OWN)),
    ("altered copies of it fail", lambda: recordings.every_altered_copy_fails(runner, [OWN])),
    ("a folder without recordings fails, and so does what is none",
     lambda: recordings.what_is_no_recording_fails(runner, OWN)),
    ("every recording of mona-client passes", every_recording_passes),
    ("altered copies of recordings fail", altered_recordings_fail),
    ("the runner's table is that of the contract",
     lambda: recordings.table_is_that_of_the_contract(runner, names_of_contract())),
])
