#!/usr/bin/env python3
"""Runs suites of a build by `meson test` and counts test cases; tools/test calls it.

Each program reports its own cases, by doctest's summary or by a line "N passed, N failed[, N
skipped]". A program that says nothing, crashes or runs out of time counts as one failure more, and
so does a suite without a case: nothing passes in silence.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time

DOCTEST = re.compile(r"\[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped")
SCRIPT = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")
SKIP = re.compile(r"^SKIP (.+?): (.+)$", re.M)
PROGRESS = re.compile(r"\s*\d+/\d+ ")
# What says most about a failure: doctest's failed checks, a sanitizer's summary, a test's own words.
TELLING = re.compile(r"^(.*: (?:FATAL )?ERROR: .*|SUMMARY: .*|FAIL(?:ED)?\b.*|.*Assertion .*)$", re.M)
TOLD_LINES = 5
SHOWN_LINES = 300
# How much longer a test may take than its own limit says.
SLOWER = {"address": 3, "thread": 5}


def counts_of(output):
    """passed, failed, skipped of the last summary in what a program printed, or None."""
    for line in reversed(output.split("\n")):
        if found := DOCTEST.match(line) or SCRIPT.match(line):
            return [int(n or 0) for n in found.groups()]
    return None


def verdict(result, output):
    """Counts of one program, and why it counts as failed beyond its own cases."""
    counts = counts_of(output)
    if result == "SKIP":
        return counts or [0, 0, 1], None
    if counts is None:
        return [0, 1, 0], f"{result}, and no line that counts its cases"
    if result != "OK" and counts[1] == 0:
        return [counts[0], 1, counts[2]], f"{result} although no case failed"
    if sum(counts) == 0:
        return [0, 1, 0], "it has no case"
    return counts, None


def tests_of(build, suite, text):
    listed = subprocess.run(
        ["meson", "introspect", "--tests", build], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return [t["name"] for t in json.loads(listed.stdout)
            if any(s.split(":")[-1] == suite for s in t["suite"]) and (text in t["name"] or suite == "faults")]


def run_meson(build, suite, names, jobs):
    """What each program of a suite did, as meson's log tells it."""
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.remove(log)
    factor = SLOWER.get(os.environ.get("MONARC_TEST_SANITIZER"), 1)
    command = ["meson", "test", "-C", build, "--no-rebuild", "--no-stdsplit", "--suite", suite,
               "--num-processes", str(jobs), "--timeout-multiplier", str(factor), *names]
    printed = []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as meson:
        for line in meson.stdout:
            printed.append(line)
            if PROGRESS.match(line):
                print(line, end="", flush=True)
    if not os.path.exists(log):
        print("".join(printed))
        return []
    with open(log, encoding="utf-8", errors="replace") as lines:
        return [json.loads(line) for line in lines]


def show(name, output):
    lines = output.rstrip().split("\n")
    print(f"\n---- output of {name}")
    if len(lines) > SHOWN_LINES:
        print(f"({len(lines) - SHOWN_LINES} lines left out)")
    print("\n".join(lines[-SHOWN_LINES:]))
    print(f"---- end of {name}\n", flush=True)


def skips_of(name, output, count):
    named = [f"SKIP {case}: {reason}" for case, reason in SKIP.findall(output)]
    if count > len(named):
        named.append(f"SKIP {count - len(named)} of {name}: no reason given")
    return named


def failure_of(name, output, why):
    """One line that names a failed program and the most telling of what it printed."""
    told = [line.strip() for line in TELLING.findall(output)]
    left_out = [f"and {len(told) - TOLD_LINES} more"] if len(told) > TOLD_LINES else []
    return f"FAIL {name}: " + "; ".join(([why] if why else []) + told[:TOLD_LINES] + left_out)


def run_suite(build, suite, names, jobs):
    """passed, failed, skipped of a suite, its skips by name and its failures."""
    total, skips, failures = [0, 0, 0], [], []
    done = run_meson(build, suite, names, jobs)
    for program in done:
        name = program["name"].split(" / ")[-1]
        output = program.get("stdout", "") + program.get("stderr", "")
        counts, why = verdict(program["result"], output)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1]:
            show(f"{suite}/{name}" + (f": {why}" if why else ""), output)
            failures.append(failure_of(f"{suite}/{name}", output, why))
        skips += skips_of(f"{suite}/{name}", output, counts[2])
    if len(done) < len(names):
        print(f"{len(names) - len(done)} programs of {suite} were not run")
        total[1] += len(names) - len(done)
    if total[0] + total[1] == 0:
        print(f"suite {suite} has no test case: that is a failure")
        total[1] = 1
    return total, skips, failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--filter", default="")
    parser.add_argument("--before", type=int, default=0, help="seconds that set-up and build took")
    parser.add_argument("suites", nargs="+")
    options = parser.parse_args()

    begin, lines, skips, failures, sums = time.monotonic(), [], [], [], [0, 0]
    for suite in options.suites:
        names = tests_of(options.build, suite, options.filter)
        if not names and options.filter:
            continue
        print(f"\n== suite {suite}", flush=True)
        started = time.monotonic()
        (passed, failed, skipped), named, broken = \
            run_suite(options.build, suite, names, options.jobs) if names else ([0, 1, 0], [], [])
        if not names:
            print(f"suite {suite} has no test: that is a failure")
        lines.append(f"{suite:12}{passed:6} passed, {failed} failed, {skipped} skipped"
                     f"{time.monotonic() - started:10.1f} s")
        skips += named
        failures += broken
        sums = [sums[0] + passed, sums[1] + failed]
    if not lines:
        print(f"no program's name contains '{options.filter}'")
        sums[1] = 1

    print("\n== result")
    print("\n".join(skips + failures + lines))
    spent = time.monotonic() - begin
    print(f"total {options.before + spent:.1f} s: set-up and build {options.before} s, tests {spent:.1f} s")
    print(f"{sums[0]} passed, {sums[1]} failed", flush=True)
    return 1 if sums[1] else 0


if __name__ == "__main__":
    sys.exit(main())
