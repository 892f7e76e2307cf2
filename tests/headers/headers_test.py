#!/usr/bin/env python3
"""Public headers compile alone and show no dependency; misuse does not compile and says why.

    headers_test.py TREE [COMPILER...]

Without compilers: g++, and clang++ if there is one.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

TREE = os.path.abspath(sys.argv[1])
sys.dont_write_bytecode = True
sys.path += [os.path.join(TREE, "tests/support"), os.path.join(TREE, "tools/dev")]

import cases
from check_layers import STANDARD

INCLUDE = os.path.join(TREE, "include")
FLAGS = ["-std=c++20", "-I", INCLUDE, "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
BARE = ["-fno-exceptions", "-fno-rtti"]

# What a snippet may use.
PRELUDE = """
#include <array>
#include <complex>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <monarc/monarc.hpp>
using namespace monarc::literals;
enum class side { buy, sell };
"""


def snippet(line):
    return ("void snippet([[maybe_unused]] monarc::exporter& exporter, [[maybe_unused]] monarc::context& loan, "
            f"[[maybe_unused]] const std::string& s) {{\n{line}\n}}\n")


MUST_COMPILE = [
    'loan.push("a"_key = nullptr, "b"_key = true, "c"_key = 1, "d"_key = 1u, "e"_key = 1.5, '
    '"f"_key = 1.5f, "g"_key = "text", "h"_key = s, "i"_key = std::string_view(s));',
    'exporter.push("loan"_class("42"), "age"_key = 33);',
    'constexpr auto age = "age"_key; loan.push(age = 1); loan.push(age = 2);',
    'const auto f = ("x"_key = 1); loan.push(f);',
    'loan.push("x"_key = s + "y");',
    f'loan.push("{"k" * 255}"_key = 1);',
    'loan.push("x_MONA_x"_key = 1);',
    'loan.push("Größe"_key = 1);',
    'std::vector<double> v; std::array<float, 2> a{}; std::span<const std::int64_t> n; '
    'loan.push("v"_key = v, "a"_key = a, "n"_key = n, "s"_key = std::span(v), "t"_key = std::span<double, 2>(v));',
    'std::optional<std::vector<float>> n; std::optional<std::string> t; '
    'loan.push("a"_key = std::optional(1), "n"_key = n, "t"_key = t, "e"_key = std::optional<bool>());',
    'loan.push("o"_key = monarc::object("x"_key = 1, "o"_key = monarc::object("x"_key = s)), '
    '"a"_key = monarc::array(1, "two", s, nullptr, monarc::array(), monarc::json("{}")));',
    'const auto f = ("o"_key = monarc::object("x"_key = 1)); loan.push(f);',
    'monarc::class_name c(s); exporter.push(c(1), "x"_key = 1); exporter.push(c(s), "x"_key = s); '
    'exporter.push(c(monarc::uuid{1, 2}).at({}), "x"_key = monarc::object()); exporter.push_json(c("x"), s);',
    'constexpr auto run = "loan"_class(monarc::uuid{}); exporter.push(run, "x"_key = 1);',
    'loan.push_json(s); loan.at({}).push_json(s); monarc::context part = loan.sub("1", "part");',
    'monarc::record r; r.add(monarc::key("a"), std::optional<double>()).add(monarc::key("b"), nullptr);',
    f'loan.push("o"_key = {"monarc::array(" * 11}{")" * 11});',
]

# A piece of the first error that the compiler prints.
MUST_NOT_COMPILE = [
    ("a key that begins with MONA_", 'loan.push("MONA_x"_key = 1);',
     "keys that begin with MONA_ belong to Mona and would be stripped"),
    ("the same with an id", 'exporter.push("loan"_class("42"), "MONA_x"_key = 1);',
     "keys that begin with MONA_ belong to Mona and would be stripped"),
    ("a key of 256 bytes", f'loan.push("{"k" * 256}"_key = 1);', "255 bytes"),
    ("a key that is not UTF-8", r'loan.push("\xff"_key = 1);', "UTF-8"),
    ("a key with half a character", r'loan.push("\xc3"_key = 1);', "UTF-8"),
    ("a class of 256 bytes", f'exporter.push("{"c" * 256}"_class("42"), "x"_key = 1);', "255 bytes"),
    ("a character", """loan.push("x"_key = 'a');""",
     "a character is neither text nor a number; write std::string_view(&c, 1) or int(c)"),
    ("an enumerator", 'loan.push("x"_key = side::buy);',
     "an enumerator has no value of its own; pass its name or std::to_underlying(e)"),
    ("a pointer", 'const int* p = nullptr; loan.push("x"_key = p);',
     "a field takes null, bool, integers up to 64 bits, float, double, text"),
    ("a complex number", 'loan.push("x"_key = std::complex<double>(1, 2));',
     "a field takes null, bool, integers up to 64 bits, float, double, text"),
    ("the same key twice", 'loan.push("x"_key = 1, "x"_key = 2);', "the same key twice in one push"),
    ("the same key twice with an id", 'exporter.push("loan"_class("42"), "x"_key = 1, "x"_key = 2);',
     "the same key twice in one push"),
    ("a vector of other numbers", 'std::vector<int> v; loan.push("x"_key = v);', "many double, float or std::int64_t"),
    ("an optional object", 'loan.push("x"_key = std::optional(monarc::object()));', "std::optional of these"),
    ("an enumerator in an array", 'loan.push("x"_key = monarc::array(1, side::buy));',
     "an enumerator has no value of its own; pass its name or std::to_underlying(e)"),
    ("a key that begins with MONA_ in an object", 'loan.push("x"_key = monarc::object("MONA_x"_key = 1));',
     "keys that begin with MONA_ belong to Mona and would be stripped"),
    ("the same key twice in an object", 'loan.push("x"_key = monarc::object("a"_key = 1, "a"_key = 2));',
     "the same key twice in one object"),
    ("twelve arrays in one another", f'loan.push("x"_key = {"monarc::array(" * 12}{")" * 12});', "at most 11 deep"),
    ("a stored object with a text", 'auto f = ("x"_key = monarc::object("a"_key = s)); loan.push(f);',
     "write text fields inside the call: a field only points at its text"),
    ("many numbers, stored", 'std::vector<double> v; auto f = ("x"_key = v); loan.push(f);',
     "write text fields inside the call: a field only points at its text"),
    ("a stored text field", 'auto f = ("x"_key = s + "y"); loan.push(f);',
     "write text fields inside the call: a field only points at its text"),
]


def compilers():
    if len(sys.argv) > 2:
        return sys.argv[2:]
    clang = next((c for c in ("clang++", "clang++-14", "clang++-15", "clang++-16") if shutil.which(c)), None)
    return ["g++"] + ([clang] if clang else [])


def compile_text(compiler, text, *flags):
    """What the compiler printed, and whether it was content. `text` stands in a file of its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".cpp", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(
            [compiler, *FLAGS, "-fsyntax-only", *flags, file.name],
            capture_output=True, text=True, errors="replace", env={**os.environ, "LC_ALL": "C"})
    return done.stdout + done.stderr, done.returncode == 0


