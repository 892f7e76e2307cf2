#!/usr/bin/env python3
"""tools/test counts honestly, and refuses what it does not know."""

import os
import subprocess
import sys

TREE = os.path.abspath(sys.argv[1])
sys.dont_write_bytecode = True
sys.path += [os.path.join(TREE, "tools/dev"), os.path.join(TREE, "tests/support")]

import cases
import run_suites

DOCTEST = ("[doctest] test cases: 12 | 11 passed | 1 failed | 2 skipped\n"
           "[doctest] assertions: 40 | 39 passed | 1 failed |\n[doctest] Status: FAILURE!\n")

# What meson says of a program, what the program printed: passed, failed, skipped.
COUNTED = [
    ("doctest's summary", "FAIL", DOCTEST, [11, 1, 2]),
    ("a summary with wide columns", "OK", "[doctest] test cases:   3 |   3 passed | 0 failed | 0 skipped\n", [3, 0, 0]),
    ("a script's line", "OK", "some text\n7 passed, 0 failed\n", [7, 0, 0]),
    ("a script's line with skips", "OK", "7 passed, 0 failed, 2 skipped\n", [7, 0, 2]),
    ("the last of several lines", "OK", "1 passed, 5 failed\n7 passed, 0 failed\nbye\n", [7, 0, 0]),
    ("a crash before the summary", "FAIL", "half a li", [0, 1, 0]),
    ("a crash after the summary", "FAIL", "7 passed, 0 failed\n", [7, 1, 0]),
    ("a program out of time", "TIMEOUT", "", [0, 1, 0]),
    ("a program that says nothing", "OK", "", [0, 1, 0]),
    ("a program without a case", "OK", "0 passed, 0 failed\n", [0, 1, 0]),
    ("failures that the exit code hides", "OK", "7 passed, 2 failed\n", [7, 2, 0]),
    ("a program that skips itself", "SKIP", "", [0, 0, 1]),
]
REFUSED = [["--nonsense"], ["--suite", "none"], ["--sanitize=memory"], ["--jobs=0"], ["--filter"],
           ["--sanitize=thread", "--suite=layers"], ["--suite=faults"]]


def counted(result, output, expected):
    got = run_suites.verdict(result, output)[0]
    return None if got == expected else f"expected {expected}, got {got}"


def skips():
    got = run_suites.skips_of("unit/x", "SKIP TLS: no openssl\nno SKIP here: x\n", 2)
    expected = ["SKIP TLS: no openssl", "SKIP 1 of unit/x: no reason given"]
    return None if got == expected else f"expected {expected}, got {got}"


def run_test(*options):
    return subprocess.run([os.path.join(TREE, "tools/test"), *options], capture_output=True, text=True)


def refused(options):
    done = run_test(*options)
    if done.returncode == 2 and done.stderr.startswith("tools/test: ") and not done.stdout:
        return None
    return f"exit code {done.returncode}: {done.stdout}{done.stderr}"


def the_help():
    done = run_test("--help")
    if done.returncode == 0 and "examples:" in done.stdout:
        return None
    return f"exit code {done.returncode}: {done.stdout}{done.stderr}"


cases.main(
    [(f"counted: {name}", lambda c=case: counted(*c)) for name, *case in COUNTED]
    + [("skips are listed by name, or as many without one", skips), ("--help shows examples", the_help)]
    + [(f"exit code 2 and a remedy: tools/test {' '.join(options)}", lambda o=options: refused(o))
       for options in REFUSED]
)
