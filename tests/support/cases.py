"""Runs the cases of a test script and prints what tools/test counts.

A case is a name and a function that returns None, or a text that says what is wrong. A function
that cannot do its work here raises Skip with the reason.
"""

import sys
import traceback
from concurrent.futures import ThreadPoolExecutor


class Skip(Exception):
    pass


def verdict(function):
    try:
        wrong = function()
        return ("failed", wrong) if wrong else ("passed", None)
    except Skip as reason:
        return "skipped", str(reason)
    except Exception:
        return "failed", traceback.format_exc()


def run(cases, jobs=1):
    """The exit code. `cases` are pairs of name and function."""
    count = {"passed": 0, "failed": 0, "skipped": 0}
    with ThreadPoolExecutor(jobs) as pool:
        verdicts = pool.map(verdict, [function for _, function in cases])
        for (name, _), (result, text) in zip(cases, verdicts):
            count[result] += 1
            if result == "failed":
                print(f"FAIL {name}\n{text}\n", flush=True)
            elif result == "skipped":
                print(f"SKIP {name}: {text}", flush=True)
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not cases else 0


def main(cases, jobs=1):
    sys.exit(run(cases, jobs))