def must_compile(compiler, text, *flags):
    printed, content = compile_text(compiler, text, *flags)
    return None if content else printed[:4000]


def must_not_compile(compiler, text, expected, *flags):
    printed, content = compile_text(compiler, text, *flags)
    if content:
        return "it compiles"
    first = next((line for line in printed.split("\n") if "error:" in line), printed)
    return None if expected in first else f"expected: {expected}\nprinted: {printed[:2000]}"


def headers_in_the_folder():
    found = (os.path.relpath(os.path.join(folder, name), INCLUDE)
             for folder, _, names in os.walk(INCLUDE) for name in names)
    return sorted(name for name in found if name != "meson.build")


def the_list():
    with open(os.path.join(INCLUDE, "meson.build"), encoding="utf-8") as text:
        listed = sorted(re.findall(r"'(monarc/[^']+\.\w+)'", text.read()))
    return None if listed == HEADERS else f"in include/: {HEADERS}\nlisted:      {listed}"


def files_read(compiler, text):
    """Every file that a text includes, however deep."""
    done = subprocess.run(
        [compiler, *FLAGS, "-M", "-MT", "x", "-x", "c++", "-"],
        input=text, capture_output=True, text=True, check=True)
    return {os.path.realpath(f) for f in done.stdout.replace("\\\n", " ").split()[1:] if f != "-"}


