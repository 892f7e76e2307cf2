"""The example on real flights: the ledger is exact, also when the sink is killed meanwhile, and notices a loss."""

import os
import re
import subprocess
import sys
import tempfile

example, monarc, data = sys.argv[1:4]
passed = failed = 0


def run(*options):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [example, "--monarc", monarc, "--data", data, "--store", os.path.join(folder, "flights.ndjson"), *options],
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


def row(text, name):
    """The numbers in a row of the final table."""
    line = next((one for one in text.splitlines() if one.startswith(f"  {name} ")), "")
    return [int(number) for number in re.findall(r"\d+", line[len(name) + 2 :])]


exact = "ledger: exact (Mona)\nledger: exact (Monasca)\n"


sanitized = "MONARC_TEST_SANITIZER" in os.environ
passes = "1" if sanitized else "5"
pushes = 4 * int(passes) * 5000 * 2

code, out, err = run("--passes", passes)
check(
    "every (row, thread, pass) has a context of its own and all of it arrives",
    code == 0
    and out.endswith(exact)
    and row(out, "Mona: records") == [pushes, pushes]
    and row(out, "Mona: contexts") == [pushes // 2] * 2
    and len(row(out, "Mona: fields")) == 3
    and len(set(row(out, "Mona: fields"))) == 1
    and row(out, "Monasca: flights scored") == [pushes // 2] * 2,
    out + err,
)

code, out, err = run("--passes", "1", "--break")
check(
    "a record that Mona's sink loses is noticed, and Monasca's ledger stays exact",
    code == 1 and out.endswith("ledger: NOT exact (Mona)\nledger: exact (Monasca)\n"),
    out + err,
)

code, out, err = run("--passes", passes, "--kill", "3")
check(
    "nothing is lost when the sink is killed with SIGKILL and restarted three times",
    code == 0 and out.endswith(exact) and out.count("sink killed and started again") == 3,
    out + err,
)

code, out, err = run("--threads", "many")
check("a value that is no number is refused", code == 2 and "--threads" in err and "many" in err, out + err)

code, out, err = run("--data", "/nonexistent")
check("a file that is not there is named", code == 2 and "/nonexistent" in err, out + err)

print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
