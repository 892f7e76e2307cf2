#!/usr/bin/env python3
"""What `meson install` leaves is enough for others. The programs and build files of docs/linking.md and docs/testing.md
are built against a prefix outside of the tree, whose build folder is gone, and with the tree as a subproject of meson;
each delivers a record to a sink.

    consumers_test.py TREE BUILD [TEXT]

With TEXT only the cases whose name contains it. BUILD, of which nothing is changed, is installed from a copy: the set-up and the files to install, with a prefix of its own.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import partial

TREE, BUILD = (os.path.realpath(path) for path in sys.argv[1:3])
sys.dont_write_bytecode = True
sys.path += [os.path.join(TREE, "tests/support"), os.path.join(TREE, "tests/cli")]

import cases
from sink_process import Sink

DOCUMENTED = "/opt/monarc"  # what the documents call the prefix
BARE = ("-fno-exceptions", "-fno-rtti")
FOLDER = tempfile.mkdtemp(prefix="monarc-install-")
PREFIX, ARCHIVE_ONLY = os.path.join(FOLDER, "prefix"), os.path.join(FOLDER, "archive-only")


def run(command, folder=FOLDER, **environment):
    """What was printed; a command that fails is told with all of it."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "LC_ALL": "C", **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=800)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


OPTIONS = {o["name"]: o["value"] for o in json.loads(run(["meson", "introspect", "--buildoptions", BUILD]))}
KIND = OPTIONS["default_library"]


# ---- the blocks of the documents

class Document:
    """The code blocks of a document, by heading and language, in their order. Each has to be used."""

    def __init__(self, name):
        with open(os.path.join(TREE, "docs", name), encoding="utf-8") as text:
            parts = re.split(r"^#+ (.*)$", text.read(), flags=re.M)
        self.blocks = {}
        self.used = set()
        for heading, body in zip(parts[1::2], parts[2::2]):
            for language, code in re.findall(r"^```(\w*)\n(.*?)^```$", body, flags=re.M | re.S):
                self.blocks.setdefault((heading, language), []).append(code)

    def block(self, heading, language, number=0):
        self.used.add((heading, language, number))
        return self.blocks[heading, language][number]

    def unused(self):
        everything = {(*key, number) for key, codes in self.blocks.items() for number in range(len(codes))}
        return sorted(everything - self.used)


LINKING, TESTING = Document("linking.md"), Document("testing.md")
FIRST_OF_LINKING, FIRST_OF_TESTING = "Linking monarc", "Testing code that pushes"


def installed_by(block):
    """The options of the documented `meson setup`, with a prefix of our own."""
    words = re.search(r"^meson setup build (.*)$", block, re.M).group(1).split()
    return [word for word in words if word.startswith(("--prefix", "--libdir"))]


# ---- installing

def install_from_a_copy():
    """Installs under PREFIX, then takes the build folder that it was installed from away."""
    block = LINKING.block(FIRST_OF_LINKING, "sh")
    assert "meson install -C build" in block, block
    copy = os.path.join(FOLDER, "build")
    shutil.copytree(os.path.join(BUILD, "meson-private"), os.path.join(copy, "meson-private"))
    for file in json.loads(run(["meson", "introspect", "--installed", BUILD])):
        if file.startswith(BUILD + os.sep) and os.path.exists(file):
            target = os.path.join(copy, os.path.relpath(file, BUILD))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(file, target, follow_symlinks=False)
    options = [word.replace(DOCUMENTED, PREFIX) for word in installed_by(block)]
    run(["meson", "setup", "--reconfigure", *options, copy, TREE])
    run(["meson", "install", "-C", copy, "--no-rebuild"])
    shutil.rmtree(copy)
    # A program with the archive in it would have 80 MB of debug information.
    run(["strip", "--strip-debug", *(os.path.join(PREFIX, name) for name in files_below(PREFIX) if is_binary(name))])


def take_the_shared_libraries_away():
    """ARCHIVE_ONLY is what -Ddefault_library=static would have installed; also, a prefix that was moved."""
    shutil.copytree(PREFIX, ARCHIVE_ONLY, symlinks=True, ignore=shutil.ignore_patterns("*.so", "*.so.*"))
    for name in ("monarc", "monarc_testing"):
        path = os.path.join(ARCHIVE_ONLY, f"lib/pkgconfig/{name}.pc")
        with open(path, encoding="utf-8") as text:
            moved = text.read().replace(PREFIX, ARCHIVE_ONLY)
        with open(path, "w", encoding="utf-8") as out:
            out.write(moved)


def is_binary(name):
    return name.startswith("bin/") or name.endswith(".a") or ".so." in name


