"""docs/cli.md has every option of the commands, and nothing else; and the exit codes that --help names.

Usage: documents_test.py MONARC
"""

import os
import re
import subprocess
import sys

from sink_process import Checks

COMMANDS = ("send", "sink")


def help_of(*command):
    return subprocess.run([MONARC, *command, "--help"], capture_output=True, text=True, timeout=60).stdout


def section(command):
    with open(os.path.join(ROOT, "docs", "cli.md"), encoding="utf-8") as file:
        text = file.read()
    return text.split("\n## monarc %s\n" % command)[1].split("\n## ")[0]


def every_option_has_a_row(checks):
    for command in COMMANDS:
        rows = [line.split("`")[1] for line in section(command).splitlines() if line.startswith("| `-")]
        head = help_of(command).split("What it does")[0].split("With --class")[0]
        options = set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", head, re.M))
        checks.check("%s: help was read" % command, len(options) > 10, options)
        checks.check("%s: no row is missing" % command, options - set(rows) == set(), options - set(rows))
        checks.check("%s: no row is too much" % command, set(rows) - options == set(), set(rows) - options)
        checks.check("%s: no row stands twice" % command, len(rows) == len(set(rows)))


def the_exit_codes_are_those_of_the_help(checks):
    with open(os.path.join(ROOT, "docs", "cli.md"), encoding="utf-8") as file:
        table = [line.split("|") for line in file.read().split("\n## ")[0].splitlines() if re.match(r"\| \d", line)]
    for column, command in enumerate(COMMANDS, 2):
        told = {code for row in table if row[column].strip() for code in re.findall(r"\d+", row[1])}
        text = re.search(r"Exit codes: (.*?)\.\n|Exit codes: (.*?)\n\n", help_of(command) + "\n\n", re.S).group(0)
        named = set(re.findall(r"(?:^|[:;] ?\n?| )(\d+) [a-z]", text))
        checks.check("%s: the same codes" % command, told == named, (told, named))


def every_command_is_told(checks):
    listed = re.findall(r"^  (\w+)  ", help_of().split("Subcommands:")[1], re.M)
    checks.check("commands", set(listed) >= set(COMMANDS), listed)
    for command in COMMANDS:
        checks.check("%s: examples" % command, "Examples:" in help_of(command))


if __name__ == "__main__":
    MONARC = sys.argv[1]
    ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    sys.exit(Checks().run(
        every_option_has_a_row,
        the_exit_codes_are_those_of_the_help,
        every_command_is_told,
    ))
