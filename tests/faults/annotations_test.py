#!/usr/bin/env python3
"""Thread sanitizer must need, and believe, the two annotations of the hand-over.

    annotations_test.py BUILD HAND_OVER QUEUE ARCHIVE

Builds the program HAND_OVER with a copy of the source QUEUE, once as it is and once without its
lines __tsan_acquire and __tsan_release, by the command that compiled QUEUE in BUILD, and links the
rest from ARCHIVE. Without the lines a report is expected, with them none.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import cases

ANNOTATION = re.compile(r"^\s*__tsan_(acquire|release)\(.*\);\n", re.M)
REPORT = "WARNING: ThreadSanitizer: data race"


def compile_command(build, source):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        for entry in json.load(file):
            if os.path.samefile(os.path.join(entry["directory"], entry["file"]), source):
                return shlex.split(entry["command"])
    raise LookupError(f"{source} is not in compile_commands.json")


def for_other_source(command, source, to):
    """The command with another source and output, and without the dependency file of ninja."""
    kept, words = [], iter(command[:-1])
    for word in words:
        if word in ("-o", "-MQ", "-MF"):
            next(words)
        elif word not in ("-MD", "-c"):
            kept.append(word)
    return [*kept, "-c", source, "-o", to]


def run(command, directory):
    done = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace")
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")


def build_and_run(build, hand_over, queue, archive, text):
    """Exit code and what was printed."""
    command = compile_command(build, queue)
    compiler = [word for word in command[:2] if not word.startswith("-")]
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "record_queue.cpp")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text)
        objects = [os.path.join(folder, "queue.o"), os.path.join(folder, "main.o")]
        run(for_other_source(command, copy, objects[0]), build)
        run(for_other_source(command, hand_over, objects[1]), build)
        program = os.path.join(folder, "hand_over")
        run([*compiler, "-fsanitize=thread", "-pthread", *objects, archive, "-lfmt", "-o", program], build)
        done = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=300)
        return done.returncode, done.stdout + done.stderr


def main(build, hand_over, queue, archive):
    with open(queue, encoding="utf-8") as file:
        annotated = file.read()
    bare, count = ANNOTATION.subn("", annotated)

    def with_annotations():
        code, printed = build_and_run(build, hand_over, queue, archive, annotated)
        return None if code == 0 and REPORT not in printed else f"exit code {code}, printed:\n{printed}"

    def without():
        if count != 2 or "__tsan_" in bare:
            return f"{count} annotations were taken out, 2 are expected"
        code, printed = build_and_run(build, hand_over, queue, archive, bare)
        return None if code != 0 and REPORT in printed else f"no report; exit code {code}, printed:\n{printed}"

    def sanitized(function):
        if os.environ.get("MONARC_TEST_SANITIZER") != "thread":
            raise cases.Skip("only in the run with thread sanitizer")
        return function()

    cases.main([
        ("the hand-over with its annotations is clean", lambda: sanitized(with_annotations)),
        ("the hand-over without its annotations is reported", lambda: sanitized(without)),
    ])


main(*sys.argv[1:])
