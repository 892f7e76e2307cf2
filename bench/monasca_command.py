#!/usr/bin/env python3
"""How long whole processes of `monasca` take, against an empty one and Debian's python3-monascaclient.

    bench/monasca_command.py MONASCA MONARC [--runs N]

Lists 100 metrics of a `monarc sink`, which both commands ask with the same token; N runs (10) of each, interleaved, median
and least. Bars: `--version` takes at most 5 ms more than an empty process (a main() that returns, built here without any
library but C's); `metric-list` is at least 50 times faster than Debian's. Exits 1 if a bar is missed.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "cli"))
from raw_process import ndjson_metrics, send_raw  # noqa: E402
from send_process import Monasca  # noqa: E402

DEBIANS = "/usr/bin/monasca"
METRICS = 100
MOST_MORE_SECONDS = 0.005
LEAST_TIMES = 50


def empty_process(folder):
    source, program = os.path.join(folder, "empty.c"), os.path.join(folder, "empty")
    with open(source, "w", encoding="ascii") as file:
        file.write("int main(void) { return 0; }\n")
    subprocess.run(["cc", "-O2", "-o", program, source], check=True)
    return [program]


def seconds_of(command, environment):
    begun = time.perf_counter()
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def measure(commands, environment, runs):
    """Median of each; the first round is not counted."""
    took = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            seconds = seconds_of(command, environment)
            if number:
                took[name].append(seconds)
    for name, all_of_it in took.items():
        print("%-34s median %8.2f ms, least %8.2f ms" % (
            name, statistics.median(all_of_it) * 1000, min(all_of_it) * 1000), flush=True)
    return {name: statistics.median(all_of_it) for name, all_of_it in took.items()}


def bar(text, is_met):
    print("%s: %s" % (text, "met" if is_met else "MISSED"))
    return is_met


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("monasca")
    parser.add_argument("monarc")
    parser.add_argument("--runs", type=int, default=10)
    asked = parser.parse_args()
    has_debians = shutil.which(DEBIANS) is not None
    with tempfile.TemporaryDirectory() as folder, Monasca(asked.monarc) as sink:
        lines = os.path.join(folder, "metrics")
        with open(lines, "wb") as file:
            file.write(ndjson_metrics(range(METRICS)))
        with open(lines, "rb") as metrics:
            assert send_raw(asked.monasca, sink.monasca_port, metrics).code == 0
        environment = {
            "PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8", "OS_AUTH_TYPE": "admin_token", "OS_TOKEN": "t",
            "OS_ENDPOINT": "http://127.0.0.1:%d/v2.0" % sink.monasca_port}
        commands = {
            "an empty process": empty_process(folder),
            "monasca --version": [asked.monasca, "--version"],
            "monasca metric-list": [asked.monasca, "metric-list"]}
        if has_debians:
            commands["python3-monascaclient metric-list"] = [DEBIANS, "metric-list"]
        took = measure(commands, environment, asked.runs)
    more = took["monasca --version"] - took["an empty process"]
    met = [bar("--version takes %.2f ms more than an empty process, at most 5" % (more * 1000), more <= MOST_MORE_SECONDS)]
    if has_debians:
        times = took["python3-monascaclient metric-list"] / took["monasca metric-list"]
        met.append(bar("metric-list is %.0f times faster than Debian's, at least 50" % times, times >= LEAST_TIMES))
    else:
        print("SKIP python3-monascaclient metric-list: the package is not installed")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
