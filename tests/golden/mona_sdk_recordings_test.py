"""The recordings of mona_sdk, played with exporters of ours, give what was recorded; altered copies do not.

    mona_sdk_recordings_test.py TREE RUNNER RECORDINGS CONTRACT [--whole]

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

NOT_EXPRESSIBLE = "name-int-key"
SERVICES = "svc-"
BATCH_OF_TWO = {"op": "send_events_batch", "args": {"events": [
    {"$message": {"message": {"a": 1, "MONA_x": 2, "r": 1.0, "n": None}, "contextClass": "A", "contextId": "c1",
                  "exportTimestamp": 1600000000}},
    {"$message": {"message": {"b": 18446744073709551616}, "contextClass": "A", "action": "ADD"}}]}}
SENT = {"userId": "t1", "messages": [
    {"message": {"a": 1, "r": 1.0, "n": None, "MY_MONA_x": 2}, "contextId": "c1", "action": None, "sampleConfigName": None,
     "exportTimestamp": 1600000000, "sendTimestamp": None, "arcClass": "A"},
    {"message": {"b": 18446744073709551616}, "contextId": None, "action": "ADD", "arcClass": "A"}]}
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0ZW5hbnRJZCI6InQxIn0.c2ln"

# A recording of our own, so that something is played where the others are not at hand.
OWN = {
    "id": "own",
    "setup": {"env": {"MONA_SDK_API_KEY": "key-9"}, "responses": {
        "/auth": [{"status": 200, "json": {
            "accessToken": {"$jwt": {"tenantId": "t1"}}, "refreshToken": "r", "expiresIn": 3600}}],
        "/export": [{"status": 200, "json": {}}, {"status": 400, "json": {
            "failed": 1, "failure_reasons": {"1": {"contextId": None, "reason": "no"}}}}]}},
    "steps": [
        {"op": "new_client", "args": {
            "secret": "secret-9", "auth_api_token_url": {"$url": "/auth"}, "override_rest_api_host": {"$host": "live"},
            "should_use_ssl": False}},
        {"op": "urls"},
        BATCH_OF_TWO,
        BATCH_OF_TWO,
    ],
    "expected": {
        "results": [
            {"step": 0, "op": "new_client", "return": "ok"},
            {"step": 1, "op": "urls", "return": {
                "export": "http://127.0.0.1:<PORT>/export", "app": "http://127.0.0.1:<PORT>", "user_id": "t1"}},
            {"step": 2, "op": "send_events_batch", "return": {"total": 2, "failed": 0, "sent": 2, "failure_reasons": {}}},
            {"step": 3, "op": "send_events_batch", "return": {
                "total": 2, "failed": 1, "sent": 1, "failure_reasons": {"1": {"contextId": None, "reason": "no"}}}},
        ],
        "log": [{"logger": "mona-logger", "level": level, "code": code} for level, code in (
            ("INFO", "auth_response"), ("INFO", "token_new"), ("INFO", "all_sent"), ("ERROR", "some_failed"))],
        "http": [
            {"method": "POST", "path": "/auth", "headers": {"content-type": "application/json"},
             "body": {"clientId": "key-9", "secret": "secret-9"}},
            *[{"method": "POST", "path": "/export", "headers": {
                "content-type": "application/json", "authorization": "Bearer " + TOKEN}, "body": SENT}] * 2,
        ],
    },
}


def names_of_contract():
    for line in recordings.section_of(contract, 14).splitlines():
        if line.startswith("| `"):
            yield from re.findall(r"`([^`]+)`", line.split("|")[1])
    yield SERVICES + "*"  # section 13


def is_allowed_to_skip(name):
    return name == NOT_EXPRESSIBLE or name.startswith(SERVICES)


def every_recording_passes():
    return recordings.every_recording_passes(runner, folder, is_allowed_to_skip)


def altered_recordings_fail():
    # All but those whose tokens have to end.
    chosen = [r for r in recordings.load_recordings(folder)
              if not is_allowed_to_skip(r["id"]) and recordings.longest_sleep(r) == 0]
    return recordings.every_altered_copy_fails(runner, chosen, MOST)


cases.main([
    ("a recording of our own passes, in a nested folder", lambda: recordings.own_recording_passes(runner, OWN)),
    ("altered copies of it fail", lambda: recordings.every_altered_copy_fails(runner, [OWN])),
    ("a folder without recordings fails, and so does what is none",
     lambda: recordings.what_is_no_recording_fails(runner, OWN)),
    ("every recording of mona_sdk passes", every_recording_passes),
    ("altered copies of recordings fail", altered_recordings_fail),
    ("the runner's table is that of the contract",
     lambda: recordings.table_is_that_of_the_contract(runner, list(names_of_contract()))),
])