def files_below(folder):
    return {os.path.relpath(os.path.join(where, name), folder) for where, _, names in os.walk(folder) for name in names}


def has_these_files():
    headers = {os.path.join("include", os.path.relpath(os.path.join(where, name), os.path.join(TREE, "include")))
               for where, _, names in os.walk(os.path.join(TREE, "include")) for name in names if name.endswith(".hpp")}
    version = re.search(r'VERSION_STRING "(.*)"', open(os.path.join(TREE, "include/monarc/api.hpp")).read()).group(1)
    minor = version.rpartition(".")[0]
    wanted = headers | {
        "bin/monarc", "bin/monasca", "share/man/man1/monarc.1", "share/man/man1/monasca.1",
        "share/bash-completion/completions/monasca", "share/zsh/site-functions/_monasca",
        "share/fish/vendor_completions.d/monasca.fish",
        "lib/pkgconfig/monarc.pc", "lib/pkgconfig/monarc_testing.pc",
        "lib/cmake/monarc/monarcConfig.cmake", "lib/cmake/monarc/monarcConfigVersion.cmake"}
    for name in ("libmonarc", "libmonarc_testing"):
        if KIND != "static":
            wanted |= {f"lib/{name}.so{end}" for end in ("", "." + minor, "." + version)}
        if KIND != "shared":
            wanted.add(f"lib/{name}.a")
    found = files_below(PREFIX)
    return None if found == wanted else f"missing: {sorted(wanted - found)}\nbeside: {sorted(found - wanted)}"


def leads_nowhere():
    """Neither the tree nor a build folder is named by what is installed, nor does the loader look beside it."""
    wrong = []
    for name in sorted(files_below(PREFIX)):
        path = os.path.join(PREFIX, name)
        with open(path, "rb") as file:
            content = file.read()
        wrong += [f"{name} names {one}" for one in (TREE, BUILD, FOLDER + "/build") if one.encode() in content]
        if content.startswith(b"\x7fELF"):
            paths = re.findall(r"\((?:RUNPATH|RPATH)\).*", run(["readelf", "--dynamic", path]))
            wrong += [f"{name}: {one}" for one in paths]
    return "\n".join(wrong) or None


def destdir_is_honoured():
    """The same files below DESTDIR, and nothing beside them."""
    stage = os.path.join(FOLDER, "stage")
    run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"], DESTDIR=stage)
    prefix = OPTIONS["prefix"].lstrip("/")
    # PREFIX has another folder for libraries.
    wanted = {re.sub("^lib/", OPTIONS["libdir"] + "/", name) for name in files_below(PREFIX)}
    beside = files_below(stage) ^ {os.path.join(prefix, name) for name in wanted}
    shutil.rmtree(stage)
    return f"not in both: {sorted(beside)}" if beside else None


# ---- consumers

def folder_for(name, **files):
    """A new folder with these files; `name__ext` stands for name.ext."""
    folder = os.path.join(FOLDER, "consumers", re.sub(r"\W+", "-", name))
    os.makedirs(folder)
    for file, text in files.items():
        with open(os.path.join(folder, file.replace("__", ".")), "w", encoding="utf-8") as out:
            out.write(text)
    return folder


def shell(block, folder, prefix=PREFIX, **environment):
    return run(["bash", "-euo", "pipefail", "-c", block.replace(DOCUMENTED, prefix)], folder, **environment)


def delivers(folder, prefix=PREFIX):
    """Runs `app` as documented, beside a sink that was installed. Returns what is wrong, or None."""
    with Sink(os.path.join(PREFIX, "bin/monarc")) as sink:
        printed = shell(LINKING.block(FIRST_OF_LINKING, "sh", 1), folder, prefix, MONARC_MONA__PORT=str(sink.port))
        summary = sink.stop()
    got = (summary["totals"]["records"], summary["totals"]["fields"], list(summary["classes"]))
    if printed != "delivered: 1\n" or got != (1, 3, ["loan"]):
        return f"printed {printed!r}; the sink has {got}"
    return None


def needed_by(program):
    """The shared libraries that a program asks the loader for, as -l names them."""
    names = re.findall(r"\(NEEDED\).*\[lib(.+?)\.so", run(["readelf", "--dynamic", program]))
    return set(names) - {"stdc++", "m", "gcc_s", "c", "ubsan", "asan"}


MAIN = LINKING.block(FIRST_OF_LINKING, "cpp")


def with_flags(block, flags):
    assert "-std=c++20" in block, block
    return block.replace("-std=c++20", " ".join(["-std=c++20 -Wall -Wextra -Werror", *flags]))


