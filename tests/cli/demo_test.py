"""tools/demo as a newcomer meets it: what it shows, what it leaves behind, what it says where it cannot work.

Usage: demo_test.py TREE BUILD
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

tree, build = sys.argv[1:3]
sys.path.insert(0, os.path.join(tree, "tests", "support"))
import cases

SANITIZED = "MONARC_TEST_SANITIZER" in os.environ


def no_sanitizer():
    if SANITIZED:
        raise cases.Skip("it takes minutes under a sanitizer; the tests of both examples run there")


def demo(*options, **variables):
    """Exit code and what a pipe sees of the demo, with the programs of the build."""
    no_sanitizer()
    done = subprocess.run(
        [os.path.join(tree, "tools/demo"), "--build", build, *options], env=dict(os.environ, **variables),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    return done.returncode, done.stdout


def both_ledgers_are_exact():
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as temporary:
        code, out = demo(HOME=home, TMPDIR=temporary)
        left = os.listdir(home) + os.listdir(temporary)
    if code != 0 or not re.search(r"^ledger: exact \(Mona\)\nledger: exact \(Monasca\)$", out, re.M):
        return f"exit code {code}\n{out}"
    if left:
        return f"left outside the tree: {left}"
    for name, contexts in ("flight_delays", 4 * 5 * 5000), ("order_flow", 2 * 10 * 5105):
        with open(os.path.join(build, "run", name + ".json"), encoding="utf-8") as file:
            run = json.load(file)
        rows = {row["what"]: row for row in run["destinations"][0]["rows"]}
        if rows["contexts"]["application"] != contexts or rows["contexts"]["sink"] != contexts:
            return f"{name}: not every row, thread and pass has a context of its own: {rows}"
        if rows["records"]["exporter"] < 200_000 or run["records"] < 400_000:
            return f"{name}: too little to show anything: {run}"
        push = run["push_ns"]
        if not (push["timed"] >= 50_000 and 0 <= push["p50"] <= push["p99"] <= push["p99.9"]):
            return f"{name}: times of pushes: {push}"
        if f"{run['records']:,}" not in out or f"{push['p99']:,} ns" not in out:
            return f"{name}: what the example wrote is not what is shown: {run}\n{out}"
    return None


def a_lost_record_is_noticed():
    code, out = demo("--break")
    if code != 1 or "\nledger: NOT exact (Mona)\nledger: exact (Monasca)\n" not in out or "<- differ" not in out:
        return f"exit code {code}\n{out}"
    return None


def members(session):
    """Processes of a session by number, with their names; dead ones that nobody has waited for left out."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue  # it has just ended
        state, _, _, its_session = rest.split()[:4]
        if int(its_session) == session and state != "Z":
            found[int(pid)] = name
    return found


