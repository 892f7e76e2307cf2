#!/usr/bin/env python3
"""Each program has one fault; the sanitizer it was built with must report it and stop the program.

    faults_test.py PROGRAM...

The file name of a program says its fault. Green tests mean nothing under a sanitizer that is blind.
"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import cases

REPORTS = {
    "heap_overflow": "AddressSanitizer: heap-buffer-overflow",
    "use_after_free": "AddressSanitizer: heap-use-after-free",
    "leak": "LeakSanitizer: detected memory leaks",
    "signed_overflow": "runtime error: signed integer overflow",
    "data_race": "ThreadSanitizer: data race",
}


def is_reported(program):
    done = subprocess.run([program], capture_output=True, text=True, errors="replace", timeout=60)
    printed = done.stdout + done.stderr
    report = REPORTS[os.path.basename(program)]
    if report not in printed:
        return f"not reported: {report}\nexit code {done.returncode}, printed:\n{printed}"
    return None if done.returncode != 0 else "reported, but the exit code is 0"


cases.main([(f"{os.path.basename(p)} is reported", lambda p=p: is_reported(p)) for p in sys.argv[1:]])
