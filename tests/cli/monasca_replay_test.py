"""Runs the recordings of python-monascaclient, which lie beside the tree, against `monasca`.

    monasca_replay_test.py MONASCA RECORDINGS
"""

import os
import re
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import cases

MONASCA, RECORDINGS = (os.path.abspath(path) for path in sys.argv[1:3])


def replayed(*folders):
    def case():
        script = os.path.join(RECORDINGS, "replay.py")
        if not os.path.isfile(script):
            raise cases.Skip("the recordings are not beside this tree")
        run = subprocess.run([sys.executable, script, "--cli", MONASCA, *folders], cwd=RECORDINGS,
                             text=True, capture_output=True, timeout=1000)
        found = re.search(r"^(\d+) passed, (\d+) failed$", run.stdout, re.M)
        if not found or int(found.group(1)) == 0 or int(found.group(2)) != 0 or run.returncode != 0:
            return run.stdout[-4000:] + run.stderr[-2000:]
        print(f"{' '.join(folders)}: {found.group()}")
        return None
    return case


cases.main([
    ("the recordings of 2.6.0 are met", replayed("cases")),
    ("the recordings of 1.0.1 that 2.6.0 does not contradict are met", replayed("legacy-1.0.1/union")),
])