def by_pkg_config(heading, number, prefix, flags, needs):
    if KIND == "shared" and "static" in heading:
        raise cases.Skip("this build has no archive; meson configure -Ddefault_library=both")
    folder = folder_for(f"{heading} {number} {flags}", main__cpp=MAIN)
    # Then the program asks for exactly what it uses.
    block = with_flags(LINKING.block(heading, "sh", number), (*flags, "-Wl,--as-needed"))
    shell(block, folder, prefix)
    wrong = delivers(folder, prefix)
    if needed_by(f"{folder}/app") != needs(prefix):
        return f"asks for {needed_by(f'{folder}/app')}, expected {needs(prefix)}"
    return wrong


def only_monarc(prefix):
    printed = run(["pkg-config", "--print-requires", "--print-requires-private", "monarc"],
                  PKG_CONFIG_PATH=os.path.join(prefix, "lib/pkgconfig"))
    return {"monarc"} if not printed.strip() else printed


def all_but_monarc(prefix):
    flags = run(["pkg-config", "--static", "--libs", "monarc"], PKG_CONFIG_PATH=os.path.join(prefix, "lib/pkgconfig"))
    return {flag[2:] for flag in flags.split() if flag.startswith("-l")} - {"monarc"}


def by_cmake(options, flags, is_shared):
    if shutil.which("cmake") is None:
        raise cases.Skip("cmake is not installed")
    if KIND == "shared" and not is_shared:
        raise cases.Skip("this build has no archive; meson configure -Ddefault_library=both")
    folder = folder_for(f"cmake {options} {flags}", main__cpp=MAIN, CMakeLists__txt=LINKING.block("CMake", "cmake"))
    block = LINKING.block("CMake", "sh").replace("cmake -S .", f"cmake {options} -S .")
    shell(block, folder, CXXFLAGS=" ".join(flags))
    if ("monarc" in needed_by(f"{folder}/app")) != is_shared:
        return f"asks for {needed_by(f'{folder}/app')}"
    return delivers(folder)


