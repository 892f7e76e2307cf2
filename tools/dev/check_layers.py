#!/usr/bin/env python3
"""Reads every #include of the tree and fails on an arrow that the layers forbid.

    tools/dev/check_layers.py [TREE]

Each violation is one line `file:line: what: rule`; the exit code is 1 if there is any. The rules
are the tables below. Tests and benches may reach into every module and compare with the bare
libraries; nothing may include them.
"""

import os
import re
import sys

RANKS = {
    "core": 0,
    "queue": 1, "aggregate": 1, "encode": 1, "compress": 1, "delivery": 1, "transport": 1,
    "auth": 2,
    "destinations": 3,
    "pipeline": 4,
    "mona_client": 5, "monasca_client": 5,
}
PUBLIC = "public headers"
MAY_INCLUDE = {
    "core": {PUBLIC},
    "auth": {PUBLIC, "core", "encode", "transport"},
    "destinations": {PUBLIC, "core", "encode", "compress", "transport", "auth"},
    "mona_client": {PUBLIC, *RANKS} - {"monasca_client"},
    "monasca_client": {PUBLIC, *RANKS} - {"mona_client"},
    # "Everything" ends at its own rank: the facades stand on the pipeline.
    "pipeline": {PUBLIC, *(m for m, rank in RANKS.items() if rank <= 4)},
    "tools": {PUBLIC, "core", "encode", "compress", "transport", "auth", "delivery"},
    **{m: {PUBLIC, "core"} for m, rank in RANKS.items() if rank == 1},
}

# A library that only one module may include, within src/, tools/ and include/.
OWNERS = {
    re.compile(r"concurrentqueue|moodycamel|readerwriterqueue"): "queue",
    re.compile(r"^(isa-l|isal)\b|^igzip_lib\.h|^libdeflate\.h|^zlib\.h|^zconf\.h"): "compress",
    re.compile(r"^openssl/"): "transport",
}
WHOLE_LIBRARIES = {"boost/asio.hpp", "boost/beast.hpp"}

# No C header: what is standard C++ has a C++ name.
STANDARD = set("""
    algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono
    cinttypes climits clocale cmath codecvt compare complex concepts condition_variable coroutine
    csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype deque
    exception execution filesystem format forward_list fstream functional future initializer_list
    iomanip ios iosfwd iostream istream iterator latch limits list locale map memory memory_resource
    mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator
    semaphore set shared_mutex source_location span sstream stack stdexcept stop_token streambuf
    string string_view strstream syncstream system_error thread tuple type_traits typeindex typeinfo
    unordered_map unordered_set utility valarray variant vector version
""".split())

ROOTS = ("include", "src", "tools", "bench", "tests")
SOURCE = (".hpp", ".h", ".ipp", ".inc", ".cpp", ".cc", ".c")
SCRIPTS = ("meson.build", ".py", ".sh")
INCLUDE = re.compile(r"^\s*#\s*include(?:_next)?\b\s*(.*)$")
PATH = re.compile(r'^([<"])([^>"]+)[>"]')


def without_block_comments(text):
    """Blanks comments but keeps the line numbers."""
    return re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)


def includes(text):
    for number, line in enumerate(without_block_comments(text).split("\n"), 1):
        if found := INCLUDE.match(line):
            path = PATH.match(found.group(1))
            yield number, *(path.groups() if path else (None, found.group(1)))


def module_of(file):
    """include/… is public; src/<module>/…; a file straight in src/ belongs to no module."""
    parts = file.split("/")
    if parts[0] == "include":
        return PUBLIC
    if parts[0] == "src":
        return parts[1] if len(parts) > 2 else None
    return parts[0]


def resolve(tree, file, path):
    """Where a quoted include leads, as a path in the tree."""
    for root in ("src", "include", file.split("/")[0], "tests", "bench", "tools"):
        if os.path.isfile(os.path.join(tree, root, path)):
            return f"{root}/{path}"
    return None


def violation(tree, file, bracket, path):
    """The broken rule of one include, or None."""
    here = module_of(file)
    strict = file.split("/")[0] in ("include", "src", "tools")

    if bracket is None:
        return f"include {path}", "the file is named by a macro, nobody can check it"
    if ".." in path.split("/"):
        return f"include {path}", 'no "../": write module/file.hpp'
    if path in WHOLE_LIBRARIES:
        return f"include <{path}>", "include single headers of Asio and Beast"

    if bracket == "<" and path.startswith("monarc/"):
        target = f"include/{path}"
        if not os.path.isfile(os.path.join(tree, target)):
            return f"include <{path}>", "no such public header"
        return None
    if bracket == "<":
        if path.split("/")[0] in RANKS and os.path.isfile(os.path.join(tree, "src", path)):
            return f"include <{path}>", "our own files stand in quotes"
        if here == PUBLIC and path not in STANDARD:
            return f"include <{path}>", "public headers include only standard headers and <monarc/…>"
        for pattern, owner in OWNERS.items():
            if strict and here != owner and pattern.search(path):
                return f"include <{path}>", f"only src/{owner}/ includes this library"
        return None

    if here == PUBLIC:
        return f'include "{path}"', "public headers include only standard headers and <monarc/…>"
    target = resolve(tree, file, path)
    if target is None:
        return f'include "{path}"', "no such file; write module/file.hpp as seen from src/"
    if target.startswith("include/"):
        return f'include "{path}"', "public headers are included as <monarc/…>"
    there = module_of(target)
    if not strict or there == here:
        return None
    if target.split("/")[0] in ("tests", "bench"):
        return f'include "{path}"', f"nothing outside includes {there}/"
    if here is None:
        return f'include "{path}"', "a file straight in src/ belongs to no module and includes none"
    if there not in MAY_INCLUDE[here]:
        allowed = ", ".join(sorted(MAY_INCLUDE[here], key=lambda m: (RANKS.get(m, -1), m)))
        return f'include "{path}"', f"{here} may include {allowed}"
    return None


def check(tree):
    """All violations of a tree, as lines; and the number of files read."""
    lines, count = [], 0
    for root in ROOTS:
        for folder, folders, names in os.walk(os.path.join(tree, root)):
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            for name in sorted(names):
                full = os.path.join(folder, name)
                file = os.path.relpath(full, tree)
                if os.path.getsize(full) == 0 and name.endswith(SOURCE + SCRIPTS):
                    lines.append(f"{file}:1: the file is empty: no file may be empty")
                if not name.endswith(SOURCE):
                    continue
                count += 1
                module = module_of(file)
                if module is not None and module not in (PUBLIC, *ROOTS, *RANKS):
                    lines.append(f"{file}:1: module {module}: it has no rank in check_layers.py")
                    continue
                with open(full, encoding="utf-8") as source:
                    found = list(includes(source.read()))
                for number, bracket, path in found:
                    if broken := violation(tree, file, bracket, path):
                        lines.append(f"{file}:{number}: {broken[0]}: {broken[1]}")
    return lines, count


def main():
    if len(sys.argv) > 2 or any(a.startswith("-") for a in sys.argv[1:]):
        print(__doc__.strip())
        return 0 if "--help" in sys.argv else 2
    here = os.path.dirname(os.path.abspath(__file__))
    lines, count = check(sys.argv[1] if len(sys.argv) == 2 else os.path.join(here, "..", ".."))
    print("\n".join(lines + [f"{count} files read, {len(lines)} violations"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
