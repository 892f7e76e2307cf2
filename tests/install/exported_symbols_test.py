#!/usr/bin/env python3
"""The shared libraries export what the public headers declare, and nothing of what is behind them.

    exported_symbols_test.py TREE LIBMONARC LIBMONARC_TESTING
    exported_symbols_test.py --update TREE LIBMONARC LIBMONARC_TESTING

tests/install/exported_symbols.txt is the list. --update writes it anew: look at what changed before it is committed.
Functions that are defined in a header are exported if the compiler did not inline them, so they are not on the list.
"""

import os
import re
import shutil
import subprocess
import sys

arguments = [a for a in sys.argv[1:] if a != "--update"]
TREE, LIBRARIES = os.path.abspath(arguments[0]), arguments[1:]
sys.dont_write_bytecode = True
sys.path.append(os.path.join(TREE, "tests/support"))

import cases

LIST = os.path.join(TREE, "tests/install/exported_symbols.txt")
# What g++ makes of a class beside its functions.
OF_A_CLASS = re.compile(r"^(?:typeinfo|typeinfo name|vtable) for ")
MODULES = sorted(name for name in os.listdir(os.path.join(TREE, "src")) if os.path.isdir(os.path.join(TREE, "src", name)))


def exported(library):
    """Pairs of kind (nm's letter) and demangled name."""
    if shutil.which("nm") is None:
        raise cases.Skip("nm is not installed (binutils)")
    printed = subprocess.run(
        ["nm", "--dynamic", "--defined-only", "--demangle", library], capture_output=True, text=True, check=True).stdout
    return [tuple(line.split(" ", 2)[1:]) for line in printed.splitlines()]


def listed():
    with open(LIST, encoding="utf-8") as lines:
        return set(lines.read().splitlines())


def all_of_their_own():
    """Text of the list: strong symbols of both libraries."""
    return {f"{os.path.basename(library).split('.so')[0]}: {name}"
            for library in LIBRARIES for kind, name in exported(library) if kind in "TDBR"}


def is_as_listed():
    now, before = all_of_their_own(), listed()
    told = [f"new: {name}" for name in sorted(now - before)] + [f"gone: {name}" for name in sorted(before - now)]
    if not told:
        return None
    return "\n".join(told + [f"if that is meant: {sys.argv[0]} --update {' '.join(sys.argv[1:])}"])


def only(library, namespace):
    wrong = []
    for kind, name in exported(library):
        name = OF_A_CLASS.sub("", name)
        if not name.startswith(namespace):
            wrong.append(f"{kind} {name}: not of {namespace}")
        if any(name.startswith(f"monarc::{module}::") for module in MODULES):
            wrong.append(f"{kind} {name}: from inside")
    return "\n".join(wrong) or (None if exported(library) else "nothing is exported")


def main():
    if "--update" in sys.argv:
        with open(LIST, "w", encoding="utf-8") as out:
            out.write("\n".join(sorted(all_of_their_own())) + "\n")
        return 0
    return cases.run([
        ("libmonarc exports only what is monarc's", lambda: only(LIBRARIES[0], "monarc::")),
        ("libmonarc_testing exports only the sink", lambda: only(LIBRARIES[1], "monarc::testing::")),
        ("what is exported is on the list", is_as_listed),
    ])


sys.exit(main())
