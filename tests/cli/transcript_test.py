"""Follows README.md and docs word by word: each command of a `$ ` block is run, and what it shows is compared.

    transcript_test.py TREE BUILD            with the programs of a build that is there; part of tools/test
    transcript_test.py TREE --whole [TEXT]   in a fresh clone, without any short cut; half an hour, by hand

With TEXT only the blocks that contain it.

Of commands without `$ `, which need what is not there, each option must be one that the command's --help explains.

In what is shown, `…` stands for anything: within a line, or as a line for any number of lines. A figure (a number with a
decimal point, with more than two digits, or in front of a unit) may be another one.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

tree = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(tree, "tests", "support"))
import cases
from code_blocks import all_blocks

WHOLE = sys.argv[2] == "--whole"
TEXT = sys.argv[3] if len(sys.argv) > 3 else ""
BUILD = "build/demo" if WHOLE else os.path.relpath(os.path.abspath(sys.argv[2]), tree)
# What is not run in a test, and why.
BY_HAND = {
    "tools/test": "it would run itself",
    "apt-get": "it changes the machine",
    "git clone": "a test asks no other machine",
    "meson": "builds or installs the whole tree",
    "ninja": "builds the whole tree",
    "pip": "a test asks no other machine",
}
# A command that listens until it is told to stop.
SERVER = re.compile(r"\bmonarc sink\b(?!.*--help)")
# Where it would listen, unless it says otherwise.
DEFAULT_PORTS = (24224, 8070, 5000, 8080)
FIGURE = re.compile(r"\d[\d,]*\.\d+|\d[\d,]{2,}|\d+(?= (?:ns|µs|ms|s|KiB|MiB|GiB|%)\b)")


def commands_of(block):
    """Pairs of a command and the lines that it shows. A command goes on after a backslash."""
    pairs = []
    for line in block.lines:
        if line.startswith("$ "):
            pairs.append([line[2:], []])
        elif pairs and not pairs[-1][1] and pairs[-1][0].endswith("\\"):
            pairs[-1][0] = pairs[-1][0][:-1] + line.strip()
        elif pairs:
            pairs[-1][1].append(line)
    return pairs


def pattern_of(shown):
    parts = []
    for line in shown:
        if line.strip() == "…":
            parts.append(r"(?:.*\n)*?")
            continue
        pieces = []
        for piece in re.split(r"(…)", line.rstrip()):
            # A figure that has fewer or more digits moves what is beside it.
            escaped = re.sub(r"(?:\\ )+", r"[ ]+", re.escape(FIGURE.sub("\0", piece)))
            pieces.append(".*" if piece == "…" else escaped.replace("\0", r"\d[\d,.]*"))
        parts.append("".join(pieces) + r"[ ]*\n")
    return re.compile("".join(parts))


def as_run(command):
    """The command as this test runs it: in the build that is there."""
    command = re.sub(r"\s+# .*", "", command)
    if WHOLE:
        return command
    command = command.replace("build/demo", BUILD)
    return re.sub(r"^tools/demo\b", f"tools/demo --build {BUILD}", command)


def wait_for_ports():
    """The commands are run as they stand, so their ports must be free."""
    deadline = time.monotonic() + 60
    for port in DEFAULT_PORTS:
        while True:
            try:
                with socket.socket() as listener:
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    listener.bind(("127.0.0.1", port))
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise cases.Skip(f"port {port}: {error.strerror}") from error
                time.sleep(0.5)


class Running:
    """A command in a process group of its own; its output goes to a file, so that it can be looked at meanwhile."""

    def __init__(self, command, folder, environment):
        self.file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=self.file,
            stderr=subprocess.STDOUT, start_new_session=True)

    def output(self):
        return os.pread(self.file.fileno(), 1 << 24, 0).decode(errors="replace")

    def wait(self, seconds, until=lambda: False):
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and not until() and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.process.returncode

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.wait(20)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.file.close()


def follow(block, folder, environment):
    """What is wrong with the first command that does not do what the block shows."""
    servers = []
    try:
        for command, shown in commands_of(block):
            pattern = pattern_of(shown)
            is_server = SERVER.search(command)
            running = Running(as_run(command).removesuffix("&") if is_server else as_run(command), folder, environment)
            servers.append(running)
            is_shown = lambda: pattern.fullmatch(running.output())
            code = running.wait(3600 if WHOLE else 120, until=is_shown if is_server else lambda: False)
            if code is None and not is_server:
                return f"$ {as_run(command)}\nhas not ended"
            # NOT exact, say, is shown by a command that fails and is meant to.
            if code not in (0, None) and not shown:
                return f"$ {as_run(command)}\nended with {code}:\n{running.output()}"
            if shown and not is_shown():
                return f"$ {as_run(command)}\nshows:\n{running.output()}\ninstead of:\n" + "\n".join(shown)
        return None
    finally:
        for running in servers:
            running.stop()


def by_hand(block):
    for command, _ in commands_of(block):
        for word, reason in BY_HAND.items():
            if re.match(rf"{word}\b", command):
                return f"$ {command}: {reason}"
    return None


def have_their_options(block):
    """What is wrong with commands that are only named."""
    for line in re.sub(r"\\\n\s*", "", "\n".join(block.lines)).split("\n"):
        found = re.search(r"\b((?:monarc|monasca) [a-z-]+)(.*)", line)
        if not found:
            continue  # a command of the shell
        command, rest = found.groups()
        help_of = command.replace("monasca ", "monasca help ") if command.startswith("monasca ") else f"{command} --help"
        done = subprocess.run(
            help_of, shell=True, env=environment_of_commands(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        known = set(re.findall(r"--[a-z][a-z-]*", done.stdout))
        unknown = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)) - known
        if done.returncode != 0 or unknown:
            return f"{line}\n{help_of} ends with {done.returncode} and does not explain {sorted(unknown)}"
    return None


def environment_of_commands():
    tools = [os.path.join(tree, BUILD, "tools", name) for name in ("monarc", "monasca")]
    return dict(os.environ, PYTHONDONTWRITEBYTECODE="1", PATH=":".join([*tools, os.environ["PATH"]]))


def check(block):
    def run():
        if block.language == "commands":
            return have_their_options(block)
        if os.environ.get("MONARC_TEST_SANITIZER"):
            raise cases.Skip("the programs of a sanitizer show other figures and need other flags")
        if not WHOLE and by_hand(block):
            raise cases.Skip(by_hand(block))
        wait_for_ports()
        environment = environment_of_commands()
        if block.path == "README.md":
            return follow(block, tree, environment)
        with tempfile.TemporaryDirectory() as folder:
            return follow(block, folder, environment)
    return run


def figures_may_differ_and_nothing_else():
    pattern = pattern_of(["p50   41 ns, 3 of 1,024", "…", "0 failed", "{\"chunk\":\"…\",\"n\":1}"])
    right = "p50  1,041 ns, 3 of 99,999 \na\nb\n0 failed\n{\"chunk\":\"xyz\",\"n\":1}\n"
    wrong = [right.replace(a, b) for a, b in
             (("3 of", "4 of"), ("0 failed", "1 failed"), ("ns,", "ms,"), ("\"n\":1", "\"n\":2"))]
    if not pattern.fullmatch(right) or any(pattern.fullmatch(text) for text in wrong):
        return "what is shown is not compared as the text above says"
    return None


cases.main([("figures may differ and nothing else", figures_may_differ_and_nothing_else)] +
           [(f"{block}", check(block)) for block in all_blocks(tree)
            if block.language in ("console", "commands") and any(TEXT in line for line in block.lines)])