def dependencies():
    text = "".join(f"#include <{header}>\n" for header in HEADERS)
    foreign = files_read("g++", text) - STANDARD_FILES
    foreign = [f for f in foreign if not f.startswith(os.path.realpath(INCLUDE) + os.sep)]
    return f"pulls in {foreign}" if foreign else None


def standard_files():
    """What the standard library is made of here: the yardstick for what a header may pull in."""
    lines = (f"#if __has_include(<{name}>)\n#include <{name}>\n#endif\n" for name in sorted(STANDARD))
    return files_read("g++", '#define _GLIBCXX_PERMIT_BACKWARD_HASH\n' + "".join(lines))


def the_yardstick():
    taken = [f for f in STANDARD_FILES if re.search(r"boost|fmt/|zlib\.h|concurrentqueue", f)]
    if taken or not STANDARD_FILES:
        return f"the standard library seems to contain {taken or 'nothing'}"
    library = next((h for h in ("boost/version.hpp", "zlib.h", "fmt/format.h")
                    if os.path.exists(f"/usr/include/{h}")), None)
    if library is None:
        raise cases.Skip("none of Boost, zlib and fmt is in the usual place")
    if files_read("g++", f"#include <{library}>\n") <= STANDARD_FILES:
        return f"<{library}> passes for standard"
    return None


def no_clang():
    raise cases.Skip("clang++ is not installed")


def precompile(compiler, folder):
    """The prelude is parsed once per compiler; both find the result beside the file."""
    text = os.path.join(folder, compiler.replace("/", "_") + ".hpp")
    with open(text, "w", encoding="utf-8") as out:
        out.write(PRELUDE)
    suffix = ".pch" if "clang" in compiler else ".gch"
    subprocess.run([compiler, *FLAGS, "-x", "c++-header", text, "-o", text + suffix], capture_output=True)
    return "-include", text


HEADERS = headers_in_the_folder()
STANDARD_FILES = standard_files()


def cases_without_compiling():
    yield "include/meson.build lists the headers that are there", the_list
    yield "the yardstick knows a library from the standard one", the_yardstick
    yield "the headers pull in nothing but the standard library", dependencies


def cases_of(compiler, prelude):
    # Whether a header includes what it needs is the same for all compilers: each alone once. Every
    # line is seen by each compiler under both sets of flags.
    if compiler in ("g++", sys.argv[2] if len(sys.argv) > 2 else "g++"):
        for header in HEADERS:
            text = f"#include <{header}>\n"
            yield f"{header} compiles alone: {compiler}", partial(must_compile, compiler, text)
    text = "".join(f"#include <{header}>\n" for header in HEADERS)
    for flags in ([], BARE):
        name = " ".join(["all headers compile together:", compiler, *flags])
        yield name, partial(must_compile, compiler, text, *flags)

    text = "\n".join(f"namespace n{i} {{\n{snippet(line)}}}" for i, line in enumerate(MUST_COMPILE))
    yield f"the control compiles: {compiler}", partial(must_compile, compiler, text, *prelude)
    for name, line, expected in MUST_NOT_COMPILE:
        yield (f"does not compile: {name}: {compiler}",
               partial(must_not_compile, compiler, snippet(line), expected, *prelude))


def main():
    used = compilers()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        preludes = list(pool.map(lambda compiler: precompile(compiler, folder), used))
        listed = list(cases_without_compiling())
        for compiler, prelude in zip(used, preludes):
            listed += cases_of(compiler, prelude)
        if len(used) == 1 and len(sys.argv) == 2:
            listed.append(("headers with clang", no_clang))
        return cases.run(listed, jobs=max(2, os.cpu_count() or 2))


sys.exit(main())
