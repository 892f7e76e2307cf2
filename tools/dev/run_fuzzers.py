#!/usr/bin/env python3
"""Runs the programs of tests/fuzz, each for its share of the time and at least 10 000 inputs, and counts the inputs.

    run_fuzzers.py --build DIR --seconds N [--libfuzzer] [--canary]

Without --libfuzzer the programs only replay the corpus, and say so. With --canary a fault is planted in each: a program
passes if it finds it. The last line is "N passed, N failed".
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

TREE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CORPUS = os.path.join(TREE, "tests", "fuzz", "corpus")
LEAST = 10_000  # inputs that a program must have tried
MOST_SECONDS = 3600
MOST_CANARY_SECONDS = 120


def run(program, corpus, bound, libfuzzer):
    """Its exit code, and what it printed. `bound`: libFuzzer's option that ends it."""
    with tempfile.TemporaryDirectory() as folder:
        found = os.path.join(folder, "corpus")
        os.mkdir(found)
        command = [program, found, corpus] if libfuzzer else [program, corpus]
        if libfuzzer:
            command += [bound, "-max_len=4096", "-timeout=20", "-rss_limit_mb=2048",
                        "-print_final_stats=1", f"-artifact_prefix={folder}/"]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=MOST_SECONDS)
        crash = next((name for name in os.listdir(folder) if name != "corpus"), None)
        if crash:
            with open(os.path.join(folder, crash), "rb") as file:
                done.stdout += f"\ninput: {file.read()[:400]!r}\n"
        return done.returncode, done.stdout


def tried(printed):
    """How many inputs."""
    found = re.search(r"number_of_executed_units: (\d+)|replayed (\d+) files", printed)
    return int(found.group(1) or found.group(2)) if found else 0


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--build", required=True)
    asked.add_argument("--seconds", type=int, required=True)
    asked.add_argument("--libfuzzer", action="store_true")
    asked.add_argument("--canary", action="store_true")
    wanted = asked.parse_args()
    names = sorted(os.listdir(CORPUS))
    share = max(1, wanted.seconds // len(names))
    if wanted.canary:
        share = max(share, MOST_CANARY_SECONDS)  # it ends with the fault
    passed = failed = 0
    print(f"\n== {len(names)} programs, {share} s each" if wanted.libfuzzer else "\n== corpus replay only: no libFuzzer")
    for name in names:
        program = os.path.join(wanted.build, "tests", "fuzz", f"fuzz_{name}")
        code, printed = run(program, os.path.join(CORPUS, name), f"-max_total_time={share}", wanted.libfuzzer)
        count = tried(printed)
        if wanted.libfuzzer and code == 0 and count < LEAST:  # its share was too short for it
            code, printed = run(program, os.path.join(CORPUS, name), f"-runs={LEAST - count}", True)
            count += tried(printed)
        if wanted.canary:
            good = code != 0 and "heap-buffer-overflow" in printed and "read_behind_the_end" in printed
            print(f"{name:16} {'found the planted fault' if good else 'DID NOT FIND the planted fault'}")
        else:
            good = code == 0 and (count >= LEAST or not wanted.libfuzzer)
            what = "executions" if wanted.libfuzzer else "files replayed"
            print(f"{name:16} {count:10} {what}{'' if good else f', exit code {code}: FAILED'}")
        if not good:
            print(printed[-4000:])
        passed, failed = (passed + 1, failed) if good else (passed, failed + 1)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
