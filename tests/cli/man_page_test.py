"""The manual and the help agree: each command and option of --help is in docs/man/monarc.1, and none besides.

Usage: man_page_test.py MONARC
"""

import os
import re
import shutil
import subprocess
import sys

MONARC = sys.argv[1]
TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.append(os.path.join(TREE, "tests", "support"))

import cases

PAGE = os.path.join(TREE, "docs/man/monarc.1")
with open(PAGE, encoding="utf-8") as text:
    SOURCE = text.read()
READ = re.sub(r"\\f[BIRP]", "", SOURCE).replace("\\-", "-")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def help_of(*command):
    return subprocess.run([MONARC, *command, "--help"], capture_output=True, text=True, check=True, timeout=20).stdout


def commands():
    listed = help_of().split("Subcommands:", 1)[1]
    found = []
    for line in listed.splitlines()[1:]:
        if not line.startswith("  "):
            break
        if name := re.match(r"  ([a-z][a-z-]*)\b", line):
            found.append(name.group(1))
    return found


def options_of(*command):
    """As the help lists them: a line that begins with an option, before the examples."""
    lines = re.findall(r"^  (?:-\w,)?(--[a-z-]+).*$", help_of(*command), re.M)
    return set(lines)


def section_of(command):
    found = re.search(rf'^\.SH "?MONARC {command.upper()}"?\n(.*?)(?=^\.SH )', READ, re.M | re.S)
    return found.group(1) if found else ""


def commands_are_told():
    missing = [c for c in commands() if not section_of(c) or not re.search(rf"^\.B monarc {c}$", READ, re.M)]
    return f"no synopsis or no section MONARC {missing}" if missing or not commands() else None


def no_command_besides():
    told = {c.lower() for c in re.findall(r'^\.SH "?MONARC (\S+?)"?$', READ, re.M)}
    return f"no such command: {sorted(told - set(commands()))}" if told - set(commands()) else None


def options_are_told(command):
    section = section_of(command)
    headed = set(re.findall(r"^\.BI? .*?(--[a-z-]+)", section, re.M))
    offered = options_of(command) - {"--help"}
    if not offered or headed != offered:
        return f"missing: {sorted(offered - headed)}; besides: {sorted(headed - offered)}"
    return None


def no_option_is_made_up():
    offered = options_of().union(*(options_of(c) for c in commands()))
    known = offered | {"--cflags", "--libs"}
    besides = set(OPTION.findall(READ)) - known
    return f"no such option: {sorted(besides)}" if besides else None


def the_version_is_this_one():
    printed = subprocess.run([MONARC, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return None if f'"{printed}"' in SOURCE.splitlines()[1] else f"{SOURCE.splitlines()[1]}: it is {printed}"


def examples_are_real():
    """Each example's options are offered by its command."""
    wrong = [line for line in re.findall(r"^\.B (monarc .*)$", READ, re.M)
             for command in [line.split()[1]] if command in commands()
             for option in OPTION.findall(line.split("|")[0]) if option not in options_of(command)]
    return f"{wrong}" if wrong else None


def help_has_examples(*command):
    text = help_of(*command)
    examples = text.split("Examples:", 1)[1] if "Examples:" in text else ""
    return None if len(re.findall(r"^  monarc ", examples, re.M)) >= 2 else f"fewer than two examples:\n{text}"


def it_formats():
    if shutil.which("mandoc"):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", PAGE], capture_output=True, text=True)
    elif shutil.which("groff"):
        done = subprocess.run(["groff", "-man", "-ww", "-z", "-K", "utf-8", PAGE], capture_output=True, text=True)
    else:
        raise cases.Skip("neither mandoc nor groff is installed")
    said = done.stdout + done.stderr
    return said if said.strip() or done.returncode != 0 else None


cases.main(
    [("each command has its synopsis and section", commands_are_told),
     ("no section without a command", no_command_besides),
     ("no option that does not exist", no_option_is_made_up),
     ("the version", the_version_is_this_one),
     ("examples use options that exist", examples_are_real),
     ("it formats without a warning", it_formats),
     ("monarc --help has examples", help_has_examples)]
    + [(f"each option of monarc {c} is told", lambda c=c: options_are_told(c)) for c in commands()]
    + [(f"monarc {c} --help has examples", lambda c=c: help_has_examples(c)) for c in commands()])
