"""The trading example on real bars: both ledgers are exact, and a loss at one destination is noticed there."""

import os
import subprocess
import sys
import tempfile

example, monarc, data = sys.argv[1:4]
passed = failed = 0


def run(*options):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [example, "--monarc", monarc, "--data", data, "--store", os.path.join(folder, "ticks.ndjson"), *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )
    return done.returncode, done.stdout, done.stderr


def check(name, holds, shown):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {name}\n{shown}")


passes = "1" if "MONARC_TEST_SANITIZER" in os.environ else "5"

code, out, err = run("--passes", passes)
check(
    "contexts and series from two threads: both ledgers are exact",
    code == 0 and out.endswith("ledger: exact (Mona)\nledger: exact (Monasca)\n"),
    out + err,
)

code, out, err = run("--passes", "1", "--break")
check(
    "a record that Mona's sink loses is noticed, and Monasca's ledger stays exact",
    code == 1 and out.endswith("ledger: NOT exact (Mona)\nledger: exact (Monasca)\n"),
    out + err,
)

code, out, err = run("--data", "/nonexistent")
check("a file that is not there is named", code == 2 and "/nonexistent" in err, out + err)

print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
