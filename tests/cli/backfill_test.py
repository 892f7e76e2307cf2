"""A backfill keeps the times of its rows: through export_batch as the example does it, and through `monarc send`.

Usage: backfill_test.py BACKFILL MONARC DATA
"""

import csv
import datetime
import json
import os
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import cases
from send_process import OUTSIDE
from sink_process import SLOWER, Sink, read_store

BACKFILL, MONARC, DATA = sys.argv[1:4]


def days():
    """Context id to the second that its row is of, as the file says it."""
    with open(DATA, newline="") as file:
        return {row["date"]: int(datetime.datetime.fromisoformat(row["date"] + "+00:00").timestamp())
                for row in csv.DictReader(file)}


def wrong_times(store):
    """What is wrong with the times of what arrived, and with what it says."""
    wanted, found, classes = days(), {}, {}
    for line in read_store(store):
        record = line["record"]
        if "MONA_ARC_CLASS" in record["message"]:
            classes[record["context"]] = record["message"]["MONA_ARC_CLASS"]
            if record["export_timestamp"] != wanted.get(record["context"]):
                return f"a class message of another time: {line}"
        else:
            found[record["context"]] = record["export_timestamp"]
    if set(classes.values()) != {"bar"} or classes.keys() != found.keys():
        return f"classes: {set(classes.values())}, {len(classes)} of {len(found)}"
    differ = sorted(day for day in wanted.keys() | found.keys() if wanted.get(day) != found.get(day))
    return f"{len(differ)} days have another time, the first is {differ[0]}" if differ else None


def run_example(*options):
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "events")
        done = subprocess.run(
            [BACKFILL, "--monarc", MONARC, "--data", DATA, "--store", store, *options],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env=OUTSIDE,
            timeout=60 * SLOWER)
        return done, wrong_times(store) if os.path.exists(store) else "nothing was stored"


def the_example_exports_each_row_with_its_time():
    done, wrong = run_example()
    if done.returncode != 0 or not done.stdout.endswith("ledger: exact (Mona)\n"):
        return done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("  Mona: records")]
    count = str(2 * len(days()))
    return wrong or (None if rows and rows[0][2:] == [count] * 3 else done.stdout)


def the_example_can_be_run_again_over_the_same_rows():
    done, wrong = run_example("--passes", "2")
    return wrong if done.returncode == 0 else done.stdout + done.stderr


def a_lost_row_is_noticed():
    done, _ = run_example("--break")
    return None if done.returncode == 1 and done.stdout.endswith("ledger: NOT exact (Mona)\n") else done.stdout + done.stderr


def send_exports_each_row_with_its_time():
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "events")
        with Sink(MONARC, "--store", store) as sink:
            done = subprocess.run(
                [MONARC, "send", DATA, "--class", "bar", "--id", "date", "--time", "date", "--json",
                 "--mona", f"127.0.0.1:{sink.port}"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, env=OUTSIDE,
                timeout=60 * SLOWER)
            stored = sink.stop()["totals"]
        if done.returncode != 0:
            return done.stdout + done.stderr
        ledger = json.loads(done.stdout)["stats"]["destinations"][0]
        counts = (ledger["accepted"], ledger["delivered"], stored["records"], stored["contexts"])
        return wrong_times(store) or (None if set(counts) == {len(days())} else f"{counts}")


cases.main([
    ("the example exports each row with its own time", the_example_exports_each_row_with_its_time),
    ("it can be run again over the same rows", the_example_can_be_run_again_over_the_same_rows),
    ("a row that the sink loses is noticed", a_lost_row_is_noticed),
    ("monarc send exports each row with its own time", send_exports_each_row_with_its_time),
])
