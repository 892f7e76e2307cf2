#!/usr/bin/env python3
"""Every wrap names one commit, says what it provides, and the build asks for it."""

import configparser
import glob
import os
import re
import sys
import tempfile

TREE = sys.argv[1]
sys.dont_write_bytecode = True
sys.path.append(os.path.join(TREE, "tests/support"))

import cases

SOUND = """[wrap-git]
url = https://github.com/someone/thing.git
revision = 0123456789abcdef0123456789abcdef01234567

[provide]
thing = thing_dep
"""


def wrong_with(path, asked_for):
    wrap = configparser.ConfigParser(interpolation=None)
    wrap.read(path)
    if "wrap-git" not in wrap:
        return f"not a wrap-git: {wrap.sections()}"
    git = wrap["wrap-git"]
    if not git.get("url", "").startswith("https://"):
        return f"url is not https: {git.get('url')}"
    if not re.fullmatch(r"[0-9a-f]{40}", git.get("revision", "")):
        return f"revision is no commit of 40 digits: {git.get('revision')}"
    overlay = git.get("patch_directory")
    folder = os.path.join(os.path.dirname(path), "packagefiles", overlay or "")
    if overlay and not os.path.isfile(os.path.join(folder, "meson.build")):
        return f"no packagefiles/{overlay}/meson.build"
    if not wrap.has_section("provide") or not wrap.options("provide"):
        return "nothing in [provide]"
    unused = [name for name in wrap.options("provide") if name not in asked_for]
    return f"the build never asks for {unused}" if unused else None


def dependencies_of_the_build():
    names = set()
    for path in glob.glob(f"{TREE}/meson.build") + glob.glob(f"{TREE}/*/**/meson.build", recursive=True):
        relative = os.path.relpath(path, TREE)
        if not relative.startswith(("build", "subprojects")):
            with open(path, encoding="utf-8") as text:
                names.update(re.findall(r"\bdependency\('([^']+)'", text.read()))
    return {name.lower() for name in names}


def overlays_without_wrap():
    wraps = [open(path, encoding="utf-8").read() for path in WRAPS]
    folders = os.listdir(f"{TREE}/subprojects/packagefiles")
    alone = [f for f in folders if not any(f"patch_directory = {f}\n" in text for text in wraps)]
    return f"no wrap names {alone}" if alone else None


def broken(old, new, expected):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "thing.wrap")
        with open(path, "w", encoding="utf-8") as out:
            out.write(SOUND.replace(old, new))
        got = wrong_with(path, {"thing"})
    return None if (got or "").startswith(expected) and bool(got) == bool(expected) else f"got: {got}"


WRAPS = sorted(glob.glob(f"{TREE}/subprojects/*.wrap"))
ASKED_FOR = dependencies_of_the_build()
PLANTED = [
    ("nothing wrong", "", "", ""),
    ("a wrap-file", "wrap-git", "wrap-file", "not a wrap-git"),
    ("a branch for a revision", "0123456789abcdef0123456789abcdef01234567", "main", "revision is no"),
    ("a short revision", "4567\n", "\n", "revision is no"),
    ("an overlay that is not there", "[provide]", "patch_directory = none\n[provide]", "no packagefiles/none"),
    ("no provide section", "[provide]\nthing = thing_dep\n", "", "nothing in [provide]"),
    ("a dependency nobody asks for", "thing =", "other =", "the build never asks"),
]

cases.main(
    [(os.path.basename(path), lambda p=path: wrong_with(p, ASKED_FOR)) for path in WRAPS]
    + [("each overlay belongs to a wrap", overlays_without_wrap)]
    + [(f"told apart: {name}", lambda p=plant: broken(*p)) for name, *plant in PLANTED]
)
