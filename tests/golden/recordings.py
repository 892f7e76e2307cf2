"""What the tests of both runners share: recordings are played, and altered copies of them must fail."""

import json
import os
import re
import subprocess
import tempfile

import alterations
import cases


def play(runner, folder, *options):
    done = subprocess.run([runner, "--cases", folder, *options], capture_output=True, text=True, timeout=1500)
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


def longest_sleep(recording):
    return max((step.get("seconds", 0) for step in recording["steps"] + sum(
        (step.get("body", []) for step in recording["steps"]), [])), default=0)


def chosen_alterations(expected, number, most):
    """Not more than `most`, spread over all; others for the next recording's number."""
    every = list(alterations.alterations(expected))
    step = -(-len(every) // most) if most else 1
    return every[number % step::step]


def every_altered_copy_fails(runner, originals, most=None):
    """All copies of a recording are held against one play of it. `most`: of each."""
    with tempfile.TemporaryDirectory() as folder:
        done = {}
        for number, recording in enumerate(originals):
            expected = recording["expected"]
            for path, change in chosen_alterations(expected, number, most):
                name = f"{recording['id']}-{len(done)}"
                done[name] = f"{recording['id']}: {alterations.name_of(path, change)}"
                other = {**recording, "expected": alterations.altered(expected, path, change)}
                write(folder, f"{recording['id']}/{name}", other)
        code, said = play(runner, folder, "--play-once")
        unnoticed = [done[name] for name in re.findall(r"^PASS ([^:\n]+)", said, re.M)]
        print(f"altered copies: {len(done)} of {len(originals)} recordings")
        if code != 1 or unnoticed or f"0 passed, {len(done)} failed, 0 skipped" not in said:
            return f"exit code {code}; passed though altered: {unnoticed}\n{said[-2000:]}"
        if "hung or died" in said or "the runner failed" in said:
            return "a copy failed for another reason:\n" + said[-2000:]
    return None


def own_recording_passes(runner, own):
    for name in ("own", "nested/deeper/own"):
        with tempfile.TemporaryDirectory() as folder:
            write(folder, name, own)
            code, said = play(runner, folder)
            if code != 0 or said != "PASS own\n1 passed, 0 failed, 0 skipped\n":
                return f"{name}: exit code {code}\n{said}"
    return None


def write_text(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def what_is_no_recording_fails(runner, own):
    with tempfile.TemporaryDirectory() as folder:
        empty = subprocess.run([runner, "--cases", folder], capture_output=True, text=True, timeout=60)
        if empty.returncode != 1 or "no *.json in" not in empty.stderr:
            return "an empty folder passes"
        if play(runner, os.path.join(folder, "none"))[0] != 2:
            return "a folder that is not there passes"
        write(folder, "other", {"id": "x"})
        write_text(folder, "cut.json", json.dumps(own)[:-20])
        write_text(folder, "nothing.json", "")
        write(folder, "form", {**own, "expected": {**own["expected"], "results": [1]}})
        write(folder, "sound", own)
        code, said = play(runner, folder)
        wanted = [r"FAIL cut: .*cut\.json: no JSON", r"FAIL form: recording: expected\.results has another form",
                  r"FAIL nothing: .*nothing\.json: no JSON", r"FAIL other: no recording of \S+", "PASS sound",
                  "1 passed, 4 failed, 0 skipped", ""]
        return None if code == 1 and re.fullmatch("\n".join(wanted), said) else said


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
