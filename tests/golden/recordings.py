"""What the tests of both runners share: recordings are played, and altered copies of them must fail."""

import copy
import json
import os
import re
import subprocess
import tempfile

import cases


def play(runner, folder):
    done = subprocess.run([runner, "--cases", folder], capture_output=True, text=True, timeout=1500)
    return done.returncode, done.stdout


def write(folder, name, recording):
    path = os.path.join(folder, name + ".json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(recording, file)


def load_recordings(folder):
    if not os.path.isdir(folder):
        raise cases.Skip(f"{folder} is not there")
    all_of_them = []
    for base, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith(".json"):
                with open(os.path.join(base, name), encoding="utf-8") as file:
                    all_of_them.append(json.load(file))
    return all_of_them


def every_altered_copy_fails(runner, originals, alterations):
    """`alterations` change what a recording expects, and say whether they could."""
    with tempfile.TemporaryDirectory() as folder:
        count = 0
        for recording in originals:
            for alter in alterations:
                other = copy.deepcopy(recording)
                if alter(other["expected"]):
                    write(folder, f"{alter.__name__}/{recording['id']}", other)
                    count += 1
        code, said = play(runner, folder)
        passed = [line for line in said.splitlines() if line.startswith("PASS")]
        if code != 1 or passed or f"0 passed, {count} failed, 0 skipped" not in said:
            return f"exit code {code}; passed though altered: {passed}\n{said[-2000:]}"
    return None


def own_recording_passes(runner, own):
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "nested/deeper/own", own)
        code, said = play(runner, folder)
        return None if code == 0 and "1 passed, 0 failed, 0 skipped" in said else said


def what_is_no_recording_fails(runner):
    with tempfile.TemporaryDirectory() as folder:
        if play(runner, folder)[0] != 1:
            return "an empty folder passes"
        write(folder, "other", {"id": "x"})
        code, said = play(runner, folder)
        return None if code == 1 and "FAIL other: no recording" in said else said


def every_recording_passes(runner, folder, allowed_to_skip):
    load_recordings(folder)
    code, said = play(runner, folder)
    skipped = set(re.findall(r"^SKIP ([^:\n]+)", said, re.M))
    for name in sorted(skipped):
        print(f"skipped by the contract: {name}")
    wrong = [line for line in said.splitlines() if line.startswith("FAIL")]
    not_allowed = sorted(name for name in skipped if not allowed_to_skip(name))
    if not_allowed:
        wrong.append(f"skipped though not allowed: {not_allowed}")
    return "\n".join(wrong) if code != 0 or wrong else None


def section_of(contract, number):
    if not os.path.isfile(contract):
        raise cases.Skip(f"{contract} is not there")
    with open(contract, encoding="utf-8") as file:
        return re.search(rf"^## {number} .*?(?=^## {number + 1} )", file.read(), re.S | re.M).group(0)


def table_is_that_of_the_contract(runner, names):
    told = subprocess.run([runner, "--differences"], capture_output=True, text=True, timeout=60).stdout.split()
    if sorted(told) != sorted(names):
        return f"only in the contract: {set(names) - set(told)}; only in the runner: {set(told) - set(names)}"
    return None