def nothing_is_left_after(number):
    no_sanitizer()
    process = subprocess.Popen(
        [os.path.join(tree, "tools/demo"), "--build", build], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    names = []
    while names.count("monarc") < 2 and process.poll() is None and time.monotonic() < deadline:
        names = list(members(process.pid).values())
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    left = members(process.pid)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    if names.count("monarc") < 2 or left or process.returncode != 130:
        return f"it ran {names}, left {left}, exit code {process.returncode}\n{out}"
    return None


def nothing_is_left_after_an_interrupt():
    return nothing_is_left_after(signal.SIGINT)


def nothing_is_left_after_a_termination():
    return nothing_is_left_after(signal.SIGTERM)


class Machine:
    """A copy of the demo on a machine whose commands we choose."""

    TOOLS = ("bash", "cat", "dirname", "env", "id", "mkdir", "nproc", "sleep", "sort", "tail", "tr", "touch")

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "bin")
        os.makedirs(os.path.join(self.folder.name, "tree/tools/dev"))
        os.mkdir(self.path)
        for name in "tools/demo", "tools/dev/packages.sh":
            shutil.copy(os.path.join(tree, name), os.path.join(self.folder.name, "tree", name))
        for name in self.TOOLS:
            os.symlink(shutil.which(name), os.path.join(self.path, name))
        return self

    def __exit__(self, *ignored):
        self.folder.cleanup()

    def command(self, name, script):
        path = os.path.join(self.path, name)
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!{shutil.which('bash')}\n{script}\n")
        os.chmod(path, 0o755)

    def debian_without(self, *missing):
        """dpkg knows every package as installed but these, which apt-get installs."""
        marks = os.path.join(self.folder.name, "installed-")
        cases_of = "|".join(missing)
        self.command("dpkg-query", f'case $3 in {cases_of}) [ -e "{marks}$3" ] || exit 1;; esac; echo installed')
        self.command("apt-get", f'echo "apt-get $*"; [ "$1" = update ] || for p in "${{@:4}}"; do touch "{marks}$p"; done')

    def demo(self):
        done = subprocess.run(
            [os.path.join(self.folder.name, "tree/tools/demo")], env={"PATH": self.path}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        return done.returncode, done.stdout


def missing_packages_are_named_to_whoever_is_not_root():
    with Machine() as machine:
        machine.debian_without("libfmt-dev", "libcli11-dev")
        machine.command("id", "echo 1000")
        code, out = machine.demo()
    wanted = "tools/demo: missing packages; as root: apt-get install --no-install-recommends libfmt-dev libcli11-dev\n"
    return None if (code, out) == (2, wanted) else f"exit code {code}\n{out}"


def root_gets_what_is_missing_installed():
    with Machine() as machine:
        machine.debian_without("libfmt-dev", "meson")
        machine.command("id", "echo 0")
        code, out = machine.demo()
    # There is nothing to build in that tree.
    if code != 2 or "missing: meson libfmt-dev\ninstalling 2 packages" not in out or "meson setup failed" not in out:
        return f"exit code {code}\n{out}"
    return None


def what_apt_get_cannot_install_is_named():
    with Machine() as machine:
        machine.debian_without("libfmt-dev")
        machine.command("id", "echo 0")
        machine.command("apt-get", 'echo "E: no route to the archive"; exit 100')
        code, out = machine.demo()
    if code != 2 or "tools/demo: apt-get could not install: libfmt-dev" not in out or "no route" not in out:
        return f"exit code {code}\n{out}"
    return None


def without_dpkg_only_what_is_not_found_is_named():
    with Machine() as machine:
        for name in "g++", "python3", "pkg-config":
            machine.command(name, "exit 0")
        code, out = machine.demo()
    found = re.fullmatch(r"tools/demo: missing here, which is no Debian; as Debian 12 names them: (.*)\n", out)
    # The libraries are those of the machine that the test runs on.
    if code != 2 or not found or found[1].split()[:2] != ["meson", "ninja-build"] or "libfmt-dev" in found[1]:
        return f"exit code {code}\n{out}"
    return None


def wrong_options_are_refused():
    for options, text in (["--brake"], "--brake"), (["--build", "/nonexistent"], "/nonexistent"), (["--jobs", "0"], "'0'"):
        done = subprocess.run([os.path.join(tree, "tools/demo"), *options], capture_output=True, text=True, timeout=60)
        if done.returncode != 2 or text not in done.stderr:
            return f"{options}: exit code {done.returncode}\n{done.stderr}"
    return None


cases.main([(function.__name__.replace("_", " "), function) for function in (
    both_ledgers_are_exact,
    a_lost_record_is_noticed,
    nothing_is_left_after_an_interrupt,
    nothing_is_left_after_a_termination,
    missing_packages_are_named_to_whoever_is_not_root,
    root_gets_what_is_missing_installed,
    what_apt_get_cannot_install_is_named,
    without_dpkg_only_what_is_not_found_is_named,
    wrong_options_are_refused,
)])