def cmake_refuses_another_minor_version():
    if shutil.which("cmake") is None:
        raise cases.Skip("cmake is not installed")
    told = []
    for wanted, is_good in (("0.1.0", True), ("0.1", True), ("0.1.99", False), ("0.2", False), ("0.0", False), ("1.1", False)):
        text = LINKING.block("CMake", "cmake").replace("monarc 0.1 ", f"monarc {wanted} ")
        folder = folder_for(f"cmake version {wanted}", main__cpp=MAIN, CMakeLists__txt=text)
        done = subprocess.run(["cmake", "-S", folder, "-B", f"{folder}/build", f"-DCMAKE_PREFIX_PATH={PREFIX}"],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if (done.returncode == 0) != is_good:
            told.append(f"{wanted}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return "\n".join(told) or None


def by_meson():
    folder = folder_for("meson installed", main__cpp=MAIN, meson__build=LINKING.block("meson", "meson"))
    shell(LINKING.block("meson", "sh", 0), folder)
    return delivers(folder)


def as_subproject():
    """The tree is a link in subprojects/. All flags in one build, because the library is compiled there."""
    text = LINKING.block("meson", "meson")
    variants = {f"app{flag.replace('-', '_')}": flag for flag in BARE}
    for name, flag in variants.items():
        text += f"executable('{name}', 'main.cpp', dependencies: dependency('monarc'), cpp_args: '{flag}')\n"
    # Asked for, and so known; it is not built here.
    text += ("executable('loan_test', 'loan_test.cpp', dependencies: dependency('monarc_testing'), "
             "build_by_default: false)\n")
    folder = folder_for("meson subproject", main__cpp=MAIN, meson__build=text,
                        loan_test__cpp=TESTING.block(FIRST_OF_TESTING, "cpp"))
    os.mkdir(f"{folder}/subprojects")
    os.symlink(TREE, f"{folder}/subprojects/monarc")
    # No monarc that happens to be installed; without optimisation and debug information a file takes half the time.
    block = LINKING.block("meson", "sh", 1).replace(
        "meson setup", "meson setup --force-fallback-for=monarc,monarc_testing -Dbuildtype=plain")
    shell(block, folder)
    wrong = [delivers(folder)]
    for name in variants:
        run(["ninja", "-C", "build", name], folder)
        shutil.copy2(f"{folder}/build/{name}", f"{folder}/app")
        wrong.append(delivers(folder))
    ours = f"{folder}/build/subprojects/monarc"
    built = [name for name in files_below(ours) if os.path.isfile(f"{ours}/{name}") and re.search(r"(^|/)(monarc|libmonarc_testing.*|libmonarc_sink\.a|doctest_main.*)$", name)]
    wrong.append(f"built although nobody asked for it: {built}" if built else None)
    return "\n".join(w for w in wrong if w) or None


# ---- the library for tests

LOAN_TEST = TESTING.block(FIRST_OF_TESTING, "cpp")


def testing_by_pkg_config(flags, is_static):
    if KIND == "shared" and is_static:
        raise cases.Skip("this build has no archive; meson configure -Ddefault_library=both")
    folder = folder_for(f"testing pkg-config {flags} {is_static}", loan_test__cpp=LOAN_TEST)
    block = with_flags(TESTING.block(FIRST_OF_TESTING, "sh"), flags)
    if is_static:
        block = block.replace("--cflags", "--static --cflags")
    shell(block, folder, ARCHIVE_ONLY if is_static else PREFIX)
    return f"asks for {needed_by(f'{folder}/loan_test')}" if is_static == ("monarc" in needed_by(f"{folder}/loan_test")) else None


def testing_by_cmake():
    if shutil.which("cmake") is None:
        raise cases.Skip("cmake is not installed")
    folder = folder_for("testing cmake", loan_test__cpp=LOAN_TEST,
                        CMakeLists__txt=TESTING.block(FIRST_OF_TESTING, "cmake"))
    shell(LINKING.block("CMake", "sh").replace("cp build/app .", ""), folder)
    run([f"{folder}/build/loan_test"])


def testing_by_meson():
    folder = folder_for("testing meson", loan_test__cpp=LOAN_TEST,
                        meson__build=TESTING.block(FIRST_OF_TESTING, "meson"))
    shell(LINKING.block("meson", "sh", 0).replace("cp build/app .", "meson test -C build"), folder)


def the_example_can_fail():
    """With another age than the one that it looks for."""
    folder = folder_for("testing fails", loan_test__cpp=LOAN_TEST.replace('"42", 33', '"42", 34'))
    try:
        shell(TESTING.block(FIRST_OF_TESTING, "sh"), folder)
    except RuntimeError as told:
        return None if "failed: its age" in str(told) else str(told)
    return "it passed"


def every_block_was_used():
    unused = [("linking.md", *block) for block in LINKING.unused()] + [("testing.md", *b) for b in TESTING.unused()]
    return f"not tried: {unused}" if unused else None


def all_cases():
    yield "the installation has these files and no others", has_these_files
    yield "nothing that is installed leads back to the tree or its build", leads_nowhere
    yield "DESTDIR is honoured", destdir_is_honoured
    yield "meson subproject, all flags", as_subproject
    for flags in ((), *((flag,) for flag in BARE)):
        told = "".join(f", {flag}" for flag in flags)
        yield f"pkg-config, shared{told}", partial(by_pkg_config, "pkg-config, shared", 0, PREFIX, flags, only_monarc)
        yield (f"pkg-config, static{told}",
               partial(by_pkg_config, "pkg-config, static", 0, ARCHIVE_ONLY, flags, all_but_monarc))
        yield f"CMake, shared{told}", partial(by_cmake, "", flags, True)
        yield f"CMake, static{told}", partial(by_cmake, "-Dmonarc_USE_STATIC_LIBS=ON", flags, False)
        yield f"monarc_testing by pkg-config{told}", partial(testing_by_pkg_config, flags, False)
    yield ("pkg-config, the archive beside the shared library",
           partial(by_pkg_config, "pkg-config, static", 1, PREFIX, (), all_but_monarc))
    yield "monarc_testing by pkg-config, static", partial(testing_by_pkg_config, (), True)
    yield "monarc_testing by CMake", testing_by_cmake
    yield "CMake refuses another minor version", cmake_refuses_another_minor_version
    yield "meson, installed", by_meson
    yield "monarc_testing by meson, installed", testing_by_meson
    yield "the example of testing.md fails if it is wrong", the_example_can_fail


def give_up(*_):
    """At a SIGTERM: what runs yet has its own signal."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    os._exit(1)


def main():
    for tool in ("pkg-config", "readelf", "strip", "c++"):
        if shutil.which(tool) is None:
            return cases.run([("consumers", partial(skip, f"{tool} is not installed"))])
    signal.signal(signal.SIGTERM, give_up)
    try:
        install_from_a_copy()
        take_the_shared_libraries_away()
        listed = list(all_cases())
        if len(sys.argv) > 3:
            listed = [(name, function) for name, function in listed if sys.argv[3] in name]
        else:
            listed.append(("every block of linking.md and testing.md is tried", every_block_was_used))
        return cases.run(listed, jobs=2)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


def skip(reason):
    raise cases.Skip(reason)


sys.exit(main())
